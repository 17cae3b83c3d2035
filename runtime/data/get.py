"""`netc data get NAME`: brings the files of an IDX set to where `load` finds them, checked by their sha256.

The only module that opens a network connection, and it does so at the user's command alone.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import urllib.request
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError

from netc.dsl.source import Source, Span
from netc.runtime.data.errors import data_error
from netc.runtime.data.named_sets import IDX_FILES, data_folders, idx_file, require_known

_CHECKSUMS = {
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion_mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
"""sha256 of the unpacked files, in the order of IDX_FILES."""

_ADDRESSES = {
    # The first author's own page no longer hands them out; these two keep exact copies.
    "mnist": (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    "fashion_mnist": ("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",),
}

_MOST_BYTES = 64 * 2**20
"""Of one packed file; the largest has 26 MB."""

OpenUrl = Callable[[str], IO[bytes]]


@dataclass(frozen=True)
class Delivery:
    folder: Path
    brought: tuple[str, ...]
    kept: tuple[str, ...]
    """Files that were there already, with the right checksum."""


def get(
    name: str,
    *,
    source_folder: Path | None = None,
    destination: Path | None = None,
    progress: Callable[[str], None] = lambda file: None,
    open_url: OpenUrl | None = None,
) -> Delivery:
    """Brings the files of `name` from `source_folder`, or from their official addresses.

    `destination` is by default the folder NETC_DATA or the user's data folder; NAME becomes a folder in it.
    Raises DataError if a file is missing, wrong, or cannot be had.
    """
    text = f"netc data get {name}"
    span = Span(Source("command line", text), len(text) - len(name), len(text))
    entry = require_known(name, span)
    if name not in _CHECKSUMS:
        how = "part of netc" if entry.kind == "shipped" else "part of scikit-learn"
        hints = ["pip install 'netc[datasets]' brings it"] if entry.kind == "scikit-learn" else []
        raise data_error("E0617", f"'{name}' needs no download: it is {how}", span, hints=hints)
    folder = (destination or data_folders(None)[0]) / name
    brought, kept = [], []
    for file, sha in zip(IDX_FILES, _CHECKSUMS[name], strict=True):
        if (there := idx_file(folder, file)) and _sha256(there.read_bytes()) == sha:
            kept.append(file)
            continue
        progress(file)
        if source_folder:
            content = _copied(source_folder, name, file, sha, span)
        else:
            content = _downloaded(name, file, sha, open_url or _open_url, span)
        _write(folder / f"{file}.gz", content, span)
        brought.append(file)
    return Delivery(folder, tuple(brought), tuple(kept))


def _copied(source: Path, name: str, file: str, sha: str, span: Span) -> bytes:
    """The packed bytes of a file in the folder, or in its subfolder of the set's name."""
    inner = (source, source / name, source / name.replace("_", "-"))
    path = next((found for folder in inner if (found := idx_file(folder, file))), None)
    if path is None:
        notes = [f"needed are {', '.join(IDX_FILES)}, each plain or as .gz"]
        raise data_error("E0601", f"there is no {file} in {source}", span, notes=notes)
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise data_error("E0603", f"{path} cannot be read: {problem.strerror}", span) from None
    if (found_sha := _sha256(content)) != sha:
        notes = [f"sha256 {found_sha}", f"  wanted {sha}"]
        raise data_error("E0618", f"{path} is not the official file of {name}", span, notes=notes)
    return _packed(content)


def _downloaded(name: str, file: str, sha: str, open_url: OpenUrl, span: Span) -> bytes:
    notes = []
    for address in _ADDRESSES[name]:
        url = f"{address}{file}.gz"
        try:
            with open_url(url) as answer:
                content = answer.read(_MOST_BYTES)
        except (OSError, HTTPException) as problem:
            notes.append(f"{url}: {_reason(problem)}")
            continue
        if _sha256(content) == sha:
            return _packed(content)
        notes.append(f"{url}: what came is not the official file (its sha256 differs)")
    hint = f"where there is no network: netc data get {name} --from FOLDER, with the files in FOLDER"
    raise data_error("E0617", f"{file} of {name} could not be downloaded", span, notes=notes, hints=[hint])


def _open_url(url: str) -> IO[bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": "netc"})
    answer: IO[bytes] = urllib.request.urlopen(request, timeout=30)
    return answer


def _reason(problem: Exception) -> str:
    match problem:
        case HTTPError():
            return f"the server answers {problem.code} {problem.reason}"
        case URLError():
            return f"no connection ({problem.reason})"
        case TimeoutError():
            return "no answer within 30 seconds"
        case _:
            return f"the connection broke ({problem})"


def _sha256(content: bytes) -> str:
    """Of the unpacked content; of the bytes themselves if they cannot be unpacked."""
    if content.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error):
            content = gzip.decompress(content)
    return hashlib.sha256(content).hexdigest()


def _packed(content: bytes) -> bytes:
    return content if content.startswith(b"\x1f\x8b") else gzip.compress(content, 6, mtime=0)


def _write(path: Path, content: bytes, span: Span) -> None:
    """Whole or not at all: a reader never sees half a file."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as problem:
        with suppress(OSError):
            part.unlink()
        raise data_error("E0603", f"{path} cannot be written: {problem.strerror}", span) from None
