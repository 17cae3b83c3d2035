"""States of a training by the names of the rule and of the layers: where one ended, and where another one begins.

What is not named, the order of the samples within an epoch and the figures of the runs so far, is in a checkpoint alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.meaning.m_as_state import shown
from netc.dsl.names import did_you_mean
from netc.runtime.aligned import aligned
from netc.runtime.parameters import Array, flatten, states_of_rows
from netc.runtime.training.sample_layout import bounds
from netc.runtime.training.start import first_states, first_theta
from netc.runtime.training.state import State, begun, runs_at_once
from netc.runtime.training.task import Task, total_steps

THETA, CLOCK = "theta", "n"
MOST = 2**53
"""An n beyond it has no float64 of its own, and rules read n as one."""


@dataclass(frozen=True)
class Place:
    """Where a state of the rule lies: rows `first` to before `last` of `vectors` or `scalars`."""

    vector: bool
    first: int
    last: int
    per_batch: bool

    def shape(self, parameters: int) -> tuple[int, ...]:
        """Of one run."""
        batches = (self.last - self.first,) if self.per_batch else ()
        return (*batches, parameters) if self.vector else batches


def places(program: ir.Program, samples: int) -> dict[str, Place]:
    """Of every state but theta, as docs/kernels.md lays them out: those with a value per batch follow the others."""
    found, batches, rule = {}, len(bounds(program.training.batches, samples)) - 1, program.rule
    for vector in (True, False):
        at = 0
        own = [s for s in rule.states if bool(s.axes) == vector and s.name != THETA]
        for state in sorted(own, key=lambda s: s.per_batch):
            last = at + (batches if state.per_batch else 1)
            found[shown(state.name)] = Place(vector, at, last, state.per_batch)
            at = last
    return found


def ended(program: ir.Program, samples: int, checkpoint: Mapping[str, Array]) -> dict[str, Array]:
    """Of the runs of a checkpoint, (runs, ...) each: `n`, `theta`, the rule's states, those of layers. Copies."""
    parameters = program.problem.parameters
    rows = {True: checkpoint["vectors"][:, :, :parameters], False: checkpoint["scalars"]}
    found: dict[str, Array] = {
        CLOCK: checkpoint["counters"][:, 0].copy(),
        THETA: checkpoint["theta"][:, :parameters].copy(),
    }
    for name, place in places(program, samples).items():
        of = rows[place.vector][:, place.first : place.last]
        found[name] = (of if place.per_batch else of[:, 0]).copy()
    layers = states_of_rows(program.problem, checkpoint["theta"])
    for t in program.problem.states:
        found[t.name] = layers[:, t.offset : t.stop].reshape(-1, *t.kept_shape).copy()
    return found


def clock_of(given: Mapping[str, Any]) -> int:
    """The n that is given, 0 by default. ValueError where it is none, or not one for all runs."""
    try:
        numbers = np.atleast_1d(np.asarray(given.get(CLOCK, 0), np.float64))
    except (TypeError, ValueError):
        numbers = np.array([-1.0])
    ns = np.unique(numbers)
    if not ns.size or not (
        np.isfinite(ns).all() and (ns == np.floor(ns)).all() and 0 <= ns[0] <= ns[-1] < MOST
    ):
        raise ValueError(
            f"n of states is a whole number from 0 on, the iterations done; not {given[CLOCK]!r}"
        )
    if len(ns) > 1:
        listed = ", ".join(f"{n:g}" for n in ns[:4])
        raise ValueError(
            f"runs begin at one n, and n of states is {listed}: give the rows of runs that ended together"
        )
    return int(ns[0])


def begun_with(task: Task, given: Mapping[str, Any]) -> Task:
    """The same from these states on; of what is not among them its first value. ValueError says which does not fit."""
    _require_in_hand(task)
    state = _state(task, given)
    return replace(task, begin=state, first=state.at)


def _state(task: Task, given: Mapping[str, Any]) -> State:
    program, kernels, runs = task.program, task.kernels, task.program.training.runs
    theta, layers = first_theta(program, 0, runs), first_states(program, 0, runs)
    hyper = aligned([h.value for h in program.rule.hypers], np.float64)
    state = begun(kernels, program, hyper, task.train.count, theta, layers)
    state.at = clock_of(given)
    state.counters[:, 0] = state.at
    per_epoch, problem = total_steps(program, task.train.count)[1], program.problem
    if kernels.ORDERED and state.at % per_epoch:
        raise ValueError(
            f"n = {state.at} of states lies within an epoch of {per_epoch} batches, whose order they do not hold: "
            "go on with resume=, from result.checkpoint"
        )
    known, tensors = places(program, task.train.count), {t.name: t for t in problem.states}
    _require_known(given, [CLOCK, THETA, *known, *tensors])
    arrays = {True: state.vectors[:, :, : problem.parameters], False: state.scalars}
    for name, place in known.items():
        if name in given:
            found = _found(problem, name, given[name], (state.runs, *place.shape(problem.parameters)))
            arrays[place.vector][:, place.first : place.last] = found if place.per_batch else found[:, None]
    for name, t in tensors.items():
        if name in given:
            found = _found(problem, name, given[name], (state.runs, *t.kept_shape))
            states_of_rows(problem, state.theta)[:, t.offset : t.stop] = found.reshape(state.runs, -1)
    state.best[:] = state.theta
    return state


def _require_in_hand(task: Task) -> None:
    runs = task.program.training.runs
    if runs_at_once(task.kernels, task.program, task.train.count) < runs:
        raise ValueError(
            f"{runs} runs do not fit into the memory together, and states are those of all: give fewer runs"
        )


def _require_known(given: Mapping[str, Any], known: list[str]) -> None:
    for name in given:
        if name not in known:
            near = "".join(f"; {hint}" for hint in did_you_mean(str(name), known))
            raise ValueError(f"states holds '{name}', and the states here are {', '.join(known)}{near}")


def _found(problem: ir.Problem, name: str, value: Any, shape: tuple[int, ...]) -> Array:
    """As (runs, ...): given so, or as that of every run."""
    try:
        array = np.asarray(flatten(problem, value) if isinstance(value, Mapping) else value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"'{name}' of states: {error}") from None
    if array.shape not in (shape, shape[1:]):
        raise ValueError(
            f"'{name}' of states has shape {array.shape}; wanted is {shape[1:] or 'a number'}, or {shape} for the runs"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"'{name}' of states holds {array[~np.isfinite(array)].flat[0]}: a start is finite")
    return np.broadcast_to(array, shape)
