"""Stage: the ground of the CPU target. LLVM instructions written as Python expressions.

A `Value` is a scalar or a vector inside an LLVM function being built; `a * b + 1.0` appends the instructions.
Numbers of Python become constants of the other operand's type, so that float32 text never meets a float64.
One text serves every width: a vector of one lane *is* the plain scalar.

It knows nothing of numba's types (`simd_types`) and of no function of mathematics (`vmath`); what goes across the lanes is
in `simd_lanes`.
"""

from __future__ import annotations

import operator
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba import config

_I32 = ir.IntType(32)


@cache
def cpu_features() -> dict[str, bool]:
    """What numba compiles for, in LLVM's names: all that the processor can do, or what NUMBA_CPU_FEATURES says
    (`+avx2,+fma,-avx512f`)."""
    said: str | None = getattr(config, "CPU_FEATURES", None)
    if said is None:
        return dict(binding.get_host_cpu_features())
    return {word[1:]: word[0] == "+" for word in said.replace(" ", "").split(",") if word}


@cache
def has_fma() -> bool:
    """Without the instruction LLVM would call libm for every lane; `fma` is then two operations."""
    return cpu_features().get("fma", False) or platform.machine() in ("aarch64", "arm64")


@dataclass(frozen=True)
class Value:
    """A value of LLVM and the builder that appends what is done to it. Comparisons give masks (i1 lanes)."""

    builder: Any
    value: Any

    @property
    def type(self) -> Any:
        return self.value.type

    @property
    def element(self) -> Any:
        """The LLVM type of one lane."""
        return self.type.element if isinstance(self.type, ir.VectorType) else self.type

    @property
    def lanes(self) -> int:
        return self.type.count if isinstance(self.type, ir.VectorType) else 1

    @property
    def is_real(self) -> bool:
        return isinstance(self.element, ir.FloatType | ir.DoubleType)

    @property
    def is_double(self) -> bool:
        return isinstance(self.element, ir.DoubleType)

    def constant(self, number: float) -> Value:
        """`number` in every lane, of this value's type."""
        return self.wrap(constant(self.type, number))

    def wrap(self, value: Any) -> Value:
        return Value(self.builder, value)

    def _other(self, other: Value | float) -> Any:
        return other.value if isinstance(other, Value) else constant(self.type, other)

    def _do(self, real: str, integer: str, other: Value | float) -> Value:
        append = getattr(self.builder, real if self.is_real else integer)
        return self.wrap(append(self.value, self._other(other)))

    def __add__(self, other: Value | float) -> Value:
        return self._do("fadd", "add", other)

    def __sub__(self, other: Value | float) -> Value:
        return self._do("fsub", "sub", other)

    def __mul__(self, other: Value | float) -> Value:
        return self._do("fmul", "mul", other)

    def __truediv__(self, other: Value | float) -> Value:
        return self._do("fdiv", "sdiv", other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Value:
        return self.constant(other) - self

    def __rtruediv__(self, other: float) -> Value:
        return self.constant(other) / self

    def __neg__(self) -> Value:
        return self.wrap(self.builder.fneg(self.value))

    def __and__(self, other: Value | float) -> Value:
        return self.wrap(self.builder.and_(self.value, self._other(other)))

    def __or__(self, other: Value | float) -> Value:
        return self.wrap(self.builder.or_(self.value, self._other(other)))

    def __xor__(self, other: Value | float) -> Value:
        return self.wrap(self.builder.xor(self.value, self._other(other)))

    def __lshift__(self, bits: int) -> Value:
        return self.wrap(self.builder.shl(self.value, self._other(bits)))

    def _compare(self, relation: str, other: Value | float) -> Value:
        if not self.is_real:
            return self.wrap(self.builder.icmp_signed(relation, self.value, self._other(other)))
        # IEEE 754: a comparison with NaN is false, and != is true
        append = self.builder.fcmp_unordered if relation == "!=" else self.builder.fcmp_ordered
        return self.wrap(append(relation, self.value, self._other(other)))

    def __lt__(self, other: Value | float) -> Value:
        return self._compare("<", other)

    def __le__(self, other: Value | float) -> Value:
        return self._compare("<=", other)

    def __gt__(self, other: Value | float) -> Value:
        return self._compare(">", other)

    def __ge__(self, other: Value | float) -> Value:
        return self._compare(">=", other)

    def equals(self, other: Value | float) -> Value:
        return self._compare("==", other)

    def differs(self, other: Value | float) -> Value:
        return self._compare("!=", other)

    def is_nan(self) -> Value:
        return self.differs(self)

    def invert(self) -> Value:
        """The opposite of a mask."""
        return self ^ 1

    def bits(self) -> Value:
        """The same bits as integers."""
        integer = ir.IntType(64 if self.is_double else 32)
        return self.wrap(self.builder.bitcast(self.value, shaped(integer, self.lanes)))

    def real(self) -> Value:
        """The same bits as reals."""
        real = ir.DoubleType() if self.element.width == 64 else ir.FloatType()
        return self.wrap(self.builder.bitcast(self.value, shaped(real, self.lanes)))

    def lane(self, index: int) -> Value:
        if self.lanes == 1:
            return self
        return self.wrap(self.builder.extract_element(self.value, _I32(index)))

    def shuffled(self, other: Value, indices: Sequence[int]) -> Value:
        """Lanes picked out of `self` (0 ...) and `other` (lanes ...)."""
        return self.wrap(
            self.builder.shuffle_vector(
                self.value, other.value, ir.Constant(ir.VectorType(_I32, len(indices)), list(indices))
            )
        )


def shaped(element: Any, lanes: int) -> Any:
    return element if lanes == 1 else ir.VectorType(element, lanes)


def constant(type_: Any, number: float) -> Any:
    if isinstance(type_, ir.VectorType):
        return ir.Constant(type_, [number] * type_.count)
    return ir.Constant(type_, number)


def splat(builder: Any, scalar: Any, lanes: int) -> Value:
    """The scalar in every lane."""
    if lanes == 1:
        return Value(builder, scalar)
    empty = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    first = Value(builder, builder.insert_element(empty, scalar, _I32(0)))
    return first.shuffled(first, [0] * lanes)


def intrinsic(name: str, *arguments: Value) -> Value:
    """LLVM's function `llvm.NAME` of arguments that all have the result's type."""
    first = arguments[0]
    suffix = f"{'f64' if first.is_double else 'f32'}"
    suffix = suffix if first.lanes == 1 else f"v{first.lanes}{suffix}"
    function_type = ir.FunctionType(first.type, [first.type] * len(arguments))
    function = declared(first.builder.module, f"llvm.{name}.{suffix}", function_type)
    return first.wrap(first.builder.call(function, [a.value for a in arguments]))


def declared(module: Any, name: str, function_type: Any) -> Any:
    found = module.globals.get(name)
    return ir.Function(module, function_type, name) if found is None else found


def fma(a: Value, b: Value | float, c: Value | float) -> Value:
    """a*b + c with one rounding, where the machine can."""
    b = b if isinstance(b, Value) else a.constant(b)
    c = c if isinstance(c, Value) else a.constant(c)
    return intrinsic("fma", a, b, c) if has_fma() else a * b + c


def select(mask: Value, a: Value, b: Value | float) -> Value:
    return a.wrap(a.builder.select(mask.value, a.value, a._other(b)))


def maximum(a: Value, b: Value) -> Value:
    """The larger; NaN if one of them is."""
    return select(a.is_nan(), a, select(a > b, a, b))


def minimum(a: Value, b: Value) -> Value:
    return select(a.is_nan(), a, select(a < b, a, b))


def at_least(x: Value, low: float) -> Value:
    """One instruction; NaN stays NaN, since a false comparison keeps x."""
    bound = x.constant(low)
    return select(bound > x, bound, x)


def clamp(x: Value, low: float, high: float) -> Value:
    x = at_least(x, low)
    bound = x.constant(high)
    return select(bound < x, bound, x)


RELATIONS: dict[Callable[[Any, Any], Any], Callable[[Value, Value], Value]] = {
    operator.lt: Value.__lt__,
    operator.le: Value.__le__,
    operator.gt: Value.__gt__,
    operator.ge: Value.__ge__,
    operator.eq: Value.equals,
    operator.ne: Value.differs,
}
