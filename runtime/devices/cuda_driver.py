"""Errors of the CUDA driver and its libraries as diagnostics, and the memory that a GPU has left.

Every call that reaches the driver stands in one of the two guards below: a GPU can be lost, or its memory be too
small, wherever it is asked for something. Imports numba only inside functions.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.source import Span
from netc.runtime.devices.cuda_missing import DeviceLost, simulated

HOMES = ("numba.cuda.cudadrv", "numba.cuda.simulator.cudadrv", "cuda.")
"""Packages whose errors are the driver's, the compiler's or those of libraries that are not found."""
_abandoned: list[Any] = []
"""What keeps numba from giving a lost GPU's memory back, which fails, and says so on the terminal."""


def is_of_driver(error: Exception) -> bool:
    return any(kind.__module__.startswith(HOMES) for kind in type(error).__mro__)


def is_out_of_memory(error: Exception) -> bool:
    return is_of_driver(error) and "OUT_OF_MEMORY" in str(error)


@contextmanager
def opening(span: Span) -> Iterator[None]:
    """Around what comes before the first launch: E0904 says that this GPU, or this installation, will not do."""
    try:
        yield
    except Exception as error:
        if not is_of_driver(error):
            raise
        hint = "'nvidia-smi' shows the state of the GPU and who uses it; the parts of 'netc[cuda]' belong together"
        raise SpecError([cannot_run(span, f"the GPU does not answer: {words(error)}", hint)]) from error


def words(error: Exception) -> str:
    """The first line; explanations of error numbers follow it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def cannot_run(span: Span, what: str, hint: str) -> Diagnostic:
    return Diagnostic("E0904", f"target = cuda cannot run here: {what}", span, hints=(hint,))


@contextmanager
def working(span: Span) -> Iterator[None]:
    """Around launches and copies: E0909, and what was done is kept."""
    try:
        yield
    except Exception as error:
        if not is_of_driver(error):
            raise
        _abandon()
        hint = "what was done is kept: 'netc run --resume RUN' goes on from there"
        raise DeviceLost(
            [Diagnostic("E0909", f"the GPU was lost: {words(error)}", span, hints=(hint,))]
        ) from error


def _abandon() -> None:
    with suppress(Exception):  # the context may be gone altogether
        from numba import cuda

        never: Any = cuda.defer_cleanup()
        never.__enter__()
        _abandoned.append(never)


def free_memory() -> int:
    """Bytes that the GPU has left."""
    from numba import cuda

    if simulated():
        return sys.maxsize
    return int(cuda.current_context().get_memory_info().free)
