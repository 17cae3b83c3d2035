"""Signs of forms that are called theorems, at points: of random polynomials in symbols of every kind of range."""

from __future__ import annotations

import random
from fractions import Fraction
from math import prod

import pytest

from netc.compiler.proofs.normal_form import Algebra, Poly
from netc.compiler.proofs.ranges import Range, number
from netc.compiler.proofs.signs import DEEP, sign

ZERO, ONE, TWO = Fraction(0), Fraction(1), Fraction(2)
RANGES = (
    Range(), Range(ZERO), Range(ZERO, None, True), Range(ZERO, ONE), Range(ZERO, ONE, True, True), Range(ONE, TWO),
    Range(-ONE, ONE), Range(TWO), Range(None, ZERO),
)  # fmt: skip


def a_form(a: Algebra, dice: random.Random, symbols: list[Poly]) -> Poly:
    """A sum of a few products, each with a small whole factor."""
    out: Poly = {}
    for _ in range(dice.randint(1, 4)):
        term: Poly = {(): number(dice.choice((-2, -1, 1, 1, 2, 3)))}
        for _ in range(dice.randint(0, 3)):
            term = a.mul(term, dice.choice(symbols))
        out = a.add(out, term)
    return out


def inside(where: Range, dice: random.Random) -> Fraction:
    """A number of the range: near an end, at it where it is attained, far out, or anywhere."""
    low = where.low if where.low is not None else (where.high or ZERO) - dice.choice((1, 7, 1000))
    high = where.high if where.high is not None else low + dice.choice((1, 7, 1000))
    near = Fraction(1, dice.choice((2, 3, 1000)))
    ends = ([] if where.low_open else [low]) + ([] if where.high_open else [high])
    return dice.choice([*ends, low + (high - low) * near, high - (high - low) * near])


def value(p: Poly, at: dict[int, Fraction]) -> Fraction:
    powers = {mono: prod((at[i] ** int(e) for i, e in mono), start=ONE) for mono in p}
    return sum((c.value * powers[mono] for mono, c in p.items()), ZERO)


def holds(claim: int, x: Fraction) -> bool:
    return {2: x > 0, 1: x >= 0, 0: True, -1: x <= 0, -2: x < 0}[claim]


@pytest.mark.parametrize("seed", range(8))
def test_a_derived_sign_is_that_of_every_point(seed: int) -> None:
    dice, told = random.Random(seed), 0
    for _ in range(40):
        a = Algebra()
        where = [dice.choice(RANGES) for _ in range(dice.randint(1, 4))]
        symbols = [a.symbol(f"x{i}", False, r) for i, r in enumerate(where)]
        p = a_form(a, dice, symbols)
        if dice.random() < 0.3:
            p = a.mul(p, a_form(a, dice, symbols))
        claim = sign(a, p)
        told += bool(claim)
        for _ in range(30):
            at = {i: inside(r, dice) for i, r in enumerate(where)}
            assert holds(claim, value(p, at)), (claim, p, where, at)
    assert told > 8


@pytest.mark.parametrize("factors", [0, 1, DEEP - 1, DEEP, DEEP + 1])
def test_of_many_atoms_nothing_wrong_is_said(factors: int) -> None:
    """x1 ... xk (y - z) has both signs, x1 ... xk (y + z) is above 0, which may be more than is derived."""
    a, positive = Algebra(), Range(ZERO, None, True)
    p: Poly = {(): number(1)}
    for i in range(factors):
        p = a.mul(p, a.symbol(f"x{i}", False, positive))
    y, z = (a.symbol(name, False, positive) for name in "yz")
    assert sign(a, a.mul(p, a.sub(y, z))) == 0
    found = sign(a, a.mul(p, a.add(y, z)))
    assert found == 2 if factors < DEEP - 1 else found in (0, 2)
