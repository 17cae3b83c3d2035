"""Starts of some layers: which layers a name means, and which arrays no start is said for. Reads no file."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace

from netc.compiler.check.parts.settings import name_span
from netc.compiler.meaning.findings import Report, first_line
from netc.compiler.meaning.spec import FromFile, Law, Learns
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span
from netc.dsl.walks import dotted

FIRST, LAST = "first", "last"
"""Of the layers that have weights."""


def layers_of(name: ast.Expr, known: Sequence[Learns], report: Report) -> tuple[str, ...]:
    """Those that are meant: `layer1`, all convolutions as `conv`, the first one."""
    word = dotted(name) or ""
    found = [x.name for x in known if word == x.name or word.lower() == x.operation.lower()]
    weighed = [x.name for x in known if x.number]
    if not found and word in (FIRST, LAST):
        found = weighed[:1] if word == FIRST else weighed[-1:]
    if not found:
        words = dict.fromkeys([*(x.name for x in known), *(x.operation for x in known), FIRST, LAST])
        hints = did_you_mean(word, words) if known else ("all parameters are meant by: init theta = ...",)
        hints = hints or (f"layers that learn: {_shown(known)}",)
        where = (
            "is no layer of this network that learns"
            if known
            else "is no layer: nothing here has one that learns"
        )
        message = f"'{name.span.text or word}' {where}"
        report.error("E0250", name.span, message, hints=hints)
    return tuple(found)


def closeness(name: ast.Expr, layers: tuple[str, ...]) -> int:
    """What is said of a layer by its name counts more than of the first one, and that more than of its kind."""
    word = dotted(name) or ""
    return 2 if word in layers else int(word in (FIRST, LAST))


def _shown(known: Sequence[Learns]) -> str:
    return ", ".join(f"{x.name} ({x.operation})" for x in known)


def require_no_layer(definition: ast.Init, known: Sequence[Learns], report: Report) -> None:
    """A definition that bears the name of what the network's layers are is hardly meant as one."""
    name = definition.name or ""
    if not definition.parameters and name.lower() in {x.operation.lower() for x in known}:
        message = f"'{name}' is a layer of this network, and a block behind 'init {name}:' would define a start of that name"
        report.error(
            "E0252",
            first_line(definition.span),
            message,
            hints=(f"on one line: init {name}: weights ~ ..., biases = ...",),
        )


def of_arrays(statement: ast.Init, arrays: Container[str]) -> ast.Init:
    """`gamma = 0` is said of the array where the layer has one, and is no helper."""
    laws = [s for s in statement.settings if s.name in arrays]
    helpers = tuple(s for s in statement.settings if s.name not in arrays)
    made = (ast.Compare("=", ast.Name(s.name, span=name_span(s)), s.value, span=s.span) for s in laws)
    return replace(statement, layers=(), laws=(*statement.laws, *made), settings=helpers)


def from_file(statement: ast.Init, layers: tuple[str, ...], path: str, report: Report) -> FromFile | None:
    """`init layer1, layer2: from "w.pt", names = (conv1, fc)`; the names are those of the layers in the file."""
    names = layers
    for setting in statement.settings:
        items = setting.value.items if isinstance(setting.value, ast.Tuple) else (setting.value,)
        if setting.name != "names":
            message = f"'init ... from' has no setting '{setting.name}'"
            report.error("E0501", name_span(setting), message, hints=("its setting: names",))
            return None
        names = tuple(i.value if isinstance(i, ast.Text) else dotted(i) or "" for i in items)
        if not all(names) or len(names) != len(layers):
            message = f"a name in the file for each of {', '.join(layers)} is needed"
            report.error("E0251", setting.value.span, message, hints=('as in names = (conv1, "features.3")',))
            return None
    return FromFile(path, tuple(zip(layers, names, strict=True)), named=bool(statement.settings))


def without_start(
    known: Sequence[Learns], laws: Iterable[Law], files: Iterable[FromFile]
) -> Iterator[tuple[str, str]]:
    """(layer, `weights` or `biases`) of what begins nowhere: neither said nor begun by the layer itself."""
    held = {layer for f in files for layer, _ in f.layers}
    said = {(layer, law.target) for law in laws for layer in (law.layers or [x.name for x in known])}
    for layer in known:
        for target, role in (("weights", "weight"), ("biases", "bias")):
            open_ones = [
                n
                for n, r, _ in layer.arrays
                if r == role and n not in layer.started and (layer.name, n) not in said
            ]
            if open_ones and layer.name not in held and (layer.name, target) not in said:
                yield layer.name, target


def require_start(of_network: bool, layers: Sequence[Learns], where: Span, report: Report) -> None:
    """Of a file without `init`: what could stand there, and which layers have no start of their own."""
    message = "the file does not say where training starts: it has no 'init'"
    hint = "add 'init theta = (...)' or 'init theta ~ uniform(-3, 3)'"
    if of_network:
        hint = "add 'init glorot_uniform', 'init he_normal', 'init torch_default', ...: libraries differ"
    without = [f"{x.name} ({x.operation})" for x in layers if x.open]
    notes = (f"no start of their own have {', '.join(without)}",) if any(x.started for x in layers) else ()
    report.error("E0507", where, message, notes=notes, hints=(hint,))
