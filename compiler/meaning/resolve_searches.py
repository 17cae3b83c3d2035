"""Searches put in place of their calls: `h = backtracking(R, theta[n], g, ...)` becomes the lines of `backtracking`.

Parameters that are a name or a moment of a state are put in directly, others become locals; the locals of the
search get names of their own. Equations keep their places in the text of the search. Knows no kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from netc.compiler.meaning.arguments import behind_a_name
from netc.compiler.meaning.findings import Report, first_line, listed
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.resolve_complaints import MEANINGS
from netc.dsl import ast
from netc.dsl.names import did_you_mean, unused
from netc.dsl.walks import called, children, dotted, names_in, rebuild, walk

RESULT = "value"
"""The local of a search that is its result."""
DEEPEST = 8
"""Searches within searches: more is a search that calls itself."""


def with_searches(
    rule: ast.Optimizer, losses: frozenset[str], definitions: Definitions, report: Report
) -> ast.Optimizer:
    """The rule with no more calls of searches."""
    if not any(name in definitions.searches for name in called(rule)):
        return rule
    return replace(rule, body=tuple(_Maker(rule, losses, definitions, report).block(rule.body, ())))


def searches_of(rule: ast.Optimizer, definitions: Definitions) -> tuple[ast.Search, ...]:
    """The searches that the rule calls, directly or by way of others, by name."""
    found: dict[str, ast.Search] = {}
    nodes: list[ast.Node] = [rule]
    while nodes:
        for name in called(nodes.pop()):
            if name in definitions.searches and definitions.searches[name].name not in found:
                search = definitions.searches[name]
                found[search.name] = search
                nodes.append(search)
    return tuple(found[name] for name in sorted(found))


class _Maker:
    def __init__(
        self, rule: ast.Optimizer, losses: frozenset[str], definitions: Definitions, report: Report
    ) -> None:
        self.losses, self.searches, self.report = losses, definitions.searches, report
        self.taken = {n for a in rule.body for n in names_in(a)}
        self.taken |= {n.name for a in rule.body for n in walk(a) if isinstance(n, ast.Equation | ast.For)}

    def block(self, actions: tuple[ast.Action, ...], above: tuple[str, ...]) -> Iterator[ast.Action]:
        """`above` are the searches whose lines these are."""
        for action in actions:
            match action:
                case ast.Equation(value=ast.Call(function, arguments) as call) if (
                    name := dotted(function)
                ) is not None and name in self.searches:
                    for argument in arguments:
                        self._no_search_in(argument.value)
                    yield from self._called(action, call, self.searches[name], above)
                case ast.For(values=values, body=body):
                    self._no_search_in(values)
                    yield replace(action, body=tuple(self.block(body, above)))
                case ast.Repeat(body=body):
                    yield replace(action, body=tuple(self.block(body, above)))
                case ast.If(condition, body, otherwise):
                    self._no_search_in(condition)
                    then, other = tuple(self.block(body, above)), tuple(self.block(otherwise, above))
                    yield replace(action, body=then, otherwise=other)
                case ast.Equation(value=expr):
                    yield _unknown(action) if self._no_search_in(expr) else action
                case ast.Until(expr) | ast.End(_, expr):
                    self._no_search_in(expr)
                    yield action

    def _no_search_in(self, expr: ast.Expr) -> bool:
        """Complains about a search that is part of an expression, and says whether there is one."""
        found = False
        for node in walk(expr):
            name = dotted(node.function) if isinstance(node, ast.Call) else None
            if name is not None and name in self.searches:
                message = f"the search '{name}' stands alone on the right of an equation"
                hint = f"give its result a name first: h = {name}(...)"
                self.report.error("E0415", node.span, message, hints=(hint,))
                found = True
        return found

    def _called(
        self, equation: ast.Equation, call: ast.Call, search: ast.Search, above: tuple[str, ...]
    ) -> Iterator[ast.Action]:
        if search.name in above or len(above) == DEEPEST:
            self.report.error("E0111", call.span, f"the search '{search.name}' calls itself")
            yield _unknown(equation)
            return
        own = {n.name for a in search.body for n in walk(a) if isinstance(n, ast.Equation | ast.For)}
        self._check(search, own)
        given = self._bound(search, call)
        if given is None or self.report.errors:
            yield _unknown(equation)
            return
        names: dict[str, ast.Expr] = {}
        stem = search.name.replace(".", "_")
        for name, value in given.items():
            if name in own or not isinstance(value, ast.Name | ast.Index | ast.Number):
                local = unused(f"{stem}_{name}", self.taken)
                names[name] = ast.Name(local)
                yield ast.Equation(local, (), value, span=call.span)
            else:
                names[name] = value
        names |= {n: ast.Name(unused(f"{stem}_{n}", self.taken)) for n in sorted(own - given.keys())}
        body = tuple(_renamed(action, names) for action in search.body)
        yield from self.block(body, (*above, search.name))
        result = names[RESULT]
        assert isinstance(result, ast.Name)
        yield replace(equation, value=replace(result, span=equation.value.span))

    # -- the definition ----------------------------------------------------------------------------

    def _check(self, search: ast.Search, own: set[str]) -> None:
        for node in (n for a in search.body for n in walk(a)):
            if isinstance(node, ast.Equation) and node.indices:
                hint = "states belong to the rule: give the search their values, and keep its result"
                self.report.error("E0417", node.span, "a search has no states", hints=(hint,))
        if RESULT not in own:
            hint = f"end it with an equation '{RESULT} = ...'"
            message = f"the search '{search.name}' never says what its {RESULT} is"
            self.report.error("E0417", first_line(search.span), message, hints=(hint,))
        parameters = {p.name for p in search.parameters}
        allowed = parameters | own | MEANINGS.keys() | self.losses
        for name in (n for a in search.body for n in _values(a)):
            if name.id not in allowed:
                message = f"'{name.span.text or name.id}' means nothing in the search '{search.name}'"
                hints = did_you_mean(name.id, sorted(parameters | own)) or (
                    f"known here: {', '.join(sorted(parameters | own))}; make it a parameter",
                )
                self.report.error("E0101", name.span, message, hints=hints)

    def _bound(self, search: ast.Search, call: ast.Call) -> dict[str, ast.Expr] | None:
        """The argument of each parameter, else its default; None after an error."""
        names = [p.name for p in search.parameters]
        given: dict[str, ast.Expr] = {}
        for position, argument in enumerate(call.arguments):
            name = argument.name or (names[position] if position < len(names) else None)
            if name not in names:
                what = f"has no parameter '{argument.name}'" if argument.name else "takes fewer arguments"
                hints = did_you_mean(argument.name or "", names) or (f"its parameters: {', '.join(names)}",)
                self.report.error("E0108", argument.span, f"'{search.name}' {what}", hints=hints)
                return None
            if message := behind_a_name(call.arguments[: position + 1], f"'{search.name}'"):
                self.report.error("E0108", argument.span, message)
                return None
            if name in given:
                self.report.error("E0110", argument.span, f"'{name}' is given twice")
                return None
            given[str(name)] = argument.value
        missing = [p.name for p in search.parameters if p.default is None and p.name not in given]
        if missing:
            words = listed(repr(m) for m in missing).replace(" or ", " and ")
            hint = f"give it: {missing[0]} = ..."
            self.report.error("E0109", call.span, f"'{search.name}' needs {words}", hints=(hint,))
            return None
        given |= {
            p.name: p.default for p in search.parameters if p.default is not None and p.name not in given
        }
        for name in sorted(_functions(search) & given.keys()):
            if not self._is_loss(given[name]):
                message = f"'{name}' of '{search.name}' is a loss"
                self.report.error("E0416", given[name].span, message, hints=("give it R, or R[i]",))
                return None
        return given

    def _is_loss(self, value: ast.Expr) -> bool:
        base = value.base if isinstance(value, ast.Index) else value
        return isinstance(base, ast.Name) and base.id in self.losses


def _unknown(equation: ast.Equation) -> ast.Equation:
    """Stands for one with an error, so that what it sets is known."""
    return replace(equation, value=ast.Number(0.0, span=equation.value.span))


def _functions(search: ast.Search) -> set[str]:
    """Parameters that are used as losses: F(p), grad F(p)."""
    nodes = [n for a in search.body for n in walk(a)]
    found = {n.loss for n in nodes if isinstance(n, ast.Gradient)}
    found |= {n.function.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.function, ast.Name)}
    return found & {p.name for p in search.parameters}


def _values(node: ast.Node) -> Iterator[ast.Name]:
    """Names that stand for values, so no functions."""
    match node:
        case ast.Call(_, arguments):
            for argument in arguments:
                yield from _values(argument.value)
        case ast.Name():
            yield node
        case _:
            for child in children(node):
                yield from _values(child)


def _renamed(action: ast.Action, names: Mapping[str, ast.Expr]) -> ast.Action:
    def read(expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Name(id) if id in names:
                return replace(names[id], span=expr.span)
            case ast.Call(ast.Name(id), arguments) if id in names:
                values = tuple(replace(a, value=read(a.value)) for a in arguments)
                return ast.Call(names[id], values, span=expr.span)
            case ast.Call(ast.Name(), arguments):
                return replace(expr, arguments=tuple(replace(a, value=read(a.value)) for a in arguments))
            case ast.Gradient(loss, _, point) if loss in names:
                base = names[loss]
                batch = base.index if isinstance(base, ast.Index) else None
                name = base.base if isinstance(base, ast.Index) else base
                assert isinstance(name, ast.Name)
                return ast.Gradient(name.id, batch, point and read(point), span=expr.span)
        return rebuild(expr, read)

    def block(body: tuple[ast.Action, ...]) -> tuple[ast.Action, ...]:
        return tuple(_renamed(a, names) for a in body)

    match action:
        case ast.Equation(name, _, value):
            return replace(action, name=_called_now(name, names), value=read(value))
        case ast.Until(condition) | ast.End(_, condition):
            return replace(action, condition=read(condition))
        case ast.If(condition, body, otherwise):
            return replace(action, condition=read(condition), body=block(body), otherwise=block(otherwise))
        case ast.Repeat(bound, body):
            return replace(action, bound=bound and read(bound), body=block(body))
        case ast.For(name, values, body):
            return replace(action, name=_called_now(name, names), values=read(values), body=block(body))


def _called_now(name: str, names: Mapping[str, ast.Expr]) -> str:
    new = names[name]
    assert isinstance(new, ast.Name)
    return new.id
