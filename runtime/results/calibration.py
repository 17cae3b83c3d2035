"""How well probabilities say how often they are right: of p (N,), the probabilities that were said, and y (N,), 1 where it
came true and 0 where it did not.

    ece         sum over 15 bins of equal width of |sum of (y - p)|/N
                Guo, Pleiss, Sun, Weinberger 2017, On calibration of modern neural networks
    ece_levels  the same over the level sets of p: all samples with the same p
    smooth_ece  sup of mean(w(p) (y - p)) over w: [0, 1] -> [-1, 1] with |w(a) - w(b)| <= |a - b|, a linear programme
                Blasiok, Gopalan, Hu, Nakkiran 2023, A unifying theory of distance from calibration

The first two jump with p; the third does not.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from netc.runtime.parameters import Array

BINS = 15


@dataclass(frozen=True, eq=False)
class Bins:
    """Of the bins that have samples."""

    said: Array
    """Mean of p in each."""
    came: Array
    """Mean of y in each."""
    counts: Array


def bins(p: Array, y: Array, number: int = BINS) -> Bins:
    """Equal widths, closed at their right ends; 0 belongs to the first."""
    place = np.clip(np.ceil(p * number).astype(np.int64) - 1, 0, number - 1)
    return _groups(p, y, place)


def _groups(p: Array, y: Array, place: Array) -> Bins:
    counts = np.bincount(place)
    some = counts > 0
    said, came = (np.bincount(place, values)[some] / counts[some] for values in (p, y))
    return Bins(said, came, counts[some])


def ece(p: Array, y: Array, number: int = BINS) -> float:
    return _error(bins(p, y, number))


def ece_levels(p: Array, y: Array) -> float:
    return _error(_groups(p, y, np.unique(p, return_inverse=True)[1]))


def _error(found: Bins) -> float:
    return float((found.counts * np.abs(found.came - found.said)).sum() / found.counts.sum())


def smooth_ece(p: Array, y: Array) -> float:
    """|w(a) - w(b)| <= |a - b| for neighbouring levels of p is the law for all pairs, so the programme is a chain, solved
    level by level: what the levels so far give at most, as a function of the last w, is concave in pieces."""
    levels, place = np.unique(p, return_inverse=True)
    gains = np.bincount(place, y - p) / len(p)
    chain = _Concave()
    for gain, apart in zip(gains.tolist(), [0.0, *np.diff(levels).tolist()], strict=True):
        chain.widen(apart)
        chain.tilt(gain)
    return chain.highest


class _Concave:
    """A concave function on [-1, 1], piecewise linear: its maximum, and on either side of where that is the places at which
    its slope falls, the nearest first, with by how much."""

    def __init__(self) -> None:
        self.highest = 0.0
        self._sides: dict[int, list[tuple[float, float]]] = {-1: [], 1: []}
        """Heaps of (distance from 0 towards that side, fall); of both `_shift` is to be added."""
        self._shift = 0.0

    def widen(self, by: float) -> None:
        """f(w) becomes the maximum of f over [w - by, w + by]."""
        self._shift += by

    def tilt(self, gain: float) -> None:
        """f(w) becomes f(w) + gain*w: its maximum wanders towards the side on which that is larger."""
        side, slope = (1, gain) if gain >= 0 else (-1, -gain)
        ahead, behind = self._sides[side], self._sides[-side]
        at = self._nearest(ahead)
        self.highest += slope * at
        while slope > 0:
            fall = 0.0
            if at < 1:
                _, fall = heapq.heappop(ahead)
            passed = min(slope, fall) if at < 1 else slope
            heapq.heappush(behind, (-at - self._shift, passed))
            slope -= passed
            if at >= 1:
                ahead.clear()  # beyond the end there is nothing
                return
            if fall > passed:
                heapq.heappush(ahead, (at - self._shift, fall - passed))
                return
            further = self._nearest(ahead)
            self.highest += slope * (further - at)
            at = further

    def _nearest(self, heap: list[tuple[float, float]]) -> float:
        """The end of the interval, or where the slope falls before it."""
        return min(heap[0][0] + self._shift, 1.0) if heap else 1.0
