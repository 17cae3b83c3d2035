"""Names and shapes inside the parameter vector: theta <-> {"layer1.weight": (out, in), ...}; likewise states of layers.

Weights are stored (out, in), as PyTorch does, so that a PyTorch state goes in and out unchanged.
Does not draw first values (`start.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir

Array = NDArray[Any]


def states_of_rows(problem: ir.Problem, rows: Array) -> Array:
    """The states of layers (..., S) in rows as kernels have them: at their ends. A view."""
    return rows[..., rows.shape[-1] - problem.state_numbers :]


def unflatten(problem: ir.Problem, theta: Array) -> dict[str, Array]:
    """The named pieces of theta (..., P); leading axes stay in front. Copies."""
    lead = theta.shape[:-1]
    return {
        t.name: theta[..., t.offset : t.offset + t.size].reshape((*lead, *t.kept_shape)).copy()
        for t in problem.weights
    }


def flatten(problem: ir.Problem, named: Mapping[str, Array]) -> Array:
    """theta (..., P) of named pieces; raises ValueError with what is missing, unknown or of another shape."""
    return _flattened(problem.weights, named)


def flatten_states(problem: ir.Problem, named: Mapping[str, Array]) -> Array:
    """The same of the states of layers, of which there must be some: (..., S)."""
    return _flattened(problem.states, named)


def _flattened(wanted: tuple[ir.Tensor, ...], named: Mapping[str, Array]) -> Array:
    if wrong := _mismatch(wanted, named):
        raise ValueError(wrong)
    lead = np.shape(named[wanted[0].name])[: -len(wanted[0].shape) or None]
    pieces = [np.asarray(named[t.name], dtype=np.float64).reshape(*lead, t.size) for t in wanted]
    return np.concatenate(pieces, axis=-1)


def _mismatch(wanted: tuple[ir.Tensor, ...], named: Mapping[str, Array]) -> str:
    missing = [t.name for t in wanted if t.name not in named]
    unknown = sorted(set(named) - {t.name for t in wanted})
    if missing:
        return f"no {some_of(missing)} among the given {some_of(list(named))}"
    if unknown:
        return f"unknown parameters {some_of(unknown)}; known are {some_of([t.name for t in wanted])}"
    leads = set()
    for t in wanted:
        shape = np.shape(named[t.name])
        cut = len(shape) - len(t.kept_shape)
        if cut < 0 or shape[cut:] != t.kept_shape:
            return f"{t.name} has shape {shape}, wanted is {t.kept_shape}"
        leads.add(shape[:cut])
    return "" if len(leads) == 1 else f"leading axes differ: {some_of([str(lead) for lead in sorted(leads)])}"


def some_of(names: list[str]) -> str:
    """The first eight, and how many more there are."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
