"""Errors are data: what is wrong, where, and the likely fix. Drawing them is `render`'s alone.

Stages collect diagnostics and raise them once, together, as a `SpecError`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from unicodedata import combining, east_asian_width

from netc.dsl.record import record
from netc.dsl.source import Span
from netc.dsl.visible import visible


@record
class Diagnostic:
    """One thing the user should know.

    `code` is stable (`E0101`); `netc explain CODE` tells its longer story, kept in `dsl/stories/codes.py`.
    """

    code: str
    message: str
    """One line, in the user's terms, no final stop."""
    span: Span
    label: str = ""
    """A few words beside the carets."""
    related: tuple[tuple[Span, str], ...] = ()
    """Other places, each with what it has to do with this one."""
    notes: tuple[str, ...] = ()
    """Facts below the excerpt, one line each (candidates with their equations, ...)."""
    hints: tuple[str, ...] = ()
    """The likely fix."""
    severity: Literal["error", "warning"] = "error"


class SpecError(Exception):
    """The file has errors; `diagnostics` holds all of them in the order of the text."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: (d.span.source.name, d.span.start)))
        super().__init__(render(self.diagnostics))


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """The text that a person reads, carets and all; without colours."""
    return "\n\n".join(_draw(d) for d in diagnostics)


def _draw(d: Diagnostic) -> str:
    lines = [_head(d), *_excerpt(d.span, d.label)]
    for span, words in d.related:
        line, column = span.source.position(span.start)
        lines += [f"  {span.source.name}:{line}:{column}: {words}", *_excerpt(span, "")]
    lines += [f"  {note}" for note in d.notes]
    lines += [f"  hint: {hint}" for hint in d.hints]
    return "\n".join(map(visible, lines))


def _head(d: Diagnostic) -> str:
    line, column = d.span.source.position(d.span.start)
    return f"{d.span.source.name}:{line}:{column}: {d.severity}[{d.code}]: {d.message}"


WIDEST = 120
"""Characters of a line that are shown; of a longer one, those around the span."""


def _excerpt(span: Span, label: str) -> list[str]:
    """The line with carets under the span; a span over several lines is drawn on its first."""
    line, column = span.source.position(span.start)
    text = span.source.lines[line - 1].rstrip("\r") if span.source.text else ""
    if not text.strip() and not label:
        return []
    start = min(column - 1, len(text))
    end = max(start, min(start + span.end - span.start, len(text)))
    text, start, end = _clipped(text, start, end)
    gutter = " " * len(str(line))
    # Tabs keep their width in both lines, so that the carets stay under their text.
    pad = "".join("\t" if c == "\t" else " " * _cells(c) for c in text[:start])
    carets = "^" * max(1, sum(map(_cells, text[start:end])))
    return [f"  {line} | {text}", f"  {gutter} | {pad}{carets} {label}".rstrip()]


def _clipped(text: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a long line around `[start, end)`, with the same stretch counted in it."""
    if len(text) <= WIDEST:
        return text, start, end
    first = max(0, min(start - WIDEST // 4, len(text) - WIDEST))
    last = first + WIDEST
    head, tail = "... " if first > 0 else "", " ..." if last < len(text) else ""
    shift = len(head) - first
    return head + text[first:last] + tail, start + shift, min(end, last) + shift


def _cells(character: str) -> int:
    """The columns that a terminal gives to a character (Unicode Annex 11)."""
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
