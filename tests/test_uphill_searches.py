"""A search that tries the loss where the step does not go: told of every way to write it, and of no right one."""

from __future__ import annotations

import pytest

from netc.dsl.diagnostics import Diagnostic
from test_edges_of_settings import diagnostics

RULE = """objective R(x, y) = x^2 + 3*y^2
init theta = (2, -1)
train steps = 9
optimizer a(eta = 0.1):
    k[0] = 1
    v[0] = 0
    g = grad R(theta[n])
    h = eta
{before}    repeat at most 9:
{inside}        until {test}
        h = h/2
    theta[n+1] = {step}
    k[n+1] = {kept}
    v[n+1] = g
"""
DOWN = "theta[n] - h*g"
UPHILL = {
    "a sum": "theta[n] + h*g",
    "turned round": "h*g + theta[n]",
    "two signs": "theta[n] - (-h)*g",
    "a sign before all": "theta[n] - -h*g",
    "a negative number": "theta[n] + -2*(-g)*h",
    "per norm": "theta[n] + h*g/norm(g)",
    "a norm before": "theta[n] + norm(g)*h*g",
    "the gradient before the number": "theta[n] + g*h",
    "added twice": "theta[n] + h*g + h*g",
    "a number of its own sign": "theta[n] - s*h*g",
    "against what goes down": "theta[n] - h*d",
    "divided by a negative number": "theta[n] - h*g/s",
    "the gradient written out": "theta[n] + h*grad R(theta[n])",
}
RIGHT = {
    "downhill": "theta[n] - h*g",
    "along what goes down": "theta[n] + h*d",
    "a number of its own sign": "theta[n] + s*h*g",
    "up and down": "theta[n] + h*g - 2*h*g",
    "a state, whose direction nobody knows": "theta[n] + h*v[n]",
    "a product of two gradients": "theta[n] + h*g*g",
    "divided by the gradient": "theta[n] + h/g",
    "of unknown sign": "theta[n] + h*tanh(g)",
}
NAMED = "    s = -1\n    d = -g\n"


def told(
    trial: str, step: str = DOWN, inside: str = "", test: str = "", kept: str = "k[n]"
) -> list[Diagnostic]:
    used = NAMED if "s*" in trial or "/s" in trial or "*d" in trial else ""
    used = used.replace("    s = -1\n", "") if "s*" not in trial and "/s" not in trial else used
    used = used.replace("    d = -g\n", "") if "*d" not in trial else used
    test = test or f"R({trial}) < R(theta[n])"
    found = diagnostics(RULE.format(before=used, inside=inside, test=test, step=step, kept=kept))
    assert {d.code for d in found} <= {"E0421"}
    return found


@pytest.mark.parametrize("name", UPHILL)
def test_uphill(name: str) -> None:
    """What is added is likely to be subtracted."""
    trial = UPHILL[name]
    meant = trial.replace(" + ", " - ") if trial.count(" + ") == 1 and "(-g)" not in trial else ""
    (said,) = told(trial)
    assert said.hints == ((f"likely meant: {meant}",) if meant else said.hints)
    assert bool(said.hints) == (" + " in trial)
    assert told(trial, inside=f"        p = {trial}\n", test="R(p) < R(theta[n])")
    assert told(trial, inside=f"        r = R({trial})\n", test="r < R(theta[n])")


@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str) -> None:
    assert not told(RIGHT[name])


@pytest.mark.parametrize(
    "step", ["theta[n] - 3*h*g", "theta[n] + -h*g/2", "theta[n] - h*(2*g)", "-(h*g) + theta[n]"]
)
def test_a_step_goes_down_however_long_it_is(step: str) -> None:
    assert told("theta[n] + 2*h*g", step=step)
    assert not told("theta[n] - 2*h*g", step=step)


def test_a_step_that_goes_up_may_try_what_is_up() -> None:
    assert not told("theta[n] + h*g", step="theta[n] + h*g")
    assert not told("theta[n] + h*g", step="theta[n] + h*v[n]")


def test_a_loss_that_no_condition_hangs_on_is_no_trial() -> None:
    inside = "        r = R(theta[n] + h*g)\n"
    assert told("", inside=inside, test="r < R(theta[n])")
    assert not told("", inside=inside, test="h < 0.01 and k[n] > 0", kept="k[n]*h")
