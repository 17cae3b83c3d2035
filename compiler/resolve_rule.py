"""The body of an update rule with plain names: `v[n+1]` becomes a variable, substeps a running local.

    v[n]  v            the state's value      theta[n+1/2]              theta_half
    v[n+1]  v_next     its next value         theta[n+i/m] in a loop    theta_sub, assigned in every round

Checks what concerns the order and the indices of equations; kinds are checked later, by `check_rule.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from netc.compiler.check_report import Report
from netc.compiler.resolve_tree import names_in, rebuild, walk
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span

COUNTERS = ("n", "m", "epoch", "weights", "biases", "pi", "inf", "R", "true", "false")
"""Names a rule may read and not define."""


@dataclass(frozen=True)
class Memory:
    """A state: kept from iteration to iteration. `initial` is None: it starts at 0 (theta: as init says)."""

    name: str
    next: str
    """The variable that holds its next value."""
    initial: ast.Expr | None
    span: Span


@dataclass(frozen=True)
class Body:
    """What a rule does in one iteration, in plain names."""

    actions: tuple[ast.Action, ...]
    states: tuple[Memory, ...]
    bases: tuple[tuple[str, str], ...]
    """(variable, state): the variables that are moments of one state share its kind."""


def resolve_rule(rule: ast.Optimizer, losses: frozenset[str], report: Report, counter: str = "n") -> Body:
    """The body of the rule; what is wrong goes to the report.

    `losses` are the names of the loss (`R[i]` is no state). For a schedule's recursion `counter` is `k`.
    """
    return _Resolver(rule, losses, report, counter).run()


@dataclass(frozen=True)
class _Moment:
    """A time: n + `shift`, or inside a loop n+i/m (`sub`) and n+(i-1)/m (`before`); `initial` is [0]."""

    kind: str
    shift: Fraction = Fraction(0)

    @property
    def suffix(self) -> str:
        match self.kind, self.shift:
            case ("at", Fraction(numerator=0)):
                return ""
            case ("at", Fraction(numerator=1, denominator=1)):
                return "_next"
            case ("at", Fraction(numerator=1, denominator=2)):
                return "_half"
            case ("at", shift):
                return f"_{shift.numerator}_{shift.denominator}"
        return f"_{self.kind}"


NOW, NEXT, START = _Moment("at"), _Moment("at", Fraction(1)), _Moment("initial")
SUB, BEFORE = _Moment("sub"), _Moment("before")


class _Resolver:
    def __init__(self, rule: ast.Optimizer, losses: frozenset[str], report: Report, counter: str) -> None:
        self.rule = rule
        self.losses = losses
        self.report = report
        self.counter = counter
        self.hypers = {p.name for p in rule.parameters}
        equations = [node for action in rule.body for node in walk(action) if isinstance(node, ast.Equation)]
        self.indexed = {e.name for e in equations if e.indices} | ({"theta"} if counter == "n" else set())
        self.locals = {e.name for e in equations if not e.indices}
        self.targets = {(e.name, self._moment(e.indices[0], {})) for e in equations if e.indices}
        self.read_now: dict[str, Span] = {}
        """States whose value at n is read, and where first."""
        self.initial: dict[str, ast.Equation] = {}
        self.defined: dict[tuple[str, _Moment | None], Span] = {}
        self.loops: dict[str, ast.Expr] = {}
        """Index of each loop around the present place, and its last value."""
        self.searching = False
        """Inside a `repeat`, where an equation is done again and again."""
        self.late: set[str] = set()
        """Running locals of the present loop whose former value is still read after the new one is set."""
        self.variables: dict[tuple[str, _Moment], str] = {}
        self.taken = self.hypers | self.locals | self.indexed | set(COUNTERS)

    def run(self) -> Body:
        self._clashes()
        actions = self._block(self.rule.body)
        states = tuple(self._states())
        bases = tuple((variable, name) for (name, _), variable in self.variables.items())
        return Body(actions, states, bases)

    def _states(self) -> Iterable[Memory]:
        names = [*(["theta"] if self.counter == "n" else []), *sorted(self.indexed - {"theta"})]
        for name in names:
            start = self.initial.get(name)
            if (name, NEXT) not in self.defined:
                self._never_updated(name, start)
            elif name == "theta" or name in self.read_now:
                span = start.span if start else self.read_now.get(name, self.rule.span)
                value = self._read(start.value, initial=True) if start else None
                yield Memory(name, self._variable(name, NEXT), value, span)

    def _never_updated(self, name: str, start: ast.Equation | None) -> None:
        step = f"{name}[{self.counter}+1]"
        if name == "theta":
            self.report.error(
                "E0404",
                _heading(self.rule),
                f"the rule never says what {step} is",
                hints=(f"add the equation '{step} = theta[n] - ...'",),
            )
        elif (name in self.read_now or start is not None) and (name, NOW) not in self.defined:
            span = (
                self.read_now[name] if name in self.read_now else target(start) if start else self.rule.span
            )
            self.report.error(
                "E0403",
                span,
                f"the state '{name}' is read but never updated",
                hints=(f"add an equation '{step} = ...'; a constant needs no index",),
            )

    def _clashes(self) -> None:
        for node in (n for action in self.rule.body for n in walk(action)):
            if not isinstance(node, ast.Equation):
                continue
            if node.name in self.hypers:
                self.report.error(
                    "E0407",
                    target(node),
                    f"'{node.name}' is a parameter of the rule, it cannot be set",
                    hints=("give the local another name",),
                )
            elif node.name in COUNTERS:
                self.report.error(
                    "E0407",
                    target(node),
                    f"'{node.name}' has a fixed meaning, it cannot be set",
                    notes=(_meaning(node.name),),
                )
            elif not node.indices and node.name in self.indexed:
                self.report.error(
                    "E0406",
                    target(node),
                    f"'{node.name}' needs an index here",
                    hints=(f"its new value is {node.name}[{self.counter}+1]",),
                )

    # -- actions -----------------------------------------------------------------------------------

    def _block(self, actions: tuple[ast.Action, ...]) -> tuple[ast.Action, ...]:
        done: list[ast.Action] = []
        for action in actions:
            done.extend(self._action(action))
        return tuple(done)

    def _action(self, action: ast.Action) -> list[ast.Action]:
        match action:
            case ast.Equation():
                return self._equation(action)
            case ast.For():
                return self._for(action)
            case ast.Repeat():
                return [self._repeat(action)]
            case ast.Until(condition):
                if not self.searching:
                    self.report.error(
                        "E0408", action.span, "'until' ends a 'repeat:', there is none around it"
                    )
                return [replace(action, condition=self._read(condition))]

    def _repeat(self, action: ast.Repeat) -> ast.Action:
        if not any(isinstance(a, ast.Until) for a in action.body):
            self.report.error(
                "E0408",
                _heading(action),
                "this 'repeat:' never ends",
                hints=("add a line 'until CONDITION' to its block",),
            )
        outer, self.searching = self.searching, True
        body = self._block(action.body)
        self.searching = outer
        return replace(action, body=body)

    def _for(self, loop: ast.For) -> list[ast.Action]:
        """The loop, before it the start of its running locals, after it their last value as that of n+1."""
        if not isinstance(loop.values, ast.Range):
            self.report.error(
                "E0402",
                loop.values.span,
                "a loop runs over whole numbers from ... to",
                hints=(f"write 'for {loop.name} in 1..m:'",),
            )
            return []
        values = ast.Range(self._read(loop.values.start), self._read(loop.values.stop), span=loop.values.span)
        outer, self.searching, self.loops = (
            (self.searching, self.loops),
            False,
            {**self.loops, loop.name: values.stop},
        )
        running = [
            e.name
            for a in loop.body
            for e in walk(a)
            if isinstance(e, ast.Equation) and e.indices and self._moment(e.indices[0], self.loops) == SUB
        ]
        running = list(dict.fromkeys(running))
        before = [
            self._assign(name, SUB, ast.Name(self._state_now(name, loop.span)), loop.span) for name in running
        ]
        for name in running:
            self.defined[name, SUB] = loop.span
        copies = [n for n in running if self._late_reads(n, loop.body)]
        body: list[ast.Action] = [
            self._assign(n, BEFORE, ast.Name(self._variable(n, SUB)), loop.span) for n in copies
        ]
        self.late = set(copies)
        body += self._block(loop.body)
        self.late = set()
        self.searching, self.loops = outer
        after = [self._assign(n, NEXT, ast.Name(self._variable(n, SUB)), loop.span) for n in running]
        for name in running:
            self.defined[name, NEXT] = loop.span
            del self.defined[name, SUB]
        return [*before, replace(loop, values=values, body=tuple(body)), *after]

    def _late_reads(self, name: str, body: tuple[ast.Action, ...]) -> bool:
        """Is x[n+(i-1)/m] read after x[n+i/m] was set?"""
        was_set = False
        for node in (n for action in body for n in walk(action)):
            if isinstance(node, ast.Equation):
                reads = {
                    self._moment(i.index, self.loops)
                    for i in walk(node.value)
                    if isinstance(i, ast.Index) and i.base == ast.Name(name)
                }
                if was_set and BEFORE in reads:
                    return True
                was_set = was_set or (node.name == name and bool(node.indices))
        return False

    def _assign(self, name: str, moment: _Moment, value: ast.Expr, span: Span) -> ast.Equation:
        return ast.Equation(self._variable(name, moment), (), replace(value, span=span), span=span)

    def _equation(self, equation: ast.Equation) -> list[ast.Action]:
        name = equation.name
        if not equation.indices:
            self._implicit_local(equation)
            value = self._read(equation.value)
            self.defined.setdefault((name, None), equation.span)
            return [replace(equation, value=value)]
        moment = self._moment(equation.indices[0], self.loops)
        if moment is None or moment == BEFORE or (moment == NOW and name == "theta"):
            self._bad_index(equation.indices[0], name, writing=True)
            return []
        if moment == START:
            if name in self.initial:
                self._twice(equation, self.initial[name].span)
            self.initial[name] = equation
            return []
        if moment == NOW and (name, NEXT) in self.targets:
            self.report.error(
                "E0402",
                target(equation),
                f"the equation should be that of {name}[{self.counter}+1]",
                notes=(f"{name}[{self.counter}] is the value from the iteration before",),
            )
            return []
        if (name, moment) in self.defined and moment != SUB and not self.searching:
            self._twice(equation, self.defined[name, moment])
        if self._implicit(equation, name, moment):
            return []
        value = self._read(equation.value)
        self.defined.setdefault((name, moment), equation.span)
        return [replace(equation, name=self._variable(name, moment), indices=(), value=value)]

    def _twice(self, equation: ast.Equation, first: Span) -> None:
        self.report.error(
            "E0412",
            target(equation),
            f"{target(equation).text} has two equations",
            related=((first, "the first one"),),
            hints=("name one of them differently, or make one equation of both",),
        )

    def _implicit(self, equation: ast.Equation, name: str, moment: _Moment) -> bool:
        """An equation that reads what it defines: v[n+1] = (1 - beta1)*v[n+1] + ..."""
        if (name, moment) in self.defined:
            return False
        for node in walk(equation.value):
            if (
                isinstance(node, ast.Index)
                and node.base == ast.Name(name)
                and self._moment(node.index, self.loops) == moment
            ):
                shown, now = target(equation).text, f"{name}[{self.counter}]"
                self.report.error(
                    "E0401",
                    node.span,
                    f"{shown} is defined by itself",
                    label=f"likely meant: {now}",
                    related=((target(equation), "the equation for it"),),
                    notes=(
                        f"literally this is an equation to be solved for {shown}, which netc does not do",
                    ),
                    hints=(f"write {now}, the value from the iteration before",),
                )
                return True
        return False

    def _implicit_local(self, equation: ast.Equation) -> None:
        if (equation.name, None) not in self.defined and equation.name in names_in(equation.value):
            spans = [n.span for n in walk(equation.value) if n == ast.Name(equation.name)]
            self.report.error(
                "E0401",
                spans[0],
                f"'{equation.name}' is defined by itself",
                notes=("a name without index is a local: it has no value from the iteration before",),
                hints=(
                    f"a state has an index: {equation.name}[{self.counter}+1] = ... "
                    f"{equation.name}[{self.counter}] ...",
                ),
            )
            self.defined[equation.name, None] = equation.span

    # -- reading -----------------------------------------------------------------------------------

    def _read(self, expr: ast.Expr, initial: bool = False) -> ast.Expr:
        match expr:
            case ast.Index(ast.Name(name), index) if name in self.losses:
                return replace(expr, index=self._read(index, initial))
            case ast.Index(ast.Name(name), index):
                return self._indexed(expr, name, index, initial)
            case ast.Name(id):
                return self._named(expr, id)
            case ast.Call(
                ast.Name(), arguments
            ):  # the function's name is no value, nor is `layer` in `per = layer`
                read = (
                    a if a.name == "per" else replace(a, value=self._read(a.value, initial))
                    for a in arguments
                )
                return replace(expr, arguments=tuple(read))
        return rebuild(expr, lambda e: self._read(e, initial))

    def _named(self, name: ast.Name, id: str) -> ast.Expr:
        if id in self.indexed:
            hint = f"{id}[{self.counter}] is its value now, {id}[{self.counter}+1] its next one"
            self.report.error("E0406", name.span, f"'{id}' needs an index", hints=(hint,))
        elif id in self.locals and (id, None) not in self.defined:
            later = next(
                n for a in self.rule.body for n in walk(a) if isinstance(n, ast.Equation) and n.name == id
            )
            self.report.error(
                "E0405", name.span, f"'{id}' is read before it is set", related=((later.span, "set here"),)
            )
            self.defined[id, None] = later.span
        return name

    def _indexed(self, expr: ast.Index, name: str, index: ast.Expr, initial: bool) -> ast.Expr:
        moment = self._moment(index, self.loops)
        if name not in self.indexed:
            return self._unknown(expr, name, moment)
        if moment is None:
            self._bad_index(index, name, writing=False)
        elif moment == START and not initial:
            self.report.error(
                "E0402",
                expr.span,
                f"{name}[0] can be read in initial values only",
                hints=(f"keep it: old[0] = {name}[0] and old[{self.counter}+1] = old[{self.counter}]",),
            )
        elif moment == NOW and (name, NOW) not in self.targets:
            self.read_now.setdefault(name, expr.span)
        elif moment in (START, NOW) and initial:
            self.read_now.setdefault(name, expr.span)
            return ast.Name(name, span=expr.span)
        else:
            self._available(expr, name, moment)
        if moment == BEFORE:
            moment = BEFORE if name in self.late else SUB
        return ast.Name(self._variable(name, moment or NOW), span=expr.span)

    def _available(self, expr: ast.Index, name: str, moment: _Moment) -> None:
        wanted = SUB if moment == BEFORE else moment
        if (name, wanted) in self.defined:
            return
        if (name, wanted) not in self.targets and wanted != SUB:
            self.report.error(
                "E0405",
                expr.span,
                f"no equation says what {_shown(expr)} is",
                hints=(f"{name}[{self.counter}] is the value from the iteration before",),
            )
        else:
            self.report.error(
                "E0405",
                expr.span,
                f"{_shown(expr)} is read before its equation",
                hints=(f"move its equation up, or read {name}[{self.counter}]",),
            )
        self.defined[name, wanted] = expr.span

    def _unknown(self, expr: ast.Index, name: str, moment: _Moment | None) -> ast.Expr:
        if name in self.locals:
            self.report.error(
                "E0406",
                expr.span,
                f"'{name}' is a local: it has no index",
                hints=(f"write {name}, or give its equation an index: {name}[{self.counter}+1] = ...",),
            )
        elif name in self.hypers:
            self.report.error(
                "E0406",
                expr.span,
                f"'{name}' is a parameter of the rule: it has no index",
                hints=(f"write {name}; 'schedule {name} = ...' lets it change",),
            )
        else:
            close = did_you_mean(name, self.indexed)
            self.report.error(
                "E0403",
                expr.span,
                f"the state '{name}' is read but never updated",
                hints=close or (f"add an equation '{name}[{self.counter}+1] = ...'",),
            )
        return ast.Number(0.0, span=expr.span)

    def _bad_index(self, index: ast.Expr, name: str, writing: bool) -> None:
        n = self.counter
        forms = (
            f"{n}+1, a substep {n}+1/2 or {n}+i/m, and 0 for the start"
            if writing
            else f"{n}, {n}+1, substeps such as {n}+1/2, and {n}+(i-1)/m in a loop"
        )
        hints: tuple[str, ...] = ()
        if isinstance(index, ast.Binary) and index.op == "-" and not writing:
            hints = (f"an older value is a state: old[{n}+1] = {name}[{n}], then read old[{n}]",)
        verb = "set" if writing else "read"
        self.report.error(
            "E0402",
            index.span,
            f"'{name}' cannot be {verb} at [{index.span.text}]",
            notes=(f"indices are {forms}",),
            hints=hints,
        )

    # -- moments and variables ---------------------------------------------------------------------

    def _moment(self, index: ast.Expr, loops: dict[str, ast.Expr]) -> _Moment | None:
        n = ast.Name(self.counter)
        match index:
            case ast.Number(0.0):
                return START
            case ast.Name() if index == n:
                return NOW
            case ast.Binary("+", left, right) if left == n:
                return self._shift(right, loops)
        return None

    def _shift(self, shift: ast.Expr, loops: dict[str, ast.Expr]) -> _Moment | None:
        match shift:
            case ast.Number(value) if 0 <= value <= 1:
                return _Moment("at", Fraction(value).limit_denominator(1000))
            case ast.Binary("/", ast.Number(p), ast.Number(q)) if 0 <= p <= q and q > 0:
                return _Moment("at", (Fraction(p) / Fraction(q)).limit_denominator(1000))
            case ast.Binary("/", ast.Name(i), last) if not loops or loops.get(i) == last:
                return SUB
            case ast.Binary("/", ast.Binary("-", ast.Name(i), ast.Number(1.0)), last) if loops.get(i) == last:
                return BEFORE
        return None

    def _state_now(self, name: str, span: Span) -> str:
        self.read_now.setdefault(name, span)
        return self._variable(name, NOW)

    def _variable(self, name: str, moment: _Moment) -> str:
        key = (name, moment)
        if key not in self.variables:
            variable = name + moment.suffix
            while moment != NOW and variable in self.taken:
                variable += "_"
            self.taken.add(variable)
            self.variables[key] = variable
        return self.variables[key]


def target(equation: ast.Equation) -> Span:
    """The left side of an equation."""
    span = equation.span
    left = span.text.split("=", 1)[0].rstrip()
    return Span(span.source, span.start, span.start + len(left)) if left else span


def _heading(node: ast.Node) -> Span:
    line = node.span.text.split("\n", 1)[0].rstrip()
    return Span(node.span.source, node.span.start, node.span.start + len(line)) if line else node.span


def _shown(expr: ast.Index) -> str:
    base = expr.base.id if isinstance(expr.base, ast.Name) else "it"
    return expr.span.text or f"{base}[...]"


def _meaning(name: str) -> str:
    return {
        "n": "n counts the iterations from 0",
        "m": "m is the number of batches",
        "epoch": "epoch is n divided by the iterations of one epoch",
        "weights": "weights is the vector with 1 at every weight and 0 at every bias",
        "biases": "biases is the vector with 1 at every bias and 0 at every weight",
        "R": "R is the loss",
    }.get(name, f"{name} is a constant")
