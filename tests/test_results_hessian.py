"""Second derivatives against finite differences of exact gradients, PyTorch, and points whose kind is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import netc
from netc.compiler.calculus import ir
from netc.compiler.lower.network import problem
from netc.compiler.meaning.spec import KINDS
from netc.runtime.results.critical_points import kinds, outermost
from netc.runtime.results.hessian import Hessians
from sweeps import one_in

NETWORKS = {
    "tanh": ("[3(tanh)4(tanh)3(lin)2]", "half_mse"),
    "softmax": ("[3(sigmoid)5(softmax)3]", "cross_entropy"),
    "inner softmax": ("[3(softmax)4(lin)2]", "mse"),
    "sigmoid": ("[3(gelu)4(sigmoid)1]", "binary_cross_entropy"),
    "nobias": ("[3 (dense nobias, swish) 4 (dense nobias, sigmoid) 2]", "mse"),
    "one layer": ("[3(softmax)3]", "mse"),
    "sum": ("[3(arctan)4(lin)1]", "R = sum((u - y)^4), reduce = sum"),
}


def network(shape: str, loss: str, rest: str = "") -> netc.Model:
    return netc.compile(
        f"network {shape}\nloss {loss}\ninit normal(sigma = 0.8)\noptimizer gd(eta = 0.1)\n"
        f"train steps = 1, seed = 3\n{rest}"
    )


def samples(outputs: int, count: int = 7) -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    y = rng.random((count, outputs))
    return rng.normal(size=(count, 3)), y / y.sum(axis=1, keepdims=True) if outputs > 1 else y


def differences(gradient: Callable[[Any], Any], theta: Any, h: float = 1e-5) -> Any:
    """Central differences of a gradient, their error of order h^2 removed once (Richardson)."""

    def central(h: float) -> Any:
        steps = np.eye(len(theta)) * h
        return np.array([(gradient(theta + s) - gradient(theta - s)) / (2 * h) for s in steps])

    return (4 * central(h) - central(2 * h)) / 3


@pytest.mark.parametrize("name", one_in(9, NETWORKS))
def test_networks_against_differences_of_their_gradient(name: str) -> None:
    shape, loss = NETWORKS[name]
    model = network(shape, loss)
    outputs = int(shape.rstrip("]")[-1])
    X, y = samples(outputs)
    theta = model.train(X, y).theta[0]
    exact = model.hessian(theta, X, y)
    expected = differences(lambda t: model.gradient(t, X, y), theta, 1e-3)
    assert exact == pytest.approx(expected, abs=1e-8 * max(1, np.abs(expected).max()))
    directions = np.random.default_rng(1).normal(size=(5, len(theta)))
    assert model.hessian(theta, X, y, along=directions) == pytest.approx(
        directions @ exact, rel=1e-9, abs=1e-12
    )
    assert model.hessian(theta, X, y, along=directions[0]) == pytest.approx(exact @ directions[0], rel=1e-9)


def test_network_against_pytorch() -> None:
    torch = pytest.importorskip("torch")
    model = network("[3(tanh)4(softmax)3]", "cross_entropy")
    X, y = samples(3)
    theta = model.train(X, y).theta[0]

    def loss(t: Any) -> Any:
        w1, b1, w2, b2 = t[:12].reshape(4, 3), t[12:16], t[16:28].reshape(3, 4), t[28:]
        z = torch.tanh(torch.tensor(X) @ w1.T + b1) @ w2.T + b2
        return -(torch.tensor(y) * torch.log_softmax(z, 1)).sum(1).mean()

    expected = torch.autograd.functional.hessian(loss, torch.tensor(theta)).numpy()
    assert model.hessian(theta, X, y) == pytest.approx(expected, abs=1e-13)


def test_a_large_block_of_samples_is_cut() -> None:
    model = network("[3(tanh)4(lin)1]", "mse")
    X, y = samples(1, 30_000)
    theta = model.train(X, y).theta[0]
    parts = [model.hessian(theta, X[i : i + 5000], y[i : i + 5000]) for i in range(0, 30_000, 5000)]
    assert model.hessian(theta, X, y) == pytest.approx(np.mean(parts, axis=0), abs=1e-13)


def test_scaled_data_and_the_training_part_are_the_default() -> None:
    text = (
        "data x in linspace(0, 4, 9) -> 3*x^2, scale = zscore\nnetwork [1(tanh)2(lin)1]\nloss mse\n"
        "init normal(sigma = 1)\noptimizer gd(eta = 0.1)\ntrain steps = 1\n"
    )
    model = netc.compile(text)
    theta = model.train().theta[0]
    assert model.hessian(theta) == pytest.approx(differences(model.gradient, theta, 1e-3), abs=1e-9)


def test_objective_against_closed_form() -> None:
    model = netc.compile(
        "objective R(x, y, z) = x^2*y + exp(y*z) + sin(x)*z\ninit theta = (1, 1, 1)\n"
        "optimizer gd(eta = 0.01)\ntrain steps = 1\n"
    )
    x, y, z = 0.3, -0.7, 1.1
    e = math.exp(y * z)
    expected = [
        [2 * y - math.sin(x) * z, 2 * x, math.cos(x)],
        [2 * x, z * z * e, e * (1 + y * z)],
        [math.cos(x), e * (1 + y * z), y * y * e],
    ]
    assert model.hessian([x, y, z]) == pytest.approx(np.array(expected), abs=1e-14)
    assert model.hessian([x, y, z], along=[1, 0, 0]) == pytest.approx(np.array(expected[0]), abs=1e-14)
    with pytest.raises(ValueError, match="along has shape"):
        model.hessian([x, y, z], along=[1, 0])


# -- kinds -------------------------------------------------------------------------------------------

BENCHMARKS = {
    1: ("z^2 - 1", {"minimum": [(-2, 1), (2, -1), (0, -1), (0, 1)],
                    "saddle": [(1, 0), (-1, 0), (1, -1), (-1, 1)], "maximum": [(0, 0)]}),
    2: ("2*z^3 - 3*z^2 + 5", {"minimum": [(0, -1), (2, -1), (-2, 1), (0, 1)]}),
    3: ("z^5 - 4*z^4 + 2*z^3 + 8*z^2 - 11*z - 12",
        {"minimum": [(0, 3)], "degenerate": [(0, -1), (4, -1), (-4, 3), (2, 1), (-2, 3)]}),
}  # fmt: skip


@pytest.mark.parametrize("number", one_in(4, BENCHMARKS))
@pytest.mark.parametrize("neuron", [False, True], ids=["objective", "network"])
def test_the_stationary_points_of_the_benchmarks(number: int, neuron: bool) -> None:
    activation, points = BENCHMARKS[number]
    problem = "objective R(w, b) = (g(w + b)^2 + g(b)^2)/4\n"
    if neuron:
        problem = "network [1(g)1]\nloss half_mse\ndata inline:\n    0 -> 0\n    1 -> 0\n"
    for kind, places in points.items():
        text = f"activation g(z) = {activation}\n{problem}init theta = {{{', '.join(map(str, places))}}}\n"
        text += "optimizer gd(eta = 0.1)\ntrain steps = 1, stop = norm(grad R) < 1e-9\n"
        text += f"expect all({kind})\n"
        result = netc.compile(text.replace("{(0, 0)}", "(0, 0)").replace("{(0, 3)}", "(0, 3)")).train()
        assert result.kind.tolist() == [kind] * len(places)
        assert all(v.holds for v in result.expect)


def test_a_flat_minimum_is_degenerate_however_near_the_run_stops() -> None:
    """Benchmark 3 at z = -1: R grows with the fourth power, so its second derivative is positive beside it."""
    text = """
activation g(z) = z^5 - 4*z^4 + 2*z^3 + 8*z^2 - 11*z - 12
objective R(w, b) = (g(w + b)^2 + g(b)^2)/4
init theta = {(0.01, -1.02), (0, 3), (0.001, -0.99)}
optimizer gd(eta = 0.01)
train steps = 100000, stop = norm(grad R) < 1e-4
points minima = {(0, -1), (4, -1), (-4, 3), (0, 3)} within 0.05
expect share(minimum(0, 3)) = 33.33% within 0.1%
expect share(degenerate(0, -1)) = 66.67% within 0.1%
"""
    result = netc.compile(text).train()
    assert result.kind.tolist() == ["degenerate", "minimum", "degenerate"]
    assert (np.linalg.eigvalsh(netc.compile(text).hessian(result.theta[0])) > 0.01).all()
    assert all(v.holds for v in result.expect)


def test_a_valley_is_degenerate_and_a_lost_run_is_nothing() -> None:
    text = "objective R(x, y) = x^2 - 0*y\ninit theta = {(1, 1), (1e200, 0)}\noptimizer gd(eta = 1.5)\n"
    text += "train steps = 1000, stop = norm(grad R) < 1e-6\n"
    result = netc.compile(text.replace("1.5", "0.4")).train(steps=30)
    assert result.kind.tolist()[0] == "degenerate"
    assert netc.compile(text).train().kind.tolist() == ["", ""]


def test_a_point_where_the_curvature_overflows_is_degenerate() -> None:
    x = ir.Var("x", ir.SCALAR)
    square = ir.apply("mul", x, x)
    value = ir.apply("add", square, ir.apply("mul", square, square))
    curvature = Hessians(problem([ir.Tensor("x", (), "weight")], [ir.Let("loss", (), value)]))
    found = kinds(
        curvature, np.array([[1e200], [0.01], [0.01]]), np.array([True, True, False]), np.zeros((3, 0))
    )
    assert found.tolist() == [KINDS.index("degenerate"), KINDS.index("minimum"), -1]


def test_outermost_eigenvalues_are_those_of_the_matrix() -> None:
    rng = np.random.default_rng(2)
    q, _ = np.linalg.qr(rng.normal(size=(400, 400)))
    values = np.concatenate([rng.uniform(-1e-3, 1, 398), [-0.2, 7.0]])
    matrix = (q * values) @ q.T
    low, high, error = outermost(lambda v: matrix @ v, 400)
    assert (low, high) == pytest.approx((-0.2, 7.0), abs=1e-6)
    assert error < 1e-6
    assert outermost(lambda v: 3 * v, 50)[:2] == pytest.approx((3, 3))


def test_a_network_too_large_for_all_eigenvalues() -> None:
    model = network("[3(tanh)80(lin)1]", "mse", "expect not_converged = 0%\n")
    X, y = samples(1)
    result = model.train(X, y)
    (kind,) = result.kind
    values = np.linalg.eigvalsh(model.hessian(result.theta[0], X, y))
    assert model.parameters > 300
    assert kind == "saddle"
    assert values[0] < 0 < values[-1]
