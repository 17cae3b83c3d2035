"""Many runs: what they come to, where they start, how their course is summed up."""

import numpy as np
import pytest

import netc
from netc.runtime.random import Purpose, normal, uniform
from netc.runtime.training.history import followed, summarise
from netc.runtime.training.report import COLUMNS
from sweeps import one_in

BENCHMARK = """
activation g(z) = z^2 - 1
objective  R(w, b) = g(w + b)^2 + g(b)^2
optimizer  gd(eta = 0.1)
"""


def course(start, steps: int, stop: float, most: float) -> tuple[str, int]:
    """Gradient descent on the benchmark in plain Python, by the talk's rules: how a run ends, and when."""
    w, b = start
    for n in range(steps + 1):
        slope = 4 * ((w + b) ** 2 - 1) * (w + b)
        gradient = np.array([slope, slope + 4 * (b * b - 1) * b])
        size = np.sqrt(gradient @ gradient)
        if not np.isfinite(size) or size > most:
            return "diverged", n
        if size < stop:
            return "converged", n
        if n < steps:
            w, b = np.array([w, b]) - 0.1 * gradient
    return "not converged", steps


def test_outcomes_are_those_of_a_plain_loop():
    text = f"{BENCHMARK}init theta = grid(-3..3, -3..3, points = 15)\n"
    train = "train steps = 150, stop = norm(grad R) < 1e-4, diverged = norm(grad R) > 1000"
    result = netc.compile(f"{text}{train}").train()
    axis = np.linspace(-3, 3, 15)
    expected = [course((w, b), 149, 1e-4, 1000) for w in axis for b in axis]
    assert [outcome for outcome, _ in expected].count("not converged") > 0
    # A criterion is tested before an iteration, so a run of 150 steps is judged up to theta[149].
    assert result.outcome.tolist() == [outcome for outcome, _ in expected]
    ended = [
        (n, at) for (what, n), at in zip(expected, result.iterations, strict=True) if what != "not converged"
    ]
    assert all(n == at for n, at in ended)
    assert np.array_equal(result.diverged, result.outcome == "diverged")
    assert result.summary["outcome"]["diverged"] == pytest.approx(result.diverged.mean())
    assert (result.evaluations["gradient"][result.outcome == "converged"] > 0).all()


def test_the_threshold_may_be_left_out_and_changed():
    text = f"{BENCHMARK}init theta = (3, 3)\ntrain steps = 50"
    lost = netc.compile(text).train()
    assert lost.stopped.tolist() == ["diverged"]
    assert not np.isfinite(lost.loss_train[0])
    early = netc.compile(f"{text}, diverged = norm(grad R) > 10").train()
    assert (early.steps[0], early.outcome[0]) == (0, "diverged")
    assert np.isfinite(early.loss_train[0])


def test_without_a_criterion_a_run_has_finished():
    text = f"{BENCHMARK}init theta = (-1.5, 0.7)\noptimizer gd(eta = 0.01)\ntrain steps = 5"
    assert netc.compile(text.replace("optimizer  gd(eta = 0.1)\n", "")).train().outcome[0] == "finished"


@pytest.mark.parametrize(
    "init", ["theta ~ uniform(-3, 3)", "theta ~ normal(0, 1)", "theta = grid(-1..1, -1..1, points = 3)",
             "theta = {(0, 0.5), (1, 2), (-1, 0.3), (0.2, 0.1), (1, 1), (0.1, 0.9), (0.3, 0.4), (2, 1), (0, 1)}"]
)  # fmt: skip
def test_a_run_depends_on_its_number_alone(init, monkeypatch):
    """Not on the number of runs, of threads, or of runs in hand."""
    text = f"{BENCHMARK}init {init}\ntrain steps = 20, seed = 7"
    runs = {} if "=" in init else {"runs": 9}
    nine = netc.compile(text).train(threads=1, **runs)
    assert len({*map(tuple, nine.theta.tolist())}) > 5
    threads = netc.compile(text).train(threads=2, **runs)
    monkeypatch.setattr("netc.runtime.training.state.MOST", 2)
    monkeypatch.setattr("netc.runtime.training.workers.LARGEST", 1)
    chunks = netc.compile(text).train(threads=2, **runs)
    for other in (threads, chunks):
        np.testing.assert_array_equal(other.theta, nine.theta)
        np.testing.assert_array_equal(other.history["loss_train"], nine.history["loss_train"])
    if runs:
        more = netc.compile(text).train(threads=2, runs=23)
        np.testing.assert_array_equal(more.theta[:9], nine.theta)


def test_numbers_of_many_runs_are_those_of_each():
    for law in (uniform, normal):
        together = law(5, np.array([0, 3, 2**20]), Purpose.INIT, 7, 3)
        apart = [law(5, run, Purpose.INIT, 7, 3) for run in (0, 3, 2**20)]
        np.testing.assert_array_equal(together, apart)


NETWORK = """
data x in linspace(-1, 1, 30) -> sin(3*x)
network [1(tanh)5(lin)1]
init glorot_uniform
loss half_mse
optimizer gd(eta = 0.1)
train epochs = 30, runs = 5, seed = 1
"""


@pytest.mark.parametrize("precision", one_in(2, ["f64", "f32"]))
def test_a_report_says_what_loss_gradient_and_predict_say(precision):
    text = NETWORK.replace("sin(3*x)", "sin(3*x), split = 70%")
    model = netc.compile(text)
    result = model.train(precision=precision)
    session = model._session
    for r in range(5):
        theta = result.theta[r]
        assert result.loss_train[r] == session.evaluator.loss(session.padded(theta), session.evaluator.train)
        assert result.loss_test[r] == session.evaluator.loss(session.padded(theta), session.evaluator.test)
        assert result.gradient_norm[r] == pytest.approx(np.linalg.norm(model.gradient(theta)), rel=1e-6)
        y = session.evaluator.train.y[:, : session.evaluator.train.count]
        outputs = session.evaluator.predict(session.padded(theta), session.evaluator.train)[1]
        r2 = 1 - np.square(outputs - y).sum() / np.square(y - y.mean()).sum()
        assert result.r2_train[r] == pytest.approx(r2, rel=1e-5)


def test_of_very_many_runs_the_history_is_a_summary():
    text = (
        f"{BENCHMARK}init theta ~ uniform(-1, 1)\ntrain steps = 40, runs = 1500, stop = norm(grad R) < 1e-3"
    )
    summary = netc.compile(text).train().history
    assert "run" not in summary
    all_report = netc.compile(f"{text}\nmonitor loss, every = 10, history = all").train()
    everyone = all_report.history
    assert len(set(everyone["run"])) == 1500
    model = netc.compile(f"{text}\nmonitor loss, every = 10, history = summary")
    some_report = model.train(threads=2)
    chosen = some_report.history
    assert chosen["step"].tolist() == [0, 10, 20, 30, 40]
    at = (everyone["step"] == 10) & (everyone["run"] % 2 == 0)
    assert chosen["running"][1] == pytest.approx(at.sum() / 750)
    # Those that report go ahead of the others, and no bit depends on it.
    for name in ("theta", "steps", "outcome_codes", "loss_train"):
        np.testing.assert_array_equal(getattr(some_report, name), getattr(all_report, name))
    last = {run: loss for run, step, loss in zip(*(everyone[c] for c in ("run", "step", "loss_train")), strict=True)
            if step <= 20}  # fmt: skip
    assert chosen["loss_train_median"][2] == sorted(last[run] for run in range(0, 1500, 2))[374]
    ended = model.train(callback=lambda report: report.step == 20)
    np.testing.assert_array_equal(ended.steps, np.minimum(all_report.steps, 20))
    assert followed(0, 1500, 1500).tolist() == [*range(0, 1500, 2)]
    assert followed(7, 5, 2500).tolist() == [2]


def test_quantiles_over_runs_by_hand():
    """Three runs: one to the end, one that ends at step 3, one that diverges in step 5; reports every 4."""
    rows = [
        (0, 0, 9.0),
        (0, 4, 8.0),
        (0, 8, 7.0),
        (0, 10, 6.0),
        (1, 0, 5.0),
        (1, 3, 1.0),
        (2, 0, 3.0),
        (2, 4, 4.0),
        (2, 5, np.nan),
    ]
    history = np.full((len(rows), len(COLUMNS)), np.nan)
    history[:, [0, 1, 3]] = rows
    found = summarise(history, (), 4, 10, 2)
    assert found["step"].tolist() == [0, 4, 8, 10]
    assert found["epoch"].tolist() == [0, 2, 4, 5]
    assert found["running"] == pytest.approx([1, 2 / 3, 1 / 3, 1 / 3])
    assert found["loss_train_median"].tolist() == [5, 4, 7, 6]
    assert found["loss_train_q95"].tolist() == [9, 8, np.inf, np.inf]
    assert found["loss_train_q05"].tolist() == [3, 1, 1, 1]
    assert "loss_test_median" not in found


INDEXED = """
data x in linspace(-1, 1, 20) -> x^2
network [1(tanh)3(lin)1]
init glorot_uniform
loss mse
optimizer g(eta = 0.1, a = 1, b = 0):
    k[0] = 1
    theta[n+1] = theta[n] - eta*grad R[k[n]](theta[n])
    k[n+1] = a*k[n] + b
train epochs = 4, batch = 4 parts, shuffle = false
"""
KEEPING = """
    L[k[n]] = norm(theta[n])
    for i in 1..m:
        L[i] = L[k[n]] + L[i]
    theta[n+1] = theta[n] - eta*grad R[k[n]](theta[n])*L[2]
"""


@pytest.mark.parametrize("keeping", one_in(2, [False, True]))
@pytest.mark.parametrize(
    ("a", "b"), [(1e9, 0.0), (-1.0, 0.0), (1e300, 0.0), (0.0, 5.0), (0.0, 0.9), (1e300, 1e300)]
)
def test_a_batch_that_is_none_ends_the_run_before_memory_is_read(a, b, keeping):
    """There are four; the second iteration asks for another one."""
    line = "\n    theta[n+1] = theta[n] - eta*grad R[k[n]](theta[n])\n"
    result = netc.compile(INDEXED.replace(line, KEEPING) if keeping else INDEXED, a=a, b=b).train()
    assert result.stopped == ["no such batch"]
    assert result.steps.tolist() == [1]


@pytest.mark.parametrize(
    ("number", "fits"), one_in(2, [("1", True), ("5", False), ("4", True), ("6", False)])
)
def test_a_stated_number_of_a_batch_is_judged_as_others_are(number, fits):
    rule = "    for i in 1..m:\n        L[i] = R[i](theta[n])\n    theta[n+1] = theta[n] - eta*L[4]*grad R(theta[n])\n"
    head = INDEXED[: INDEXED.index("    k[0] = 1")]
    text = head + rule.replace("L[4]", f"L[{number}]") + INDEXED[INDEXED.index("train ") :]
    result = netc.compile(text).train()
    assert (result.stopped == ["no such batch"], result.steps.tolist() == [0]) == (not fits, not fits)


def test_a_number_between_two_batches_is_that_of_the_lower():
    whole, between = (netc.compile(INDEXED, a=0.0, b=b).train() for b in (4.0, 4.5))
    assert whole.stopped == between.stopped == ["epochs"]
    assert (whole.theta == between.theta).all()
