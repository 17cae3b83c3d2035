"""`runs.csv`, or `runs.parquet` of very many: one row for each run, what it came to and where."""

from __future__ import annotations

import csv
import io
from importlib.metadata import version
from pathlib import Path

import numpy as np

from netc.compiler.calculus import ir
from netc.runtime.atomic import replacing
from netc.runtime.parameters import Array
from netc.runtime.results import parquet
from netc.runtime.results.parquet import Columns, Texts
from netc.runtime.results.result import Result
from netc.runtime.training.outcomes import OUTCOMES, STOPS
from netc.runtime.training.start import first_theta

AS_TEXT = 100_000
"""Runs that are written as text; it takes seconds for each further million."""
TEXT_CELL = 18
"""Bytes of a number as text, about."""
STARTS = 10
"""Parameters at most, so that start and end of each run are in the table."""
BLOCK = 2**16
"""Rows made at a time."""


def write_runs(folder: Path, result: Result, program: ir.Program) -> None:
    """The table of a result of several runs."""
    slices = (slice(at, min(at + BLOCK, result.runs)) for at in range(0, result.runs, BLOCK))
    blocks = (columns_of(result, program, at) for at in slices)
    if result.runs > AS_TEXT:
        with replacing(folder / "runs.parquet") as file:
            parquet.write(file, blocks, f"netc {version('netc')}")
        return
    with replacing(folder / "runs.csv") as file:
        for number, columns in enumerate(blocks):
            file.write(_csv(columns, heads=number == 0).encode())


def columns_of(result: Result, program: ir.Program, at: slice) -> dict[str, Array | Texts]:
    """Some of the rows."""
    ends = result.point_names
    reached = {"reached": Texts(result.point_codes[at] % len(ends), ends)} if 2 < len(ends) < 256 else {}
    columns: dict[str, Array | Texts] = {
        "run": np.arange(at.start, at.stop),
        "outcome": Texts(result.outcome_codes[at], OUTCOMES),
        **reached,
        "stopped": Texts(result.stop_codes[at], STOPS),
        "steps": result.steps[at],
        "loss_evaluations": result.evaluations["loss"][at],
        "gradient_evaluations": result.evaluations["gradient"][at],
        **{name: column[at] for name, column in result.final.items() if name != "theta_norm"},
        **{f"grows_{name}": share[at] for name, share in result.grows.items()},
    }
    if result.theta.shape[1] <= STARTS:
        names = names_of(program.problem)
        start, end = first_theta(program, at.start, at.stop - at.start), result.theta[at]
        columns |= {f"start_{name}": start[:, i] for i, name in enumerate(names)}
        columns |= {f"end_{name}": end[:, i] for i, name in enumerate(names)}
    return columns


def names_of(problem: ir.Problem) -> list[str]:
    """Of the parameters: the variables of an objective, `layer1.weight[0,2]`, ..."""
    found = []
    for tensor in problem.weights:
        places = np.ndindex(*tensor.shape)
        found += [tensor.name + (f"[{','.join(map(str, place))}]" if place else "") for place in places]
    return found


def _csv(columns: Columns, heads: bool) -> str:
    """Numbers so that they are read back to the same bits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if heads:
        writer.writerow(columns)
    writer.writerows(zip(*map(_cells, columns.values()), strict=True))
    return text.getvalue()


def _cells(column: Array | Texts) -> list[object]:
    if isinstance(column, Texts):
        return [column.words[code] for code in column.codes.tolist()]
    cells: list[object] = column.tolist()
    return cells
