"""Which numbers may make rule B do what rule A does? Candidates such as `eta' = eta*(1 - alpha)`.

A parameter's part is read off its name and number: a rate, a memory (of a state, in [0, 1)), an epsilon, a
decay. Which of the candidates do it is found out in `find_mapping.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import sqrt
from typing import Literal

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.expr_text import expr_text
from netc.compiler.calculus.written import exact
from netc.compiler.proofs.normal_form import NoForm
from netc.compiler.proofs.ranges import ONE, POSITIVE, ZERO, Number, Range
from netc.dsl.record import record

Part = Literal["rate", "memory", "epsilon", "decay", "threshold", "fixed"]
RATES = ("eta", "lr", "learning_rate", "learning_rate_init", "step_size", "rate")
OTHER_RATES = ("alpha", "alpha0", "eta0", "lr0", "gamma", "h", "step")
DECAYS = ("lambda", "weight_decay", "wd", "l2", "weight_decay_rate")
THRESHOLDS = ("c", "clip", "threshold", "max_norm", "clip_value", "max_delta", "clip_gradient", "clip_norm",
              "clipnorm", "clipvalue", "global_clipnorm", "max_grad_norm")  # fmt: skip
VANISHING = 1e-60
"""An epsilon that changes no step but 0/0."""
Values = Mapping[str, float]


@record
class Formula:
    """A parameter of B in terms of A's; `cost` is its length, so that the plainest is chosen."""

    expr: ir.Expr
    cost: int

    @property
    def text(self) -> str:
        return f"{self.expr.value:.12g}" if isinstance(self.expr, ir.Const) else expr_text(self.expr)

    def value(self, at: Values) -> float:
        """Raises ZeroDivisionError; a root that is none is nan."""
        return _value(self.expr, at)

    def number(self, at: Mapping[str, Number]) -> Number:
        """Exactly; raises NoForm where a root is no fraction, or a divisor may be 0."""
        return _number(self.expr, at)


def _value(expr: ir.Expr, at: Values) -> float:
    match expr:
        case ir.Const(value):
            return value
        case ir.Var(name):
            return at[name]
        case ir.Apply(op, args):
            x, *more = (_value(arg, at) for arg in args)
            match op, more:
                case "mul", [y]:
                    return x * y
                case "div", [y]:
                    return x / y
                case "sub", [y]:
                    return x - y
                case "pow", [_]:
                    return x * x
                case "sqrt", []:
                    return sqrt(x) if x >= 0 else np.nan
    raise AssertionError(f"no part of a formula: {expr}")


def _number(expr: ir.Expr, at: Mapping[str, Number]) -> Number:
    match expr:
        case ir.Const(value):
            return Number(exact(value))
        case ir.Var(name):
            return at[name]
        case ir.Apply(op, args):
            x, *more = (_number(arg, at) for arg in args)
            match op, more:
                case "mul", [y]:
                    return x * y
                case "div", [y] if abs(y.sign) == 2:
                    return x / y
                case "div", [y]:
                    raise NoForm(f"{expr_text(expr)} divides by 0")
                case "sub", [y]:
                    return x - y
                case "pow", [_]:
                    return x * x
                case "sqrt", [] if (root := x.root()) is not None:
                    return root
    raise NoForm(f"{expr_text(expr)} is no fraction")


def part(name: str, value: float) -> Part:
    if name in RATES or (name == "alpha" and 0 < value <= 0.02):  # Chainer's rate is called alpha
        return "rate"
    if name.startswith("eps"):
        return "epsilon" if value > VANISHING else "fixed"
    if name in DECAYS:
        return "decay"
    if name in THRESHOLDS and value > 0:
        return "threshold"
    return "memory" if 0 < value < 1 else "fixed"


def parts(values: Mapping[str, float]) -> dict[str, Part]:
    """Of all parameters of a rule; `alpha` or `gamma` is its rate where nothing else is."""
    found = {name: part(name, value) for name, value in values.items()}
    if "rate" not in found.values():
        first = next((n for n in OTHER_RATES if 0 < values.get(n, 0) < 1), None)
        found |= {} if first is None else {first: "rate"}
    return found


# -- random numbers for A ----------------------------------------------------------------------------


class Tied(dict[str, float]):
    """Numbers of which equal ones stay equal: `momentum = 0.9, dampening = 0.9`."""

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Tied | None:
        found = cls(values)
        return found if found.pairs else None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        names = [n for n, p in parts(self).items() if p == "memory"]
        first = {self[n]: n for n in reversed(names)}
        return [(first[self[n]], n) for n in names if first[self[n]] != n]


INSIDE = Range(ZERO, ONE, True, True)
WHERE: Mapping[Part, Range] = {
    "memory": INSIDE,
    **dict.fromkeys(("rate", "epsilon", "decay", "threshold"), POSITIVE),
}
"""For which numbers a formula is claimed: all that are positive, or between 0 and 1."""
FINE = 2**40
NEARLY_ONE = 9000


def drawn(
    values: Values, seed: int, stretched: bool = False, where: Mapping[str, Range] | None = None
) -> dict[str, Number]:
    """Random fractions for what is a matter of taste; zeros, flags and counts stay. Roots are fractions.

    The fractions are of the form f(t) with one of 2^50 random t each: a rational function of degree d that is not
    0 everywhere is 0 there with a probability below d/2^50. `stretched`: very small and very large ones.
    """
    draw = np.random.default_rng(seed)

    def fraction(low: int, high: int) -> Fraction:
        if stretched:
            small = Fraction(int(draw.integers(1, 10)), 10 ** int(draw.integers(1, 7)))
            return small if draw.random() < 0.5 else 1 - small if high == NEARLY_ONE else 1 / small
        return Fraction(int(draw.integers(low * FINE, high * FINE)), 9973 * FINE)

    def square() -> Fraction:
        t = fraction(3500, NEARLY_ONE)  # x = (2t/(1 + t^2))^2 and 1 - x both have a root
        return (2 * t / (1 + t * t)) ** 2

    found: dict[str, Number] = {}
    of = parts(values)
    for name, value in values.items():
        what: Part = of[name] if value else "fixed"
        match what:
            case "rate":
                point = fraction(500, 6000) ** 2
            case "memory":
                point = square()
            case "epsilon":
                point = fraction(200, 5000) ** 2
            case "decay":
                point = fraction(200, 2000)
            case "threshold":
                point = fraction(500, 5000)
            case "fixed":
                point = exact(value)
        found[name] = Number(point, (where or {}).get(name, WHERE.get(what)))
    if isinstance(values, Tied):
        found |= {other: found[name] for name, other in values.pairs}
    return found


# -- candidates --------------------------------------------------------------------------------------


def _name(x: str) -> ir.Expr:
    return ir.Var(x, ir.SCALAR)


def _rest(x: str) -> ir.Expr:
    """1 - x"""
    return ir.apply("sub", ir.Const(1.0), _name(x))


def _times(x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return ir.apply("mul", x, y)


def _over(x: ir.Expr, y: ir.Expr) -> ir.Expr:
    return ir.apply("div", x, y)


def _root(x: ir.Expr) -> ir.Expr:
    return ir.apply("sqrt", x)


def candidates(what: Part, value: float, a: Values) -> Iterator[Formula]:
    """What the parameter of B may be."""
    yield Formula(ir.Const(float(value)), 3 if what != "fixed" else 0)
    of = parts(a)
    rates = [n for n, p in of.items() if p == "rate"]
    memories = [n for n, p in of.items() if p == "memory"]
    match what:
        case "rate":
            for eta in rates:
                yield from _scaled(eta, memories)
                yield from _by_roots(eta, memories)
                yield Formula(_root(_name(eta)), 3)
                yield from _squared(eta, memories)
        case "memory":
            yield from _memories(memories)
        case "epsilon":
            for eps in (n for n, p in of.items() if p == "epsilon"):
                yield from _scaled(eps, memories)
                yield from _by_roots(eps, memories)
                yield Formula(_root(_name(eps)), 3)
                yield Formula(_square(eps), 3)
        case "decay" | "threshold":
            for x in (n for n, p in of.items() if p == what):
                yield from _scaled(x, [*rates, *memories])
                for eta in rates:
                    yield Formula(_times(_name(x), _root(_name(eta))), 4)
        case "fixed" if value in (0, 1):
            yield Formula(ir.Const(1.0 - value), 4)
            if value == 0:
                yield from _memories(memories)


def _memories(memories: list[str]) -> Iterator[Formula]:
    for m in memories:
        yield Formula(_name(m), 1)
        yield Formula(_rest(m), 2)


def _scaled(x: str, factors: list[str]) -> Iterator[Formula]:
    """x, times or divided by one of the factors or what it lacks to 1."""
    yield Formula(_name(x), 1)
    for f in factors:
        yield Formula(_times(_name(x), _name(f)), 2)
        yield Formula(_over(_name(x), _name(f)), 2)
        yield Formula(_times(_name(x), _rest(f)), 3)
        yield Formula(_over(_name(x), _rest(f)), 3)


def _by_roots(x: str, factors: list[str]) -> Iterator[Formula]:
    """Of a sum of squares in place of their average."""
    for f in factors:
        yield Formula(_times(_name(x), _root(_name(f))), 3)
        yield Formula(_over(_name(x), _root(_name(f))), 3)
        yield Formula(_times(_name(x), _root(_rest(f))), 4)
        yield Formula(_over(_name(x), _root(_rest(f))), 4)


def _square(x: str) -> ir.Expr:
    return ir.apply("pow", _name(x), ir.Const(2.0))


def _squared(x: str, factors: list[str]) -> Iterator[Formula]:
    """What makes the square of the parameter x times a factor, and x squared over a factor."""
    yield Formula(_square(x), 3)
    for f in factors:
        yield Formula(_root(_times(_name(x), _name(f))), 4)
        yield Formula(_root(_times(_name(x), _rest(f))), 5)
        yield Formula(_over(_square(x), _name(f)), 4)
        yield Formula(_over(_square(x), _rest(f)), 5)


def named_values(at: Mapping[str, Number]) -> list[tuple[str, Fraction]]:
    """Formulas in these parameters and what they are at them."""
    values = {name: float(x.value) for name, x in at.items()}
    kinds: tuple[Part, ...] = ("rate", "memory", "epsilon")
    found = []
    for formula in (f for kind in kinds for f in candidates(kind, 0.5, values)):
        try:
            found.append((formula.text, formula.number(at).value))
        except NoForm:
            continue
    return found
