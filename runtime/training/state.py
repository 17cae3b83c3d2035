"""The arrays that training changes, as docs/kernels.md lists them, for some of the runs.

Allocated here, written by the kernels, kept in checkpoints. Does not decide when to train how long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from netc.compiler.calculus import ir
from netc.runtime.aligned import aligned, zeros
from netc.runtime.parameters import Array, states_of_rows
from netc.runtime.training.start import first_states, first_theta

FIGURES = 8
"""Numbers of a report, as `report.py` lists them."""
RUNNING = 0
CRITERION, DIVERGED, SEARCH_FAILED, STEP_TOO_SMALL, NO_SUCH_BATCH, OUT_OF_RANGE, NO_SUCH_LOOP = (
    ir.STATUS.values()
)
NO_GAIN = 7
"""Set here and not by kernels, which leave such a run alone as they do any that has ended."""

MEMORY, MEMORY_ON_GPU = 2**28, 2**32
"""Bytes that the runs in hand may take together."""
MOST, MOST_ON_GPU = 2**18, 2**22
"""Runs in hand at most: each time there are others, the reports of those that report are made anew; a GPU wants many at
once."""


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
    """(runs, STRIDE): the parameters at the best figure of `keep`, or at the lowest training loss seen at a report."""
    best_figure: Array
    """(runs,) that figure, as what is lower is better."""
    best_step: Array
    """(runs,) int64: the iteration in which it was seen."""
    gain_figure: Array
    """(runs,) likewise the best figure of `stop = no gain in ...`."""
    gain_step: Array
    """(runs,) int64"""
    judged: Array
    """(runs,) int64: the iteration in which the run was last judged by these two, -1 before the first."""
    reported: Array
    """(runs,) int64: the iteration of the last report, -1 before the first."""
    last: Array
    """(runs, FIGURES): what the last report said."""

    @property
    def runs(self) -> int:
        return len(self.theta)

    @property
    def going(self) -> Array:
        """(runs,) bool: those that have not ended."""
        found: Array = self.counters[:, 3] == RUNNING
        return found

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
        fields = {name: value for name, value in vars(self).items() if name not in ("first", "at")}
        return {"position": numbers} | fields


class Unfit(ValueError):
    """Arrays from a file that are not a state of this program; the text says which, and why."""


def shapes(
    kernels: ModuleType, program: ir.Program, samples: int, count: int
) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
    """Of every array of `count` runs: kernels read and write within them without asking."""
    real = real_type(program)
    return {
        "theta": ((count, kernels.STRIDE), real),
        "vectors": ((count, kernels.VECTORS, kernels.STRIDE), real),
        "scalars": ((count, kernels.SCALARS), np.float64),
        "counters": ((count, 5), np.int64),
        "figures": ((count, 3), np.float64),
        "order": ((count, samples if kernels.ORDERED else 0), np.int64),
        "best": ((count, kernels.STRIDE), real),
        "best_figure": ((count,), np.float64),
        "best_step": ((count,), np.int64),
        "gain_figure": ((count,), np.float64),
        "gain_step": ((count,), np.int64),
        "judged": ((count,), np.int64),
        "reported": ((count,), np.int64),
        "last": ((count, FIGURES), np.float64),
    }


def from_arrays(
    arrays: dict[str, Array], kernels: ModuleType, program: ir.Program, samples: int, total: int
) -> State:
    """The state in a checkpoint. Raises Unfit unless every array has the shape and type that kernels take for
    granted, and every number that counts or indexes is in its range; `total`: iterations to do."""
    within(arrays, "position", (2,), np.int64, 0)
    first, at = arrays["position"].tolist()
    runs = program.training.runs
    if "theta" not in arrays or not first < runs or not 1 <= len(arrays["theta"]) <= runs - first:
        raise Unfit("its runs are not those of the file")
    count = len(arrays["theta"])
    for name, (shape, kind) in shapes(kernels, program, samples, count).items():
        within(arrays, name, shape, kind)
    counters = arrays["counters"]
    if at > total:
        raise Unfit(f"it has done {at} steps, this training ends after {total}")
    if (counters[:, 4] != np.arange(first, first + count)).any():
        raise Unfit("its runs are not those of the file")
    require_counters(counters, total)
    within(arrays, "order", arrays["order"].shape, np.int64, 0, samples - 1)
    for name, least in (("reported", -1), ("judged", -1), ("best_step", 0), ("gain_step", 0)):
        within(arrays, name, (count,), np.int64, least, total)
    names = shapes(kernels, program, samples, count)
    return State(first, at, **{name: aligned(arrays[name]) for name in names})


def require_counters(counters: Array, total: int) -> None:
    """Of runs that have done at most `total` iterations."""
    within({"counters": counters}, "counters", counters.shape, np.int64, 0)
    for column, most in ((0, total), (3, max(NO_GAIN, *ir.STATUS.values()))):
        part = counters[:, column]
        within({"counters": part}, "counters", part.shape, np.int64, 0, most)


def within(
    arrays: Mapping[str, Array],
    name: str,
    shape: tuple[int, ...],
    kind: type[np.generic],
    low: int | None = None,
    high: int | None = None,
) -> None:
    """Raises Unfit unless there is such an array, and its whole numbers are from `low` to `high`."""
    if name not in arrays:
        raise Unfit(f"it holds no '{name}'")
    array = arrays[name]
    if array.shape != shape or array.dtype != kind:
        what, wanted = (f"{np.dtype(t).name} {s}" for t, s in ((array.dtype, array.shape), (kind, shape)))
        raise Unfit(f"its '{name}' is {what}, not {wanted}")
    if array.size and ((low is not None and array.min() < low) or (high is not None and array.max() > high)):
        raise Unfit(f"a number of its '{name}' is outside its range")


def fresh(
    kernels: ModuleType,
    program: ir.Program,
    hyper: Array,
    samples: int,
    first: int,
    count: int,
    over: State | None = None,
) -> State:
    """The state before the first iteration of `count` runs from `first` on; in the arrays of one that is over, where there
    is one of as many runs: new memory costs more than what is done with it."""
    theta, states = first_theta(program, first, count), first_states(program, first, count)
    return begun(kernels, program, hyper, samples, theta, states, first, over)


def begun(
    kernels: ModuleType,
    program: ir.Program,
    hyper: Array,
    samples: int,
    theta: Array,
    states: Array,
    first: int = 0,
    over: State | None = None,
) -> State:
    """The state before the first iteration of runs that begin at theta (count, P) and states (count, S) of layers."""
    count = len(theta)
    empty = shapes(kernels, program, samples, count)
    arrays = over.arrays() if over and over.runs == count else {}
    state = State(first, 0, **{name: _cleared(arrays.get(name), *of) for name, of in empty.items()})
    state.theta[:, : kernels.PARAMETERS] = theta
    state.counters[:, 4] = np.arange(first, first + count)
    states_of_rows(program.problem, state.theta)[:] = states
    state.best[:] = state.theta
    state.best_figure[:], state.gain_figure[:], state.last[:] = np.inf, np.inf, np.nan
    state.reported[:], state.judged[:] = -1, -1
    kernels.start(state.theta, state.vectors, state.scalars, hyper)
    return state


def _cleared(array: Array | None, shape: tuple[int, ...], kind: type[np.generic]) -> Array:
    if array is None:
        return zeros(shape, kind)
    array[...] = 0
    return array


def bytes_of_state(kernels: ModuleType, program: ir.Program, samples: int) -> int:
    """Of a run: what kernels change."""
    from netc.compiler import memory  # which knows the loops of reports: `netc check` does without

    item, order = real_type(program)(0).itemsize, samples if kernels.ORDERED else 0
    return memory.of_state(item, kernels.STRIDE, kernels.VECTORS, kernels.SCALARS, order)


def bytes_per_run(kernels: ModuleType, program: ir.Program, samples: int) -> int:
    """Of a run in hand, in this machine's memory: what comes back from a GPU has a second place."""
    changed = bytes_of_state(kernels, program, samples) * (1 if kernels.DEVICE == "cpu" else 2)
    return int(changed + real_type(program)(0).itemsize * kernels.STRIDE + 8 * (6 + FIGURES))


def runs_at_once(kernels: ModuleType, program: ir.Program, samples: int) -> int:
    """How many runs fit into MEMORY, and onto the GPU. SpecError where not even one does."""
    runs, each = program.training.runs, bytes_per_run(kernels, program, samples)
    if kernels.DEVICE == "cpu":
        return max(1, min(MOST, runs, MEMORY // each))
    from netc.compiler import memory

    wanted = max(1, min(MOST_ON_GPU, runs, MEMORY_ON_GPU // each))
    return int(kernels.GPU.fitting(wanted, memory.on_gpu(bytes_of_state(kernels, program, samples))))


def real_type(program: ir.Program) -> type[np.floating]:
    return np.float64 if program.training.precision == "f64" else np.float32
