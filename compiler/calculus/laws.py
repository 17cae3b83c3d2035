"""The algebraic laws of the ir, and `make`, which builds a node with every law already applied.

A law without a remark gives the same value for every argument, up to the sign of a zero. The others say
what they change:
  [rounding]  equal in real numbers; the last bits may differ
  [overflow]  equal in real numbers; keeps a value where the written form overflows or cancels
There is no `0*x -> 0` and no `x - x -> 0`: they hide NaN and infinity. (Derivatives do not need them:
`derive.py` lets nothing flow through a derivative that is zero everywhere.)
The arguments of `make` must be made, too; `simplify.py` takes care of whole expressions.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np

from netc.compiler.calculus.ir import Apply, Axes, Const, Expr, Reduce, union
from netc.compiler.calculus.primitives import COMPARISONS, ONE, PRIMITIVES, TRUTHS, ZERO
from netc.compiler.calculus.written import Written, together

HIGHEST_PRODUCT = 16
"""x^n is written as products up to here; above, `pow` is as fast."""


def make(op: str, *args: Expr) -> Expr:
    """`apply(op, *args)`, simplified, of the same axes."""
    axes = union(*(a.axes for a in args))
    if axes and op not in TRUTHS:
        narrow = tuple(unspread(a) for a in args)
        own = union(*(a.axes for a in narrow))
        if set(own) < set(axes):
            return spread(make(op, *narrow), axes)  # what is equal in all elements is computed once
        args = narrow
    return spread(_fold(op, args) or _LAWS.get(op, _no_law)(*args) or Apply(op, args), axes)


def spread(expr: Expr, axes: Axes) -> Expr:
    """The expression as one with these axes: what lacks some is written 1*s with an array of ones."""
    if set(expr.axes) == set(axes):
        return expr
    assert set(expr.axes) < set(axes), f"{expr.axes} is no part of {axes}"
    if isinstance(expr, Const):
        return Const(expr.value, axes)
    return Apply("mul", (Const(1.0, axes), expr))


def unspread(expr: Expr) -> Expr:
    match expr:
        case Const(value):
            return Const(value)
        case Apply("mul", (Const(1.0, axes), s)) if set(s.axes) < set(axes):
            return s
        case _:
            return expr


def _fold(op: str, args: tuple[Expr, ...]) -> Expr | None:
    """A function of constants is a constant, unless it is not finite: that is for run time to say."""
    if op in TRUTHS or op == "stop_gradient" or not all(isinstance(a, Const) for a in args):
        return None
    numbers = tuple(a.value for a in args if isinstance(a, Const))
    if any(isinstance(x, Written) for x in numbers):
        found = together(op, numbers)
        return None if found is None else Const(found)
    with np.errstate(all="ignore"):
        value = float(PRIMITIVES[op].value(*numbers))
    return Const(value) if math.isfinite(value) else None


def _no_law(*args: Expr) -> Expr | None:
    return None


def _add(a: Expr, b: Expr) -> Expr | None:
    match a, b:
        case (x, Const(0.0)) | (Const(0.0), x):  # x + 0 -> x
            return x
        case Apply("neg", (x,)), y:  # -x + y -> y - x
            return make("sub", y, x)
        case x, Apply("neg", (y,)):  # x + -y -> x - y
            return make("sub", x, y)
        case (Apply("mul", (Const(c), x)), Apply("mul", (Const(d), y))) if (
            c == d
        ):  # c*x + c*y -> c*(x + y) [rounding]
            return make("mul", Const(c), make("add", x, y))
        case (Apply("exp", (x,)), Const(-1.0)) | (Const(-1.0), Apply("exp", (x,))):  # [overflow]
            return make("expm1", x)
        case Apply("exp", (x,)), Apply("exp", (y,)) if (
            make("neg", x) == y
        ):  # e^x + e^-x -> 2 cosh(x) [rounding]
            return make("mul", Const(2.0), make("cosh", x))
        case Apply("select", (c, x, Const(0.0))), Apply("select", (d, Const(0.0), y)) if c == d:
            return make("select", c, x, y)  # the two halves of one choice
        case Apply("div", (x, s)), Apply("div", (y, t)) if s == t:  # x/s + y/s -> (x + y)/s [rounding]
            return make("div", make("add", x, y), s)
        case x, y if x == y:  # x + x -> 2*x
            return make("mul", Const(2.0), x)
    return None


def _sub(a: Expr, b: Expr) -> Expr | None:
    match a, b:
        case x, Const(0.0):  # x - 0 -> x
            return x
        case Const(0.0), x:  # 0 - x -> -x
            return make("neg", x)
        case x, Apply("neg", (y,)):  # x - -y -> x + y
            return make("add", x, y)
        case Apply("neg", (x,)), y:  # -x - y -> -(x + y)
            return make("neg", make("add", x, y))
        case (Apply("mul", (Const(c), x)), Apply("mul", (Const(d), y))) if (
            c == d
        ):  # c*x - c*y -> c*(x - y) [rounding]
            return make("mul", Const(c), make("sub", x, y))
        case Apply("div", (x, s)), Apply("div", (y, t)) if s == t:  # x/s - y/s -> (x - y)/s [rounding]
            return make("div", make("sub", x, y), s)
        case Apply("exp", (x,)), Const(1.0):  # e^x - 1 -> expm1(x) [overflow]
            return make("expm1", x)
        case (Apply("mul", (Apply("sub", (Const(1.0), y)), Apply("sigmoid", (x,)))),
              Apply("mul", (t, Apply("sigmoid", (Apply("neg", (w,)),)))))  if y == t and x == w:  # fmt: skip
            return make("sub", make("sigmoid", x), y)  # (1-y)*s - y*(1-s) -> s - y [rounding]
    return None


def _mul(a: Expr, b: Expr) -> Expr | None:
    match a, b:
        case (x, Const(1.0)) | (Const(1.0), x):  # x*1 -> x
            return x
        case (x, Const(-1.0)) | (Const(-1.0), x):  # x*-1 -> -x
            return make("neg", x)
        case x, Const() as c if not isinstance(x, Const):  # constants stand first
            return make("mul", c, x)
        case Const(c), Apply("mul", (Const(d), x)) if _joined(c * d, c, d):  # c*(d*x) -> (c*d)*x [rounding]
            return make("mul", Const(c * d), x)
        case Const(c), Apply("neg", (x,)):  # c*-x -> (-c)*x
            return make("mul", Const(-c), x)
        case Const(c), Apply("div", (Const(d), x)) if _joined(c * d, c, d):  # c*(d/x) -> (c*d)/x [rounding]
            return make("div", Const(c * d), x)
        case Const(), Apply("mul" | "div", (Const(), _)):  # they stay apart
            return None
        case (Apply("neg", (x,)), y) | (y, Apply("neg", (x,))):  # -x*y -> -(x*y)
            return make("neg", make("mul", x, y))
        case (Apply("mul", (Const() as c, x)), y) | (
            y,
            Apply("mul", (Const() as c, x)),
        ):  # (c*x)*y -> c*(x*y) [rounding]
            return make("mul", c, make("mul", x, y))
        case (Apply("div", (Const() as c, x)), y) | (
            y,
            Apply("div", (Const() as c, x)),
        ):  # (c/x)*y -> c*y/x [rounding]
            return make("div", make("mul", c, y), x)
        case (Apply("select", (c, x, Const(0.0))), y) | (y, Apply("select", (c, x, Const(0.0)))):
            return make("select", c, make("mul", x, y), ZERO)  # what is not chosen stays out, be it NaN
        case (Apply("select", (c, Const(0.0), x)), y) | (y, Apply("select", (c, Const(0.0), x))):
            return make("select", c, ZERO, make("mul", x, y))
        case Apply("sqrt", (x,)), Apply("sqrt", (y,)) if x == y and _is_square(x):  # norm(g)^2 [rounding]
            return x
    return None


def _joined(value: float, *factors: float) -> bool:
    """Can a constant stand for several? Not where it overflows or vanishes and what it meets could bring it back."""
    return math.isfinite(value) and (abs(value) >= sys.float_info.min or 0 in factors)


def _is_square(x: Expr) -> bool:
    match x:
        case Reduce("sum", arg):
            return _is_square(arg)
        case Apply("mul", (a, b)):
            return a == b
        case _:
            return False


def _div(a: Expr, b: Expr) -> Expr | None:
    match a, b:
        case x, Const(1.0):  # x/1 -> x
            return x
        case x, Const(-1.0):  # x/-1 -> -x
            return make("neg", x)
        case x, Const(c) if c != 0 and abs(math.frexp(c)[0]) == 0.5 and math.isfinite(1 / c):
            return make("mul", Const(1 / c), x)  # by a power of two: exact
        case Apply("mul", (Const(c), x)), Const(d) if d != 0 and _joined(c / d, c):
            return make("mul", Const(c / d), x)  # c*x/d -> (c/d)*x [rounding]
        case Apply("neg", (x,)), y:  # -x/y -> -(x/y)
            return make("neg", make("div", x, y))
        case x, Apply("neg", (y,)):  # x/-y -> -(x/y)
            return make("neg", make("div", x, y))
        case x, Apply("div", (Const(1.0), y)):  # x/(1/y) -> x*y [overflow]
            return make("mul", x, y)
        case Const(1.0), Apply("add", (Const(1.0), Apply("exp", (x,))) | (Apply("exp", (x,)), Const(1.0))):
            return make("sigmoid", make("neg", x))  # 1/(1 + e^x) -> sigmoid(-x) [rounding]
        case Apply("exp", (x,)), Apply(
            "add", (Const(1.0), Apply("exp", (y,))) | (Apply("exp", (y,)), Const(1.0))
        ) if x == y:
            return make("sigmoid", x)  # e^x/(1 + e^x) -> sigmoid(x) [overflow]
        case Apply("select", (c, x, Const(0.0))), y:
            return make("select", c, make("div", x, y), ZERO)
        case Apply("select", (c, Const(0.0), x)), y:
            return make("select", c, ZERO, make("div", x, y))
    return None


def _neg(a: Expr) -> Expr | None:
    match a:
        case Apply("neg", (x,)):  # --x -> x
            return x
        case Apply("sub", (x, y)):  # -(x - y) -> y - x
            return make("sub", y, x)
        case Apply("mul" | "div" as op, (Const(c), x)):  # -(c*x) -> (-c)*x, likewise c/x
            return make(op, Const(-c), x)
        case Apply("select", (c, x, Const(0.0))):
            return make("select", c, make("neg", x), ZERO)
        case Apply("select", (c, Const(0.0), x)):
            return make("select", c, ZERO, make("neg", x))
    return None


def _pow(a: Expr, b: Expr) -> Expr | None:
    if not isinstance(b, Const):
        return None
    n = float(b.value)
    if n == 0:  # x^0 -> 1, also of NaN (IEEE 754, pow)
        return spread(ONE, a.axes)
    if n < 0 and (n == -0.5 or n.is_integer()) and -n <= HIGHEST_PRODUCT:  # x^-n -> 1/x^n [rounding]
        return make("div", ONE, make("pow", a, Const(-n)))
    if n == 0.5:  # x^0.5 -> sqrt(x)
        return make("sqrt", a)
    if n.is_integer() and 0 < n <= HIGHEST_PRODUCT:  # x^n by squaring [rounding]
        half = make("pow", a, Const(n // 2)) if n > 1 else ONE
        square = make("mul", half, half)
        return make("mul", square, a) if n % 2 else square
    return None


def _log(a: Expr) -> Expr | None:
    match a:
        case Apply("exp", (x,)):  # log(e^x) -> x [overflow]
            return x
        case Apply("div", (Apply("exp", (x,)), s)):  # log(e^x/s) -> x - log(s) [overflow]
            return make("sub", x, make("log", s))
        case Apply("sigmoid", (x,)):  # log(sigmoid(x)) -> -softplus(-x) [overflow]
            return make("neg", make("softplus", make("neg", x)))
        case Apply("cosh", (x,)):  # log(cosh(x)) -> logcosh(x) [overflow]
            return make("logcosh", x)
        case Apply("mul", (Const(c), Apply("cosh") as x)) if (
            c > 0
        ):  # log(c*cosh(x)) -> log(cosh(x)) + log(c) [overflow]
            return make("add", make("log", x), Const(math.log(c)))
        case Apply("sub", (Const(1.0), x)):  # log(1 - x) -> log1p(-x) [overflow]
            return make("log1p", make("neg", x))
        case Apply("add", (Const(1.0), x)) | Apply(
            "add", (x, Const(1.0))
        ):  # log(1 + x) -> log1p(x) [overflow]
            return make("log1p", x)
    return None


def _log1p(a: Expr) -> Expr | None:
    match a:
        case Apply("exp", (x,)):  # log(1 + e^x) -> softplus(x) [overflow]
            return make("softplus", x)
        case Apply("neg", (Apply("sigmoid", (x,)),)):  # log(1 - sigmoid(x)) -> -softplus(x) [overflow]
            return make("neg", make("softplus", x))
        case Apply("expm1", (x,)):  # log1p(expm1(x)) -> x [overflow]
            return x
    return None


def _abs(a: Expr) -> Expr | None:
    match a:
        case Apply("abs"):  # ||x|| -> |x|
            return a
        case Apply("neg", (x,)):  # |-x| -> |x|
            return make("abs", x)
    return None


def _not(a: Expr) -> Expr | None:
    match a:
        case Apply("not", (x,)):
            return x
    return None


def _select(c: Expr, a: Expr, b: Expr) -> Expr | None:
    match c:
        case Apply("not", (d,)):  # a if not d else b -> b if d else a
            return make("select", d, b, a)
        case Apply(op, (Const(x), Const(y))) if op in COMPARISONS:  # decided now
            return a if PRIMITIVES[op].value(x, y) else b
        case _:
            return a if a == b else None


_LAWS: dict[str, Callable[..., Expr | None]] = {
    "add": _add, "sub": _sub, "mul": _mul, "div": _div, "neg": _neg, "pow": _pow, "log": _log,
    "log1p": _log1p, "abs": _abs, "not": _not, "select": _select,
}  # fmt: skip
