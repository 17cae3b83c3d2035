"""What `netc run` says of a sweep: the table of its points, the best first."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from netc.dsl.visible import visible
from netc.terminal import counted, number, paint, percent

if TYPE_CHECKING:
    from netc.runtime.parameters import Array
    from netc.runtime.results.sweep_result import Row, SweepResult
    from netc.sweep_run import Sweeping

SHOWN = 20
"""Rows of the table that are printed; `sweep.csv` has all runs."""
AGAINST = "minus the best (95 %)"
STOPPED = "stopped after"
"""By halving: epochs, or steps where the file counts these."""


def tell(sweeping: Sweeping, result: SweepResult, as_json: bool) -> None:
    import shlex

    if as_json:
        click.echo(json.dumps(result.summary, allow_nan=False))
    else:
        click.echo("\n\n".join("\n".join(block) for block in _blocks(sweeping, result) if block))
    if result.interrupted and not sweeping.quiet:
        what = "interrupted" if not result.failed else f"{counted(len(result.failed), 'point')} failed"
        click.echo(f"{what}; to go on: netc run --resume {shlex.quote(str(sweeping.folder.path))}", err=True)
    sys.stdout.flush()


def _blocks(sweeping: Sweeping, result: SweepResult) -> Iterator[list[str]]:
    from netc.compiler.check.several.sweep import told
    from netc.summary import verdicts

    session, sweep = sweeping.session, result.sweep
    runs = session.spec.training.runs
    size = told(sweep) + (f", {runs} runs each" if runs > 1 else "")
    size += f", {len(result.points)} of them done" if result.interrupted else ""
    yield [f"{paint(visible(result.file), bold=True)}   {size}, seed {session.spec.training.seed}"]
    yield list(_table(result))
    yield list(verdicts(result.expect))
    yield [paint(f"kept in {visible(str(sweeping.folder.path))}", dim=True)]


def _table(result: SweepResult) -> Iterator[str]:
    """The best first: values, the figure, and the same figure of the other parts."""
    if not result.points:
        return
    judged = result.figure
    parts = [f"{judged.figure}({part})" for part in ("train", "validation", "test")]
    others = [p for p in parts if p != judged.written and p in result.rows[0].points[0].figures]
    pooled = max(len(row.runs("steps")) for row in result.rows) > 1
    heads = [
        *result.rows[0].values,
        judged.written,
        *(["quartiles", AGAINST] if pooled else []),
        *others,
        *result.together(result.rows[0].points),
        *([STOPPED] if _halving(result) else []),
        "diverged",
    ]
    if list(result.rows[0].values) == []:
        yield from _by_point(result, [judged.written, *others])
        yield from _together(result)
        return
    rows = [_cells(result, row, others, pooled) for row in result.rows[:SHOWN]]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    folded = any(axis.name == "fold" for axis in result.sweep.axes)
    over = "runs, seeds and folds" if folded else "runs and seeds"
    what = f"medians over {over}, " if pooled else ""
    yield paint(f"  {what}the best by {judged.written} first", dim=True)
    for line in (heads, *rows):
        text = "  " + "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        yield paint(text, dim=True) if line is heads else text
    if len(result.rows) > SHOWN:
        yield f"  ... {counted(len(result.rows) - SHOWN, 'further row')} in sweep.csv"


def _by_point(result: SweepResult, names: list[str]) -> Iterator[str]:
    """Where nothing is compared: each seed and fold, and their mean."""
    import numpy as np

    from netc.dsl.printer import print_expr

    figures = {name: "gradient_norm" if name == "norm(grad R)" else name for name in names}
    show = [percent if name.startswith("accuracy") else number for name in names]
    heads = [*(axis.name for axis in result.sweep.axes), *names]
    each = [[np.mean(point.figures[figure]) for figure in figures.values()] for point in result.points]
    cells = [[s(float(v)) for s, v in zip(show, row, strict=True)] for row in (*each, np.mean(each, axis=0))]
    blank = ["mean", *[""] * (len(result.sweep.axes) - 1)]
    values = [*([print_expr(v) for v in point.values] for point in result.points), blank]
    rows = [v + c for v, c in zip(values, cells, strict=True)]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for line in (heads, *rows[:SHOWN], *rows[max(SHOWN, len(rows) - 1) :]):
        text = "  " + "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        yield paint(text, dim=True) if line is heads else text


def _cells(result: SweepResult, row: Row, others: list[str], pooled: bool) -> list[str]:
    import numpy as np

    from netc.runtime.results.plain import spread

    show = percent if result.column.startswith("accuracy") else number
    found = spread(row.runs(result.column))
    low, high = found["quartiles"]
    middle = [f"{show(low)} to {show(high)}", _against(result, row, show)] if pooled else []
    rest = [show(spread(row.runs(other))["median"]) for other in others]
    values = [value if isinstance(value, str) else number(value) for value in row.values.values()]
    lost = percent(float(np.mean(row.runs("diverged"))))
    ended = [f"{row.stopped:g}" if np.isfinite(row.stopped) else "end"] if _halving(result) else []
    ensembles = [_shown(name, array) for name, array in result.together(row.points).items()]
    return [*values, show(found["median"]), *middle, *rest, *ensembles, *ended, lost]


def _together(result: SweepResult) -> Iterator[str]:
    """`ensemble  accuracy(test) 97.2%, loss(test) 0.09`: of the folds."""
    found = result.together(result.rows[0].points)
    if found:
        parts = [f"{name.replace(', ensemble', '')} {_shown(name, array)}" for name, array in found.items()]
        yield f"  ensemble of the folds  {', '.join(parts)}"


def _shown(name: str, array: Array) -> str:
    """The median."""
    import numpy as np

    return (percent if name.startswith("accuracy") else number)(float(np.median(array)))


def _halving(result: SweepResult) -> bool:
    return result.sweep.by == "halving"


def _against(result: SweepResult, row: Row, show: Callable[[float], str]) -> str:
    """`0.0168 (0.012 to 0.021)`"""
    if row is result.rows[0] or (apart := result.against_the_best(row)) is None:
        return ""
    ends = "" if apart.interval is None else f" ({show(apart.interval[0])} to {show(apart.interval[1])})"
    return show(apart.median) + ends
