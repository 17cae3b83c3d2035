"""A contraction -> its loops with their steps in every array, and what must hold of them. Chooses no tiles.

Loops whose steps are multiples of each other in all arrays become one. A place that may lie outside is a cut of the loop
over the terms, for each turn of a loop over the result; places of a Scan around it are conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from netc.compiler.calculus import ir
from netc.compiler.kernels.contractions import Contraction, Factor, Guard
from netc.compiler.kernels.cpu.taps import Kind
from netc.dsl.record import record


@record
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


@record
class Loop:
    axis: ir.Axis
    size: int
    steps: Steps


ONCE = Loop(ir.Axis("once", 1), 1, Steps())


@record
class Cut:
    """The place first + per*(the outer loop) + step*(the inner one) is one of `size`."""

    first: int = 0
    per: int = 0
    step: int = 1
    size: int = 2**40


ALWAYS = Cut()


@record
class Part:
    """Some rows and columns, by tiles of one shape: one call."""

    height: int
    vectors: int
    rows: int
    columns: int
    first_row: int
    first_column: int


@record
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


Strides = Callable[[ir.Expr | None], Mapping[ir.Axis, int]]


def kind_of(c: Contraction, left: Factor, right: Factor) -> Kind | None:
    if not right.sampled:
        return None
    if c.summed:
        return "fold" if left.sampled else None
    return "pairs" if left.sampled else "taps"


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


Pair = tuple[ir.Axis, ir.Axis, Cut]
"""A loop over the result, one over the terms (or none: `ONCE`), and what must hold."""


@record
class Draft:
    nest: Nest
    outer: tuple[Loop, ...]
    terms: tuple[Loop, ...]
    pairs: tuple[Pair, ...]

    @property
    def empty(self) -> bool:
        """No term is a place: only the start is written."""
        return not all(t.size for t in self.terms)


def drafted(
    c: Contraction,
    kind: Kind,
    left: Factor,
    right: Factor,
    let: ir.Let,
    fixed: ir.Axis | None,
    stride: Strides,
) -> Draft | None:
    result = let.var
    arrays = [_linear(f.places, stride(f.array)) for f in (left, right)]
    arrays.append(_linear(c.out, stride(result)))
    starts = tuple((a, i) for a, i in c.out if c.start and a in c.start.axes)
    arrays.append(_linear(starts, stride(c.start)))
    base = Steps(*(first for _, first in arrays))

    def loop(a: ir.Axis) -> Loop:
        return Loop(a, a.size if a.size is not None else 1, Steps(*(steps.get(a, 0) for steps, _ in arrays)))

    open_axes = tuple(a for a in c.axes if a == fixed)
    placed = _guarded(c, open_axes, [loop(a) for a in c.over], base)
    if placed is None:
        return None
    terms, base, conditions, pairs = placed
    guarded = {a for pair in pairs for a in pair[:2]}
    outer = _merged([loop(a) for a in c.axes if a != fixed], guarded)
    terms = _merged(terms, guarded)
    if len(terms) > 3:
        return None
    assert isinstance(left.array, ir.Var)
    assert isinstance(right.array, ir.Var)
    fixed_steps = tuple((a, loop(a).steps) for a in open_axes)
    nest = Nest(kind, left.array, right.array, c.start, base, fixed_steps, (), ONCE, None, ONCE, ONCE,
                (ONCE, ONCE, ONCE), (ALWAYS, ALWAYS), conditions)  # fmt: skip
    return Draft(nest, tuple(outer), tuple(terms), pairs)


def _guarded(
    c: Contraction, open_axes: tuple[ir.Axis, ...], terms: list[Loop], base: Steps
) -> tuple[list[Loop], Steps, tuple[Guard, ...], tuple[Pair, ...]] | None:
    """Where the guards go: the terms' loops clipped, conditions of the open axes, and pairs of an axis with a term's."""
    conditions: list[Guard] = []
    pairs: list[Pair] = []
    firsts: dict[ir.Axis, int] = {}
    alone = [g for g in c.guards if len(g.axes) == 1 and g.axes <= set(c.over)]
    for axis in dict.fromkeys(a for g in alone for a in g.axes):
        terms, base, firsts[axis] = _clipped(terms, base, [g for g in alone if axis in g.axes], axis)
    for guard in (g for g in c.guards if g not in alone):
        axes = guard.axes
        inside = [a for a in axes if a in c.over]
        outside = [a for a in axes if a in c.axes and a not in open_axes]
        if axes <= set(open_axes):
            conditions.append(guard)
        elif len(inside) <= 1 and len(outside) == 1 and len(axes) == len(inside) + 1:
            inner = inside[0] if inside else ONCE.axis
            terms, base, cut = _paired(terms, base, guard, outside[0], inner, firsts.get(inner, 0))
            pairs.append((outside[0], inner, cut))
        else:
            return None
    met = [k for _, k, _ in pairs if k != ONCE.axis]
    if len({y for y, _, _ in pairs}) < len(pairs) or len(set(met)) < len(met) or len(pairs) > 2:
        return None
    return terms, base, tuple(conditions), tuple(pairs)


def _clipped(
    terms: list[Loop], base: Steps, guards: Sequence[Guard], axis: ir.Axis
) -> tuple[list[Loop], Steps, int]:
    """The loop from its first place inside of all of them, which is given too, to its last."""
    loop = next(t for t in terms if t.axis == axis)
    lines = [(*g.index.terms[0], g.index.offset, g.size) for g in guards]
    inside = [k for k in range(loop.size) if all(0 <= f * k + offset < size for _, f, offset, size in lines)]
    first = inside[0] if inside else 0
    less = replace(loop, size=len(inside))
    return [less if t is loop else t for t in terms], base.plus(loop.steps.times(first)), first


def _paired(
    terms: list[Loop], base: Steps, guard: Guard, outer: ir.Axis, inner: ir.Axis, begin: int
) -> tuple[list[Loop], Steps, Cut]:
    """The cut; a loop that runs down through the places is turned round. `begin`: the place where the inner loop begins."""
    factors = dict(guard.index.terms)
    step = factors.get(inner, 1)
    first = guard.index.offset + step * begin
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
