"""Definitions: which activation, loss, init, schedule or optimizer a name means, and its arguments.

`gather.py` collects them from the program and the files that it uses. Does not look inside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast

from netc.compiler.meaning.findings import Report, first_line, listed
from netc.compiler.meaning.learnt_activations import as_layer
from netc.compiler.meaning.resolve_values import NotANumber, number
from netc.dsl import ast, library
from netc.dsl.foreign_words import Place
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span
from netc.dsl.vocabulary import alike, joined, meant, same_parameter

D = TypeVar("D", bound=ast.Statement)


class Table(Mapping[str, D]):
    """Definitions of one kind by name, in any case: `GELU` = `gelu`. The library's are parsed late."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.own: dict[str, D] = {}
        """Of the program and the files it uses; they come before the library's."""

    def __getitem__(self, name: str) -> D:
        if name.lower() in self.own:
            return self.own[name.lower()]
        return cast(D, library.lookup(self.kind, _library_names(self.kind)[name.lower()]))

    def __iter__(self) -> Iterator[str]:
        return iter({**_library_names(self.kind), **self.own})

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name.lower() in self.own or name.lower() in _library_names(self.kind)
        )

    def names(self) -> list[str]:
        """As they are spelled."""
        return [*(str(getattr(d, "name", "")) for d in self.own.values()), *library.names(self.kind)]


@cache
def _library_names(kind: str) -> dict[str, str]:
    return {name.lower(): name for name in library.names(kind)}


@dataclass(frozen=True)
class Definitions:
    activations: Table[ast.Activation] = field(default_factory=lambda: Table("activation"))
    clips: Table[ast.Clip] = field(default_factory=lambda: Table("clip"))
    losses: Table[ast.Loss] = field(default_factory=lambda: Table("loss"))
    inits: Table[ast.Init] = field(default_factory=lambda: Table("init"))
    schedules: Table[ast.Schedule] = field(default_factory=lambda: Table("schedule"))
    optimizers: Table[ast.Optimizer] = field(default_factory=lambda: Table("optimizer"))
    searches: Table[ast.Search] = field(default_factory=lambda: Table("search"))
    attacks: Table[ast.Attack] = field(default_factory=lambda: Table("attack"))
    blocks: Table[ast.Block] = field(default_factory=lambda: Table("block"))
    layers: Table[ast.Layer] = field(default_factory=lambda: Table("layer"))

    def add(self, statement: ast.Statement, report: Report) -> None:
        """Takes the statement in if it is a definition; a second one in the same file is an error."""
        if not is_definition(statement):
            return
        if isinstance(statement, ast.LearntActivation):
            statement = as_layer(statement)
        table = next(t for t in self.tables if t.kind == type(statement).__name__.lower())
        require_names_once(getattr(statement, "parameters", ()), report)
        name = str(getattr(statement, "name", ""))
        known = table.own.get(name.lower())
        if known is not None and known.span.source == statement.span.source:
            report.error(
                "E0104",
                head(statement),
                f"the {table.kind} '{name}' is defined twice",
                related=((head(known), "first here"),),
            )
        table.own[name.lower()] = statement

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        return (
            self.activations,
            self.clips,
            self.losses,
            self.inits,
            self.schedules,
            self.optimizers,
            self.searches,
            self.attacks,
            self.blocks,
            self.layers,
        )


def require_names_once(parameters: Iterable[ast.Parameter], report: Report) -> None:
    known: dict[str, ast.Parameter] = {}
    for p in parameters:
        if p.name in known:
            related = ((known[p.name].span, "first here"),)
            report.error("E0104", p.span, f"'{p.name}' is named twice", related=related)
        known.setdefault(p.name, p)


def is_definition(statement: ast.Statement) -> bool:
    match statement:
        case (
            ast.Activation()
            | ast.LearntActivation()
            | ast.Clip()
            | ast.Block()
            | ast.Layer()
            | ast.Search()
            | ast.Attack()
        ):
            return True
        case ast.Loss(use=None) | ast.Optimizer(use=None):
            return True
        case ast.Init(name=name):
            return name is not None
        case ast.Schedule(defines=defines):
            return defines
    return False


def head(statement: ast.Statement) -> Span:
    """The first line of a statement, for the carets."""
    return first_line(statement.span)


# -- lookup ----------------------------------------------------------------------------------------


PLACES: Mapping[str, Place] = {"loss": "loss", "init": "init", "activation": "layer"}
"""Where a name of a kind stands, for the words of other tools."""


def lookup(table: Table[D], name: str, span: Span, kind: str, report: Report) -> D | None:
    """The definition called `name`, or None after an error with the nearest names."""
    found = table.get(name)
    if found is None:
        says = meant(name, PLACES[kind]) or alike(name, table.names()) if kind in PLACES else ""
        hints = () if says else did_you_mean(name, table.names())
        report.error(
            "E0102",
            span,
            joined(f"there is no {kind} called '{name}'", says),
            hints=hints or (f"'netc list {_plural(kind)}' shows all",),
        )
    return found


def _plural(kind: str) -> str:
    return {"loss": "losses", "search": "searches"}.get(kind, kind + "s")


def variants(table: Table[ast.Optimizer], family: str) -> list[ast.Optimizer]:
    """The rules `family.variant` of a family."""
    return [table[name] for name in table if name.rpartition(".")[0] == family.lower()]


# -- arguments -------------------------------------------------------------------------------------


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
    named_otherwise = {_role(a.name) for a in arguments if a.name and a.name not in given}
    names = [p.name for p in parameters]
    named_otherwise |= {same_parameter(a.name, names) for a in arguments if a.name and a.name not in given}
    absent = any(p.default is None and p.name not in given for p in parameters)
    missing = [
        p.name
        for p in parameters
        if p.default is None and p.name not in given and _role(p.name) not in named_otherwise
    ]
    if missing:
        starts = place == "of a schedule" and parameters[0].name == missing[0]
        report.error(
            "E0109",
            span,
            f"{what} needs {listed(repr(m) for m in missing).replace(' or ', ' and ')}"
            + (
                f", the rate that it begins with: {what[1:-1]}(0.1, ...)"
                if missing[0] in RATES and starts
                else ""
            ),
            hints=(f"give it: {missing[0]} = ...",),
        )
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
            if (
                place == "of a layer"
                and isinstance(expr, ast.Name)
                and expr.id in library.names("activation")
            ):
                message = meant("activation", place)
            report.error("E0305", error.span, message)
    return tuple(bound.items())


def _by_name(
    parameters: tuple[ast.Parameter, ...],
    arguments: Iterable[ast.Argument],
    what: str,
    report: Report,
    place: Place,
) -> dict[str, ast.Argument]:
    names, shown = [p.name for p in parameters], list(dict.fromkeys(written(p) for p in parameters))
    given: dict[str, ast.Argument] = {}
    for position, argument in enumerate(arguments):
        name = argument.name or (names[position] if position < len(names) else None)
        if name is None:
            takes = f"takes {', '.join(shown)}" if names else "takes no arguments"
            hints = _decimal_comma(argument, given)
            report.error("E0108", argument.span, f"one argument too many: {what} {takes}", hints=hints)
        elif name not in names and name in shown:
            count = sum(written(p) == name for p in parameters)
            default = next(p.span.text for p in parameters if written(p) == name)
            message = f"'{name}' of {what} is {count} numbers"
            report.error("E0108", argument.span, message, hints=(f"as in {default}",))
        elif name not in names:
            report.error(
                "E0108",
                argument.span,
                joined(f"{what} has no parameter '{name}'", says := renamed(name, parameters, place)),
                hints=() if says else did_you_mean(name, shown) or _parameters(shown),
            )
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


def _decimal_comma(argument: ast.Argument, given: Mapping[str, ast.Argument]) -> tuple[str, ...]:
    """`eta = 0,1` is two arguments."""
    match [*given.values()][-1:], argument:
        case [ast.Argument(_, ast.Number() as whole)], ast.Argument(None, ast.Number() as rest):
            if whole.span.text.isdigit() and rest.span.text.isdigit():
                return (f"numbers are written with a decimal point: {whole.span.text}.{rest.span.text}",)
    return ()


ROLES: Mapping[str, tuple[str, ...]] = {
    "eta": ("lr", "learning_rate", "learning_rate_init", "step_size", "initial_learn_rate"),
    "beta1": ("betas_1", "beta_1", "b1"),
    "beta2": ("betas_2", "beta_2", "b2"),
    "eps": ("epsilon",),
    "rho": ("decay",),
    "alpha": ("momentum", "mass", "mu"),
    "lambda": ("weight_decay", "wd", "l2"),
}
"""Usual name of a parameter, and what libraries call it."""
USUAL = {other: name for name, others in ROLES.items() for other in others}


RATES = ("lr", "start", "init_value", "initial_learning_rate")
"""The first parameter of a schedule of the rate."""
IN_EPOCHS = ("period", "warmup", "every")
"""Of netc's own schedules; others have iterations there."""


def _role(name: str) -> str:
    return USUAL.get(name, name)


def renamed(word: str, parameters: Iterable[ast.Parameter], place: Place = "parameter") -> str:
    """What a parameter of another tool is called here, where there is one that plays its part, else what is meant."""
    parameters = tuple(parameters)
    if place != "parameter":
        names = [stem(p.name) for p in parameters]
        here = same_parameter(word, names) or next((n for n in names if n.lower() == word.lower()), "")
        unit = ", in epochs" if here in IN_EPOCHS and "step" in word.lower() else ""
        return f"here it is called '{here}'{unit}" if here else meant(word, place)
    for p in parameters:
        if _role(p.name) == _role(word):
            example = "" if written(p) == p.name else f", as in {p.span.text}"
            return f"here it is called '{written(p)}'{example}"
    return meant(word, "parameter")


def stem(name: str) -> str:
    """`size` of the component `size_1`."""
    base, _, number = name.rpartition("_")
    return base if number.isdigit() else name


def written(parameter: ast.Parameter) -> str:
    """The name in the definition: `betas` of the component `betas_1` (see `bind_arguments.py`)."""
    stem, _, number = parameter.name.rpartition("_")
    tuple_of_numbers = number.isdigit() and parameter.span.text.split("=")[0].strip() == stem
    return stem if tuple_of_numbers else parameter.name


def _parameters(names: list[str]) -> tuple[str, ...]:
    return (f"its parameters: {', '.join(names)}",) if names else ("it takes no parameters",)
