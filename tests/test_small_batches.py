"""Batches below a vector, whose lanes are units, against the interpreter: losses, gradients, trajectories; no lane beyond a
layer's units reaches a result."""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import replace

import numpy as np
import pytest
from numba import njit

from netc.compiler.calculus import evaluate, interpret
from netc.compiler.explain_plan import explain_plan
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.machine import Machine
from netc.runtime.devices import simd
from netc.runtime.random import Purpose, permutation
from netc.runtime.training.report import IN_ORDER
from sweeps import one_in
from test_cpu_kernels import TOLERANCE, advance, build, network

pytestmark = pytest.mark.usefixtures("cache")

NETWORKS = [
    ("[13(tanh)15(gelu)15(lin)1]", "half_mse", "f64", 8, {"inputs": 13}),
    ("[8(softplus)16(swish(2))4]", "mse", "f32", 4, {"inputs": 8, "outputs": 4}),
    ("[37(elu)21(softmax)19]", "cross_entropy", "f32", 8, {"inputs": 37, "outputs": 19, "labels": True}),
    ("[6(dense nobias, relu)11(dense nobias, arctan)2]", "huber(delta = 0.3), reduce = sum", "f64", 2,
     {"inputs": 6, "outputs": 2}),
    ("[150(relu)2(sigmoid)1]", "binary_cross_entropy", "f64", 4, {"inputs": 150}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "loss", "precision", "lanes", "shape"), one_in(6, NETWORKS), ids=[n[0] for n in NETWORKS]
)
def test_gradient_and_loss(layers: str, loss: str, precision: str, lanes: int, shape: dict[str, int]) -> None:
    """Of the first samples, of the last and of some in an order; what lies in the padding of a row is NaN."""
    text = network(layers, loss, f", precision = {precision}, batch = 2, shuffle = false")
    built = build(text, samples=40, lanes=lanes, **shape)
    kernels, problem = built.kernels, built.program.problem
    theta = np.random.default_rng(3).standard_normal(problem.parameters).astype(built.real) / 2
    x, y = built.x.astype(built.real), built.y.astype(built.real)
    samples, row = built.samples(), built.row(theta)[0]
    row[problem.parameters :] = np.nan
    scratch, grad = np.zeros(kernels.SCRATCH, built.real), np.full(kernels.STRIDE, np.nan, built.real)
    close = {"rtol": TOLERANCE[precision], "atol": TOLERANCE[precision]}
    order = np.array([39, 0, 7], np.int64)
    for first, count, how in [(0, 2, IN_ORDER), (39, 1, IN_ORDER), (1, 2, order), (0, 1, order)]:
        part = how[first : first + count] if len(how) else slice(first, first + count)
        expected, slope = evaluate.loss_and_gradient(problem, theta, x[part], y[part])
        given = (row, samples.x, samples.y, how, first, count)
        found = kernels.gradient(*given, grad, scratch)
        np.testing.assert_allclose(found, expected, **close)
        np.testing.assert_allclose(grad[: len(slope)], slope, **close)
        assert kernels.loss(*given, scratch) == found


@pytest.mark.sweep
@pytest.mark.parametrize("shuffle", one_in(2, ["false", "true"]))
def test_trajectories(shuffle: str) -> None:
    """The losses of all samples, more than a vector, go by blocks over the same data."""
    built = build(network("[3(tanh)5(lin)2]", "mse", f", batch = 3, shuffle = {shuffle}, seed = 9"), 13, 3, 2)
    theta = np.random.default_rng(5).standard_normal(built.program.problem.parameters) / 2
    found, _, cuts = advance(built, theta, 12)
    orders = [permutation(13, 9, 0, Purpose.SHUFFLE, epoch) for epoch in range(4)]
    given = (built.program, theta, built.x, built.y, 12, cuts.tolist())
    expected = interpret.run(*given, (lambda epoch: orders[epoch]) if shuffle == "true" else None)
    np.testing.assert_allclose(found, expected.trajectory[-1], rtol=1e-10, atol=1e-12)
    assert np.array_equal(advance(built, theta, 12, [1, 5, 6])[0], found), "the cut into calls changes bits"
    samples, scratch = built.samples(), np.zeros(built.kernels.SCRATCH)
    whole = built.kernels.loss(built.row(found)[0], samples.x, samples.y, IN_ORDER, 0, 13, scratch)
    loss, _ = evaluate.loss_and_gradient(built.program.problem, found, built.x, built.y)
    np.testing.assert_allclose(whole, loss, rtol=1e-12)


@pytest.mark.sweep
def test_the_plan_says_it() -> None:
    program = build(
        network("[3(tanh)5(lin)2]", "mse", ", batch = 3, shuffle = false, seed = 9"), 13, 3, 2
    ).program
    for batch, said in ((3, True), (4, True), (5, False)):
        batches = replace(program.training.batches, count=batch)
        changed = replace(program, training=replace(program.training, batches=batches))
        lines = explain_plan(changed, Machine(4, 16), Card(), 13)[1].lines
        assert ("of 4 samples or fewer: vectors of 4 units" in lines[0]) == said


@pytest.mark.parametrize(("real", "lanes"), [("f64", 1), ("f64", 4), ("f32", 8), ("f32", 16)])
def test_the_first_lanes_alone_are_read(real: simd.Real, lanes: int) -> None:
    """Up to the end of a page behind which nothing may be read."""
    load_first, store = simd.vector(real, lanes).load_first, simd.vector(real, lanes).store

    @njit
    def read(array, at, count, out):
        store(out, 0, load_first(array, at, count))

    kind = np.float64 if real == "f64" else np.float32
    protect = ctypes.CDLL(None).mprotect
    pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    array = np.frombuffer(pages, kind)
    behind = ctypes.c_void_p(array.ctypes.data + mmap.PAGESIZE), mmap.PAGESIZE
    assert protect(*behind, 0) == 0
    size = mmap.PAGESIZE // array.itemsize
    array[:size] = np.arange(1, size + 1)
    for count in range(lanes + 1):
        out = np.full(lanes, np.nan, kind)
        read(array, size - count, count, out)
        assert out.tolist() == [*array[size - count : size], *[0.0] * (lanes - count)]
    assert protect(*behind, mmap.PROT_READ | mmap.PROT_WRITE) == 0
