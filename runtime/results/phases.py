"""Results of phases -> the result of the whole training: the last one's parameters and figures, the history of all.

Steps and epochs are counted through; each phase keeps its end: parameters and figures on its own data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from netc.compiler.meaning.spec import Phase
from netc.runtime.parameters import Array
from netc.runtime.results.result import Ended, Result


class Leg(Protocol):
    """Of a phase: its name, and where its own counting of steps begins."""

    @property
    def phase(self) -> Phase: ...
    @property
    def first(self) -> int: ...
    @property
    def per_epoch(self) -> int: ...
    @property
    def goes_on(self) -> bool: ...


def joined(legs: Sequence[Leg], results: Sequence[Result]) -> Result:
    """`results` of the first ones of `legs`; the last one may have been interrupted."""
    runs = results[0].runs
    steps, epochs = np.zeros(runs, np.int64), np.zeros(runs)
    histories: list[dict[str, Array]] = []
    ends: list[Ended] = []
    kept_steps, kept_epochs = results[-1].kept_steps, results[-1].kept_epochs
    for number, (leg, result) in enumerate(zip(legs, results, strict=False), start=1):
        back = steps - leg.first, epochs - leg.first / leg.per_epoch
        histories.append(_counted_through(result, number, *back))
        kept_steps, kept_epochs = result.kept_steps + back[0], result.kept_epochs + back[1]
        done = np.maximum(0, result.steps - leg.first)
        steps, epochs = steps + done, epochs + done / leg.per_epoch
        ends.append(
            Ended(leg.phase.name, result.theta, result.states, result.final, done, done / leg.per_epoch)
        )
    last = results[-1]
    return replace(
        last,
        steps=steps,
        epochs=epochs,
        kept_steps=kept_steps,
        kept_epochs=kept_epochs,
        history=_stacked(histories),
        grows=_grown(legs, results),
        seconds={name: sum(r.seconds[name] for r in results) for name in last.seconds},
        seed=results[0].seed,
        fault=next((r.fault for r in results if r.fault), ""),
        phases=tuple(ends),
        checkpoint={},
    )


def table_of_phases(result: Result) -> dict[str, Array]:
    """`phases.csv`: a row for each phase and run, with the figures of its end."""
    rows = [
        {
            "phase": np.full(result.runs, end.name),
            "run": np.arange(result.runs),
            "steps": end.steps,
            "epochs": end.epochs,
        }
        | end.final
        for end in result.phases
    ]
    names = dict.fromkeys(name for row in rows for name in row)
    nothing = np.full(result.runs, np.nan)
    return {name: np.concatenate([row.get(name, nothing) for row in rows]) for name in names}


def phases_read(table: dict[str, Array], ends: dict[str, tuple[Array, Array]]) -> tuple[Ended, ...]:
    """From that table, and theta and states of each phase by its name."""
    found = []
    for name, (theta, states) in ends.items():
        here = table["phase"] == name
        row = {column: values[here] for column, values in table.items()}
        steps, epochs = row["steps"].astype(np.int64), row["epochs"]
        final = {k: v for k, v in row.items() if k not in ("phase", "run", "steps", "epochs")}
        present = {k: v for k, v in final.items() if not np.isnan(v).all()}
        found.append(Ended(name, theta, states, present, steps, epochs))
    return tuple(found)


def _counted_through(result: Result, number: int, steps: Array, epochs: Array) -> dict[str, Array]:
    """The history with the number of its phase, steps and epochs counted from the first phase on."""
    history = result.history
    run = history.get("run", np.zeros(len(history["step"]), np.int64))
    moved = history | {"step": history["step"] + steps[run], "epoch": history["epoch"] + epochs[run]}
    phase = {"phase": np.full(len(run), number)}
    front = {name: moved.pop(name) for name in ("run", "step", "epoch") if name in moved}
    return front | phase | moved


def _stacked(histories: list[dict[str, Array]]) -> dict[str, Array]:
    """Run by run; a column that a phase does not have is NaN there."""
    names = dict.fromkeys(name for history in histories for name in history)
    found = {
        name: np.concatenate([h.get(name, np.full(len(h["step"]), np.nan)) for h in histories])
        for name in names
    }
    if "run" not in found:
        return found
    order = np.argsort(found["run"], kind="stable")
    return {name: column[order] for name, column in found.items()}


def _grown(legs: Sequence[Leg], results: Sequence[Result]) -> dict[str, Array]:
    """Shares of all iterations: a rule that goes on counts on."""
    ends = [r for at, r in enumerate(results) if at + 1 == len(results) or not legs[at + 1].goes_on]
    total = np.maximum(1, sum(r.steps for r in ends))
    return {name: sum(r.grows[name] * r.steps for r in ends) / total for name in results[-1].grows}
