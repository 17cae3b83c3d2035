"""The kind of an expression: one walk serves inference (no report: silent) and checking (with a report).

Names must be plain by now: the indices of an update rule are resolved before (`resolve_rule.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import assert_never

from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.kinds import (
    ELEMENTWISE,
    FUNCTION_NAMES,
    OUTPUTS,
    PARAMETERS,
    REDUCTIONS,
    SCALAR,
    THETA,
    WORDS,
    Scope,
    Type,
)
from netc.compiler.meaning.layer_parameters import unsaid
from netc.compiler.meaning.places import place_of
from netc.compiler.meaning.resolve import ROLES, USUAL, renamed
from netc.compiler.meaning.resolve_tree import dotted
from netc.compiler.meaning.resolve_values import CONSTANTS
from netc.dsl import ast
from netc.dsl.foreign_words import Place
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span
from netc.dsl.vocabulary import in_rule, joined, meant

PENALTY = "a penalty is a sum over them, lambda*sum(weights^2), or in the update rule ... - eta*lambda*weights*theta[n]"
BY_INPUTS = "monitor norm(grad_x R), max(|grad_x R|); model.gradient(theta, X, y, wrt = 'x') from Python"
WITHIN: Mapping[str, Place] = {"a loss": "in a loss", "an init": "in a start", "a schedule": "in a schedule"}
"""Where names of other tools have a meaning of their own."""
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
            message = f"{what} is {_named(found)}, but one number is needed here"
            self._error("E0303", expr.span, message, *([] if found.truth else [TO_SCALAR]))

    def condition(self, expr: ast.Expr) -> None:
        """Checks that the expression is one truth value."""
        found = self.of(expr)
        if found is None:
            return
        if not found.truth:
            message = f"a condition is needed here, this is {_named(found)}"
            self._error("E0304", expr.span, message, "compare it, as in 'norm(g) < 1e-6'")
        elif found.kind != "scalar":
            message = "this condition has one truth value per element, one is needed"
            self._error(
                "E0303", expr.span, message, "reduce the vector first: norm(...), max(|...|), sum(...)"
            )

    def of(self, expr: ast.Expr) -> Type | None:
        match expr:
            case ast.Number() | ast.Percent():
                return SCALAR
            case ast.Name(id):
                return self._name(id, expr.span)
            case ast.Unary(_, operand) | ast.Absolute(operand):
                return self._widest(operand)
            case ast.Binary(op, left, right):
                if op == "/" and ROOT.search(expr.span.text):
                    self._root(expr)
                return self._widest(left, right)
            case ast.Compare(_, left, right):
                found = self._widest(left, right)
                return found and Type(found.kind, truth=True)
            case ast.Logic(_, left, right):
                return self._truths(left, right)
            case ast.Not(operand):
                return self._truths(operand)
            case ast.Choose(then, condition, otherwise):
                return self._choice(condition, then, otherwise)
            case ast.Call(function, arguments):
                return self._call(expr, function, arguments)
            case ast.Index(ast.Name(id), index) if id in self.scope.memories:
                self.number(index, "the number of the batch")
                return self.scope.names.get(id)  # none where its own equation is wrong
            case ast.Index(ast.Name(id)) if id in self.scope.by_place:
                if place_of(expr) is None:
                    self._error(
                        "E0254",
                        expr.span,
                        "a place among the outputs is a whole number from 1 on",
                        f"{id}[1]",
                    )
                    return None
                return SCALAR
            case ast.Gradient(loss, batch, point):
                return self._loss(loss, batch, point, expr.span, THETA)
            case ast.InputGradient():
                message = f"the derivative by the inputs is a figure, no part of {self.scope.place}"
                self._error("E0253", expr.span, message, BY_INPUTS)
                return None
            case ast.Index() | ast.Member() | ast.Phrase():
                group = "a group stands in parentheses, (...)" if isinstance(expr, ast.Set) else ""
                message = f"this cannot stand inside the expression of {self.scope.place}"
                self._error("E0306", expr.span, joined(message, group))
                return None
            case _:
                assert_never(expr)

    # -- names -------------------------------------------------------------------------------------

    def _name(self, id: str, span: Span) -> Type | None:
        if id in self.scope.names:
            return self.scope.names[id]
        if id in CONSTANTS or id == "none":
            return SCALAR
        word = span.text or id
        known = [n for n in self.scope.names if n not in self.scope.hidden]
        if id in FUNCTION_NAMES or id in self.scope.activations or id in self.scope.calls:
            message = joined(f"'{word}' is a function", meant(id, "schedule") if self._is_schedule else "")
            self._error("E0302", span, message, f"call it: {word}(...)")
        elif id in self.scope.losses:
            hint = f"say where: {word}(theta[n])"
            self._error("E0302", span, f"'{word}' is the loss, a function of the parameters", hint)
        elif id in PARAMETERS and "u" in known:
            message = f"'{word}' is over the parameters, the loss of a sample over the outputs"
            self._error("E0301", span, message, PENALTY)
        elif id in OUTPUTS and "theta" in known:
            message = f"'{word}' is over the outputs of the network, an update rule over the parameters"
            self._error("E0301", span, message, "the loss and its gradient are R(theta[n]), grad R(theta[n])")
        else:
            hints = did_you_mean(id, [*known, *CONSTANTS]) or (f"known here: {', '.join(known)}",)
            same = [n for n in known if word in USUAL and USUAL[word] == USUAL.get(n, n)]
            says = f"here it is called '{same[0]}'" if same else in_rule(word) if "theta" in known else ""
            says = says or self._foreign(word) or ("the exponential function is exp(x)" if id == "e" else "")
            self._error("E0101", span, joined(f"'{word}' means nothing in {self.scope.place}", says), *hints)
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
                self._error("E0666", factor.span.to(quotient.right.span), message)

    # -- operators ---------------------------------------------------------------------------------

    def _widest(self, *parts: ast.Expr) -> Type | None:
        types = [self.of(p) for p in parts]
        for part, found in zip(parts, types, strict=True):
            if found is not None and found.truth:
                self._error(
                    "E0304",
                    part.span,
                    "a truth value cannot be calculated with",
                    "choose numbers by it: 1 if ... else 0",
                )
                return None
        if {"theta", "output"} <= {t.kind for t in types if t is not None}:
            message = "the parameters and the outputs of a sample are vectors of different lengths"
            self._error("E0257", parts[-1].span, message, "sum(weights^2) makes a number of them")
            return None
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
                self._error(
                    "E0304", part.span, f"'and', 'or', 'not' join conditions; this is {_named(found)}"
                )
                return None
        found = self._join(types)
        return found and Type(found.kind, truth=True)

    def _choice(self, condition: ast.Expr, then: ast.Expr, otherwise: ast.Expr) -> Type | None:
        test = self.of(condition)
        if test is not None and not test.truth:
            self._error(
                "E0304",
                condition.span,
                f"a condition is needed here, this is {_named(test)}",
                "compare it: '... > 0'",
            )
            test = None
        return self._join([test, self.of(then), self.of(otherwise)])

    # -- calls -------------------------------------------------------------------------------------

    def _call(self, call: ast.Expr, function: ast.Expr, arguments: tuple[ast.Argument, ...]) -> Type | None:
        match function:
            case ast.Index(ast.Name(id), batch) if id in self.scope.losses:
                point = arguments[0].value if len(arguments) == 1 else None
                return self._loss(id, batch, point, call.span, SCALAR)
            case ast.Name(id) if id in self.scope.losses:
                if len(arguments) != 1:
                    self._error("E0302", call.span, f"'{id}' takes one argument, the point: {id}(theta[n])")
                    return None
                return self._loss(id, None, arguments[0].value, call.span, SCALAR)
            case ast.Name(id):
                return self._function(id, function.span, call, arguments)
            case ast.Member() if name := dotted(function):
                return self._function(name, function.span, call, arguments)
        self._error("E0306", function.span, "this is not a function: a product is written (...)*(...)")
        return None

    def _function(
        self, id: str, span: Span, call: ast.Expr, arguments: tuple[ast.Argument, ...]
    ) -> Type | None:
        positional = [a.value for a in arguments if a.name is None]
        match positional:
            case [ast.Name(memory)] if memory in self.scope.memories:
                return self._over_batches(id, memory, call)
        named = [a for a in arguments if a.name is not None]
        given = len(positional)
        if id in REDUCTIONS and [a.name for a in named] == ["per"] and given == 1:
            return self._per_part(positional[0], named[0])
        if named and id in FUNCTION_NAMES:
            whole = "it is over all that is in its parentheses, and nothing else is to be said"
            says = whole if id in REDUCTIONS else meant(str(named[0].name), "of a layer")
            self._error("E0302", named[0].span, joined(f"'{id}' takes no argument '{named[0].name}'", says))
            return None
        if id in REDUCTIONS and given == 1:
            found = self._widest(positional[0])
            return found and SCALAR
        if id == "dot" and given == 2:
            found = self._widest(*positional)
            return found and SCALAR
        if id == "where" and given == 3:
            return self._choice(*positional)
        if id in ("min", "max") and given >= 2:
            return self._widest(*positional)
        if ELEMENTWISE.get(id) == given and id not in ("min", "max"):
            return self._widest(*positional)
        if id in FUNCTION_NAMES:
            self._arity(id, call, given)
            return None
        if id in self.scope.activations:
            return self._activation(self.scope.activations[id], call, arguments)
        if id in self.scope.calls:
            return self._widest(*(a.value for a in arguments))
        known = [*FUNCTION_NAMES, *self.scope.activations, *self.scope.calls]
        says = meant(id, WITHIN[self.scope.place]) if self.scope.place in ("a loss", "an init") else ""
        says = says or meant(id, "schedule" if self._is_schedule else "function") or self._elsewhere(id)
        says = says or (f"a product is written {id}*(...)" if id in self.scope.names else "")
        says = says or (in_rule(id) if id.endswith("_") and "theta" in self.scope.names else "")
        hints = () if says else did_you_mean(id, known)
        self._error("E0101", span, joined(f"there is no function '{span.text or id}'", says), *hints)
        return None

    def _elsewhere(self, id: str) -> str:
        """`np.sqrt`, and `StepLR` without its library."""
        last = id.rpartition(".")[2].lower()
        if last in FUNCTION_NAMES:
            return f"it is written {last}(...)"
        calls = self.scope.calls
        spelled = [calls[n].name for n in calls if n.rpartition(".")[2].lower() == last]
        return f"libraries have {', '.join(spelled)}" if spelled else ""

    def _per_part(self, vector: ast.Expr, per: ast.Argument) -> Type | None:
        found = self._widest(vector)
        match per.value:
            case ast.Name("layer" | "tensor" as part):
                pass
            case _:
                hint = "a tensor is one weight matrix or one bias vector, a layer is both"
                message = "a reduction is over everything, 'per = layer' or 'per = tensor'"
                self._error("E0302", per.value.span, message, hint)
                return None
        if found is not None and found != THETA:
            self._error(
                "E0303", vector.span, f"'per = {part}' needs a vector like theta, this is {_named(found)}"
            )
            return None
        return found

    def _over_batches(self, id: str, memory: str, call: ast.Expr) -> Type | None:
        found = self.scope.names.get(memory)  # none where its own equation is wrong
        if found is None or id in ("sum", "mean") or found == SCALAR:
            return SCALAR if found is not None and id not in ("sum", "mean") else found
        message = f"'{memory}' is a vector for each batch, '{id}' over the batches needs a number for each"
        self._error("E0303", call.span, message, "keep the norms: s[i] = norm(...)")
        return None

    def _arity(self, id: str, call: ast.Expr, given: int) -> None:
        wanted = {
            "dot": "2 arguments",
            "where": "3 arguments",
            "norm": "1 argument",
            "sum": "1 argument",
            "mean": "1 argument",
            "min": "1 argument or more",
            "max": "1 argument or more",
            "argmax": "1 argument",
        }.get(id) or counted(ELEMENTWISE[id], "argument")
        self._error("E0302", call.span, f"'{id}' takes {wanted}, {given} given")

    def _activation(
        self, definition: ast.Activation, call: ast.Expr, arguments: tuple[ast.Argument, ...]
    ) -> Type | None:
        name, parameters = definition.name, [p.name for p in definition.parameters]
        names = [definition.variable, *parameters]
        positional = [a for a in arguments if a.name is None]
        if not 1 <= len(positional) <= len(names) or arguments[0].name is not None:
            most = counted(len(parameters), "parameter")
            message = f"'{name}' takes {definition.variable} and at most {most}, {len(arguments)} given"
            self._error("E0302", call.span, message)
            return None
        given = [a.name or names[i] for i, a in enumerate(arguments)]
        for argument, parameter in zip(arguments[1:], given[1:], strict=True):
            if parameter not in parameters:
                says = renamed(parameter, definition.parameters, "of a layer")
                message = joined(f"'{name}' has no parameter '{parameter}'", says)
                hints = () if says else did_you_mean(parameter, parameters)
                self._error("E0302", argument.span, message, *hints)
                return None
            if given.count(parameter) > 1:
                self._error("E0302", call.span, f"'{name}' is given '{parameter}' twice")
                return None
        missing = [p.name for p in definition.parameters if p.default is None and p.name not in given]
        if missing:
            self._error("E0302", call.span, f"'{name}' needs its parameter '{missing[0]}', it has no default")
            return None
        if found := unsaid(definition, given):
            hint = f"say it: {name}({definition.variable}, 0.01)"
            if self.report is not None:
                self.report.error("E0103", call.span, found[0], notes=found[1], hints=(hint,))
            return None
        return self._widest(*(a.value for a in arguments))

    def _loss(
        self, name: str, batch: ast.Expr | None, point: ast.Expr | None, span: Span, result: Type
    ) -> Type | None:
        if name not in self.scope.losses:
            known = sorted(self.scope.losses)
            message = f"the loss is called {' or '.join(known)}, not '{name}'"
            if not known:
                message = f"there is no loss in {self.scope.place}"
            self._error("E0101", span, message)
            return None
        if batch is not None:
            self.number(batch, "the number of the batch")
        if point is None:
            return result
        found = self.of(point)
        if found is not None and found != THETA:
            message = f"the loss needs a point, a vector like theta; this is {_named(found)}"
            self._error("E0409", point.span, message, "the point of the iteration is theta[n]")
            return None
        return found and result

    def _error(self, code: str, span: Span, message: str, *hints: str) -> None:
        if self.report is not None:
            self.report.error(code, span, message, hints=hints)


def _named(found: Type) -> str:
    if found.truth:
        return "a truth value" if found.kind == "scalar" else "a truth value per element"
    return WORDS[found.kind]
