"""Statements to logical lines: what each says, how deep it stands, and where in the text it was.

Chooses between one line and a block; lines are aligned and comments put back by `dsl/format.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeVar, assert_never

from netc.dsl import ast
from netc.dsl.printer import OR, Printer
from netc.dsl.record import record
from netc.dsl.source import Span

WIDTH = 100
"""Settings on a line that is longer go to a block of their own."""

_BLOCK_OPENS = re.compile(r":[ \t]*(?:#[^\n]*)?\r?\n(?:\s|#[^\n]*\n)*\Z")


@record
class Line:
    """`head rest` of a statement, `head = rest` in a block (or another sign), or only `rest`."""

    kind: Literal["statement", "equation", "plain"]
    depth: int
    head: str
    rest: str
    span: Span
    sign: str = "="

    @property
    def opens_block(self) -> bool:
        return self.rest.endswith(":")


def lines(program: ast.Program, *, unicode: bool = False) -> list[Line]:
    """The logical lines of a program, in the order of its statements."""
    layout = _Layout(Printer(unicode))
    return [line for statement in program.statements for line in layout.statement(statement)]


class _Layout:
    def __init__(self, printer: Printer) -> None:
        self.printer = printer

    # -- statements ---------------------------------------------------------------------------

    def statement(self, node: ast.Statement) -> Iterator[Line]:
        match node:
            case ast.Network(architecture):
                yield self._head(node, "network", self.printer.architecture(architecture))
            case ast.Loss(use=use, settings=settings) if use is not None:
                yield from self._with_settings(node, "loss", self._show(use), settings)
            case ast.Data():
                yield from self._data(node)
            case ast.Init():
                yield from self._init(node)
            case ast.Optimizer():
                yield from self._optimizer(node)
            case ast.Schedule():
                yield from self._schedule(node)
            case ast.Augment(pieces):
                yield self._head(node, "augment", ", ".join(map(self._piece, pieces)))
            case ast.Train(settings):
                yield from self._items(node, "train", settings)
            case ast.Phase():
                yield from self._phase(node)
            case ast.Ensemble(members, settings):
                yield from self._with_settings(node, "ensemble", self._show(members), settings)
            case ast.Sweep(axes, settings):
                yield from self._items(node, "sweep", (*axes, *settings))
            case ast.Finder(name, low, high, steps):
                ends = f"from {self._span(low)} to {self._span(high)}"
                rest = f"{self.printer.name(name)} {ends} in {self._span(steps)} steps"
                yield self._head(node, "finder", rest)
            case ast.Monitor(figures, settings):
                yield from self._items(node, "monitor", (*figures, *settings))
            case ast.Expect(claim, within, settings):
                yield from self._with_settings(
                    node, "expect", self._claim(claim) + self._within(within), settings
                )
            case ast.Points(name, values, within):
                rest = f"{self.printer.name(name)} = {self._show(values)}{self._within(within)}"
                yield self._head(node, "points", rest)
            case ast.Use(file):
                yield self._head(node, "use", self._show(file))
            case _:
                yield from self._definition(node)

    def _definition(self, node: ast.Statement) -> Iterator[Line]:
        """Of blocks, layers, functions, searches: a head, and equations below it or behind `=`."""
        match node:
            case ast.Block(name, parameters, (ast.Formula("", (), value),)):
                yield self._head(
                    node, "block", f"{self.printer.definition(name, parameters)} = {self._show(value)}"
                )
            case ast.Block(name, parameters, formulas):
                yield self._head(node, "block", f"{self.printer.definition(name, parameters)}:")
                yield from map(self._line, formulas)
            case ast.Layer(name, parameters, layer_lines, settings):
                yield self._head(node, "layer", f"{layer_head(self.printer, name, parameters)}:")
                for item in in_order((*settings, *layer_lines)):
                    yield self._item(item) if isinstance(item, ast.Setting) else self._line(item)
            case ast.LearntActivation(name, variable, parameters, layer_lines, settings):
                more = f"; {self.printer.parameters(parameters)}" if parameters else ""
                head = f"{self.printer.name(name)}({self.printer.name(variable)}{more})"
                yield self._head(node, "activation", f"{head}:")
                for item in in_order((*settings, *layer_lines)):
                    yield self._item(item) if isinstance(item, ast.Setting) else self._line(item)
            case ast.Activation(name, variable, parameters, value, settings) | ast.Clip(
                name, variable, parameters, value, settings
            ):
                keyword = type(node).__name__.lower()
                more = f"; {self.printer.parameters(parameters)}" if parameters else ""
                head = f"{self.printer.name(name)}({self.printer.name(variable)}{more})"
                yield from self._with_settings(node, keyword, f"{head} = {self._show(value)}", settings)
            case ast.Loss(name, parameters, _, value, settings) if value is not None:
                rest = f"{self.printer.definition(name, parameters)} = {self._show(value)}"
                yield from self._with_settings(node, "loss", rest, settings)
            case ast.Objective(name, variables, value, settings):
                rest = f"{self.printer.definition(name, variables)} = {self._show(value)}"
                yield from self._with_settings(node, "objective", rest, settings)
            case ast.Search(name, parameters, body, settings):
                yield self._head(node, "search", f"{self.printer.definition(name, parameters)}:")
                yield from self._body(in_order((*settings, *body)), 1)
            case ast.Attack(name, parameters, body, settings):
                yield self._head(node, "attack", f"{self.printer.definition(name, parameters)}:")
                yield from self._body(in_order((*settings, *body)), 1)
            case _:
                raise AssertionError(node)

    def _data(self, node: ast.Data) -> Iterator[Line]:
        rest = ", ".join(map(self._show, node.sources))
        if node.outputs is not None:
            rest += f" -> {self._show(node.outputs)}"
        if not node.rows:
            yield from self._with_settings(node, "data", rest, node.settings)
            return
        yield self._head(node, "data", f"{rest}:")
        for item in in_order((*node.rows, *node.settings)):
            if isinstance(item, ast.Row):
                yield Line("equation", 1, self._all(item.inputs), self._all(item.outputs), item.span, "->")
            else:
                yield self._item(item)

    def _init(self, node: ast.Init) -> Iterator[Line]:
        keyword = "init"
        if node.layers:
            keyword += f" {', '.join(map(self._show, node.layers))}:"
        if node.use is not None:
            yield self._head(node, keyword, self._show(node.use))
        elif node.file is not None:
            yield from self._with_settings(node, keyword, f"from {self._show(node.file)}", node.settings)
        elif node.name is not None:
            yield self._head(node, "init", f"{self.printer.definition(node.name, node.parameters)}:")
            yield from map(self._item, in_order((*node.laws, *node.settings)))
        elif node.layers:
            yield self._head(node, keyword, ", ".join(map(self._law, in_order((*node.laws, *node.settings)))))
        elif node.laws:
            laws = ", ".join(map(self._law, node.laws))
            yield from self._with_settings(node, "init", laws, node.settings)
        else:
            yield self._head(node, "init", ", ".join(map(self._law, node.settings)))

    def _optimizer(self, node: ast.Optimizer) -> Iterator[Line]:
        if node.use is not None:
            yield self._head(
                node, "optimizer", ", ".join([self._show(node.use), *map(self._law, node.settings)])
            )
            return
        yield self._head(node, "optimizer", f"{self.printer.definition(node.name, node.parameters)}:")
        yield from self._body(in_order((*node.settings, *node.body)), 1)

    def _phase(self, node: ast.Phase) -> Iterator[Line]:
        """`phase fine: epochs = 20`, or a block behind the colon."""
        name, items = self.printer.name(node.name), in_order(node.settings)
        one_line = f"{name}: {', '.join(map(self._law, items))}"
        if _wants_block(node, items, f"phase {one_line}"):
            yield self._head(node, "phase", f"{name}:")
            yield from map(self._item, items)
        else:
            yield self._head(node, "phase", one_line)

    def _schedule(self, node: ast.Schedule) -> Iterator[Line]:
        name = self.printer.name(node.name)
        head = f"{name}({self.printer.parameters(node.parameters)})" if node.defines else name
        if node.body:
            yield self._head(node, "schedule", f"{head}:")
            yield from self._body(in_order((*node.settings, *node.body)), 1)
        elif node.defines:
            rest = f"{head} = {self._show(node.pieces[0].value)}"
            yield from self._with_settings(node, "schedule", rest, node.settings)
        else:
            rest = f"{head} = {', '.join(map(self._piece, node.pieces))}"
            yield from self._with_settings(node, "schedule", rest, node.settings)

    # -- settings, on the line or in a block --------------------------------------------------

    def _head(self, node: ast.Node, keyword: str, rest: str) -> Line:
        return Line("statement", 0, keyword, rest, node.span)

    def _with_settings(
        self, node: ast.Node, keyword: str, rest: str, settings: tuple[ast.Setting, ...]
    ) -> Iterator[Line]:
        """`keyword rest, a = 1, b = 2` or, as it was written or where that is too long, a block."""
        one_line = ", ".join([rest, *map(self._law, settings)])
        if settings and _wants_block(node, settings, f"{keyword} {one_line}"):
            yield self._head(node, keyword, f"{rest}:")
            yield from map(self._item, settings)
        else:
            yield self._head(node, keyword, one_line)

    def _items(self, node: ast.Node, keyword: str, items: Sequence[ast.Node]) -> Iterator[Line]:
        """`keyword a, b = 1`, or a block with nothing before it; nothing of a training that phases alone describe."""
        if not items:
            return
        items = in_order(items)
        one_line = ", ".join(map(self._law, items))
        if _wants_block(node, items, f"{keyword} {one_line}"):
            yield Line("plain", 0, "", f"{keyword}:", node.span)
            yield from map(self._item, items)
        else:
            yield self._head(node, keyword, one_line)

    def _item(self, item: ast.Node) -> Line:
        match item:
            case ast.Setting(name, value) | ast.Compare("=", ast.Name(name), value):
                return Line("equation", 1, self.printer.name(name), self._show(value), item.span)
            case ast.Drawn(name, law):
                return Line("equation", 1, self._show(name), self._show(law), item.span, "~")
            case _:
                return Line("plain", 1, "", self._law(item), item.span)

    def _law(self, item: ast.Node) -> str:
        match item:
            case ast.Setting(name, value) | ast.Compare("=", ast.Name(name), value):
                return f"{self.printer.name(name)} = {self._show(value)}"
            case _:
                return self._show(item)  # type: ignore[arg-type]

    def _piece(self, item: ast.Piece) -> str:
        return self._show(item.value) + (f" until {self._show(item.until)}" if item.until is not None else "")

    # -- update rules -------------------------------------------------------------------------

    def _body(self, items: Sequence[ast.Action | ast.Setting], depth: int) -> Iterator[Line]:
        for item in items:
            match item:
                case ast.Setting("evaluate", value):
                    yield Line("plain", depth, "", f"evaluate at {self._show(value)}", item.span)
                case ast.Setting(name, value):
                    yield Line("equation", depth, self.printer.name(name), self._show(value), item.span)
                case ast.Equation(value=value):
                    head = self.printer.left(item)
                    yield Line("equation", depth, head, self._show(value), item.span)
                case ast.For(name, values, body):
                    text = f"for {self.printer.name(name)} in {self._show(values)}:"
                    yield Line("plain", depth, "", text, item.span)
                    yield from self._body(body, depth + 1)
                case ast.Repeat(bound, body):
                    text = "repeat" + (f" at most {self._show(bound)}" if bound is not None else "")
                    yield Line("plain", depth, "", f"{text}:", item.span)
                    yield from self._body(body, depth + 1)
                case ast.Until(condition):
                    yield Line("plain", depth, "", f"until {self._show(condition)}", item.span)
                case ast.If(condition, body, otherwise):
                    yield Line("plain", depth, "", f"if {self._show(condition)}:", item.span)
                    yield from self._body(body, depth + 1)
                    if otherwise:
                        yield Line("plain", depth, "", "else:", otherwise[0].span)
                        yield from self._body(otherwise, depth + 1)
                case ast.End(word, condition):
                    yield Line("plain", depth, "", f"{word} if {self._show(condition)}", item.span)
                case _:
                    assert_never(item)

    # -- layers -------------------------------------------------------------------------------

    def _line(self, item: ast.LayerLine) -> Line:
        match item:
            case ast.Learn(arrays):
                return Line("plain", 1, "", "learn " + ", ".join(map(self._learned, arrays)), item.span)
            case ast.Formula(name, indices, value, condition, otherwise):
                guard = f" if {self._guard(condition)}" if condition is not None else ""
                guard += " else" if otherwise else ""
                shown = self._show(value) if condition is None else self._guard(value)
                return Line("equation", 1, self.printer.array(name, indices), shown + guard, item.span)
            case ast.Draws(name, indices, law, per):
                rest = self._show(law) + (f" per {per}" if per else "")
                return Line("equation", 1, self.printer.array(name, indices), rest, item.span, "~")
            case _:
                assert_never(item)

    def _learned(self, item: ast.Learned) -> str:
        role = f" as {item.role}" if item.role else ""
        value = f" = {self._guard(item.value)}" if item.value is not None else ""
        law = f" ~ {self._guard(item.law)}" if item.law is not None else ""
        condition = f" if {self._guard(item.condition)}" if item.condition is not None else ""
        return self.printer.array(item.name, item.indices) + role + value + law + condition

    def _guard(self, expr: ast.Expr) -> str:
        """A choice in parentheses, so that its `if` is none of the line's."""
        return self.printer.show(expr, OR)

    # -- pieces -------------------------------------------------------------------------------

    def _show(self, expr: ast.Expr) -> str:
        return self.printer.show(expr)

    def _all(self, exprs: Iterable[ast.Expr]) -> str:
        return ", ".join(map(self._show, exprs))

    def _span(self, expr: ast.Expr) -> str:
        """Weaker than a comparison stands in parentheses."""
        return self.printer.operand(expr)

    def _claim(self, claim: ast.Expr) -> str:
        """The claim's own `=` is one sign; inside expressions equality is `==`."""
        if isinstance(claim, ast.Compare):
            return f"{self.printer.operand(claim.left)} {claim.op} {self.printer.operand(claim.right)}"
        return self.printer.operand(claim)

    def _within(self, within: ast.Expr | None) -> str:
        return "" if within is None else f" within {self._show(within)}"


def layer_head(printer: Printer, name: str, parameters: tuple[ast.Parameter, ...]) -> str:
    """`conv(out; size = 3x3)`: the sizes, and behind `;` what has a default."""
    sized = next((i for i, p in enumerate(parameters) if p.default is not None), len(parameters))
    parts = [printer.parameters(part) for part in (parameters[:sized], parameters[sized:]) if part]
    return f"{name}({'; '.join(parts)})" if parts else name


N = TypeVar("N", bound=ast.Node)


def in_order(nodes: Sequence[N]) -> Sequence[N]:
    """As they were written; nodes that no one wrote keep the order given."""
    if any(n.span.source != nodes[0].span.source for n in nodes):
        return nodes
    return sorted(nodes, key=lambda n: n.span.start)


def _wants_block(node: ast.Node, items: Sequence[ast.Node], one_line: str) -> bool:
    if len(one_line) > WIDTH:
        return True
    first = items[0].span
    if node.span.source != first.source:
        return False
    return bool(_BLOCK_OPENS.search(node.span.source.text[node.span.start : first.start]))
