"""`netc plot`: what is drawn, by the data of the artists; which pictures apply; what bad input meets."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.command_line import main
from netc.commands.plot import judged_of

pytest.importorskip("matplotlib")

import matplotlib.image
from matplotlib.colors import to_rgba

from netc.runtime.pictures import answers, choose, course, curves, ends, plane, spread
from netc.runtime.pictures.material import Material
from netc.runtime.pictures.style import COLOURS, DARK, THEMES, style, theme
from netc.runtime.results import folder_reader as kept
from sweeps import one_in

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


@pytest.mark.sweep
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


@pytest.mark.sweep
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
        asked = curves.curves(read(runs, "one"), ["r2", "gradient_norm"])
    train, test = figure.axes[0].lines
    assert (train.get_label(), test.get_label()) == ("train", "test")
    assert np.array_equal(train.get_xdata(), history["epoch"])
    assert np.array_equal(train.get_ydata(), history["loss_train"])
    assert np.array_equal(test.get_ydata(), history["loss_test"])
    assert len(figure.axes) == 1, "the file monitors its loss; R2 of one output says the same"
    assert figure.axes[0].get_xlabel() == "epoch"
    assert [axes.get_title() for axes in asked.axes] == ["explained variance", "norm of the gradient"]
    assert np.array_equal(asked.axes[0].lines[0].get_ydata(), history["r2_train"])
    handles = figure.legends[0].legend_handles
    assert [h.get_color() for h in handles] == [line.get_color() for line in (train, test)]
    assert f"{history['loss_train'].iloc[-1]:.3g}" in "".join(text.get_text() for text in figure.texts)


def test_r2_is_drawn_from_0_up(runs):
    (one,) = read(runs, "one")
    history = {**one.history, "r2_train": np.linspace(-24, 0.9, len(one.history["epoch"]))}
    with style():
        figure = curves.curves([dataclasses.replace(one, history=history)], ["r2"])
    assert figure.axes[0].get_ylim()[0] > -0.1
    assert "from 0 up" in figure.axes[0].get_ylabel()


def test_figures_of_layers_share_a_panel(runs):
    (one,) = read(runs, "one")
    epochs = np.arange(len(one.history["epoch"]), dtype=float)
    layers = {f"dead(layer{i})": i * epochs for i in (1, 2)}
    with style():
        figure = curves.curves(
            [dataclasses.replace(one, history=one.history | layers)], ["loss", "dead(layers)"]
        )
    loss, dead = figure.axes
    assert dead.get_title() == "dead, by layer"
    assert [line.get_label() for line in dead.lines] == ["layer1", "layer2"]
    assert [
        np.array_equal(line.get_ydata(), a) for line, a in zip(dead.lines, layers.values(), strict=True)
    ] == [True] * 2
    assert len({line.get_color() for line in (*loss.lines, *dead.lines)}) == 4
    assert dead.get_yscale() == "linear"


def test_many_reports_are_smoothed_over_the_faint_raw_line(runs):
    """The logarithms' means over a fortieth; the ends stay, and a geometric decay is its own mean."""
    (one,) = read(runs, "one")
    n = np.arange(160)
    noisy = 0.9**n * np.where(n % 2, 1.5, 1 / 1.5)
    assert course.smoothed(0.9**n) == pytest.approx(0.9**n, rel=1e-12)
    smooth = course.smoothed(noisy)
    assert (smooth[0], smooth[-1]) == pytest.approx((noisy[0], noisy[-1]), rel=1e-12)
    assert smooth[80] == pytest.approx(np.exp(np.log(noisy[78:83]).mean()), rel=1e-12)
    assert course.smoothed(noisy[:59]) is None
    history = {"epoch": n, "step": 4 * n, "loss_train": noisy, "gradient_norm": noisy}
    with style():
        raw, drawn = curves.curves([dataclasses.replace(one, history=history)]).axes[0].lines
    assert np.array_equal(raw.get_ydata(), noisy)
    assert raw.get_alpha() < 0.5
    assert np.array_equal(drawn.get_ydata(), smooth)


def test_marks_stand_where_a_schedule_jumps(runs, tmp_path):
    text = LINE.replace("train ", "schedule  eta = 0.01 until 10, 0.005 until 25, 0.001\ntrain ")
    one = kept.read(trained(text, tmp_path / "x", "--runs", "1"))
    assert [(m.at, m.text, m.name) for m in course.marks(one)] == [(10, "0.005", "η"), (25, "0.001", "η")]
    by_step = text.replace("25, 0.001", "25, 0.001, unit = step")
    one = kept.read(trained(by_step, tmp_path / "y", "--runs", "1"))
    assert [m.at for m in course.marks(one)] == pytest.approx([10 / 3, 25 / 3]), "3 batches an epoch"


def test_a_run_that_keeps_its_best_has_the_figures_of_that_epoch(tmp_path):
    """Of a training that turns back: the title, the line and the row of its table are those of `history.csv` there."""
    text = LINE.replace("split = 15", "split = 10, validation = 4").replace(
        "seed = 2, runs = 30", "seed = 2, KEEP"
    )
    text = text.replace("KEEP", "keep = best(loss(validation))").replace("eta = 0.01", "eta = 0.3")
    one = kept.read(trained(text, tmp_path / "x"))
    best = int(np.argmin(one.history["loss_validation"]))
    assert best < len(one.history["epoch"]) - 1
    for name in ("loss_train", "loss_validation", "loss_test"):
        assert one.runs[name] == pytest.approx(one.history[name][best], rel=1e-12)
    at = one.history["epoch"][best]
    with style():
        fig = curves.curves([one])
    title = " ".join(" ".join(text.get_text() for text in fig.texts).split())
    assert f"epoch {at:g} of 40" in title
    assert f"(validation {one.history['loss_validation'][best]:.3g}" in title
    assert [at, at] in [list(line.get_xdata()) for line in fig.axes[0].lines]
    assert main(["report", str(one.path), "--out", str(tmp_path / "x.html")]) == 0
    assert f"Kept is epoch {at:g}, the best by loss(validation)." in (tmp_path / "x.html").read_text()


def test_two_runs_from_one_start_have_a_panel_of_their_distance(runs, tmp_path, capsys):
    """GD and GD with half the rate on R = theta^2/2 from 1: theta = 0.9^n and 0.95^n."""
    text = "objective R(x) = x^2/2\ninit theta = 1\noptimizer gd(eta = {})\ntrain steps = 30\n"
    a, b = (trained(text.format(eta), tmp_path / str(eta)) for eta in (0.1, 0.05))
    from netc.runs_apart import NotAlike, apart

    found = apart(kept.read(a), kept.read(b))
    assert found.at.tolist() == list(range(31))
    assert found.median == pytest.approx(np.abs(0.9**found.at - 0.95**found.at), abs=1e-15)
    with style():
        panel = curves.curves([kept.read(a), kept.read(b)], apart=found).axes[-1]
    assert np.array_equal(panel.lines[0].get_ydata(), found.median)
    other = trained(text.format(0.1).replace("theta = 1", "theta = 2"), tmp_path / "other")
    with pytest.raises(NotAlike, match="start at other"):
        apart(kept.read(a), kept.read(other))
    assert main(["plot", str(a), str(other), "--kind", "curves", "--out", str(tmp_path / "out")]) == 0
    assert "no panel of how far apart they are: they start at other parameters" in capsys.readouterr().err


def test_bands_are_quantiles_over_runs(runs):
    pandas = pytest.importorskip("pandas")
    history = pandas.read_csv(runs["line"] / "history.csv")
    (one,) = read(runs, "line")
    found = course.course(one, "loss_train")
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
    found = course.over_runs(run, at, values, np.inf)
    assert found.bands[0].tolist() == [3, 2, 1]
    assert found.bands[4].tolist() == [5, np.inf, np.inf]


def test_boxes_and_histogram_hold_every_run_that_stayed_finite(runs):
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(runs["line"] / "runs.csv")
    with style():
        boxes, histogram = spread.boxes(read(runs, "line")), spread.histogram(read(runs, "line"))
    medians = [line for line in boxes.axes[0].lines if line.get_label() == "median"]
    column = np.sort(table["loss_train"])
    assert medians[0].get_xdata()[0] == column[14], "of 30 the least with half at or below"
    (stairs,) = histogram.axes[0].patches
    assert stairs.get_data().values.sum() == len(table) == 30


def test_a_median_below_what_an_axis_shows_is_written_as_it_is(runs):
    (one,) = read(runs, "line")
    least = dataclasses.replace(one, runs={**one.runs, "loss_train": np.append(np.zeros(29), 1.0)})
    with style():
        boxes, histogram = spread.boxes([least]), spread.histogram([least])
    assert "0" in [text.get_text() for text in boxes.axes[0].texts]
    titles = [figure.texts[0].get_text() for figure in (boxes, histogram)]
    assert titles == ["30 runs: median loss 0", "Final losses of 30 runs, median 0"]


def many(one):
    """Seven folders with long names."""
    return [dataclasses.replace(one, path=Path(f"a-rather-long-name-of-a-folder-{k}")) for k in range(7)]


PICTURES = {
    "curves": lambda runs: curves.curves(many(*read(runs, "one"))),
    "basins": lambda runs: plane.basins(read(runs, "gd")),
    "several basins": lambda runs: plane.basins(read(runs, "gd", "ema", "gd", "ema")),
    "boxes": lambda runs: spread.boxes(read(runs, "gd", "ema")),
    "shares": lambda runs: spread.shares(read(runs, "gd", "ema")),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(
    ("medium", "width"), one_in(4, [("screen", None), ("slide", None), ("screen", 3.5), ("paper", None)])
)
def test_nothing_overlaps_and_nothing_is_cut_off(name, medium, width, runs):
    """Boxes as matplotlib measures them: panels with their labels, legends, the words above and below."""
    with style(medium, width):
        figure, letter = PICTURES[name](runs), theme().font / 72 * 150
        figure.draw_without_rendering()
        shown = [
            a
            for a in (*figure.axes, *figure.legends, *figure.texts)
            if a.get_visible() and a.get_window_extent().height
        ]
        boxes = [a.get_tightbbox() for a in shown]
    for box in boxes:
        assert figure.bbox.padded(1).containsx(box.x0)
        assert figure.bbox.padded(1).containsx(box.x1)
        assert figure.bbox.padded(1).containsy(box.y0)
        assert figure.bbox.padded(1).containsy(box.y1)
    for k, box in enumerate(boxes):
        for other in boxes[:k]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            up = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across < 2 or up < 2, (shown[k], box, other)
    assert min(a.get_window_extent().height for a in figure.axes) > 5 * letter, "a panel that can be read"


def test_a_scatter_has_a_dot_for_each_run(runs):
    (one,) = read(runs, "gd")
    with style():
        figure = spread.scatter([one])
    (dots,) = figure.axes[0].collections
    stayed = ~one.diverged
    assert np.array_equal(dots.get_offsets()[:, 0], one.runs["steps"][stayed])


def test_which_pictures_apply(runs):
    def applying(*names):
        folders = read(runs, *names)
        return list(choose.applying(Material(folders, judged=judged_of(folders))))

    assert applying("one") == ["curves", "fit", "residuals"]
    assert applying("line") == ["curves", "fit", "residuals", "boxes", "histogram"]
    assert applying("gd") == ["curves", "surface", "basins", "boxes", "scatter", "histogram"]
    assert applying("gd", "ema") == ["curves", "basins", "shares", "boxes", "scatter", "histogram"]


def test_a_fit_is_the_network_over_its_samples(runs):
    (one,) = folders = read(runs, "one")
    judged = judged_of(folders)
    with style():
        axes = answers.fit(judged, "").axes[0]
    *dots, line = axes.lines
    x = np.concatenate([d.get_xdata() for d in dots])
    assert sorted(x) == pytest.approx(np.linspace(-1, 1, 20))
    assert np.concatenate([d.get_ydata() for d in dots]) == pytest.approx(3 * x - 1)
    grid = line.get_xdata()
    assert np.array_equal(line.get_ydata(), netc.load(one.path).predict(grid[:, None])[:, 0])


def test_styles_change_size_letters_and_colours(runs, tmp_path):
    for look, width, pixels in (
        ("screen", None, 1125),
        ("slide", None, 1999),
        ("paper", 8, 472),
        ("dark", 20, 1181),
    ):
        (path,) = choose.draw(
            Material(read(runs, "one")), ["curves"], tmp_path / look, "png", look, width and width / 2.54
        )
        image = matplotlib.image.imread(path)
        assert image.shape[1] == pixels, (look, image.shape)
        assert np.allclose(image[0, 0, :3], to_rgba(THEMES[look].page)[:3], atol=0.01)


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_the_command_writes_files_that_are_the_same_every_time(form, runs, tmp_path, capsys):
    first, second = tmp_path / "a", tmp_path / "b"
    for out in (first, second):
        assert main(["plot", str(runs["gd"]), "--kind", "basins", "--format", form, "--out", str(out)]) == 0
        assert capsys.readouterr() == (f"{out / 'basins'}.{form}\n", "")
    assert (first / f"basins.{form}").read_bytes() == (second / f"basins.{form}").read_bytes()


def test_by_default_all_pictures_go_into_the_folder(runs, capsys):
    assert main(["plot", str(runs["one"])]) == 0
    made = [runs["one"] / f"{kind}.png" for kind in ("curves", "fit", "residuals")]
    assert capsys.readouterr().out == "".join(f"{path}\n" for path in made)
    assert (runs["one"] / "curves.png").stat().st_size > 10_000


@pytest.mark.sweep
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
    assert "no picture 'basins' here; there is curves" in capsys.readouterr().err
    assert main(["plot", str(runs["one"]), "--figure", "accuracy"]) == 2
    assert (
        "no figure 'accuracy' here; there is loss, r2, gradient_norm, theta_norm" in capsys.readouterr().err
    )
    (tmp_path / "file").write_text("")
    assert main(["plot", str(runs["one"]), "--out", str(tmp_path / "file" / "x")]) == 2
    assert "cannot write to" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", str(runs["one"])]) == 2
    assert 'pip install "netc[plot]"' in capsys.readouterr().err


def test_a_damaged_folder_meets_a_message(runs, tmp_path, capsys):
    for name in ("spec.net", "manifest.json", "history.csv", "runs.csv", "summary.json", "theta.safetensors"):
        (tmp_path / name).write_bytes((runs["gd"] / name).read_bytes())
    for name, text in (
        ("runs.csv", "run,outcome\n0\n"),
        ("manifest.json", "{"),
        ("manifest.json", '{"file": 3}'),
        ("theta.safetensors", "x"),
        ("summary.json", "[]"),
        ("summary.json", '{"runs": "many"}'),
        ("history.csv", "epoch\n1\n"),
        ("history.csv", "step,epoch\n"),
    ):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_text(text)
        assert main(["plot", str(tmp_path)]) == 2
        said = capsys.readouterr().err
        assert f"'{tmp_path}' is damaged: " in said
        assert name in said
        (tmp_path / name).write_bytes(whole)
