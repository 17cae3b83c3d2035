"""optax' rules and those of jax.example_libraries, recorded, in float64: `pip install optax==0.2.8 jax==0.10.2`."""

from __future__ import annotations

import re

import jax

jax.config.update("jax_enable_x64", True)

import optax  # noqa: E402
from jax.example_libraries import optimizers  # noqa: E402

from peers.recording import FACTORS, record, signature  # noqa: E402

OPTAX = """
optax.sgd(learning_rate=0.05, momentum=0.9, nesterov=True) in steps
optax.sgd(learning_rate=0.05)
optax.sign_sgd(learning_rate=0.05) in steps
optax.adagrad(learning_rate=0.1, initial_accumulator_value=0.3, eps=1e-3) in steps
optax.rmsprop(learning_rate=0.02, decay=0.8, eps=1e-3, centered=True, momentum=0.9, nesterov=True) in steps
optax.rmsprop(learning_rate=0.02, decay=0.8, eps=1e-3, initial_scale=0.5, eps_in_sqrt=False, bias_correction=True)
optax.rmsprop(learning_rate=0.02, eps=1e-3, centered=True, bias_correction=True, eps_in_sqrt=False)
optax.adadelta(learning_rate=0.5, rho=0.8, eps=1e-4, weight_decay=0.1) in steps
optax.adam(learning_rate=0.1, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4, nesterov=True) in steps
optax.nadam(learning_rate=0.1, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4) in steps
optax.adamw(learning_rate=0.1, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4, weight_decay=0.1, nesterov=True) in steps
optax.nadamw(learning_rate=0.1, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4, weight_decay=0.1) in steps
optax.nadamw(learning_rate=0.1)
optax.amsgrad(learning_rate=0.1, b1=0.8, b2=0.9, eps=1e-3, eps_root=1e-3) in steps
optax.amsgrad(learning_rate=0.1, b2=0.9, eps=1e-3, eps_root=1e-3, bias_correction_nu=False)
optax.amsgrad(learning_rate=0.1, b2=0.9, eps=1e-3, bias_correction_mu=False)
optax.adamax(learning_rate=0.1, b1=0.8, b2=0.9, eps=1e-2) in steps
optax.adamaxw(learning_rate=0.1, b1=0.8, b2=0.9, eps=1e-2, weight_decay=0.1) in steps
optax.adamaxw(learning_rate=0.1)
optax.adabelief(learning_rate=0.1, b1=0.8, b2=0.9, eps=1e-3, eps_root=1e-3, nesterov=True) in steps
optax.adabelief(learning_rate=0.1)
optax.yogi(learning_rate=0.1, b1=0.8, b2=0.9, eps=1e-2) in steps
optax.radam(learning_rate=0.1, b1=0.8, b2=0.9, eps=1e-3, eps_root=1e-4, threshold=4.5, nesterov=True) in steps
optax.radam(learning_rate=0.1)
optax.lion(learning_rate=0.02, b1=0.8, b2=0.95, weight_decay=0.1) in steps
optax.lion(learning_rate=0.02)
optax.rprop(learning_rate=0.05, eta_minus=0.4, eta_plus=1.5, min_step_size=1e-2, max_step_size=0.1)
optax.lamb(learning_rate=0.1, b1=0.8, b2=0.95, eps=1e-3, eps_root=1e-4, weight_decay=0.1) in steps
optax.lamb(learning_rate=0.1)
optax.lars(learning_rate=0.5, weight_decay=0.1, trust_coefficient=0.1, eps=1e-3, nesterov=True) in steps
optax.lars(learning_rate=0.5, trust_coefficient=0.05, momentum=0.8)
optax.lars(learning_rate=0.5)
optax.adan(learning_rate=0.05, b1=0.9, b2=0.8, b3=0.95, eps=1e-3, eps_root=1e-3, weight_decay=0.1) in steps
optax.adan(learning_rate=0.05)
optax.novograd(learning_rate=0.05, b1=0.8, b2=0.5, eps=1e-3, eps_root=1e-3, weight_decay=0.1) in steps
optax.novograd(learning_rate=0.05)
optax.fromage(learning_rate=0.05)
optax.fromage(learning_rate=0.05, min_norm=1.5)
optax.optimistic_gradient_descent(learning_rate=0.02, alpha=0.8, beta=0.5) in steps
optax.optimistic_gradient_descent(learning_rate=0.02)
optax.chain(optax.add_decayed_weights(0.1), optax.clip_by_global_norm(0.5), optax.adam(0.1))
optax.chain(optax.clip_by_block_rms(0.5), optax.clip(0.3), optax.rmsprop(0.02))
"""
JAX = """
jax.sgd(step_size=0.05) in steps
jax.momentum(step_size=0.05, mass=0.8) in steps
jax.nesterov(step_size=0.05, mass=0.8) in steps
jax.adagrad(step_size=0.1, momentum=0.8) in steps
jax.rmsprop(step_size=0.02, gamma=0.8, eps=1e-3) in steps
jax.rmsprop_momentum(step_size=0.02, gamma=0.8, eps=1e-3, momentum=0.8) in steps
jax.rmsprop_momentum(step_size=0.02)
jax.adam(step_size=0.1, b1=0.8, b2=0.95, eps=1e-3) in steps
jax.adamax(step_size=0.1, b1=0.8, b2=0.95, eps=1e-2) in steps
jax.sgd(step_size=0.1), clip = jax.clip_grads(max_norm=0.5)
"""
LOSS = "3*(x - 1)^2 + (y + 2)^4/4 + x*y/2 + 3"
POLYAK = """
optax.polyak_sgd()
optax.polyak_sgd(max_learning_rate=0.125, scaling=0.5)
optax.polyak_sgd(f_min=-2.0, eps=0.5)
"""
SKIP = (
    "accumulator_dtype",
    "mu_dtype",
    "mask",
    "weight_decay_mask",
    "trust_ratio_mask",
    "initial_scale_dtype",
    "variant",
)


class Optax:
    def __init__(self, call, parts):
        self.call, self.parts, self.scaled = call, parts, False
        self.parameters = [jax.numpy.array(p) for p in parts]
        self.state = None

    def scale(self, factor):
        """optax takes a function of the count of updates instead."""
        self.scaled = True

    def start(self):
        call = self.call
        if self.scaled:
            call = re.sub(r"learning_rate=([\d.]+)", r"learning_rate=lambda n: \1*factors[n]", call)
        self.rule = eval(call, {"optax": optax, "factors": jax.numpy.array(FACTORS)})
        self.state = self.rule.init(self.parameters)

    def step(self, gradients):
        if self.state is None:
            self.start()
        given = [jax.numpy.array(g) for g in gradients]
        updates, self.state = self.rule.update(given, self.state, self.parameters)
        self.parameters = optax.apply_updates(self.parameters, updates)

    def values(self):
        return self.parameters


class Jax(Optax):
    def start(self):
        call, _, self.clip = self.call.partition(", clip = ")
        if self.scaled:
            call = re.sub(r"step_size=([\d.]+)", r"step_size=lambda n: \1*factors[n]", call)
        init, self.update, self.get = eval(call, {"jax": optimizers, "factors": jax.numpy.array(FACTORS)})
        self.state, self.count = init(self.parameters), 0

    def step(self, gradients):
        if self.state is None:
            self.start()
        given = [jax.numpy.array(g) for g in gradients]
        if self.clip:
            given = eval(self.clip.replace("(", "(g, "), {"jax": optimizers, "g": given})
        self.state = self.update(self.count, given, self.state)
        self.count += 1
        self.parameters = self.get(self.state)


def polyak(call):
    """The rule asks for the loss, so it runs on one, from (2, 1)."""

    def loss(p):
        x, y = p
        return 3 * (x - 1) ** 2 + (y + 2) ** 4 / 4 + x * y / 2 + 3

    rule, point = eval(call, {"optax": optax}), jax.numpy.array([2.0, 1.0])
    state, path = rule.init(point), [point.tolist()]
    for _ in range(30):
        value, gradient = jax.value_and_grad(loss)(point)
        updates, state = rule.update(gradient, state, point, value=value)
        point = optax.apply_updates(point, updates)
        path.append(point.tolist())
    return path


def names(text):
    return sorted({line.split("(")[0] for line in text.split("\n") if line} - {"optax.chain"})


if __name__ == "__main__":
    versions = {"optax": optax.__version__, "jax": jax.__version__}
    found = {n: signature(getattr(optax, n[6:]), SKIP) for n in [*names(OPTAX + POLYAK), "optax.ema"]}
    ranges = {n: p for n, p in found.items() if n not in ("optax.ema", "optax.polyak_sgd")}
    ranges["optax.chain"] = []
    clips = ("clip", "clip_by_global_norm", "clip_by_block_rms", "add_decayed_weights")
    found.update(("optax." + n, signature(getattr(optax, n), SKIP)) for n in clips)
    more = {"loss": LOSS, "on the loss": {c: polyak(c) for c in POLYAK.split("\n") if c}}
    record("optax", versions, Optax, OPTAX, found, ranges, more)
    found = {n: signature(getattr(optimizers, n[4:])) for n in names(JAX)}
    ranges = dict(found)
    found["jax.clip_grads"] = signature(optimizers.clip_grads, ("grad_tree",))
    record("jax", {"jax": jax.__version__}, Jax, JAX, found, ranges)
