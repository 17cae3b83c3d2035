"""`netc list [KIND [NAME...]]`: what netc knows, a line each, or as it stands in the library, with its equations."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence

import click

from netc.command_line import DONE
from netc.terminal import paint

KINDS = {
    "activations": "activation",
    "layers": "layer",
    "blocks": "block",
    "clips": "clip",
    "losses": "loss",
    "inits": "init",
    "optimizers": "optimizer",
    "searches": "search",
    "attacks": "attack",
    "schedules": "schedule",
}


WIDTH = 110
"""Columns of a line where no terminal says how many there are."""


@click.command("list")
@click.argument("kind", required=False, type=click.Choice([*KINDS, "data"]))
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--full", is_flag=True, help="The whole definitions, with their equations and sources.")
def command(kind: str | None, words: tuple[str, ...], full: bool) -> int:
    """List activations, layers, blocks, clips, losses, inits, optimizers, searches, attacks, schedules or data sets.

    A line each; without KIND, the names of all. WORDs are parts of names, in any case: `netc list optimizers adam`
    shows those with adam in their name.
    """
    if kind == "data" and words:
        raise click.UsageError("the data sets are few: `netc list data` shows them all")
    if kind is None or kind == "data":
        lines = _names() if kind is None else data_sets()
    else:
        names = _chosen(KINDS[kind], words)
        lines = definitions(KINDS[kind], names) if full else _heads(KINDS[kind], names)
    _show("\n".join(lines))
    return DONE


def _show(text: str) -> None:
    """With a pager where it is longer than the terminal."""
    if sys.stdout.isatty() and text.count("\n") >= shutil.get_terminal_size().lines:
        click.echo_via_pager(text)
    else:
        click.echo(text)


def _chosen(kind: str, words: Sequence[str]) -> list[str]:
    """Names with all words in them, netc's own first. UsageError where there is none."""
    from netc.dsl import library
    from netc.dsl.names import nearest

    names = [name for group in _groups(library.names(kind)) for name in group]
    found = [name for name in names if all(word.lower() in name.lower() for word in words)]
    if not found:
        stems = {name.rpartition(".")[2] for name in names} | {*names}
        near = ", ".join(near for word in words for near in nearest(word, stems))
        hint = f"; near it: {near}" if near else ""
        raise click.UsageError(f"no {kind} has '{' '.join(words)}' in its name{hint}")
    return found


def _heads(kind: str, names: Sequence[str]) -> Iterator[str]:
    """The name with its parameters, and what a line of the definition says: the value, or the source."""
    from netc.compiler.meaning.layer_families import head as layer_head
    from netc.dsl import library

    wide = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
    for name in names:
        lines = library.text(kind, name).rstrip().splitlines()
        head = lines[0].removeprefix(f"{kind} ").removesuffix(":").partition(", source =")[0]
        if kind in ("layer", "block"):
            head = layer_head(name)
        source = next(
            (line.partition('"')[2].rstrip('"') for line in lines if "source" in line and '"' in line),
            " ".join(library.comment(kind, name).split()) if kind == "block" else "",
        )
        told = head if kind in ("activation", "loss", "clip", "init") or not source else f"{head}  {source}"
        yield told if len(told) <= wide else f"{told[: wide - 3]}..."


def _names() -> Iterator[str]:
    from netc.dsl import library
    from netc.runtime.data.named_sets import SETS

    listed = {kind: library.names(word) for kind, word in KINDS.items()} | {"data": list(SETS)}
    for kind, names in listed.items():
        yield paint(kind, bold=True)
        for group in _groups(names):
            yield from _wrapped(group)
    yield ""
    yield "`netc list KIND [WORD]` shows a line of each, with --full the equations."


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


def definitions(kind: str, names: Sequence[str]) -> Iterator[str]:
    """As they are written in the library, with the comment above them."""
    from netc.dsl import library

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
