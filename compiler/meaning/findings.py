"""Where the checks put what they find; everything is raised once, together."""

from __future__ import annotations

from collections.abc import Iterable

from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span


class Report:
    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def error(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        label: str = "",
        related: Iterable[tuple[Span, str]] = (),
        notes: Iterable[str] = (),
        hints: Iterable[str] = (),
    ) -> None:
        found = Diagnostic(code, message, span, label, tuple(related), tuple(notes), tuple(hints))
        if not any((code, message, span) == (d.code, d.message, d.span) for d in self.diagnostics):
            self.diagnostics.append(found)  # each phase is checked, with hints of its own

    def warning(self, code: str, span: Span, message: str, hint: str) -> None:
        """What runs, though it is unlikely to be meant."""
        self.diagnostics.append(Diagnostic(code, message, span, hints=(hint,), severity="warning"))

    @property
    def errors(self) -> bool:
        return any(d.severity == "error" for d in self.diagnostics)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity == "warning")

    def finish(self) -> None:
        """Raises what was found, if there is an error among it."""
        if self.errors:
            raise SpecError(self.diagnostics)


def listed(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *some, last = list(words)
    return f"{', '.join(some)} or {last}" if some else last


def counted(number: int, noun: str) -> str:
    """`1 unit`, `3 units`."""
    return f"{number} {noun}" + ("" if number == 1 else "es" if noun.endswith(("ch", "ss")) else "s")


def first_line(span: Span) -> Span:
    """The first line of what may span several, without a comment."""
    line = span.text.split("\n", 1)[0].split("#")[0].rstrip()
    return Span(span.source, span.start, span.start + len(line)) if line else span
