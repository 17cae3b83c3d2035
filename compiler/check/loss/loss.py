"""The loss: which one, its kinds, and whether it goes with the last activation."""

from __future__ import annotations

import math

from netc.compiler.calculus import ir
from netc.compiler.calculus.domains import NoValue, variables, without_value
from netc.compiler.calculus.formula import formula
from netc.compiler.check.loss.loss_places import WEIGHTED, check_penalties, check_places, everywhere, weighted
from netc.compiler.check.loss.targets import target_domain
from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.check.parts.settings import Settings, word
from netc.compiler.lower.network import SIZES, lower_activations, lower_loss
from netc.compiler.meaning.arguments import bind
from netc.compiler.meaning.findings import Report, listed
from netc.compiler.meaning.kinds import OUTPUT, SCALAR, THETA, Scope
from netc.compiler.meaning.penalties import groups_in, names_parameters, without_indexed
from netc.compiler.meaning.places import BY_PLACE
from netc.compiler.meaning.resolve import Definitions, head, lookup
from netc.compiler.meaning.spec import Activation, Averaging, Loss, Network, TargetDomain
from netc.dsl import ast
from netc.dsl.source import Span
from netc.dsl.walks import dotted


def check_loss(
    statements: list[ast.Loss], definitions: Definitions, report: Report, weights: Span | None = None
) -> Loss | None:
    """The loss that runs: the one that is used, else the one that the file defines. `weights`: where the data say that
    each sample has one."""
    uses = [s for s in statements if s.use is not None]
    chosen = uses or statements
    if len(chosen) > 1:
        what = "used" if uses else "defined"
        report.error(
            "E0505",
            head(chosen[1]),
            f"two losses are {what}, one can run",
            related=((head(chosen[0]), "the other one"),),
            hints=("remove one, or say 'loss NAME' to choose",),
        )
    statement = chosen[0]
    definition, arguments = _bound(statement, definitions, report)
    if definition is None:
        return None
    sizes = dict.fromkeys(SIZES, SCALAR)
    groups = dict.fromkeys((n.id for n in groups_in(definition.value)), THETA) if definition.value else {}
    names = groups | sizes | {p.name: SCALAR for p in definition.parameters} | {"u": OUTPUT, "y": OUTPUT}
    for p in (p for p in definition.parameters if names_parameters(ast.Name(p.name))):
        message = f"'{p.name}' are parameters of the network in every loss"
        report.error("E0257", p.span, message, hints=("give it another name",))
    own = Report()
    if definition.value is not None:
        scope = Scope("a loss", names, definitions.activations, by_place=BY_PLACE)
        Kinds(scope, own).number(without_indexed(definition.value), "the loss of one sample")
    report.diagnostics += own.diagnostics
    averaging, targets = _settings(statement, definition, report)
    weight, divide = weighted(statement, averaging, definitions, weights, report)
    whole = len(arguments) == len(definition.parameters) and not own.errors
    if not whole:
        return None
    return Loss(definition, arguments, averaging, targets, weight, divide, weights is not None)


def _bound(
    statement: ast.Loss, definitions: Definitions, report: Report
) -> tuple[ast.Loss | None, tuple[tuple[str, float], ...]]:
    match statement.use:
        case None:
            if named := [p for p in statement.parameters if p.default is None]:
                _tell_named(statement, named, report)
                return None, ()
            return statement, bind(statement.parameters, (), head(statement), f"'{statement.name}'", report)
        case ast.Call(function, arguments):
            name, span = dotted(function) or "", function.span
        case use:
            name, arguments, span = dotted(use) or "", (), use.span
    definition = lookup(definitions.losses, name, span, "loss", report)
    if definition is None:
        return None, ()
    return definition, bind(definition.parameters, arguments, span, f"'{name}'", report, place="of a loss")


def _settings(
    statement: ast.Loss, definition: ast.Loss, report: Report
) -> tuple[Averaging, TargetDomain | None]:
    """As the use says, else as the definition says, else the mean and any targets."""
    reduce: Averaging = "mean"
    targets: TargetDomain | None = None
    for owner in dict.fromkeys((definition, statement)):
        settings = Settings(owner.settings, "loss", ("reduce", "source", "targets", *WEIGHTED), report)
        reduce = settings.get("reduce", word("mean", "sum"), reduce)
        targets = settings.get("targets", target_domain, targets)
    return reduce, targets


def check_pair(network: Network, loss: Loss, definitions: Definitions, report: Report) -> None:
    """Can the loss be taken of what the last activation gives?"""
    last, units = network.activations, network.output[-1]
    if not check_penalties(network, loss, definitions, report) or not check_places(
        network, loss, definitions, report
    ):
        return
    name = last[-1].definition.name if last else "lin"
    if name.lower() == "softmax" and units == 1:
        report.error(
            "E0205",
            network.span,
            "softmax over one unit is always 1",
            hints=(
                "one output for two classes: (sigmoid)1 with binary_cross_entropy",
                "or one output per class: (softmax)2 with cross_entropy",
            ),
        )
        return
    z, u, y = variables(units)
    cost = everywhere(lower_loss(loss, u, y, definitions.activations))
    if any(isinstance(n, ir.Const) and math.isnan(n.value) for n in ir.postorder(cost)):
        _without_number(loss, network, report)
        return
    found = without_value(lower_activations(last, z, definitions.activations), cost, units)
    if found is not None and found.output is None:
        _never_a_value(found, network, loss, report)
    elif found is not None:
        _without_value(found, network, name, loss, cost, report)
    elif loss.definition.name == "cross_entropy" and units == 1:
        hints = ("binary_cross_entropy counts both classes",)
        message = "cross_entropy with one output ignores every sample whose target is 0"
        report.error("E0204", network.span, message, hints=hints)
    elif loss.definition.name == "cross_entropy" and name.lower() == "sigmoid":
        message = (
            "the outputs of (sigmoid) do not sum to 1, so cross_entropy takes no notice of wrong classes"
        )
        report.warning("E0204", network.span, message, "(softmax) makes one distribution over the classes")


def _without_number(loss: Loss, network: Network, report: Report) -> None:
    """A parameter is none where the loss computes with a number."""
    name = loss.definition.name
    unsaid = next(p for p, value in loss.arguments if math.isnan(value))
    hint = f"give it: loss {name}({unsaid} = ...)"
    report.error("E0109", network.span, f"the loss '{name}' needs '{unsaid}'", hints=(hint,))


NEEDS = {
    "log": ("the logarithm of", "a logarithm needs a number above 0"),
    "log1p": ("the logarithm of 1 plus", "log1p needs a number above -1"),
    "sqrt": ("the square root of", "a square root needs a number from 0 on"),
    "div": ("a quotient by", "what divides may not be 0"),
    "pow": ("a power of", "a power that is not a whole number needs a base above 0"),
}
"""What a loss does with a number that it may not have, and which numbers it needs."""
FITTING = ("softmax", "sigmoid", "softplus", "exp")
"""Last activations that may be meant, the likeliest first."""


def _without_value(
    found: NoValue,
    network: Network,
    name: str,
    loss: Loss,
    cost: ir.Expr,
    report: Report,
) -> None:
    what, needs = NEEDS[found.op]
    argument = formula(found.argument)
    where = f"{argument} lies in {found.range}"
    note = f"{needs}; at u = {found.output:.4g} it has none"
    units = network.output[-1]
    library, z = Definitions().activations, variables(units)[0]
    fits = [
        f"({word})"
        for word in FITTING
        if not (word == "softmax" and units == 1)
        and without_value(lower_activations((Activation(library[word], ()),), z, library), cost, units)
        is None
    ]
    hints = [f"it has a value after {listed(fits)}"] if fits else []
    if loss.definition.name in ("cross_entropy", "binary_cross_entropy"):
        one = units == 1 or loss.definition.name == "binary_cross_entropy"
        hints = ["(sigmoid) gives a probability" if one else "(softmax) gives one probability per class"]
        hints.append("for numbers as targets: half_mse or mse")
    message = f"'{loss.definition.name}' takes {what} {argument}, and after ({name}) {where}"
    own = loss.definition.span.source == network.span.source
    related = ((head(loss.definition), "the loss"),) if own else ()
    report.error("E0204", network.span, message, related=related, notes=(note,), hints=hints)


def _never_a_value(found: NoValue, network: Network, loss: Loss, report: Report) -> None:
    """For the numbers in it, which hang on no output: 0/0, the logarithm of -1, inf - inf."""
    what, needs = NEEDS.get(found.op, ("the value of", "that is no number"))
    own = loss.definition.span.source == network.span.source
    values = ", ".join(f"{name} = {value:g}" for name, value in loss.arguments)
    report.error(
        "E0204",
        head(loss.definition) if own else network.span,
        f"'{loss.definition.name}' takes {what} {formula(found.argument)}",
        notes=(f"{needs}; this hangs on no output",),
        hints=(f"its parameters: {values}",) if values else (),
    )


def _tell_named(statement: ast.Loss, named: list[ast.Parameter], report: Report) -> None:
    """`loss mine(u, y) = ...`: outputs and targets are there, and what else is named is a number."""
    numbers = ", ".join(f"{p.name} = 1" for p in statement.parameters if p.name not in ("u", "y"))
    form = f"loss {statement.name}{f'({numbers})' if numbers else ''} = ..."
    report.error(
        "E0109", named[0].span, f"'{named[0].name}' of '{statement.name}' has no number: it is written {form}",
        hints=("the outputs u and the targets y are there by themselves, numbers are given where they are named",),
    )  # fmt: skip
