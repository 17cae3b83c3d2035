"""`netc data`: which data sets there are, how a file's data are read, and fetching those that are not part of netc."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_line import DONE
from netc.commands.options import NET_FILE

if TYPE_CHECKING:
    from netc.runtime.data.dataset import Dataset
    from netc.runtime.session import File

MOST = 40
"""Columns that are shown one by one."""


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
def show(file: Path, as_json: bool) -> int:
    """Say how the data of FILE, a .net file or a table, are read: header, separator, columns, classes, split.

    Nothing is trained. Errors in what is not about the data are left to `netc check`.
    """
    from netc.compiler import pipeline
    from netc.runtime.data.told import told
    from netc.runtime.session import read_data

    parsed = _parsed(file)
    data = read_data(parsed)
    if data is None:
        raise click.UsageError(f"'{file}' names no data: its arrays come from Python")
    classes = _classes(parsed, data)
    lines = told(data, pipeline.to_data_spec(parsed.program, parsed.folder), classes)
    if as_json:
        click.echo(json.dumps(_plain(data, classes, dict(lines))))
        return DONE
    for label, text in lines:
        click.echo(f"{label:9} {text}")
    click.echo("")
    for line in _columns(data):
        click.echo(line)
    return DONE


def _parsed(file: Path) -> File:
    from netc.commands.run import read
    from netc.runtime.session import read_text

    if file.suffix == ".net":
        parsed: File = read(file)
        return parsed
    return read_text(f'data "{file.name}"\n', str(file), file.absolute().parent)


def _classes(parsed: File, data: Dataset) -> Sequence[object]:
    """As the network and the loss take the target; without them only text is certain to be classes."""
    from netc.dsl.diagnostics import SpecError
    from netc.runtime.data.errors import DataError
    from netc.runtime.session import open_session

    try:
        return open_session(parsed, {}, data).targets.classes
    except DataError:
        raise
    except SpecError:
        return data.labels if data.text else ()


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


def _columns(data: Dataset) -> Iterator[str]:
    from netc.runtime.data.told import columns

    rows = [("", "column", "range", "mean", "deviation"), *columns(data)]
    cut = [*rows[:MOST], ("", "...", "", "", "")] if len(rows) > MOST + 1 else rows
    widths = [max(len(row[i]) for row in cut) for i in range(5)]
    for row in cut:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


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
