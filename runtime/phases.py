"""A training in phases: each is a training of its own, which begins where the one before has left the runs.

What is handed on: parameters, the states of layers, and, where the rule goes on, its states and its clock. A phase that
changes nothing changes no bit. The plan of them is `phase_plan.py`; how results of phases become one is in
`results/phases.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.runtime.aligned import aligned
from netc.runtime.parameters import Array, states_of_rows
from netc.runtime.phase_plan import Leg, legs_of
from netc.runtime.session import Session
from netc.runtime.training.start import first_states, first_theta
from netc.runtime.training.state import CRITERION, NO_GAIN, RUNNING, State, Unfit, begun, from_arrays, within
from netc.runtime.training.task import Outcome, Task, Watcher
from netc.runtime.training.train import train

if TYPE_CHECKING:
    from netc.runtime.results.result import Result
    from netc.runtime.training.inside import Inside

ENDED = "ended."
"""Before the names of what phases that are over have left, in a checkpoint."""
ARRAYS = (
    "theta", "best", "best_step", "states", "best_states", "counters", "history", "stops", "final", "grown", "watched",
)  # fmt: skip
"""Of an Outcome."""


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
