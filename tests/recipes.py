"""Update rules in a small notation that knows nothing of netc: printed for netc, run by mpmath, unrolled by SymPy.

`v` is a state now, `v_` the state after the step, `g` the gradient at theta, `S = total(x)` a sum over theta.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy

DIGITS = 50
ELEMENTS = 3


@dataclass(frozen=True)
class Recipe:
    parameters: Mapping[str, str]
    states: Mapping[str, str]
    """Name and start."""
    lines: tuple[tuple[str, str], ...]
    """Name and value, in order; `v_` and `theta_` are what comes next."""

    @property
    def text(self) -> str:
        """The block for netc."""
        inside = ", ".join(f"{n} = {v}" for n, v in self.parameters.items())
        rows = [f"{s}[0] = {start}" for s, start in self.states.items() if start != "0"]
        rows += ["g = grad R(theta[n])", *(f"{self._names(n)} = {self._names(v)}" for n, v in self.lines)]
        return f"optimizer r({inside}):\n" + "".join(f"    {row}\n" for row in rows)

    def _names(self, text: str) -> str:
        for name in (*self.states, "theta"):
            text = re.sub(
                rf"\b{name}_(?!\w)", f"{name}[n+1]", re.sub(rf"\b{name}\b(?!\[)", f"{name}[n]", text)
            )
        return text.replace("**", "^").replace("total(", "sum(")


Operations = Mapping[str, Any]


MP: Operations = {"abs": abs, "sqrt": mpmath.sqrt, "sign": mpmath.sign, "max": max, "min": min, "floor": mpmath.floor,
                  "exp": mpmath.exp}  # fmt: skip
SYMPY: Operations = {"abs": sympy.Abs, "sqrt": sympy.sqrt, "sign": sympy.sign, "max": sympy.Max, "min": sympy.Min,
                     "floor": sympy.floor, "exp": sympy.exp}  # fmt: skip


class Undefined(Exception):
    """0/0, or a root of a negative number."""


class Run:
    """A recipe, step by step, for numbers or symbols."""

    def __init__(self, recipe: Recipe, operations: Operations, number: Callable[[str], Any]) -> None:
        self.recipe, self.operations, self.number = recipe, operations, number
        self.code = [(n, self._compiled(v)) for n, v in recipe.lines]
        self.fixed = {n: number(v) for n, v in recipe.parameters.items()}

    def _compiled(self, text: str) -> tuple[bool, Any]:
        total = text.startswith("total(") and text.endswith(")")
        inner = text[6:-1] if total else text
        literal = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?(?:e-?\d+)?)(?![\w.])", r"number_('\1')", inner)
        return total, compile(literal, "<recipe>", "eval")

    def scheduled(self, now: Mapping[str, str]) -> None:
        """Other numbers for parameters, from here on."""
        self.fixed |= {n: self.number(v) for n, v in now.items()}

    def start(self, theta: Sequence[Any]) -> list[dict[str, Any]]:
        starts = {s: eval(self._compiled(v)[1], {"number_": self.number, **self.fixed}) for s, v in
                  self.recipe.states.items()}  # fmt: skip
        return [{"theta": x, **starts} for x in theta]

    def step(
        self, now: list[dict[str, Any]], gradient: Sequence[Any], n: Any, m: Any
    ) -> list[dict[str, Any]]:
        common = {**self.operations, **self.fixed, "number_": self.number, "n": n, "m": m, "epoch": n / m}
        envs = [{**common, **state, "g": g} for state, g in zip(now, gradient, strict=True)]
        for name, (total, code) in self.code:
            values = [self._value(code, env) for env in envs]
            values = [sum(values)] * len(values) if total else values
            for env, value in zip(envs, values, strict=True):
                env[name] = value
        return [{s: env[f"{s}_"] for s in (*self.recipe.states, "theta")} for env in envs]

    def _value(self, code: Any, env: dict[str, Any]) -> Any:
        try:
            value = eval(code, {"__builtins__": {}}, env)
        except ZeroDivisionError as error:
            raise Undefined from error
        if isinstance(value, mpmath.mpc) or (isinstance(value, mpmath.mpf) and not mpmath.isfinite(value)):
            raise Undefined
        return value


def parted(
    a: Recipe,
    b: Recipe,
    theta: Sequence[str],
    gradients: Sequence[Sequence[str]],
    m: int,
    schedule: Sequence[Mapping[str, str]] = (),
) -> bool:
    """Whether the two part on these gradients, with other parameters in each step where there is a schedule; from where
    both are undefined on nothing is said.

    In fifty digits, and if so in a thousand: what rounding has grown to in a rule that squares theta is gone there.
    """
    return all(_parted(a, b, theta, gradients, m, schedule, digits) for digits in (DIGITS, 20 * DIGITS))


def _parted(
    a: Recipe,
    b: Recipe,
    theta: Sequence[str],
    gradients: Sequence[Sequence[str]],
    m: int,
    schedule: Sequence[Mapping[str, str]],
    digits: int,
) -> bool:
    with mpmath.workdps(digits):
        runs = [Run(r, MP, mpmath.mpf) for r in (a, b)]
        for run in runs:
            run.scheduled(schedule[0] if schedule else {})
        states = [r.start([mpmath.mpf(x) for x in theta]) for r in runs]
        for n, row in enumerate(gradients):
            for run in runs:
                run.scheduled(schedule[n] if schedule else {})
            gradient = [mpmath.mpf(x) for x in row]
            after = [_or_undefined(r, s, gradient, mpmath.mpf(n), mpmath.mpf(m)) for r, s in
                     zip(runs, states, strict=True)]  # fmt: skip
            if after[0] is None or after[1] is None:
                return after[0] is not after[1]
            states = [x for x in after if x is not None]
            for x, y in zip(*states, strict=True):
                gap, size = abs(x["theta"] - y["theta"]), abs(x["theta"]) + abs(y["theta"])
                if gap > size * mpmath.mpf("1e-35") + mpmath.mpf("1e-45"):
                    return True
    return False


def _or_undefined(run: Run, now: list[dict[str, Any]], gradient: Sequence[Any], n: Any, m: Any) -> Any:
    try:
        return run.step(now, gradient, n, m)
    except Undefined:
        return None


Numbers = Sequence[Mapping[str, Any]]
"""Of parameters, in each step."""


def same_by_sympy(
    a: Recipe, b: Recipe, m: int, steps: int = 2, schedules: tuple[Numbers, Numbers] = ((), ())
) -> bool | None:
    """Exact unrolled steps on symbols, parameters may be symbols, others in each step; None where SymPy cannot tell (a
    comparison with a symbol)."""
    theta = sympy.Symbol("theta0", real=True)
    gradients = sympy.symbols(f"g0:{steps}", real=True)
    runs = [Run(r, SYMPY, _exact) for r in (a, b)]
    for run, schedule in zip(runs, schedules, strict=True):
        run.scheduled(schedule[0] if schedule else {})
    states = [r.start([theta]) for r in runs]
    for n, g in enumerate(gradients):
        for run, schedule in zip(runs, schedules, strict=True):
            run.scheduled(schedule[n] if schedule else {})
        try:
            states = [
                r.step(s, [g], sympy.Integer(n), sympy.Integer(m)) for r, s in zip(runs, states, strict=True)
            ]
        except (TypeError, Undefined):
            return None
        gap = states[0][0]["theta"] - states[1][0]["theta"]
        if gap == 0 or sympy.expand(gap) == 0:
            continue
        at = {
            theta: sympy.Rational(7, 3),
            **{h: sympy.Rational(-5 - 3 * i, 7) for i, h in enumerate(gradients)},
        }
        others = sorted(gap.free_symbols - set(at), key=str)  # parameters: between 0 and 1
        at |= {x: sympy.Rational(4 + i, 11 + i) for i, x in enumerate(others)}
        value = sympy.N(gap.subs(at), 40)
        if value.is_number and abs(value) > sympy.Float("1e-30"):
            return False
        if sympy.simplify(gap) != 0:
            return None
    return True


def _exact(x: Any) -> Any:
    return x if isinstance(x, sympy.Basic) else sympy.Rational(x)
