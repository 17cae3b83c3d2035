"""The kind of a call in an expression: a function of numbers, a reduction, an activation, a schedule, or the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netc.compiler.meaning.findings import counted
from netc.compiler.meaning.kinds import (
    ELEMENTWISE,
    FUNCTION_NAMES,
    REDUCTIONS,
    SCALAR,
    THETA,
    WITHIN,
    Type,
)
from netc.compiler.meaning.layer_parameters import unsaid
from netc.compiler.meaning.resolve import of_another_kind, renamed
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.walks import dotted
from netc.dsl.words.vocabulary import in_rule, joined, meant

if TYPE_CHECKING:
    from netc.compiler.check.parts.expressions import Kinds


def kind_of_call(
    here: Kinds, call: ast.Expr, function: ast.Expr, arguments: tuple[ast.Argument, ...]
) -> Type | None:
    match function:
        case ast.Index(ast.Name(id)) | ast.Name(id) if id in here.scope.losses:
            if len(arguments) != 1:
                called = print_expr(function)
                message = f"'{called}' takes one argument, the point: {called}(theta[n])"
                return here.error("E0302", call.span, message)
            batch = function.index if isinstance(function, ast.Index) else None
            return kind_of_loss(here, id, batch, arguments[0].value, call.span, SCALAR)
        case ast.Name(id):
            return _function(here, id, function.span, call, arguments)
        case ast.Member() if name := dotted(function):
            return _function(here, name, function.span, call, arguments)
    return here.error("E0306", function.span, "this is not a function: a product is written (...)*(...)")


def _function(
    here: Kinds, id: str, span: Span, call: ast.Expr, arguments: tuple[ast.Argument, ...]
) -> Type | None:
    positional = [a.value for a in arguments if a.name is None]
    match positional:
        case [ast.Name(memory)] if memory in here.scope.memories:
            return _over_batches(here, id, memory, call)
    named = [a for a in arguments if a.name is not None]
    given = len(positional)
    if id in REDUCTIONS and [a.name for a in named] == ["per"] and given == 1:
        return _per_part(here, positional[0], named[0])
    if named and id in FUNCTION_NAMES:
        whole = "it is over all that is in its parentheses, and nothing else is to be said"
        says = whole if id in REDUCTIONS else meant(str(named[0].name), "of a layer")
        return here.error("E0302", named[0].span, joined(f"'{id}' takes no argument '{named[0].name}'", says))
    if id in REDUCTIONS and given == 1:
        found = here.widest(positional[0])
        return found and SCALAR
    if id == "dot" and given == 2:
        found = here.widest(*positional)
        return found and SCALAR
    if id == "where" and given == 3:
        return here.choice(*positional)
    if id in ("min", "max") and given >= 2:
        return here.widest(*positional)
    if ELEMENTWISE.get(id) == given and id not in ("min", "max"):
        return here.widest(*positional)
    if id in FUNCTION_NAMES:
        return _arity(here, id, call, given)
    if id in here.scope.activations:
        return _activation(here, here.scope.activations[id], call, arguments)
    if id in here.scope.calls:
        return here.widest(*(a.value for a in arguments))
    return _unknown(here, id, span)


def _unknown(here: Kinds, id: str, span: Span) -> Type | None:
    place, known = here.scope.place, [*FUNCTION_NAMES, *here.scope.activations, *here.scope.calls]
    says = meant(id, WITHIN[place]) if place in ("a loss", "an init") else ""
    says = says or meant(id, "schedule" if place == "a schedule" else "function") or _elsewhere(here, id)
    says = says or (f"a product is written {id}*(...)" if id in here.scope.names else "")
    says = says or (in_rule(id) if id.endswith("_") and "theta" in here.scope.names else "")
    says = says or of_another_kind(span.text)
    hints = () if says else did_you_mean(id, known)
    return here.error("E0101", span, joined(f"there is no function '{span.text or id}'", says), *hints)


def _elsewhere(here: Kinds, id: str) -> str:
    """`np.sqrt`, and `StepLR` without its library."""
    last = id.rpartition(".")[2].lower()
    if last in FUNCTION_NAMES:
        return f"it is written {last}(...)"
    calls = here.scope.calls
    spelled = [calls[n].name for n in calls if n.rpartition(".")[2].lower() == last]
    return f"libraries have {', '.join(spelled)}" if spelled else ""


def _per_part(here: Kinds, vector: ast.Expr, per: ast.Argument) -> Type | None:
    found = here.widest(vector)
    match per.value:
        case ast.Name("layer" | "tensor" as part):
            pass
        case _:
            hint = "a tensor is one weight matrix or one bias vector, a layer is both"
            message = "a reduction is over everything, 'per = layer' or 'per = tensor'"
            return here.error("E0302", per.value.span, message, hint)
    if found is not None and found != THETA:
        return here.error(
            "E0303", vector.span, f"'per = {part}' needs a vector like theta, this is {found.words}"
        )
    return found


def _over_batches(here: Kinds, id: str, memory: str, call: ast.Expr) -> Type | None:
    found = here.scope.names.get(memory)  # none where its own equation is wrong
    if found is None or id in ("sum", "mean") or found == SCALAR:
        return SCALAR if found is not None and id not in ("sum", "mean") else found
    message = f"'{memory}' is a vector for each batch, '{id}' over the batches needs a number for each"
    return here.error("E0303", call.span, message, "keep the norms: s[i] = norm(...)")


def _arity(here: Kinds, id: str, call: ast.Expr, given: int) -> Type | None:
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
    base = "the logarithm to base b is log(x)/log(b)" if id == "log" and given == 2 else ""
    return here.error("E0302", call.span, joined(f"'{id}' takes {wanted}, {given} given", base))


def _activation(
    here: Kinds, definition: ast.Activation, call: ast.Expr, arguments: tuple[ast.Argument, ...]
) -> Type | None:
    name, parameters = definition.name, [p.name for p in definition.parameters]
    names = [definition.variable, *parameters]
    positional = [a for a in arguments if a.name is None]
    if not 1 <= len(positional) <= len(names) or arguments[0].name is not None:
        most = counted(len(parameters), "parameter")
        message = f"'{name}' takes {definition.variable} and at most {most}, {len(arguments)} given"
        return here.error("E0302", call.span, message)
    given = [a.name or names[i] for i, a in enumerate(arguments)]
    for argument, parameter in zip(arguments[1:], given[1:], strict=True):
        if parameter not in parameters:
            says = renamed(parameter, definition.parameters, "of a layer")
            message = joined(f"'{name}' has no parameter '{parameter}'", says)
            hints = () if says else did_you_mean(parameter, parameters)
            return here.error("E0302", argument.span, message, *hints)
        if given.count(parameter) > 1:
            return here.error("E0302", call.span, f"'{name}' is given '{parameter}' twice")
    missing = [p.name for p in definition.parameters if p.default is None and p.name not in given]
    if missing:
        return here.error(
            "E0302", call.span, f"'{name}' needs its parameter '{missing[0]}', it has no default"
        )
    if found := unsaid(definition, given):
        hint = f"say it: {name}({definition.variable}, 0.01)"
        if here.report is not None:
            here.report.error("E0103", call.span, found[0], notes=found[1], hints=(hint,))
        return None
    return here.widest(*(a.value for a in arguments))


def kind_of_loss(
    here: Kinds, name: str, batch: ast.Expr | None, point: ast.Expr | None, span: Span, result: Type
) -> Type | None:
    if name not in here.scope.losses:
        known = sorted(here.scope.losses)
        message = f"the loss is called {' or '.join(known)}, not '{name}'"
        if not known:
            message = f"there is no loss in {here.scope.place}"
        return here.error("E0101", span, message)
    if batch is not None:
        here.number(batch, "the number of the batch")
    if point is None:
        return result
    found = here.of(point)
    if found is not None and found != THETA:
        message = f"the loss needs a point, a vector like theta; this is {found.words}"
        return here.error("E0409", point.span, message, "the point of the iteration is theta[n]")
    return found and result
