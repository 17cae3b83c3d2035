"""Values of the spec as they are written: numbers, words, arguments and defaults."""

from __future__ import annotations

import math

from netc.compiler.meaning.spec import Values
from netc.dsl import ast


def number(value: float) -> ast.Expr:
    if math.isnan(value):
        return ast.Name("none")
    if math.isinf(value):
        return ast.Name("inf") if value > 0 else ast.Unary("-", ast.Name("inf"))
    return ast.Number(value) if math.copysign(1.0, value) > 0 else ast.Unary("-", ast.Number(-value))


def defaults(parameters: tuple[ast.Parameter, ...], values: Values) -> tuple[ast.Parameter, ...]:
    """The parameters with the numbers they have as defaults."""
    given = dict(values)
    return tuple(ast.Parameter(p.name, number(given[p.name])) for p in parameters)


def arguments_of(values: Values) -> tuple[ast.Argument, ...]:
    return tuple(ast.Argument(name, number(value)) for name, value in values)


def word(name: str, word: str) -> ast.Setting:
    return ast.Setting(name, ast.Name(word))
