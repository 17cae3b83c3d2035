"""A run that is lost says what is not finite, in which iteration, and by which operation."""

from __future__ import annotations

import pytest

import netc
from sweeps import one_in

OBJECTIVE = "objective R(x, y) = {}\ninit theta = ({}, 2)\n{}\ntrain steps = 50{}\n"
ADAGRAD = """
optimizer mine(eta = 0.1):
    g          = grad R(theta[n])
    s[n+1]     = s[n] + g^2
    theta[n+1] = theta[n] - eta*g/sqrt(s[n+1])
"""
COUNTED = """
optimizer mine(eta = 0.1):
    g          = grad R(theta[n])
    k[n+1]     = k[n] + 1
    h          = 1/(3 - k[n])
    theta[n+1] = theta[n] - eta*h*g
"""
NETWORK = """
data x in linspace(-1, 1, 20) -> 3*x
network   [1(tanh)4(lin)1]
init      glorot_uniform
loss      {}
{}
train     epochs = 10, batch = 5
"""
HUGE = "optimizer gd(eta = 1e200)"

CASES = {
    # the program, and what its fault says in order
    "0/0 of one parameter": (
        OBJECTIVE.format("x^2 + 0*y", 1, ADAGRAD, ""),
        ("1 of 2 parameters are not finite after iteration 0", "0/0 in", "g/sqrt(s[n+1])", "theta[n+1] = theta[n] - eta*g"),
    ),
    "0/0 in float32": (
        OBJECTIVE.format("x^2 + 0*y", 1, ADAGRAD, ", precision = f32"), ("after iteration 0", "0/0 in"),
    ),
    "a counter": (
        OBJECTIVE.format("x^2 + y^2", 1, COUNTED, ""),
        ("2 of 2 parameters are not finite after iteration 3", "1/0 in 1/(3 - k)", "h          = 1/(3 - k[n])"),
    ),
    "a logarithm": (
        OBJECTIVE.format("log(x) + y^2", 0.3, "optimizer gd(eta = 0.1)", ""),
        ("the loss is not finite at theta[1], which is", "log(-0.03333) in log(x)"),
    ),
    "an overflow": (
        OBJECTIVE.format("x^4 + y^2", 10, "optimizer gd(eta = 1)", ""),
        ("the loss is not finite at theta[4], which is", "in x*x*(x*x)"),
    ),
    "a counter with batches": (
        NETWORK.format("mse", COUNTED), ("13 of 13 parameters are not finite after iteration 3", "1/0 in 1/(3 - k)"),
    ),
    "a loss of a network": (
        NETWORK.format("mse", HUGE), ("the loss is not finite at theta[1], which is", "in (layer2.z - y)*(layer2.z - y)"),
    ),
    "a schedule": (
        OBJECTIVE.format("x^2 + y^2", 1, "optimizer gd\nschedule eta = 0.1 until 5, 0.1 - step", ""),
        ("eta >= 0 does not hold before iteration 5: eta is -4.9",),
    ),
    "a schedule in epochs of four batches": (
        NETWORK.format("mse", "optimizer gd\nschedule eta = 0.1 until 2, 1.5 - epoch"),
        ("eta >= 0 does not hold before iteration 8: eta is -0.5",),
    ),
    "a schedule of a layer": (
        NETWORK.format("mse", "optimizer gd(eta = 0.1)\nschedule rate = 0.5 + 0.125*step")
        .replace("(lin)", "(dropout.inverted(rate)) (lin) "),
        ("rate < 1 does not hold before iteration 4: rate is 1",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", one_in(8, CASES))
def test_what_is_lost_and_how(case: str) -> None:
    text, wanted = CASES[case]
    result = netc.compile(text).train()
    assert result.stopped[0] in ("diverged", "out of range")
    place = 0
    for part in wanted:
        place = result.fault.find(part, place)
        assert place >= 0, result.fault
    assert result.summary["fault"] == result.fault


def test_a_run_that_is_not_lost_has_no_fault() -> None:
    result = netc.compile(OBJECTIVE.format("x^2 + y^2", 1, "optimizer gd(eta = 0.1)", "")).train()
    assert result.fault == ""
    assert "fault" not in result.summary


def test_a_run_that_a_criterion_calls_diverged_is_finite() -> None:
    text = OBJECTIVE.format("x^2 + y^2", 1, "optimizer gd(eta = 3)", ", diverged = norm(grad R) > 1000")
    result = netc.compile(text).train()
    assert result.stopped[0] in ("diverged", "out of range")
    assert result.fault == ""


DIVIDED = """
optimizer mine(eta = 0.1):
    g          = grad R(theta[n])
    k[n+1]     = k[n] + 1
    h          = 1/(norm(g) + max(4 - k[n], 0))
    theta[n+1] = theta[n] - eta*h*g
"""


def test_of_several_runs_the_first_that_is_lost_is_named() -> None:
    """Both ways: parameters that one iteration loses, and a loss that is not finite at a point that is."""
    starts = OBJECTIVE.replace("({}, 2)", "{{(1, 2), (0, 2), (0, 1)}}")
    lost = netc.compile(starts.format("x^2 + 0*y + 1", DIVIDED, "")).train()
    assert lost.diverged.tolist() == [False, True, True]
    assert lost.fault.startswith("in run 1, 2 of 2 parameters are not finite after iteration 4: 1/0 in 1/"), (
        lost.fault
    )
    log = netc.compile(starts.format("x^2 + log(y - 1.5)^2", "optimizer gd(eta = 0.1)", "")).train()
    assert log.diverged.tolist() == [False, False, True]
    assert "in run 2, the loss is not finite at theta[0], which is: log(-0.5) in log(" in log.fault
