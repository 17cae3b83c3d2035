"""`netc data`: which data sets there are, and fetching those that are not part of netc."""

from __future__ import annotations

from pathlib import Path

import click

from netc.commands import DONE


@click.group("data")
def command() -> None:
    """Data sets: list them, fetch them."""


@command.command("list")
def list_sets() -> int:
    """List the named data sets, and whether they are here."""
    from netc.command_list import data_sets

    click.echo("\n".join(data_sets()))
    return DONE


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
