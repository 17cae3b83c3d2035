"""How many numbers a block of the library learns: as a polynomial in the channels that come in, or for the one number of
them that it takes. Counted on inputs, by lowering; nothing is evaluated.

vit.block(heads = 12)       ->  12*c^2 + 13*c
vit.block(768, heads = 12)  ->  7 087 872 for c = 768
"""

from __future__ import annotations

import re
from fractions import Fraction

from netc.compiler.rules.layer_sides import read
from netc.dsl.diagnostics import SpecError

TRIED = (96, 192, 288, 384)
"""Channels that the usual heads and groups divide; one more than a square has coefficients."""


def parameters_told(call: str) -> str:
    """A sentence; empty where the call takes no input that is tried, as one that leaves out what it must say."""
    counts = [_count(call, c) for c in TRIED]
    told = _polynomial([c for c in counts if c is not None])
    if told:
        return f"parameters: {told}, where c channels come in"
    for c in map(int, re.findall(r"(?<![\w.])\d+(?![\w.])", call)):
        count = _count(call, c)
        if count is not None:
            return f"parameters: {_spaced(count)}, where {c} channels come in"
    return ""


def _count(call: str, channels: int) -> int | None:
    for shape in ((5, channels), (7, 7, channels), (32, 32, channels)):
        try:
            return sum(t.size for t in read(call, shape).parameters)
        except SpecError:
            continue
    return None


def _polynomial(counts: list[int]) -> str:
    """Through three of the numbers, if it goes through the fourth one; they are at equal distances."""
    if len(counts) < len(TRIED):
        return ""
    step, (y0, y1, y2, y3) = TRIED[0], counts
    if y3 - 3 * y2 + 3 * y1 - y0:
        return ""
    second = Fraction(y2 - 2 * y1 + y0, 2 * step**2)
    first = Fraction(y1 - y0, step) - 3 * step * second
    rest = y0 - first * step - second * step**2
    terms = ((second, "*c^2"), (first, "*c"), (rest, ""))
    return " + ".join(f"{k}{power}".removeprefix("1*") for k, power in terms if k)


def _spaced(count: int) -> str:
    return f"{count:,}".replace(",", " ")
