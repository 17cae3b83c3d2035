"""A contraction -> calls of register tiles: which of its loops is a tile's rows, which its columns, which are around it.

Chosen by counting: what a tile multiplies, what it loads, how often it starts. Loops whose steps are multiples of each
other in all arrays become one. The tiles are in `taps`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.kernels.contractions import Contraction, Factor, Guard, contraction, inside, phases
from netc.compiler.kernels.cpu.taps import Kind
from netc.compiler.kernels.machine import Machine


@dataclass(frozen=True)
class Steps:
    """Of a loop, in each array: places from one turn to the next."""

    left: int = 0
    right: int = 0
    out: int = 0
    start: int = 0

    def times(self, count: int) -> Steps:
        return Steps(self.left * count, self.right * count, self.out * count, self.start * count)

    def plus(self, other: Steps) -> Steps:
        sums = zip(self.all, other.all, strict=True)
        return Steps(*(a + b for a, b in sums))

    @property
    def all(self) -> tuple[int, int, int, int]:
        return (self.left, self.right, self.out, self.start)


@dataclass(frozen=True)
class Loop:
    axis: ir.Axis
    size: int
    steps: Steps


ONCE = Loop(ir.Axis("once", 1), 1, Steps())


@dataclass(frozen=True)
class Cut:
    """The place first + per*(the outer loop) + step*(the inner one) is one of `size`."""

    first: int = 0
    per: int = 0
    step: int = 1
    size: int = 2**40


ALWAYS = Cut()


@dataclass(frozen=True)
class Part:
    """Some rows and columns, by tiles of one shape: one call."""

    height: int
    vectors: int
    rows: int
    columns: int
    first_row: int
    first_column: int


@dataclass(frozen=True)
class Nest:
    kind: Kind
    left: ir.Var
    right: ir.Var
    start: ir.Var | None
    base: Steps
    fixed: tuple[tuple[ir.Axis, Steps], ...]
    """Axes that are open around it: of a Scan."""
    around: tuple[Loop, ...]
    rows: Loop
    columns: Loop | None
    """None: a tile's vectors are neighbouring vectors of samples; only where one factor has none."""
    y: Loop
    x: Loop
    inner: tuple[Loop, Loop, Loop]
    cuts: tuple[Cut, Cut]
    """Of y with the second, of x with the third of the inner loops."""
    conditions: tuple[Guard, ...]
    """On the fixed axes."""
    parts: tuple[Part, ...] = ()
    cost: float = 0.0


@dataclass(frozen=True)
class Tiles:
    """What tiles do for the lets of a problem."""

    machine: Machine
    aliased: int
    """Places of a let's samples that span a multiple of this lie on the same sets of the cache."""
    vectors: int
    """Of samples, of which a block's width is a multiple."""
    flat: frozenset[str]
    """Arrays that lie without gaps, as their axes say."""

    def strides(self, array: ir.Var) -> dict[ir.Axis, int]:
        """Of an array of values of samples: along no axis do places fall on the same sets."""
        gaps = ir.SAMPLES in array.axes and array.name not in self.flat
        return strides(array, self.aliased if gaps else 0)

    def places(self, array: ir.Var) -> int:
        return next((s * (a.size or 1) for a, s in self.strides(array).items()), 1)

    def fit(self, let: ir.Let, scan: ir.Axis | None) -> bool:
        return bool(self.nests(let, scan))

    def all(self, problem: ir.Problem) -> dict[str, tuple[Nest, ...]]:
        """Of the lets that they compute, by name."""
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
            if (kind := _kind(c, left, right))
            if (draft := _drafted(c, kind, left, right, let, fixed, stride))
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
            return turns * sum(tiles) * (1 + DISLIKE * len(parts))

        shapes = [
            (h, v)
            for h in HEIGHTS
            for v in range(1, MOST_VECTORS + 1)
            if h <= rows and v <= columns and h * v + v + 1 <= self.machine.registers
        ]
        best = min(shapes, key=lambda shape: (whole(*shape), shape))
        return replace(nest, parts=_parts(rows, columns, *best), cost=whole(*best))


Strides = Callable[[ir.Expr | None], Mapping[ir.Axis, int]]


def strides(array: ir.Var, aliased: int = 0) -> dict[ir.Axis, int]:
    """Places from one to the next along each axis, the last one running fastest; one more where they are a multiple of
    `aliased`."""
    found: dict[ir.Axis, int] = {}
    inner = 1
    for a in reversed([a for a in array.axes if a != ir.SAMPLES]):
        if aliased and inner > 1 and inner % aliased == 0:
            inner += 1
        found[a] = inner
        inner *= a.size or 1
    return dict(reversed(found.items()))


def _kind(c: Contraction, left: Factor, right: Factor) -> Kind | None:
    if not right.sampled:
        return None
    if c.summed:
        return "fold" if left.sampled else None
    return "pairs" if left.sampled else "taps"


# -- loops with steps --------------------------------------------------------------------------------


def _linear(
    places: Sequence[tuple[ir.Axis, ir.Index]], strides: Mapping[ir.Axis, int]
) -> tuple[dict[ir.Axis, int], int]:
    """The step of each loop, and the first place."""
    steps: dict[ir.Axis, int] = {}
    first = 0
    for axis, index in places:
        first += strides[axis] * index.offset
        for a, factor in index.terms:
            steps[a] = steps.get(a, 0) + strides[axis] * factor
    return steps, first


@dataclass(frozen=True)
class _Draft:
    nest: Nest
    outer: tuple[Loop, ...]
    terms: tuple[Loop, ...]
    pairs: tuple[tuple[ir.Axis, ir.Axis, Cut], ...]
    """A loop over the result, one over the terms (or none: `ONCE`), and what must hold."""

    @property
    def empty(self) -> bool:
        """No term is a place: only the start is written."""
        return not all(t.size for t in self.terms)


def _drafted(
    c: Contraction,
    kind: Kind,
    left: Factor,
    right: Factor,
    let: ir.Let,
    fixed: ir.Axis | None,
    stride: Strides,
) -> _Draft | None:
    result = let.var
    arrays = [_linear(f.places, stride(f.array)) for f in (left, right)]
    arrays.append(_linear(c.out, stride(result)))
    starts = tuple((a, i) for a, i in c.out if c.start and a in c.start.axes)
    arrays.append(_linear(starts, stride(c.start)))
    base = Steps(*(first for _, first in arrays))

    def loop(a: ir.Axis) -> Loop:
        return Loop(a, a.size if a.size is not None else 1, Steps(*(steps.get(a, 0) for steps, _ in arrays)))

    open_axes = tuple(a for a in c.axes if a == fixed)
    outer = [loop(a) for a in c.axes if a != fixed]
    terms = [loop(a) for a in c.over]
    conditions: list[Guard] = []
    pairs: list[tuple[ir.Axis, ir.Axis, Cut]] = []
    for guard in c.guards:
        axes = guard.axes
        inside, outside = [a for a in axes if a in c.over], [a for a in axes if a in c.axes and a != fixed]
        if axes <= set(open_axes):
            conditions.append(guard)
        elif len(axes) == 1 and len(inside) == 1:
            terms, base = _clipped(terms, base, guard, inside[0])
        elif len(inside) <= 1 and len(outside) == 1 and len(axes) == len(inside) + 1:
            inner = inside[0] if inside else ONCE.axis
            terms, base, cut = _paired(terms, base, guard, outside[0], inner)
            pairs.append((outside[0], inner, cut))
        else:
            return None
    met = [k for _, k, _ in pairs if k != ONCE.axis]
    if len({y for y, _, _ in pairs}) < len(pairs) or len(set(met)) < len(met) or len(pairs) > 2:
        return None
    fixed_steps = tuple((a, loop(a).steps) for a in open_axes)
    guarded = {a for pair in pairs for a in pair[:2]}
    outer, terms = _merged(outer, guarded), _merged(terms, guarded)
    if len(terms) > 3:
        return None
    assert isinstance(left.array, ir.Var)
    assert isinstance(right.array, ir.Var)
    nest = Nest(kind, left.array, right.array, c.start, base, fixed_steps, (), ONCE, None, ONCE, ONCE,
                (ONCE, ONCE, ONCE), (ALWAYS, ALWAYS), tuple(conditions))  # fmt: skip
    return _Draft(nest, tuple(outer), tuple(terms), tuple(pairs))


def _clipped(terms: list[Loop], base: Steps, guard: Guard, axis: ir.Axis) -> tuple[list[Loop], Steps]:
    """The loop from its first place inside to its last."""
    (_, factor), offset = guard.index.terms[0], guard.index.offset
    loop = next(t for t in terms if t.axis == axis)
    inside = [k for k in range(loop.size) if 0 <= factor * k + offset < guard.size]
    first = inside[0] if inside else 0
    less = replace(loop, size=len(inside))
    return [less if t is loop else t for t in terms], base.plus(loop.steps.times(first))


def _paired(
    terms: list[Loop], base: Steps, guard: Guard, outer: ir.Axis, inner: ir.Axis
) -> tuple[list[Loop], Steps, Cut]:
    """The cut; a loop that runs down through the places is turned round."""
    factors, first = dict(guard.index.terms), guard.index.offset
    step = factors.get(inner, 1)
    if step < 0:
        loop = next(t for t in terms if t.axis == inner)
        first += step * (loop.size - 1)
        base = base.plus(loop.steps.times(loop.size - 1))
        turned = replace(loop, steps=loop.steps.times(-1))
        terms = [turned if t is loop else t for t in terms]
    return terms, base, Cut(first, factors[outer], abs(step), guard.size)


def _merged(loops: Sequence[Loop], apart: set[ir.Axis]) -> list[Loop]:
    """Two loops that walk evenly through every array are one."""
    found = list(loops)
    pair = _even(found, apart)
    while pair is not None:
        u, v = pair
        one = Loop(ir.Axis(f"{u.axis.name}*{v.axis.name}", u.size * v.size), u.size * v.size, v.steps)
        found = [one if loop is u else loop for loop in found if loop is not v]
        pair = _even(found, apart)
    return found


def _even(loops: Sequence[Loop], apart: set[ir.Axis]) -> tuple[Loop, Loop] | None:
    for u, v in permutations(loops, 2):
        if u.axis not in apart and v.axis not in apart and u.steps == v.steps.times(v.size):
            return u, v
    return None


# -- choosing ----------------------------------------------------------------------------------------

TURN, START, HALF_FULL, DISLIKE = 2.0, 12.0, 8, 0.02
"""Costs, in multiplications of vectors: a turn of the innermost loop, a tile's start and end beside its stores; and how
many sums a tile needs so that each is not waited for; and, of the whole, for each shape, which has to be compiled."""


def _chosen(draft: _Draft) -> Iterator[Nest]:
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


def _placed(nest: Nest, outer: Sequence[Loop], draft: _Draft) -> Nest | None:
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
