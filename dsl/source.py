"""Source text and the spans that point into it."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property

from netc.dsl.record import record


@record
class Source:
    """A text with a name: what was read, before anything is understood."""

    name: str
    """As shown in messages: the path as the user gave it, or `<text>`."""
    text: str = field(repr=False)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of a character offset, both counted from 1."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


@record
class Span:
    """A stretch of characters `[start, end)` of one source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def quoted(self) -> str:
        """The text on one line."""
        return " ".join(self.text.split())

    def to(self, other: Span) -> Span:
        """The stretch from the start of this one to the end of the other."""
        return Span(self.source, self.start, max(self.end, other.end))


NOWHERE = Span(Source("<netc>", ""), 0, 0)
"""The span of what no user wrote (overrides, derived parts)."""
