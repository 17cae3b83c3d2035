"""Evaluations that serve several requests: of each, what the rule asks for counts, what is only watched does not."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from netc.compiler.calculus import ir
from netc.compiler.calculus.interpret import run
from netc.compiler.check.program import check
from netc.compiler.lower.evaluations import Builder
from netc.compiler.lower.program import lower
from netc.dsl.parser import parse
from netc.dsl.source import NOWHERE, Source

THETA = ir.Var("theta", ir.THETA)
REQUESTS = tuple(product(("loss", "gradient"), (False, True)))
"""What is wanted, and whether only to be watched."""


@pytest.mark.parametrize("requests", [r for n in (1, 2, 3) for r in product(REQUESTS, repeat=n)])
def test_what_a_rule_asks_for_counts(requests: tuple[tuple[str, bool], ...]) -> None:
    builder = Builder(())
    for want, builder.watching in requests:
        builder.evaluate(THETA, "current", want, NOWHERE)
    (made,) = builder.finish()
    assert isinstance(made, ir.Evaluate)
    for name, counts, want in zip((made.loss, made.gradient), made.counts, ("loss", "gradient"), strict=True):
        assert bool(name) == any(w == want for w, _ in requests)
        assert counts == (not name or (want, False) in requests)


RULES = {
    # losses and gradients of each iteration, by hand
    "gradient": ("theta[n+1] = theta[n] - 0.1*grad R(theta[n])", 0, 1),
    "loss": ("theta[n+1] = theta[n] - 0.1*R(theta[n])*ones", 1, 0),
    "both": ("theta[n+1] = theta[n] - 0.1*R(theta[n])*grad R(theta[n])", 1, 1),
    "both, twice": ("theta[n+1] = theta[n] - 0.1*R(2*theta[n])*grad R(theta[n])*R(theta[n])", 2, 1),
    "gradients at two points": ("theta[n+1] = theta[n] - 0.1*grad R(theta[n] - 0.1*grad R(theta[n]))", 0, 2),
}
WATCHED = ("", "V = R(theta[n])", "V = norm(grad R(theta[n]))", "V = R(theta[n]) + norm(grad R(theta[n]))")


@pytest.mark.parametrize("watched", WATCHED)
@pytest.mark.parametrize("name", RULES)
def test_evaluations_are_counted_as_by_hand(name: str, watched: str) -> None:
    body, losses, gradients = RULES[name]
    monitor = f"monitor {watched}, every = 1 step\n" if watched else ""
    objective = "objective R(x, y) = x^2 + 3*y^2\ninit theta = (0.5, -0.25)\ntrain steps = 6\n"
    text = f"{objective}{monitor}optimizer r:\n    {body}\n"
    program = lower(check(parse(Source("test.net", text)), None, Path()))
    empty = np.zeros((1, 1))
    found = run(program, np.array([0.5, -0.25]), empty, empty, 6)
    assert found.iterations == 6
    assert (found.loss_evaluations, found.gradient_evaluations) == (6 * losses, 6 * gradients)
