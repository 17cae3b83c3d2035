"""Lets -> lets of which every element can be a thread's: what several elements have in common is computed once, before
them, and a sum over samples and places with few elements is taken in two steps, first of each sample. Chooses no loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.kernels.contractions import contraction
from netc.compiler.kernels.factored import factored, samples_first
from netc.compiler.kernels.sweeps import draws_apart, is_sum, sums_apart


def parted(problem: ir.Problem, few: int) -> ir.Problem:
    """`few`: sums with fewer elements are taken in two steps."""
    made = factored(sums_apart(draws_apart(problem)), lambda let, scan: contraction(let) is not None)
    return ir.with_steps(ir.with_steps(made, _shared_apart), lambda step: _of_each_sample(step, few))


def _of_each_sample(step: ir.Step, few: int) -> Iterator[ir.Step]:
    if isinstance(step, ir.Let) and is_sum(step) and ir.elements(step.axes) < few:
        value = step.value
        assert isinstance(value, ir.Reduce)
        others = tuple(a for a in value.over if a != ir.SAMPLES)
        if others and ir.SAMPLES in value.arg.axes:
            axes = (ir.SAMPLES, *step.axes)
            each = ir.Let(f"{step.name}.each", axes, ir.Reduce("sum", value.arg, others), span=step.span)
            yield each
            step = replace(step, value=ir.Reduce("sum", each.var, (ir.SAMPLES,)))
    yield step


def _shared_apart(step: ir.Step) -> Iterator[ir.Step]:
    if isinstance(step, ir.Let):
        work = _Apart(step)
        value = work.value()
        yield from work.before
        yield replace(step, value=value)
        return
    own = frozenset(let.name for let in step.lets)
    before: list[ir.Let] = []
    inside: list[ir.Let] = []
    for let in step.lets:
        work = _Apart(let, step.axis, own)
        value = work.value()
        before += work.before
        inside += [*work.inside, replace(let, value=value)]
    yield from before
    yield replace(step, lets=tuple(inside))


SOME = 64
"""Samples, where evaluations are counted."""


def _count(axes: ir.Axes) -> int:
    return prod(a.size or SOME for a in axes)


@dataclass
class _Apart:
    """Reductions inside a let that have fewer elements than they would be computed times, as lets of their own."""

    let: ir.Let
    scan: ir.Axis | None = None
    own: frozenset[str] = frozenset()
    """Of the Scan around it."""
    before: list[ir.Let] = field(default_factory=list)
    inside: list[ir.Let] = field(default_factory=list)
    known: dict[ir.Expr, ir.Expr] = field(default_factory=dict)
    done: dict[tuple[int, int], ir.Expr] = field(default_factory=dict)
    reducing: set[int] = field(default_factory=set)
    """What has a reduction in it, by identity: expressions are graphs with much sharing."""

    def value(self) -> ir.Expr:
        value, times = self.let.value, _count(self.let.axes)
        for node in ir.postorder(value):
            if isinstance(node, ir.Reduce) or any(id(c) in self.reducing for c in ir.children(node)):
                self.reducing.add(id(node))
        if isinstance(value, ir.Reduce):  # the let itself
            return ir.with_children(value, (self.rest(value.arg, times * _count(value.over)),))
        return self.rest(value, times)

    def rest(self, e: ir.Expr, times: int) -> ir.Expr:
        """`times`: so often it would be computed where it stands."""
        if id(e) not in self.reducing:
            return e
        if (id(e), times) not in self.done:
            self.done[id(e), times] = self.made(e, times)
        return self.done[id(e), times]

    def made(self, e: ir.Expr, times: int) -> ir.Expr:
        if e in self.known:
            return self.known[e]
        if isinstance(e, ir.View | ir.Pick) and e.axis == self.scan:
            return e  # what a Scan has at other places is not there at this one
        if not isinstance(e, ir.Reduce):
            return ir.with_children(e, tuple(self.rest(c, times) for c in ir.children(e)))
        apart = _count(e.axes) < times and self.may_stand(e)
        inner = (_count(e.axes) if apart else times) * _count(e.over)
        made = ir.with_children(e, (self.rest(e.arg, inner),))
        if not apart:
            return made
        name = f"{self.let.name}.of{len(self.before) + len(self.inside) + 1}"
        let = ir.Let(name, samples_first(e.axes), made, span=self.let.span)
        (self.inside if self.stays(e) else self.before).append(let)
        self.known[e] = let.var
        return let.var

    def stays(self, e: ir.Expr) -> bool:
        return any(isinstance(node, ir.Var) and node.name in self.own for node in ir.postorder(e))

    def may_stand(self, e: ir.Expr) -> bool:
        """In a Scan only what is computed at the place in hand."""
        return not self.stays(e) or self.scan in e.axes
