"""Networks of windows written down let by let, as layers lower to them: for tests and benches of their kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from hand_built import Net, add, mul, relu, total
from netc.compiler.calculus import ir
from netc.compiler.calculus.ir import SAMPLES, Axis, Const, Expr, Index, Reduce, Tensor, Var, View, apply
from netc.compiler.lower.network import problem


@dataclass(frozen=True)
class Window:
    """Of a convolution or pooling: sizes along the image's axes, and how it moves."""

    size: tuple[int, ...]
    stride: int = 1
    pad: int = 0
    dilate: int = 1

    def places(self, image: Sequence[int]) -> tuple[int, ...]:
        return tuple(
            (n + 2 * self.pad - self.dilate * (k - 1) - 1) // self.stride + 1
            for n, k in zip(image, self.size, strict=True)
        )


class Images(Net):
    """Images are (samples, place ..., channels)."""

    def __init__(self, *sizes: int) -> None:
        names = ("h", "w", "c") if len(sizes) == 3 else ("h", "c")
        super().__init__(*(Axis(n, s) for n, s in zip(names, sizes, strict=True)))
        self.layers = 0

    def name(self, kind: str) -> str:
        self.layers += 1
        return f"{kind}{self.layers}"

    def viewed(self, x: Var, window: Window, name: str) -> tuple[Expr, list[Axis], list[Axis]]:
        """The windows of x, the places where they are, and the places inside of one."""
        image = x.axes[1:-1]
        places = window.places([a.size or 0 for a in image])
        here = [Axis(f"{name}.{a}", n) for a, n in zip("ij", places, strict=False)]
        inside = [Axis(f"{name}.{a}", n) for a, n in zip("pq", window.size, strict=False)]
        value: Expr = x
        for axis, i, p in zip(image, here, inside, strict=True):
            value = View(value, axis, Index(((i, window.stride), (p, window.dilate)), -window.pad))
        return value, here, inside

    def conv(self, x: Var, out: int, window: Window) -> Var:
        name = self.name("conv")
        view, here, inside = self.viewed(x, window, name)
        o, channels = Axis(f"{name}.o", out), x.axes[-1]
        k = self.learn(f"{name}.weight", o, channels, *inside)
        b = self.learn(f"{name}.bias", o, role="bias")
        return self.let(f"{name}.z", (SAMPLES, *here, o), add(total(mul(k, view), channels, *inside), b))

    def grouped(self, x: Var, out: int, window: Window, groups: int) -> Var:
        """Without biases, its channels (group, channel of the group); as many groups as channels: depthwise."""
        name = self.name("grouped")
        view, here, inside = self.viewed(x, window, name)
        size = (x.axes[-1].size or 0) // groups
        g, m, c = (Axis(f"{name}.{a}", n) for a, n in zip("gmc", (groups, out // groups, size), strict=True))
        k = self.learn(f"{name}.weight", g, m, c, *inside)
        channels = View(view, x.axes[-1], Index(((g, size), (c, 1))))
        return self.let(f"{name}.z", (SAMPLES, *here, g, m), total(mul(k, channels), c, *inside))

    def transposed(self, x: Var, out: int, window: Window) -> Var:
        """z[i] = sum over p of x[(i + pad - p)/stride] k[p], where that is a place."""
        name = self.name("transposed")
        value: Expr = x
        here, inside = [], []
        for axis, k, i, p in zip(x.axes[1:-1], window.size, "ij", "pq", strict=False):
            size = ((axis.size or 0) - 1) * window.stride - 2 * window.pad + k
            here.append(Axis(f"{name}.{i}", size))
            inside.append(Axis(f"{name}.{p}", k))
            value = View(value, axis, Index(((here[-1], 1), (inside[-1], -1)), window.pad, window.stride))
        o, channels = Axis(f"{name}.o", out), x.axes[-1]
        k = self.learn(f"{name}.weight", channels, o, *inside)
        b = self.learn(f"{name}.bias", o, role="bias")
        return self.let(f"{name}.z", (SAMPLES, *here, o), add(total(mul(k, value), channels, *inside), b))

    def each(self, x: Var, op: str) -> Var:
        return self.let(f"{self.name(op)}.a", x.axes, relu(x) if op == "relu" else apply(op, x))

    def pool(self, x: Var, window: Window, op: str = "mean") -> Var:
        name = self.name("pool")
        view, here, inside = self.viewed(x, window, name)
        value: Expr = Reduce("sum" if op == "mean" else "max", view, tuple(inside))
        if op == "mean":
            value = apply("div", value, Const(float(prod(a.size or 1 for a in inside))))
        return self.let(f"{name}.z", (SAMPLES, *here, x.axes[-1]), value)

    def flat(self, x: Var, units: int) -> Var:
        name = self.name("dense")
        return self.dense(name, Axis(f"{name}.u", units), x)

    def classes(self, z: Var) -> ir.Problem:
        """Softmax and its cross entropy behind it."""
        u = z.axes[1]
        y = Tensor("y", z.axes, "target")
        off = apply("sub", z, apply("stop_gradient", Reduce("max", z, (u,))))
        normed = apply("sub", off, apply("log", total(apply("exp", off), u)))
        output = self.let("output", z.axes, apply("exp", normed))
        losses = self.let("losses", (SAMPLES,), apply("neg", total(mul(y.var, normed), u)))
        self.let("loss", (), total(losses, SAMPLES))
        return problem([*self.tensors, self.x, y], self.steps, output.name, mean=True)


def lenet1() -> ir.Problem:
    net = Images(28, 28, 1)
    a = net.each(net.conv(net.x.var, 4, Window((5, 5))), "tanh")
    b = net.pool(a, Window((2, 2), 2))
    c = net.each(net.conv(b, 12, Window((5, 5))), "tanh")
    return net.classes(net.flat(net.pool(c, Window((2, 2), 2)), 10))


def lenet5() -> ir.Problem:
    net = Images(28, 28, 1)
    a = net.each(net.conv(net.x.var, 6, Window((5, 5), pad=2)), "relu")
    b = net.pool(a, Window((2, 2), 2), "max")
    c = net.each(net.conv(b, 16, Window((5, 5))), "relu")
    d = net.each(net.flat(net.pool(c, Window((2, 2), 2), "max"), 120), "relu")
    return net.classes(net.flat(net.each(net.flat(d, 84), "relu"), 10))


def vgg(width: int = 16, image: int = 16) -> ir.Problem:
    """Two blocks of two convolutions 3x3 and a pooling."""
    net = Images(image, image, 3)
    a = net.x.var
    for channels in (width, 2 * width):
        for _ in range(2):
            a = net.each(net.conv(a, channels, Window((3, 3), pad=1)), "relu")
        a = net.pool(a, Window((2, 2), 2), "max")
    return net.classes(net.flat(a, 10))
