"""Samples in panels, where the rows of all inputs would lie in too many pages: what kernels find, from any sample on."""

from __future__ import annotations

import numpy as np
import pytest

import netc
from netc.compiler.calculus import evaluate, interpret
from netc.compiler.kernels.cpu import plan
from netc.runtime.parameters import Array
from netc.runtime.training import report
from netc.runtime.training.report import IN_ORDER
from netc.runtime.training.sample_layout import Samples, bounds, lay_out_pieces, panel_of
from sweeps import one_in
from test_cpu_kernels import TOLERANCE, Built, build, network

pytestmark = pytest.mark.usefixtures("cache")

TEXT = """network [70(tanh)5(lin)2]
loss half_mse
init glorot_uniform
optimizer gd(eta = 0.1)
train steps = 3, {more}, shuffle = false
"""
RNG = np.random.default_rng(5)
X, Y = RNG.standard_normal((330, 70)), RNG.uniform(size=(330, 2))


def in_panels(built: Built, panel: int, at_once: int = 7) -> Samples:
    """`at_once`: samples that come together."""
    cuts = range(at_once, len(built.x), at_once)
    x, y = np.split(built.x, cuts), np.split(built.y, cuts)
    shape = (*built.x.shape, built.y.shape[1])
    return lay_out_pieces(shape, x, y, built.kernels.BLOCK, built.real, panel=panel)


@pytest.mark.parametrize(
    ("layers", "precision", "lanes", "panel"),
    one_in(
        6,
        [
            ("[70(tanh)5(lin)2]", "f64", 4, 23),
            ("[70(tanh)5(lin)2]", "f32", 8, 32),
            ("[70(tanh)5(lin)2]", "f64", 8, 100),
            ("[200(tanh)60(lin)2]", "f32", 4, 64),  # inputs as lanes
            ("[200(tanh)60(lin)2]", "f64", 4, 16),
            ("[70(lin)2]", "f64", 4, 1),
        ],
    ),
)
def test_loss_gradient_and_outputs_of_any_samples(
    layers: str, precision: str, lanes: int, panel: int
) -> None:
    """Also where a range begins and ends within a panel."""
    inputs = int(layers[1 : layers.index("(")])
    text = network(layers, "half_mse", f", precision = {precision}, batch = 20, shuffle = false")
    built = build(text, samples=100, inputs=inputs, outputs=2, lanes=lanes)
    kernels, problem = built.kernels, built.program.problem
    assert kernels.PANELS == 1
    theta = np.random.default_rng(3).standard_normal(problem.parameters).astype(built.real) / 10
    samples, row = in_panels(built, panel), built.row(theta)[0]
    assert samples.panel == (panel if panel < 100 else 0)
    scratch, grad = np.zeros(kernels.SCRATCH, built.real), np.zeros(kernels.STRIDE, built.real)
    out = np.zeros((2, samples.y.shape[1]), built.real)
    close = {"rtol": 10 * TOLERANCE[precision], "atol": TOLERANCE[precision]}
    x, y = built.x.astype(built.real), built.y.astype(built.real)
    for first, count in [(0, 100), (0, 20), (1, 50), (17, 83), (63, 3), (99, 1)]:
        part = slice(first, first + count)
        expected, slope = evaluate.loss_and_gradient(problem, theta, x[part], y[part])
        given = (row, samples.x, samples.y, IN_ORDER, first, count)
        assert kernels.gradient(*given, grad, scratch) == pytest.approx(expected, rel=close["rtol"])
        np.testing.assert_allclose(grad[: len(slope)], slope, **close)
        kernels.predict(*given, out, scratch)
        np.testing.assert_allclose(out[:, part].T, evaluate.predict(problem, theta, x[part]), **close)


@pytest.mark.parametrize("batch", one_in(3, ["20", "full", "64", "3 parts", "100", "330"]))
def test_a_training_is_the_interpreters(batch: str) -> None:
    """Batches that are a panel, that have several of them or none; the last ones are smaller."""
    model = netc.compile(TEXT.format(more=f"batch = {batch}"))
    start = RNG.standard_normal(70 * 5 + 5 + 5 * 2 + 2) / 8
    result = model.train(X, Y, steps=17, theta=start)
    program, session = model._session.program, model._session
    batches = program.training.batches
    panel = panel_of(batches, session.kernels.BLOCK) if batch not in ("330", "3 parts") else 0
    assert session.samples_by_part[0].panel == panel
    expected = interpret.run(program, start, X, Y, 17, bounds(batches, len(X)).tolist(), None)
    np.testing.assert_allclose(result.theta[0], expected.trajectory[-1], rtol=1e-10, atol=1e-12)
    loss, _ = evaluate.loss_and_gradient(program.problem, result.theta[0], X, Y)
    assert result.final["loss_train"][0] == pytest.approx(loss, rel=1e-12)


def test_samples_behind_the_first_panels() -> None:
    """Also where a block is as long as all panels together."""
    samples = lay_out_pieces((70, 70, 2), [X[:70]], [Y[:70]], 64, np.float64, panel=20)
    for first in (0, 20, 60):
        part = samples.behind(first, False)
        some = min(20, 70 - first)
        np.testing.assert_array_equal(part.x[:70, :some].T, X[first : first + some])
        np.testing.assert_array_equal(part.goal[:, :some].T, Y[first : first + some])


def test_where_they_lie_changes_nothing_but_the_order_of_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of samples that vary by epoch and of an accuracy that is counted in ranges."""
    text = TEXT.replace("half_mse", "cross_entropy").replace("(lin)2", "(softmax)2")
    labels = (Y[:, 0] > 0.5).astype(int)

    def trained() -> tuple[Array, float]:
        result = netc.compile(text.format(more="batch = 20") + "augment noise(0.1)\n").train(
            X, labels, steps=40
        )
        return result.theta, float(result.final["accuracy_train"][0])

    theta, accuracy = trained()
    monkeypatch.setattr(report, "RANGE", 1)
    assert trained()[1] == accuracy
    monkeypatch.setattr(plan, "FEW_ROWS", 1000)
    np.testing.assert_allclose(trained()[0], theta, rtol=1e-9)
