"""When a training looks at all samples: by counted work, and what stands in the history in between."""

import numpy as np
import pytest

import netc
from netc.runtime.training import report_spacing
from netc.runtime.training.report import COLUMNS
from netc.runtime.training.report_spacing import CALL, SHORT, Sizes, spacing, work_of_epoch, work_of_report
from netc.runtime.training.task import Watcher
from netc.runtime.training.train import train
from test_runtime_train import X, Y, _Interrupts, task

IMAGES = """
network [784(tanh)24(softmax)10]
loss cross_entropy
init xavier_uniform
optimizer {rule}
train {train}
"""
LINE = """
network [1(lin)1]
loss half_mse
init constant(0.5)
optimizer gd(eta = 0.1)
train epochs = 6, batch = 4, shuffle = false
"""


@pytest.fixture
def hurried(monkeypatch):
    """Nothing is so short that its reports do not count."""
    monkeypatch.setattr(report_spacing, "SHORT", 0)


def program(rule: str, train: str):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    model = netc.compile(IMAGES.format(rule=rule, train=train))
    return model._sessions.after(model._session, rng.normal(size=(40, 784)), labels, {}, None, None).program


def work(rows: int, forward: int) -> int:
    """Multiply-adds of one run over so many samples, forward and backward: 784 x 24 inputs have no cotangent."""
    return rows * (3 * forward - 784 * 24)


@pytest.mark.parametrize("samples", [40, 2048, 60_000])
@pytest.mark.parametrize("epochs", [1, 3, 10, 200, 5000])
@pytest.mark.parametrize("batch", ["batch = 32", "batch = full"])
def test_reports_take_no_more_than_their_share(samples, epochs, batch):
    made = program("gd(eta = 0.1)", f"epochs = {epochs}, {batch}")
    per_epoch = 1 if "full" in batch else -(-samples // 32)
    sizes = Sizes(epochs * per_epoch, per_epoch, 1, samples, samples // 5)
    apart = spacing(made, sizes, 0, summary=False)
    assert apart.whole % apart.rows == 0
    assert apart.rows % per_epoch == 0
    assert 1 <= sizes.total / apart.rows <= 200
    reports = sizes.total // apart.whole
    forward = 784 * 24 + 24 * 10
    # Beside the products there are only passes over the units of a sample.
    assert work(samples, forward) < work_of_epoch(made, samples) < 1.05 * work(samples, forward)
    products = work(samples, forward) + (samples + samples // 5) * forward
    assert products < work_of_report(made, samples, samples // 5) < 1.05 * products
    taken = reports * work_of_report(made, samples, samples // 5)
    allowed = max(0.03 * epochs * work_of_epoch(made, samples), SHORT)
    assert taken <= allowed or reports == 1  # what a training ends with is part of it
    if apart.whole > apart.rows:
        cost = taken / reports + CALL
        assert sizes.total / (apart.whole - apart.rows) * cost > allowed - cost, "they could be closer"


def test_a_file_that_says_every_gets_every_report():
    made = program("gd(eta = 0.1)", "epochs = 10, batch = 32")
    assert spacing(made, Sizes(18750, 1875, 1, 60_000, 10_000), 1875, summary=False).whole == 1875


@pytest.mark.usefixtures("hurried")
def test_between_reports_stands_the_mean_of_the_losses_that_iterations_saw():
    x, y = X, Y[:, 0]
    result = netc.compile(LINE).train(x, y)
    theta, means = np.array([0.5, 0.0]), []
    for _ in range(6):
        seen = []
        for at in (slice(0, 4), slice(4, 8), slice(8, 10)):
            rest = theta[0] * x[at, 0] + theta[1] - y[at]
            seen.append(np.mean(rest**2) / 2)
            theta = theta - 0.1 * np.array([np.mean(rest * x[at, 0]), np.mean(rest)])
        means.append(np.mean(seen))
    history = result.history
    assert history["epoch"].tolist() == list(range(7))
    assert np.isnan(history["loss_batches"][0])
    np.testing.assert_allclose(history["loss_batches"][1:], means, rtol=1e-12)
    looked = ~np.isnan(history["loss_train"])
    assert np.flatnonzero(looked).tolist() == [0, 6]
    assert not np.isnan(history["gradient_norm"][looked]).any()
    often = netc.compile(LINE + "monitor loss, every = 1").train(x, y)
    assert not np.isnan(often.history["loss_train"]).any()
    np.testing.assert_array_equal(often.history["loss_batches"], history["loss_batches"])
    for name in ("loss_train", "gradient_norm", "theta_norm"):
        np.testing.assert_array_equal(often.history[name][looked], history[name][looked])
        np.testing.assert_array_equal(often.final[name], result.final[name])
    np.testing.assert_array_equal(often.theta, result.theta)


class Once(_Interrupts):
    """The training then reports once more at the same step."""

    def reported(self, epoch, step, rows):
        super().reported(epoch, step, rows)
        self.at = -1 if step == self.at else self.at


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("runs", [1, 5])
def test_a_training_interrupted_between_reports_ends_with_one_and_goes_on_as_if_it_had_not(runs):
    options = {"runs": runs, "alpha": 0.9, "batch": ("size", 4)}
    whole = train(task(**options), Watcher())
    watch = Once(at=9)
    cut = train(task(**options), watch)
    assert cut.interrupted
    steps = cut.history[:, :2]
    assert len(np.unique(steps, axis=0)) == len(steps)
    last = cut.history[np.append(steps[1:, 0] != steps[:-1, 0], True)]
    assert not np.isnan(last[:, COLUMNS.index("loss_train")]).any()
    rest = train(task(**options), Watcher(), watch.kept)
    np.testing.assert_array_equal(rest.history, whole.history)
    np.testing.assert_array_equal(rest.theta, whole.theta)
