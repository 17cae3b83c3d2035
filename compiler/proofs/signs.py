"""The sign of a normal form, derived from the ranges of its atoms: a theorem, or 0 where none is known.

x^2, |x| >= 0      sums of such terms with coefficients that are not negative
1 - b*q > 0        for q in [0, 1] and 0 < b < 1: a polynomial whose Bernstein coefficients on an interval
                   are not negative is not negative there
"""

from __future__ import annotations

from fractions import Fraction
from math import comb

from netc.compiler.proofs.normal_form import Algebra, Mono, Poly
from netc.compiler.proofs.ranges import Number, Range, Sign, number

DEEP = 8
"""Atoms in one form; of more nothing is said."""


def sign(a: Algebra, p: Poly) -> Sign:
    """2, 1: positive, not negative; -2, -1: negative, not positive; 0: not known."""
    if not p:
        return 1
    told = key(p)
    if told not in a.signs:
        a.signs[told] = _at_least(a, p, DEEP) or -_at_least(a, a.neg(p), DEEP)
    return a.signs[told]


def key(p: Poly) -> frozenset[tuple[Mono, Number]]:
    return frozenset(p.items())


def note_sign(a: Algebra, p: Poly, known: Sign) -> None:
    """Of a form of which it is known otherwise: it is a square, a sum of squares."""
    if p and abs(known) > abs(sign(a, p)):
        a.signs[key(p)] = known
        a.squares.add(key(p))


def _at_least(a: Algebra, p: Poly, deep: int) -> Sign:
    """2 if p > 0, 1 if p >= 0, wherever all in it has a value; 0 if that is not known."""
    if set(p) <= {()}:
        return max(p[()].sign, 0) if p else 1
    if not deep:
        return 0
    i = _first(a, p)
    where, by_power = a.atoms[i].range, _by_power(p, i)
    whole = all(e.denominator == 1 and e >= 0 for e in by_power)
    if whole and where.low is not None and where.high is not None:
        return _bernstein(a, by_power, where, deep)
    if whole and where.low is not None and where.low > 0:
        by_power = _shifted(a, by_power, where.low)
        where = Range(Fraction(0), None, where.low_open)
    even, rooted = all(e % 2 == 0 for e in by_power), any(e.denominator > 1 for e in by_power)
    if not (even or rooted or where.sign > 0):  # a root has a value where x >= 0 only
        return 0
    # The powers of x are not negative, and those below a fraction line not 0.
    signs = {e: _at_least(a, q, deep - 1) for e, q in by_power.items()}
    if 0 in signs.values():
        return 0
    strict = any(s == 2 and (e <= 0 or abs(where.sign) == 2) for e, s in signs.items())
    return 2 if strict else 1


def _first(a: Algebra, p: Poly) -> int:
    """An atom of p: those without end first, for the others make use of both ends."""
    inside = sorted({i for mono in p for i, _ in mono})
    return next((i for i in inside if a.atoms[i].range.high is None), inside[0])


def _by_power(p: Poly, i: int) -> dict[Fraction, Poly]:
    found: dict[Fraction, Poly] = {}
    for mono, c in p.items():
        e = dict(mono).get(i, Fraction(0))
        rest: Mono = tuple(f for f in mono if f[0] != i)
        found.setdefault(e, {})[rest] = c
    return found


def _bernstein(a: Algebra, by_power: dict[Fraction, Poly], where: Range, deep: int) -> Sign:
    """p = sum of b_j C(d, j) u^j (1 - u)^(d - j) with u in [0, 1] between the ends of the range."""
    assert where.low is not None
    assert where.high is not None
    at_low = _shifted(a, by_power, where.low)
    degree = int(max(at_low, default=Fraction(0)))
    width = where.high - where.low
    powers = [a.scaled(at_low.get(Fraction(k), {}), number(width**k)) for k in range(degree + 1)]
    signs = []
    for j in range(degree + 1):
        b: Poly = {}
        for k in range(j + 1):
            b = a.add(b, a.scaled(powers[k], number(Fraction(comb(j, k), comb(degree, k)))))
        signs.append(_at_least(a, b, deep - 1))
        if not signs[-1]:
            return 0
    ends = (where.low_open or signs[0] == 2) and (where.high_open or signs[-1] == 2)
    return 2 if ends and 2 in signs else 1


def _shifted(a: Algebra, by_power: dict[Fraction, Poly], low: Fraction) -> dict[Fraction, Poly]:
    """In powers of x - low."""
    if not low:
        return by_power
    found: dict[Fraction, Poly] = {}
    for e, q in by_power.items():
        n = int(e)
        for k in range(n + 1):
            term = a.scaled(q, number(comb(n, k) * low ** (n - k)))
            found[Fraction(k)] = a.add(found.get(Fraction(k), {}), term)
    return {e: q for e, q in found.items() if q}
