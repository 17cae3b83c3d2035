"""Definitions: which activation, loss, init, schedule or optimizer a name means, and what its parameters are called.

`gather.py` collects them from the program and the files that it uses, `arguments.py` binds their parameters. Does not
look inside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast

from netc.compiler.meaning.findings import Report, first_line
from netc.compiler.meaning.learnt_activations import as_layer
from netc.dsl import ast, library
from netc.dsl.names import did_you_mean
from netc.dsl.source import Span
from netc.dsl.words.foreign_words import Place
from netc.dsl.words.vocabulary import alike, joined, meant, same_parameter

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
        says = says or of_another_kind(name)
        hints = () if says else did_you_mean(name, table.names())
        report.error(
            "E0102",
            span,
            joined(f"there is no {kind} called '{name}'", says),
            hints=hints or (f"'netc list {_plural(kind)}' shows all",),
        )
    return found


def of_another_kind(name: str) -> str:
    """What the library has under a name that it has not got where it is looked for: `it is an activation`."""
    kinds = [kind for kind in library.KINDS if name in library.names(kind)]
    others = [f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" for kind in kinds]
    return f"it is {' and '.join(others)}" if others else ""


def _plural(kind: str) -> str:
    return {"loss": "losses", "search": "searches"}.get(kind, kind + "s")


def variants(table: Table[ast.Optimizer], family: str) -> list[ast.Optimizer]:
    """The rules `family.variant` of a family."""
    return [table[name] for name in table if name.rpartition(".")[0] == family.lower()]


# -- names of parameters -----------------------------------------------------------------------------


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
IN_EPOCHS = ("period", "warmup", "every")
"""Of netc's own schedules; others have iterations there."""


def usual(name: str) -> str:
    """What a parameter is called in papers: `eta` of `lr`."""
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
        if usual(p.name) == usual(word):
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
