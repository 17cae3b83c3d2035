"""The laws of an `init`: what each is of, what it draws from, and whether it has numbers in every layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from netc.compiler.check.parts.expressions import Kinds
from netc.compiler.meaning.arguments import behind_a_name
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.kinds import SCALAR, Scope
from netc.compiler.meaning.resolve import Definitions, renamed
from netc.compiler.meaning.resolve_laws import LAWS, PLACE, law_numbers
from netc.compiler.meaning.resolve_values import NotANumber
from netc.compiler.meaning.spec import Law, Learns, Values
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.walks import dotted
from netc.dsl.words.vocabulary import joined, law_meant, meant, part_of_parameters

TARGETS = ("weights", "biases", "gains", "theta")


def laws_of(
    statement: ast.Init,
    bound: Values,
    definitions: Definitions,
    report: Report,
    targets: Sequence[str] = TARGETS,
) -> Iterable[Law]:
    helpers = tuple((s.name, s.value) for s in statement.settings if s.name != "source")
    names = dict.fromkeys([*PLACE, *(p.name for p in statement.parameters)], SCALAR)
    for name, value in helpers:
        Kinds(Scope("an init", names), report).number(value, f"'{name}'")
        names[name] = SCALAR
    walker = Kinds(Scope("an init", names), report)
    found = []
    for expr in statement.laws:
        match expr:
            case ast.Drawn(ast.Name(target), law) if target in targets:
                if _drawn(law, walker, definitions, report):
                    found.append(Law(target, law, True, helpers, bound))
            case ast.Compare("=", ast.Name("theta"), law):
                found.append(Law("theta", law, False, helpers, bound))
            case ast.Compare("=", ast.Name(target), law) if target in targets:
                walker.number(law, f"the value of the {target}")
                found.append(Law(target, law, False, helpers, bound))
            case ast.Drawn(part) | ast.Compare(left=part):
                word = part.id if isinstance(part, ast.Name) else part.span.text
                here = part_of_parameters(word)
                says = f"here it is called '{here}'" if here in targets else ""
                report.error(
                    "E0514",
                    part.span,
                    joined(f"'{word}' is no part of the parameters", says),
                    hints=did_you_mean(word, targets) or (f"parts: {', '.join(targets)}",),
                )
    return found


def _meant_law(law: ast.Expr, start: str) -> str:
    """`randn(0, 0.1)`, `0.1*normal(0, 1)`"""
    if isinstance(law, ast.Binary):
        inner = next((n for n in (law.left, law.right) if isinstance(n, ast.Call)), None)
        inside = inner is not None and isinstance(inner.function, ast.Name) and inner.function.id in LAWS
        return "what is multiplied stands in the law, normal(0, 0.1/sqrt(fan_in))" if inside else ""
    here = law_meant(start.rpartition(".")[2])
    return f"here it is called '{here}', {here}({', '.join(LAWS[here])})" if here else meant(start, "init")


def _drawn(law: ast.Expr, walker: Kinds, definitions: Definitions, report: Report) -> bool:
    name = law.function.id if isinstance(law, ast.Call) and isinstance(law.function, ast.Name) else ""
    if not isinstance(law, ast.Call) or name not in LAWS:
        start = dotted(law.function if isinstance(law, ast.Call) else law) or ""
        laws = "laws: uniform(low, high), normal(mean, deviation), orthogonal(gain)"
        hints = did_you_mean(name, LAWS) or (laws,)
        if start in definitions.inits:
            hints = (f"'{start}' is a start of its own: init {start}", laws)
        says = f"init {start}, in a line of its own" if start in definitions.inits else _meant_law(law, start)
        message = joined("a law to draw from is needed after '~'", says)
        report.error("E0514", law.span, message, hints=hints)
        return False
    parameters = LAWS[name]
    own = [ast.Parameter(p, None) for p in parameters]
    for position, argument in enumerate(law.arguments):
        walker.number(argument.value, "an argument of a law")
        if behind := behind_a_name(law.arguments[: position + 1], f"'{name}'"):
            report.error("E0108", argument.span, behind)
            return False
        if argument.name is not None and argument.name not in parameters:
            report.error(
                "E0108",
                argument.span,
                joined(
                    f"'{name}' has no parameter '{argument.name}'", renamed(argument.name, own, "of a start")
                ),
                hints=did_you_mean(argument.name, parameters)
                or (f"its parameters: {', '.join(parameters)}",),
            )
            return False
    if len(law.arguments) != len(parameters):
        report.error("E0109", law.span, f"'{name}' takes {', '.join(parameters)}: {len(law.arguments)} given")
        return False
    return True


def check_numbers(law: Law, layers: Sequence[Learns], report: Report) -> None:
    """Has the law numbers in every layer?"""
    own = [x for x in layers if not law.layers or x.name in law.layers]
    places = [(*fans, x.number) for x in own for _, role, fans in x.arrays if role == "weight"]
    for fans in dict.fromkeys(places) if law.target != "theta" else ((0, 0, 0),):
        try:
            name, values = law_numbers(law, None if law.target == "theta" else fans)
        except NotANumber as error:
            where = f"for {fans[0]} inputs and {fans[1]} outputs " if law.target != "theta" else ""
            report.error("E0514", error.span, f"the start has no value: {where}{error.reason}")
            return
        if any(map(math.isnan, values)):
            hint = "a parameter that is none by default has to be given"
            report.error(
                "E0514", law.law.span, "the start has no value: a number of it is none", hints=(hint,)
            )
            return
        if (name == "normal" and values[1] < 0) or (name == "uniform" and values[0] > values[1]):
            what = (
                "the deviation is below 0" if name == "normal" else "the lower bound is above the upper one"
            )
            report.error("E0514", law.law.span, f"{what}: {name}({', '.join(f'{v:g}' for v in values)})")
            return
