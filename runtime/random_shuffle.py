"""The compiled half of `random`: the order of an epoch, drawn inside a kernel."""

from __future__ import annotations

from typing import Any

from numba import int64, njit, uint64

from netc.runtime.random import MULTIPLIERS, ROUNDS, WEYL, WORD, Purpose

_M0, _M1 = MULTIPLIERS
_W0, _W1 = WEYL
_SHUFFLE = int(Purpose.SHUFFLE)


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
