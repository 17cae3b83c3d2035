"""The primitive functions: one row each, all that the compiler knows of mathematics.

A row gives the value (NumPy, for the interpreter), the partial derivatives (as ir, in terms of the
function's own value and its arguments) and the spellings. Activations, losses and update rules are
text in the language (`dsl/library`) and are built from these. This file does not simplify and does
not derive: see `simplify.py` and `derive.py`.

Derivatives at the points where there is none: sign'(x) = 0 and |x|' = 0 at 0; max and min halve at a
tie (as torch.maximum); floor' = 0; a `select` takes that of the chosen branch. sqrt'(0) and log'(0)
are infinite, as they are, but a norm has 0 at 0 (see `derive.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from netc.compiler.calculus.ir import Apply, Const, Expr, apply
from netc.dsl.record import record

# Binding strength of a written expression; an argument below what its place needs gets parentheses.
OR, AND, NOT, COMPARE, SUM, PRODUCT, POWER, ATOM = range(1, 9)

Partial = Callable[..., Expr]


@record
class Primitive:
    """One function. Templates take the spelled arguments as `{0}`, `{1}`, `{2}`."""

    name: str
    arity: int
    value: Callable[..., Any]
    """Of NumPy arrays or floats, element by element."""
    partials: tuple[Partial | None, ...]
    """One per argument: from (value of the function, *arguments) to the derivative; None: zero everywhere."""
    cpu: str
    """Generic over SIMD vectors and floats (`netc.runtime.devices.simd`, `netc.runtime.devices.vmath`)."""
    cuda: str
    """Of floats; functions are those of `netc.runtime.devices.cuda_device`, or Python's own."""
    c: str
    """C99 with <tgmath.h>; functions that it lacks are in `compiler/export/c.py`."""
    fortran: str
    """Fortran 2008; functions that it lacks are in `compiler/export/fortran.py`."""
    text: str
    latex: str
    level: int = ATOM
    needs: tuple[int, ...] = (0, 0, 0)
    """Binding strength that each argument's place asks for."""
    domain: str = "all x"
    source: str = "DLMF 4"
    expansion: Callable[..., Expr] | None = None
    """In terms of other rows, put in by `simplify.common` before code is made; such a row has no spelling."""


ZERO, HALF, ONE = Const(0.0), Const(0.5), Const(1.0)


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))  # <= 1: never overflows
    return np.where(np.asarray(x) >= 0, 1 / (1 + small), small / (1 + small))[()]


def _erf(x: Any) -> Any:
    x = np.asarray(x)
    return np.vectorize(math.erf, otypes=[float])(x).astype(x.dtype)[()]


def _tie(larger: str) -> tuple[Partial, Partial]:
    def of(a: Expr, b: Expr) -> Expr:
        return apply("select", apply(larger, a, b), ONE, apply("select", apply("eq", a, b), HALF, ZERO))

    return (lambda v, a, b: of(a, b)), (lambda v, a, b: of(b, a))


def _power_in_exponent(v: Expr, a: Expr, b: Expr) -> Expr:
    return apply(
        "select", apply("eq", a, ZERO), ZERO, apply("mul", v, apply("log", a))
    )  # 0^b is flat in b > 0


def _expand_softplus(x: Expr) -> Expr:
    # log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): exact at both ends; softplus(x) and softplus(-x) share |x|
    size = apply("abs", x.args[0] if isinstance(x, Apply) and x.op == "neg" else x)
    return apply("add", apply("max", x, ZERO), apply("log1p", apply("exp", apply("neg", size))))


def _expand_sign(x: Expr) -> Expr:
    return apply("select", apply("gt", x, ZERO), ONE, apply("select", apply("lt", x, ZERO), Const(-1.0), x))


def _expand_sinh(x: Expr) -> Expr:
    # sinh x = ((e^x - 1) - (e^-x - 1))/2, accurate near 0
    return apply("mul", HALF, apply("sub", apply("expm1", x), apply("expm1", apply("neg", x))))


def _expand_cosh(x: Expr) -> Expr:
    return apply("mul", HALF, apply("add", apply("exp", x), apply("exp", apply("neg", x))))


def _log_cosh(x: Any) -> Any:
    size = np.abs(x)
    near = -np.log1p(-np.square(np.tanh(x))) / 2
    return np.where(size < 1, near, size + np.log1p(np.exp(-2 * size)) - math.log(2))[()]


def _expand_logcosh(x: Expr) -> Expr:
    # log cosh x = -log(1 - tanh^2 x)/2, accurate near 0; far out |x| + log(1 + e^-2|x|) - log 2, where e^x is not met
    size, t = apply("abs", x), apply("tanh", x)
    near = apply("mul", Const(-0.5), apply("log1p", apply("neg", apply("mul", t, t))))
    rest = apply("log1p", apply("exp", apply("mul", Const(-2.0), size)))
    far = apply("add", size, apply("sub", rest, Const(math.log(2))))
    return apply("select", apply("lt", size, ONE), near, far)


def _infix(name: str, symbol: str, level: int, value: Callable[..., Any], *partials: Partial | None,
           latex: str = "", domain: str = "all x, y", fortran: str = "") -> Primitive:  # fmt: skip
    code = f"{{0}} {symbol} {{1}}"
    text = f"{{0}}{symbol}{{1}}" if level == PRODUCT else code
    return Primitive(
        name,
        2,
        value,
        partials,
        code,
        code,
        code,
        fortran or code,
        text,
        latex or code,
        level,
        (level, level + 1),
        domain,
    )


def _function(name: str, value: Callable[..., Any], *partials: Partial | None, cpu: str = "", cuda: str = "",
              c: str = "", fortran: str = "", latex: str = "", domain: str = "all x", source: str = "DLMF 4",
              expansion: Callable[..., Expr] | None = None) -> Primitive:  # fmt: skip
    arguments = ", ".join(f"{{{i}}}" for i in range(len(partials)))
    text = f"{name}({arguments})"
    if not expansion:
        cpu, cuda, c, fortran = cpu or f"v{text}", cuda or text, c or text, fortran or text
    return Primitive(name, len(partials), value, partials, cpu, cuda, c, fortran, text,
                     latex or rf"\operatorname{{{{{name}}}}}({arguments})", domain=domain, source=source,
                     expansion=expansion)  # fmt: skip


def _compare(name: str, symbol: str, value: Callable[..., Any], latex: str = "") -> Primitive:
    fortran = "{0} /= {1}" if symbol == "!=" else ""
    return _infix(
        name, symbol, COMPARE, value, None, None, latex=latex and f"{{0}} {latex} {{1}}", fortran=fortran
    )


_ROWS = (
    _infix("add", "+", SUM, np.add, lambda v, a, b: ONE, lambda v, a, b: ONE),
    _infix("sub", "-", SUM, np.subtract, lambda v, a, b: ONE, lambda v, a, b: Const(-1.0)),
    _infix("mul", "*", PRODUCT, np.multiply, lambda v, a, b: b, lambda v, a, b: a,
           latex=r"{0} \cdot {1}"),
    _infix("div", "/", PRODUCT, np.divide,
           lambda v, a, b: apply("div", ONE, b), lambda v, a, b: apply("neg", apply("div", v, b)),
           latex=r"{0} / {1}", domain="y != 0"),
    Primitive("neg", 1, np.negative, (lambda v, x: Const(-1.0),), "-{0}", "-{0}", "-{0}", "-{0}", "-{0}", "-{0}",
              SUM, (PRODUCT,)),
    Primitive("pow", 2, np.power,
              (lambda v, a, b: apply("mul", b, apply("pow", a, apply("sub", b, ONE))), _power_in_exponent),
              "vpow({0}, {1})", "power({0}, {1})", "pow({0}, {1})", "(({0})**({1}))", "{0}^{1}", "{0}^{{{1}}}",
              POWER, (ATOM, POWER), domain="x > 0, or y a whole number"),
    _function("exp", np.exp, lambda v, x: v, latex=r"e^{{{0}}}", source="DLMF 4.2"),
    _function("expm1", np.expm1, lambda v, x: apply("add", v, ONE), latex=r"(e^{{{0}}} - 1)",
              source="DLMF 4.2"),
    _function("log", np.log, lambda v, x: apply("div", ONE, x), latex=r"\log({0})", domain="x > 0"),
    _function("log1p", np.log1p, lambda v, x: apply("div", ONE, apply("add", ONE, x)),
              latex=r"\log(1 + {0})", domain="x > -1"),
    _function("sqrt", np.sqrt, lambda v, x: apply("div", HALF, v), latex=r"\sqrt{{{0}}}", domain="x >= 0"),
    _function("abs", np.abs, lambda v, x: apply("sign", x), cuda="abs({0})", c="fabs({0})", latex=r"\lvert {0} \rvert"),
    _function("sign", np.sign, None, expansion=_expand_sign),
    _function("floor", np.floor, None, fortran="floored({0})", latex=r"\lfloor {0} \rfloor"),
    _function("tanh", np.tanh, lambda v, x: apply("sub", ONE, apply("mul", v, v)), latex=r"\tanh({0})"),
    _function("sigmoid", _sigmoid, lambda v, x: apply("mul", v, apply("sub", ONE, v)),
              latex=r"\sigma({0})"),
    _function("softplus", lambda x: np.logaddexp(0.0, x), lambda v, x: apply("sigmoid", x),
              source="Dugas et al. 2001", expansion=_expand_softplus),
    _function("erf", _erf, lambda v, x: apply("mul", Const(2 / math.sqrt(math.pi)),
                                              apply("exp", apply("neg", apply("mul", x, x)))),
              source="DLMF 7.2.1"),
    _function("sin", np.sin, lambda v, x: apply("cos", x), latex=r"\sin({0})"),
    _function("cos", np.cos, lambda v, x: apply("neg", apply("sin", x)), latex=r"\cos({0})"),
    _function("tan", np.tan, lambda v, x: apply("add", ONE, apply("mul", v, v)), latex=r"\tan({0})",
              domain="x != pi/2 + k*pi"),
    _function("atan", np.arctan, lambda v, x: apply("div", ONE, apply("add", ONE, apply("mul", x, x))),
              latex=r"\arctan({0})"),
    _function("sinh", np.sinh, lambda v, x: apply("cosh", x), latex=r"\sinh({0})", expansion=_expand_sinh),
    _function("cosh", np.cosh, lambda v, x: apply("sinh", x), latex=r"\cosh({0})", expansion=_expand_cosh),
    _function("logcosh", _log_cosh, lambda v, x: apply("tanh", x), latex=r"\log \cosh({0})",
              expansion=_expand_logcosh),
    _function("min", np.minimum, *_tie("lt"), cuda="minimum({0}, {1})",
              c="lesser({0}, {1})", fortran="lesser({0}, {1})", latex=r"\min({0}, {1})",
              domain="all x, y"),
    _function("max", np.maximum, *_tie("gt"), cuda="maximum({0}, {1})",
              c="greater({0}, {1})", fortran="greater({0}, {1})", latex=r"\max({0}, {1})",
              domain="all x, y"),
    _compare("lt", "<", np.less),
    _compare("le", "<=", np.less_equal, r"\le"),
    _compare("gt", ">", np.greater),
    _compare("ge", ">=", np.greater_equal, r"\ge"),
    _compare("eq", "==", np.equal, "="),
    _compare("ne", "!=", np.not_equal, r"\ne"),
    Primitive("and", 2, np.logical_and, (None, None), "land({0}, {1})", "{0} and {1}",
              "({0}) && ({1})", "({0}) .and. ({1})", "{0} and {1}",
              r"{0} \land {1}", AND, (AND, AND), "truth values"),
    Primitive("or", 2, np.logical_or, (None, None), "lor({0}, {1})", "{0} or {1}",
              "({0}) || ({1})", "({0}) .or. ({1})", "{0} or {1}",
              r"{0} \lor {1}", OR, (OR, OR), "truth values"),
    Primitive("not", 1, np.logical_not, (None,), "lnot({0})", "not {0}", "!({0})",
              ".not. ({0})", "not {0}", r"\lnot {0}", NOT,
              (COMPARE,), "truth values"),
    Primitive("select", 3, lambda c, a, b: np.asarray(np.where(c, a, b))[()],
              (None, lambda v, c, a, b: apply("select", c, ONE, ZERO),
               lambda v, c, a, b: apply("select", c, ZERO, ONE)),
              "select({0}, {1}, {2})", "select({0}, {1}, {2})", "(({0}) ? ({1}) : ({2}))",
              "merge({1}, {2}, {0})", "({1} if {0} else {2})",
              r"\begin{{cases}} {1} & {0} \\ {2} & \text{{else}} \end{{cases}}",
              domain="a truth value, x, y"),
    _function("stop_gradient", lambda x: x, None, source="held constant by every derivative",
              expansion=lambda x: x),
)  # fmt: skip

PRIMITIVES: dict[str, Primitive] = {row.name: row for row in _ROWS}

COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
TRUTHS = COMPARISONS | {"and", "or", "not"}
"""Functions whose value is a truth value, fit for a condition only."""
