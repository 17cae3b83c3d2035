"""Expressions and architectures from what the grammar recognised: methods of `build.py`."""

from __future__ import annotations

from dataclasses import replace

from netc.dsl import ast
from netc.dsl.builder.build_parts import (
    Child,
    Group,
    Role,
    call_of,
    dotted,
    gain_of,
    group_of,
    is_layer,
    nodes_of,
    times_of,
)
from netc.dsl.dots import numbers_between
from netc.dsl.source import Span

DOTS = ast.Name("...")
"""What stands for the numbers between, until the set is built."""


class Expressions:
    """One method a rule of expressions."""

    def choose(
        self, span: Span, then: Child, _if: Child, condition: Child, _else: Child, other: Child
    ) -> ast.Node:
        return ast.Choose(then, condition, other, span=span)

    def or_(self, span: Span, left: Child, _: Child, right: Child) -> ast.Node:
        return ast.Logic("or", left, right, span=span)

    def and_(self, span: Span, left: Child, _: Child, right: Child) -> ast.Node:
        return ast.Logic("and", left, right, span=span)

    def not_(self, span: Span, _: Child, operand: Child) -> ast.Node:
        return ast.Not(operand, span=span)

    def compare(self, span: Span, left: Child, op: Child, right: Child) -> ast.Node:
        sign = "=" if op == "==" else str(op)
        return ast.Compare(sign, left, right, span=span)  # type: ignore[arg-type]

    def range(self, span: Span, start: Child, _: Child, stop: Child) -> ast.Node:
        return ast.Range(start, stop, span=span)

    def binary(self, span: Span, left: Child, op: Child, right: Child) -> ast.Node:
        return ast.Binary(str(op), left, right, span=span)  # type: ignore[arg-type]

    def unary(self, span: Span, op: Child, operand: Child) -> ast.Node:
        return ast.Unary(str(op), operand, span=span)  # type: ignore[arg-type]

    def percent(self, span: Span, value: Child, _: Child) -> ast.Node:
        return ast.Percent(value, span=span)

    def parenthesis(self, span: Span, *children: Child) -> Child:
        items = nodes_of(children)
        if len(items) == 1 and children[-2] != ",":
            return replace(items[0], span=span)
        return ast.Tuple(items, span=span)

    def set(self, span: Span, *children: Child) -> ast.Node:
        items = nodes_of(children)
        at = next((i for i, item in enumerate(items) if item == DOTS), None)
        if at is None:
            return ast.Set(items, span=span)
        return ast.Set(numbers_between(items[at], items[:at], items[at + 1 :]), at, span=span)

    def dots(self, span: Span, _: Child) -> ast.Node:
        return ast.Name(DOTS.id, span=span)

    def absolute(self, span: Span, _: Child, operand: Child, _end: Child) -> ast.Node:
        return ast.Absolute(operand, span=span)

    def norm(self, span: Span, opening: Child, operand: Child, _: Child) -> ast.Node:
        return call_of("norm", opening.span, operand, span)

    def root(self, span: Span, sign: Child, operand: Child) -> ast.Node:
        return call_of("sqrt", sign.span, operand, span)

    def gradient_x(self, span: Span, _: Child, loss: Child) -> ast.Node:
        return ast.InputGradient(loss.id, span=span)

    def gradient(self, span: Span, _: Child, loss: Child, *rest: Child) -> ast.Node:
        batch = rest[1] if rest and rest[0] == "[" else None
        point = rest[-2] if rest and rest[-1] == ")" else None
        return ast.Gradient(loss.id, batch, point, span=span)

    def member(self, span: Span, base: Child, _: Child, name: Child) -> ast.Node:
        if isinstance(base, ast.Name) and is_layer(
            base.id
        ):  # `layer1.weights` is one name, as in `netc explain`
            return ast.Name(f"{base.id}.{name.id}", span=span)
        return ast.Member(base, name.id, span=span)

    def index(self, span: Span, base: Child, _: Child, index: Child, _end: Child) -> ast.Node:
        if isinstance(index, Group):
            index = ast.Tuple(index.items, span=index.span)
        return ast.Index(base, index, span=span)

    def applied(self, span: Span, network: Child, _: Child, value: Child, _end: Child) -> ast.Node:
        return ast.Call(network, (ast.Argument(None, value, span=value.span),), span=span)

    def call(self, span: Span, function: Child, *rest: Child) -> ast.Node:
        return ast.Call(function, group_of(rest), span=span)

    def arguments(self, span: Span, *children: Child) -> ast.Node:
        return Group(nodes_of(children), span=span)

    def argument(self, span: Span, *children: Child) -> ast.Node:
        name = children[0].id if len(children) == 3 else None
        return ast.Argument(name, children[-1], span=span)

    def setting(self, span: Span, name: Child, _: Child, value: Child) -> ast.Node:
        return ast.Setting(name.id, value, span=span)

    def counted(self, span: Span, value: Child, unit: Child) -> ast.Node:
        return ast.Counted(value, unit.id, span=span)

    def gain(
        self, span: Span, no: Child, gain: Child, _in: Child, figure: Child, for_: Child, *patience: Child
    ) -> ast.Node:
        count, unit = patience
        return gain_of(span, no, (gain, for_), ast.Gain(figure, count, unit.id, span=span))

    def among(self, span: Span, name: Child, _: Child, values: Child) -> ast.Node:
        return ast.Among(name, values, span=span)

    def drawn(self, span: Span, name: Child, _: Child, law: Child) -> ast.Node:
        return ast.Drawn(name, law, span=span)

    def of(self, span: Span, value: Child, _: Child, whole: Child) -> ast.Node:
        return ast.Of(value, whole.id, span=span)

    def architecture(self, span: Span, *children: Child) -> ast.Node:
        nodes = nodes_of(children)
        sized = not isinstance(nodes[0], ast.Stage)
        return ast.Architecture(nodes[0] if sized else None, nodes[sized:], span=span)

    def stage(self, span: Span, *children: Child) -> ast.Node:
        nodes = [n for n in nodes_of(children) if not isinstance(n, Group | Role)]
        operations = tuple(n for n in nodes if isinstance(n, ast.Operation))
        size = None if isinstance(nodes[-1], ast.Operation) else nodes[-1]
        called = next((c.id for c in children if isinstance(c, Role)), "")
        (times,) = group_of(children) or (1,)
        return ast.Stage(operations, size, times, called, span=span)

    def called(self, span: Span, word: Child, name: Child) -> ast.Node:
        return Role(str(word), name.id, span=span)

    def times(self, span: Span, word: Child, count: Child) -> ast.Node:
        return Group((times_of(word, count),), span=span)

    def operation(self, span: Span, name: Child, *rest: Child) -> ast.Node:
        words = tuple(n for n in nodes_of(rest) if not isinstance(n, Group))
        name = name.id.lower() if isinstance(name, ast.Name) else dotted(name)
        return ast.Operation(name, group_of(rest), words, span=span)
