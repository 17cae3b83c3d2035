"""The order of an epoch on the GPU: that of `random_shuffle`, made by all threads of a team at once.

Draws with replacement hang on nothing but their number, and each thread makes its share. A permutation is a chain:

Fisher and Yates swap place i with a place j(i) <= i, for i = n-1, ..., 1. What ends at i was at j(i) before: put there
by the last earlier step that swapped with j(i), the smallest k > i with j(k) = j(i); if there was none it is j(i)
itself. That step brought what had been at k, which an even earlier one had put there, the smallest k' > k with
j(k') = k; and so on. So the steps need not be made one after the other: all j are drawn, the steps with the same j go
into a list, the lists are sorted, and each thread follows the links for its places. Links go up, and few in a row do:
the chains are part of the dependences of the steps, of which O(log n) stand in a row (Shun, Gu, Blelloch, Fineman,
Gibbons, SODA 2015). Lists fill in any order and are sorted then: the result is the same for any number of threads.

`places` is the work space of a team, (2n,): for each place j the first step of its list, for each step the next.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, float64, int64, uint64

from netc.runtime import random_shuffle
from netc.runtime.devices.cuda_device import block_min, for_device, grid_barrier, grid_min, inlined
from netc.runtime.random import WORD, Purpose

_philox: Any = for_device(random_shuffle._philox)
_two_below: Any = for_device(random_shuffle._two_below)
_SHUFFLE = int(Purpose.SHUFFLE)
NONE = -1


@inlined
def _drawn(order, begin, unused, key, run, epoch, member, members):  # type: ignore[no-untyped-def]
    """j(i) into `order`, for the steps from number `begin` on, if so many words have been of `unused` ones before it.

    Returns the first step whose word is of no use either: with the next one it has to be drawn again, and all behind
    it; n where there is none. As on the CPU, a word is the fraction of the bound, unless it falls into the remainder.
    """
    half, word = uint64(32), uint64(WORD)
    k0, k1 = uint64(key) & word, uint64(key) >> half
    n = order.size
    first = n
    block = (begin + unused) // 4 + member
    while 4 * block < n + unused:
        w0, w1, w2, w3 = _philox(
            uint64(block), uint64(_SHUFFLE), uint64(run) & word, uint64(epoch) & word, k0, k1
        )
        for number in range(4):
            step = 4 * block + number - unused
            if begin <= step and step < n:
                bound = uint64(n - step)
                product = w0 * bound
                low = product & word
                if low < bound and low < uint64(1 << 32) % bound:
                    first = min(first, step)
                order[n - 1 - step] = int64(product >> half)
            w0, w1, w2 = w1, w2, w3
        block += members
    return float64(first)


@inlined
def _emptied(places, n, member, members):  # type: ignore[no-untyped-def]
    for j in range(member, n, members):
        places[j] = NONE


@inlined
def _listed(order, places, n, member, members):  # type: ignore[no-untyped-def]
    for k in range(member, n, members):
        places[n + k] = cuda.atomic.exch(places, order[k], k)


@inlined
def _sorted(places, n, member, members):  # type: ignore[no-untyped-def]
    """Each list, by insertion: most have one or two steps, the longest some ln n."""
    for j in range(member, n, members):
        rest = int64(places[j])
        head = int64(NONE)
        while rest != NONE:
            k, rest = rest, int64(places[n + rest])
            before, behind = int64(NONE), head
            while behind != NONE and behind < k:
                before, behind = behind, int64(places[n + behind])
            places[n + k] = behind
            if before == NONE:
                head = k
            else:
                places[n + before] = k
        places[j] = head


@inlined
def _followed(order, places, n, member, members):  # type: ignore[no-untyped-def]
    for i in range(member, n, members):
        k = int64(places[n + i])
        if k != NONE:
            last = k
            while k != NONE:
                last = k
                k = int64(places[last])
                if k == last:  # a step that swaps a place with itself moves nothing
                    k = int64(places[n + last])
            order[i] = last


@inlined
def block_shuffle(order, places, key, run, epoch, sums, partials, turns):  # type: ignore[no-untyped-def]
    """When all threads of the block have done with the old order; behind it all have the new one."""
    member, members, n = int64(cuda.threadIdx.x), int64(cuda.blockDim.x), int64(order.size)
    cuda.syncthreads()
    _emptied(places, n, member, members)
    begin, unused = int64(0), int64(0)
    while begin < n:
        own = _drawn(order, begin, unused, key, run, epoch, member, members)
        begin = int64(block_min(own, sums, partials, turns))
        unused += 1
    _listed(order, places, n, member, members)
    cuda.syncthreads()
    _sorted(places, n, member, members)
    cuda.syncthreads()
    _followed(order, places, n, member, members)
    cuda.syncthreads()


@inlined
def grid_shuffle(order, places, key, run, epoch, sums, partials, turns):  # type: ignore[no-untyped-def]
    member, members, n = int64(cuda.grid(1)), int64(cuda.gridsize(1)), int64(order.size)
    grid_barrier(turns)
    _emptied(places, n, member, members)
    begin, unused = int64(0), int64(0)
    while begin < n:
        own = _drawn(order, begin, unused, key, run, epoch, member, members)
        begin = int64(grid_min(own, sums, partials, turns))
        unused += 1
    _listed(order, places, n, member, members)
    grid_barrier(turns)
    _sorted(places, n, member, members)
    grid_barrier(turns)
    _followed(order, places, n, member, members)
    grid_barrier(turns)


@inlined
def _resampled(order, key, run, epoch, member, members):  # type: ignore[no-untyped-def]
    n = int64(order.size)
    for block in range(member, (n + 1) // 2, members):
        first, second = _two_below(block, n, key, run, epoch)
        order[2 * block] = first
        if 2 * block + 1 < n:
            order[2 * block + 1] = second


@inlined
def block_resample(order, places, key, run, epoch, sums, partials, turns):  # type: ignore[no-untyped-def]
    cuda.syncthreads()
    _resampled(order, key, run, epoch, int64(cuda.threadIdx.x), int64(cuda.blockDim.x))
    cuda.syncthreads()


@inlined
def grid_resample(order, places, key, run, epoch, sums, partials, turns):  # type: ignore[no-untyped-def]
    grid_barrier(turns)
    _resampled(order, key, run, epoch, int64(cuda.grid(1)), int64(cuda.gridsize(1)))
    grid_barrier(turns)
