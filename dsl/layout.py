"""Statements to logical lines: what each says, how deep it stands, and where in the text it was.

What stands below or behind the head of a statement is `layout_lines.py`; lines are aligned and comments put back by
`dsl/format.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from netc.dsl import ast
from netc.dsl.layout_lines import Line, Lines, in_order, wants_block
from netc.dsl.printer import Printer


def lines(program: ast.Program, *, unicode: bool = False) -> list[Line]:
    """The logical lines of a program, in the order of its statements."""
    layout = _Layout(Printer(unicode))
    return [line for statement in program.statements for line in layout.statement(statement)]


class _Layout(Lines):
    """Of statements."""

    def statement(self, node: ast.Statement) -> Iterator[Line]:
        match node:
            case ast.Network(architecture):
                yield self.head(node, "network", self.printer.architecture(architecture))
            case ast.Loss(use=use, settings=settings) if use is not None:
                yield from self.with_settings(node, "loss", self.show(use), settings)
            case ast.Data():
                yield from self._data(node)
            case ast.Init():
                yield from self._init(node)
            case ast.Optimizer():
                yield from self._optimizer(node)
            case ast.Schedule():
                yield from self._schedule(node)
            case ast.Augment(pieces):
                yield self.head(node, "augment", ", ".join(map(self.piece, pieces)))
            case ast.Train(settings):
                yield from self.items(node, "train", settings)
            case ast.Phase():
                yield from self._phase(node)
            case ast.Ensemble(members, settings):
                yield from self.with_settings(node, "ensemble", self.show(members), settings)
            case ast.Sweep(axes, settings):
                yield from self.items(node, "sweep", (*axes, *settings))
            case ast.Finder():
                yield self._finder(node)
            case ast.Monitor(figures, settings):
                yield from self.items(node, "monitor", (*figures, *settings))
            case ast.Expect(claim, within, settings):
                yield from self.with_settings(
                    node, "expect", self._claim(claim) + self._within(within), settings
                )
            case ast.Points(name, values, within):
                rest = f"{self.printer.name(name)} = {self.show(values)}{self._within(within)}"
                yield self.head(node, "points", rest)
            case ast.Use(file):
                yield self.head(node, "use", self.show(file))
            case _:
                yield from self._definition(node)

    def _finder(self, node: ast.Finder) -> Line:
        ends = f"from {self._span(node.low)} to {self._span(node.high)}"
        rest = f"{self.printer.name(node.name)} {ends} in {self._span(node.steps)} steps"
        return self.head(node, "finder", rest)

    def _definition(self, node: ast.Statement) -> Iterator[Line]:
        """Of blocks, layers, functions, searches: a head, and equations below it or behind `=`."""
        match node:
            case ast.Block(name, parameters, (ast.Formula("", (), value),)):
                yield self.head(
                    node, "block", f"{self.printer.definition(name, parameters)} = {self.show(value)}"
                )
            case ast.Block(name, parameters, formulas):
                yield self.head(node, "block", f"{self.printer.definition(name, parameters)}:")
                yield from map(self.line, formulas)
            case ast.Layer(name, parameters, layer_lines, settings):
                yield self.head(node, "layer", f"{layer_head(self.printer, name, parameters)}:")
                yield from self._layer_body(settings, layer_lines)
            case ast.LearntActivation(name, variable, parameters, layer_lines, settings):
                yield self.head(node, "activation", f"{self._function(name, variable, parameters)}:")
                yield from self._layer_body(settings, layer_lines)
            case ast.Activation(name, variable, parameters, value, settings) | ast.Clip(
                name, variable, parameters, value, settings
            ):
                keyword = type(node).__name__.lower()
                head = self._function(name, variable, parameters)
                yield from self.with_settings(node, keyword, f"{head} = {self.show(value)}", settings)
            case ast.Loss(name, parameters, _, value, settings) if value is not None:
                rest = f"{self.printer.definition(name, parameters)} = {self.show(value)}"
                yield from self.with_settings(node, "loss", rest, settings)
            case ast.Objective(name, variables, value, settings):
                rest = f"{self.printer.definition(name, variables)} = {self.show(value)}"
                yield from self.with_settings(node, "objective", rest, settings)
            case ast.Search(name, parameters, body, settings) | ast.Attack(name, parameters, body, settings):
                keyword = type(node).__name__.lower()
                yield self.head(node, keyword, f"{self.printer.definition(name, parameters)}:")
                yield from self.body(in_order((*settings, *body)), 1)
            case _:
                raise AssertionError(node)

    def _function(self, name: str, variable: str, parameters: tuple[ast.Parameter, ...]) -> str:
        """`g(z; a = 1)`"""
        more = f"; {self.printer.parameters(parameters)}" if parameters else ""
        return f"{self.printer.name(name)}({self.printer.name(variable)}{more})"

    def _layer_body(
        self, settings: tuple[ast.Setting, ...], layer_lines: tuple[ast.LayerLine, ...]
    ) -> Iterator[Line]:
        for item in in_order((*settings, *layer_lines)):
            yield self.item(item) if isinstance(item, ast.Setting) else self.line(item)

    def _data(self, node: ast.Data) -> Iterator[Line]:
        rest = ", ".join(map(self.show, node.sources))
        if node.outputs is not None:
            rest += f" -> {self.show(node.outputs)}"
        if not node.rows:
            yield from self.with_settings(node, "data", rest, node.settings)
            return
        yield self.head(node, "data", f"{rest}:")
        for item in in_order((*node.rows, *node.settings)):
            if isinstance(item, ast.Row):
                yield Line("equation", 1, self.all(item.inputs), self.all(item.outputs), item.span, "->")
            else:
                yield self.item(item)

    def _init(self, node: ast.Init) -> Iterator[Line]:
        keyword = "init"
        if node.layers:
            keyword += f" {', '.join(map(self.show, node.layers))}:"
        if node.use is not None:
            yield self.head(node, keyword, self.show(node.use))
        elif node.file is not None:
            yield from self.with_settings(node, keyword, f"from {self.show(node.file)}", node.settings)
        elif node.name is not None:
            yield self.head(node, "init", f"{self.printer.definition(node.name, node.parameters)}:")
            yield from map(self.item, in_order((*node.laws, *node.settings)))
        elif node.layers:
            yield self.head(node, keyword, ", ".join(map(self.law, in_order((*node.laws, *node.settings)))))
        elif node.laws:
            laws = ", ".join(map(self.law, node.laws))
            yield from self.with_settings(node, "init", laws, node.settings)
        else:
            yield self.head(node, "init", ", ".join(map(self.law, node.settings)))

    def _optimizer(self, node: ast.Optimizer) -> Iterator[Line]:
        if node.use is not None:
            yield self.head(
                node, "optimizer", ", ".join([self.show(node.use), *map(self.law, node.settings)])
            )
            return
        yield self.head(node, "optimizer", f"{self.printer.definition(node.name, node.parameters)}:")
        yield from self.body(in_order((*node.settings, *node.body)), 1)

    def _phase(self, node: ast.Phase) -> Iterator[Line]:
        """`phase fine: epochs = 20`, or a block behind the colon."""
        name, items = self.printer.name(node.name), in_order(node.settings)
        one_line = f"{name}: {', '.join(map(self.law, items))}"
        if wants_block(node, items, f"phase {one_line}"):
            yield self.head(node, "phase", f"{name}:")
            yield from map(self.item, items)
        else:
            yield self.head(node, "phase", one_line)

    def _schedule(self, node: ast.Schedule) -> Iterator[Line]:
        name = self.printer.name(node.name)
        head = f"{name}({self.printer.parameters(node.parameters)})" if node.defines else name
        if node.body:
            yield self.head(node, "schedule", f"{head}:")
            yield from self.body(in_order((*node.settings, *node.body)), 1)
        elif node.defines:
            rest = f"{head} = {self.show(node.pieces[0].value)}"
            yield from self.with_settings(node, "schedule", rest, node.settings)
        else:
            rest = f"{head} = {', '.join(map(self.piece, node.pieces))}"
            yield from self.with_settings(node, "schedule", rest, node.settings)

    # -- pieces -------------------------------------------------------------------------------

    def _span(self, expr: ast.Expr) -> str:
        """Weaker than a comparison stands in parentheses."""
        return self.printer.operand(expr)

    def _claim(self, claim: ast.Expr) -> str:
        """The claim's own `=` is one sign; inside expressions equality is `==`."""
        if isinstance(claim, ast.Compare):
            return f"{self.printer.operand(claim.left)} {claim.op} {self.printer.operand(claim.right)}"
        return self.printer.operand(claim)

    def _within(self, within: ast.Expr | None) -> str:
        return "" if within is None else f" within {self.show(within)}"


def layer_head(printer: Printer, name: str, parameters: tuple[ast.Parameter, ...]) -> str:
    """`conv(out; size = 3x3)`: the sizes, and behind `;` what has a default."""
    sized = next((i for i, p in enumerate(parameters) if p.default is not None), len(parameters))
    parts = [printer.parameters(part) for part in (parameters[:sized], parameters[sized:]) if part]
    return f"{name}({'; '.join(parts)})" if parts else name
