"""Stage: the ground of the CPU target. exp, log, tanh ... for SIMD vectors and for plain floats.

Each function is written once in Python over `Value`s and becomes one LLVM function for each type a module
uses, called with its arguments in registers: cheap to compile, and the same text for float64 and float32 and
for every width. No tables: range reduction, a polynomial or a quotient of two, powers of two made of bits.
Coefficients interpolate at Chebyshev nodes of the reduced range, one degree above what rounding can show.

NaN gives NaN, and infinities give the limits. Accuracies (in units in the last place) are pinned by
tests/test_vmath.py. The functions work in compiled code only.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.extending import intrinsic

from netc.runtime.llvm import Value, clamp, fma, select
from netc.runtime.simd_types import build, one_vector

# ln 2 in two parts; the first has so few bits that its product with an exponent is exact (fdlibm, e_exp.c)
LN2_64 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
LN2_32 = (0.693359375, -2.12194440e-4)
# (exp(r) - 1 - r) / r^2 for |r| <= ln2/2
EXP_64 = (
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666623824,
    0.008333333333330039,
    0.0013888888917367081,
    0.00019841269863171557,
    2.4801521057868204e-05,
    2.7557268276905696e-06,
    2.7620201591031547e-07,
    2.5100472505694996e-08,
)
EXP_32 = (
    0.500000001353873,
    0.16666666681704215,
    0.04166646419740569,
    0.008333310844647862,
    0.0013933730715792083,
    0.00019891080463998843,
)
# tanh(y)/y = (1 + p(z) z) / (1 + q(z) z) with z = y^2 and |y| <= ln2/4: p, q
TANH_64 = ((0.11109904663114416, 0.001057397364391119), (0.4444323799644694, 0.01586819068804824))
TANH_32 = ((0.06658076444610532,), (0.3999137748618851,))
# (log((1+s)/(1-s)) - 2s) / s^3 in s^2 for sqrt(1/2) <= (1+s)/(1-s) <= sqrt(2)
LOG_64 = (
    0.666666666666667,
    0.3999999999989889,
    0.28571428626253836,
    0.22222211089379496,
    0.1818289243253687,
    0.15331611722055008,
    0.14617807153417325,
)
LOG_32 = (0.6666666655404201, 0.4000012221181065, 0.28550778633191964, 0.23331614471843498)


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


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's scheme; lowest degree first."""
    total = x.constant(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = fma(total, x, c)
    return total


def _nearest(x: Value, scale: float, bias: int = 0) -> tuple[Value, Value]:
    """n = x*scale rounded to an integer, and the integers whose low bits are n + bias.

    Adding 1.5 * 2^52 leaves no bits for a fraction; the sum's bits end in the integer, in two's complement.
    """
    magic = 1.5 * 2.0 ** (52 if x.is_double else 23) + bias
    sum_ = fma(x, scale, magic)
    return sum_ - magic, sum_.bits()


def _exponent_bias(x: Value) -> int:
    return 1023 if x.is_double else 127


def _power_of_two(low_bits: Value) -> Value:
    """2^n out of integers whose low bits are n + bias."""
    return (low_bits << (52 if low_bits.element.width == 64 else 23)).real()


def _less_ln2(x: Value, n: Value) -> Value:
    """x - n ln 2"""
    high, low = LN2_64 if x.is_double else LN2_32
    return fma(n, -low, fma(n, -high, x))


def _expm1_reduced(r: Value) -> Value:
    """exp(r) - 1 for |r| <= ln2/2"""
    return fma(r * r, polynomial(r, EXP_64 if r.is_double else EXP_32), r)


def exp(x: Value) -> Value:
    """Overflows to inf, underflows through the denormal numbers to 0."""
    x = clamp(x, -750.0, 710.0) if x.is_double else clamp(x, -105.0, 89.0)
    n, _ = _nearest(x, math.log2(math.e))
    y = _expm1_reduced(_less_ln2(x, n)) + 1.0
    # 2^n itself may be out of range
    half, half_bits = _nearest(n, 0.5, _exponent_bias(x))
    _, rest_bits = _nearest(n - half, 1.0, _exponent_bias(x))
    return y * _power_of_two(half_bits) * _power_of_two(rest_bits)


def expm1(x: Value) -> Value:
    """exp(x) - 1 without cancellation near 0."""
    x = clamp(x, -40.0, 710.0) if x.is_double else clamp(x, -20.0, 89.0)
    n, bits = _nearest(x, math.log2(math.e), _exponent_bias(x) - 1)
    half_power = _power_of_two(bits)
    y = fma(half_power, _expm1_reduced(_less_ln2(x, n)), half_power - 0.5)
    return y + y


def tanh(x: Value) -> Value:
    """x = n ln2/2 + y and tanh y = b/a give

        tanh x = ((2^n - 1) a + (2^n + 1) b) / ((2^n + 1) a + (2^n - 1) b),

    one division, and no cancellation near 0, where n = 0 and the quotient is b/a.
    """
    bound = 20.0 if x.is_double else 9.5
    x = clamp(x, -bound, bound)
    n, bits = _nearest(x, 2.0 * math.log2(math.e), _exponent_bias(x))
    y = fma(n, -math.log(2.0) / 2.0, x)
    power = _power_of_two(bits)
    p, q = TANH_64 if x.is_double else TANH_32
    square = y * y
    b = fma(y * square, polynomial(square, p), y)
    a = fma(square, polynomial(square, q), 1.0)
    less, more = power - 1.0, power + 1.0
    return fma(less, a, more * b) / fma(more, a, less * b)


def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x)); results below the normal numbers are 0."""
    x = clamp(-x, -40.0, 710.0) if x.is_double else clamp(-x, -20.0, 89.0)
    n, bits = _nearest(x, math.log2(math.e), _exponent_bias(x))
    power = _power_of_two(bits)  # infinite for the largest n
    return 1.0 / (fma(power, _expm1_reduced(_less_ln2(x, n)), power) + 1.0)


def _log_parts(x: Value) -> tuple[Value, Value]:
    """k and m with x = 2^k m and sqrt(1/2) <= m < sqrt(2), for positive normal x."""
    digits, bias = (52, 1023) if x.is_double else (23, 127)
    root = 0x3FE6A09E667F3BCD if x.is_double else 0x3F3504F3
    offset = x.bits() - (root - (bias << digits))
    magic = 2.0**digits
    shifted = x.wrap(x.builder.lshr(offset.value, offset.constant(digits).value))
    k = (shifted | x.constant(magic).bits()).real() - (magic + bias)
    m = ((offset & ((1 << digits) - 1)) + root).real()
    return k, m


def _log_sum(k: Value, f: Value, correction: Value | float) -> Value:
    """k ln2 + log(1 + f) + correction, in the order of fdlibm's e_log.c that loses no digits."""
    high, low = LN2_64 if f.is_double else LN2_32
    s = f / (f + 2.0)
    square = s * s
    series = square * polynomial(square, LOG_64 if f.is_double else LOG_32)
    half_square = f * f * 0.5
    small = fma(s, half_square + series, fma(k, low, f.constant(0.0) + correction))
    return fma(k, high, f - (half_square - small))


def _log_limits(x: Value, result: Value) -> Value:
    """log at 0, below 0, at infinity and at NaN."""
    result = select(x < math.inf, result, x)
    result = select(x.equals(0.0), x.constant(-math.inf), result)
    return select(x < 0.0, x.constant(math.nan), result)


def log(x: Value) -> Value:
    tiny, lift = (2.0**-1022, 54) if x.is_double else (2.0**-126, 25)
    denormal = x < tiny
    k, m = _log_parts(select(denormal, x * 2.0**lift, x))
    k = select(denormal, k - float(lift), k)
    return _log_limits(x, _log_sum(k, m - 1.0, 0.0))


vexp = _function(exp)
vexpm1 = _function(expm1)
vlog = _function(log)
vtanh = _function(tanh)
vsigmoid = _function(sigmoid)
