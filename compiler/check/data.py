"""The `data` statement: which data, which columns, how they are read, scaled and split. Reads no data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from netc.compiler.check.files import absolute
from netc.compiler.check.sample_weights import check_weights
from netc.compiler.check.series import check_order
from netc.compiler.check.settings import Reader, Settings, Unfit, truth, whole, word
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.generated import Generated, Row, generated, points_of
from netc.compiler.meaning.resolve import head
from netc.compiler.meaning.resolve_tree import called, walk
from netc.compiler.meaning.resolve_values import (
    CONSTANTS,
    FUNCTIONS,
    NotANumber,
    is_whole,
    number,
    number_or_none,
)
from netc.compiler.meaning.spec import DataSpec, Decimal, Scaling, TextStyle
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.vocabulary import same_value

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
Kind = Literal["named", "files", "inline", "generated", "none", "arrays"]
Targets = tuple[tuple[str, ...], tuple[ast.Expr, ...], bool]
"""Columns, what is made of them, whether they are the inputs."""
NO_TARGET: Targets = ((), (), False)
Validation = tuple[float, tuple[str, ...]]
"""A share or a count of samples, or files."""
NO_VALIDATION: Validation = (0.0, ())


def check_data(statement: ast.Data, folder: Path, report: Report) -> DataSpec:
    settings = Settings(statement.settings, "data", SETTINGS, report)
    scale, factor = settings.get("scale", _scale, UNSCALED)
    kind, origin, rows, noisy = _source(statement, folder, report)
    target, computed, of_inputs = settings.get("target", _target, NO_TARGET)
    if kind in ("inline", "generated"):
        _require_unused(settings, ("target",), f"the outputs of {kind} data stand after '->'", report)
    if kind != "files" or not any(_is_text(path) for path in origin):
        _require_unused(settings, OF_TEXT, f"it is of text tables ({', '.join(TEXT_FILES)})", report)
    validation, validation_files = settings.get("validation", _validation(folder, report), NO_VALIDATION)
    if validation_files and kind not in ("files", "arrays"):
        _require_unused(settings, ("validation",), "a file of its own goes with data from files", report)
    folds, fold = settings.get("folds", whole(2), 0), settings.get("fold", whole(1), 0)
    _check_folds(settings, folds, fold, report)
    parts = "split" in settings or validation > 0 or folds > 0
    stratify = settings.get("stratify", _stratify, False)
    if stratify and not parts:
        where = settings.span("stratify")
        report.error("E0502", where, "'stratify' is about the parts of a split", hints=("add 'split = 80%'",))
    order, window = check_order(settings, kind, parts, report)
    return DataSpec(
        kind,
        origin,
        rows,
        noisy=noisy,
        target=target,
        computed=computed,
        of_inputs=of_inputs,
        inputs=() if kind == "generated" else settings.get("inputs", _columns, ()),
        scale=scale,
        factor=factor,
        scale_target=settings.get("scale_target", word(*SCALINGS), scale),
        split=settings.get("split", _split, 1.0),
        seed=settings.get("seed", whole(0), 0),
        classes=settings.get("classes", whole(2), 0),
        limit=settings.get("limit", whole(1), 0),
        only=settings.get("only", _columns, ()),
        each=settings.get("each", whole(1), 0),
        label_noise=settings.get("label_noise", _share, 0.0),
        order=order,
        window=window,
        weights=check_weights(settings, kind, _columns, report),
        style=TextStyle(
            settings.get("header", truth, None),
            settings.get("separator", _separator, ""),
            settings.get("decimal", _decimal, "point"),
        ),
        missing=settings.get("missing", word("error", "drop", "mean"), "error"),
        stratify=stratify,
        validation=validation,
        validation_files=validation_files,
        folds=folds,
        fold=fold,
        span=_span(statement),
        spans=tuple((name, s.value.span) for name, s in settings.given.items()),
    )


def _check_folds(settings: Settings, folds: int, fold: int, report: Report) -> None:
    if folds and "validation" in settings:
        message = "with 'folds' each fold is the validation part in turn, so there is no other"
        report.error("E0453", settings.span("validation"), message, hints=("leave one of the two out",))
    if folds and "fold" not in settings:
        message = "'folds' is a number that is written in 'data': each fold is a training of its own"
        report.error("E0453", settings.span("folds"), message, hints=("data ..., folds = 5",))
    if "fold" in settings and not 1 <= fold <= folds:
        message = f"fold = {fold}: the folds are counted from 1 to 'folds'"
        report.error("E0453", settings.span("fold"), message, hints=("folds = 5",))


def _require_unused(settings: Settings, names: tuple[str, ...], why: str, report: Report) -> None:
    for name in names:
        if name in settings:
            report.error("E0502", settings.span(name), f"'{name}' has no meaning here: {why}")


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


def _stratify(value: ast.Expr) -> bool:
    try:
        return truth(value)
    except Unfit:
        message = (
            "parts have their share of each class of the target, and of no other column: stratify = true"
        )
        raise Unfit(message, value.span) from None


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


def _split(value: ast.Expr) -> float:
    parts = value.items if isinstance(value, ast.Tuple) else ()
    quotient = isinstance(value, ast.Binary) and value.op == "/" and number(value) > 1
    if parts or quotient:  # 80/20 would be 4 samples
        raise Unfit("the part that trains is given, the rest tests, split = 80%", value.span)
    found = number(value)
    if not found > 0:  # `none` is not either
        raise Unfit("the training part is above 0%, at most 100%", value.span, "E0503")
    if found > 1 and (isinstance(value, ast.Percent) or not is_whole(found)):
        raise Unfit("the training part is at most 100%, or a whole number of samples", value.span, "E0503")
    return found


def _share(value: ast.Expr) -> float:
    found = number(value)
    if not 0 <= found <= 1:
        raise Unfit("a share from 0% to 100% is needed", value.span, "E0503")
    return found


def _validation(folder: Path, report: Report) -> Reader[Validation]:
    def read(value: ast.Expr) -> Validation:
        items = value.items if isinstance(value, ast.Tuple) else (value,)
        texts = [item for item in items if isinstance(item, ast.Text)]
        if len(texts) == len(items):
            return 0.0, tuple(absolute(text, folder, report) for text in texts)
        found = number(value)
        if not found > 0 or (found >= 1 and isinstance(value, ast.Percent)) or found == 1:
            wanted = "the validation part is above 0% and below 100% of what trains, or a count of samples"
            raise Unfit(wanted, value.span, "E0503")
        if found > 1 and not is_whole(found):
            raise Unfit(
                "the validation part is below 100%, or a whole number of samples", value.span, "E0503"
            )
        return found, ()

    return read


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


# -- sources -----------------------------------------------------------------------------------------

Source = tuple[Kind, tuple[str, ...], tuple[Row, ...], Generated | None]


def _source(statement: ast.Data, folder: Path, report: Report) -> Source:
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
        return (), None
    parts = outputs.items if isinstance(outputs, ast.Tuple) else (outputs,)
    try:
        points = points_of(among.values)
        if points and len(points[0]) != len(names):
            report.error("E0502", among.span, f"{len(names)} names for points of {len(points[0])} numbers")
            return (), None
        made = generated(names, points, _inputs_of(statement), parts)
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
            return setting.value.items if isinstance(setting.value, ast.Tuple) else (setting.value,)
    return ()
