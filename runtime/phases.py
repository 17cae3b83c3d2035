"""A training in phases: each is a training of its own, which begins where the one before has left the runs.

What is handed on: parameters, the states of layers, and, where the rule goes on, its states and its clock. A phase that
changes nothing changes no bit. How results of phases become one is in `results/phases.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.check.phases import at_its_phase, at_phase, with_overrides
from netc.compiler.check.sweep import first_values
from netc.compiler.check.sweep_point import at_point, data_of
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.spec import Phase, Spec, Training
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.runtime.aligned import aligned
from netc.runtime.opening import open_session
from netc.runtime.parameters import Array, states_of_rows
from netc.runtime.program_file import File
from netc.runtime.random import Purpose, uniform
from netc.runtime.session import Session
from netc.runtime.training.history import FOLLOWED
from netc.runtime.training.start import first_states, first_theta
from netc.runtime.training.state import CRITERION, NO_GAIN, RUNNING, State, Unfit, begun, from_arrays, within
from netc.runtime.training.task import Outcome, Task, Watcher, total_steps
from netc.runtime.training.train import train

if TYPE_CHECKING:
    from netc.runtime.results.result import Result
    from netc.runtime.training.inside import Inside

T = TypeVar("T", Training, ir.Training)
ENDED = "ended."
"""Before the names of what phases that are over have left, in a checkpoint."""
ARRAYS = (
    "theta",
    "best",
    "best_step",
    "states",
    "best_states",
    "counters",
    "history",
    "stops",
    "final",
    "grown",
    "watched",
)
"""Of an Outcome."""


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


# -- the plan ------------------------------------------------------------------------------------------


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


# -- training ------------------------------------------------------------------------------------------


def train_phases(session: Session, watch: Watcher, resume: dict[str, Array] | None) -> tuple[Outcome, Result]:
    """All phases, or until Ctrl-C. Raises Unfit where `resume` is no state of them."""
    from netc.runtime.results.phases import joined

    legs = legs_of(session)
    over = _over_before(legs, resume) if resume else []
    results = [_result(leg, outcome) for leg, outcome in zip(legs, over, strict=False)]
    begin = _first(session, legs[0])
    for at, leg in enumerate(legs[len(over) :], start=len(over)):
        task = replace(leg.task, begin=begin, inside=_inside(session, leg))
        _require_in_hand(task, leg)
        told = _OfPhase(watch, legs, at, _ended(over))
        outcome = train(task, told, resume)
        resume = None
        over.append(_whole(leg, outcome))
        results.append(_result(leg, over[-1]))
        if outcome.interrupted or watch.enough:
            break
        if at + 1 < len(legs):
            begin = _handed(leg, outcome, legs[at + 1])
    return over[-1], joined(legs, results)


def _inside(session: Session, leg: Leg) -> Inside | None:
    """Of all parameters, also of those that a phase does not train; away from where the first one began."""
    own = leg.task.inside
    if own is None:
        return None
    return replace(own, problem=leg.whole, unfrozen=leg.unfrozen, start=session.inside.start)


def _first(session: Session, leg: Leg) -> State | None:
    """Where a phase begins that is the first one and freezes something: at the start of all parameters."""
    if not leg.phase.freeze:
        return None
    runs, task = session.spec.training.runs, leg.task
    theta, states = first_theta(session.program, 0, runs), first_states(session.program, 0, runs)
    return _begun(task, *leg.frozen(theta, states))


def _begun(task: Task, theta: Array, states: Array) -> State:
    hyper = aligned([h.value for h in task.program.rule.hypers], np.float64)
    return begun(task.kernels, task.program, hyper, task.train.count, theta, states)


def _require_in_hand(task: Task, leg: Leg) -> None:
    from netc.runtime.training.state import runs_at_once

    runs = task.program.training.runs
    if runs_at_once(task.kernels, task.program, task.train.count) < runs:
        message = f"{runs} runs do not fit into the memory together, and phases hand on the states of all"
        raise SpecError([Diagnostic("E0447", message, leg.phase.span, hints=("fewer runs",))])


def _result(leg: Leg, outcome: Outcome) -> Result:
    return leg.session.result_of(leg.task, outcome)


def _whole(leg: Leg, outcome: Outcome) -> Outcome:
    """With all parameters in the place of those that were trained."""
    theta, states = leg.unfrozen(outcome.theta, outcome.states)
    best, best_states = leg.unfrozen(outcome.best, outcome.best_states)
    return replace(outcome, theta=theta, states=states, best=best, best_states=best_states)


def _handed(leg: Leg, outcome: Outcome, following: Leg) -> State:
    """Where the next phase begins: runs that were lost stay lost."""
    kept = outcome.kept is not None
    theta, states = (outcome.best, outcome.best_states) if kept else (outcome.theta, outcome.states)
    task, own = following.task, leg.session.program.problem
    total = leg.first + leg.steps
    before = from_arrays(outcome.checkpoint, leg.task.kernels, leg.task.program, leg.task.train.count, total)
    if following.goes_on:  # also where the rule is measured elsewhere
        theta, states = before.theta[:, : own.parameters], states_of_rows(own, before.theta)
    state = _begun(task, *following.frozen(*leg.unfrozen(theta, states)))
    state.counters[:, 1:4] = before.counters[:, 1:4]
    ended = np.isin(state.counters[:, 3], (CRITERION, NO_GAIN))
    state.counters[ended, 3] = RUNNING
    if following.goes_on:
        state.at = following.first
        state.counters[:, 0] = before.counters[:, 0]
        state.scalars[:], state.figures[:] = before.scalars, before.figures
        _carry_vectors(leg, before, following, state)
        if state.order.shape == before.order.shape:
            state.order[:] = before.order
    return state


def _carry_vectors(leg: Leg, before: State, following: Leg, state: State) -> None:
    """The rule's states of what is trained in both phases; of what was frozen they begin."""
    was = {t.name: t for t in leg.session.program.problem.weights}
    for t in following.session.program.problem.weights:
        if (old := was.get(t.name)) is not None:
            state.vectors[:, :, t.offset : t.stop] = before.vectors[:, :, old.offset : old.stop]


# -- checkpoints ---------------------------------------------------------------------------------------


def _ended(over: list[Outcome]) -> dict[str, Array]:
    found: dict[str, Array] = {f"{ENDED}phases": np.array([len(over)], np.int64)}
    for number, outcome in enumerate(over):
        arrays = {name: getattr(outcome, name) for name in ARRAYS}
        arrays["kept"] = np.zeros((0, 0)) if outcome.kept is None else outcome.kept
        arrays["seconds"] = np.array([outcome.seconds["compile"], outcome.seconds["train"]])
        found |= {f"{ENDED}{number}.{name}": array for name, array in arrays.items()}
    return found


def _over_before(legs: tuple[Leg, ...], arrays: dict[str, Array]) -> list[Outcome]:
    """Of the phases that were over when the checkpoint was made. Raises Unfit."""
    within(arrays, f"{ENDED}phases", (1,), np.int64, 0, len(legs) - 1)
    return [
        _outcome(leg, arrays, f"{ENDED}{n}.")
        for n, leg in enumerate(legs[: int(arrays[f"{ENDED}phases"][0])])
    ]


def _outcome(leg: Leg, arrays: dict[str, Array], prefix: str) -> Outcome:
    names = (*ARRAYS, "kept", "seconds")
    if missing := [name for name in names if prefix + name not in arrays]:
        raise Unfit(f"it holds no '{prefix}{missing[0]}'")
    found: dict[str, Any] = {name: arrays[prefix + name] for name in names}
    runs, parameters = leg.session.spec.training.runs, leg.whole.parameters
    within(found, "theta", (runs, parameters), found["theta"].dtype.type)
    kept, seconds = found.pop("kept"), found.pop("seconds")
    timed = dict(zip(("compile", "train"), seconds.tolist(), strict=True))
    more: dict[str, Any] = {"seconds": timed, "interrupted": False, "every": 1}
    return Outcome(**found, **more, kept=kept if len(kept) else None)


class _OfPhase(Watcher):
    """Tells another watcher of one phase as a part of the whole."""

    def __init__(self, watch: Watcher, legs: tuple[Leg, ...], at: int, ended: dict[str, Array]) -> None:
        self.watch, self.ended, self.leg = watch, ended, legs[at]
        before = legs[:at]
        self.steps = sum(leg.steps for leg in before) - self.leg.first
        self.epochs = sum(leg.steps / leg.per_epoch for leg in before) - self.leg.first / self.leg.per_epoch
        self.done, self.all = sum(leg.steps for leg in before), sum(leg.steps for leg in legs)

    @property
    def enough(self) -> bool:  # type: ignore[override]
        return self.watch.enough

    def compiled(self, seconds: float) -> None:
        self.watch.compiled(seconds)

    def advanced(self, done: float, total: float) -> None:
        end = self.leg.first + self.leg.steps
        share = (done / total * end - self.leg.first) / self.leg.steps
        self.watch.advanced(self.done + share * self.leg.steps, self.all)

    def parameters(self, theta: Any) -> None:
        self.watch.parameters(theta)

    def reported(self, epoch: float, step: int, figures: Array) -> None:
        self.watch.reported(epoch + self.epochs, step + self.steps, figures)

    def checkpoint(self, arrays: dict[str, Array]) -> None:
        self.watch.checkpoint(arrays | self.ended)
