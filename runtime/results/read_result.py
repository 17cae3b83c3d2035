"""A run's folder -> its `Result`: the figures, the history, the verdicts, as they were kept. Trains and judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.meaning.spec import Points
from netc.runtime.parameters import Array
from netc.runtime.results.folder_reader import Unreadable, json_of, runs_of, table_of
from netc.runtime.results.folder_reader import rows as rows_of
from netc.runtime.results.phases import phases_read
from netc.runtime.results.reached_points import of_ends
from netc.runtime.results.result import Ended, MetricName, Result
from netc.runtime.results.verdict import Verdict
from netc.runtime.training.outcomes import OUTCOMES, STOPS

WHOLE = ("run", "step", "phase")
"""Columns of the history that count."""


def read_result(
    path: Path,
    program: ir.Program,
    points: tuple[Points, ...],
    arrays: dict[str, Array],
    kinds: Callable[[Array, Array, Array], Array],
) -> Result:
    """`arrays` are those of theta.safetensors; `kinds(theta, settled, states)` finds kinds of points.

    Raises Unreadable.
    """
    try:
        summary = json_of(path / "summary.json")
        history = _history(path)
        rows = runs_of(path) if summary["runs"] > 1 else _of_one(summary)
        return _result(path, program, points, arrays, kinds, summary, history, rows)
    except Unreadable:
        raise
    except OSError as error:
        raise Unreadable(f"it has no readable {Path(error.filename or '').name}") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Unreadable(f"it is damaged: {type(error).__name__}: {str(error).splitlines()[0]}") from None


def _result(
    path: Path,
    program: ir.Program,
    points: tuple[Points, ...],
    arrays: dict[str, Array],
    kinds: Callable[[Array, Array, Array], Array],
    summary: dict[str, Any],
    history: dict[str, Array],
    rows: dict[str, Array],
) -> Result:
    kept = summary.get("kept", {})
    at = _parameters(program.problem, arrays, bool(kept))
    steps = rows["steps"].astype(np.int64)
    stop_codes = np.array([STOPS.index(text) for text in rows["stopped"]], np.int8)
    outcome_codes = np.array([OUTCOMES.index(text) for text in rows["outcome"]], np.int8)
    metric: MetricName = "accuracy" if "accuracy" in summary else "r2" if "r2" in summary else ""
    parts = [f"{name}_{part}" for name in ("loss", metric) if name for part in summary.get(name, {})]
    final = {name: rows[name] for name in (*parts, "gradient_norm")}
    watched = {name: rows.get(name, history[name][-1:]) for name in program.rule.followed if name in history}
    kept_steps = _whole_numbers(kept.get("step"), rows, "kept_step", len(steps))
    per_step = _epochs_per_step(summary, steps)
    return Result(
        **at,
        **_said(summary),
        keep=kept.get("best", ""),
        kept_steps=kept_steps,
        kept_epochs=kept_steps * per_step,
        history=history,
        final=final | watched | {"theta_norm": _norms(at["theta"])},
        steps=steps,
        epochs=(steps * per_step).astype(np.float64),
        stop_codes=stop_codes,
        outcome_codes=outcome_codes,
        **of_ends(points, kinds, at["theta"], at["states"], outcome_codes),
        evaluations={name: rows[f"{name}_evaluations"].astype(np.int64) for name in ("loss", "gradient")},
        grows={name.removeprefix("grows_"): rows[name] for name in rows if name.startswith("grows_")},
        metric=metric,
        interrupted=bool((stop_codes == STOPS.index("interrupted")).any()),
        folder=path,
        phases=_phases(path, program.problem, arrays, summary),
    )


def _history(path: Path) -> dict[str, Array]:
    history = table_of(path / "history.csv")
    for whole in history.keys() & {*WHOLE}:
        history[whole] = history[whole].astype(np.int64)
    return history


def _said(summary: dict[str, Any]) -> dict[str, Any]:
    """What a `Result` has as the summary says it."""
    return {
        **{name: summary[name] for name in ("seconds", "seed", "target", "precision", "threads")},
        **{name: summary.get(name, "") for name in ("fault", "file")},
        "classes": tuple(summary.get("classes", ())),
        "expect": tuple(_verdict(v) for v in summary.get("expect", ())),
    }


def _phases(
    path: Path, problem: ir.Problem, arrays: dict[str, Array], summary: dict[str, Any]
) -> tuple[Ended, ...]:
    names = [kept_phase["name"] for kept_phase in summary.get("phases", ())]
    ends = {name: rows_of(problem, arrays, f"phase.{name}.") for name in names}
    return phases_read(table_of(path / "phases.csv"), ends) if ends else ()


def _parameters(problem: ir.Problem, arrays: dict[str, Array], kept: bool) -> dict[str, Any]:
    """What a `Result` has of parameters and states; `kept`: the last ones stand apart from those that were kept."""
    theta, states = rows_of(problem, arrays)
    best, best_states = rows_of(problem, arrays, "best.")
    last, last_states = rows_of(problem, arrays, "last.") if kept else (theta, states)
    return {
        "theta": theta, "states": states, "best": best, "best_states": best_states,
        "last": last, "last_states": last_states,
    }  # fmt: skip


def _norms(theta: Array) -> Array:
    """(runs,) Of a run that diverged it may be infinite."""
    with np.errstate(over="ignore"):
        found: Array = np.sqrt(np.square(theta.astype(np.float64)).sum(axis=1))
    return found


def _whole_numbers(one: Any, rows: dict[str, Array], name: str, runs: int) -> Array:
    """Of each run: in the table of several, the single one's, or -1 where it is not kept."""
    if name in rows:
        return rows[name].astype(np.int64)
    return np.full(runs, one if isinstance(one, int) else -1, np.int64)


def _of_one(summary: dict[str, Any]) -> dict[str, Array]:
    """The row that `runs.csv` would have for a run alone."""
    parts = {
        f"{name}_{part}": value
        for name in ("loss", "accuracy", "r2")
        for part, value in summary.get(name, {}).items()
    }
    grown = {f"grows_{name}": value for name, value in summary.get("grows", {}).items()}
    counted = {f"{name}_evaluations": value for name, value in summary["evaluations"].items()}
    figures = {name: summary[name] for name in ("steps", "stopped", "outcome", "gradient_norm")}
    row = {**figures, **parts, **grown, **counted}
    return {name: np.array([np.nan if value is None else value]) for name, value in row.items()}


def _epochs_per_step(summary: dict[str, Any], steps: Array) -> float:
    """Of any run that has done some; of several the summary has the largest numbers."""
    most = summary["epochs"] if summary["runs"] == 1 else summary["epochs"]["max"]
    done = int(steps.max()) if len(steps) else 0
    return most / done if done else 0.0


def _verdict(kept: dict[str, Any]) -> Verdict:
    return Verdict(
        kept["text"],
        kept["value"],
        kept["holds"],
        kept.get("source", ""),
        paper=kept.get("paper"),
        agrees=kept["verdict"] != "differs from the paper as stated",
        tolerance=kept.get("tolerance", ""),
    )
