"""Outcome of a training -> `Result`: names in the place of columns and codes. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from netc.compiler.meaning.spec import Points
from netc.runtime.parameters import Array
from netc.runtime.results import reached_points as reached
from netc.runtime.results.result import MetricName, Result
from netc.runtime.training.history import summarise
from netc.runtime.training.outcomes import OUTCOMES, SETTLED, STOPS, has_criterion, outcomes
from netc.runtime.training.report import COLUMNS, FIGURES
from netc.runtime.training.train import Outcome, Task, total_steps


def make_result(
    task: Task, outcome: Outcome, points: tuple[Points, ...], kinds: Callable[[Array, Array, Array], Array]
) -> Result:
    """`kinds(theta, settled, states)` are the kinds of points that the settled runs have reached."""
    program, counters = task.program, outcome.counters
    metric: MetricName = task.metric.kind if task.metric else ""
    total, per_epoch = total_steps(program, task.train.count)
    several = program.training.runs > 1
    watched = tuple(name for name, _ in program.rule.watched)
    history = dict(zip((*COLUMNS, *watched), outcome.history.T, strict=True))
    if task.history == "summary":
        history = summarise(outcome.history, watched, outcome.every, total, per_epoch)
    for whole in history.keys() & {"run", "step"}:
        history[whole] = history[whole].astype(np.int64)
    steps = counters[:, 0]
    lost = (outcome.stops == STOPS.index("diverged")) & ~np.isfinite(outcome.final[:, 0])
    final = dict(zip(FIGURES, outcome.final.T, strict=True))
    outcome_codes = outcomes(outcome.stops, has_criterion(program.rule))
    settled = np.isin(outcome_codes, [OUTCOMES.index(name) for name in SETTLED])
    return Result(
        theta=outcome.theta,
        best=outcome.best,
        states=outcome.states,
        best_states=outcome.best_states,
        history=_named(history, metric, task.test is not None, several),
        final=_named(final, metric, task.test is not None, several)
        | dict(zip(watched, outcome.watched.T, strict=True)),
        steps=steps,
        epochs=steps / per_epoch,
        stop_codes=outcome.stops,
        outcome_codes=outcome_codes,
        point_codes=reached.reached(points, outcome.theta, settled),
        kind_codes=cache(lambda: kinds(outcome.theta, settled, outcome.states)),
        point_names=reached.names(points),
        evaluations={"loss": counters[:, 1], "gradient": counters[:, 2]},
        grows={
            name: (column + lost) / np.maximum(1, steps)
            for name, column in zip(watched, outcome.grown.T, strict=True)
        },
        seconds=outcome.seconds,
        metric=metric,
        seed=program.training.seed,
        target=program.training.target,
        precision=program.training.precision,
        threads=task.threads,
        interrupted=outcome.interrupted,
    )


def _named(columns: dict[str, Array], metric: str, test: bool, several: bool) -> dict[str, Array]:
    """Those that mean something here, by their public names."""
    found = {}
    for name, column in columns.items():
        if (name == "run" and not several) or ("_test" in name and not test):
            continue
        if name.startswith("metric") and not metric:
            continue
        found[name.replace("metric", metric)] = column
    return found
