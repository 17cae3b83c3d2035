"""The kernels of a program with `advance` on the GPU: copies, launches, memory.

All else (`start`, losses and outputs for reports) stays with the CPU's kernels, on the same arrays. The data go to
the GPU once; the state of the runs goes there before a launch and comes back behind it, so that reports,
checkpoints and results need not know where a run was trained. Runs that do not fit at once go in pieces.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from netc.compiler.cuda_plan import Card
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span
from netc.runtime.cuda_missing import simulated
from netc.runtime.parameters import Array

LEFT_FREE = 0.1
"""Part of the free memory that is not taken: the context and the code need some."""
TEAMS = 2048
"""Blocks of a launch at most; each takes one run after the other."""


def card() -> Card:
    """The simulator starts a thread of Python for each thread of a block."""
    return Card(threads=4, blocks=1) if simulated() else Card()


def with_advance(cpu: ModuleType, module: ModuleType, span: Span) -> ModuleType:
    """The CPU's kernels, with this module's `advance` in the place of theirs; `span` is where the file says cuda."""
    seen = ModuleType(cpu.__name__, cpu.__doc__)
    vars(seen).update(vars(cpu))
    launcher = Launcher(module, span)
    vars(seen)["advance"] = vars(seen)["advance_parallel"] = launcher.advance
    return seen


def free_memory() -> int:
    """Bytes that the GPU has left."""
    from numba import cuda

    if simulated():
        return sys.maxsize
    return int(cuda.current_context().get_memory_info().free)


@dataclass
class Launcher:
    module: ModuleType
    span: Span
    free: Callable[[], int] = free_memory
    constant: dict[int, tuple[Array, Any]] = field(default_factory=dict)
    """Arrays that do not change, here and on the GPU, by id."""

    def advance(
        self, theta: Array, vectors: Array, scalars: Array, counters: Array, figures: Array, hyper: Array,
        x: Array, y: Array, bounds: Array, order: Array, scratch: Array, key: int, last: int,
    ) -> None:  # fmt: skip
        state = (theta, vectors, scalars, counters, figures)
        for piece in self.pieces((*state, order), (x, y)):
            running = np.flatnonzero((counters[piece, 3] == 0) & (counters[piece, 0] < last))
            if len(running):
                here = [a[piece] for a in (*state, order)]
                self.launch(running, here, (hyper, x, y, bounds), key, last)

    def pieces(self, state: tuple[Array, ...], data: tuple[Array, ...]) -> Iterator[slice]:
        """So many runs at a time that they fit into the GPU's memory beside the data."""
        runs = len(state[0])
        per_run = sum(a.nbytes for a in state) // max(runs, 1)
        fixed = sum(a.nbytes for a in data if id(a) not in self.constant)
        per_team = self.module.SCRATCH * state[0].itemsize + 8
        room = int(self.free() * (1 - LEFT_FREE)) - fixed - per_team * self.teams(runs)
        if room < per_run:
            self.refuse(fixed, per_run + per_team)
        size = min(runs, room // max(per_run, 1))
        for start in range(0, runs, size):
            yield slice(start, min(start + size, runs))

    def teams(self, runs: int) -> int:
        """Blocks that need work space."""
        return min(runs, TEAMS) if self.module.SHAPE == "block" else self.module.BLOCKS

    def blocks(self, runs: int) -> int:
        """Of a launch."""
        return -(-runs // self.module.THREADS) if self.module.SHAPE == "thread" else self.teams(runs)

    def refuse(self, data: int, run: int) -> None:
        message = (
            f"the GPU's memory is too small: the data take {megabytes(data)}, a run {megabytes(run)},"
            f" {megabytes(self.free())} are free"
        )
        raise SpecError([Diagnostic("E0908", message, self.span, hints=("leave out 'target = cuda'",))])

    def launch(self, rows: Array, state: list[Array], data: tuple[Array, ...], key: int, last: int) -> None:
        from numba import cuda

        hyper, x, y, bounds = (self.on_gpu(a) for a in data)
        there = [cuda.to_device(a) for a in state]
        blocks, teams = self.blocks(len(rows)), self.teams(len(rows))
        scratch = cuda.device_array((teams, self.module.SCRATCH), state[0].dtype)
        partials = cuda.device_array(max(teams, 1), np.float64)
        turns = cuda.to_device(np.zeros(1, np.int64))
        with np.errstate(all="ignore"):  # the simulator's arithmetic is NumPy's
            self.module.advance[blocks, self.module.THREADS](
                cuda.to_device(rows),
                *there[:5],
                hyper,
                x,
                y,
                bounds,
                there[5],
                scratch,
                key,
                last,
                partials,
                turns,
            )
        # All of it has come back before any of it is used: a launch that fails leaves the runs as they were.
        back = [a.copy_to_host() for a in there]
        for old, new in zip(state, back, strict=True):
            old[...] = new

    def on_gpu(self, array: Array) -> Any:
        from numba import cuda

        if id(array) not in self.constant:
            self.constant[id(array)] = array, cuda.to_device(array)
        return self.constant[id(array)][1]


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
