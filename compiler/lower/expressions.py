"""Expressions of the ast -> ir: names looked up, definitions put in place of their calls, operators named.

The expression has been checked; what it evaluates of the loss is the caller's to place (`lower/rule.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from math import prod
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.written import written
from netc.compiler.meaning.kinds import ELEMENTWISE
from netc.compiler.meaning.resolve_values import CONSTANTS, WORDS
from netc.dsl import ast
from netc.dsl.walks import dotted

BINARY = {"+": "add", "-": "sub", "*": "mul", "/": "div", "^": "pow"}
COMPARE = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "=": "eq", "!=": "ne"}

Evaluation = ast.Gradient | ast.Call
"""`grad R(p)`, `R(p)`, `R[i](p)`."""


@dataclass(frozen=True)
class Environment:
    names: Mapping[str, ir.Expr]
    functions: Mapping[str, ast.Activation | ast.Schedule] = field(default_factory=dict)
    """Definitions that may be called, by lower-case name."""
    losses: frozenset[str] = frozenset()
    evaluate: Callable[[Evaluation, ir.Expr | None], ir.Expr] | None = None
    """Gives the value of an evaluation of the loss at a point (None: at theta)."""
    fetch: Callable[[str, ast.Expr | None, str], ir.Expr] | None = None
    """Gives the value that is kept for a batch, or the reduction of those of all batches that is named."""
    memories: frozenset[str] = frozenset()
    """Names with a value for each batch."""
    parameters: int = 0
    """How many there are, for means of vectors like theta."""
    as_written: bool = False
    """Constants know the fraction that was written."""
    by_place: frozenset[str] = frozenset()
    """Names that are read at one place of their last axis: `u[1]`."""


def lower_expr(expr: ast.Expr, env: Environment) -> ir.Expr:
    def low(e: ast.Expr) -> ir.Expr:
        return lower_expr(e, env)

    match expr:
        case ast.Number(value):
            return ir.Const(written(value) if env.as_written else value)
        case ast.Percent(value):
            return ir.apply("div", low(value), ir.Const(100.0))
        case ast.Name(id):
            return env.names[id] if id in env.names else ir.Const({**CONSTANTS, **WORDS}[id])
        case ast.Unary(op, operand):
            return ir.apply("neg", low(operand)) if op == "-" else low(operand)
        case ast.Absolute(operand):
            return ir.apply("abs", low(operand))
        case ast.Binary(op, left, right):
            return ir.apply(BINARY[op], low(left), low(right))
        case ast.Compare(op, left, right):
            return ir.apply(COMPARE[op], low(left), low(right))
        case ast.Logic(op, left, right):
            return ir.apply(op, low(left), low(right))
        case ast.Not(operand):
            return ir.apply("not", low(operand))
        case ast.Choose(then, condition, otherwise):
            return ir.apply("select", low(condition), low(then), low(otherwise))
        case ast.Call(function, arguments):
            return _call(expr, function, arguments, env)
        case ast.Index(ast.Name(id), ast.Number(place)) if id in env.by_place:
            whole = env.names[id]
            return ir.View(whole, whole.axes[-1], ir.Index((), int(place) - 1))
        case ast.Index(ast.Name(id), index) if id in env.memories:
            assert env.fetch is not None
            return env.fetch(id, index, "")
        case ast.Gradient(point=point):
            assert env.evaluate is not None
            return env.evaluate(expr, None if point is None else low(point))
        case ast.Index() | ast.InputGradient() | ast.Member() | ast.Phrase():
            raise AssertionError(f"{expr} was let through by the check")
        case _:
            assert_never(expr)


def _call(
    call: ast.Call, function: ast.Expr, arguments: tuple[ast.Argument, ...], env: Environment
) -> ir.Expr:
    loss = function.base if isinstance(function, ast.Index) else function
    name = dotted(loss) or ""
    match arguments:
        case [ast.Argument(None, ast.Name(memory))] if memory in env.memories:
            assert env.fetch is not None
            return env.fetch(memory, None, name)
    values = [lower_expr(a.value, env) for a in arguments if a.name != "per"]
    if name in env.losses:
        assert env.evaluate is not None
        return env.evaluate(call, values[0])
    per = _per(arguments)
    match name, values:
        case "sum", [x]:
            return _reduce("sum", x, per)
        case "mean", [x]:
            return _mean(x, per, env)
        case "norm", [x]:
            return _norm(x, per)
        case "dot", [a, b]:
            return _reduce("sum", ir.apply("mul", a, b))
        case (("max" | "min"), [x]):
            return _reduce(name, x, per)
        case (("max" | "min"), [_, _, *_]):
            return reduce(lambda a, b: ir.apply(name, a, b), values)
        case "where", [c, a, b]:
            return ir.apply("select", c, a, b)
        case _ if ELEMENTWISE.get(name) == len(values):
            return ir.apply(name, *values)
    return _inlined(env.functions[name.lower()], arguments, env)


def _per(arguments: tuple[ast.Argument, ...]) -> ir.Per:
    """`layer` of `norm(g, per = layer)`; empty where a reduction is over everything."""
    for argument in arguments:
        match argument:
            case ast.Argument("per", ast.Name("layer" | "tensor" as per)):
                return per
    return ""


def _reduce(op: ir.Reduction, x: ir.Expr, per: ir.Per = "") -> ir.Expr:
    return ir.total(op, x, per) if x.axes else x


def _mean(x: ir.Expr, per: ir.Per, env: Environment) -> ir.Expr:
    if not x.axes:
        return x
    number = env.parameters if x.axes == ir.THETA else prod(a.size or 1 for a in x.axes)
    count = ir.total("sum", ir.Const(1.0, x.axes), per) if per else ir.Const(float(number))
    return ir.apply("div", ir.total("sum", x, per), count)


def _norm(x: ir.Expr, per: ir.Per) -> ir.Expr:
    if not x.axes:
        return ir.apply("abs", x)
    return ir.total("norm", x, per)


def _inlined(
    definition: ast.Activation | ast.Schedule, arguments: tuple[ast.Argument, ...], env: Environment
) -> ir.Expr:
    """The definition's expression with its parameters bound to the arguments."""
    match definition:
        case ast.Activation(variable=variable, value=body):
            names = [variable, *(p.name for p in definition.parameters)]
            outer: Mapping[str, ir.Expr] = {}
        case ast.Schedule(pieces=(piece,)):
            names, body = [p.name for p in definition.parameters], piece.value
            outer = env.names  # step, epoch, ...
        case _:
            raise AssertionError(f"{definition.name} has no closed form")
    bound: dict[str, ir.Expr] = {}
    for position, argument in enumerate(arguments):
        bound[argument.name or names[position]] = lower_expr(argument.value, env)
    add_defaults(bound, definition.parameters, env)
    return lower_expr(body, replace(env, names={**outer, **bound}))


def add_defaults(bound: dict[str, ir.Expr], parameters: Iterable[ast.Parameter], env: Environment) -> None:
    """To what is bound the other parameters, at their defaults, which may name those before them."""
    for parameter in parameters:
        if parameter.name not in bound:
            assert parameter.default is not None
            bound[parameter.name] = lower_expr(parameter.default, replace(env, names=bound))
