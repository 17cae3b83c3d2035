"""The bytes of a text file as lines, decoded as they are read. What stands in them is `readers_csv.py`'s."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from netc.dsl.source import Span
from netc.runtime.data.errors import data_error

_PIECE = 2**20
"""Bytes that are decoded at once."""


@dataclass(frozen=True)
class Text:
    """The bytes of a file and where its table begins in them. They are decoded line by line, so that neither the text nor
    its cells are ever there as a whole."""

    content: bytes
    start: int

    def lines(self, ends: Literal["", "\n"] = "") -> Iterator[str]:
        """With their ends; all of \\n, \\r and \\r\\n are such, or \\n alone."""
        file = io.BytesIO(self.content)  # shares the bytes
        file.seek(self.start)
        return io.TextIOWrapper(file, "utf-8", newline=ends)


def require_utf8(path: Path, content: bytes, span: Span) -> None:
    halves = (content[:200:2], content[1:200:2])  # of UTF-16 without a mark one of the two is zeros, mostly
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or any(2 * h.count(0) > len(h) for h in halves):
        raise data_error(
            "E0603",
            f"{path.name} is UTF-16 text, not UTF-8",
            span,
            hints=["save it as 'CSV UTF-8'; spreadsheets call the other one 'Unicode text'"],
        )
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(content), _PIECE):
            decoder.decode(content[at : at + _PIECE], final=at + _PIECE >= len(content))
    except UnicodeDecodeError:
        at, byte = _not_utf8(content)
        row = content.count(b"\n", 0, at) + 1
        message = f"{path.name}, row {row}: the byte 0x{byte:02x} is not UTF-8 text"
        hint = "save the file with the encoding UTF-8"
        raise data_error("E0603", message, span, hints=[hint]) from None


def _not_utf8(content: bytes) -> tuple[int, int]:
    """Where the first such byte is, and which."""
    try:
        content.decode()
    except UnicodeDecodeError as problem:
        return problem.start, content[problem.start]
    raise AssertionError("it is UTF-8")


def table_in(content: bytes) -> tuple[Text, str]:
    """The text of a table, and the sign in `sep=;`, which Excel reads and writes as a line before it."""
    mark = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    head = content[mark : mark + 20].decode(errors="ignore")
    found = re.match(r'"?sep=([^\w\s]|\t)"?(?=[\r\n])', head, re.IGNORECASE)
    start = mark + len(head[: found.end()].encode()) if found else mark
    return Text(content, start), found[1] if found else ""
