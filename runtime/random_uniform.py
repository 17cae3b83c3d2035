"""Uniform numbers for very many runs at once: `random.uniform`, compiled, on several threads; the same bits."""

from __future__ import annotations

from typing import Any

from numba import njit, prange, uint64

from netc.runtime.parameters import Array
from netc.runtime.random import WORD, Purpose
from netc.runtime.random_shuffle import _philox

_INIT = int(Purpose.INIT)


@njit(cache=True, nogil=True, parallel=True)
def _fill(out: Any, key: Any, first: Any, number: Any) -> None:
    """Numbers `number` ... of the runs `first` ...; each block of four words is two of them."""
    word = uint64(WORD)
    k0, k1 = uint64(key) & word, uint64(key) >> uint64(32) & word
    runs, size = out.shape
    for row in prange(runs):
        run = uint64(first + row) & word
        for at in range(-(number % 2), size, 2):
            block = uint64((number + at) // 2)
            w0, w1, w2, w3 = _philox(block, uint64(_INIT), run, uint64(0), k0, k1)
            if at >= 0:
                out[row, at] = float((w0 >> uint64(5)) << uint64(26) | w1 >> uint64(6)) * 2.0**-53
            if at + 1 < size:
                out[row, at + 1] = float((w2 >> uint64(5)) << uint64(26) | w3 >> uint64(6)) * 2.0**-53


def uniform_of_runs(out: Array, seed: int, first: int, number: int) -> None:
    """Into `out` (runs, size): `random.uniform(seed, runs, INIT, size, number)` of the runs `first` ..."""
    _fill(out, seed, first, number)
