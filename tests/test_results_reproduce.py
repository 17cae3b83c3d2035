"""`netc reproduce`: the paper's figure beside the one found, the verdicts, what is left out, what Ctrl-C keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import netc.commands.reproduce as reproduce
from netc.command_line import main

TEXT = """objective R(x) = x^2
init      theta = {1, 2, 3, 1e200}
optimizer gd(eta = 0.4)
train     steps = 100, stop = norm(grad R) < 1e-3
points    minima = {(0)} within 0.05
expect    converged = 75% of runs
expect    diverged = 25% of runs, claimed = 50%, source = "table 1: lost runs"
expect    diverged = 25% of runs within 1%, claimed = 24.5%
expect    max(iterations) <= 10, claimed = 3, source = "table 2"
expect    max(iterations) <= 10, claimed = 9
expect    share(far) = 0, claimed = "some end nowhere"
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    Path("paper.net").write_text(TEXT)


def test_each_figure_has_its_verdict(capsys):
    assert main(["reproduce", "paper.net", "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert [(v.get("paper"), v["verdict"]) for v in file["expect"]] == [
        (0.75, "reproduced"),
        (0.5, "differs from the paper as stated"),
        (0.245, "reproduced"),
        (3.0, "differs from the paper as stated"),
        (9.0, "reproduced"),
        ("some end nowhere", "differs from the paper as stated"),
    ]
    assert [v["value"] for v in file["expect"]] == [0.75, 0.25, 0.25, 6.0, 6.0, 0.0]
    assert file["expect"][2]["tolerance"] == "1%"


def test_the_table_shows_both_figures(capsys):
    assert main(["reproduce", "paper.net", "-q"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.strip()[:20].strip(): line.split() for line in lines}
    assert rows["table 1: lost runs"][4:6] == ["50%", "25%"]
    assert rows["table 2"][2:5] == ["<=", "3", "6"]
    assert lines[-1] == "6 figures: 3 reproduced, 3 differ from the paper as stated"


def test_one_failure_is_shown_with_its_statement_and_status_5(capsys):
    Path("paper.net").write_text(TEXT.replace("= 25% of runs, cl", "= 30% of runs, cl"))
    Path("other.net").write_text(TEXT)
    assert main(["reproduce", ".", "-q"]) == 5
    out = capsys.readouterr().out
    assert "the file says: diverged = 30% of runs" in out
    assert "1 FAILED" in out
    assert out.index("other.net") < out.index("paper.net")


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_narrow_terminal_breaks_words_and_keeps_figures(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    long = "a figure of the paper with quite a long name, to be read on page 300 of volume two"
    Path("paper.net").write_text(TEXT.replace("table 1: lost runs", long))
    assert main(["reproduce", "paper.net", "-q"]) == 0
    lines = capsys.readouterr().out.splitlines()
    if columns >= 120:
        assert any(long in line for line in lines)
    assert any("25%" in line and "differs from the paper as stated" in line for line in lines)
    assert max(map(len, lines)) <= max(columns, 112)


def test_ctrl_c_keeps_what_was_judged(capsys, monkeypatch):
    Path("a.net").write_text(TEXT)
    trained = reproduce._trained

    def stopped(file, *rest):
        if file.source.name.startswith("paper"):
            raise KeyboardInterrupt
        return trained(file, *rest)

    monkeypatch.setattr(reproduce, "_trained", stopped)
    assert main(["reproduce", "a.net", "paper.net", "a.net", "-q"]) == 130
    out = capsys.readouterr().out
    assert "6 figures: 3 reproduced" in out
    assert "paper.net  interrupted" in out


def test_run_shows_what_the_paper_says(capsys):
    assert main(["run", "paper.net", "-q"]) == 0
    assert "25%  (the paper: 50%)" in capsys.readouterr().out


def test_equal_kernels_are_compiled_once(monkeypatch, tmp_path):
    """Numbers of the rule, starts, lengths and seeds are no part of a kernel; nor are points and claims."""
    monkeypatch.setenv("NETC_CACHE", str(tmp_path / "kernels"))
    own = TEXT.replace("x^2", "1.25*x^2")  # no other test has brought its kernel into the process
    Path("paper.net").write_text(own)
    assert main(["reproduce", ".", "-q"]) in (0, 5)
    one = sorted((tmp_path / "kernels").rglob("*.py"))
    other = (
        own.replace("0.4", "0.3")
        .replace("{1, 2, 3,", "{4, 5, 6,")
        .replace("steps = 100", "steps = 90, seed = 3")
    )
    Path("other.net").write_text(other.replace("0.05", "0.01"))
    assert main(["reproduce", ".", "-q"]) in (0, 5)
    assert one
    assert sorted((tmp_path / "kernels").rglob("*.py")) == one
