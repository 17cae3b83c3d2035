"""The arrays that training changes, as docs/kernels.md lists them, for some of the runs.

Allocated here, written by the kernels, kept in checkpoints. Does not decide when to train how long.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from netc.compiler import memory
from netc.compiler.calculus import ir
from netc.runtime.aligned import aligned, zeros
from netc.runtime.parameters import Array
from netc.runtime.training.start import first_theta

FIGURES = 6
"""Numbers of a report, as `report.py` lists them."""
RUNNING = 0
CRITERION, DIVERGED, SEARCH_FAILED, STEP_TOO_SMALL = ir.STATUS.values()

MEMORY, MEMORY_ON_GPU = 2**28, 2**32
"""Bytes that the runs in hand may take together."""
MOST, MOST_ON_GPU = 2**16, 2**22
"""Runs in hand at most: what a CPU needs should stay in its caches' reach; a GPU wants many at once."""


@dataclass
class State:
    """Of the runs `first`, `first + 1`, ...; `at` is the iteration they have reached (unless ended)."""

    first: int
    at: int
    theta: Array
    vectors: Array
    scalars: Array
    counters: Array
    figures: Array
    order: Array
    """(runs, samples) where the kernels shuffle, else (runs, 0)."""
    best: Array
    """(runs, STRIDE): the parameters of the lowest training loss seen at a report."""
    best_loss: Array
    """(runs,)"""
    reported: Array
    """(runs,) int64: the iteration of the last report, -1 before the first."""
    last: Array
    """(runs, FIGURES): what the last report said."""

    @property
    def runs(self) -> int:
        return len(self.theta)

    def running(self, rows: Array) -> Array:
        """Those of the rows whose runs go on."""
        going: Array = rows[self.counters[rows, 3] == RUNNING]
        return going

    def moved(self, rows: Array) -> Array:
        """Those of the rows whose runs did something since their last report."""
        moved: Array = rows[self.counters[rows, 0] > self.reported[rows]]
        return moved

    def arrays(self) -> dict[str, Array]:
        """All of it, for a checkpoint."""
        numbers = np.array([self.first, self.at], np.int64)
        return {"position": numbers} | {name: getattr(self, name) for name in _ARRAYS}


_ARRAYS = (
    "theta",
    "vectors",
    "scalars",
    "counters",
    "figures",
    "order",
    "best",
    "best_loss",
    "reported",
    "last",
)


def from_arrays(arrays: dict[str, Array]) -> State:
    first, at = arrays["position"].tolist()
    return State(first, at, **{name: aligned(arrays[name]) for name in _ARRAYS})


def fresh(
    kernels: ModuleType, program: ir.Program, hyper: Array, samples: int, first: int, count: int
) -> State:
    """The state before the first iteration of `count` runs from `first` on."""
    real = real_type(program)
    theta = zeros((count, kernels.STRIDE), real)
    theta[:, : kernels.PARAMETERS] = first_theta(program, first, count)
    counters = zeros((count, 5), np.int64)
    counters[:, 4] = np.arange(first, first + count)
    state = State(
        first=first,
        at=0,
        theta=theta,
        vectors=zeros((count, kernels.VECTORS, kernels.STRIDE), real),
        scalars=zeros((count, kernels.SCALARS), np.float64),
        counters=counters,
        figures=zeros((count, 3), np.float64),
        order=zeros((count, samples if kernels.BY_SAMPLE else 0), np.int64),
        best=theta.copy(),
        best_loss=np.full(count, np.inf),
        reported=np.full(count, -1, np.int64),
        last=np.full((count, FIGURES), np.nan),
    )
    kernels.start(state.theta, state.vectors, state.scalars, hyper)
    return state


def bytes_of_state(kernels: ModuleType, program: ir.Program, samples: int) -> int:
    """Of a run: what kernels change."""
    item, order = real_type(program)(0).itemsize, samples if kernels.BY_SAMPLE else 0
    return memory.of_state(item, kernels.STRIDE, kernels.VECTORS, kernels.SCALARS, order)


def bytes_per_run(kernels: ModuleType, program: ir.Program, samples: int) -> int:
    """Of a run in hand, in this machine's memory: what comes back from a GPU has a second place."""
    changed = bytes_of_state(kernels, program, samples) * (1 if kernels.DEVICE == "cpu" else 2)
    return int(changed + real_type(program)(0).itemsize * kernels.STRIDE + 8 * (2 + FIGURES))


def runs_at_once(kernels: ModuleType, program: ir.Program, samples: int) -> int:
    """How many runs fit into MEMORY, and onto the GPU. SpecError where not even one does."""
    runs, each = program.training.runs, bytes_per_run(kernels, program, samples)
    if kernels.DEVICE == "cpu":
        return max(1, min(MOST, runs, MEMORY // each))
    wanted = max(1, min(MOST_ON_GPU, runs, MEMORY_ON_GPU // each))
    return int(kernels.GPU.fitting(wanted, memory.on_gpu(bytes_of_state(kernels, program, samples))))


def real_type(program: ir.Program) -> type[np.floating]:
    return np.float64 if program.training.precision == "f64" else np.float32
