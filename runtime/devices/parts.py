"""Text of a kernel -> texts of modules, so that what two programs have in common is compiled once for both.

    a shape    a function with declared types that is named after its tile, `taps_4x6`: of all networks
    tiles      the other functions with declared types: of all networks with the same tiles and blocks
    problem    loss, gradient, outputs, and what these call: of all rules, starts and numbers of samples
    rule       the rest, and the constants that callers look at

Each module imports the functions of those before it. A text that is not of this kind stays whole. Loads nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PROBLEM = ("loss", "gradient", "training_loss", "training_gradient", "predict", "report", "outputs")
"""What a problem's functions are called."""
_IMPORT = re.compile(r"from (\S+) import (.+)")
_SHAPE = re.compile(r"\w+_\d+x\d+")
_CONSTANT = re.compile(r"([A-Z][A-Z0-9_]*) = ")


@dataclass(frozen=True)
class Part:
    """A module's functions, and the lines above them."""

    header: str
    functions: str
    names: tuple[str, ...]
    what: str = "kernels"
    """`tiles`, `loss and gradient`, `rule`; `kernels` of a text that stays whole."""

    def text(self, before: Iterable[tuple[str, Sequence[str]]]) -> str:
        """Of a module that comes after others, (module, functions) each."""
        imports = [f"from {module} import {', '.join(names)}\n" for module, names in before]
        return f"{self.header.rstrip()}\n{''.join(imports)}\n\n{self.functions}"


@dataclass(frozen=True)
class _Function:
    name: str
    text: str
    typed: bool
    """Whether its decorator declares its types."""
    names: frozenset[str]
    """All in it."""
    calls: frozenset[str]


def split(text: str) -> tuple[Part, ...]:
    """At least one; the last has what callers ask for."""
    header, functions = _cut(text)
    named = {f.name: f for f in functions}
    if "advance" not in named or "gradient" not in named:
        return (Part(header, "".join(f.text for f in functions), tuple(named)),)
    tiles = {f.name for f in functions if f.typed}
    problem = _reached(named, [name for name in PROBLEM if name in named]) - tiles
    shapes = {f.name for f in functions if f.typed and _SHAPE.fullmatch(f.name)}
    groups = [("tiles", [f]) for f in functions if f.name in shapes]
    groups += [
        (what, [f for f in functions if f.name in some])
        for what, some in (("tiles", tiles - shapes), ("loss and gradient", problem))
    ]
    rest = [f for f in functions if f.name not in tiles | problem]
    shared = tuple(_part(_pruned(header, group), group, what) for what, group in groups if group)
    return (*shared, _part(header, rest, "rule"))


def _part(header: str, functions: Sequence[_Function], what: str) -> Part:
    return Part(header, "".join(f.text for f in functions), tuple(f.name for f in functions), what)


def _cut(text: str) -> tuple[str, list[_Function]]:
    """The lines above the first function, and the functions with their decorators."""
    lines = text.splitlines(keepends=True)
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    starts = [min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1 for node in nodes]
    ends = [*starts, len(lines)][1:]
    found = []
    for node, start, end in zip(nodes, starts, ends, strict=True):
        typed = any(isinstance(d, ast.Call) and d.args for d in node.decorator_list)
        inside = list(ast.walk(node))
        names = frozenset(n.id for n in inside if isinstance(n, ast.Name))
        calls = frozenset(
            n.func.id for n in inside if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        )
        found.append(_Function(node.name, "".join(lines[start:end]), typed, names, calls))
    return "".join(lines[: starts[0]] if starts else lines), found


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
