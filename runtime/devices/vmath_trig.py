"""Stage: the ground of the CPU target. sin, cos, tan and atan over `Value`s; see `vmath`."""

from __future__ import annotations

import math

from llvmlite import ir

from netc.runtime.devices.simd_lanes import packed
from netc.runtime.devices.simd_llvm import Value, fma, has_fma, intrinsic, select
from netc.runtime.devices.vmath_reduce import nearest, polynomial

# pi/2 in three parts of full length: n times the first is exact inside an fma
HALF_PI_64 = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
HALF_PI_32 = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)
# (sin(r)/r - 1) / r^2 and (cos(r) - 1 + r^2/2) / r^4 in r^2 for |r| <= pi/4
SIN_64 = (
    -0.16666666666666666,
    0.008333333333330925,
    -0.00019841269836722418,
    2.755731608381636e-06,
    -2.5051127944014188e-08,
    1.5917848524808262e-10,
)
SIN_32 = (-0.1666666666362283, 0.008333331785217696, -0.00019840038872556747, 2.724378140946123e-06)
COS_64 = (
    0.041666666666666664,
    -0.0013888888888887382,
    2.480158729874307e-05,
    -2.7557317260008837e-07,
    2.0876143827993133e-09,
    -1.1382456778061306e-11,
)
COS_32 = (0.04166666464745738, -0.00138883006969039, 2.45474372101932e-05)
# (atan(x)/x - 1) / x^2 in x^2 for |x| <= tan(pi/8)
ATAN_64 = (
    -0.3333333333333333,
    0.19999999999995513,
    -0.1428571428466482,
    0.11111111015117626,
    -0.09090904572487347,
    0.07692183059894114,
    -0.06664509603255386,
    0.05858132894427922,
    -0.05085365922344248,
    0.03922923713835943,
    -0.01917392228554793,
)
ATAN_32 = (
    -0.3333333175970025,
    0.19999540146206404,
    -0.14263943907717944,
    0.10743605148917443,
    -0.06451509518644878,
)
LIMIT_64, LIMIT_32 = 2.0**40, 1e5
"""Arguments up to here are reduced with `HALF_PI`; libm takes over above, lane by lane."""
LIMIT_WITHOUT_FMA = 3.9
"""There n pi/2 is exact up to n = 2 only."""


def _quarter_turns(x: Value) -> tuple[Value, Value, Value]:
    """x = n pi/2 + r: the low bits of n, sin r and cos r."""
    n, bits = nearest(x, 2.0 / math.pi)
    r = x
    for part in HALF_PI_64 if x.is_double else HALF_PI_32:
        r = fma(n, -part, r)
    z = r * r
    sine = fma(r * z, polynomial(z, SIN_64 if x.is_double else SIN_32), r)
    half = z * 0.5
    w = 1.0 - half
    cosine = w + fma(z * z, polynomial(z, COS_64 if x.is_double else COS_32), (1.0 - w) - half)
    return bits, sine, cosine


def _wave(x: Value, quarters: int) -> Value:
    """sin(x + quarters pi/2)"""
    bits, sine, cosine = _quarter_turns(x)
    bits = bits + quarters
    sign = (bits << (62 if x.is_double else 30)) & x.constant(-0.0).bits()
    return (select((bits & 1).differs(0), cosine, sine).bits() ^ sign).real()


def _beyond(x: Value, result: Value, name: str) -> Value:
    """`result`, with lanes whose arguments are too large for it taken from libm."""
    builder = x.builder
    limit = LIMIT_64 if x.is_double else LIMIT_32
    large = intrinsic("fabs", x) > (limit if has_fma() else LIMIT_WITHOUT_FMA)
    before = builder.block
    with builder.if_then(packed(large).differs(0).value, likely=False):
        exact = x.value
        for i in range(x.lanes):
            lane = intrinsic(name, x.lane(i)).value
            exact = lane if x.lanes == 1 else builder.insert_element(exact, lane, ir.IntType(32)(i))
        mixed = select(large, x.wrap(exact), result)
        inside = builder.block
    merged = builder.phi(x.type)
    merged.add_incoming(result.value, before)
    merged.add_incoming(mixed.value, inside)
    return x.wrap(merged)


def sin(x: Value) -> Value:
    return _beyond(x, _wave(x, 0), "sin")


def cos(x: Value) -> Value:
    return _beyond(x, _wave(x, 1), "cos")


def tan(x: Value) -> Value:
    bits, sine, cosine = _quarter_turns(x)
    odd = (bits & 1).differs(0)
    return _beyond(x, select(odd, -cosine, sine) / select(odd, sine, cosine), "tan")


def atan(x: Value) -> Value:
    """Reduced to |r| <= tan(pi/8) by atan x = pi/4 + atan((x-1)/(x+1)) = pi/2 - atan(1/x), one division."""
    size = intrinsic("fabs", x)
    middle, far = size > math.tan(math.pi / 8), size > math.tan(3 * math.pi / 8)
    one = x.constant(1.0)
    numerator = select(far, -one, select(middle, size - 1.0, size))
    denominator = select(far, size, select(middle, size + 1.0, one))
    r = numerator / denominator
    z = r * r
    series = r * z * polynomial(z, ATAN_64 if x.is_double else ATAN_32)
    high, low = (HALF_PI_64 if x.is_double else HALF_PI_32)[:2]
    share = select(far, one, select(middle, x.constant(0.5), 0.0))
    return intrinsic("copysign", fma(share, high, r + fma(share, low, series)), x)
