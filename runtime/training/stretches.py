"""Who carries iterations out, stretch by stretch: what the training loop asks, and how the CPU does it.

The GPU's way is in `training/cuda_stretches.py`. When a stretch ends, and what is reported, is decided in `train.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np

from netc.runtime.aligned import aligned
from netc.runtime.parameters import Array
from netc.runtime.training.state import RUNNING, State
from netc.runtime.training.workers import Workers

CHANGED = ("theta", "vectors", "scalars", "counters", "figures", "order")
"""Arrays of a State that kernels change."""
KEPT = 2**26
"""Bytes of the states of several runs that are copied before an iteration."""
FIRST_TURN = 16
"""Iterations after which runs that have ended leave their lanes to others; then twice as many, and so on."""


@dataclass(frozen=True)
class Given:
    """What kernels read and no stretch changes."""

    hyper: Array
    x: Array
    y: Array
    samples: int
    bounds: Array
    seed: int
    by_sample: bool = False
    """Whether a sample is a row of x, not a column."""
    panels: bool = False
    """Whether x has its samples in panels."""


class Stretches(Protocol):
    """One stretch after the other: `begin`, then `queue` and `wait` in turns, up to `depth` queued at a time."""

    @property
    def depth(self) -> int: ...

    def begin(self, state: State) -> None:
        """These are the runs in hand from now on."""

    def queue(self, last: int, report: bool) -> None:
        """The runs in hand go on up to iteration `last`; those that have ended stay as they are.

        `report`: they are going to be reported there.
        """

    def wait(self) -> float:
        """Until the first of the queued stretches is done and the state is as it left it; the seconds it took."""

    def norms(self, rows: Array) -> Array | None:
        """Loss, norm of its gradient and norm of theta of these rows of the state, (len(rows), 3), as `report` of
        the kernels gives them; None where that is left to them."""


class OnCpu:
    """On threads of this machine, when it is waited for."""

    depth = 1

    def __init__(self, kernels: ModuleType, given: Given, workers: Workers, searching: bool = False) -> None:
        self.kernels, self.given, self.workers = kernels, given, workers
        self.last = 0
        self.searching = searching
        """Whether the rule has loops, so that an iteration may take any time."""

    def begin(self, state: State, rows: Array | None = None) -> None:
        """Those `rows` of them alone, if so said."""
        self.state, self.rows = state, np.arange(state.runs) if rows is None else rows

    def queue(self, last: int, report: bool) -> None:
        self.last = last

    def wait(self) -> float:
        state, given, began = self.state, self.given, time.perf_counter()
        self.rows = state.running(self.rows)
        rows = self.rows[state.counters[self.rows, 0] < self.last]
        before = self._before(rows)
        if not len(rows):
            rows = self.rows[:1]  # no run goes on, but kernels are compiled

        # What is no longer waited for goes on with these, and not with those that take their place.
        *changed, order = (getattr(state, name) for name in CHANGED)
        counters, until = state.counters, self.last

        def advance(piece: Array, at: slice, scratch: Array) -> None:
            for last in self._turns(counters[piece, 0].min(initial=until), until):
                piece = aligned(piece[counters[piece, 3] == RUNNING])
                self.kernels.advance(
                    piece,
                    *changed,
                    given.hyper,
                    given.x,
                    given.y,
                    given.bounds,
                    order,
                    scratch,
                    given.seed,
                    last,
                )

        try:
            self.workers.each(rows, advance, to_the_end=before is None)
        except BaseException:
            if before is not None:  # it may have stopped anywhere in an iteration, or go on
                for name, kept in before.items():
                    whole = getattr(state, name).copy()
                    whole[rows] = kept
                    setattr(state, name, whole)
            raise
        return time.perf_counter() - began

    def _turns(self, first: int, until: int) -> Iterator[int]:
        """The iterations up to which the kernels are called one after the other."""
        turn = FIRST_TURN
        while self.kernels.GROUP > 1 and first + turn < until:
            first, turn = int(first) + turn, 2 * turn
            yield first
        yield until

    def _before(self, rows: Array) -> dict[str, Array] | None:
        """What the stretch changes of these rows, as it is now, where the stretch may last: it is then not waited for after
        Ctrl-C. None where it is a few short iterations, or too much is to be kept beside it."""
        state = self.state
        if self.last - state.at > 1 and not self.searching:
            return None
        changed = [getattr(state, name) for name in CHANGED]
        if state.runs > 1 and sum(array.nbytes for array in changed) > KEPT:
            return None
        return {name: array[rows] for name, array in zip(CHANGED, changed, strict=True)}

    def norms(self, rows: Array) -> Array | None:
        return None
