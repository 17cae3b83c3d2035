"""Which numbers may make rule B do what rule A does? Candidates such as `eta' = eta*(1 - alpha)`.

A parameter's part is read off its name and number: a rate, a memory (of a state, in [0, 1)), an epsilon, a
decay. Which of the candidates do it is found out in `find_mapping.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from netc.compiler.rules.linear import root

Part = Literal["rate", "memory", "epsilon", "decay", "threshold", "fixed"]
RATES = ("eta", "lr", "learning_rate", "learning_rate_init", "step_size", "rate")
OTHER_RATES = ("alpha", "alpha0", "eta0", "lr0", "gamma", "h", "step")
DECAYS = ("lambda", "weight_decay", "wd", "l2", "weight_decay_rate")
THRESHOLDS = ("c", "clip", "threshold", "max_norm", "clip_value", "max_delta", "clip_gradient", "clip_norm",
              "clipnorm", "clipvalue", "global_clipnorm", "max_grad_norm")  # fmt: skip
VANISHING = 1e-60
"""An epsilon that changes no step but 0/0."""
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Formula:
    """A parameter of B in terms of A's; `cost` is its length, so that the plainest is chosen."""

    text: str
    value: Callable[[Values], Any]
    cost: int


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


def drawn(values: Mapping[str, float], seed: int) -> dict[str, Fraction]:
    """Random fractions for what is a matter of taste; zeros, flags and counts stay. Roots are fractions."""
    draw = np.random.default_rng(seed)

    def fraction(low: int, high: int) -> Fraction:
        return Fraction(int(draw.integers(low, high)), 9973)

    def square() -> Fraction:
        t = fraction(3500, 9000)  # x = (2t/(1 + t^2))^2 and 1 - x both have a root
        return (2 * t / (1 + t * t)) ** 2

    found: dict[str, Fraction] = {}
    of = parts(values)
    for name, value in values.items():
        match of[name] if value else "fixed":
            case "rate":
                found[name] = fraction(500, 6000) ** 2
            case "memory":
                found[name] = square()
            case "epsilon":
                found[name] = fraction(200, 5000) ** 2
            case "decay":
                found[name] = fraction(200, 2000)
            case "threshold":
                found[name] = fraction(500, 5000)
            case "fixed":
                found[name] = Fraction(repr(float(value)))
    if isinstance(values, Tied):
        found |= {other: found[name] for name, other in values.pairs}
    return found


# -- candidates --------------------------------------------------------------------------------------


def _sqrt(x: Any) -> Any:
    return root(x) if isinstance(x, Fraction) else np.sqrt(x)


def candidates(what: Part, value: float, a: Mapping[str, float]) -> Iterator[Formula]:
    """What the parameter of B may be."""
    number = Fraction(repr(float(value)))
    yield Formula(f"{value:.12g}", lambda v: number, 3 if what != "fixed" else 0)
    of = parts(a)
    rates = [n for n, p in of.items() if p == "rate"]
    memories = [n for n, p in of.items() if p == "memory"]
    match what:
        case "rate":
            for eta in rates:
                yield from _scaled(eta, memories)
                yield from _by_roots(eta, memories)
                yield Formula(f"sqrt({eta})", lambda v, e=eta: _sqrt(v[e]), 3)  # type: ignore[misc]
                yield from _squared(eta, memories)
        case "memory":
            yield from _memories(memories)
        case "epsilon":
            for eps in (n for n, p in of.items() if p == "epsilon"):
                yield from _scaled(eps, memories)
                yield from _by_roots(eps, memories)
                yield Formula(f"sqrt({eps})", lambda v, e=eps: _sqrt(v[e]), 3)  # type: ignore[misc]
                yield Formula(f"{eps}^2", lambda v, e=eps: v[e] * v[e], 3)  # type: ignore[misc]
        case "decay":
            for decay in (n for n, p in of.items() if p == "decay"):
                yield from _scaled(decay, [*rates, *memories])
                for eta in rates:
                    yield Formula(f"{decay}*sqrt({eta})", lambda v, d=decay, e=eta: v[d] * _sqrt(v[e]), 4)  # type: ignore[misc]
        case "threshold":
            for c in (n for n, p in of.items() if p == "threshold"):
                yield from _scaled(c, [*rates, *memories])
                for eta in rates:
                    yield Formula(f"{c}*sqrt({eta})", lambda v, d=c, e=eta: v[d] * _sqrt(v[e]), 4)  # type: ignore[misc]
        case "fixed" if value in (0, 1):
            yield Formula(f"{1 - value:g}", lambda v: 1 - number, 4)
            if value == 0:
                yield from _memories(memories)


def _memories(memories: list[str]) -> Iterator[Formula]:
    for m in memories:
        yield Formula(m, lambda v, m=m: v[m], 1)  # type: ignore[misc]
        yield Formula(f"1 - {m}", lambda v, m=m: 1 - v[m], 2)  # type: ignore[misc]


def _scaled(x: str, factors: list[str]) -> Iterator[Formula]:
    """x, times or divided by one of the factors or what it lacks to 1."""
    yield Formula(x, lambda v: v[x], 1)
    for f in factors:
        yield Formula(f"{x}*{f}", lambda v, f=f: v[x] * v[f], 2)  # type: ignore[misc]
        yield Formula(f"{x}/{f}", lambda v, f=f: v[x] / v[f], 2)  # type: ignore[misc]
        yield Formula(f"{x}*(1 - {f})", lambda v, f=f: v[x] * (1 - v[f]), 3)  # type: ignore[misc]
        yield Formula(f"{x}/(1 - {f})", lambda v, f=f: v[x] / (1 - v[f]), 3)  # type: ignore[misc]


def _by_roots(x: str, factors: list[str]) -> Iterator[Formula]:
    """Of a sum of squares in place of their average."""
    for f in factors:
        yield Formula(f"{x}*sqrt({f})", lambda v, f=f: v[x] * _sqrt(v[f]), 3)  # type: ignore[misc]
        yield Formula(f"{x}/sqrt({f})", lambda v, f=f: v[x] / _sqrt(v[f]), 3)  # type: ignore[misc]
        yield Formula(f"{x}*sqrt(1 - {f})", lambda v, f=f: v[x] * _sqrt(1 - v[f]), 4)  # type: ignore[misc]
        yield Formula(f"{x}/sqrt(1 - {f})", lambda v, f=f: v[x] / _sqrt(1 - v[f]), 4)  # type: ignore[misc]


def _squared(x: str, factors: list[str]) -> Iterator[Formula]:
    """What makes the square of the parameter x times a factor, and x squared over a factor."""
    yield Formula(f"{x}^2", lambda v: v[x] * v[x], 3)
    for f in factors:
        yield Formula(f"sqrt({x}*{f})", lambda v, f=f: _sqrt(v[x] * v[f]), 4)  # type: ignore[misc]
        yield Formula(f"sqrt({x}*(1 - {f}))", lambda v, f=f: _sqrt(v[x] * (1 - v[f])), 5)  # type: ignore[misc]
        yield Formula(f"{x}^2/{f}", lambda v, f=f: v[x] * v[x] / v[f], 4)  # type: ignore[misc]
        yield Formula(f"{x}^2/(1 - {f})", lambda v, f=f: v[x] * v[x] / (1 - v[f]), 5)  # type: ignore[misc]
