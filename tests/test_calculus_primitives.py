"""Every row of the table of primitives: values against libm and SciPy, derivatives against differences."""

import math

import mpmath
import numpy as np
import pytest
from scipy import special

from netc.compiler.calculus.derive import reverse, slope
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.ir import SCALAR, Const, Expr, Var, apply
from netc.compiler.calculus.primitives import PRIMITIVES, TRUTHS

X, Y = Var("x", SCALAR), Var("y", SCALAR)
LINE = [(-3.0,), (-0.7,), (-1e-3,), (0.2,), (1.0,), (4.5,)]
POSITIVE = [(1e-3,), (0.3,), (1.0,), (7.0,)]
PLANE = [(-2.0, 0.5), (0.3, -1.5), (1.0, 2.0), (4.0, 3.0)]


def log_cosh(x: float) -> float:
    with mpmath.workdps(40):  # the logarithm of a number near 1 has lost most digits
        return float(mpmath.log(mpmath.cosh(x)))


# name: (points inside the domain, an implementation from elsewhere)
ROWS = {
    "add": (PLANE, lambda x, y: x + y),
    "sub": (PLANE, lambda x, y: x - y),
    "mul": (PLANE, lambda x, y: x * y),
    "div": (PLANE, lambda x, y: x / y),
    "neg": (LINE, lambda x: -x),
    "pow": ([(0.5, 2.3), (2.0, -1.5), (3.0, 3.0), (1e-2, 0.5)], math.pow),
    "exp": (LINE, math.exp),
    "expm1": (LINE, math.expm1),
    "log": (POSITIVE, math.log),
    "log1p": ([(-0.9,), *POSITIVE], math.log1p),
    "sqrt": (POSITIVE, math.sqrt),
    "abs": (LINE, math.fabs),
    "sign": (LINE, lambda x: math.copysign(1, x)),
    "floor": ([(-0.7,), (0.2,), (4.5,)], math.floor),
    "tanh": (LINE, math.tanh),
    "sigmoid": (LINE, special.expit),
    "softplus": (LINE, lambda x: -special.log_expit(-x)),
    "erf": (LINE, math.erf),
    "sin": (LINE, math.sin),
    "cos": (LINE, math.cos),
    "tan": (LINE[:-1], math.tan),
    "atan": (LINE, math.atan),
    "sinh": (LINE, math.sinh),
    "cosh": (LINE, math.cosh),
    "logcosh": (LINE, lambda x: log_cosh(x)),
    "min": (PLANE, min),
    "max": (PLANE, max),
    "stop_gradient": (LINE, lambda x: x),
}


def at(expr: Expr, *point: float) -> float:
    return float(evaluate(expr, dict(zip("xy", point, strict=False))))


def test_every_row_is_tested() -> None:
    assert set(ROWS) | TRUTHS | {"select"} == set(PRIMITIVES)


@pytest.mark.parametrize("name", ROWS)
def test_value(name: str) -> None:
    points, outside = ROWS[name]
    for point in points:
        assert PRIMITIVES[name].value(*point) == pytest.approx(outside(*point), rel=4e-16, abs=1e-300), point


@pytest.mark.parametrize("name", sorted(ROWS.keys() - {"stop_gradient"}))
def test_partial_derivatives(name: str) -> None:
    points, outside = ROWS[name]
    variables = (X, Y)[: PRIMITIVES[name].arity]
    value = apply(name, *variables)
    derivatives = reverse(value, variables)
    assert [slope(value, v) for v in variables] == list(derivatives)
    for point in points:
        for i, derivative in enumerate(derivatives):
            assert at(derivative, *point) == pytest.approx(difference(outside, point, i), rel=2e-8, abs=1e-9)


def difference(f, point, i: int) -> float:
    """Central differences with one Richardson step: error O(h^4)."""

    def central(h: float) -> float:
        up, down = list(point), list(point)
        up[i] += h
        down[i] -= h
        return (f(*up) - f(*down)) / (up[i] - down[i])

    h = 1e-3 * abs(point[i])
    return (4 * central(h / 2) - central(h)) / 3


def test_stop_gradient_is_held_constant() -> None:
    assert slope(apply("mul", X, apply("stop_gradient", X)), X) == apply("stop_gradient", X)


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("abs", (0.0,), (0.0,)),
        ("sign", (0.0,), (0.0,)),
        ("floor", (2.0,), (0.0,)),
        ("max", (1.5, 1.5), (0.5, 0.5)),
        ("min", (1.5, 1.5), (0.5, 0.5)),
        ("pow", (0.0, 2.0), (0.0, 0.0)),
        ("sqrt", (0.0,), (math.inf,)),
        ("tanh", (1000.0,), (0.0,)),
        ("tanh", (-1000.0,), (0.0,)),
        ("sigmoid", (1000.0,), (0.0,)),
        ("sigmoid", (-1000.0,), (0.0,)),
        ("sigmoid", (0.0,), (0.25,)),
        ("softplus", (1000.0,), (1.0,)),
        ("softplus", (-1000.0,), (0.0,)),
        ("erf", (1000.0,), (0.0,)),
        ("expm1", (-1000.0,), (0.0,)),
        ("log", (0.0,), (math.inf,)),
    ],
)
def test_derivative_where_it_is_delicate(name: str, point: tuple, expected: tuple) -> None:
    variables = (X, Y)[: len(point)]
    assert tuple(at(d, *point) for d in reverse(apply(name, *variables), variables)) == expected


def test_relu_has_derivative_zero_at_zero() -> None:
    relu = apply("select", apply("gt", X, Const(0.0)), X, Const(0.0))
    assert [at(slope(relu, X), x) for x in (-1.0, 0.0, 2.0)] == [0, 0, 1]


@pytest.mark.parametrize("mode", [slope, lambda value, v: reverse(value, (v,))[0]])
def test_a_pole_of_the_branch_not_chosen_does_no_harm(mode) -> None:
    root = apply("select", apply("gt", X, Const(0.0)), apply("sqrt", X), Const(0.0))
    derivative = mode(apply("mul", Const(3.0), root), X)
    assert [at(derivative, x) for x in (-1.0, 0.0, 4.0)] == [0, 0, 0.75]


TRUTH = {
    "lt": (True, False, False),
    "le": (True, True, False),
    "gt": (False, False, True),
    "ge": (False, True, True),
    "eq": (False, True, False),
    "ne": (True, False, True),
}


@pytest.mark.parametrize("name", TRUTH)
def test_comparisons(name: str) -> None:
    row = PRIMITIVES[name]
    assert tuple(bool(row.value(x, 1.0)) for x in (0.0, 1.0, 2.0)) == TRUTH[name]
    assert bool(row.value(math.nan, 1.0)) == (name == "ne")
    assert slope(apply("select", apply(name, X, Y), X, Y), X) == apply(
        "select", apply(name, X, Y), Const(1.0), Const(0.0)
    )


def test_logic_and_choice() -> None:
    t, f = True, False
    assert [bool(PRIMITIVES["and"].value(*p)) for p in [(t, t), (t, f), (f, f)]] == [t, f, f]
    assert [bool(PRIMITIVES["or"].value(*p)) for p in [(t, t), (t, f), (f, f)]] == [t, t, f]
    assert [bool(PRIMITIVES["not"].value(p)) for p in (t, f)] == [f, t]
    assert [float(PRIMITIVES["select"].value(c, 1.0, 2.0)) for c in (t, f)] == [1, 2]


@pytest.mark.parametrize("name", sorted(n for n, row in PRIMITIVES.items() if row.expansion))
def test_expansion_equals_the_function(name: str) -> None:
    row = PRIMITIVES[name]
    points = [-1000.0, -30.0, -1e-9, 0.0, 1e-9, 0.5, 3.0, 30.0, 700.0, 1000.0, math.nan]
    with np.errstate(all="ignore"):
        expected = [float(row.value(p)) for p in points]
    got = [at(row.expansion(X), p) for p in points]
    assert got == pytest.approx(expected, rel=1e-15, nan_ok=True)


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_single_precision_stays_single(name: str) -> None:
    row = PRIMITIVES[name]
    x = np.array([0.25, 0.5], np.float32)
    value = (
        row.value(*[x > 0.3, x, 2.0][: row.arity]) if name == "select" else row.value(*[x, x][: row.arity])
    )
    assert value.dtype == (np.bool_ if name in TRUTHS else np.float32)


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_spellings(name: str) -> None:
    row = PRIMITIVES[name]
    names = ("p", "q", "r")[: row.arity]
    assert len(row.partials) == row.arity
    assert bool(row.cpu) == bool(row.cuda) == (row.expansion is None)
    for template in (row.cpu, row.cuda, row.text, row.latex):
        spelled = template.format(*names)
        assert not template or all(n in spelled for n in names)
        assert "{}" not in spelled.replace("{p}", "")
