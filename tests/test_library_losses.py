"""Every loss of the library against a NumPy formula: value and adjoint, for one output and for several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lowering import lowered
from netc.compiler import pipeline
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.meaning.spec import Facts
from netc.dsl import library
from netc.dsl.source import Source
from netc.runtime.training.target_domain import unfit

Array = NDArray[Any]

SAMPLES = 5
RNG = np.random.default_rng(3)


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max())
    return e / e.sum()


def logistic(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def numbers(outputs: int) -> Array:
    return RNG.normal(size=(SAMPLES, outputs))


def signs(outputs: int) -> Array:
    return RNG.choice([-1.0, 1.0], size=(SAMPLES, outputs))


def bits(outputs: int) -> Array:
    return RNG.choice([0.0, 1.0], size=(SAMPLES, outputs))


def one_hot(outputs: int) -> Array:
    return np.eye(outputs)[RNG.integers(outputs, size=SAMPLES)]


def huber(d: Array, delta: float) -> float:
    total = 0.0
    for x in d:
        total += x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2)
    return total / len(d)


def crammer_singer(u: Array, y: Array) -> float:
    right = int(y.argmax())
    worst = max((u[j] for j in range(len(u)) if j != right), default=-np.inf)
    return float(max(0.0, 1 + worst - u[right]))


def multi_margin(u: Array, y: Array) -> float:
    right = int(y.argmax())
    return sum(max(0.0, 1 + u[j] - u[right]) for j in range(len(u)) if j != right) / len(u)


def amounts(outputs: int) -> Array:
    return RNG.poisson(2.0, size=(SAMPLES, outputs)).astype(float)


def shares(outputs: int) -> Array:
    drawn: Array = RNG.dirichlet(np.ones(outputs), size=SAMPLES)
    return drawn


def focal(p: Array, y: Array, gamma: float) -> float:
    right = np.where(y == 1, p, 1 - p)
    return float(np.mean(-((1 - right) ** gamma) * np.log(right)))


def categorical_hinge(u: Array, y: Array) -> float:
    return max(float(((1 - y) * u).max() - (y * u).sum()) + 1, 0.0)


Case = tuple[str, Callable[[int], Array], Callable[[Array, Array], Any]]
CASES: dict[str, Case] = {
    # last activation, targets, loss of one sample from z and y
    "mse": ("lin", numbers, lambda z, y: ((z - y) ** 2).sum() / len(z)),
    "half_mse": ("lin", numbers, lambda z, y: ((z - y) ** 2).sum() / 2),
    "mae": ("lin", numbers, lambda z, y: np.abs(z - y).sum() / len(z)),
    "huber": ("lin", numbers, lambda z, y: huber(z - y, 1.0)),
    "huber(delta = 0.3)": ("lin", numbers, lambda z, y: huber(z - y, 0.3)),
    "cross_entropy": ("softmax", one_hot, lambda z, y: -np.log(softmax(z)[y.argmax()])),
    "binary_cross_entropy": (
        "sigmoid", bits, lambda z, y: -np.log(np.where(y == 1, logistic(z), 1 - logistic(z))).sum() / len(z)
    ),
    "hinge": ("lin", signs, lambda z, y: sum(max(0.0, 1 - t) for t in y * z) / len(z)),
    "squared_hinge": ("lin", signs, lambda z, y: sum(max(0.0, 1 - t) ** 2 for t in y * z) / len(z)),
    "multiclass_hinge": ("lin", one_hot, crammer_singer),
    "multi_margin": ("lin", one_hot, multi_margin),
    "smooth_l1": ("lin", numbers, lambda z, y: huber(z - y, 1.0)),
    "smooth_l1(beta = 0.3)": ("lin", numbers, lambda z, y: huber(z - y, 0.3) / 0.3),
    "log_cosh": ("lin", numbers, lambda z, y: np.log(np.cosh(z - y)).mean()),
    "cauchy(c = 0.7)": ("lin", numbers, lambda z, y: np.mean(0.245 * np.log(1 + ((z - y) / 0.7) ** 2))),
    "quantile(q = 0.9)": ("lin", numbers, lambda z, y: np.mean(np.where(y > z, 0.9, -0.1) * (y - z))),
    "epsilon_insensitive": ("lin", numbers, lambda z, y: np.mean(np.maximum(np.abs(z - y) - 0.1, 0))),
    "msle": ("softplus", amounts, lambda z, y: np.mean((np.log(1 + np.log(1 + np.exp(z))) - np.log(1 + y)) ** 2)),
    "poisson": ("exp", amounts, lambda z, y: np.mean(np.exp(z) - y * z)),
    "binary_focal": ("sigmoid", bits, lambda z, y: focal(logistic(z), y, 2.0)),
    "binary_focal(gamma = 0.5)": ("sigmoid", bits, lambda z, y: focal(logistic(z), y, 0.5)),
    "focal": ("softmax", one_hot, lambda z, y: -np.sum(y * (1 - softmax(z)) ** 2 * np.log(softmax(z)))),
    "kl_divergence": ("softmax", shares, lambda z, y: np.sum(y * np.log(y / softmax(z)))),
    "categorical_hinge": ("lin", one_hot, categorical_hinge),
    "logistic": ("lin", signs, lambda z, y: np.mean(np.log(1 + np.exp(-y * z)))),
    "pixel_cross_entropy": ("softmax", one_hot, lambda z, y: -np.log(softmax(z)[y.argmax()])),
    "smoothed_cross_entropy(0.2)": (
        "softmax", one_hot, lambda z, y: -np.sum((0.8 * y + 0.2 / len(y)) * np.log(softmax(z)))
    ),
}  # fmt: skip


def head_of(loss: str, activation: str, outputs: int) -> tuple[ir.Expr, ir.Expr]:
    """The loss of a sample and its derivative by the last pre-activation, in layer1.z and y."""
    rows = "\n".join("    0 -> " + ", ".join(["1"] * outputs) for _ in range(2))
    program = lowered(f"""
data inline:
{rows}
network [1({activation}){outputs}]
init zeros
loss {loss}
optimizer gd
train steps = 1
""")
    assert program.problem.mean
    lets = program.problem.lets
    return lets["losses"].value, lets["d_layer1.z"].value


def test_every_loss_is_here() -> None:
    by_place = {"gaussian_nll", "gaussian_nll_log"}  # in test_losses_by_place.py
    assert {name.split("(")[0] for name in CASES} | by_place == set(library.names("loss"))


ONE_HOT = (
    "pixel_cross_entropy",
    "smoothed_cross_entropy(0.2)",
    "cross_entropy",
    "multiclass_hinge",
    "multi_margin",
    "focal",
    "kl_divergence",
    "categorical_hinge",
)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("loss", CASES)
def test_value_and_adjoint(loss: str, outputs: int) -> None:
    if outputs == 1 and loss in ONE_HOT:
        outputs = 2  # fewer classes are none
    activation, targets, formula = CASES[loss]
    value, slope = head_of(loss, activation, outputs)
    z, y = 1.5 * numbers(outputs), targets(outputs)
    values = np.broadcast_to(evaluate(value, {"layer1.z": z, "y": y}), (SAMPLES,))
    np.testing.assert_allclose(
        values, [formula(a, b) for a, b in zip(z, y, strict=True)], rtol=1e-12, atol=1e-15
    )
    adjoint = np.broadcast_to(evaluate(slope, {"layer1.z": z, "y": y}), z.shape)
    h = 1e-6 * np.eye(outputs)
    differences = [
        [(formula(a + s, b) - formula(a - s, b)) / 2e-6 for s in h] for a, b in zip(z, y, strict=True)
    ]
    np.testing.assert_allclose(adjoint, differences, rtol=1e-6, atol=1e-8)


DOMAINS = {
    "probabilities": ([[0, 1], [0.5, 0.2], [1, 1]], [[-0.1, 1], [0, 1.1]]),
    "amounts": ([[0, 7.5], [1e6, 0]], [[-0.1, 1], [1, -3]]),
    "distribution": ([[0.2, 0.8], [1, 0]], [[0.5, 0.6], [-0.1, 1.1], [0, 0]]),
    "signs": ([[-1, 1], [-1, -1]], [[0, 1], [1, 0.5], [-1, 2]]),
}
"""Rows of targets of two outputs that a loss takes, and others that it does not."""
TAKEN = {"msle": "amounts", "poisson": "amounts"}
TAKEN |= dict.fromkeys(("binary_cross_entropy", "binary_focal"), "probabilities")
TAKEN |= dict.fromkeys(("smoothed_cross_entropy", "pixel_cross_entropy"), "probabilities")
TAKEN |= dict.fromkeys(("cross_entropy", "focal", "kl_divergence"), "distribution")
TAKEN |= dict.fromkeys(("multiclass_hinge", "multi_margin", "categorical_hinge"), "distribution")
TAKEN |= dict.fromkeys(("hinge", "squared_hinge", "logistic"), "signs")


@pytest.mark.parametrize("loss", CASES)
def test_the_targets_that_a_loss_takes(loss: str) -> None:
    activation, _, _ = CASES[loss]
    data = "data x in {1, 2} -> (x, x)\noptimizer gd\ntrain steps = 1\ninit zeros"
    text = f"{data}\nnetwork [1({activation})2]\nloss {loss}\n"
    spec = pipeline.to_spec(pipeline.to_ast(Source("test.net", text)), Facts(1, 2, 2), Path())
    good, bad = DOMAINS.get(TAKEN.get(loss.split("(")[0], ""), ([[-1e6, 0.5], [7, -3]], []))
    assert unfit(spec, np.array(good, float)) is None
    for row in bad:
        assert unfit(spec, np.array([row], float)) is not None, row


def test_half_mse_of_several_outputs_is_half_their_number_times_mse() -> None:
    z, y = numbers(3), numbers(3)
    half, mean = (
        evaluate(head_of(name, "lin", 3)[0], {"layer1.z": z, "y": y}) for name in ("half_mse", "mse")
    )
    np.testing.assert_allclose(half, 3 / 2 * mean, rtol=1e-14)


def test_a_sure_and_wrong_softmax_has_a_finite_loss() -> None:
    value, slope = head_of("cross_entropy", "softmax", 3)
    at = {"layer1.z": np.array([[1000.0, -1000.0, 0.0]]), "y": np.array([[0.0, 1.0, 0.0]])}
    np.testing.assert_allclose(evaluate(value, at), [2000.0])
    np.testing.assert_allclose(evaluate(slope, at), [[1.0, -1.0, 0.0]])


def test_a_sure_sigmoid_has_a_finite_loss() -> None:
    value, slope = head_of("binary_cross_entropy", "sigmoid", 1)
    z = np.array([[1000.0], [1000.0], [-1000.0], [-1000.0]])
    y = np.array([[0.0], [1.0], [0.0], [1.0]])
    np.testing.assert_allclose(
        np.ravel(evaluate(value, {"layer1.z": z, "y": y})), [1000, 0, 0, 1000], atol=1e-300
    )
    np.testing.assert_allclose(np.ravel(evaluate(slope, {"layer1.z": z, "y": y})), [1, 0, 0, -1], atol=1e-300)
