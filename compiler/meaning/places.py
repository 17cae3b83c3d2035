"""Outputs and targets by place in a loss, `u[1]`, `y[2]`: which are read, counted from 1. Checks nothing."""

from __future__ import annotations

from netc.dsl import ast
from netc.dsl.walks import children

BY_PLACE = frozenset({"u", "y"})


def place_of(node: ast.Node) -> tuple[str, int] | None:
    """(`u`, 2) of u[2]."""
    match node:
        case ast.Index(ast.Name(id), ast.Number(value)) if id in BY_PLACE and value >= 1 and value % 1 == 0:
            return id, int(value)
    return None


def largest_places(*roots: ast.Node | None) -> dict[str, int]:
    """Of `u` and `y` the last place that is read; 0 where one is read whole or not at all."""
    found = {"u": 0, "y": 0}
    whole: set[str] = set()
    stack: list[ast.Node] = [r for r in roots if r is not None]
    while stack:
        node = stack.pop()
        if (place := place_of(node)) is not None:
            found[place[0]] = max(found[place[0]], place[1])
            continue
        if isinstance(node, ast.Name) and node.id in BY_PLACE:
            whole.add(node.id)
        stack += children(node)
    return {name: 0 if name in whole else last for name, last in found.items()}
