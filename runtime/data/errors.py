"""Errors of data: what is raised when data are missing or unfit, and the few phrases all readers share.

Each points at the `.net` statement that asks for the data and names the data file, its row (counted from 1,
as an editor does) and column. The stories of the codes (E06xx) are in `dsl/stories/codes_data.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span


class DataError(SpecError):
    """Data are missing or unfit; the exit status is 3, not 1."""


class Unfit(Exception):
    """Why a file cannot be read, and what helps; for its reader, which knows where that is said."""

    def __init__(self, why: str, *hints: str) -> None:
        super().__init__(why)
        self.hints = hints


DAMAGED = "it is damaged or cut short"


def data_error(
    code: str,
    message: str,
    span: Span,
    *,
    label: str = "",
    notes: Iterable[str] = (),
    hints: Iterable[str] = (),
) -> DataError:
    """To be raised: one diagnostic as an exception."""
    found = Diagnostic(code, message, span, label, notes=tuple(notes), hints=tuple(h for h in hints if h))
    return DataError([found])


def did_you_mean(wrong: str, names: Sequence[str]) -> str:
    """`did you mean 'medv'?`, or nothing."""
    folded = {name.casefold(): name for name in reversed(names)}
    close = get_close_matches(wrong.casefold(), list(folded), n=1, cutoff=0.6)
    return f"did you mean '{folded[close[0]]}'?" if close else ""


def listing(names: Sequence[str], most: int = 12) -> str:
    """`a, b, c, ... (61 in all)`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def count(number: int, thing: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
