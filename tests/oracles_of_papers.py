"""The rules of papers in plain NumPy, each after the algorithm or the equations that are named beside it.

Parameters as in `dsl/library/papers.net`; t counts from 1. Where a paper gives no default, it is the library's, a usual one.
"""

from __future__ import annotations

import numpy as np

from oracles_of_families import (
    Array,
    Path,
    Problem,
    Rule,
    adam,
    gradient_descent,
    inside,
    lion,
    lookahead,
    outside,
    rmsprop,
    shifted,
    shortened,
)  # fmt: skip


def polyak(at: Problem, alpha=0.01, beta=0.9) -> Path:
    """Polyak 1964, eq. 9: x_{n+1} - x_n = -alpha grad + beta (x_n - x_{n-1}), with x_{-1} = x_0."""
    points = [at.start, at.start]
    while True:
        change = beta * (points[-1] - points[-2]) - alpha * at.grad(points[-1])
        points = [points[-1], points[-1] + change]
        yield points[-1]


def nesterov(at: Problem, eta=0.01) -> Path:
    """Nesterov 1983, eq. 2 to 4: y_{k+1} = x_k + (a_k - 1)/a_{k+1} (x_k - x_{k-1}), x_k = y_k - eta grad(y_k)."""
    y, a, before = at.start, 1.0, at.start
    while True:
        x = y - eta * at.grad(y)
        following = (1 + np.sqrt(1 + 4 * a * a)) / 2
        y = x + (a - 1) * (x - before) / following
        a, before = following, x
        yield y


def qian(at: Problem, epsilon=0.01, p=0.9) -> Path:
    """Qian 1999, eq. 2: dw_t = -epsilon grad + p dw_{t-1}."""
    w, change = at.start, 0.0
    while True:
        change = p * change - epsilon * at.grad(w)
        w = w + change
        yield w


def riedmiller(at: Problem, delta0=0.1, eta_plus=1.2, eta_minus=0.5, delta_max=50, delta_min=1e-6) -> Path:
    """Riedmiller, Braun 1993, sec. D, the algorithm, entry by entry."""
    w = at.start.copy()
    delta, before, moved = np.full_like(w, delta0), np.zeros_like(w), np.zeros_like(w)
    while True:
        g = at.grad(w)
        for i in range(len(w)):
            product = before[i] * g[i]
            if product > 0:
                delta[i] = min(delta[i] * eta_plus, delta_max)
            if product < 0:
                delta[i] = max(delta[i] * eta_minus, delta_min)
                w[i] -= moved[i]
                moved[i] = -moved[i]
                before[i] = 0
            else:
                moved[i] = -np.sign(g[i]) * delta[i]
                w[i] += moved[i]
                before[i] = g[i]
        yield w.copy()


def duchi(at: Problem, eta=0.01, delta=1e-8) -> Path:
    """Duchi, Hazan, Singer 2011, fig. 1: H_t = delta I + diag(s_t), s_{t,i} = norm of all gradients' entries i."""
    x, seen = at.start, []
    while True:
        seen.append(at.grad(x))
        x = x - eta * seen[-1] / (delta + np.linalg.norm(seen, axis=0))
        yield x


def zeiler(at: Problem, rho=0.95, epsilon=1e-6) -> Path:
    """Zeiler 2012, algorithm 1: dx_t = -RMS[dx]_{t-1}/RMS[g]_t g_t with RMS[y] = sqrt(E[y^2] + epsilon)."""
    x, squares, changes = at.start, 0.0, 0.0
    while True:
        g = at.grad(x)
        squares = rho * squares + (1 - rho) * g**2
        change = -np.sqrt((changes + epsilon) / (squares + epsilon)) * g
        changes = rho * changes + (1 - rho) * change**2
        x = x + change
        yield x


def graves(at: Problem, eta=1e-4, aleph=0.95, beth=0.9, daleth=1e-4) -> Path:
    """Graves 2013, eq. 38 to 45."""
    w, n, g, change = at.start, 0.0, 0.0, 0.0
    while True:
        e = at.grad(w)
        n = aleph * n + (1 - aleph) * e**2
        g = aleph * g + (1 - aleph) * e
        change = beth * change - eta * e / np.sqrt(n - g**2 + daleth)
        w = w + change
        yield w


def adamax(at: Problem, alpha=0.002, beta1=0.9, beta2=0.999) -> Path:
    """Kingma, Ba 2015, algorithm 2."""
    x, m, u, t = at.start, 0.0, 0.0, 0
    while True:
        t, g = t + 1, at.grad(x)
        m = beta1 * m + (1 - beta1) * g
        u = np.maximum(beta2 * u, np.abs(g))
        x = x - alpha / (1 - beta1**t) * m / u
        yield x


def dozat(at: Problem, alpha=0.002, mu=0.9, nu=0.999, epsilon=1e-8) -> Path:
    """Dozat 2016, algorithm 2, with mu_t = mu: the products of the mu_i are powers."""
    x, m, n, t = at.start, 0.0, 0.0, 0
    while True:
        t, g = t + 1, at.grad(x)
        m = mu * m + (1 - mu) * g
        n = nu * n + (1 - nu) * g**2
        m_hat = mu * m / (1 - mu ** (t + 1)) + (1 - mu) * g / (1 - mu**t)
        x = x - alpha / (np.sqrt(nu * n / (1 - nu**t)) + epsilon) * m_hat
        yield x


def reddi(at: Problem, alpha=0.001, beta1=0.9, beta2=0.999) -> Path:
    """Reddi, Kale, Kumar 2018, algorithm 2."""
    x, m, v, most = at.start, 0.0, 0.0, 0.0
    while True:
        g = at.grad(x)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        most = np.maximum(most, v)
        x = x - alpha * m / np.sqrt(most)
        yield x


def sgdw(at: Problem, alpha=0.01, beta1=0.9, lambda_=1e-4, eta=1) -> Path:
    """Loshchilov, Hutter 2019, algorithm 1, lines 8 and 9."""
    x, m = at.start, 0.0
    while True:
        m = beta1 * m + eta * alpha * at.grad(x)
        x = x - m - eta * lambda_ * x
        yield x


def radam(at: Problem, alpha=0.001, beta1=0.9, beta2=0.999) -> Path:
    """Liu et al. 2020, algorithm 2."""
    x, m, v, t = at.start, 0.0, 0.0, 0
    infinite = 2 / (1 - beta2) - 1
    while True:
        t, g = t + 1, at.grad(x)
        v = beta2 * v + (1 - beta2) * g**2
        m = beta1 * m + (1 - beta1) * g
        rate = alpha * m / (1 - beta1**t)
        rho = infinite - 2 * t * beta2**t / (1 - beta2**t)
        if rho > 4:
            adaptive = np.sqrt((1 - beta2**t) / v)
            r = np.sqrt(((rho - 4) * (rho - 2) * infinite) / ((infinite - 4) * (infinite - 2) * rho))
            rate = rate * r * adaptive
        x = x - rate
        yield x


def adabelief(at: Problem, alpha=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8) -> Path:
    """Zhuang et al. 2020, algorithm 2."""
    x, m, s, t = at.start, 0.0, 0.0, 0
    while True:
        t, g = t + 1, at.grad(x)
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * (g - m) ** 2 + epsilon
        x = x - alpha * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + epsilon)
        yield x


def lars(at: Problem, gamma=0.1, mu=0.9, beta=0.0005, eta=0.001) -> Path:
    """You, Gitman, Ginsburg 2017, algorithm 1, with a constant global rate; 1 where a norm is 0."""
    w, v = at.start.copy(), np.zeros_like(at.start)
    while True:
        g = at.grad(w)
        for part in at.tensors:
            size, length = np.linalg.norm(w[part]), np.linalg.norm(g[part])
            local = eta * size / (length + beta * size) if size > 0 and length > 0 else 1
            v[part] = mu * v[part] + gamma * local * (g[part] + beta * w[part])
        w = w - v
        yield w


def lamb(at: Problem, eta=0.001, beta1=0.9, beta2=0.999, epsilon=1e-6, lambda_=0.01) -> Path:
    """You et al. 2020, algorithm 2, phi(z) = z; 1 where a norm is 0."""
    x, m, v, t = at.start, 0.0, 0.0, 0
    while True:
        t, g = t + 1, at.grad(x)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        r = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        following = x.copy()
        for part in at.tensors:
            u = r[part] + lambda_ * x[part]
            size, length = np.linalg.norm(x[part]), np.linalg.norm(u)
            following[part] = x[part] - eta * (size / length if size > 0 and length > 0 else 1) * u
        x = following
        yield x


def adan(at: Problem, eta=0.001, beta1=0.02, beta2=0.08, beta3=0.01, epsilon=1e-8, lambda_=0.02) -> Path:
    """Xie et al. 2022, algorithm 1, no restart; m_0 = g_0, v_0 = 0, n_0 = g_0^2 as at its restarts."""
    theta = at.start
    before = at.grad(theta)
    m, v, n = before, np.zeros_like(theta), before**2
    while True:
        step = eta / (np.sqrt(n) + epsilon)
        theta = (theta - step * (m + (1 - beta2) * v)) / (1 + lambda_ * eta)
        yield theta
        g = at.grad(theta)
        m = (1 - beta1) * m + beta1 * g
        v = (1 - beta2) * v + beta2 * (g - before)
        n = (1 - beta3) * n + beta3 * (g + (1 - beta2) * (g - before)) ** 2
        before = g


def sophia(
    at: Problem, eta=0.001, beta1=0.96, beta2=0.99, gamma=0.01, epsilon=1e-12, lambda_=0.2, B=1
) -> Path:
    """Liu et al. 2023, algorithm 3, lines 6 to 13, in every step with the estimate B g*g (see the library's comment)."""
    theta, m, h = at.start, 0.0, 0.0
    while True:
        g = at.grad(theta)
        m = beta1 * m + (1 - beta1) * g
        h = beta2 * h + (1 - beta2) * B * g * g
        theta = theta - eta * lambda_ * theta
        theta = theta - eta * np.clip(m / np.maximum(gamma * h, epsilon), -1, 1)
        yield theta


def root_without_eps(s: Array) -> Array:
    return np.sqrt(s)


RULES: dict[str, Rule] = {
    "polyak1964.heavy_ball": polyak,
    "nesterov1983.accelerated": nesterov,
    "qian1999.momentum": qian,
    "sutskever2013.momentum": lambda at, epsilon=0.01, mu=0.9: qian(at, epsilon, mu),
    "sutskever2013.nesterov": lambda at, epsilon=0.01, mu=0.9: lookahead(at, epsilon, mu),
    "bengio2013.nesterov": lambda at, epsilon=0.01, mu=0.9: shifted(at, epsilon, mu),
    "riedmiller1993.Rprop": riedmiller,
    "duchi2011.AdaGrad": duchi,
    "zeiler2012.ADADELTA": zeiler,
    "hinton2012.rmsprop": lambda at, eta=0.001: rmsprop(at, eta, 0.9, root_without_eps),
    "graves2013.rmsprop": graves,
    "kingma2015.Adam": lambda at, alpha=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8: adam(
        at, alpha, beta1, beta2, outside(epsilon)
    ),
    "kingma2015.Adam_efficient": lambda at, alpha=0.001, beta1=0.9, beta2=0.999, epsilon_hat=1e-8: adam(
        at, alpha, beta1, beta2, inside(0), hat=epsilon_hat
    ),
    "kingma2015.AdaMax": adamax,
    "dozat2016.Nadam": dozat,
    "reddi2018.AMSGrad": reddi,
    "zaheer2018.Yogi": lambda at, eta=0.01, beta1=0.9, beta2=0.999, epsilon=1e-3: adam(
        at, eta, beta1, beta2, outside(epsilon), corrected=False, yogi=True
    ),
    "loshchilov2019.SGDW": sgdw,
    "loshchilov2019.AdamW": lambda at, alpha=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, lambda_=1e-4, eta=1: adam(
        at, eta * alpha, beta1, beta2, outside(epsilon), decay=eta * lambda_
    ),
    "liu2020.RAdam": radam,
    "zhuang2020.AdaBelief": adabelief,
    "you2017.LARS": lars,
    "you2020.LAMB": lamb,
    "xie2022.Adan": adan,
    "chen2023.Lion": lambda at, eta=1e-4, beta1=0.9, beta2=0.99, lambda_=0.0: lion(at, eta, beta1, beta2, lambda_),
    "liu2023.Sophia_clipping": sophia,
    "pascanu2013.clipped_gd": lambda at, eta=0.01, threshold=1: gradient_descent(at, eta, shortened(threshold)),
}  # fmt: skip
CALLS = """
polyak1964.heavy_ball(alpha = 0.05, beta = 0.8)
nesterov1983.accelerated(eta = 0.05)
qian1999.momentum(epsilon = 0.05, p = 0.8)
sutskever2013.momentum(epsilon = 0.05, mu = 0.8)
sutskever2013.nesterov(epsilon = 0.05, mu = 0.8)
bengio2013.nesterov(epsilon = 0.05, mu = 0.8)
riedmiller1993.Rprop(delta0 = 0.2, eta_plus = 1.5, eta_minus = 0.4, delta_max = 0.5, delta_min = 0.05)
duchi2011.AdaGrad(eta = 0.2, delta = 0.01)
zeiler2012.ADADELTA(rho = 0.8, epsilon = 1e-3)
hinton2012.rmsprop(eta = 0.05)
graves2013.rmsprop(eta = 0.05, aleph = 0.8, beth = 0.7, daleth = 0.01)
kingma2015.Adam(alpha = 0.1, beta1 = 0.8, beta2 = 0.95, epsilon = 0.01)
kingma2015.Adam_efficient(alpha = 0.1, beta1 = 0.8, beta2 = 0.95, epsilon_hat = 0.01)
kingma2015.AdaMax(alpha = 0.1, beta1 = 0.8, beta2 = 0.95)
dozat2016.Nadam(alpha = 0.1, mu = 0.8, nu = 0.95, epsilon = 0.01)
reddi2018.AMSGrad(alpha = 0.1, beta1 = 0.8, beta2 = 0.9)
zaheer2018.Yogi(eta = 0.1, beta1 = 0.8, beta2 = 0.95, epsilon = 0.01)
loshchilov2019.SGDW(alpha = 0.05, beta1 = 0.8, lambda = 0.05, eta = 0.5)
loshchilov2019.AdamW(alpha = 0.1, beta1 = 0.8, beta2 = 0.95, epsilon = 0.01, lambda = 0.05, eta = 0.5)
liu2020.RAdam(alpha = 0.1, beta1 = 0.8, beta2 = 0.9)
zhuang2020.AdaBelief(alpha = 0.1, beta1 = 0.8, beta2 = 0.9, epsilon = 0.01)
you2017.LARS(gamma = 0.5, mu = 0.8, beta = 0.05, eta = 0.1)
you2020.LAMB(eta = 0.1, beta1 = 0.8, beta2 = 0.95, epsilon = 0.01, lambda = 0.1)
xie2022.Adan(eta = 0.1, beta1 = 0.1, beta2 = 0.2, beta3 = 0.05, epsilon = 0.01, lambda = 0.1)
chen2023.Lion(eta = 0.05, beta1 = 0.8, beta2 = 0.95, lambda = 0.1)
liu2023.Sophia_clipping(eta = 0.1, beta1 = 0.8, beta2 = 0.9, gamma = 0.5, epsilon = 0.001, lambda = 0.1, B = 4)
pascanu2013.clipped_gd(eta = 0.1, threshold = 0.5)
"""
