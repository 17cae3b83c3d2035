"""Errors are data: what is wrong, where, and the likely fix. Drawing them is `render`'s alone.

Stages collect diagnostics and raise them once, together, as a `SpecError`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from netc.dsl.source import Span


@dataclass(frozen=True)
class Diagnostic:
    """One thing the user should know.

    `code` is stable (`E0101`); `netc explain CODE` tells its longer story, kept in `dsl/codes.py`.
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
    return "\n".join(lines)


def _head(d: Diagnostic) -> str:
    line, column = d.span.source.position(d.span.start)
    return f"{d.span.source.name}:{line}:{column}: {d.severity}[{d.code}]: {d.message}"


def _excerpt(span: Span, label: str) -> list[str]:
    """The line with carets under the span; a span over several lines is drawn on its first."""
    line, column = span.source.position(span.start)
    text = span.source.lines[line - 1] if span.source.text else ""
    if not text.strip() and not label:
        return []
    width = max(1, min(span.end - span.start, len(text) - column + 1))
    gutter = " " * len(str(line))
    # Tabs keep their width in both lines, so that the carets stay under their text.
    pad = "".join("\t" if c == "\t" else " " for c in text[: column - 1])
    return [f"  {line} | {text}", f"  {gutter} | {pad}{'^' * width} {label}".rstrip()]
