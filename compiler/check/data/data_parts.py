"""How the samples of a `data` statement are cut: training part and test, validation, folds, a share of each class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netc.compiler.check.data.series import check_order
from netc.compiler.check.parts.files import absolute
from netc.compiler.check.parts.settings import Reader, Settings, Unfit, truth, whole
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve_values import is_whole, number
from netc.compiler.meaning.spec import DataSpec
from netc.dsl import ast

Validation = tuple[float, tuple[str, ...]]
"""A share or a count of samples, or files."""
NO_VALIDATION: Validation = (0.0, ())


def with_parts(data: DataSpec, settings: Settings, folder: Path, report: Report) -> DataSpec:
    validation, files = settings.get("validation", _validation(folder, report), NO_VALIDATION)
    if files and data.kind not in ("files", "arrays"):
        settings.require_unused(("validation",), "a file of its own goes with data from files")
    folds, fold = settings.get("folds", whole(2), 0), settings.get("fold", whole(1), 0)
    _check_folds(settings, folds, fold, report)
    stratify = settings.get("stratify", _stratify, False)
    parts = "split" in settings or validation > 0 or folds > 0
    if stratify and not parts:
        where = settings.span("stratify")
        report.error("E0502", where, "'stratify' is about the parts of a split", hints=("add 'split = 80%'",))
    order, window = check_order(settings, data.kind, parts, report)
    return replace(
        data,
        order=order,
        window=window,
        split=settings.get("split", _split, 1.0),
        seed=settings.get("seed", whole(0), 0),
        stratify=stratify,
        validation=validation,
        validation_files=files,
        folds=folds,
        fold=fold,
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


def _stratify(value: ast.Expr) -> bool:
    try:
        return truth(value)
    except Unfit:
        message = (
            "parts have their share of each class of the target, and of no other column: stratify = true"
        )
        raise Unfit(message, value.span) from None


def _of_two_shares(value: ast.Binary) -> bool:
    """`80/20` would be 4 samples, `80-20` would be 60; `506 - 106` is a number that is calculated."""
    if value.op == "/":
        return number(value) > 1
    return value.op == "-" and number(value.left) + number(value.right) == 100


def _split(value: ast.Expr) -> float:
    parts = value.items if isinstance(value, ast.Tuple) else ()
    if parts or (isinstance(value, ast.Binary) and _of_two_shares(value)):
        raise Unfit("the part that trains is given, the rest tests, split = 80%", value.span)
    found = number(value)
    if not found > 0:  # `none` is not either
        raise Unfit("the training part is above 0%, at most 100%", value.span, "E0503")
    if found > 1 and (isinstance(value, ast.Percent) or not is_whole(found)):
        raise Unfit("the training part is at most 100%, or a whole number of samples", value.span, "E0503")
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
