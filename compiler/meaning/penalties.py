"""Sums over parameters in a loss: `sum(weights^2)`, `norm(layer2.weight)`, `max(|theta|)`, and over named indices,
`sum[i, k](layer2.weight[i, k]^2)`. Which arrays they read, and the same array by array. Lowers nothing.

theta, weights, biases, gains    of all layers; `biases` are the rest, as in rules
layer2, layer2.weights, layer2.gamma
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

from netc.compiler.meaning.kinds import OVER_INDICES
from netc.compiler.meaning.masks import is_mask
from netc.dsl import ast
from netc.dsl.walks import rebuild, walk

GROUPS = ("theta", "weights", "biases", "gains")
OVER = ("sum", "mean", "norm", "max", "min")


def names_parameters(node: ast.Node) -> bool:
    return isinstance(node, ast.Name) and (node.id in GROUPS or is_mask(node.id))


def groups_in(expr: ast.Expr) -> list[ast.Name]:
    """The groups of parameters that are read whole, each once."""
    found = {n.id: n for n in _whole(expr) if isinstance(n, ast.Name) and names_parameters(n)}
    return list(found.values())


def _whole(expr: ast.Expr) -> Iterator[ast.Node]:
    """Without arrays that are read by subscripts."""
    subscripted = {id(n.base) for n in walk(expr) if isinstance(n, ast.Index)}
    return (n for n in walk(expr) if id(n) not in subscripted)


def indexed(expr: ast.Expr) -> bool:
    """A reduction over named indices: sum[i, j](...)."""
    match expr:
        case ast.Call(ast.Index(ast.Name(name), _), (_,)):
            return name in OVER_INDICES
    return False


def penalties(expr: ast.Expr, put: Callable[[ast.Call], ast.Expr]) -> ast.Expr:
    """The expression with something in the place of each reduction over parameters, inner ones first; what is inside of
    one over indices is part of it."""

    def change(e: ast.Expr) -> ast.Expr:
        if isinstance(e, ast.Call) and indexed(e):
            return put(e)
        e = rebuild(e, change)
        match e:
            case ast.Call(ast.Name(name), (ast.Argument(None, value),)) if name in OVER and groups_in(value):
                return put(e)
            case ast.Call(ast.Name("dot"), (_, _)) if groups_in(e):
                return put(e)
        return e

    return change(expr)


def without_indexed(expr: ast.Expr) -> ast.Expr:
    """With a number for each reduction over indices, which is checked with the network."""
    return penalties(expr, lambda call: ast.Number(0.0, span=call.span) if indexed(call) else call)


def penalties_in(expr: ast.Expr) -> Iterator[ast.Call]:
    found: list[ast.Call] = []

    def keep(call: ast.Call) -> ast.Expr:
        found.append(call)
        return ast.Number(0.0)

    penalties(expr, keep)
    yield from found


def by_arrays(call: ast.Call, arrays: Sequence[tuple[str, int]]) -> ast.Expr:
    """The reduction over these arrays of a group, (name, numbers) each: sum(layer1.weight^2) + sum(layer2.weight^2)."""
    assert isinstance(call.function, ast.Name)
    name = call.function.id
    if name == "dot":
        product = ast.Binary("*", call.arguments[0].value, call.arguments[1].value)
        return by_arrays(_call("sum", product), arrays)
    parts = [_with_array(call.arguments[0].value, array) for array, _ in arrays]
    match name:
        case "max" | "min":
            return reduce(lambda a, b: _call(name, a, b), (_call(name, p) for p in parts))
        case "norm" if len(parts) > 1:
            squares = (_call("sum", ast.Binary("^", p, ast.Number(2.0))) for p in parts)
            return _call("sqrt", _added(squares))
        case "norm":
            return _call("norm", parts[0])
    total = _added(_call("sum", p) for p in parts)
    count = float(sum(size for _, size in arrays))
    return ast.Binary("/", total, ast.Number(count)) if name == "mean" else total


def _with_array(expr: ast.Expr, array: str) -> ast.Expr:
    def change(e: ast.Expr) -> ast.Expr:
        return ast.Name(array, span=e.span) if names_parameters(e) else rebuild(e, change)

    return change(expr)


def _added(parts: Iterator[ast.Call]) -> ast.Expr:
    found: list[ast.Expr] = list(parts)
    return reduce(lambda a, b: ast.Binary("+", a, b), found)


def _call(name: str, *arguments: ast.Expr) -> ast.Call:
    return ast.Call(ast.Name(name), tuple(ast.Argument(None, a) for a in arguments))
