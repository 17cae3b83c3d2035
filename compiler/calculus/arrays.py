"""Arrays with named axes: laid out, stretched, reduced, read at places. What `evaluate.py` makes values of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir

Array = NDArray[Any]
Parts = Mapping[ir.Per, tuple[slice, ...]]
"""The slices of theta that are reduced one by one, `per = layer` and `per = tensor`."""


def lengths_of(nodes: Sequence[ir.Expr], env: Mapping[str, Any]) -> dict[ir.Axis, int]:
    """Of all axes: as they say, or as the arrays are."""
    known = {a: a.size for node in nodes for a in node.axes if a.size is not None}
    for node in nodes:
        if isinstance(node, ir.Var | ir.Draw):
            shape = np.shape(env[node.name if isinstance(node, ir.Var) else node.purpose])
            known |= {a: length for a, length in zip(node.axes, shape, strict=False) if a.size is None}
    return known


def laid(x: Any, axes: ir.Axes, wanted: ir.Axes) -> Any:
    """An array with these axes as one with the wanted ones, in their order; length 1 along those that it lacks."""
    if np.ndim(x) == 0 or axes == wanted:
        return x
    x = np.transpose(x, [axes.index(a) for a in wanted if a in axes])
    return x[tuple(slice(None) if a in axes else None for a in wanted)]


def stretched(x: Any, axes: ir.Axes, along: ir.Axes, lengths: Mapping[ir.Axis, int]) -> Array:
    """The array with its full length along some axes."""
    x = np.reshape(x, (1,) * len(axes)) if np.ndim(x) == 0 else x
    return np.broadcast_to(x, [lengths[a] if a in along else n for a, n in zip(axes, x.shape, strict=True)])


def reduced(op: ir.Reduction, x: Any, axes: ir.Axes, over: ir.Axes, lengths: Mapping[ir.Axis, int]) -> Any:
    functions: dict[str, Callable[..., Any]] = {"sum": np.sum, "max": np.max, "min": np.min, "norm": _norm}
    x = stretched(x, axes, over if op in ("sum", "norm") else (), lengths)
    left = [a for a in axes if a not in over]
    more = {"dtype": np.float64} if op == "sum" and not left else {}  # a number is computed in float64
    return functions[op](x, axis=tuple(axes.index(a) for a in over), **more)


def summed_product(
    node: ir.Reduce, a: ir.Expr, b: ir.Expr, values: Mapping[int, Any], lengths: Mapping[ir.Axis, int]
) -> Any:
    """A sum of products, without an array of all of them."""
    if not node.axes:
        return (
            reduced("sum", values[id(a)] * laid(values[id(b)], b.axes, a.axes), a.axes, node.over, lengths)
            if a.axes == b.axes
            else reduced("sum", *_of_all(a, b, values), node.over, lengths)
        )
    letters = {axis: chr(ord("a") + i) for i, axis in enumerate(ir.union(a.axes, b.axes))}
    factors = [stretched(values[id(e)], e.axes, e.axes, lengths) for e in (a, b)]
    words = ["".join(letters[x] for x in e.axes) for e in (a, b)]
    return np.einsum(
        f"{words[0]},{words[1]}->{''.join(letters[x] for x in node.axes)}", *factors, optimize=True
    )


def _of_all(a: ir.Expr, b: ir.Expr, values: Mapping[int, Any]) -> tuple[Any, ir.Axes]:
    axes = ir.union(a.axes, b.axes)
    return laid(values[id(a)], a.axes, axes) * laid(values[id(b)], b.axes, axes), axes


def reduced_by_part(op: ir.Reduction, x: Any, parts: tuple[slice, ...]) -> Any:
    functions: dict[str, Callable[..., Any]] = {"sum": np.sum, "max": np.max, "min": np.min, "norm": _norm}
    return np.concatenate([np.full_like(x[s], functions[op](x[s])) for s in parts])


def view(node: ir.View, x: Array, lengths: Mapping[ir.Axis, int]) -> Array:
    index = node.index
    grid = dict(zip(node.axes, np.ogrid[tuple(slice(lengths[a]) for a in node.axes)], strict=True))
    place = index.offset + sum((f * grid[a] for a, f in index.terms), np.int64(0))
    there = np.bool_(True) if index.floor else place % index.divisor == 0
    place = place // index.divisor
    there = there & (place >= 0) & (place < lengths[node.axis])
    return _at(x, node.arg.axes, node.axis, place, there, grid, node.outside)


def picked(node: ir.Pick, x: Any, place: Any, lengths: Mapping[ir.Axis, int]) -> Array:
    x = stretched(x, node.arg.axes, (node.axis,), lengths)
    grid = dict(zip(node.axes, np.ogrid[tuple(slice(lengths[a]) for a in node.axes)], strict=True))
    wanted = laid(place, node.place.axes, node.axes)
    where = np.rint(wanted).astype(np.int64)
    there = (where == wanted) & (where >= 0) & (where < lengths[node.axis])
    return _at(x, node.arg.axes, node.axis, where, there, grid, 0.0)


def _at(
    x: Array,
    axes: ir.Axes,
    axis: ir.Axis,
    place: Any,
    there: Any,
    grid: Mapping[ir.Axis, Any],
    outside: float,
) -> Array:
    """x read at `place` along the axis and as the grid says along the others."""
    spots = {**grid, axis: np.clip(place, 0, x.shape[axes.index(axis)] - 1)}
    found = x[tuple(spots[a] if n > 1 or a == axis else 0 for a, n in zip(axes, x.shape, strict=True))]
    return np.asarray(np.where(there, found, x.dtype.type(outside)))


def _norm(x: Any, axis: Any = None) -> Any:
    """By the largest element where the squares would overflow or vanish."""
    x = np.asarray(x)
    largest = np.max(np.abs(x), axis=axis, keepdims=True)
    shares = x / np.where(largest > 0, largest, 1)
    total = np.sum(x * x, axis=axis)
    largest = np.max(np.abs(x), axis=axis)
    limits = np.finfo(x.dtype)
    safe = (total > limits.tiny / limits.eps**2) & (total < limits.max * limits.eps)
    plain = safe | (largest == 0) | ~np.isfinite(largest)
    return np.where(plain, np.sqrt(total), largest * np.sqrt(np.sum(shares * shares, axis=axis)))[()]
