"""The update rule: which one runs, its arguments, and the kinds of everything it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.check.parts.values import check_values, require_numbers
from netc.compiler.check.rule.ambiguity import find_rule, without_decay
from netc.compiler.check.rule.clip import check_clips, expand_calls, read_use, with_clips
from netc.compiler.check.rule.point import check_point, require_vector
from netc.compiler.check.rule.search import check_search
from netc.compiler.check.rule.zero import check_first_iteration
from netc.compiler.check.training.overrides import Settings, override
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.bind_arguments import is_flag, spread_tuples, with_fixed, without_tuples
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import SCALAR, THETA, Scope, Type
from netc.compiler.meaning.masks import masks_in
from netc.compiler.meaning.resolve import Definitions, head, is_definition
from netc.compiler.meaning.resolve_rule import resolve_rule
from netc.compiler.meaning.resolve_searches import searches_of, with_searches
from netc.compiler.meaning.resolve_values import is_whole, number_or_none
from netc.compiler.meaning.rule_body import Body
from netc.compiler.meaning.spec import Optimizer
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.walks import dotted, names_in, walk

RULE = "an update rule"
FLAG = Type("scalar", truth=True)
FIXED: Mapping[str, Type] = {
    "theta": THETA,
    "weights": THETA,
    "biases": THETA,
    "ones": THETA,
    "n": SCALAR,
    "m": SCALAR,
    "epoch": SCALAR,
    "rounding": SCALAR,
    "samples": SCALAR,
}


def check_optimizer(
    statements: list[ast.Optimizer],
    losses: frozenset[str],
    definitions: Definitions,
    report: Report,
    settings: Settings,
    varying: frozenset[str],
    watched: frozenset[str] = frozenset(),
    scheduled: frozenset[str] = frozenset(),
) -> Optimizer | None:
    """The rule that runs: the one that is used, else the one that the file defines.

    `settings` replace arguments; parameters that are `varying` in the course of training decide no conditions; states
    that are `watched` are kept; names that are `scheduled` are known to the file.
    """
    definition, arguments, clips, span = _used(_chosen(statements, report), definitions, report)
    if definition is None:
        return None
    _check_others(statements, definition, losses, definitions, report)
    if definition not in (*statements, *definitions.optimizers.own.values()):
        losses = frozenset({"R"})  # the library's rules know no other name of it
    arguments = without_decay(definition, arguments, report)
    arguments = tuple(spread_tuples(arguments, definition.parameters))
    definition, thresholds = with_clips(without_tuples(definition), clips, definitions, report)
    arguments += thresholds
    point = check_point(definition, report)
    watched |= {point} - {""}
    bound = bind(definition.parameters, arguments, span, f"'{definition.name}'", report)
    values = override(dict(bound), settings, scheduled, report)
    check_values(definition, arguments, values, span, report)
    body, kinds = check_rule(definition, losses, definitions, report, watched)
    if not report.errors:
        check_search(definition, losses, report)
    if report.errors:
        return Optimizer(definition, tuple(values.items()), body, kinds, _visits(body))
    special = with_fixed(definition, values, varying, watched)
    if special is not definition:
        body, kinds = check_rule(special, losses, definitions, report, watched)
    kept = {p.name for p in special.parameters}
    off = tuple((name, value) for name, value in values.items() if name not in kept)
    switched = tuple(_switched(definition, dict(off)))
    values = {name: value for name, value in values.items() if name in kept}
    require_numbers(definition, _read(body) - varying, arguments, values, span, report)
    require_vector(point, kinds, definition, report)
    check_first_iteration(body, tuple(values.items()), report)
    searches = searches_of(special, definitions)
    return Optimizer(
        special, tuple(values.items()), body, kinds, _visits(body), searches, point, off, switched
    )


def _read(body: Body) -> frozenset[str]:
    """Names whose values the rule computes with."""
    initial = (s.initial for s in body.states if s.initial is not None)
    return frozenset(name for node in (*body.actions, *initial) for name in names_in(node))


def _switched(definition: ast.Optimizer, off: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """What was switched on or off, or to another number, than by default, in the words of the language."""
    for p in definition.parameters:
        default = None if p.default is None else number_or_none(p.default, off)
        if p.name in off and repr(default) != repr(off[p.name]):  # `none` is not a number, and is one word
            yield p.name, str(bool(off[p.name])).lower() if is_flag(p) else f"{off[p.name]:.12g}"


def _used(
    statement: ast.Optimizer, definitions: Definitions, report: Report
) -> tuple[ast.Optimizer | None, tuple[ast.Argument, ...], tuple[ast.Expr, ...], Span]:
    """The definition, its arguments, the clips before it, and where they are told of."""
    if statement.use is None:
        return statement, (), (), head(statement)
    clipped = read_use(statement, report)
    call = clipped.rule
    function, arguments = (call.function, call.arguments) if isinstance(call, ast.Call) else (call, ())
    definition = find_rule(dotted(function) or "", arguments, function.span, definitions, report)
    return definition, arguments, clipped.clips, function.span


def _chosen(statements: list[ast.Optimizer], report: Report) -> ast.Optimizer:
    uses = [s for s in statements if not is_definition(s)]
    first, *others = uses or statements
    if others:
        report.error(
            "E0505",
            head(others[0]),
            f"two optimizers are {'used' if uses else 'defined'}, one can run",
            related=((head(first), "the other one"),),
            hints=("remove one, or say 'optimizer NAME' to choose",),
        )
    return first


def _check_others(
    statements: list[ast.Optimizer],
    chosen: ast.Optimizer,
    losses: frozenset[str],
    definitions: Definitions,
    report: Report,
) -> None:
    """The rules that the file defines and does not run, and its clips."""
    for other in statements:
        if is_definition(other) and other is not chosen:
            whole = expand_calls(without_tuples(other), definitions, report)
            check_rule(whole, losses, definitions, report)
    for clip in check_clips(definitions):
        check_rule(clip, losses, definitions, report)


# -- kinds -----------------------------------------------------------------------------------------

KindTable = tuple[tuple[str, Literal["scalar", "theta"]], ...]


def check_rule(
    rule: ast.Optimizer,
    losses: frozenset[str],
    definitions: Definitions,
    report: Report,
    watched: frozenset[str] = frozenset(),
) -> tuple[Body, KindTable]:
    """The body in plain names, and the kind of each of them."""
    rule = with_searches(rule, losses, definitions, report)
    body = resolve_rule(rule, losses, report, watched=watched)
    own = {p.name: FLAG if is_flag(p) else SCALAR for p in rule.parameters}
    masks = masks_in(body.actions, {*own, *(name for name, _ in body.bases), *_written(body)})
    names = {**FIXED, **dict.fromkeys(masks, THETA), **own}
    checker = _Rule(body, names, losses, definitions)
    kinds = checker.infer()
    checker.check(kinds, report)
    return body, tuple((name, "theta" if kind == THETA else "scalar") for name, kind in kinds.items())


def _written(body: Body) -> Iterator[str]:
    yield from (n.name for a in body.actions for n in walk(a) if isinstance(n, ast.Equation | ast.For))


class _Rule:
    def __init__(
        self, body: Body, names: Mapping[str, Type], losses: frozenset[str], definitions: Definitions
    ) -> None:
        self.body = body
        self.names = names
        self.losses = losses
        self.definitions = definitions
        self.base = dict(body.bases)
        self.equations = [n for a in body.actions for n in walk(a) if isinstance(n, ast.Equation)]
        self.loops = {n.name: SCALAR for a in body.actions for n in walk(a) if isinstance(n, ast.For)}

    def infer(self) -> dict[str, Type]:
        """All start as numbers and become vectors where a vector flows in, until nothing changes."""
        kinds = {self._root(e.name): SCALAR for e in self.equations} | {
            s.name: SCALAR for s in self.body.states
        }
        kinds |= {"theta": THETA}
        changed = True
        while changed:
            changed = False
            walker = Kinds(self._scope(kinds))
            for name, value in self._values():
                found = walker.of(value)
                if found is not None and found.kind == "theta" and kinds[name] != THETA:
                    kinds[name] = THETA
                    changed = True
        return {**kinds, **{v: kinds.get(s, SCALAR) for v, s in self.base.items()}}

    def _values(self) -> list[tuple[str, ast.Expr]]:
        return [(self._root(e.name), e.value) for e in self.equations] + [
            (s.name, s.initial) for s in self.body.states if s.initial is not None
        ]

    def _root(self, variable: str) -> str:
        return self.base.get(variable, variable)

    def _scope(self, kinds: Mapping[str, Type]) -> Scope:
        moments = {v: kinds.get(s, SCALAR) for v, s in self.base.items()}
        names = {**self.names, **self.loops, **kinds, **moments}
        hidden = frozenset(v for v, s in self.base.items() if v != s)
        memories = frozenset(self.body.memories)
        return Scope(RULE, names, self.definitions.activations, self.losses, hidden=hidden, memories=memories)

    def check(self, kinds: Mapping[str, Type], report: Report) -> None:
        walker = Kinds(self._scope(kinds), report)
        for state in self.body.states:
            if state.initial is not None:
                self._initial(state.initial, walker, report)
        for action in self.body.actions:
            for node in walk(action):
                match node:
                    case ast.Equation():
                        self._equation(node, kinds, walker, report)
                    case ast.Until(condition) | ast.If(condition) | ast.End(_, condition):
                        walker.condition(condition)
                    case ast.For(_, ast.Range(start, stop)):
                        walker.number(start, "the first value of a loop")
                        walker.number(stop, "the last value of a loop")
                    case ast.Repeat(bound) if bound is not None:
                        walker.number(bound, "the bound of a loop")
                        rounds = number_or_none(bound)
                        if rounds is None or not is_whole(rounds) or not 1 <= rounds < 2**63:
                            report.error(
                                "E0305", bound.span, "the bound of a 'repeat' is a whole number from 1 on"
                            )

    def _equation(
        self, equation: ast.Equation, kinds: Mapping[str, Type], walker: Kinds, report: Report
    ) -> None:
        value = equation.value
        found = walker.of(value)
        if found is None:
            return
        if found.truth:
            report.error(
                "E0304",
                value.span,
                "a state or local is a number or a vector, not a truth value",
                hints=("choose numbers by it: 1 if ... else 0",),
            )
        elif found == SCALAR and kinds.get(self._root(equation.name)) == THETA and not report.errors:
            report.error(
                "E0303",
                value.span,
                f"'{self._root(equation.name)}' is a vector like theta, and this is a number",
                hints=(f"'{print_expr(ast.Binary('*', value, ast.Name('ones')))}' sets every element to it",),
            )

    def _initial(self, value: ast.Expr, walker: Kinds, report: Report) -> None:
        for node in walk(value):
            if self._evaluates(node):
                report.error(
                    "E0411",
                    node.span,
                    "a start cannot evaluate the loss",
                    hints=("choose in the equation itself: '... if n == 0 else ...'",),
                )
                return
        walker.of(value)

    def _evaluates(self, node: ast.Node) -> bool:
        """`R(theta)`, `R[1](theta)` of one batch, `grad R(theta)`."""
        match node:
            case ast.Gradient():
                return True
            case ast.Call(ast.Index(base=function)) | ast.Call(function):
                return dotted(function) in self.losses
        return False


def _visits(body: Body) -> bool:
    """Does the rule name batches, or loop over all of them?"""
    for node in (n for a in body.actions for n in walk(a)):
        match node:
            case ast.Gradient(batch=batch) if batch is not None:
                return True
            case ast.Call(ast.Index()):
                return True
    return False
