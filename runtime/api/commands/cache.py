"""`netc cache`: the compiled kernels on disk."""

from __future__ import annotations

import click

from netc.command_line import DONE
from netc.terminal import counted


@click.group("cache")
def command() -> None:
    """What is kept on disk, compiled kernels above all: NETC_CACHE, or netc's folder among the user's caches."""


@command.command("info")
def info() -> int:
    """Say where they are and how much they take."""
    from netc.runtime.devices.cache_folder import cache_info

    found = cache_info()
    click.echo(f"{found.folder}\n{counted(found.entries, 'module')}, {found.size / 2**20:.1f} MiB")
    return DONE


@command.command("clear")
def clear() -> int:
    """Remove them; they are compiled again when needed."""
    from netc.runtime.devices.cache_folder import cache_clear

    try:
        found = cache_clear()
    except OSError as error:
        raise click.UsageError(f"the cache cannot be cleared: {error}") from None
    click.echo(f"removed {counted(found.entries, 'module')}, {found.size / 2**20:.1f} MiB")
    return DONE
