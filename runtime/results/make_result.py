"""Outcome of a training -> `Result`: names in the place of columns and codes. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.meaning.spec import Points
from netc.runtime.parameters import Array
from netc.runtime.results.reached_points import of_ends
from netc.runtime.results.result import MetricName, Result
from netc.runtime.training.history import summarise
from netc.runtime.training.outcomes import STOPS, has_criterion, outcomes
from netc.runtime.training.report import COLUMNS, FIGURES
from netc.runtime.training.task import Outcome, Task, total_steps


def make_result(
    task: Task, outcome: Outcome, points: tuple[Points, ...], kinds: Callable[[Array, Array, Array], Array]
) -> Result:
    """`kinds(theta, settled, states)` are the kinds of points that the settled runs have reached."""
    program, counters = task.program, outcome.counters
    metric: MetricName = task.metric.kind if task.metric else ""
    _, per_epoch = total_steps(program, task.train.count)
    several = program.training.runs > 1
    steps = counters[:, 0]
    at = _parameters(outcome)
    final = dict(zip(FIGURES, (outcome.final if outcome.kept is None else outcome.kept).T, strict=True))
    parts = {"validation": task.validation is not None, "test": task.test is not None}
    absent = tuple(f"_{part}" for part, there in parts.items() if not there)
    criterion = has_criterion(program.rule) or bool(task.rules and task.rules.goals)
    outcome_codes = outcomes(outcome.stops, criterion)
    watched = dict(zip(program.rule.followed, outcome.watched.T, strict=True))
    return Result(
        **at,
        keep=task.rules.keep.written if task.rules and task.rules.keep else "",
        kept_steps=outcome.best_step,
        kept_epochs=outcome.best_step / per_epoch,
        history=named(_history(task, outcome), metric, absent, several),
        final=named(final, metric, absent, several) | watched,
        steps=steps,
        epochs=steps / per_epoch,
        stop_codes=outcome.stops,
        outcome_codes=outcome_codes,
        **of_ends(points, kinds, at["theta"], at["states"], outcome_codes),
        evaluations={"loss": counters[:, 1], "gradient": counters[:, 2]},
        grows=_grows(program.rule, outcome),
        seconds=outcome.seconds,
        metric=metric,
        seed=program.training.seed,
        target=program.training.target,
        precision=program.training.precision,
        threads=task.threads,
        interrupted=outcome.interrupted,
        checkpoint=outcome.checkpoint,
    )


def _parameters(outcome: Outcome) -> dict[str, Any]:
    """What a `Result` has of parameters and states: its own are those of the last iteration, or those that `keep` chose."""
    last, best = (outcome.theta, outcome.states), (outcome.best, outcome.best_states)
    theta, states = last if outcome.kept is None else best
    return {
        "theta": theta, "states": states, "best": best[0], "best_states": best[1], "last": last[0], "last_states": last[1],
    }  # fmt: skip


def _grows(rule: ir.Rule, outcome: Outcome) -> dict[str, Array]:
    """(runs,) Of each watched quantity, the share of the iterations in which it grew; the one that diverged is one."""
    lost = (outcome.stops == STOPS.index("diverged")) & ~np.isfinite(outcome.final[:, 0])
    steps = np.maximum(1, outcome.counters[:, 0])
    grown = zip(rule.watched, outcome.grown.T, strict=True)
    return {name: (column + lost) / steps for (name, _), column in grown}


def _history(task: Task, outcome: Outcome) -> dict[str, Array]:
    """Its columns by name; of very many runs a summary of them."""
    watched = task.program.rule.followed
    history = dict(zip((*COLUMNS, *watched), outcome.history.T, strict=True))
    if task.history == "summary":
        total, per_epoch = total_steps(task.program, task.train.count)
        history = summarise(outcome.history, watched, outcome.every, total, per_epoch)
    for whole in history.keys() & {"run", "step"}:
        history[whole] = history[whole].astype(np.int64)
    return history


def named(
    columns: Mapping[str, Array], metric: str, absent: tuple[str, ...], several: bool
) -> dict[str, Array]:
    """Those that mean something here, by their public names; `absent`: parts that the data do not have."""
    found = {}
    for name, column in columns.items():
        if (name == "run" and not several) or any(part in name for part in absent):
            continue
        if name.startswith("metric") and not metric:
            continue
        found[name.replace("metric", metric)] = column
    return found
