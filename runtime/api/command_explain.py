"""`netc explain CODE`: the longer story of an error's code."""

from __future__ import annotations

import click

from netc.commands import DONE


@click.command("explain")
@click.argument("code")
def command(code: str) -> int:
    """Tell the story behind the CODE of an error, such as E0103."""
    from netc.dsl.codes import CODES
    from netc.dsl.names import nearest

    story = CODES.get(code.upper())
    if story is None:
        close = ", ".join(nearest(code.upper(), CODES)) or "E0001, E0103, ..."
        raise click.UsageError(f"there is no code '{code}'; there are {close}")
    click.echo(f"{code.upper()}: {story.title}\n\n{story.text.strip()}")
    return DONE
