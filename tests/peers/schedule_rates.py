"""The rates of other libraries' schedules, written to tests/data/schedule_rates.json.

Run where torch, jax, optax and keras are installed; netc's tests read the file only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax

jax.config.update("jax_enable_x64", True)

import keras  # noqa: E402
import optax  # noqa: E402
import torch  # noqa: E402

keras.backend.set_floatx("float64")
STEPS = 40
TORCH = {
    "torch.MultiStepLR(0.5, milestones = (5, 12, 30), gamma = 0.3)":
        lambda s, o: s.MultiStepLR(o, [5, 12, 30], 0.3),
    "torch.MultiStepLR(0.5, (10, 10))": lambda s, o: s.MultiStepLR(o, [10, 10]),
    "torch.ConstantLR(0.5, factor = 0.25, total_iters = 7)": lambda s, o: s.ConstantLR(o, 0.25, 7),
    "torch.LinearLR(0.5, 0.1, 0.75, 9)": lambda s, o: s.LinearLR(o, 0.1, 0.75, 9),
    "torch.PolynomialLR(0.5, 30, power = 2)": lambda s, o: s.PolynomialLR(o, 30, 2.0),
    "torch.CosineAnnealingWarmRestarts(0.5, T_0 = 7)": lambda s, o: s.CosineAnnealingWarmRestarts(o, 7),
    "torch.CosineAnnealingWarmRestarts(0.5, T_0 = 5, T_mult = 2, eta_min = 0.01)":
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 5, 2, 0.01),
    "torch.CyclicLR(0.1, 0.5, step_size_up = 6)":
        lambda s, o: s.CyclicLR(o, 0.1, 0.5, 6, cycle_momentum=False),
    "torch.CyclicLR(0.1, 0.5, step_size_up = 6, step_size_down = 3, gamma = 0.9)":
        lambda s, o: s.CyclicLR(o, 0.1, 0.5, 6, 3, mode="exp_range", gamma=0.9, cycle_momentum=False),
    "torch.OneCycleLR(0.5, total_steps = 41, pct_start = 0.25, div_factor = 10, final_div_factor = 100)":
        lambda s, o: s.OneCycleLR(
            o, 0.5, 41, pct_start=0.25, div_factor=10, final_div_factor=100, cycle_momentum=False),
    "torch.SequentialLR((torch.LinearLR(0.5, 0.1), torch.StepLR(0.5, 10), torch.ExponentialLR(0.5, 0.9)), (5, 31))":
        lambda s, o: s.SequentialLR(
            o, [s.LinearLR(o, 0.1), s.StepLR(o, 10), s.ExponentialLR(o, 0.9)], [5, 31]),
}  # fmt: skip
S = keras.optimizers.schedules
KERAS = {
    "keras.PiecewiseConstantDecay(boundaries = (10, 20), values = (0.5, 0.2, 0.1))":
        S.PiecewiseConstantDecay([10, 20], [0.5, 0.2, 0.1]),
    "keras.ExponentialDecay(0.5, 10, 0.9)": S.ExponentialDecay(0.5, 10, 0.9),
    "keras.ExponentialDecay(0.5, 10, 0.9, staircase = True)": S.ExponentialDecay(0.5, 10, 0.9, True),
    "keras.InverseTimeDecay(0.5, 10, 0.5)": S.InverseTimeDecay(0.5, 10, 0.5),
    "keras.InverseTimeDecay(0.5, 10, 0.5, staircase = true)": S.InverseTimeDecay(0.5, 10, 0.5, True),
    "keras.PolynomialDecay(0.5, 25)": S.PolynomialDecay(0.5, 25),
    "keras.PolynomialDecay(0.5, 7, 0.01, power = 2, cycle = true)":
        S.PolynomialDecay(0.5, 7, 0.01, 2.0, cycle=True),
    "keras.CosineDecay(0.5, 25, alpha = 0.1)": S.CosineDecay(0.5, 25, 0.1),
    "keras.CosineDecay(0.1, 25, alpha = 0.1, warmup_target = 0.5, warmup_steps = 6)":
        S.CosineDecay(0.1, 25, 0.1, warmup_target=0.5, warmup_steps=6),
    "keras.CosineDecay(0.1, 25, warmup_steps = 6)": S.CosineDecay(0.1, 25, warmup_steps=6),
    "keras.CosineDecayRestarts(0.5, 5)": S.CosineDecayRestarts(0.5, 5),
    "keras.CosineDecayRestarts(0.5, 6, t_mul = 1, m_mul = 0.5, alpha = 0.1)":
        S.CosineDecayRestarts(0.5, 6, 1.0, 0.5, 0.1),
}  # fmt: skip
OPTAX = {
    "optax.piecewise_constant_schedule(0.5, ((10, 0.1), (25, 0.5)))":
        optax.piecewise_constant_schedule(0.5, {10: 0.1, 25: 0.5}),
    "optax.exponential_decay(0.5, 10, 0.9, transition_begin = 5)":
        optax.exponential_decay(0.5, 10, 0.9, transition_begin=5),
    "optax.exponential_decay(0.5, 5, 0.5, staircase = true, end_value = 0.05)":
        optax.exponential_decay(0.5, 5, 0.5, staircase=True, end_value=0.05),
    "optax.linear_schedule(0, 0.5, 12, transition_begin = 3)": optax.linear_schedule(0.0, 0.5, 12, 3),
    "optax.polynomial_schedule(0.5, 0.1, 3, 20, transition_begin = 4)":
        optax.polynomial_schedule(0.5, 0.1, 3, 20, 4),
    "optax.warmup_constant_schedule(0, 0.5, 7)": optax.warmup_constant_schedule(0.0, 0.5, 7),
    "optax.warmup_cosine_decay_schedule(0.1, 0.5, 5, 30, end_value = 0.05, exponent = 2)":
        optax.warmup_cosine_decay_schedule(0.1, 0.5, 5, 30, 0.05, 2.0),
    "optax.warmup_exponential_decay_schedule(0, 0.5, 5, 10, 0.8)":
        optax.warmup_exponential_decay_schedule(0.0, 0.5, 5, 10, 0.8),
    "optax.cosine_onecycle_schedule(33, 0.5)": optax.cosine_onecycle_schedule(33, 0.5),
    "optax.linear_onecycle_schedule(37, 0.5)": optax.linear_onecycle_schedule(37, 0.5),
    "optax.join_schedules((optax.linear_schedule(0, 0.5, 5), optax.cosine_decay_schedule(0.5, 20)), (5,))":
        optax.join_schedules([optax.linear_schedule(0.0, 0.5, 5), optax.cosine_decay_schedule(0.5, 20)], [5]),
}  # fmt: skip


def torch_rates(make: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=0.5)
    schedule = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(STEPS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    return rates


def main() -> None:
    found = {call: torch_rates(make) for call, make in TORCH.items()}
    found |= {call: [float(s(n)) for n in range(STEPS)] for call, s in (KERAS | OPTAX).items()}
    versions = {m.__name__: m.__version__ for m in (torch, keras, optax, jax)}
    text = json.dumps({"versions": versions, "rates": found}, indent=0)
    path = Path(__file__).parents[1] / "data" / "schedule_rates.json"
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
