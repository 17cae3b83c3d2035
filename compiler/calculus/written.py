"""Numbers as they were written: 0.1 is a tenth, and 1/3 a third when laws put constants together.

What runs computes with floats. What is said of a rule is said of real numbers (`proofs`, `rules`): there constants
are floats that know the fraction they stand for. One that is none (a root, e^x) is left as an expression.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isfinite

MOST_DIGITS = 4000
"""Of numerator and denominator, in bits; longer ones are not put together."""


class Written(float):
    """A float with its fraction."""

    fraction: Fraction

    def __new__(cls, fraction: Fraction) -> Written:
        made = super().__new__(cls, _nearest(fraction))
        made.fraction = fraction
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float | int) and isfinite(other) and self.fraction == exact(other)

    def __hash__(self) -> int:
        return hash(self.fraction)

    def __mul__(self, other: float) -> float:
        return _made(self, other, Fraction.__mul__)

    def __rmul__(self, other: float) -> float:
        return self * other

    def __truediv__(self, other: float) -> float:
        return _made(self, other, Fraction.__truediv__)

    def __rtruediv__(self, other: float) -> float:
        return _made(other, self, Fraction.__truediv__)

    def __neg__(self) -> Written:
        return Written(-self.fraction)

    def __reduce__(self) -> tuple[type[Written], tuple[Fraction]]:
        return Written, (self.fraction,)


def written(value: float) -> float:
    """What the digits say, of a finite number."""
    return Written(exact(value)) if isfinite(value) else value


def exact(value: float) -> Fraction:
    """What was written, or what the digits say: 0.1 is a tenth."""
    return value.fraction if isinstance(value, Written) else Fraction(repr(float(value)))


def together(op: str, args: tuple[float, ...]) -> Written | None:
    """A function of constants one of which is `Written`, where it is a fraction."""
    if not all(map(isfinite, args)):
        return None
    numbers = [exact(x) for x in args]
    if any(x.numerator.bit_length() + x.denominator.bit_length() > MOST_DIGITS for x in numbers):
        return None
    match op, numbers:
        case "div", [_, 0]:
            return None
        case "pow", [x, y] if y.denominator == 1 and 0 <= y <= 16:
            return Written(x**y.numerator)
        case _ if op in _FRACTIONS:
            return Written(_FRACTIONS[op](*numbers))
    return None


_FRACTIONS: dict[str, Callable[..., Fraction]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "abs": abs,
    "max": max,
    "min": min,
    "sign": lambda x: Fraction((x > 0) - (x < 0)),
    "floor": lambda x: Fraction(x.__floor__()),
}


def _made(x: float, y: float, function: Callable[[Fraction, Fraction], Fraction]) -> float:
    if not (isfinite(x) and isfinite(y)):
        return float("nan")  # no law keeps what is not finite
    return Written(function(exact(x), exact(y)))


def _nearest(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        return float("inf") if x > 0 else float("-inf")
