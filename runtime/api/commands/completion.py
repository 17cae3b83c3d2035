"""`netc completion SHELL`: the script that makes a shell complete netc's commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from netc.command_line import COMPLETING, DONE, cli

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
    """Print the completion script for SHELL.

    For bash add to ~/.bashrc: eval "$(netc completion bash)"
    """
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "netc", COMPLETING).source())
    return DONE
