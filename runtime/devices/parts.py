"""Text of a kernel -> texts of modules, so that what two programs have in common is compiled once for both.

    a tile     a function with declared types and no constant: of all programs that have it
    problem    loss, gradient, outputs, and what these call: of all rules, starts and numbers of samples
    rule       the rest, and the constants that callers look at

Each module imports the functions of those before it. A text that is not of this kind stays whole. Loads nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from netc.compiler.kernels.cpu.entries import ENTRY

_EVALUATED = ("loss", "gradient", "training_loss", "training_gradient", "predict")
PROBLEM = (*_EVALUATED, *(name + ENTRY for name in _EVALUATED), "report", "outputs")
"""What a problem's functions are called."""
_IMPORT = re.compile(r"from (\S+) import (.+)")
_TOLD = re.compile(r'^ *(#|""").*$', re.MULTILINE)
"""Lines for readers; a kernel's text has no others, and no words in quotes."""
_WORD = re.compile(r"\b([A-Za-z_]\w*)\b(\()?")
_FUNCTION = re.compile(r"^def (\w+)", re.MULTILINE)
_CONSTANT = re.compile(r"([A-Z][A-Z0-9_]*) = ")


@dataclass(frozen=True)
class Part:
    """A module's functions, and the lines above them."""

    header: str
    functions: str
    names: tuple[str, ...]
    what: str = "kernels"
    """`shared functions`, `loss and gradient`, `rule`; `kernels` of a text that stays whole."""
    calls: frozenset[str] | None = None
    """What it imports of modules before it; None: everything, as callers look for it in the last one."""

    def text(self, before: Iterable[tuple[str, Sequence[str]]]) -> str:
        """Of a module that comes after others, (module, functions) each."""
        wanted = [(m, [n for n in names if self.calls is None or n in self.calls]) for m, names in before]
        imports = [f"from {module} import {', '.join(names)}\n" for module, names in wanted if names]
        return f"{self.header.rstrip()}\n{''.join(imports)}\n\n{self.functions}"


@dataclass(frozen=True)
class _Function:
    name: str
    text: str
    typed: bool
    """Whether its types are declared."""
    names: frozenset[str]
    """All in it."""
    calls: frozenset[str]


def split(text: str) -> tuple[Part, ...]:
    """At least one; the last has what callers ask for."""
    header, functions = _cut(text)
    named = {f.name: f for f in functions}
    if "advance" not in named or "gradient" not in named:
        return (Part(header, "".join(f.text for f in functions), tuple(_FUNCTION.findall(text))),)
    constants = {found[1] for line in header.splitlines() if (found := _CONSTANT.match(line))}
    shared = set[str]()
    for f in functions:
        if f.typed and not f.names & constants and f.calls & named.keys() <= shared:
            shared.add(f.name)
    problem = _reached(named, [name for name in PROBLEM if name in named]) - shared
    groups = [("shared functions", [f]) for f in functions if f.name in shared]
    groups.append(("loss and gradient", [f for f in functions if f.name in problem]))
    rest = [f for f in functions if f.name not in shared | problem]
    parts = (_part(_pruned(header, group), group, what) for what, group in groups if group)
    return (*parts, replace(_part(header, rest, "rule"), calls=None))


def _part(header: str, functions: Sequence[_Function], what: str) -> Part:
    calls = frozenset[str]().union(*(f.calls for f in functions))
    return Part(header, "".join(f.text for f in functions), tuple(f.name for f in functions), what, calls)


def _cut(text: str) -> tuple[str, list[_Function]]:
    """The lines above the first function, and the functions with their decorators."""
    header, *rest = re.split(r"(?m)^(?=@)", text)
    return header, [_function(one) for one in rest]


def _function(text: str) -> _Function:
    head, name, rest = re.split(r"\ndef (\w+)", text, maxsplit=1)
    words = _WORD.findall(_TOLD.sub("", rest))
    names, calls = (
        (word for word, _ in (*words, *_WORD.findall(head))),
        (word for word, called in words if called),
    )
    return _Function(name, text, head.startswith("@apart"), frozenset(names), frozenset(calls))


def _reached(named: dict[str, _Function], names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += named[name].calls & named.keys()
    return found


def _pruned(header: str, functions: Sequence[_Function]) -> str:
    """Without the constants and netc's functions that these do not use, which differ from rule to rule."""
    used = frozenset[str]().union(*(f.names for f in functions))
    lines = []
    for line in header.splitlines():
        constant, found = _CONSTANT.match(line), _IMPORT.match(line)
        if constant and constant[1] not in used:
            continue
        if found and found[1].startswith("netc.runtime.devices."):
            names = [name for name in found[2].split(", ") if name in used]
            line = f"from {found[1]} import {', '.join(names)}" if names else ""
        lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
