"""The folder in which compiled kernels are kept: where it is, whose it is, what is in it.

Which of the entries are undamaged is for `load` to say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from netc.dsl.own import is_own

PREFIX = "netc_kernels_"
ANSWERS = "netc_answers_"
"""Of the files of `devices/answer_cache.py`, which lie in the same folder."""


@dataclass(frozen=True)
class CacheInfo:
    """What is on disk: the folder, how many modules, how many bytes."""

    folder: Path
    entries: int
    size: int


def cache_folder() -> Path:
    """`NETC_CACHE` if set, else the user's cache folder for netc."""
    if chosen := os.environ.get("NETC_CACHE"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("netc") / "kernels"


def own_folder() -> Path:
    """The cache folder; in one that others may write to, a folder in it that is this user's alone.

    Whoever writes machine code into it has it executed. Raises OSError where there is no such folder.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not is_own(folder):
        folder /= f"of-{os.getuid()}"
        folder.mkdir(exist_ok=True, mode=0o700)
    machine_code = folder / "__pycache__"
    machine_code.mkdir(exist_ok=True, mode=0o700)
    if is_own(folder) and not is_own(machine_code):
        machine_code.chmod(0o700)  # made by numba, with the rights that files have here
    if not (is_own(folder) and is_own(machine_code) and os.access(folder, os.W_OK)):
        raise PermissionError(folder)
    return folder


def cache_info() -> CacheInfo:
    folder = cache_folder()
    with suppress(OSError):
        folder = own_folder()
    files = [file for file in _files(folder) if file.is_file()]
    entries = sum(file.suffix == ".py" for file in files)
    return CacheInfo(folder, entries, sum(file.stat().st_size for file in files))


def cache_clear() -> CacheInfo:
    """Removes every entry; returns what was there. Other files in the folder are left alone."""
    before = cache_info()
    for file in list(_files(before.folder)):
        file.unlink(missing_ok=True)
    return before


def _files(folder: Path) -> Iterator[Path]:
    yield from folder.glob(f"{PREFIX}*")
    yield from folder.glob(f"{ANSWERS}*")
    yield from (folder / "__pycache__").glob(f"{PREFIX}*")
