"""Every schedule of the library against a plain Python formula, step by step.

The problem has the gradient 1 everywhere, so gradient descent moves by minus the rate: the rates are read off
the trajectory.
"""

from __future__ import annotations

import numpy as np
import pytest

from lowering import lowered
from netc.compiler.calculus.interpret import run
from netc.dsl import library
from oracles_of_schedules import BATCHES, EPOCHS, FORMULAS, PLATEAUS, STEPS


def rates(schedule: str, unit: str = "") -> list[float]:
    """eta of every iteration: 30 epochs of 4 batches."""
    program = lowered(f"""
data inline:
    1 -> 0
    1 -> 0
    1 -> 0
    1 -> 0
network [1 (dense nobias, lin) 1]
init zeros
loss L = sum(u)
optimizer gd
schedule eta = {schedule}{unit}
train epochs = {EPOCHS}, batch = 1, shuffle = false
""")
    ones = np.ones((BATCHES, 1))
    path = run(program, np.zeros(1), ones, 0 * ones, STEPS, bounds=list(range(BATCHES + 1))).trajectory[:, 0]
    return list(path[:-1] - path[1:])


def test_every_schedule_is_here() -> None:
    """But those of other libraries: `test_catalogue_schedules.py`."""
    assert {use.split("(")[0] for use in FORMULAS} | {"plateau"} == {
        n for n in library.names("schedule") if "." not in n
    }


@pytest.mark.parametrize("use", FORMULAS)
def test_closed_forms(use: str) -> None:
    wanted = [FORMULAS[use](step, step / BATCHES) for step in range(STEPS)]
    np.testing.assert_allclose(rates(use), wanted, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(
    ("use", "values"),
    [
        ("noam(d_model = 64, warmup = 25)", {0: 1 / 8 / 125, 24: 1 / 8 / 5, 99: 1 / 8 / 10}),
        ("cosine(max = 0.2, min = 0.1, period = 10)", {0: 0.2, 20: 0.15, 40: 0.2, 60: 0.15}),
        ("cosine(max = 0.2, period = 10, warmup = 5)", {0: 0, 10: 0.1, 20: 0.2, 60: 0.2}),
        ("triangular(min = 0.1, max = 0.5, period = 6)", {0: 0.1, 12: 0.5, 24: 0.1}),
        ("polynomial(0.1, period = 20)", {0: 0.1, 40: 0.05, 80: 0, 119: 0}),
        ("step_decay(1, every = 10)", {39: 1, 40: 0.1, 79: 0.1, 80: 0.01}),
        ("one_cycle(0.5)", {0: 0.02, 35: 0.5, 119: 2e-6}),
    ],
)
def test_ends_and_turns_are_exact(use: str, values: dict[int, float]) -> None:
    got = rates(use)
    for step, value in values.items():
        assert got[step] == pytest.approx(value, abs=1e-13)


def test_the_unit_can_be_steps() -> None:
    wanted = [0.1 / (1 + 0.1 * step) for step in range(STEPS)]
    np.testing.assert_allclose(rates("inverse_time(0.1)", ", unit = step"), wanted, rtol=1e-9)


@pytest.mark.parametrize("use", PLATEAUS)
def test_plateau(use: str) -> None:
    """On x^2 with rate 1 the loss stays until the rate falls, so all of the recursion is at work."""
    program = lowered(f"""
objective R(x) = x^2
init theta = (3)
optimizer gd
schedule eta = {use}
train steps = 60
""")
    path = run(program, np.array([3.0]), np.zeros((1, 1)), np.zeros((1, 1)), 60).trajectory[:, 0]
    got = (path[:-1] - path[1:]) / (2 * path[:-1])
    wanted = PLATEAUS[use]([x * x for x in path[:-1]])
    assert len(set(wanted)) > 4
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
