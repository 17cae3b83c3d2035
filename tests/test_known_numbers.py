"""Numbers that are known before anything runs: of every function and sign, what has none, points of generated data."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import special

from netc.compiler.meaning.findings import counted, first_line, listed
from netc.compiler.meaning.generated import MOST, Noise, generated, points_of
from netc.compiler.meaning.resolve_values import FUNCTIONS, NotANumber, is_whole, number, number_or_none
from netc.dsl.parser import parse_expression
from netc.dsl.source import Source, Span

OF_ONE = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "tanh": np.tanh, "erf": special.erf, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "log1p": np.log1p,
    "logcosh": lambda x: np.log(np.cosh(x)), "softplus": lambda x: np.log(1 + np.exp(x)), "expm1": np.expm1,
    "floor": np.floor, "ceil": np.ceil, "norm": np.abs, "sign": np.sign, "sum": lambda x: x, "mean": lambda x: x,
    "sigmoid": special.expit, "stop_gradient": lambda x: x,
}  # fmt: skip
OF_MORE = {
    "min(2, -3)": -3.0, "max(2, -3)": 2.0, "min(2, -3, -5, 1)": -5.0, "max(-2, 3, 7, 1)": 7.0, "where(1 < 2, 5, 6)": 5.0,
    "where(2 < 1, 5, 6)": 6.0,
}  # fmt: skip


def value(text: str, **names: float) -> float:
    return number(parse_expression(text), names)


def test_every_function_is_tried() -> None:
    assert {*OF_ONE, *(text.partition("(")[0] for text in OF_MORE)} == {*FUNCTIONS}


@pytest.mark.parametrize("name", OF_ONE)
def test_functions_of_known_numbers(name: str) -> None:
    for x in (-2.5, -0.75, 0.0, 0.25, 1.0, 3.0):
        with np.errstate(all="ignore"):
            expected = float(OF_ONE[name](x))
        if math.isfinite(expected):
            assert value(f"{name}(x)", x=x) == pytest.approx(expected, rel=1e-14, abs=1e-16)
        else:
            assert number_or_none(parse_expression(f"{name}({x})")) is None


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "logcosh", "atan", "erf"])
def test_functions_far_out(name: str) -> None:
    for x in (-1000.0, 1000.0):
        expected = {"softplus": max(x, 0.0), "logcosh": abs(x) - math.log(2)}.get(name)
        assert value(f"{name}(x)", x=x) == (expected if expected is not None else float(OF_ONE[name](x)))


VALUES = OF_MORE | {
    "7 - 3 - 2": 2.0, "7/2": 3.5, "2*3 + 4": 10.0, "2^3": 8.0, "2^-1": 0.5, "-3^2": -9.0, "+3": 3.0, "|-4|": 4.0,
    "5%": 0.05, "pi": math.pi, "inf": math.inf, "true": 1.0, "false": 0.0, "True": 1.0, "False": 0.0,
    "1 < 2": 1.0, "2 < 2": 0.0, "2 <= 2": 1.0, "3 <= 2": 0.0, "2 > 1": 1.0, "2 > 2": 0.0, "2 >= 2": 1.0, "1 >= 2": 0.0,
    "2 == 2": 1.0, "2 == 3": 0.0, "2 != 3": 1.0, "2 != 2": 0.0, "none == none": 1.0, "none != none": 0.0,
    "none == 1": 0.0, "1 == none": 0.0, "None != 2": 1.0,
    "1 < 2 and 2 < 3": 1.0, "1 < 2 and 3 < 2": 0.0, "1 < 2 or 3 < 2": 1.0, "2 < 1 or 3 < 2": 0.0, "not 1 < 2": 0.0,
    "not 2 < 1": 1.0, "3 if 1 < 2 else 4": 3.0, "3 if 2 < 1 else 4": 4.0,
}  # fmt: skip


@pytest.mark.parametrize("text", VALUES)
def test_known_expressions(text: str) -> None:
    assert value(text) == VALUES[text]


def test_none_makes_visible_what_it_reaches() -> None:
    for text in ("none", "none + 1", "2*none", "sigmoid(none)", "softplus(none)"):
        assert math.isnan(value(text))


WITHOUT = {
    "1/0": "this divides by zero", "0^-1": "this divides by zero", "log(0)": "this has no finite value",
    "(-8)^(1/3)": "this has no finite value", "exp(1000)": "this has no finite value", "x + 1": "'x' has no value here",
    "exp(1, 2)": "'exp' does not take 2 arguments", "where(1)": "'where' does not take 1 argument",
    "grad R(theta[n])": "a number is expected here", "theta[n]": "a number is expected here",
    "median(1)": "a number is expected here", "sum(2, per = layer)": "a number is expected here",
}  # fmt: skip


@pytest.mark.parametrize("text", WITHOUT)
def test_what_has_no_value_says_why(text: str) -> None:
    with pytest.raises(NotANumber) as raised:
        value(text)
    assert raised.value.reason == WITHOUT[text]
    assert number_or_none(parse_expression(text)) is None


def test_whole_numbers() -> None:
    assert [is_whole(x) for x in (2.0, -3.0, 0.0, 2.5, math.inf, math.nan)] == [True] * 3 + [False] * 3


POINTS = {
    "linspace(-1, 1, 5)": [-1.0, -0.5, 0.0, 0.5, 1.0], "linspace(3, 9, 1)": [3.0], "1..4": [1.0, 2.0, 3.0, 4.0],
    "0.5..3.5": [1.0, 2.0, 3.0], "{2, 5, -1}": [2.0, 5.0, -1.0],
}  # fmt: skip
PLANE = {
    "grid(0..1, 2..4, points = 2)": [(0.0, 2.0), (0.0, 4.0), (1.0, 2.0), (1.0, 4.0)],
    "grid(0..4, points = 3)": [(0.0,), (2.0,), (4.0,)],
    "{(1, 2), (3, 4)}": [(1.0, 2.0), (3.0, 4.0)],
}
NO_POINTS = {
    "linspace(0, 1, 0)": "the number of points is a whole number from 1",
    "linspace(0, 1, 2.5)": "the number of points is a whole number from 1",
    f"linspace(0, 1, {MOST + 1})": "the number of points is a whole number from 1",
    "grid(0..1, 0..1, points = 1001)": "the grid has more than",
    "1..inf": "a range has two finite ends",
    f"1..{MOST + 1}": "the range has more than",
    "linspace(0, 1)": "points are linspace",
    "grid(0..1, 2)": "points are linspace",
    "5": "points are linspace",
}


@pytest.mark.parametrize("text", POINTS | PLANE)
def test_points_of_generated_data(text: str) -> None:
    expected = PLANE.get(text) or [(v,) for v in POINTS[text]]
    assert points_of(parse_expression(text)) == expected


@pytest.mark.parametrize("text", NO_POINTS)
def test_what_are_no_points(text: str) -> None:
    with pytest.raises(NotANumber) as raised:
        points_of(parse_expression(text))
    assert raised.value.reason.startswith(NO_POINTS[text])


def test_as_many_points_as_there_may_be() -> None:
    assert len(points_of(parse_expression(f"1..{MOST}"))) == MOST
    assert len(points_of(parse_expression("grid(0..1, 0..1, points = 1000)"))) == MOST


def test_noise_is_moved_and_stretched() -> None:
    first, second = parse_expression("x"), parse_expression("2*x")
    assert Noise("noise 1", "normal", first, second).at({"x": 3.0}, -0.5) == 3 - 0.5 * 6
    assert Noise("noise 1", "uniform", first, second).at({"x": 3.0}, 0.25) == 3 + 0.25 * 3
    assert Noise("noise 1", "normal", first, first).at({"x": 0.0}, 2.0) == 0
    assert Noise("noise 1", "uniform", first, first).at({"x": -3.0}, 0.7) == -3
    for law, reason in (
        ("normal", "a deviation is not negative"),
        ("uniform", "a uniform law goes from the lower"),
    ):
        with pytest.raises(NotANumber, match=reason):
            Noise("noise 1", law, first, second).at({"x": -3.0}, 0.5)


def test_rows_have_the_noise_of_their_sample() -> None:
    inputs = (parse_expression("x + uniform(0, x)"),)
    outputs = tuple(map(parse_expression, ("normal(2, x) - 1", "normal(normal(0, 3), 1)", "x^2")))
    drawn = np.arange(8.0).reshape(2, 4) / 10
    rows = list(generated(("x",), [(5.0,), (7.0,)], inputs, outputs).rows(lambda i, k: drawn[i, k]))
    for (given, made), x, (a, b, c, d) in zip(rows, (5.0, 7.0), drawn, strict=True):
        assert given == pytest.approx((x + a * x,))
        assert made == pytest.approx((2 + b * x - 1, 3 * c + d, x * x))
    plain = generated(("x", "y"), [(1.0, 2.0)], (), (parse_expression("x - y"),))
    assert list(plain.rows(lambda i, k: 0.0)) == [((1.0, 2.0), (-1.0,))]


@pytest.mark.parametrize("law", ["normal(mean, deviation)", "uniform(low, high)"])
def test_noise_is_written_with_two_numbers(law: str) -> None:
    word, first, *_ = re.split(r"\W+", law)
    for wrong in (f"{word}(1)", f"{word}(1, 2, 3)", f"{word}({first} = 1, 2)", f"{word}(1, second = 2)"):
        with pytest.raises(NotANumber) as raised:
            generated(("x",), [(1.0,)], (), (parse_expression(wrong),))
        assert raised.value.reason == f"noise is {law}"


def test_words_of_messages() -> None:
    assert [listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a or b", "a, b or c"]
    assert [counted(n, "unit") for n in (0, 1, 3)] == ["0 units", "1 unit", "3 units"]
    assert [counted(2, noun) for noun in ("batch", "class", "epoch")] == [
        "2 batches",
        "2 classes",
        "2 epoches",
    ]
    source = Source("a.net", "loss R = u  # why\nnext line\n")
    assert first_line(Span(source, 0, len(source.text))).text == "loss R = u"
    assert first_line(Span(source, 0, 4)).text == "loss"
