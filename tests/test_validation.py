"""Validation, early stopping and the best parameters: against a plain loop in PyTorch, and against counting."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import load_file

import netc
from netc.command_line import main
from netc.compiler.meaning.spec_text import spec_text
from netc.runtime import opening, program_file
from netc.runtime.session import Session
from netc.runtime.training.outcomes import STOPS
from netc.runtime.training.report import COLUMNS, Evaluator
from netc.runtime.training.start import first_theta
from netc.runtime.training.task import Watcher
from netc.runtime.training.train import train

if TYPE_CHECKING:
    import torch

TEXT = """
data      x in linspace(-1, 1, 60) -> sin(3*x) + normal(0, 0.3):
    split      = 80%
    validation = 25%
    seed       = 3
network   [1(tanh)12(lin)1]
init      glorot_uniform
loss      half_mse
optimizer torch.Adam(lr = 0.05)
train     epochs = 120, batch = 9, shuffle = false, seed = 1, stop = no gain in loss(validation) for 15 epochs, \
keep = best(loss(validation))
"""


def session(text: str = TEXT, **overrides: str | float) -> Session:
    return opening.open_session(program_file.read_text(text, "<test>", Path()), overrides)


@pytest.fixture(scope="module")
def model() -> netc.Model:
    return netc.compile(TEXT)


def module_of(theta: np.ndarray) -> torch.nn.Sequential:
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(1, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1)).double()
    at = 0
    for parameter in net.parameters():
        count = parameter.numel()
        parameter.data = torch.tensor(theta[at : at + count]).reshape(parameter.shape)
        at += count
    return net


def flat(net: torch.nn.Sequential) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])


def plain_loop(opened: Session, patience: int) -> tuple[int, np.ndarray, int]:
    """(epoch kept, its parameters, epochs done) of early stopping as it is written by hand."""
    import torch

    data = opened.data
    parts = [(torch.tensor(data.x[i]), torch.tensor(data.y[i])) for i in (data.train, data.validation)]
    (x, y), (held_x, held_y) = parts
    net = module_of(first_theta(opened.program, 0, 1)[0])
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)

    def validation() -> float:
        with torch.no_grad():
            return float(((net(held_x) - held_y) ** 2).mean() / 2)

    best, kept_epoch, kept = validation(), 0, flat(net)
    for epoch in range(1, 121):
        for first in range(0, len(x), 9):
            optimizer.zero_grad()
            (((net(x[first : first + 9]) - y[first : first + 9]) ** 2).mean() / 2).backward()
            optimizer.step()
        if (now := validation()) < best:
            best, kept_epoch, kept = now, epoch, flat(net)
        if epoch - kept_epoch >= patience:
            return kept_epoch, kept, epoch
    return kept_epoch, kept, 120


def test_early_stopping_is_the_plain_loop(model):
    pytest.importorskip("torch")
    epoch, theta, done = plain_loop(session(), 15)
    assert 0 < epoch < done < 120  # it stops early, or nothing is tested
    result = model.train()
    assert result.kept_epochs[0] == epoch
    assert result.epochs[0] == done
    assert result.stopped[0] == "no gain"
    np.testing.assert_allclose(result.theta[0], theta, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(result.theta, result.best)
    assert not np.array_equal(result.last, result.best)


def test_figures_predictions_and_expectations_are_those_of_what_is_kept(model):
    torch = pytest.importorskip("torch")
    result = model.train()
    data, net = session().data, module_of(result.theta[0])
    with torch.no_grad():
        outputs = net(torch.tensor(data.x)).numpy()
    np.testing.assert_allclose(model.predict(data.x), outputs, atol=1e-12)
    for part in ("train", "validation", "test"):
        at = getattr(data, part)
        loss = np.mean((outputs[at] - data.y[at]) ** 2) / 2
        assert getattr(result, f"loss_{part}")[0] == pytest.approx(loss, rel=1e-12)
        rest = np.sum((outputs[at] - data.y[at]) ** 2) / np.sum((data.y[at] - data.y[at].mean()) ** 2)
        assert getattr(result, f"r2_{part}")[0] == pytest.approx(1 - rest, rel=1e-9)
    assert [*result.summary["loss"]] == ["train", "validation", "test"]
    assert result.summary["kept"] == {
        "best": "loss(validation)",
        "step": int(result.kept_steps[0]),
        "epoch": result.kept_epochs[0],
    }
    text = f"{TEXT}expect loss(validation) = {float(result.loss_validation[0])!r}\n"
    assert [v.holds for v in netc.compile(text).train().expect] == [True]


def test_each_run_keeps_its_own_best(model):
    """Every epoch has its row, so that the best one can be looked for in the history."""
    result, alone = model.train(runs=5), model.train(seed=1)
    kept = set()
    for run in range(5):
        mine = result.history["run"] == run
        figures, epochs = result.history["loss_validation"][mine], result.history["epoch"][mine]
        assert epochs.tolist() == [*range(len(epochs))]
        assert result.kept_epochs[run] == epochs[np.argmin(figures)]
        assert result.loss_validation[run] == figures.min()
        kept.add(float(result.kept_epochs[run]))
    assert len(kept) > 1
    np.testing.assert_array_equal(result.theta[0], alone.theta[0])


def test_an_accuracy_is_better_when_it_is_higher():
    text = """
data      given, validation = 30%, stratify = true
network   [2(tanh)4(sigmoid)1]
init      glorot_uniform
loss      binary_cross_entropy
optimizer gd(eta = 1)
train     epochs = 40, keep = best(accuracy(validation))
"""
    numbers = np.random.default_rng(1)
    x = numbers.normal(size=(120, 2))
    y = (x[:, 0] * x[:, 1] + 0.3 * numbers.normal(size=120) > 0).astype(int)
    result = netc.compile(text).train(x, y)
    history = result.history["accuracy_validation"]
    assert result.accuracy_validation[0] == history.max() > history[-1]
    assert result.kept_epochs[0] == np.argmax(history)  # the first of equal ones
    assert result.stopped[0] == "epochs"


def test_a_run_ends_at_the_epoch_where_a_figure_has_got_so_far():
    """Of each run the first epoch in the history of a training to its end where one of the two holds; the start counts."""
    text = TEXT.replace("epochs = 120", "epochs = 30").split(", stop = ")[0] + ", runs = 4, stop = {}\n"
    plain = text.replace(", stop = {}", "")
    history = train(session(plain + "monitor loss, every = 1").task, Watcher()).history
    by_run = [history[history[:, 0] == run] for run in range(4)]
    loss, r2 = (COLUMNS.index(name) for name in ("loss_validation", "metric_test"))
    low, high = (float(np.median([h[8, column] for h in by_run])) for column in (loss, r2))
    opened = session(text.format(f"loss(validation) < {low!r} or {high!r} < r2(test)"))
    found = train(opened.task, Watcher())
    ends = []
    for run, h in enumerate(by_run):
        held = np.flatnonzero((h[:, loss] < low) | (h[:, r2] > high))
        ends.append(held[0] if len(held) else 30)
        assert STOPS[found.stops[run]] == ("criterion" if len(held) else "epochs")
    assert found.counters[:, 0].tolist() == [4 * end for end in ends]
    assert len({*ends}) > 1
    at_start = session(text.format("loss(train) > 0"))
    assert train(at_start.task, Watcher()).counters[:, 0].tolist() == [0] * 4
    assert session(spec_text(opened.spec)).spec.training == opened.spec.training


class Interrupts(Watcher):
    """Presses Ctrl-C at the given step and keeps the checkpoint."""

    def __init__(self, at: int) -> None:
        self.at, self.kept = at, {}

    def reported(self, epoch, step, figures):
        if step == self.at:
            os.kill(os.getpid(), signal.SIGINT)

    def checkpoint(self, arrays):
        self.kept = {name: array.copy() for name, array in arrays.items()}


@pytest.mark.parametrize("epoch", [1, 20])
def test_interrupted_and_resumed_is_the_same_to_the_bit(epoch):
    task = session(runs=3).task
    whole, watch = train(task, Watcher()), Interrupts(4 * epoch)
    assert train(task, watch).interrupted
    rest = train(task, Watcher(), resume=watch.kept)
    for name in ("theta", "best", "best_step", "kept", "counters", "stops", "history", "final"):
        np.testing.assert_array_equal(getattr(rest, name), getattr(whole, name), err_msg=name)


def test_judging_by_the_validation_part_looks_at_no_training_sample(monkeypatch):
    asked = Counter()
    scores, norms = Evaluator._scores, Evaluator._norms

    def counted_scores(self, theta, rows, workers, samples):
        asked[samples.count] += 1
        return scores(self, theta, rows, workers, samples)

    def counted_norms(self, *arguments):
        asked["norms"] += 1
        return norms(self, *arguments)

    monkeypatch.setattr(Evaluator, "_scores", counted_scores)
    monkeypatch.setattr(Evaluator, "_norms", counted_norms)
    found = session(TEXT + "monitor loss, every = 50 epochs")
    outcome = train(found.task, Watcher())
    epochs = int(outcome.counters[0, 0]) // 4
    assert (len(found.data.train), len(found.data.validation), len(found.data.test)) == (36, 12, 12)
    # Warming up, the start, the end, what is kept, and every 50th epoch; a look at an epoch is not repeated.
    assert asked["norms"] == asked[36] <= 4 + epochs // 50
    assert asked[12] <= epochs + 2 + asked[36] + 2


def test_a_condition_may_stand_before_it():
    found = session(TEXT.replace("stop = ", "stop = R < 1e9 or "))
    assert train(found.task, Watcher()).counters[0, 0] <= 4
    assert found.spec.training.patience == session().spec.training.patience


def test_the_spec_written_out_is_the_same_program():
    for change in ("", "R < 1e-9 or "):
        first = session(TEXT.replace("stop = ", f"stop = {change}"))
        again = session(spec_text(first.spec))
        assert again.program == first.program
        assert again.spec.training == first.spec.training
        np.testing.assert_array_equal(again.data.validation, first.data.validation)


# -- the parts ---------------------------------------------------------------------------------------

PLAIN = (
    "network [2(sigmoid)1]\ninit zeros\nloss binary_cross_entropy\noptimizer gd(eta = 1)\ntrain epochs = 1\n"
)


def arrays(classes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    y = np.repeat(np.arange(len(classes)), classes)
    return np.random.default_rng(0).normal(size=(len(y), 2)), y


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ("split = 80%, validation = 20%", (64, 16, 20)),
        ("split = 80%, validation = 29", (51, 29, 20)),
        ("validation = 29%", (71, 29, 0)),
        ("split = 60, validation = 50%", (30, 30, 40)),
    ],
)
@pytest.mark.parametrize("stratify", ["false", "true"])
def test_three_parts_of_the_stated_sizes(settings, sizes, stratify):
    """Each sample is in one part; with `stratify` every part has its share of each class, up to a sample."""
    x, y = arrays((70, 30))
    stated = f"data given, {settings}, stratify = {stratify}, seed = 4\n{PLAIN}"
    data = program_file.from_arrays(program_file.read_text(stated, "<test>", Path()), x, y)
    parts = [data.train, data.validation, data.test]
    assert tuple(map(len, parts)) == sizes
    assert sorted(np.concatenate(parts).tolist()) == [*range(100)]
    if stratify == "true":
        for part in parts:
            assert abs(np.sum(y[part] == 0) - 0.7 * len(part)) < 2
    without = stated.replace("validation", "split", 1) if "split" not in settings else stated
    without = ", ".join(piece for piece in without.split(", ") if not piece.startswith("validation"))
    if "split" in settings:  # the test part does not depend on whether there is a validation part
        other = program_file.from_arrays(program_file.read_text(without, "<test>", Path()), x, y)
        np.testing.assert_array_equal(other.test, data.test)


def test_a_file_of_its_own_is_read_by_the_names_of_its_columns(tmp_path):
    (tmp_path / "train.csv").write_text("a,b,price\n1,2,3\n4,5,6\n7,8,10\n")
    (tmp_path / "valid.csv").write_text("price,b,a\n30,20,10\n31,21,11\n")
    text = 'data "train.csv", target = price, validation = "valid.csv", scale = zscore, scale_target = none\n'
    text += PLAIN.replace("sigmoid", "lin").replace("binary_cross_entropy", "mse")
    (tmp_path / "a.net").write_text(text)
    found = opening.open_session(program_file.read_file(tmp_path / "a.net"), {})
    data = found.data
    np.testing.assert_array_equal(data.x[data.validation], [[10, 20], [11, 21]])
    np.testing.assert_array_equal(data.y[data.validation], [[30], [31]])
    np.testing.assert_allclose(found.inputs.shift, [4, 5])  # of the training part alone
    again = opening.open_session(program_file.read_text(spec_text(found.spec), "<spec>", Path("/")), {})
    assert again.data.digest == data.digest


def test_arrays_of_their_own_from_python(model):
    x, y = np.linspace(-1, 1, 30)[:, None], np.linspace(-1, 1, 30) ** 2
    result = netc.compile(TEXT).train(x[::2], y[::2], validation_data=(x[1::2], y[1::2]), epochs=3)
    outputs = netc.compile(TEXT).predict(x[1::2], theta=result.theta[0])[:, 0]
    assert result.loss_validation[0] == pytest.approx(np.mean((outputs - y[1::2]) ** 2) / 2, rel=1e-12)
    with pytest.raises(ValueError, match="validation_data is given without X"):
        model.train(validation_data=(x, y))


# -- the folder, and what is wrong -------------------------------------------------------------------


@pytest.mark.sweep
def test_the_folder_holds_what_is_kept_and_is_replayed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("early.net").write_text(TEXT)
    assert main(["run", "early.net", "--json", "-q"]) == 0
    summary = json.loads(capsys.readouterr().out)
    folder = Path(summary["folder"])
    held, result = load_file(folder / "theta.safetensors"), netc.compile(TEXT).train()
    bias = netc.compile(TEXT).unflatten(result.theta[0])["layer1.bias"]
    np.testing.assert_array_equal(held["layer1.bias"], bias)
    np.testing.assert_array_equal(held["best.layer1.bias"], bias)
    assert (held["last.layer1.bias"] != bias).any()
    assert summary["kept"]["epoch"] == result.kept_epochs[0]
    assert "loss_validation" in (folder / "history.csv").read_text().splitlines()[0]
    assert main(["run", "early.net", "-q"]) == 0
    assert f"kept is epoch {result.kept_epochs[0]:g}, the best by loss(validation)" in capsys.readouterr().out
    assert main(["replay", str(folder), "-q"]) == 0


BAD = Path(__file__).with_name("bad_everyday")


@pytest.mark.parametrize("path", sorted(BAD.glob("*.net")), ids=lambda path: path.stem)
def test_message_is_the_pinned_one(path, update_golden):
    from netc.dsl.diagnostics import SpecError, render

    file = program_file.read_text(path.read_text(), path.name, BAD)
    try:
        said = render(opening.open_session(file, {}).spec.warnings)
    except SpecError as error:
        said = render(error.diagnostics)
    pinned = path.with_suffix(".out")
    if update_golden:
        pinned.write_text(said + "\n")
    assert said + "\n" == pinned.read_text()
    assert f"[{path.stem[:5]}]" in said
