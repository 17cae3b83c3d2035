"""The derivative of the loss by the inputs: kernels and interpreter against PyTorch, scaling, and what is monitored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus.by_inputs import by_inputs
from netc.compiler.calculus.evaluate import given, run_lets
from netc.compiler.calculus.ir import SAMPLES
from netc.compiler.calculus.verify import _steps
from netc.compiler.pipeline import to_ast, to_ir, to_spec
from netc.dsl.source import Source

torch = pytest.importorskip("torch")
F = torch.nn.functional
REST = "init he_normal\noptimizer gd(eta = 0.05)\ntrain epochs = 3, batch = full, seed = 2\n"
DENSE = f"network [6 (tanh) 5 (gelu) 4 (softmax) 3]\nloss cross_entropy\n{REST}"
CONV = f"""network [7x6x2 (conv 3x3 same, relu) 4 (torch.BatchNorm2d) (maxpool 2x2)
    (torch.Dropout 0.3) (conv 2x2, tanh) 3 (lin) 2]
loss mse
{REST}"""
RNG = np.random.default_rng(7)


def of_torch_dense(model, theta, x, y):
    p = [torch.tensor(a) for a in model.unflatten(theta).values()]
    z = torch.tensor(x, requires_grad=True)
    h = F.gelu(torch.tanh(z @ p[0].T + p[1]) @ p[2].T + p[3])
    F.cross_entropy(h @ p[4].T + p[5], torch.tensor(y)).backward()
    return z.grad.numpy()


def of_torch_conv(model, theta, x, y, states):
    w1, b1, gamma, beta, w2, b2, w3, b3 = (torch.tensor(a) for a in model.unflatten(theta).values())
    z = torch.tensor(x, requires_grad=True)
    image = z.reshape(-1, 7, 6, 2).permute(0, 3, 1, 2)
    mean, variance = torch.tensor(states).reshape(2, 4)
    h = F.batch_norm(F.relu(F.conv2d(image, w1, b1, padding=1)), mean, variance, gamma, beta, eps=1e-5)
    h = torch.tanh(F.conv2d(F.max_pool2d(h, 2), w2, b2)).permute(0, 2, 3, 1).reshape(len(x), -1)
    F.mse_loss(h @ w3.T + b3, torch.tensor(y)).backward()
    return z.grad.numpy()


def of_interpreter(text: str, theta, x, y, states=None):
    problem = by_inputs(to_ir(to_spec(to_ast(Source("<test>", text)), None, Path())).problem)
    assert not list(_steps(problem))
    env = given(problem, theta, x, y, np.zeros(0) if states is None else states)
    run_lets(problem.forward, env, {SAMPLES: len(x)})
    return np.array(env[problem.output]).reshape(len(x), -1) / len(x)


def test_a_dense_network_is_as_pytorch() -> None:
    model = netc.compile(DENSE)
    theta, x, y = RNG.normal(size=model.parameters), RNG.normal(size=(9, 6)), RNG.integers(0, 3, 9)
    right = of_torch_dense(model, theta, x, y)
    np.testing.assert_allclose(model.gradient(theta, x, y, wrt="x"), right, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(of_interpreter(DENSE, theta, x, np.eye(3)[y]), right, rtol=1e-10, atol=1e-12)


def test_a_convolutional_network_is_as_pytorch_in_test_mode() -> None:
    model = netc.compile(CONV)
    theta, x, y = RNG.normal(size=model.parameters), RNG.normal(size=(5, 84)), RNG.normal(size=(5, 2))
    states = RNG.uniform(0.5, 2, 8)
    right = of_torch_conv(model, theta, x, y, states)
    found = model.gradient(theta, x, y, wrt="x", states=states)
    np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(of_interpreter(CONV, theta, x, y, states), right, rtol=1e-10, atol=1e-12)


SCALED = f"""data given, scale = zscore
network [2 (tanh) 4 (lin) 1]
loss half_mse
{REST}monitor norm(grad_x R), max(|grad_x R|), every = 1
expect norm(grad_x R) < 100
expect max(|grad_x R|) < 0
"""


def test_it_is_in_the_units_of_the_data_and_monitored_in_scaled_ones() -> None:
    model = netc.compile(SCALED)
    x = RNG.normal(size=(20, 2)) * [3.0, 0.2] + 5
    y = np.sin(x).sum(axis=1)
    result = model.train(x, y)
    theta = result.theta[0]
    slope = model.gradient(theta, x, y, wrt="x")
    for place in ((0, 0), (3, 1), (19, 0)):
        moved = x.copy(), x.copy()
        moved[0][place] += 1e-5
        moved[1][place] -= 1e-5
        difference = (model.loss(theta, moved[0], y) - model.loss(theta, moved[1], y)) / 2e-5
        assert slope[place] == pytest.approx(difference, rel=1e-6, abs=1e-10)
    scaled = slope * np.std(x, axis=0)
    history = result.history
    assert history["norm(grad_x R)"][-1] == pytest.approx(np.linalg.norm(scaled), rel=1e-9)
    assert history["max(|grad_x R|)"][-1] == pytest.approx(np.abs(scaled).max(), rel=1e-9)
    assert len(set(history["norm(grad_x R)"])) == 4  # at the start, and after each of three epochs
    assert [v.holds for v in result.expect] == [True, False]


def test_what_has_no_inputs_says_so() -> None:
    model = netc.compile("objective R(x) = x^2\ninit theta = 1\noptimizer gd(eta = 0.1)\ntrain steps = 1\n")
    with pytest.raises(ValueError, match="it has no inputs"):
        model.gradient([1.0], wrt="x")
