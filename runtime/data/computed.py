"""Targets that are computed: `target = log(medv)`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netc.compiler.check.data.data import columns_in
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.compiler.meaning.spec import DataSpec
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.walks import rebuild
from netc.runtime.data.columns import require_numbers, setting_span
from netc.runtime.data.errors import data_error
from netc.runtime.data.table import Table


def computed(columns: Table, spec: DataSpec) -> Table:
    """A column for each expression of `spec.computed`, which are about these columns; a gap stays a gap."""
    if not spec.computed:
        return columns
    require_numbers(columns, spec, "target", gaps_allowed=True)
    values = np.full((len(columns.values), len(spec.computed)), np.nan)
    for at, written in enumerate(spec.computed):
        used = [columns.columns.index(name) for name in columns_in(written)]
        value = _plain(written)
        for row in np.flatnonzero(~np.isnan(columns.values[:, used]).any(axis=1)):
            known = {columns.columns[i]: float(columns.values[row, i]) for i in used}
            try:
                values[row, at] = number(value, known)
            except NotANumber as problem:
                at_row = ", ".join(f"{name} = {v:g}" for name, v in known.items())
                message = (
                    f"{columns.name}, row {columns.row(int(row))}: {print_expr(written)}: {problem.reason}"
                )
                where = setting_span(spec, "target")
                raise data_error("E0611", message, where, notes=[f"there {at_row}"]) from None
    names = tuple(print_expr(e) for e in spec.computed)
    return replace(columns, columns=names, values=values, text={})


def _plain(expr: ast.Expr) -> ast.Expr:
    """Columns in quotes as names."""
    if isinstance(expr, ast.Text):
        return ast.Name(expr.value, span=expr.span)
    return rebuild(expr, _plain)
