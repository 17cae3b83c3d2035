"""Text tables: .csv and .tsv as spreadsheets, R, pandas and people write them. The outcome is a `Table`.

Accepted: a header or none (`header.py`), delimiters `,` `;` `|` tab or blanks (found in the first lines), quoted
fields, a byte order mark, any line ends, blank lines, lines that start with `#`, Excel's `sep=;`. A `TextStyle` says
what is not to be found but known, and whether decimals have a comma. Not read: other encodings than UTF-8, signs of
thousands.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
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
from netc.runtime.data.lines import Text, require_utf8, table_in
from netc.runtime.data.table import Reading, Table, cells_to_numbers, without_use
from netc.runtime.data.whole_numbers import Rounded, rounded_cells

Record = tuple[int, list[str]]
"""Line in the file, fields."""

_NOT_COMMENT = r"(?!(?:N/A|NAME\?|REF!|VALUE!|DIV/0!|NUM!|NULL!))"
"""What spreadsheets write behind a # for a value that they do not have."""
_COMMENT = re.compile("#" + _NOT_COMMENT)
"""The beginning of a line of comment."""
_COMMENTS = re.compile((r"(?:^|\A\xef\xbb\xbf)#" + _NOT_COMMENT).encode(), re.MULTILINE)
_SEEN = 100
"""Rows that are looked at to tell a header from a sample."""
_CELLS = 2**15
"""That are texts at once."""
SIGNS = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "blanks", "|": "'|'"}


class _Malformed(Exception):
    """A record that the csv module refuses."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row = row


def read_csv(path: Path, content: bytes, span: Span, style: TextStyle = AS_FOUND) -> Table:
    """The table in the bytes of a text file."""
    require_utf8(path, content, span)
    text, named = table_in(content)
    delimiter = style.separator or named or _delimiter(text, path)
    try:
        return _read(path.name, text, delimiter, style, span)
    except _Malformed as problem:
        raise data_error("E0603", f"{path.name}, row {problem.row}: {problem}", span) from None


def _read(name: str, text: Text, delimiter: str, style: TextStyle, span: Span) -> Table:
    records = _records(text, delimiter)
    first = next(records, None)
    if first is None:
        raise data_error("E0607", f"{name} is empty", span)
    some = list(islice(records, _SEEN))
    header = _has_header(name, first, some, style, span)
    rows = chain(some if header else [first, *some], records)
    start = (some[0][0] if some else 0) if header else first[0]
    comments = sum(1 for _ in _COMMENTS.finditer(text.content))
    stated = style.header is not None
    reading = Reading(first[0] if header else 0, start, stated, delimiter, style.decimal, comments)
    # float() would take 1_000 for a number: look closer where underscores stand below the header.
    strict = text.content.count(b"_") > (sum(cell.count("_") for cell in first[1]) if header else 0)
    found = _Cells(name, len(first[1]), reading, strict or style.decimal == "comma", span)
    found.read(rows, most=_most_rows(text.content, len(first[1])))
    if not len(found.lines):
        raise data_error("E0607", f"{name} has a header but no rows below it", span, notes=_guess(reading))
    columns = tuple(_column_name(cell, i) if header else f"c{i + 1}" for i, cell in enumerate(first[1]))
    cells = _text_columns(text, delimiter, sorted(found.texts), header)
    index = without_use(first[1], found.values, cells) if header and len(columns) > 1 else frozenset[int]()
    return Table(name, columns, found.values, cells, found.lines, reading, index, header, found.rounded)


def _most_rows(content: bytes, width: int) -> int:
    """There are no more: a row has an end, or is the last one, and between any two of its fields a sign or a blank."""
    ends = content.count(b"\n") + content.count(b"\r") + 1
    return min(ends, len(content) // width + 1)


class _Cells:
    """The numbers of a table, read some rows at a time into their place."""

    def __init__(self, name: str, width: int, reading: Reading, strict: bool, span: Span) -> None:
        self.name, self.width, self.reading, self.strict, self.span = name, width, reading, strict, span
        self.values = np.empty((0, width))
        self.lines = np.empty(0, np.int64)
        self.texts: set[int] = set()
        """Columns in which a cell is text."""
        self.rounded: dict[int, Rounded] = {}

    def read(self, rows: Iterator[Record], most: int) -> None:
        """`rows` are no more than `most`; room that is not written to is not taken."""
        values, lines, count = np.empty((most, self.width)), np.empty(most, np.int64), 0
        many = max(1, _CELLS // self.width)
        while chunk := list(islice(rows, many)):
            _check_widths(self.name, chunk, self.width, self.reading, self.span)
            cells = [fields for _, fields in chunk]
            block, texts = _parse(cells, self.width, self.strict, self.reading.decimal)
            self._note_rounded(rounded_cells(cells, block), count)
            self.texts |= texts
            values[count : count + len(chunk)] = block
            lines[count : count + len(chunk)] = [line for line, _ in chunk]
            count += len(chunk)
        self.values, self.lines = values[:count], lines[:count]

    def _note_rounded(self, found: Mapping[int, Rounded], above: int) -> None:
        for column, one in found.items():
            before = self.rounded.get(column, replace(one, row=one.row + above, times=0))
            self.rounded[column] = replace(before, times=before.times + one.times)


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


def _delimiter(text: Text, path: Path) -> str:
    """Tab, `;`, `|` or `,`, whichever stands equally often in each of the first lines; else the most frequent one in
    the first line; else a blank. A comma comes last: it may be that of decimals."""
    if ".tsv" in path.suffixes:
        return "\t"
    lines = (line for line in text.lines("\n") if line.strip() and not _COMMENT.match(line))
    bare = [re.sub(r'"[^"]*"', "", line) for line in islice(lines, 20)]
    first = bare[0] if bare else ""
    steady = [sign for sign in "\t;|," if first.count(sign) and len({line.count(sign) for line in bare}) == 1]
    best = steady[0] if steady else max(",;\t|", key=first.count)
    if first.count(best):
        return best
    return " " if len(first.split()) > 1 else ","


def _records(text: Text, delimiter: str) -> Iterator[Record]:
    """Records that are neither blank nor comments, each with the line it ends on."""
    lines = ("\n" if _COMMENT.match(line) else line for line in text.lines())
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
        block[:, index], is_text = _column([row[index] for row in rows], strict, decimal)
        if is_text:
            texts.add(index)
    return block, texts


def _column(cells: list[str], strict: bool, decimal: Decimal) -> tuple[list[float], bool]:
    """(numbers, whether a cell is text)."""
    if not strict:
        try:
            return [float(cell) for cell in cells], False
        except ValueError:
            pass
    return cells_to_numbers(cells, decimal)


def _text_columns(text: Text, delimiter: str, columns: list[int], header: bool) -> dict[int, tuple[str, ...]]:
    """A second reading, for the cells of text columns only; equal ones are one text."""
    if not columns:
        return {}
    known, cells = dict[str, str](), [list[str]() for _ in columns]
    for _, fields in islice(_records(text, delimiter), 1 if header else 0, None):
        for column, found in zip(columns, cells, strict=True):
            cell = fields[column].strip()
            found.append(known.setdefault(cell, cell))
    return {column: tuple(found) for column, found in zip(columns, cells, strict=True)}
