"""Sums of products by register tiles: windows of every kind against PyTorch in float64, over random shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from hand_built import add, mul, program, total
from netc.compiler import pipeline
from netc.compiler.calculus import evaluate, ir
from netc.compiler.calculus.ir import SAMPLES, Axis, Const, Index, Let, Reduce, Scan, Var, View, apply
from netc.compiler.kernels.cpu.lets_plan import Lets
from netc.compiler.kernels.cpu.said import patterns
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.machine import Machine
from netc.runtime.training.sample_layout import lay_out
from nets import Images, Window
from plain_kernels import plain

torch = pytest.importorskip("torch")
F = torch.nn.functional
MACHINES = (Machine(4, 16), Machine(2, 32), Machine(4, 32, cache=1024), Machine(1, 16))
"""Tiles of several shapes; one whose cache holds one vector of samples."""


def found(
    made: ir.Problem, theta: np.ndarray, x: np.ndarray, y: np.ndarray, machine: Machine
) -> tuple[float, np.ndarray]:
    """Loss and gradient by the kernels, as plain Python."""
    target = Cpu(machine)
    text = pipeline.to_text(pipeline.to_loops(program(made, "batch = full"), target, len(x)), target)
    kernels = plain(text)
    samples = lay_out(x, y, kernels.BLOCK, np.float64, bool(kernels.BY_SAMPLE))
    row, grad = np.zeros(kernels.STRIDE), np.zeros(kernels.STRIDE)
    row[: len(theta)] = theta
    scratch, order = np.zeros(kernels.SCRATCH), np.zeros(0, np.int64)
    loss = kernels.gradient(row, samples.x, samples.y, order, 0, len(x), grad, scratch)
    return loss, grad[: len(theta)]


def by_tiles(made: ir.Problem, machine: Machine) -> set[str]:
    """The lets for which there are tiles."""
    plan = Cpu(machine).plan(program(made, "batch = full"), 5)
    assert isinstance(plan, Lets)
    return set(plan.modes[-1].tiled)


@dataclass
class Case:
    """A network, and the same in PyTorch: the outputs, of its parameters and x (samples, channels, places ...)."""

    net: Images
    last: Var
    reference: Callable[..., object]

    def check(self, machine: Machine, seed: int) -> ir.Problem:
        made = self.net.problem(self.last)
        rng = np.random.default_rng(seed)
        theta = rng.uniform(-0.8, 0.8, made.parameters)
        sizes = [a.size or 0 for a in self.net.x.axes[1:]]
        x, y = rng.uniform(-1.5, 1.5, (5, *sizes)), rng.uniform(0.1, 0.9, (5, made.outputs))
        loss, slope = found(made, theta, x.reshape(5, -1), y, machine)
        weights = [
            torch.tensor(theta[t.offset : t.stop].reshape(t.shape), requires_grad=True) for t in made.weights
        ]
        channels_first = torch.tensor(np.moveaxis(x, -1, 1))
        *inner, last = weights
        z = self.reference(channels_first, *inner)
        expected = (
            0.5
            * (torch.einsum("uf,nf->nu", last.flatten(1), z.flatten(1)) - torch.tensor(y)).square().sum()
            / 5
        )
        slopes = torch.autograd.grad(expected, weights)
        flat = np.concatenate([g.numpy().ravel() for g in slopes])
        assert loss == pytest.approx(expected.item(), rel=1e-12)
        np.testing.assert_allclose(slope, flat, rtol=1e-10, atol=1e-10 * np.abs(flat).max())
        return made


def image_last(z: object) -> object:
    """PyTorch's channels to the end, where a let has them."""
    return torch.movedim(z, 1, -1)


def windows(seed: int) -> Case:
    """Two convolutions of random shapes, so that a derivative flows through the second one's windows."""
    rng = np.random.default_rng(seed)
    flat = rng.integers(2) == 0
    image = [int(n) for n in rng.integers(7, 11, 1 if flat else 2)]
    net = Images(*image, int(rng.integers(1, 4)))

    def window() -> Window:
        stride, pad, dilate = (int(rng.integers(low, high)) for low, high in ((1, 4), (0, 3), (1, 3)))
        size = [int(rng.integers(1, 4)) for _ in image]
        return Window(tuple(size), stride, pad, dilate)

    first, second = window(), window()
    a = net.each(net.conv(net.x.var, int(rng.integers(1, 8)), first), "tanh")
    z = net.conv(a, int(rng.integers(1, 6)), Window(second.size, second.stride, 2, 1))
    conv = F.conv1d if flat else F.conv2d

    def reference(x: object, k1: object, b1: object, k2: object, b2: object) -> object:
        a = torch.tanh(conv(x, k1, b1, first.stride, first.pad, first.dilate))
        return image_last(conv(a, k2, b2, second.stride, 2))

    return Case(net, z, reference)


@pytest.mark.parametrize("seed", range(16))
def test_convolutions_of_random_shapes(seed: int) -> None:
    machine = MACHINES[seed % len(MACHINES)]
    made = windows(seed).check(machine, seed)
    assert {"conv1.z", "conv3.z", "d_tanh2.a"} <= by_tiles(made, machine)


def grouped(groups: int) -> Case:
    net = Images(6, 7, 4)
    a = net.each(net.conv(net.x.var, 4, Window((1, 1))), "tanh")
    window = Window((3, 2), 2, 1)

    def reference(x: object, k1: object, b1: object, k: object) -> object:
        a = torch.tanh(F.conv2d(x, k1, b1))
        return image_last(F.conv2d(a, k.flatten(0, 1), None, window.stride, window.pad, groups=groups))

    return Case(net, net.grouped(a, 8, window, groups), reference)


def transposed() -> Case:
    net = Images(3, 4, 2)
    a = net.each(net.conv(net.x.var, 3, Window((2, 2))), "tanh")
    window = Window((3, 3), 2, 1)

    def reference(x: object, k1: object, b1: object, k: object, b: object) -> object:
        return image_last(
            F.conv_transpose2d(torch.tanh(F.conv2d(x, k1, b1)), k, b, window.stride, window.pad)
        )

    return Case(net, net.transposed(a, 2, window), reference)


def pooled(op: str) -> Case:
    net = Images(7, 8, 1)
    a = net.conv(net.x.var, 3, Window((3, 3), 1, 1))
    window = Window((3, 2), 2)
    pool = F.max_pool2d if op == "max" else F.avg_pool2d

    def reference(x: object, k: object, b: object) -> object:
        return image_last(pool(F.conv2d(x, k, b, 1, 1), window.size, window.stride))

    return Case(net, net.pool(a, window, op), reference)


OTHERS = {
    "two groups": (lambda: grouped(2), {"grouped3.z", "d_grouped3.weight"}),
    "depthwise": (lambda: grouped(4), {"grouped3.z", "d_grouped3.weight"}),
    "transposed": (transposed, {"transposed3.z", "d_tanh2.a", "d_transposed3.weight"}),
    "max pooling": (lambda: pooled("max"), {"conv1.z"}),
    "average pooling": (lambda: pooled("mean"), {"conv1.z"}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_windows(name: str) -> None:
    case, tiled = OTHERS[name]
    for seed, machine in enumerate(MACHINES[:2]):
        made = case().check(machine, seed)
        assert tiled <= by_tiles(made, machine)


# -- what a Scan and a factor that is an expression become -----------------------------------------------


def gated() -> ir.Problem:
    """z[o] = sum[k] U[o,k] sigmoid(sum[i] W[k,i] x[i]) sum[i] V[k,i] x[i], over tokens."""
    net = Images(4, 3)
    (_, t, i), k, o = net.x.axes, Axis("k", 5), Axis("o", 4)
    w, v, u = net.learn("w", k, i), net.learn("v", k, i), net.learn("u", o, k)
    gate = apply("sigmoid", total(mul(w, net.x.var), i))
    value = mul(u, gate, total(mul(v, net.x.var), i))
    return net.problem(net.let("z", (SAMPLES, t, o), total(value, k)))


def recurrent() -> ir.Problem:
    """c[t] = f c[t-1] + tanh(W x[t] + R h[t-1]), h[t] = tanh(c[t])."""
    net = Images(5, 3)
    (_, t, i), u, v = net.x.axes, Axis("u", 6), Axis("v", 6)
    w, r, b = net.learn("w", u, i), net.learn("r", u, v), net.learn("b", u, role="bias")
    h, c = Var("h", (SAMPLES, t, u)), Var("c", (SAMPLES, t, u))
    before = Index(((t, 1),), -1)
    past = View(View(h, t, before), u, Index(((v, 1),)))
    z = apply("tanh", add(total(mul(w, net.x.var), i), total(mul(r, past), v), b))
    cell = Let("c", c.axes, add(mul(Const(0.7), View(c, t, before)), z))
    net.steps.append(Scan(t, (cell, Let("h", h.axes, apply("tanh", c)))))
    return net.problem(net.let("end", (SAMPLES, u), View(h, t, Index((), 4))))


@pytest.mark.parametrize(
    ("made", "parts"), [(gated, 8), (recurrent, 5)], ids=lambda word: getattr(word, "__name__", "")
)
def test_factors_and_steps_of_a_recurrence(made: Callable[[], ir.Problem], parts: int) -> None:
    net = made()
    rng = np.random.default_rng(0)
    theta, x, y = (
        rng.uniform(-1, 1, net.parameters),
        rng.uniform(-1, 1, (7, net.inputs)),
        rng.uniform(size=(7, 3)),
    )
    expected, slope = evaluate.loss_and_gradient(net, theta, x, y)
    for machine in MACHINES[:2]:
        loss, gradient = found(net, theta, x, y, machine)
        assert loss == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-12)
        assert len(by_tiles(net, machine)) >= parts


@pytest.mark.filterwarnings("ignore:invalid value")
def test_lanes_without_a_sample_reach_no_sum() -> None:
    """They hold zeros, of which this norm makes 0/0: no derivative may see it."""
    net = Images(4, 4, 2)
    (_, h, w, c) = net.x.axes
    root = apply("sqrt", Reduce("sum", mul(net.x.var, net.x.var), (h, w, c)))
    normed = net.let("normed", net.x.axes, apply("div", net.x.var, root))
    made = net.problem(net.conv(normed, 3, Window((2, 2), 1, 1)))
    rng = np.random.default_rng(1)
    theta, x, y = rng.uniform(-1, 1, made.parameters), rng.uniform(0.5, 1, (3, 32)), rng.uniform(size=(3, 3))
    expected, slope = evaluate.loss_and_gradient(made, theta, x, y)
    loss, gradient = found(made, theta, x, y, Machine(4, 16))
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-12)


def test_the_plan_says_what_each_let_is() -> None:
    net = Images(6, 7, 1)
    a = net.each(net.conv(net.x.var, 4, Window((3, 3))), "tanh")
    plan = Cpu(Machine(4, 16)).plan(program(net.problem(net.pool(a, Window((2, 2), 2))), "batch = full"), 5)
    assert isinstance(plan, Lets)
    said = dict(line.split(": ") for line in patterns(plan))
    assert said["pass, element by element"] == "tanh2.a, d_output, d_conv1.z"
    assert said["pass, no fast pattern"] == "pool3.z, losses, d_tanh2.a, d_conv1.bias"
    tiled = {
        name.split(" ")[0] for words, names in said.items() if "tiles" in words for name in names.split(", ")
    }
    assert tiled == {"conv1.z", "output", "d_last.weight", "d_pool3.z", "d_conv1.weight"}
