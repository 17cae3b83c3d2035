"""Statements from what the grammar recognised: methods of `build.py`."""

from __future__ import annotations

from netc.dsl import ast
from netc.dsl.builder.build_expressions import Expressions
from netc.dsl.builder.build_parts import (
    Child,
    Group,
    actions_of,
    are_layers,
    dotted,
    finder_of,
    group_of,
    head_of,
    laws_of,
    lines_and_settings,
    lines_of,
    nodes_of,
    others_of,
    over_of,
    parameters_of,
    require_one_number,
    settings_of,
)
from netc.dsl.source import Span


class Statements(Expressions):
    """One method a rule of statements."""

    def expression(self, span: Span, value: Child) -> Child:
        return value

    def network(self, span: Span, _: Child, architecture: Child) -> ast.Node:
        return ast.Network(architecture, span=span)

    def block(self, span: Span, _: Child, head: Child, *rest: Child) -> ast.Node:
        name, parameters = head_of(head)
        value = group_of(rest)[0]
        return ast.Block(name, parameters, (ast.Formula("", (), value, span=value.span),), span=span)

    def block_lines(self, span: Span, _: Child, head: Child, *rest: Child) -> ast.Node:
        name, parameters = head_of(head)
        return ast.Block(name, parameters, lines_of(rest), span=span)

    def layer(self, span: Span, _: Child, name: Child, *rest: Child) -> ast.Node:
        before = [c for c in rest if c in ("(", ":")]
        parameters = parameters_of(rest[1].items) if before[0] == "(" else ()
        lines, settings = lines_and_settings(lines_of(rest[2 * len(before) - 1 :]))
        return ast.Layer(dotted(name), parameters, lines, settings, span=span)

    def activation(
        self, span: Span, _: Child, name: Child, _open: Child, variable: Child, *rest: Child
    ) -> ast.Node:
        nodes = [n for n in nodes_of(rest) if not isinstance(n, Group)]
        return ast.Activation(
            name.id, variable.id, parameters_of(group_of(rest)), nodes[0], tuple(nodes[1:]), span=span
        )

    def learnt_activation(
        self, span: Span, _: Child, name: Child, _open: Child, variable: Child, *rest: Child
    ) -> ast.Node:
        end = rest.index(")")
        lines, settings = lines_and_settings(lines_of(rest[end + 1 :]))
        require_one_number(lines)
        parameters = parameters_of(group_of(rest[:end]))
        return ast.LearntActivation(name.id, variable.id, parameters, lines, settings, span=span)

    def clip(
        self, span: Span, _: Child, name: Child, _open: Child, variable: Child, *rest: Child
    ) -> ast.Node:
        value = next(n for n in nodes_of(rest) if not isinstance(n, Group | ast.Setting))
        parameters = parameters_of(group_of(rest))
        return ast.Clip(dotted(name), variable.id, parameters, value, settings_of(rest), span=span)

    def body(self, span: Span, value: Child) -> ast.Node:
        return Group((value,), span=span)

    def loss(self, span: Span, _: Child, head: Child, *rest: Child) -> ast.Node:
        value, settings = group_of(rest), settings_of(rest)
        if not value:
            name = head.function if isinstance(head, ast.Call) else head
            return ast.Loss(dotted(name), (), head, None, settings, span=span)
        name, parameters = head_of(head)
        return ast.Loss(name, parameters, None, value[0], settings, span=span)

    def objective(self, span: Span, _: Child, head: Child, *rest: Child) -> ast.Node:
        name, variables = head_of(head)
        return ast.Objective(name, variables, group_of(rest)[0], settings_of(rest), span=span)

    def data(self, span: Span, *children: Child) -> ast.Node:
        return ast.Data(others_of(children), None, (), settings_of(children), span=span)

    def generated(
        self, span: Span, _: Child, inputs: Child, _to: Child, outputs: Child, *rest: Child
    ) -> ast.Node:
        return ast.Data((inputs,), outputs.items[0], (), settings_of(rest), span=span)

    def inline(self, span: Span, _: Child, word: Child, *rest: Child) -> ast.Node:
        rows = tuple(n for n in rest if isinstance(n, ast.Row))
        return ast.Data((ast.Name("inline", span=word.span),), None, rows, settings_of(rest), span=span)

    def row(self, span: Span, inputs: Child, _: Child, outputs: Child) -> ast.Node:
        return ast.Row(inputs.items, outputs.items, span=span)

    cells = Expressions.arguments

    def of_layers(self, span: Span, *children: Child) -> ast.Node:
        return Group(nodes_of(children), span=span)

    def init_use(self, span: Span, *children: Child) -> ast.Node:
        (use,) = (c for c in nodes_of(children) if not isinstance(c, Group))
        return ast.Init(None, (), use, (), None, (), group_of(children), span=span)

    def init_file(self, span: Span, *children: Child) -> ast.Node:
        file = next(c for c in children if isinstance(c, ast.Text))
        return ast.Init(None, (), None, (), file, settings_of(children), group_of(children), span=span)

    def init_definition(self, span: Span, _: Child, heads: Child, *rest: Child) -> ast.Node:
        laws, settings = laws_of(nodes_of(rest))
        if are_layers(heads.items):
            return ast.Init(None, (), None, laws, None, settings, heads.items, span=span)
        name, parameters = head_of(heads.items[0])
        return ast.Init(name, parameters, None, laws, None, settings, span=span)

    def init_laws(self, span: Span, _: Child, *rest: Child) -> ast.Node:
        laws, settings = laws_of(c for c in nodes_of(rest) if not isinstance(c, Group))
        return ast.Init(None, (), None, laws, None, settings, group_of(rest), span=span)

    def law(self, span: Span, item: Child) -> Child:
        return item

    def optimizer_use(self, span: Span, _: Child, use: Child, *rest: Child) -> ast.Node:
        return self.bare_use(span, use, *rest)

    def bare_use(self, span: Span, use: Child, *rest: Child) -> ast.Node:
        name = use.function if isinstance(use, ast.Call) else use
        return ast.Optimizer(dotted(name), (), use, (), settings_of(rest), span=span)

    def optimizer_definition(self, span: Span, _: Child, head: Child, *rest: Child) -> ast.Node:
        name, parameters = head_of(head)
        body, settings = actions_of(nodes_of(rest))
        return ast.Optimizer(name, parameters, None, body, settings, span=span)

    def search(self, span: Span, _: Child, head: Child, *rest: Child) -> ast.Node:
        name, parameters = head_of(head)
        body, settings = actions_of(nodes_of(rest))
        return ast.Search(name, parameters, body, settings, span=span)

    def attack(self, span: Span, _: Child, head: Child, *rest: Child) -> ast.Node:
        name, parameters = head_of(head)
        body, settings = actions_of(nodes_of(rest))
        return ast.Attack(name, parameters, body, settings, span=span)

    def schedule_pieces(self, span: Span, _: Child, name: Child, *rest: Child) -> ast.Node:
        pieces = tuple(n for n in rest if isinstance(n, ast.Piece))
        return ast.Schedule(name.id, False, (), pieces, (), settings_of(rest), span=span)

    def schedule_closed(self, span: Span, _: Child, name: Child, *rest: Child) -> ast.Node:
        *arguments, body = (n for n in rest if isinstance(n, Group))
        piece = ast.Piece(body.items[0], None, span=body.span)
        parameters = parameters_of(arguments[0].items) if arguments else ()
        return ast.Schedule(dotted(name), True, parameters, (piece,), (), settings_of(rest), span=span)

    def schedule_recursion(self, span: Span, _: Child, name: Child, *rest: Child) -> ast.Node:
        body, settings = actions_of(tuple(n for n in nodes_of(rest) if not isinstance(n, Group)))
        return ast.Schedule(dotted(name), True, parameters_of(group_of(rest)), (), body, settings, span=span)

    def piece(self, span: Span, value: Child, *rest: Child) -> ast.Node:
        return ast.Piece(value, rest[1] if rest else None, span=span)

    def augment(self, span: Span, *children: Child) -> ast.Node:
        return ast.Augment(tuple(n for n in children if isinstance(n, ast.Piece)), span=span)

    def train(self, span: Span, *children: Child) -> ast.Node:
        return ast.Train(settings_of(children), span=span)

    def phase(self, span: Span, _: Child, name: Child, *rest: Child) -> ast.Node:
        return ast.Phase(name.id, settings_of(rest), span=span)

    def ensemble(self, span: Span, _: Child, members: Child, *rest: Child) -> ast.Node:
        return ast.Ensemble(members, settings_of(rest), span=span)

    def sweep(self, span: Span, *children: Child) -> ast.Node:
        return ast.Sweep(others_of(children), settings_of(children), span=span)

    def finder(self, span: Span, _: Child, name: Child, *rest: Child) -> ast.Node:
        first, low, second, high, __, steps, unit = rest
        return finder_of(span, name, (first, second, unit), (low, high, steps))

    def monitor(self, span: Span, *children: Child) -> ast.Node:
        return ast.Monitor(others_of(children), settings_of(children), span=span)

    def expect(self, span: Span, _: Child, claim: Child, *rest: Child) -> ast.Node:
        within = group_of(rest)
        return ast.Expect(claim, within[0] if within else None, settings_of(rest), span=span)

    def within(self, span: Span, _: Child, value: Child) -> ast.Node:
        return Group((value,), span=span)

    def claim(self, span: Span, *children: Child) -> Child:
        return children[0] if len(children) == 1 else self.compare(span, *children)

    def over(self, span: Span, value: Child, word: Child, axis: Child, op: Child, right: Child) -> ast.Node:
        return self.compare(span, over_of(value, word, axis), op, right)

    def points(self, span: Span, _: Child, name: Child, _is: Child, values: Child, *rest: Child) -> ast.Node:
        within = group_of(rest)
        return ast.Points(name.id, values, within[0] if within else None, span=span)

    def use(self, span: Span, _: Child, file: Child) -> ast.Node:
        return ast.Use(file, span=span)
