"""Signs, maxima and comparisons of normal forms: decided where that is derived, else functions of which little is known.

sign(c*x) = sign(x)      max(c*x, c*y) = c*max(x, y)      1[c*x > 0] = 1[x > 0]      (c > 0, derived)
max(min(x, h), l) = min(max(x, l), h) = clip(x, l, h) = -clip(-x, -h, -l)                (l <= h, derived)
"""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.proofs.normal_form import Algebra, Poly, constant, number_of
from netc.compiler.proofs.powers import order, parts
from netc.compiler.proofs.ranges import AT_MOST_ONE, UNIT, by_sign, number
from netc.compiler.proofs.signs import sign


class Undecided(Exception):
    """A comparison with n comes out differently from the whole number `at` on than before."""

    def __init__(self, at: int) -> None:
        self.at = at


def sign_of(a: Algebra, x: Poly) -> Poly:
    """Factors whose sign is derived out; one that is never negative may be 0, so it stays."""
    if not x:
        return x
    known = sign(a, x)
    if abs(known) == 2:
        return constant(known // 2)
    content, rest = parts(a, x)
    ((mono, c),) = content.items()
    if abs(c.sign) != 2:
        return a.atom(a.function("sign", (x,), AT_MOST_ONE))
    kept = tuple((i, e) for i, e in mono if a.atoms[i].range.sign != 2)
    inside = a.mul({kept: number(1)}, rest)
    i = a.function("sign", (inside,), UNIT if sign(a, inside) > 0 else AT_MOST_ONE)
    return a.atom(i) if c.sign == 2 else a.neg(a.atom(i))


def largest(a: Algebra, x: Poly, y: Poly) -> Poly:
    difference = sign(a, a.sub(x, y))
    if difference > 0:
        return x
    if difference < 0:
        return y
    for least, low in ((x, y), (y, x)):
        for inside, high in _least(a, least):
            if sign(a, a.sub(high, low)) > 0:
                return _clipped(a, inside, low, high)
    first, second = sorted((x, y), key=_place)
    size = first[min(first, key=order)]
    if abs(size.sign) != 2:
        size = number(1)
    size = size if size.sign == 2 else -size
    scaled = [{m: c / size for m, c in p.items()} for p in (first, second)]
    where = by_sign(max(sign(a, p) for p in scaled))
    return a.scaled(a.atom(a.function("max", tuple(scaled), where)), size)


def _least(a: Algebra, p: Poly) -> Iterator[tuple[Poly, Poly]]:
    """What p is the smaller one of, in both orders: -c*max(u, v) = min(-c*u, -c*v)."""
    if len(p) != 1:
        return
    ((mono, c),) = p.items()
    if c.sign == -2 and len(mono) == 1 and mono[0][1] == 1 and a.atoms[mono[0][0]].op == "max":
        u, v = (a.scaled(arg, c) for arg in a.atoms[mono[0][0]].args)
        yield from ((u, v), (v, u))


def _clipped(a: Algebra, x: Poly, low: Poly, high: Poly) -> Poly:
    """max(min(x, high), low) where low <= high: c*clip(x, l, h) = clip(c*x, c*l, c*h), and that of -x is minus that of x."""
    size = x[min(x, key=order)]
    if abs(size.sign) != 2:
        size = number(1)
    if size.sign == -2:
        low, high = high, low
    scaled = tuple({m: c / size for m, c in p.items()} for p in (x, low, high))
    return a.scaled(a.atom(a.function("clip", scaled)), size)


def compared(a: Algebra, op: str, x: Poly, y: Poly, n: Poly) -> Poly:
    """1 where the comparison holds, else 0; raises Undecided."""
    match op:
        case "gt":
            return _positive(a, a.sub(x, y), n)
        case "lt":
            return _positive(a, a.sub(y, x), n)
        case "le":
            return a.sub(constant(1), _positive(a, a.sub(x, y), n))
        case "ge":
            return a.sub(constant(1), _positive(a, a.sub(y, x), n))
    one = constant(1)
    above, below = (_positive(a, d, n) for d in (a.sub(x, y), a.sub(y, x)))
    both = a.mul(a.sub(one, above), a.sub(one, below))
    return both if op == "eq" else a.sub(one, both)


def _positive(a: Algebra, x: Poly, n: Poly) -> Poly:
    """1 where x > 0, else 0."""
    known = sign(a, x)
    if known == 2:
        return constant(1)
    if known < 0 or not x:
        return {}
    _split(x, n)
    content, rest = parts(a, x)
    ((mono, c),) = content.items()
    if abs(c.sign) != 2:
        return a.atom(a.function("positive", (x,), UNIT))
    kept = tuple((i, e) for i, e in mono if a.atoms[i].range.sign != 2)
    inside = a.mul({kept: number(c.sign // 2)}, rest)
    return a.atom(a.function("positive", (inside,), UNIT))


def _split(x: Poly, clock: Poly) -> None:
    """Where c*n + d changes its sign the steps before and after are other ones."""
    n = next(iter(clock), ())
    if not n or n not in x or set(x) - {n, ()}:
        return
    slope, rest = x[n], x.get((), number(0))
    if slope.range is None and rest.range is None:
        root = -rest.value / slope.value
        raise Undecided(root.__floor__() + 1 if slope.value > 0 else -(-root).__floor__())


def _place(p: Poly) -> tuple[object, ...]:
    """An order of arguments; numbers stand last."""
    return (number_of(p) is not None, not p, len(p), sorted(map(order, p)))
