"""`netc fmt FILE...`: the canonical layout, in place; comments stay."""

from __future__ import annotations

from pathlib import Path

import click

from netc.command_line import DONE, WRONG_FILE
from netc.commands.options import NET_FILE
from netc.dsl.visible import visible


@click.command("fmt")
@click.argument("files", type=NET_FILE, nargs=-1, required=True)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit with 1 if a file would.")
@click.option("--unicode", is_flag=True, help="Write θ, η, ∇ and ·, not theta, eta, grad and *.")
def command(files: tuple[Path, ...], only_check: bool, unicode: bool) -> int:
    """Bring FILES into canonical layout."""
    from netc.commands.run import read
    from netc.dsl.diagnostics import SpecError
    from netc.dsl.format import format_program
    from netc.runtime.atomic import write_text

    status = DONE
    for file in files:
        try:
            parsed = read(file)
        except SpecError as error:
            click.echo(str(error), err=True)
            status = WRONG_FILE
            continue
        text = format_program(parsed.program, parsed.source, unicode=unicode)
        if text == parsed.source.text:
            continue
        if only_check:
            click.echo(f"{visible(str(file))}: would be changed")
            status = WRONG_FILE
            continue
        try:
            write_text(file.resolve(), text)
        except OSError as error:
            raise click.UsageError(f"'{file}' cannot be written: {error.strerror}") from None
        click.echo(f"{visible(str(file))}: changed")
    return status
