"""Samples that come with axes of their own, images and sequences, beside those that a network reads."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod


def in_other_order(name: str, axes: Sequence[int], wanted: Sequence[int]) -> str:
    """What is wrong where samples have as many numbers as the network reads, in axes of other sizes; else empty.

    Numbers are taken in their order, so that images whose channels come first would be others. Axes of size 1 change no
    order, and what is a row of numbers on either side has none.
    """
    if len(axes) < 2 or len(wanted) < 2 or prod(axes) != prod(wanted):
        return ""
    if [n for n in axes if n > 1] == [n for n in wanted if n > 1]:
        return ""
    there, here = ("x".join(map(str, sizes)) for sizes in (axes, wanted))
    first = tuple(axes) == (wanted[-1], *wanted[:-1])
    turned = ", ".join(map(str, (0, *range(2, len(axes) + 1), 1)))
    way = f": with the channels last they are {name}.transpose({turned})" if first else ""
    return f"samples of {name} are {there}, the network reads {here}{way}"
