"""`weights = COLUMN` of a `data` statement: each sample has a weight. What the loss divides by is checked with the loss."""

from __future__ import annotations

from netc.compiler.check.parts.settings import Reader, Settings, Unfit
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.spec import GIVEN_WEIGHTS, DataKind
from netc.dsl import ast

Columns = tuple[str, ...]


def check_weights(settings: Settings, kind: DataKind, columns: Reader[Columns], report: Report) -> str:
    """The name of the column, GIVEN_WEIGHTS, or empty."""

    def one(value: ast.Expr) -> str:
        found = columns(value)
        if len(found) != 1:
            raise Unfit("one column holds the weights of the samples", value.span)
        return found[0]

    name = settings.get("weights", one, "")
    if not name:
        return ""
    where = settings.span("weights")
    if kind in ("inline", "generated"):
        message = f"{kind} data have no columns besides inputs and outputs"
        report.error(
            "E0259", where, message, hints=("put the samples into a table with a column of weights",)
        )
    elif name == GIVEN_WEIGHTS and kind != "arrays":
        message = "weights are given from Python, with arrays, and these data are read from elsewhere"
        report.error("E0259", where, message, hints=("name a column of the table", "or 'data given'"))
    for other in ("target", "inputs"):
        if other in settings and name in _named(settings.given[other].value, columns):
            related = ((settings.span(other), "named here too"),)
            message = f"column '{name}' holds the weights of the samples, and the network never sees it"
            report.error("E0259", where, message, related=related)
    return name


def _named(value: ast.Expr, columns: Reader[Columns]) -> Columns:
    try:
        return columns(value)
    except Unfit:  # told where it is read, or computed
        return ()
