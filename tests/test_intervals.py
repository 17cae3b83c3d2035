"""Intervals with open and closed ends: what is attained lies in them, and they are no wider than they must be."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement, product

import pytest

from netc.compiler.calculus.intervals import FUNCTIONS, Range, lacking

ENDS = (-math.inf, -2.0, -1.0, 0.0, 0.5, 1.0, math.inf)
POINTS = (-5.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 3.0)
OF_TWO: dict[str, Callable[[float, float], float]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": math.pow, "min": min,
    "max": max,
}  # fmt: skip
OF_ONE: dict[str, Callable[[float], float]] = {
    "neg": operator.neg, "exp": math.exp, "expm1": math.expm1, "log": math.log, "log1p": math.log1p, "sqrt": math.sqrt,
    "abs": abs, "sign": lambda x: (x > 0) - (x < 0), "floor": math.floor, "tanh": math.tanh, "sinh": math.sinh,
    "cosh": math.cosh, "atan": math.atan, "erf": math.erf, "sin": math.sin, "cos": math.cos,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)), "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "logcosh": lambda x: abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2), "stop_gradient": lambda x: x,
}  # fmt: skip


def ranges() -> Iterator[Range]:
    for low, high in combinations_with_replacement(ENDS, 2):
        if low < high:
            yield from (Range(low, high, *opened) for opened in product((False, True), repeat=2))
        elif math.isfinite(low):
            yield Range(low, high)


RANGES = tuple(dict.fromkeys(ranges()))
INSIDE = {r: [x for x in POINTS if x in r] for r in RANGES}


def test_every_function_is_tried() -> None:
    assert {*OF_ONE, *OF_TWO} == {*FUNCTIONS}


@pytest.mark.parametrize("name", OF_TWO)
def test_what_two_numbers_give_lies_in_the_range(name: str) -> None:
    for a, b in product(RANGES, repeat=2):
        if lacking(name, (a, b)) is None:
            found = FUNCTIONS[name](a, b)
            for x, y in product(INSIDE[a], INSIDE[b]):
                assert OF_TWO[name](x, y) in found, f"{name}({x}, {y}) of {a} and {b}"


@pytest.mark.parametrize("name", OF_ONE)
def test_what_a_number_gives_lies_in_the_range(name: str) -> None:
    for a in RANGES:
        if lacking(name, (a,)) is None:
            found = FUNCTIONS[name](a)
            assert all(OF_ONE[name](x) in found for x in INSIDE[a]), f"{name} of {a}"


@pytest.mark.parametrize(
    ("above", "below", "quotient"),
    [
        ((1.0, 1.0), Range(0.0, 1.0), "[1, inf)"),
        ((1.0, 1.0), Range(0.0, 1.0, low_open=True), "[1, inf)"),
        ((1.0, 1.0), Range(-1.0, 0.0), "(-inf, -1]"),
        ((1.0, 1.0), Range(0.0, math.inf), "(0, inf)"),
        ((1.0, 1.0), Range(2.0, 4.0, high_open=True), "(0.25, 0.5]"),
        ((1.0, 1.0), Range(-1.0, 1.0), "(-inf, inf)"),
        ((-1.0, 2.0), Range(0.0, 1.0), "(-inf, inf)"),
        ((-1.0, 2.0), Range(-4.0, -2.0), "[-1, 0.5]"),
    ],
)
def test_ranges_of_quotients_are_no_wider_than_they_need_be(
    above: tuple[float, float], below: Range, quotient: str
) -> None:
    assert str(FUNCTIONS["div"](Range(*above), below)) == quotient
