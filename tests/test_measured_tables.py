"""The tables that `make bench` writes: those of the command as it is, the same in each document, their ratios right.

Times cannot be checked by measuring again; what follows from them, and what was measured, can.
"""

from __future__ import annotations

import re

import pytest

from bench import report, starts
from bench.workloads import workloads
from peers.problems import ROOT

PLACES = (
    ("README.md", report.BEGIN),
    ("docs/performance.md", report.BEGIN),
    ("docs/performance.md", report.STARTS),
)


def measured(document: str, begin: str) -> str:
    text = (ROOT / document).read_text(encoding="utf-8")
    _, found, rest = text.partition(begin)
    assert found, f"{document} lacks {begin}"
    return rest.partition(report.END)[0]


def rows(document: str, begin: str) -> list[list[str]]:
    """Of the first table, without its head."""
    lines = measured(document, begin).split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_documents_agree() -> None:
    assert measured(*PLACES[0]) == measured(*PLACES[1])


def test_rows_are_what_the_commands_measure() -> None:
    assert [row[0] for row in rows(*PLACES[0])] == [f"{w.title}, {w.precision}" for w in workloads()]
    assert [row[0] for row in rows(*PLACES[2])] == [w.title for w in starts.WORKLOADS]


@pytest.mark.parametrize(("document", "begin"), PLACES)
def test_ratios_follow_from_the_times(document: str, begin: str) -> None:
    """A printed time and the printed time of netc, each rounded to its digits, leave an interval for their ratio."""
    seen = 0
    for row in rows(document, begin):
        ours = interval(row[1].strip("*"))
        for cell in row[2:]:
            if match := re.fullmatch(r"~?([\d.]+) \(([\d.]+)×\)", cell):
                low, high = interval(match[1])
                least, most = interval(match[2])
                assert low / ours[1] <= most, (row[0], cell)
                assert high / ours[0] >= least, (row[0], cell)
                seen += 1
    assert seen


def interval(text: str) -> tuple[float, float]:
    """The numbers that are printed so: half a unit of the last digit that is shown, either way."""
    half = 0.5 * 10.0 ** -len(text.partition(".")[2])
    return float(text) - half, float(text) + half
