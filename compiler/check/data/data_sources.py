"""Where the samples of a `data` statement come from: a name, files, rows written out, or expressions that make them."""

from __future__ import annotations

from pathlib import Path

from netc.compiler.check.parts.files import absolute
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.generated import Generated, Row, generated, points_of
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.compiler.meaning.spec import DataKind
from netc.dsl import ast
from netc.dsl.printer import print_expr

Source = tuple[DataKind, tuple[str, ...], tuple[Row, ...], Generated | None]


def source_of(statement: ast.Data, folder: Path, report: Report) -> Source:
    match statement.sources:
        case _ if statement.rows:
            return "inline", (), _inline(statement, report), None
        case (ast.Among() as among,):
            return "generated", (), *_generated(among, statement, report)
        case (ast.Name("given"),):
            return "arrays", (), (), None
        case (ast.Name(id),):
            return "named", (id,), (), None
        case (ast.Text(), *_) as texts:
            paths = tuple(absolute(t, folder, report) for t in texts if isinstance(t, ast.Text))
            return "files", paths, (), None
    report.error(
        "E0502",
        head(statement),
        "this names no data",
        hints=("as in 'data boston', 'data \"table.csv\"' or 'data inline:'",),
    )
    return "none", (), (), None


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


TRIAL = 0.25
"""What noise is drawn as while the expressions are checked."""


def _generated(
    among: ast.Among, statement: ast.Data, report: Report
) -> tuple[tuple[Row, ...], Generated | None]:
    """The rows, or what makes them where there is noise."""
    names = [n.id for n in _items(among.name) if isinstance(n, ast.Name)]
    outputs = statement.outputs
    if outputs is None:
        report.error(
            "E0502",
            among.span,
            "generated data need an output for each input",
            hints=("as in 'data x in linspace(-1, 1, 50) -> sin(3*x)'",),
        )
        return (), None
    try:
        points = points_of(among.values)
        if points and len(points[0]) != len(names):
            report.error("E0502", among.span, f"{len(names)} names for points of {len(points[0])} numbers")
            return (), None
        if twice := [name for i, name in enumerate(names) if name in names[:i]]:
            report.error("E0502", among.name.span, f"'{twice[0]}' stands for two numbers of a point")
            return (), None
        made = generated(names, points, _inputs_of(statement), _items(outputs))
        rows = tuple(made.rows(lambda i, k: TRIAL))
        return ((), made) if made.noises else (rows, None)
    except NotANumber as error:
        report.error("E0305", error.span, f"generated data are numbers: {error.reason}")
    except OverflowError:
        report.error("E0305", among.values.span, "generated data are finite numbers")
    return (), None


def _inputs_of(statement: ast.Data) -> tuple[ast.Expr, ...]:
    """`inputs = (t*cos(t), t*sin(t))`: what the network sees of each point; empty: the point itself."""
    for setting in statement.settings:
        if setting.name == "inputs":
            return _items(setting.value)
    return ()


def names_of_inputs(statement: ast.Data) -> tuple[str, ...]:
    """Of generated data: the names of the point's numbers, or what is made of them."""
    (among,) = statement.sources
    assert isinstance(among, ast.Among)
    return tuple(map(print_expr, _inputs_of(statement) or _items(among.name)))


def _items(expr: ast.Expr) -> tuple[ast.Expr, ...]:
    return expr.items if isinstance(expr, ast.Tuple) else (expr,)
