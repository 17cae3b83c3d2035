"""The kind of an expression: one walk serves inference (no report: silent) and checking (with a report).

Names must be plain by now: the indices of an update rule are resolved before (`resolve_rule.py`).
"""

from __future__ import annotations

import re
from typing import assert_never

from netc.compiler.check.parts.calls import kind_of_call, kind_of_loss
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import (
    FUNCTION_NAMES,
    OUTPUTS,
    PARAMETERS,
    SCALAR,
    THETA,
    WITHIN,
    Scope,
    Type,
)
from netc.compiler.meaning.layer_parameters import NONE
from netc.compiler.meaning.places import place_of
from netc.compiler.meaning.resolve import ROLES, USUAL, usual
from netc.compiler.meaning.resolve_values import CONSTANTS
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span
from netc.dsl.words.vocabulary import in_rule, joined, meant

PENALTY = "a penalty is a sum over them, lambda*sum(weights^2), or in the update rule ... - eta*lambda*weights*theta[n]"
BY_INPUTS = "monitor norm(grad_x R), max(|grad_x R|); model.gradient(theta, X, y, wrt = 'x') from Python"
ROOT = re.compile(r"\^\s*1\s*/|¹\s*/")
TO_SCALAR = "sum(...), mean(...), norm(...) or dot(..., ...) makes one number of a vector"


class Kinds:
    """The walk. `of` gives the type of an expression, or None where an error has been reported."""

    def __init__(self, scope: Scope, report: Report | None = None) -> None:
        self.scope = scope
        self.report = report

    def number(self, expr: ast.Expr, what: str) -> None:
        """Checks that the expression is one number."""
        found = self.of(expr)
        if found is not None and found != SCALAR:
            message = f"{what} is {found.words}, but one number is needed here"
            self.error("E0303", expr.span, message, *([] if found.truth else [TO_SCALAR]))

    def condition(self, expr: ast.Expr) -> None:
        """Checks that the expression is one truth value."""
        found = self.of(expr)
        if found is None:
            return
        if not found.truth:
            message = f"a condition is needed here, this is {found.words}"
            self.error("E0304", expr.span, message, "compare it, as in 'norm(g) < 1e-6'")
        elif found.kind != "scalar":
            message = "this condition has one truth value per element, one is needed"
            self.error(
                "E0303", expr.span, message, "reduce the vector first: norm(...), max(|...|), sum(...)"
            )

    def of(self, expr: ast.Expr) -> Type | None:
        match expr:
            case ast.Number():
                return SCALAR
            case ast.Name(id):
                return self._name(id, expr.span)
            case ast.Unary(_, operand) | ast.Absolute(operand) | ast.Percent(operand):
                return self.widest(operand)
            case ast.Binary(op, left, right):
                if op == "/" and ROOT.search(expr.span.text):
                    self._root(expr)
                return self.widest(left, right)
            case ast.Compare("=" | "!=", left, right) if NONE in (left, right):
                found = self.widest(*(side for side in (left, right) if side != NONE))
                return found and Type(found.kind, truth=True)
            case ast.Compare(_, left, right):
                found = self.widest(left, right)
                return found and Type(found.kind, truth=True)
            case ast.Logic(_, left, right):
                return self._truths(left, right)
            case ast.Not(operand):
                return self._truths(operand)
            case ast.Choose(then, condition, otherwise):
                return self.choice(condition, then, otherwise)
            case ast.Call(function, arguments):
                return kind_of_call(self, expr, function, arguments)
            case ast.Index(ast.Name(id), index) if id in self.scope.memories:
                self.number(index, "the number of the batch")
                return self.scope.names.get(id)  # none where its own equation is wrong
            case ast.Index(ast.Name(id)) if id in self.scope.by_place:
                message = "a place among the outputs is a whole number from 1 on"
                return SCALAR if place_of(expr) else self.error("E0254", expr.span, message, f"{id}[1]")
            case ast.Gradient(loss, batch, point):
                return kind_of_loss(self, loss, batch, point, expr.span, THETA)
            case ast.InputGradient():
                message = f"the derivative by the inputs is a figure, no part of {self.scope.place}"
                return self.error("E0253", expr.span, message, BY_INPUTS)
            case ast.Index() | ast.Member() | ast.Phrase():
                says = "a group stands in parentheses, (...)" if isinstance(expr, ast.Set) else ""
                if isinstance(expr, ast.Index) and self.scope.place == "an objective":
                    says = "its variables have names, R(x1, x2)"
                message = f"this cannot stand inside the expression of {self.scope.place}"
                return self.error("E0306", expr.span, joined(message, says))
            case _:
                assert_never(expr)

    # -- names -------------------------------------------------------------------------------------

    def _name(self, id: str, span: Span) -> Type | None:
        if id in self.scope.names:
            return self.scope.names[id]
        if id in CONSTANTS:
            return SCALAR
        if id == "none":
            hint = "whether a parameter is none can be asked: 0 if p == none else p"
            return self.error("E0305", span, "'none' is no number", hint)
        word = span.text or id
        known = [n for n in self.scope.names if n not in self.scope.hidden]
        if id in FUNCTION_NAMES or id in self.scope.activations or id in self.scope.calls:
            message = joined(f"'{word}' is a function", meant(id, "schedule") if self._is_schedule else "")
            self.error("E0302", span, message, f"call it: {word}(...)")
        elif id in self.scope.losses:
            hint = f"say where: {word}(theta[n])"
            self.error("E0302", span, f"'{word}' is the loss, a function of the parameters", hint)
        elif id in PARAMETERS and "u" in known:
            message = f"'{word}' is over the parameters, the loss of a sample over the outputs"
            self.error("E0301", span, message, PENALTY)
        elif id in OUTPUTS and "theta" in known:
            message = f"'{word}' is over the outputs of the network, an update rule over the parameters"
            self.error("E0301", span, message, "the loss and its gradient are R(theta[n]), grad R(theta[n])")
        else:
            hints = did_you_mean(id, [*known, *CONSTANTS]) or (f"known here: {', '.join(known)}",)
            same = [n for n in known if word in USUAL and usual(word) == usual(n)]
            says = f"here it is called '{same[0]}'" if same else in_rule(word) if "theta" in known else ""
            says = says or self._foreign(word) or ("the exponential function is exp(x)" if id == "e" else "")
            self.error("E0101", span, joined(f"'{word}' means nothing in {self.scope.place}", says), *hints)
        return None

    @property
    def _is_schedule(self) -> bool:
        return self.scope.place == "a schedule"

    def _foreign(self, word: str) -> str:
        """A name of another tool that is none here: that of a law in a schedule, of a parameter in a rule."""
        if self.scope.place in WITHIN:
            law = meant(word, "schedule") if self._is_schedule else ""
            return law or meant(word, WITHIN[self.scope.place])
        if self.scope.place == "an update rule" and (word in USUAL or word in ROLES):
            return f"a parameter stands in the head of its rule, as in (eta = 0.1, {word} = 0.9)"
        return ""

    def _root(self, quotient: ast.Binary) -> None:
        """`x^1/2` is (x^1)/2, and nobody writes a power of 1."""
        factor = quotient.left
        while isinstance(factor, ast.Binary) and factor.op in ("*", "/"):
            factor = factor.right
        match factor:
            case ast.Binary("^", base, ast.Number(1)):
                between = Span(quotient.span.source, factor.span.end, quotient.right.span.start)
                if between.text.strip() != "/":
                    return  # (x^1)/2
                below, power = quotient.right.span.text, factor.span.text
                message = f"'{power}/{below}' is ({power})/{below}: a root is {base.span.text}^(1/{below})"
                self.error("E0666", factor.span.to(quotient.right.span), message)

    # -- operators ---------------------------------------------------------------------------------

    def widest(self, *parts: ast.Expr) -> Type | None:
        types = [self.of(p) for p in parts]
        for part, found in zip(parts, types, strict=True):
            if found is not None and found.truth:
                return self.error(
                    "E0304",
                    part.span,
                    "a truth value cannot be calculated with",
                    "choose numbers by it: 1 if ... else 0",
                )
        if {"theta", "output"} <= {t.kind for t in types if t is not None}:
            message = "the parameters and the outputs of a sample are vectors of different lengths"
            return self.error("E0257", parts[-1].span, message, "sum(weights^2) makes a number of them")
        return self._join(types)

    def _join(self, types: list[Type | None]) -> Type | None:
        if None in types:
            return None
        kinds = {t.kind for t in types if t is not None} - {"scalar"}
        return Type(kinds.pop()) if kinds else SCALAR

    def _truths(self, *parts: ast.Expr) -> Type | None:
        types = [self.of(p) for p in parts]
        for part, found in zip(parts, types, strict=True):
            if found is not None and not found.truth:
                return self.error(
                    "E0304", part.span, f"'and', 'or', 'not' join conditions; this is {found.words}"
                )
        found = self._join(types)
        return found and Type(found.kind, truth=True)

    def choice(self, condition: ast.Expr, then: ast.Expr, otherwise: ast.Expr) -> Type | None:
        test = self.of(condition)
        if test is not None and not test.truth:
            self.error(
                "E0304",
                condition.span,
                f"a condition is needed here, this is {test.words}",
                "compare it: '... > 0'",
            )
            test = None
        return self._join([test, self.of(then), self.of(otherwise)])

    def error(self, code: str, span: Span, message: str, *hints: str) -> Type | None:
        """Reports what is wrong; it has no type, so that this gives None."""
        if self.report is not None:
            self.report.error(code, span, message, hints=hints)
        return None
