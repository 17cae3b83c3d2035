"""Optimisers.jl 0.4.8 in plain NumPy, after `apply!` and `init` of its src/rules.jl: dx is what is taken from theta.

As there, powers of the decays are products that start at the decays and are multiplied after a step. Julia counts from 1:
`beta[1]` there is `beta[0]` here. Keyword arguments have the names that the library takes in ASCII.
"""

from __future__ import annotations

import numpy as np

from oracles_of_families import Path, Problem, Rule


def descent(at: Problem, eta=0.1) -> Path:  # rules.jl, Descent
    x = at.start
    while True:
        x = x - at.grad(x) * eta
        yield x


def momentum(at: Problem, eta=0.01, rho=0.9) -> Path:  # rules.jl:59
    x, velocity = at.start, 0.0
    while True:
        velocity = rho * velocity + eta * at.grad(x)
        x = x - velocity
        yield x


def nesterov(at: Problem, eta=0.001, rho=0.9) -> Path:  # rules.jl:86: dx from the OLD velocity
    x, velocity = at.start, 0.0
    while True:
        g = at.grad(x)
        dx = -(rho**2) * velocity + (1 + rho) * eta * g
        velocity = rho * velocity - eta * g
        x = x - dx
        yield x


def rmsprop(at: Problem, eta=0.001, rho=0.9, epsilon=1e-8, centred=False) -> Path:  # rules.jl:132
    x, quad, lin = at.start, 0.0, 0.0
    while True:
        g = at.grad(x)
        quad = rho * quad + (1 - rho) * np.abs(g) ** 2
        if centred:
            lin = rho * lin + (1 - rho) * g
        x = x - g * eta / (np.sqrt(quad - np.abs(lin) ** 2) + epsilon)
        yield x


def rprop(at: Problem, eta=0.001, ell=(0.5, 1.2), gamma=(1e-6, 50)) -> Path:  # rules.jl, Rprop
    x = at.start
    last, steps = np.zeros_like(x), np.full_like(x, eta)
    while True:
        dx = at.grad(x)
        for i, (before, now) in enumerate(zip(last.copy(), dx, strict=True)):
            if before * now > 0:
                steps[i] = min(steps[i] * ell[1], gamma[1])
            elif before * now < 0:
                steps[i] = max(steps[i] * ell[0], gamma[0])
            last[i] = 0 if before * now < 0 else now
        x = x - steps * np.sign(last)
        yield x


def moments(at: Problem, x, beta, start=0.0):
    """g, m, v and the powers of beta of a step; send the point of the next one."""
    m, v, power = np.full_like(x, start), np.full_like(x, start), np.array(beta)
    while True:
        g = at.grad(x)
        m = beta[0] * m + (1 - beta[0]) * g
        v = beta[1] * v + (1 - beta[1]) * np.abs(g) ** 2
        x = yield g, m, v, power
        power = power * beta


def adam(at: Problem, eta=0.001, beta=(0.9, 0.999), epsilon=1e-8) -> Path:  # rules.jl, Adam
    x = at.start
    steps = moments(at, x, beta)
    _, m, v, power = next(steps)
    while True:
        x = x - m / (1 - power[0]) / (np.sqrt(v / (1 - power[1])) + epsilon) * eta
        yield x
        _, m, v, power = steps.send(x)


def lion(at: Problem, eta=0.001, beta=(0.9, 0.999)) -> Path:  # rules.jl:248
    x, state = at.start, 0.0
    while True:
        g = at.grad(x)
        state = beta[1] * g + (1 - beta[1]) * state
        x = x - eta * np.sign((beta[1] - beta[0]) * g + beta[0] * state)
        yield x


def radam(at: Problem, eta=0.001, beta=(0.9, 0.999), epsilon=1e-8) -> Path:  # rules.jl, RAdam
    x, t = at.start, 1
    most = 2 / (1 - beta[1]) - 1
    steps = moments(at, x, beta)
    _, m, v, power = next(steps)
    while True:
        rho = most - 2 * t * power[1] / (1 - power[1])
        dx = m / (1 - power[0]) * eta
        if rho > 4:
            r = np.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
            dx = dx / (np.sqrt(v / (1 - power[1])) + epsilon) * r
        x, t = x - dx, t + 1
        yield x
        _, m, v, power = steps.send(x)


def adamax(at: Problem, eta=0.001, beta=(0.9, 0.999), epsilon=1e-8) -> Path:  # rules.jl, AdaMax
    x, u = at.start, 0.0
    steps = moments(at, x, beta)
    g, m, _, power = next(steps)
    while True:
        u = np.maximum(beta[1] * u, np.abs(g))
        x = x - (eta / (1 - power[0])) * m / (u + epsilon)
        yield x
        g, m, _, power = steps.send(x)


def oadam(at: Problem, eta=0.001, beta=(0.5, 0.9), epsilon=1e-8) -> Path:  # rules.jl, OAdam
    x, term = at.start, 0.0
    steps = moments(at, x, beta)
    _, m, v, power = next(steps)
    while True:
        before = term
        term = eta * m / (1 - power[0]) / (np.sqrt(v / (1 - power[1])) + epsilon)
        x = x - (2 * term - before)
        yield x
        _, m, v, power = steps.send(x)


def adagrad(at: Problem, eta=0.1, epsilon=1e-8) -> Path:  # rules.jl:388: the sum starts at epsilon
    x, total = at.start, epsilon
    while True:
        g = at.grad(x)
        total = total + np.abs(g) ** 2
        x = x - g * eta / (np.sqrt(total) + epsilon)
        yield x


def adadelta(at: Problem, rho=0.9, epsilon=1e-8) -> Path:  # rules.jl, AdaDelta
    x, total, changes = at.start, 0.0, 0.0
    while True:
        g = at.grad(x)
        total = rho * total + (1 - rho) * np.abs(g) ** 2
        dx = g * np.sqrt(changes + epsilon) / np.sqrt(total + epsilon)
        changes = rho * changes + (1 - rho) * np.abs(dx) ** 2
        x = x - dx
        yield x


def amsgrad(at: Problem, eta=0.001, beta=(0.9, 0.999), epsilon=1e-8) -> Path:  # rules.jl, AMSGrad
    x, most = at.start, epsilon
    steps = moments(at, x, beta, epsilon)
    _, m, v, _ = next(steps)
    while True:
        most = np.maximum(most, v)
        x = x - eta * m / (np.sqrt(most) + epsilon)
        yield x
        _, m, v, _ = steps.send(x)


def nadam(at: Problem, eta=0.001, beta=(0.9, 0.999), epsilon=1e-8) -> Path:  # rules.jl, NAdam
    x = at.start
    steps = moments(at, x, beta)
    g, m, v, power = next(steps)
    while True:
        ahead = beta[0] * m / (1 - beta[0] * power[0]) + (1 - beta[0]) * g / (1 - power[0])
        x = x - ahead / (np.sqrt(v * beta[1] / (1 - power[1])) + epsilon) * eta
        yield x
        g, m, v, power = steps.send(x)


def adamw(
    at: Problem, eta=0.001, beta=(0.9, 0.999), lambda_=0.0, epsilon=1e-8, couple=True
) -> Path:  # rules.jl, AdamW
    x = at.start
    steps = moments(at, x, beta)
    _, m, v, power = next(steps)
    while True:
        dx = m / (1 - power[0]) / (np.sqrt(v / (1 - power[1])) + epsilon)
        x = x - (eta * (dx + lambda_ * x) if couple else eta * dx + lambda_ * x)
        yield x
        _, m, v, power = steps.send(x)


NAMED = {
    "Descent": descent, "Momentum": momentum, "Nesterov": nesterov, "RMSProp": rmsprop, "Rprop": rprop, "Adam": adam,
    "Lion": lion, "RAdam": radam, "AdaMax": adamax, "OAdam": oadam, "AdaGrad": adagrad, "AdaDelta": adadelta,
    "AMSGrad": amsgrad, "NAdam": nadam, "AdamW": adamw,
}  # fmt: skip
RULES: dict[str, Rule] = {"optimisers_jl." + name: rule for name, rule in NAMED.items()}
CALLS = """
optimisers_jl.Descent(eta = 0.05)
optimisers_jl.Momentum(eta = 0.05, rho = 0.8)
optimisers_jl.Nesterov(eta = 0.05, rho = 0.8)
optimisers_jl.RMSProp(eta = 0.05, rho = 0.8, epsilon = 1e-3)
optimisers_jl.RMSProp(eta = 0.05, rho = 0.8, epsilon = 1e-2, centred = true)
optimisers_jl.Rprop(eta = 0.05, ell = (0.4, 1.5), gamma = (0.01, 0.3))
optimisers_jl.Adam(eta = 0.1, beta = (0.8, 0.95), epsilon = 1e-3)
optimisers_jl.Lion(eta = 0.05, beta = (0.8, 0.7))
optimisers_jl.RAdam(eta = 0.1, beta = (0.8, 0.9), epsilon = 1e-3)
optimisers_jl.AdaMax(eta = 0.1, beta = (0.8, 0.9), epsilon = 1e-2)
optimisers_jl.OAdam(eta = 0.1, beta = (0.7, 0.95), epsilon = 1e-3)
optimisers_jl.AdaGrad(eta = 0.2, epsilon = 1e-2)
optimisers_jl.AdaDelta(rho = 0.8, epsilon = 1e-3)
optimisers_jl.AMSGrad(eta = 0.1, beta = (0.8, 0.9), epsilon = 1e-2)
optimisers_jl.NAdam(eta = 0.1, beta = (0.8, 0.95), epsilon = 1e-3)
optimisers_jl.AdamW(eta = 0.1, beta = (0.8, 0.95), lambda = 0.1, epsilon = 1e-3)
optimisers_jl.AdamW(eta = 0.1, lambda = 0.01, couple = false)
"""
