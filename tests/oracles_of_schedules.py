"""The library's own schedules as plain formulas of the iteration and of the epoch, which is fractional."""

from __future__ import annotations

import math
from collections.abc import Callable

BATCHES, EPOCHS = 4, 30
STEPS = BATCHES * EPOCHS


def triangle(t: float) -> float:
    """0 at whole t, 1 half way between."""
    t -= math.floor(t)
    return 2 * t if t < 0.5 else 2 - 2 * t


def cosine(epoch: float) -> float:
    if epoch < 4:
        return 0.01 + (0.2 - 0.01) * epoch / 4
    return 0.05 + (0.2 - 0.05) / 2 * (1 + math.cos(math.pi * ((epoch - 4) % 8) / 8))


def one_cycle(step: int, rise: float = 0.3, low: float = 0.5 / 25, end: float = 0.5 / 25 / 1e4) -> float:
    """As torch OneCycleLR(max_lr = 0.5, total_steps = 120) computes it."""

    def between(start: float, end: float, share: float) -> float:
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))

    peak_at, last = rise * STEPS - 1, STEPS - 1
    if step <= peak_at:
        return between(low, 0.5, step / peak_at)
    return between(0.5, end, (step - peak_at) / (last - peak_at))


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
    "noam(d_model = 64, warmup = 25, factor = 2)": lambda step, epoch: (
        2 * 64**-0.5 * min((step + 1) ** -0.5, (step + 1) * 25**-1.5)
    ),
    "triangular(min = 0.1, max = 0.5, period = 6)": lambda step, epoch: 0.1 + 0.4 * triangle(epoch / 6),
    "triangular2(min = 0.1, max = 0.5, period = 6)": lambda step, epoch: (
        0.1 + 0.4 * triangle(epoch / 6) / 2 ** (epoch // 6)
    ),
    "cosine(max = 0.2, min = 0.05, period = 8, warmup = 4, start = 0.01)": lambda step, epoch: cosine(epoch),
    "one_cycle(0.5)": lambda step, epoch: one_cycle(step),
    "one_cycle(0.5, rise = 0.4, start = 0.1, end = 0.001)": lambda step, epoch: one_cycle(step, 0.4, 0.1, 0.001),
}  # fmt: skip


def plateau(
    losses: list[float], start: float, factor: float, patience: int, threshold: float, lowest: float = 0
) -> list[float]:
    """torch's ReduceLROnPlateau in words: the rate during each epoch."""
    rate, best, bad, used = start, math.inf, 0, []
    for loss in losses:
        used.append(rate)
        if loss < best * (1 - threshold):
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = max(rate * factor, lowest), 0
    return used


PLATEAUS: dict[str, Callable[[list[float]], list[float]]] = {
    "plateau(1, factor = 0.98, patience = 3, threshold = 0.9)": lambda losses: plateau(
        losses, 1, 0.98, 3, 0.9
    ),
    "plateau(1, factor = 0.98, patience = 3, threshold = 0.9, lowest = 0.93)": lambda losses: plateau(
        losses, 1, 0.98, 3, 0.9, 0.93
    ),
}
"""From the epochs' losses."""
DEFAULTS = {
    "inverse_time": {"beta": 0.1},  # GLO-4030, 'Stratégie #2', left: half of the start at epoch 10
    "exponential": {"beta": 0.1},  # GLO-4030, 'Stratégie #2', right
    "step_decay": {"factor": 0.1},  # GLO-4030, 'Stratégie #1': 0.1, 0.2 or 0.5
    "polynomial": {"end": 0, "power": 1},  # torch PolynomialLR
    "linear_warmup": {"start": 0},  # Goyal et al. 2017, sec. 2.2
    "noam": {"d_model": 512, "warmup": 4000, "factor": 1},  # Vaswani et al. 2017, sec. 3.1 and 5.3
    "triangular": {},
    "triangular2": {},
    "cosine": {"min": 0, "warmup": 0, "start": 0},
    "one_cycle": {"rise": 0.3, "start": "max/25", "end": "start/10000"},  # torch OneCycleLR
    "plateau": {"factor": 0.1, "patience": 10, "threshold": 1e-4, "lowest": 0},  # torch ReduceLROnPlateau
}
"""Of the parameters that need not be given; where from."""
