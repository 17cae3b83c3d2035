"""Intervals with open and closed ends: what is attained lies in them, and they are no wider than they must be."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement, product

import pytest

from netc.compiler.calculus.intervals import FUNCTIONS, INF, LINE, Range, lacking

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


HALF_OPEN = Range(-1.0, 2.0, high_open=True)
OPEN_0 = Range(0.0, 4.0, True)
TIGHT = [
    ("neg", (HALF_OPEN,), "(-2, 1]"),
    ("exp", (LINE,), "(0, inf)"),
    ("exp", (Range(0.0, 0.0),), "[1, 1]"),
    ("expm1", (LINE,), "(-1, inf)"),
    ("log", (Range(0.0, 1.0, True),), "(-inf, 0]"),
    ("log1p", (Range(-1.0, 0.0, True),), "(-inf, 0]"),
    ("sqrt", (OPEN_0,), "(0, 2]"),
    ("sqrt", (Range(0.0, 4.0, high_open=True),), "[0, 2)"),
    ("abs", (HALF_OPEN,), "[0, 2)"),
    ("abs", (Range(-2.0, -1.0, True),), "[1, 2)"),
    ("abs", (Range(-3.0, 2.0),), "[0, 3]"),
    ("abs", (Range(0.0, 2.0, True),), "(0, 2]"),
    ("sign", (LINE,), "[-1, 1]"),
    ("sign", (OPEN_0,), "[1, 1]"),
    ("sign", (Range(0.0, 4.0),), "[0, 1]"),
    ("sign", (Range(-4.0, 0.0),), "[-1, 0]"),
    ("sign", (Range(-4.0, -1.0),), "[-1, -1]"),
    ("sign", (Range(0.0, 0.0),), "[0, 0]"),
    ("floor", (Range(0.5, 2.5),), "[0, 2.5]"),
    ("floor", (LINE,), "(-inf, inf)"),
    ("tanh", (LINE,), "(-1, 1)"),
    ("sigmoid", (LINE,), "(0, 1)"),
    ("sigmoid", (Range(0.0, INF),), "[0.5, 1)"),
    ("softplus", (LINE,), "(0, inf)"),
    ("softplus", (Range(0.0, 0.0),), "[0.6931, 0.6931]"),
    ("erf", (LINE,), "(-1, 1)"),
    ("atan", (LINE,), "(-1.571, 1.571)"),
    ("sinh", (LINE,), "(-inf, inf)"),
    ("sinh", (Range(-1000.0, 0.0),), "(-inf, 0]"),  # beyond all numbers of the machine, on either side
    ("sinh", (Range(0.0, 1000.0),), "[0, inf)"),
    ("exp", (Range(0.0, 1000.0),), "[1, inf)"),
    ("pow", (Range(-1e200, 1.0), Range(3.0, 3.0)), "(-inf, 1]"),
    ("pow", (Range(-1.0, 1e200), Range(3.0, 3.0)), "[-1, inf)"),
    ("cosh", (LINE,), "[1, inf)"),
    ("logcosh", (LINE,), "[0, inf)"),
    ("logcosh", (Range(-1.0, 0.5),), "[0, 0.4338]"),
    ("sin", (LINE,), "[-1, 1]"),
    ("cos", (LINE,), "[-1, 1]"),
    ("stop_gradient", (HALF_OPEN,), "[-1, 2)"),
    ("add", (HALF_OPEN, Range(0.0, 1.0)), "[-1, 3)"),
    ("sub", (HALF_OPEN, Range(0.0, 1.0)), "[-2, 2)"),
    ("mul", (HALF_OPEN, Range(-2.0, 3.0)), "(-4, 6)"),
    ("mul", (HALF_OPEN, Range(0.0, 0.0)), "[0, 0]"),
    ("mul", (OPEN_0, OPEN_0), "(0, 16]"),
    ("mul", (LINE, OPEN_0), "(-inf, inf)"),
    ("min", (OPEN_0, Range(0.0, 1.0)), "[0, 1]"),
    ("min", (OPEN_0, Range(1.0, 4.0, high_open=True)), "(0, 4)"),
    ("max", (OPEN_0, Range(0.0, 4.0, high_open=True)), "(0, 4]"),
    ("max", (Range(-1.0, 2.0, high_open=True), Range(-1.0, 2.0, high_open=True)), "[-1, 2)"),
    ("pow", (HALF_OPEN, Range(0.0, 0.0)), "[1, 1]"),
    ("pow", (HALF_OPEN, Range(2.0, 2.0)), "[0, 4)"),
    ("pow", (HALF_OPEN, Range(3.0, 3.0)), "[-1, 8)"),
    ("pow", (Range(1.0, 4.0, True), Range(0.5, 0.5)), "(1, 2]"),
    ("pow", (HALF_OPEN, Range(1.5, 1.5)), "[0, 2.828)"),
    ("pow", (Range(2.0, 4.0), Range(-2.0, -2.0)), "[0.0625, 0.25]"),
    ("pow", (Range(1.0, 4.0), Range(0.0, 1.0)), "(0, inf)"),
    ("pow", (Range(0.0, 4.0), Range(0.0, 1.0)), "[0, inf)"),
    ("pow", (HALF_OPEN, Range(0.0, 1.0)), "(-inf, inf)"),
]  # fmt: skip


def test_of_every_function_a_range_is_known() -> None:
    assert {name for name, *_ in TIGHT} == {*FUNCTIONS} - {"div"}


@pytest.mark.parametrize(("name", "given", "expected"), TIGHT)
def test_ranges_are_no_wider_than_they_are_known_to_be(
    name: str, given: tuple[Range, ...], expected: str
) -> None:
    assert str(FUNCTIONS[name](*given)) == expected


LACKING = [
    ("log", (Range(0.0, 1.0),), 0), ("log", (OPEN_0,), None), ("log1p", (Range(-1.0, 1.0),), 0),
    ("log1p", (Range(-1.0, 1.0, True),), None), ("sqrt", (HALF_OPEN,), 0), ("sqrt", (Range(0.0, 1.0),), None),
    ("div", (LINE, HALF_OPEN), 1), ("div", (LINE, OPEN_0), None), ("pow", (HALF_OPEN, Range(0.5, 0.5)), 0),
    ("pow", (HALF_OPEN, Range(0.0, 2.0)), 0), ("pow", (HALF_OPEN, Range(2.0, 2.0)), None),
    ("pow", (HALF_OPEN, Range(-1.0, -1.0)), 0), ("pow", (OPEN_0, Range(-1.5, 2.0)), None),
    ("pow", (Range(0.0, 4.0), Range(-0.5, -0.5)), 0), ("pow", (Range(0.0, 4.0), Range(0.5, 0.5)), None),
    ("pow", (Range(0.0, 4.0), Range(0.0, 1.0)), None), ("exp", (LINE,), None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "expected"), LACKING)
def test_which_argument_may_have_no_value(name: str, given: tuple[Range, ...], expected: int | None) -> None:
    assert lacking(name, given) == expected
