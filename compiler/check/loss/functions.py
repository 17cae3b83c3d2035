"""What a file defines in formulas: its objective and its activations, each by itself."""

from __future__ import annotations

from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.meaning.findings import Report, first_line
from netc.compiler.meaning.kinds import FUNCTION_NAMES, OUTPUT, SCALAR, Scope
from netc.compiler.meaning.resolve import Definitions, head, require_names_once
from netc.compiler.meaning.spec import Objective
from netc.dsl import ast
from netc.dsl.walks import called


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


def check_activations(definitions: Definitions, report: Report) -> bool:
    """The expressions of the activations that the program and the files it uses define; are all sound?"""
    before = len(report.diagnostics)
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
    return len(report.diagnostics) == before


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
