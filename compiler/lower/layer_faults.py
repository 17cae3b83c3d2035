"""What is wrong with a layer on its input, on its way to the report of the check."""

from __future__ import annotations

from collections.abc import Iterable

from netc.dsl.diagnostics import Diagnostic
from netc.dsl.source import Span


class LayerFault(Exception):
    """Raised where it is seen: at a subscript in the text of the layer, or at its use."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def fault(
    code: str,
    span: Span,
    message: str,
    *hints: str,
    label: str = "",
    related: Iterable[tuple[Span, str]] = (),
) -> LayerFault:
    return LayerFault(Diagnostic(code, message, span, label, tuple(related), (), hints))


def used_at(diagnostic: Diagnostic, span: Span, kind: str, name: str) -> Diagnostic:
    """The diagnostic in the file of the user: at the use, where the layer or block is of the library."""
    if diagnostic.span.source == span.source:
        related = (
            ((span, "used here"),) if diagnostic.span.text and not _inside(diagnostic.span, span) else ()
        )
        return Diagnostic(
            diagnostic.code, diagnostic.message, diagnostic.span, diagnostic.label,
            (*diagnostic.related, *related), diagnostic.notes, diagnostic.hints,
        )  # fmt: skip
    note = f"in the {kind} {name}: {diagnostic.span.text}"
    return Diagnostic(
        diagnostic.code, diagnostic.message, span, "", (), (*diagnostic.notes, note), diagnostic.hints
    )


def _inside(part: Span, whole: Span) -> bool:
    return whole.start <= part.start and part.end <= whole.end
