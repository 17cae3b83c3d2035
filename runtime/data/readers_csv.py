"""Text tables: .csv and .tsv as spreadsheets, R, pandas and people write them. The outcome is a `Table`.

Accepted: a header or none (no cell of a header is a number), delimiters `,` `;` tab or blanks (found in the
first line), quoted fields, a byte order mark, any line ends, blank lines, lines that start with `#`.
The decimal sign is a point. Not read: other encodings than UTF-8.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netc.dsl.source import Span
from netc.runtime.data.errors import count, data_error
from netc.runtime.data.table import Table, cells_to_numbers, number

Record = tuple[int, list[str]]
"""Line in the file, fields."""

_CHUNK = 4096


class _Malformed(Exception):
    """A record that the csv module refuses."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row = row


def read_csv(path: Path, content: bytes, span: Span) -> Table:
    """The table in the bytes of a text file."""
    text = _decode(path, content, span)
    delimiter = _delimiter(text, path)
    try:
        return _read(path.name, text, delimiter, span)
    except _Malformed as problem:
        raise data_error("E0603", f"{path.name}, row {problem.row}: {problem}", span) from None


def _read(name: str, text: str, delimiter: str | None, span: Span) -> Table:
    records = _records(text, delimiter)
    first = next(records, None)
    if first is None:
        raise data_error("E0607", f"{name} is empty", span)
    header = not any(_is_number(cell) for cell in first[1])
    width = len(first[1])
    columns = tuple(_column_name(cell, i) if header else f"c{i + 1}" for i, cell in enumerate(first[1]))
    rows = records if header else chain([first], records)
    blocks, lines, texts = [], [], set[int]()
    # float() would take 1_000 for a number: look closer where underscores stand below the header.
    strict = text.count("_") > (sum(cell.count("_") for cell in first[1]) if header else 0)
    while chunk := list(islice(rows, _CHUNK)):
        _check_widths(name, chunk, width, first[0] if header else 0, span)
        block, found = _parse([fields for _, fields in chunk], width, strict)
        blocks.append(block)
        lines += [line for line, _ in chunk]
        texts |= found
    if not blocks:
        raise data_error("E0607", f"{name} has a header but no rows below it", span)
    cells = _text_columns(text, delimiter, sorted(texts), header)
    return Table(name, columns, np.concatenate(blocks), cells, np.array(lines, dtype=np.int64))


def _decode(path: Path, content: bytes, span: Span) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise data_error(
            "E0603",
            f"{path.name} is UTF-16 text, not UTF-8",
            span,
            hints=["save it as 'CSV UTF-8'; spreadsheets call the other one 'Unicode text'"],
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        row = content.count(b"\n", 0, problem.start) + 1
        message = f"{path.name}, row {row}: the byte 0x{content[problem.start]:02x} is not UTF-8 text"
        hint = "save the file with the encoding UTF-8"
        raise data_error("E0603", message, span, hints=[hint]) from None


def _delimiter(text: str, path: Path) -> str | None:
    """The most frequent of tab, comma and semicolon in the first line; None stands for blanks."""
    if ".tsv" in path.suffixes:
        return "\t"
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    bare = re.sub(r'"[^"]*"', "", next(lines, ""))
    best = max(",;\t", key=bare.count)
    if bare.count(best):
        return best
    return None if len(bare.split()) > 1 else ","


def _records(text: str, delimiter: str | None) -> Iterator[Record]:
    """Records that are neither blank nor comments, each with the line it ends on."""
    lines = ("\n" if line.startswith("#") else line for line in io.StringIO(text, newline=""))
    if delimiter is None:
        for at, line in enumerate(lines, start=1):
            if fields := line.split():
                yield at, fields
        return
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True)
    before = 0
    try:
        for fields in reader:
            before = reader.line_num
            if any(fields) and (len(fields) > 1 or fields[0].strip()):
                yield before, fields
    except csv.Error as problem:
        open_quote = "unexpected end" in str(problem)
        raise _Malformed(before + 1, "a quoted field is not closed" if open_quote else str(problem)) from None


def _is_number(cell: str) -> bool:
    value = number(cell)
    return value is not None and not np.isnan(value)


def _column_name(cell: str, index: int) -> str:
    return cell.strip() or f"c{index + 1}"


def _check_widths(name: str, chunk: list[Record], width: int, header: int, span: Span) -> None:
    for line, fields in chunk:
        if len(fields) != width:
            expected = f"the header in row {header}" if header else "the first row"
            raise data_error(
                "E0608",
                f"{name}, row {line}: {count(len(fields), 'field')}, but {expected} has {width}",
                span,
                hints=["a field that holds the delimiter must stand in double quotes"],
            )


def _parse(rows: list[list[str]], width: int, strict: bool) -> tuple[NDArray[np.float64], set[int]]:
    """((n, width) numbers, columns in which a cell is text)."""
    if not strict:
        try:
            cells = map(float, chain.from_iterable(rows))
            return np.fromiter(cells, np.float64, len(rows) * width).reshape(-1, width), set()
        except ValueError:
            pass
    block, texts = np.empty((len(rows), width)), set()
    for index in range(width):
        block[:, index], is_text = cells_to_numbers(row[index] for row in rows)
        if is_text:
            texts.add(index)
    return block, texts


def _text_columns(
    text: str, delimiter: str | None, columns: list[int], header: bool
) -> dict[int, tuple[str, ...]]:
    """A second reading, for the cells of text columns only."""
    if not columns:
        return {}
    records = islice(_records(text, delimiter), 1 if header else 0, None)
    rows = [[fields[column].strip() for column in columns] for _, fields in records]
    return {column: tuple(row[i] for row in rows) for i, column in enumerate(columns)}
