"""Every array that a kernel gets begins on a cache line; and where arrays begin changes no bit of a result."""

from typing import Any

import numpy as np
import pytest

import netc
from netc.compiler.kernels.cpu.entries import ENTRY
from netc.runtime import aligned, prepared
from netc.runtime.devices import load
from netc.runtime.training import report, sample_layout, state, workers
from netc.runtime.training.task import Watcher
from netc.runtime.training.train import _Loop
from sweeps import one_in

NETWORK = """
network [3(tanh)5(lin)1]
loss half_mse
init xavier_normal
optimizer momentum.heavy_ball(eta = 0.05, alpha = 0.9)
train epochs = 4, {settings}
"""
OBJECTIVE = """
objective R(w, b) = (w*b - 1)^2 + w^2
optimizer gd(eta = 0.05)
init theta = grid(-1..1, -1..1, points = 5)
train steps = 9
"""
FILES = {
    "in order": NETWORK.format(settings="batch = 7"),
    "shuffled, f32": NETWORK.format(settings="batch = 7, shuffle = true, precision = f32"),
    "many runs": NETWORK.format(settings="runs = 9, threads = 2"),
    "objective": OBJECTIVE,
    "objectives in lanes": OBJECTIVE.replace("points = 5", "points = 9"),
}
X = np.random.default_rng(0).normal(size=(53, 3))
Y = X @ [1.0, -2.0, 0.5]


def trained(text: str) -> tuple[netc.Model, Any]:
    model = netc.compile(text)
    return model, model.train() if "objective" in text else model.train(X, Y)


@pytest.mark.parametrize("text", one_in(4, FILES.values()), ids=FILES)
def test_every_array_that_a_kernel_gets_begins_on_a_cache_line(text, monkeypatch):
    called, off = set(), set()
    call = load._Entry.__call__

    def watched(entry: Any, *arguments: Any) -> Any:
        name = entry._function.__name__.removesuffix(ENTRY)
        called.add(name)
        for at, argument in enumerate(arguments):
            # Of an array without elements nothing is read.
            if isinstance(argument, np.ndarray) and argument.size and argument.ctypes.data % 64:
                off.add((name, at))
        return call(entry, *arguments)

    monkeypatch.setattr(load._Entry, "__call__", watched)
    model, result = trained(text)
    theta = result.theta[0]
    model.loss(theta), model.gradient(theta)
    if "objective" not in text:
        model.loss(theta, X, Y), model.gradient(theta, X, Y), model.predict(X)
    resume(model)
    wanted = {"start", "advance", "report", "loss", "gradient"}
    assert called == wanted | (set() if "objective" in text else {"outputs", "predict"})
    assert not off


def resume(model: netc.Model) -> None:
    """From a checkpoint as it is read from a file, where arrays lie anywhere."""

    used = model._session
    loop = _Loop(used.task, Watcher())
    with loop.workers:
        loop.state = loop.fresh(0)
        arrays = {name: off_line(array) for name, array in loop._snapshot().items()}
    outcome, _ = used.train(Watcher(), arrays)
    assert np.array_equal(outcome.theta, used.train(Watcher())[0].theta)


def off_line(array: np.ndarray) -> np.ndarray:
    """A copy 16 bytes off a cache line."""
    room = np.zeros(array.nbytes + 128, np.uint8)
    first = -room.ctypes.data % 64 + 16
    made = room[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
    made[...] = array
    return made


@pytest.mark.parametrize("text", one_in(3, FILES.values()), ids=FILES)
def test_where_arrays_begin_changes_no_bit(text, monkeypatch):
    _, on = trained(text)

    def zeros(shape: Any, dtype: Any) -> np.ndarray:
        return off_line(np.zeros(shape, dtype))

    for module in (state, workers, report, sample_layout, prepared):
        monkeypatch.setattr(module, "zeros", zeros)
    _, off = trained(text)
    assert np.array_equal(on.theta, off.theta)
    assert on.history.keys() == off.history.keys()
    assert all(np.array_equal(on.history[name], off.history[name], equal_nan=True) for name in on.history)


@pytest.mark.parametrize("shape", [0, 1, 7, (3, 5), (2, 3, 9), (4, 0)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_zeros_are_zeros_on_a_line_and_own_their_lines(shape, dtype):
    made = [aligned.zeros(shape, dtype) for _ in range(20)]
    for array in made:
        assert array.shape == (shape if isinstance(shape, tuple) else (shape,))
        assert array.dtype == dtype
        assert not array.any()
        assert aligned.is_aligned(array) or not array.size
    lines = [
        set(range(a.ctypes.data // 64, (a.ctypes.data + a.nbytes - 1) // 64 + 1)) for a in made if a.size
    ]
    assert len(set().union(*lines)) == sum(map(len, lines))


def test_what_is_on_a_line_is_not_copied():
    array = aligned.zeros((3, 16), np.float64)
    assert aligned.aligned(array) is array
    copied = aligned.aligned(array.T)
    assert aligned.is_aligned(copied)
    assert copied.shape == (16, 3)
    assert np.array_equal(aligned.aligned(off_line(np.arange(9.0))), np.arange(9.0))
