"""What a GPU can do at most, measured on it: fused multiply-adds in a second, and bytes copied in a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda, float32, float64

THREADS = 256
CHAINS = 8
"""Multiply-adds of a thread that do not wait for each other: more than the four cycles that one takes."""
TURNS = 4096
BYTES = 2**30


@dataclass(frozen=True)
class Ceilings:
    f32: float
    """Operations in a second, a fused multiply-add being two."""
    f64: float
    copied: float
    """Bytes read and written in a second."""

    def peak(self, precision: str) -> float:
        return self.f32 if precision == "f32" else self.f64


def ceilings() -> Ceilings:
    blocks = 16 * cuda.get_current_device().MULTIPROCESSOR_COUNT
    return Ceilings(multiply_adds(float32, blocks), multiply_adds(float64, blocks), copied(blocks))


def chains(real: Any) -> Any:
    """A kernel of CHAINS x TURNS multiply-adds a thread. What it writes depends on all of them."""

    def kernel(out: Any, factor: Any, summand: Any) -> None:
        at = cuda.grid(1)
        a0 = real(at)
        a1, a2, a3, a4 = a0 + real(1), a0 + real(2), a0 + real(3), a0 + real(4)
        a5, a6, a7 = a0 + real(5), a0 + real(6), a0 + real(7)
        turn = 0
        while turn < TURNS:
            a0 = a0 * factor + summand
            a1 = a1 * factor + summand
            a2 = a2 * factor + summand
            a3 = a3 * factor + summand
            a4 = a4 * factor + summand
            a5 = a5 * factor + summand
            a6 = a6 * factor + summand
            a7 = a7 * factor + summand
            turn += 1
        out[at] = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7

    return kernel


def multiply_adds(real: Any, blocks: int) -> float:
    dtype = np.float32 if real is float32 else np.float64
    out = cuda.device_array(blocks * THREADS, dtype)
    kernel = cuda.jit((real[::1], real, real))(chains(real))
    seconds = shortest(lambda: kernel[blocks, THREADS](out, dtype(0.999), dtype(0.5)))
    return 2 * CHAINS * TURNS * blocks * THREADS / seconds


def copy(target: Any, source: Any) -> None:
    at = cuda.grid(1)
    while at < source.size:
        target[at] = source[at]
        at += cuda.gridsize(1)


def copied(blocks: int) -> float:
    source = cuda.to_device(np.zeros(BYTES // 8))
    target = cuda.device_array_like(source)
    kernel = cuda.jit((float64[::1], float64[::1]))(copy)
    return 2 * BYTES / shortest(lambda: kernel[blocks, THREADS](target, source))


def shortest(launch: Any, repetitions: int = 10) -> float:
    """Seconds on the GPU."""
    launch()
    found = []
    for _ in range(repetitions):
        began, ended = cuda.event(), cuda.event()
        began.record()
        launch()
        ended.record()
        ended.synchronize()
        found.append(cuda.event_elapsed_time(began, ended) / 1000)
    return min(found)
