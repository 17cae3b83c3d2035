"""The compiled half of `random.of_layer`: what layers draw, inside a kernel; the same bits.

Rows of `out` are elements, `out[at + element*stride + j]` is that of sample j of a block. `order`, `start` and `each` say
the samples' own numbers, on which the draws hang: not on where they stand in a batch.
"""

from __future__ import annotations

import math
from typing import Any

from numba import int64, njit, uint64

from netc.runtime.random import CENTRE, FAR_TAIL, NEAR_TAIL, WORD, Purpose
from netc.runtime.random_shuffle import _philox

_LAYER = int(Purpose.LAYER)
_LOG = tuple(2 / (2 * k + 1) for k in range(11))
_LOG_2, _ROOT_HALF = math.log(2.0), math.sqrt(0.5)
_CENTRE_TOP, _CENTRE_BOTTOM = CENTRE
_NEAR_TOP, _NEAR_BOTTOM = NEAR_TAIL
_FAR_TOP, _FAR_BOTTOM = FAR_TAIL


@njit(cache=True)
def _stream(key: Any, run: Any, iteration: Any, number: Any) -> Any:
    """The key of a draw's own stream, and half of its counters."""
    word = uint64(WORD)
    k0, k1 = uint64(key) & word, uint64(key) >> uint64(32) & word
    return _philox(uint64(number), uint64(_LAYER), uint64(run) & word, uint64(iteration) & word, k0, k1)


@njit(cache=True)
def _sample(order: Any, place: Any, each: Any) -> Any:
    """Its number in the data; 0 where there is one draw for all."""
    if each == 0:
        return uint64(0)
    return uint64(order[place] if order.size > 0 else place) & uint64(WORD)


@njit(cache=True)
def draw_bernoulli(
    out: Any, at: Any, stride: Any, size: Any, order: Any, start: Any, count: Any, each: Any, key: Any, run: Any,
    iteration: Any, number: Any, probability: Any,
) -> None:  # fmt: skip
    k0, k1, c2, c3 = _stream(key, run, iteration, number)
    below = uint64(round(probability * 2**32))
    for block in range((size + 3) // 4):
        left = size - 4 * block
        for j in range(count):
            w0, w1, w2, w3 = _philox(uint64(block), _sample(order, start + j, each), c2, c3, k0, k1)
            place = at + 4 * block * stride + j
            out[place] = 1.0 if w0 < below else 0.0
            if left > 1:
                out[place + stride] = 1.0 if w1 < below else 0.0
            if left > 2:
                out[place + 2 * stride] = 1.0 if w2 < below else 0.0
            if left > 3:
                out[place + 3 * stride] = 1.0 if w3 < below else 0.0


@njit(cache=True)
def draw_uniform(
    out: Any, at: Any, stride: Any, size: Any, order: Any, start: Any, count: Any, each: Any, key: Any, run: Any,
    iteration: Any, number: Any, low: Any, high: Any,
) -> None:  # fmt: skip
    k0, k1, c2, c3 = _stream(key, run, iteration, number)
    for block in range((size + 1) // 2):
        for j in range(count):
            w0, w1, w2, w3 = _philox(uint64(block), _sample(order, start + j, each), c2, c3, k0, k1)
            place = at + 2 * block * stride + j
            out[place] = low + (high - low) * (float(_bits53(w0, w1)) * 2.0**-53)
            if 2 * block + 1 < size:
                out[place + stride] = low + (high - low) * (float(_bits53(w2, w3)) * 2.0**-53)


@njit(cache=True)
def draw_normal(
    out: Any, at: Any, stride: Any, size: Any, order: Any, start: Any, count: Any, each: Any, key: Any, run: Any,
    iteration: Any, number: Any, mean: Any, deviation: Any,
) -> None:  # fmt: skip
    k0, k1, c2, c3 = _stream(key, run, iteration, number)
    for block in range((size + 1) // 2):
        for j in range(count):
            w0, w1, w2, w3 = _philox(uint64(block), _sample(order, start + j, each), c2, c3, k0, k1)
            place = at + 2 * block * stride + j
            out[place] = mean + deviation * _normal(_bits53(w0, w1))
            if 2 * block + 1 < size:
                out[place + stride] = mean + deviation * _normal(_bits53(w2, w3))


@njit(cache=True)
def _bits53(high: Any, low: Any) -> Any:
    return (high >> uint64(5)) << uint64(26) | low >> uint64(6)


@njit(cache=True)
def _normal(bits: Any) -> Any:
    """`random.normal_quantile`, one number at a time."""
    p = (float(bits >> uint64(1)) + 0.5) * 2.0**-52
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * (_polynomial(_CENTRE_TOP, r) / _polynomial(_CENTRE_BOTTOM, r))
    r = math.sqrt(-_log(min(p, 1 - p)))
    if r <= 5:
        tail = _polynomial(_NEAR_TOP, r - 1.6) / _polynomial(_NEAR_BOTTOM, r - 1.6)
    else:
        tail = _polynomial(_FAR_TOP, r - 5) / _polynomial(_FAR_BOTTOM, r - 5)
    return -tail if q < 0 else tail


@njit(cache=True)
def _polynomial(coefficients: Any, x: Any) -> Any:
    total = coefficients[-1]
    for i in range(len(coefficients) - 2, -1, -1):
        total = total * x + coefficients[i]
    return total


@njit(cache=True)
def _log(x: Any) -> Any:
    mantissa, exponent = math.frexp(x)
    low = mantissa < _ROOT_HALF
    m = 2 * mantissa if low else mantissa
    s = (m - 1) / (m + 1)
    return (int64(exponent) - int64(low)) * _LOG_2 + s * _polynomial(_LOG, s * s)
