"""The compiled half of `random`: the order of an epoch, drawn inside a kernel."""

from __future__ import annotations

from typing import Any

from numba import int64, njit, uint64

from netc.runtime.random import MULTIPLIERS, ROUNDS, WEYL, WORD, Purpose

_M0, _M1 = MULTIPLIERS
_W0, _W1 = WEYL
_SHUFFLE = int(Purpose.SHUFFLE)
_RESAMPLE = int(Purpose.RESAMPLE)


@njit(cache=True)
def _philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Four random words for one counter; see `random.philox`."""
    half, word = uint64(32), uint64(WORD)
    for _ in range(ROUNDS):
        p0, p1 = uint64(_M0) * c0, uint64(_M1) * c2
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & word, (p0 >> half) ^ c3 ^ k1, p0 & word
        k0, k1 = (k0 + uint64(_W0)) & word, (k1 + uint64(_W1)) & word
    return c0, c1, c2, c3


@njit(cache=True)
def shuffle(order: Any, key: Any, run: Any, epoch: Any) -> None:
    """Fills `order` with the permutation `random.permutation(len(order), key, run, SHUFFLE, epoch)`."""
    half, word = uint64(32), uint64(WORD)
    k0, k1 = uint64(key) & word, uint64(key) >> half
    block = uint64(0)
    w0 = w1 = w2 = w3 = uint64(0)
    left = 0
    for i in range(order.size):
        order[i] = i
    for i in range(order.size - 1, 0, -1):
        bound = uint64(i + 1)
        threshold = uint64(1 << 32) % bound
        low = uint64(0)
        j = int64(0)
        while True:
            if left == 0:
                w0, w1, w2, w3 = _philox(
                    block, uint64(_SHUFFLE), uint64(run) & word, uint64(epoch) & word, k0, k1
                )
                block += uint64(1)
                left = 4
            product = w0 * bound
            w0, w1, w2 = w1, w2, w3
            left -= 1
            low = product & word
            if low >= threshold:
                j = int64(product >> half)
                break
        order[i], order[j] = order[j], order[i]


@njit(cache=True)
def _two_below(block: Any, n: Any, key: Any, run: Any, epoch: Any) -> Any:
    """Draws 2*block and 2*block + 1 of `random.resample(n, key, run, epoch)`."""
    half, word, bound = uint64(32), uint64(WORD), uint64(n)
    k0, k1 = uint64(key) & word, uint64(key) >> half
    w0, w1, w2, w3 = _philox(
        uint64(block), uint64(_RESAMPLE), uint64(run) & word, uint64(epoch) & word, k0, k1
    )
    first = (w0 * bound + (w1 * bound >> half)) >> half
    second = (w2 * bound + (w3 * bound >> half)) >> half
    return int64(first), int64(second)


@njit(cache=True)
def resample(order: Any, key: Any, run: Any, epoch: Any) -> None:
    """Fills `order` with `random.resample(len(order), key, run, epoch)`."""
    n = order.size
    for block in range((n + 1) // 2):
        first, second = _two_below(block, n, key, run, epoch)
        order[2 * block] = first
        if 2 * block + 1 < n:
            order[2 * block + 1] = second
