"""First parameters: where every run begins, from the laws, the table or the file of the `init` statement.

A run's numbers depend on the seed and the run's own number alone, not on how many runs there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

import numpy as np

from netc.compiler import ir
from netc.runtime.parameters import Array, flatten
from netc.runtime.random import Purpose, normal, uniform


def first_theta(program: ir.Program, runs: Sequence[int]) -> Array:
    """(len(runs), P) float64: theta[0] of these runs."""
    starts, count = program.starts, program.problem.parameters
    if starts.file:
        theta = weights_of(program.problem, starts.file)
        return np.stack([theta if theta.ndim == 1 else theta[run % len(theta)] for run in runs])
    if starts.table:
        return np.array([starts.table[run % len(starts.table)] for run in runs], np.float64)
    theta = np.zeros((len(runs), count))
    for row, run in zip(theta, runs, strict=True):
        for fill in starts.fills:
            row[fill.offset : fill.offset + fill.size] = _draw(fill, program.training.seed, run).ravel()
    return theta


def _draw(fill: ir.Fill, seed: int, run: int) -> Array:
    """Parameter number i always takes number i of the run's stream."""
    match fill.law:
        case "constant":
            return np.full(fill.size, fill.arguments[0])
        case "values":
            return np.array(fill.arguments)
        case "uniform":
            low, high = fill.arguments
            return low + (high - low) * uniform(seed, run, Purpose.INIT, fill.size, fill.offset)
        case "normal":
            mean, deviation = fill.arguments
            return mean + deviation * normal(seed, run, Purpose.INIT, fill.size, fill.offset)
        case "orthogonal":
            draws = normal(seed, run, Purpose.INIT, fill.size, fill.offset)
            return fill.arguments[0] * _orthogonal(fill.shape, draws)
        case _:
            assert_never(fill.law)


def _orthogonal(shape: tuple[int, ...], draws: Array) -> Array:
    """Uniform over matrices with orthonormal rows (or columns, the shorter ones).

    Q of the QR factorisation of a normal matrix, signs by the diagonal of R (Mezzadri 2007, section 5).
    """
    rows, columns = shape[0], int(np.prod(shape[1:]))
    q, r = np.linalg.qr(draws.reshape(max(rows, columns), min(rows, columns)))
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return q if rows >= columns else q.T


def weights_of(problem: ir.Problem, file: str) -> Array:
    """theta (P,) or (runs, P) of a safetensors file named as `unflatten` does; ValueError says what is wrong."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = Path(file)
    try:
        named = {k: v for k, v in load_file(path).items() if not k.startswith(("best.", "scale."))}
        return flatten(problem, named)
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except (OSError, SafetensorError) as error:
        raise ValueError(f"not a readable safetensors file: {error}") from None
