"""Arrays of a caller that are read where they lie. They are not copied, so it is seen to that they are still what they were.

Their owner may write to them between two calls. A checksum of each block tells: then an error says so, and nothing is
computed of numbers that nobody gave. Within one call nobody else is at work, and an array is looked at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.runtime.data.blocks import blocks

CHANGED = (
    "X has been written to since it was given to train, and the model reads it where it lies: give X and y again, or a"
    " copy in the first place: train(X.copy(), y)"
)


@dataclass(frozen=True, eq=False)
class Borrowed:
    array: NDArray[Any]
    """Of plain numbers."""
    sums: tuple[int, ...]
    """CRC-32 of each block, when it was given. That a block is another one and has the same is one chance in 2^32; of a
    change within four bytes there is none."""

    @staticmethod
    def of(array: NDArray[Any]) -> Borrowed:
        found = Borrowed(array, _sums(array))
        _looked_at(found)
        return found

    def unchanged(self) -> bool:
        """Whether it is what it was; within `one_call` it is looked at once."""
        if self in (_SEEN.get() or ()):
            return True
        same = _sums(self.array) == self.sums
        if same:
            _looked_at(self)
        return same

    def read(self) -> NDArray[Any]:
        """The array. Raises ValueError where it was written to."""
        if not self.unchanged():
            raise ValueError(CHANGED)
        return self.array

    def is_of(self, array: NDArray[Any]) -> bool:
        """Whether it is the same place in memory, read in the same way."""
        own = self.array
        return (own.ctypes.data, own.shape, own.strides, own.dtype) == (
            array.ctypes.data,
            array.shape,
            array.strides,
            array.dtype,
        )


_SEEN: ContextVar[set[Borrowed] | None] = ContextVar("seen", default=None)
"""Arrays that were looked at in this call; None outside of one."""


def _looked_at(borrowed: Borrowed) -> None:
    seen = _SEEN.get()
    if seen is not None:
        seen.add(borrowed)


@contextmanager
def one_call() -> Iterator[None]:
    """A call in which the caller's arrays are not written to."""
    if _SEEN.get() is not None:
        yield
        return
    token = _SEEN.set(set())
    try:
        yield
    finally:
        _SEEN.reset(token)


def _sums(array: NDArray[Any]) -> tuple[int, ...]:
    rows = array.T if array.flags.f_contiguous and not array.flags.c_contiguous else array
    width = rows.size // max(len(rows), 1)
    pieces = (np.ascontiguousarray(rows[at]).reshape(-1).view(np.uint8) for at in blocks(len(rows), width))
    return tuple(zlib.crc32(piece.data) for piece in pieces)
