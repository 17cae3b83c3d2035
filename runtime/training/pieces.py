"""Runs that were trained in several places, as one outcome: the rows of each piece behind those of the one before.

Trains nothing; who trains which runs is decided in `runtime/cluster.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.training.outcomes import STOPS
from netc.runtime.training.state import State, Unfit
from netc.runtime.training.task import Outcome

ROWS = (
    "theta", "best", "best_step", "states", "best_states", "counters", "history", "stops", "final", "kept", "grown",
    "watched",
)  # fmt: skip
"""Of an outcome, what has a row for each run, or is in the order of the runs."""
OF_ALL = ("position", "seconds", "history")
"""Of a checkpoint, what is not of single runs."""
SECONDS = ("compile", "train")


def missing(done: Sequence[tuple[int, int]], runs: int) -> list[tuple[int, int]]:
    """The runs that are in none of these pieces: (first, before which) in their order."""
    edges = [0, *(edge for piece in sorted(done) for edge in piece), runs]
    return [(first, end) for first, end in zip(edges[::2], edges[1::2], strict=True) if first < end]


def cut(gaps: Sequence[tuple[int, int]], group: int, places: int) -> list[tuple[int, int]]:
    """The runs of these gaps in pieces, about four for each place, of whole groups that are computed together."""
    size = -(-sum(end - first for first, end in gaps) // (4 * max(1, places)))
    size = -(-size // group) * group
    return [(at, min(at + size, end)) for first, end in gaps for at in range(first, end, size)]


def joined(parts: Sequence[Outcome], in_hand: bool) -> Outcome:
    """Of all runs, in their order. `in_hand`: in one place they would have been in hand together, so that the states of
    the rule are there."""
    found: dict[str, Any] = {name: _stacked([getattr(part, name) for part in parts]) for name in ROWS}
    seconds = {name: sum(part.seconds[name] for part in parts) for name in parts[0].seconds}
    lost = [part.before for part in parts if part.before is not None]
    checkpoints = [part.checkpoint for part in parts]
    checkpoint = {}
    if in_hand and all(checkpoints):
        names = [name for name in checkpoints[0] if name not in OF_ALL]
        checkpoint = {name: np.concatenate([c[name] for c in checkpoints]) for name in names}
    return replace(
        parts[0],
        **found,
        seconds=seconds,
        interrupted=any(part.interrupted for part in parts),
        before=lost[0] if lost else None,
        checkpoint=checkpoint,
    )


def _stacked(arrays: Sequence[Array | None]) -> Array | None:
    there = [array for array in arrays if array is not None]
    return np.concatenate(there) if there else None


def failed(like: Outcome, runs: int) -> Outcome:
    """In the place of so many runs that nobody could train: as interrupted before their first iteration."""

    def nothing(array: Array) -> Array:
        value = np.nan if array.dtype.kind == "f" else 0
        return np.full((runs, *array.shape[1:]), value, array.dtype)

    rows: dict[str, Any] = {name: nothing(a) for name in ROWS if (a := getattr(like, name)) is not None}
    rows["history"] = like.history[:0]
    rows["stops"] = np.full(runs, STOPS.index("interrupted"), like.stops.dtype)
    none = dict.fromkeys(like.seconds, 0.0)
    return replace(like, **rows, seconds=none, interrupted=True, before=None, checkpoint={})


def to_arrays(outcome: Outcome) -> dict[str, Array]:
    """All of one that came to its end, for a file."""
    rows = {f"row.{name}": array for name in ROWS if (array := getattr(outcome, name)) is not None}
    before = outcome.before.arrays() if outcome.before else {}
    seconds = np.array([outcome.seconds[name] for name in SECONDS])
    found = rows | {f"before.{name}": array for name, array in before.items()}
    found |= {f"checkpoint.{name}": array for name, array in outcome.checkpoint.items()}
    return found | {"seconds": seconds, "every": np.array([outcome.every])}


def from_arrays(arrays: Mapping[str, Array], runs: int, parameters: int) -> Outcome:
    """Raises Unfit where they are not those of so many runs."""

    def named(prefix: str) -> dict[str, Any]:
        return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}

    rows: dict[str, Any] = dict.fromkeys(ROWS) | named("row.")
    if rows["theta"] is None or rows["theta"].shape != (runs, parameters):
        raise Unfit(f"it does not hold {runs} runs with {parameters} parameters")
    before = named("before.")
    if before:
        first, at = before.pop("position").tolist()
    return Outcome(
        **rows,
        seconds=dict(zip(SECONDS, arrays["seconds"].tolist(), strict=True)),
        interrupted=False,
        every=int(arrays["every"][0]),
        before=State(first, at, **before) if before else None,
        checkpoint=named("checkpoint."),
    )
