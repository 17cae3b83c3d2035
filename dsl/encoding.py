"""Bytes to text: a `.net` file is UTF-8, with or without a byte order mark, and lines may end as they like."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE

from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Source, Span


def decoded(name: str, content: bytes) -> str:
    """The text of the file; SpecError with the place where it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError([_not_utf8(name, error)]) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _not_utf8(name: str, error: UnicodeDecodeError) -> Diagnostic:
    """The place, in the text as far as it can be read."""
    content = error.object
    hint = "save the file with the encoding UTF-8"
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return Diagnostic(
            "E0001", "this is UTF-16 text, not UTF-8", Span(Source(name, ""), 0, 0), hints=(hint,)
        )
    at = len(content[: error.start].decode())
    source = Source(name, content.decode(errors="replace"))
    words = f"the byte {content[error.start]:#04x} is not UTF-8 text"
    return Diagnostic("E0001", words, Span(source, at, at + 1), hints=(hint,))
