"""`netc examples [DIR]`: copies the examples beside the user."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click

from netc.command_line import DONE

SHIPPED = Path(__file__).parents[1] / "examples"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py[co]", "runs", "data")


@click.command("examples")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("examples"))
def command(folder: Path) -> int:
    """Copy the examples into the new folder DIR, by default `examples` here: the files of the documents and of the lectures,
    each with what is expected of it.

    What is there already is not touched. `netc run DIR/boston.net` trains the first; `netc reproduce DIR` judges all.
    """
    if os.path.lexists(folder):
        raise click.UsageError(f"'{folder}' is there already: name a folder that is not, netc examples DIR")
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        # Whole or not there: a copy that ends half-way leaves no folder of that name.
        with tempfile.TemporaryDirectory(prefix=".netc-", dir=folder.absolute().parent) as place:
            made = Path(shutil.copytree(SHIPPED, Path(place) / "examples", ignore=LEFT_OUT))
            made.rename(folder)
    except OSError as error:
        raise click.UsageError(f"'{folder}' cannot be written: {error.strerror or error}") from None
    count = sum(1 for _ in folder.rglob("*.net"))
    click.echo(f"{folder}: {count} examples; begin with: netc run {folder / 'boston.net'}")
    return DONE
