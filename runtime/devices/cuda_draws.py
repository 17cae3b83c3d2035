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
def _below(high, low, below, unused):  # type: ignore[no-untyped-def]
    return 1.0 if high < uint64(below) else 0.0


@inlined
def _between(high, low, least, most):  # type: ignore[no-untyped-def]
    share = float(_bits53(high, low)) * 2.0**-53
    return least + (most - least) * share


@inlined
def _around(high, low, mean, deviation):  # type: ignore[no-untyped-def]
    return mean + deviation * _normal(_bits53(high, low))


def _law(words: int, value: Any) -> Any:
    """A law whose numbers are `value` of so many of the words, and of the law's two numbers."""
    numbers = 4 // words

    @inlined
    def draw(  # type: ignore[no-untyped-def]
        out, at, stride, size, order, start, count, each, key, run,
        iteration, number, first, second, member, members,
    ):  # fmt: skip
        k0, k1, c2, c3 = _stream(key, run, iteration, number)
        p = member
        while p < (size + numbers - 1) // numbers * count:
            block, j = p // count, p % count
            w0, w1, w2, w3 = _philox(uint64(block), _sample(order, start + j, each), c2, c3, k0, k1)
            for i in range(numbers):
                if numbers * block + i < size:
                    out[at + (numbers * block + i) * stride + j] = value(w0, w1, first, second)
                w0, w1, w2, w3 = (w1, w2, w3, w0) if words == 1 else (w2, w3, w0, w1)
            p += members

    return draw


draw_uniform, draw_normal, _bernoulli = _law(2, _between), _law(2, _around), _law(1, _below)


@inlined
def draw_bernoulli(  # type: ignore[no-untyped-def]
    out, at, stride, size, order, start, count, each, key, run,
    iteration, number, below, member, members,
):  # fmt: skip
    """1 where a word is below `below`, the probability times 2^32."""
    _bernoulli(out, at, stride, size, order, start, count, each, key, run,
               iteration, number, below, below, member, members)  # fmt: skip
