"""What an editor asks about a text that may be half written: what is wrong, what a word means, where it is defined, what can
follow, the canonical layout. Knows no protocol (`language_server.py`); runs and trains nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from netc.compiler import pipeline
from netc.compiler.check.data import data as data_settings
from netc.compiler.check.several import sweep as sweep_settings
from netc.compiler.check.training import train as train_settings
from netc.dsl import ast, library
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.format import format_program
from netc.dsl.names import canonical
from netc.dsl.source import Source, Span
from netc.dsl.stories.codes import CODES
from netc.dsl.tokens import RESERVED, STATEMENTS
from netc.editors.highlight import FUNCTIONS
from netc.runtime import opening, program_file

Sort = Literal["keyword", "definition", "setting", "function"]
WORD = re.compile(r"[\w.]+")
HEAD = re.compile(rf"^({'|'.join(library.KINDS)}|objective)[ \t]+([\w.]+)", re.MULTILINE)
MONITORED = ("loss", "accuracy", "r2", "norm(grad R)", "norm(theta)", "every", "history")
SETTINGS = {
    "data": data_settings.SETTINGS,
    "train": train_settings.SETTINGS,
    "sweep": sweep_settings.SETTINGS,
    "monitor": MONITORED,
}
OFFERED = {
    "network": ("activation", "layer", "block"),
    "optimizer": ("optimizer", "clip", "search"),
    "loss": ("loss",),
    "init": ("init",),
    "schedule": ("schedule",),
}
"""Kinds of definitions that a statement uses."""


@dataclass(frozen=True)
class Offer:
    """Something that can stand here."""

    word: str
    sort: Sort
    about: str = ""


def diagnostics(text: str, path: Path, with_data: bool) -> list[Diagnostic]:
    """All that is wrong with the text of the file `path`, and its warnings; `with_data`: compared with its data."""
    try:
        file = program_file.read_text(text, str(path), path.parent)
        data = program_file.read_data(file) if with_data else None
        if data is not None:
            return list(pipeline.to_warnings(opening.open_session(file, {}, data).spec))
        return list(pipeline.to_warnings(program_file.check(file, None, {})))
    except SpecError as error:
        return list(error.diagnostics)


def formatted(text: str, path: Path) -> str | None:
    """None where it cannot be parsed."""
    try:
        file = program_file.read_text(text, str(path), path.parent)
    except SpecError:
        return None
    return format_program(file.program, file.source)


def word_at(text: str, at: int) -> tuple[str, int, int]:
    """The word around a place, with the dots of its library, and where it stands; an empty one between words."""
    for match in WORD.finditer(text):
        if match.start() <= at <= match.end():
            word = match[0].rstrip(".")
            return word, match.start(), match.start() + len(word)
    return "", at, at


def hover(text: str, at: int) -> str:
    """Markdown: the equations of what the word names, with their sources; the story of a code. Empty where there is none."""
    word, _, _ = word_at(text, at)
    if word in CODES:
        return f"**{word}: {CODES[word].title}**\n\n{CODES[word].text.strip()}"
    own = _own(text, word)
    if own is not None:
        return _fenced(own.text)
    parts = []
    for kind in library.KINDS:
        if library.lookup(kind, word) is not None:
            comment = library.comment(kind, word)
            parts.append(f"{comment}\n\n{_fenced(library.text(kind, word))}".strip())
    family = library.variants("optimizer", word) if word else []
    if family and not parts:
        parts.append(f"a family of rules: {', '.join(family)}")
    return "\n\n".join(parts)


def definition(text: str, path: Path, at: int) -> tuple[Path, Span] | None:
    """Where the word is defined: in the text, or in the library."""
    word, _, _ = word_at(text, at)
    own = _own(text, word)
    if own is not None:
        return path, own
    for kind in library.KINDS:
        if library.lookup(kind, word) is not None:
            span = library.place(kind, word)
            return library.path_of(span.source), span
    return None


def _own(text: str, word: str) -> Span | None:
    """Of a definition in the text itself, as far as the next line at the margin."""
    for head in HEAD.finditer(text):
        if word and canonical(head[2]) == canonical(word) and _defines(text, head.end()):
            below = re.compile(r"^[^\s#]", re.MULTILINE).search(text, head.end())
            return Span(Source("<text>", text), head.start(), below.start() if below else len(text))
    return None


def _defines(text: str, at: int) -> bool:
    """Whether the rest of the line makes this a definition, not a use: `(z) = ...`, or a colon at its end."""
    line = text[at : text.find("\n", at) if "\n" in text[at:] else len(text)].split("#")[0].rstrip()
    return line.endswith(":") or bool(re.match(r"\s*\([^)]*\)\s*=", line))


def _fenced(text: str) -> str:
    return f"```netc\n{text.rstrip()}\n```"


def completion(text: str, at: int) -> list[Offer]:
    """What can stand at a place, by the statement that it is in and the brackets that are open."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    before = (
        WORD.sub("", line[::-1], count=1)[::-1] if line and (line[-1].isalnum() or line[-1] in "._") else line
    )
    statement = _statement(text, at)
    if not before.strip() and not before[:1].isspace():
        return [Offer(word, "keyword") for word in STATEMENTS]
    return list({offer.word: offer for offer in _inside(text, statement, before)}.values())


def _statement(text: str, at: int) -> str:
    """The keyword of the statement around a place."""
    for line in reversed(text[:at].splitlines() or [""]):
        if line[:1].isalpha():
            return line.split()[0].rstrip(":")
    return ""


def _inside(text: str, statement: str, before: str) -> Iterator[Offer]:
    call = re.search(r"([\w.]+)\(([^()]*)$", before)
    if call and statement in ("optimizer", "schedule", "loss", "init"):
        yield from _parameters(statement, call[1])
    if statement in SETTINGS and (
        re.search(r"[,:]\s*$|^train\s+$", before) or not before.strip() or statement == "monitor"
    ):
        yield from (Offer(name, "setting", f"setting of {statement}") for name in SETTINGS[statement])
    if statement == "data" and re.fullmatch(r"data\s+", before):
        yield from (Offer(name, "definition", "data set") for name in _data_sets())
    for kind in OFFERED.get(statement, ()):
        yield from (Offer(name, "definition", kind) for name in library.names(kind))
    if statement in OFFERED:
        yield from (Offer(head[2], "definition", f"{head[1]} of this file") for head in HEAD.finditer(text)
                    if head[1] in OFFERED[statement] and _defines(text, head.end()))  # fmt: skip
    if statement == "expect":
        yield from (
            Offer(word, "function")
            for word in ("loss", "accuracy", "r2", "steps", "epochs", "median", "within")
        )
    yield from (Offer(word, "function") for word in sorted(FUNCTIONS))
    yield from (Offer(word, "keyword") for word in RESERVED)


def _parameters(kind: str, name: str) -> Iterator[Offer]:
    found = library.lookup(kind, name)
    for p in getattr(found, "parameters", ()):
        if isinstance(p, ast.Parameter):
            yield Offer(p.name, "setting", f"of {name}")


def _data_sets() -> Iterable[str]:
    from netc.runtime.data.named_sets import SETS

    return SETS
