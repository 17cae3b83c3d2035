"""Networks of windows written down let by let, as layers lower to them: for tests and benches of their kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netc.compiler.calculus import ir
from netc.compiler.calculus.ir import (
    SAMPLES,
    Axis,
    Const,
    Expr,
    Index,
    Let,
    Reduce,
    Tensor,
    Var,
    View,
    apply,
)
from netc.compiler.lower.network import problem


def add(*parts: Expr) -> Expr:
    return parts[0] if len(parts) == 1 else apply("add", add(*parts[:-1]), parts[-1])


def mul(*parts: Expr) -> Expr:
    return parts[0] if len(parts) == 1 else apply("mul", mul(*parts[:-1]), parts[-1])


def total(e: Expr, *over: Axis) -> Expr:
    return Reduce("sum", e, over)


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


class Net:
    """Images are (samples, place ..., channels)."""

    def __init__(self, *inputs: int) -> None:
        names = ("h", "w", "c") if len(inputs) == 3 else ("h", "c") if len(inputs) == 2 else ("i",)
        self.tensors: list[Tensor] = []
        self.steps: list[ir.Step] = []
        self.x = Tensor("x", (SAMPLES, *(Axis(n, s) for n, s in zip(names, inputs, strict=True))), "input")
        self.layers = 0

    def learn(self, name: str, *axes: Axis, role: ir.Role = "weight") -> Var:
        self.tensors.append(Tensor(name, axes, role))
        return self.tensors[-1].var

    def let(self, name: str, axes: Sequence[Axis], value: Expr) -> Var:
        self.steps.append(Let(name, tuple(axes), value))
        return self.steps[-1].var

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

    def conv(self, x: Var, out: int, window: Window, groups: int = 1) -> Var:
        name = self.name("conv")
        view, here, inside = self.viewed(x, window, name)
        channels = x.axes[-1]
        assert channels.size is not None
        if groups == 1:
            o = Axis(f"{name}.o", out)
            k = self.learn(f"{name}.weight", o, channels, *inside)
            b = self.learn(f"{name}.bias", o, role="bias")
            value = add(total(mul(k, view), channels, *inside), b)
            return self.let(f"{name}.z", (SAMPLES, *here, o), value)
        g, m, c = (
            Axis(f"{name}.{a}", n)
            for a, n in zip("gmc", (groups, out // groups, channels.size // groups), strict=True)
        )
        k = self.learn(f"{name}.weight", g, m, c, *inside)
        assert c.size is not None
        value = total(mul(k, View(view, channels, Index(((g, c.size), (c, 1))))), c, *inside)
        z = self.let(f"{name}.z", (SAMPLES, *here, g, m), value)
        o = Axis(f"{name}.o", out)
        raise NotImplementedError

    def each(self, x: Var, op: str) -> Var:
        name = self.name(op)
        value = apply("max", x, Const(0.0)) if op == "relu" else apply(op, x)
        return self.let(f"{name}.a", x.axes, value)

    def pool(self, x: Var, window: Window, op: str = "mean") -> Var:
        name = self.name("pool")
        view, here, inside = self.viewed(x, window, name)
        value: Expr = Reduce("sum" if op == "mean" else "max", view, tuple(inside))
        if op == "mean":
            count = 1
            for a in inside:
                count *= a.size or 1
            value = apply("div", value, Const(float(count)))
        return self.let(f"{name}.z", (SAMPLES, *here, x.axes[-1]), value)

    def dense(self, x: Var, units: int) -> Var:
        """Over all that a sample has."""
        name = self.name("dense")
        u, inner = Axis(f"{name}.u", units), x.axes[1:]
        w = self.learn(f"{name}.weight", u, *inner)
        b = self.learn(f"{name}.bias", u, role="bias")
        return self.let(f"{name}.z", (SAMPLES, u), add(total(mul(w, x), *inner), b))

    def squares(self, z: Var) -> ir.Problem:
        """Half the sum of squares behind it."""
        y = Tensor("y", z.axes, "target")
        off = apply("sub", z, y.var)
        losses = self.let("losses", (SAMPLES,), mul(Const(0.5), total(mul(off, off), *z.axes[1:])))
        self.let("loss", (), total(losses, SAMPLES))
        return problem([*self.tensors, self.x, y], self.steps, z.name, mean=True)

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
    net = Net(28, 28, 1)
    a = net.each(net.conv(net.x.var, 4, Window((5, 5))), "tanh")
    b = net.pool(a, Window((2, 2), 2))
    c = net.each(net.conv(b, 12, Window((5, 5))), "tanh")
    return net.classes(net.dense(net.pool(c, Window((2, 2), 2)), 10))


def lenet5() -> ir.Problem:
    net = Net(28, 28, 1)
    a = net.each(net.conv(net.x.var, 6, Window((5, 5), pad=2)), "relu")
    b = net.pool(a, Window((2, 2), 2), "max")
    c = net.each(net.conv(b, 16, Window((5, 5))), "relu")
    d = net.each(net.dense(net.pool(c, Window((2, 2), 2), "max"), 120), "relu")
    return net.classes(net.dense(net.each(net.dense(d, 84), "relu"), 10))


def vgg(width: int = 16, image: int = 16) -> ir.Problem:
    """Two blocks of two convolutions 3x3 and a pooling."""
    net = Net(image, image, 3)
    a = net.x.var
    for channels in (width, 2 * width):
        for _ in range(2):
            a = net.each(net.conv(a, channels, Window((3, 3), pad=1)), "relu")
        a = net.pool(a, Window((2, 2), 2), "max")
    return net.classes(net.dense(a, 10))
