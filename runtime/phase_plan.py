"""The phases of a training one behind another: the session of each, where it begins, whether its rule goes on. Trains
nothing (`phases.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.check.several.phases import at_its_phase, at_phase, with_overrides
from netc.compiler.check.several.sweep import first_values
from netc.compiler.check.several.sweep_point import at_point, data_of
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.spec import Phase, Spec, Training
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.runtime.opening import open_session
from netc.runtime.parameters import Array, states_of_rows
from netc.runtime.program_file import File
from netc.runtime.random import Purpose, uniform
from netc.runtime.session import Session
from netc.runtime.training.history import FOLLOWED
from netc.runtime.training.task import Task, total_steps

T = TypeVar("T", Training, ir.Training)


def sessions_of(session: Session) -> tuple[Session, ...]:
    """Of each phase. The scaling and the classes are those that the first phase has found."""
    program, found = _program(session.spec), list[Session]()
    last = _data_of(program, session.spec.phases[-1]) if session.spec.phases else None
    for phase in session.spec.phases:
        point, changed = at_phase(program, phase)
        same = session.data if _data_of(program, phase) == last else None
        file = File(session.file.source, session.file.folder, point)
        try:
            here = open_session(file, changed, same, session.lanes)
        except SpecError as error:
            raise at_its_phase(error, phase.settings, phase.name) from None
        here = replace(here, spec=replace(here.spec, frozen=phase.freeze), starts=session.starts)
        known = session.learned or (found[0].known if found and here.data is not found[0].data else None)
        found.append(here.scaled_as(known) if known else here)
    return tuple(found)


def _program(spec: Spec) -> ast.Program:
    """With its phases; of a sweep that of its first point."""
    if spec.sweep is None:
        return spec.program
    program, changed = at_point(spec.program, spec.sweep, first_values(spec.sweep))
    return with_overrides(program, changed, Report())


def _data_of(program: ast.Program, phase: Phase) -> ast.Data | None:
    return data_of(at_phase(program, phase)[0])


@dataclass(frozen=True)
class Leg:
    """A phase, ready to be trained once it is known where it begins."""

    phase: Phase
    session: Session
    whole: ir.Problem
    """With nothing frozen."""
    first: int
    """The iteration in which it begins: 0, or where the one before ended."""
    steps: int
    per_epoch: int
    goes_on: bool
    """Whether its rule goes on with states and clock of the one before."""
    seed: int
    """Of what is drawn in it."""

    @cached_property
    def task(self) -> Task:
        task = self.session.task
        training = lasting(task.program.training, self.first + self.steps, self.per_epoch)
        return replace(
            task,
            program=replace(task.program, training=replace(training, seed=self.seed)),
            first=self.first,
            history="all",
            whole=lambda rows: self.unfrozen(
                rows[:, : self._own.parameters], states_of_rows(self._own, rows)
            )[0],
        )

    @property
    def _own(self) -> ir.Problem:
        return self.session.program.problem

    def unfrozen(self, theta: Array, states: Array) -> tuple[Array, Array]:
        """Rows of what this phase trains and of its states -> of all parameters, and of the states of layers."""
        return _moved(self._own, self.whole, theta, states)

    def frozen(self, theta: Array, states: Array) -> tuple[Array, Array]:
        return _moved(self.whole, self._own, theta, states)


def _moved(source: ir.Problem, target: ir.Problem, theta: Array, states: Array) -> tuple[Array, Array]:
    named = {t.name: theta[:, t.offset : t.stop] for t in source.weights}
    named |= {t.name: states[:, t.offset : t.stop] for t in source.states}
    rows = len(theta)
    weights, kept = ([named[t.name] for t in tensors] for tensors in (target.weights, target.states))
    empty = np.zeros((rows, 0), theta.dtype)
    return np.concatenate([empty, *weights], axis=1), np.concatenate([empty, *kept], axis=1)


def legs_of(session: Session) -> tuple[Leg, ...]:
    """SpecError where a rule that should go on cannot."""
    legs: list[Leg] = []
    chains = 0
    if (runs := session.spec.training.runs) > FOLLOWED:
        message = f"{runs} runs: the phases of at most {FOLLOWED} runs are followed"
        raise SpecError([Diagnostic("E0447", message, session.spec.phases[0].span, hints=("fewer runs",))])
    for phase, here in zip(session.spec.phases, session.phases, strict=True):
        steps, per_epoch = total_steps(here.program, here.samples)
        goes_on = bool(legs) and _goes_on(legs[-1], phase, here)
        if goes_on:
            _require_same_clock(legs[-1], phase, here, per_epoch)
        chains += not goes_on
        first = legs[-1].first + legs[-1].steps if goes_on else 0
        seed = here.spec.training.seed
        if chains > 1:  # what was drawn in the same iterations before is not drawn again
            seed = int(uniform(seed, chains, Purpose.PHASE, 1)[0] * 2**53)
        whole = session.program.problem
        legs.append(Leg(phase, here, whole, first, steps, per_epoch, goes_on, seed))
    return tuple(_planned(legs))


def _planned(legs: list[Leg]) -> list[Leg]:
    """Schedules that read how long the training is planned to be see all phases through which their rule goes on."""
    found: list[Leg] = []
    for at, leg in enumerate(legs):
        end = next((i for i in range(at + 1, len(legs)) if not legs[i].goes_on), len(legs)) - 1
        total = legs[end].first + legs[end].steps
        spec = leg.session.spec
        spec = replace(spec, training=lasting(spec.training, total, leg.per_epoch))
        found.append(replace(leg, session=replace(leg.session, spec=spec)))
    return found


def lasting(training: T, steps: int, per_epoch: int) -> T:
    """With an end after so many iterations: in epochs, if it is whole ones and was said so."""
    if training.epochs > 0 and steps % per_epoch == 0:
        return replace(training, epochs=steps // per_epoch, steps=-1)
    return replace(training, epochs=-1, steps=steps)


def _goes_on(before: Leg, phase: Phase, here: Session) -> bool:
    was, now = before.session.spec, here.spec
    early = was.training.stop or was.training.judged
    states = [[(s.name, s.axes, s.per_batch) for s in s.program.rule.states] for s in (before.session, here)]
    same = was.optimizer.definition == now.optimizer.definition and states[0] == states[1]
    return same and not early and not phase.restart


def _require_same_clock(before: Leg, phase: Phase, here: Session, per_epoch: int) -> None:
    within_an_epoch = (before.first + before.steps) % before.per_epoch > 0
    samples = here.samples, before.session.samples
    if per_epoch == before.per_epoch and not (within_an_epoch and samples[0] != samples[1]):
        return
    what = f"{per_epoch} batches in an epoch, '{before.phase.name}' has {before.per_epoch}"
    if per_epoch == before.per_epoch:
        what = f"{samples[0]} samples, '{before.phase.name}' has {samples[1]} and ends within an epoch"
    message = f"the rule cannot go on in '{phase.name}', which has {what}"
    hints = (f"phase {phase.name}: restart = true begins it anew",)
    raise SpecError([Diagnostic("E0450", message, phase.span, hints=hints)])
