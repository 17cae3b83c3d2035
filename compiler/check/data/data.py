"""The `data` statement: which data, which columns, how they are read, scaled and split. Reads no data."""

from __future__ import annotations

import math
from pathlib import Path

from netc.compiler.check.data.data_parts import with_parts
from netc.compiler.check.data.data_sources import names_of_inputs, source_of
from netc.compiler.check.data.sample_weights import check_weights
from netc.compiler.check.parts.settings import Settings, Unfit, truth, whole, word
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_values import (
    CONSTANTS,
    FUNCTIONS,
    number,
    number_or_none,
)
from netc.compiler.meaning.spec import DataSpec, Decimal, Scaling, TextStyle
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.walks import called, walk
from netc.dsl.words.vocabulary import same_value

SCALINGS: tuple[Scaling, ...] = ("zscore", "minmax", "none")
UNSCALED: tuple[Scaling, float] = ("none", 1.0)
OF_TEXT = ("header", "separator", "decimal")
TEXT_FILES = (".csv", ".tsv", ".txt", ".dat")
SETTINGS = (
    "target", "inputs", "scale", "scale_target", "split", "validation", "folds", "fold", "seed", "stratify", "classes",
    "only", "each", "label_noise", "order", "window", "weights", "limit", "missing", *OF_TEXT,
)  # fmt: skip
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "blank": " ", "blanks": " ", "pipe": "|"}
DECIMALS: dict[str, Decimal] = {".": "point", ",": "comma", "point": "point", "comma": "comma"}
Targets = tuple[tuple[str, ...], tuple[ast.Expr, ...], bool]
"""Columns, what is made of them, whether they are the inputs."""
NO_TARGET: Targets = ((), (), False)


def check_data(statement: ast.Data, folder: Path, report: Report) -> DataSpec:
    settings = Settings(statement.settings, "data", SETTINGS, report)
    scale, factor = settings.get("scale", _scale, UNSCALED)
    kind, origin, rows, noisy = source_of(statement, folder, report)
    target, computed, of_inputs = settings.get("target", _target, NO_TARGET)
    if kind in ("inline", "generated"):
        settings.require_unused(("target",), f"the outputs of {kind} data stand after '->'")
    if kind != "files" or not any(_is_text(path) for path in origin):
        settings.require_unused(OF_TEXT, f"it is of text tables ({', '.join(TEXT_FILES)})")
    data = DataSpec(
        kind,
        origin,
        rows,
        noisy=noisy,
        names=names_of_inputs(statement) if kind == "generated" else (),
        target=target,
        computed=computed,
        of_inputs=of_inputs,
        inputs=() if kind == "generated" else settings.get("inputs", _columns, ()),
        scale=scale,
        factor=factor,
        scale_target=settings.get("scale_target", word(*SCALINGS), scale),
        classes=settings.get("classes", whole(2), 0),
        limit=settings.get("limit", whole(1), 0),
        only=settings.get("only", _columns, ()),
        each=settings.get("each", whole(1), 0),
        label_noise=settings.get("label_noise", _share, 0.0),
        weights=check_weights(settings, kind, _columns, report),
        style=TextStyle(
            settings.get("header", truth, None),
            settings.get("separator", _separator, ""),
            settings.get("decimal", _decimal, "point"),
        ),
        missing=settings.get("missing", word("error", "drop", "mean"), "error"),
        span=_span(statement),
        spans=tuple((name, s.value.span) for name, s in settings.given.items()),
    )
    return with_parts(data, settings, folder, report)


def _is_text(path: str) -> bool:
    return Path(path.removesuffix(".gz")).suffix.lower() in TEXT_FILES


def _span(statement: ast.Data) -> Span:
    first = statement.sources[0].span if statement.sources else head(statement)
    return first.to(statement.sources[-1].span) if statement.sources else first


# -- settings ----------------------------------------------------------------------------------------


def _scale(value: ast.Expr) -> tuple[Scaling, float]:
    """How the inputs are scaled, or the number that they are multiplied with."""
    if isinstance(value, ast.Name):
        return word(*SCALINGS)(value), 1.0
    if isinstance(value, ast.Call) and (here := same_value(value.function.span.text, SCALINGS)):
        raise Unfit(f"it is a word without arguments, scale = {here}", value.span)
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
        case ast.Number():
            return (value.span.text or value.text or f"{value.value:g}",)
        case ast.Tuple(items) | ast.Set(items):
            return tuple(name for item in items for name in _columns(item))
        case ast.Call() | ast.Binary() | ast.Unary() if columns_in(value):
            what = "inputs are columns as they stand in the table; only a target may be computed, `target = log(price)`"
            raise Unfit(f"{what}: this one is to be a column of its own", value.span)
    raise Unfit('the name of a column is needed, or several: ("age", "rooms")', value.span)


def _target(value: ast.Expr) -> Targets:
    """Columns, `inputs`, or expressions in columns: `log(price)`."""
    if value == ast.Name("inputs"):
        return (), (), True
    items = value.items if isinstance(value, ast.Tuple | ast.Set) else (value,)
    if all(isinstance(item, ast.Name | ast.Text | ast.Number) for item in items):
        return _columns(value), (), False
    for item in items:
        for name in sorted(called(item) - FUNCTIONS.keys()):
            raise Unfit(f"there is no function '{name}' of a column", item.span, "E0101")
    columns = tuple(dict.fromkeys(column for item in items for column in columns_in(item)))
    if not columns:
        raise Unfit('the name of a column is needed, or several: ("age", "rooms")', value.span)
    return columns, tuple(items), False


def columns_in(expr: ast.Expr) -> list[str]:
    """Of an expression in columns, in the order of the text."""
    functions = {id(n.function) for n in walk(expr) if isinstance(n, ast.Call)}
    found = []
    for node in walk(expr):
        match node:
            case ast.Name(name) if id(node) not in functions and name not in CONSTANTS:
                found.append(name)
            case ast.Text(name):
                found.append(name)
    return found


def _share(value: ast.Expr) -> float:
    found = number(value)
    if not 0 <= found <= 1:
        raise Unfit("a share from 0% to 100% is needed", value.span, "E0503")
    return found


def _separator(value: ast.Expr) -> str:
    match value:
        case ast.Name(id) if id in SEPARATORS:
            return SEPARATORS[id]
        case ast.Text(text) if len(text) == 1 and not (text.isalnum() or text in "\"'.+-_#\n\r"):
            return text
        case ast.Text("\\t"):
            return "\t"
    raise Unfit('it is comma, semicolon, tab, blank, pipe, or one sign in quotes: ":"', value.span)


def _decimal(value: ast.Expr) -> Decimal:
    text = value.value if isinstance(value, ast.Text) else value.id if isinstance(value, ast.Name) else ""
    if text not in DECIMALS:
        raise Unfit("it is point (1.5) or comma (1,5)", value.span)
    return DECIMALS[text]
