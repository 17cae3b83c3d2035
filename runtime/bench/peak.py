"""The multiply-adds that one core does in a second: measured by chains of them in registers, once a machine, and kept.

Twelve chains hide the latency of fused multiply-adds on every processor of the last ten years (two a cycle, four to five
cycles each). Where the processor has none, a chain is a product and a sum.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any, cast

import numpy as np
from numba import njit

from netc.runtime.aligned import zeros
from netc.runtime.atomic import write_text
from netc.runtime.devices import simd
from netc.runtime.devices.cache_folder import own_folder
from netc.runtime.results.folder import processor

CHAINS = 12
ROUNDS, REPETITIONS = 2_000_000, 7


def gflops(real: simd.Real, lanes: int) -> float:
    """1e9 operations a second of one core, two for a multiply-add, with vectors of so many lanes."""
    name = f"{processor()}, {lanes} lanes of {real}"
    try:
        path = own_folder() / "peak.json"
        kept: dict[str, float] = json.loads(path.read_text())
        if kept[name] > 0:
            return kept[name]
    except (OSError, ValueError, KeyError, TypeError):
        kept = {}
    found = measured(real, lanes)
    with suppress(OSError):
        write_text(own_folder() / "peak.json", json.dumps({**kept, name: found}))
    return found


def measured(real: simd.Real, lanes: int) -> float:
    """The fastest of some calls: nothing makes a processor faster than it is."""
    chains, out = _chains(real, lanes), zeros(lanes, np.float64 if real == "f64" else np.float32)
    chains(1, out)
    taken = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        chains(ROUNDS, out)
        taken.append(time.perf_counter() - began)
    return 2 * CHAINS * lanes * ROUNDS / min(taken) / 1e9


def _chains(real: simd.Real, lanes: int) -> Any:
    ops = simd.vector(real, lanes)
    splat, store, fma = ops.splat, ops.store, cast(Any, simd.fma)

    @njit(error_model="numpy")
    def chains(rounds: int, out: Any) -> None:
        by, plus = splat(0.999), splat(0.001)
        a, b, c, d = splat(0.1), splat(0.2), splat(0.3), splat(0.4)
        e, f, g, h = splat(0.5), splat(0.6), splat(0.7), splat(0.8)
        i, j, k, m = splat(0.9), splat(1.1), splat(1.2), splat(1.3)
        for _ in range(rounds):
            a, b, c, d = fma(a, by, plus), fma(b, by, plus), fma(c, by, plus), fma(d, by, plus)
            e, f, g, h = fma(e, by, plus), fma(f, by, plus), fma(g, by, plus), fma(h, by, plus)
            i, j, k, m = fma(i, by, plus), fma(j, by, plus), fma(k, by, plus), fma(m, by, plus)
        store(out, 0, ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + m)))

    return chains
