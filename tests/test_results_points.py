"""Where runs end: the listed points they have reached, and what `expect` says of them."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

import netc
from netc.command_line import main
from netc.compiler.meaning.spec import Points
from netc.dsl.format import format_program
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime.results.reached_points import names, reached

BENCHMARK = """
activation g(z) = z^2 - 1
objective  R(w, b) = (g(w + b)^2 + g(b)^2)/4
init       theta ~ uniform(-3, 3)
optimizer  gd(eta = 0.1)
train      steps = 2000, runs = 400, seed = 1, stop = norm(grad R) < 1e-7, diverged = norm(grad R) > 1000
points     minima = {(-2, 1), (2, -1), (0, -1), (0, 1)} within 0.05
points     saddles = {(1, 0), (-1, 0), (1, -1), (-1, 1)} within 0.05
"""


def judged(lines: str) -> tuple[netc.Result, dict[str, bool]]:
    result = netc.compile(BENCHMARK + lines).train()
    return result, {v.text: v.holds for v in result.expect}


def test_every_converged_run_is_at_the_point_it_ended_at() -> None:
    result, _ = judged("")
    listed = np.array([(-2, 1), (2, -1), (0, -1), (0, 1)])
    nearest = np.abs(result.theta[:, None] - listed).sum(axis=2).argmin(axis=1)
    texts = np.array([f"minima({w}, {b})" for w, b in listed])[nearest]
    converged = result.outcome == "converged"
    assert converged.sum() > 250
    assert (result.reached[converged] == texts[converged]).all()
    assert (result.reached[~converged] == "").all()
    shares = result.summary["reached"]
    assert shares.keys() == set(texts)
    assert sum(shares.values()) == pytest.approx(converged.mean())


def test_shares_of_points_are_those_of_all_runs() -> None:
    result, _ = judged("")
    share = 100 * float(np.mean(result.reached == "minima(0, -1)"))
    total = 100 * float(np.mean(result.outcome == "converged"))
    lines = [f"share(minima(0, -1)) = {share!r}% within 1e-9", f"share(minima) = {total!r}% within 1e-9"]
    lines += ["share(saddles) = 0", "share(far) = 0", f"share(minima(0, -1)) = {share + 2}% within 1%"]
    lines += ["share(minima(0, 1) and loss < 1e-9) = 0"]
    _, holds = judged("".join(f"expect {line}\n" for line in lines))
    assert list(holds.values()) == [True, True, True, True, False, False]


def test_a_run_is_near_in_the_euclidean_distance_or_far() -> None:
    points = (Points("a", ((0.0, 0.0), (1.0, 0.0)), 0.1), Points("b", ((0.0, 1.0),), 0.5))
    theta = np.array([[0.06, 0.07], [0.08, 0.07], [0.95, 0], [0.3, 1.39], [0.3, 1.41], [0, 0], [np.nan, 0]])
    settled = np.array([True, True, True, True, True, False, True])
    labels = np.array(names(points))[reached(points, theta, settled)]
    assert labels.tolist() == ["a(0, 0)", "far", "a(1, 0)", "b(0, 1)", "far", "", "far"]


def test_points_may_be_written_in_numbers_of_the_rule() -> None:
    text = """
objective R(x) = (x - 2/5)^2
init      theta = {1, 2}
optimizer gd(eta = 0.2)
train     steps = 200
points    fixed = {eta + 1/5} within 1e-9
expect    share(fixed) = 100%
expect    all(fixed(2/5))
"""
    assert all(v.holds for v in netc.compile(text).train().expect)


def test_a_single_run_has_one_point() -> None:
    text = BENCHMARK.replace("runs = 400, ", "").replace("theta ~ uniform(-3, 3)", "theta = (-1.5, 0.7)")
    result = netc.compile(text + "expect minima(-2, 1)\n").train()
    assert result.summary["reached"] == "minima(-2, 1)"
    assert [v.holds for v in result.expect] == [True]


def test_the_table_of_runs_says_where_each_ended(tmp_path, capsys) -> None:
    (tmp_path / "b.net").write_text(BENCHMARK)
    assert main(["run", str(tmp_path / "b.net"), "--out", str(tmp_path), "-q"]) == 0
    (folder,) = tmp_path.glob("b-*")
    said = capsys.readouterr().out
    assert (
        f"{np.sum(netc.compile(BENCHMARK).train().reached == 'minima(0, -1)'):>3}  reached minima(0, -1)"
        in said
    )
    table = pandas.read_csv(folder / "runs.csv", keep_default_na=False)
    assert table.reached.tolist() == netc.compile(BENCHMARK).train().reached.tolist()
    assert set(table.reached[table.outcome == "diverged"]) == {""}


def test_points_are_printed_as_they_are_read() -> None:
    text = "points minima = {(-2, 1), (2, -1)} within 0.05\n"
    claim = 'expect share(minimum(0, -1)) = 18.9% within 1%, claimed = 20%, source = "table 1"\n'
    for line in (text, claim):
        source = Source("x", line)
        assert format_program(parse(source), source) == line


def test_figures_of_lost_runs_count_as_infinite() -> None:
    text = """
objective R(x) = x^4
init      theta = {1, 100, 200, 300}
optimizer gd(eta = 0.1)
train     steps = 50
expect    min(loss) < 1
expect    median(loss) > 1e300
expect    quartile(loss, 3) > 1e300
expect    quartile(iterations, 3) <= 50
expect    mean(gradient_evaluations/iterations) < 2
"""
    result = netc.compile(text).train()
    assert [v.holds for v in result.expect] == [True] * 5
    assert result.diverged.sum() == 3
