"""Numbers that are known before anything runs: settings, arguments, bounds of laws, rows of generated data.

Evaluates an expression whose names all have values. Derivatives, vectors and losses are not known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import assert_never

from netc.dsl import ast
from netc.dsl.source import Span

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "inf": math.inf}
NONE = math.nan
"""What `none` is as a number: unlike all others, it makes visible what it reaches."""
WORDS: Mapping[str, float] = {
    "true": 1.0, "false": 0.0, "none": NONE, "True": 1.0, "False": 0.0, "None": NONE,
}  # fmt: skip
"""Also as Python spells them, so that calls of libraries can be copied."""

FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "abs": abs,
    "tanh": math.tanh,
    "erf": math.erf,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "logcosh": lambda x: abs(x) + math.log1p(math.exp(-2 * abs(x))) - math.log(2),
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "log1p": math.log1p,
    "expm1": math.expm1,
    "floor": math.floor,
    "ceil": math.ceil,
    "min": min,
    "max": max,
    "norm": abs,
    "sign": lambda x: float(x > 0) - float(x < 0),
    "sum": lambda x: x,
    "mean": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)) if x > -700 else math.exp(x),
    "where": lambda c, a, b: a if c else b,
    "stop_gradient": lambda x: x,
}


class NotANumber(Exception):
    """The expression has no value here; `span` is the part that has none."""

    def __init__(self, reason: str, span: Span) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span


class NoValue(NotANumber):
    """Everything in it is known, and it has no finite value."""


def _named(arguments: tuple[ast.Argument, ...]) -> bool:
    """A reduction `per = layer` is no number."""
    return any(a.name is not None for a in arguments)


def number(expr: ast.Expr, names: Mapping[str, float] | None = None) -> float:
    """The value of the expression; raises NotANumber."""
    known = {**CONSTANTS, **WORDS, **(names or {})}
    try:
        return float(_value(expr, known))
    except ZeroDivisionError:
        raise NoValue("this divides by zero", expr.span) from None
    except (OverflowError, ValueError):
        raise NoValue("this has no finite value", expr.span) from None


def is_whole(value: float) -> bool:
    """Infinite values and `none` are not."""
    return math.isfinite(value) and value == math.floor(value)


def number_or_none(expr: ast.Expr, names: Mapping[str, float] | None = None) -> float | None:
    try:
        return number(expr, names)
    except NotANumber:
        return None


def number_or_nan(expr: ast.Expr, names: Mapping[str, float] | None = None) -> float | None:
    """NaN of what is known and has no value, 1/0; None where something is not known."""
    try:
        return number(expr, names)
    except NoValue:
        return math.nan
    except NotANumber:
        return None


def _value(expr: ast.Expr, names: Mapping[str, float]) -> float:
    match expr:
        case ast.Number(value):
            return value
        case ast.Percent(value):
            return _value(value, names) / 100
        case ast.Name(id):
            if id not in names:
                raise NotANumber(f"'{expr.span.text or id}' has no value here", expr.span)
            return names[id]
        case ast.Unary(op, operand):
            return -_value(operand, names) if op == "-" else _value(operand, names)
        case ast.Absolute(operand):
            return abs(_value(operand, names))
        case ast.Binary(op, left, right):
            return _binary(op, _value(left, names), _value(right, names))
        case ast.Compare(op, left, right):
            return float(_compare(op, _value(left, names), _value(right, names)))
        case ast.Logic(op, left, right):
            values = (_value(left, names), _value(right, names))
            return float(all(values) if op == "and" else any(values))
        case ast.Not(operand):
            return float(not _value(operand, names))
        case ast.Choose(then, condition, otherwise):
            return _value(then if _value(condition, names) else otherwise, names)
        case ast.Call(ast.Name(function), arguments) if function in FUNCTIONS and not _named(arguments):
            numbers = [_value(a.value, names) for a in arguments]
            try:
                return float(FUNCTIONS[function](*numbers))
            except TypeError:  # what Python says of a call with too few or too many arguments
                raise NotANumber(
                    f"'{function}' does not take {_arguments(len(numbers))}", expr.span
                ) from None
        case ast.Call() | ast.Index() | ast.Member() | ast.Gradient() | ast.InputGradient() | ast.Phrase():
            raise NotANumber("a number is expected here", expr.span)
        case _:
            assert_never(expr)


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


def _binary(op: str, a: float, b: float) -> float:
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
        case _:
            power = a**b
            if isinstance(power, complex):
                raise ValueError
            return float(power)


def _compare(op: str, a: float, b: float) -> bool:
    same = a == b or (math.isnan(a) and math.isnan(b))  # none == none
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "=": same, "!=": not same}[op]
