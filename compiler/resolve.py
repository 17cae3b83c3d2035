"""Definitions: which activation, loss, init, schedule or optimizer a name means, and its arguments.

Gathers them from the library, the files that are used and the program itself. Does not look inside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from netc.compiler.check_report import Report, listed
from netc.compiler.resolve_values import NotANumber, number
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.names import did_you_mean
from netc.dsl.parser import parse
from netc.dsl.source import Source, Span

D = TypeVar("D", ast.Activation, ast.Loss, ast.Init, ast.Schedule, ast.Optimizer, ast.Block)


@dataclass(frozen=True)
class Definitions:
    """By kind and lower-case name: names are case-insensitive (`GELU` = `gelu`)."""

    activations: dict[str, ast.Activation] = field(default_factory=dict)
    losses: dict[str, ast.Loss] = field(default_factory=dict)
    inits: dict[str, ast.Init] = field(default_factory=dict)
    schedules: dict[str, ast.Schedule] = field(default_factory=dict)
    optimizers: dict[str, ast.Optimizer] = field(default_factory=dict)
    blocks: dict[str, ast.Block] = field(default_factory=dict)

    def table(self, statement: ast.Statement) -> dict[str, ast.Statement] | None:
        """Where the statement belongs if it is a definition."""
        if not is_definition(statement):
            return None
        return getattr(self, TABLES[type(statement)])  # type: ignore[no-any-return]

    def over(self, other: Definitions) -> Definitions:
        """Both; where both define a name, this one's."""
        return Definitions(**{f.name: {**getattr(other, f.name), **getattr(self, f.name)} for f in fields(self)})


TABLES: Mapping[type, str] = {
    ast.Activation: "activations",
    ast.Loss: "losses",
    ast.Init: "inits",
    ast.Schedule: "schedules",
    ast.Optimizer: "optimizers",
    ast.Block: "blocks",
}


def is_definition(statement: ast.Statement) -> bool:
    match statement:
        case ast.Activation() | ast.Block():
            return True
        case ast.Loss(use=None) | ast.Optimizer(use=None):
            return True
        case ast.Init(name=name):
            return name is not None
        case ast.Schedule(defines=defines):
            return defines
    return False


@cache
def library() -> Definitions:
    """The batteries: every `.net` file of `dsl/library`."""
    found = Definitions()
    for file in sorted(files("netc.dsl").joinpath("library").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".net"):
            program = parse(Source(f"library/{file.name}", file.read_text(encoding="utf-8")))
            for statement in program.statements:
                _add(found, statement, Report())
    return found


def gather(program: ast.Program, folder: Path, report: Report) -> Definitions:
    """The program's own definitions over those of the files it uses, over the library's."""
    own = Definitions()
    for statement in program.statements:
        if is_definition(statement):
            _add(own, statement, report)
    used = Definitions()
    for statement in program.statements:
        if isinstance(statement, ast.Use):
            used = _used(statement, folder, (), report).over(used)
    return own.over(used).over(library())


def _add(found: Definitions, statement: ast.Statement, report: Report) -> None:
    table = found.table(statement)
    if table is None:
        return
    name = str(getattr(statement, "name", ""))
    known = table.get(name.lower())
    if known is not None:
        kind = type(statement).__name__.lower()
        report.error("E0104", head(statement), f"the {kind} '{name}' is defined twice",
                     related=((head(known), "first here"),))  # fmt: skip
    table[name.lower()] = statement


def head(statement: ast.Statement) -> Span:
    """The first line of a statement, for the carets."""
    span = statement.span
    line = span.text.split("\n", 1)[0].split("#")[0].rstrip()
    return Span(span.source, span.start, span.start + len(line)) if line else span


def _used(use: ast.Use, folder: Path, above: tuple[Path, ...], report: Report) -> Definitions:
    """The definitions of another file; `above` are the files that led here."""
    path = (folder / use.file.value).resolve()
    if path in above:
        report.error("E0106", use.span, f"'{use.file.value}' uses itself, by way of {path.name}")
        return Definitions()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        report.error("E0105", use.file.span, f"there is no readable file '{use.file.value}'",
                     notes=(f"looked for {path.name} beside the file that uses it",))  # fmt: skip
        return Definitions()
    try:
        program = parse(Source(use.file.value, text))
    except SpecError as error:
        report.diagnostics.extend(error.diagnostics)
        return Definitions()
    own, used = Definitions(), Definitions()
    for statement in program.statements:
        match statement:
            case ast.Use():
                used = _used(statement, path.parent, (*above, path), report).over(used)
            case _ if is_definition(statement):
                _add(own, statement, report)
            case _:
                report.error("E0107", head(statement), "a file that is used may hold definitions only",
                             related=((use.span, "used here"),))  # fmt: skip
    return own.over(used)


# -- lookup ----------------------------------------------------------------------------------------


def lookup(table: Mapping[str, D], name: str, span: Span, kind: str, report: Report) -> D | None:
    """The definition called `name`, or None after an error with the nearest names."""
    found = table.get(name.lower())
    if found is None:
        hints = did_you_mean(name, [str(d.name) for d in table.values()])
        report.error("E0102", span, f"there is no {kind} called '{name}'",
                     hints=hints or (f"'netc list {_plural(kind)}' shows all",))  # fmt: skip
    return found


def _plural(kind: str) -> str:
    return {"loss": "losses"}.get(kind, kind + "s")


def variants(table: Mapping[str, ast.Optimizer], family: str) -> list[ast.Optimizer]:
    """The rules `family.variant` of a family."""
    return [d for name, d in table.items() if name.rpartition(".")[0] == family.lower()]


# -- arguments -------------------------------------------------------------------------------------


def bind(
    parameters: tuple[ast.Parameter, ...],
    arguments: Iterable[ast.Argument],
    span: Span,
    what: str,
    report: Report,
    value: Callable[[ast.Expr], float] = number,
) -> tuple[tuple[str, float], ...]:
    """The number of each parameter: given by position or name, else its default.

    Reports unknown, repeated and missing arguments; what has an error is absent from the result.
    """
    names = [p.name for p in parameters]
    given: dict[str, ast.Argument] = {}
    for position, argument in enumerate(arguments):
        name = argument.name or (names[position] if position < len(names) else None)
        if name is None:
            takes = f"takes {', '.join(names)}" if names else "takes no arguments"
            report.error("E0108", argument.span, f"one argument too many: {what} {takes}")
        elif name not in names:
            report.error("E0108", argument.span, f"{what} has no parameter '{name}'",
                         hints=did_you_mean(name, names) or _parameters(names))  # fmt: skip
        elif name in given:
            report.error("E0110", argument.span, f"'{name}' is given twice",
                         related=((given[name].span, "first here"),))  # fmt: skip
        else:
            given[name] = argument
    missing = [p.name for p in parameters if p.default is None and p.name not in given]
    if missing:
        report.error("E0109", span, f"{what} needs {listed(repr(m) for m in missing).replace(' or ', ' and ')}",
                     hints=(f"give it: {missing[0]} = ...",))  # fmt: skip
    bound: dict[str, float] = {}
    for p in parameters:
        expr = given[p.name].value if p.name in given else p.default
        if expr is None:
            continue
        try:
            # A default may be in terms of the parameters before it.
            bound[p.name] = value(expr) if p.name in given else number(expr, bound)
        except NotANumber as error:
            report.error("E0305", error.span, f"'{p.name}' must be a number: {error.reason}")
    return tuple(bound.items())


def _parameters(names: list[str]) -> tuple[str, ...]:
    return (f"its parameters: {', '.join(names)}",) if names else ("it takes no parameters",)
