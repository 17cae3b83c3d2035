"""Text tables: .csv and .tsv as spreadsheets, R, pandas and people write them. The outcome is a `Table`.

Accepted: a header or none (`header.py`), delimiters `,` `;` `|` tab or blanks (found in the first lines), quoted
fields, a byte order mark, any line ends, blank lines, lines that start with `#`, Excel's `sep=;`. A `TextStyle` says
what is not to be found but known, and whether decimals have a comma. Not read: other encodings than UTF-8, signs of
thousands.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import AS_FOUND, Decimal, TextStyle
from netc.dsl.source import Span
from netc.dsl.visible import visible
from netc.runtime.data.errors import count, data_error
from netc.runtime.data.header import doubt, names_columns
from netc.runtime.data.table import Reading, Rounded, Table, cells_to_numbers, rounded_cells, without_use

Record = tuple[int, list[str]]
"""Line in the file, fields."""

_CHUNK = 4096
_COMMENT = re.compile(r"^#(?!(?:N/A|NAME\?|REF!|VALUE!|DIV/0!|NUM!|NULL!))", re.MULTILINE)
"""The beginning of a line of comment; what spreadsheets write for a value that they do not have is none."""
_SEEN = 100
"""Rows that are looked at to tell a header from a sample."""
SIGNS = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "blanks", "|": "'|'"}


class _Malformed(Exception):
    """A record that the csv module refuses."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row = row


def read_csv(path: Path, content: bytes, span: Span, style: TextStyle = AS_FOUND) -> Table:
    """The table in the bytes of a text file."""
    text, named = _without_separator_line(_decode(path, content, span))
    delimiter = style.separator or named or _delimiter(text, path)
    try:
        return _read(path.name, text, delimiter, style, span)
    except _Malformed as problem:
        raise data_error("E0603", f"{path.name}, row {problem.row}: {problem}", span) from None


def _read(name: str, text: str, delimiter: str, style: TextStyle, span: Span) -> Table:
    records = _records(text, delimiter)
    first = next(records, None)
    if first is None:
        raise data_error("E0607", f"{name} is empty", span)
    some = list(islice(records, _SEEN))
    header = _has_header(name, first, some, style, span)
    width = len(first[1])
    columns = tuple(_column_name(cell, i) if header else f"c{i + 1}" for i, cell in enumerate(first[1]))
    rows = chain(some if header else [first, *some], records)
    start = (some[0][0] if some else 0) if header else first[0]
    comments = len(_COMMENT.findall(text))
    stated = style.header is not None
    reading = Reading(first[0] if header else 0, start, stated, delimiter, style.decimal, comments)
    blocks, lines, texts, rounded = [], list[int](), set[int](), dict[int, Rounded]()
    # float() would take 1_000 for a number: look closer where underscores stand below the header.
    strict = text.count("_") > (sum(cell.count("_") for cell in first[1]) if header else 0)
    strict = strict or style.decimal == "comma"
    while chunk := list(islice(rows, _CHUNK)):
        _check_widths(name, chunk, width, reading, span)
        block, found = _parse([fields for _, fields in chunk], width, strict, style.decimal)
        for column, one in rounded_cells([fields for _, fields in chunk], block).items():
            before = rounded.get(column, replace(one, row=one.row + len(lines), times=0))
            rounded[column] = replace(before, times=before.times + one.times)
        blocks.append(block)
        lines += [line for line, _ in chunk]
        texts |= found
    if not blocks:
        raise data_error("E0607", f"{name} has a header but no rows below it", span, notes=_guess(reading))
    cells = _text_columns(text, delimiter, sorted(texts), header)
    values = np.concatenate(blocks)
    index = without_use(first[1], values, cells) if header and width > 1 else frozenset[int]()
    return Table(
        name, columns, values, cells, np.array(lines, dtype=np.int64), reading, index, header, rounded
    )


def _has_header(name: str, first: Record, below: Sequence[Record], style: TextStyle, span: Span) -> bool:
    """As the file says, or as the first row looks; E0619 where it looks like both."""
    if style.header is not None:
        return style.header
    if why := doubt(first[1], [fields for _, fields in below], style.decimal):
        line = first[0]
        raise data_error(
            "E0619",
            f"{name}, row {line}: is it a header or a sample? {why}",
            span,
            hints=[
                f"`header = true`: row {line} names the columns; `header = false`: it is the first sample"
            ],
        )
    return names_columns(first[1], style.decimal)


def _guess(reading: Reading) -> list[str]:
    return [reading.guess] if reading.guess else []


def _decode(path: Path, content: bytes, span: Span) -> str:
    halves = (content[:200:2], content[1:200:2])  # of UTF-16 without a mark one of the two is zeros, mostly
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or any(2 * h.count(0) > len(h) for h in halves):
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


def _without_separator_line(text: str) -> tuple[str, str]:
    """`sep=;`, which Excel reads and writes as a first line: the text with that line blank, and the sign."""
    found = re.match(r'"?sep=([^\w\s]|\t)"?(?=[\r\n])', text, re.IGNORECASE)
    return (text[found.end() :], found[1]) if found else (text, "")


def _delimiter(text: str, path: Path) -> str:
    """Tab, `;`, `|` or `,`, whichever stands equally often in each of the first lines; else the most frequent one in
    the first line; else a blank. A comma comes last: it may be that of decimals."""
    if ".tsv" in path.suffixes:
        return "\t"
    lines = (line for line in io.StringIO(text) if line.strip() and not _COMMENT.match(line))
    bare = [re.sub(r'"[^"]*"', "", line) for line in islice(lines, 20)]
    first = bare[0] if bare else ""
    steady = [sign for sign in "\t;|," if first.count(sign) and len({line.count(sign) for line in bare}) == 1]
    best = steady[0] if steady else max(",;\t|", key=first.count)
    if first.count(best):
        return best
    return " " if len(first.split()) > 1 else ","


def _records(text: str, delimiter: str) -> Iterator[Record]:
    """Records that are neither blank nor comments, each with the line it ends on."""
    lines = ("\n" if _COMMENT.match(line) else line for line in io.StringIO(text, newline=""))
    if delimiter == " ":
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


def _column_name(cell: str, index: int) -> str:
    return visible(cell.strip()) or f"c{index + 1}"


def _check_widths(name: str, chunk: list[Record], width: int, reading: Reading, span: Span) -> None:
    for line, fields in chunk:
        if len(fields) != width:
            expected = f"the header in row {reading.header}" if reading.header else "the first row"
            raise data_error(
                "E0608",
                f"{name}, row {line}: {count(len(fields), 'field')}, but {expected} has {width}",
                span,
                notes=[f"fields were separated by {SIGNS.get(reading.separator, repr(reading.separator))}"],
                hints=[_split_by_commas(fields, width, reading)],
            )


def _split_by_commas(fields: Sequence[str], width: int, reading: Reading) -> str:
    """Which of its separators are commas of decimals, a file that is separated by commas cannot tell."""
    if (
        reading.separator == ","
        and len(fields) == 2 * width
        and all(re.fullmatch(r"\s*-?\d+\s*", f) for f in fields)
    ):
        return "decimal commas between commas cannot be told apart: write points, or separate by ; with `decimal = comma`"
    return "a field that holds the delimiter must stand in double quotes"


def _parse(
    rows: list[list[str]], width: int, strict: bool, decimal: Decimal
) -> tuple[NDArray[np.float64], set[int]]:
    """((n, width) numbers, columns in which a cell is text)."""
    if not strict:
        try:
            cells = map(float, chain.from_iterable(rows))
            return np.fromiter(cells, np.float64, len(rows) * width).reshape(-1, width), set()
        except ValueError:
            pass
    block, texts = np.empty((len(rows), width)), set()
    for index in range(width):
        block[:, index], is_text = cells_to_numbers((row[index] for row in rows), decimal)
        if is_text:
            texts.add(index)
    return block, texts


def _text_columns(text: str, delimiter: str, columns: list[int], header: bool) -> dict[int, tuple[str, ...]]:
    """A second reading, for the cells of text columns only."""
    if not columns:
        return {}
    records = islice(_records(text, delimiter), 1 if header else 0, None)
    rows = [[fields[column].strip() for column in columns] for _, fields in records]
    return {column: tuple(row[i] for row in rows) for i, column in enumerate(columns)}
