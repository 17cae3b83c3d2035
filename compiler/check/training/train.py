"""Training: length, batches, precision, seed, runs, stop criterion; and what is reported on the way."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.check.parts.settings import Reader, Settings, Unfit, condition, truth, whole, word
from netc.compiler.check.training.goals import check_goals, foreign_figure
from netc.compiler.check.training.keep import NEVER, check_keep, check_patience, stop_of
from netc.compiler.check.training.watch import FIGURES, MONITORING, check_shown, check_watched
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import SCALAR, THETA, Scope, Type
from netc.compiler.meaning.resolve import Definitions, head
from netc.compiler.meaning.spec import BatchMode, History, Monitor, Optimizer, Sampling, Training, Unit
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.walks import rebuild
from netc.dsl.words.vocabulary import joined, same_value

SETTINGS = (
    "epochs", "steps", "batch", "shuffle", "sampling", "precision", "seed", "runs", "threads", "stop", "diverged", "keep",
    "against", "target", "slow",
)  # fmt: skip
AUTO: History = "auto"
HISTORIES: Reader[History] = word("all", "summary", "auto")
FULL: tuple[BatchMode, int] = ("full", 1)
AS_IT_FITS: tuple[int, Unit] = (0, "epoch")
SAMPLES = (
    "samples",
    "sample",
    "rows",
    "row",
    "examples",
    "images",
    "points",
    "instances",
    "observations",
    "items",
)
SAMPLINGS: Reader[Sampling] = word("permutation", "replacement")
WITHOUT: Sampling = "permutation"
DEFAULTS = Training(-1, -1, "full", 1, True, "f64", 0, 1, 0, "cpu", None, None)


def check_train(
    statement: ast.Train | None,
    samples: int | None,
    names: Mapping[str, Type],
    losses: frozenset[str],
    definitions: Definitions,
    report: Report,
) -> Training:
    """The `train` statement; `names` are those that a stop criterion may read besides theta and n."""
    if statement is None:
        return DEFAULTS
    settings = Settings(statement.settings, "train", SETTINGS, report)
    epochs = settings.get("epochs", whole(1), -1)
    steps = settings.get("steps", whole(1), -1)
    _require_end(statement, settings, report)
    batch, count = settings.get("batch", _batch(samples), FULL)
    criterion, gain = settings.get("stop", stop_of, NEVER)
    criterion, goals = check_goals(criterion, losses, report)
    stop, diverged = (
        criterion and _check_criterion(criterion, names, losses, definitions, report)
        for criterion in (criterion, settings.get("diverged", _maybe(condition), None))
    )
    settings.get("slow", truth, False)  # `netc reproduce` reads it off the program
    return Training(
        epochs,
        steps,
        batch,
        count,
        settings.get("shuffle", truth, True),
        settings.get("precision", word("f32", "f64"), "f64"),
        settings.get("seed", whole(0), 0),
        settings.get("runs", whole(1), 1),
        settings.get("threads", whole(1), 0),
        settings.get("target", word("cpu", "cuda"), "cpu"),
        stop,
        diverged,
        check_patience(gain, losses, report) if gain else None,
        check_keep(settings, losses, report),
        _check_sampling(settings, batch, report),
        goals=goals,
    )


def _require_end(statement: ast.Train, settings: Settings, report: Report) -> None:
    if not {"epochs", "steps"} & settings.given.keys() and not settings.unknown:
        message = "training has no end: neither epochs nor steps is given"
        report.error("E0511", head(statement), message, hints=("add 'epochs = 200', or 'steps = 1000'",))


def _check_sampling(settings: Settings, batch: BatchMode, report: Report) -> bool:
    """Whether samples are drawn with replacement; there must be batches that are drawn anew."""
    if settings.get("sampling", SAMPLINGS, WITHOUT) == WITHOUT:
        return False
    if batch == "full":
        message = "samples are drawn for batches, and a full batch has all of them, each once"
        report.error(
            "E0470", settings.span("sampling"), message, hints=("say how large a batch is: batch = 1",)
        )
    elif not settings.get("shuffle", truth, True):
        message = "samples that are drawn do not keep the order of the data"
        related = ((settings.span("shuffle"), "here it is to be kept"),)
        report.error(
            "E0470", settings.span("sampling"), message, related=related, hints=("leave out 'shuffle'",)
        )
    return True


def check_whole(statement: ast.Train, training: Training, report: Report) -> None:
    """An objective is not cut into batches."""
    if training.batch != "full":
        report.error(
            "E0517",
            next(s.span for s in statement.settings if s.name == "batch"),
            "an objective has no samples to cut into batches",
            hints=("leave it out: an iteration sees the whole objective",),
        )


def _maybe(reader: Reader[ast.Expr]) -> Reader[ast.Expr | None]:
    return reader


def _batch(samples: int | None) -> Reader[tuple[BatchMode, int]]:
    """`full`, a size, or `4 parts`."""

    def read(value: ast.Expr) -> tuple[BatchMode, int]:
        mode: BatchMode
        match value:
            case ast.Name("full"):
                return "full", 1
            case ast.Counted(parts, "parts" | "part"):
                mode, count = "parts", whole(1)(parts)
            case ast.Counted(count, "batch" | "batches"):
                text = f"so many batches are parts of the data, batch = {count.span.text} parts"
                raise Unfit(text, value.span, settled=True)
            case ast.Counted(_, unit) if unit.lower() not in SAMPLES:
                forms = f"'{unit}' is no unit here; a batch is full, a size such as 32, or '4 parts'"
                raise Unfit(forms, value.span, settled=True)
            case ast.Name():
                here = same_value(value.span.text, ("full",))
                what = "a batch is full, a size such as 32, or '4 parts'"
                raise Unfit(f"here it is called '{here}'" if here else what, value.span, settled=bool(here))
            case _:
                mode, count = "size", whole(1)(value)
        if samples is not None and count > samples:
            raise Unfit(f"there are only {samples} training samples", value.span, "E0503")
        return mode, count

    return read


def _check_criterion(
    criterion: ast.Expr,
    names: Mapping[str, Type],
    losses: frozenset[str],
    definitions: Definitions,
    report: Report,
) -> ast.Expr:
    """Checks the criterion; gives it with `theta` for `theta[n]` and `R(theta)` for a bare `R`."""

    def plain(expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Index(ast.Name("theta") as theta, ast.Name("n")):
                return theta
            case ast.Call(function):  # the function's name is no value
                return replace(rebuild(expr, plain), function=function)
            case ast.Name(id, span=span) if id in losses or id == "loss":
                return ast.Call(ast.Name("R"), (ast.Argument(None, ast.Name("theta", span=span)),), span=span)
        return rebuild(expr, plain)

    found = plain(criterion)
    known = {"theta": THETA, "n": SCALAR, "epoch": SCALAR, **names}
    if foreign := foreign_figure(criterion, {*known, *losses, "loss"}):
        figure, says = foreign
        message = joined(f"'{figure.span.text}' means nothing in a stop criterion", says)
        report.error("E0101", figure.span, message, hints=(f"known here: {', '.join(known)}",))
        return found
    Kinds(Scope("a stop criterion", known, definitions.activations, losses), report).condition(found)
    return found


def check_monitor(
    statement: ast.Monitor | None,
    optimizer: Optimizer | None,
    variables: tuple[str, ...],
    size: int,
    losses: frozenset[str],
    layers: tuple[str, ...],
    scheduled: Collection[str],
    definitions: Definitions,
    report: Report,
) -> Monitor:
    """`variables`: those of an objective; `size`: the number of parameters; `layers`: those that learn; `scheduled`: what
    follows a schedule."""
    if statement is None:
        return Monitor((ast.Name("loss"),), 0)
    named = tuple(s for s in statement.settings if s.name not in MONITORING)
    known = (losses, scheduled, definitions, report)
    watched = check_watched(named, optimizer, *known) if named and optimizer else ()
    settings = Settings(
        tuple(s for s in statement.settings if s.name in MONITORING), "monitor", MONITORING, report
    )
    figures = [
        ast.Name("loss") if isinstance(f, ast.Name) and f.id in losses else f for f in statement.figures
    ]
    others = [figure for figure in figures if print_expr(figure) not in FIGURES]
    shown = check_shown(others, optimizer, variables, size, losses, layers, report) if optimizer else ()
    (every, unit), history = (
        settings.get("every", _moments, AS_IT_FITS),
        settings.get("history", HISTORIES, AUTO),
    )
    return Monitor(tuple(figures) or (ast.Name("loss"),), every, unit, history, watched, shown)


def _moments(value: ast.Expr) -> tuple[int, Unit]:
    """`every = 10 steps`, `5 epochs`, `epoch`, `step`; a number alone counts epochs."""
    match value:
        case ast.Name("epoch" | "step" as unit):
            return 1, unit
        case ast.Counted(number, "epoch" | "epochs"):
            return whole(1)(number), "epoch"
        case ast.Counted(number, "step" | "steps" | "iteration" | "iterations"):
            return whole(1)(number), "step"
        case ast.Counted(number, "batch" | "batches" | "update" | "updates"):
            raise Unfit(f"a step is of one batch, every = {number.span.text} steps", value.span, settled=True)
        case ast.Counted() | ast.Name():
            forms = "it is a number of epochs or steps: 5 epochs, 10 steps, epoch, step"
            raise Unfit(forms, value.span, settled=True)
    return whole(1)(value), "epoch"


def batches(training: Training, samples: int) -> int:
    """The number of batches, m."""
    match training.batch:
        case "full":
            return 1
        case "parts":
            return training.count
        case "size":
            return math.ceil(samples / training.count)
