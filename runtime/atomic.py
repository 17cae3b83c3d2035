"""Files that are either whole or not there: written under another name, then renamed."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}")
"""As `tempfile` makes names."""


def write_bytes(path: Path, content: bytes) -> None:
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes the place of `path` once it is whole. It has the rights of the old one.

    Where the system allows it has no name before that, so that a process that is killed leaves nothing behind; but for
    the moment in which a whole file takes the place of an old one, see `leftovers`.
    """
    handle, temporary = _nameless(path.parent), ""
    if handle < 0:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.chmod(handle, _rights(path))
            if not temporary:
                with suppress(FileExistsError):
                    _name(handle, path)
                    return
                temporary = tempfile.mktemp(prefix=f".{path.name}.", dir=path.parent)
                _name(handle, temporary)
        os.replace(temporary, path)
    except BaseException:
        if temporary:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        raise


def leftovers(folder: Path) -> Iterator[Path]:
    """What killed processes left there. Of a folder in which no other process writes."""
    return (file for file in folder.glob(".*") if _TEMPORARY.fullmatch(file.name) and not file.is_dir())


def _name(handle: int, path: str | Path) -> None:
    # With a folder's number it follows the link that /proc holds; an absolute path does not look at it.
    os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle, follow_symlinks=True)


def _nameless(folder: Path) -> int:
    """A file without a name, or -1: of Linux, and not of all its file systems."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return -1
    try:
        return os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError:
        return -1


def _rights(path: Path) -> int:
    try:
        return os.lstat(path).st_mode & 0o777 if not path.is_symlink() else 0o666 & ~_umask()
    except OSError:
        return 0o666 & ~_umask()


def write_text(path: Path, content: str) -> None:
    write_bytes(path, content.encode())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
