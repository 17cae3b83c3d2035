"""Simplification keeps values and axes, is done when it is done, and shares what is equal."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netc.compiler.calculus.derive import reverse
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.expr_text import expr_text, index_text
from netc.compiler.calculus.ir import (
    SCALAR,
    THETA,
    Axes,
    Axis,
    Const,
    Expr,
    Index,
    Var,
    apply,
    postorder,
    total,
)
from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.calculus.simplify import common, expand, simplify
from netc.compiler.calculus.written import together

X, Y = Var("x", SCALAR), Var("y", SCALAR)
UNITS = (Axis("u", 3),)
Z = Var("z", UNITS)
ONE, ZERO = Const(1.0), Const(0.0)

UNARY = ("neg", "exp", "expm1", "log", "log1p", "sqrt", "abs", "tanh", "sigmoid", "softplus", "sin", "atan")
BINARY = ("add", "sub", "mul", "div", "min", "max")
NUMBERS = st.sampled_from((0.0, 1.0, -1.0, 2.0, 0.5, 3.0, -0.7)).map(Const)

EXPONENTS = st.sampled_from((0.0, 1.0, 2.0, 3.0, -1.0, 0.5))


def grown(leaves: st.SearchStrategy[Expr], z: Var = Z) -> st.SearchStrategy[Expr]:
    def larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        condition = st.builds(apply, st.sampled_from(("lt", "ge", "eq")), inner, inner)
        negated = condition.map(lambda c: apply("not", c))
        return st.one_of(
            st.builds(apply, st.sampled_from(UNARY), inner),
            st.builds(apply, st.sampled_from(BINARY), inner, inner),
            st.builds(
                lambda a, n: apply("pow", a, Const(n)),
                inner,
                st.sampled_from((0.0, 1.0, 2.0, 3.0, -1.0, 0.5)),
            ),
            st.builds(lambda c, a, b: apply("select", c, a, b), st.one_of(condition, negated), inner, inner),
            st.builds(
                total,
                st.sampled_from(("sum", "max", "min")),
                inner.map(lambda a: a if a.axes else apply("mul", a, z)),
            ),
        )

    return st.recursive(leaves, larger, max_leaves=10)


ONE_UNIT = Var("z", (Axis("u", 1),))
TREES = grown(st.one_of(st.sampled_from((X, Z)), NUMBERS))
ENV = {"x": 0.83, "z": np.array([-1.3, 0.0, 0.4])}


@settings(max_examples=200)
@given(TREES)
def test_value_and_axes_are_kept(expr: Expr) -> None:
    simple = simplify(expr)
    assert simple.axes == expr.axes
    before, after = (np.asarray(evaluate(e, ENV), float) for e in (expr, simple))
    # Laws marked [overflow] may give a number where the written form has none, never the other way round.
    known = np.isfinite(before) & (np.abs(before) < 1e6)
    before, after = np.broadcast_arrays(before, after)
    known = np.broadcast_to(known, before.shape)
    assert after[known] == pytest.approx(before[known], rel=1e-6, abs=1e-6)


@settings(max_examples=200)
@given(TREES)
def test_simplify_is_idempotent(expr: Expr) -> None:
    simple = simplify(expr)
    assert simplify(simple) == simple


EXTREMES = st.sampled_from((1e308, -1e308, 1e-320, math.inf, -math.inf, math.nan, 0.0, 2.0)).map(Const)


@settings(max_examples=300)
@given(grown(st.one_of(st.sampled_from((X, Z)), EXTREMES)))
def test_extreme_constants_come_to_an_end(expr: Expr) -> None:
    assert simplify(expr).axes == expr.axes


@settings(max_examples=150)
@given(grown(st.one_of(st.sampled_from((X, ONE_UNIT)), NUMBERS), ONE_UNIT))
def test_over_one_unit_the_value_is_the_same(expr: Expr) -> None:
    env = {"x": 0.83, "z": np.array([0.4])}
    before, after = (np.asarray(evaluate(e, env), float) for e in (expr, simplify(expr)))
    assert simplify(expr).axes == expr.axes
    if np.isfinite(before).all() and np.abs(before).max() < 1e6:
        assert after.ravel() == pytest.approx(before.ravel(), rel=1e-6, abs=1e-6)


@settings(max_examples=200)
@given(st.lists(TREES, min_size=1, max_size=3))
def test_common_subexpressions_keep_the_values(exprs: list[Expr]) -> None:
    bindings, results = common(exprs)
    env = dict(ENV)
    for name, value in bindings:
        env[name] = evaluate(value, env)
    for expr, result in zip(exprs, results, strict=True):
        assert result.axes == expr.axes
        before, after = (np.asarray(evaluate(e, env), float) for e in (expr, result))
        sane = np.isfinite(before) & (np.abs(before) < 1e100)
        assert np.broadcast_to(after, before.shape)[sane] == pytest.approx(before[sane], rel=1e-12, abs=1e-12)
        assert all(PRIMITIVES[n.op].cpu for n in postorder(result) if hasattr(n, "args"))


def op(name: str, *args: Expr) -> Expr:
    return apply(name, *args)


ONES = Const(1.0, UNITS)
SQUARES = total("sum", op("mul", Z, Z))
LAWS = [
    ("a vector choice", op("select", op("lt", X, op("pow", Z, ZERO)), X, X), op("mul", ONES, X)),
    ("x + 0", op("add", X, ZERO), X),
    ("1e308*(10*x)", op("mul", Const(1e308), op("mul", Const(10.0), X)), op("mul", Const(1e308), op("mul", Const(10.0), X))),
    ("x*1", op("mul", X, ONE), X),
    ("x/1", op("div", X, ONE), X),
    ("--x", op("neg", op("neg", X)), X),
    ("x - -y", op("sub", X, op("neg", Y)), op("add", X, Y)),
    ("2*(3*x)", op("mul", Const(2.0), op("mul", Const(3.0), X)), op("mul", Const(6.0), X)),
    ("x/4", op("div", X, Const(4.0)), op("mul", Const(0.25), X)),
    ("x/3 stays", op("div", X, Const(3.0)), op("div", X, Const(3.0))),
    ("x^2", op("pow", X, Const(2.0)), op("mul", X, X)),
    ("x^0.5", op("pow", X, Const(0.5)), op("sqrt", X)),
    ("x^-1", op("pow", X, Const(-1.0)), op("div", ONE, X)),
    ("x^0", op("pow", X, ZERO), ONE),
    ("x^2.5 stays", op("pow", X, Const(2.5)), op("pow", X, Const(2.5))),
    ("log(exp(x))", op("log", op("exp", X)), X),
    ("log(1 + exp(x))", op("log", op("add", ONE, op("exp", X))), op("softplus", X)),
    ("1/(1 + exp(-x))", op("div", ONE, op("add", ONE, op("exp", op("neg", X)))), op("sigmoid", X)),
    ("exp(x) - 1", op("sub", op("exp", X), ONE), op("expm1", X)),
    ("constants", op("sub", op("mul", Const(2.0), Const(3.0)), ONE), Const(5.0)),
    ("1/0 stays", op("div", ONE, ZERO), op("div", ONE, ZERO)),
    ("a decided choice", op("select", op("lt", ONE, Const(2.0)), X, Y), X),
    ("the same either way", op("select", op("lt", X, Y), X, X), X),
    ("sum of a constant factor", total("sum", op("mul", X, Z)), op("mul", X, total("sum", Z))),
    ("squared norm", op("pow", op("sqrt", SQUARES), Const(2.0)), SQUARES),
]  # fmt: skip


@pytest.mark.parametrize(("name", "written", "expected"), LAWS, ids=[law[0] for law in LAWS])
def test_laws(name: str, written: Expr, expected: Expr) -> None:
    assert simplify(written) == expected


def apart(c: float) -> tuple[Expr, ...]:
    """c*(c*x), c*(c/x) and (c*x)/(1/c)."""
    number = Const(c)
    times, over = op("mul", number, X), op("div", number, X)
    return op("mul", number, times), op("mul", number, over), op("div", times, Const(1 / c))


@pytest.mark.parametrize("c", [1e200, 1e-200])
def test_constants_that_together_leave_the_range_of_numbers_stay_apart(c: float) -> None:
    for written in apart(c):
        assert simplify(written) == written
        x = c if written.args[-1] == op("div", Const(c), X) else 1 / c
        assert evaluate(simplify(written), {"x": x}) == pytest.approx(c, abs=0)


def test_constants_are_put_together_else() -> None:
    assert [simplify(e) for e in apart(3.0)] == [
        op("mul", Const(9.0), X),
        op("div", Const(9.0), X),
        op("mul", Const(9.0), X),
    ]
    assert simplify(op("mul", ZERO, op("mul", Const(3.0), X))) == op("mul", ZERO, X)
    assert simplify(op("div", op("mul", ZERO, X), Const(3.0))) == op("mul", ZERO, X)


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (((1,), 0, 1, False), "h"),
        (((2, 3), -1, 1, False), "2*h + 3*p - 1"),
        (((), 4, 1, False), "4"),
        (((1, 1), 1, 2, True), "floor((h + p + 1)/2)"),
        (((1,), 0, 3, False), "(h)/3"),
    ],
)
def test_a_place_is_written_as_its_formula(index: tuple[tuple[int, ...], int, int, bool], text: str) -> None:
    factors, *rest = index
    axes = (Axis("h", 5), Axis("p", 3))
    assert index_text(Index(tuple(zip(axes, factors, strict=False)), *rest)) == text


EXACT = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "abs": np.abs,
    "max": np.maximum, "min": np.minimum, "sign": np.sign, "floor": np.floor, "pow": np.power,
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_functions_of_written_numbers_are_those_of_numpy(name: str) -> None:
    """Of every sign, whole or not, on both sides of 1: fractions of integers and the nearest double agree."""
    numbers = (-2.5, -1.0, -0.25, 0.0, 0.25, 1.0, 2.5)
    for x in numbers:
        if name in ("neg", "abs", "sign", "floor"):
            assert float(together(name, (x,)) or 0.0) == EXACT[name](x)
            continue
        for y in numbers:
            found = together(name, (x, y))
            if (name == "div" and y == 0) or (name == "pow" and (y < 0 or y != int(y))):
                assert found is None
            else:
                assert found is not None
                assert float(found) == EXACT[name](x, y)


def test_nan_and_infinity_are_not_hidden() -> None:
    for expr in (op("mul", ZERO, X), op("sub", X, X), op("div", X, X)):
        assert math.isnan(evaluate(simplify(expr), {"x": math.inf}))


def test_integer_powers_are_products() -> None:
    for n in range(-16, 17):
        power = simplify(op("pow", X, Const(float(n))))
        assert not any(getattr(node, "op", "") == "pow" for node in postorder(power))
        assert evaluate(power, {"x": 1.7}) == pytest.approx(1.7**n, rel=1e-14)


@pytest.mark.parametrize("axes", [THETA, UNITS])
def test_a_constant_in_all_elements_stays_a_vector(axes: Axes) -> None:
    vector = Var("v", axes)
    zero = simplify(op("pow", vector, ZERO))
    assert zero == Const(1.0, axes)
    assert simplify(total("sum", op("add", zero, op("mul", Const(2.0, axes), X)))).axes == SCALAR
    env = {vector.name: np.array([3.0, 4.0, 5.0]), "x": 0.5}
    found = evaluate(
        simplify(total("sum", op("add", zero, op("mul", Const(2.0, axes), X)))), env, sizes={axes[0]: 3}
    )
    assert float(np.sum(found)) == 6.0


def test_equal_parts_are_bound_once() -> None:
    a, b = op("exp", op("mul", X, Y)), op("exp", op("mul", X, Y))
    bindings, (first, second) = common([op("add", a, ONE), op("sub", b, ONE)])
    assert bindings == [("t0", op("exp", op("mul", X, Y)))]
    assert (first, second) == (op("add", Var("t0", SCALAR), ONE), op("sub", Var("t0", SCALAR), ONE))
    assert common([a, b])[1] == [Var("t0", SCALAR), Var("t0", SCALAR)]
    assert common([X, X]) == ([], [X, X])


def test_nothing_unspelled_reaches_the_code() -> None:
    held = op("stop_gradient", op("softplus", X))
    assert simplify(held) == held
    assert {n.op for n in postorder(expand(held)) if hasattr(n, "args")} == {
        "add",
        "max",
        "log1p",
        "exp",
        "neg",
        "abs",
    }


def test_softplus_of_both_signs_shares_its_exponential() -> None:
    bindings, _ = common([op("softplus", X), op("softplus", op("neg", X))])
    assert [expr_text(value) for _, value in bindings] == ["log1p(exp(-abs(x)))"]


def test_deep_and_shared_expressions_are_no_burden() -> None:
    deep: Expr = X
    for _ in range(3000):
        deep = op("tanh", deep)
    assert size(simplify(deep)) == 3001
    wide: Expr = X
    for _ in range(200):  # 2^200 nodes as a tree
        wide = op("sin", op("mul", wide, wide))
    assert size(simplify(wide)) == 401
    derivatives = reverse(wide, (X,))
    assert size(*derivatives) < 2000
    assert len(common(derivatives)[0]) < 1000


def size(*exprs: Expr) -> int:
    return sum(1 for _ in postorder(*exprs))
