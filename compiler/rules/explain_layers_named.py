"""Layers and blocks by name, for `netc explain`: one as it is written, or all that bear a bare name side by side, what
differs marked.

Compares what is written; what two layers compute is compared in `compare_layers.py`.
"""

from __future__ import annotations

from textwrap import wrap

from netc.compiler.meaning.layer_families import bearers, equations, head, kind_of, named
from netc.compiler.rules.block_parameters import parameters_told
from netc.compiler.rules.families import marks
from netc.dsl import ast, library

WIDTH = 110


def explain_layers_named(what: str) -> list[str]:
    """Empty where no layer bears the name."""
    word = what.partition("(")[0].strip()
    names = named()
    found = bearers(word, names) if "." not in word else []
    one = next((n for n in names if n.lower() == word.lower()), None)
    if one is not None and kind_of(one) == "block":
        told = parameters_told(what)
        return [
            *_one(one, [n for n in bearers(one.partition(".")[0], names) if n != one]),
            *(["", told] if told else []),
        ]
    if one is not None:
        return _one(one, [n for n in bearers(one.rpartition(".")[2], names) if n != one])
    if len(found) == 1:
        return _one(found[0], [])
    return side_by_side(word, found) if found else []


def _one(name: str, others: list[str]) -> list[str]:
    kind = kind_of(name)
    lines = library.text(kind, name).rstrip().splitlines()
    while not lines[-1].strip() or lines[-1].startswith("#"):
        lines.pop()  # the comment above the next one
    text = [*(f"# {line}" for line in library.comment(kind, name).splitlines()), *lines]
    if others:
        text += ["", f"{', '.join(others)}: 'netc diff {name} {others[0]}' compares what they compute."]
    return text


def side_by_side(word: str, names: list[str]) -> list[str]:
    """Those with the same equations together; each with its source, and what differs from the first underlined."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        groups.setdefault(tuple(equations(name)), []).append(name)
    reference = list(next(iter(groups)))
    what = "layers" if any(kind_of(name) == "layer" for name in names) else "blocks"
    text = [f"'{word}' names {len(names)} {what}; ~~~ marks what differs from the first.", ""]
    for lines, same in groups.items():
        for name in same:
            text += wrap(head(name), WIDTH, subsequent_indent="    ", break_long_words=False)
            text += [f"  # {line}" for line in wrap(_about(name), WIDTH)]
        for line in lines:
            under = marks(line, reference) if " = " in line and not line.startswith("learn ") else ""
            if line.startswith("learn "):
                under = "" if line in reference else "~" * len(line)
            text += [f"    {line}"] + ([f"    {under}"] if under and same[0] != names[0] else [])
        text.append("")
    return [*text, f"'netc diff {names[0]} {names[-1]}' compares what two of them compute."]


def _about(name: str) -> str:
    """The comment that stands above the definition, then its source."""
    kind = kind_of(name)
    settings = getattr(library.lookup(kind, name), "settings", ())
    source = [s.value.value for s in settings if isinstance(s.value, ast.Text)]
    return " ".join([*library.comment(kind, name).split(), *source])
