"""What stands in an expression of a layer: subscripts, arrays that are read, reductions."""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.meaning.kinds import OVER_INDICES
from netc.dsl import ast
from netc.dsl.walks import children, walk


def subscripts(index: ast.Expr) -> tuple[ast.Expr, ...]:
    return index.items if isinstance(index, ast.Tuple) else (index,)


def name_of(index: ast.Expr) -> str:
    """Of an index on the left, or over which is summed; empty where it is none."""
    match index:
        case ast.Name(id) | ast.Among(ast.Name(id)):
            return id
    return ""


def reads(node: ast.Node) -> Iterator[ast.Index]:
    """Arrays with their subscripts, from left to right."""
    match node:
        case ast.Call(ast.Index(ast.Name(id), _), arguments) if id in OVER_INDICES:
            for argument in arguments:
                yield from reads(argument.value)
        case ast.Index(ast.Name(), index):
            yield node
            for subscript in subscripts(index):
                yield from reads(subscript)
        case _:
            for part in children(node):
                yield from reads(part)


def reductions(expr: ast.Expr) -> Iterator[tuple[str, tuple[ast.Expr, ...], ast.Expr]]:
    """(operation, indices, what is reduced), outer ones first."""
    for node in walk(expr):
        match node:
            case ast.Call(ast.Index(ast.Name(id), over), (argument,)) if id in OVER_INDICES:
                yield id, subscripts(over), argument.value
