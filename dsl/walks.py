"""Walks over the ast: the nodes below an expression, and an expression with its parts replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

from netc.dsl import ast
from netc.dsl.record import parts

N = TypeVar("N", bound=ast.Node)


@cache
def _parts(kind: Any) -> tuple[str, ...]:
    """The fields that may hold nodes."""
    return tuple(name for name in parts(kind) if name not in ("span", "text", "id", "op"))


_LEAVES = frozenset({ast.Number, ast.Name, ast.Text, ast.Shape})


def children(node: ast.Node) -> list[ast.Node]:
    """The nodes directly below, in the order of the text."""
    kind: Any = type(node)
    found: list[ast.Node] = []
    for name in _parts(kind):
        value = getattr(node, name)
        if isinstance(value, ast.Node):
            found.append(value)
        elif isinstance(value, tuple):
            found += [v for v in value if isinstance(v, ast.Node)]
    return found


def walk(node: ast.Node) -> Iterator[ast.Node]:
    """The node and all below it, parents first."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        if type(node) not in _LEAVES:
            stack += reversed(children(node))


def rebuild(node: N, change: Callable[[ast.Expr], ast.Expr]) -> N:
    """The node with `change` applied to each expression directly below it (arguments of calls included)."""

    def one(value: object) -> object:
        match value:
            case ast.Argument():
                inside = change(value.value)
                return value if inside is value.value else replace(value, value=inside)
            case ast.Node():
                return change(value)  # type: ignore[arg-type]
            case tuple():
                parts = tuple(one(v) for v in value)
                return parts if any(x is not y for x, y in zip(parts, value, strict=True)) else value
        return value

    new: dict[str, Any] = {}
    kind: Any = type(node)
    for name in _parts(kind):
        value = getattr(node, name)
        other = one(value)
        if other is not value:
            new[name] = other
    return replace(node, **new) if new else node


def changed(action: ast.Action, change: Callable[[ast.Expr], ast.Expr]) -> ast.Action:
    """The action with its expressions changed, those of its block too."""
    match action:
        case ast.Equation(value=value):
            return replace(action, value=change(value))
        case ast.Until(condition) | ast.End(_, condition):
            return replace(action, condition=change(condition))
        case ast.If(condition, then, otherwise):
            return replace(
                action,
                condition=change(condition),
                body=tuple(changed(a, change) for a in then),
                otherwise=tuple(changed(a, change) for a in otherwise),
            )
        case ast.For(body=body) | ast.Repeat(body=body):
            return replace(action, body=tuple(changed(a, change) for a in body))


def names_in(node: ast.Node) -> set[str]:
    """Every name that occurs as a value or as a called function."""
    return {n.id for n in walk(node) if isinstance(n, ast.Name)}


def called(node: ast.Node) -> set[str]:
    """The names of called functions, dotted ones (`torch.StepLR`) too."""
    return {name for n in walk(node) if isinstance(n, ast.Call) and (name := dotted(n.function))}


def dotted(expr: ast.Expr) -> str | None:
    """`momentum.ema` of a Name or Member, else None."""
    match expr:
        case ast.Name(id):
            return id
        case ast.Member(base, name):
            stem = dotted(base)
            return None if stem is None else f"{stem}.{name}"
    return None


def conjuncts(condition: ast.Expr) -> Iterator[ast.Expr]:
    """What all must hold for it to hold."""
    match condition:
        case ast.Logic("and", left, right):
            yield from conjuncts(left)
            yield from conjuncts(right)
        case _:
            yield condition
