"""Stage: the ground of the CPU target. exp, log, tanh ... for SIMD vectors and for plain floats.

Each function is written once in Python over `Value`s and becomes one LLVM function for each type a module
uses, inlined or called as LLVM sees fit: cheap to compile, and the same text for float64 and float32 and
for every width. No tables: range reduction, a polynomial or a quotient of two, powers of two made of bits.
Coefficients interpolate at Chebyshev nodes of the reduced range, one degree above what rounding can show.

NaN gives NaN, and infinities give the limits. Accuracies (in units in the last place) are pinned by
tests/test_vmath.py. The functions work in compiled code only.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.extending import intrinsic

from netc.runtime.devices import vmath_exp, vmath_log, vmath_trig
from netc.runtime.devices.simd_llvm import Value
from netc.runtime.devices.simd_types import build, one_vector


def _compiled(emit: Callable[..., Value]) -> Callable[..., Value]:
    """`emit` as an LLVM function of the module, made at its first use there, and called."""

    def call(*arguments: Value) -> Value:
        first = arguments[0]
        module, type_ = first.builder.module, first.type
        name = f"netc.{emit.__name__}.{'f64' if first.is_double else 'f32'}x{first.lanes}"
        function = module.globals.get(name)
        if function is None:
            function = ir.Function(module, ir.FunctionType(type_, [type_] * len(arguments)), name)
            function.linkage = "linkonce_odr"
            function.attributes.add("nounwind")
            builder = ir.IRBuilder(function.append_basic_block("entry"))
            builder.ret(emit(*(Value(builder, a) for a in function.args)).value)
        return first.wrap(first.builder.call(function, [a.value for a in arguments]))

    return call


def _function(emit: Callable[..., Value]) -> Any:
    """`emit` as a function of vectors for compiled code."""
    call = _compiled(emit)
    if len(inspect.signature(emit).parameters) == 1:

        @intrinsic
        def one(typing: Any, x: Any) -> Any:
            return build(one_vector, call, x)

        return one

    @intrinsic
    def two(typing: Any, a: Any, b: Any) -> Any:
        return build(one_vector, call, a, b)

    return two


vexp = _function(vmath_exp.exp)
vexpm1 = _function(vmath_exp.expm1)
vtanh = _function(vmath_exp.tanh)
vsigmoid = _function(vmath_exp.sigmoid)
verf = _function(vmath_exp.erf)
vlog = _function(vmath_log.log)
vlog1p = _function(vmath_log.log1p)
vpow = _function(vmath_log.pow)
vsin = _function(vmath_trig.sin)
vcos = _function(vmath_trig.cos)
vtan = _function(vmath_trig.tan)
vatan = _function(vmath_trig.atan)
