"""`netc check FILE...`: all errors of all files, and nothing is run. Imports no numba."""

from __future__ import annotations

from pathlib import Path

import click

from netc.command_line import DONE, WRONG_DATA, WRONG_FILE, status_of
from netc.commands.options import NET_FILE
from netc.dsl.visible import visible

NOT_AT_HAND = {"E0601", "E0605", "E0606"}
"""The data are missing on this machine; the file may be right all the same."""


@click.command("check")
@click.argument("files", type=NET_FILE, nargs=-1, required=True)
@click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
def command(files: tuple[Path, ...], quiet: bool) -> int:
    """Parse, resolve and type-check FILES; run nothing.

    Sizes are compared with the data where these are on this machine.
    """
    found = [_check(file, quiet) for file in files]
    return next((status for status in (WRONG_FILE, WRONG_DATA) if status in found), DONE)


def _check(file: Path, quiet: bool) -> int:
    from netc.dsl.diagnostics import SpecError

    try:
        note = _checked(file)
    except SpecError as error:
        click.echo(str(error), err=True)
        return status_of(error)
    if not quiet:
        click.echo(f"{visible(str(file))}: ok{note}")
    return DONE


def _checked(file: Path) -> str:
    """A note on what could not be checked. Raises SpecError."""
    from netc.commands.run import read
    from netc.compiler.check.training.counts import wrong_counts
    from netc.compiler.pipeline import to_warnings
    from netc.dsl.diagnostics import SpecError, render
    from netc.runtime import opening, program_file

    parsed = read(file)
    note = ""
    try:
        data = program_file.read_data(parsed)
    except SpecError as error:
        if not all(d.code in NOT_AT_HAND for d in error.diagnostics):
            raise
        data, note = None, ", but its data are not on this machine"
        if program_file.known_facts(parsed) is None:
            note += ", so sizes were not compared with them"
    spec = program_file.check(parsed, None, {}) if note else opening.open_session(parsed, {}, data).spec
    if wrong := list(wrong_counts(spec)):
        raise SpecError(wrong)
    if warnings := to_warnings(spec):
        click.echo(render(warnings), err=True)
    return note
