"""`netc plot`: what is drawn, by the data of the artists; which pictures apply; what bad input meets."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from netc.commands import main

pytest.importorskip("matplotlib")

from matplotlib.colors import to_rgba

from netc.runtime.pictures import choose, curves, ends, plane, spread
from netc.runtime.pictures.style import COLOURS, DARK, style
from netc.runtime.results import folder_reader as kept

BENCHMARK = """activation g(z) = z^2 - 1
objective  R(w, b) = (g(w + b)^2 + g(b)^2)/4
init       theta = grid(-3..3, -3..3, points = 12)
optimizer  {rule}
train      steps = 400, stop = norm(grad R) < 1e-6, diverged = norm(grad R) > 1000
"""
LINE = """data x in linspace(-1, 1, 20) -> 3*x - 1, split = 15
network   [1(tanh)3(lin)1]
init      glorot_uniform
loss      half_mse
optimizer momentum.heavy_ball(eta = 0.01, alpha = 0.9)
train     epochs = 40, batch = 5, seed = 2, runs = 30
"""
GRID = np.linspace(-3, 3, 12)


def trained(text: str, folder: Path, *arguments: str) -> Path:
    """The folder of a run."""
    folder.mkdir()
    (folder / "file.net").write_text(text)
    assert main(["run", str(folder / "file.net"), "--out", str(folder), "-q", "--json", *arguments]) == 0
    (made,) = (path for path in folder.iterdir() if path.is_dir())
    return made


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETC_CACHE", str(tmp_path_factory.mktemp("cache")))
        return {
            "gd": trained(BENCHMARK.format(rule="gd(eta = 0.1)"), root / "gd"),
            "ema": trained(BENCHMARK.format(rule="momentum.ema(eta = 0.1, beta1 = 0.1)"), root / "ema"),
            "line": trained(LINE, root / "line"),
            "one": trained(LINE, root / "one", "--runs", "1"),
        }


def read(runs, *names):
    return [kept.read(runs[name]) for name in names]


def descended(start: np.ndarray) -> np.ndarray:
    """GD with eta = 0.1 on R = ((w+b)^2-1)^2/4 + (b^2-1)^2/4, by hand."""
    w, b = start
    for _ in range(400):
        first, second = (w + b) * ((w + b) ** 2 - 1), b * (b**2 - 1)
        if np.hypot(first, first + second) > 1000:
            return np.array([np.inf, np.inf])
        w, b = w - 0.1 * first, b - 0.1 * (first + second)
    return np.array([w, b])


def test_a_basin_map_shows_where_each_start_ends(runs):
    with style():
        figure = plane.basins(read(runs, "gd"))
    (mesh,) = figure.axes[0].collections
    colours = mesh.cmap(mesh.norm(mesh.get_array()))
    assert colours.shape == (12, 12, 4)
    minima = {(-2, 1): COLOURS[0], (0, -1): COLOURS[1], (0, 1): COLOURS[2], (2, -1): COLOURS[3]}
    for row, b in enumerate(GRID):
        for column, w in enumerate(GRID):
            end = descended(np.array([w, b]))
            wanted = minima[tuple(np.round(end).astype(int))] if np.isfinite(end).all() else DARK
            assert np.allclose(colours[row, column], to_rgba(wanted)), (w, b, end)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [text.split("  ")[0] for text in texts] == ["(−2, 1)", "(0, −1)", "(0, 1)", "(2, −1)", "diverged"]
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("initial w", "initial b")


def test_panels_share_colours_and_names_their_rules(runs):
    folders = read(runs, "gd", "ema")
    with style():
        figure = plane.basins(folders)
    assert [axes.get_title().splitlines()[0] for axes in figure.axes] == ["gd", "momentum.ema"]
    assert figure.axes[1].get_title().splitlines()[1] == "η = 0.1, β1 = 0.1"
    first, second = ends.classify(folders)
    assert first.labels == second.labels
    assert first.share("diverged") == np.mean(folders[0].runs["outcome"] == "diverged") > 0.1
    assert second.share("diverged") == 0


def test_listed_points_name_the_ends(runs, tmp_path):
    listed = (
        "points minima = {(-2, 1), (2, -1), (0, -1)} within 0.05\npoints saddles = {(1, 0)} within 0.05\n"
    )
    (one,) = [kept.read(trained(BENCHMARK.format(rule="gd(eta = 0.1)") + listed, tmp_path / "x"))]
    (named,), (free,) = ends.classify([one]), ends.classify(read(runs, "gd"))
    assert named.labels == ("(−2, 1)", "(0, −1)", "(2, −1)", *ends.PLAIN)
    for label in ("(−2, 1)", "(0, −1)", "(2, −1)", "diverged"):
        assert named.share(label) == free.share(label) > 0
    assert named.share("elsewhere") == free.share("(0, 1)")


def test_a_growth_map_has_the_share_of_each_start(runs):
    (one,) = read(runs, "gd")
    share = np.where(one.starts[:, 0] > 1, 0.25, 0.0)
    with style():
        figure = plane.growth([dataclasses.replace(one, runs={**one.runs, "grows_V": share})])
    (mesh,) = figure.axes[0].collections
    assert np.array_equal(np.unique(mesh.get_array()), [0, 25])
    assert (mesh.get_array()[:, -1] == 25).all()
    assert figure.axes[0].get_title() == f"V grows from {100 * np.mean(share > 0):.1f} % of the starts"


def test_losses_that_are_negative_are_drawn_where_they_are():
    assert np.array_equal(spread.above_rounding(np.array([-2.0, 0.0, 1.0])), [-2, 0, 1])
    assert np.array_equal(spread.above_rounding(np.array([0.0, 1.0])), [spread.TINY, 1])


def test_shares_are_bars_that_fill_the_width(runs):
    folders = read(runs, "gd", "ema")
    with style():
        figure = spread.shares(folders)
    widths = {0.0: 0.0, 1.0: 0.0}
    for bar in figure.axes[0].patches:
        widths[round(bar.get_y() + bar.get_height() / 2, 6)] += bar.get_width()
    assert list(widths.values()) == pytest.approx([100, 100])


def test_a_surface_has_the_values_of_the_objective_and_ends_where_runs_ended(runs):
    (one,) = read(runs, "ema")
    w, b = np.array([0.5, -2.0]), np.array([1.5, 0.25])
    truth = (((w + b) ** 2 - 1) ** 2 + (b**2 - 1) ** 2) / 4
    assert plane.loss_at(one, w, b) == pytest.approx(truth, rel=1e-14)
    with style():
        figure = plane.surface([one])
    lines = [line.get_xydata() for line in figure.axes[0].lines if len(line.get_xydata()) > 1]
    assert len(lines) == plane.FOLLOWED
    for line in lines:
        run = np.flatnonzero((one.starts == line[0]).all(axis=1))
        assert line[-1] == pytest.approx(one.ends[run[0]], abs=1e-9)


def test_curves_are_those_of_the_history(runs):
    pandas = pytest.importorskip("pandas")
    history = pandas.read_csv(runs["one"] / "history.csv")
    with style():
        figure = curves.curves(read(runs, "one"))
    train, test = figure.axes[0].lines
    assert (train.get_label(), test.get_label()) == ("train", "test")
    assert np.array_equal(train.get_xdata(), history["epoch"])
    assert np.array_equal(train.get_ydata(), history["loss_train"])
    assert np.array_equal(test.get_ydata(), history["loss_test"])
    assert [axes.get_xlabel() for axes in figure.axes] == ["epoch"] * 3


def test_bands_are_quantiles_over_runs(runs):
    pandas = pytest.importorskip("pandas")
    history = pandas.read_csv(runs["line"] / "history.csv")
    (one,) = read(runs, "line")
    found = curves.course(one, "loss_train")
    table = history.pivot(index="epoch", columns="run", values="loss_train")
    assert np.array_equal(found.at, table.index)
    in_order = np.sort(table.to_numpy(), axis=1)
    for row, rank in zip(found.bands, (2, 8, 15, 23, 29), strict=True):
        assert np.array_equal(row, in_order[:, rank - 1]), (
            "the least of 30 with 5, 25, 50, 75, 95 % at or below"
        )
    with style():
        figure = curves.curves([one])
    assert len(figure.axes[0].collections) == 4, "two bands for train, two for test"


def test_a_run_that_ended_stays_in_the_bands():
    """Two runs; the second has diverged after its first report."""
    run, at, values = (np.array(x, float) for x in ([0, 0, 0, 1, 1], [0, 1, 2, 0, 1], [3, 2, 1, 5, np.nan]))
    found = curves._over_runs(run, at, values, np.inf)
    assert found.bands[0].tolist() == [3, 2, 1]
    assert found.bands[4].tolist() == [5, np.inf, np.inf]


def test_boxes_and_histogram_hold_every_run_that_stayed_finite(runs):
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(runs["line"] / "runs.csv")
    with style():
        boxes, histogram = spread.boxes(read(runs, "line")), spread.histogram(read(runs, "line"))
    medians = [line for line in boxes.axes[0].lines if line.get_linewidth() == 2 and line.get_color() == DARK]
    assert medians[0].get_ydata()[0] == pytest.approx(table["loss_train"].median())
    (stairs,) = histogram.axes[0].patches
    assert stairs.get_data().values.sum() == len(table) == 30


def test_a_scatter_has_a_dot_for_each_run(runs):
    (one,) = read(runs, "gd")
    with style():
        figure = spread.scatter([one])
    (dots,) = figure.axes[0].collections
    stayed = ~one.diverged
    assert np.array_equal(dots.get_offsets()[:, 0], one.runs["steps"][stayed])


def test_which_pictures_apply(runs):
    applying = lambda *names: list(choose.applying(read(runs, *names)))  # noqa: E731
    assert applying("one") == ["curves"]
    assert applying("line") == ["curves", "boxes", "histogram"]
    assert applying("gd") == ["curves", "surface", "basins", "boxes", "scatter", "histogram"]
    assert applying("gd", "ema") == ["curves", "basins", "shares", "boxes", "scatter", "histogram"]


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_the_command_writes_files_that_are_the_same_every_time(form, runs, tmp_path, capsys):
    first, second = tmp_path / "a", tmp_path / "b"
    for out in (first, second):
        assert main(["plot", str(runs["gd"]), "--kind", "basins", "--format", form, "--out", str(out)]) == 0
        assert capsys.readouterr() == (f"{out / 'basins'}.{form}\n", "")
    assert (first / f"basins.{form}").read_bytes() == (second / f"basins.{form}").read_bytes()


def test_by_default_all_pictures_go_into_the_folder(runs, capsys):
    assert main(["plot", str(runs["one"])]) == 0
    assert capsys.readouterr().out == f"{runs['one'] / 'curves.png'}\n"
    assert (runs["one"] / "curves.png").stat().st_size > 10_000


def test_run_draws_them_at_once(tmp_path, capsys):
    made = trained(BENCHMARK.format(rule="gd(eta = 0.05)"), tmp_path / "x", "--plot")
    assert {path.name for path in made.glob("*.png")} == {
        "curves.png", "surface.png", "basins.png", "boxes.png", "scatter.png", "histogram.png",
    }  # fmt: skip
    assert json.loads(capsys.readouterr().out)["folder"] == str(made)


def test_bad_input_meets_a_message(runs, tmp_path, capsys, monkeypatch):
    assert main(["plot", str(tmp_path)]) == 2
    assert "is not the folder of a run: it has no readable spec.net" in capsys.readouterr().err
    assert main(["plot", str(runs["one"]), "--kind", "basins"]) == 2
    assert "no picture 'basins' here; this run allows: curves" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["plot", str(runs["one"]), "--out", str(tmp_path / "file" / "x")]) == 2
    assert "cannot write to" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", str(runs["one"])]) == 2
    assert 'pip install "netc[plot]"' in capsys.readouterr().err


def test_a_damaged_folder_meets_a_message(runs, tmp_path, capsys):
    for name in ("spec.net", "manifest.json", "history.csv", "runs.csv", "theta.safetensors"):
        (tmp_path / name).write_bytes((runs["gd"] / name).read_bytes())
    for name, text in (("runs.csv", "run,outcome\n0\n"), ("manifest.json", "{"), ("theta.safetensors", "x")):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_text(text)
        assert main(["plot", str(tmp_path)]) == 2
        assert "is not the folder of a run" in capsys.readouterr().err
        (tmp_path / name).write_bytes(whole)
