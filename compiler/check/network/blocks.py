"""The blocks of a network: their equations, of what comes in and of brackets of operations, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netc.compiler.calculus import ir
from netc.compiler.check.network.place import Numbers, Place
from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.lower.flow import shape_of
from netc.compiler.lower.layer_faults import used_at
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import OUTPUT, SCALAR, Scope
from netc.compiler.meaning.spec import Block, BlockLine, Bracket
from netc.dsl import ast, library
from netc.dsl.source import Span
from netc.dsl.walks import rebuild

if TYPE_CHECKING:
    from netc.compiler.check.network.operations import Operations


def block_of(
    here: Operations,
    operation: ast.Operation,
    definition: ast.Block,
    bound: tuple[tuple[str, float], ...],
    x: ir.Var,
) -> Block | None:
    """The block behind x, or None after an error."""
    if definition.name.lower() in here.open:
        way = " -> ".join([*here.open, definition.name])
        here.report.error(
            "E0227", operation.span, f"the block '{definition.name}' contains itself: {way}",
            hints=("repetition is written (res) x 3",),
        )  # fmt: skip
        return None
    before = len(here.report.diagnostics)
    here.open.append(definition.name.lower())
    outside, here.of_library = here.of_library, library.holds(definition.span.source)
    values = {"x": x}
    lines: list[BlockLine] = []
    for line in definition.lines:
        assert isinstance(line, ast.Formula), "a grammar of blocks without draws"
        made = _line(here, line, values, dict(bound))
        if made is not None:
            lines.append(made)
    here.open.pop()
    if here.of_library:
        _tell_at(operation.span, definition.name, here.report, before)
    here.of_library = outside
    return Block(definition, bound, tuple(lines), operation.span) if here.complete else None


def _tell_at(span: Span, name: str, report: Report, before: int) -> None:
    """What was found in the text of the library's block, at its use; once where it was found in several places."""
    found = report.diagnostics
    found[before:] = dict.fromkeys(used_at(d, span, "block", name) for d in found[before:])


def _line(
    here: Operations, line: ast.Formula, values: dict[str, ir.Var], numbers: dict[str, float]
) -> BlockLine | None:
    """The equation with the names of its brackets in their places; its value is added to `values`."""
    brackets: list[Bracket] = []

    def change(expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Call(ast.Architecture() as architecture, (argument,)):
                return bracket(architecture, change(argument.value))
            case ast.Architecture():
                return bracket(expr, ast.Name("x"))
        return rebuild(expr, change)

    def bracket(architecture: ast.Architecture, of: ast.Expr) -> ast.Expr:
        name = f"[{len(brackets) + 1}]"
        brackets.append(Bracket(name, (), of))
        if here.complete:
            place = _through(here, architecture, of, values, numbers)
            brackets[-1] = Bracket(name, tuple(place.made), of)
            values[name] = place.value
        return ast.Name(name, span=architecture.span)

    with here.faults_told():
        value = change(line.value)
        names = dict.fromkeys(values, OUTPUT) | dict.fromkeys(numbers, SCALAR)
        inner = frozenset(n for n in names if "[" in n)
        known = Scope("a block", names, here.definitions.activations, hidden=inner)
        if here.complete and Kinds(known, here.report).of(value) is None:
            here.complete = False
        if here.complete:
            values[line.name] = here.flow.value(value, values, numbers, line.span)
            return BlockLine(line.name, value, tuple(brackets))
    return None


def _through(
    here: Operations,
    architecture: ast.Architecture,
    of: ast.Expr,
    values: dict[str, ir.Var],
    numbers: dict[str, float],
) -> Place:
    """Behind the operations of a bracket, of the value of an expression. Raises LayerFault."""
    source = here.flow.value(of, values, numbers, architecture.span)
    _require_input(here, architecture, source, numbers)
    place = Place(source, [], inputs=False)
    here.chain(architecture.stages, place, numbers)
    return place


def _require_input(
    here: Operations, architecture: ast.Architecture, source: ir.Var, numbers: Numbers
) -> None:
    if architecture.input is None:
        return
    size, channels = here.size(architecture.input, numbers), shape_of(source)[-1]
    if size is not None and size != channels:
        message = f"the bracket takes {size:g} channels, and its input has {channels}"
        hint = "the channels of a block are those of its input where no size is given"
        here.error(architecture.input.span, message, hint, code="E0225")
