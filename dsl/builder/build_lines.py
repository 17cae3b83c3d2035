"""Lines of layers and of update rules from what the grammar recognised: methods of `build.py`."""

from __future__ import annotations

from typing import Literal

from netc.dsl import ast
from netc.dsl.builder.build_parts import (
    Child,
    Group,
    Role,
    end_of,
    group_of,
    indices_of,
    nodes_of,
    require_word,
    require_words,
    role_of,
)
from netc.dsl.source import Span
from netc.dsl.tokens import Lexeme

DRAWN_ONCE = "a draw for all places of a sample is said by 'per sample', one for all samples by 'per batch'"


class Lines:
    """One method a rule of lines."""

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
