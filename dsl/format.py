"""The canonical layout of a program: one way to write it, the comments kept. `parse(format(p)) == p`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from netc.dsl import ast
from netc.dsl.layout import lines
from netc.dsl.layout_lines import Line
from netc.dsl.printer import print_equation, print_expr
from netc.dsl.source import Source, Span
from netc.dsl.tokens import comments

__all__ = ["format_program", "print_equation", "print_expr"]

INDENT = "    "
LONGEST = 110


@dataclass
class _Row:
    """A logical line with the comments that go with it."""

    line: Line | None
    """None for the end of the file."""
    above: list[tuple[int, str, bool]] = field(default_factory=list)
    """(depth, comment, whether a blank line stands before it)"""
    gap: bool = False
    """A blank line stands before the line itself."""
    beside: str = ""
    text: str = ""

    @property
    def depth(self) -> int:
        return 0 if self.line is None else self.line.depth

    @property
    def inner_depth(self) -> int:
        """Of the lines that may follow without ending a block."""
        return self.depth + (self.line is not None and self.line.opens_block)

    def covers(self, comment: Span) -> bool:
        """Whether the comment stands in the middle of an expression that goes over several lines."""
        return self.line is not None and not self.line.opens_block and comment.start < self.line.span.end


def format_program(program: ast.Program, source: Source, *, unicode: bool = False) -> str:
    """The text of the program, in ASCII unless `unicode`; `source` is where it and its comments were read."""
    rows = [_Row(line) for line in lines(program, unicode=unicode)]
    rows.append(_Row(None))
    _place_comments(rows, source)
    for run in _runs(rows, _aligned_together):
        _align(run)
    for run in _runs(rows, _same_depth):
        _align_comments(run)
    written = "\n".join(text for row in rows for text in _written(row)).strip("\n")
    return written + "\n" if written else ""


def _written(row: _Row) -> Iterator[str]:
    for depth, comment, gap in row.above:
        yield from [""] * gap
        yield INDENT * depth + comment
    if row.line is not None:
        yield from [""] * row.gap
        yield from _wrapped(row.text, row.line.depth)


# -- comments and blank lines --------------------------------------------------------------------


def _place_comments(rows: list[_Row], source: Source) -> None:
    """A comment on a line of its own goes above the next line, one beside code stays beside it."""
    starts = [_start(row, source) for row in rows]
    for comment in comments(source):
        before = source.text.rfind("\n", 0, comment.start) + 1
        beside = source.text[before : comment.start].strip() != ""
        last = max((i for i, start in enumerate(starts) if start <= comment.start), default=-1)
        text = comment.text.rstrip()
        if beside and last >= 0:
            row = rows[last]
            row.above += [(_depth_above(rows, last), row.beside, False)] if row.beside else []
            row.beside = text
        elif last >= 0 and rows[last].covers(comment):
            rows[last].above.append((_depth_above(rows, last), text, False))
        else:
            depth = _depth_above(rows, last + 1) if comment.start > before else 0
            rows[last + 1].above.append((depth, text, _blank_above(source, comment.start)))
    for row, start in zip(rows[:-1], starts, strict=False):
        row.gap = start > 0 and _blank_above(source, start)


def _depth_above(rows: list[_Row], i: int) -> int:
    """Of a comment between two lines: it belongs to the block that may still go on."""
    return max(rows[i].depth, rows[i - 1].inner_depth if i else 0)


def _start(row: _Row, source: Source) -> int:
    """Where the line begins in the text; before everything if it was not written there."""
    if row.line is None:
        return len(source.text) + 1
    return row.line.span.start if row.line.span.source == source else -1


def _blank_above(source: Source, offset: int) -> bool:
    """Whether a line begins at the offset, and the one above it is empty."""
    start = source.text.rfind("\n", 0, offset)
    if start < 0 or source.text[start:offset].strip():
        return False
    return not source.text[source.text.rfind("\n", 0, start) + 1 : start].strip()


# -- alignment -----------------------------------------------------------------------------------


def _runs(rows: list[_Row], together: Callable[[_Row, _Row], bool]) -> list[list[_Row]]:
    """The lines cut into stretches of neighbours that belong together."""
    runs: list[list[_Row]] = []
    for row in rows[:-1]:
        if runs and not row.gap and not row.above and together(runs[-1][-1], row):
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _aligned_together(above: _Row, row: _Row) -> bool:
    a, b = above.line, row.line
    if a is None or b is None or a.opens_block or b.opens_block:
        return False
    return a.kind == b.kind and a.depth == b.depth


def _align(run: list[_Row]) -> None:
    """Keywords and equation signs of neighbouring lines stand in one column."""
    width = max(len(row.line.head) for row in run if row.line is not None)
    for row in run:
        assert row.line is not None
        indent, head, rest = INDENT * row.line.depth, row.line.head.ljust(width), row.line.rest
        match row.line.kind:
            case "statement":
                row.text = f"{indent}{head} {rest}"
            case "equation":
                row.text = f"{indent}{head} {row.line.sign} {rest}"
            case "plain":
                row.text = indent + rest


def _same_depth(above: _Row, row: _Row) -> bool:
    return above.depth == row.depth


def _align_comments(run: list[_Row]) -> None:
    width = max((len(row.text) for row in run if row.beside), default=0)
    for row in run:
        if row.beside:
            row.text = f"{row.text.ljust(width)}  {row.beside}"


# -- long lines ----------------------------------------------------------------------------------


def _wrapped(text: str, depth: int) -> Iterator[str]:
    """A line that is too long goes on in the next, at a blank inside brackets."""
    indent = INDENT * (depth + 1)
    while len(text) > LONGEST:
        breaks = [at for at in _breaks(text) if LONGEST // 2 < at <= LONGEST]
        if not breaks:
            break
        yield text[: breaks[-1]]
        text = indent + text[breaks[-1] + 1 :]
    yield text


def _breaks(text: str) -> Iterator[int]:
    """Positions of blanks inside brackets; not in texts or comments."""
    depth, quoted = 0, False
    for at, c in enumerate(text):
        if c == '"':
            quoted = not quoted
        elif not quoted and c in "([{":
            depth += 1
        elif not quoted and c in ")]}":
            depth -= 1
        elif not quoted and c == "#":
            return
        elif not quoted and c == " " and depth > 0:
            yield at
