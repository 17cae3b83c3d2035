"""The body of an update rule with plain names: `v[n+1]` becomes a variable, substeps a running local.

    v[n]    v          the state's value      theta[n+1/2]              theta_half
    v[n+1]  v_next     its next value         theta[n+i/m] in a loop    theta_sub, assigned in every round

Checks what concerns the order and the indices of equations; kinds are checked later, by `check/rule.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netc.compiler.meaning.findings import Report, first_line
from netc.compiler.meaning.kinds import BATCHWISE
from netc.compiler.meaning.m_as_state import in_words, with_own_m
from netc.compiler.meaning.resolve_complaints import MEANINGS, Complaints, target
from netc.compiler.meaning.resolve_moments import BEFORE, NEXT, NOW, START, SUB, Moment, moment
from netc.compiler.meaning.resolve_tree import names_in, rebuild, walk
from netc.compiler.meaning.rule_body import Body, Memory, can_end, equations
from netc.dsl import ast
from netc.dsl.source import Span


def resolve_rule(
    rule: ast.Optimizer,
    losses: frozenset[str],
    report: Report,
    counter: str = "n",
    watched: frozenset[str] = frozenset(),
) -> Body:
    """The body of the rule; what is wrong goes to the report.

    `losses` are the names of the loss (`R[i]` is no state). For a schedule's recursion `counter` is `k`. States that
    are `watched` are kept though no equation may read them.
    """
    before = len(report.diagnostics)
    rule = with_own_m(rule)
    body = _Resolver(rule, losses, Complaints(rule, report, counter), watched).run()
    report.diagnostics[before:] = map(in_words, report.diagnostics[before:])
    return body


def _is_batch(index: ast.Expr, loops: set[str]) -> bool:
    """`L[i]` in a loop over i, `L[1]`; `x[0]` and `x[n+1]` are moments."""
    match index:
        case ast.Name(id):
            return id in loops
        case ast.Number(value):
            return value >= 1
    return False


class _Resolver:
    def __init__(
        self, rule: ast.Optimizer, losses: frozenset[str], complain: Complaints, watched: frozenset[str]
    ) -> None:
        self.rule = rule
        self.losses = losses
        self.complain = complain
        self.counter = complain.n
        self.hypers = {p.name for p in rule.parameters}
        written = list(equations(rule.body))
        indices = {n.name for a in rule.body for n in walk(a) if isinstance(n, ast.For)} - {self.counter}
        self.memories = {e.name for e in written if e.indices and _is_batch(e.indices[0], indices)} - {
            "theta"
        }
        """Names with a value for each batch."""
        self.indexed = {e.name for e in written if e.indices} | ({"theta"} if self.counter == "n" else set())
        self.indexed -= self.memories
        self.locals = {e.name for e in written if not e.indices} - self.hypers - MEANINGS.keys()
        self.targets = {
            (e.name, moment(e.indices[0], self.counter))
            for e in written
            if e.indices and e.name not in self.memories
        }
        self.read_now: dict[str, Span] = dict.fromkeys(watched & self.indexed, rule.span)
        """States whose value at n is read, and where first."""
        self.initial: dict[str, ast.Equation] = {}
        self.defined: dict[tuple[str, Moment | None], Span] = {}
        """What has an equation above the present place; locals have no moment."""
        self.blamed: set[tuple[str, Moment | None]] = set()
        """What has been complained about already."""
        self.loops: dict[str, ast.Expr] = {}
        """Index of each loop around the present place, and its last value."""
        self.branch = False
        """Inside an `if`, between it and the `repeat` around it, if any."""
        self.halves: dict[str, Span] = {}
        """Locals that only one branch of an `if` has set, and where."""
        self.searching = False
        """Inside a `repeat`, where an equation is done again and again."""
        self.late: set[str] = set()
        """Running locals of the present loop whose former value is still read after the new one is set."""
        self.variables: dict[tuple[str, Moment], str] = {}
        self.taken = self.hypers | self.locals | self.indexed | set(MEANINGS)
        self.taken |= {name for action in rule.body for name in names_in(action)}

    def run(self) -> Body:
        actions = self._block(self.rule.body)
        states = tuple(self._states())
        bases = tuple((variable, name) for (name, _), variable in self.variables.items())
        return Body(actions, states, bases, tuple(sorted(self.memories)))

    def _states(self) -> Iterator[Memory]:
        names = [*(["theta"] if self.counter == "n" else []), *sorted(self.indexed - {"theta"})]
        for name in names:
            start = self.initial.get(name)
            if name in self._made_of(name, frozenset()):
                assert start is not None
                self.complain.start_of_itself(name, start.value.span)
                continue
            if (name, NEXT) in self.defined:
                if name == "theta" or name in self.read_now:
                    value = self._read(start.value, initial=True) if start else None
                    span = start.span if start else self.read_now.get(name, self.rule.span)
                    yield Memory(name, self._variable(name, NEXT), value, span)
            elif (name, NEXT) in self.blamed or (name, NOW) in self.defined:
                continue
            elif name == "theta":
                self.complain.never_set(name)
            elif name in self.read_now:
                self.complain.never_updated(name, self.read_now[name])

    def _made_of(self, name: str, seen: frozenset[str]) -> frozenset[str]:
        """The states of whose starts its own is made."""
        start = self.initial.get(name)
        if start is None or name in seen:
            return frozenset()
        read = frozenset(names_in(start.value)) & self.indexed
        return read.union(*(self._made_of(other, seen | {name}) for other in read))

    # -- actions -----------------------------------------------------------------------------------

    def _block(self, actions: tuple[ast.Action, ...]) -> tuple[ast.Action, ...]:
        return tuple(done for action in actions for done in self._action(action))

    def _action(self, action: ast.Action) -> list[ast.Action]:
        match action:
            case ast.Equation():
                return self._equation(action)
            case ast.For():
                return self._for(action)
            case ast.If():
                return [self._if(action)]
            case ast.End(_, condition):
                return [replace(action, condition=self._read(condition))]
            case ast.Repeat(body=body):
                if not any(isinstance(n, ast.Until) for a in body for n in walk(a)):
                    self.complain.endless(action)
                elif any(isinstance(a, ast.Until) for a in body) and not can_end(body):
                    self.complain.unchanging(action)
                outer = self.searching, self.branch
                self.searching, self.branch = True, False
                inside = self._block(body)
                self.searching, self.branch = outer
                return [replace(action, body=inside)]
            case ast.Until(condition):
                if not self.searching or self.branch:
                    self.complain.until_alone(action, self.searching)
                return [replace(action, condition=self._read(condition))]

    def _if(self, action: ast.If) -> ast.If:
        """A state that one branch alone gives a new value keeps its value in the other one."""
        condition, outer, before = self._read(action.condition), self.branch, dict(self.defined)
        self.branch = True
        blocks, after = [], []
        for body in (action.body, action.otherwise):
            self.defined = dict(before)
            blocks.append(self._block(body))
            after.append(self.defined)
        self.branch = outer
        for i, other in ((0, after[1]), (1, after[0])):
            for name, when in [key for key in other if key not in after[i]]:
                if when == NEXT:
                    kept = self._assign(name, NEXT, self._now(name, action.span), action.span)
                    blocks[i] = (*blocks[i], kept)
                elif when is None:
                    self.halves[name] = other[name, when]
        both = after[0].keys() & after[1].keys()
        nexts = {key: span for known in after for key, span in known.items() if key[1] == NEXT}
        self.defined = {key: after[0][key] for key in both} | nexts
        return replace(action, condition=condition, body=blocks[0], otherwise=blocks[1])

    def _for(self, loop: ast.For) -> list[ast.Action]:
        """The loop, before it the start of its running locals, after it their last value as that of n+1."""
        if not isinstance(loop.values, ast.Range):
            self.complain.no_range(loop)
            return []
        values = replace(loop.values, start=self._read(loop.values.start), stop=self._read(loop.values.stop))
        outer = self.searching, self.loops, self.late
        self.searching, self.loops = False, {**self.loops, loop.name: loop.values.stop}
        inside = [e for e in equations(loop.body) if e.indices and self._moment(e.indices[0]) == SUB]
        running = list(dict.fromkeys(e.name for e in inside))
        self.late = {name for name in running if self._reads_late(name, loop.body)}
        starts = [self._assign(n, SUB, self._now(n, loop.span), loop.span) for n in running]
        self.defined |= {(n, SUB): loop.span for n in running}
        copies = [self._assign(n, BEFORE, self._variable(n, SUB), loop.span) for n in sorted(self.late)]
        body = (*copies, *self._block(loop.body))
        self.searching, self.loops, self.late = outer
        for name in running:
            self.defined[name, NEXT] = self.defined.pop((name, SUB))
        ends = [self._assign(n, NEXT, self._variable(n, SUB), loop.span) for n in running]
        return [*starts, replace(loop, values=values, body=body), *ends]

    def _reads_late(self, name: str, body: tuple[ast.Action, ...]) -> bool:
        """Is x[n+(i-1)/m] read after x[n+i/m] was set?"""
        was_set = False
        for equation in equations(body):
            indices = [
                i for i in walk(equation.value) if isinstance(i, ast.Index) and i.base == ast.Name(name)
            ]
            if was_set and any(self._moment(i.index) == BEFORE for i in indices):
                return True
            was_set = was_set or (equation.name == name and bool(equation.indices))
        return False

    def _assign(self, name: str, when: Moment, source: str, span: Span) -> ast.Equation:
        span = first_line(span)
        return ast.Equation(self._variable(name, when), (), ast.Name(source, span=span), span=span)

    def _equation(self, equation: ast.Equation) -> list[ast.Action]:
        name = equation.name
        if name in self.hypers:
            self.complain.parameter_set(equation)
            return []
        if name in MEANINGS:
            self.complain.fixed_name_set(equation)
            return []
        if name in self.memories and equation.indices:
            index = self._batch(equation.indices[0], name)
            return [replace(equation, indices=(index,), value=self._read(equation.value))]
        return self._indexed_equation(equation) if equation.indices else self._local_equation(equation)

    def _batch(self, index: ast.Expr, name: str) -> ast.Expr:
        """The number of a batch: of a loop around, or a number from 1."""
        outside = isinstance(index, ast.Name) and index.id not in {*self.loops, *self.locals}
        if outside or (isinstance(index, ast.Number) and not (index.value >= 1 and index.value % 1 == 0)):
            self.complain.batch_index(index, name)
            return ast.Number(1.0, span=index.span)
        return self._read(index)

    def _local_equation(self, equation: ast.Equation) -> list[ast.Action]:
        name = equation.name
        if name in self.memories:
            self.complain.all_batches(name, target(equation))
            return []
        if name in self.indexed:
            self.complain.index_missing_left(equation)
            self.blamed.add((name, NEXT))
            return []
        own = [n.span for n in walk(equation.value) if n == ast.Name(name)]
        if (name, None) not in self.defined and own:
            self.complain.implicit_local(name, own[0])
            self.blamed.add((name, None))
        value = self._read(equation.value)
        self.defined.setdefault((name, None), equation.span)
        return [replace(equation, value=value)]

    def _indexed_equation(self, equation: ast.Equation) -> list[ast.Action]:
        name, when = equation.name, self._moment(equation.indices[0])
        if when is None or when == BEFORE or (when == NOW and name == "theta"):
            self.complain.bad_index(equation.indices[0], name, writing=True)
            self.blamed.add((name, NEXT))
            return []
        if when == START:
            if name in self.initial:
                self.complain.two_equations(equation, self.initial[name].span)
            self.initial[name] = equation
            return []
        if when == NOW and (name, NEXT) in self.targets:
            self.complain.present_set(equation)
            return []
        indices = [i for i in walk(equation.value) if isinstance(i, ast.Index) and i.base == ast.Name(name)]
        own = [i.span for i in indices if self._moment(i.index) == when]
        if own and (name, when) not in self.defined:
            self.complain.defined_by_itself(equation, own[0])
            self.blamed.add((name, when))
        elif (name, when) in self.defined and when != SUB and not self.searching:
            self.complain.two_equations(equation, self.defined[name, when])
        value = self._read(equation.value)
        self.defined.setdefault((name, when), equation.span)
        return [replace(equation, name=self._variable(name, when), indices=(), value=value)]

    # -- reading -----------------------------------------------------------------------------------

    def _read(self, expr: ast.Expr, initial: bool = False) -> ast.Expr:
        def read(part: ast.Expr) -> ast.Expr:
            return self._read(part, initial)

        match expr:
            case ast.Index(ast.Name(name), index) if name in self.losses:
                return replace(expr, index=read(index))
            case ast.Index(ast.Name(name), index):
                return self._indexed(expr, name, index, initial)
            case ast.Name(id):
                if initial and id in self.locals and (id, None) in self.defined:
                    self.complain.not_at_start(id, expr.span)
                else:
                    self._named(expr, id)
                return expr
            case ast.Call(ast.Name(function), (ast.Argument(None, ast.Name(id)),)) if (
                function in BATCHWISE and id in self.memories
            ):
                return expr
            case ast.Call(ast.Name("argmax")):
                self.complain.argmax(expr)
                return ast.Number(1.0, span=expr.span)
            case ast.Call(ast.Name(), arguments):
                # The function's name is no value, nor is `layer` or `tensor` in `per = layer`.
                values = (a if a.name == "per" else replace(a, value=read(a.value)) for a in arguments)
                return replace(expr, arguments=tuple(values))
        return rebuild(expr, read)

    def _named(self, name: ast.Name, id: str) -> None:
        if id in self.memories:
            self.complain.all_batches(id, name.span)
        elif id in self.indexed:
            self.complain.index_missing(id, name.span)
        elif id in self.halves and not {(id, None)} & (self.defined.keys() | self.blamed):
            self.complain.half_set(id, name.span, self.halves[id])
            self.blamed.add((id, None))
        elif id in self.locals and not {(id, None)} & (self.defined.keys() | self.blamed):
            later = next(e for e in equations(self.rule.body) if e.name == id)
            self.complain.local_too_early(id, name.span, later.span)
            self.blamed.add((id, None))

    def _indexed(self, expr: ast.Index, name: str, index: ast.Expr, initial: bool) -> ast.Expr:
        if name in self.memories:
            return replace(expr, index=self._batch(index, name))
        if name not in self.indexed:
            self._unknown(name, expr.span)
            return ast.Number(0.0, span=expr.span)
        when = self._moment(index)
        if when is None:
            self.complain.bad_index(index, name, writing=False)
        elif initial and when in (START, NOW):
            self.read_now.setdefault(name, expr.span)
            when = NOW
        elif initial and (name, when) in self.defined:
            self.complain.not_at_start(expr.span.text, expr.span)
        elif when == START:
            self.complain.start_read(name, expr.span)
        elif when == NOW and ((name, NOW) not in self.targets or (name, NEXT) in self.targets):
            self.read_now.setdefault(name, expr.span)
        else:
            self._available(name, SUB if when == BEFORE else when, expr.span)
        if when == BEFORE and name not in self.late:
            when = SUB
        return ast.Name(self._variable(name, when or NOW), span=expr.span)

    def _available(self, name: str, when: Moment, span: Span) -> None:
        if (name, when) in self.defined or (name, when) in self.blamed:
            return
        if (name, when) in self.targets or when == SUB:
            self.complain.too_early(name, span)
        else:
            self.complain.no_equation(name, span)
        self.blamed.add((name, when))

    def _unknown(self, name: str, span: Span) -> None:
        if name in self.locals:
            self.complain.index_of_local(name, span)
        elif name in self.hypers:
            self.complain.index_of_parameter(name, span)
        else:
            self.complain.never_updated(name, span, self.indexed)

    # -- moments and variables ---------------------------------------------------------------------

    def _moment(self, index: ast.Expr) -> Moment | None:
        return moment(index, self.counter, self.loops)

    def _now(self, name: str, span: Span) -> str:
        """The variable of a state's value at n, which is read."""
        self.read_now.setdefault(name, span)
        return self._variable(name, NOW)

    def _variable(self, name: str, when: Moment) -> str:
        key = (name, when)
        if key not in self.variables:
            variable = name + when.suffix
            while when != NOW and variable in self.taken:
                variable += "_"
            self.taken.add(variable)
            self.variables[key] = variable
        return self.variables[key]
