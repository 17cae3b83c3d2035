"""Sweeps: every point is the run it would be alone, to the bit; tables against NumPy; what is done is not done again."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import netc
from netc import sweep_run
from netc.command_line import main
from netc.compiler.check.several.sweep import read_sweep
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.spec import Axis, Sweep
from netc.compiler.meaning.spec_text import spec_text
from netc.dsl import ast
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime import opening, program_file
from netc.runtime.results.sweep_folder import SweepFolder
from netc.runtime.session import Session
from netc.runtime.sweep import points_of, session_at

VALLEY = """
objective R(x, y) = a*x^2 + y^2
init      theta ~ uniform(1, 2)
optimizer gd(eta = 0.1)
train     steps = 5, runs = 3
sweep     eta in {0.1, 0.2}, a in {1, 2}, seed in {4, 5}
expect    best(eta) = 0.2
expect    best(a) = 2
expect    max(loss) over eta < 1
expect    best(max(loss)) < 0.05
"""

NETWORK = """
data      x in linspace(-1, 1, 40) -> sin(3*x) + normal(0, 0.2):
    validation = 25%
network   [1(tanh)4(lin)1]
init      glorot_uniform
loss      half_mse
optimizer gd(eta = 0.1)
train     epochs = 6, batch = 8, seed = 3, keep = best(loss(validation))
"""


def opened(text: str) -> Session:
    return opening.open_session(program_file.read_text(text, "<test>", Path()), {})


@pytest.fixture(scope="module")
def valley():
    return netc.compile(VALLEY).sweep()


def test_points_are_what_the_formula_says(valley):
    """Gradient descent on a quadratic: (1 - 2*a*eta)^n times the start."""
    assert len(valley.points) == 8
    starts = {seed: netc.compile(VALLEY.split("sweep")[0].replace("a*", "1*"), seed=seed) for seed in (4, 5)}
    grid = [(eta, a, seed) for eta in (0.1, 0.2) for a in (1, 2) for seed in (4, 5)]
    for (eta, a, seed), result in zip(grid, valley.results, strict=True):
        first = starts[seed].train(steps=1, eta=1e-300).theta  # where it begins: the step is below rounding
        expected = first * np.array([1 - 2 * a * eta, 1 - 2 * eta]) ** 5
        np.testing.assert_allclose(result.theta, expected, rtol=1e-12)


def test_rows_pool_runs_and_seeds(valley):
    """Against NumPy: the best first, medians and quartiles over the three runs of the two seeds."""
    losses = {}
    for point, result in zip(valley.points, valley.results, strict=True):
        eta, a, _ = (value.value for value in point.values)
        losses.setdefault((eta, a), []).extend(result.loss_train)
    assert [(row["eta"], row["a"]) for row in valley.table] == sorted(
        losses, key=lambda k: np.median(losses[k])
    )
    for row in valley.table:
        values = losses[row["eta"], row["a"]]
        assert row["runs"] == 6
        assert row["loss(train)"]["median"] == np.median(values)
        assert row["loss(train)"]["quartiles"] == np.quantile(values, [0.25, 0.75]).tolist()


def test_expectations_speak_of_points(valley):
    assert [v.holds for v in valley.expect] == [True] * 4
    pairs = list(zip(valley.points, valley.results, strict=True))
    by_eta = [max(max(r.loss_train) for p, r in pairs if p.values[0].value == eta) for eta in (0.1, 0.2)]
    assert valley.expect[2].value == by_eta
    wrong = VALLEY.replace("best(eta) = 0.2", "best(eta) = 0.1").replace("over eta < 1", "over eta < 1e-9")
    assert [v.holds for v in netc.compile(wrong).sweep().expect] == [False, True, False, True]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axes", "alone"),
    [
        ("eta in {0.3, 0.1}", lambda text, eta: text.replace("eta = 0.1", f"eta = {eta}")),
        ("seed in {3, 7}", lambda text, seed: text.replace("seed = 3", f"seed = {seed}")),
        ("batch in {8, full}", lambda text, batch: text.replace("batch = 8", f"batch = {batch}")),
        ("optimizer in {gd(eta = 0.2), torch.Adam(lr = 0.01)}", lambda text, rule: text.replace("gd(eta = 0.1)", rule)),
        ("init in {he_normal, zeros}", lambda text, init: text.replace("glorot_uniform", init)),
        ("width in {4, 5}", lambda text, width: text.replace("width", width)),
        ("act in {tanh, leaky_relu(0.1)}", lambda text, act: text.replace("act", act)),
    ],
)  # fmt: skip
def test_a_point_is_the_single_run_to_the_bit(axes, alone):
    name, values = axes.split(" in ")
    text = NETWORK.replace(")4(", ")width(") if name == "width" else NETWORK
    text = text.replace("(tanh)", "(act)") if name == "act" else text
    found = netc.compile(f"{text}sweep {axes}\n").sweep()
    listed = values.strip("{}").split(", ")
    for value, result in zip(listed, found.results, strict=True):
        single = netc.compile(alone(text, value)).train()
        np.testing.assert_array_equal(result.theta, single.theta)
        np.testing.assert_array_equal(result.history["loss_validation"], single.history["loss_validation"])


@pytest.mark.sweep
def test_the_model_is_then_that_of_the_best_point():
    model = netc.compile(NETWORK.replace(")4(", ")width(") + "sweep width in {4, 5}, eta in {0.1, 1e-9}\n")
    with pytest.raises(ValueError, match="the file sweeps"):
        model.train()
    found = model.sweep()
    assert found.best["eta"] == 0.1
    best = found.results[found.rows[0].points[0].number - 1]
    x = np.linspace(-1, 1, 7)[:, None]
    single = netc.compile(NETWORK.replace(")4(", f"){found.best['width']:g}("))
    np.testing.assert_array_equal(model.predict(x), single.predict(x, theta=best.theta[0]))
    with pytest.raises(ValueError, match="no sweep"):
        netc.compile(NETWORK).sweep()


def test_a_parameter_of_the_rule_is_swept_where_a_criterion_reads_it_too():
    text = "objective R(x) = x^2\ninit theta = (1)\noptimizer gd(eta = 0.1)\n"
    text += "train steps = 99, stop = norm(grad R) < eta\n"
    found = netc.compile(f"{text}sweep eta in {{0.1, 0.4}}\n").sweep()
    for eta, result in zip((0.1, 0.4), found.results, strict=True):
        assert result.steps[0] == math.ceil(math.log(eta / 2) / math.log(abs(1 - 2 * eta)))
        np.testing.assert_array_equal(result.theta, netc.compile(text, eta=eta).train().theta)


def test_arrays_of_a_caller_are_swept():
    """A setting of the data too: each point takes its own validation part of the arrays."""
    text = NETWORK[NETWORK.index("network") :]
    x = np.linspace(-1, 1, 60)[:, None]
    y = np.sin(3 * x[:, 0])
    found = netc.compile(f"data given, validation = share\n{text}sweep share in {{20%, 40%}}\n").sweep(x, y)
    for share, result in zip(("20%", "40%"), found.results, strict=True):
        single = netc.compile(f"data given, validation = {share}\n{text}").train(x, y)
        np.testing.assert_array_equal(result.theta, single.theta)


def test_a_point_that_cannot_be_trained_loses_no_other(tmp_path, monkeypatch, capsys):
    """Two values that fit alone and not together: a batch of 40 samples, of 30 that train."""
    monkeypatch.chdir(tmp_path)
    text = NETWORK.replace("validation = 25%", "validation = held").replace(
        "batch = 8", "batch = 8, runs = 2"
    )
    Path("n.net").write_text(f"{text}sweep held in {{2, 20}}, batch in {{8, 30}}\n")
    assert main(["run", "n.net", "-q"]) == 1
    assert "there are only 20 training samples" in capsys.readouterr().err
    (folder,) = Path("runs").iterdir()
    rows = list(csv.DictReader((folder / "sweep.csv").read_text().splitlines()))
    assert [(row["held"], row["batch"], row["run"]) for row in rows[:3]] == [
        ("2", "8", "0"), ("2", "8", "1"), ("2", "30", "0"),
    ]  # fmt: skip
    assert len(rows) == 6


def test_numbers_share_one_kernel_and_the_data():
    session = opened(f"{NETWORK}sweep eta in {{0.1, 0.2}}\n")
    first, second = (session_at(session, values, {}) for values in points_of(session.spec.sweep))
    assert first.kernels is second.kernels
    assert first.data is second.data


def test_what_is_drawn_follows_its_law():
    """Distances from the laws, as Kolmogorov measures them; 1.63/sqrt(n) is met by one sample in a hundred."""
    text = "objective R(x) = a*x^2 + b\ninit theta = (1)\noptimizer gd(eta = 0.1)\ntrain steps = 1\n"
    axes = "eta ~ log_uniform(1e-4, 1), a ~ uniform(-1, 3), b in {1, 2, 5}"
    drawn = [
        np.array([[v.value for v in values] for values in points_of(opened(f"{text}sweep {axes}, {more}\n").spec.sweep)])
        for more in ("trials = 2000", "trials = 20", "trials = 2000, seed = 1")
    ]  # fmt: skip
    many, few, other = drawn
    np.testing.assert_array_equal(many[:20], few)
    assert not np.isin(other[:, 0], many[:, 0]).any()
    for shares in ((np.log10(many[:, 0]) + 4) / 4, (many[:, 1] + 1) / 4):
        apart = np.abs(np.sort(shares) - (np.arange(2000) + 0.5) / 2000).max()
        assert apart < 1.63 / math.sqrt(2000)
    counts = [np.sum(many[:, 2] == b) for b in (1, 2, 5)]
    assert sum(counts) == 2000
    assert max(abs(c - 2000 / 3) for c in counts) < 4 * math.sqrt(2000 * 2 / 9)
    assert abs(np.corrcoef(many.T) - np.eye(3)).max() < 4 / math.sqrt(2000)


def test_the_spec_written_out_is_the_same_sweep():
    for text in (
        VALLEY,
        NETWORK.replace(")4(", ")width(") + "sweep width in {4, 5}, figure = r2(validation)\n",
    ):
        first = opened(text)
        again = opened(spec_text(first.spec))
        assert again.spec.sweep == first.spec.sweep
        assert again.program == first.program


# -- the folder --------------------------------------------------------------------------------------

SMALL = VALLEY.replace("seed in {4, 5}", "seed in {4}")


class Killed(Exception):
    """What stands for the end of the process."""


@pytest.fixture
def trained(monkeypatch) -> list[int]:
    """Grows with every training."""
    calls: list[int] = []
    train = Session.train

    def counted(self, *arguments, **named):
        calls.append(1)
        return train(self, *arguments, **named)

    monkeypatch.setattr(Session, "train", counted)
    return calls


def test_every_point_is_kept_and_none_is_done_again(tmp_path, monkeypatch, capsys, trained):
    monkeypatch.chdir(tmp_path)
    Path("v.net").write_text(SMALL)
    assert main(["run", "v.net", "--out", "whole", "-q", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    whole = Path(summary["folder"])
    assert summary["best"] == {"eta": 0.2, "a": 2.0}
    assert [*map(len, (trained, summary["table"]))] == [4, 4]

    write = SweepFolder.write

    def dies(self, number, figures):
        if number == 3:  # the point is trained, and is not there
            raise Killed
        write(self, number, figures)

    monkeypatch.setattr(SweepFolder, "write", dies)
    with pytest.raises(Killed):
        sweep_run.run(sweep_run.begin(opened_file("v.net"), {}, Path("part"), quiet=True))
    monkeypatch.setattr(SweepFolder, "write", write)
    (part,) = Path("part").iterdir()
    trained.clear()
    assert main(["run", "--resume", str(part), "-q"]) == 0
    assert len(trained) == 2
    assert (part / "sweep.csv").read_text() == (whole / "sweep.csv").read_text()
    for number in range(1, 5):
        name = f"points/{number:05}/theta.safetensors"
        assert (part / name).read_bytes() == (whole / name).read_bytes()
    rows = list(csv.DictReader((whole / "sweep.csv").read_text().splitlines()))
    assert [(row["point"], row["eta"], row["a"], row["run"]) for row in rows[:4]] == [
        ("1", "0.1", "1", "0"), ("1", "0.1", "1", "1"), ("1", "0.1", "1", "2"), ("2", "0.1", "2", "0"),
    ]  # fmt: skip
    single = netc.compile(SMALL.split("sweep")[0].replace("a*", "2*"), seed=4).train()
    assert [float(row["loss_train"]) for row in rows[3:6]] == single.loss_train.tolist()
    assert main(["replay", str(whole / "points" / "00002"), "-q"]) == 0


def opened_file(name: str) -> Session:
    return opening.open_session(program_file.read_file(Path(name)), {})


def test_a_sweep_is_resumed_with_the_same_file_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("v.net").write_text(SMALL)
    assert main(["run", "v.net", "-q"]) == 0
    (folder,) = Path("runs").iterdir()
    Path("v.net").write_text(SMALL.replace("0.2}", "0.3}"))
    assert main(["run", "--resume", str(folder), "-q"]) == 2
    assert "was begun with another file" in capsys.readouterr().err
    assert main(["replay", str(folder), "-q"]) == 2
    assert "points/00001" in capsys.readouterr().err
    with pytest.raises(ValueError, match="is the folder of a sweep; its best point is") as refused:
        netc.load(folder)
    best = Path(str(refused.value).rpartition(" is ")[2])
    rows = csv.DictReader((folder / "sweep.csv").read_text().splitlines())
    medians: dict[str, list[float]] = {}
    for row in rows:
        medians.setdefault(row["point"], []).append(float(row["loss_train"]))
    lowest = min(medians, key=lambda point: np.median(medians[point]))
    assert best == folder / "points" / f"{int(lowest):05d}"
    assert netc.load(best).result.theta.shape == (3, 2)


def test_ctrl_c_keeps_the_points_that_are_done(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("v.net").write_text(SMALL)
    train, trained = Session.train, []

    def interrupted(self, *arguments):
        trained.append(1)
        outcome, result = train(self, *arguments)
        return outcome, replace(result, interrupted=len(trained) == 3)

    monkeypatch.setattr(Session, "train", interrupted)
    assert main(["run", "v.net"]) == 130
    told = capsys.readouterr()
    (folder,) = Path("runs").iterdir()
    assert "2 of them done" in told.out
    assert f"netc run --resume {folder}" in told.err
    monkeypatch.setattr(Session, "train", train)
    assert main(["run", "--resume", str(folder), "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out)["points"] == 4


def test_other_commands_say_that_it_is_a_sweep(tmp_path, capsys):
    file = tmp_path / "v.net"
    file.write_text(SMALL)
    assert main(["explain", str(file)]) == 0
    told = "its first point, eta = 0.1, a = 1, seed = 4, of eta in {0.1, 0.2}, a in {1, 2}, seed in"
    assert told in capsys.readouterr().err
    assert main(["diff", str(file), str(file)]) == 2
    assert main(["show", str(file), "--stage", "spec"]) == 0
    assert "sweep     eta in {0.1, 0.2}" in capsys.readouterr().out


def test_reproduce_judges_it(tmp_path, capsys):
    (tmp_path / "v.net").write_text(SMALL)
    assert main(["reproduce", str(tmp_path / "v.net"), "-q"]) == 0
    (tmp_path / "v.net").write_text(SMALL.replace("best(a) = 2", "best(a) = 1"))
    assert main(["reproduce", str(tmp_path / "v.net"), "-q"]) == 5


def test_names_of_definitions_and_columns_are_no_axis():
    """`z` of an activation is its own; a column of the data is a name of the data."""
    program = parse(Source("<test>", "activation g(z) = z^2\ndata boston, target = z\nsweep z in {1}\n"))
    sweep = read_sweep(program, {}, Report())
    assert sweep == Sweep((Axis("z", "parameter", (ast.Number(1.0),)),), 0, 0, None)
