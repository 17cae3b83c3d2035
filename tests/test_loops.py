"""Loops of rules: over the whole numbers between their bounds, wherever a rule is computed; too long ones are not tried."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import netc
from lowering import lowered
from netc.compiler.calculus import ir
from netc.compiler.calculus.interpret import run
from netc.compiler.check.program import check
from netc.compiler.pipeline import to_warnings
from netc.compiler.rules.sides import sides
from netc.compiler.rules.simulate import make_world, simulate
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source
from sweeps import one_in

RULE = """objective R(x) = x^2/2
init      theta = 1
optimizer looped(eta = 0.001, rounds = 3):
    s = 0
    for i in {bounds}:
        s = s + i
    theta[n+1] = theta[n] - eta*s*grad R(theta[n])
train     steps = 12
"""
NONE = np.zeros((0, 0))
BOUNDS = {
    "1..3": lambda n: range(1, 4),
    "1..rounds": lambda n: range(1, 4),
    "1..n": lambda n: range(1, n + 1),
    "1..n/2": lambda n: range(1, math.floor(n / 2) + 1),
    "n/2..n": lambda n: range(math.ceil(n / 2), n + 1),
    "-n/3..n/2": lambda n: range(math.ceil(-n / 3), math.floor(n / 2) + 1),
    "1..0.3*n - 1": lambda n: range(1, math.floor(0.3 * n - 1) + 1),
    "5..2": lambda n: range(5, 3),
}


@pytest.mark.parametrize("bounds", one_in(2, BOUNDS))
def test_a_loop_goes_over_the_whole_numbers_between(bounds: str) -> None:
    text = RULE.format(bounds=bounds)
    theta = 1.0
    for n in range(12):
        theta -= 0.001 * sum(BOUNDS[bounds](n)) * theta
    assert netc.compile(text).train().theta[0, 0] == pytest.approx(theta, rel=1e-13)
    found = run(lowered(text), np.ones(1), NONE, NONE, 12)
    assert found.trajectory[-1][0] == pytest.approx(theta, rel=1e-13)
    update = netc.update_rule(text[text.index("optimizer") : text.index("train")])
    gradients = [np.array([0.7])] * 12
    right = np.cumsum([0.0, *(0.001 * sum(BOUNDS[bounds](n)) * 0.7 for n in range(12))])
    assert np.ravel(update.trajectory(np.ones(1), gradients)) == pytest.approx(1 - right, rel=1e-13)


ENDS = {
    "n/(n - 2)..3": 2,
    "1..1/(n - 2)": 2,
    "0/(n - 2)..3": 2,
    "1..exp(1000*(n - 1))": 2,
    "-1e20*n..2": 1,
    "1..n*1e300*1e300": 1,
}
"""The iteration in which a bound is first infinite, no number, or beyond what can be counted."""


@pytest.mark.parametrize("bounds", one_in(2, ENDS))
def test_a_bound_that_is_none_ends_the_run(bounds: str) -> None:
    text = RULE.format(bounds=bounds)
    result = netc.compile(text).train()
    assert (result.stopped.tolist(), result.steps.tolist()) == (["no such loop"], [ENDS[bounds]])
    found = run(lowered(text), np.ones(1), NONE, NONE, 12)
    assert (found.status, found.iterations) == (ir.STATUS["loop"], ENDS[bounds])
    update = netc.update_rule(text[text.index("optimizer") : text.index("train")])
    with pytest.raises(ValueError, match=rf"'looped' ends in step {ENDS[bounds]} of 12: a bound of a loop"):
        update.trajectory(np.ones(1), [np.array([0.7])] * 12)


def test_a_loop_that_is_too_long_to_be_tried_is_not_compared() -> None:
    rule = RULE[RULE.index("optimizer") : RULE.index("train")]
    with pytest.raises(SpecError) as caught:
        netc.equivalent(
            rule.format(bounds="1..3"), rule.format(bounds="1..1e12").replace("looped", "endless")
        )
    (told,) = caught.value.diagnostics
    assert (told.code, told.span.text) == ("E0428", "1..1e12")
    assert "'endless'" in told.message
    assert netc.equivalent(rule.format(bounds="1..3"), "gd(eta = 0.006)").how == "proved"
    update = netc.update_rule(rule.format(bounds="1..2000"))
    assert update.trajectory([1.0], [[0.5]])[1] == pytest.approx(1 - 0.001 * 2001000 * 0.5)


def test_a_loop_that_grows_with_n_is_compared_while_it_is_short() -> None:
    rule = RULE[RULE.index("optimizer") : RULE.index("train")].format(bounds="1..n")
    closed = "optimizer closed(eta = 0.001):\n    theta[n+1] = theta[n] - eta*n*(n + 1)/2*grad R(theta[n])\n"
    assert netc.equivalent(rule, "gd(eta = 0.006)").how == "refuted"
    assert netc.equivalent(rule, closed).how == "not distinguished"


def test_the_loop_may_stand_in_a_search_that_the_rule_calls() -> None:
    text = """objective R(x) = x^2/2
init      theta = 1
search slow(F, p, d):
    h = 1
    for i in 1..1e12:
        h = h/2
    value = h
optimizer looped(eta = 0.1):
    a          = slow(R, theta[n], grad R(theta[n]))
    theta[n+1] = theta[n] - eta*a*grad R(theta[n])
train     steps = 1
"""
    assert "E0428" in [w.code for w in to_warnings(check(parse(Source("<test>", text)), None, Path()))]


def test_a_number_between_two_batches_is_that_of_the_lower_where_rules_are_compared_too() -> None:
    text = "optimizer r(eta = 0.1):\n    theta[n+1] = theta[n] - eta*grad R[1 + 0.7*n](theta[n])\n"
    one, _ = sides(text, text)
    labels = simulate(one.rule, one.values, make_world(4, 2, 0)).labels
    assert [batch for _, batch in labels] == ["1", "1", "2", "3"]
