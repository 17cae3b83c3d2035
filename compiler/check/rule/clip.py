"""Clips become equations of a rule: those that its use asks for, and those that its own equations call.

    torch.SGD(lr = 0.1), clip = torch.clip_grad_norm_(max_norm = 1)

    g = grad R(theta[n])     raw = grad R(theta[n])
                             g   = raw*min(1, max_norm/(norm(raw) + 1e-6))

A clip is put around every gradient of the rule, before the rule sees it. Its parameters become parameters of the
rule, so they can be set, scheduled and listed like all others. `optax.chain` is read the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from netc.compiler.check.parts.settings import Settings
from netc.compiler.check.rule.ambiguity import find_clip
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import Definitions
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.source import Span
from netc.dsl.walks import called, changed, dotted, names_in, rebuild, walk

CHAIN = "optax.chain"
PARTS = "a chain is the clips in their order, then the rule: optax.chain(optax.clip(1), optax.sgd(0.1))"


@record
class Clipped:
    """What a use asks for: the rule, its arguments, and the clips around its gradients, the first one first."""

    rule: ast.Expr
    clips: tuple[ast.Expr, ...]


def read_use(statement: ast.Optimizer, report: Report) -> Clipped:
    """The rule and the clips of `optimizer RULE, clip = CLIP` or `optimizer optax.chain(CLIP, RULE)`."""
    assert statement.use is not None
    given = Settings(statement.settings, "optimizer", ("clip",), report).given
    clips: tuple[ast.Expr, ...] = ()
    if "clip" in given:
        value = given["clip"].value
        clips = value.items if isinstance(value, ast.Tuple) else (value,)
    match statement.use:
        case ast.Call(function, arguments) if dotted(function) == CHAIN:
            if not arguments:
                report.error("E0108", function.span, "the chain is empty", hints=(PARTS,))
                return Clipped(statement.use, clips)
            *first, last = (a.value for a in arguments)
            return Clipped(last, (*clips, *first))
    return Clipped(statement.use, clips)


def with_clips(
    rule: ast.Optimizer, clips: Sequence[ast.Expr], definitions: Definitions, report: Report
) -> tuple[ast.Optimizer, tuple[ast.Argument, ...]]:
    """The rule with these clips around its gradients, and the arguments of the clips as arguments of the rule."""
    arguments: list[ast.Argument] = []
    for use in reversed(clips):  # the first one comes to stand next to the gradient
        clip, given = _found(use, definitions, report)
        if clip is not None:
            rule, more = _around(rule, clip, given)
            arguments += more
    return expand_calls(rule, definitions, report), tuple(arguments)


def check_clips(definitions: Definitions) -> Iterator[ast.Optimizer]:
    """The clips of a program as rules that use them, which are checked like rules."""
    for clip in definitions.clips.own.values():
        gradient = ast.Gradient("R", None, ast.Index(ast.Name("theta"), ast.Name("n")))
        step = ast.Binary("-", ast.Index(ast.Name("theta"), ast.Name("n")), clip.value)
        following = ast.Binary("+", ast.Name("n"), ast.Number(1.0, "1"))
        body = (
            ast.Equation(clip.variable, (), gradient, span=clip.span),
            ast.Equation("theta", (following,), step, span=clip.span),
        )
        yield ast.Optimizer(clip.name, clip.parameters, None, body, (), span=clip.span)


# -- the clips of a use ------------------------------------------------------------------------------


def _found(
    use: ast.Expr, definitions: Definitions, report: Report
) -> tuple[ast.Clip | None, tuple[ast.Argument, ...]]:
    function, arguments = (use.function, use.arguments) if isinstance(use, ast.Call) else (use, ())
    clip = find_clip(dotted(function), use.span, definitions, report)
    if clip is None or not _fits(clip, arguments, use.span, report):
        return None, ()
    return clip, arguments


def _fits(clip: ast.Clip, arguments: tuple[ast.Argument, ...], span: Span, report: Report) -> bool:
    """Do the arguments name parameters of the clip, and all it needs?"""
    own = Report()
    bind(clip.parameters, arguments, span, f"'{clip.name}'", own, lambda _: 0.0)
    report.diagnostics += own.diagnostics
    return not own.errors


def _around(
    rule: ast.Optimizer, clip: ast.Clip, given: tuple[ast.Argument, ...]
) -> tuple[ast.Optimizer, list[ast.Argument]]:
    taken = _names(rule)
    new = {p.name: _fresh(p.name, taken, f"clip_{p.name}") for p in clip.parameters}
    renamed = {name: ast.Name(other) for name, other in new.items()}
    call = tuple(ast.Argument(name, other) for name, other in renamed.items())

    def wrap(expr: ast.Expr) -> ast.Expr:
        if isinstance(expr, ast.Gradient):
            return ast.Call(
                ast.Name(clip.name, span=expr.span), (ast.Argument(None, expr), *call), span=expr.span
            )
        return rebuild(expr, wrap)

    parameters = tuple(ast.Parameter(new[p.name], p.default, span=p.span) for p in clip.parameters)
    words = tuple(replace(s, value=put(s.value, renamed)) for s in clip.settings)
    names = [p.name for p in clip.parameters]
    arguments = [replace(a, name=new[a.name or names[i]]) for i, a in enumerate(given)]
    body = tuple(changed(a, wrap) for a in rule.body)
    settings = _with_one_source(rule.settings + words)
    return replace(rule, parameters=rule.parameters + parameters, body=body, settings=settings), arguments


def _with_one_source(settings: tuple[ast.Setting, ...]) -> tuple[ast.Setting, ...]:
    """That of the rule and that of the clip in a line, as a definition has one."""
    places = [i for i, s in enumerate(settings) if s.name == "source"]
    texts = [s.value.value for s in settings if isinstance(s.value, ast.Text)]
    if len(places) < 2:
        return settings
    first = replace(settings[places[0]], value=ast.Text("; ".join(texts)))
    return tuple(first if i == places[0] else s for i, s in enumerate(settings) if i not in places[1:])


# -- calls in equations ------------------------------------------------------------------------------


def expand_calls(rule: ast.Optimizer, definitions: Definitions, report: Report) -> ast.Optimizer:
    """The rule with the formula of each clip in place of its calls; what is clipped gets a name."""
    clips = {name for a in rule.body for n in walk(a) for name in _called(n) if name in definitions.clips}
    if not clips:
        return rule
    taken = _names(rule)
    expander = _Expander(definitions, taken, report)
    return replace(rule, body=expander.block(rule.body))


def _called(node: ast.Node) -> set[str]:
    return called(node) if isinstance(node, ast.Call) else set()


@dataclass
class _Expander:
    definitions: Definitions
    taken: set[str]
    report: Report

    def block(self, actions: tuple[ast.Action, ...]) -> tuple[ast.Action, ...]:
        return tuple(done for action in actions for done in self.action(action))

    def action(self, action: ast.Action) -> list[ast.Action]:
        names: dict[ast.Expr, ast.Name] = {}
        before: list[ast.Action] = []

        def read(expr: ast.Expr) -> ast.Expr:
            match expr:
                case ast.Call(function, (ast.Argument(None, value), *given)) if (
                    name := dotted(function)
                ) in self.definitions.clips:
                    clip = self.definitions.clips[str(name)]
                    return self.formula(clip, named(read(value)), tuple(map(argument, given)), expr.span)
            return rebuild(expr, read)

        def argument(a: ast.Argument) -> ast.Argument:
            return replace(a, value=read(a.value))

        def named(value: ast.Expr) -> ast.Expr:
            if isinstance(value, ast.Name | ast.Index):
                return value
            if value not in names:
                word = "raw" if isinstance(value, ast.Gradient) else "clipped"
                names[value] = ast.Name(_fresh(word, self.taken), span=value.span)
                before.append(ast.Equation(names[value].id, (), value, span=value.span))
            return names[value]

        match action:
            case ast.For() | ast.Repeat():
                return [replace(action, body=self.block(action.body))]
            case ast.If(condition, then, otherwise):
                chosen = ast.If(read(condition), self.block(then), self.block(otherwise), span=action.span)
                return [*before, chosen]
            case _:
                after = changed(action, read)
                return [*before, after]

    def formula(
        self, clip: ast.Clip, value: ast.Expr, given: tuple[ast.Argument, ...], span: Span
    ) -> ast.Expr:
        if not _fits(clip, given, span, self.report):
            return value
        names = [p.name for p in clip.parameters]
        values: dict[str, ast.Expr] = {clip.variable: value}
        values |= {p.name: p.default for p in clip.parameters if p.default is not None}
        values |= {a.name or names[i]: a.value for i, a in enumerate(given)}
        return put(clip.value, values)


def put(expr: ast.Expr, values: Mapping[str, ast.Expr]) -> ast.Expr:
    """The expression with other expressions for names; names of states (`theta[n]`) and functions stay."""
    match expr:
        case ast.Name(id):
            return values.get(id, expr)
        case ast.Index(ast.Name()):
            return expr
        case ast.Call(function, arguments):
            kept = (a if a.name == "per" else replace(a, value=put(a.value, values)) for a in arguments)
            return replace(expr, function=function, arguments=tuple(kept))
    return rebuild(expr, lambda part: put(part, values))


def _fresh(word: str, taken: set[str], other: str = "") -> str:
    """The word, or another one that the rule does not use yet."""
    candidates = chain([word, *([other] if other else [])], (f"{word}_{i}" for i in count(2)))
    name = next(n for n in candidates if n not in taken)
    taken.add(name)
    return name


def _names(rule: ast.Optimizer) -> set[str]:
    nodes = [n for a in rule.body for n in walk(a)]
    written = {n.name for n in nodes if isinstance(n, ast.Equation | ast.For)}
    return {p.name for p in rule.parameters} | written | {n for a in rule.body for n in names_in(a)}
