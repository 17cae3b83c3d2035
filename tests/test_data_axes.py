"""Images whose axes are in another order than the network reads: refused, from Python and from files, not flattened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.dsl.diagnostics import SpecError
from netc.runtime.data.axes import in_other_order

FILE = """network [4x5x3 (conv 2x2, tanh) 2 (globalavgpool) (softmax) 2]
init glorot_uniform
loss cross_entropy
optimizer gd(eta = 0.1)
train steps = 2, seed = 1
"""
RNG = np.random.default_rng(3)
FIRST = RNG.normal(size=(12, 3, 4, 5))
LAST = FIRST.transpose(0, 2, 3, 1)
Y = np.arange(12) % 2
WAY = r"are 3x4x5, the network reads 4x5x3: with the channels last they are .*transpose\(0, 2, 3, 1\)"


@pytest.mark.sweep
def test_channels_first_are_refused() -> None:
    model = netc.compile(FILE)
    for X in (FIRST, FIRST.astype(np.float32), FIRST.tolist()):
        with pytest.raises(SpecError, match=WAY):
            model.train(X, Y)
    with pytest.raises(SpecError, match=WAY):
        model.train(LAST, Y, validation_data=(FIRST, Y))
    model.train(LAST, Y)
    for ask in (model.predict, lambda X: model.loss(model.theta, X, Y)):
        with pytest.raises(ValueError, match=WAY):
            ask(FIRST)


@pytest.mark.sweep
def test_channels_last_and_rows_are_the_same_samples() -> None:
    model = netc.compile(FILE)
    ends = [model.train(X, Y).theta for X in (LAST, LAST.reshape(12, -1), LAST.reshape(12, 1, 60))]
    assert all((end == ends[0]).all() for end in ends)
    assert (model.predict(LAST) == model.predict(LAST.reshape(12, -1))).all()


@pytest.mark.sweep
def test_files_of_arrays(tmp_path: Path) -> None:
    for name, X in (("first", FIRST), ("last", LAST)):
        np.savez(tmp_path / f"{name}.npz", x=X, y=Y)
    with pytest.raises(SpecError, match=WAY):
        netc.compile(f'{FILE}data "{tmp_path}/first.npz"\n').train()
    found = netc.compile(f'{FILE}data "{tmp_path}/last.npz"\n').train()
    assert (found.theta == netc.compile(FILE).train(LAST, Y).theta).all()


@pytest.mark.parametrize(
    ("axes", "wanted", "fits"),
    [
        ((28, 28), (28, 28, 1), True),
        ((1, 28, 28), (28, 28, 1), True),
        ((784,), (28, 28, 1), True),
        ((3, 8, 8), (192,), True),
        ((8, 3, 8), (8, 8, 3), False),
        ((5, 4), (4, 5), False),
        ((4, 5), (3, 7), True),  # another number: that is told otherwise
    ],
)
def test_what_is_another_order(axes: tuple[int, ...], wanted: tuple[int, ...], fits: bool) -> None:
    assert (in_other_order("X", axes, wanted) == "") is fits
