"""Primitives on arrays of `Decimal`: rules run in sixty digits, so that what differs is no rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Overflow, Underflow, localcontext
from typing import Any

import numpy as np

from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.calculus.written import Written

DIGITS = 60
NAN = Decimal("nan")


@contextmanager
def sixty_digits() -> Iterator[Context]:
    """0/0 is nan and 1/0 infinite, as in float64."""
    context = Context(DIGITS, Emin=MIN_EMIN, Emax=MAX_EMAX)
    for signal in context.traps:
        context.traps[signal] = False
    with localcontext(context) as used:
        yield used


def overflowed(context: Context) -> bool:
    """Was a number too large or too small to be told?"""
    return bool(context.flags[Overflow] or context.flags[Underflow])


def exactly(value: Any) -> Decimal:
    """What was written, in sixty digits, or what the digits say: 0.1 is a tenth."""
    if isinstance(value, Written):
        return Decimal(value.fraction.numerator) / Decimal(value.fraction.denominator)
    return Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)


def in_decimals(op: str) -> Callable[..., Any]:
    """Raises TypeError or ValueError, when it is called, for functions that decimals do not know (tanh, ...)."""
    return _OTHERS.get(op, PRIMITIVES[op].value)


def _where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)[()]


def _lost(*args: Any) -> Any:
    return np.logical_or.reduce(np.broadcast_arrays(*(np.not_equal(x, x) for x in args)))


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's, of objects, forgets a nan."""
    return lambda x, y: _where(_lost(x, y), NAN, function(x, y))


def _sign(x: Any) -> Any:
    return _where(np.greater(x, 0), Decimal(1), _where(np.less(x, 0), Decimal(-1), x))


def _power(x: Any, y: Any) -> Any:
    """x^0 = 1, of 0 too."""
    return _where(np.equal(y, 0), Decimal(1), np.power(x, y))


def _floor(x: Any) -> Any:
    return np.vectorize(_floor_of, otypes=[object])(x)[()]


def _floor_of(x: Decimal) -> Decimal:
    return x if not x.is_finite() else x.to_integral_value("ROUND_FLOOR")


_OTHERS: dict[str, Callable[..., Any]] = {
    "max": _extreme(np.maximum),
    "min": _extreme(np.minimum),
    "sign": _sign,
    "pow": _power,
    "floor": _floor,
    "log": lambda x: np.vectorize(Decimal.ln, otypes=[object])(x)[()],
}
