"""Arrays for kernels: each begins on a cache line, so that no vector of it lies across two, whatever the allocator does.

Rows are not aligned here: theirs are whole vectors where a kernel reads them as vectors (`STRIDE`, `sample_layout.py`).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from netc.runtime.parameters import Array

LINE = 64
"""Bytes of a cache line."""


def zeros(shape: int | tuple[int, ...], dtype: Any) -> Array:
    """C-contiguous. No other array has a part of its last line."""
    shape = (shape,) if isinstance(shape, int) else shape
    bytes_wanted = prod(shape) * np.dtype(dtype).itemsize
    if not bytes_wanted:
        return np.zeros(shape, dtype)  # NumPy's strides of what is empty, which others compare
    room = np.zeros((-(-bytes_wanted // LINE) + 1) * LINE, np.uint8)
    first = -room.ctypes.data % LINE
    made: Array = room[first : first + bytes_wanted].view(dtype).reshape(shape)
    return made


def aligned(array: Any, dtype: Any = None) -> Array:
    """The array itself where it is C-contiguous and on a line, else a copy that is."""
    given = np.asarray(array, dtype)
    if is_aligned(given):
        return given
    made = zeros(given.shape, given.dtype)
    made[...] = given
    return made


def is_aligned(array: Array) -> bool:
    return array.flags.c_contiguous and (not array.size or array.ctypes.data % LINE == 0)
