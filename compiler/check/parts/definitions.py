"""The settings that stand beside definitions: known, or refused, whether the definition is used or not.

What they say is read where the definition is (`require` in `values.py`, `reduce` in `loss.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from netc.compiler.check.parts.settings import Settings, Unfit, name_span, word
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.resolve import Definitions
from netc.dsl import ast
from netc.dsl.walks import names_in
from netc.dsl.words.vocabulary import joined, meant, setting_meant

SETTINGS: Mapping[type[ast.Node], tuple[str, ...]] = {
    ast.Activation: ("source",),
    ast.Objective: ("source",),
    ast.Loss: ("reduce", "source", "targets", "weight", "divide"),
    ast.Clip: ("source", "require"),
    ast.Optimizer: ("source", "require", "evaluate"),
    ast.Search: ("source", "require"),
    ast.Attack: ("source", "require"),
    ast.Schedule: ("source", "require"),
    ast.Layer: ("source", "require", "images", "inferred"),
}
"""Of each kind of definition; `require` may be repeated. Starts have helpers besides, see `unread_helpers`."""


def check_definition_settings(program: ast.Program, definitions: Definitions, report: Report) -> None:
    objectives = [s for s in program.statements if isinstance(s, ast.Objective)]
    for statement in (*objectives, *(d for table in definitions.tables for d in table.own.values())):
        kind = type(statement)
        if kind in SETTINGS:
            given = list(statement.settings)
            required = [s for s in given if s.name == "require"]
            once = tuple(s for s in given if s not in required[1:])
            settings = Settings(once, kind.__name__.lower(), SETTINGS[kind], report)
            settings.get("source", text, "")
            settings.get("reduce", word("mean", "sum"), "mean")
            settings.get("images", word("flat"), "")
            settings.get("inferred", _size_of(statement), "")
    for statement in (*program.statements, *definitions.inits.own.values()):
        if (
            isinstance(statement, ast.Init) and not statement.layers
        ):  # those of layers may name arrays, see `init.py`
            check_helpers(statement, report)


def text(value: ast.Expr) -> str:
    if not isinstance(value, ast.Text):
        raise Unfit('a text in quotes is needed, such as "table 2"', value.span)
    return value.value


def _size_of(statement: ast.Statement) -> Callable[[ast.Expr], str]:
    """A size in the head of the definition."""
    sizes = [p.name for p in getattr(statement, "parameters", ()) if p.default is None]

    def name(value: ast.Expr) -> str:
        if not isinstance(value, ast.Name) or value.id not in sizes:
            raise Unfit("a size in the head of the layer is needed", value.span)
        return value.id

    return name


def check_helpers(statement: ast.Init, report: Report) -> None:
    """`init weights ~ uniform(-a, a), a = 1/fan_in, foo = 3`: every helper is read by a law or another helper."""
    for setting in unread_helpers(statement):
        hint = "a helper is a number that a law reads: weights ~ uniform(-a, a), a = sqrt(6/fan_in)"
        says = meant(setting.name, "of a start") or setting_meant(setting.name, "init")
        message = f"'init' has no setting '{setting.name}', and no law reads it"
        message = joined(f"'init' has no setting '{setting.name}'", says) if says else message
        report.error("E0501", name_span(setting), message, hints=(hint,))


def unread_helpers(statement: ast.Init) -> Iterator[ast.Setting]:
    read: set[str] = set()
    for law in statement.laws:
        read |= names_in(law)
    for setting in reversed([s for s in statement.settings if s.name != "source"]):
        if setting.name in read:
            read |= names_in(setting.value)
        else:
            yield setting
