"""`by = tpe`: better points than draws, fixed by the seed, also of a resumed sweep; Optuna's own search as oracle."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError, render
from netc.runtime import opening, program_file

optuna = pytest.importorskip("optuna")

TEXT = """
objective R(x, y) = x^2 + 3*y^2
init      theta ~ uniform(-3, 3)
optimizer momentum.heavy_ball(eta = 0.1, alpha = 0.5)
train     steps = 12, runs = 3
sweep     eta ~ log_uniform(1e-4, 1), alpha ~ uniform(0, 0.99), trials = 24, by = tpe, seed = 3
"""


@pytest.fixture(scope="module")
def found():
    return netc.compile(TEXT).sweep()


def test_the_points_are_those_of_optuna(found):
    """Its documented loop, over trainings that are started one by one."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=3))
    alone = TEXT.split("sweep")[0]

    def loss(trial):
        eta = trial.suggest_float("eta", 1e-4, 1, log=True)
        alpha = trial.suggest_float("alpha", 0, 0.99)
        losses = netc.compile(alone, eta=eta, alpha=alpha).train().loss_train
        return float(np.median(np.where(np.isnan(losses), np.inf, losses)))

    study.optimize(loss, n_trials=24)
    expected = [(trial.params["eta"], trial.params["alpha"]) for trial in study.trials]
    assert [tuple(v.value for v in point.values) for point in found.points] == expected
    assert found.best == study.best_params


def test_it_looks_where_it_was_good(found):
    """The later half is better than the ten that are drawn first, by its median."""
    losses = [np.median(np.nan_to_num(r.loss_train, nan=np.inf)) for r in found.results]
    assert np.median(losses[12:]) < np.median(losses[:10])


def test_a_search_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("t.net").write_text(TEXT)
    assert main(["run", "t.net", "-q", "--out", "whole"]) == 0
    (whole,) = Path("whole").iterdir()
    Path("half").mkdir()
    half = Path(shutil.copytree(whole, Path("half") / whole.name))
    for number in range(14, 25):
        shutil.rmtree(half / "points" / f"{number:05}")
    (half / "sweep.csv").unlink()
    assert main(["run", "--resume", str(half), "-q"]) == 0
    assert (half / "sweep.csv").read_bytes() == (whole / "sweep.csv").read_bytes()


def test_points_at_once_are_those_of_optunas_liar():
    """Asked for by fours behind the ten that are drawn, each four by the figures of all before."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = netc.compile(TEXT.replace("by = tpe", "by = tpe, at_once = 4")).sweep()
    losses = [float(np.median(np.nan_to_num(r.loss_train, nan=np.inf))) for r in found.results]
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=3, constant_liar=True))
    asked: list[tuple[float, float]] = []
    for size in (10, 4, 4, 4, 2):
        trials = [study.ask() for _ in range(size)]
        for trial in trials:
            asked.append(
                (trial.suggest_float("eta", 1e-4, 1, log=True), trial.suggest_float("alpha", 0, 0.99))
            )
        for trial, loss in zip(trials, losses[len(asked) - size :], strict=False):
            study.tell(trial, loss)
    assert [tuple(v.value for v in point.values) for point in found.points] == asked
    assert len({*asked[10:]}) == 14


def test_sets_are_chosen_from():
    text = TEXT.replace(
        "alpha ~ uniform(0, 0.99)",
        "optimizer in {gd(eta = 0.1), momentum.heavy_ball(eta = 0.1, alpha = 0.5)}",
    )
    found = netc.compile(text.replace("eta ~ log_uniform(1e-4, 1)", "steps in {4, 12}")).sweep()
    assert found.best["steps"] == 12
    assert {p.values[0].value for p in found.points} == {4, 12}


BAD = Path(__file__).with_name("bad_tpe") / "E0476-optuna.net"


def test_without_optuna_it_says_so(tmp_path, monkeypatch, update_golden):
    from netc.runtime import tpe

    def nowhere(name: str) -> str:
        raise tpe.PackageNotFoundError(name)

    monkeypatch.setattr(tpe, "version", nowhere)
    file = program_file.read_text(BAD.read_text(), BAD.name, BAD.parent)
    with pytest.raises(SpecError) as caught:
        netc.runtime.sweep.run(opening.open_session(file, {}), {})
    said = render(caught.value.diagnostics) + "\n"
    pinned = BAD.with_suffix(".out")
    if update_golden:
        pinned.write_text(said)
    assert said == pinned.read_text()
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(BAD), "-q"]) == 1
    assert not Path("runs").exists() or not list(Path("runs").iterdir())
