"""Random numbers of a run: counter-based, so that number i of a purpose is the same however many are drawn.

Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). The
key is the seed, the counter is (block, purpose, run, epoch); what layers draw has keys of its own (`of_layer`). Only
additions, multiplications, divisions and square roots follow, so that the numbers have the same bits on every machine.

This half is NumPy and never imports numba; `random_shuffle` and `random_draws` are the compiled half that kernels use.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Words = NDArray[np.uint64]
"""Unsigned 32-bit numbers, in 64 bits: their products fit."""
Run = int | NDArray[np.int64]
"""The number of one run, or the numbers of several."""

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
"""What the key grows by each round: the golden ratio and sqrt(3) - 1."""
WORD = 0xFFFFFFFF


class Purpose(IntEnum):
    """What the numbers are for. A value that was given is never changed: results would change with it."""

    INIT = 0
    SHUFFLE = 1
    SPLIT = 2
    NOISE = 3
    LAYER = 4
    SWEEP = 5
    PHASE = 6
    RESAMPLE = 7
    AUGMENT = 8
    LABELS = 9


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Four random words for each counter; (4, n) to (4, n)."""
    c0, c1, c2, c3 = counter
    m0, m1 = (np.uint64(m) for m in MULTIPLIERS)
    half, word = np.uint64(32), np.uint64(WORD)
    for i in range(ROUNDS):
        k0, k1 = (np.uint64((k + i * w) & WORD) for k, w in zip(key, WEYL, strict=True))
        p0, p1 = m0 * c0, m1 * c2
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & word, (p0 >> half) ^ c3 ^ k1, p0 & word
    return np.stack([c0, c1, c2, c3])


def words(seed: int, run: Run, purpose: Purpose, epoch: int, first: int, count: int) -> Words:
    """Blocks first ... first + count - 1 of four words each; (count, 4), or (runs, count, 4) of several runs."""
    runs = np.atleast_1d(np.asarray(run)).astype(np.uint64) & np.uint64(WORD)
    blocks = np.arange(first, first + count, dtype=np.uint64)
    counters = np.empty((4, len(runs), count), np.uint64)
    counters[0], counters[1], counters[2], counters[3] = blocks, purpose, runs[:, None], epoch & WORD
    drawn = philox(counters.reshape(4, -1), (seed & WORD, seed >> 32 & WORD)).T
    return drawn.reshape(*np.shape(run), count, 4)


def _bits53(seed: int, run: Run, purpose: Purpose, size: int, first: int) -> Words:
    """`size` numbers of 53 bits, from number `first`; a block holds two."""
    block = first // 2
    four = words(seed, run, purpose, 0, block, (first + size + 1) // 2 - block)
    flat: Words = _joined(four).reshape(*np.shape(run), -1)
    return flat[..., first % 2 : first % 2 + size]


def _joined(four: Words) -> Words:
    """Of each two words a number of 53 bits."""
    high, low = four[..., ::2] >> np.uint64(5), four[..., 1::2] >> np.uint64(6)
    return high << np.uint64(26) | low


def uniform(seed: int, run: Run, purpose: Purpose, size: int, first: int = 0) -> Reals:
    """Numbers `first` ... of the uniform law on [0, 1): all multiples of 2^-53; (size,), or (runs, size)."""
    return _bits53(seed, run, purpose, size, first).astype(np.float64) * 2.0**-53


def normal(seed: int, run: Run, purpose: Purpose, size: int, first: int = 0) -> Reals:
    """Numbers `first` ... of the normal law with mean 0 and deviation 1; (size,), or (runs, size)."""
    return _normal_of(_bits53(seed, run, purpose, size, first))


def _normal_of(bits: Words) -> Reals:
    return normal_quantile(((bits >> np.uint64(1)).astype(np.float64) + 0.5) * 2.0**-52)


def uniform_of_words(four: Words) -> Reals:
    """(count, 4) words -> (2*count,) numbers of the uniform law on [0, 1)."""
    return _joined(four).reshape(-1).astype(np.float64) * 2.0**-53


def normal_of_words(four: Words) -> Reals:
    """Likewise of the normal law."""
    return _normal_of(_joined(four).reshape(-1))


def of_layer(
    law: str,
    arguments: tuple[float, ...],
    size: int,
    key: tuple[int, int, int, int],
    samples: NDArray[np.int64],
) -> Reals:
    """(samples, size): what a layer draws for the samples of these numbers; `key`: seed, run, iteration, number of the draw.

    Four words of the seed's own stream are the key and half of the counter of another one, whose counter is (block,
    sample, ., .): the streams of two draws have no counter in common. A bernoulli takes one word, a real number two.
    """
    seed, run, iteration, number = key
    k0, k1, c2, c3 = words(seed, run, Purpose.LAYER, iteration, number, 1)[0].tolist()
    blocks = -(-size // (4 if law == "bernoulli" else 2))
    counters = np.empty((4, len(samples), blocks), np.uint64)
    counters[0], counters[1] = np.arange(blocks), (samples.astype(np.uint64) & np.uint64(WORD))[:, None]
    counters[2], counters[3] = c2, c3
    four = philox(counters.reshape(4, -1), (k0, k1)).T.reshape(len(samples), -1)
    if law == "bernoulli":
        return (four[:, :size] < np.uint64(round(arguments[0] * 2**32))).astype(np.float64)
    bits = _joined(four)[:, :size]
    if law == "normal":
        return arguments[0] + arguments[1] * _normal_of(bits)
    return arguments[0] + (arguments[1] - arguments[0]) * (bits.astype(np.float64) * 2.0**-53)


def permutation(n: int, seed: int, run: int, purpose: Purpose, epoch: int = 0) -> NDArray[np.int64]:
    """A permutation of 0 ... n-1, all equally likely (Fisher-Yates); what `random_shuffle.shuffle` makes."""
    order = list(range(n))
    stream = _stream(seed, run, purpose, epoch, n)
    for i in range(n - 1, 0, -1):
        j = _below(i + 1, stream)
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def resample(n: int, seed: int, run: int, epoch: int = 0) -> NDArray[np.int64]:
    """n draws from 0 ... n-1 with replacement; what `random_shuffle.resample` makes.

    Each is floor(n*u) of a u of 64 bits of its own: probabilities are 1/n to 2^-64, and no draw waits for another.
    """
    four = words(seed, run, Purpose.RESAMPLE, epoch, 0, (n + 1) // 2)
    high, low = (four[:, i::2].reshape(-1)[:n] for i in (0, 1))
    word, bound = np.uint64(32), np.uint64(n)
    return (high * bound + (low * bound >> word) >> word).astype(np.int64)


def order_of_epoch(
    how: Literal["", "shuffle", "resample"], n: int, seed: int, run: int, epoch: int
) -> NDArray[np.int64]:
    """The samples in the order in which an epoch takes them, as `ir.Batches` says how."""
    match how:
        case "":
            return np.arange(n)
        case "shuffle":
            return permutation(n, seed, run, Purpose.SHUFFLE, epoch)
        case "resample":
            return resample(n, seed, run, epoch)


def _stream(seed: int, run: int, purpose: Purpose, epoch: int, likely: int) -> Iterator[int]:
    """The words one after another; `likely` of them will be asked for."""
    block = 0
    while True:
        count = likely // 4 + 1
        yield from words(seed, run, purpose, epoch, block, count).reshape(-1).tolist()
        block += count


def _below(bound: int, stream: Iterator[int]) -> int:
    """0 ... bound-1, all equally likely: Lemire, "Fast random integer generation in an interval" (2019)."""
    while True:
        product = next(stream) * bound
        if product & WORD >= 2**32 % bound:
            return product >> 32


# Wichura, "Algorithm AS 241" (1988), PPND16: numerators and denominators, lowest degree first
CENTRE = (
    (
        3.3871328727963666080,
        133.14166789178437745,
        1971.5909503065514427,
        13731.693765509461125,
        45921.953931549871457,
        67265.770927008700853,
        33430.575583588128105,
        2509.0809287301226727,
    ),
    (
        1.0,
        42.313330701600911252,
        687.18700749205790830,
        5394.1960214247511077,
        21213.794301586595867,
        39307.895800092710610,
        28729.085735721942674,
        5226.4952788528545610,
    ),
)
NEAR_TAIL = (
    (
        1.42343711074968357734,
        4.63033784615654529590,
        5.76949722146069140550,
        3.64784832476320460504,
        1.27045825245236838258,
        0.241780725177450611770,
        0.0227238449892691845833,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187,
        1.67638483018380384940,
        0.689767334985100004550,
        0.148103976427480074590,
        0.0151986665636164571966,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
FAR_TAIL = (
    (
        6.65790464350110377720,
        5.46378491116411436990,
        1.78482653991729133580,
        0.296560571828504891230,
        0.0265321895265761230930,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        0.599832206555887937690,
        0.136929880922735805310,
        0.0148753612908506148525,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)


def normal_quantile(p: Reals) -> Reals:
    """Where the normal distribution function takes the value p, 0 < p < 1; relative error about 1e-15."""
    q = p - 0.5
    centre = q * _ratio(CENTRE, 0.180625 - q * q)
    r = np.sqrt(-_log(np.minimum(p, 1 - p)))
    tail = np.where(r <= 5, _ratio(NEAR_TAIL, r - 1.6), _ratio(FAR_TAIL, r - 5))
    return np.where(np.abs(q) <= 0.425, centre, np.where(q < 0, -tail, tail))


def _ratio(pair: tuple[tuple[float, ...], tuple[float, ...]], x: Reals) -> Reals:
    top, bottom = (_polynomial(c, x) for c in pair)
    return top / bottom


def _polynomial(coefficients: tuple[float, ...], x: Reals) -> Reals:
    total = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


def _log(x: Reals) -> Reals:
    """log x out of arithmetic alone; a library's log differs from machine to machine in the last bit."""
    mantissa, exponent = np.frexp(x)
    low = mantissa < math.sqrt(0.5)
    m = np.where(low, 2 * mantissa, mantissa)
    s = (m - 1) / (m + 1)
    # log m = 2 artanh s = 2 (s + s^3/3 + ...), |s| < 0.172
    series = _polynomial(tuple(2 / (2 * k + 1) for k in range(11)), s * s)
    result: Reals = (exponent - low) * math.log(2.0) + s * series
    return result
