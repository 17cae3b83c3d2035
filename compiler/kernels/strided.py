"""A contraction -> the same result in parts: where no place is divided any more, and where no window reaches outside.

Where (h + k)/2 is a place only if 2 divides h + k, even h meet even k and odd h odd ones: what flows back through a stride
is cut into phases. Chooses no loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from netc.compiler.calculus import ir
from netc.compiler.kernels.contractions import Contraction, Guard, may_fail, reach

MOST_PHASES = 16


def phases(c: Contraction) -> list[Contraction] | None:
    """The same result in parts, in none of which a place is divided; None where that is not possible."""
    ahead, done = [c], list[Contraction]()
    while ahead:
        if len(ahead) + len(done) > MOST_PHASES:
            return None
        here = ahead.pop()
        index = next((i for i in here.indices if i.divisor > 1), None)
        if index is None:
            done.append(here)
            continue
        parts = _cut(here, index)
        if parts is None:
            return None
        ahead += parts
    return [replace(p, guards=tuple(g for g in p.guards if may_fail(g))) for p in done]


def _cut(c: Contraction, index: ir.Index) -> list[Contraction] | None:
    d = index.divisor
    odd = [(a, f) for a, f in index.terms if f % d]
    outer = next((a for a, _ in odd if a in c.axes), None)
    if outer is not None:
        made = [_phase(c, outer, d, r) for r in range(min(d, outer.size or 0))]
        return [m for m in made if m] if all(made) else None
    if not odd:
        if index.offset % d:
            return [_nothing(c)]
        return [_divided(c, index)]
    if len(odd) > 1 or odd[0][0] not in c.over:
        return None
    axis, factor = odd[0]
    size = axis.size or 0
    fitting = [r for r in range(min(d, size)) if (factor * r + index.offset) % d == 0]
    if len(fitting) > 1:
        return None
    if not fitting:
        return [_nothing(c)]
    part = _phase(c, axis, d, fitting[0])
    return [part] if part else None


def _phase(c: Contraction, axis: ir.Axis, d: int, r: int) -> Contraction | None:
    """Of the loop only the places r, r + d, ..."""
    new = ir.Axis(f"{axis.name}/{d}+{r}", -((r - (axis.size or 0)) // d))
    return c.changed(axis, new, ir.Index(((new, d),), r))


def _divided(c: Contraction, index: ir.Index) -> Contraction:
    d = index.divisor
    less = ir.Index(tuple((a, f // d) for a, f in index.terms), index.offset // d)
    return _exchanged(c, index, less)


def _nothing(c: Contraction) -> Contraction:
    """No term is a place."""
    factors = tuple(replace(f, places=tuple((a, ir.Index(())) for a, _ in f.places)) for f in c.factors)
    return replace(c, over=(ir.Axis("nothing", 0),), factors=factors, guards=())  # type: ignore[arg-type]


def _exchanged(c: Contraction, old: ir.Index, new: ir.Index) -> Contraction:
    factors = tuple(
        replace(f, places=tuple((a, new if i == old else i) for a, i in f.places)) for f in c.factors
    )
    guards = tuple(replace(g, index=new if g.index == old else g.index) for g in c.guards)
    return replace(c, factors=factors, guards=guards)  # type: ignore[arg-type]


# -- borders -----------------------------------------------------------------------------------------


def inside(c: Contraction) -> Iterator[list[Contraction]]:
    """The same result in parts, in one of which a place is inside for all the others that it is met with: a window that
    nowhere reaches outside; and what is left at both ends. One list for each way."""
    for guard in c.guards:
        for axis in guard.axes:
            if len(guard.axes) <= 2 and (axis in c.over if c.summed else axis in c.axes):
                parts = _ends(c, guard, axis)
                if parts:
                    yield parts


def _ends(c: Contraction, guard: Guard, axis: ir.Axis) -> list[Contraction]:
    factor = dict(guard.index.terms)[axis]
    rest = ir.Index(tuple(t for t in guard.index.terms if t[0] != axis), guard.index.offset)
    low, high = reach(rest)
    size = axis.size or 0
    fine = [k for k in range(size) if factor * k + low >= 0 and factor * k + high < guard.size]
    if not fine or len(fine) == size:
        return []
    cuts = (0, fine[0], fine[-1] + 1, size)
    return [part for a, b in pairwise(cuts) if a < b for part in _stretch(c, axis, a, b)]


def _stretch(c: Contraction, axis: ir.Axis, start: int, stop: int) -> list[Contraction]:
    new = ir.Axis(f"{axis.name}:{start}", stop - start)
    made = c.changed(axis, new, ir.Index(((new, 1),), start))
    return [replace(made, guards=tuple(g for g in made.guards if may_fail(g)))] if made else []
