"""The laws of sums and norms, and `make_reduce`, which builds a reduction with every law already applied.

What a law changes, [rounding], is said as in `laws.py`.
"""

from __future__ import annotations

import math

from netc.compiler.calculus.ir import Apply, Axes, Const, Expr, Per, Reduce, Reduction, union
from netc.compiler.calculus.laws import make, spread, unspread


def make_reduce(op: Reduction, arg: Expr, over: Axes, per: Per = "") -> Expr:
    """`Reduce(op, arg, over, per)`, simplified; an axis of one element is left in place: it is its own sum."""
    over = tuple(a for a in over if a in arg.axes)
    inner = unspread(arg)
    if inner.axes != arg.axes and per:
        count = Reduce("sum", Const(1.0, over), over, per)
        return _times(op, make("abs", inner) if op == "norm" else spread(inner, arg.axes), inner, count)
    if inner.axes != arg.axes:
        value = make_reduce(op, inner, over)
        value = _times(op, value, value, _count(tuple(a for a in over if a not in inner.axes)))
        return spread(value, union(value.axes, tuple(a for a in arg.axes if a not in over)))
    over = tuple(a for a in over if a.size != 1)
    if not over:
        return make("abs", arg) if op == "norm" else arg

    def free(x: Expr) -> bool:
        return not set(x.axes) & set(over)

    match op, arg:
        case "norm", Apply("neg", (x,)):  # norm(-x) -> norm(x)
            return make_reduce("norm", x, over, per)
        case "sum", Apply("neg", (x,)):  # sum(-x) -> -sum(x)
            return make("neg", make_reduce("sum", x, over, per))
        case "sum", Apply("mul", (s, x)) if free(s):  # sum(s*x) -> s*sum(x) [rounding]
            return make("mul", s, make_reduce("sum", x, over, per))
        case "sum", Apply("mul", (x, s)) if free(s):
            return make("mul", s, make_reduce("sum", x, over, per))
        case "sum", Apply("div", (x, s)) if free(s):  # sum(x/s) -> sum(x)/s [rounding]
            return make("div", make_reduce("sum", x, over, per), s)
        case "sum", Apply("mul", (Apply("div", (x, s)), y) | (y, Apply("div", (x, s)))) if free(s):
            return make("div", make_reduce("sum", make("mul", x, y), over, per), s)
        case _:
            return Reduce(op, arg, over, per)


def _times(op: Reduction, value: Expr, summand: Expr, count: Expr) -> Expr:
    """What a reduction makes of `count` elements that are all equal."""
    match op:
        case "sum":
            return make("mul", summand, count)
        case "norm":
            return make("mul", value, make("sqrt", count))
        case _:
            return value


def _count(axes: Axes) -> Expr:
    """How many elements there are along axes."""
    known = math.prod(a.size for a in axes if a.size is not None)
    unknown = tuple(a for a in axes if a.size is None)
    return (
        make("mul", Const(float(known)), Reduce("sum", Const(1.0, unknown), unknown))
        if unknown
        else Const(known)
    )
