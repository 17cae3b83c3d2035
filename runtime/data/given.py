"""Arrays of a Python caller that come again, as in a loop over seeds: then what was made of them serves again.

They are compared by their numbers, since arrays may be written to between two calls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netc.runtime.data.blocks import some
from netc.runtime.data.borrowed import Borrowed
from netc.runtime.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Given:
    data: Dataset
    y: Borrowed

    @staticmethod
    def of(data: Dataset, X: Any, y: Any) -> Given | None:
        """`data` are of X and y; None where these are more than arrays of numbers: frames, lists, text."""
        return Given(data, Borrowed.of(y)) if _plain(X) and _plain(y) else None

    def again(self, X: Any, y: Any) -> Dataset | None:
        """A data set of X and y, with what was made of the one that is the same; None where that is another."""
        if not (_plain(X) and _plain(y)) or (y.dtype, y.shape) != (self.y.array.dtype, self.y.array.shape):
            return None
        if not self.y.unchanged() or not (self.y.is_of(y) or _equal(y, self.y.array)):
            return None
        held = self.data.inputs
        known = held.array if isinstance(held, Borrowed) else held
        if (len(X), X.size) != (len(known), known.size):
            return None
        x = X.reshape(known.shape)
        if not isinstance(held, Borrowed):
            return self.data if _equal(x, held) else None
        if not held.unchanged() or (x.dtype, x.strides) != (known.dtype, known.strides):
            return None
        if held.is_of(x):
            return self.data
        # The one that came last is held: the caller may do with the others what he likes.
        return replace(self.data, inputs=Borrowed.of(x)) if _equal(x, known) else None


def _equal(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return not some(np.not_equal, one, other)


def _plain(array: Any) -> bool:
    return type(array) is np.ndarray and array.ndim > 0 and array.dtype.kind in "fiu"
