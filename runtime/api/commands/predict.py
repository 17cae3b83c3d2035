"""`netc predict RUN DATA`: a table of predictions, in raw units or classes with their probabilities."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_line import DONE

if TYPE_CHECKING:
    from netc.model import Model

EXISTING = click.Path(exists=True, path_type=Path)


@click.command("predict")
@click.argument("run", type=EXISTING)
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="A file for the table; else it is printed."
)
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="Copy this column of DATA, such as a name; may be repeated.",
)
@click.option(
    "--number", type=click.IntRange(min=0), default=0, show_default=True, help="Which of several runs."
)
@click.option("--ensemble", is_flag=True, help="The members of the file's 'ensemble' answer together.")
def command(
    run: Path, data: Path, out: Path | None, keep: tuple[str, ...], number: int, ensemble: bool
) -> int:
    """Predict the rows of DATA, a table as `data` reads it, with the model of the run's folder RUN.

    RUN may be a file that `model.save` has written. The columns of DATA are found by their names; that of the target may
    stand among them, and any other where the file says which columns are its `inputs`. A network that learned numbers
    gives these, in the units of the training data; one that learned classes gives the likeliest class and what each
    output says. The table is CSV. With --ensemble RUN is the folder of a training of several runs or phases, or of a
    sweep over folds, of which those of the best point answer.
    """
    model = model_of(run, number, ensemble)
    try:
        text = _csv(table(model, data, keep, ensemble))
    except ValueError as error:
        if not ensemble:
            raise
        raise click.UsageError(f"--ensemble: {error}") from None
    if out is None:
        click.echo(text, nl=False)
    else:
        write(out, text.encode())
    return DONE


def model_of(run: Path, number: int = 0, ensemble: bool = False) -> Model:
    """Raises UsageError where it is none."""
    from netc.model import load

    try:
        return load(run, number, ensemble=ensemble)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"'{run}' cannot be read: {error.strerror or error}") from None


def write(out: Path, content: bytes) -> None:
    """Raises UsageError where it cannot be written."""
    from netc.runtime.atomic import write_bytes

    try:
        write_bytes(out, content)
    except OSError as error:
        raise click.UsageError(f"'{out}' cannot be written: {error.strerror or error}") from None


def table(model: Model, data: Path, keep: Sequence[str], ensemble: bool = False) -> Iterator[Sequence[Any]]:
    """The head and the rows. Raises DataError."""
    x, beside = inputs_of_table(model, data, keep)
    heads, columns = _predictions(model, x, ensemble)
    yield [*beside, *heads]
    yield from zip(*beside.values(), *columns, strict=True)


def inputs_of_table(model: Model, data: Path, keep: Sequence[str]) -> tuple[Any, dict[str, list[str]]]:
    """(N, inputs) raw, and the columns `keep` as texts. Raises DataError, and UsageError of a model without inputs."""
    from netc.runtime.data.to_predict import Wanted, inputs_to_predict

    session = model._session
    if session.spec.network is None:
        raise click.UsageError("the run is of an objective: it has no inputs and outputs")
    if (known := session.known) is None:
        raise click.UsageError("the run has no data, so it names no columns")
    spec, gaps = session.spec.data, known.fill is not None
    unread = (*known.target_columns, spec.weights)
    wanted = Wanted(known.columns, known.named, bool(spec.inputs), unread, gaps, spec.style)
    return inputs_to_predict(data, wanted, keep)


def _predictions(model: Model, x: Any, ensemble: bool) -> tuple[list[str], list[list[Any]]]:
    """Names and columns: the numbers; or the class, and of each class what its output says."""
    outputs = model.predict(x, ensemble=ensemble)
    if not model.classes:
        heads = list(model.target_columns)
        if len(heads) != outputs.shape[1]:
            heads = [f"output{i + 1}" for i in range(outputs.shape[1])]
        return heads, [column.tolist() for column in outputs.T]
    (target,) = model.target_columns
    if ensemble and _votes(model):  # which decides where votes are equal, they do not say
        likeliest, (names, columns) = model.predict(x, labels=True, ensemble=True), _by_votes(model, outputs)
    else:
        likeliest, (names, columns) = (
            model._session.targets.labels_of(outputs),
            outputs_by_class(model, outputs),
        )
    return [target, *names], [likeliest.tolist(), *(column.tolist() for column in columns)]


def _votes(model: Model) -> bool:
    spec = model._folds.spec if model._folds else model._session.spec.ensemble
    return spec is not None and spec.by == "vote"


def _by_votes(model: Model, outputs: Any) -> tuple[list[str], list[Any]]:
    """`votes(yes)`: the share of the votes."""
    columns = list(outputs.T)
    if len(columns) == 1:
        columns = [1 - columns[0], *columns]
    return [f"votes({label})" for label in model.classes], columns


def outputs_by_class(model: Model, outputs: Any) -> tuple[list[str], list[Any]]:
    """`probability(yes)` where the last activation gives one, else `score(yes)`."""
    from netc.runtime.training.loss_targets import PROBABILITIES

    network = model._session.spec.network
    assert network is not None
    activations = network.activations
    last = activations[-1].definition.name if activations else "lin"
    classes, columns = [str(label) for label in model.classes], list(outputs.T)
    word = "probability" if last == "softmax" else "score"
    if len(columns) == 1:
        word = "probability" if last in PROBABILITIES else "score"
        columns, classes = (
            ([1 - columns[0], *columns], classes) if word == "probability" else (columns, classes[1:])
        )
    return [f"{word}({label})" for label in classes], columns


def _csv(rows: Iterator[Sequence[Any]]) -> str:
    """Numbers so that they are read back to the same bits."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
