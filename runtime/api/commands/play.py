"""`netc play FILE`: a local page that shows training as it happens, with sliders for its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from netc.command_line import DONE
from netc.commands.options import NET_FILE, Assignment


@click.command("play")
@click.argument("file", type=NET_FILE)
@click.option("--set", "assignments", type=Assignment(), multiple=True,
              help="Another value for a hyper-parameter or a setting of train; may be repeated.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the page; by default a free one.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def command(file: Path, assignments: tuple[tuple[str, str], ...], port: int, opens: bool) -> int:
    """Show training as it happens: a page with curves and the network, buttons to run, step and reset, and sliders for the
    numbers of the rule and its schedules.

    The page is served to this machine alone, at an address that is printed. Ctrl-C ends it. Nothing is kept.
    """
    from netc.commands.run import read, warn
    from netc.play import Playground
    from netc.play.server import HOST, Server
    from netc.play.shown import frame

    click.echo("compiling ...", err=True)
    play = Playground(read(file), dict(assignments))
    warn(play.session, quiet=False)
    frame(play)  # what draws it is compiled, too
    try:
        server = Server(play, port)
    except OSError as error:
        raise click.UsageError(
            f"the page cannot be served at port {port} of {HOST}: {error.strerror or error}; "
            "--port NUMBER chooses another one, and without --port a free one is taken"
        ) from None
    with server:
        click.echo(server.address)
        click.echo("open this address in a browser of this machine; Ctrl-C ends it", err=True)
        if opens:
            import webbrowser

            webbrowser.open(server.address)
        serve(server)
    return DONE


def serve(server: Any) -> None:
    """Until Ctrl-C."""
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("ended", err=True)
