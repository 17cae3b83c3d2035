"""What must hold of an update rule after every pass that makes or changes one: names, axes, order. Changes nothing.

names    what is read is given: a number of the optimizer, a state, a clock, a mask, or assigned before on every way that
         leads there (a loop runs once at least)
axes     a Var has those of what it names, and a name keeps them; conditions, batches and indices are numbers
commits  each state of an iteration once, its value of its axes
memory   what is fetched and kept is a state per batch, of its axes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from netc.compiler.calculus import ir

CLOCKS = ("n", "m", "epoch", "samples", "run")
MASKS = ("weights", "biases")


def verify_rule(rule: ir.Rule) -> ir.Rule:
    """The rule; raises AssertionError with all that is wrong in it."""
    found = _Faults(rule).all()
    assert not found, "\n".join(found)
    return rule


Known = dict[str, ir.Axes]


class _Faults:
    def __init__(self, rule: ir.Rule) -> None:
        self.rule, self.found = rule, list[str]()
        self.states = {s.name: s.axes for s in rule.states if not s.per_batch}
        self.memories = {s.name: s.axes for s in rule.states if s.per_batch}
        self.theta = self.states.get("theta", ())

    def all(self) -> list[str]:
        rule, numbers = self.rule, {h.name: ir.SCALAR for h in self.rule.hypers}
        masks = dict.fromkeys([*MASKS, *(m.name for m in rule.masks)], self.theta)
        given = {**masks, **dict.fromkeys(CLOCKS, ir.SCALAR), **numbers}
        if len({*numbers, *self.states, *self.memories}) < len(rule.hypers) + len(rule.states):
            self.found.append("two states or numbers have one name")
        for state in rule.states:
            self.expr(state.initial, {**given, "theta": self.theta}, f"the start of {state.name}")
        for body, commits, more in (
            (rule.body, rule.commits, {}),
            (rule.test, (), {}),
            (rule.epoch_end, rule.epoch_commits, {"epoch_loss": ir.SCALAR}),
        ):
            after = self.block(body, {**given, **self.states, **more})
            self.found += self.commits(commits, after)
        return self.found

    def commits(self, commits: tuple[ir.Commit, ...], known: Known) -> Iterator[str]:
        names = [c.state for c in commits]
        yield from (f"{name} is committed twice" for name in {*names} if names.count(name) > 1)
        for c in commits:
            if c.state not in self.states:
                yield f"{c.state} is committed, and no state"
            elif c.value not in known:
                yield f"{c.state} takes {c.value}, which is not given on every way"
            elif known[c.value] != self.states[c.state]:
                yield f"{c.state} takes {c.value}, which has other axes"

    def block(self, body: tuple[ir.Stmt, ...], known: Known) -> Known:
        """What is given behind it."""
        for s in body:
            known = self.stmt(s, known)
        return known

    def stmt(self, s: ir.Stmt, known: Known) -> Known:
        match s:
            case ir.Assign(name, value):
                self.expr(value, known, name)
                return self.given(known, name, value.axes)
            case ir.Evaluate(point, batch, loss, gradient):
                if known.get(point) != self.theta:
                    self.found.append(
                        f"the loss is evaluated at {point}, which is no vector of parameters there"
                    )
                if not isinstance(batch, str):
                    self.number(batch, known, "a batch")
                known = self.given(known, loss, ir.SCALAR) if loss else known
                return self.given(known, gradient, self.theta) if gradient else known
            case ir.Fetch(name, memory, index, axes):
                self.memory(memory, axes)
                self.number(index, known, "the number of a batch")
                return self.given(known, name, axes)
            case ir.Store(memory, index, value, axes):
                self.memory(memory, axes)
                self.number(index, known, "the number of a batch")
                if known.get(value) != axes:
                    self.found.append(f"{memory} keeps {value}, which is not given, or has other axes")
                return known
            case ir.Tell(_, value):
                self.number(value, known, "what a layer is told")
                return known
            case ir.For(index, first, last, inner):
                self.number(first, known, "the first of a loop")
                self.number(last, known, "the last of a loop")
                return self.block(inner, self.given(known, index, ir.SCALAR))
            case ir.Repeat(inner):
                return self.block(inner, known)
            case ir.If(condition, then, otherwise):
                self.number(condition, known, "a condition")
                one, other = self.block(then, known), self.block(otherwise, known)
                return {name: axes for name, axes in one.items() if other.get(name) == axes}
            case ir.Until(condition) | ir.Stop(condition):
                self.number(condition, known, "a condition")
                return known
        assert_never(s)

    def given(self, known: Known, name: str, axes: ir.Axes) -> Known:
        if known.get(name, axes) != axes:
            self.found.append(f"{name} gets other axes than it had")
        return {**known, name: axes}

    def memory(self, name: str, axes: ir.Axes) -> None:
        if self.memories.get(name) != axes:
            self.found.append(f"{name} is no state per batch with these axes")

    def number(self, e: ir.Expr, known: Mapping[str, ir.Axes], what: str) -> None:
        self.expr(e, known, what)
        if e.axes:
            self.found.append(f"{what} is a vector")

    def expr(self, e: ir.Expr, known: Mapping[str, ir.Axes], what: str) -> None:
        for node in ir.postorder(e):
            if isinstance(node, ir.Var) and known.get(node.name) != node.axes:
                word = "is not given there" if node.name not in known else "has other axes"
                self.found.append(f"{what} reads {node.name}, which {word}")
