"""Stage: the ground of the CPU target. Explicit SIMD vectors for generated kernels.

    _V = simd.vector("f64", 4)
    load, store, splat = _V.load, _V.store, _V.splat

    @njit(error_model="numpy")
    def axpy(a, x, y):
        for i in range(0, x.size, 4):
            store(y, i, simd.fma(splat(a), load(x, i), load(y, i)))

Every function here takes vectors of any width and the plain floats that stand for one lane, so that one text
runs with every width. All of them work in compiled code only. The order in which lanes are added is fixed:
the lower half with the upper half, again and again.

The functions of mathematics (exp, tanh ...) are in `vmath`.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Literal, NamedTuple

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from netc.runtime.devices import simd_llvm as llvm
from netc.runtime.devices.simd_llvm import Value, cpu_features
from netc.runtime.devices.simd_types import build, is_mask, is_vector, mask_type, one_vector, vector_type

Real = Literal["f64", "f32"]
WIDTHS = (1, 2, 4, 8, 16, 32)
"""Lanes of a vector; a register has 16 at most."""


class VectorOps(NamedTuple):
    """How vectors of one type come and go."""

    load: Any
    """load(array, i): the `lanes` elements from flat offset `i` of a C-contiguous array of any shape."""
    store: Any
    """store(array, i, v)"""
    splat: Any
    """splat(s): the scalar in every lane, cast to the vector's real."""
    broadcast: Any
    """broadcast(array, i): the element at flat offset `i` in every lane."""
    transpose: Any
    """transpose(array, i, stride, rows, out, o, apart): `lanes` vectors of `array`, at i, i + stride, ..., of `rows` (behind
    them the last again), into `out` at o, o + apart, ...: lane k of vector r to lane r of vector k."""
    load_first: Any
    """load_first(array, i, count): the `count` elements from there; zero in the other lanes, whose memory is not touched."""


def host_lanes(real: Real) -> int:
    """Lanes of this processor's widest register; `NETC_LANES` overrides it, for tests."""
    if forced := os.environ.get("NETC_LANES"):
        if not forced.isdigit() or int(forced) not in WIDTHS[:-1]:
            raise ValueError(f"NETC_LANES is {forced!r}; it is one of 1, 2, 4, 8, 16")
        return int(forced)
    features = cpu_features()
    bits = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
    return bits // int(real[1:])


@cache
def vector(real: Real, lanes: int) -> VectorOps:
    """Load, store and splat for vectors of `lanes` elements, at addresses aligned for one element."""
    if real not in ("f64", "f32") or lanes not in WIDTHS:
        raise ValueError(f"no vector of {lanes} {real}: f64 or f32, and 1, 2, 4, 8, 16 or 32 lanes")
    scalar = types.float64 if real == "f64" else types.float32
    vector_t = vector_type(scalar, lanes)
    element = ir.DoubleType() if real == "f64" else ir.FloatType()
    llvm_t = llvm.shaped(element, lanes)

    def check(array: Any) -> None:
        if not (isinstance(array, types.Array) and array.dtype == scalar and array.layout == "C"):
            raise TypingError(f"a vector of {scalar} needs a C-contiguous array of {scalar}, not {array}")

    def address(context: Any, builder: Any, array_t: Any, array: Any, i: Any) -> Any:
        data = context.make_array(array_t)(context, builder, array).data
        return builder.bitcast(builder.gep(data, [i]), llvm_t.as_pointer())

    @intrinsic
    def load(typing: Any, array: Any, i: Any) -> Any:
        check(array)

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return builder.load(address(context, builder, sig.args[0], *args), align=int(real[1:]) // 8)

        return signature(vector_t, array, types.intp), code

    @intrinsic
    def store(typing: Any, array: Any, i: Any, v: Any) -> Any:
        check(array)
        if v != vector_t:
            raise TypingError(f"cannot store {v} as {vector_t}")

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            builder.store(
                args[2], address(context, builder, sig.args[0], *args[:2]), align=int(real[1:]) // 8
            )
            return context.get_dummy_value()

        return signature(types.void, array, types.intp, vector_t), code

    @intrinsic
    def splat(typing: Any, s: Any) -> Any:
        s = types.unliteral(s)
        if not isinstance(s, types.Integer | types.Float | types.Boolean):
            raise TypingError(f"splat takes a number, not {s}")

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return llvm.splat(builder, context.cast(builder, args[0], s, scalar), lanes).value

        return signature(vector_t, s), code

    @intrinsic
    def broadcast(typing: Any, array: Any, i: Any) -> Any:
        check(array)

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            data = context.make_array(sig.args[0])(context, builder, args[0]).data
            return llvm.splat(builder, builder.load(builder.gep(data, [args[1]])), lanes).value

        return signature(vector_t, array, types.intp), code

    @intrinsic
    def transpose(
        typing: Any, array: Any, i: Any, stride: Any, rows: Any, out: Any, o: Any, apart: Any
    ) -> Any:
        check(array)
        check(out)

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            source, first, step, count, to, at, apart = args
            last = builder.sub(count, count.type(1))
            found = []
            for k in range(lanes):
                row = builder.select(builder.icmp_signed("<", last, last.type(k)), last, last.type(k))
                place = builder.add(first, builder.mul(row, step))
                pointer = address(context, builder, sig.args[0], source, place)
                found.append(Value(builder, builder.load(pointer, align=int(real[1:]) // 8)))
            for vector in llvm.transposed(found):
                pointer = address(context, builder, sig.args[4], to, at)
                builder.store(vector.value, pointer, align=int(real[1:]) // 8)
                at = builder.add(at, apart)
            return context.get_dummy_value()

        intp = types.intp
        return signature(types.void, array, intp, intp, intp, out, intp, intp), code

    @intrinsic
    def load_first(typing: Any, array: Any, i: Any, count: Any) -> Any:
        check(array)

        def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            there = address(context, builder, sig.args[0], *args[:2])
            return llvm.load_first(builder, there, args[2], llvm_t).value

        return signature(vector_t, array, types.intp, types.intp), code

    return VectorOps(load, store, splat, broadcast, transpose, load_first)


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a*b + c, rounded once where the processor has the instruction."""
    return build(one_vector, llvm.fma, a, b, c)


@intrinsic
def vmin(typing: Any, a: Any, b: Any) -> Any:
    """The smaller; NaN if either is NaN. Of +0 and -0 the second argument."""
    return build(one_vector, llvm.minimum, a, b)


@intrinsic
def vmax(typing: Any, a: Any, b: Any) -> Any:
    """The larger; NaN if either is NaN. Of +0 and -0 the second argument."""
    return build(one_vector, llvm.maximum, a, b)


@intrinsic
def vsqrt(typing: Any, a: Any) -> Any:
    return build(one_vector, lambda a: llvm.intrinsic("sqrt", a), a)


@intrinsic
def vabs(typing: Any, a: Any) -> Any:
    return build(one_vector, lambda a: llvm.intrinsic("fabs", a), a)


@intrinsic
def rint(typing: Any, a: Any) -> Any:
    """The nearest integer, halves to the even one."""
    return build(one_vector, lambda a: llvm.intrinsic("rint", a), a)


@intrinsic
def vfloor(typing: Any, a: Any) -> Any:
    return build(one_vector, lambda a: llvm.intrinsic("floor", a), a)


@intrinsic
def select(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """Lane by lane `a if mask else b`; both are computed."""
    return build(
        lambda m, a, b: a if a == b and is_vector(a) and m == mask_type(a) else None, llvm.select, mask, a, b
    )


def _scalar(v: Any) -> Any:
    return (v if isinstance(v, types.Float) else v.real) if is_vector(v) else None


@intrinsic
def hsum(typing: Any, v: Any) -> Any:
    """The sum of the lanes."""
    return build(_scalar, lambda v: llvm.halve(v, Value.__add__), v)


@intrinsic
def hmax(typing: Any, v: Any) -> Any:
    """The largest lane; NaN if one is NaN."""
    return build(_scalar, lambda v: llvm.halve(v, llvm.maximum), v)


@intrinsic
def hmin(typing: Any, v: Any) -> Any:
    """The smallest lane; NaN if one is NaN."""
    return build(_scalar, lambda v: llvm.halve(v, llvm.minimum), v)


@intrinsic
def vsum(typing: Any, *vectors: Any) -> Any:
    """Lane i is the sum of the lanes of the i-th argument; as many arguments as lanes. Not hsum's order."""
    lanes = getattr(vectors[0], "lanes", 1)
    if one_vector(*vectors) is None or len(vectors) != lanes:
        raise TypingError(f"vsum takes as many vectors as one has lanes, {lanes}, not {len(vectors)}")

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = [Value(builder, builder.extract_value(args[0], i)) for i in range(lanes)]
        return llvm.transposed_sums(values).value

    return signature(vectors[0], types.StarArgTuple.from_types(vectors)), code


@intrinsic
def keep(typing: Any, v: Any, count: Any, fill: Any) -> Any:
    """The first `count` lanes of v, and the scalar `fill` in the others."""
    if not (is_vector(v) and isinstance(types.unliteral(count), types.Integer)):
        return None
    scalar = _scalar(v)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = Value(builder, args[0])
        kept = llvm.first_lanes(builder, args[1], value.type)
        return llvm.select(kept, value, llvm.splat(builder, args[2], value.lanes)).value

    return signature(v, v, types.int64, scalar), code


def _one_truth(mask: Any) -> Any:
    return types.boolean if is_mask(mask) else None


@intrinsic
def any_true(typing: Any, mask: Any) -> Any:
    """Whether the mask holds in a lane."""
    return build(_one_truth, lambda m: llvm.packed(m).differs(0), mask)


@intrinsic
def all_true(typing: Any, mask: Any) -> Any:
    """Whether the mask holds in every lane."""
    return build(_one_truth, lambda m: llvm.packed(m).equals(-1), mask)


def _one_mask(*masks: Any) -> Any:
    return masks[0] if is_mask(masks[0]) and all(m == masks[0] for m in masks) else None


@intrinsic
def land(typing: Any, a: Any, b: Any) -> Any:
    """Both masks hold. (For one lane numba's own `&` makes an integer of two booleans; this does not.)"""
    return build(_one_mask, Value.__and__, a, b)


@intrinsic
def lor(typing: Any, a: Any, b: Any) -> Any:
    """One of the masks holds."""
    return build(_one_mask, Value.__or__, a, b)


@intrinsic
def lnot(typing: Any, a: Any) -> Any:
    """The mask does not hold. (For one lane numba's own `~` is the integer one, always true.)"""
    return build(_one_mask, Value.invert, a)
