"""Pictures of a sweep, by the data of the artists: the figures are those of the table and of the points' histories."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from netc.command_line import main

pytest.importorskip("matplotlib")

from netc.runtime.pictures import one_axis, sweeps
from netc.runtime.pictures.style import style
from netc.runtime.results.sweep_reader import KeptSweep, read

HEAD = """objective R(x, y) = a*x^2 + y^2
init      theta ~ uniform(-2, 2)
optimizer momentum.heavy_ball(eta = 0.1, alpha = 0.5)
train     steps = 6, runs = 3
"""
AXES = {
    "grid": "eta in {0.3, 0.03, 1e9}, a in {2, 1}, seed in {4, 5}",
    "one": "eta in {0.3, 1e9, 0.003, 0.03}, seed in {4, 5}",
    "seeds": "seed in {4, 5, 6}",
    "drawn": "eta ~ log_uniform(1e-4, 0.3), alpha ~ uniform(0, 0.9), trials = 7",
    "three": "eta ~ log_uniform(1e-4, 0.3), alpha ~ uniform(0, 0.9), a in {1, 2}, trials = 9",
}


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> dict[str, KeptSweep]:
    root, found = tmp_path_factory.mktemp("sweeps"), {}
    for name, axes in AXES.items():
        (root / f"{name}.net").write_text(
            f"{HEAD if ' a in' in axes else HEAD.replace('a*', '3*')}sweep {axes}\n"
        )
        assert main(["run", str(root / f"{name}.net"), "--out", str(root / name), "-q", "--json"]) == 0
        (folder,) = (root / name).iterdir()
        found[name] = read(folder)
    return found


def table(sweep: KeptSweep) -> list[dict]:
    return json.loads((sweep.path / "summary.json").read_text())["table"]


def test_one_axis_has_medians_and_quartiles_at_its_values(swept):
    sweep = swept["one"]
    with style():
        (axes,) = one_axis.axis(sweep).axes
    rows = sorted(table(sweep), key=lambda row: row["eta"])
    spreads = [row["loss(train)"] for row in rows]
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_xdata(), [0.003, 0.03, 0.3, 1e9])
    np.testing.assert_array_equal(line.get_ydata()[:3], [found["median"] for found in spreads][:3])
    corners = {*axes.collections[0].get_paths()[0].vertices[:, 1]}
    assert {end for found in spreads[:3] for end in found["quartiles"]} <= corners
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "loss(train)"


def test_a_heat_map_has_the_medians_at_their_values(swept):
    sweep = swept["grid"]
    with style():
        axes, bar = sweeps.heatmap(sweep).axes
    across, up = (
        [label.get_text() for label in part] for part in (axes.get_xticklabels(), axes.get_yticklabels())
    )
    assert (across, up) == (["0.03", "0.3", "1e+09"], ["1", "2"])
    cells = axes.images[0].get_array()
    for row in table(sweep):
        median = row["loss(train)"]["median"]
        at = up.index(f"{row['a']:g}"), across.index(f"{row['eta']:.3g}")
        assert cells[at] == median or (cells.mask[at] and median is None)
        text = next(t.get_text() for t in axes.texts if t.get_position() == at[::-1])
        assert (
            text == "lost"
            if median is None
            else float(text.replace("−", "-")) == pytest.approx(median, rel=5e-3)
        )
    assert bar.get_ylabel() == "median loss(train)"
    # what is far off is not what the colours are for
    medians = [row["loss(train)"]["median"] for row in table(sweep)]
    assert axes.images[0].norm.vmax < max(m for m in medians if m is not None)


def test_a_map_of_what_was_drawn(swept):
    sweep = swept["drawn"]
    with style():
        axes, _ = sweeps.heatmap(sweep).axes
    dots = axes.collections[0]
    expected = [(row["eta"], row["alpha"]) for row in table(sweep)]
    np.testing.assert_array_equal(dots.get_offsets(), expected)
    np.testing.assert_array_equal(dots.get_array(), [row["loss(train)"]["median"] for row in table(sweep)])
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    np.testing.assert_array_equal(axes.collections[2].get_offsets(), expected[:1])


def test_parallel_lines_go_through_the_values(swept):
    sweep = swept["three"]
    with style():
        axes, _ = sweeps.parallel(sweep).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["eta", "alpha", "a"]
    rows, best = table(sweep), axes.lines[len(sweep.rows) - 1]
    assert best.get_linewidth() > axes.lines[0].get_linewidth()
    logs, alphas = np.log([row["eta"] for row in rows]), np.array([row["alpha"] for row in rows])
    expected = [(v[0] - v.min()) / np.ptp(v) for v in (logs, alphas)] + [rows[0]["a"] - 1]
    np.testing.assert_allclose(best.get_ydata(), expected, atol=1e-12)


def test_bands_are_the_quartiles_over_runs_and_seeds(swept):
    sweep = swept["grid"]
    with style():
        (axes,) = sweeps.bands(sweep).axes
    row = sweep.rows[0]
    runs = []
    for number in row.points:
        file = sweep.path / "points" / f"{number:05}" / "history.csv"
        lines = list(csv.DictReader(file.read_text().splitlines()))
        runs += [[float(line["loss_train"]) for line in lines if line["run"] == run] for run in "012"]
    low, middle, high = np.quantile(np.array(runs), [0.25, 0.5, 0.75], axis=0)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), middle, rtol=1e-12)
    corners = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert {*np.round([*low, *high], 12)} <= {*np.round(corners, 12)}
    assert axes.figure.legends[0].get_texts()[0].get_text() == "eta = 0.3, a = 1"


def test_bands_over_seeds_alone(swept):
    """No name is compared, so that no point is the best."""
    sweep = swept["seeds"]
    with style():
        (axes,) = sweeps.bands(sweep).axes
    with (sweep.path / "sweep.csv").open() as file:
        ends = [float(row["loss_train"]) for row in csv.DictReader(file)]
    assert len(ends) == 9
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(np.median(ends), rel=1e-12)
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["median"]


@pytest.mark.sweep
def test_the_command_draws_what_applies(swept, tmp_path, capsys):
    for name, kinds in (
        ("one", ["axis", "bands"]),
        ("seeds", ["bands"]),
        ("grid", ["heatmap", "bands"]),
        ("three", ["parallel", "bands"]),
    ):
        out = tmp_path / name
        assert main(["plot", str(swept[name].path), "--out", str(out)]) == 0
        assert capsys.readouterr().out.split() == [str(out / f"{kind}.png") for kind in kinds]
    assert main(["plot", str(swept["grid"].path), "--kind", "parallel"]) == 2
    assert "no picture 'parallel' here; there is heatmap, bands" in capsys.readouterr().err
    assert main(["plot", str(swept["grid"].path), str(swept["three"].path)]) == 2
    assert "a sweep is drawn by itself" in capsys.readouterr().err
    empty = tmp_path / "empty"
    (empty / "points").mkdir(parents=True)
    assert main(["plot", str(empty)]) == 2
    assert "no point of it is done" in capsys.readouterr().err
    assert not list(Path(empty).glob("*.png"))
