"""Arrays of a Python caller that come again, as in a loop over seeds: then the data set made of them serves again.

They are compared by their numbers, since arrays may be written to between two calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from netc.runtime.data.dataset import Dataset
from netc.runtime.data.scaling import Array


@dataclass(frozen=True, eq=False)
class Given:
    data: Dataset
    y: Array
    """A copy."""

    @staticmethod
    def of(data: Dataset, X: Any, y: Any) -> Given | None:
        """`data` are of X and y; None where these are more than arrays of numbers: frames, lists, text."""
        return Given(data, y.copy()) if _plain(X) and _plain(y) else None

    def same(self, X: Any, y: Any) -> bool:
        """Whether a data set of X and y would be the same."""
        if not (_plain(X) and _plain(y)) or (y.dtype, y.shape) != (self.y.dtype, self.y.shape):
            return False
        x = self.data.x
        return (
            (len(X), X.size) == (len(x), x.size)
            and np.array_equal(X.reshape(x.shape), x)
            and np.array_equal(y, self.y)
        )


def _plain(array: Any) -> bool:
    return type(array) is np.ndarray and array.ndim > 0 and array.dtype.kind in "fiu"
