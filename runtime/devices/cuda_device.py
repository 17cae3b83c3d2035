"""What generated CUDA kernels call: functions of one number, barriers and sums over teams of threads.

In numba's simulator they are NumPy's, which follow IEEE 754 where Python's raise. Needs `netc[cuda]`.
"""

from __future__ import annotations

import math
from types import FunctionType
from typing import Any

import numpy as np
from numba import cuda, float64, int64, uint64
from numba.core import config as settings

SIMULATED = bool(settings.ENABLE_CUDASIM)
ALIGNED = None if SIMULATED else 16
"""Of shared arrays, in bytes: so many are loaded at once. The simulator has no alignment."""

if SIMULATED:
    exp, expm1, log, log1p, sqrt = np.exp, np.expm1, np.log, np.log1p, np.sqrt
    tanh, sin, cos, tan, atan, power = np.tanh, np.sin, np.cos, np.tan, np.arctan, np.power
    finite: Any = np.isfinite

    def erf(x: Any) -> Any:
        return type(x)(math.erf(x))

else:
    exp, expm1, log, log1p, sqrt, erf = math.exp, math.expm1, math.log, math.log1p, math.sqrt, math.erf  # type: ignore[assignment]
    tanh, sin, cos, tan, atan, power = math.tanh, math.sin, math.cos, math.tan, math.atan, math.pow  # type: ignore[assignment]
    finite = math.isfinite

inlined: Any = cuda.jit(device=True)
"""NVIDIA's compiler does it; numba's own inlining takes longer than all else together."""


@inlined
def maximum(a, b):  # type: ignore[no-untyped-def]
    """NaN if either is, as on the CPU."""
    return a if a > b or a != a else b


@inlined
def minimum(a, b):  # type: ignore[no-untyped-def]
    return a if a < b or a != a else b


@inlined
def floor(x):  # type: ignore[no-untyped-def]
    return x - x % x**0  # x**0 is 1 in the precision of x


@inlined
def sigmoid(x):  # type: ignore[no-untyped-def]
    return x**0 / (x**0 + exp(-x))


def for_device(function: Any, **called: Any) -> Any:
    """The same source as on the CPU, compiled for the device; `called`: what it calls that is compiled likewise."""
    plain = function.py_func
    return inlined(FunctionType(plain.__code__, plain.__globals__ | called, plain.__name__))


@inlined
def next_run(rows, counters, turns):  # type: ignore[no-untyped-def]
    """Where in `rows` the next run stands that has not ended and that nobody has taken; beyond them all: none is left.

    `turns[0]` counts those that were taken.
    """
    place = cuda.atomic.add(turns, 0, 1)
    while place < len(rows) and counters[uint64(rows[uint64(place)]), 3] != 0:
        place = cuda.atomic.add(turns, 0, 1)
    return place


@inlined
def next_run_of_block(rows, counters, sums, turns):  # type: ignore[no-untyped-def]
    """Taken by one thread of a block; every thread gets it."""
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        sums[0] = next_run(rows, counters, turns)
    cuda.syncthreads()
    place = int64(sums[0])
    cuda.syncthreads()
    return place


@inlined
def grid_barrier(turns):  # type: ignore[no-untyped-def]
    """Until every thread of the grid is here. All blocks must be on the GPU at once.

    `turns[0]` counts the blocks that have come, over all barriers; what was written before is seen after it.
    """
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        cuda.threadfence()
        before = cuda.atomic.add(turns, 0, 1)
        all_here = (before // cuda.gridDim.x + 1) * cuda.gridDim.x
        while cuda.atomic.add(turns, 0, 0) < all_here:
            pass
        cuda.threadfence()
    cuda.syncthreads()


@inlined
def block_sum(value, sums, partials, turns):  # type: ignore[no-untyped-def]
    """Of the values of all threads of a block, in a fixed order; every thread gets it."""
    t = cuda.threadIdx.x
    cuda.syncthreads()
    sums[t] = value
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if t < half:
            sums[t] = sums[t] + sums[t + half]
        cuda.syncthreads()
        half = half // 2
    return sums[0]


@inlined
def block_max(value, sums, partials, turns):  # type: ignore[no-untyped-def]
    t = cuda.threadIdx.x
    cuda.syncthreads()
    sums[t] = value
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if t < half:
            sums[t] = maximum(sums[t], sums[t + half])
        cuda.syncthreads()
        half = half // 2
    return sums[0]


@inlined
def block_min(value, sums, partials, turns):  # type: ignore[no-untyped-def]
    return -block_max(-value, sums, partials, turns)


@inlined
def grid_sum(value, sums, partials, turns):  # type: ignore[no-untyped-def]
    """Of the values of all threads of the grid: of each block, then of the blocks, in a fixed order."""
    own = block_sum(value, sums, partials, turns)
    grid_barrier(turns)
    if cuda.threadIdx.x == 0:
        partials[cuda.blockIdx.x] = own
    grid_barrier(turns)
    rest = float64(0.0)
    for b in range(cuda.threadIdx.x, cuda.gridDim.x, cuda.blockDim.x):
        rest += partials[b]
    return block_sum(rest, sums, partials, turns)


@inlined
def grid_max(value, sums, partials, turns):  # type: ignore[no-untyped-def]
    own = block_max(value, sums, partials, turns)
    grid_barrier(turns)
    if cuda.threadIdx.x == 0:
        partials[cuda.blockIdx.x] = own
    grid_barrier(turns)
    rest = own
    for b in range(cuda.threadIdx.x, cuda.gridDim.x, cuda.blockDim.x):
        rest = maximum(rest, partials[b])
    return block_max(rest, sums, partials, turns)


@inlined
def grid_min(value, sums, partials, turns):  # type: ignore[no-untyped-def]
    return -grid_max(-value, sums, partials, turns)
