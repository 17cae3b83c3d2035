"""Columns -> a Parquet file, as pandas and others open it: one schema, plain pages, no compression.

Written here in a hundred lines rather than by a library of a hundred megabytes; format as in
github.com/apache/parquet-format (README, Encodings.md, parquet.thrift), its metadata in Thrift's compact protocol.
Columns are whole numbers, floats or texts out of a few; none has missing values. Does not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from netc.runtime.parameters import Array

MAGIC = b"PAR1"
INT64, DOUBLE, BYTE_ARRAY = 2, 5, 6
PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
DATA_PAGE, DICTIONARY_PAGE = 0, 2


@dataclass(frozen=True, eq=False)
class Texts:
    """A column of texts out of a few."""

    codes: Array
    """(rows,) index into `words`, below 256."""
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)


Columns = Mapping[str, Array | Texts]


def write(file: IO[bytes], groups: Iterable[Columns], made_by: str) -> None:
    """Row group by row group; all have the same columns, those of a group the same length."""
    file.write(MAGIC)
    rows, written = 0, []
    schema: list[Struct] = []
    for columns in groups:
        count = len(next(iter(columns.values())))
        schema = schema or _schema(columns)
        written.append(_group(file, columns, count))
        rows += count
    footer = _struct((1, 1), (2, schema), (3, Long(rows)), (4, written), (6, made_by.encode()))
    file.write(footer.content + struct.pack("<I", len(footer.content)) + MAGIC)


def _schema(columns: Columns) -> list[Struct]:
    found = [_struct((4, b"schema"), (5, len(columns)))]
    for name, column in columns.items():
        text = [(6, 0)] if isinstance(column, Texts) else []  # converted type UTF8
        found.append(_struct((1, _type(column)), (3, 0), (4, name.encode()), *text))
    return found


def _type(column: Array | Texts) -> int:
    if isinstance(column, Texts):
        return BYTE_ARRAY
    return DOUBLE if column.dtype.kind == "f" else INT64


def _group(file: IO[bytes], columns: Columns, rows: int) -> Struct:
    """One page a column, before it the dictionary of texts."""
    begin, chunks = file.tell(), []
    for name, column in columns.items():
        start = file.tell()
        dictionary: list[Field] = []
        if isinstance(column, Texts):
            words = b"".join(struct.pack("<I", len(w.encode())) + w.encode() for w in column.words)
            head = (7, _struct((1, len(column.words)), (2, PLAIN)))
            _page(file, DICTIONARY_PAGE, words, head)
            dictionary, encoding = [(11, Long(start))], RLE_DICTIONARY
            content = _bytes_as_indices(column.codes)
        else:
            encoding = PLAIN
            content = column.astype("<f8" if column.dtype.kind == "f" else "<i8").tobytes()
        data = file.tell()
        _page(file, DATA_PAGE, content, (5, _struct((1, rows), (2, encoding), (3, RLE), (4, RLE))))
        size = Long(file.tell() - start)
        encodings = [encoding, PLAIN] if dictionary else [encoding]
        about = _struct((1, _type(column)), (2, encodings), (3, [name.encode()]), (4, 0), (5, Long(rows)),
                        (6, size), (7, size), (9, Long(data)), *dictionary)  # fmt: skip
        chunks.append(_struct((2, Long(start)), (3, about)))
    return _struct((1, chunks), (2, Long(file.tell() - begin)), (3, Long(rows)))


def _page(file: IO[bytes], kind: int, content: bytes, head: Field) -> None:
    file.write(_struct((1, kind), (2, len(content)), (3, len(content)), head).content + content)


def _bytes_as_indices(codes: Array) -> bytes:
    """Bit-packed indices of width 8: groups of eight, which are eight bytes."""
    groups = -(-len(codes) // 8)
    padded = np.zeros(8 * groups, np.uint8)
    padded[: len(codes)] = codes
    return bytes([8]) + _varint(groups << 1 | 1) + padded.tobytes()


# -- Thrift's compact protocol -----------------------------------------------------------------------


class Long(int):
    """An i64; other whole numbers are i32."""


@dataclass(frozen=True)
class Struct:
    content: bytes


Field = tuple[int, Any]
"""Number and value: int, Long, bytes, Struct, or a list of one kind."""


def _struct(*fields: Field) -> Struct:
    content, before = bytearray(), 0
    for number, value in fields:
        content += bytes([(number - before) << 4 | _kind(value)]) + _value(value)
        before = number
    return Struct(bytes(content) + b"\0")


def _kind(value: Any) -> int:
    match value:
        case Long():
            return 6
        case int():
            return 5
        case bytes():
            return 8
        case list():
            return 9
        case _:
            return 12


def _value(value: Any) -> bytes:
    match value:
        case int():
            return _varint(value << 1)  # zigzag of what is never negative
        case bytes():
            return _varint(len(value)) + value
        case list():
            kind = _kind(value[0]) if value else 12
            head = (
                bytes([len(value) << 4 | kind])
                if len(value) < 15
                else bytes([0xF0 | kind]) + _varint(len(value))
            )
            return head + b"".join(map(_value, value))
        case _:
            content: bytes = value.content
            return content


def _varint(value: int) -> bytes:
    return bytes(_sevens(value))


def _sevens(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
