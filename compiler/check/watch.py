"""`monitor V = ...`: functions that are followed through the iterations, made of the states at n."""

from __future__ import annotations

from dataclasses import replace

from netc.compiler.check.expect import TAKEN
from netc.compiler.check.expressions import Kinds
from netc.compiler.check.settings import name_span
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import SCALAR, THETA, Scope, Type
from netc.compiler.meaning.masks import masks_in
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.resolve_tree import rebuild, walk
from netc.compiler.meaning.spec import Optimizer, Watched
from netc.dsl import ast
from netc.dsl.names import did_you_mean

PLACE = "a monitored function"
COLUMNS = ("run", "step", "epoch", "running", "loss_train", "loss_test", "loss_batches")
"""Of a history, those that no `expect` knows by that name."""
MONITORING = ("every", "history")
"""The settings of `monitor`."""


def check_watched(
    settings: tuple[ast.Setting, ...],
    optimizer: Optimizer,
    losses: frozenset[str],
    definitions: Definitions,
    report: Report,
) -> tuple[Watched, ...]:
    """Each with its states as plain names."""
    kinds: dict[str, Type] = {n: THETA if k == "theta" else SCALAR for n, k in optimizer.kinds}
    states = {s.name: kinds[s.name] for s in optimizer.body.states}
    names = {"n": SCALAR, **{name: SCALAR for name, _ in optimizer.arguments}, **states}
    own = set(names)
    names |= dict.fromkeys(masks_in([s.value for s in settings], own), THETA)

    def plain(expr: ast.Expr) -> ast.Expr:
        match expr:
            case ast.Index(ast.Name(id), index) if id in states:
                if index != ast.Name("n"):
                    hint = f"its values at the iterations are compared: {id}[n]"
                    message = f"{PLACE} is made of the values at n"
                    single = f"{expr.span.text} is not a component: [] counts iterations in a rule"
                    notes = (single,) if isinstance(index, ast.Number) else ()
                    report.error("E0402", index.span, message, notes=notes, hints=(hint,))
                return ast.Name(id, span=expr.span)
            case ast.Index(ast.Name(id)) if id not in losses:
                known = ", ".join(f"{name}[n]" for name in states)
                report.error("E0403", expr.span, f"the rule has no state '{id}'", hints=(f"it has {known}",))
                return ast.Number(0.0, span=expr.span)
            case ast.Name(id) if id in states:
                hint = f"its value now is {id}[n]"
                report.error("E0406", expr.span, f"'{id}' needs an index", hints=(hint,))
                return expr
            case ast.Call(ast.Name(), arguments):  # the function's name is no value
                return replace(expr, arguments=tuple(replace(a, value=plain(a.value)) for a in arguments))
        return rebuild(expr, plain)

    found = []
    scope = Scope(PLACE, names, definitions.activations, losses)
    for setting in settings:
        if setting.name in names or setting.name in losses:
            hint = "give the monitored function a name of its own"
            message = f"'{setting.name}' is a name of the rule already"
            report.error("E0104", setting.span, message, hints=(hint,))
            continue
        if setting.name in TAKEN or setting.name in COLUMNS:
            hint = "give the monitored function a name of its own, such as V"
            message = f"'{setting.name}' is a figure that each history or `expect` has"
            report.error("E0104", setting.span, message, hints=(hint,))
            continue
        if not any(isinstance(node, ast.Index | ast.Gradient) for node in walk(setting.value)):
            message = (
                f"'monitor' has no setting '{setting.name}', and as a function it reads nothing that changes"
            )
            example = "a function to follow reads states or the loss: V = R(theta[n]) + norm(v[n])^2/2"
            hints = did_you_mean(setting.name, MONITORING) or (example,)
            report.error("E0501", name_span(setting), message, hints=hints)
            continue
        value = plain(setting.value)
        if not report.errors:
            Kinds(scope, report).number(value, PLACE)
        found.append(Watched(setting.name, setting.value, value))
    return tuple(found)
