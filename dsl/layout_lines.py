"""What stands below or behind the head of a statement: settings, equations and the lines of layers.

Chooses between one line and a block.
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


class Lines:
    def __init__(self, printer: Printer) -> None:
        self.printer = printer

    # -- settings, on the line or in a block --------------------------------------------------

    def head(self, node: ast.Node, keyword: str, rest: str) -> Line:
        return Line("statement", 0, keyword, rest, node.span)

    def with_settings(
        self, node: ast.Node, keyword: str, rest: str, settings: tuple[ast.Setting, ...]
    ) -> Iterator[Line]:
        """`keyword rest, a = 1, b = 2` or, as it was written or where that is too long, a block."""
        one_line = ", ".join([rest, *map(self.law, settings)])
        if settings and wants_block(node, settings, f"{keyword} {one_line}"):
            yield self.head(node, keyword, f"{rest}:")
            yield from map(self.item, settings)
        else:
            yield self.head(node, keyword, one_line)

    def items(self, node: ast.Node, keyword: str, items: Sequence[ast.Node]) -> Iterator[Line]:
        """`keyword a, b = 1`, or a block with nothing before it; nothing of a training that phases alone describe."""
        if not items:
            return
        items = in_order(items)
        one_line = ", ".join(map(self.law, items))
        if wants_block(node, items, f"{keyword} {one_line}"):
            yield Line("plain", 0, "", f"{keyword}:", node.span)
            yield from map(self.item, items)
        else:
            yield self.head(node, keyword, one_line)

    def item(self, item: ast.Node) -> Line:
        match item:
            case ast.Setting(name, value) | ast.Compare("=", ast.Name(name), value):
                return Line("equation", 1, self.printer.name(name), self.show(value), item.span)
            case ast.Drawn(name, law):
                return Line("equation", 1, self.show(name), self.show(law), item.span, "~")
            case _:
                return Line("plain", 1, "", self.law(item), item.span)

    def law(self, item: ast.Node) -> str:
        match item:
            case ast.Setting(name, value) | ast.Compare("=", ast.Name(name), value):
                return f"{self.printer.name(name)} = {self.show(value)}"
            case _:
                return self.show(item)  # type: ignore[arg-type]

    def piece(self, item: ast.Piece) -> str:
        return self.show(item.value) + (f" until {self.show(item.until)}" if item.until is not None else "")

    # -- update rules -------------------------------------------------------------------------

    def body(self, items: Sequence[ast.Action | ast.Setting], depth: int) -> Iterator[Line]:
        for item in items:
            match item:
                case ast.Setting("evaluate", value):
                    yield Line("plain", depth, "", f"evaluate at {self.show(value)}", item.span)
                case ast.Setting(name, value):
                    yield Line("equation", depth, self.printer.name(name), self.show(value), item.span)
                case ast.Equation(value=value):
                    head = self.printer.left(item)
                    yield Line("equation", depth, head, self.show(value), item.span)
                case ast.For(name, values, body):
                    text = f"for {self.printer.name(name)} in {self.show(values)}:"
                    yield Line("plain", depth, "", text, item.span)
                    yield from self.body(body, depth + 1)
                case ast.Repeat(bound, body):
                    text = "repeat" + (f" at most {self.show(bound)}" if bound is not None else "")
                    yield Line("plain", depth, "", f"{text}:", item.span)
                    yield from self.body(body, depth + 1)
                case ast.Until(condition):
                    yield Line("plain", depth, "", f"until {self.show(condition)}", item.span)
                case ast.If(condition, body, otherwise):
                    yield Line("plain", depth, "", f"if {self.show(condition)}:", item.span)
                    yield from self.body(body, depth + 1)
                    if otherwise:
                        yield Line("plain", depth, "", "else:", otherwise[0].span)
                        yield from self.body(otherwise, depth + 1)
                case ast.End(word, condition):
                    yield Line("plain", depth, "", f"{word} if {self.show(condition)}", item.span)
                case _:
                    assert_never(item)

    # -- layers -------------------------------------------------------------------------------

    def line(self, item: ast.LayerLine) -> Line:
        match item:
            case ast.Learn(arrays):
                return Line("plain", 1, "", "learn " + ", ".join(map(self._learned, arrays)), item.span)
            case ast.Formula(name, indices, value, condition, otherwise):
                guard = f" if {self._guard(condition)}" if condition is not None else ""
                guard += " else" if otherwise else ""
                shown = self.show(value) if condition is None else self._guard(value)
                return Line("equation", 1, self.printer.array(name, indices), shown + guard, item.span)
            case ast.Draws(name, indices, law, per):
                rest = self.show(law) + (f" per {per}" if per else "")
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

    # -- expressions --------------------------------------------------------------------------

    def show(self, expr: ast.Expr) -> str:
        return self.printer.show(expr)

    def all(self, exprs: Iterable[ast.Expr]) -> str:
        return ", ".join(map(self.show, exprs))


N = TypeVar("N", bound=ast.Node)


def in_order(nodes: Sequence[N]) -> Sequence[N]:
    """As they were written; nodes that no one wrote keep the order given."""
    if any(n.span.source != nodes[0].span.source for n in nodes):
        return nodes
    return sorted(nodes, key=lambda n: n.span.start)


def wants_block(node: ast.Node, items: Sequence[ast.Node], one_line: str) -> bool:
    if len(one_line) > WIDTH:
        return True
    first = items[0].span
    if node.span.source != first.source:
        return False
    return bool(_BLOCK_OPENS.search(node.span.source.text[node.span.start : first.start]))
