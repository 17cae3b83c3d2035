"""The `data` statement: which data, which columns, how they are scaled and split. Reads no data."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Literal

from netc.compiler.check.settings import Settings, Unfit, whole, word
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import NotANumber, number, number_or_none
from netc.compiler.meaning.spec import DataSpec, Scaling
from netc.dsl import ast
from netc.dsl.source import Span

SCALINGS: tuple[Scaling, ...] = ("zscore", "minmax", "none")
UNSCALED: tuple[Scaling, float] = ("none", 1.0)
SETTINGS = ("target", "inputs", "scale", "scale_target", "split", "seed", "classes", "limit")
Kind = Literal["named", "files", "inline", "generated", "none", "arrays"]
Row = tuple[tuple[float, ...], tuple[float, ...]]


def check_data(statement: ast.Data, folder: Path, report: Report) -> DataSpec:
    settings = Settings(statement.settings, "data", SETTINGS, report)
    scale, factor = settings.get("scale", _scale, UNSCALED)
    kind, origin, rows = _source(statement, folder, report)
    return DataSpec(
        kind,
        origin,
        rows,
        target=settings.get("target", _columns, ()),
        inputs=() if kind == "generated" else settings.get("inputs", _columns, ()),
        scale=scale,
        factor=factor,
        scale_target=settings.get("scale_target", word(*SCALINGS), scale),
        split=settings.get("split", _split, 1.0),
        seed=settings.get("seed", whole(0), 0),
        classes=settings.get("classes", whole(2), 0),
        limit=settings.get("limit", whole(1), 0),
        span=_span(statement),
        spans=tuple((name, s.value.span) for name, s in settings.given.items()),
    )


def _span(statement: ast.Data) -> Span:
    first = statement.sources[0].span if statement.sources else head(statement)
    return first.to(statement.sources[-1].span) if statement.sources else first


def _scale(value: ast.Expr) -> tuple[Scaling, float]:
    """How the inputs are scaled, or the number that they are multiplied with."""
    if isinstance(value, ast.Name):
        return word(*SCALINGS)(value), 1.0
    factor = number_or_none(value)
    if factor is None:
        raise Unfit("it is zscore, minmax, none, or a number to multiply the inputs with", value.span)
    if factor == 0 or not math.isfinite(factor):
        raise Unfit("the inputs would all be alike", value.span, "E0503")
    return "none", factor


def _columns(value: ast.Expr) -> tuple[str, ...]:
    match value:
        case ast.Name(id):
            return (id,)
        case ast.Text(text):
            return (text,)
        case ast.Tuple(items) | ast.Set(items):
            return tuple(name for item in items for name in _columns(item))
    raise Unfit('the name of a column is needed, or several: ("age", "rooms")', value.span)


def _split(value: ast.Expr) -> float:
    found = number(value)
    if found <= 0:
        raise Unfit("the training part is above 0%, at most 100%", value.span, "E0503")
    if found > 1 and (isinstance(value, ast.Percent) or found != int(found)):
        raise Unfit("the training part is at most 100%, or a whole number of samples", value.span, "E0503")
    return found


def _source(
    statement: ast.Data, folder: Path, report: Report
) -> tuple[Kind, tuple[str, ...], tuple[Row, ...]]:
    match statement.sources:
        case _ if statement.rows:
            return "inline", (), _inline(statement, report)
        case (ast.Among() as among,):
            return "generated", (), _generated(among, statement, report)
        case (ast.Name(id),):
            return "named", (id,), ()
        case (ast.Text(), *_) as texts:
            return (
                "files",
                tuple(str((folder / t.value).resolve()) for t in texts if isinstance(t, ast.Text)),
                (),
            )
    report.error(
        "E0502",
        head(statement),
        "this names no data",
        hints=("as in 'data boston', 'data \"table.csv\"' or 'data inline:'",),
    )
    return "none", (), ()


def _inline(statement: ast.Data, report: Report) -> tuple[Row, ...]:
    rows: list[Row] = []
    for row in statement.rows:
        try:
            rows.append((tuple(number(e) for e in row.inputs), tuple(number(e) for e in row.outputs)))
        except NotANumber as error:
            report.error("E0305", error.span, f"inline data are numbers: {error.reason}")
            continue
        first = rows[0]
        if (len(rows[-1][0]), len(rows[-1][1])) != (len(first[0]), len(first[1])):
            report.error(
                "E0502",
                row.span,
                f"this row is {len(row.inputs)} -> {len(row.outputs)} numbers, "
                f"the first one {len(first[0])} -> {len(first[1])}",
                related=((statement.rows[0].span, "the first row"),),
            )
    return tuple(rows)


def _generated(among: ast.Among, statement: ast.Data, report: Report) -> tuple[Row, ...]:
    names = [
        n.id
        for n in (among.name.items if isinstance(among.name, ast.Tuple) else (among.name,))
        if isinstance(n, ast.Name)
    ]
    outputs = statement.outputs
    if outputs is None:
        report.error(
            "E0502",
            among.span,
            "generated data need an output for each input",
            hints=("as in 'data x in linspace(-1, 1, 50) -> sin(3*x)'",),
        )
        return ()
    parts = outputs.items if isinstance(outputs, ast.Tuple) else (outputs,)
    try:
        points = _points(among.values)
        if points and len(points[0]) != len(names):
            report.error("E0502", among.span, f"{len(names)} names for points of {len(points[0])} numbers")
            return ()
        inputs = _inputs_of(statement)
        rows = []
        for point in points:
            known = dict(zip(names, point, strict=True))
            given = tuple(number(i, known) for i in inputs) if inputs else point
            rows.append((given, tuple(number(p, known) for p in parts)))
        return tuple(rows)
    except NotANumber as error:
        report.error("E0305", error.span, f"generated data are numbers: {error.reason}")
    except OverflowError:
        report.error("E0305", among.values.span, "generated data are finite numbers")
    return ()


def _inputs_of(statement: ast.Data) -> tuple[ast.Expr, ...]:
    """`inputs = (t*cos(t), t*sin(t))`: what the network sees of each point; empty: the point itself."""
    for setting in statement.settings:
        if setting.name == "inputs":
            return setting.value.items if isinstance(setting.value, ast.Tuple) else (setting.value,)
    return ()


def _points(values: ast.Expr) -> list[tuple[float, ...]]:
    match values:
        case ast.Call(ast.Name("linspace"), (start, stop, count)):
            return [(v,) for v in linspace(number(start.value), number(stop.value), _count(count.value))]
        case ast.Call(ast.Name("grid"), (*ranges, last)) if last.name == "points":
            axes = [a.value for a in ranges if isinstance(a.value, ast.Range)]
            if len(axes) == len(ranges):
                points = _count(last.value)
                if points ** len(axes) > MOST:
                    raise NotANumber(f"the grid has more than {MOST} points", values.span)
                return list(product(*(linspace(number(a.start), number(a.stop), points) for a in axes)))
        case ast.Set(items):
            return [tuple(number(i) for i in (p.items if isinstance(p, ast.Tuple) else (p,))) for p in items]
        case ast.Range(start, stop):
            first, last_one = math.ceil(number(start)), math.floor(number(stop))
            if last_one - first >= MOST:
                raise NotANumber(f"the range has more than {MOST} numbers", values.span)
            return [(float(v),) for v in range(first, last_one + 1)]
    raise NotANumber(
        "points are linspace(start, stop, count), grid(a..b, ..., points = count), {...} or 1..10",
        values.span,
    )


MOST = 10_000_000
"""Generated samples, so that a slip of the finger does not fill the memory."""


def _count(expr: ast.Expr) -> int:
    found = number(expr)
    if found != int(found) or not 1 <= found <= MOST:
        raise NotANumber(f"the number of points is a whole number from 1 to {MOST}", expr.span)
    return int(found)


def linspace(start: float, stop: float, count: int) -> list[float]:
    """`count` points from start to stop, both included."""
    if count == 1:
        return [start]
    return [start + (stop - start) * i / (count - 1) for i in range(count)]
