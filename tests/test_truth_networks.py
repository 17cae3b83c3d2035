"""Whole networks of layers follow PyTorch in float64, from the same weights, batch for batch: LeNet, ResNet, ViT, LSTM."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import netc

torch = pytest.importorskip("torch")

from peers import networks  # noqa: E402

SAMPLES, BATCH, RATE = 64, 16, 0.05
SMALL = (lambda: networks.vit(1, 12, 4, 8), lambda: networks.lstm(10, 8))
WHOLE = (
    networks.lenet1,
    networks.lenet5,
    networks.vgg,
    lambda: networks.resnet(2, 14),
    lambda: networks.vit(2),
    networks.lstm,
)


@pytest.mark.parametrize("make", SMALL)
def test_twenty_steps(make: Callable[[], networks.Network]) -> None:
    follows(make(), 20)


@pytest.mark.slow
@pytest.mark.parametrize("make", WHOLE)
def test_two_hundred_steps(make: Callable[[], networks.Network]) -> None:
    follows(make(), 200)


def follows(network: networks.Network, steps: int) -> None:
    """Parameters, running statistics, and what is predicted after it."""
    model = netc.compile(
        f"{network.text}init glorot_uniform\nloss cross_entropy\noptimizer gd(eta = {RATE})\n"
        f"train steps = {steps}, batch = {BATCH}, shuffle = false\n"
    )
    x, y = network.data(SAMPLES)
    start = model.unflatten(np.random.default_rng(1).uniform(-0.2, 0.2, model.parameters))
    result = model.train(x, y, theta=start)
    found = model.unflatten(result.theta[0])
    expected, outputs = trained(network, start, x, y, steps)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-8 * np.abs(values).max())
    assert any(np.abs(found[name] - start[name]).max() > 1e-3 for name in found)
    np.testing.assert_allclose(model.predict(x), outputs, rtol=0, atol=1e-8)


def trained(network: networks.Network, start: dict, x: np.ndarray, y: np.ndarray, steps: int) -> tuple:
    """Of PyTorch: the parameters, and in test mode the probabilities of the classes."""
    p = {name: torch.tensor(values, requires_grad=True) for name, values in start.items()}
    norms = [name.removesuffix(".gamma") for name in p if name.endswith(".gamma")]
    states = {f"{name}.m": torch.zeros_like(p[f"{name}.gamma"]).detach() for name in norms}
    states |= {f"{name}.s": torch.ones_like(p[f"{name}.gamma"]).detach() for name in norms}
    xs, ys = torch.tensor(x).split(BATCH), torch.tensor(y).split(BATCH)
    for n in range(steps):
        outputs = network.outputs(p | states, xs[n % len(xs)], True)
        loss = torch.nn.functional.cross_entropy(outputs, ys[n % len(ys)])
        slopes = torch.autograd.grad(loss, list(p.values()))
        with torch.no_grad():
            for values, slope in zip(p.values(), slopes, strict=True):
                values -= RATE * slope
    with torch.no_grad():
        seen = torch.softmax(network.outputs(p | states, torch.tensor(x), False), 1)
    return {name: values.detach().numpy() for name, values in p.items()}, seen.numpy()
