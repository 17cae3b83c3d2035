"""Small functions that generated kernels call; instructions in them, which cost a compilation nothing."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core.imputils import impl_ret_borrowed
from numba.core.typing.templates import signature
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from netc.runtime.random_shuffle import resample, shuffle

__all__ = ["columns", "flat", "isfinite", "least", "resample", "shuffle"]


@intrinsic
def flat(typing: Any, array: Any) -> Any:
    """The numbers of a C-contiguous array in one row; a view."""
    row = types.Array(array.dtype, 1, "C", readonly=not array.mutable)

    def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        given, made = make_array(array)(context, builder, arguments[0]), make_array(row)(context, builder)
        populate_array(
            made, given.data, [given.nitems], [given.itemsize], given.itemsize, given.meminfo, given.parent
        )
        return impl_ret_borrowed(context, builder, row, made._getvalue())

    return signature(row, array), code


@intrinsic
def columns(typing: Any, array: Any) -> Any:
    """Distance between two rows of a C-contiguous matrix."""

    def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        shape = make_array(array)(context, builder, arguments[0]).shape
        return builder.extract_value(shape, 1)

    return signature(types.intp, array), code


@intrinsic
def isfinite(typing: Any, value: Any) -> Any:
    """Whether a number less itself is 0: of infinities and NaN it is NaN."""

    def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        nothing = builder.fsub(arguments[0], arguments[0])
        return builder.fcmp_ordered("==", nothing, nothing.type(0.0))

    return signature(types.boolean, types.float64), code


@intrinsic
def least(typing: Any, a: Any, b: Any) -> Any:
    """The smaller of two whole numbers."""

    def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return builder.select(builder.icmp_signed("<", *arguments), *arguments)

    return signature(types.int64, types.int64, types.int64), code
