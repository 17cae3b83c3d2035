"""Every schedule of the library against a plain Python formula, step by step.

The problem has the gradient 1 everywhere, so gradient descent moves by minus the rate: the rates are read off
the trajectory.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lowering import lowered
from netc.compiler.calculus.interpret import run
from netc.dsl import library

BATCHES, EPOCHS = 4, 30
STEPS = BATCHES * EPOCHS


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


def triangle(t: float) -> float:
    """0 at whole t, 1 half way between."""
    t -= math.floor(t)
    return 2 * t if t < 0.5 else 2 - 2 * t


def cosine(epoch: float) -> float:
    if epoch < 4:
        return 0.01 + (0.2 - 0.01) * epoch / 4
    return 0.05 + (0.2 - 0.05) / 2 * (1 + math.cos(math.pi * ((epoch - 4) % 8) / 8))


def one_cycle(step: int) -> float:
    """As torch OneCycleLR(max_lr = 0.5, total_steps = 120) computes it."""

    def between(start: float, end: float, share: float) -> float:
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))

    low, peak_at, last = 0.5 / 25, 0.3 * STEPS - 1, STEPS - 1
    if step <= peak_at:
        return between(low, 0.5, step / peak_at)
    return between(0.5, low / 1e4, (step - peak_at) / (last - peak_at))


FORMULAS: dict[str, Callable[[int, float], float]] = {
    "inverse_time(0.1)": lambda step, epoch: 0.1 / (1 + 0.1 * epoch),
    "inverse_time(0.5, beta = 2)": lambda step, epoch: 0.5 / (1 + 2 * epoch),
    "exponential(0.1, beta = 0.3)": lambda step, epoch: 0.1 * math.exp(-0.3 * epoch),
    "step_decay(0.1, every = 7, factor = 0.5)": lambda step, epoch: 0.1 * 0.5 ** (epoch // 7),
    "polynomial(0.1, period = 20, end = 0.01, power = 2)": lambda step, epoch: (
        0.01 + 0.09 * (1 - epoch / 20) ** 2 if epoch < 20 else 0.01
    ),
    "linear_warmup(0.1, warmup = 5)": lambda step, epoch: 0.1 * epoch / 5 if epoch < 5 else 0.1,
    "linear_warmup(0.1, warmup = 5, start = 0.02)": lambda step, epoch: (
        0.02 + 0.08 * epoch / 5 if epoch < 5 else 0.1
    ),
    "noam(d_model = 64, warmup = 25)": lambda step, epoch: (
        64**-0.5 * min((step + 1) ** -0.5, (step + 1) * 25**-1.5)
    ),
    "triangular(min = 0.1, max = 0.5, period = 6)": lambda step, epoch: 0.1 + 0.4 * triangle(epoch / 6),
    "triangular2(min = 0.1, max = 0.5, period = 6)": lambda step, epoch: (
        0.1 + 0.4 * triangle(epoch / 6) / 2 ** (epoch // 6)
    ),
    "cosine(max = 0.2, min = 0.05, period = 8, warmup = 4, start = 0.01)": lambda step, epoch: cosine(epoch),
    "one_cycle(0.5)": lambda step, epoch: one_cycle(step),
}  # fmt: skip


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


def plateau(losses: list[float], start: float, factor: float, patience: int, threshold: float) -> list[float]:
    """torch's ReduceLROnPlateau in words: the rate during each epoch."""
    rate, best, bad, used = start, math.inf, 0, []
    for loss in losses:
        used.append(rate)
        if loss < best * (1 - threshold):
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = rate * factor, 0
    return used


def test_plateau() -> None:
    """On x^2 with rate 1 the loss stays until the rate falls, so all of the recursion is at work."""
    program = lowered("""
objective R(x) = x^2
init theta = (3)
optimizer gd
schedule eta = plateau(1, factor = 0.98, patience = 3, threshold = 0.9)
train steps = 60
""")
    path = run(program, np.array([3.0]), np.zeros((1, 1)), np.zeros((1, 1)), 60).trajectory[:, 0]
    got = (path[:-1] - path[1:]) / (2 * path[:-1])
    wanted = plateau([x * x for x in path[:-1]], 1, 0.98, 3, 0.9)
    assert len(set(wanted)) > 5
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
