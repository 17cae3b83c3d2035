"""The rates of other libraries' schedules, written to tests/data/recorded/schedules.json.

`pip install torch==2.13.0 keras==3.15.1 optax==0.2.8 jax==0.10.2`. Calls are spelled as netc has them, which is Python:
where a library takes the rate from its optimizer, it is the first argument; a table of boundaries is a tuple of pairs.
"""

from __future__ import annotations

import json
import os

os.environ["KERAS_BACKEND"] = "jax"

import jax

jax.config.update("jax_enable_x64", True)

import keras  # noqa: E402
import optax  # noqa: E402
import torch  # noqa: E402

from peers.recording import DATA, PROBES, calls, signature  # noqa: E402

keras.backend.set_floatx("float64")
STEPS = 40
METRIC = [
    1.0,
    0.9,
    0.9,
    0.9,
    0.8999,
    0.8995,
    0.9,
    0.9,
    0.5,
    *([0.6] * 9),
    0.49,
    0.49,
    0.4899,
    *([0.6] * 7),
    0.1,
    0.2,
]
"""Losses of epochs, for what looks at them."""
CLOSED = """
torch.StepLR(0.5, step_size = 7, gamma = 0.3)
torch.MultiStepLR(0.5, milestones = (5, 12, 30), gamma = 0.3)
torch.MultiStepLR(0.5, (10, 10))
torch.ExponentialLR(0.5, gamma = 0.9)
torch.ConstantLR(0.5, factor = 0.25, total_iters = 7)
torch.ConstantLR(0.5)
torch.LinearLR(0.5, 0.1, 0.75, 9)
torch.LinearLR(0.5)
torch.PolynomialLR(0.5, 30, power = 2)
torch.PolynomialLR(0.5)
torch.CosineAnnealingLR(0.5, 15, eta_min = 0.1)
torch.CosineAnnealingWarmRestarts(0.5, T_0 = 7)
torch.CosineAnnealingWarmRestarts(0.5, T_0 = 5, T_mult = 2, eta_min = 0.01)
torch.CosineAnnealingWarmRestarts(0.5, T_0 = 3, T_mult = 3)
torch.CyclicLR(0.1, 0.5)
torch.CyclicLR(0.1, 0.5, step_size_up = 6)
torch.CyclicLR(0.1, 0.5, step_size_up = 6, step_size_down = 3, gamma = 0.9)
torch.OneCycleLR(0.5, total_steps = 41, pct_start = 0.25, div_factor = 10, final_div_factor = 100)
torch.OneCycleLR(0.5, total_steps = 41)
torch.OneCycleLR_momentum(total_steps = 41, pct_start = 0.25, base_momentum = 0.8, max_momentum = 0.9)
torch.OneCycleLR_momentum(total_steps = 41)
torch.SequentialLR((torch.LinearLR(0.5, 0.1), torch.StepLR(0.5, 10), torch.ExponentialLR(0.5, 0.9)), (5, 31))
keras.PiecewiseConstantDecay(boundaries = (10, 20), values = (0.5, 0.2, 0.1))
keras.ExponentialDecay(0.5, 10, 0.9)
keras.ExponentialDecay(0.5, 10, 0.9, staircase = True)
keras.InverseTimeDecay(0.5, 10, 0.5)
keras.InverseTimeDecay(0.5, 10, 0.5, staircase = True)
keras.PolynomialDecay(0.5, 25)
keras.PolynomialDecay(0.5, 7, 0.01, power = 2, cycle = True)
keras.CosineDecay(0.5, 25, alpha = 0.1)
keras.CosineDecay(0.1, 25, alpha = 0.1, warmup_target = 0.5, warmup_steps = 6)
keras.CosineDecay(0.1, 25, warmup_steps = 6)
keras.CosineDecayRestarts(0.5, 5)
keras.CosineDecayRestarts(0.5, 6, t_mul = 1, m_mul = 0.5, alpha = 0.1)
keras.CosineDecayRestarts(0.5, 6, t_mul = 1.5)
optax.piecewise_constant_schedule(0.5, ((10, 0.1), (25, 0.5)))
optax.exponential_decay(0.5, 10, 0.9, transition_begin = 5)
optax.exponential_decay(0.5, 5, 0.5, staircase = True, end_value = 0.05)
optax.exponential_decay(0.5, 5, 1.5, end_value = 2.0)
optax.linear_schedule(0, 0.5, 12, transition_begin = 3)
optax.polynomial_schedule(0.5, 0.1, 3, 20, transition_begin = 4)
optax.cosine_decay_schedule(0.5, 25, alpha = 0.1, exponent = 2)
optax.warmup_constant_schedule(0, 0.5, 7)
optax.warmup_cosine_decay_schedule(0.1, 0.5, 5, 30, end_value = 0.05, exponent = 2)
optax.warmup_exponential_decay_schedule(0, 0.5, 5, 10, 0.8)
optax.warmup_exponential_decay_schedule(0, 0.5, 5, 10, 0.8, transition_begin = 3, staircase = True)
optax.warmup_exponential_decay_schedule(0, 0.5, 5, 10, 0.8, end_value = 0.3)
optax.warmup_exponential_decay_schedule(0, 0.5, 5, 10, 1.5, end_value = 0.8)
optax.cosine_onecycle_schedule(33, 0.5)
optax.cosine_onecycle_schedule(33, 0.5, pct_start = 0.4, div_factor = 10, final_div_factor = 100)
optax.linear_onecycle_schedule(37, 0.5)
optax.linear_onecycle_schedule(37, 0.5, pct_start = 0.2, pct_final = 0.7, div_factor = 10, final_div_factor = 100)
optax.join_schedules((optax.linear_schedule(0, 0.5, 5), optax.cosine_decay_schedule(0.5, 20)), (5,))
"""
PLATEAUS = """
torch.ReduceLROnPlateau(1, patience = 3)
torch.ReduceLROnPlateau(1, patience = 3, cooldown = 2)
torch.ReduceLROnPlateau(1)
torch.ReduceLROnPlateau(1, factor = 0.5, patience = 0, threshold = 0.01, min_lr = 0.01)
torch.ReduceLROnPlateau(1, factor = 0.5, patience = 0, eps = 0.2)
torch.ReduceLROnPlateau(3e-8, factor = 0.5, patience = 0)
keras.ReduceLROnPlateau(1, patience = 3)
keras.ReduceLROnPlateau(1, patience = 3, cooldown = 2)
keras.ReduceLROnPlateau(1)
keras.ReduceLROnPlateau(1, factor = 0.5, patience = 1, min_delta = 0.01, min_lr = 0.01)
keras.ReduceLROnPlateau(1, factor = 0.5, patience = 0, min_delta = 0.0)
optax.reduce_on_plateau(1, patience = 3)
optax.reduce_on_plateau(1, patience = 3, cooldown = 2)
optax.reduce_on_plateau(1)
optax.reduce_on_plateau(1, factor = 0.5, patience = 1, rtol = 0.0, atol = 0.01, min_scale = 0.01)
optax.reduce_on_plateau(2, factor = 0.5, patience = 1, rtol = 0.01, min_scale = 0.1)
"""
SCHEDULERS = torch.optim.lr_scheduler


class Torch:
    """A scheduler of PyTorch and the optimizer it wants, made when they are asked for."""

    def __init__(self, name, *args, **more):
        self.name, self.own = name, name in ("CyclicLR", "OneCycleLR", "OneCycleLR_momentum")
        self.args, self.more = list(args), dict(more)
        if name == "SequentialLR":
            self.rate = args[0][0].rate
        else:
            self.rate = 0.5 if self.own else self.args.pop(0)

    def on(self, optimizer):
        if self.name == "SequentialLR":
            parts = [s.on(optimizer) for s in self.args[0]]
            return SCHEDULERS.SequentialLR(optimizer, parts, list(self.args[1]))
        if self.name == "OneCycleLR_momentum":
            return SCHEDULERS.OneCycleLR(optimizer, 0.5, *self.args, **self.more)
        if self.own:
            self.more["cycle_momentum"] = False
        if self.name == "CyclicLR" and "gamma" in self.more:
            self.more["mode"] = "exp_range"
        return getattr(SCHEDULERS, self.name)(optimizer, *self.args, **self.more)

    def rates(self, steps, losses=None):
        weight = torch.zeros(1, dtype=torch.float64)
        optimizer = torch.optim.SGD([weight], lr=self.rate, momentum=0.5)
        scheduler, found = self.on(optimizer), []
        for k in range(steps):
            found.append(float(optimizer.param_groups[0]["momentum" if "momentum" in self.name else "lr"]))
            optimizer.step()
            scheduler.step(*([] if losses is None else [losses[k]]))
        return found


class Plain:
    """A function of the count of updates."""

    def __init__(self, schedule):
        self.schedule = schedule

    def rates(self, steps, losses=None):
        return [float(self.schedule(n)) for n in range(steps)]


class KerasPlateau:
    def __init__(self, rate, **more):
        self.callback = keras.callbacks.ReduceLROnPlateau("loss", **more)
        self.model = keras.Sequential([keras.layers.Dense(1)])
        self.model.compile(keras.optimizers.SGD(float(rate)), "mse")
        self.callback.set_model(self.model)

    def rates(self, steps, losses):
        self.callback.on_train_begin()
        found = []
        for k in range(steps):
            found.append(float(self.model.optimizer.learning_rate.value))
            self.callback.on_epoch_end(k, {"loss": losses[k]})
        return found


class OptaxPlateau:
    def __init__(self, rate, **more):
        self.rate, self.rule = rate, optax.contrib.reduce_on_plateau(**more)

    def rates(self, steps, losses):
        state, found = self.rule.init(jax.numpy.zeros(1)), []
        for k in range(steps):
            found.append(self.rate * float(state.scale))
            _, state = self.rule.update(jax.numpy.ones(1), state, value=losses[k])
        return found


class Space:
    """What a library's name stands for in a call."""

    def __init__(self, find):
        self.find = find

    def __getattr__(self, name):
        return self.find(name)


def of_optax(name):
    if name == "reduce_on_plateau":
        return OptaxPlateau
    if name == "piecewise_constant_schedule":
        return lambda first, pairs: optax.piecewise_constant_schedule(first, dict(pairs))
    return getattr(optax, name)


SPACES = {
    "torch": Space(lambda name: lambda *args, **more: Torch(name, *args, **more)),
    "keras": Space(lambda n: KerasPlateau if "Plateau" in n else getattr(keras.optimizers.schedules, n)),
    "optax": Space(of_optax),
}
SKIP = ("optimizer", "last_epoch", "name", "mode", "threshold_mode", "scale_fn", "scale_mode", "anneal_strategy",
        "three_phase", "cycle_momentum", "monitor", "verbose", "kwargs")  # fmt: skip


def made(call):
    found = eval(call, dict(SPACES))
    return Plain(found) if callable(found) else found


def defined(name):
    space, word = name.split(".")
    if space == "torch":
        return getattr(SCHEDULERS, word.replace("_momentum", ""))
    if space == "keras":
        return (
            keras.callbacks.ReduceLROnPlateau
            if "Plateau" in word
            else getattr(keras.optimizers.schedules, word)
        )
    return optax.contrib.reduce_on_plateau if "plateau" in word else getattr(optax, word)


def refused(call):
    """Of the first call of a schedule: what each numeric parameter may not be, with the others as in the call."""
    name, found = call.split("(")[0], {}
    for p in signature(defined(name), SKIP):
        default = p[1] if len(p) > 1 else None
        if isinstance(default, (bool, str, list)) or p[0] in ("milestones", "boundaries", "values", "schedulers",
                "schedules", "boundaries_and_scales", "max_momentum", "base_momentum"):  # fmt: skip
            continue
        found[p[0]] = [v for v in PROBES if not takes(call, name, p[0], v)]
    return found


def takes(call, name, parameter, value):
    """A whole number where the library counts."""
    order = [p[0] for p in signature(defined(name), SKIP)]
    first = [] if name in ("torch.CyclicLR", "torch.OneCycleLR") or name.split(".")[0] != "torch" else ["lr"]
    if "lateau" in name:
        first = ["lr"]
    names = [*first, *order]

    def given(*args, **more):
        return dict(zip(names, args, strict=False)) | more

    arguments = eval(call.replace(name, "given", 1), {**SPACES, "given": given})
    arguments[parameter] = int(value) if value == int(value) else value
    rate = [arguments.pop("lr")] if first else []
    try:
        made = eval(f"{name}(*rate, **arguments)", {**SPACES, "rate": rate, "arguments": arguments})
        steps = 0 if parameter == "total_steps" else 4  # which may not be more
        (Plain(made) if callable(made) else made).rates(steps, METRIC if "lateau" in name else None)
    except Exception:
        return False
    return True


def main():
    rates = {c: made(c).rates(STEPS) for c in calls(CLOSED)}
    plateaus = {c: made(c).rates(len(METRIC), METRIC) for c in calls(PLATEAUS)}
    first = {}
    for call in [*rates, *plateaus]:
        first.setdefault(call.split("(")[0], call)
    lists = (
        "torch.OneCycleLR_momentum",
        "torch.SequentialLR",
        "optax.join_schedules",
        "keras.PiecewiseConstantDecay",
    )
    about = {
        "versions": {m.__name__: m.__version__ for m in (torch, keras, optax, jax)},
        "signatures": {n: signature(defined(n), SKIP) for n in first},
        "refused": {n: refused(c) for n, c in first.items() if n not in lists},
        "metric": METRIC,
    }
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in about.items()]
    for name, runs in (("rates", rates), ("plateaus", plateaus)):
        inner = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in runs.items())
        lines.append(f'"{name}": {{\n{inner}\n}}')
    (DATA / "recorded" / "schedules.json").write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
