"""From what the grammar recognised to the ast, one method a rule, called while the text is parsed.

A method gets the children of its rule: ast nodes, lists of them, and the tokens themselves; layout tokens are
taken out. Checks only what a form of the surface needs (a parameter must be a name), no meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from types import SimpleNamespace
from typing import Any, Literal

from netc.dsl import ast
from netc.dsl.build_parts import (
    Child,
    Group,
    Role,
    actions_of,
    are_layers,
    call_of,
    dotted,
    end_of,
    finder_of,
    gain_of,
    group_of,
    head_of,
    indices_of,
    is_layer,
    laws_of,
    leaf,
    lines_and_settings,
    lines_of,
    nodes_of,
    others_of,
    over_of,
    parameters_of,
    require_one_number,
    require_word,
    require_words,
    role_of,
    settings_of,
    times_of,
)
from netc.dsl.source import Span
from netc.dsl.tokens import LAYOUT, Lexeme


class _Rules:
    """One method a rule or alias of the grammar (a final `_` keeps clear of Python's own words)."""

    # -- expressions --------------------------------------------------------------------------

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
        return ast.Set(nodes_of(children), span=span)

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

    # -- networks -----------------------------------------------------------------------------

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

    # -- layers as equations ------------------------------------------------------------------

    def several(self, span: Span, *children: Child) -> ast.Node:
        return Group(nodes_of(children), span=span)

    parameters = several

    def learn(self, span: Span, word: Child, *rest: Child) -> ast.Node:
        require_word(word, "learn", "parameters are declared by 'learn W[o in units, i]'")
        return ast.Learn(nodes_of(rest), span=span)

    def learned(self, span: Span, name: Child, *rest: Child) -> ast.Node:
        role = next((c.id for c in rest if isinstance(c, Role)), "")
        after = {str(sign): rest[i + 1] for i, sign in enumerate(rest) if sign in ("[", "=", "~", "if")}
        value, law, condition = after.get("="), after.get("~"), after.get("if")
        return ast.Learned(name.id, indices_of(after.get("[")), role, value, law, condition, span=span)

    def role(self, span: Span, word: Child, what: Child) -> ast.Node:
        return role_of(word, what, span)

    def formulas(self, span: Span, *children: Child) -> ast.Node:
        return Group(nodes_of(children), span=span)

    def formula(self, span: Span, name: Child, *rest: Child) -> ast.Formula:
        otherwise = rest[-1] == "else"
        value, subscripts = rest[-1 - otherwise], rest[1] if rest[0] == "[" else None
        return ast.Formula(name.id, indices_of(subscripts), value, None, otherwise, span=span)

    def formula_if(self, span: Span, *children: Child) -> ast.Node:
        *start, _, condition = children
        whole = self.formula(span, *start)
        return ast.Formula(whole.name, whole.indices, whole.value, condition, span=span)

    def draws(self, span: Span, name: Child, *rest: Child) -> ast.Node:
        role = next((c for c in rest if isinstance(c, Role)), None)
        if role is not None and (role.word, role.id) != ("per", "sample"):
            require_words(role, "per", "batch", DRAWN_ONCE)
        per: Literal["", "sample", "batch"] = (
            "" if role is None else "sample" if role.id == "sample" else "batch"
        )
        law, subscripts = rest[-1 - bool(role)], rest[1] if rest[0] == "[" else None
        return ast.Draws(name.id, indices_of(subscripts), law, per, span=span)

    # -- update rules -------------------------------------------------------------------------

    def equation(self, span: Span, name: Child, *rest: Child) -> ast.Node:
        *indices, value = nodes_of(rest)
        return ast.Equation(name.id, tuple(indices), value, span=span)

    def for_(self, span: Span, _: Child, name: Child, _in: Child, values: Child, *body: Child) -> ast.Node:
        return ast.For(name.id, values, nodes_of(body), span=span)

    def repeat(self, span: Span, *children: Child) -> ast.Node:
        bounded = "at" in [c for c in children if isinstance(c, Lexeme)]
        nodes = nodes_of(children)
        return ast.Repeat(nodes[0] if bounded else None, nodes[bounded:], span=span)

    def until(self, span: Span, _: Child, condition: Child) -> ast.Node:
        return ast.Until(condition, span=span)

    def if_(self, span: Span, _: Child, condition: Child, *rest: Child) -> ast.Node:
        then = tuple(n for n in nodes_of(rest) if not isinstance(n, Group))
        return ast.If(condition, then, group_of(rest), span=span)

    def otherwise(self, span: Span, *children: Child) -> ast.Node:
        return Group(nodes_of(children), span=span)

    def measure(self, span: Span, _: Child, __: Child, point: Child) -> ast.Node:
        return ast.Setting("evaluate", point, span=span)

    def end(self, span: Span, word: Child, _: Child, condition: Child) -> ast.Node:
        return ast.End(end_of(word), condition, span=span)

    # -- statements ---------------------------------------------------------------------------

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

    cells = arguments

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


DRAWN_ONCE = "a draw for all places of a sample is said by 'per sample', one for all samples by 'per batch'"


def callbacks() -> SimpleNamespace:
    """What lark calls, by rule."""
    rules = _Rules()
    methods = {name: getattr(rules, name) for name in vars(_Rules) if not name.startswith("__")}
    return SimpleNamespace(**{name.rstrip("_"): _with_span(method) for name, method in methods.items()})


def _with_span(method: Callable[..., Any]) -> Callable[[list[Child]], Any]:
    """Gives a method the span from the first child to the last, and the children without layout."""

    @wraps(method)
    def callback(children: list[Child]) -> Any:
        kept = [leaf(c) for c in children if not (isinstance(c, Lexeme) and c.type in LAYOUT)]
        return method(kept[0].span.to(kept[-1].span), *kept)

    return callback
