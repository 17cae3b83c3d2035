"""The body of an update rule with plain names: `v[n+1]` becomes a variable, substeps a running local.

    v[n]    v          the state's value      theta[n+1/2]              theta_half
    v[n+1]  v_next     its next value         theta[n+i/m] in a loop    theta_sub, assigned in every round

Checks what concerns the order and the indices of equations; kinds are checked later, by `check/rule.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netc.compiler.meaning.findings import Report, first_line
from netc.compiler.meaning.m_as_state import in_words, with_own_m
from netc.compiler.meaning.resolve_complaints import MEANINGS, Complaints, target
from netc.compiler.meaning.resolve_moments import BEFORE, NEXT, NOW, START, SUB, Moment
from netc.compiler.meaning.resolve_reading import Reading
from netc.compiler.meaning.rule_body import Body, Memory, can_end, equations
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.walks import names_in, walk


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


class _Resolver(Reading):
    def __init__(
        self, rule: ast.Optimizer, losses: frozenset[str], complain: Complaints, watched: frozenset[str]
    ) -> None:
        super().__init__(rule, losses, complain, watched)
        self.initial: dict[str, ast.Equation] = {}
        self.branch = False
        """Inside an `if`, between it and the `repeat` around it, if any."""
        self.searching = False
        """Inside a `repeat`, where an equation is done again and again."""

    def run(self) -> Body:
        actions = self._block(self.rule.body)
        states = tuple(self._states())
        return Body(actions, states, self.names.bases(), tuple(sorted(self.names.memories)))

    def _states(self) -> Iterator[Memory]:
        names = [*(["theta"] if self.counter == "n" else []), *sorted(self.names.indexed - {"theta"})]
        for name in names:
            start = self.initial.get(name)
            if name in self._made_of(name, frozenset()):
                assert start is not None
                self.complain.start_of_itself(name, start.value.span)
                continue
            if (name, NEXT) in self.defined:
                if name == "theta" or name in self.read_now:
                    value = self.read_in(start.value, initial=True) if start else None
                    span = start.span if start else self.read_now.get(name, self.rule.span)
                    yield Memory(name, self.names.variable(name, NEXT), value, span)
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
        read = frozenset(names_in(start.value)) & self.names.indexed
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
                return [replace(action, condition=self.read_in(condition))]
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
                return [replace(action, condition=self.read_in(condition))]

    def _if(self, action: ast.If) -> ast.If:
        """A state that one branch alone gives a new value keeps its value in the other one."""
        condition, outer, before = self.read_in(action.condition), self.branch, dict(self.defined)
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
                    kept = self._assign(name, NEXT, self.now(name, action.span), action.span)
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
        values = replace(
            loop.values, start=self.read_in(loop.values.start), stop=self.read_in(loop.values.stop)
        )
        outer = self.searching, self.loops, self.late
        self.searching, self.loops = False, {**self.loops, loop.name: loop.values.stop}
        inside = [e for e in equations(loop.body) if e.indices and self.moment_of(e.indices[0]) == SUB]
        running = list(dict.fromkeys(e.name for e in inside))
        self.late = {name for name in running if self._reads_late(name, loop.body)}
        starts = [self._assign(n, SUB, self.now(n, loop.span), loop.span) for n in running]
        self.defined |= {(n, SUB): loop.span for n in running}
        copies = [self._assign(n, BEFORE, self.names.variable(n, SUB), loop.span) for n in sorted(self.late)]
        body = (*copies, *self._block(loop.body))
        self.searching, self.loops, self.late = outer
        for name in running:
            self.defined[name, NEXT] = self.defined.pop((name, SUB))
        ends = [self._assign(n, NEXT, self.names.variable(n, SUB), loop.span) for n in running]
        return [*starts, replace(loop, values=values, body=body), *ends]

    def _reads_late(self, name: str, body: tuple[ast.Action, ...]) -> bool:
        """Is x[n+(i-1)/m] read after x[n+i/m] was set?"""
        was_set = False
        for equation in equations(body):
            indices = [
                i for i in walk(equation.value) if isinstance(i, ast.Index) and i.base == ast.Name(name)
            ]
            if was_set and any(self.moment_of(i.index) == BEFORE for i in indices):
                return True
            was_set = was_set or (equation.name == name and bool(equation.indices))
        return False

    def _assign(self, name: str, when: Moment, source: str, span: Span) -> ast.Equation:
        span = first_line(span)
        return ast.Equation(self.names.variable(name, when), (), ast.Name(source, span=span), span=span)

    def _equation(self, equation: ast.Equation) -> list[ast.Action]:
        name = equation.name
        if name in self.names.hypers:
            self.complain.parameter_set(equation)
            return []
        if name in MEANINGS:
            self.complain.fixed_name_set(equation)
            return []
        if name in self.names.memories and equation.indices:
            index = self.batch(equation.indices[0], name)
            return [replace(equation, indices=(index,), value=self.read_in(equation.value))]
        return self._indexed_equation(equation) if equation.indices else self._local_equation(equation)

    def _local_equation(self, equation: ast.Equation) -> list[ast.Action]:
        name = equation.name
        if name in self.names.memories:
            self.complain.all_batches(name, target(equation))
            return []
        if name in self.names.indexed:
            self.complain.index_missing_left(equation)
            self.blamed.add((name, NEXT))
            return []
        own = [n.span for n in walk(equation.value) if n == ast.Name(name)]
        if (name, None) not in self.defined and own:
            self.complain.implicit_local(name, own[0])
            self.blamed.add((name, None))
        value = self.read_in(equation.value)
        self.defined.setdefault((name, None), equation.span)
        return [replace(equation, value=value)]

    def _indexed_equation(self, equation: ast.Equation) -> list[ast.Action]:
        name, when = equation.name, self.moment_of(equation.indices[0])
        if when is None or when == BEFORE or (when == NOW and name == "theta"):
            self.complain.bad_index(equation.indices[0], name, writing=True)
            self.blamed.add((name, NEXT))
            return []
        if when == START:
            if name in self.initial:
                self.complain.two_equations(equation, self.initial[name].span)
            self.initial[name] = equation
            return []
        if when == NOW and (name, NEXT) in self.names.targets:
            self.complain.present_set(equation)
            return []
        indices = [i for i in walk(equation.value) if isinstance(i, ast.Index) and i.base == ast.Name(name)]
        own = [i.span for i in indices if self.moment_of(i.index) == when]
        if own and (name, when) not in self.defined:
            self.complain.defined_by_itself(equation, own[0])
            self.blamed.add((name, when))
        elif (name, when) in self.defined and when != SUB and not self.searching:
            self.complain.two_equations(equation, self.defined[name, when])
        value = self.read_in(equation.value)
        self.defined.setdefault((name, when), equation.span)
        return [replace(equation, name=self.names.variable(name, when), indices=(), value=value)]
