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
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from netc.runtime.devices import simd_lanes
from netc.runtime.devices import simd_llvm as llvm
from netc.runtime.devices.simd_llvm import Value, cpu_features
from netc.runtime.devices.simd_types import build, is_mask, is_vector, mask_type, one_vector
from netc.runtime.devices.simd_vectors import WIDTHS
from netc.runtime.devices.simd_vectors import Real as Real
from netc.runtime.devices.simd_vectors import vector as vector


def host_lanes(real: Real) -> int:
    """Lanes of the widest register that is compiled for; `NETC_LANES` overrides it, for tests."""
    if forced := os.environ.get("NETC_LANES"):
        if not forced.isdigit() or int(forced) not in WIDTHS[:-1]:
            raise ValueError(f"NETC_LANES is {forced!r}; it is one of 1, 2, 4, 8, 16")
        return int(forced)
    features = cpu_features()
    bits = 512 if features.get("avx512f") else 256 if features.get("avx2") else 128
    return bits // int(real[1:])


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
    return build(_scalar, lambda v: simd_lanes.halve(v, Value.__add__), v)


@intrinsic
def hmax(typing: Any, v: Any) -> Any:
    """The largest lane; NaN if one is NaN."""
    return build(_scalar, lambda v: simd_lanes.halve(v, llvm.maximum), v)


@intrinsic
def hmin(typing: Any, v: Any) -> Any:
    """The smallest lane; NaN if one is NaN."""
    return build(_scalar, lambda v: simd_lanes.halve(v, llvm.minimum), v)


@intrinsic
def vsum(typing: Any, *vectors: Any) -> Any:
    """Lane i is the sum of the lanes of the i-th argument; as many arguments as lanes. Not hsum's order."""
    lanes = getattr(vectors[0], "lanes", 1)
    if one_vector(*vectors) is None or len(vectors) != lanes:
        raise TypingError(f"vsum takes as many vectors as one has lanes, {lanes}, not {len(vectors)}")

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = [Value(builder, builder.extract_value(args[0], i)) for i in range(lanes)]
        return simd_lanes.transposed_sums(values).value

    return signature(vectors[0], types.StarArgTuple.from_types(vectors)), code


@intrinsic
def keep(typing: Any, v: Any, count: Any, fill: Any) -> Any:
    """The first `count` lanes of v, and the scalar `fill` in the others."""
    if not (is_vector(v) and isinstance(types.unliteral(count), types.Integer)):
        return None
    scalar = _scalar(v)

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = Value(builder, args[0])
        kept = simd_lanes.first_lanes(builder, args[1], value.type)
        return llvm.select(kept, value, llvm.splat(builder, args[2], value.lanes)).value

    return signature(v, v, types.int64, scalar), code


def _one_truth(mask: Any) -> Any:
    return types.boolean if is_mask(mask) else None


@intrinsic
def any_true(typing: Any, mask: Any) -> Any:
    """Whether the mask holds in a lane."""
    return build(_one_truth, lambda m: simd_lanes.packed(m).differs(0), mask)


@intrinsic
def all_true(typing: Any, mask: Any) -> Any:
    """Whether the mask holds in every lane."""
    return build(_one_truth, lambda m: simd_lanes.packed(m).equals(-1), mask)


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
