"""`schedule` of a number of a layer: against NumPy, by what a dropout leaves, in phases, where it cannot be, and told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler import pipeline
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.rules.explain import explain
from netc.dsl.source import Source
from sweeps import one_in

SCALED = """
layer scaled(s = 1):
    z[i] = s*x[i]
network  [2 (scaled(1 + q/2)) (lin) 1]
init     theta = (0.3, -0.2, 0.1)
loss     half_mse
optimizer gd(eta = 0.1)
schedule q = {schedule}
train    epochs = 5, batch = 4, shuffle = false
"""
BATCHES = 3
RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(12, 2)), RNG.normal(size=(12, 1))


def trained(q: list[float]) -> np.ndarray:
    """(w, b) by gradient descent on batches of four samples, in their order; q[n] in iteration n."""
    w, b = np.array([0.3, -0.2]), 0.1
    for n, number in enumerate(q):
        rows = slice(4 * (n % BATCHES), 4 * (n % BATCHES) + 4)
        x = (1 + number / 2) * X[rows]
        wrong = x @ w + b - Y[rows, 0]
        w, b = w - 0.1 * wrong @ x / 4, b - 0.1 * wrong.mean()
    return np.array([*w, b])


def of_epochs(value: object) -> list[float]:
    return [value(n / BATCHES) for n in range(5 * BATCHES)]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("schedule", "q"),
    one_in(
        3,
        [
            ("0.5 until 2, 0.2", of_epochs(lambda e: 0.5 if e < 2 else 0.2)),
            ("1/(1 + epoch) until 3, epoch/epochs", of_epochs(lambda e: 1 / (1 + e) if e < 3 else e / 5)),
            ("0.5 until 7, step/steps, unit = step", [0.5 if n < 7 else n / 15 for n in range(15)]),
        ],
    ),
)
def test_against_numpy(schedule: str, q: list[float]) -> None:
    model = netc.compile(SCALED.format(schedule=schedule))
    result = model.train(X, Y)
    np.testing.assert_allclose(result.theta[0], trained(q), rtol=1e-12)
    # Where it is used, the network has the number of its last iteration.
    w, last = result.theta[0], 1 + q[-1] / 2
    np.testing.assert_allclose(result.model.predict(X), (last * X @ w[:2] + w[2])[:, None], rtol=1e-12)


def test_a_recursion() -> None:
    """With such a threshold no loss is good enough: halved after each epoch."""
    model = netc.compile(SCALED.format(schedule="plateau(0.5, factor = 0.5, patience = 0, threshold = 2)"))
    found = model.train(X, Y).theta[0]
    np.testing.assert_allclose(found, trained(of_epochs(lambda e: 0.5 ** (1 + int(e)))), rtol=1e-12)


@pytest.mark.slow
def test_the_share_that_is_dropped() -> None:
    """From weights of 0 and with one sample, an iteration moves those that are kept, by 1/(1 - p) of the gradient."""
    text = """
network  [4000 (dropout.inverted(p)) (lin) 1]
init     weights = 0
init     biases = 0
loss     half_mse
optimizer gd(eta = 1)
schedule p = 0.25 until 1, 0.75 until 2, 0
train    epochs = 3, seed = 2
"""
    x, y = np.ones((1, 4000)), np.array([[1e-6]])
    model = netc.compile(text)
    thetas = [model.train(x, y, epochs=epochs).theta[0][:4000] for epochs in (1, 2, 3)]
    moves = np.diff(np.vstack([np.zeros(4000), *thetas]), axis=0)
    for moved, p in zip(moves, (0.25, 0.75, 0.0), strict=True):
        kept = moved != 0
        assert abs(kept.mean() - (1 - p)) < 4 * np.sqrt(p * (1 - p) / 4000) + 1e-12  # four deviations
        size = moved[kept] * (1 - p)
        np.testing.assert_allclose(size, size[0], rtol=1e-9)


def test_the_clock_of_phases() -> None:
    """A rule that goes on has its clock go on, and so has what follows it; one that begins anew begins there."""
    text = SCALED.format(schedule="0.5 until 2, 0.2") + "phase a: epochs = 3\nphase b: epochs = 2\n"
    going_on = netc.compile(text).train(X, Y).theta[0]
    np.testing.assert_allclose(going_on, trained([0.5] * 6 + [0.2] * 9), rtol=1e-12)
    anew = netc.compile(text.replace("phase b: ", "phase b: restart = true, ")).train(X, Y).theta[0]
    np.testing.assert_allclose(anew, trained([0.5] * 6 + [0.2] * 3 + [0.5] * 6), rtol=1e-12)


@pytest.mark.sweep
def test_out_of_range() -> None:
    text = SCALED.replace("scaled(1 + q/2)", "dropout.inverted(q)").format(schedule="0.5 + epoch/4")
    result = netc.compile(text).train(X, Y)
    assert result.stopped == ["out of range"]
    assert result.iterations.tolist() == [2 * BATCHES]


def test_a_start_that_hangs_on_the_data() -> None:
    with pytest.raises(netc.SpecError, match="at first hangs on the number of batches"):
        netc.compile(SCALED.format(schedule="1/steps"))


def test_written_out_it_is_the_same() -> None:
    text = """
block    res(c, scale) = x + [c (dense, tanh) c (dropout.inverted(rate*l/L + 0*c))]
network  [2 (tanh) 4 (res(scale = 2)) x 2 (dropout.srivastava(1 - rate)) (lin) 1]
init     glorot_uniform
loss     half_mse
optimizer gd(eta = 0.1)
schedule rate = 0.5 until 2, 0
train    epochs = 5
"""
    spec = pipeline.to_spec(pipeline.to_ast(Source("a.net", text)), None, Path())
    again = pipeline.to_spec(pipeline.to_ast(Source("b.net", spec_text(spec))), None, Path())
    assert pipeline.to_ir(again) == pipeline.to_ir(spec)


def test_it_stands_among_the_symbols_and_cannot_be_set() -> None:
    source = Source("a.net", SCALED.format(schedule="0.5 until 2, 0.2"))
    spec = pipeline.to_spec(pipeline.to_ast(source), None, Path())
    (symbols,) = (s.lines for s in explain(spec, unicode=False) if s.title == "symbols")
    (line,) = (s for s in symbols if s.startswith("q "))
    assert " ".join(line.split()) == "q scheduled 0.5 until epoch 2, then 0.2; a number of layers"
    with pytest.raises(netc.SpecError, match="'q' is a number of layers that follows a schedule") as refused:
        netc.compile(source.text, q=0.3)
    assert [d.code for d in refused.value.diagnostics] == ["E0512"]
