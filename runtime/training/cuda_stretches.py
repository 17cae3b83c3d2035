"""Stretches of training on the GPU: where the runs are, launches, and how they come back.

The state of the runs in hand is on the GPU from `begin` on. A stretch is a launch, and a copy of the state beside
the one that the next launch works on; from there it comes back through a stream of its own, so that the GPU never
waits for the host. What has come back is whole: all arrays of one iteration, in the one of two places that no copy
goes to. So a GPU that is lost takes nothing with it but the stretches under way.

All else (`start`, losses and outputs for reports) stays with the CPU's kernels, on what came back.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.report import REPORTED
from netc.compiler.memory import COPIES_ON_GPU
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span
from netc.runtime.devices.cuda_driver import cannot_run, free_memory, is_out_of_memory, opening, working
from netc.runtime.devices.cuda_missing import multiprocessors, simulated
from netc.runtime.parameters import Array
from netc.runtime.training.state import State
from netc.runtime.training.stretches import Given

LEFT_FREE = 0.1
"""Part of the free memory that is not taken: the context and the code need some."""
SPACE = 0.5
"""Part of the free memory that work space may take, where there are many teams."""
TEAMS = 32
"""Blocks that a multiprocessor holds at most, on any GPU."""
CHANGED = ("theta", "vectors", "scalars", "counters", "figures", "order")
"""The arrays of a State that a launch changes, in the order of the kernel's arguments."""


def card() -> Card:
    """A grid has no more blocks than the GPU has multiprocessors, so that all of them are there at once. The
    simulator starts a thread of Python for each thread of a block."""
    if simulated():
        return Card(threads=4, crowd=4, blocks=1)
    return Card(blocks=min(Card.blocks, multiprocessors() or Card.blocks))


def trained_on_gpu(cpu: ModuleType, gpu: Gpu) -> ModuleType:
    """The CPU's kernels, but whose stretches are the GPU's."""
    seen = ModuleType(cpu.__name__, cpu.__doc__)
    vars(seen).update(vars(cpu))
    vars(seen).update(DEVICE="cuda", GPU=gpu)
    return seen


@dataclass(frozen=True)
class Gpu:
    """The GPU, for one kernel."""

    module: ModuleType
    span: Span
    """Where the file says cuda."""
    data: int
    """Bytes of the samples."""
    free: Callable[[], int] = free_memory

    def fitting(self, wanted: int, each: int) -> int:
        """So many of the wanted runs, `each` of so many bytes, as go onto the GPU together beside the data."""
        with opening(self.span):
            free = self.free()
        beside = self.data + self.work_space(wanted)
        room = int(free * (1 - LEFT_FREE)) - beside
        if room < each:
            raise SpecError([self.too_small(1, each, free)])
        return min(wanted, room // each)

    def work_space(self, runs: int) -> int:
        """Bytes, at most."""
        return self.teams(runs) * self.space

    @property
    def space(self) -> int:
        """Bytes of a team's work space."""
        item = 8 if self.module.REAL == "f64" else 4
        return item * int(self.module.SCRATCH) + 4 * int(self.module.PLACES) + 8

    def teams(self, runs: int) -> int:
        """Of threads with a work space of their own, at most: these take no more than a part of the memory."""
        if self.module.SHAPE != "block":
            return 1
        with opening(self.span):
            most = int(self.free() * SPACE) // self.space
        return max(1, min(runs, TEAMS * (multiprocessors() or 1), most))

    def too_small(self, runs: int, taken: int, free: int) -> Diagnostic:
        """`taken`: bytes of so many runs."""
        which = "a run" if runs == 1 else f"{runs} runs"
        message = (
            f"the GPU's memory is too small: the data take {megabytes(self.data)}, {which} {megabytes(taken)},"
            f" {megabytes(free)} are free"
        )
        return Diagnostic("E0908", message, self.span, hints=("leave out 'target = cuda'",))

    def blocks(self, runs: int) -> int:
        """Of a launch: no more than are on the GPU at once. SpecError where that is not enough."""
        shape, threads = self.module.SHAPE, self.module.THREADS
        resident = self.resident()
        if resident < self.module.BLOCKS:
            what = f"the GPU holds {resident} blocks of the kernel at once, and {self.module.BLOCKS} must be"
            raise SpecError([cannot_run(self.span, what, "use a larger GPU, or leave out 'target = cuda'")])
        if shape == "grid":
            return int(self.module.BLOCKS)
        return min(resident, -(-runs // threads) if shape == "thread" else self.teams(runs))

    def resident(self) -> int:
        """Blocks that are on the GPU at once; compiles the kernel."""
        if simulated():
            return TEAMS
        from netc.runtime.devices.cuda_types import signature

        with opening(self.span):
            kernel: Any = self.module.advance.compile(signature(self.module.REAL))
            return int(kernel.max_cooperative_grid_blocks(self.module.THREADS))


class OnGpu:
    """Stretches of the runs in hand, two under way: while one comes back and is reported, the next is worked on."""

    depth = 2

    def __init__(self, gpu: Gpu, given: Given) -> None:
        self.gpu, self.given = gpu, given
        self.buffers: Buffers | None = None
        self.queued: deque[tuple[int, bool, Any]] = deque()
        """Which copy of the state, whether with a report, and events: before, after, and when it may come back."""
        self.count = 0
        self.reports, self.reported = hasattr(gpu.module, "report"), False
        """Whether the GPU makes reports, and has made that of the state as it is."""

    def begin(self, state: State) -> None:
        self.state, self.reported = state, False
        if self.buffers is None or self.buffers.runs != state.runs:
            self.buffers = None  # before there are others
            self.buffers = self.made(state)
        with working(self.gpu.span):
            self.buffers.bring(state)

    def made(self, state: State) -> Buffers:
        gpu = self.gpu
        blocks = gpu.blocks(state.runs)
        with opening(gpu.span):
            try:
                return Buffers(gpu.module, self.given, state, blocks)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                needed = COPIES_ON_GPU * sum(a.nbytes for a in changed(state))
                raise SpecError([gpu.too_small(state.runs, needed, gpu.free())]) from error

    def queue(self, last: int, report: bool) -> None:
        from numba import cuda

        b, module, side = self.buffers, self.gpu.module, self.count % 2
        assert b is not None
        size, report = (b.blocks, module.THREADS, b.work), report and self.reports
        with working(self.gpu.span), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few blocks; and the simulator's arithmetic is NumPy's
            began, done, ready = cuda.event(), cuda.event(), cuda.event()
            b.turns.copy_to_device(b.zero, stream=b.work)
            began.record(b.work)
            module.advance[size](
                b.rows, *b.state[:-1], b.hyper, b.x, b.y, b.bounds, b.state[-1], b.scratch, self.given.seed,
                int(last), b.partials, b.turns, b.places,
            )  # fmt: skip
            done.record(b.work)
            for copy, worked_on in zip(b.copies[side], b.state, strict=True):
                copy.copy_to_device(worked_on, stream=b.work)
            if report:
                module.report[size](
                    b.rows,
                    b.state[0],
                    b.x,
                    b.y,
                    b.as_they_stand,
                    self.given.samples,
                    b.norms[side],
                    b.scratch,
                )
            ready.record(b.work)
        self.queued.append((side, report, (began, done, ready)))
        self.count += 1

    def wait(self) -> float:
        b = self.buffers
        assert b is not None
        side, self.reported, (began, done, ready) = self.queued.popleft()
        with working(self.gpu.span):
            ready.wait(b.back)
            for copy, here in zip(b.copies[side], b.here[side], strict=True):
                copy.copy_to_host(here, stream=b.back)
            if self.reported:
                b.norms[side].copy_to_host(b.norms_here, stream=b.back)
            b.back.synchronize()
            seconds = float(began.elapsed_time(done)) / 1000
        for name, here in zip(CHANGED, b.here[side], strict=True):
            setattr(self.state, name, here)
        return seconds

    def norms(self, rows: Array) -> Array | None:
        """Nothing is under way when they have to be made for it."""
        if not self.reports:
            return None
        assert self.buffers is not None
        if not self.reported:
            self.queue(self.state.at, report=True)
            self.wait()
        found: Array = self.buffers.norms_here[rows]
        return found


class Buffers:
    """What a GPU holds for the runs in hand, allocated once; and where they come back to."""

    def __init__(self, module: ModuleType, given: Given, state: State, blocks: int) -> None:
        from numba import cuda

        arrays = changed(state)
        self.runs, self.blocks = state.runs, blocks
        self.work, self.back = cuda.stream(), cuda.stream()
        self.state, *self.copies = (
            [cuda.device_array(a.shape, a.dtype) for a in arrays] for _ in range(COPIES_ON_GPU)
        )
        self.here = [[pinned(a) for a in arrays] for _ in self.copies]
        self.norms = [cuda.device_array((state.runs, REPORTED)) for _ in self.copies]
        self.norms_here = pinned(np.empty((state.runs, REPORTED)))
        self.hyper, self.bounds = cuda.to_device(given.hyper), cuda.to_device(given.bounds)
        self.x, self.y = cuda.to_device(given.x), cuda.to_device(given.y)
        self.as_they_stand = cuda.device_array(0, np.int64)
        """The order of the samples in a report."""
        self.rows = cuda.to_device(np.arange(state.runs))
        teams = blocks if module.SHAPE == "block" else 1
        self.scratch = cuda.device_array((teams, module.SCRATCH), state.theta.dtype)
        self.places = cuda.device_array((teams, module.PLACES), np.int32)
        self.partials, self.turns = cuda.device_array(blocks, np.float64), cuda.device_array(1, np.int64)
        self.zero = pinned(np.zeros(1, np.int64))
        self.zero[:] = 0

    def bring(self, state: State) -> None:
        for there, array in zip(self.state, changed(state), strict=True):
            there.copy_to_device(array)


def changed(state: State) -> list[Array]:
    return [getattr(state, name) for name in CHANGED]


def pinned(array: Array) -> Array:
    """Room for such an array, in memory that the GPU can write to while it works. Nothing is pinned for no bytes."""
    from numba import cuda

    if array.nbytes == 0:
        return np.empty_like(array)
    made: Array = cuda.pinned_array(array.shape, array.dtype)
    return made


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
