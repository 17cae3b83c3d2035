"""Files to bytes: regular files only, and no more than is asked for. What a file holds is judged by others.

A device, a pipe or a socket would never end, or never begin.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netc.dsl.encoding import decoded

LARGEST_TEXT = 2**24
"""Bytes of a `.net` file; the longest that anyone wrote has some thousand."""


class NotReadable(OSError):
    """Not a regular file, or too large; `strerror` says it."""


@contextmanager
def opened(path: Path, most: int) -> Iterator[BinaryIO]:
    """A file that is read in here and nowhere else. Raises OSError; at the end as well, where it has been written to."""
    # Opened so that a pipe nobody writes to does not wait; what it is is asked of what is open.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(about.st_mode):
            raise NotReadable(errno.EINVAL, "it is a device or a pipe, not a file", str(path))
        if about.st_size > most:
            raise _larger(path, most)
        yield file
        now = os.fstat(handle)
        if (now.st_size, now.st_mtime_ns) != (about.st_size, about.st_mtime_ns):
            raise NotReadable(
                errno.EAGAIN, "it was written to while it was read: once more, when it is whole", str(path)
            )


def read_bytes(path: Path, most: int) -> bytes:
    """The bytes of a file. Raises OSError."""
    with opened(path, most) as file:
        content, piece = b"", os.fstat(file.fileno()).st_size + 1
        while len(content) <= most and (more := file.read(piece)):
            content, piece = content + more, 2**20  # in /proc there are files that say they hold nothing
        if len(content) > most:
            raise _larger(path, most)
    return content


def _larger(path: Path, most: int) -> NotReadable:
    return NotReadable(errno.EFBIG, f"it is larger than {_size(most)}", str(path))


def require_regular(path: Path) -> None:
    """Raises OSError unless it is a file, which others may then open."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise NotReadable(errno.EINVAL, "it is a device or a pipe, not a file", str(path))


def read_text(path: Path, name: str | None = None) -> str:
    """The text of a `.net` file; `name` is that in messages. Raises OSError or SpecError."""
    return decoded(name or str(path), read_bytes(path, LARGEST_TEXT))


def _size(count: int) -> str:
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.3g} MiB"
