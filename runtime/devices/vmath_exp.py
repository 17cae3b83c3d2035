"""Stage: the ground of the CPU target. exp, expm1, tanh, sigmoid and erf over `Value`s; see `vmath`."""

from __future__ import annotations

import math

from netc.runtime.devices.simd_llvm import Value, clamp, fma, intrinsic, select
from netc.runtime.devices.vmath_reduce import exponent_bias, less_ln2, nearest, polynomial, power_of_two

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
# (erf(x)/x - 1) in x^2 for |x| <= 1
ERF_LOW_64 = (
    0.12837916709551256,
    -0.37612638903183543,
    0.11283791670944997,
    -0.026866170643236143,
    0.00522397760710251,
    -0.0008548325974698299,
    0.00012055294883501286,
    -1.492473648590296e-05,
    1.6447419370488171e-06,
    -1.6208442020927564e-07,
    1.3719880012236024e-08,
    -7.795547647493875e-10,
)
ERF_LOW_32 = (
    0.12837916584752412,
    -0.3761262665983077,
    0.11283594623850285,
    -0.026854207648140106,
    0.005189078110013981,
    -0.0008016773499810029,
    7.875545765351228e-05,
)
# -log(1 - erf(x)) in x for 1 <= x <= 5.95 (4 in float32), fitted so that the error of erf is even
ERF_HIGH_64 = (
    1.8457012246307284e-07,
    1.1283772805841468,
    0.6366287120083265,
    0.10274661922927049,
    -0.019076909669435343,
    -0.0002822941405425817,
    0.0017709967707120117,
    -0.0006428940691408648,
    4.599615690404165e-05,
    6.972920535839761e-05,
    -4.4760999618478214e-05,
    1.6418510305715227e-05,
    -4.300999804169136e-06,
    8.450337941326343e-07,
    -1.2480623141338355e-07,
    1.3519443394937048e-08,
    -1.01683073886378e-09,
    4.750677058969209e-11,
    -1.038824670772933e-12,
)
ERF_HIGH_32 = (
    0.00035122397155814867,
    1.1270512224175098,
    0.6382054147624918,
    0.10305634618972238,
    -0.021815009241992346,
    0.0029421657939683763,
    -0.00018584694794181872,
)


def _expm1_reduced(r: Value) -> Value:
    """exp(r) - 1 for |r| <= ln2/2"""
    return fma(r * r, polynomial(r, EXP_64 if r.is_double else EXP_32), r)


def exp(x: Value) -> Value:
    """Overflows to inf, underflows through the denormal numbers to 0."""
    return exp_sum(x, 0.0)


def exp_sum(x: Value, rest: Value | float) -> Value:
    """exp(x + rest), where `rest` is below the last place of x."""
    x = clamp(x, -750.0, 710.0) if x.is_double else clamp(x, -105.0, 89.0)
    n, _ = nearest(x, math.log2(math.e))
    r = less_ln2(x, n)
    y = _expm1_reduced(r + rest if isinstance(rest, Value) else r) + 1.0
    # 2^n itself may be out of range
    half, half_bits = nearest(n, 0.5, exponent_bias(x))
    _, rest_bits = nearest(n - half, 1.0, exponent_bias(x))
    return y * power_of_two(half_bits) * power_of_two(rest_bits)


def expm1(x: Value) -> Value:
    """exp(x) - 1 without cancellation near 0."""
    x = clamp(x, -40.0, 710.0) if x.is_double else clamp(x, -20.0, 89.0)
    n, bits = nearest(x, math.log2(math.e), exponent_bias(x) - 1)
    half_power = power_of_two(bits)
    y = fma(half_power, _expm1_reduced(less_ln2(x, n)), half_power - 0.5)
    return y + y


def tanh(x: Value) -> Value:
    """x = n ln2/2 + y and tanh y = b/a give

        tanh x = ((2^n - 1) a + (2^n + 1) b) / ((2^n + 1) a + (2^n - 1) b),

    one division, and no cancellation near 0, where n = 0 and the quotient is b/a.
    """
    bound = 20.0 if x.is_double else 9.5
    x = clamp(x, -bound, bound)
    n, bits = nearest(x, 2.0 * math.log2(math.e), exponent_bias(x))
    y = fma(n, -math.log(2.0) / 2.0, x)
    power = power_of_two(bits)
    p, q = TANH_64 if x.is_double else TANH_32
    square = y * y
    b = fma(y * square, polynomial(square, p), y)
    a = fma(square, polynomial(square, q), 1.0)
    less, more = power - 1.0, power + 1.0
    return fma(less, a, more * b) / fma(more, a, less * b)


def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x)); results below the normal numbers are 0."""
    x = clamp(-x, -40.0, 710.0) if x.is_double else clamp(-x, -20.0, 89.0)
    n, bits = nearest(x, math.log2(math.e), exponent_bias(x))
    power = power_of_two(bits)  # infinite for the largest n
    return 1.0 / (fma(power, _expm1_reduced(less_ln2(x, n)), power) + 1.0)


def erf(x: Value) -> Value:
    """Up to 1 a polynomial, above 1 - exp(-p(x)), which has the sign of x put back."""
    square = x * x
    low = fma(x, polynomial(square, ERF_LOW_64 if x.is_double else ERF_LOW_32), x)
    size = clamp(intrinsic("fabs", x), 0.0, 5.95 if x.is_double else 4.0)
    y = -polynomial(size, ERF_HIGH_64 if x.is_double else ERF_HIGH_32)
    n, bits = nearest(y, math.log2(math.e), exponent_bias(x))
    power = power_of_two(bits)
    high = 1.0 - fma(power, _expm1_reduced(less_ln2(y, n)), power)
    return select(size < 1.0, low, intrinsic("copysign", high, x))
