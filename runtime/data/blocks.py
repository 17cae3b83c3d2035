"""Large arrays some rows at a time. What is made of the rows, and for whom, is for the caller to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

NUMBERS = 2**17
"""In a block: a megabyte of float64, which stays in a core's cache from one operation to the next."""


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices that cover the rows 0 to rows - 1 of `width` numbers in order, each row once; a slice has one row at least, and
    else no more than NUMBERS numbers.

    So a computation row by row has the bits of one on the whole array, and what it makes in between takes a megabyte or
    so for each intermediate array, however many rows there are. Only rows wider than NUMBERS take more.
    """
    many = max(1, NUMBERS // max(width, 1))
    for at in range(0, rows, many):
        yield slice(at, min(at + many, rows))


def some(test: Callable[..., NDArray[np.bool_]], *arrays: NDArray[np.generic]) -> bool:
    """Whether `test`, which is of each number, is true anywhere in arrays (N, C) or (N,) of one shape."""
    rows, width = len(arrays[0]), arrays[0].size // max(len(arrays[0]), 1)
    return any(bool(test(*(array[at] for array in arrays)).any()) for at in blocks(rows, width))
