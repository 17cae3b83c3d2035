"""What can be planted: one operator or constant of `compiler/` or `dsl/library/` changed. Not what notices it."""

from __future__ import annotations

import ast
import io
import random
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OTHER = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "*": "/", "/": "*",
    "**": "*", "//": "*", "and": "or", "or": "and", "not": "", "True": "False", "False": "True", "min": "max",
    "max": "min", "all": "any", "any": "all", "break": "continue",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    file: str
    line: int
    column: int
    old: str
    new: str

    def planted(self, text: str) -> str:
        lines = text.split("\n")
        line = lines[self.line - 1]
        assert line[self.column :].startswith(self.old)
        lines[self.line - 1] = line[: self.column] + self.new + line[self.column + len(self.old) :]
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column + 1}: {self.old} -> {self.new or 'nothing'}"


def faults() -> list[Fault]:
    """All that can be planted."""
    python = sorted((ROOT / "compiler").rglob("*.py"))
    found = [Fault(str(p.relative_to(ROOT)), *at) for p in python for at in _in_python(p.read_text())]
    batteries = sorted((ROOT / "dsl/library").glob("*.net"))
    return found + [Fault(str(p.relative_to(ROOT)), *at) for p in batteries for at in _in_net(p.read_text())]


def _in_python(text: str) -> Iterator[tuple[int, int, str, str]]:
    before = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        line, column = token.start
        old = token.string
        follows = before is not None and (
            before.type in (tokenize.NUMBER, tokenize.STRING) or before.string in ")]}"
        )
        follows |= (
            before is not None
            and before.type == tokenize.NAME
            and before.string not in ("return", "in", "lambda")
        )
        if token.type == tokenize.NUMBER:
            yield line, column, old, _number(old)
        elif old in ("+", "-", "*", "/", "**"):
            if follows:
                yield line, column, old, OTHER[old]
        elif old in OTHER and (before is None or before.string not in (".", "def", "is")):
            yield line, column, old, OTHER[old]
        if token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
            before = token


def _in_net(text: str) -> Iterator[tuple[int, int, str, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        bare = re.sub(r'"[^"]*"|#.*', lambda found: " " * len(found[0]), line)
        for found in re.finditer(
            r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?(?!\w)|<=|>=|(?<!-)[<>]|(?<=[\w)\]|] )?[-+*/](?!>)", bare
        ):
            old = found[0]
            yield number, found.start(), old, OTHER[old] if old in OTHER else _number(old)


def _number(text: str) -> str:
    try:
        return str(int(text, 0) + 1)
    except ValueError:
        value = float(text) if "j" not in text else 1.0
        return repr(value * 2 if value else 1.0)


def sampled(count: int, seed: int, rooms: Sequence[str] = ("compiler/", "dsl/")) -> list[Fault]:
    """As many in each room, as in the compiler and in the library."""
    found, dice = faults(), random.Random(seed)
    kinds = [[f for f in found if f.file.startswith(room)] for room in rooms]
    return [fault for kind in kinds for fault in dice.sample(kind, min(count // len(rooms), len(kind)))]


# -- where a fault stands ----------------------------------------------------------------------------


def definition(text: str, line: int) -> str:
    """The definition of a library's file that a line belongs to, as `optimizer torch.SGD`; empty between them."""
    heads = [row for row in text.split("\n")[:line] if re.match(r"[^\s#]", row)]
    found = re.match(r"([a-z]+)[ \t]+([\w.]+)", heads[-1]) if heads else None
    return f"{found[1]} {found[2]}" if found else ""


def statement(text: str, line: int) -> range:
    """The lines of the smallest statement of Python around a line; of one with a body, those before its body."""
    spans = [_own_lines(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    around = [span for span in spans if line in span]
    return min(around, key=len, default=range(line, line + 1))


def _own_lines(node: ast.stmt) -> range:
    body = getattr(node, "body", None)
    return range(node.lineno, body[0].lineno if body else (node.end_lineno or node.lineno) + 1)
