"""What `netc play` plays: a file's training in hand, moved a few iterations at a time, its numbers changed in between.

What is shown of it is made in `shown.py`, sent by `server.py`. Keeps nothing on disk.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.play.numbers import Movable, movable, moved
from netc.runtime.devices.load import seal
from netc.runtime.opening import open_session
from netc.runtime.parameters import Array
from netc.runtime.program_file import File
from netc.runtime.session import Session
from netc.runtime.training.live import Live
from netc.runtime.training.outcomes import STOPS, stops
from netc.runtime.training.task import total_steps

SHOWN = 200
"""Runs of an objective that are shown at once; of a network it is the first one."""
POINTS = 600
"""Of a curve: twice as many are thinned out to these."""
PATIENCE = 0.15
"""Seconds after which an answer is due, whatever was asked for."""


@dataclass
class Curve:
    """Figures of the first run, each with its iteration; thinned out evenly as it grows."""

    rows: list[tuple[int, Array]] = field(default_factory=list)

    def add(self, step: int, figures: Array) -> None:
        self.rows.append((step, figures))
        if len(self.rows) > 2 * POINTS:
            self.rows = self.rows[:-1:2] + self.rows[-1:]


class Playground:
    """One training. Its methods are not for two threads at once."""

    def __init__(self, file: File, overrides: Mapping[str, str | float]) -> None:
        """Raises SpecError where the file is wrong, or trains in a way that cannot be played."""
        _require_one_training(file.program)
        self.overrides = {**overrides, "target": "cpu"}
        self.session = open_session(file, self.overrides)
        if self.session.data is None and self.session.spec.objective is None:
            hints = ('data "FILE.csv", target = NAME',)
            raise SpecError(
                [Diagnostic("E0460", "the file has no data to train on", file.program.span, hints=hints)]
            )
        self.written = {m.name: m.value for m in movable(self.session.spec)}
        """As the file has them."""
        self._begin()

    def _begin(self) -> None:
        runs = self.session.spec.training.runs
        self.live = Live(self.session.task, min(SHOWN, runs) if self.session.spec.objective else 1)
        self.starts = self.live.state.theta[:, : self.session.program.problem.parameters].astype(np.float64)
        """(runs, P)"""
        self.curve, self.marks = Curve(), list[tuple[int, str]]()
        self.total, self.per_epoch = total_steps(self.session.program, self.session.samples)
        self._note()

    def _note(self) -> None:
        self.curve.add(self.step, self.live.figures())
        seal(self.session.kernels)

    @property
    def step(self) -> int:
        """Iterations done: of runs that have all ended, those of the longest."""
        state = self.live.state
        return state.at if self.live.going else int(state.counters[:, 0].max())

    @property
    def ended(self) -> str:
        """Why nothing goes on; empty while a run does."""
        if self.live.going:
            return ""
        return STOPS[int(stops(self.live.state.counters, self.total, False)[0])]

    @property
    def numbers(self) -> list[Movable]:
        return movable(self.session.spec)

    def go(self, steps: int) -> None:
        """So many iterations on, or as many as can be done until an answer is due; not past the file's own end, from
        before it."""
        end = self.total if self.live.state.at < self.total else self.live.state.at + steps
        left, piece, until = min(steps, end - self.live.state.at), 1, time.monotonic() + PATIENCE
        while left > 0 and self.live.going:
            some = min(left, piece)
            self.live.go(some)
            left, piece = left - some, 2 * piece
            if time.monotonic() > until:
                break
        self._note()

    def reset(self, seed: int | None = None) -> None:
        """Back to the start, with the numbers as they are now; another seed draws another start."""
        if seed is not None and seed != self.session.spec.training.seed:
            self.overrides["seed"] = seed
            self.session = open_session(self.session.file, self.overrides, self.session.data)
        self.live.close()
        self._begin()

    def set(self, values: Mapping[str, float]) -> str:
        """Other numbers from here on, by the names of `numbers`; what is to be said of it. Raises SpecError, and nothing
        has changed, where the file does not take them."""
        known = {m.name: m.value for m in self.numbers}
        new = {name: value for name, value in values.items() if name in known and value != known[name]}
        if not new:
            return ""
        of_rule = {name: value for name, value in new.items() if "." not in name}
        program = moved(self.session.file.program, new)
        file = replace(self.session.file, program=program)
        overrides = {**self.overrides, **of_rule}
        session = open_session(file, overrides, self.session.data)
        said = self._take(session)
        self.overrides = overrides
        text = ", ".join(f"{self._label(name)} = {value:g}" for name, value in new.items())
        self.marks.append((self.step, text))
        return said

    def _label(self, name: str) -> str:
        return next((m.label for m in self.numbers if m.name == name), name)

    def _take(self, session: Session) -> str:
        """Goes on with this session from where the other one is."""
        same = _but_numbers(session.program) == _but_numbers(self.session.program)
        if same:
            vars(session)["kernels"] = self.session.kernels
        task, old = session.task, self.live
        self.session = session
        if not old.takes(task):
            self.reset()
            return (
                "the rule has other states with these numbers: its kernels are compiled, and it begins anew"
            )
        self.live = Live(task, old.state.runs, old.state)
        old.close()
        return "" if same else "with these numbers it is another rule: its kernels are compiled"

    @property
    def now(self) -> dict[str, float]:
        """Hyper-parameters that follow a schedule: their values in this iteration."""
        from netc.compiler.calculus.evaluate import evaluate
        from netc.compiler.lower.schedule import lower_schedule

        spec, step, found = self.session.spec, self.live.state.at, {}
        clocks = {"n": float(step), "epoch": step / self.per_epoch, "m": float(self.per_epoch)}
        for schedule in spec.schedules:
            if schedule.recursion is None:
                follower = lower_schedule(schedule, spec)
                value = evaluate(follower.value, {**dict(follower.hypers), **clocks})
            else:
                scalars = [s.name for s in self.session.program.rule.states if not s.axes and not s.per_batch]
                value = self.live.state.scalars[0, scalars.index(f"{schedule.name}_value")]
            found[schedule.name] = float(np.asarray(value))
        return found


def _but_numbers(program: ir.Program) -> Any:
    """What kernels are made of: hyper-parameters are their arguments."""
    rule = program.rule
    return replace(program, rule=replace(rule, hypers=tuple(replace(h, value=0.0) for h in rule.hypers)))


def _require_one_training(program: ast.Program) -> None:
    for statement in program.statements:
        if isinstance(statement, ast.Sweep | ast.Finder | ast.Phase):
            word = type(statement).__name__.lower()
            message = f"one training can be played, and the file has a '{word}'"
            hints = ("play a copy of the file without it",)
            raise SpecError([Diagnostic("E0460", message, statement.span, hints=hints)])
