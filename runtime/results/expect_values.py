"""What the expressions of an `expect` come to over the results.

A figure of a run (`loss(test)`, `theta`, `steps`) has one value per run. With several runs a statistic must
make one of them; with one run the figure stands for itself. Comparing with NaN is false.
Where runs have ended is a figure too: `minima`, `minima(0, -1)`, `far`, `saddle`, `minimum(0, -1)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.meaning.inside import FISHER, LAWS, NO_LAW, OWN, read, written
from netc.compiler.meaning.kinds import ELEMENTWISE
from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.spec import FAR, KINDS, PARTS
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic, SpecError
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.runtime.parameters import Array
from netc.runtime.results import reached_points as reached
from netc.runtime.results.expect_names import Scope, Swept

STATISTICS = ("median", "mean", "min", "max", "quartile", "share", "all")
_PLAIN: dict[str, Callable[..., Any]] = {
    name: PRIMITIVES[name].value for name, arguments in ELEMENTWISE.items() if arguments == 1
}
"""The functions of one number that the language has."""
_OVER_ELEMENTS: dict[str, Callable[..., Any]] = {
    "norm": lambda a: np.sqrt(np.square(a).sum(axis=-1)),
    "sum": lambda a: a.sum(axis=-1),
}
_OVER_RUNS: dict[str, Callable[..., Any]] = {
    "median": np.median,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "=": np.equal, "!=": np.not_equal,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Value:
    array: Array
    """(runs, ...) if per run, else (...)."""
    per_run: bool


class Values:
    """Of the expressions of one claim; `within` is its tolerance."""

    def __init__(self, scope: Scope, within: ast.Expr | None) -> None:
        self.scope, self.within = scope, within

    def condition(self, e: ast.Expr) -> Value:
        match e:
            case ast.Compare(op, _, ast.Of(whole, _)) | ast.Compare(op, ast.Name("diverged"), whole):
                share = self.share_of(e)
                if op == "=":
                    return self.equal(share, whole, e)
                return self.join(_COMPARE[op], share, self.value(whole), e)
            case ast.Compare("=", left, right):
                return self.equal(self.value(left), right, e)
            case ast.Compare(op, left, right):
                return self.join(_COMPARE[op], self.value(left), self.value(right), e)
            case ast.Logic(op, left, right):
                both = np.logical_and if op == "and" else np.logical_or
                return self.join(both, self.condition(left), self.condition(right), e)
            case ast.Not(operand):
                inner = self.condition(operand)
                return Value(~inner.array, inner.per_run)
            case _:
                found = self.value(e)
                if found.array.dtype != np.bool_:
                    hint = "compare it with something: `expect loss(train) < 0.05`"
                    self.fail("E0704", "this is a figure, not a claim", e, hints=(hint,))
                return found

    def share_of(self, e: ast.Compare) -> Value:
        """`diverged = 0% of runs`, also `diverged = 0%`: the share of the runs where the left side holds."""
        if isinstance(e.right, ast.Of) and e.right.whole != "runs":
            self.fail("E0703", f"shares are of runs, not of '{e.right.whole}'", e.right)
        return Value(np.asarray(self.over_runs(self.condition(e.left), e.left).mean()), False)

    def equal(self, left: Value, stated: ast.Expr, e: ast.Expr) -> Value:
        """`within 1%` is relative; where the stated value is itself a percentage, it means percentage points."""
        within, right = self.within, self.value(stated)
        if within is None:
            return self.join(np.equal, left, right, e)
        tolerance = self.single(self.value(within), within)
        if isinstance(within, ast.Percent) and not isinstance(stated, ast.Percent):
            return self.join(lambda a, b: np.abs(a - b) <= tolerance * np.abs(b), left, right, e)
        return self.join(lambda a, b: np.abs(a - b) <= tolerance, left, right, e)

    # -- values ----------------------------------------------------------------------------------------

    def value(self, e: ast.Expr) -> Value:
        if self.scope.swept is not None and (found := self.of_sweep(e, self.scope.swept)) is not None:
            return found
        match e:
            case ast.Number(number):
                return _constant(number)
            case ast.Percent(hundredths):
                return self.join(np.divide, self.value(hundredths), _constant(100.0), e)
            case ast.Name(name):
                return self.name(name, e)
            case ast.Unary(op, operand):
                inner = self.value(operand)
                return Value(-inner.array if op == "-" else inner.array, inner.per_run)
            case ast.Binary(op, left, right):
                return self.join(_ARITHMETIC[op], self.value(left), self.value(right), e)
            case ast.Absolute(operand):
                inner = self.value(operand)
                return Value(np.abs(inner.array), inner.per_run)
            case ast.Tuple(items) if any(isinstance(i, ast.Tuple | ast.Set) for i in items):
                self.fail("E0703", "an expectation cannot be made of this", e)
            case ast.Tuple(items):
                return Value(np.array([float(self.single(self.value(i), i)) for i in items]), False)
            case ast.Call(ast.Name(function), arguments):
                return self.call(function, [a.value for a in arguments], e)
            case ast.Over():
                self.fail("E0446", "'over' is of a sweep, and the file has none", e)
            case ast.Compare() | ast.Logic() | ast.Not():
                return self.condition(e)
            case ast.Index(base, index):
                return self.component(self.value(base), index, e)
            case _:
                self.fail("E0703", "an expectation cannot be made of this", e)

    def of_sweep(self, e: ast.Expr, swept: Swept) -> Value | None:
        """What only a sweep has: its best point, a figure for each value of an axis, and values that are no numbers."""
        match e:
            case ast.Call(ast.Name("best"), (ast.Argument(None, ast.Name(axis)),)) if axis in swept.values:
                value = swept.values[axis]
                return _constant(value) if isinstance(value, float) else Value(np.asarray(value), False)
            case ast.Call(ast.Name("best"), (ast.Argument(None, figure),)):
                return Value(self.at_a_point(swept.best, figure), False)
            case ast.Over(figure, axis):
                scopes = swept.over.get(axis, ())
                if not scopes:
                    hints = did_you_mean(axis, [*swept.over])
                    message = f"'{axis}' is no axis of the sweep whose values are listed"
                    self.fail("E0446", message, e, hints=hints or (f"axes: {', '.join(swept.over)}",))
                return Value(np.array([float(self.at_a_point(scope, figure)) for scope in scopes]), False)
            case _ if swept.words and (text := print_expr(e)) in swept.words:
                return Value(np.asarray(text), False)
        return None

    def at_a_point(self, scope: Scope, e: ast.Expr) -> Array:
        one = Values(scope, self.within)
        return one.single(one.value(e), e)

    def component(self, of: Value, index: ast.Expr, e: ast.Expr) -> Value:
        """`theta[1]` is the first one: here no iteration is counted, and batches are counted from 1, too."""
        if of.array.ndim == of.per_run:
            self.fail("E0706", "this is one number, it has no components", e)
        count, place = of.array.shape[-1], number_or_none(index)
        if place is None or place != int(place) or not 1 <= place <= count:
            last = f" and {e.span.text.split('[')[0]}[{count}] the last" if count > 1 else ""
            message = "there is no such component: they are counted from 1"
            hint = f"{e.span.text.split('[')[0]}[1] is the first{last}"
            self.fail("E0706", message, index, hints=(hint,))
        return Value(of.array[..., int(place) - 1], of.per_run)

    def name(self, name: str, e: ast.Expr) -> Value:
        if (runs := self.ended(name, None, e)) is not None:
            return runs
        if name in self.scope.constants:
            return _constant(self.scope.constants[name])
        name = "loss" if name in self.scope.loss_names else name
        for known in (name, f"{name}(train)"):
            if known in self.scope.figures:
                return Value(self.scope.figures[known], True)
        self.unknown(name, e)

    def call(self, function: str, arguments: list[ast.Expr], e: ast.Expr) -> Value:
        if self.scope.swept is None and (found := self.inside(e)) is not None:
            return found
        match function, arguments:
            case "norm", [ast.Gradient(_, None, None)]:
                return self.name("gradient_norm", e)
            case "norm" | "max", [ast.InputGradient() | ast.Absolute(ast.InputGradient())]:
                return self.name(print_expr(e), e)
            case "loss" | "accuracy" | "r2", [ast.Name(part)]:
                return self.part(f"{function}({part})", e)
            case "loss" | "accuracy" | "r2" | "mse", [ast.Name(part), ast.Name(phase)]:
                return self.part(f"{function}({part}, {phase})", e)
            case "loss" | "accuracy" | "r2", [ast.Name(part), ast.Call() as attack]:
                return self.attacked(function, part, attack, e)
            case "loss" | "accuracy" | "r2", [ast.Name(), ast.Call(), ast.Name(phase)]:
                name = print_expr(e)
                if name in self.scope.figures:
                    return Value(self.scope.figures[name], True)
                without = name.replace(f", {phase})", ")")
                message = "figures under attack at the end of a phase are those that are monitored"
                self.fail("E0467", message, e, hints=(f"monitor {without}",))
            case "ece" | "ece_levels" | "smooth_ece", [ast.Name(part)]:
                return self.calibration(function, part, e)
            case name, [point] if name in self.scope.loss_names and self.scope.loss_at:
                theta = np.atleast_1d(self.single(self.value(point), point))
                return self.loss_at(theta, point)
            case name, [ast.Name(of)] if f"{name}({of})" in self.scope.figures:
                return Value(self.scope.figures[f"{name}({of})"], True)
            case name, coordinates if (runs := self.ended(name, coordinates, e)) is not None:
                return runs
            case "share", [condition]:
                return _constant(float(self.over_runs(self.condition(condition), condition).mean()))
            case "all", [condition]:
                return Value(np.asarray(self.over_runs(self.condition(condition), condition).all()), False)
            case "quartile", [figure, which]:
                number = float(self.single(self.value(which), which))
                if number not in (1, 2, 3):
                    self.fail("E0704", "the quartiles are 1, 2 (the median) and 3", which)
                array = self.over_runs(self.value(figure), figure)
                return Value(_quantile(array, number / 4), False)
            case name, [figure] if name in _OVER_RUNS:
                array = self.over_runs(self.value(figure), figure)
                return Value(np.asarray(_OVER_RUNS[name](array, axis=0)), False)
            case "max" | "min", [left, right]:
                widest = np.maximum if function == "max" else np.minimum
                return self.join(widest, self.value(left), self.value(right), e)
            case name, [operand] if name in _PLAIN:
                found = self.value(operand)
                return Value(_PLAIN[name](found.array), found.per_run)
            case name, [operand] if name in _OVER_ELEMENTS:
                found = self.value(operand)
                # A number, be it one for each run, is its only element.
                array = found.array if found.array.ndim > found.per_run else found.array[..., None]
                return Value(np.asarray(_OVER_ELEMENTS[name](array)), found.per_run)
            case name, _ if name in STATISTICS:
                example = {
                    "quartile": "quartile(loss, 1)",
                    "share": "share(loss < 0.1)",
                    "all": "all(loss < 0.1)",
                }
                hints = (f"as in `{example.get(name, f'{name}(loss)')}`",)
                self.fail("E0704", f"this is not what '{name}' takes", e, hints=hints)
            case _ if any(figure.startswith(f"{function}(") for figure in self.scope.figures):
                self.fail("E0702", f"'{e.span.text}' has no meaning here", e, notes=(self.known(),))
            case _:
                self.unknown(function, e)

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
            place = np.array([float(self.single(self.value(c), c)) for c in coordinates])
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
        return _constant(self.scope.loss_at(theta))

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
            self.fail("E0702", f"'{figure}' has no meaning here", e, notes=(self.known(),))
        self.fail("E0702", "the parts of the data are 'train', 'validation' and 'test'", e)

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

    # -- runs ------------------------------------------------------------------------------------------

    def join(self, function: Callable[[Any, Any], Any], left: Value, right: Value, e: ast.Expr) -> Value:
        a, b = left.array, right.array
        per_run = left.per_run or right.per_run
        sizes = [v.array.shape[-1] for v in (left, right) if v.array.ndim > v.per_run]
        if len(set(sizes)) > 1:
            self.fail("E0706", f"{sizes[0]} numbers are compared with {sizes[1]}", e)
        if per_run:
            # (runs,) or (runs, k) against (), (k,), (runs,) or (runs, k): the run stays the first axis.
            a, b = (v.array if v.per_run else v.array[None] for v in (left, right))
            a, b = (v[..., None] if sizes and v.ndim == 1 else v for v in (a, b))
        return Value(np.asarray(function(a, b)), per_run)

    def over_runs(self, value: Value, e: ast.Expr) -> Array:
        if not value.per_run:
            self.fail("E0704", "this is the same for all runs, so it has no statistic", e)
        array = value.array
        if array.dtype == np.bool_:
            array = np.all(array, axis=tuple(range(1, array.ndim)))
        return array

    def single(self, value: Value, e: ast.Expr) -> Array:
        """The one value; a figure that differs from run to run has none."""
        if not value.per_run:
            return value.array
        if self.scope.runs > 1:
            text = e.span.text or "the figure"
            message = f"'{text}' has {self.scope.runs} values, one for each run"
            uses = ", ".join(STATISTICS)
            hint = f"for example `median({text})` or `all({text} ...)`"
            if value.array.dtype == np.bool_:
                hint = f"for example `share({text}) > 90%` or `all({text})`"
            self.fail("E0701", message, e, notes=(f"say which statistic is meant: {uses}",), hints=(hint,))
        first: Array = value.array[0]
        return first

    # -- errors ----------------------------------------------------------------------------------------

    def known(self) -> str:
        ends = [one.name for one in self.scope.points]
        return "known here: " + ", ".join([*self.scope.figures, *ends, *self.scope.constants])

    def unknown(self, name: str, e: ast.Expr) -> NoReturn:
        figures = [figure.partition("(")[0] for figure in self.scope.figures]
        ends = [*(one.name for one in self.scope.points), *KINDS, FAR]
        names = [*figures, *ends, *self.scope.constants, *STATISTICS, *_PLAIN, *_OVER_ELEMENTS]
        names += [*self.scope.layers, *(OWN if self.scope.layers else ())]
        hints = did_you_mean(name, names)
        if name in self.scope.states:
            hints = (f"its size at the end: `monitor size = norm({name}[n])`, and `expect size ...`",)
        self.fail("E0703", f"'{name}' is no figure of a training", e, notes=(self.known(),), hints=hints)

    def fail(
        self, code: str, message: str, e: ast.Expr, notes: tuple[str, ...] = (), hints: tuple[str, ...] = ()
    ) -> NoReturn:
        if self.scope.swept is not None and code in ("E0702", "E0703"):
            Values(self.scope.swept.best, None).value(e)  # fails where a point has no such figure either
            text = e.span.text or print_expr(e)
            message, notes = f"of which point of the sweep? '{text}' is a figure of each", ()
            hints = (
                f"best({text}), or {text} over an axis; of several runs with a statistic: best(median({text}))",
            )
            code = "E0445"
        raise SpecError([Diagnostic(code, message, e.span, notes=notes, hints=hints)])


def _constant(number: float) -> Value:
    return Value(np.asarray(float(number)), False)


def _quantile(values: Array, share: float) -> Array:
    """By linear interpolation; between infinities there is none."""
    high = np.quantile(values, share, axis=0, method="higher")
    linear: Array = np.where(np.isfinite(high), np.quantile(values, share, axis=0), high)
    return linear
