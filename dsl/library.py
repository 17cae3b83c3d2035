"""The batteries: definitions in the language, under dsl/library/. Found by name, parsed when first asked for.

A file is cut into statements by its keywords at the margin, without parsing it; only the definition that is
looked up is parsed, so that checking a small file stays fast.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

from netc.dsl import ast
from netc.dsl.parser import parse_statement
from netc.dsl.record import record
from netc.dsl.source import Source, Span

KINDS = ("activation", "clip", "loss", "init", "optimizer", "search", "attack", "schedule", "block", "layer")

SHELF = "<library>/"

_HEAD = re.compile(rf"^({'|'.join(KINDS)})[ \t]+([\w.]+)", re.MULTILINE)
_MARGIN = re.compile(r"^[^\s#]", re.MULTILINE)


@record
class _Place:
    """Where a definition stands: `source.text[start:end]`."""

    source: Source
    start: int
    end: int


def names(kind: str) -> list[str]:
    """Everything of the kind, in the order of the files: `tanh`, ..., `momentum.ema`, ..."""
    return [name for k, name in _index() if k == kind]


def variants(kind: str, family: str) -> list[str]:
    """The members of a family: `momentum` -> `momentum.ema`, `momentum.heavy_ball`, ..."""
    return [name for name in names(kind) if name.startswith(family + ".")]


@cache
def lookup(kind: str, name: str) -> ast.Statement | None:
    """The definition, or None where the library has none of that name. Names of libraries keep their case."""
    place = _index().get((kind, name))
    return None if place is None else parse_statement(place.source, place.start, place.end)


def text(kind: str, name: str) -> str:
    """As it is written, with the blank lines and comments below it."""
    place = _index()[kind, name]
    return place.source.text[place.start : place.end]


def shelf(kind: str, name: str) -> str:
    """The file it stands in, without its ending: `torch`, `papers`, ..."""
    return Path(_index()[kind, name].source.name).stem


def place(kind: str, name: str) -> Span:
    """Where it is defined."""
    found = _index()[kind, name]
    return Span(found.source, found.start, found.end)


def holds(source: Source) -> bool:
    """Whether it is one of the `sources`."""
    return source.name.startswith(SHELF)


def path_of(source: Source) -> Path:
    """The file of one of the `sources`."""
    return Path(__file__).with_name("library") / Path(source.name).name


def libraries() -> list[str]:
    """Names of other libraries whose rules are here, each in a file of its own: `torch`, `keras`, ..."""
    files = {Path(s.name).stem for s in sources()}
    return sorted({n.split(".")[0] for n in names("optimizer")} & files)


def comment(kind: str, name: str) -> str:
    """The comment lines right above the definition, without their marks; empty if there are none."""
    place = _index()[kind, name]
    lines: list[str] = []
    for line in reversed(place.source.text[: place.start].splitlines()):
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return "\n".join(reversed(lines))


@cache
def _index() -> dict[tuple[str, str], _Place]:
    places: dict[tuple[str, str], _Place] = {}
    for source in sources():
        starts = [m.start() for m in _MARGIN.finditer(source.text)] + [len(source.text)]
        following = dict(pairwise(starts))
        for head in _HEAD.finditer(source.text):
            places[head[1], head[2]] = _Place(source, head.start(), following[head.start()])
    return places


@cache
def sources() -> tuple[Source, ...]:
    """The files of the library, in the order of their names."""
    found = sorted(Path(__file__).with_name("library").glob("*.net"))
    return tuple(Source(f"{SHELF}{f.name}", f.read_text(encoding="utf-8")) for f in found)
