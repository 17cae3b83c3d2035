"""The arguments of a definition that is used: a number for each of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from netc.compiler.meaning.findings import Report, listed
from netc.compiler.meaning.resolve import renamed, usual, written
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.dsl import ast, library
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span
from netc.dsl.words.foreign_parameters import FIRST
from netc.dsl.words.foreign_words import Place
from netc.dsl.words.vocabulary import joined, meant, same_parameter

RATES = ("lr", "start", "init_value", "initial_learning_rate")
"""The first parameter of a schedule of the rate."""


def bind(
    parameters: tuple[ast.Parameter, ...],
    arguments: Iterable[ast.Argument],
    span: Span,
    what: str,
    report: Report,
    value: Callable[[ast.Expr], float] = number,
    place: Place = "parameter",
) -> tuple[tuple[str, float], ...]:
    """The number of each parameter: given by position or name, else its default. `place`: of what kind of definition.

    Reports unknown, repeated and missing arguments; what has an error is absent from the result.
    """
    arguments = tuple(arguments)
    given = _by_name(parameters, arguments, what, report, place)
    _require_given(parameters, arguments, given, span, what, report, place)
    absent = any(p.default is None and p.name not in given for p in parameters)
    bound: dict[str, float] = {}
    for p in parameters:
        expr = given[p.name].value if p.name in given else p.default
        if expr is None:
            continue
        try:
            # A default may be in terms of the parameters before it.
            bound[p.name] = value(expr) if p.name in given else number(expr, bound)
        except NotANumber as error:
            if absent and p.name not in given:
                continue  # a default in terms of what is missing
            message = f"'{p.name}' must be a number: {error.reason}"
            match place, expr:
                case "of a layer", ast.Name(id) if id in library.names("activation"):
                    message = meant("activation", place)
            report.error("E0305", error.span, message)
    return tuple(bound.items())


def _require_given(
    parameters: tuple[ast.Parameter, ...],
    arguments: tuple[ast.Argument, ...],
    given: Mapping[str, ast.Argument],
    span: Span,
    what: str,
    report: Report,
    place: Place,
) -> None:
    """An argument for each parameter without a default; one that has been told as wrong counts."""
    if any(not a.name and a not in given.values() for a in arguments):
        return
    names = [p.name for p in parameters]
    unknown = [a.name for a in arguments if a.name and a.name not in given]
    otherwise = {usual(name) for name in unknown} | {same_parameter(name, names) for name in unknown}
    needed = [p.name for p in parameters if p.default is None and p.name not in given]
    missing = [name for name in needed if usual(name) not in otherwise]
    if not missing:
        return
    message = f"{what} needs {listed(repr(m) for m in missing).replace(' or ', ' and ')}"
    if place == "of a schedule" and names[0] == missing[0] and missing[0] in RATES:
        message += f", the rate that it begins with: {what[1:-1]}(0.1, ...)"
    report.error("E0109", span, message, hints=(f"give it: {missing[0]} = ...",))


def _by_name(
    parameters: tuple[ast.Parameter, ...],
    arguments: Iterable[ast.Argument],
    what: str,
    report: Report,
    place: Place,
) -> dict[str, ast.Argument]:
    names, shown = [p.name for p in parameters], list(dict.fromkeys(written(p) for p in parameters))
    given: dict[str, ast.Argument] = {}
    arguments = tuple(arguments)
    for position, argument in enumerate(arguments):
        name = argument.name or (names[position] if position < len(names) else None)
        if name and (message := behind_a_name(arguments[: position + 1], what)):
            hints = _decimal_comma(argument, given) or _parameters(shown)
            report.error("E0108", argument.span, message, hints=hints)
        elif name is None:
            takes = f"takes {', '.join(shown)}" if names else "takes no arguments"
            message = f"one argument too many: {what} {takes}"
            first = place == "of a layer" and not position
            says = meant(FIRST.get(what.strip("'"), ""), place) if first else ""
            hints = _decimal_comma(argument, given)
            report.error("E0108", argument.span, joined(message, says), hints=hints)
        elif name not in names:
            _unknown(parameters, argument, what, report, place)
        elif name in given:
            report.error(
                "E0110",
                argument.span,
                f"'{name}' is given twice",
                related=((given[name].span, "first here"),),
            )
        else:
            given[name] = argument
    return given


def _unknown(
    parameters: tuple[ast.Parameter, ...], argument: ast.Argument, what: str, report: Report, place: Place
) -> None:
    """A name that no parameter has; or that of a tuple, each of whose numbers is one."""
    name, shown = argument.name or "", list(dict.fromkeys(map(written, parameters)))
    if name in shown:
        count = sum(written(p) == name for p in parameters)
        default = next(p.span.text for p in parameters if written(p) == name)
        report.error(
            "E0108", argument.span, f"'{name}' of {what} is {count} numbers", hints=(f"as in {default}",)
        )
        return
    says = renamed(name, parameters, place)
    hints = () if says else did_you_mean(name, shown) or _parameters(shown)
    report.error("E0108", argument.span, joined(f"{what} has no parameter '{name}'", says), hints=hints)


def behind_a_name(arguments: Sequence[ast.Argument], what: str) -> str:
    """What is wrong with the last of these; empty unless it has no name where one before it has."""
    *before, last = arguments
    if last.name or not any(a.name for a in before):
        return ""
    return (
        f"which parameter of {what} is {last.span.text}? Behind an argument with a name, each needs its own"
    )


def _decimal_comma(argument: ast.Argument, given: Mapping[str, ast.Argument]) -> tuple[str, ...]:
    """`eta = 0,1` is two arguments."""
    match [*given.values()][-1:], argument:
        case [ast.Argument(_, ast.Number() as whole)], ast.Argument(None, ast.Number() as rest):
            if whole.span.text.isdigit() and rest.span.text.isdigit():
                return (f"numbers are written with a decimal point: {whole.span.text}.{rest.span.text}",)
    return ()


def _parameters(names: list[str]) -> tuple[str, ...]:
    return (f"its parameters: {', '.join(names)}",) if names else ("it takes no parameters",)
