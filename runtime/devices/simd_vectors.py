"""How vectors come from arrays and go there: the intrinsics of one real and one number of lanes (see `simd`)."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, NamedTuple

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from netc.runtime.devices import simd_lanes
from netc.runtime.devices import simd_llvm as llvm
from netc.runtime.devices.simd_llvm import Value
from netc.runtime.devices.simd_types import vector_type

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


@cache
def vector(real: Real, lanes: int) -> VectorOps:
    """Load, store and splat for vectors of `lanes` elements, at addresses aligned for one element."""
    if real not in ("f64", "f32") or lanes not in WIDTHS:
        raise ValueError(f"no vector of {lanes} {real}: f64 or f32, and 1, 2, 4, 8, 16 or 32 lanes")
    of = _Vectors(real, lanes)
    return VectorOps(of.load(), of.store(), of.splat(), of.broadcast(), of.transpose(), of.load_first())


class _Vectors:
    """The intrinsics of one shape of vectors: each method makes one."""

    def __init__(self, real: Real, lanes: int) -> None:
        self.lanes = lanes
        self.scalar = types.float64 if real == "f64" else types.float32
        self.type = vector_type(self.scalar, lanes)
        self.llvm_type = llvm.shaped(ir.DoubleType() if real == "f64" else ir.FloatType(), lanes)
        self.align = int(real[1:]) // 8

    def check(self, array: Any) -> None:
        if not (isinstance(array, types.Array) and array.dtype == self.scalar and array.layout == "C"):
            raise TypingError(
                f"a vector of {self.scalar} needs a C-contiguous array of {self.scalar}, not {array}"
            )

    def address(self, context: Any, builder: Any, array_t: Any, array: Any, i: Any) -> Any:
        data = context.make_array(array_t)(context, builder, array).data
        return builder.bitcast(builder.gep(data, [i]), self.llvm_type.as_pointer())

    def load(self) -> Any:
        @intrinsic
        def load(typing: Any, array: Any, i: Any) -> Any:
            self.check(array)

            def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                return builder.load(self.address(context, builder, sig.args[0], *args), align=self.align)

            return signature(self.type, array, types.intp), code

        return load

    def store(self) -> Any:
        @intrinsic
        def store(typing: Any, array: Any, i: Any, v: Any) -> Any:
            self.check(array)
            if v != self.type:
                raise TypingError(f"cannot store {v} as {self.type}")

            def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                there = self.address(context, builder, sig.args[0], *args[:2])
                builder.store(args[2], there, align=self.align)
                return context.get_dummy_value()

            return signature(types.void, array, types.intp, self.type), code

        return store

    def splat(self) -> Any:
        @intrinsic
        def splat(typing: Any, s: Any) -> Any:
            s = types.unliteral(s)
            if not isinstance(s, types.Integer | types.Float | types.Boolean):
                raise TypingError(f"splat takes a number, not {s}")

            def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                return llvm.splat(builder, context.cast(builder, args[0], s, self.scalar), self.lanes).value

            return signature(self.type, s), code

        return splat

    def broadcast(self) -> Any:
        @intrinsic
        def broadcast(typing: Any, array: Any, i: Any) -> Any:
            self.check(array)

            def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                data = context.make_array(sig.args[0])(context, builder, args[0]).data
                return llvm.splat(builder, builder.load(builder.gep(data, [args[1]])), self.lanes).value

            return signature(self.type, array, types.intp), code

        return broadcast

    def transpose(self) -> Any:
        @intrinsic
        def transpose(
            typing: Any, array: Any, i: Any, stride: Any, rows: Any, out: Any, o: Any, apart: Any
        ) -> Any:
            self.check(array)
            self.check(out)

            def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                source, first, step, count, to, at, apart = args
                last = builder.sub(count, count.type(1))
                found = []
                for k in range(self.lanes):
                    row = builder.select(builder.icmp_signed("<", last, last.type(k)), last, last.type(k))
                    place = builder.add(first, builder.mul(row, step))
                    pointer = self.address(context, builder, sig.args[0], source, place)
                    found.append(Value(builder, builder.load(pointer, align=self.align)))
                for vector in simd_lanes.transposed(found):
                    pointer = self.address(context, builder, sig.args[4], to, at)
                    builder.store(vector.value, pointer, align=self.align)
                    at = builder.add(at, apart)
                return context.get_dummy_value()

            intp = types.intp
            return signature(types.void, array, intp, intp, intp, out, intp, intp), code

        return transpose

    def load_first(self) -> Any:
        @intrinsic
        def load_first(typing: Any, array: Any, i: Any, count: Any) -> Any:
            self.check(array)

            def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
                there = self.address(context, builder, sig.args[0], *args[:2])
                return simd_lanes.load_first(builder, there, args[2], self.llvm_type).value

            return signature(self.type, array, types.intp, types.intp), code

        return load_first
