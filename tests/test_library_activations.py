"""Every activation of the library against a NumPy formula, its derived slope against finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lowering import lowered
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.dsl import library

Array = NDArray[Any]

POINTS = np.linspace(-7.3, 7.7, 61)
"""None of them a kink."""

erf = np.vectorize(math.erf)


def logistic(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


FORMULAS: dict[str, Callable[[Array], Array]] = {
    "lin": lambda z: z,
    "linear": lambda z: z,
    "tanh": lambda z: (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1),
    "sigmoid": logistic,
    "exp": np.exp,
    "arctan": np.arctan,
    "softsign": lambda z: z / (1 + np.abs(z)),
    "hard_sigmoid": lambda z: np.clip(z + 3, 0, 6) / 6,
    "hard_tanh": lambda z: np.clip(z, -1, 1),
    "hard_swish": lambda z: z * np.clip(z + 3, 0, 6) / 6,
    "relu": lambda z: np.maximum(z, 0),
    "relu6": lambda z: np.clip(z, 0, 6),
    "leaky_relu(0.01)": lambda z: np.where(z > 0, z, 0.01 * z),
    "leaky_relu(0.3)": lambda z: np.where(z > 0, z, 0.3 * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "elu(alpha = 0.7)": lambda z: np.where(z > 0, z, 0.7 * (np.exp(z) - 1)),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * (np.exp(z) - 1)),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "sqrt_square": lambda z: np.sqrt(z * z + 1),
    "sqrt_square(b = 0.5)": lambda z: np.sqrt(z * z + 0.5),
    "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    "gelu_tanh": lambda z: z / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    "gelu_sigmoid": lambda z: z * logistic(1.702 * z),
    "silu": lambda z: z * logistic(z),
    "sine": lambda z: np.sin(30 * z),
    "swish": lambda z: z * logistic(z),
    "swish(beta = 1.7)": lambda z: z * logistic(1.7 * z),
    "mish": lambda z: z * np.tanh(np.log(1 + np.exp(z))),
}


def mapped(activation: str, units: int = 1) -> tuple[ir.Expr, ir.Expr]:
    """The hidden layer's activation a(z) and the cotangent of z, in z, a and that of a."""
    program = lowered(f"""
data x in linspace(-1, 1, 4) -> x
network [1({activation}){units}(lin)1]
init zeros
loss mse
optimizer gd
train steps = 1
""")
    lets = program.problem.lets
    return lets["layer1.a"].value, lets["d_layer1.z"].value


def value_and_slope(activation: str, z: Array) -> tuple[Array, Array]:
    forward, backward = mapped(activation)
    column = z[:, None]
    value = np.broadcast_to(evaluate(forward, {"layer1.z": column}), column.shape)
    at = {"layer1.z": column, "layer1.a": value, "d_layer1.a": np.ones_like(column)}
    slope = np.broadcast_to(evaluate(backward, at), column.shape)
    return value[:, 0], slope[:, 0]


def test_every_activation_has_a_formula_here() -> None:
    assert {name.split("(")[0] for name in FORMULAS} | {"softmax"} == set(library.names("activation"))


def test_every_definition_names_its_source() -> None:
    for kind in ("activation", "loss", "init", "schedule", "optimizer"):
        for name in library.names(kind):
            definition = library.lookup(kind, name)
            settings = {s.name for s in definition.settings}  # type: ignore[union-attr]
            assert "source" in settings, (kind, name)


@pytest.mark.parametrize("activation", [name for name in FORMULAS if not name.startswith("lin")])
def test_value_and_slope(activation: str) -> None:
    formula, h = FORMULAS[activation], 1e-6
    value, slope = value_and_slope(activation, POINTS)
    np.testing.assert_allclose(value, formula(POINTS), rtol=1e-12, atol=1e-15)
    differences = (formula(POINTS + h) - formula(POINTS - h)) / (2 * h)
    np.testing.assert_allclose(slope, differences, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["lin", "linear"])
def test_the_identity_costs_nothing(name: str) -> None:
    program = lowered(f"""
data x in linspace(-1, 1, 4) -> x
network [1(tanh)2({name})1]
init zeros
loss mse
optimizer gd
train steps = 1
""")
    lets = program.problem.lets
    assert lets["output"].value == lets["layer2.z"].var


ROOT = math.sqrt(1000001)
FAR: dict[str, tuple[float, float, float, float]] = {
    # value and slope at z = -1000, then at z = 1000
    "tanh": (-1, 0, 1, 0),
    "sigmoid": (0, 0, 1, 0),
    "arctan": (-math.atan(1000), 1 / 1000001, math.atan(1000), 1 / 1000001),
    "sine": (-math.sin(30000), 30 * math.cos(30000), math.sin(30000), 30 * math.cos(30000)),
    "softsign": (-1000 / 1001, 1 / 1001**2, 1000 / 1001, 1 / 1001**2),
    "hard_sigmoid": (0, 0, 1, 0),
    "hard_tanh": (-1, 0, 1, 0),
    "relu6": (0, 0, 6, 0),
    "leaky_relu": (-10, 0.01, 1000, 1),
    "elu": (-1, 0, 1000, 1),
    "selu": (-1.0507009873554805 * 1.6732632423543772, 0, 1050.7009873554805, 1.0507009873554805),
    "sqrt_square": (ROOT, -1000 / ROOT, ROOT, 1000 / ROOT),
}
LIKE_RELU = ("relu", "softplus", "gelu", "gelu_tanh", "gelu_sigmoid", "silu", "swish", "mish", "hard_swish")
FAR |= dict.fromkeys(LIKE_RELU, (0, 0, 1000, 1))


UNBOUNDED = ("lin", "linear", "exp", "softmax")


@pytest.mark.parametrize("activation", [n for n in library.names("activation") if n not in UNBOUNDED])
def test_far_from_zero(activation: str) -> None:
    spelled = "leaky_relu(0.01)" if activation == "leaky_relu" else activation
    value, slope = value_and_slope(spelled, np.array([-1000.0, 1000.0]))
    got = (value[0], slope[0], value[1], slope[1])
    np.testing.assert_allclose(got, FAR[activation], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    ("activation", "kinks", "slopes"),
    [
        ("relu", [0.0], [0]),
        ("leaky_relu(0.01)", [0.0], [0.01]),
        ("relu6", [0.0, 6.0], [0, 0]),
        ("hard_tanh", [-1.0, 1.0], [0, 0]),
        ("hard_sigmoid", [-3.0, 3.0], [0, 0]),
        ("elu", [0.0], [1]),
    ],
)
def test_slope_at_the_kinks_is_that_of_pytorch(
    activation: str, kinks: list[float], slopes: list[float]
) -> None:
    np.testing.assert_array_equal(value_and_slope(activation, np.array(kinks))[1], slopes)


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max())
    return e / e.sum()


def test_softmax() -> None:
    forward, backward = mapped("softmax", units=3)
    c, h = np.array([0.3, -1.2, 0.5]), 1e-6
    for z in (np.array([0.1, -0.4, 2.0]), np.array([1000.0, 999.0, -1000.0]), np.zeros(3)):
        value = evaluate(forward, {"layer1.z": z[None]})
        np.testing.assert_allclose(value[0], softmax(z), rtol=1e-12)
        vjp = evaluate(backward, {"layer1.z": z[None], "layer1.a": value, "d_layer1.a": c[None]})[0]
        steps = h * np.eye(3)
        differences = [(c @ softmax(z + s) - c @ softmax(z - s)) / (2 * h) for s in steps]
        np.testing.assert_allclose(vjp, differences, rtol=1e-6, atol=1e-9)
