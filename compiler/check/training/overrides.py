"""`--set NAME=VALUE`: settings of `train` are changed in the program, hyper-parameters in the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netc.compiler.check.training.train import SETTINGS
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import usual
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.names import canonical, did_you_mean
from netc.dsl.parser import parse
from netc.dsl.source import Source, Span
from netc.dsl.words.vocabulary import joined, meant

Overrides = Mapping[str, str | float | ast.Expr]
"""Values as text or numbers, or as they were written in a sweep."""
Settings = dict[str, ast.Setting]
FROM_OUTSIDE = "--set"
"""The source of what stands in no file."""


def apply_overrides(
    program: ast.Program, overrides: Overrides, report: Report
) -> tuple[ast.Program, Settings]:
    """The program with the settings of `train` replaced, and the overrides that are left."""
    settings: Settings = {}
    for name, value in overrides.items():
        if isinstance(value, ast.Node):
            settings[name] = ast.Setting(name, value, span=value.span)
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        source = Source(FROM_OUTSIDE, f"train {name} = {text}\n")
        try:
            statements = parse(source).statements
        except SpecError as error:
            report.diagnostics.extend(error.diagnostics)
            continue
        match statements:
            case (ast.Train((setting,)),) if "#" not in text and setting.name == canonical(name.strip()):
                settings[setting.name] = setting
            case _:
                _more_than_one(name, text, source, report)
    replaced = {n: s for n, s in settings.items() if n in SETTINGS}
    if replaced:
        program = replace(program, statements=tuple(_train(s, replaced) for s in program.statements))
    return program, {n: s for n, s in settings.items() if n not in SETTINGS}


def _more_than_one(name: str, text: str, source: Source, report: Report) -> None:
    """Nothing of what was given is left out without a word."""
    start = source.text.index(text, len(f"train {name}"))
    hint = "several settings have an option each: --set steps=3 --set runs=5"
    message = f"'{name}' takes one value, and this is more"
    report.error("E0502", Span(source, start, start + len(text)), message, hints=(hint,))


def _train(statement: ast.Statement, replaced: Settings) -> ast.Statement:
    if not isinstance(statement, ast.Train):
        return statement
    kept = tuple(s for s in statement.settings if s.name not in replaced)
    # A bound given from outside is the only one: the file's `steps` do not cut `--set epochs=3` short.
    if {"epochs", "steps"} & set(replaced):
        kept = tuple(s for s in kept if s.name not in ("epochs", "steps"))
    return replace(statement, settings=(*kept, *replaced.values()))


def override(
    values: dict[str, float], settings: Settings, scheduled: frozenset[str], report: Report
) -> dict[str, float]:
    """New numbers for hyper-parameters. What is `scheduled` and none of these is read by layers."""
    new = dict(values)
    for name, setting in settings.items():
        if name not in values:
            message, hints = unknown(name, [*values, *SETTINGS], scheduled)
            report.error("E0512", setting.span, message, hints=hints)
            continue
        try:
            new[name] = number(setting.value)
        except NotANumber as error:
            report.error("E0305", error.span, f"'{name}' must be a number: {error.reason}")
    return new


def unknown(name: str, known: list[str], scheduled: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Message and hints."""
    if name in scheduled:
        message = f"'{name}' is a number of layers that follows a schedule, no parameter of the rule"
        return message, (f"change it in the file: schedule {name} = ...",)
    here = next((k for k in known if k != name and usual(k) == usual(name)), "")
    says = f"here it is called '{here}'" if here else meant(name, "setting")
    message = joined(f"there is no '{name}' to set", says)
    return message, did_you_mean(name, known) or ((f"known: {', '.join(known)}",) if known else ())
