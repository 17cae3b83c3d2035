"""`x = 1 within 1%`: when a found value agrees with a stated one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netc.dsl import ast


def is_relative(within: ast.Expr, stated: ast.Expr) -> bool:
    """`within 1%` is of the stated value; where that is itself a percentage, it means percentage points."""
    return isinstance(within, ast.Percent) and not isinstance(stated, ast.Percent)


def agree(
    found: ArrayLike, wanted: ArrayLike, tolerance: ArrayLike, within: ast.Expr, stated: ast.Expr
) -> NDArray[np.bool_]:
    """Element by element, of numbers that broadcast. `within` and `stated` are the texts of tolerance and wanted."""
    size = np.abs(wanted) if is_relative(within, stated) else 1.0
    near: NDArray[np.bool_] = np.abs(np.subtract(found, wanted)) <= np.multiply(tolerance, size)
    return near
