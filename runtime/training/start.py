"""First parameters: where every run begins, from the laws, the table or the file of the `init` statement.

A run's numbers depend on the seed and the run's own number alone, not on how many runs there are.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import initial_states
from netc.dsl.reading import require_regular
from netc.runtime.parameters import Array, flatten, flatten_states
from netc.runtime.random import Purpose, normal, uniform

AT_ONCE = 2**16
"""Numbers drawn in one go: what is computed on the way stays in the cache."""

MANY = 2**20
"""Numbers from which loading compiled code is worth it."""


def first_theta(program: ir.Program, first: int, count: int) -> Array:
    """(count, P) float64: theta[0] of the runs `first`, `first + 1`, ..."""
    starts, runs = program.starts, np.arange(first, first + count)
    if starts.file:
        theta = np.atleast_2d(weights_of(program.problem, starts.file))
        return theta[runs % len(theta)]
    if starts.table:
        return np.array(starts.table)[runs % len(starts.table)]
    if starts.axes:
        return _grid(starts.axes, runs)
    theta = np.zeros((count, program.problem.parameters))
    for fill in starts.fills:
        place = theta[:, fill.offset : fill.offset + fill.size]
        if fill.law == "uniform" and place.size >= MANY:
            _draw_many(place, fill, program.training.seed, first)
            continue
        some = max(1, AT_ONCE // max(1, fill.size))
        for at in range(0, count, some):
            drawn = _draw(fill, program.training.seed, runs[at : at + some])
            place[at : at + some] = drawn.reshape(-1, fill.size)
    return theta


def first_states(program: ir.Program, first: int, count: int) -> Array:
    """(count, S) float64: the states of layers before the first iteration; from the file of weights where it has them."""
    problem = program.problem
    found = np.broadcast_to(initial_states(problem), (count, problem.state_numbers))
    if not program.starts.file or not problem.states:
        return found
    named = _tensors(program.starts.file)
    own = {t.name: named[t.name] for t in problem.states if t.name in named}
    if not own:
        return found
    states = np.atleast_2d(flatten_states(problem, own))
    return states[np.arange(first, first + count) % len(states)]


def _draw_many(place: Array, fill: ir.Fill, seed: int, first: int) -> None:
    """The same numbers, by compiled code on all threads: for millions of starts the drawing would take seconds."""
    from netc.runtime.random_uniform import uniform_of_runs

    low, high = fill.arguments
    uniform_of_runs(place, seed, first, fill.offset)
    place *= high - low
    place += low


def _grid(axes: tuple[tuple[float, ...], ...], runs: Array) -> Array:
    """Point number `run`, the last axis running fastest."""
    sizes = [len(axis) for axis in axes]
    places = np.unravel_index(runs % np.prod(sizes), sizes)
    return np.stack([np.array(axis)[at] for axis, at in zip(axes, places, strict=True)], axis=1)


def _draw(fill: ir.Fill, seed: int, runs: Array) -> Array:
    """A row for each run, or one for all. Parameter number i always takes number i of the run's stream."""
    match fill.law:
        case "constant":
            return np.full(fill.size, fill.arguments[0])
        case "values":
            return np.array(fill.arguments)
        case "uniform":
            low, high = fill.arguments
            return low + (high - low) * uniform(seed, runs, Purpose.INIT, fill.size, fill.offset)
        case "normal":
            mean, deviation = fill.arguments
            return mean + deviation * normal(seed, runs, Purpose.INIT, fill.size, fill.offset)
        case "orthogonal":
            draws = normal(seed, runs, Purpose.INIT, fill.size, fill.offset)
            return fill.arguments[0] * _orthogonal(fill.shape, draws)
        case _:
            assert_never(fill.law)


def _orthogonal(shape: tuple[int, ...], draws: Array) -> Array:
    """(runs, rows, columns), uniform over matrices with orthonormal rows (or columns, the shorter ones).

    Q of the QR factorisation of a normal matrix, signs by the diagonal of R (Mezzadri 2007, section 5).
    """
    rows, columns = shape[0], int(np.prod(shape[1:]))
    q, r = np.linalg.qr(draws.reshape(-1, max(rows, columns), min(rows, columns)))
    q = q * np.where(np.diagonal(r, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None, :]
    return q if rows >= columns else q.transpose(0, 2, 1)


def weights_of(problem: ir.Problem, file: str) -> Array:
    """theta (P,) or (runs, P) of a safetensors file named as `unflatten` does; ValueError says what is wrong."""
    states = {t.name for t in problem.states}
    return flatten(problem, {k: v for k, v in _tensors(file).items() if k not in states})


def _tensors(file: str) -> dict[str, Array]:
    """Of a safetensors file, as they were at the end; ValueError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = Path(file)
    try:
        require_regular(path)
        return {k: v for k, v in load_file(path).items() if not k.startswith(("best.", "scale."))}
    except FileNotFoundError:
        raise ValueError("there is no such file") from None
    except (OSError, SafetensorError) as error:
        raise ValueError(
            f"not a readable safetensors file: {getattr(error, 'strerror', None) or error}"
        ) from None
