"""`netc lsp`: the language server, for editors."""

from __future__ import annotations

import click

from netc.command_line import DONE

MISSING = 'the language server is made with pygls, which is not installed: pip install "netc[lsp]"'


@click.command("lsp")
def command() -> int:
    """Answer an editor over standard input and output, in the Language Server Protocol.

    Errors and warnings as one types, equations and sources of what is under the cursor, completion, formatting, and the way
    to definitions in the library. An editor starts it; `editors/vscode` is an extension for VS Code.
    """
    from importlib.util import find_spec

    if find_spec("pygls") is None:
        raise click.UsageError(MISSING)
    from netc.editors.language_server import make_server

    make_server().start_io()
    return DONE
