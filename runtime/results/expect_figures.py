"""What the names of an `expect` come to: figures of runs, of parts of the data, of layers, and where runs have ended.

    loss(test), r2(train), ece(test), loss(test, fine), accuracy(test, fgsm(0.1)), norm(step, layer1), minimum(0, -1)

What is made of them by arithmetic, statistics and comparisons is in `expect_values.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.meaning.inside import FISHER, LAWS, NO_LAW, OWN, read, written
from netc.compiler.meaning.kinds import ELEMENTWISE
from netc.compiler.meaning.resolve import USUAL
from netc.compiler.meaning.spec import FAR, KINDS, PARTS
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.words.foreign_figures import figure_meant
from netc.dsl.words.vocabulary import joined
from netc.runtime.parameters import Array
from netc.runtime.results import reached_points as reached
from netc.runtime.results.expect_names import Scope

STATISTICS = ("median", "mean", "min", "max", "quartile", "share", "all")
PLAIN: dict[str, Callable[..., Any]] = {
    name: PRIMITIVES[name].value for name, arguments in ELEMENTWISE.items() if arguments == 1
}
"""The functions of one number that the language has."""
OVER_ELEMENTS: dict[str, Callable[..., Any]] = {
    "norm": lambda a: np.sqrt(np.square(a).sum(axis=-1)),
    "sum": lambda a: a.sum(axis=-1),
}


@dataclass(frozen=True, eq=False)
class Value:
    array: Array
    """(runs, ...) if per run, else (...)."""
    per_run: bool


class Figures(ABC):
    """Of one training, or of a sweep."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    @abstractmethod
    def value_at(self, scope: Scope, e: ast.Expr) -> Value:
        """Of any expression, in another scope."""

    @abstractmethod
    def numbers(self, exprs: Sequence[ast.Expr]) -> Array:
        """The same for all runs."""

    def name(self, name: str, e: ast.Expr) -> Value:
        if (runs := self.ended(name, None, e)) is not None:
            return runs
        if name in self.scope.constants:
            return constant(self.scope.constants[name])
        name = "loss" if name in self.scope.loss_names else name
        for known in (name, f"{name}(train)"):
            if known in self.scope.figures:
                return Value(self.scope.figures[known], True)
        self.unknown(name, e)

    def inside(self, e: ast.Expr) -> Value | None:
        """A figure of a layer, or of each one; None where it is something else."""
        match e:
            case ast.Call(_, (_, *_, ast.Argument(None, ast.Name(last)))) if last not in self.scope.layers:
                if (text := print_expr(e)) in self.scope.figures:  # at the end of a phase
                    return Value(self.scope.figures[text], True)
        figures = read(e, self.scope.loss_names, self.scope.layers)
        if not figures:
            return None
        if figures[0].figure in FISHER and not self.scope.has_law():
            self.fail("E0466", NO_LAW, e, hints=LAWS)
        if figures[0].figure != "step" and self.scope.inside is not None:
            found = self.scope.inside(figures)
        else:
            what = "the step that comes next is" if self.scope.inside else "figures of layers in a sweep are"
            found = np.column_stack([self.monitored(written(one), what, e).array for one in figures])
        return Value(found if len(figures) > 1 else found[:, 0], True)

    def ended(self, name: str, coordinates: list[ast.Expr] | None, e: ast.Expr) -> Value | None:
        """Which runs have ended in a list of points, at a point, or at a kind of point; None for other names."""
        points, codes = self.scope.points, self.scope.reached
        listed = reached.of_list(points, name)
        if name == FAR and not points:
            hints = ("list them: `points minima = {(-2, 1), (2, -1)} within 0.05`",)
            self.fail("E0711", "there are no listed points to be far from", e, hints=hints)
        if name == FAR:
            return Value(codes == reached.NO_LISTED, True)
        if not listed and name not in KINDS:
            return None
        found = self.scope.kinds() == KINDS.index(name) if name in KINDS else np.isin(codes, listed)
        if coordinates is not None:
            place = self.numbers(coordinates)
            there = reached.at(points, place)
            if not there or (listed and not set(there) <= set(listed)):
                self.not_listed(name, place, listed, e)
            found = found & np.isin(codes, there)
        return Value(found, True)

    def not_listed(self, name: str, place: Array, listed: list[int], e: ast.Expr) -> NoReturn:
        known = reached.names(self.scope.points)[:-2]
        shown = [known[code] for code in listed] if listed else list(known)
        words = "(" + ", ".join(f"{x:.6g}" for x in place) + ")"
        message = f"{words} is not in the list '{name}'" if listed else f"{words} is not a listed point"
        notes = (f"listed: {', '.join(shown)}",) if shown else ()
        hints = () if shown else ("list it: `points minima = {" + words + "} within 0.05`",)
        self.fail("E0711", message, e, notes=notes, hints=hints)

    def loss_at(self, theta: Array, e: ast.Expr) -> Value:
        assert self.scope.loss_at is not None
        wanted = self.scope.figures["theta"].shape[1]
        if theta.shape != (wanted,):
            self.fail("E0706", f"{len(theta)} numbers, but there are {wanted} parameters", e)
        return constant(self.scope.loss_at(theta))

    def part(self, name: str, e: ast.Expr) -> Value:
        if name in self.scope.figures:
            return Value(self.scope.figures[name], True)
        if name in self.scope.ensemble:
            found, per_run = self.scope.ensemble[name]
            return Value(np.asarray(found), per_run)
        figure, _, part = name.rstrip(")").partition("(")
        part, _, phase = part.partition(", ")
        if phase:
            message = (
                f"'{figure}({part}, {phase})' is no figure here: after the part stands a phase, or 'ensemble'"
            )
            phases = {
                n.rstrip(")").partition(", ")[2] for n in (*self.scope.figures, *self.scope.ensemble)
            } - {""}
            self.fail("E0702", message, e, hints=did_you_mean(phase, sorted(phases)) or (self.known(),))
        settings = {"validation": "validation = 20%", "test": "split = 80%"}
        if part in settings and f"{figure}(train)" in self.scope.figures:
            hints = (f"hold samples back: `{settings[part]}`",)
            self.fail("E0702", f"there is no {part} part", e, hints=hints)
        if part in PARTS:
            says = self.meant(figure, e) if figure in ("accuracy", "r2") else ""
            message = joined(f"'{figure}' has no meaning here", says)
            self.fail("E0702", message, e, notes=(self.known(),))
        message = joined(
            "the parts of the data are 'train', 'validation' and 'test'", figure_meant(e, "expect")
        )
        self.fail("E0702", message, e)

    def attacked(self, figure: str, part: str, attack: ast.Expr, e: ast.Expr) -> Value:
        """Where the part has such a figure, the same of attacked inputs."""
        self.part(f"{figure}({part})", e)
        if self.scope.attacked is None:
            return self.monitored(print_expr(e), "figures under attack in a sweep are", e)
        return Value(self.scope.attacked(figure, part, attack), True)

    def monitored(self, name: str, what: str, e: ast.Expr) -> Value:
        """A figure that is known where it was monitored, and nowhere else."""
        if name not in self.scope.figures:
            self.fail("E0467", f"{what} only known where monitored", e, hints=(f"monitor {name}",))
        return Value(self.scope.figures[name], True)

    def calibration(self, figure: str, part: str, e: ast.Expr) -> Value:
        known = self.scope.calibration
        if not known:
            hints = (
                "end the network in softmax, or in sigmoid with one output, and let the data have classes",
            )
            self.fail(
                "E0725",
                f"'{figure}' judges probabilities of classes, which this network does not give",
                e,
                hints=hints,
            )
        if f"{figure}({part})" not in known:
            parts = sorted({name.partition("(")[2].rstrip(")") for name in known})
            self.fail("E0702", f"the data have no part '{part}' here; there is {', '.join(parts)}", e)
        return Value(known[f"{figure}({part})"](), True)

    def known(self) -> str:
        ends = [one.name for one in self.scope.points]
        return "known here: " + ", ".join([*self.scope.figures, *ends, *self.scope.constants])

    def unknown(self, name: str, e: ast.Expr) -> NoReturn:
        figures = [figure.partition("(")[0] for figure in self.scope.figures]
        ends = [*(one.name for one in self.scope.points), *KINDS, FAR]
        names = [*figures, *ends, *self.scope.constants, *STATISTICS, *PLAIN, *OVER_ELEMENTS]
        names += [*self.scope.layers, *(OWN if self.scope.layers else ())]
        hints = did_you_mean(name, names)
        if name in self.scope.states:
            hints = (f"its size at the end: `monitor size = norm({name}[n])`, and `expect size ...`",)
        message = joined(f"'{name}' is no figure of a training", says := self.meant(name, e))
        self.fail("E0703", message, e, notes=(self.known(),), hints=() if says else hints)

    def meant(self, name: str, e: ast.Expr) -> str:
        """What a figure of another tool is here; of a rate, the parameter of this rule."""
        has = {n.partition("(")[0] for n in self.scope.figures} & {"accuracy", "r2"}
        if name in ("accuracy", "r2"):
            return f"this training has {min(has)}(train)" if has else ""
        if name.lower() in ("true", "false"):
            return "an outcome stands alone, expect converged, or is a share, expect diverged = 0% of runs"
        same = [n for n in self.scope.constants if name in USUAL and USUAL[name] == USUAL.get(n, n)]
        return f"here it is called '{same[0]}'" if same else figure_meant(e, "expect")

    def fail(
        self, code: str, message: str, e: ast.Expr, notes: tuple[str, ...] = (), hints: tuple[str, ...] = ()
    ) -> NoReturn:
        if self.scope.swept is not None and code in ("E0702", "E0703"):
            self.value_at(self.scope.swept.best, e)  # fails where a point has no such figure either
            text = e.span.text or print_expr(e)
            message, notes = f"of which point of the sweep? '{text}' is a figure of each", ()
            hints = (
                f"best({text}), or {text} over an axis; of several runs with a statistic: best(median({text}))",
            )
            code = "E0445"
        raise SpecError([Diagnostic(code, message, e.span, notes=notes, hints=hints)])


def constant(number: float) -> Value:
    return Value(np.asarray(float(number)), False)
