"""How much of a data file is read: what the memory holds, and what unpacks from it within reason.

Sizes are asked before anything is read or unpacked, so that a file that is larger than it looks costs a message.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netc.dsl import reading
from netc.runtime.free_room import free_memory, size

SHARE = 0.25
"""Of the free memory, what the bytes of a file may take: as numbers they take two to four times as much."""
SMALL, RATIO = 2**28, 100
"""What may always be unpacked, and above it so many times the packed size: text shrinks to a tenth or so."""
LONGEST_LINE = 2**24
"""Bytes between two ends of lines in a table of text."""
PIECE = 2**20


class TooLarge(Exception):
    """Why it is not read."""


def most() -> int:
    return int(SHARE * free_memory())


def unpacked_most(packed: int) -> int:
    return min(most(), max(SMALL, RATIO * packed))


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file; of one that is gzipped what is in it, in memory. Raises OSError, EOFError, zlib.error, TooLarge."""
    with reading.opened(path, most()) as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        yield io.BytesIO(_gunzip(file.read())) if packed else file


def content_of(path: Path) -> bytes:
    """Its bytes, unpacked if it is gzipped. Raises the same."""
    content = reading.read_bytes(path, most())
    return _gunzip(content) if content.startswith(b"\x1f\x8b") else content


def _gunzip(packed: bytes) -> bytes:
    """All members of a gzip file, one after the other, in pieces."""
    limit, pieces, held = unpacked_most(len(packed)), [], 0
    while packed:
        one = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not one.eof:
            piece = one.decompress(packed, PIECE)
            held += len(piece)
            if held > limit:
                raise TooLarge(f"unpacked it is larger than {size(limit)}")
            pieces.append(piece)
            packed = one.unconsumed_tail
            if not (piece or packed or one.eof):
                raise EOFError
        packed = one.unused_data.lstrip(b"\0")
    return b"".join(pieces)


def require_unpackable(sizes: int, packed: int) -> None:
    """Of an archive that says how large its members are. Raises TooLarge."""
    if sizes > unpacked_most(packed):
        raise TooLarge(f"unpacked it takes {size(sizes)}")


def require_lines(content: bytes) -> None:
    """Of a table of text. Raises TooLarge with the row."""
    at = row = 0
    while at < len(content):
        end = content.find(b"\n", at, at + LONGEST_LINE + 1)
        if end < 0 and len(content) - at > LONGEST_LINE and b"\r" not in content[at : at + LONGEST_LINE]:
            raise TooLarge(f"row {row + 1} is longer than {size(LONGEST_LINE)}")
        if end < 0:
            return
        # A step of a megabyte: within it no line is too long.
        at = content.rfind(b"\n", at, at + LONGEST_LINE + 1) + 1
        row = content.count(b"\n", 0, at) if len(content) - at > LONGEST_LINE else row
