"""Data files to tables: finds the reader for a file and turns its failures into messages.

Formats: text tables (.csv .tsv .txt .dat), .npy, .npz, .parquet and IDX (the format of MNIST), each of them
plain or gzipped. Nothing pickled is ever loaded.
"""

from __future__ import annotations

import io
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import AS_FOUND, TextStyle
from netc.dsl.source import Span
from netc.runtime.data.bounds import TooLarge, content_of, opened, require_lines, require_unpackable
from netc.runtime.data.errors import DAMAGED, DataError, Unfit, data_error, did_you_mean, listing
from netc.runtime.data.readers_csv import read_csv
from netc.runtime.data.readers_parquet import read_parquet
from netc.runtime.data.table import Table, from_array

FORMATS = ".csv, .tsv, .npy, .npz, .parquet and IDX files (also gzipped)"
_PAIRS = (("x", "y"), ("X", "y"), ("X", "Y"), ("inputs", "targets"), ("data", "target"))
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

_PICKLED = (
    "it holds pickled Python objects, which are never loaded: they could run any program",
    "save plain numbers: numpy.save(file, array.astype(float))",
)


def read_file(path: Path, span: Span, style: TextStyle = AS_FOUND) -> tuple[Table, ...]:
    """One table, or two (inputs, targets) where the file holds both apart (.npz). `style` is of text tables."""
    suffix = path.with_suffix("").suffix.lower() if path.suffix == ".gz" else path.suffix.lower()
    with _failures_told(path, span):
        if suffix in (".npz", ".parquet"):
            with opened(path) as file:
                return _read_by_parts(path, suffix, file, span)
        content = content_of(path)
        if not content:
            raise _empty(path, span)
        match suffix:
            case ".csv" | ".tsv" | ".txt" | ".dat":
                require_lines(content)
                return (read_csv(path, content, span, style),)
            case ".npy":
                return (from_array(path.name, _npy(content)),)
            case _ if re.match(rb"\x00\x00[\x08-\x0e][\x01-\x08]", content):
                return (from_array(path.name, idx_array(content)),)
    hint = "save the sheet as 'CSV UTF-8'" if suffix in (".xlsx", ".xls", ".ods") else ""
    message = f"{path.name} is of no format that is known here"
    raise data_error("E0604", message, span, notes=[f"read are {FORMATS}"], hints=[hint])


def read_bytes(path: Path, span: Span) -> bytes:
    """The bytes of a file, unpacked if it is gzipped."""
    with _failures_told(path, span):
        return content_of(path)


@contextmanager
def _failures_told(path: Path, span: Span) -> Iterator[None]:
    """Raises a DataError for what goes wrong with a file."""
    if os.path.isdir(path):
        files = sorted(entry.name for entry in path.iterdir() if entry.is_file())
        notes = [f"files in it: {listing(files)}"] if files else ["it is empty"]
        raise data_error("E0601", f"{path.name} is a folder, not a data file", span, notes=notes)
    try:
        yield
    except FileNotFoundError:
        raise _missing(path, span) from None
    except (Unfit, TooLarge, EOFError, zlib.error, OSError) as problem:
        why: object = problem.strerror if isinstance(problem, OSError) else problem
        why = DAMAGED if isinstance(problem, EOFError | zlib.error) else why
        hints = problem.hints if isinstance(problem, Unfit) else ()
        raise data_error("E0603", f"{path.name} cannot be read: {why}", span, hints=hints) from None


def _empty(path: Path, span: Span) -> DataError:
    return data_error("E0607", f"{path.name} is empty (0 bytes)", span)


def idx_array(content: bytes) -> NDArray[Any]:
    """The array in an IDX file; Unfit where the file does not hold what its header says.

    Layout: two zero bytes, type code, number of axes, the axes as big-endian 32-bit integers, the values
    (Y. LeCun, "The MNIST database of handwritten digits").
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise Unfit("its first bytes are not those of an IDX file")
    kind, axes = np.dtype(_IDX_TYPES[content[2]]), content[3]
    if axes == 0 or len(content) < 4 + 4 * axes:
        raise Unfit(DAMAGED)
    shape = struct.unpack_from(f">{axes}I", content, 4)
    expected = kind.itemsize * math.prod(shape)
    held = len(content) - 4 - 4 * axes
    if expected == 0:
        raise Unfit("it is an IDX file without values")
    if held != expected:
        sizes = " x ".join(map(str, shape))
        raise Unfit(f"its header promises {sizes} values, {expected} bytes, but it holds {held} bytes")
    return np.frombuffer(content, kind, offset=4 + 4 * axes).reshape(shape)


def _missing(path: Path, span: Span) -> DataError:
    folder = path.parent
    if not os.path.isdir(folder):  # unlike Path.is_dir() no error where a name is too long
        hints = ["data are files on this machine: fetch them first"] if "://" in span.text else []
        return data_error(
            "E0601", f"there is no folder {folder}, where {path.name} should be", span, hints=hints
        )
    here = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    notes = [f"looked for {path}; paths are relative to the .net file"]
    return data_error(
        "E0601", f"there is no file {path.name}", span, notes=notes, hints=[did_you_mean(path.name, here)]
    )


def _npy(content: bytes) -> NDArray[Any]:
    if content.startswith(b"\x80"):
        raise Unfit(*_PICKLED)
    if not content.startswith(b"\x93NUMPY"):
        raise Unfit("its first bytes are not those of a .npy file")
    try:
        array = _where_it_lies(content)
    except Exception as problem:
        raise _numpy_problem(problem) from None
    return _sample_axis(array)


def _where_it_lies(content: bytes) -> NDArray[Any]:
    """The array of a .npy file; of plain numbers no copy is made."""
    file = io.BytesIO(content)  # shares the bytes
    heads = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    head = heads.get(np.lib.format.read_magic(file))
    if head is not None:
        shape, by_columns, kind = head(file)
        size = math.prod(shape)
        if kind.kind in "biuf" and size:
            flat = np.frombuffer(content, kind, size, file.tell())
            return flat.reshape(shape, order="F" if by_columns else "C")
    found: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return found


def _numpy_problem(problem: Exception) -> Unfit:
    """NumPy parses headers as Python literals, and a damaged one raises nearly anything."""
    return Unfit(*_PICKLED) if "pickle" in str(problem).lower() else Unfit(DAMAGED)


def _sample_axis(array: Any) -> NDArray[Any]:
    if not isinstance(array, np.ndarray):
        raise Unfit("it holds something that is no array")
    if array.ndim == 0:
        raise Unfit("it holds a single number, not an array of samples")
    return array


def _read_by_parts(path: Path, suffix: str, file: BinaryIO, span: Span) -> tuple[Table, ...]:
    """Archives of arrays or columns, which are never in memory as a whole."""
    size = file.seek(0, os.SEEK_END)
    if not size:
        raise _empty(path, span)
    file.seek(0)
    return _read_npz(path, file, size, span) if suffix == ".npz" else (read_parquet(path, file, size, span),)


def _read_npz(path: Path, file: BinaryIO, size: int, span: Span) -> tuple[Table, ...]:
    try:
        with zipfile.ZipFile(file) as members:
            require_unpackable(sum(member.file_size for member in members.infolist()), size)
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
    except TooLarge:
        raise
    except Exception as problem:
        raise _numpy_problem(problem) from None
    arrays = {name: _sample_axis(array) for name, array in held.items()}
    names = list(arrays)
    pair = next((pair for pair in _PAIRS if set(pair) <= set(names)), tuple(names))
    match pair:
        case (single,):
            return (from_array(path.name, arrays[single]),)
        case (x, y):
            return from_array(f"{path.name}[{x}]", arrays[x], "x"), from_array(
                f"{path.name}[{y}]", arrays[y], "y"
            )
        case ():
            raise data_error("E0607", f"{path.name} holds no arrays", span)
        case _:
            raise data_error(
                "E0604",
                f"{path.name} holds {len(names)} arrays whose names do not say which are inputs and targets",
                span,
                notes=[f"arrays: {listing(names)}"],
                hints=["call them x and y, as numpy.savez(file, x=..., y=...) does"],
            )
