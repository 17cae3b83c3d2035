"""Across the lanes of a vector: sums and extremes of all, transposition, the first lanes of memory, masks as integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from netc.runtime.devices.simd_llvm import Value, constant, declared, shaped, splat


def first_lanes(builder: Any, count: Any, type_: Any) -> Value:
    """The mask of the lanes below the integer `count`, of a vector of reals."""
    lanes, element = (type_.count, type_.element) if isinstance(type_, ir.VectorType) else (1, type_)
    bits = ir.IntType(64 if isinstance(element, ir.DoubleType) else 32)
    width = builder.trunc(count, bits) if bits.width < 64 else count
    numbers = ir.Constant(shaped(bits, lanes), list(range(lanes)) if lanes > 1 else 0)
    return Value(builder, numbers) < splat(builder, width, lanes)


def load_first(builder: Any, address: Any, count: Any, type_: Any) -> Value:
    """The lanes below `count` from memory, zero in the others; only theirs is read."""
    mask, nothing = first_lanes(builder, count, type_), constant(type_, 0.0)
    if not isinstance(type_, ir.VectorType):
        with builder.if_else(mask.value) as (then, otherwise):
            with then:
                found, inside = builder.load(address), builder.block
            with otherwise:
                outside = builder.block
        one = builder.phi(type_)
        one.add_incoming(found, inside)
        one.add_incoming(nothing, outside)
        return Value(builder, one)
    real = "f64" if isinstance(type_.element, ir.DoubleType) else "f32"
    size = ir.IntType(32)(8 if real == "f64" else 4)
    shape = ir.FunctionType(type_, [address.type, size.type, mask.type, type_])
    name = f"llvm.masked.load.v{type_.count}{real}.p0"
    masked = declared(builder.module, name, shape)
    return Value(builder, builder.call(masked, [address, size, mask.value, nothing]))


def halve(v: Value, combine: Callable[[Value, Value], Value]) -> Value:
    """All lanes into one: the lower half with the upper half, until one lane is left."""
    while v.lanes > 1:
        half = v.lanes // 2
        low, high = v.shuffled(v, range(half)), v.shuffled(v, range(half, v.lanes))
        if half == 1:
            low, high = v.lane(0), v.lane(1)
        v = combine(low, high)
    return v


def transposed_sums(vectors: Sequence[Value]) -> Value:
    """Lane i of the result is the sum of all lanes of vector i, for as many vectors as lanes.

    Vectors are merged in pairs; a merged vector is made of groups of `m` lanes, lane k of a group belonging
    to the k-th vector merged so far. Two of them, p and q, give groups of 2m: the even group of p plus its
    odd group, then the same of q. One blend, one shuffle and one addition a pair, W-1 pairs for W vectors.
    """
    m = 1
    while len(vectors) > 1:
        lanes = vectors[0].lanes
        odd = [i // m % 2 == 1 for i in range(lanes)]
        first = [i + lanes if odd[i] else i for i in range(lanes)]
        second = [i - m + lanes if odd[i] else i + m for i in range(lanes)]
        vectors = [
            p.shuffled(q, first) + p.shuffled(q, second)
            for p, q in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        m *= 2
    return vectors[0]


def transposed(vectors: Sequence[Value]) -> Sequence[Value]:
    """Lane i of vector k of the result is lane k of vector i, for as many vectors as lanes.

    Square blocks of m x m lanes change places across the diagonal, for m = 1, 2, 4 ...: two shuffles a pair of vectors.
    """
    lanes = len(vectors)
    found, m = list(vectors), 1
    while m < lanes:
        low = [i if i // m % 2 == 0 else i - m + lanes for i in range(lanes)]
        high = [i + m if i // m % 2 == 0 else i + lanes for i in range(lanes)]
        for k in (k for k in range(lanes) if k // m % 2 == 0):
            p, q = found[k], found[k + m]
            found[k], found[k + m] = p.shuffled(q, low), p.shuffled(q, high)
        m *= 2
    return found


def packed(mask: Value) -> Value:
    """The lanes of a mask as the bits of one integer."""
    return mask.wrap(mask.builder.bitcast(mask.value, ir.IntType(mask.lanes)))
