"""What kind of point a run has reached, by the eigenvalues of the Hessian there.

    minimum      all are positive            saddle       there are some of either sign
    maximum      all are negative            degenerate   none of these is sure: some are zero

An eigenvalue is zero when it is below ROUNDING of the largest, or when the Newton step to the stationary point
beside the run's last one would change it by more than CHANGE of itself: a run stops where the gradient is small,
not zero, and the fourth power of a distance has a positive second derivative everywhere but at its minimum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netc.compiler.meaning.spec import KINDS
from netc.runtime.parameters import Array
from netc.runtime.results.hessian import Hessians

ROUNDING = 1e-8
CHANGE = 0.25
DENSE = 300
"""Up to so many parameters all eigenvalues are computed, above only the outermost (Lanczos)."""
STEPS = 120
"""Of Lanczos, at most."""
AT_ONCE = 2**16
MINIMUM, MAXIMUM, SADDLE, DEGENERATE = range(4)
assert KINDS == ("minimum", "maximum", "saddle", "degenerate")


def kinds(curvature: Hessians, theta: Array, settled: Array, states: Array) -> Array:
    """(runs,) index into KINDS of the points theta (runs, P), with states (runs, S) of layers; -1 for the runs that are
    not `settled`."""
    found = np.full(len(theta), -1, np.int8)
    rows = np.flatnonzero(settled)
    if curvature.problem.sampled:
        for row in rows.tolist():
            found[row] = _of_network(curvature.with_states(states[row]), theta[row])
        return found
    for i in range(0, len(rows), AT_ONCE):
        piece = rows[i : i + AT_ONCE]
        at = np.asarray(theta[piece], np.float64)
        found[piece] = _of_points(curvature, at)
    return found


def _of_points(curvature: Hessians, at: Array) -> Array:
    hessians, gradients = curvature.hessians(at), curvature.gradients(at)
    return _by_newton(hessians, gradients, lambda step: curvature.hessians(at + step))


def _of_network(curvature: Hessians, theta: Array) -> int:
    at = np.asarray(theta, np.float64)
    if len(at) > DENSE:
        low, high, error = outermost(lambda v: curvature.hessian(at, v[None])[0], len(at))
        return int(_judged(np.array([[low, high]]), np.abs([[low, high]]) > error)[0])
    hessian, gradient = curvature.hessian(at), curvature.gradient(at)
    return int(
        _by_newton(hessian[None], gradient[None], lambda step: curvature.hessian(at + step[0])[None])[0]
    )


def _by_newton(hessians: Array, gradients: Array, moved: Callable[[Array], Array]) -> Array:
    """Of (n, P, P) and (n, P); `moved(step)` are the Hessians after steps (n, P)."""
    lost = ~np.isfinite(hessians).all(axis=(1, 2), keepdims=True)
    values, vectors = np.linalg.eigh(np.where(lost, 0.0, hessians))
    sure = np.abs(values) > ROUNDING * np.abs(values).max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        along = np.einsum("nji,nj->ni", vectors, gradients) / np.where(sure, values, np.inf)
        step = -np.einsum("nij,nj->ni", vectors, along)
        there = (vectors * (moved(step) @ vectors)).sum(axis=1)  # second derivatives along the same axes
        sure &= np.abs(there - values) <= CHANGE * np.abs(values)
    return _judged(values, sure)


def _judged(values: Array, sure: Array) -> Array:
    """(n,) of eigenvalues (n, k), of which some are `sure` not to be zero."""
    up, down = (sure & (values > 0)).any(axis=1), (sure & (values < 0)).any(axis=1)
    found: Array = np.select([up & down, ~sure.all(axis=1), up], [SADDLE, DEGENERATE, MINIMUM], MAXIMUM)
    return found.astype(np.int8)


def outermost(product: Callable[[Array], Array], size: int) -> tuple[float, float, float]:
    """The lowest and the highest eigenvalue of a symmetric matrix, and how far they may be off.

    Lanczos with full reorthogonalisation. Both are Rayleigh quotients: where they differ in sign, the matrix is
    indefinite beyond doubt.
    """
    basis = np.zeros((min(STEPS, size) + 1, size))
    start = np.random.default_rng(0).standard_normal(size)
    basis[0] = start / np.linalg.norm(start)
    diagonal: list[float] = []
    beside: list[float] = []
    for k in range(len(basis) - 1):
        image = product(basis[k])
        diagonal.append(float(image @ basis[k]))
        for _ in range(2):  # once more for what rounding left
            image = image - basis[: k + 1].T @ (basis[: k + 1] @ image)
        beside.append(float(np.linalg.norm(image)))
        values, vectors = np.linalg.eigh(
            np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
        )
        scale = float(np.abs(values).max())
        error = beside[-1] * float(np.abs(vectors[-1, [0, -1]]).max())
        if error <= ROUNDING * scale or beside[-1] == 0:
            break
        basis[k + 1] = image / beside[-1]
    return float(values[0]), float(values[-1]), max(error, ROUNDING * scale)
