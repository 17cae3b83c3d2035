"""What came of each run, as a few labels that all pictures share: a point it reached, or why it reached none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.pictures.style import BLUE, COLOURS, LIGHT, MIDDLE, SKY, YELLOW, number, theme
from netc.runtime.results.folder_reader import Kept
from netc.runtime.results.reached_points import places, reached
from netc.runtime.training.outcomes import OUTCOMES, SETTLED

SMALL = 1e-3
"""Without listed points, a run has settled where its last gradient is smaller, unless its outcome says more."""
NEAR = 0.05
"""Ends this close to each other, in every coordinate, are one point."""
RARE = 0.005
"""A point that fewer of the settled runs reach has no label of its own."""
MOST = len(COLOURS) - 1
"""Points with a label of their own; the last colour is taken."""
ELSEWHERE, UNSETTLED, STUCK, DIVERGED = "elsewhere", "not converged", "step too small", "diverged"


PLAIN = (ELSEWHERE, UNSETTLED, STUCK, DIVERGED)
"""What comes after the points."""
_COLOUR = {
    "converged": BLUE,
    "finished": SKY,
    "interrupted": MIDDLE,
    ELSEWHERE: MIDDLE,
    UNSETTLED: LIGHT,
    STUCK: YELLOW,
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
    if label == DIVERGED:
        return theme().ink
    return _COLOUR[label] if label in _COLOUR else COLOURS[ends.labels.index(label)]


def classify(kept: Sequence[Kept]) -> list[Ends]:
    """The ends of each folder, with common labels."""
    if len({one.points for one in kept}) == 1 and kept[0].points:
        return _listed(kept)
    reached = [one.ends[_settled(one)] for one in kept if one.ends is not None]
    if len(reached) < len(kept) or len({ends.shape[1] for ends in reached}) > 1:
        return [_outcomes(one) for one in kept]
    points = _points(np.concatenate(reached))
    labels = (*map(_label, points), *PLAIN)
    return [_ends(one, points, labels) for one in kept]


def _listed(kept: Sequence[Kept]) -> list[Ends]:
    """By the points that the files list; of those that no run reaches, or too few for a colour, none is named."""
    codes = [
        reached(one.points, one.ends, np.isin(one.runs["outcome"], SETTLED))
        for one in kept
        if one.ends is not None
    ]
    shown = list(places(kept[0].points))
    counts = np.bincount(np.maximum(np.concatenate(codes) + 1, 0), minlength=len(shown) + 1)[1:]
    chosen = sorted(np.argsort(-counts, kind="stable")[:MOST].tolist(), key=lambda code: shown[code][1])
    chosen = [code for code in chosen if counts[code]]
    several = len({shown[code][0].name for code in chosen}) > 1
    labels = (*(f"{shown[c][0].name} " * several + _label(shown[c][1]) for c in chosen), *PLAIN)
    points = np.array([shown[c][1] for c in chosen]).reshape(len(chosen), -1)
    return [Ends(labels, _named(one, found, chosen), points) for one, found in zip(kept, codes, strict=True)]


def _named(kept: Kept, found: Array, chosen: list[int]) -> Array:
    """(runs,) index into the points that are shown, then PLAIN; `found` as `reached` gives it."""
    codes = np.select(
        [found == code for code in chosen], range(len(chosen)), len(chosen) + PLAIN.index(ELSEWHERE)
    )
    for label in (UNSETTLED, STUCK, DIVERGED):
        codes[kept.runs["outcome"] == label] = len(chosen) + PLAIN.index(label)
    return codes


def _outcomes(kept: Kept) -> Ends:
    """Of a network, whose end is no point that could be shown."""
    codes = np.select([kept.runs["outcome"] == name for name in OUTCOMES], range(len(OUTCOMES)))
    return Ends(OUTCOMES, codes, np.zeros((0, 0)))


def _settled(kept: Kept) -> Array:
    outcome = kept.runs["outcome"]
    found: Array = (
        (kept.runs["gradient_norm"] < SMALL) & (outcome != "diverged") & (outcome != "not converged")
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


def _label(point: Iterable[float]) -> str:
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
