"""fan_in and fan_out of an array of weights, as the equation that reads it first says."""

from __future__ import annotations

from collections.abc import Mapping

from netc.compiler.lower.layer_text import LayerText
from netc.compiler.lower.reads import name_of, reads, reductions, subscripts
from netc.compiler.lower.subscripts import linear
from netc.dsl import ast


def fans_of(array: ast.Learned, text: LayerText, sizes: Mapping[str, int]) -> tuple[int, int]:
    """(numbers that are summed with the weights, numbers that an input goes to); a computed place is one of many."""
    here = ast.Name(array.name)
    for formula in text.formulas:
        read = next((r for r in reads(formula.value) if r.base == here), None)
        if read is None:
            continue
        left = {name_of(i) for i in formula.indices}
        others = (r for r in reads(_around(formula.value, array.name)) if r.base != here)
        plain = {name_of(s) for r in others for s in subscripts(r.index)}
        fan_in = fan_out = 1
        for index, subscript in zip(array.indices, subscripts(read.index), strict=True):
            place = linear(subscript, sizes)
            if place is not None and place.names:
                fan_in *= 1 if place.names <= left else sizes[name_of(index)]
                fan_out *= 1 if place.names <= plain else sizes[name_of(index)]
        return fan_in, fan_out
    return 1, 1


def _around(expr: ast.Expr, name: str) -> ast.Expr:
    """The innermost reduction that has the array in it; the expression where there is none."""
    found = expr
    for _, _, inner in reductions(expr):
        if any(r.base == ast.Name(name) for r in reads(inner)):
            found = inner
    return found
