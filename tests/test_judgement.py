"""What is said of a trained model: calibration against closed values and SciPy's linear programme, the rest against plain
NumPy and scikit-learn; the command, `expect`, a run that was read back, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netc
from netc.command_line import main
from netc.runtime.results import calibration
from netc.runtime.results.judgement import Judgement

SIGNS = """data      "signs.csv", target = kind, scale = zscore, split = 70%, seed = 3
network   [2(tanh)6(sigmoid)1]
init      glorot_uniform
loss      binary_cross_entropy
optimizer torch.Adam(lr = 0.05)
train     epochs = 20, batch = 16, seed = 1
expect    smooth_ece(test) <= ece_levels(test)
expect    smooth_ece(train) = {} within 1e-12
"""


@pytest.mark.parametrize("eps", [0.05, 0.1, 0.25, 0.4])
def test_the_closed_values_of_the_course(eps):
    """f_eps says 1/2 + eps where it comes true and 1/2 - eps where it does not: ECE = 1/2 - eps, smCE = eps (1/2 - eps)."""
    p, y = np.array([0.5 + eps, 0.5 - eps] * 7), np.array([1.0, 0.0] * 7)
    assert calibration.ece_levels(p, y) == pytest.approx(0.5 - eps, rel=1e-14)
    assert calibration.ece(p, y) == pytest.approx(0.5 - eps, rel=1e-14)
    assert calibration.smooth_ece(p, y) == pytest.approx(eps * (0.5 - eps), rel=1e-14)


def test_bins_that_hold_both_sides_hide_what_level_sets_show():
    p, y = np.array([0.501, 0.499]), np.array([1.0, 0.0])
    assert calibration.ece(p, y) == pytest.approx(0)
    assert calibration.ece_levels(p, y) == pytest.approx(0.499)


def by_linear_programme(p, y):
    optimize, sparse = pytest.importorskip("scipy.optimize"), pytest.importorskip("scipy.sparse")
    levels, place = np.unique(p, return_inverse=True)
    gain, apart = np.bincount(place, y - p) / len(p), np.diff(levels)
    if not len(apart):
        return abs(gain[0])
    shape = len(apart), len(levels)
    steps = sparse.diags([-np.ones(len(apart)), np.ones(len(apart))], [0, 1], shape=shape)
    rows = sparse.vstack([steps, -steps]).tocsr()
    found = optimize.linprog(-gain, rows, np.concatenate([apart, apart]), bounds=(-1, 1), method="highs")
    return -found.fun


@given(st.lists(st.tuples(st.integers(-40, 60), st.booleans()), min_size=1, max_size=30))
def test_the_smooth_error_is_what_the_linear_programme_gives(said):
    """Also where levels are further apart than any probabilities, so that the bounds of w bind."""
    p, y = np.array([k / 20 for k, _ in said]), np.array([float(b) for _, b in said])
    assert calibration.smooth_ece(p, y) == pytest.approx(by_linear_programme(p, y), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=1, max_size=60))
def test_bins_are_those_of_a_loop(said):
    p, y = np.array([k / 1000 for k, _ in said]), np.array([float(b) for _, b in said])
    total = 0.0
    for b in range(15):
        inside = (p > b / 15) & (p <= (b + 1) / 15) | ((p == 0) & (b == 0))
        if inside.any():
            total += inside.mean() * abs(y[inside].mean() - p[inside].mean())
    assert calibration.ece(p, y) == pytest.approx(total, abs=1e-12)


# -- a model --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("signs")
    rng = np.random.default_rng(5)
    x = rng.normal(size=(150, 2))
    kind = np.where(x[:, 0] * x[:, 1] + 0.3 * rng.normal(size=150) > 0, "same", "other")
    rows = [f"{a},{b},{k}" for (a, b), k in zip(x.tolist(), kind, strict=True)]
    (folder / "signs.csv").write_text("\n".join(["a,b,kind", *rows]))
    model = netc.compile(_without_claims(folder))
    train = model.train().judge("train")
    p = model.predict(train.inputs)[:, 0]
    (folder / "signs.net").write_text(SIGNS.format(float(by_linear_programme(p, train.truth == 1.0))))
    assert main(["run", str(folder / "signs.net"), "--out", str(folder / "runs"), "-q"]) == 0
    (made,) = (folder / "runs").iterdir()
    return made


def _without_claims(folder: Path) -> Path:
    path = folder / "first.net"
    path.write_text("\n".join(line for line in SIGNS.splitlines() if not line.startswith("expect")))
    return path


def test_expect_judges_calibration(run):
    expect = json.loads((run / "summary.json").read_text())["expect"]
    assert [e["holds"] for e in expect] == [True, True]


def test_a_run_that_was_read_back_judges_its_own_data(run):
    metrics = pytest.importorskip("sklearn.metrics")
    result = netc.load(run).result
    judged = result.judge("test")
    assert len(judged) == 45
    names = np.array(judged.classes)
    assert np.array_equal(result.model.predict(judged.inputs, labels=True), names[judged.said])
    assert np.array_equal(judged.confusion, metrics.confusion_matrix(judged.truth, judged.said))
    assert judged.figures["accuracy"] == result.accuracy_test[0]
    p = np.where(judged.truth == 1, judged.outputs[:, 0], 1 - judged.outputs[:, 0])
    assert judged.losses.mean() == pytest.approx(result.loss_test[0], rel=1e-12), (
        "the loss is the cross entropy"
    )
    assert judged.worst(3).tolist() == np.argsort(p)[:3].tolist()
    assert judged.best(1)[0] == p.argmax()
    assert judged.uncertain(1)[0] == np.abs(p - 0.5).argmin()
    table = np.genfromtxt(run.parents[1] / "signs.csv", delimiter=",", skip_header=1, usecols=(0, 1))
    assert np.array_equal(table[judged.rows], judged.inputs)


def test_the_command_says_the_same_of_a_table(run, capsys):
    judged = netc.load(run).judge(part="test")
    assert main(["judge", str(run), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ece"], said["smooth_ece"], said["confusion"]) == (
        judged.ece,
        judged.smooth_ece,
        judged.confusion.tolist(),
    )
    assert main(["judge", str(run), str(run.parents[1] / "signs.csv")]) == 0
    text = capsys.readouterr().out
    assert "150 samples of the table" in text
    assert f"accuracy    {np.mean(whole_accuracy(run)):.4g}" in text


def whole_accuracy(run):
    lines = (run.parents[1] / "signs.csv").read_text().splitlines()[1:]
    x = np.array([[float(c) for c in line.split(",")[:2]] for line in lines])
    return netc.load(run).predict(x, labels=True) == np.array([line.split(",")[2] for line in lines])


def test_the_pictures_of_it(run):
    """The boundary is where p = 1/2; the reliability diagram has the means of the bins."""
    pytest.importorskip("matplotlib")
    from netc.judge import judge_parts
    from netc.runtime.pictures import answers
    from netc.runtime.pictures.style import style

    model = netc.load(run)
    judged = judge_parts(model)
    with style():
        boundary, reliability, confusion = (
            draw(judged, "") for draw in (answers.boundary, answers.reliability, answers.confusion)
        )
    (line,) = (c for c in boundary.axes[0].collections if hasattr(c, "levels"))
    points = np.concatenate([path.vertices for path in line.get_paths()])
    assert len(points) > 100
    assert np.abs(model.predict(points)[:, 0] - 0.5).max() < 0.02
    p, y = judged["test"].confidence
    inside = (p > 14 / 15) & (p <= 1)
    drawn = reliability.axes[0].lines[-1]
    assert (drawn.get_xdata()[-1], drawn.get_ydata()[-1]) == pytest.approx(
        (p[inside].mean(), y[inside].mean())
    )
    shown = [int(text.get_text()) for text in confusion.axes[0].texts]
    assert shown == [n for n in judged["test"].confusion.ravel() if n]


def test_numbers_have_residuals():
    x = np.linspace(-1, 1, 5)[:, None]
    truth = np.array([[1.0], [2], [3], [4], [9]])
    judged = Judgement(
        "given", x, truth + np.array([[0.5], [0], [0], [0], [-1]]), truth, np.arange(5), targets=("y",)
    )
    assert judged.residuals[:, 0].tolist() == [0.5, 0, 0, 0, -1]
    assert judged.figures == pytest.approx({"rmse": 0.5, "mae": 0.3, "bias": -0.1, "r2": 1 - 1.25 / 38.8})
    assert judged.worst(2).tolist() == [4, 0]
    with pytest.raises(ValueError, match="no probabilities"):
        _ = judged.ece
    with pytest.raises(ValueError, match="none is more certain"):
        judged.uncertain()


def test_bad_input_meets_words(run, tmp_path, capsys):
    model = netc.load(run)
    for arguments, keywords, words in (
        ((), {"part": "validation"}, "no validation part; there is train, test"),
        ((np.zeros((3, 2)),), {}, "belong together"),
        ((np.zeros((3, 2)), ["same"] * 2), {}, "3 samples in X, 2 in y"),
        ((np.zeros((1, 2)), ["none"]), {}, "'none' is none of the labels other, same"),
        ((np.zeros((1, 2)), ["same"]), {"part": "test"}, "give X and y, or part"),
    ):
        with pytest.raises(ValueError, match=words):
            model.judge(*arguments, **keywords)
    objective = netc.compile(
        "objective R(x) = x^2\ninit theta = 1\noptimizer gd(eta = 0.1)\ntrain steps = 2\n"
    )
    objective.train()
    with pytest.raises(ValueError, match="no samples"):
        objective.judge()
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert main(["judge", str(run), str(tmp_path / "t.csv")]) == 3
    assert "has no column 'kind'" in capsys.readouterr().err
    data = run.parents[1] / "signs.csv"
    whole = data.read_text()
    data.write_text(whole.replace("same", "other", 1))
    try:
        assert main(["judge", str(run)]) == 2
        assert "the data are not those that trained the model" in capsys.readouterr().err
    finally:
        data.write_text(whole)
