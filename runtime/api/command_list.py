"""`netc list [KIND]`: what netc knows, as it stands in the library: with its equations."""

from __future__ import annotations

from collections.abc import Iterator

import click

from netc.commands import DONE
from netc.terminal import paint

KINDS = {
    "activations": "activation",
    "layers": "layer",
    "clips": "clip",
    "losses": "loss",
    "inits": "init",
    "optimizers": "optimizer",
    "searches": "search",
    "schedules": "schedule",
}


@click.command("list")
@click.argument("kind", required=False, type=click.Choice([*KINDS, "data"]))
def command(kind: str | None) -> int:
    """List activations, layers, clips, losses, inits, optimizers, searches, schedules or data sets, with equations.

    Without KIND, the names of all.
    """
    lines = _names() if kind is None else data_sets() if kind == "data" else _definitions(KINDS[kind])
    click.echo("\n".join(lines))
    return DONE


def _names() -> Iterator[str]:
    from netc.dsl import library
    from netc.runtime.data.named_sets import SETS

    listed = {kind: library.names(word) for kind, word in KINDS.items()} | {"data": list(SETS)}
    for kind, names in listed.items():
        yield paint(kind, bold=True)
        for group in _groups(names):
            yield from _wrapped(group)
    yield ""
    yield "`netc list KIND` shows the equations."


def _groups(names: list[str]) -> list[list[str]]:
    """netc's own names, then those of each library together."""
    from netc.dsl import library

    libraries: dict[str, list[str]] = {stem: [] for stem in ["", *library.libraries()]}
    for name in names:
        stem = name.split(".")[0]
        libraries[stem if stem in libraries else ""].append(name)
    return [group for group in libraries.values() if group]


def _wrapped(names: list[str], width: int = 96) -> Iterator[str]:
    line = " "
    for i, name in enumerate(names):
        piece = f" {name}" + ("," if i + 1 < len(names) else "")
        if len(line) + len(piece) > width:
            yield line
            line = " "
        line += piece
    yield line


def _definitions(kind: str) -> Iterator[str]:
    """As they are written in the library, with the comment above them."""
    from netc.dsl import library

    names = [name for group in _groups(library.names(kind)) for name in group]
    for name in names:
        written = library.text(kind, name).rstrip().splitlines()
        while not written[-1].strip() or written[-1].startswith("#"):
            written.pop()  # the comment above the next one
        for line in library.comment(kind, name).splitlines():
            yield paint(f"# {line}", dim=True)
        yield from written
        yield ""


def data_sets() -> Iterator[str]:
    from netc.runtime.data.named_sets import describe

    for known in describe():
        state = known.how if known.available else f"not here: {known.how}"
        yield f"{paint(known.name, bold=True)}  {known.title}"
        yield f"    {known.size}, target {known.target}; {state}"
        yield paint(f"    {known.origin}; {known.licence}", dim=True)
        if known.note:
            yield paint(f"    {known.note}", dim=True)
