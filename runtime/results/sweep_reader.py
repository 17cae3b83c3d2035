"""A sweep's folder read back, for pictures: its table, and the course of its best rows.

Reads files only, as `folder_reader.py` does of a run.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.printer import print_expr
from netc.dsl.reading import LARGEST_TEXT, read_bytes, read_text
from netc.dsl.source import Source
from netc.runtime.parameters import Array
from netc.runtime.results.folder_reader import Unreadable

MOST = 64 * 2**20
"""Bytes of a history that is read."""


@dataclass(frozen=True)
class SweptRow:
    """Points that differ in nothing but seed and fold."""

    values: dict[str, float | str]
    points: tuple[int, ...]
    median: float
    """Of the figure; NaN where no run has a finite one."""
    spreads: dict[str, tuple[float, float, float]]
    """The first quartile, the median and the third one of all figures; NaN likewise."""


@dataclass(frozen=True)
class KeptSweep:
    path: Path
    file: str
    figure: str
    """`loss(validation)`"""
    rows: tuple[SweptRow, ...]
    """The best first."""
    laws: dict[str, str]
    """`log_uniform`, `uniform`: of names that are drawn."""

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of what is compared."""
        return tuple(self.rows[0].values)

    @property
    def column(self) -> str:
        """The figure as the table of the sweep has it."""
        return _column(self.figure)

    def courses(self, row: SweptRow) -> tuple[Array, Array] | None:
        """Epochs (moments,) and the figure (runs, moments) of all runs of the row; a run that has ended keeps its last
        value. None where the folders have no such history of single runs."""
        runs: list[dict[float, float]] = []
        for number in row.points:
            column = self.column.replace("(", "_").rstrip(")")
            found = _history(self.path / "points" / f"{number:05}" / "history.csv", column)
            if found is None:
                return None
            runs += found
        moments = sorted({epoch for run in runs for epoch in run})
        values = np.array([[run.get(epoch, np.nan) for epoch in moments] for run in runs])
        for at in range(1, len(moments)):
            gone = np.isnan(values[:, at])
            values[gone, at] = values[gone, at - 1]
        return np.array(moments), values


def is_sweep(path: Path) -> bool:
    return (path / "points").is_dir()


def read(path: Path) -> KeptSweep:
    """Raises Unreadable where the sweep has no table yet."""
    try:
        summary = json.loads(read_bytes(path / "summary.json", LARGEST_TEXT))
        figure = str(summary["figure"])
        axes = [*summary.get("best", ())]  # a sweep over seeds or folds alone has no best point
        rows = tuple(_row(row, axes, _column(figure)) for row in summary["table"])
        if not rows:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unreadable(f"'{path}' is a sweep without a readable table: no point of it is done") from None
    return KeptSweep(path, str(summary["file"]), figure, rows, _laws(path / "spec.net"))


def _column(figure: str) -> str:
    return "gradient_norm" if figure == "norm(grad R)" else figure


def _laws(spec: Path) -> dict[str, str]:
    try:
        program = parse(Source(str(spec), read_text(spec)))
    except (OSError, SpecError) as error:
        raise Unreadable(f"'{spec}' cannot be read: {error}") from None
    drawn = [
        a for s in program.statements if isinstance(s, ast.Sweep) for a in s.axes if isinstance(a, ast.Drawn)
    ]
    return {print_expr(a.name): print_expr(a.law).partition("(")[0] for a in drawn}


def _row(row: dict[str, Any], axes: list[str], figure: str) -> SweptRow:
    values = {
        axis: value if isinstance(value, str) else float(value) for axis, value in ((a, row[a]) for a in axes)
    }
    spreads = {
        name: _spread(found)
        for name, found in row.items()
        if isinstance(found, dict) and "quartiles" in found
    }
    return SweptRow(values, tuple(map(int, row["points"])), spreads[figure][1], spreads)


def _spread(found: dict[str, Any]) -> tuple[float, float, float]:
    low, high = found["quartiles"]
    first, median, third = (np.nan if v is None else float(v) for v in (low, found["median"], high))
    return first, median, third


def _history(file: Path, column: str) -> list[dict[float, float]] | None:
    """Of each run the figure by epoch."""
    try:
        rows = list(csv.DictReader(read_bytes(file, MOST).decode().splitlines()))
        runs: dict[str, dict[float, float]] = {}
        for row in rows:
            value = float(row[column])
            if not np.isnan(value):
                runs.setdefault(row.get("run", "0"), {})[float(row["epoch"])] = value
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [*runs.values()] or None
