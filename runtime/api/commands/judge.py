"""`netc judge RUN [DATA]`: how good a trained model is, and on which samples it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_line import DONE
from netc.commands.predict import EXISTING, inputs_of_table, model_of

if TYPE_CHECKING:
    from netc.model import Model
    from netc.runtime.results.judgement import Judgement

SHOWN = 5
MOST_CLASSES = 20
"""Of a matrix that is printed."""


@click.command("judge")
@click.argument("run", type=EXISTING)
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option(
    "--part",
    type=click.Choice(["train", "validation", "test"]),
    help="Of the run's own data; by default the last.",
)
@click.option(
    "--number", type=click.IntRange(min=0), default=0, show_default=True, help="Which of several runs."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(run: Path, data: Path | None, part: str | None, number: int, as_json: bool) -> int:
    """Judge the model of the run's folder RUN by samples whose truth is known: those of its own data, or the table DATA
    with the target's column.

    Classes: accuracy, confusion matrix, and of probabilities the calibration errors: over 15 bins, over level sets, and the
    smooth one. Numbers: rmse, mean absolute error, bias, R2. Then the samples that are most wrong, least sure and most
    right; `netc plot` draws all that.
    """
    model = model_of(run, number)
    if data is not None and part is not None:
        raise click.UsageError("--part is of the run's own data: give it, or DATA")
    try:
        judged = model.judge(part=part) if data is None else _of_table(model, data)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo(json.dumps(_plain(judged)) if as_json else "\n".join(_told(run, judged)))
    return DONE


def _of_table(model: Model, data: Path) -> Judgement:
    x, beside = inputs_of_table(model, data, model.target_columns)
    columns = list(beside.values())
    if model.classes:
        labels: list[Any] = columns[0]
        if not isinstance(model.classes[0], str):
            labels = [_number(cell, model.target_columns[0]) for cell in labels]
        return model.judge(x, labels)
    numbers = [[_number(cell, name) for cell in cells] for name, cells in beside.items()]
    return model.judge(x, list(zip(*numbers, strict=True)))


def _number(cell: str, column: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"column '{column}' holds '{cell}', which is not a number") from None


def _plain(judged: Judgement) -> dict[str, Any]:
    found: dict[str, Any] = {"part": judged.part, "samples": len(judged), **judged.figures}
    if judged.probable:
        found["smooth_ece"] = judged.smooth_ece
    if judged.classes:
        found |= {"classes": list(judged.classes), "confusion": judged.confusion.tolist()}
        found["uncertain"] = judged.rows[judged.uncertain(SHOWN)].tolist()
    for name in ("worst", "best"):
        found[name] = judged.rows[getattr(judged, name)(SHOWN)].tolist()
    return found


def _told(run: Path, judged: Judgement) -> Iterator[str]:
    where = "the table" if judged.part == "given" else f"the {judged.part} part"
    yield f"{run}: {len(judged)} samples of {where}\n"
    figures = judged.figures | ({"smooth_ece": judged.smooth_ece} if judged.probable else {})
    width = max(map(len, figures))
    yield from (f"  {name:{width}}  {value:.4g}" for name, value in figures.items())
    if 1 < len(judged.classes) <= MOST_CLASSES:
        yield "\n  rows: the true class; columns: the one that is named"
        yield from _matrix(judged)
    yield ""
    chosen = {"most wrong": judged.worst(SHOWN), "most right": judged.best(SHOWN)}
    if judged.classes:
        chosen["least sure"] = judged.uncertain(SHOWN)
    for name, places in chosen.items():
        yield f"  {name}: " + "; ".join(_sample(judged, int(at)) for at in places)
    yield "  samples are counted from 0"


def _matrix(judged: Judgement) -> Iterator[str]:
    rows = [["", *judged.classes]]
    rows += [
        [label, *map(str, row)] for label, row in zip(judged.classes, judged.confusion.tolist(), strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))


def _sample(judged: Judgement, at: int) -> str:
    number = int(judged.rows[at])
    if not judged.classes:
        said, true = (", ".join(f"{x:.4g}" for x in a[at]) for a in (judged.outputs, judged.truth))
        return f"{number} ({said}, true {true})"
    said = judged.classes[int(judged.said[at])]
    sure = f" {100 * judged.scores[at].max():.0f} %" if judged.probable else ""
    return f"{number} ({said}{sure}, true {judged.classes[int(judged.truth[at])]})"
