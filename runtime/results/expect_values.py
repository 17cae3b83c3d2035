"""What the expressions of an `expect` come to over the results.

A figure of a run (`loss(test)`, `theta`, `steps`; `expect_figures.py`) has one value per run. With several runs a
statistic must make one of them; with one run the figure stands for itself. Comparing with NaN is false.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from netc.compiler.meaning.resolve_values import number_or_none
from netc.compiler.meaning.within import agree
from netc.dsl import ast
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.words.foreign_figures import figure_meant
from netc.dsl.words.vocabulary import joined
from netc.runtime.parameters import Array
from netc.runtime.results.expect_figures import OVER_ELEMENTS, PLAIN, STATISTICS, Figures, Value, constant
from netc.runtime.results.expect_names import Scope, Swept

_OVER_RUNS: dict[str, Callable[..., Any]] = {
    "median": np.median,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "!=": np.not_equal,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
}  # fmt: skip


class Values(Figures):
    """Of the expressions of one claim; `within` is its tolerance."""

    def __init__(self, scope: Scope, within: ast.Expr | None) -> None:
        super().__init__(scope)
        self.within = within

    def value_at(self, scope: Scope, e: ast.Expr) -> Value:
        return Values(scope, None).value(e)

    def numbers(self, exprs: Sequence[ast.Expr]) -> Array:
        found = [(e, self.single(self.number(e), e)) for e in exprs]
        for e, value in found:
            if value.ndim:
                self.fail("E0706", f"one number is due here, and these are {value.size}", e)
        return np.array([float(value) for _, value in found])

    def number(self, e: ast.Expr) -> Value:
        """A number, or several; what holds or does not, and words, are none to calculate with."""
        found = self.value(e)
        if found.array.dtype == np.bool_:
            hint = f"the share of runs of which it holds is a number: share({e.span.text})"
            self.fail("E0704", "this is true or false, not a number", e, hints=(hint,))
        if found.array.dtype.kind not in "fiu":
            self.fail("E0704", "this is a word, not a number", e)
        return found

    def condition(self, e: ast.Expr) -> Value:
        match e:
            case ast.Compare(op, _, ast.Of(whole, _)) | ast.Compare(op, ast.Name("diverged"), whole):
                share = self.share_of(e)
                if op == "=":
                    return self.equal(share, whole, e)
                return self.join(_COMPARE[op], share, self.number(whole), e)
            case ast.Compare("=", left, right):
                return self.equal(self.value(left), right, e)
            case ast.Compare("!=", left, right):
                return self.join(np.not_equal, *self.alike(self.value(left), self.value(right), e), e)
            case ast.Compare(op, left, right):
                return self.join(_COMPARE[op], self.number(left), self.number(right), e)
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
        within = self.within
        left, right = self.alike(left, self.value(stated), e)
        if isinstance(stated, ast.Tuple) and left.array.ndim == left.per_run and right.array.size > 1:
            self.fail("E0706", f"one number is compared with {right.array.size}", e)
        if within is None:
            return self.join(np.equal, left, right, e)
        tolerance = self.single(self.number(within), within)
        return self.join(lambda a, b: agree(a, b, tolerance, within, stated), left, right, e)

    def alike(self, left: Value, right: Value, e: ast.Expr) -> tuple[Value, Value]:
        """Two numbers or two words, which have no distance."""
        words = {value.array.dtype.kind == "U" for value in (left, right)}
        if len(words) > 1:
            self.fail("E0704", "a word is compared with a number", e)
        if words == {True} and self.within is not None:
            self.fail("E0704", "words are the same or not, there is no 'within' between them", self.within)
        return left, right

    # -- values ----------------------------------------------------------------------------------------

    def value(self, e: ast.Expr) -> Value:
        if self.scope.swept is not None and (found := self.of_sweep(e, self.scope.swept)) is not None:
            return found
        match e:
            case ast.Number(number):
                return constant(number)
            case ast.Percent(hundredths):
                return self.join(np.divide, self.number(hundredths), constant(100.0), e)
            case ast.Name(name):
                return self.name(name, e)
            case ast.Unary(op, operand):
                inner = self.number(operand)
                return Value(-inner.array if op == "-" else inner.array, inner.per_run)
            case ast.Binary(op, left, right):
                return self.join(_ARITHMETIC[op], self.number(left), self.number(right), e)
            case ast.Absolute(operand):
                inner = self.number(operand)
                return Value(np.abs(inner.array), inner.per_run)
            case ast.Tuple(items) if any(isinstance(i, ast.Tuple | ast.Set) for i in items):
                self.fail("E0703", "an expectation cannot be made of this", e)
            case ast.Tuple(items):
                return Value(self.numbers(items), False)
            case ast.Call(ast.Name(function), arguments):
                return self.call(function, [a.value for a in arguments], e)
            case ast.Over():
                self.fail("E0446", "'over' is of a sweep, and the file has none", e)
            case ast.Compare() | ast.Logic() | ast.Not():
                return self.condition(e)
            case ast.Index(base, index):
                if says := figure_meant(e, "expect") if isinstance(index, ast.Name | ast.Text) else "":
                    self.fail("E0703", joined(f"'{e.span.text}' is no figure of a training", says), e)
                return self.component(self.value(base), index, e)
            case _:
                message = joined("an expectation cannot be made of this", figure_meant(e, "expect"))
                self.fail("E0703", message, e)

    def of_sweep(self, e: ast.Expr, swept: Swept) -> Value | None:
        """What only a sweep has: its best point, a figure for each value of an axis, and values that are no numbers."""
        match e:
            case ast.Call(ast.Name("best"), (ast.Argument(None, ast.Name(axis)),)) if axis in swept.values:
                value = swept.values[axis]
                return constant(value) if isinstance(value, float) else Value(np.asarray(value), False)
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

    def call(self, function: str, arguments: list[ast.Expr], e: ast.Expr) -> Value:
        if self.scope.swept is None and (found := self.inside(e)) is not None:
            return found
        calls = (self.figure_of, self.over_all_runs, self.function_of)
        for call in calls:
            if (value := call(function, arguments, e)) is not None:
                return value
        if any(figure.startswith(f"{function}(") for figure in self.scope.figures):
            self.fail("E0702", f"'{e.span.text}' has no meaning here", e, notes=(self.known(),))
        self.unknown(function, e)

    def figure_of(self, function: str, arguments: list[ast.Expr], e: ast.Expr) -> Value | None:
        """A figure of each run."""
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
                theta = np.atleast_1d(self.single(self.number(point), point))
                return self.loss_at(theta, point)
            case name, [ast.Name(of)] if f"{name}({of})" in self.scope.figures:
                return Value(self.scope.figures[f"{name}({of})"], True)
        return self.ended(function, arguments, e)

    def over_all_runs(self, function: str, arguments: list[ast.Expr], e: ast.Expr) -> Value | None:
        match function, arguments:
            case "share", [condition]:
                return constant(float(self.over_runs(self.condition(condition), condition).mean()))
            case "all", [condition]:
                return Value(np.asarray(self.over_runs(self.condition(condition), condition).all()), False)
            case "quartile", [figure, which]:
                (number,) = self.numbers([which])
                if number not in (1, 2, 3):
                    self.fail("E0704", "the quartiles are 1, 2 (the median) and 3", which)
                array = self.over_runs(self.number(figure), figure)
                return Value(_quantile(array, number / 4), False)
            case name, [figure] if name in _OVER_RUNS:
                array = self.over_runs(self.number(figure), figure)
                return Value(np.asarray(_OVER_RUNS[name](array, axis=0)), False)
        return None

    def function_of(self, function: str, arguments: list[ast.Expr], e: ast.Expr) -> Value | None:
        """A function of numbers."""
        match function, arguments:
            case "max" | "min", [left, right]:
                widest = np.maximum if function == "max" else np.minimum
                return self.join(widest, self.number(left), self.number(right), e)
            case name, [operand] if name in PLAIN:
                found = self.number(operand)
                return Value(PLAIN[name](found.array), found.per_run)
            case name, [operand] if name in OVER_ELEMENTS:
                found = self.number(operand)
                # A number, be it one for each run, is its only element.
                array = found.array if found.array.ndim > found.per_run else found.array[..., None]
                return Value(np.asarray(OVER_ELEMENTS[name](array)), found.per_run)
            case name, _ if name in STATISTICS:
                example = {
                    "quartile": "quartile(loss, 1)",
                    "share": "share(loss < 0.1)",
                    "all": "all(loss < 0.1)",
                }
                hints = (f"as in `{example.get(name, f'{name}(loss)')}`",)
                self.fail("E0704", f"this is not what '{name}' takes", e, hints=hints)
        return None

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


def _quantile(values: Array, share: float) -> Array:
    """By linear interpolation; between infinities there is none."""
    high = np.quantile(values, share, axis=0, method="higher")
    linear: Array = np.where(np.isfinite(high), np.quantile(values, share, axis=0), high)
    return linear
