"""Windows of pictures, grids of cells in them, and numbers on these as bytes."""

from __future__ import annotations

import base64

import numpy as np

from netc.runtime.parameters import Array

ROOM = 0.15
"""Around what a window is of, as a part of its width."""


def window_of(x: Array) -> list[list[float]]:
    """(low, high) of each axis, with room around."""
    low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
    room = np.where(high > low, ROOM * (high - low), 1.0)
    return np.stack([low - room, high + room], axis=1).tolist()  # type: ignore[no-any-return]


def grid(window: list[list[float]], count: int) -> Array:
    """(cells, axes) The centres of `count` cells along each axis of a window, the first axis fastest."""
    axes = (low + (high - low) * (np.arange(count) + 0.5) / count for low, high in window)
    return np.stack([a.ravel() for a in np.meshgrid(*axes)], axis=1)


def packed(shares: Array) -> str:
    """Numbers from 0 to 1 as bytes."""
    return as_bytes(np.rint(255 * np.clip(shares, 0, 1)))


def as_bytes(numbers: Array) -> str:
    return base64.b64encode(numbers.astype(np.uint8).tobytes()).decode()
