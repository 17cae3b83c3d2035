"""The training loop around the kernels: stretches, reports, stops, checkpoints, many runs.

The kernels here are a plain Python module with the interface of docs/kernels.md: gradient descent on
linear regression, whose course is known in closed form.
"""

import os
import signal
from types import ModuleType

import numpy as np
import pytest

from netc.compiler.calculus import ir
from netc.compiler.lower.network import problem
from netc.runtime.training import state as state_module
from netc.runtime.training.metrics import Metric
from netc.runtime.training.outcomes import STOPS
from netc.runtime.training.sample_layout import bounds, lay_out
from netc.runtime.training.task import Outcome, Task, Watcher, total_steps
from netc.runtime.training.train import train


def fake_kernels(stop_below: float = 0.0) -> ModuleType:
    """u = w*x + b, loss (1/2N) sum (u - y)^2; gradient descent with a heavy-ball state, order rotated."""
    kernels = ModuleType("fake")
    constants = {
        "PARAMETERS": 2,
        "LANES": 4,
        "GROUP": 1,
        "DEVICE": "cpu",
        "STRIDE": 4,
        "VECTORS": 1,
        "SCALARS": 0,
        "SCRATCH": 8,
        "BLOCK": 4,
        "BY_SAMPLE": 0,
        "ORDERED": 0,
    }
    vars(kernels).update(constants)

    def value(theta, x, y, index):
        with np.errstate(all="ignore"):
            return _value(theta[0] * x[0, index] + theta[1] - y[0, index], x[0, index])

    def _value(rest, x):
        return float(np.mean(rest**2) / 2), np.array([np.mean(rest * x), np.mean(rest), 0, 0])

    def start(theta, vectors, scalars, hyper):
        vectors[:] = 0

    def advance(
        rows, theta, vectors, scalars, counters, figures, hyper, x, y, bounds, order, scratch, key, last
    ):
        eta, alpha = hyper
        m = len(bounds) - 1
        for r in rows.tolist():
            while counters[r, 3] == 0 and counters[r, 0] < last:
                n = counters[r, 0]
                turned = np.roll(np.arange(bounds[-1]), int(key + counters[r, 4] + n // m))
                batch = turned[bounds[n % m] : bounds[n % m + 1]]
                loss, gradient = value(theta[r], x, y, batch)
                counters[r, 1:3] += 1
                if not np.isfinite(loss):
                    counters[r, 3] = 2
                elif loss < stop_below:
                    counters[r, 3] = 1
                else:
                    vectors[r, 0] = alpha * vectors[r, 0] + gradient
                    theta[r] -= eta * vectors[r, 0]
                    counters[r, 0] += 1

    def loss(theta, x, y, order, first, count, scratch):
        return value(theta, x, y, slice(first, first + count))[0]

    def gradient(theta, x, y, order, first, count, grad, scratch):
        found, grad[:] = value(theta, x, y, slice(first, first + count))
        return found

    def predict(theta, x, y, order, first, count, out, scratch):
        out[0, first : first + count] = theta[0] * x[0, first : first + count] + theta[1]
        return loss(theta, x, y, None, first, count, scratch)

    def report(rows, theta, x, y, order, count, out, grad, scratch):
        for line, r in zip(out, rows.tolist(), strict=True):
            line[0] = gradient(theta[r], x, y, order, 0, count, grad, scratch)
            with np.errstate(over="ignore"):
                line[1:] = np.linalg.norm(grad), np.linalg.norm(theta[r])

    def outputs(rows, theta, x, y, order, count, out, losses, scratch):
        for at, r in enumerate(rows.tolist()):
            losses[at] = predict(theta[r], x, y, order, 0, count, out[at], scratch)

    made = (start, advance, loss, gradient, predict, report, outputs)
    vars(kernels).update({function.__name__: function for function in made})
    return kernels


def program(eta=0.1, alpha=0.0, epochs=20, steps=-1, batch=("full", 0), runs=1, seed=3) -> ir.Program:
    weights = [ir.Tensor(name, (ir.Axis("unit", 1),), "weight") for name in ("layer1.weight", "layer1.bias")]
    axes = (ir.SAMPLES, ir.Axis("unit", 1))
    given = [ir.Tensor(role, axes, role) for role in ("input", "target")]
    output = ir.Let("output", axes, ir.Var("input", axes))
    nothing = ir.Let("loss", (), ir.Const(0.0))  # the kernels here are the test's own
    return ir.Program(
        problem([*weights, *given], [output, nothing], "output", mean=True),
        ir.Starts((ir.Fill("uniform", (-1.0, 1.0), 0, 2, (2,)),), "", ()),
        ir.Rule((ir.Hyper("eta", eta), ir.Hyper("alpha", alpha)), *[()] * 6, False),
        ir.Training(epochs, steps, ir.Batches(*batch, False), "f64", seed, runs, "cpu"),
    )


X = np.linspace(-1, 1, 10)[:, None]
Y = 3 * X - 1


def task(kernels=None, every=0, **options) -> Task:
    part = lay_out(X, Y, 4, np.float64)
    return Task(program(**options), kernels or fake_kernels(), part, part, Metric("r2"), every, 1)


def reasons(outcome: Outcome) -> list[str]:
    return [STOPS[code] for code in outcome.stops]


def test_gradient_descent_follows_its_closed_form():
    done = train(task(epochs=50), Watcher())
    start = done.history[0]
    hessian = np.diag([np.mean(X**2), 1.0])
    first = train(task(epochs=0), Watcher()).theta[0]
    expected = np.linalg.matrix_power(np.eye(2) - 0.1 * hessian, 50) @ (first - [3, -1]) + [3, -1]
    np.testing.assert_allclose(done.theta[0], expected, rtol=1e-12)
    assert start[1] == 0
    assert reasons(done) == ["epochs"]
    assert done.counters[0, 0] == 50


def test_reports_do_not_change_a_bit():
    often = train(task(every=1, alpha=0.9, batch=("size", 3)), Watcher())
    rarely = train(task(every=20, alpha=0.9, batch=("size", 3)), Watcher())
    np.testing.assert_array_equal(often.theta, rarely.theta)
    assert len(often.history) == 21
    assert len(rarely.history) == 2


def test_a_criterion_ends_a_run_and_a_divergence_its_own():
    stopped = train(task(fake_kernels(stop_below=1e-3), epochs=10_000), Watcher())
    assert reasons(stopped) == ["criterion"]
    assert 0 < stopped.counters[0, 0] < 10_000
    lost = train(task(eta=1e3, epochs=10_000), Watcher())
    assert reasons(lost) == ["diverged"]
    assert lost.history[-1, 1] == lost.counters[0, 0]


def test_a_loss_lost_in_the_very_last_step_is_a_divergence():
    assert reasons(train(task(eta=1e200, epochs=2), Watcher())) == ["diverged"]


def test_the_best_parameters_are_those_of_the_lowest_reported_loss():
    done = train(task(eta=1.9, alpha=0.3, every=1, epochs=7), Watcher())
    lowest = done.history[:, 3].min()
    rest = done.best[0, 0] * X + done.best[0, 1] - Y
    assert np.mean(rest**2) / 2 == pytest.approx(lowest, rel=1e-12)


@pytest.mark.parametrize("batch", [("full", 0), ("size", 3)])
def test_runs_do_not_depend_on_how_many_are_in_hand(batch, monkeypatch):
    together = train(task(runs=7, batch=batch), Watcher())
    monkeypatch.setattr(state_module, "MOST", 2)
    apart = train(task(runs=7, batch=batch), Watcher())
    np.testing.assert_array_equal(together.theta, apart.theta)
    np.testing.assert_array_equal(together.history, apart.history)
    assert len({*map(tuple, together.theta.tolist())}) == 7
    alone = train(task(runs=1, batch=batch), Watcher())
    np.testing.assert_array_equal(alone.theta[0], together.theta[0])


class _Interrupts(Watcher):
    """Presses Ctrl-C at the given report and keeps the checkpoint."""

    def __init__(self, at: int) -> None:
        self.at, self.kept = at, {}

    def reported(self, epoch, step, rows):
        if step == self.at:
            os.kill(os.getpid(), signal.SIGINT)

    def checkpoint(self, arrays):
        self.kept = {name: array.copy() for name, array in arrays.items()}


@pytest.mark.parametrize("most", [100, 2])
def test_interrupted_and_resumed_is_the_same_to_the_bit(most, monkeypatch):
    monkeypatch.setattr(state_module, "MOST", most)
    options = {"runs": 5, "alpha": 0.9, "batch": ("size", 4), "every": 2}
    whole = train(task(**options), Watcher())
    watch = _Interrupts(at=6 * 3)
    part = train(task(**options), watch)
    assert part.interrupted
    assert reasons(part)[0] == "interrupted"
    assert part.counters[0, 0] == 18
    rest = train(task(**options), Watcher(), resume=watch.kept)
    assert not rest.interrupted
    np.testing.assert_array_equal(rest.theta, whole.theta)
    np.testing.assert_array_equal(rest.best, whole.best)
    np.testing.assert_array_equal(rest.history, whole.history)
    np.testing.assert_array_equal(rest.counters, whole.counters)


def test_steps_and_epochs_whichever_ends_first():
    assert total_steps(program(epochs=2, steps=7, batch=("size", 3)), 10) == (7, 4)
    assert total_steps(program(epochs=1, steps=7, batch=("size", 3)), 10) == (4, 4)
    assert reasons(train(task(epochs=2, steps=7, batch=("size", 3)), Watcher())) == ["steps"]


def test_batches_cover_all_samples_once():
    assert bounds(ir.Batches("size", 4, False), 10).tolist() == [0, 4, 8, 10]
    assert bounds(ir.Batches("parts", 4, False), 10).tolist() == [0, 3, 6, 8, 10]
    assert bounds(ir.Batches("parts", 40, False), 3).tolist() == [0, 1, 2, 3]
    assert bounds(ir.Batches("size", 40, False), 3).tolist() == [0, 3]


def test_metrics_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    y, u = rng.normal(size=(2, 3, 40))
    assert Metric("r2").score(u, y) == pytest.approx(metrics.r2_score(y.T, u.T), rel=1e-12)
    codes = rng.integers(0, 3, 40)
    one_hot = np.eye(3)[codes].T
    assert Metric("accuracy").score(u, one_hot) == metrics.accuracy_score(codes, u.argmax(0))
    binary = (codes > 0)[None].astype(float)
    assert Metric("accuracy", 0.5).score(u[:1], binary) == metrics.accuracy_score(binary[0], u[0] > 0.5)
    assert np.isnan(Metric("accuracy").score(u * np.nan, one_hot))


# -- checkpoints from elsewhere ----------------------------------------------------------------------


def tampered(arrays):
    """Every array gone, of another shape along each axis, of another type; every whole number out of its range."""
    for name, array in arrays.items():
        yield f"no {name}", {n: a for n, a in arrays.items() if n != name}
        for axis in range(array.ndim):
            yield f"{name} longer in axis {axis}", arrays | {name: np.concatenate([array, array], axis)}
            if array.shape[axis]:
                yield (
                    f"{name} shorter in axis {axis}",
                    arrays | {name: array.take(range(array.shape[axis] - 1), axis)},
                )
        yield f"{name} with an axis more", arrays | {name: array[None]}
        other = {"f8": "<f4", "f4": "<f8", "i8": "<i4"}[array.dtype.str[1:]]
        yield f"{name} cast", arrays | {name: array.astype(other)}
        if array.dtype.kind == "i":
            for value in (-2, 2**40, -(2**63)):
                yield f"{name} = {value}", arrays | {name: np.full_like(array, value)}


def refused(of, arrays):
    try:
        train(of, Watcher(), resume=arrays)
    except state_module.Unfit:
        return True
    return False


def same(one, two):
    return one.keys() == two.keys() and all(
        a.dtype == two[n].dtype and np.array_equal(a, two[n], equal_nan=a.dtype.kind == "f")
        for n, a in one.items()
    )


@pytest.mark.parametrize("batch", [("full", 0), ("size", 4)])
def test_a_checkpoint_is_checked_before_a_kernel_reads_it(batch, monkeypatch):
    monkeypatch.setattr(state_module, "MOST", 2)
    options = {"runs": 5, "alpha": 0.9, "batch": batch, "every": 2}
    watch = _Interrupts(at=6 if batch[0] == "full" else 6 * 3)
    train(task(**options), watch)
    for what, arrays in tampered(watch.kept):
        if what in ("history longer in axis 0", "history shorter in axis 0") or same(arrays, watch.kept):
            continue  # there may be any number of reports; an empty array can hold nothing wrong
        assert refused(task(**options), arrays), what
