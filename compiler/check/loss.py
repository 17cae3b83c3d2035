"""Loss and objective: which one, its kinds, and whether the loss goes with the last activation."""

from __future__ import annotations

from netc.compiler.check.expressions import Kinds
from netc.compiler.check.settings import Settings, word
from netc.compiler.check.targets import target_domain
from netc.compiler.meaning.findings import Report, first_line
from netc.compiler.meaning.kinds import FUNCTION_NAMES, OUTPUT, SCALAR, Scope
from netc.compiler.meaning.resolve import Definitions, bind, head, lookup, require_names_once
from netc.compiler.meaning.resolve_tree import called, dotted, names_in, walk
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec import Activation, Averaging, Loss, Network, Objective, TargetDomain
from netc.dsl import ast


def check_loss(statements: list[ast.Loss], definitions: Definitions, report: Report) -> Loss | None:
    """The loss that runs: the one that is used, else the one that the file defines."""
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
    names = {p.name: SCALAR for p in definition.parameters} | {"u": OUTPUT, "y": OUTPUT}
    if definition.value is not None:
        Kinds(Scope("a loss", names, definitions.activations), report).number(
            definition.value, "the loss of one sample"
        )
    return Loss(definition, arguments, *_settings(statement, definition, report))


def _bound(
    statement: ast.Loss, definitions: Definitions, report: Report
) -> tuple[ast.Loss | None, tuple[tuple[str, float], ...]]:
    match statement.use:
        case None:
            return statement, bind(statement.parameters, (), head(statement), f"'{statement.name}'", report)
        case ast.Call(function, arguments):
            name, span = dotted(function) or "", function.span
        case use:
            name, arguments, span = dotted(use) or "", (), use.span
    definition = lookup(definitions.losses, name, span, "loss", report)
    if definition is None:
        return None, ()
    return definition, bind(definition.parameters, arguments, span, f"'{name}'", report)


def _settings(
    statement: ast.Loss, definition: ast.Loss, report: Report
) -> tuple[Averaging, TargetDomain | None]:
    """As the use says, else as the definition says, else the mean and any targets."""
    reduce: Averaging = "mean"
    targets: TargetDomain | None = None
    for owner in dict.fromkeys((definition, statement)):
        settings = Settings(owner.settings, "loss", ("reduce", "source", "targets"), report)
        reduce = settings.get("reduce", word("mean", "sum"), reduce)
        targets = settings.get("targets", target_domain, targets)
    return reduce, targets


def check_pair(network: Network, loss: Loss, report: Report) -> None:
    """Can the loss be taken of what the last activation gives?"""
    last = network.layers[-1]
    name = last.activations[-1].definition.name if last.activations else "lin"
    span = last.span
    if name.lower() == "softmax" and last.outputs == 1:
        report.error(
            "E0205",
            span,
            "softmax over one unit is always 1",
            hints=(
                "one output for two classes: (sigmoid)1 with binary_cross_entropy",
                "or one output per class: (softmax)2 with cross_entropy",
            ),
        )
        return
    if loss.definition.value is None or not _takes_log(loss.definition.value):
        return
    if not _positive(last.activations):
        hint = (
            "(softmax) gives one probability per class"
            if last.outputs > 1 and loss.definition.name != "binary_cross_entropy"
            else "(sigmoid) gives a probability"
        )
        report.error(
            "E0204",
            span,
            f"'{loss.definition.name}' takes the logarithm of the output, "
            f"and ({name}) does not give probabilities",
            hints=(hint, "for numbers as targets: half_mse or mse"),
        )
    elif loss.definition.name == "cross_entropy" and last.outputs == 1:
        hints = ("binary_cross_entropy counts both classes",)
        message = "cross_entropy with one output ignores every sample whose target is 0"
        report.error("E0204", span, message, hints=hints)
    elif loss.definition.name == "cross_entropy" and name.lower() == "sigmoid":
        message = (
            "the outputs of (sigmoid) do not sum to 1, so cross_entropy takes no notice of wrong classes"
        )
        report.warning("E0204", span, message, "(softmax) makes one distribution over the classes")


def _takes_log(value: ast.Expr) -> bool:
    """Is the logarithm of an expression in u taken?"""
    return any(
        isinstance(n, ast.Call)
        and n.function == ast.Name("log")
        and any("u" in names_in(a.value) for a in n.arguments)
        for n in walk(value)
    )


def _positive(activations: tuple[Activation, ...]) -> bool:
    """Probing decides: is the last activation above 0 at a few points, large and small? Softmax always is."""
    if not activations:
        return False
    last = activations[-1]
    if any(isinstance(n, ast.Call) and n.function == ast.Name("sum") for n in walk(last.definition.value)):
        return True
    bound = dict(last.arguments)
    probes = [{**bound, last.definition.variable: z} for z in (-9.0, -1.0, 0.0, 1.0, 9.0)]
    values = [number_or_none(last.definition.value, p) for p in probes]
    return all(v is None or v > 0 for v in values)


def check_objective(statement: ast.Objective, definitions: Definitions, report: Report) -> Objective:
    names = {v.name: SCALAR for v in statement.variables}
    if not names:
        report.error(
            "E0513",
            head(statement),
            "an objective is a function of at least one variable",
            hints=("as in 'objective R(x, y) = x^2 + 3*y^2'",),
        )
    require_names_once(statement.variables, report)
    for v in statement.variables:
        if v.default is not None:
            report.error(
                "E0513",
                v.span,
                f"'{v.name}' is a variable, it has no default",
                hints=("'init theta = (...)' says where it starts",),
            )
    Kinds(Scope("an objective", names, definitions.activations), report).number(
        statement.value, "the objective"
    )
    return Objective(statement.name, tuple(names), statement.value)


def check_activations(definitions: Definitions, report: Report) -> None:
    """The expressions of the activations that the program and the files it uses define."""
    for a in definitions.activations.own.values():
        names = {a.variable: OUTPUT} | {p.name: SCALAR for p in a.parameters}
        scope = Scope(f"the activation '{a.name}'", names, definitions.activations)
        found = Kinds(scope, report).of(a.value)
        if found is not None and found.truth:
            hint = "choose numbers by it: 1 if ... else 0"
            report.error(
                "E0304", a.value.span, "an activation gives a number, not a truth value", hints=(hint,)
            )
        way = _way_back(a.name.lower(), a, definitions, ())
        if way:
            through = f" by way of {', '.join(way)}" if way[0] != a.name else ""
            note = "a name inside its own definition is the primitive function, where there is one"
            report.error("E0111", first_line(a.span), f"'{a.name}' calls itself{through}", notes=(note,))


def _way_back(
    name: str, at: ast.Activation, definitions: Definitions, past: tuple[str, ...]
) -> tuple[str, ...]:
    """The activations through which `at` comes to call `name`, if it does."""
    for other in sorted(called(at.value) - set(FUNCTION_NAMES) - set(past)):
        if other.lower() == name:
            return past or (at.name,)
        if other in definitions.activations.own:
            way = _way_back(name, definitions.activations.own[other], definitions, (*past, other))
            if way:
                return way
    return ()
