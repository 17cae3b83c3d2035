"""An activation that learns -> the layer that it is: of each number of what comes in, for each of the other indices.

activation snake(z):                          layer snake:
    learn a[i] = 1                                learn a[i] = 1
    y = z + sin(a[i]*z)^2/a[i]                    y[i] = x[i] + sin(a[i]*x[i])^2/a[i]
"""

from __future__ import annotations

from dataclasses import replace

from netc.dsl import ast
from netc.dsl.walks import rebuild

UNIT = "unit"
"""The index where what is learnt has none."""


def as_layer(activation: ast.LearntActivation) -> ast.Layer:
    unit = _unit(activation)
    own = {line.name for line in activation.lines if isinstance(line, ast.Formula)}

    def read(expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Index(ast.Name(), _):
                return expr
            case ast.Name(id) if id == activation.variable:
                return ast.Index(ast.Name("x", span=expr.span), unit, span=expr.span)
            case ast.Name(id) if id in own:
                return ast.Index(expr, unit, span=expr.span)
        return rebuild(expr, read)

    def line(item: ast.LayerLine) -> ast.LayerLine:
        if not isinstance(item, ast.Formula):
            return item
        condition = item.condition and read(item.condition)
        return replace(item, indices=(unit,), value=read(item.value), condition=condition)

    lines = tuple(map(line, activation.lines))
    return ast.Layer(
        activation.name,
        activation.parameters,
        lines,
        activation.settings,
        activates=True,
        span=activation.span,
    )


def _unit(activation: ast.LearntActivation) -> ast.Name:
    for line in activation.lines:
        if isinstance(line, ast.Learn):
            for index in (i for array in line.arrays for i in array.indices):
                match index:
                    case ast.Name():
                        return index
                    case ast.Among(ast.Name() as name):
                        return name
    return ast.Name(UNIT)
