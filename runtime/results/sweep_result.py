"""What a sweep gave: its points in the order of the figure that they are sorted by, the table, the names of `expect`.

Trains nothing (`runtime/sweep.py`) and makes no files (`runtime/results/sweep_folder.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec import Judged, Sweep
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.runtime.parameters import Array
from netc.runtime.results.expect_names import Scope, Swept
from netc.runtime.results.paired import Difference, difference
from netc.runtime.results.plain import plain, spread
from netc.runtime.results.result import Result
from netc.runtime.results.verdict import Verdict

POOLED = ("seed", "fold")
"""Axes whose values are not compared but pooled, as runs are."""


@dataclass(frozen=True, eq=False)
class Point:
    number: int
    """From 1, in the order of the grid, of which the last axis runs fastest."""
    values: tuple[ast.Expr, ...]
    """Of the axes."""
    figures: dict[str, Array]
    """(runs,) each, by the names that `expect` knows: `loss(test)`, `steps`, ..."""
    result: Result | None = None
    """None where it was read back from a folder."""


@dataclass(frozen=True, eq=False)
class Row:
    """Points that differ in nothing but seed and fold."""

    values: dict[str, float | str]
    """By axis: numbers, and what is none as it is printed."""
    points: tuple[Point, ...]

    def runs(self, name: str) -> Array:
        """The figure of all runs; none where it is not there."""
        return np.concatenate([p.figures[name] for p in self.points if name in p.figures] or [np.zeros(0)])

    @property
    def stopped(self) -> float:
        """By halving: the epochs after which it was stopped, infinite of what came to its end."""
        found = self.runs("halted")
        return float(found[0]) if len(found) and np.isfinite(found[0]) else np.inf


@dataclass(frozen=True, eq=False)
class SweepResult:
    """The points of a sweep that are done."""

    sweep: Sweep
    figure: Judged
    points: tuple[Point, ...]
    interrupted: bool = False
    file: str = ""
    expect: tuple[Verdict, ...] = ()
    folder: Path | None = field(default=None)
    failed: tuple[tuple[int, str], ...] = ()
    """Points that could not be trained on a worker, by their numbers, and why."""
    ensembles: dict[int, dict[str, Array]] = field(default_factory=dict)
    """Of folds that answer together, by the number of the first of their points: `accuracy(test, ensemble)` (runs,), ..."""

    @property
    def results(self) -> list[Result]:
        """Of every point, in the order of the grid; those that were trained here."""
        return [p.result for p in self.points if p.result is not None]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The best first: by the median of the figure over runs, seeds and folds; of equal ones the first in the file. By
        halving what was stopped later is better."""
        pools: dict[tuple[str, ...], list[Point]] = {}
        for point in self.points:
            pools.setdefault(tuple(map(print_expr, self._compared(point))), []).append(point)
        rows = [Row(self._values(points[0]), tuple(points)) for points in pools.values()]
        return tuple(sorted(rows, key=lambda row: (-row.stopped, self._worth(row), row.points[0].number)))

    @property
    def best(self) -> dict[str, float | str]:
        """The values of the best point."""
        return dict(self.rows[0].values)

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row for each point, the best first: its values, how many runs it is of, and of the figures that the runs
        have the median and the quartiles over runs, seeds and folds; of the others than the best also the median of the
        differences to it, of runs from the same seeds, and an interval (95 %) for it."""
        return [self._row(row) for row in self.rows]

    @property
    def summary(self) -> dict[str, Any]:
        """What `netc run --json` prints."""
        full: dict[str, Any] = {
            "file": self.file,
            "figure": self.figure.written,
            "points": len(self.points),
            "best": self.best if self.points else {},
            "table": self.table,
            "interrupted": self.interrupted,
            "failed": [{"point": number, "why": why} for number, why in self.failed],
            "expect": [v.plain for v in self.expect],
            "folder": str(self.folder) if self.folder else "",
        }
        return {key: value for key, value in full.items() if value not in ("", {}, [], False)}

    def scope(self, constants: dict[str, float], layers: tuple[str, ...] = ()) -> Scope:
        """What the names in `expect` mean."""
        best, over = self.rows[0].points, dict[str, tuple[Scope, ...]]()
        for at, axis in enumerate(self.sweep.axes):
            if axis.law or self.sweep.trials:
                continue
            texts = [print_expr(value) for value in axis.values]
            pools = [[p for p in self.points if print_expr(p.values[at]) == text] for text in texts]
            over[axis.name] = tuple(self._pooled(pool, constants, layers) for pool in pools)
        values = self.rows[0].values
        words = {v for p in self.points for v in self._values(p).values() if isinstance(v, str)}
        first = self._pooled(best, constants, layers)
        swept = Swept(first, values, over, frozenset(words))
        alone = first.ensemble if not values else {}
        return Scope(first.runs if alone else 1, {}, constants, swept=swept, ensemble=alone)

    # -- inside ------------------------------------------------------------------------------------

    def _compared(self, point: Point) -> list[ast.Expr]:
        """The values that tell a row from others."""
        pairs = zip(self.sweep.axes, point.values, strict=True)
        return [value for axis, value in pairs if axis.name not in POOLED]

    def _values(self, point: Point) -> dict[str, float | str]:
        pairs = zip([a for a in self.sweep.axes if a.name not in POOLED], self._compared(point), strict=True)
        return {axis.name: _plain_value(value) for axis, value in pairs}

    def _worth(self, row: Row) -> float:
        return worth_of(self.figure, {self.column: row.runs(self.column)})

    @property
    def column(self) -> str:
        """The figure that the points are sorted by, as runs have it."""
        return _column(self.figure)

    def against_the_best(self, row: Row) -> Difference | None:
        """Of the figure, minus that of the best row, over runs of the same number, seed and fold; None where there are
        no two of them."""
        ours, best = (self._by_start(r) for r in (row, self.rows[0]))
        both = [start for start in best if start in ours]
        if len(both) < 2:
            return None
        return difference(np.array([ours[s] for s in both]), np.array([best[s] for s in both]))

    def _by_start(self, row: Row) -> dict[tuple[str, ...], float]:
        """The figure of each run, by seed, fold and number; what is lost is infinite."""
        found, worst = {}, -np.inf if _is_higher_better(self.figure) else np.inf
        for point in row.points:
            pairs = zip(self.sweep.axes, point.values, strict=True)
            start = [print_expr(value) for axis, value in pairs if axis.name in POOLED]
            for run, value in enumerate(point.figures[self.column].tolist()):
                found[*start, str(run)] = worst if np.isnan(value) else value
        return found

    def together(self, points: Sequence[Point]) -> dict[str, Array]:
        """Figures of the ensembles of these points."""
        found = [self.ensembles[p.number] for p in points if p.number in self.ensembles]
        return {name: np.concatenate([one[name] for one in found]) for name in (found[0] if found else ())}

    def _pooled(self, points: Sequence[Point], constants: dict[str, float], layers: tuple[str, ...]) -> Scope:
        names = [name for name in points[0].figures if all(name in p.figures for p in points)]
        figures = {name: np.concatenate([p.figures[name] for p in points]) for name in names}
        seeds = any(axis.name == "seed" for axis in self.sweep.axes)
        several = seeds or any(len(a) > 1 for one in self.ensembles.values() for a in one.values())
        together = {n: (a if several else a[0], several) for n, a in self.together(points).items()}
        return Scope(len(figures["steps"]), figures, constants, layers=layers, ensemble=together)

    def _row(self, row: Row) -> dict[str, Any]:
        found: dict[str, Any] = {**row.values, "points": [p.number for p in row.points]}
        found["runs"] = len(row.runs("steps"))
        for name in row.points[0].figures:
            if "(" in name or name in ("steps", "kept_epochs", "gradient_norm"):
                found[name] = spread(row.runs(name))
        found |= {name: spread(array) for name, array in self.together(row.points).items()}
        if row is not self.rows[0] and (apart := self.against_the_best(row)) is not None:
            ends = [] if apart.interval is None else [plain(float(end)) for end in apart.interval]
            found["difference"] = {"median": plain(apart.median), "interval": ends, "pairs": apart.pairs}
        if np.isfinite(row.stopped):
            found["stopped after"] = row.stopped
        found["diverged"] = plain(float(np.mean(row.runs("diverged"))))
        return found


def worth_of(figure: Judged, figures: dict[str, Array]) -> float:
    """Of runs: the median of what they are judged by; lower is better, and what is lost is worst."""
    values = figures[_column(figure)]
    if _is_higher_better(figure):
        values = -values
    return float(np.median(np.where(np.isnan(values), np.inf, values)))


def _column(figure: Judged) -> str:
    return "gradient_norm" if figure.figure == "gradient_norm" else figure.written


def _is_higher_better(figure: Judged) -> bool:
    return figure.figure in ("accuracy", "r2")


def _plain_value(value: ast.Expr) -> float | str:
    found = number_or_none(value)
    return print_expr(value) if found is None else found
