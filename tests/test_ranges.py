"""What interval analysis knows beyond single functions: of sums, shares, squares and choices."""

from __future__ import annotations

import math

import pytest

from netc.compiler.calculus.intervals import INF, LINE, Range
from netc.compiler.calculus.ir import SCALAR, Axis, Const, Expr, Reduce, Var, apply
from netc.compiler.calculus.ranges import Ranges, pointwise

UNITS = (Axis("units", 3),)
X, V = Var("x", SCALAR), Var("v", UNITS)
ONE, ZERO, TWO = Const(1.0), Const(0.0), Const(2.0)
SQUARE = apply("mul", X, X)
ABOVE, FROM_0, SHORT = Range(0.0, INF, True), Range(0.0, INF), Range(-1.0, 2.0, high_open=True)


def over(op: str, x: Expr) -> Expr:
    return Reduce(op, x, UNITS)


def share(x: Expr) -> Expr:
    return apply("div", x, over("sum", x))


def add(x: Expr, y: Expr) -> Expr:
    return apply("add", x, y)


def chosen(condition: str, bound: Expr, a: Expr, b: Expr) -> Expr:
    return apply("select", apply(condition, X, bound), a, b)


EXP = apply("exp", X)
TABLE: dict[str, tuple[Expr, Range, int, str]] = {
    "a number": (TWO, LINE, 1, "[2, 2]"),
    "no number": (Const(math.nan), LINE, 1, "(-inf, inf)"),
    "what is not known": (Var("w", SCALAR), LINE, 1, "(-inf, inf)"),
    "x": (X, SHORT, 1, "[-1, 2)"),
    # of vectors of so many elements
    "sum": (over("sum", V), SHORT, 3, "[-3, 6)"),
    "sum of one": (over("sum", V), SHORT, 1, "[-1, 2)"),
    "max": (over("max", V), SHORT, 3, "[-1, 2)"),
    "min": (over("min", V), SHORT, 3, "[-1, 2)"),
    "norm": (over("norm", V), Range(-1.0, 2.0), 4, "[0, 4]"),
    "norm above 0": (over("norm", V), Range(1.0, 2.0, True), 4, "(2, 4]"),
    "share of three": (share(V), ABOVE, 3, "(0, 1)"),
    "share of two": (share(V), ABOVE, 2, "(0, 1)"),
    "share of one": (share(V), ABOVE, 1, "[1, 1]"),
    "share that may be 0": (share(V), FROM_0, 2, "[0, 1]"),
    "no share": (share(V), LINE, 2, "(-inf, inf)"),
    # what an expression does with itself
    "square": (SQUARE, SHORT, 1, "[0, 4)"),
    "no square": (apply("mul", X, Var("w", SCALAR)), SHORT, 1, "(-inf, inf)"),
    "x - x": (apply("sub", X, X), SHORT, 1, "[0, 0]"),
    "x/(1 + |x|)": (apply("div", X, add(ONE, apply("abs", X))), LINE, 1, "(-1, 1)"),
    "x/(|x| + 1)": (apply("div", X, add(apply("abs", X), ONE)), LINE, 1, "(-1, 1)"),
    "x/(0 + |x|)": (apply("div", X, add(ZERO, apply("abs", X))), LINE, 1, "(-inf, inf)"),
    "2/(1 + |x|)": (apply("div", TWO, add(ONE, apply("abs", X))), LINE, 1, "(0, 2]"),
    "x/sqrt(1 + x*x)": (apply("div", X, apply("sqrt", add(ONE, SQUARE))), LINE, 1, "(-1, 1)"),
    "x/sqrt(x^2 + 1)": (apply("div", X, apply("sqrt", add(apply("pow", X, TWO), ONE))), LINE, 1, "(-1, 1)"),
    "x/sqrt(x^3 + 1)": (apply("div", X, apply("sqrt", add(apply("pow", X, Const(3.0)), ONE))), FROM_0, 1, "[0, inf)"),
    "x/sqrt(0 + x*x)": (apply("div", X, apply("sqrt", add(ZERO, SQUARE))), ABOVE, 1, "(0, inf)"),
    # choices: a branch counts where its condition holds
    "if x > 0": (chosen("gt", ZERO, X, ONE), LINE, 1, "(0, inf)"),
    "if x >= 0": (chosen("ge", ZERO, X, ONE), LINE, 1, "[0, inf)"),
    "if x < 0": (chosen("lt", ZERO, X, Const(-1.0)), LINE, 1, "(-inf, 0)"),
    "if x <= 0": (chosen("le", ZERO, X, Const(-1.0)), LINE, 1, "(-inf, 0]"),
    "else of x > 0": (chosen("gt", ZERO, Const(-1.0), X), LINE, 1, "(-inf, 0]"),
    "else of x >= 0": (chosen("ge", ZERO, Const(-1.0), X), LINE, 1, "(-inf, 0)"),
    "else of x < 0": (chosen("lt", ZERO, ONE, X), LINE, 1, "[0, inf)"),
    "else of x <= 0": (chosen("le", ZERO, ONE, X), LINE, 1, "(0, inf)"),
    "if 0 < x": (apply("select", apply("lt", ZERO, X), X, ONE), LINE, 1, "(0, inf)"),
    "if not x > 0": (apply("select", apply("not", apply("gt", X, ZERO)), X, ZERO), LINE, 1, "(-inf, 0]"),
    "if e^x < 1": (apply("select", apply("lt", EXP, ONE), EXP, ZERO), LINE, 1, "[0, 1)"),
    "always": (chosen("gt", Const(-2.0), ONE, TWO), SHORT, 1, "[1, 1]"),
    "never": (chosen("gt", TWO, ONE, TWO), SHORT, 1, "[2, 2]"),
    "never, at an open end": (chosen("ge", TWO, ONE, TWO), SHORT, 1, "[2, 2]"),
    "always, at an open end": (chosen("lt", TWO, ONE, TWO), SHORT, 1, "[1, 1]"),
    "always, at a closed end": (chosen("ge", Const(-1.0), ONE, TWO), SHORT, 1, "[1, 1]"),
    "perhaps, at a closed end": (chosen("gt", Const(-1.0), ONE, TWO), SHORT, 1, "[1, 2]"),
    "perhaps, where it attains it": (chosen("ge", TWO, ONE, TWO), Range(-1.0, 2.0), 1, "[1, 2]"),
    "perhaps, where it attains the other": (chosen("le", Const(-1.0), ONE, TWO), SHORT, 1, "[1, 2]"),
    "if x*x < x": (apply("select", apply("lt", SQUARE, X), SQUARE, ZERO), SHORT, 1, "[0, 2)"),
    "if x > x*x": (apply("select", apply("gt", X, SQUARE), X, ONE), SHORT, 1, "(0, 2)"),
    "if x = 0": (chosen("eq", ZERO, ONE, X), SHORT, 1, "[-1, 2)"),
    "both hold": (
        apply("select", apply("and", apply("gt", X, ZERO), apply("lt", X, ONE)), X, Const(0.5)), LINE, 1, "(0, 1)"),
    "one of two fails": (
        apply("select", apply("or", apply("gt", X, ONE), apply("lt", X, ZERO)), ONE, X), LINE, 1, "[0, 1]"),
    "one of two holds": (
        apply("select", apply("or", apply("gt", X, ONE), apply("lt", X, ZERO)), X, ONE), LINE, 1, "(-inf, inf)"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_a_range_is_as_tight_as_it_is_said_to_be(name: str) -> None:
    expr, given, units, expected = TABLE[name]
    assert str(Ranges({X: given, V: given}, units).of(expr)) == expected


PIECES = {
    "(-1, 1)": apply("tanh", X),
    "[0, inf)": apply("max", X, apply("neg", X)),  # with a cut at 0 it is known to be |x|
    "[0, 1]": apply("min", ONE, apply("max", ZERO, X)),
}


@pytest.mark.parametrize("expected", PIECES)
def test_a_function_of_one_number_piece_by_piece(expected: str) -> None:
    assert str(pointwise(PIECES[expected], X)) == expected


TRUTHS = {
    "and": [(True, True, True), (True, False, False), (True, None, None), (False, None, False), (None, None, None)],
    "or": [(True, True, True), (True, False, True), (True, None, True), (False, None, None), (False, False, False)],
}  # fmt: skip
CONDITION = {True: apply("gt", X, Const(-2.0)), False: apply("gt", X, Const(5.0)), None: apply("gt", X, ZERO)}


@pytest.mark.parametrize("name", TRUTHS)
def test_two_conditions(name: str) -> None:
    for a, b, both in TRUTHS[name]:
        for c, d in ((a, b), (b, a)):
            assert Ranges({X: SHORT}).truth(apply(name, CONDITION[c], CONDITION[d])) is both
            assert Ranges({X: SHORT}).truth(apply("not", CONDITION[c])) is (None if c is None else not c)


def test_one_of_many_is_1() -> None:
    y = Var("y", UNITS)
    known = {V: SHORT, y: Range(0.0, 1.0)}
    for product in (apply("mul", y, V), apply("mul", V, y)):
        assert str(Ranges(known, 3, y).of(over("sum", product))) == "[-1, 2)"  # one of the elements
        assert str(Ranges(known, 3).of(over("sum", product))) == "[-3, 6)"
    assert str(Ranges(known, 3, y).of(over("sum", y))) == "[1, 1]"
    assert str(Ranges(known, 3).of(over("sum", y))) == "[0, 3]"


FAULTS = {
    "log(x)": (apply("log", X), SHORT, "[-1, 2)"),
    "1/x": (apply("div", ONE, X), SHORT, "[-1, 2)"),
    "share": (share(V), FROM_0, "[0, inf)"),
    "in a choice": (chosen("gt", Const(-0.5), apply("sqrt", X), ONE), SHORT, "(-0.5, 2)"),
    "in a condition": (apply("select", apply("eq", apply("log", X), ZERO), ONE, ONE), SHORT, "[-1, 2)"),
    "in what is subtracted": (apply("sub", apply("log", X), apply("log", X)), SHORT, "[-1, 2)"),
}
SOUND = {
    "log of what is above 0": (apply("log", X), ABOVE),
    "share of what is above 0": (share(V), ABOVE),
    "in a choice": (chosen("gt", ZERO, apply("log", X), ONE), SHORT),
    "else": (chosen("le", ZERO, ONE, apply("log", X)), SHORT),
    "a branch that never counts": (chosen("gt", TWO, apply("log", X), ONE), SHORT),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_may_have_no_value_is_noted_with_the_part_to_blame(name: str) -> None:
    expr, given, where = FAULTS[name]
    found = Ranges({X: given, V: given}, 3)
    found.of(expr)
    assert [str(f.range) for f in found.faults] == [where]


@pytest.mark.parametrize("name", SOUND)
def test_what_has_a_value_everywhere_has_no_fault(name: str) -> None:
    expr, given = SOUND[name]
    found = Ranges({X: given, V: given}, 3)
    found.of(expr)
    assert found.faults == []
