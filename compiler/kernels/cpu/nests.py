"""Lets -> calls of register tiles: which loops are a tile's rows, which its columns, and which are around it.

Chosen by counting: what a tile multiplies, what it loads, how often it starts. The loops are those of `steps`, the tiles
those of `taps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.kernels.contractions import Contraction, contraction
from netc.compiler.kernels.cpu.steps import (
    ALWAYS,
    ONCE,
    Draft,
    Loop,
    Nest,
    Part,
    Strides,
    drafted,
    kind_of,
)
from netc.compiler.kernels.cpu.taps import Kind
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.strided import inside, phases
from netc.compiler.kernels.values import strides
from netc.dsl.record import record

Shape = tuple[Kind, int, int]
"""Of a tile: its kind, rows and vectors."""


@record
class Tiles:
    """What tiles do for the lets of a problem."""

    machine: Machine
    aliased: int
    """Places of a let's samples that span a multiple of this lie on the same sets of the cache; 0: no gap helps."""
    vectors: int
    """Of samples, of which a block's width is a multiple."""
    flat: frozenset[str]
    """Arrays that lie without gaps, as their axes say."""
    known: frozenset[Shape] = frozenset()
    """Shapes that are compiled in any case."""

    def strides(self, array: ir.Var) -> dict[ir.Axis, int]:
        """Of an array of values of samples: along no axis do places fall on the same sets."""
        gaps = ir.SAMPLES in array.axes and array.name not in self.flat
        return strides(array, self.aliased if gaps else 0)

    def places(self, array: ir.Var) -> int:
        return next((s * (a.size or 1) for a, s in self.strides(array).items()), 1)

    def fit(self, let: ir.Let, scan: ir.Axis | None) -> bool:
        return bool(self.nests(let, scan))

    def all(self, problem: ir.Problem) -> dict[str, tuple[Nest, ...]]:
        """Of the lets that they compute, by name; what is a small part of the work takes the shapes of the rest."""
        return replace(self, known=_most(self._all(problem).values()))._all(problem)

    def _all(self, problem: ir.Problem) -> dict[str, tuple[Nest, ...]]:
        found: dict[str, tuple[Nest, ...]] = {}
        for step in (*problem.forward, *problem.backward):
            scan = step.axis if isinstance(step, ir.Scan) else None
            for let in ir.flat((step,)):
                if made := self.nests(let, scan):
                    found[let.name] = made
        return found

    def nests(self, let: ir.Let, scan: ir.Axis | None) -> tuple[Nest, ...]:
        """All that computes the let; none where tiles do not fit it."""
        c = contraction(let)
        parts = phases(c) if c is not None else None
        if c is None or parts is None:
            return ()
        found = [self.best(part, let, scan, self.stride) for part in parts]
        return tuple(n for nests in found for n in nests) if all(found) else ()

    def stride(self, array: ir.Expr | None) -> dict[ir.Axis, int]:
        return self.strides(array) if isinstance(array, ir.Var) else {}

    def best(self, c: Contraction, let: ir.Let, fixed: ir.Axis | None, stride: Strides) -> tuple[Nest, ...]:
        """Of the whole, or of its inside and its borders; none where tiles do not fit it."""
        ways = [[self.one(part, let, fixed, stride) for part in way] for way in ([c], *inside(c))]
        fitting = [tuple(n for n in way if n is not None) for way in ways if None not in way]
        return min(fitting, key=lambda way: sum(n.cost for n in way), default=())

    def one(self, c: Contraction, let: ir.Let, fixed: ir.Axis | None, stride: Strides) -> Nest | None:
        made = [
            self.tiled(n)
            for left, right in (c.factors, c.factors[::-1])
            if (kind := kind_of(c, left, right))
            if (draft := drafted(c, kind, left, right, let, fixed, stride))
            for n in _chosen(draft)
        ]
        return min(made, key=lambda n: n.cost, default=None)

    def tiled(self, nest: Nest) -> Nest:
        """The shape of the tile, and what is left over by smaller ones."""
        rows = nest.rows.size
        columns = nest.columns.size if nest.columns else self.vectors
        terms = prod(t.size for t in nest.inner)
        turns = nest.y.size * nest.x.size * prod(a.size for a in nest.around)
        turns *= self.vectors if nest.columns else 1

        def cost(height: int, vectors: int) -> float:
            sums = max(height * vectors, HALF_FULL)
            ends = 2 * height * vectors * (4 if nest.kind == "fold" else 1)
            return terms * (sums + (height + vectors) / 2 + TURN) + ends + START

        def whole(height: int, vectors: int) -> float:
            parts = _parts(rows, columns, height, vectors)
            tiles = [
                (p.rows // p.height) * (p.columns // p.vectors) * cost(p.height, p.vectors) for p in parts
            ]
            new = [p for p in parts if (nest.kind, p.height, p.vectors) not in self.known]
            return turns * sum(tiles) * (1 + (DISLIKE if self.known else EACH_SHAPE) * len(new))

        shapes = [
            (h, v)
            for h in HEIGHTS
            for v in range(1, MOST_VECTORS + 1)
            if h <= rows and v <= columns and h * v + v + 1 <= self.machine.registers
        ]
        best = min(shapes, key=lambda shape: (whole(*shape), shape))
        return replace(nest, parts=_parts(rows, columns, *best), cost=whole(*best))


# -- choosing ----------------------------------------------------------------------------------------

TURN, START, HALF_FULL, EACH_SHAPE, DISLIKE = 2.0, 12.0, 8, 0.02, 0.5
"""Costs, in multiplications of vectors: a turn of the innermost loop, a tile's start and end beside its stores; and how
many sums a tile needs so that each is not waited for; of the whole, for each shape, and for one that nothing else needs."""


def _most(found: Iterable[tuple[Nest, ...]]) -> frozenset[Shape]:
    """The shapes that do nearly all of the work."""
    work: dict[Shape, float] = {}
    for nest in (n for nests in found for n in nests):
        numbers = nest.rows.size * (nest.columns.size if nest.columns else 1)
        for p in nest.parts:
            shape = (nest.kind, p.height, p.vectors)
            work[shape] = work.get(shape, 0.0) + nest.cost * p.rows * p.columns / numbers
    whole, done = sum(work.values()), 0.0
    kept: list[Shape] = []
    for shape in sorted(work, key=lambda shape: (-work[shape], shape)):
        if done < NEARLY_ALL * whole:
            kept.append(shape)
        done += work[shape]
    return frozenset(kept)


NEARLY_ALL = 0.9


def _chosen(draft: Draft) -> Iterator[Nest]:
    """With every loop as rows and every loop as columns."""
    guarded = {y for y, _, _ in draft.pairs}
    rows = [a for a in draft.outer if a.steps.left and not a.steps.right and a.axis not in guarded]
    columns = [a for a in draft.outer if a.steps.right and not (a.steps.left or a.steps.start)]
    if not (rows or columns or draft.empty) or any(a.steps.start and not a.steps.left for a in draft.outer):
        return
    for row in rows or [ONCE]:
        none = None if draft.nest.kind == "taps" else ONCE
        for column in (none, *(a for a in columns if a.axis not in guarded)):
            nest = replace(draft.nest, rows=row, columns=column)
            others = [a for a in draft.outer if a not in (row, column)]
            placed = _placed(nest, others, draft)
            if placed is not None:
                yield placed


def _placed(nest: Nest, outer: Sequence[Loop], draft: Draft) -> Nest | None:
    """The other loops: y and x with the terms that they cut, the rest around the call."""
    pairs = {y: (k, cut) for y, k, cut in draft.pairs}
    first = sorted(outer, key=lambda a: (a.axis not in pairs, bool(a.steps.start), -a.size))
    inside = [a for a in first if not a.steps.start][:2]
    if any(a.axis in pairs and a not in inside for a in outer):
        return None
    y, x = (*inside, ONCE, ONCE)[:2]
    around = tuple(a for a in outer if a not in inside)
    cut_terms = [pairs[a.axis][0] if a.axis in pairs else None for a in (y, x)]
    free = sorted((t for t in draft.terms if t.axis not in cut_terms), key=lambda t: t.size)
    slots: list[Loop | None] = [None, None, None]
    for slot, axis in zip((1, 2), cut_terms, strict=True):
        if axis is not None:
            slots[slot] = next((t for t in draft.terms if t.axis == axis), ONCE)
    for slot in (2, 1, 0):  # the longest loop innermost
        if slots[slot] is None:
            slots[slot] = free.pop() if free else ONCE
    if free:  # a place that hangs on no term takes one of the three loops as well
        return None
    cuts = tuple(pairs[a.axis][1] if a.axis in pairs else ALWAYS for a in (y, x))
    return replace(nest, y=y, x=x, around=around, inner=tuple(slots), cuts=cuts)  # type: ignore[arg-type]


HEIGHTS, MOST_VECTORS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14), 6
"""Of tiles: few, for each shape is a function to compile."""


def _parts(rows: int, columns: int, height: int, vectors: int) -> tuple[Part, ...]:
    """Whole tiles, and what is left below them, beside them, and in the corner."""

    def split(size: int, tile: int) -> list[tuple[int, int, int]]:
        whole = size // tile * tile
        return [(tile, whole, 0)] + ([(size - whole, size - whole, whole)] if whole < size else [])

    return tuple(
        Part(h, v, some_rows, some_columns, r, c)
        for h, some_rows, r in split(rows, height)
        for v, some_columns, c in split(columns, vectors)
    )
