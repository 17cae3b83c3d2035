"""Stage: the ground of the CPU target. log, log1p and pow over `Value`s; see `vmath`."""

from __future__ import annotations

import math

from netc.runtime.devices.simd_llvm import Value, fma, intrinsic, select
from netc.runtime.devices.vmath_exp import exp_sum
from netc.runtime.devices.vmath_reduce import LN2_32, LN2_64, polynomial

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
# the same less its first coefficient 2/3, over s^2
POW_64 = (
    0.4000000000000003,
    0.2857142857133801,
    0.22222222271326808,
    0.18181808210921882,
    0.15385577463308145,
    0.13285868837545742,
    0.1291471218393509,
)
POW_32 = (0.3999999990458559, 0.28571532106035885, 0.22204729914012353, 0.1912132996108538)


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


def _denormal_parts(x: Value) -> tuple[Value, Value]:
    """`_log_parts` for the denormal numbers, too."""
    tiny, lift = (2.0**-1022, 54) if x.is_double else (2.0**-126, 25)
    denormal = x < tiny
    k, m = _log_parts(select(denormal, x * 2.0**lift, x))
    return select(denormal, k - float(lift), k), m


def log(x: Value) -> Value:
    k, m = _denormal_parts(x)
    return _log_limits(x, _log_sum(k, m - 1.0, 0.0))


def log1p(x: Value) -> Value:
    """log(1 + x); what 1 + x rounds away is put back (fdlibm, s_log1p.c)."""
    u = x + 1.0
    lost = select(x > 1.0, 1.0 - (u - x), x - (u - 1.0)) / u
    k, m = _log_parts(u)
    near = k.equals(0.0)  # there log(1 + f) takes f = x itself
    f = select(near, x, m - 1.0)
    return _log_limits(u, _log_sum(k, f, select(near, x.constant(0.0), lost)))


def _fast_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """a + b and what it rounds away, for |a| >= |b| or a = 0 (Dekker 1971)."""
    total = a + b
    return total, b - (total - a)


def _log_pair(x: Value) -> tuple[Value, Value]:
    """log x, for x >= 0, as a sum of two numbers: pow multiplies the error of one alone."""
    k, m = _denormal_parts(x)
    f = m - 1.0
    d = f + 2.0
    reciprocal = 1.0 / d
    s = f * reciprocal
    s_low = (fma(-s, d, f) - s * (f - (d - 2.0))) * reciprocal
    z = s * s
    z_low = fma(s, s, -z) + (s + s) * s_low
    # 2/3 + z p(z), times s^3
    c, c_low = _fast_sum(x.constant(2.0 / 3.0), z * polynomial(z, POW_64 if x.is_double else POW_32))
    c_low = c_low + (3.700743415417188e-17 if x.is_double else -1.9868214925130207e-08)  # the rest of 2/3
    cube = s * z
    cube_low = fma(s, z, -cube) + s * z_low + s_low * z
    series = cube * c
    series_low = fma(cube, c, -series) + cube * c_low + cube_low * c
    high, low = LN2_64 if x.is_double else LN2_32
    total, rest = _fast_sum(k * high, s + s)
    total, more = _fast_sum(total, series)
    low_parts = fma(k, low, s_low + s_low) + series_low
    total, rest = _fast_sum(total, rest + more + low_parts)
    return _log_limits(x, total), rest


def pow(a: Value, b: Value) -> Value:
    """a^b = exp(b log|a|), with C's rules: a^0 = 1^b = 1, a < 0 needs a whole b and takes its parity."""
    size = intrinsic("fabs", a)
    log_high, log_low = _log_pair(size)
    high = b * log_high
    low = fma(b, log_high, -high) + b * log_low
    result = exp_sum(high, select(intrinsic("fabs", high) < 1000.0, low, 0.0))
    result = select(size.equals(1.0), a.constant(1.0), result)
    half, floor = b * 0.5, intrinsic("floor", b)
    odd = floor.equals(b) & intrinsic("floor", half).differs(half)
    result = select(odd, intrinsic("copysign", result, a), result)
    result = select((a < 0.0) & floor.differs(b) & (size < math.inf), a.constant(math.nan), result)
    return select(b.equals(0.0) | a.equals(1.0), a.constant(1.0), result)
