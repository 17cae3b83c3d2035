"""Many runs over the threads: rows of a state in pieces, each worker takes the next piece when it is free.

Kernels release the interpreter's lock, so plain threads do, and one compiled version serves one thread and
many. A worker has its own work space; no run's numbers depend on who computes them, or beside which others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Lock
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from netc.runtime.interrupt import Interrupt
from netc.runtime.parameters import Array

PIECES = 16
"""For each worker: enough that runs of unequal length even out."""
LARGEST = 4096
"""Rows of a piece."""
LINE = 16
"""Numbers between the work spaces of two workers, so that they share no cache line."""


PATIENCE = 1.0
"""Seconds after Ctrl-C in which work under way may come to its end."""
STACK = 2**26
"""Bytes for each thread: numba compiles in them."""
left_behind = False
"""Whether a thread of this process goes on with what nobody waits for; such a process ends by `os._exit`."""


class Abandoned(Exception):
    """Ctrl-C came, and the work went on for PATIENCE: it is no longer waited for."""


class Workers:
    """`with Workers(kernels, dtype, threads) as workers:`. While they work, this thread waits, and hears signals."""

    def __init__(self, kernels: ModuleType, dtype: Any, threads: int) -> None:
        self.threads, self.group = threads, kernels.GROUP
        rest = np.zeros((threads, kernels.SCRATCH + LINE), dtype)
        self.scratch = [row[: kernels.SCRATCH] for row in rest]
        self.interrupt: Interrupt | None = None
        """Asked while work is under way."""
        self._queue = SimpleQueue[_Job | None]()
        self._started = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in range(self._started):
            self._queue.put(None)
        self._started = 0

    def each(
        self,
        rows: Array,
        work: Callable[[Array, slice, Array], None],
        most: int = LARGEST,
        to_the_end: bool = False,
    ) -> None:
        """work(piece of the rows, where it lies in them, scratch) for all pieces; back when all are done.

        Raises Abandoned where Ctrl-C came and the work does not end, unless it must be waited `to_the_end`.
        """
        if len(rows) <= 1 or (self.threads == 1 and len(rows) <= most):

            def alone() -> None:
                use_threads(self.threads)  # a single large network spreads its samples over them
                work(rows, slice(0, len(rows)), self.scratch[0])

            self._wait([self._submit(alone)], to_the_end)
            return
        size = max(1, min(most, -(-len(rows) // (PIECES * self.threads))))
        size = min(most, -(-size // self.group) * self.group)
        starts = iter(range(0, len(rows), size))
        lock = Lock()

        def worker(scratch: Array) -> None:
            while True:
                with lock:
                    start = next(starts, None)
                if start is None:
                    return
                piece = slice(start, min(start + size, len(rows)))
                work(rows[piece], piece, scratch)

        self._wait([self._submit(worker, scratch) for scratch in self.scratch], to_the_end)

    def _submit(self, work: Callable[..., None], *arguments: Any) -> Future[None]:
        if self._started < self.threads:
            before = threading.stack_size(STACK)
            # Daemons: an interpreter that ends does not wait for them.
            threading.Thread(target=_serve, args=(self._queue,), daemon=True, name="netc").start()
            threading.stack_size(before)
            self._started += 1
        done = Future[None]()
        self._queue.put((done, work, arguments))
        return done

    def _wait(self, under_way: list[Future[None]], to_the_end: bool) -> None:
        """For all of them, and raises what one of them raised."""
        global left_behind
        try:
            while not wait(under_way, PATIENCE / 4).done >= {*under_way}:
                late = self.interrupt is not None and self.interrupt.waited() > PATIENCE
                if late and not to_the_end:
                    raise Abandoned
        except BaseException:
            left_behind = True
            raise
        for done in under_way:
            done.result()


_Job = tuple[Future[None], Callable[..., None], tuple[Any, ...]]


def _serve(queue: SimpleQueue[_Job | None]) -> None:
    while (job := queue.get()) is not None:
        done, work, arguments = job
        try:
            done.set_result(work(*arguments))
        except BaseException as error:
            done.set_exception(error)


def use_threads(count: int) -> None:
    """So many for parallel kernels, or as many as numba has."""
    import numba

    config: Any = numba.config
    numba.set_num_threads(min(count, config.NUMBA_NUM_THREADS))
