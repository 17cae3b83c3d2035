"""`by = halving`: which points go on, by an oracle that trains each alone; what goes on has the bits that it has alone."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.command_line import main
from netc.runtime import halving, opening, program_file

TEXT = """
data      x in linspace(-1, 1, 40) -> sin(3*x) + normal(0, 0.2):
    validation = 25%
network   [1(tanh)4(lin)1]
init      glorot_uniform
loss      half_mse
optimizer momentum.heavy_ball(eta = 0.1, alpha = 0.5)
train     epochs = 8, batch = 8, seed = 3, runs = 2
"""
ETAS = (0.3, 0.01, 1e9, 0.1, 0.03)
SWEEP = f"sweep eta in {{{', '.join(f'{eta:g}' for eta in ETAS)}}}, by = halving\n"


@pytest.fixture(scope="module")
def found():
    return netc.compile(TEXT + SWEEP).sweep()


def alone(eta: float, epochs: int):
    return netc.compile(TEXT, eta=eta, epochs=epochs).train()


def test_the_better_half_goes_on(found):
    """Five points, three halvings: all train one epoch, three go on to the second, two to the fourth, one to the eighth."""
    alive, stopped = list(ETAS), {}
    for epochs, stay in ((1, 3), (2, 2), (4, 1), (8, 1)):
        losses = {
            eta: np.median(np.nan_to_num(alone(eta, epochs).loss_validation, nan=np.inf)) for eta in alive
        }
        order = sorted(alive, key=losses.get)
        stopped |= dict.fromkeys(order[stay:], epochs)
        alive = [eta for eta in alive if eta in order[:stay]]
    table = {row["eta"]: row.get("stopped after") for row in found.table}
    assert table == {eta: stopped.get(eta) for eta in ETAS}
    assert [found.best["eta"]] == alive
    ends = [row.get("stopped after", np.inf) for row in found.table]
    assert ends == sorted(ends, reverse=True)
    for point, result in zip(found.points, found.results, strict=True):
        eta = point.values[0].value
        np.testing.assert_array_equal(result.epochs, min(stopped.get(eta, 8), 8))


def test_what_goes_on_has_the_bits_that_it_has_alone(found):
    result, single = found.rows[0].points[0].result, alone(found.best["eta"], 8)
    np.testing.assert_array_equal(result.theta, single.theta)
    np.testing.assert_array_equal(result.history["loss_validation"], single.history["loss_validation"])
    for point in found.points:
        epochs = int(point.result.epochs[0])
        np.testing.assert_array_equal(point.result.theta, alone(point.values[0].value, epochs).theta)


@pytest.mark.sweep
def test_a_killed_halving_goes_on(tmp_path, monkeypatch, capsys):
    """It dies in the second round; what the rounds before have done is not done again."""
    monkeypatch.chdir(tmp_path)
    Path("h.net").write_text(TEXT + SWEEP)
    assert main(["run", "h.net", "-q", "--out", "whole"]) == 0
    told = capsys.readouterr().out
    assert "stopped after" in told
    (whole,) = Path("whole").iterdir()
    advanced, calls = halving.advanced, []

    def dying(session, share, state):
        calls.append(share)
        if len(calls) == 7:
            raise RuntimeError("killed")
        return advanced(session, share, state)

    monkeypatch.setattr(halving, "advanced", dying)
    main(["run", "h.net", "-q", "--out", "half"])
    capsys.readouterr()
    assert calls == [8] * 5 + [4] * 2
    (half,) = Path("half").iterdir()
    calls[:] = [0] * 100
    assert main(["run", "--resume", str(half), "-q"]) == 0
    assert (
        calls[100:].count(8) == 2
    )  # the two that were stopped in the first round: their results, nothing trained
    assert (half / "sweep.csv").read_bytes() == (whole / "sweep.csv").read_bytes()
    for point in (whole / "points").iterdir():
        name = f"points/{point.name}/theta.safetensors"
        assert (half / name).read_bytes() == (whole / name).read_bytes()
    rows = list(csv.DictReader((whole / "sweep.csv").read_text().splitlines()))
    ends = {float(row["eta"]): float(row["halted"]) for row in rows}
    (best,) = (eta for eta, end in ends.items() if np.isnan(end))
    capsys.readouterr()
    (at,) = (i for i, eta in enumerate(ETAS, start=1) if eta == best)
    assert main(["replay", str(whole / "points" / f"{at:05}"), "-q"]) == 0
    other = next(i for i, eta in enumerate(ETAS, start=1) if eta != best)
    assert main(["replay", str(whole / "points" / f"{other:05}"), "-q"]) == 2
    assert "was stopped by halving" in capsys.readouterr().err


def test_rounds():
    """As many as halve the points to one, and as there are epochs to halve."""
    assert [halving.rounds(points, 1000) for points in (2, 3, 4, 5, 8, 9)] == [1, 2, 2, 3, 3, 4]
    assert [halving.rounds(1000, epochs) for epochs in (1, 2, 3, 4, 15, 16)] == [0, 1, 1, 2, 3, 4]
    assert halving.shares(3) == [8, 4, 2, 1]


def test_lengths_of_batches():
    """An epoch is as many iterations as there are batches; a training by steps is cut by steps."""
    text = TEXT.replace("epochs = 8, batch = 8", "steps = 10, batch = 8")
    opened = [opening.open_session(program_file.read_text(t, "<t>", Path()), {}) for t in (TEXT, text)]
    assert [halving.lengths(session) for session in opened] == [(8, 4), (10, 1)]
