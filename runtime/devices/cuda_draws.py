"""What layers draw on the GPU: the numbers of `random_draws`, made by all threads of a team at once.

Rows of `out` are elements, `out[at + element*stride + j]` is that of sample j of those in hand. A thread makes what four
words are enough for; which thread does hangs on nothing that is drawn. Needs `netc[cuda]`.
"""

from __future__ import annotations

from typing import Any

from numba import uint64

from netc.runtime import random_draws, random_shuffle
from netc.runtime.devices.cuda_device import for_device, inlined

_philox: Any = for_device(random_shuffle._philox)
_stream: Any = for_device(random_draws._stream, _philox=_philox)
_sample: Any = for_device(random_draws._sample)
_bits53: Any = for_device(random_draws._bits53)
_polynomial: Any = for_device(random_draws._polynomial)
_log: Any = for_device(random_draws._log, _polynomial=_polynomial)
_normal: Any = for_device(random_draws._normal, _polynomial=_polynomial, _log=_log)


@inlined
def draw_bernoulli(  # type: ignore[no-untyped-def]
    out, at, stride, size, order, start, count, each, key, run,
    iteration, number, below, member, members,
):  # fmt: skip
    """1 where a word is below `below`, the probability times 2^32."""
    k0, k1, c2, c3 = _stream(key, run, iteration, number)
    p = member
    while p < (size + 3) // 4 * count:
        block, j = p // count, p % count
        w0, w1, w2, w3 = _philox(uint64(block), _sample(order, start + j, each), c2, c3, k0, k1)
        for i in range(4):
            if 4 * block + i < size:
                out[at + (4 * block + i) * stride + j] = 1.0 if w0 < uint64(below) else 0.0
            w0, w1, w2 = w1, w2, w3
        p += members


@inlined
def draw_uniform(  # type: ignore[no-untyped-def]
    out, at, stride, size, order, start, count, each, key, run,
    iteration, number, low, high, member, members,
):  # fmt: skip
    k0, k1, c2, c3 = _stream(key, run, iteration, number)
    p = member
    while p < (size + 1) // 2 * count:
        block, j = p // count, p % count
        w0, w1, w2, w3 = _philox(uint64(block), _sample(order, start + j, each), c2, c3, k0, k1)
        for i in range(2):
            if 2 * block + i < size:
                share = float(_bits53(w0, w1)) * 2.0**-53
                out[at + (2 * block + i) * stride + j] = low + (high - low) * share
            w0, w1 = w2, w3
        p += members


@inlined
def draw_normal(  # type: ignore[no-untyped-def]
    out, at, stride, size, order, start, count, each, key, run,
    iteration, number, mean, deviation, member, members,
):  # fmt: skip
    k0, k1, c2, c3 = _stream(key, run, iteration, number)
    p = member
    while p < (size + 1) // 2 * count:
        block, j = p // count, p % count
        w0, w1, w2, w3 = _philox(uint64(block), _sample(order, start + j, each), c2, c3, k0, k1)
        for i in range(2):
            if 2 * block + i < size:
                out[at + (2 * block + i) * stride + j] = mean + deviation * _normal(_bits53(w0, w1))
            w0, w1 = w2, w3
        p += members
