"""`netc data`: which data sets there are, how a file's data are read, and fetching those that are not part of netc."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_line import DONE
from netc.commands.options import NET_FILE

if TYPE_CHECKING:
    from netc.runtime.data.dataset import Dataset
    from netc.runtime.program_file import File
    from netc.runtime.session import Session

MOST = 40
"""Columns that are shown one by one."""
SAMPLES = 8
"""Of a batch, and columns of each, that are listed."""


@click.group("data")
def command() -> None:
    """Data sets: list them, fetch them; how a file's data are read."""


@command.command("list")
def list_sets() -> int:
    """List the named data sets, and whether they are here."""
    from netc.commands.list import data_sets

    click.echo("\n".join(data_sets()))
    return DONE


@command.command("show")
@click.argument("file", type=NET_FILE)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--batch", "batch", is_flag=True, help="Also the samples of a batch.")
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), metavar="IMAGE",
              help="Draw a batch of images into this .png, .svg or .pdf.")  # fmt: skip
def show(file: Path, as_json: bool, batch: bool, picture: Path | None) -> int:
    """Say how the data of FILE, a .net file or a table, are read: header, separator, columns, classes, split.

    Nothing is trained. Errors in what is not about the data are left to `netc check`.
    """
    from netc.compiler import pipeline
    from netc.runtime.data.before import class_table, twice
    from netc.runtime.data.told import told
    from netc.runtime.program_file import read_data_alone

    parsed = _parsed(file)
    data = read_data_alone(parsed)
    if data is None:
        raise click.UsageError(f"'{file}' names no data: its arrays come from Python")
    session = _session(parsed, data)
    classes: Sequence[object] = session.targets.classes if session else data.labels if data.text else ()
    lines = told(data, pipeline.to_data_spec(parsed.program, parsed.folder), classes)
    again = list(twice(data))
    if picture is not None:
        _draw(picture, data, session, classes)
    if as_json:
        lines_by_name = dict(lines) | ({"twice": "; ".join(again)} if again else {})
        more = {"parameters": session.spec.parameters} if session else {}
        click.echo(json.dumps(_plain(data, classes, lines_by_name) | more))
        return DONE
    lines += [("twice", text) for text in again]
    if session is not None:
        lines.append(("network", f"{session.spec.parameters} parameters"))
    for label, text in lines:
        click.echo(f"{label:9} {text}")
    tables = [class_table(data, classes), _columns(data), _batch(data, session, classes) if batch else []]
    for table in tables:
        if table:
            click.echo("")
            _print(table)
    return DONE


def _session(parsed: File, data: Dataset) -> Session | None:
    """The whole file, where nothing else is wrong with it."""
    from netc.dsl.diagnostics import SpecError
    from netc.runtime.data.errors import DataError
    from netc.runtime.opening import open_session

    try:
        return open_session(parsed, {}, data)
    except DataError:
        raise
    except SpecError:
        return None


def _rows(data: Dataset, session: Session | None) -> list[int]:
    """Of a batch of the training, or of SAMPLES."""
    from netc.compiler.check.training.train import batches
    from netc.runtime.data.before import a_batch

    if session is None:
        return list(map(int, a_batch(data, SAMPLES, 0, False)))
    training, samples = session.spec.training, len(data.train)
    size = -(-samples // batches(training, samples))
    shuffled = training.shuffle and training.batch != "full"
    return list(map(int, a_batch(data, size, training.seed, shuffled)))


def _target(data: Dataset, row: int, classes: Sequence[object]) -> str:
    if classes:
        return str(classes[data.codes[row]])
    return ", ".join(f"{number:.4g}" for number in data.y[row, :SAMPLES])


def _batch(data: Dataset, session: Session | None, classes: Sequence[object]) -> list[tuple[str, ...]]:
    """Some samples of a batch, raw."""
    rows = _rows(data, session)
    names = data.input_names[:SAMPLES]
    more = ("...",) if len(data.input_names) > SAMPLES else ()
    table = [(f"batch of {len(rows)}", *names, *more, ", ".join(data.target_names[:SAMPLES]))]
    for row in rows[:SAMPLES]:
        numbers = (f"{number:.4g}" for number in data.x[row, :SAMPLES])
        table.append((f"sample {row}", *numbers, *(("",) if more else ()), _target(data, row, classes)))
    return [*table, ("...", *[""] * (len(table[0]) - 1))] if len(rows) > SAMPLES else table


def _draw(path: Path, data: Dataset, session: Session | None, classes: Sequence[object]) -> None:
    from netc.commands.plot import need_matplotlib

    need_matplotlib()
    from netc.runtime.judging import image_shape
    from netc.runtime.pictures.batch import MOST_IMAGES, batch
    from netc.runtime.pictures.style import style

    network = session.spec.network if session else None
    shape = image_shape(network.input if network else (), data.input_names)
    if not shape:
        raise click.UsageError("the inputs are no images; --batch lists the samples of a batch")
    form = path.suffix.removeprefix(".")
    if form not in ("png", "svg", "pdf"):
        raise click.UsageError(f"'{path}' is no picture: .png, .svg or .pdf")
    rows = _rows(data, session)
    targets = [_target(data, row, classes) for row in rows[:MOST_IMAGES]]
    title = (
        f"{len(targets)} of the {len(rows)} samples of a batch"
        if len(rows) > len(targets)
        else f"a batch of {len(rows)}"
    )
    try:
        with style("screen", None):
            figure = batch(data.x[rows[:MOST_IMAGES]].reshape(-1, *shape), targets, title, data.source)
            figure.savefig(path, format=form)
    except OSError as error:
        raise click.UsageError(f"cannot write to '{path}': {error.strerror or error}") from None


def _parsed(file: Path) -> File:
    from netc.commands.run import read
    from netc.runtime.program_file import read_text

    if file.suffix == ".net":
        parsed: File = read(file)
        return parsed
    return read_text(f'data "{file.name}"\n', str(file), file.absolute().parent)


def _plain(data: Dataset, classes: Sequence[object], lines: dict[str, str]) -> dict[str, Any]:
    import numpy as np

    held = np.bincount(data.codes, minlength=len(classes)).tolist() if classes else []
    return {
        **lines,
        "samples": {
            "train": len(data.train),
            **({"validation": len(data.validation)} if len(data.validation) else {}),
            "test": len(data.test),
        },
        "columns": list(data.input_names),
        "target_columns": list(data.target_names),
        "classes": dict(zip(map(str, classes), held, strict=True)),
        "sha256": data.digest,
    }


def _columns(data: Dataset) -> list[tuple[str, ...]]:
    from netc.runtime.data.told import columns

    rows: list[tuple[str, ...]] = [("", "column", "range", "mean", "deviation"), *columns(data)]
    return [*rows[:MOST], ("", "...", "", "", "")] if len(rows) > MOST + 1 else rows


def _print(table: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        click.echo("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


@command.command("get")
@click.argument("name")
@click.option("--from", "source", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Take the files from this folder, not from the network.")  # fmt: skip
@click.option("--to", "destination", type=click.Path(file_okay=False, path_type=Path),
              help="Another folder than NETC_DATA or the user's data folder.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No messages but errors.")
def get(name: str, source: Path | None, destination: Path | None, quiet: bool) -> int:
    """Bring the data set NAME (mnist, fashion_mnist) to this machine, checked by its checksums."""
    from netc.runtime.data import get as data_get

    def progress(file: str) -> None:
        if not quiet:
            click.echo(file, err=True)

    brought = data_get.get(name, source_folder=source, destination=destination, progress=progress)
    click.echo(f"{name} is in {brought.folder}")
    return DONE
