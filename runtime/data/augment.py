"""What `augment` does to samples: images (N, h, w, c) and rows (N, inputs), with the numbers that are drawn for it.

    shift(k)    by whole pixels from -k to k, down and to the right, each equally likely; `outside` comes in
    flip        left and right change places, with probability 1/2
    rotate(d)   about the centre, by an angle from -d to d degrees, between pixels bilinear; `outside` comes in
    blur(s)     with a Gaussian of deviation s up to 4 s, at the border the nearest pixel; draws nothing
    noise(s)    plus normal numbers of deviation s, each input its own
    mixup(a)    lambda*x_i + (1 - lambda)*x_j, and targets likewise; j by a permutation, lambda ~ Beta(a, a) for each sample
                (Zhang, Cisse, Dauphin, Lopez-Paz 2018)

Which numbers are drawn is `training/augmenting.py`'s.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ATTEMPTS = 64
"""Pairs of numbers of which one gives a Beta number: all fail once in 2^64."""


def shift(images: Array, down: Array, right: Array, outside: Array) -> Array:
    """`down`, `right`: (N,) whole pixels."""
    n, h, w, _ = images.shape
    rows, columns = np.arange(h)[None] - down[:, None], np.arange(w)[None] - right[:, None]
    return _read(images, rows[:, :, None], columns[:, None, :], np.arange(n), outside)


def _read(images: Array, rows: Array, columns: Array, samples: Array, outside: Array) -> Array:
    """(N, h, w, c): each place reads the pixel that is named for it; `outside` (h, w, c) where there is none."""
    h, w = images.shape[1:3]
    there = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
    rows, columns = (np.clip(a, 0, size - 1).astype(np.int64) for a, size in ((rows, h), (columns, w)))
    found: Array = np.where(there[..., None], images[samples[:, None, None], rows, columns], outside)
    return found


def flip(images: Array, turned: Array) -> Array:
    """`turned`: (N,) whether."""
    found: Array = np.where(turned[:, None, None, None], images[:, :, ::-1], images)
    return found


def rotate(images: Array, degrees: Array, outside: Array) -> Array:
    """(N,) angles, against the clock."""
    n, h, w, _ = images.shape
    angle = np.deg2rad(degrees)[:, None, None]
    y, x = np.arange(h)[None, :, None] - (h - 1) / 2, np.arange(w)[None, None, :] - (w - 1) / 2
    rows = np.cos(angle) * y + np.sin(angle) * x + (h - 1) / 2
    columns = -np.sin(angle) * y + np.cos(angle) * x + (w - 1) / 2
    top, left = np.floor(rows), np.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    samples = np.arange(n)

    def corner(i: int, j: int) -> Array:
        return _read(images, top + i, left + j, samples, outside)

    upper = (1 - right) * corner(0, 0) + right * corner(0, 1)
    lower = (1 - right) * corner(1, 0) + right * corner(1, 1)
    found: Array = (1 - down) * upper + down * lower
    return found


def blur(images: Array, sigma: float) -> Array:
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (1, 2):
        size = images.shape[axis]
        places = np.clip(np.arange(size)[:, None] + np.arange(-reach, reach + 1), 0, size - 1)
        matrix = np.zeros((size, size))
        np.add.at(matrix, (np.arange(size)[:, None], places), weights)
        images = np.moveaxis(np.tensordot(matrix, images, axes=(1, axis)), 0, axis)
    return images


def beta(uniform: Array, alpha: float) -> Array:
    """(N,) numbers of Beta(alpha, alpha), 0 < alpha <= 1, out of (N, ATTEMPTS, 2) uniform ones: Joehnk's way (1964)."""
    with np.errstate(divide="ignore"):
        logs = np.log(uniform) / alpha  # of U^(1/alpha), which may be too small for a number
    larger = logs.max(axis=2)
    with np.errstate(invalid="ignore"):
        first, second = (np.exp(logs[..., i] - larger) for i in (0, 1))
    fits = larger + np.log(first + second) <= 0
    at = np.arange(len(uniform)), fits.argmax(axis=1)
    found: Array = (first / (first + second))[at]
    return np.where(fits.any(axis=1) & np.isfinite(found), found, 0.5)


def mixup(values: Array, others: Array, shares: Array) -> Array:
    """(N, ...) with the samples `others` (N,), by shares (N,)."""
    found: Array = shares[:, None] * values + (1 - shares[:, None]) * values[others]
    return found


def image_shape(shape: tuple[int, ...], names: tuple[str, ...]) -> tuple[int, int, int] | None:
    """(h, w, c) of the inputs: that of the network's input, or of a square of columns that are called pixels."""
    match shape:
        case (h, w):
            return h, w, 1
        case (h, w, c):
            return h, w, c
    side = math.isqrt(len(names))
    pixels = len(names) > 1 and side * side == len(names) and all(n.startswith("pixel") for n in names)
    return (side, side, 1) if pixels else None
