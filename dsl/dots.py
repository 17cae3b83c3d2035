"""Sets with dots, `{2, 4, ..., 10}`: the numbers that the dots stand for.

Equal steps or equal ratios, in exact arithmetic of the numbers as typed: 0.1, 0.2, ..., 1 has the number 0.3. Guesses
nothing: where both would do, or neither, it is an error that shows both.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import log
from typing import NoReturn

from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.printer import number, print_expr

MOST = 100_000
"""Numbers of a set with dots: as many as a sweep has points."""
LARGEST = Fraction(10) ** 100
"""Numbers that dots stand between are smaller, and as far from 0."""
MOST_DIGITS = 400
NEAREST = Fraction(1, 10**6)
"""A ratio that is nearer to 1 goes on for longer than any set."""


def numbers_between(
    dots: ast.Expr, before: tuple[ast.Expr, ...], behind: tuple[ast.Expr, ...]
) -> tuple[ast.Expr, ...]:
    """All numbers of the set; those that were typed are as they were typed. `dots` has their place.

    Raises SpecError E0634 where they are not clear.
    """
    if len(before) < 2 or len(behind) != 1:
        _refuse(dots, "dots stand behind two numbers or more, and before the last one", "{2, 4, 6, ..., 20}")
    known, end = [_exact(item) for item in before], _exact(behind[0])
    ways = [*_steps(known), *_ratios(known)]
    written = f"{', '.join(map(print_expr, before))}, ..."
    if not ways:
        _refuse(dots, f"{written} has neither equal steps nor equal ratios before the dots")
    found = [numbers for way in ways if (numbers := _reached(known, end, way))]
    if not found:
        longest = [_moves(known, end, way) for way in ways if _ends(known, end, way)]
        if longest:
            many = _text(Fraction(round(longest[0]) + 1))
            message = f"{written}, {_text(end)} has {many} numbers, a set has at most {MOST}"
            _refuse(dots, message, "larger steps, or draw some of them: ~ uniform(low, high), trials = 50")
        said = ", ".join(_nearest(known, end, way) for way in ways)
        _refuse(
            dots, f"{written} does not come to {_text(end)}: {said}", "end with a number that it comes to"
        )
    if len(found) == 2 and found[0] != found[1]:
        both = " or ".join(f"{_begun(numbers)} ({len(numbers)} numbers)" for numbers in found)
        hint = " or ".join(f"{{{_begun(numbers)}}}" for numbers in found)
        _refuse(dots, f"{written}, {_text(end)} goes on in two ways: {both}", f"write a third number: {hint}")
    between = found[0][len(known) : -1]
    return (*before, *(ast.Number(float(value), span=dots.span) for value in between), behind[0])


Way = tuple[Fraction, Fraction]
"""x -> x*ratio + step"""


def _steps(known: list[Fraction]) -> Iterator[Way]:
    step = known[1] - known[0]
    if step and all(b - a == step for a, b in pairwise(known)):
        yield step, Fraction(1)


def _ratios(known: list[Fraction]) -> Iterator[Way]:
    ratio = known[1] / known[0] if known[0] else Fraction(1)
    if ratio and abs(abs(ratio) - 1) > NEAREST and all(b == a * ratio for a, b in pairwise(known)):
        yield Fraction(0), ratio


def _moves(known: list[Fraction], end: Fraction, way: Way) -> Fraction:
    """How many steps lead from the first number to the end, whole or not; less than 0 where they lead away from it."""
    step, ratio = way
    if step:
        return (end - known[0]) / step
    return Fraction((_log(end) - _log(known[0])) / _log(ratio)) if end else Fraction(-1)


def _log(value: Fraction) -> float:
    """Of its size; the numbers of the fraction may be larger than any float."""
    return log(abs(value.numerator)) - log(value.denominator)


def _ends(known: list[Fraction], end: Fraction, way: Way) -> bool:
    """Whether the end is one of the numbers, however many these are."""
    step, ratio = way
    moves = _moves(known, end, way)
    if step:
        return moves.denominator == 1 and moves >= len(known)
    return len(known) <= round(moves) < MOST and known[0] * ratio ** round(moves) == end


def _reached(known: list[Fraction], end: Fraction, way: Way) -> list[Fraction] | None:
    """The numbers from the first to the end, or None where the end is not among them, or they are too many."""
    step, ratio = way
    count = round(_moves(known, end, way))
    if count >= MOST or not _ends(known, end, way):
        return None
    return [known[0] * ratio**i + i * step for i in range(count + 1)]


def _nearest(known: list[Fraction], end: Fraction, way: Way) -> str:
    step, ratio = way
    moves = _moves(known, end, way)
    how = f"in steps of {_text(step)}" if step else f"times {_text(ratio)}"
    if not step and moves >= MOST:
        return f"{how} it has not come there after {MOST} numbers"
    count = max(int(moves), len(known) - 1)
    last, next_ = (_text(known[0] * ratio**i + i * step) for i in (count, count + 1))
    return f"{how} it has {last} and {next_}"


def _begun(numbers: list[Fraction]) -> str:
    return f"{', '.join(map(_text, numbers[:3]))}, ..., {_text(numbers[-1])}"


def _text(value: Fraction) -> str:
    return number(float(value))


def _exact(item: ast.Expr) -> Fraction:
    """The value of a number as typed: 0.1 is a tenth."""
    value = _value(item)
    if value is None or (value and not 1 / LARGEST < abs(value) < LARGEST):
        _refuse(item, f"dots stand between plain numbers, and '{item.span.text}' is none")
    return value


def _value(item: ast.Expr) -> Fraction | None:
    match item:
        case ast.Number(near, text):
            return Fraction(text) if near else Fraction(0)  # 1e-999999999 would be a long fraction
        case ast.Unary(op, operand) if (value := _value(operand)) is not None:
            return -value if op == "-" else value
        case ast.Binary("/", ast.Number(_, above), ast.Number(below, text)) if below:
            return Fraction(above) / Fraction(text)
        case ast.Binary("^", ast.Number(base, text), exponent) if (
            base and (power := _value(exponent)) is not None
        ):
            return Fraction(text) ** int(power) if power == int(power) and abs(power) < MOST_DIGITS else None
    return None


def _refuse(at: ast.Expr, message: str, *hints: str) -> NoReturn:
    raise SpecError([Diagnostic("E0634", message, at.span, hints=hints)])
