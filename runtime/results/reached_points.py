"""Where runs have ended: the listed point (`points minima = {...} within r`) that each has reached, if any.

Only runs that converged, or came to their end where nothing says when to stop, have reached anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from netc.compiler.meaning.spec import FAR, Points
from netc.runtime.parameters import Array
from netc.runtime.training.outcomes import OUTCOMES, SETTLED

NO_LISTED, NOTHING = -1, -2
"""Codes of runs that ended far from all listed points, and of runs that have reached nothing."""


def places(points: tuple[Points, ...]) -> Iterator[tuple[Points, tuple[float, ...]]]:
    """Every listed point with its list, in the order of the codes."""
    return ((one, place) for one in points for place in one.places)


def names(points: tuple[Points, ...]) -> tuple[str, ...]:
    """`minima(0, -1)`, ...; then those of NO_LISTED and NOTHING, so that a code is an index."""
    listed = (f"{one.name}({', '.join(f'{x:.6g}' for x in place)})" for one, place in places(points))
    return (*listed, "", FAR)


def reached(points: tuple[Points, ...], theta: Array, settled: Array) -> Array:
    """(runs,) the place that each run of theta (runs, P) has reached; `settled`: which runs count."""
    found = np.where(settled, NO_LISTED, NOTHING).astype(np.int16)
    nearest = np.full(len(theta), np.inf)
    for code, (one, place) in enumerate(places(points)):
        with np.errstate(all="ignore"):  # lost runs may be anywhere
            distance = np.sqrt(sum(np.square(theta[:, i] - x) for i, x in enumerate(place)))
        near = settled & (distance <= one.within) & (distance < nearest)
        found[near], nearest[near] = code, distance[near]
    return found


def of_ends(
    points: tuple[Points, ...],
    kinds: Callable[[Array, Array, Array], Array],
    theta: Array,
    states: Array,
    outcome_codes: Array,
) -> dict[str, Any]:
    """Of runs that ended at theta (runs, P) with states (runs, S) of layers, what a `Result` says of points."""
    settled = np.isin(outcome_codes, [OUTCOMES.index(name) for name in SETTLED])
    return {
        "point_codes": reached(points, theta, settled),
        "kind_codes": cache(lambda: kinds(theta, settled, states)),
        "point_names": names(points),
    }


def of_list(points: tuple[Points, ...], name: str) -> list[int]:
    """The codes of the list of this name."""
    return [code for code, (one, _) in enumerate(places(points)) if one.name == name]


def at(points: tuple[Points, ...], place: Array) -> list[int]:
    """The code of the point with these coordinates: one or none."""
    return [
        code
        for code, (_, listed) in enumerate(places(points))
        if len(listed) == len(place) and np.allclose(listed, place, rtol=1e-9, atol=1e-12)
    ]
