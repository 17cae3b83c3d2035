"""Components of theta and of states, norms of states, scalar states: in `monitor` and in `expect`, against NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.pipeline import to_spec
from netc.compiler.rules.warnings_of_rules import warnings
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source

STEPS, EVERY = 20, 5
TEXT = f"""
optimizer mine(eta, rho = 0.9):
    m[0] = 0
    c[0] = 1
    unread[0] = 2
    m[n+1] = rho*m[n] + grad R(theta[n])
    c[n+1] = rho*c[n]
    unread[n+1] = unread[n] + m[n]
    theta[n+1] = theta[n] - eta*m[n+1]

objective R(x, y) = x^2 + 3*y^2
init theta = (1, 2)
optimizer mine(eta = 0.05)
train steps = {STEPS}
monitor R, norm(m), m[2], theta[1], y, c, norm(unread), V = norm(m[n]), every = {EVERY} steps
"""


@pytest.fixture(scope="module")
def followed() -> dict[str, list[float]]:
    theta, m, c, unread = np.array([1.0, 2.0]), np.zeros(2), 1.0, np.full(2, 2.0)
    rows = []
    for n in range(STEPS + 1):
        if n % EVERY == 0:
            rows.append([np.linalg.norm(m), m[1], theta[0], theta[1], c, np.linalg.norm(unread)])
        unread = unread + m
        m = 0.9 * m + np.array([2 * theta[0], 6 * theta[1]])
        c *= 0.9
        theta = theta - 0.05 * m
    names = ("norm(m)", "m[2]", "theta[1]", "y", "c", "norm(unread)")
    return dict(zip(names, np.array(rows).T.tolist(), strict=True))


def test_history_has_what_the_recursion_gives(followed: dict[str, list[float]], tmp_path: Path) -> None:
    result = netc.compile(TEXT).train()
    for name, values in followed.items():
        np.testing.assert_allclose(result.history[name], values, rtol=1e-13, err_msg=name)
    np.testing.assert_allclose(result.history["V"], followed["norm(m)"], rtol=1e-13)
    assert list(result.grows) == ["V"]  # what is only shown is not compared from step to step


def test_expect_knows_states_after_the_last_step(followed: dict[str, list[float]]) -> None:
    claims = {name: followed[name][-1] for name in ("norm(m)", "m[2]", "c", "norm(unread)")}
    lines = [f"expect {name} = {value!r} within 1e-9" for name, value in claims.items()]
    lines += [f"expect {name} = {value + 1e-6!r} within 1e-9" for name, value in claims.items()]
    result = netc.compile(TEXT.split("monitor")[0] + "\n".join(lines)).train()
    assert [one.holds for one in result.expect] == [True] * 4 + [False] * 4


def test_a_state_that_is_only_read_outside_is_no_warning() -> None:
    def warned(text: str) -> list[str]:
        return [w.code for w in warnings(to_spec(parse(Source("<test>", text)), None, Path()))]

    assert not warned(TEXT)
    assert warned(TEXT.split("monitor")[0] + "expect c < 1") == ["E0422"]  # of the other one


@pytest.mark.parametrize(
    "schedule",
    ["0.1 until 2, 0.01 until 4, 0.001", "0.1/(1 + epoch)", "cosine(0.1, 20)", "0.3*0.5^step, unit = step"],
)
def test_a_rate_that_follows_a_schedule_is_monitored_as_it_is_used(schedule):
    """Of x^2 an iteration makes x (1 - 2 eta): the rate is in the column of x too."""
    text = f"""objective R(x) = x^2
init theta = (1)
optimizer gd(eta = 0.1)
schedule eta = {schedule}
monitor x, rate = eta, every = 1
train steps = 6
"""
    history = netc.compile(text).train().history
    x = np.asarray(history["x"])
    np.testing.assert_allclose(history["rate"][:-1], (1 - x[1:] / x[:-1]) / 2, rtol=1e-9)
    assert len(set(np.round(history["rate"], 12))) > 2


def test_a_rate_that_goes_by_results_is_monitored_as_it_is_used():
    text = """data inline:
    1 -> 1
    2 -> 2
network [1(dense nobias, lin)1]
init constant(0)
loss half_mse
optimizer gd(eta = 0.1)
schedule eta = plateau(start = 0.1, factor = 0.5, patience = 1, threshold = 0.9)
monitor w = sum(theta[n]), rate = eta, every = 1
train epochs = 8
"""
    history = netc.compile(text).train().history
    w = np.asarray(history["w"])
    used = (w[1:] - w[:-1]) / (2.5 * (1 - w[:-1]))
    np.testing.assert_allclose(history["rate"][:-1], used, rtol=1e-9)
    assert len(set(np.round(used, 12))) > 2


def test_a_constant_rate_is_no_figure():
    text = "objective R(x) = x^2\ninit theta = (1)\noptimizer gd(eta = 0.1)\nmonitor rate = eta\ntrain steps = 2\n"
    with pytest.raises(SpecError, match="reads nothing that changes"):
        netc.compile(text)
