"""Answers that take a second to find and change with netc alone, kept as JSON in the folder of the kernels.

An answer stands under the checksum of all that it follows from, the text of netc and of its library included.
One that is damaged is found anew, one that cannot be written is found anew each time.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from netc.runtime.atomic import write_text
from netc.runtime.devices.cache_folder import ANSWERS, own_folder

Rows = list[list[str]]


def remembered(question: str, find: Callable[[], Rows]) -> Rows:
    """What `find` gives for this question, from the cache where it is there."""
    try:
        path = own_folder() / f"{ANSWERS}{_key(question)}.json"
    except OSError:  # the cache is a convenience
        return find()
    rows = _read(path)
    if rows is None:
        rows = find()
        with suppress(OSError):
            write_text(path, json.dumps(rows, indent=1))
    return rows


def _read(path: Path) -> Rows | None:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(rows, list) and all(
        isinstance(row, list) and row and all(isinstance(cell, str) for cell in row) for row in rows
    )
    return rows if whole else None


def _key(question: str) -> str:
    digest = hashlib.sha256()
    for part in (question, sys.version, version("numpy")):
        digest.update(part.encode() + b"\0")
    root = Path(__file__).parents[2]
    for folder in ("dsl", "compiler"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".py", ".net"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:24]
