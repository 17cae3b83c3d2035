"""A rule with its numbers, and two of them side by side on the same random gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.written import exact
from netc.compiler.proofs.ranges import Number
from netc.compiler.rules.mapping import VANISHING, parts
from netc.compiler.rules.rule_text import RuleText, read_rule
from netc.compiler.rules.simulate import Distance, World, distance, make_world, simulate
from netc.dsl.record import record

STEPS = 40
TOLERANCE = 1e-10
"""Relative difference that rounding of the parameters can explain (1 - 0.999 has lost three digits)."""
Numbers = Mapping[str, Any]


@record
class Side:
    """A rule as it was written, with its numbers."""

    text: RuleText
    values: Mapping[str, float]
    rule: ir.Rule

    @property
    def numbers(self) -> Mapping[str, Number]:
        return {n: Number(exact(v)) for n, v in self.values.items()}

    @cached_property
    def counting(self) -> ir.Rule:
        """The rule with the number of parameters of the network as a name, where that is possible."""
        return (self.text.general(()) if self.rule == self.text.written else None) or self.rule

    @cached_property
    def character(self) -> tuple[bool, ...]:
        """Of steps without epsilon and decay, whatever the other numbers: does a hundredth of the gradient make a
        hundredth of the step, the same step; does a gradient act later; do those of other parameters act here?"""
        values = {
            n: {"epsilon": VANISHING, "decay": 0.0}.get(p, self.values[n])
            for n, p in parts(self.values).items()
        }

        def moves(first: float, then: float, others: float = 1.0) -> tuple[float, float]:
            gradients = np.ones((2, 4, 3), np.longdouble) * np.array([first, then])[:, None, None]
            gradients[:, :, 1:] *= others
            world = World(gradients, np.ones((2, 4), np.longdouble), np.zeros(3, np.longdouble))
            thetas = simulate(self.rule, values, world).thetas
            with np.errstate(all="ignore"):
                return float(thetas[1][0, 0]), float((thetas[2] - thetas[1])[0, 0])

        small, smaller, apart = moves(1e-9, 0.0), moves(1e-11, 0.0), moves(1e-9, 0.0, 2.0)
        ratio = small[0] / smaller[0] if smaller[0] else 0.0
        return (
            abs(ratio - 100) < 1e-3,
            abs(ratio - 1) < 1e-3,
            bool(abs(small[1]) > 1e-6 * abs(small[0])),
            apart != small,
        )


def sides(a: str, b: str) -> tuple[Side, Side]:
    """Raises SpecError."""
    first, second = read_rule(a, "A"), read_rule(b, "B")
    return side(first), side(second)


def side(text: RuleText) -> Side:
    return Side(text, {n: v for n, v in text.optimizer.arguments if isfinite(v)}, text.written)


def extended(values: Mapping[str, Number]) -> dict[str, Any]:
    """In extended precision."""
    return {
        n: np.longdouble(v.value.numerator) / np.longdouble(v.value.denominator) for n, v in values.items()
    }


def apart(
    a: Side,
    b: Side,
    at: Numbers,
    bt: Numbers,
    seed: int,
    change: tuple[Callable[[int], Numbers], Callable[[int], Numbers]] | None = None,
    decay: tuple[Callable[[int], Any], Callable[[int], Any]] | None = None,
    first: int = 0,
    quiet_start: bool = False,
    elements: int = 5,
    steps: int = STEPS,
) -> Distance | None:
    """Both on the same random gradients; None where they ask for different things."""
    world = make_world(steps, elements, 100 + seed, first=first)
    if quiet_start:
        world.gradients[0] = 0
    with_a, with_b = change or (None, None)
    decay_a, decay_b = decay or (None, None)
    return distance(
        simulate(a.counting, at, world, with_a, decay_a),
        simulate(b.counting, bt, world, with_b, decay_b),
        TOLERANCE,
    )
