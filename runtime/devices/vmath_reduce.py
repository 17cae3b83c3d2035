"""Stage: the ground of the CPU target. What the functions of `vmath` have in common.

Polynomials, rounding to an integer, powers of two made of bits, multiples of ln 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from netc.runtime.devices.simd_llvm import Value, fma

# ln 2 in two parts; the first has so few bits that its product with an exponent is exact (fdlibm, e_exp.c)
LN2_64 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
LN2_32 = (0.693359375, -2.12194440e-4)


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's scheme; lowest degree first."""
    total = x.constant(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = fma(total, x, c)
    return total


def nearest(x: Value, scale: float, bias: int = 0) -> tuple[Value, Value]:
    """n = x*scale rounded to an integer, and the integers whose low bits are n + bias.

    Adding 1.5 * 2^52 leaves no bits for a fraction; the sum's bits end in the integer, in two's complement.
    """
    magic = 1.5 * 2.0 ** (52 if x.is_double else 23) + bias
    sum_ = fma(x, scale, magic)
    return sum_ - magic, sum_.bits()


def exponent_bias(x: Value) -> int:
    return 1023 if x.is_double else 127


def power_of_two(low_bits: Value) -> Value:
    """2^n out of integers whose low bits are n + bias."""
    return (low_bits << (52 if low_bits.element.width == 64 else 23)).real()


def less_ln2(x: Value, n: Value) -> Value:
    """x - n ln 2"""
    high, low = LN2_64 if x.is_double else LN2_32
    return fma(n, -low, fma(n, -high, x))
