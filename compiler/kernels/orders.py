"""Lets -> the same lets, with the axes along which windows move last: in memory neighbouring places lie side by side.

An array of many channels in the last axis would put a window's places a power of two apart, on the same sets of the
cache. The order of a let's axes means nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import rebuild


def places_last(problem: ir.Problem, but: frozenset[str]) -> ir.Problem:
    """Of all lets of samples but those."""
    moving = _moving(problem)
    orders = {
        let.name: tuple(sorted(let.axes, key=lambda a: a in moving))
        for let in problem.lets.values()
        if ir.SAMPLES in let.axes and let.name not in but
    }

    def change(node: ir.Expr) -> ir.Expr:
        return (
            ir.Var(node.name, orders[node.name]) if isinstance(node, ir.Var) and node.name in orders else node
        )

    def ordered(let: ir.Let) -> ir.Let:
        return replace(let, axes=orders.get(let.name, let.axes), value=rebuild(let.value, change))

    def step(s: ir.Step) -> Iterator[ir.Step]:
        yield ordered(s) if isinstance(s, ir.Let) else replace(s, lets=tuple(map(ordered, s.lets)))

    return ir.with_steps(problem, step)


def _moving(problem: ir.Problem) -> frozenset[ir.Axis]:
    """The axes of images: a place along one is made of several others, or is one of those."""
    found: set[ir.Axis] = set()
    for let in problem.lets.values():
        for node in ir.postorder(let.value):
            if isinstance(node, ir.View) and len(node.index.terms) > 1:
                found |= {node.axis, *(a for a, _ in node.index.terms)}
    return frozenset(found)
