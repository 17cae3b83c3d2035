"""The tables that `make bench` writes: those of the command as it is, the same in each document, their ratios right.

Times cannot be checked by measuring again; what follows from them, and what was measured, can.
"""

from __future__ import annotations

import re

import pytest

import cuda_table
import tables
from bench import cuda, report, starts
from bench.workloads import HEADLINES, workloads
from peers.problems import ROOT

GPU = "<!-- measured by tests/gpu_day.sh -->\n"
PLACES = (
    ("README.md", report.BEGIN),
    ("docs/performance.md", report.BEGIN),
    ("docs/performance.md", report.STARTS),
    ("docs/performance.md", GPU),
    ("docs/performance.md", report.AVX2),
)
HELD = {b.strip() for b in (report.BEGIN, report.STARTS, report.LAUNCH, report.AVX2, GPU, cuda_table.BEGIN)}
"""Here, and by `python -m cuda_table --check`, which CI runs; `test_docs.py` writes its own tables anew."""


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
    assert measured(*PLACES[0]) == report.excerpt(measured(*PLACES[1]), HEADLINES)


def test_rows_are_what_the_commands_measure() -> None:
    assert [row[0] for row in rows(*PLACES[1])] == [f"{w.title}, {w.precision}" for w in workloads()]
    assert [row[0] for row in rows(*PLACES[4])] == [f"{w.title}, {w.precision}" for w in workloads()]
    assert [row[0] for row in rows(*PLACES[0])] == list(HEADLINES)
    assert [row[0] for row in rows(*PLACES[2])] == [w.title for w in starts.WORKLOADS]


@pytest.mark.parametrize(("document", "begin"), PLACES)
def test_ratios_follow_from_the_times(document: str, begin: str) -> None:
    """A printed time and the printed time of netc, each rounded to its digits, leave an interval for their ratio."""
    seen = 0
    for row in rows(document, begin):
        ours = interval(row[1].strip("*"))
        for cell in row[2:]:
            if match := re.fullmatch(r"~?([\d.]+(?:e\+\d+)?) \(([\d.]+)×\)", cell):
                low, high = interval(match[1])
                least, most = interval(match[2])
                assert low / ours[1] <= most, (row[0], cell)
                assert high / ours[0] >= least, (row[0], cell)
                seen += 1
    assert seen


def test_the_table_of_a_gpu_is_what_its_command_writes() -> None:
    assert measured("docs/performance.md", GPU).startswith(cuda.heading())
    seen = 0
    for row in rows("docs/performance.md", GPU):
        for aim in filter(None, row[-1].split("; ")):
            wanted, word, reached = re.fullmatch(r"(.+): (met|\*\*missed\*\*) \((.+)\)", aim).groups()
            least = 1.0 if wanted.startswith("not slower") else figure(wanted)
            assert (figure(reached) >= least) == (word == "met"), aim
            seen += 1
    assert seen


def figure(text: str) -> float:
    """`5× JAX` or `20% of the peak`."""
    return float(re.match(r"[\d.]+", text)[0])


def test_every_table_that_a_command_writes_is_held() -> None:
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = {m[0] for file in documents for m in re.finditer(r"<!--.*?-->", file.read_text(encoding="utf-8"))}
    written = {
        m for m in found if "end of" not in m and not tables.MARKED.search(f"{m}\n<!-- end of the table -->")
    }
    assert written - {m for m in found if m.startswith("<!-- table: ")} == HELD


def interval(text: str) -> tuple[float, float]:
    """The numbers that are printed so: half a unit of the last digit that is shown, either way."""
    digits, _, power = text.partition("e")
    half = 0.5 * 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return float(text) - half, float(text) + half
