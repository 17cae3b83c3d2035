"""The definitions of layers in a file, before any is used: every line is read by another one, or is what the layer gives."""

from __future__ import annotations

from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.layer_parameters import is_word
from netc.compiler.meaning.resolve import Definitions
from netc.dsl import ast
from netc.dsl.walks import names_in


def check_layer_definitions(definitions: Definitions, report: Report) -> None:
    for layer in definitions.layers.own.values():
        _check(layer, report)


def _check(layer: ast.Layer, report: Report) -> None:
    given: dict[str, ast.Node] = {}
    for line in layer.lines:
        match line:
            case ast.Learn(arrays):
                given |= {a.name: a for a in arrays}
            case ast.Formula(name) | ast.Draws(name):
                given.setdefault(name, line)
    last = next((line.name for line in reversed(layer.lines) if isinstance(line, ast.Formula)), "")
    read = {last} | {name for line in layer.lines for name in _read(line)}
    read |= {name for s in layer.settings if not isinstance(s.value, ast.Text) for name in names_in(s.value)}
    for name, node in given.items():
        if name not in read:
            hint = f"what the layer gives is its last line, '{last}'"
            report.error("E0231", node.span, f"no line of the layer reads '{name}'", hints=(hint,))
    for p in layer.parameters:
        if p.name not in read and not is_word(p):  # a word that nothing else is asks for nothing
            report.error("E0231", p.span, f"no line of the layer reads its parameter '{p.name}'")


def _read(line: ast.LayerLine) -> set[str]:
    """Names on the right, and in ranges; of a state its own equation does not count as a reader."""
    match line:
        case ast.Learn(arrays):
            parts = [p for a in arrays for p in (*a.indices, a.value, a.law, a.condition) if p is not None]
            return {name for p in parts for name in names_in(p)}
        case ast.Formula(name, indices, value, condition):
            found = names_in(value) | (names_in(condition) if condition else set())
            return (found - {name}) | {n for i in indices for n in names_in(i)}
        case ast.Draws(_, indices, law):
            return names_in(law) | {n for i in indices for n in names_in(i)}
