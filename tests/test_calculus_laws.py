"""Every law of the expressions: what is written, what is made of it, and the same numbers, also where a law does not hold.

A law is tried as it stands, with vectors, and then with each of its numbers, names and functions replaced by another one:
what is no longer an instance of it must keep its values as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from hand_built import add, div, mul, sub
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.ir import (
    SCALAR,
    Apply,
    Axis,
    Const,
    Expr,
    Reduce,
    Var,
    apply,
    children,
    with_children,
)
from netc.compiler.calculus.laws import make, spread, unspread
from netc.compiler.calculus.simplify import rebuild, simplify
from netc.compiler.calculus.written import written

X, Y, Z = (Var(name, SCALAR) for name in "xyz")
U = Axis("u", 3)
NUMBERS = (-2.5, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0, 3.5)
ZERO, ONE, TWO, THREE = (Const(float(k)) for k in range(4))
C = apply("lt", X, Y)
"""A condition."""
TENTH = Const(written(0.1))


def neg(x: Expr) -> Expr:
    return apply("neg", x)


def exp(x: Expr) -> Expr:
    return apply("exp", x)


def log(x: Expr) -> Expr:
    return apply("log", x)


def chosen(x: Expr) -> Expr:
    """x where the condition holds."""
    return apply("select", C, x, ZERO)


def other(x: Expr) -> Expr:
    return apply("select", C, ZERO, x)


def sigmoid(x: Expr) -> Expr:
    return apply("sigmoid", x)


def power(x: Expr, n: float) -> Expr:
    return apply("pow", x, Const(n))


SQUARES = Reduce("sum", mul(Var("v", (U,)), Var("v", (U,))), (U,))
COSH = apply("cosh", X)


@dataclass
class Law:
    written: Expr
    made: Expr
    exact: bool = False
    """The same for every argument, NaN and infinity among them, up to the sign of a zero: no remark stands by the law."""


LAWS = {
    # sums
    "x + 0": Law(add(X, ZERO), X, True),
    "0 + x": Law(add(ZERO, X), X, True),
    "-x + y": Law(add(neg(X), Y), sub(Y, X), True),
    "x + -y": Law(add(X, neg(Y)), sub(X, Y), True),
    "c*x + c*y": Law(add(mul(THREE, X), mul(THREE, Y)), mul(THREE, add(X, Y))),
    "e^x + -1": Law(add(exp(X), Const(-1.0)), apply("expm1", X)),
    "-1 + e^x": Law(add(Const(-1.0), exp(X)), apply("expm1", X)),
    "e^x + e^-x": Law(add(exp(X), exp(neg(X))), mul(TWO, COSH)),
    "e^-x + e^x": Law(add(exp(neg(X)), exp(X)), mul(TWO, apply("cosh", neg(X)))),
    "both halves": Law(add(chosen(X), other(Z)), apply("select", C, X, Z)),
    "x/s + y/s": Law(add(div(X, Z), div(Y, Z)), div(add(X, Y), Z)),
    "x + x": Law(add(X, X), mul(TWO, X), True),
    # differences
    "x - 0": Law(sub(X, ZERO), X, True),
    "0 - x": Law(sub(ZERO, X), neg(X), True),
    "x - -y": Law(sub(X, neg(Y)), add(X, Y), True),
    "-x - y": Law(sub(neg(X), Y), neg(add(X, Y)), True),
    "c*x - c*y": Law(sub(mul(THREE, X), mul(THREE, Y)), mul(THREE, sub(X, Y))),
    "x/s - y/s": Law(sub(div(X, Z), div(Y, Z)), div(sub(X, Y), Z)),
    "e^x - 1": Law(sub(exp(X), ONE), apply("expm1", X)),
    "(1 - y)*s - y*(1 - s)": Law(
        sub(mul(sub(ONE, Y), sigmoid(X)), mul(Y, sigmoid(neg(X)))), sub(sigmoid(X), Y)
    ),
    # products
    "x*1": Law(mul(X, ONE), X, True),
    "1*x": Law(mul(ONE, X), X, True),
    "x*-1": Law(mul(X, Const(-1.0)), neg(X), True),
    "-1*x": Law(mul(Const(-1.0), X), neg(X), True),
    "x*c": Law(mul(X, THREE), mul(THREE, X), True),
    "c*(d*x)": Law(mul(TWO, mul(THREE, X)), mul(Const(6.0), X)),
    "c*-x": Law(mul(THREE, neg(X)), mul(Const(-3.0), X), True),
    "c*(d/x)": Law(mul(TWO, div(THREE, X)), div(Const(6.0), X)),
    "-x*y": Law(mul(neg(X), Y), neg(mul(X, Y)), True),
    "x*-y": Law(mul(X, neg(Y)), neg(mul(Y, X)), True),
    "(c*x)*y": Law(mul(mul(THREE, X), Y), mul(THREE, mul(X, Y))),
    "y*(c*x)": Law(mul(Y, mul(THREE, X)), mul(THREE, mul(X, Y))),
    "(c/x)*y": Law(mul(div(THREE, X), Y), div(mul(THREE, Y), X)),
    "y*(c/x)": Law(mul(Y, div(THREE, X)), div(mul(THREE, Y), X)),
    "(x, else 0)*y": Law(mul(chosen(X), Z), chosen(mul(X, Z))),
    "y*(x, else 0)": Law(mul(Z, chosen(X)), chosen(mul(X, Z))),
    "(0, else x)*y": Law(mul(other(X), Z), other(mul(X, Z))),
    "y*(0, else x)": Law(mul(Z, other(X)), other(mul(X, Z))),
    "norm^2": Law(mul(apply("sqrt", SQUARES), apply("sqrt", SQUARES)), SQUARES),
    "sqrt(x^2)^2": Law(mul(apply("sqrt", mul(X, X)), apply("sqrt", mul(X, X))), mul(X, X)),
    "sqrt(x)^2": Law(mul(apply("sqrt", X), apply("sqrt", X)), mul(apply("sqrt", X), apply("sqrt", X)), True),
    # quotients
    "x/1": Law(div(X, ONE), X, True),
    "x/-1": Law(div(X, Const(-1.0)), neg(X), True),
    "x/4": Law(div(X, Const(4.0)), mul(Const(0.25), X), True),
    "x/-0.5": Law(div(X, Const(-0.5)), mul(Const(-2.0), X), True),
    "x/3": Law(div(X, THREE), div(X, THREE), True),
    "x/0": Law(div(X, ZERO), div(X, ZERO), True),
    "x/2^-1074": Law(div(X, Const(2.0**-1074)), div(X, Const(2.0**-1074)), True),
    "c*x/d": Law(div(mul(THREE, X), Const(5.0)), mul(Const(0.6), X)),
    "c*x/0": Law(div(mul(THREE, X), ZERO), div(mul(THREE, X), ZERO), True),
    "-x/y": Law(div(neg(X), Y), neg(div(X, Y)), True),
    "x/-y": Law(div(X, neg(Y)), neg(div(X, Y)), True),
    "x/(1/y)": Law(div(X, div(ONE, Y)), mul(X, Y)),
    "1/(1 + e^x)": Law(div(ONE, add(ONE, exp(X))), sigmoid(neg(X))),
    "1/(e^x + 1)": Law(div(ONE, add(exp(X), ONE)), sigmoid(neg(X))),
    "e^x/(1 + e^x)": Law(div(exp(X), add(ONE, exp(X))), sigmoid(X)),
    "e^x/(e^x + 1)": Law(div(exp(X), add(exp(X), ONE)), sigmoid(X)),
    "(x, else 0)/y": Law(div(chosen(X), Z), chosen(div(X, Z))),
    "(0, else x)/y": Law(div(other(X), Z), other(div(X, Z))),
    # signs
    "--x": Law(neg(neg(X)), X, True),
    "-(x - y)": Law(neg(sub(X, Y)), sub(Y, X), True),
    "-(c*x)": Law(neg(mul(THREE, X)), mul(Const(-3.0), X), True),
    "-(c/x)": Law(neg(div(THREE, X)), div(Const(-3.0), X), True),
    "-(x, else 0)": Law(neg(chosen(X)), chosen(neg(X)), True),
    "-(0, else x)": Law(neg(other(X)), other(neg(X)), True),
    # powers
    "x^y": Law(apply("pow", X, Y), apply("pow", X, Y), True),
    "x^0": Law(power(X, 0.0), ONE, True),
    "x^1": Law(power(X, 1.0), X, True),
    "x^0.5": Law(power(X, 0.5), apply("sqrt", X), True),
    "x^-0.5": Law(power(X, -0.5), div(ONE, apply("sqrt", X))),
    "x^2": Law(power(X, 2.0), mul(X, X)),
    "x^3": Law(power(X, 3.0), mul(mul(X, X), X)),
    "x^5": Law(power(X, 5.0), mul(mul(mul(X, X), mul(X, X)), X)),
    "x^-1": Law(power(X, -1.0), div(ONE, X)),
    "x^-2": Law(power(X, -2.0), div(ONE, mul(X, X))),
    "x^17": Law(power(X, 17.0), power(X, 17.0), True),
    "x^-17": Law(power(X, -17.0), power(X, -17.0), True),
    "x^1.5": Law(power(X, 1.5), power(X, 1.5), True),
    "x^-1.5": Law(power(X, -1.5), power(X, -1.5), True),
    # logarithms
    "log(e^x)": Law(log(exp(X)), X),
    "log(e^x/s)": Law(log(div(exp(X), Z)), sub(X, log(Z))),
    "log(sigmoid(x))": Law(log(sigmoid(X)), neg(apply("softplus", neg(X)))),
    "log(cosh(x))": Law(log(COSH), apply("logcosh", X)),
    "log(c*cosh(x))": Law(log(mul(THREE, COSH)), add(apply("logcosh", X), Const(float(np.log(3.0))))),
    "log(c*cosh(x)), c < 1": Law(log(mul(Const(0.25), COSH)), add(apply("logcosh", X), Const(float(np.log(0.25))))),
    "log(-c*cosh(x))": Law(log(mul(Const(-3.0), COSH)), log(mul(Const(-3.0), COSH)), True),
    "log(1 - x)": Law(log(sub(ONE, X)), apply("log1p", neg(X))),
    "log(1 + x)": Law(log(add(ONE, X)), apply("log1p", X)),
    "log(x + 1)": Law(log(add(X, ONE)), apply("log1p", X)),
    "log1p(e^x)": Law(apply("log1p", exp(X)), apply("softplus", X)),
    "log1p(-sigmoid(x))": Law(apply("log1p", neg(sigmoid(X))), neg(apply("softplus", X))),
    "log1p(expm1(x))": Law(apply("log1p", apply("expm1", X)), X),
    # amounts and choices
    "||x||": Law(apply("abs", apply("abs", X)), apply("abs", X), True),
    "|-x|": Law(apply("abs", neg(X)), apply("abs", X), True),
    "not not c": Law(apply("select", apply("not", apply("not", C)), X, Z), apply("select", C, X, Z), True),
    "x if not c else y": Law(apply("select", apply("not", C), X, Z), apply("select", C, Z, X), True),
    "x if 1 < 2 else y": Law(apply("select", apply("lt", ONE, TWO), X, Z), X, True),
    "x if 2 < 1 else y": Law(apply("select", apply("lt", TWO, ONE), X, Z), Z, True),
    "x if c else x": Law(apply("select", C, X, X), X, True),
    "x if c else y": Law(apply("select", C, X, Z), apply("select", C, X, Z), True),
}  # fmt: skip


def points(numbers: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Every combination of the numbers."""
    x, y, z = (part.ravel() for part in np.meshgrid(numbers, numbers, numbers))
    return {"x": x, "y": y, "z": z, "v": np.stack([x, y, z])}


def values(expr: Expr, numbers: tuple[float, ...]) -> np.ndarray:
    along = (Axis("k", len(numbers) ** 3),)
    moved = rebuild(expr, lambda e: Var(e.name, (*e.axes, *along)) if isinstance(e, Var) else e)
    return np.broadcast_to(evaluate(moved, points(numbers)), along[0].size)


def made(expr: Expr) -> Expr:
    """The node by its laws, of arguments by theirs."""
    assert isinstance(expr, Apply)
    return make(expr.op, *(simplify(a) for a in expr.args))


def same(written: Expr, simple: Expr) -> None:
    before, after = values(written, NUMBERS), values(simple, NUMBERS)
    known = np.isfinite(before)
    np.testing.assert_allclose(
        after[known], before[known], rtol=1e-12, atol=1e-14, err_msg=f"{written} -> {simple}"
    )


@pytest.mark.parametrize("name", LAWS)
def test_what_is_made_of_what_is_written(name: str) -> None:
    law = LAWS[name]
    assert made(law.written) == law.made
    same(law.written, law.made)
    if law.exact:
        anything = (*NUMBERS, np.inf, -np.inf, np.nan)
        np.testing.assert_array_equal(values(law.made, anything), values(law.written, anything))


@pytest.mark.parametrize("name", LAWS)
def test_laws_hold_for_vectors(name: str) -> None:
    long = (Axis("w", 5),)
    before, after = (
        rebuild(e, lambda e: Var(e.name, (*e.axes, *long)) if isinstance(e, Var) else e)
        for e in (LAWS[name].written, LAWS[name].made)
    )
    assert made(before) == spread(after, long)


def test_what_is_equal_in_all_elements_is_computed_once() -> None:
    axes, number = (U,), Const(3.0, (U,))
    everywhere = spread(X, axes)
    assert everywhere == Apply("mul", (Const(1.0, axes), X))
    assert (spread(THREE, axes), spread(everywhere, axes)) == (number, everywhere)
    assert (unspread(everywhere), unspread(number)) == (X, THREE)
    assert unspread(mul(number, X)) == mul(number, X)
    assert make("exp", everywhere) == spread(exp(X), axes)
    assert make("add", everywhere, number) == spread(add(X, THREE), axes)
    assert make("lt", everywhere, number) == apply("lt", everywhere, number)
    assert make("select", C, everywhere, number) == spread(apply("select", C, X, THREE), axes)


def test_functions_of_numbers_are_numbers_where_they_are_finite() -> None:
    assert make("exp", ZERO) == ONE
    assert (
        make("add", TENTH, Const(written(0.2)))
        == make("add", Const(0.1), Const(written(0.2)))
        == Const(written(0.3))
    )
    for kept in (log(ZERO), div(ONE, ZERO), apply("stop_gradient", ONE), apply("lt", ONE, TWO), exp(TENTH)):
        assert make(kept.op, *kept.args) == kept


OTHERS: dict[int, tuple[str, ...]] = {
    1: ("neg", "exp", "sqrt", "sigmoid", "cosh"),
    2: ("add", "sub", "mul", "div", "pow"),
    3: ("select",),
}


def replaced(expr: Expr) -> Iterator[Expr]:
    """The expression with one of its numbers, names or functions another one."""
    match expr:
        case Const():
            yield from map(Const, {-1.0, 0.0, 0.5, 1.0, 2.0} - {expr.value})
        case Var("x" | "y"):
            yield Y if expr == X else X
        case Apply(op, args) if op in {*OTHERS[1], *OTHERS[2]}:
            yield from (Apply(new, args) for new in OTHERS[len(args)] if new != op)
    for i, child in enumerate(children(expr)):
        for new in replaced(child):
            yield with_children(expr, (*children(expr)[:i], new, *children(expr)[i + 1 :]))


@pytest.mark.parametrize("name", LAWS)
def test_what_is_no_instance_of_a_law_keeps_its_values(name: str) -> None:
    for near in replaced(LAWS[name].written):
        same(near, made(near))
