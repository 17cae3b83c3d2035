"""Files that a statement names: their absolute path, which must be a text of the language. Reads no file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from netc.compiler.meaning.findings import Report
from netc.dsl import ast
from netc.dsl.lexer import HIDDEN

UNSAYABLE = re.compile(rf"\n|{HIDDEN}|[\ud800-\udfff]")
"""What no text of the language holds: line ends, what nobody can see, bytes that are no UTF-8 (PEP 383)."""


def absolute(text: ast.Text, folder: Path, report: Report) -> str:
    """The path as `spec.net` will say it, so that a run is repeated from anywhere."""
    path = os.path.realpath(folder / text.value)
    if (found := UNSAYABLE.search(path)) is not None:
        what = ord(found[0])
        named = (
            f"the character U+{what:04X}" if what < 0xD800 else f"the byte 0x{what - 0xDC00:02x}, no UTF-8,"
        )
        report.error(
            "E0495",
            text.span,
            f"the path of this file has {named} in it, which no text of a .net file can hold",
            hints=("rename the folder: a run keeps the whole path, so that it can be repeated",),
        )
    return path
