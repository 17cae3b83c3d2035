"""`targets = ...` of a loss: which targets it can be taken of. The data are not here yet."""

from __future__ import annotations

import math

from netc.compiler.check.parts.settings import Unfit
from netc.compiler.meaning.resolve_values import number
from netc.compiler.meaning.spec import TargetDomain
from netc.dsl import ast


def target_domain(value: ast.Expr) -> TargetDomain:
    """`0..1`, `0..inf`, `{-1, 1}`, or `distribution`: not negative, of sum 1 over the outputs."""
    match value:
        case ast.Name("distribution"):
            return TargetDomain(0.0, 1.0, sum_is_one=True)
        case ast.Set(items):
            values = tuple(sorted({number(item) for item in items}))
            return TargetDomain(values[0], values[-1], values)
        case ast.Range(start, stop):
            low, high = number(start), number(stop)
            if math.isnan(low) or math.isnan(high) or low >= high:
                raise Unfit("the lower end comes first", value.span, "E0503")
            return TargetDomain(low, high)
    raise Unfit("it is a range (0..1), a set ({-1, 1}) or distribution", value.span)
