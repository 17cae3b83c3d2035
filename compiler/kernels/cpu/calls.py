"""Nests -> statements: calls of the register tiles, with the places of the arrays as arguments. Chooses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.contractions import Guard
from netc.compiler.kernels.cpu import taps
from netc.compiler.kernels.cpu.plan import Plan
from netc.compiler.kernels.cpu.steps import Loop, Nest, Part, Steps
from netc.compiler.kernels.values import Layout

Here = Mapping[ir.Axis, L.Expr]
"""The place along each axis that is open around a let."""


def functions(found: Iterable[Nest], lanes: int) -> list[L.Function]:
    """The tiles that these call."""
    shapes = sorted({(n.kind, p.height, p.vectors) for n in found for p in n.parts})
    return [taps.function(*shape, lanes) for shape in shapes]


def statements(
    nest: Nest, out: Layout, layouts: Mapping[str, Layout], plan: Plan, here: Here, fresh: Callable[[], str]
) -> list[L.Stmt]:
    left, right = layouts[nest.left.name], layouts[nest.right.name]
    start = layouts[nest.start.name] if nest.start else None
    names = [L.Name(fresh()) for _ in nest.around]
    moved = [*((here[a], steps) for a, steps in nest.fixed)]
    moved += [(name, loop.steps) for name, loop in zip(names, nest.around, strict=True)]
    writer = _Calls(nest, left, right, out, start, plan, moved, [_holds(g, here) for g in nest.conditions])
    body: list[L.Stmt] = [writer.call(part) for part in nest.parts]
    for name, loop in reversed(list(zip(names, nest.around, strict=True))):
        body = [L.loop(name.id, loop.size, body)]
    return body


def _holds(guard: Guard, here: Here) -> L.Expr:
    place: L.Expr = L.Int(guard.index.offset)
    for a, factor in guard.index.terms:
        place = L.add(L.mul(factor, here[a]), place)
    return L.call("mul", L.call("ge", place, 0), L.call("lt", place, guard.size))


class _Calls:
    def __init__(self, nest: Nest, left: Layout, right: Layout, out: Layout, start: Layout | None, plan: Plan,
                 moved: Sequence[tuple[L.Expr, Steps]], conditions: Sequence[L.Expr]) -> None:  # fmt: skip
        self.nest, self.plan, self.moved, self.conditions = nest, plan, moved, conditions
        self.left, self.right, self.out, self.start = left, right, out, start

    def call(self, part: Part) -> L.Stmt:
        nest, lanes = self.nest, self.plan.lanes
        shift = nest.rows.steps.times(part.first_row)
        row, base, vectors = nest.rows.steps, nest.base.plus(shift), 0
        if nest.columns:
            step = nest.columns.steps
            base = base.plus(step.times(part.first_column))
            apart = [L.mul(step.right, self.right.stride), L.mul(step.out, self.out.stride)]
        else:
            vectors, apart = lanes * part.first_column, [L.Int(lanes), L.Int(lanes)]
        sides = [
            self.left.array, self.at(self.left, "left", base), L.mul(row.left, self.left.stride), part.rows,
            self.right.array, L.add(self.at(self.right, "right", base), vectors), apart[0], part.columns,
        ]  # fmt: skip
        to = [
            self.out.array,
            L.add(self.at(self.out, "out", base), vectors),
            L.mul(row.out, self.out.stride),
            apart[1],
        ]
        end: list[L.Expr | str | int] = ["width"]
        if nest.kind == "fold":
            end.append("valid")
        else:
            sides += (
                [self.start.array, self.at(self.start, "start", base), row.start]
                if self.start
                else ["scratch", self.plan.at(self.plan.zeros), 0]
            )
            end.append(lanes if nest.columns else self.plan.step)
        name = taps.name(nest.kind, part.height, part.vectors)
        call = L.call(name, *sides, *to, *end, *self.inner(), *self.outer(), *self.cuts())
        return L.Do(call, taps.GROUPS[nest.kind])

    def at(self, layout: Layout, side: str, base: Steps) -> L.Expr:
        place: L.Expr = L.Int(getattr(base, side))
        for turn, steps in self.moved:
            place = L.add(L.mul(getattr(steps, side), turn), place)
        return L.add(L.mul(place, layout.stride), layout.first)

    def inner(self) -> list[L.Expr]:
        out: list[L.Expr] = []
        for i, loop in enumerate(self.nest.inner):
            count: L.Expr = L.Int(loop.size)
            for condition in self.conditions if i == 0 else ():
                count = L.call("mul", count, condition)
            out += [count, *self.steps(loop)[:2]]
        return out

    def outer(self) -> list[L.Expr]:
        y, x = self.nest.y, self.nest.x
        return [L.Int(y.size), *self.steps(y), L.Int(x.size), *self.steps(x)]

    def steps(self, loop: Loop) -> list[L.Expr]:
        step = loop.steps
        return [
            L.mul(step.left, self.left.stride), L.mul(step.right, self.right.stride), L.mul(step.out, self.out.stride)
        ]  # fmt: skip

    def cuts(self) -> list[L.Expr]:
        return [L.Int(n) for cut in self.nest.cuts for n in (cut.first, cut.per, cut.step, cut.size)]
