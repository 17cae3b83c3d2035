"""The finder against NumPy: rates, losses of each iteration, smoothing, the steepest point; its files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError, render
from netc.runtime import finder, opening, program_file

VALLEY = """
objective R(x, y) = x^2 + 3*y^2
init      theta = {(2, 1), (1, -2)}
optimizer gd(eta = 0.1)
train     epochs = 5
finder    eta from 1e-3 to 10 in 120 steps
"""
NETWORK = """
data      x in linspace(-1, 1, 40) -> sin(3*x) + normal(0, 0.2)
network   [1(tanh)4(lin)1]
init      glorot_uniform
loss      half_mse
optimizer gd(eta = 0.1)
train     batch = 8, seed = 3
"""


def by_hand(start):
    """Losses before each step, the mean with weight 0.98, where it ends, where it is steepest."""
    rates = 1e-3 * 1e4 ** (np.arange(120) / 119)
    theta, losses, smoothed, mean = np.array(start, float), [], [], 0.0
    for t, rate in enumerate(rates, start=1):
        losses.append(theta[0] ** 2 + 3 * theta[1] ** 2)
        mean = 0.98 * mean + 0.02 * losses[-1]
        smoothed.append(mean / (1 - 0.98**t))
        if smoothed[-1] > 4 * min(smoothed):
            smoothed.pop()
            break
        theta = theta - rate * np.array([2, 6]) * theta
    slopes = np.diff(smoothed)
    inner = (slopes[1:] + slopes[:-1]) / 2  # of the points between two others
    first = min(50, len(smoothed) // 4)
    return rates, losses, np.array(smoothed), rates[first + int(np.argmin(inner[first - 1 :]))]


def test_it_is_what_the_formulas_say():
    found = netc.compile(VALLEY + "expect all(suggestion < lowest_at)\n").finder()
    for run, start in enumerate([(2, 1), (1, -2)]):
        rates, losses, smoothed, steepest = by_hand(start)
        end = len(smoothed)
        np.testing.assert_allclose(found.rates, rates[: len(found.rates)], rtol=1e-12)
        np.testing.assert_allclose(found.losses[run, :end], losses[:end], rtol=1e-9)
        np.testing.assert_allclose(found.smoothed[run, :end], smoothed, rtol=1e-9)
        assert np.isnan(found.smoothed[run, end:]).all()
        np.testing.assert_allclose(found.suggestion[run], steepest, rtol=1e-12)
    assert found.expect[0].holds


def test_each_iteration_is_that_of_a_training_with_that_schedule():
    """The loss of iteration n on its batch is that of a training which ends there."""
    found = netc.compile(NETWORK + "finder eta from 0.01 to 1 in 12 steps\n").finder()
    schedule = "schedule eta = 0.01*100^(step/11), unit = step\n"
    for step in (1, 4, 7):
        alone = netc.compile((NETWORK + schedule).replace("batch = 8", f"batch = 8, steps = {step}")).train()
        np.testing.assert_allclose(alone.checkpoint["figures"][0, 0], found.losses[0, step - 1], rtol=1e-14)


def test_the_folder_and_the_picture(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    Path("f.net").write_text(VALLEY)
    assert main(["run", "f.net", "-q", "--plot"]) == 0
    assert "falls most steeply at median eta" in capsys.readouterr().out
    (folder,) = Path("runs").iterdir()
    found = netc.compile(VALLEY).finder()
    rows = list(csv.DictReader((folder / "finder.csv").read_text().splitlines()))
    assert [float(r["loss"]) for r in rows if r["run"] == "0"] == found.losses[0].tolist()
    assert json.loads((folder / "summary.json").read_text())["suggestion"]["median"] == np.median(
        found.suggestion
    )
    assert (folder / "finder.png").stat().st_size > 10_000


def test_a_first_step_that_diverges_is_said(update_golden):
    path = Path(__file__).with_name("bad_finder") / "E0455-finder.net"
    session = opening.open_session(program_file.read_text(path.read_text(), path.name, path.parent), {})
    with pytest.raises(SpecError) as raised:
        finder.run(session)
    said = render(raised.value.diagnostics) + "\n"
    if update_golden:
        path.with_suffix(".out").write_text(said)
    assert said == path.with_suffix(".out").read_text()
