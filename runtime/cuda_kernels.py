"""The kernels of a program with `advance` on the GPU: copies, launches, memory.

All else (`start`, losses and outputs for reports) stays with the CPU's kernels, on the same arrays. The data go to
the GPU once; the state of the runs goes there before a launch and comes back behind it, so that reports,
checkpoints and results need not know where a run was trained. Runs that do not fit at once go in pieces.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from netc.compiler.cuda_plan import Card
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span
from netc.runtime.cuda_missing import DeviceLost, simulated
from netc.runtime.parameters import Array

LEFT_FREE = 0.1
"""Part of the free memory that is not taken: the context and the code need some."""
TEAMS = 2048
"""Blocks of a launch at most; each takes one run after the other."""


def card() -> Card:
    """The simulator starts a thread of Python for each thread of a block."""
    return Card(threads=4, crowd=4, blocks=1) if simulated() else Card()


def with_advance(cpu: ModuleType, module: ModuleType, span: Span) -> ModuleType:
    """The CPU's kernels, with this module's `advance` in the place of theirs; `span` is where the file says cuda."""
    seen = ModuleType(cpu.__name__, cpu.__doc__)
    vars(seen).update(vars(cpu))
    launcher = Launcher(module, span)
    vars(seen).update(advance=launcher.advance, DEVICE="cuda")
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
        self, rows: Array, theta: Array, vectors: Array, scalars: Array, counters: Array, figures: Array,
        hyper: Array, x: Array, y: Array, bounds: Array, order: Array, scratch: Array, key: int, last: int,
    ) -> None:  # fmt: skip
        state, data = (theta, vectors, scalars, counters, figures, order), (hyper, x, y, bounds)
        for piece in self.pieces(rows, state, data):
            self.launch(piece, state, data, key, last)

    def pieces(self, rows: Array, state: tuple[Array, ...], data: tuple[Array, ...]) -> Iterator[Array]:
        """So many runs at a time that they fit into the GPU's memory beside the data."""
        per_run = sum(a.nbytes for a in state) // len(state[0]) + 8
        fixed = sum(a.nbytes for a in data if id(a) not in self.constant)
        per_team = self.module.SCRATCH * state[0].itemsize + 8
        room = int(self.free() * (1 - LEFT_FREE)) - fixed - per_team * self.teams(len(rows))
        if room < per_run:
            self.refuse(fixed, per_run + per_team)
        size = min(len(rows), room // per_run)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def teams(self, runs: int) -> int:
        """Blocks that need work space."""
        return min(runs, TEAMS) if self.module.SHAPE == "block" else self.module.BLOCKS

    def blocks(self, runs: int) -> int:
        """Of a launch."""
        return -(-runs // self.module.THREADS) if self.module.SHAPE == "thread" else self.teams(runs)

    def refuse(self, data: int, run: int) -> NoReturn:
        message = (
            f"the GPU's memory is too small: the data take {megabytes(data)}, a run {megabytes(run)},"
            f" {megabytes(self.free())} are free"
        )
        raise SpecError([Diagnostic("E0908", message, self.span, hints=("leave out 'target = cuda'",))])

    def lost(self, error: Exception) -> NoReturn:
        message = f"the GPU was lost: {error}"
        hint = "what was done is kept: 'netc run --resume RUN' goes on from there"
        raise DeviceLost([Diagnostic("E0909", message, self.span, hints=(hint,))]) from error

    def launch(
        self, rows: Array, state: tuple[Array, ...], data: tuple[Array, ...], key: int, last: int
    ) -> None:
        from numba.cuda.cudadrv.driver import CudaAPIError

        try:
            back = self.launched([a[rows] for a in state], data, key, last)
        except CudaAPIError as error:
            self.lost(error)
        # All of it has come back before any of it is used: a launch that fails leaves the runs as they were.
        for old, new in zip(state, back, strict=True):
            old[rows] = new

    def launched(self, state: list[Array], data: tuple[Array, ...], key: int, last: int) -> list[Array]:
        """The state of these runs after the launch."""
        from numba import cuda

        runs = len(state[0])
        teams = self.teams(runs)
        hyper, x, y, bounds = (self.on_gpu(a) for a in data)
        *there, order = [cuda.to_device(a) for a in state]
        scratch = cuda.device_array((teams, self.module.SCRATCH), state[0].dtype)
        partials, turns = cuda.device_array(teams, np.float64), cuda.to_device(np.zeros(1, np.int64))
        numbers = cuda.to_device(np.arange(runs))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the simulator's arithmetic is NumPy's
            self.module.advance[self.blocks(runs), self.module.THREADS](
                numbers, *there, hyper, x, y, bounds, order, scratch, key, last, partials, turns
            )
        return [a.copy_to_host() for a in (*there, order)]

    def on_gpu(self, array: Array) -> Any:
        from numba import cuda

        if id(array) not in self.constant:
            self.constant[id(array)] = array, cuda.to_device(array)
        return self.constant[id(array)][1]


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
