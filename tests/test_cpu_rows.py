"""The weight gradient of wide layers on the CPU, against backpropagation in plain NumPy: inputs that fill no tile, samples
that fill no vector, in order and shuffled."""

from __future__ import annotations

import numpy as np
import pytest

from netc.compiler.explain_plan import explain_plan
from netc.compiler.kernels.cpu.plan import Plan
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.machine import Machine
from sweeps import one_in
from test_cpu_kernels import build, network

SIZES = (45, 37, 70, 3)
LAYERS = "[45(tanh)37(sigmoid)70(softmax)3]"


def truth(weights: list[np.ndarray], biases: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The gradient of the mean cross entropy, in the order of theta."""
    values = [x]
    for f, w, b in zip((np.tanh, lambda z: 1 / (1 + np.exp(-z)), lambda z: z), weights, biases, strict=True):
        values.append(f(values[-1] @ w.T + b))
    e = np.exp(values[3] - values[3].max(axis=1, keepdims=True))
    d, found = (e / e.sum(axis=1, keepdims=True) - y) / len(x), []
    slopes = (1 - values[1] ** 2, values[2] * (1 - values[2]))
    for layer in (2, 1, 0):
        found[:0] = [(d.T @ values[layer]).reshape(-1), d.sum(axis=0)]
        d = d @ weights[layer] * slopes[layer - 1] if layer else d
    return np.concatenate(found)


@pytest.mark.parametrize(
    ("precision", "lanes", "shuffle", "cache"),
    one_in(
        6,
        [
            (*real, *how)
            for how in (("false", 2**19), ("true", 2**19), ("true", 2**15))
            for real in (("f64", 4), ("f32", 8))
        ],
    ),
)
def test_the_gradient_of_wide_layers(precision: str, lanes: int, shuffle: str, cache: int) -> None:
    settings = f", precision = {precision}, shuffle = {shuffle}, batch = 18"
    built = build(network(LAYERS, "cross_entropy", settings), 29, 45, 3, lanes, labels=True, cache=cache)
    machine = Machine(lanes=lanes, registers=32 if lanes >= 8 else 16, cache=cache)
    plan = Cpu(machine).plan(built.program, 29)
    assert isinstance(plan, Plan)
    assert [stage.wide for stage in plan.stages] == [True, True, False]
    (_, cpu, _) = explain_plan(built.program, machine, Card(), 29)
    assert any("the weights do not fit" in line for line in cpu.lines) == (cache == 2**15)
    assert (plan.block == -(-18 // plan.step) * plan.step) == (cache == 2**15)  # a batch of 18
    assert any("layer1, layer2: vectors of inputs, as turning" in line for line in cpu.lines)

    random = np.random.default_rng(3)
    weights = [random.normal(0, 0.3, shape) for shape in zip(SIZES[1:], SIZES[:-1], strict=True)]
    biases = [random.normal(0, 0.3, size) for size in SIZES[1:]]
    theta = np.concatenate([a.reshape(-1) for pair in zip(weights, biases, strict=True) for a in pair])
    samples, row = built.samples(), built.row(theta)[0]
    order = random.permutation(29) if shuffle == "true" else np.arange(0)
    close = {"f64": 1e-13, "f32": 1e-6}[precision]
    scratch, grad = np.zeros(built.kernels.SCRATCH, built.real), np.zeros(built.kernels.STRIDE, built.real)
    for first, count in [(13, 13), (26, 3), (0, 29), (0, 29)]:
        picked = (order if len(order) else np.arange(29))[first : first + count]
        built.kernels.gradient(row, samples.x, samples.y, order, first, count, grad, scratch)
        wanted = truth(weights, biases, built.x[picked], built.y[picked])
        np.testing.assert_allclose(grad[: len(wanted)], wanted, rtol=0, atol=close)
