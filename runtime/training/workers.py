"""Many runs over the threads: rows of a state in pieces, each worker takes the next piece when it is free.

Kernels release the interpreter's lock, so plain threads do, and one compiled version serves one thread and
many. A worker has its own work space; no run's numbers depend on who computes them, or beside which others.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from types import ModuleType, TracebackType
from typing import Any

from netc.runtime.aligned import aligned, zeros
from netc.runtime.parameters import Array

PIECES = 16
"""For each worker: enough that runs of unequal length even out."""
LARGEST = 4096
"""Rows of a piece."""


class Workers:
    """`with Workers(kernels, dtype, threads) as workers:`."""

    def __init__(self, kernels: ModuleType, dtype: Any, threads: int) -> None:
        self.threads, self.group = threads, kernels.GROUP
        self.scratch = [zeros(kernels.SCRATCH, dtype) for _ in range(threads)]
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def each(self, rows: Array, work: Callable[[Array, slice, Array], None], most: int = LARGEST) -> None:
        """work(piece of the rows, where it lies in them, scratch) for all pieces; back when all are done."""
        if len(rows) <= 1 or (self.threads == 1 and len(rows) <= most):
            use_threads(self.threads)  # a single large network spreads its samples over them
            work(aligned(rows), slice(0, len(rows)), self.scratch[0])
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
                work(aligned(rows[piece]), piece, scratch)

        if self.threads == 1:
            worker(self.scratch[0])
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, "netc")
        for done in [self._pool.submit(worker, scratch) for scratch in self.scratch]:
            done.result()


def use_threads(count: int) -> None:
    """So many for parallel kernels, or as many as numba has."""
    import numba

    config: Any = numba.config
    numba.set_num_threads(min(count, config.NUMBA_NUM_THREADS))
