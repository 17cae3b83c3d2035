"""The tree of what was written as text, for `netc show`: one node a line, indented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass

from netc.dsl.record import parts
from netc.dsl.source import Span

WIDTH = 100


def show_tree(node: object) -> str:
    return "\n".join(_lines(node, "")) + "\n"


def _lines(value: object, label: str) -> Iterator[str]:
    """The node with its parts below it, on one line where that is short enough."""
    short = f"{label}{_short(value)}"
    if len(short) <= WIDTH or _is_leaf(value):
        yield short
        return
    yield f"{label}{type(value).__name__ if is_dataclass(value) else ''}".rstrip(" =") or "..."
    for name, part in _parts(value):
        yield from (f"  {line}" for line in _lines(part, f"{name} = " if name else ""))


def _parts(value: object) -> Iterator[tuple[str, object]]:
    match value:
        case tuple():
            yield from (("", v) for v in value)
        case _:
            for name in parts(type(value)):
                part = getattr(value, name)
                if not isinstance(part, Span) and part not in ((), "", None):
                    yield name, part


def _is_leaf(value: object) -> bool:
    return not (is_dataclass(value) or isinstance(value, tuple))


def _short(value: object) -> str:
    match value:
        case tuple():
            return f"({', '.join(_short(v) for v in value)})"
        case _ if is_dataclass(value):
            inside = ", ".join(f"{name} = {_short(part)}" for name, part in _parts(value))
            return f"{type(value).__name__}({inside})"
    return repr(value)
