"""`augment shift(2), flip, blur until 40`: what is done to the training samples anew in every epoch. Draws nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netc.compiler.check.parts.settings import Unfit, whole
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve_values import NotANumber
from netc.compiler.meaning.spec import Augmentation, Loss, Network, Training
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr


@dataclass(frozen=True)
class Operation:
    parameter: str
    default: float | None
    """None: it must be given."""
    fits: Callable[[float], bool]
    needs: str
    """What `fits` asks for."""
    of_images: bool = True


OPERATIONS: Mapping[str, Operation] = {
    "shift": Operation(
        "pixels", None, lambda v: v >= 1 and v.is_integer(), "a whole number of pixels from 1 on"
    ),
    "flip": Operation("", None, lambda v: True, ""),
    "rotate": Operation("degrees", None, lambda v: 0 < v <= 180, "an angle above 0 and up to 180 degrees"),
    "blur": Operation("sigma", 1.0, lambda v: 0 < v <= 100, "a deviation above 0 and up to 100 pixels"),
    "noise": Operation("sigma", None, lambda v: v > 0, "a deviation above 0", of_images=False),
    "mixup": Operation("alpha", None, lambda v: 0 < v <= 1, "a number above 0 and up to 1", of_images=False),
}


def check_augment(
    statement: ast.Augment | None,
    network: Network | None,
    loss: Loss | None,
    training: Training,
    report: Report,
) -> tuple[Augmentation, ...]:
    if statement is None:
        return ()
    found = [a for piece in statement.pieces if (a := _operation(piece, report)) is not None]
    if network is None:
        report.error("E0474", statement.span, "an objective has no samples to change")
        return ()
    if training.target == "cuda":
        message = "samples are changed between epochs, by the CPU: such a training stays there"
        report.error("E0474", statement.span, message, hints=("leave out 'target = cuda'",))
    if training.stop is not None or training.diverged is not None:
        message = "'stop' and 'diverged' test the loss of all samples, which are others in every epoch"
        hints = ("stop = no gain in loss(validation) for 20 epochs",)
        report.error("E0474", statement.span, message, hints=hints)
    for one in found:
        if one.name == "mixup" and loss and loss.targets and loss.targets.values:
            name = loss.definition.name
            message = (
                f"mixup gives targets between those of two samples, and '{name}' takes a few values only"
            )
            report.error(
                "E0474", one.span, message, hints=("cross_entropy and the losses of numbers take all",)
            )
    return tuple(found)


def _operation(piece: ast.Piece, report: Report) -> Augmentation | None:
    call = piece.value
    function, arguments = (call.function, call.arguments) if isinstance(call, ast.Call) else (call, ())
    name = function.id if isinstance(function, ast.Name) else ""
    row = OPERATIONS.get(name)
    if row is None:
        hints = did_you_mean(name, OPERATIONS) or (f"there are {', '.join(OPERATIONS)}",)
        shown = name or print_expr(call)
        report.error("E0474", call.span, f"'{shown}' is nothing that can be done to samples", hints=hints)
        return None
    default = None if row.default is None else ast.Number(row.default)
    parameters = (ast.Parameter(row.parameter, default),) if row.parameter else ()
    before = report.errors
    values = bind(parameters, arguments, call.span, f"'{name}'", report)
    for parameter, value in values:
        if not row.fits(value):
            report.error("E0474", call.span, f"{name}({value:g}): '{parameter}' is {row.needs}")
    until = _until(piece, report)
    return None if report.errors > before else Augmentation(name, values, until, row.of_images, call.span)


def _until(piece: ast.Piece, report: Report) -> float:
    if piece.until is None:
        return math.inf
    try:
        return float(whole(1)(piece.until))
    except (Unfit, NotANumber):
        report.error("E0474", piece.until.span, "'until' is a whole number of epochs, at least 1")
        return math.inf
