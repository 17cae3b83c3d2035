"""`order = time` and `window = 20` of a `data` statement: rows that follow one another."""

from __future__ import annotations

from typing import Literal

from netc.compiler.check.parts.settings import Reader, Settings, whole, word
from netc.compiler.meaning.findings import Report
from netc.dsl import ast

Order = Literal["drawn", "time"]
ORDERS: Reader[Order] = word("drawn", "time")
DRAWN: Order = "drawn"


def check_order(settings: Settings, kind: str, parts: bool, report: Report) -> tuple[Order, int]:
    """(the order of the parts, rows of a window or 0)"""
    order, window = settings.get("order", ORDERS, DRAWN), settings.get("window", whole(1), 0)
    if order == "time" and not (parts or window):
        where = settings.span("order")
        report.error("E0260", where, "'order' is about the parts of a split", hints=("add 'split = 80%'",))
    if not window and order == "drawn":
        return order, 0
    why = "the parts follow one another in time"
    for name in ("stratify", "folds"):
        if name in settings:
            related = ((settings.span(name), f"'{name}' takes samples from everywhere"),)
            report.error("E0260", settings.span("window" if window else "order"), why, related=related)
    if window:
        _check_window(settings, kind, report)
    return "time", window


def _check_window(settings: Settings, kind: str, report: Report) -> None:
    where = settings.span("window")
    if kind in ("inline", "generated"):
        message = f"{kind} data are samples, and a window is over the rows of a table or an array"
        report.error("E0261", where, message)
    if "order" in settings and settings.given["order"].value == ast.Name("drawn"):
        report.error(
            "E0261", where, "windows overlap: samples that are drawn would test what they trained on"
        )
    broken = [name for name in ("only", "each") if name in settings]
    if "missing" in settings and settings.given["missing"].value == ast.Name("drop"):
        broken.append("missing")
    for name in broken:
        related = ((settings.span(name), "rows are left out here"),)
        report.error("E0261", where, "the rows of a window follow one another", related=related)
