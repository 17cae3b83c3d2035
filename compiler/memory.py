"""How many bytes a run takes while it is trained: for plans, and for the runtime, which splits runs by it.

Says nothing of what a machine has (`runtime/results/capacity.py`, `runtime/training/cuda_stretches.py`).
"""

from __future__ import annotations

from netc.compiler.kernels.report import REPORTED

NUMBERS_OF_A_RUN = 5 + 3
"""Counters and figures."""
COPIES_ON_GPU = 3
"""Of a run's state: the one that is worked on, and two on their way back, of this stretch and the next."""


def of_state(item: int, stride: int, vectors: int, scalars: int, order: int) -> int:
    """theta and `vectors` like it, of `item` bytes a number; `order`: samples that are shuffled."""
    return item * stride * (1 + vectors) + 8 * (scalars + NUMBERS_OF_A_RUN + order)


def on_gpu(state: int) -> int:
    """Of a run in hand whose state takes so much; with its number in the list of rows, and what it reports."""
    return COPIES_ON_GPU * state + 8 + (COPIES_ON_GPU - 1) * 8 * REPORTED


def in_words(count: int) -> str:
    """`1.5 MB`"""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
