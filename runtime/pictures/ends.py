"""What came of each run, as a few labels that all pictures share: a point it reached, or why it reached none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netc.runtime.kept import Kept
from netc.runtime.outcomes import OUTCOMES
from netc.runtime.parameters import Array
from netc.runtime.pictures.style import BLUE, COLOURS, DARK, LIGHT, MIDDLE, SKY, YELLOW, number

SETTLED = 1e-3
"""A run has settled where the norm of its last gradient is below this, unless its outcome says more."""
NEAR = 0.05
"""Ends this close to each other, in every coordinate, are one point."""
RARE = 0.005
"""A point that fewer of the settled runs reach has no label of its own."""
MOST = len(COLOURS) - 1
"""Points with a label of their own; the last colour is taken."""
ELSEWHERE, UNSETTLED, STUCK, DIVERGED = "elsewhere", "not converged", "step too small", "diverged"


_PLAIN = {
    "converged": BLUE,
    "finished": SKY,
    "interrupted": MIDDLE,
    ELSEWHERE: MIDDLE,
    UNSETTLED: LIGHT,
    STUCK: YELLOW,
    DIVERGED: DARK,
}


@dataclass(frozen=True, eq=False)
class Ends:
    """Of one folder."""

    labels: tuple[str, ...]
    """Points from left to right, then what is not one; the same for all folders of a picture."""
    codes: Array
    """(runs,) index into labels."""
    points: Array
    """(labels that are points, P)"""

    def share(self, label: str) -> float:
        return float(np.mean(self.codes == self.labels.index(label))) if label in self.labels else 0.0

    @property
    def used(self) -> tuple[str, ...]:
        return tuple(label for i, label in enumerate(self.labels) if (self.codes == i).any())


def colour(ends: Ends, label: str) -> str:
    return _PLAIN[label] if label in _PLAIN else COLOURS[ends.labels.index(label)]


def classify(kept: Sequence[Kept]) -> list[Ends]:
    """The ends of each folder, with common labels."""
    reached = [one.ends[_settled(one)] for one in kept if one.ends is not None]
    if len(reached) < len(kept) or len({ends.shape[1] for ends in reached}) > 1:
        return [_outcomes(one) for one in kept]
    points = _points(np.concatenate(reached))
    labels = (*map(_label, points), ELSEWHERE, UNSETTLED, STUCK, DIVERGED)
    return [_ends(one, points, labels) for one in kept]


def _outcomes(kept: Kept) -> Ends:
    """Of a network, whose end is no point that could be shown."""
    codes = np.select([kept.runs["outcome"] == name for name in OUTCOMES], range(len(OUTCOMES)))
    return Ends(OUTCOMES, codes, np.zeros((0, 0)))


def _settled(kept: Kept) -> Array:
    outcome = kept.runs["outcome"]
    found: Array = (
        (kept.runs["gradient_norm"] < SETTLED) & (outcome != "diverged") & (outcome != "not converged")
    )
    found |= outcome == "converged"
    return found


def _points(reached: Array) -> Array:
    """(at most as many as there are colours, P): where the settled runs heap up."""
    cells, counts = np.unique(np.round(reached / NEAR), axis=0, return_counts=True)
    found: list[Array] = []
    while len(found) < MOST and counts.any():
        centre = cells[counts.argmax()] * NEAR
        close = np.abs(cells * NEAR - centre).max(axis=1) <= 2 * NEAR
        if counts[close].sum() < RARE * len(reached):
            break
        found.append(reached[np.abs(reached - centre).max(axis=1) <= 1.5 * NEAR].mean(axis=0))
        counts[close] = 0
    table = np.round(np.array(found).reshape(-1, reached.shape[1]), 6)
    points: Array = table[np.lexsort(table.T[::-1])]
    return points


def _label(point: Array) -> str:
    return f"({', '.join(map(number, point))})"


def _ends(kept: Kept, points: Array, labels: tuple[str, ...]) -> Ends:
    assert kept.ends is not None
    settled = _settled(kept)
    codes = np.where(settled, len(points), len(points) + 1)
    for i, point in enumerate(points):
        near = np.abs(kept.ends - point).max(axis=1, initial=0) <= 2 * NEAR
        codes[settled & near] = i
    codes[~settled & (kept.runs["outcome"] == STUCK)] = labels.index(STUCK)
    codes[kept.diverged] = labels.index(DIVERGED)
    return Ends(labels, codes, points)
