"""First parameters: where every run begins, from the laws, the table or the file of the `init` statement.

A run's numbers depend on the seed and the run's own number alone, not on how many runs there are.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import initial_states
from netc.runtime.parameters import Array, flatten_states
from netc.runtime.random import Purpose, normal, uniform
from netc.runtime.training.weights_file import held_in, states_in, weights_of

AT_ONCE = 2**16
"""Numbers drawn in one go: what is computed on the way stays in the cache."""

MANY = 2**20
"""Numbers of all runs from which loading compiled code is worth it."""


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
        if fill.law == "uniform" and place.size >= AT_ONCE and fill.size * program.training.runs >= MANY:
            _draw_many(place, fill, program.training.seed, first)
            continue
        some = max(1, AT_ONCE // max(1, fill.size))
        for at in range(0, count, some):
            drawn = _draw(fill, program.training.seed, runs[at : at + some])
            place[at : at + some] = drawn.reshape(-1, fill.size)
    for held in starts.held:
        arrays = held_in(program.problem, held)
        for t in (t for t in program.problem.weights if t.name in arrays):
            theta[:, t.offset : t.stop] = arrays[t.name].reshape(-1)
    return theta


def first_states(program: ir.Program, first: int, count: int) -> Array:
    """(count, S) float64: the states of layers before the first iteration; from the file of weights where it has them."""
    problem = program.problem
    found = np.broadcast_to(initial_states(problem), (count, problem.state_numbers))
    if not problem.states:
        return found
    if program.starts.held:
        found = found.copy()
        arrays = {k: v for held in program.starts.held for k, v in held_in(problem, held).items()}
        for t in (t for t in problem.states if t.name in arrays):
            found[:, t.offset : t.stop] = arrays[t.name].reshape(-1)
        return found
    own = states_in(problem, program.starts.file) if program.starts.file else {}
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
