"""Activations and losses of the library against torch.nn.functional, values and gradients, float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import netc

torch = pytest.importorskip("torch", reason="PyTorch 2.13.0 is not installed: pip install torch==2.13.0")
F = torch.nn.functional

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Values and slopes."""

# -- activations ---------------------------------------------------------------------------------

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "lin({})": lambda z: z,
    "tanh({})": torch.tanh,
    "sigmoid({})": torch.sigmoid,
    "exp({})": torch.exp,
    "arctan({})": torch.atan,
    "softsign({})": F.softsign,
    "hard_sigmoid({})": lambda z: F.relu6(z + 3) / 6,  # hardsigmoid's own slope is 1/6 in float32 only
    "hard_tanh({})": F.hardtanh,
    "hard_swish({})": F.hardswish,
    "relu({})": F.relu,
    "relu6({})": F.relu6,
    "leaky_relu({}, 0.01)": F.leaky_relu,
    "leaky_relu({}, alpha = 0.3)": lambda z: F.leaky_relu(z, 0.3),
    "elu({})": F.elu,
    "elu({}, alpha = 0.5)": lambda z: F.elu(z, 0.5),
    "selu({})": F.selu,
    "softplus({})": lambda z: F.softplus(z, threshold=700),  # the default is linear from z = 20 on
    "sqrt_square({}, b = 2)": lambda z: (z * z + 2).sqrt(),
    "gelu({})": F.gelu,
    "gelu_tanh({})": lambda z: F.gelu(z, approximate="tanh"),
    "gelu_sigmoid({})": lambda z: z * torch.sigmoid(1.702 * z),
    "silu({})": F.silu,
    "sine({}, omega = 2)": lambda z: torch.sin(2 * z),
    "swish({}, beta = 1.5)": lambda z: z * torch.sigmoid(1.5 * z),
    "mish({})": F.mish,
}

POINTS = np.concatenate([np.linspace(-8, 8, 33), [-1e-3, 1e-3, -30.0, 30.0]])
"""The kinks of the hard variants are among them: -3, -1, 0, 1, 3, 6."""


@pytest.fixture(scope="module")
def curves() -> dict[str, Curve]:
    """Every activation at POINTS, from one objective, the sum of w_k*activation_k(z_k).

    At w = 1 its gradient is the values along w and the slopes along z.
    """
    count = len(ACTIVATIONS)
    variables = [f"{name}{k}" for name in "wz" for k in range(count)]
    terms = [f"w{k}*{call.format(f'z{k}')}" for k, call in enumerate(ACTIVATIONS)]
    model = netc.compile(
        f"objective R({', '.join(variables)}) = {' + '.join(terms)}\n"
        f"init theta = ({', '.join(['1'] * 2 * count)})\n"
        "optimizer gd(eta = 0.1)\n"
        "train steps = 1\n"
    )
    gradients = np.array([model.gradient(np.r_[np.ones(count), np.full(count, z)]) for z in POINTS])
    return {call: (gradients[:, k], gradients[:, count + k]) for k, call in enumerate(ACTIVATIONS)}


@pytest.mark.parametrize("call", ACTIVATIONS, ids=lambda call: call.format("z"))
def test_activation(call: str, curves: dict[str, Curve]) -> None:
    values, slopes = curves[call]
    z = torch.tensor(POINTS, requires_grad=True)
    expected = ACTIVATIONS[call](z)
    (slope,) = torch.autograd.grad(expected.sum(), z)
    np.testing.assert_allclose(values, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slopes, slope.numpy(), rtol=1e-12, atol=1e-12)


def test_a_network_of_every_smooth_activation() -> None:
    """Through the kernels of layers: one deep network, its outputs, loss and gradient."""
    smooth = ("gelu", "silu", "mish", "selu", "softplus", "elu", "gelu_tanh", "softsign", "arctan", "sigmoid")
    functions = [ACTIVATIONS[f"{name}({{}})"] for name in smooth]
    random = np.random.default_rng(0)
    x, y = random.normal(size=(50, 5)), random.integers(0, 3, 50)
    sizes = [5] + [6] * len(smooth) + [3]
    layers = "".join(f"({name})6" for name in smooth)
    model = _model(f"[5{layers}(softmax)3]", "cross_entropy", x, y)
    count = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
    theta = random.normal(size=count)
    state = model.unflatten(theta)
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in state.items()}
    u = torch.tensor(x)
    for number, function in enumerate((*functions, lambda z: z), start=1):
        u = function(F.linear(u, leaves[f"layer{number}.weight"], leaves[f"layer{number}.bias"]))
    loss = F.cross_entropy(u, torch.tensor(y))
    loss.backward()
    np.testing.assert_allclose(model.predict(x, theta=theta), torch.softmax(u, 1).detach(), rtol=1e-12)
    assert model.loss(theta, x, y) == pytest.approx(loss.item(), rel=1e-12)
    gradient = model.unflatten(model.gradient(theta, x, y))
    for name, leaf in leaves.items():
        np.testing.assert_allclose(gradient[name], leaf.grad, rtol=1e-9, atol=1e-12 * loss.item())


def _model(network: str, loss: str, x: NDArray[Any], y: NDArray[Any]) -> netc.Model:
    """One that has seen these data, and knows what the targets are."""
    model = netc.compile(
        f"network {network}\nloss {loss}\ninit zeros\noptimizer gd(eta = 0.1)\ntrain steps = 1\n"
    )
    model.train(x, y)
    return model


# -- losses --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A loss after a layer `[4(activation)3]`; `torch` takes the layer's pre-activations and the targets."""

    loss: str
    activation: str
    targets: str
    torch: Callable[[Any, Any], Any]


CASES = (
    Case("mse", "lin", "numbers", F.mse_loss),
    Case("half_mse", "lin", "numbers", lambda z, y: F.mse_loss(z, y, reduction="sum") / (2 * len(z))),
    Case("mae", "lin", "numbers", F.l1_loss),
    Case("huber", "lin", "numbers", F.huber_loss),
    Case("huber(delta = 0.5)", "lin", "numbers", lambda z, y: F.huber_loss(z, y, delta=0.5)),
    Case("cross_entropy", "softmax", "classes", F.cross_entropy),
    Case("binary_cross_entropy", "sigmoid", "bits", F.binary_cross_entropy_with_logits),
    Case("hinge", "lin", "signs", lambda z, y: (1 - y * z).clamp(min=0).mean()),
    Case("squared_hinge", "lin", "signs", lambda z, y: (1 - y * z).clamp(min=0).square().mean()),
    Case("multi_margin", "lin", "one_hot", lambda z, y: F.multi_margin_loss(z, y.argmax(1))),
)

SAMPLES = 40


def _targets(kind: str) -> NDArray[Any]:
    random = np.random.default_rng(1)
    match kind:
        case "numbers":
            return random.normal(size=(SAMPLES, 3))
        case "classes":
            return random.integers(0, 3, SAMPLES)
        case "bits":
            return random.integers(0, 2, (SAMPLES, 3)).astype(float)
        case "signs":
            return 2.0 * random.integers(0, 2, (SAMPLES, 3)) - 1
        case _:
            return np.eye(3)[random.integers(0, 3, SAMPLES)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.loss)
def test_loss(case: Case) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(SAMPLES, 4)), _targets(case.targets)
    model = _model(f"[4({case.activation})3]", case.loss, x, y)
    for size in (1.0, 30.0):  # large pre-activations: the fused forms must not overflow, nor lose digits
        theta = size * random.normal(size=15)
        leaf = torch.tensor(theta, requires_grad=True)
        z = F.linear(torch.tensor(x), leaf[:12].view(3, 4), leaf[12:])
        expected = case.torch(z, torch.tensor(y))
        expected.backward()
        assert model.loss(theta, x, y) == pytest.approx(expected.item(), rel=1e-12)
        np.testing.assert_allclose(model.gradient(theta, x, y), leaf.grad, rtol=1e-12, atol=1e-12)
