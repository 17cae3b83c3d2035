"""Derivatives of expressions, maps and heads: against differences, closed forms, and where floats end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from hand_built import add, div, mul, sub
from netc.compiler.calculus.backward import backward
from netc.compiler.calculus.derive import reverse, slope
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.ir import (
    SAMPLES,
    SCALAR,
    Axis,
    Const,
    Expr,
    Let,
    Reduce,
    Tensor,
    Var,
    apply,
    postorder,
    total,
)
from netc.compiler.calculus.simplify import rebuild, simplify

UNITS = Axis("u", 3)
Z, A, C, U, Y = (Var(name, (SAMPLES, UNITS)) for name in ("z", "a", "d_a", "u", "y"))
ONE = Const(1.0)


def over(op: str, z: Expr) -> Expr:
    """Over the units of each sample."""
    return Reduce(op, z, tuple(a for a in z.axes if a != SAMPLES))


def map_vjp(value: Expr) -> Expr:
    """What becomes of the cotangent of a let a = value(z), as in a problem."""
    forward = [Let("a", Z.axes, value), Let("loss", (), total("sum", mul(A, Var("seed", Z.axes))))]
    steps, (d_z,) = backward(forward, "loss", [Tensor("z", Z.axes, "weight")])
    return next(let.value for let in steps if let.name == d_z)


def adjoint(value: Expr, z: Var) -> Expr:
    return reverse(value, (z,))[0]


def gradient(value: Expr, names: tuple[str, ...]) -> tuple[Expr, ...]:
    return reverse(value, [Var(name, SCALAR) for name in names])


def softmax_of(z: Expr) -> Expr:
    e = apply("exp", sub(z, apply("stop_gradient", over("max", z))))
    return div(e, over("sum", e))


RELU = apply("select", apply("gt", Z, Const(0.0)), Z, Const(0.0))
ELU = apply("select", apply("gt", Z, Const(0.0)), Z, mul(Const(0.7), apply("expm1", Z)))
GELU = mul(mul(Const(0.5), Z), add(ONE, apply("erf", div(Z, apply("sqrt", Const(2.0))))))
MISH = mul(Z, apply("tanh", apply("log", add(ONE, apply("exp", Z)))))
ACTIVATIONS = {
    "lin": Z,
    "constant": Const(2.0, Z.axes),
    "tanh": apply("tanh", Z),
    "sigmoid": apply("sigmoid", Z),
    "own sigmoid": div(ONE, add(ONE, apply("exp", apply("neg", Z)))),
    "relu": RELU,
    "elu": ELU,
    "gelu": GELU,
    "mish": MISH,
    "softsign": div(Z, add(ONE, apply("abs", Z))),
    "root": apply("sqrt", add(apply("pow", Z, Const(2.0)), Const(0.3))),
    "cube": sub(apply("pow", Z, Const(3.0)), Z),
    "softmax": softmax_of(Z),
    "centred": sub(Z, div(over("sum", Z), Const(3.0))),
    "over the largest": div(Z, over("max", apply("abs", Z))),
}


def numeric(f, z: np.ndarray) -> np.ndarray:
    """Central differences of a number with one Richardson step."""

    def central(h: float) -> np.ndarray:
        result = np.zeros_like(z)
        for i in np.ndindex(z.shape):
            step = np.zeros_like(z)
            step[i] = h
            result[i] = (f(z + step) - f(z - step)) / (2 * h)
        return result

    return (4 * central(5e-4) - central(1e-3)) / 3


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_vjp_of_activations(name: str) -> None:
    value = ACTIVATIONS[name]
    rng = np.random.default_rng(1)
    z, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    a = np.broadcast_to(evaluate(value, {"z": z}), z.shape)
    vjp = np.broadcast_to(evaluate(map_vjp(value), {"z": z, "a": a, "d_a": c}), z.shape)
    assert vjp == pytest.approx(
        numeric(lambda z: float(np.sum(c * evaluate(value, {"z": z}))), z), abs=1e-9, rel=1e-9
    )


def test_vjps_use_the_value_at_hand() -> None:
    assert map_vjp(apply("tanh", Z)) == mul(C, sub(ONE, mul(A, A)))
    assert map_vjp(apply("sigmoid", Z)) == mul(C, mul(A, sub(ONE, A)))
    assert map_vjp(ACTIVATIONS["own sigmoid"]) == mul(C, mul(A, sub(ONE, A)))
    assert map_vjp(RELU) == apply("select", apply("gt", Z, Const(0.0)), C, Const(0.0))
    assert map_vjp(Z) == C
    softmax = map_vjp(ACTIVATIONS["softmax"])  # a*(c - sum(c*e)/sum(e))
    assert softmax.op == "mul"
    assert softmax.args[0] == A


@pytest.mark.parametrize("name", ["sigmoid", "own sigmoid", "mish", "gelu", "elu", "softmax", "tanh"])
def test_vjp_far_out_is_finite(name: str) -> None:
    value = ACTIVATIONS[name]
    z = np.array([[-1000.0, 0.0, 1000.0]])
    a = evaluate(value, {"z": z})
    assert np.isfinite(a).all()
    assert np.isfinite(evaluate(map_vjp(value), {"z": z, "a": a, "d_a": np.ones_like(z)})).all()


# -- random expressions --------------------------------------------------------------------------------

SMOOTH = ("tanh", "sigmoid", "sin", "cos", "atan", "erf", "softplus", "neg")


def spread_sum(a: Expr) -> Expr:
    return over("sum", a if UNITS in a.axes else mul(a, Z))


def trees(leaves: st.SearchStrategy[Expr], reduces: bool) -> st.SearchStrategy[Expr]:
    """Smooth, bounded growth: differences must be able to judge them."""

    def larger(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        unary = st.builds(apply, st.sampled_from(SMOOTH), inner)
        binary = st.builds(apply, st.sampled_from(("add", "sub", "mul")), inner, inner)
        quotient = st.builds(lambda a, b: div(a, add(Const(1.5), mul(b, b))), inner, inner)
        power = st.builds(
            lambda a, n: apply("pow", apply("sin", a), Const(n)), inner, st.sampled_from((2.0, 3.0))
        )
        choice = st.builds(lambda a, b: apply("select", apply("lt", Z, Const(0.1)), a, b), inner, inner)
        total = inner.map(lambda a: spread_sum(a))
        return st.one_of(unary, binary, quotient, power, *((choice, total) if reduces else ()))

    return st.recursive(leaves, larger, max_leaves=8)


OUTPUTS = trees(st.one_of(st.sampled_from((Z, Y)), st.floats(-2, 2).map(Const)), reduces=True)
SCALARS = trees(
    st.one_of(st.sampled_from((Var("p", SCALAR), Var("q", SCALAR))), st.floats(-2, 2).map(Const)),
    reduces=False,
)
POINT = np.array([[-0.8, 0.3, 1.1]])
TARGET = np.array([[0.4, -0.6, 0.2]])


@settings(max_examples=150)
@given(OUTPUTS)
def test_adjoint_of_random_expressions(expr: Expr) -> None:
    def f(z: np.ndarray) -> float:
        return float(np.sum(evaluate(loss, {"z": z, "y": TARGET})))

    loss = over("sum", expr) if UNITS in expr.axes else expr
    derivative = adjoint(loss, Z)
    assert derivative.axes == Z.axes
    got = np.broadcast_to(evaluate(derivative, {"z": POINT, "y": TARGET}), POINT.shape)
    expected = numeric(f, POINT)
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-6 * (1 + np.abs(expected).max()))


@settings(max_examples=100)
@given(SCALARS)
def test_gradient_and_hessian_of_random_objectives(expr: Expr) -> None:
    point = {"p": 0.37, "q": -1.21}
    first = gradient(expr, ("p", "q"))
    assert [evaluate(d, point) for d in first] == pytest.approx(
        [evaluate(slope(expr, Var(v, SCALAR)), point) for v in "pq"], rel=1e-9, abs=1e-9
    )
    second = [gradient(d, ("p", "q")) for d in first]
    for derivative, f in [(first, expr), *zip(second, first, strict=True)]:
        for name, d in zip("pq", derivative, strict=True):

            def along(t: np.ndarray, name: str = name, f: Expr = f) -> float:
                return float(evaluate(f, point | {name: float(t[0])}))

            expected = numeric(along, np.array([point[name]]))[0]
            assert evaluate(d, point) == pytest.approx(expected, rel=1e-5, abs=1e-5 * (1 + abs(expected)))


@settings(max_examples=50)
@given(OUTPUTS)
def test_hessian_vector_products(expr: Expr) -> None:
    """The derivative of a derivative along v, reverse over reverse."""
    v = Var("v", Z.axes)
    loss = over("sum", add(expr, mul(Const(0.0), Z)))
    product = reverse(over("sum", mul(v, adjoint(loss, Z))), (Z,))[0]
    direction = np.array([[0.5, -1.0, 0.25]])
    env = {"z": POINT, "y": TARGET, "v": direction}

    def slope_at(t: np.ndarray) -> np.ndarray:
        return np.broadcast_to(evaluate(adjoint(loss, Z), env | {"z": POINT + t * direction}), POINT.shape)

    expected = [numeric(lambda t, i=i: float(slope_at(t)[0, i]), np.zeros(1))[0] for i in range(3)]
    got = np.broadcast_to(evaluate(product, env), POINT.shape)[0]
    assert got == pytest.approx(expected, rel=1e-5, abs=1e-5 * (1 + np.abs(expected).max()))


def test_derivatives_stay_small() -> None:
    """An iterated function has a derivative in proportion to itself, and equal parts are one object."""
    x = Var("x", SCALAR)

    def size(depth: int) -> int:
        expr: Expr = x
        for _ in range(depth):
            expr = sub(mul(expr, expr), apply("sin", expr))
        return len(list(postorder(*gradient(expr, ("x",)))))

    assert size(40) - size(20) == size(60) - size(40)
    assert size(60) < 60 * 20


def test_a_tie_is_shared_in_reductions() -> None:
    z = np.array([[2.0, 5.0, 5.0]])
    assert evaluate(adjoint(over("max", Z), Z), {"z": z}).tolist() == [[0, 0.5, 0.5]]
    assert evaluate(adjoint(over("min", Z), Z), {"z": z}).tolist() == [[1, 0, 0]]


def test_a_broadcast_constant_counts_every_element() -> None:
    centred = sub(Z, div(over("sum", Z), Const(3.0)))  # sum of it is 0 whatever z
    derivative = adjoint(over("sum", centred), Z)
    assert np.broadcast_to(evaluate(derivative, {"z": POINT}), POINT.shape) == pytest.approx(0)
    assert adjoint(over("sum", Z), Z) == Const(1.0, Z.axes)


# -- heads ---------------------------------------------------------------------------------------------


class Head:
    """The last activation and a loss of one sample, as lowering composes them."""

    def __init__(self, activation, loss, units: int = 3) -> None:
        z, u, y = (Var(name, (SAMPLES, Axis("u", units))) for name in "zuy")
        self.output, self.written = simplify(activation(z)), loss(u, y)
        self.loss = simplify(rebuild(self.written, lambda node: self.output if node == u else node))
        self.adjoint = reverse(self.loss, (z,))[0]


def mse(u: Expr, y: Expr) -> Expr:
    return div(over("sum", apply("pow", sub(u, y), Const(2.0))), Const(2.0))


def cross_entropy(u: Expr, y: Expr) -> Expr:
    return apply("neg", over("sum", mul(y, apply("log", u))))


def binary(u: Expr, y: Expr) -> Expr:
    return apply(
        "neg", over("sum", add(mul(y, apply("log", u)), mul(sub(ONE, y), apply("log", sub(ONE, u)))))
    )


def lin(z: Expr) -> Expr:
    return z


def tanh(z: Expr) -> Expr:
    return apply("tanh", z)


def sigmoid(z: Expr) -> Expr:
    return apply("sigmoid", z)


def own_sigmoid(z: Expr) -> Expr:
    return div(ONE, add(ONE, apply("exp", apply("neg", z))))


HEADS = {
    "half mse of lin": (lin, mse),
    "half mse of tanh": (tanh, mse),
    "cross entropy of softmax": (softmax_of, cross_entropy),
    "binary of sigmoid": (sigmoid, binary),
    "half mse of softmax": (softmax_of, mse),
}


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("name", HEADS)
def test_heads_against_differences(name: str, units: int) -> None:
    made = Head(*HEADS[name], units)
    assert (len(made.loss.axes), len(made.adjoint.axes)) == (1, 2)
    rng = np.random.default_rng(2)
    z, y = rng.normal(size=(1, units)), rng.uniform(0.1, 0.9, size=(1, units))
    u = evaluate(made.output, {"z": z})
    assert np.sum(evaluate(made.loss, {"z": z, "y": y})) == pytest.approx(
        np.sum(evaluate(made.written, {"u": u, "y": y}))
    )
    expected = numeric(lambda z: float(np.sum(evaluate(made.loss, {"z": z, "y": y}))), z)
    assert np.broadcast_to(evaluate(made.adjoint, {"z": z, "y": y}), z.shape) == pytest.approx(
        expected, abs=1e-9
    )


def test_the_adjoints_are_those_of_the_books() -> None:
    assert Head(lin, mse).adjoint == sub(Z, Y)
    assert Head(sigmoid, binary).adjoint == sub(sigmoid(Z), Y)
    assert Head(own_sigmoid, binary).adjoint == sub(apply("sigmoid", Z), Y)


@pytest.mark.parametrize("target", range(3))
def test_cross_entropy_is_stable(target: int) -> None:
    made = Head(softmax_of, cross_entropy)
    z, y = np.array([[-1000.0, 3.0, 1000.0]]), np.eye(3)[target : target + 1]
    assert evaluate(made.loss, {"z": z, "y": y}) == pytest.approx(1000 - z[0, target])
    softmax = special.softmax(z, axis=1)
    assert evaluate(made.adjoint, {"z": z, "y": y}) == pytest.approx(softmax - y, abs=1e-16)
    assert evaluate(made.output, {"z": z}) == pytest.approx(softmax, abs=1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_is_stable(dtype: type) -> None:
    made = Head(sigmoid, binary, 1)
    for z in (-1000.0, -40.0, 0.0, 40.0, 1000.0):
        for y in (0.0, 1.0):
            env = {"z": np.array([[z]], dtype), "y": np.array([[y]], dtype)}
            # log(1 + e^z) for y = 0, log(1 + e^-z) for y = 1
            expected = -special.log_expit(z if y else -z)
            assert float(evaluate(made.loss, env)[0]) == pytest.approx(expected, rel=1e-6, abs=1e-30)
            assert float(evaluate(made.adjoint, env)[0, 0]) == pytest.approx(special.expit(z) - y, abs=1e-7)


def test_over_one_unit_nothing_is_reduced_twice() -> None:
    made = Head(tanh, lambda u, y: over("sum", apply("abs", sub(u, y))), 1)
    assert sum(isinstance(node, Reduce) for node in postorder(made.loss)) == 1
    assert not any(isinstance(node, Reduce) for node in postorder(made.adjoint))


def test_simplified_derivatives_are_fixed_points() -> None:
    for value in ACTIVATIONS.values():
        assert simplify(map_vjp(value)) == map_vjp(value)
