"""How much worse one setting is than another, run by run from the same seeds: the median of the differences, and an interval
that holds that of all such runs with a probability of 95 % at least.

The interval lies between two of the sorted differences (the sign test, Conover, Practical Nonparametric Statistics,
section 3.2), so it supposes nothing of how they are spread, and a run that is lost is a number like others: the worst.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from netc.runtime.parameters import Array

MISSED = Fraction(1, 20)
"""The probability that the interval does not hold it."""


@dataclass(frozen=True)
class Difference:
    median: float
    interval: tuple[float, float] | None
    """None of fewer than six pairs, of which none has this probability."""
    pairs: int


def difference(first: Array, second: Array) -> Difference:
    """Of `first` - `second`, (pairs,) each; two runs that are both lost (infinite) do not differ."""
    with np.errstate(invalid="ignore"):
        apart = np.where(first == second, 0.0, first - second)
    ordered, rank = np.sort(apart), rank_of(len(apart))
    interval = (float(ordered[rank - 1]), float(ordered[-rank])) if rank else None
    return Difference(_middle(ordered), interval, len(apart))


def rank_of(count: int) -> int:
    """The largest k for which fewer than k of so many coins are heads with a probability of MISSED/2 at most: the k-th
    smallest and the k-th largest difference are the ends. 0 where there is none."""
    rank, tail, ways = 0, 0, 1
    while 2 * (tail := tail + ways) <= MISSED * 2**count:  # in whole numbers: 2^4000 is no float
        ways = ways * (count - rank) // (rank + 1)
        rank += 1
    return rank


def _middle(ordered: Array) -> float:
    """The median; between two infinite ones it is infinite, and not NaN."""
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(low if low == high else (low + high) / 2)
