"""Kernels of networks that are no chain of dense layers, against the interpreter: every kind of node on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hand_built import Net, add, mul, program, relu, total
from netc.compiler import pipeline
from netc.compiler.calculus import evaluate, ir
from netc.compiler.calculus.ir import (
    SAMPLES,
    Axis,
    Const,
    Index,
    Let,
    Pick,
    Reduce,
    Scan,
    Var,
    View,
    apply,
)
from netc.compiler.calculus.simplify import rebuild
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.patterns import chain
from netc.compiler.kernels.sweeps import levels, sums_apart, waits
from netc.dsl.source import Source
from netc.runtime.devices.load import load_kernels
from netc.runtime.training.sample_layout import lay_out
from plain_kernels import plain
from sweeps import one_in

COMPILED = ("convolution", "recurrence")
"""By numba as well; all others as plain Python, which takes no time to compile."""
COUNT = 11
"""Samples: no whole number of vectors."""


def residual() -> ir.Problem:
    net, u, v = Net(Axis("i", 6)), Axis("u", 5), Axis("v", 5)
    z = net.dense("first", u, net.x.var)
    a = net.let("a", z.axes, apply("tanh", z))
    inside = View(net.dense("second", v, a), v, Index(((u, 1),)))
    return net.problem(net.let("sum", z.axes, add(a, mul(inside, apply("sigmoid", a)))))


def convolution() -> ir.Problem:
    """conv 3x3, stride 2, padding 1, relu; max pooling 2x1."""
    h, w, c, o, p, q, i, j = (Axis(*word) for word in zip("hwcopqij", (7, 5, 2, 4, 3, 3, 4, 3), strict=True))
    net = Net(h, w, c)
    k, b = net.learn("conv.weight", o, c, p, q), net.learn("conv.bias", o, role="bias")
    window = View(View(net.x.var, h, Index(((i, 2), (p, 1)), -1)), w, Index(((j, 2), (q, 1)), -1))
    z = net.let("z", (SAMPLES, i, j, o), add(total(mul(k, window), c, p, q), b))
    a = net.let("a", z.axes, relu(z))
    r, s = Axis("r", 2), Axis("s", 2)
    pooled = Reduce("max", View(a, i, Index(((s, 2), (r, 1)))), (r,))
    return net.problem(net.let("pooled", (SAMPLES, s, j, o), pooled))


def batchnorm() -> ir.Problem:
    net, u = Net(Axis("i", 6)), Axis("u", 5)
    z = net.dense("first", u, net.x.var)
    g, b = net.learn("norm.gain", u, role="gain"), net.learn("norm.bias", u, role="bias")
    count = total(Const(1.0, (SAMPLES,)), SAMPLES)
    m = net.let("m", (u,), apply("div", total(z, SAMPLES), count))
    off = apply("sub", z, m)
    v = net.let("v", (u,), apply("div", total(mul(off, off), SAMPLES), count))
    normed = apply("div", off, apply("sqrt", add(v, Const(1e-3))))
    return net.problem(net.let("a", z.axes, apply("tanh", add(mul(g, normed), b))))


def layernorm() -> ir.Problem:
    net, u = Net(Axis("i", 6)), Axis("u", 5)
    z = net.dense("first", u, net.x.var)
    mean = apply("div", total(z, u), Const(5.0))
    off = net.let("off", z.axes, apply("sub", z, mean))
    v = apply("div", total(mul(off, off), u), Const(5.0))
    return net.problem(net.let("a", z.axes, apply("div", off, apply("sqrt", add(v, Const(1e-3))))))


def normed_weights() -> ir.Problem:
    """W = g*v/|v|: numbers made of parameters, and of finished sums."""
    i, u = Axis("i", 6), Axis("u", 5)
    net = Net(i)
    v, g = net.learn("v", u, i), net.learn("g", u, role="gain")
    w = net.let("w", (u, i), apply("div", mul(g, v), apply("sqrt", total(mul(v, v), i))))
    return net.problem(net.let("a", (SAMPLES, u), apply("tanh", total(mul(w, net.x.var), i))))


def attention() -> ir.Problem:
    """Arrays and lets whose names differ in case only."""
    t, s, e, d = Axis("t", 4), Axis("s", 4), Axis("e", 3), Axis("d", 2)
    net = Net(t, e)
    q, k, v = (
        net.let(name, (SAMPLES, t, d), total(mul(net.learn(name.upper(), d, e), net.x.var), e))
        for name in "qkv"
    )
    there = [View(z, t, Index(((s, 1),))) for z in (k, v)]
    scores = net.let("scores", (SAMPLES, t, s), total(mul(q, there[0]), d))
    exps = apply("exp", apply("sub", scores, apply("stop_gradient", Reduce("max", scores, (s,)))))
    weights = net.let("weights", (SAMPLES, t, s), apply("div", exps, total(exps, s)))
    return net.problem(net.let("mixed", (SAMPLES, t, d), total(mul(weights, there[1]), s)))


def recurrence() -> ir.Problem:
    """h[t] = tanh(W x[t] + U h[t-1])"""
    t, i, u, v = Axis("t", 4), Axis("i", 3), Axis("u", 5), Axis("v", 5)
    net = Net(t, i)
    w, r = net.learn("w", u, i), net.learn("r", u, v)
    h = Var("h", (SAMPLES, t, u))
    past = View(View(h, t, Index(((t, 1),), -1)), u, Index(((v, 1),)))
    value = apply("tanh", add(total(mul(w, net.x.var), i), total(mul(r, past), v)))
    net.steps.append(Scan(t, (Let("h", h.axes, value),)))
    return net.problem(net.let("end", (SAMPLES, u), View(h, t, Index((), 3))))


def embedding() -> ir.Problem:
    """Words are numbers below 4 here: the samples are made so."""
    t, word, d = Axis("t", 4), Axis("word", 4), Axis("d", 2)
    net = Net(t)
    found = Pick(net.learn("table", word, d), word, net.x.var)
    return net.problem(net.let("found", (SAMPLES, t, d), apply("sin", found)))


def upsampling() -> ir.Problem:
    """Nearest neighbours, then every second place again, and the place itself."""
    h, i, j = Axis("h", 4), Axis("i", 8), Axis("j", 5)
    net = Net(h)
    w = net.learn("w", h)
    up = net.let("up", (SAMPLES, i), View(mul(w, net.x.var), h, Index(((i, 1),), 0, 2, floor=True)))
    back = View(up, i, Index(((j, -2),), 9))
    return net.problem(net.let("back", (SAMPLES, j), add(mul(back, back), mul(ir.Place(j), back))))


NETS: dict[str, Callable[[], ir.Problem]] = {
    f.__name__: f
    for f in (
        residual,
        convolution,
        batchnorm,
        layernorm,
        normed_weights,
        attention,
        recurrence,
        embedding,
        upsampling,
    )
}


def numbers(made: ir.Problem, real: type) -> Iterable[np.ndarray]:
    rng = np.random.default_rng(7)
    theta = rng.uniform(-0.8, 0.8, made.parameters).astype(real)
    x = rng.uniform(-1.5, 1.5, (COUNT, made.inputs))
    if any(t.name == "table" for t in made.tensors):
        x = rng.integers(0, 4, x.shape)
    return theta, x.astype(real), rng.uniform(0.1, 0.9, (COUNT, made.outputs)).astype(real)


@pytest.mark.parametrize(("precision", "lanes"), one_in(3, [("f64", 4), ("f32", 4), ("f64", 1)]))
@pytest.mark.parametrize("name", one_in(6, NETS))
def test_loss_gradient_and_outputs(name: str, precision: str, lanes: int) -> None:
    made = NETS[name]()
    real = np.float32 if precision == "f32" else np.float64
    close = {"rtol": 3e-5, "atol": 3e-5} if precision == "f32" else {"rtol": 1e-11, "atol": 1e-12}
    theta, x, y = numbers(made, real)
    for shuffled in (False, True):
        batch = "batch = 4, shuffle = true" if shuffled else "batch = full"
        chosen = Cpu(Machine(lanes=lanes))
        small = program(made, f"{batch}, precision = {precision}")
        text = pipeline.to_text(pipeline.to_loops(small, chosen, COUNT), chosen)
        kernels = load_kernels(text) if name in COMPILED and not shuffled else plain(text)
        samples = lay_out(x, y, kernels.BLOCK, real, bool(kernels.BY_SAMPLE))
        row = np.zeros(kernels.STRIDE, real)
        row[: len(theta)] = theta
        scratch, grad = np.zeros(kernels.SCRATCH, real), np.zeros(kernels.STRIDE, real)
        order = np.random.default_rng(1).permutation(COUNT) if shuffled else np.zeros(0, np.int64)
        for first, count in [(0, COUNT), (2, 6)]:
            chosen = order[first : first + count] if shuffled else np.arange(first, first + count)
            expected, slope = evaluate.loss_and_gradient(made, theta, x[chosen], y[chosen])
            found = kernels.gradient(row, samples.x, samples.y, order, first, count, grad, scratch)
            np.testing.assert_allclose(found, expected, **close)
            np.testing.assert_allclose(grad[: len(slope)], slope, **close)
            assert kernels.loss(row, samples.x, samples.y, order, first, count, scratch) == found
        out = np.zeros((made.outputs, COUNT + kernels.BLOCK), real)
        kernels.predict(row, samples.x, samples.y, np.zeros(0, np.int64), 0, COUNT, out, scratch)
        np.testing.assert_allclose(out[:, :COUNT].T, evaluate.predict(made, theta, x), **close)


def test_what_waits_for_all_samples() -> None:
    assert [name for name in NETS if waits(sums_apart(NETS[name]()))] == ["batchnorm"]
    level = levels(sums_apart(batchnorm()))
    assert (level["first.z"], level["m"], level["v"], level["a"], level["loss"]) == (0, 1, 2, 2, 3)


THREE = """data x in linspace(-1, 1, 9) -> x
network [1 (tanh) 4 (tanh) 4 (lin) 1]
init glorot_uniform
loss mse
optimizer gd(eta = 0.1)
train epochs = 1
"""


@pytest.mark.parametrize(
    ("name", "read", "instead"),
    [
        ("d_layer2.weight", "d_layer2.z", "d_layer2.a"),
        ("d_layer2.weight", "layer1.a", "layer1.z"),
        ("d_layer2.bias", "d_layer2.z", "d_layer2.a"),
        ("d_layer1.a", "d_layer2.z", "d_layer2.a"),
        ("d_layer1.z", "d_layer1.a", "x"),
    ],
)
def test_a_chain_is_what_is_derived_like_one(name: str, read: str, instead: str) -> None:
    """Loops of a chain stand for derivatives that were derived: where one of them is another, they are not taken."""
    checked = pipeline.to_spec(pipeline.to_ast(Source("three.net", THREE)), None, Path())
    problem = pipeline.to_ir(checked).problem
    assert chain(problem) is not None

    def changed(step: ir.Step) -> Iterable[ir.Step]:
        if step.name == name:
            reads = {node.name: node for node in ir.postorder(step.value) if isinstance(node, Var)}
            other = Var(instead, reads[read].axes)
            step = replace(
                step, value=rebuild(step.value, lambda node: other if node == reads[read] else node)
            )
        return (step,)

    assert chain(ir.with_steps(problem, changed)) is None
