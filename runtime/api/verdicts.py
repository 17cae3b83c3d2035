"""What became of expectations, as columns: what, the paper's figure, the one found here, the tolerance, the verdict.

Fits the terminal: the words are wrapped, the figures never. Judges nothing (`runtime/results/expect.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

from netc.runtime.results.verdict import Verdict
from netc.terminal import number, paint

HEADS = ("", "paper", "here", "within", "")
GAP = "  "
NARROWEST = 24
"""Characters that the words of a row, and a claim in words, have at least."""
WIDE = 120
"""Where there is no terminal that says."""
COLOURS = {"reproduced": "green", "differs from the paper as stated": "yellow", "FAILED": "red"}


def figure(v: Verdict, value: object) -> str:
    """`21.8%` where the file speaks of percentages; words as they are."""
    if v.percent and isinstance(value, float | int) and not isinstance(value, bool):
        return f"{number(100.0 * value)}%"
    return number(value)


class Table:
    """Blocks of rows, each with its heading, as they come; columns are as wide as in all blocks until then."""

    def __init__(self) -> None:
        self.natural = [len(head) for head in HEADS]
        self.begun = False

    def block(self, heading: str, verdicts: Sequence[Verdict]) -> Iterator[str]:
        rows = [_row(v) for v in verdicts]
        for row in rows:
            self.natural = [max(width, len(cell)) for width, cell in zip(self.natural, row, strict=True)]
        widths = _widths(self.natural)
        if rows and not self.begun:
            self.begun = True
            yield paint(_line(HEADS, widths), dim=True)
        yield heading
        for v, row in zip(verdicts, rows, strict=True):
            first, *rest = _wrapped(row, widths)
            yield first[: len(first) - len(row[-1])] + paint(row[-1], fg=COLOURS[v.words], bold=not v.holds)
            yield from rest
            if not v.holds and v.source:
                yield paint(f"    the file says: {v.text}", dim=True)


def _row(v: Verdict) -> tuple[str, ...]:
    paper = figure(v, v.paper) if v.op else ""
    stated = paper if v.op in ("=", "") or isinstance(v.paper, str) else f"{v.op} {paper}"
    return (v.source or v.text, stated, figure(v, v.value), v.tolerance, v.words)


def _widths(natural: list[int]) -> list[int]:
    """The paper's words, then those of the file, give way where the terminal is too narrow."""
    room = shutil.get_terminal_size((WIDE, 24)).columns - len(GAP) * len(natural)
    widths = list(natural)
    for i in (1, 0):
        too_much = sum(widths) - room
        widths[i] = max(min(widths[i], NARROWEST), widths[i] - max(0, too_much))
    return widths


def _wrapped(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    columns = [wrap(text, max(1, width)) or [""] for text, width in zip(row, widths, strict=True)]
    for cells in zip_longest(*columns, fillvalue=""):
        yield _line(cells, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
    return (GAP + GAP.join(padded)).rstrip()
