"""Stage: the ground of the CPU target. The SIMD vector and mask as types of numba, and their operators.

`Vector(float64, 4)` is LLVM's `<4 x double>`, passed and kept in registers; `Mask(4)` is `<4 x i1>`, the
result of a comparison. A vector of one lane does not exist: it is numba's float64 or float32, and its mask a
boolean. Vectors meet vectors only; the functions on them are in `simd` and `vmath`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

from netc.runtime.devices.simd_llvm import RELATIONS, Value


class Vector(types.Type):
    """`lanes` reals side by side in one register (or in a few of them, where the machine's are shorter)."""

    def __init__(self, real: types.Float, lanes: int) -> None:
        self.real = real
        self.lanes = lanes
        super().__init__(name=f"Vector({real}, {lanes})")


class Mask(types.Type):
    """One truth value for each lane."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        real = ir.DoubleType() if vector.real == types.float64 else ir.FloatType()
        super().__init__(manager, vector, ir.VectorType(real, vector.lanes))  # type: ignore[no-untyped-call]


@register_model(Mask)
class MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, mask: Mask) -> None:
        super().__init__(manager, mask, ir.VectorType(ir.IntType(1), mask.lanes))  # type: ignore[no-untyped-call]


def vector_type(real: types.Float, lanes: int) -> Any:
    return real if lanes == 1 else Vector(real, lanes)


def mask_type(vector: Any) -> Any:
    """What a comparison of two such values gives."""
    return Mask(vector.lanes) if isinstance(vector, Vector) else types.boolean


def is_vector(type_: Any) -> bool:
    """A vector, or the plain real that stands for a vector of one lane."""
    return isinstance(type_, Vector) or type_ in (types.float64, types.float32)


def is_mask(type_: Any) -> bool:
    return isinstance(type_, Mask) or type_ == types.boolean


def build(
    result: Callable[..., Any], emit: Callable[..., Value], *argument_types: Any
) -> tuple[Any, Callable[..., Any]] | None:
    """What an intrinsic returns: its signature and its code, `emit` called with a `Value` for each argument.

    `result` gives the type of the result for the types of the arguments, or None where they do not fit.
    """
    returned = result(*argument_types)
    if returned is None:
        return None

    def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return emit(*(Value(builder, a) for a in arguments)).value

    return signature(returned, *argument_types), code


def one_vector(*vectors: Any) -> Any:
    """Vectors of one type give a vector of that type."""
    return vectors[0] if is_vector(vectors[0]) and all(v == vectors[0] for v in vectors) else None


def _install(
    symbol: Any, kind: type, result: Callable[[Any], Any], emit: Callable[..., Value], arity: int
) -> None:
    """Makes an operator of Python known for operands of one type of this kind."""

    @infer_global(symbol)
    class _Operator(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            fits = len(args) == arity and isinstance(args[0], kind) and all(a == args[0] for a in args)
            return signature(result(args[0]), *args) if fits else None

    @lower_builtin(symbol, *[kind] * arity)  # type: ignore[untyped-decorator]
    def _code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return emit(*(Value(builder, a) for a in arguments)).value


def _same(type_: Any) -> Any:
    return type_


for _symbols, _emit in (
    ((operator.add, operator.iadd), Value.__add__),
    ((operator.sub, operator.isub), Value.__sub__),
    ((operator.mul, operator.imul), Value.__mul__),
    ((operator.truediv, operator.itruediv), Value.__truediv__),
):
    for _symbol in _symbols:
        _install(_symbol, Vector, _same, _emit, 2)
for _symbols, _emit in (
    ((operator.and_, operator.iand), Value.__and__),
    ((operator.or_, operator.ior), Value.__or__),
):
    for _symbol in _symbols:
        _install(_symbol, Mask, _same, _emit, 2)
for _symbol, _relation in RELATIONS.items():
    _install(_symbol, Vector, mask_type, _relation, 2)
_install(operator.neg, Vector, _same, Value.__neg__, 1)
_install(operator.invert, Mask, _same, Value.invert, 1)
