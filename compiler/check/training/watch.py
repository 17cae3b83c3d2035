"""`monitor V = ...`: functions that are followed through the iterations, made of the states at n; and `monitor theta[1],
norm(v)`: what is read off theta and the states when a report is made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.check.parts.settings import name_span
from netc.compiler.check.training.expect import TAKEN
from netc.compiler.meaning.attacks import under_attack
from netc.compiler.meaning.findings import Report, counted
from netc.compiler.meaning.inside import EXAMPLES, read, written
from netc.compiler.meaning.kinds import SCALAR, THETA, Scope, Type
from netc.compiler.meaning.m_as_state import INSIDE, renamed
from netc.compiler.meaning.m_as_state import shown as own
from netc.compiler.meaning.masks import masks_in
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.spec import Optimizer, Watched
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.walks import names_in, rebuild, walk
from netc.dsl.words.foreign_figures import figure_meant
from netc.dsl.words.vocabulary import joined, setting_meant

FIGURES = ("loss", "accuracy", "r2", "norm(grad R)", "norm(theta)")
"""What `monitor` reports of every training."""
PLACE = "a monitored function"
COLUMNS = ("run", "step", "epoch", "running", "loss_train", "loss_test", "loss_batches")
"""Of a history, those that no `expect` knows by that name."""
MONITORING = ("every", "history")
"""The settings of `monitor`."""


def check_watched(
    settings: tuple[ast.Setting, ...],
    optimizer: Optimizer,
    losses: frozenset[str],
    scheduled: Collection[str],
    definitions: Definitions,
    report: Report,
) -> tuple[Watched, ...]:
    """Each with its states as plain names. What follows a schedule has its value of the iteration that comes."""
    kinds: dict[str, Type] = {n: THETA if k == "theta" else SCALAR for n, k in optimizer.kinds}
    states = {s.name: kinds[s.name] for s in optimizer.body.states}
    names = {"n": SCALAR, **{name: SCALAR for name, _ in optimizer.arguments}, **states}
    names |= dict.fromkeys(masks_in([s.value for s in settings], {*names}), THETA)

    found = []
    scope = Scope(PLACE, names, definitions.activations, losses)
    for setting in settings:
        changing = {name for name, _ in optimizer.arguments}.intersection(scheduled)
        if not _may_be_followed(setting, {*names, *losses}, changing, report):
            continue
        value = renamed(setting.value) if INSIDE in states else setting.value
        value = _plain(value, states, losses, report)
        if not report.errors:
            Kinds(scope, report).number(value, PLACE)
        found.append(Watched(setting.name, setting.value, value))
    return tuple(found)


def _plain(expr: ast.Expr, states: Collection[str], losses: frozenset[str], report: Report) -> ast.Expr:
    """With the states at n as plain names."""

    def plain(part: ast.Expr) -> ast.Expr:
        return _plain(part, states, losses, report)

    match expr:
        case ast.Index(ast.Name(id), index) if id in states:
            if index != ast.Name("n"):
                hint = f"its values at the iterations are compared: {own(id)}[n]"
                message = f"{PLACE} is made of the values at n"
                single = f"{expr.span.text} is not a component: [] counts iterations in a rule"
                notes = (single,) if isinstance(index, ast.Number) else ()
                report.error("E0402", index.span, message, notes=notes, hints=(hint,))
            return ast.Name(id, span=expr.span)
        case ast.Index(ast.Name(id)) if id not in losses:
            known = ", ".join(f"{own(name)}[n]" for name in states)
            report.error("E0403", expr.span, f"the rule has no state '{id}'", hints=(f"it has {known}",))
            return ast.Number(0.0, span=expr.span)
        case ast.Name(id) if id in states:
            hint = f"its value now is {own(id)}[n]"
            report.error("E0406", expr.span, f"'{own(id)}' needs an index", hints=(hint,))
            return expr
        case ast.Call(ast.Name(), arguments):  # the function's name is no value
            return replace(expr, arguments=tuple(replace(a, value=plain(a.value)) for a in arguments))
    return rebuild(expr, plain)


def _may_be_followed(setting: ast.Setting, taken: set[str], changing: set[str], report: Report) -> bool:
    """Whether it is a function, under a name of its own; `changing` are parameters that follow a schedule."""
    if setting.name in taken:
        hint = "give the monitored function a name of its own"
        message = f"'{setting.name}' is a name of the rule already"
        report.error("E0104", setting.span, message, hints=(hint,))
        return False
    if setting.name in TAKEN or setting.name in COLUMNS:
        hint = "give the monitored function a name of its own, such as V"
        message = f"'{setting.name}' is a figure that each history or `expect` has"
        report.error("E0104", setting.span, message, hints=(hint,))
        return False
    if not changing.intersection(names_in(setting.value)) and not any(
        isinstance(node, ast.Index | ast.Gradient | ast.InputGradient) for node in walk(setting.value)
    ):
        says = setting_meant(setting.name, "monitor")
        message = (
            f"'monitor' has no setting '{setting.name}', and as a function it reads nothing that changes"
        )
        message = joined(f"'monitor' has no setting '{setting.name}'", says) if says else message
        example = "a function to follow reads states or the loss: V = R(theta[n]) + norm(v[n])^2/2"
        hints = did_you_mean(setting.name, MONITORING) or (example,)
        report.error("E0501", name_span(setting), message, hints=hints)
        return False
    return True


def check_shown(
    figures: list[ast.Expr],
    optimizer: Optimizer,
    variables: tuple[str, ...],
    size: int,
    losses: frozenset[str],
    layers: tuple[str, ...],
    report: Report,
) -> tuple[ir.Shown, ...]:
    """Components of theta and of states, norms of states, scalar states, variables of an objective, figures of layers, each
    once; `size`: the number of parameters."""
    kinds = dict(optimizer.kinds)
    states = {s.name: kinds[s.name] == "theta" for s in optimizer.body.states}
    inner: list[ir.Shown] = []
    others = []
    for figure in figures:
        try:
            inside = read(figure, losses, layers)
        except SpecError as error:
            report.diagnostics += error.diagnostics if size else ()  # else the network is told already
            continue
        inner += [ir.Shown(written(one), "", None, inside=one) for one in inside]
        others += [] if inside else [figure]
    found = [_shown(figure, states, variables) for figure in others]
    for figure, shown in zip(others, found, strict=True):
        if shown is not None and shown.by_inputs and variables:
            report.error("E0253", figure.span, "an objective has no inputs", hints=("norm(grad R)",))
        elif shown is None:
            _unknown(figure, states, variables, report)
        elif shown.component is not None and shown.component >= size:
            message = f"there is no such component: {own(shown.state)} has {counted(size, 'number')}, counted from 1"
            report.error("E0706", figure.span, message)
    return tuple(dict.fromkeys([*(one for one in found if one is not None), *inner]))


def _shown(figure: ast.Expr, states: dict[str, bool], variables: tuple[str, ...]) -> ir.Shown | None:
    """`states`: each with whether it is a vector."""
    name = print_expr(figure)
    match figure:
        case ast.Call(ast.Name("norm"), (ast.Argument(None, ast.InputGradient()),)):
            return ir.Shown(name, "", None, "norm")
        case ast.Call(ast.Name("max"), (ast.Argument(None, ast.Absolute(ast.InputGradient())),)):
            return ir.Shown(name, "", None, "max")
    if under_attack(figure):
        return ir.Shown(name, "", None, attacked=True)
    match renamed(figure) if INSIDE in states else figure:
        case ast.Name(id) if id in variables:
            return ir.Shown(name, "theta", variables.index(id))
        case ast.Name(id) if states.get(id) is False:
            return ir.Shown(name, id, None)
        case ast.Call(ast.Name("norm"), (ast.Argument(None, ast.Name(id)),)) if states.get(id):
            return ir.Shown(name, id, None)
        case ast.Index(ast.Name(id), ast.Number(place)) if states.get(id) and place >= 1 and place % 1 == 0:
            return ir.Shown(name, id, int(place) - 1)
    return None


def _unknown(figure: ast.Expr, states: dict[str, bool], variables: tuple[str, ...], report: Report) -> None:
    text = figure.span.text or print_expr(figure)
    if isinstance(figure, ast.Name) and states.get(INSIDE if figure.id == "m" else figure.id):
        message, hints = (
            f"'{text}' is a vector, and a history has numbers",
            [f"norm({text}), or {text}[1]"],
        )
    else:
        named = [f"norm({own(s)})" if vector else own(s) for s, vector in states.items() if s != "theta"]
        known = [*FIGURES, "theta[1]", *variables, *named, *(EXAMPLES if not variables else EXAMPLES[2:4])]
        says = figure_meant(figure, "monitor")
        if isinstance(figure, ast.Set | ast.Tuple):
            says = (
                f"figures stand one after the other, monitor {', '.join(f.span.text for f in figure.items)}"
            )
        message = joined(f"'monitor' knows no figure '{text}'", says)
        hints = [] if says else [*did_you_mean(text, known)] or [f"figures: {', '.join(known)}"]
        if not says and any(isinstance(node, ast.Index | ast.Gradient) for node in walk(figure)):
            hints.append(f"a function of the states is followed under a name: V = {text}")
    report.error("E0905", figure.span, message, hints=hints)
