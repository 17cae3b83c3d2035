"""Rules of papers that are not in the library, typed in as a reader would: they run at the first attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

import netc
from netc.dsl.diagnostics import SpecError
from sweeps import one_in

Reals = NDArray[np.float64]
Update = Callable[[Reals, Reals, int, dict[str, Reals]], Reals]

# Ma, Yarats 2019, "Quasi-hyperbolic momentum and Adam for deep learning", eq. 3 and 4
QHM = """
optimizer qhm(α = 0.1, β = 0.9, ν = 0.7):
    g[n+1] = β*g[n] + (1 - β)*∇R(θ[n])
    θ[n+1] = θ[n] - α*((1 - ν)*∇R(θ[n]) + ν*g[n+1])
"""


def qhm(theta: Reals, gradient: Reals, n: int, s: dict[str, Reals]) -> Reals:
    s["g"] = 0.9 * s.get("g", np.zeros_like(theta)) + 0.1 * gradient
    return theta - 0.1 * (0.3 * gradient + 0.7 * s["g"])


# Lucas, Sun, Zemel, Grosse 2019, "Aggregated momentum: stability through passive damping", eq. 3
AGGMO = """
optimizer aggmo(gamma = 0.1):
    v1[n+1] = 0*v1[n] - grad R(theta[n])
    v2[n+1] = 0.9*v2[n] - grad R(theta[n])
    v3[n+1] = 0.99*v3[n] - grad R(theta[n])
    theta[n+1] = theta[n] + gamma/3*(v1[n+1] + v2[n+1] + v3[n+1])
"""


def aggmo(theta: Reals, gradient: Reals, n: int, s: dict[str, Reals]) -> Reals:
    for i, beta in enumerate((0, 0.9, 0.99)):
        s[f"v{i}"] = beta * s.get(f"v{i}", np.zeros_like(theta)) - gradient
    return theta + 0.1 / 3 * sum(s[f"v{i}"] for i in range(3))


# Bello, Zoph, Vasudevan, Le 2017, "Neural optimizer search with reinforcement learning", sec. 4.4
POWERSIGN = """
optimizer powersign(lr = 0.05, beta = 0.9):
    g = grad R(theta[n])
    m[n+1] = beta*m[n] + (1 - beta)*g
    theta[n+1] = theta[n] - lr*exp(sign(g)*sign(m[n+1]))*g
"""


def powersign(theta: Reals, gradient: Reals, n: int, s: dict[str, Reals]) -> Reals:
    s["m"] = 0.9 * s.get("m", np.zeros_like(theta)) + 0.1 * gradient
    return theta - 0.05 * np.exp(np.sign(gradient) * np.sign(s["m"])) * gradient


# Balles, Hennig 2018, "Dissecting Adam", M-SVAG (algorithm 2): variance-adapted momentum
MSVAG = """
optimizer m_svag(alpha = 0.1, beta = 0.9):
    g = grad R(theta[n])
    m[n+1] = beta*m[n] + (1 - beta)*g
    v[n+1] = beta*v[n] + (1 - beta)*g^2
    m_hat = m[n+1]/(1 - beta^(n+1))
    v_hat = v[n+1]/(1 - beta^(n+1))
    rho = (1 - beta)*(1 + beta^(n+1))/((1 + beta)*(1 - beta^(n+1)))
    s = (v_hat - m_hat^2)/(1 - rho) if n > 0 else 0
    d = m_hat^2 + rho*s
    gamma = m_hat^2/d if d > 0 else 1
    theta[n+1] = theta[n] - alpha*gamma*m_hat
"""


def m_svag(theta: Reals, gradient: Reals, n: int, s: dict[str, Reals]) -> Reals:
    zero = np.zeros_like(theta)
    s["m"] = 0.9 * s.get("m", zero) + 0.1 * gradient
    s["v"] = 0.9 * s.get("v", zero) + 0.1 * gradient**2
    c = 1 - 0.9 ** (n + 1)
    m, v = s["m"] / c, s["v"] / c
    rho = 0.1 * (1 + 0.9 ** (n + 1)) / (1.9 * c)
    spread = (v - m**2) / (1 - rho) if n else zero
    return theta - 0.1 * m**2 / (m**2 + rho * spread) * m


# Zhuang et al. 2021 style "hypergradient": Baydin et al. 2018, "Online learning rate adaptation", algorithm 4
HYPERGRADIENT = """
optimizer sgd_hd(alpha0 = 0.01, beta = 0.001):
    alpha[0] = alpha0
    g = grad R(theta[n])
    alpha[n+1] = alpha[n] + beta*dot(g, old[n])
    old[n+1] = g
    theta[n+1] = theta[n] - alpha[n+1]*g
"""


def sgd_hd(theta: Reals, gradient: Reals, n: int, s: dict[str, Reals]) -> Reals:
    s["alpha"] = s.get("alpha", np.array(0.01)) + 0.001 * gradient @ s.get("old", np.zeros_like(theta))
    s["old"] = gradient
    return theta - s["alpha"] * gradient


RULES = [(QHM, qhm), (AGGMO, aggmo), (POWERSIGN, powersign), (MSVAG, m_svag), (HYPERGRADIENT, sgd_hd)]


def iterates(update: Update, theta: Reals, gradients: Reals) -> Iterator[Reals]:
    states: dict[str, Reals] = {}
    yield theta
    for n, gradient in enumerate(gradients):
        theta = update(theta, gradient, n, states)
        yield theta


@pytest.mark.parametrize(("text", "update"), RULES, ids=[f.__name__ for _, f in RULES])
def test_typed_in_it_runs(text: str, update: Update) -> None:
    draw = np.random.default_rng(3)
    theta, gradients = draw.normal(size=5), draw.normal(size=(40, 5))
    expected = np.array(list(iterates(update, theta, gradients)))
    np.testing.assert_allclose(
        netc.update_rule(text).trajectory(theta, gradients), expected, rtol=1e-11, atol=1e-12
    )


@pytest.mark.parametrize("text", one_in(3, (t for t, _ in RULES)))
def test_it_trains_in_a_file(text: str) -> None:
    file = f"objective R(x, y) = x^2 + 3*y^2\ninit theta = (2, -1)\ntrain steps = 200\n{text}"
    assert netc.compile(file).train().loss_train < 0.1


ADAM = """
optimizer paper(alpha = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8):
    g = grad R(theta[n])
    m[n+1] = beta1*m[n] + (1 - beta1)*g
    v[n+1] = beta2*v[n] + (1 - beta2)*g^2
    m_hat = m[n+1]/(1 - beta1^(n+1))
    v_hat = v[n+1]/(1 - beta2^(n+1))
    theta[n+1] = theta[n] - alpha*m_hat/(sqrt(v_hat) + epsilon)
"""


@pytest.mark.sweep
def test_the_first_moment_is_called_m() -> None:
    """In papers m is a state; netc's m, the number of batches, steps back where a rule sets m."""
    rule = netc.update_rule(ADAM)
    assert rule.states == ("m", "v")
    assert "m[n+1]     = beta1*m[n] + (1 - beta1)*g" in rule.equations()
    assert netc.equivalent(ADAM, "adam.paper").how == "proved"
    epochs = "data x in linspace(-1, 1, 8) -> x\nnetwork [1(tanh)2(lin)1]\ninit glorot_uniform\nloss mse\n"
    epochs += "schedule alpha = 0.1 until 2, 0.01\ntrain epochs = 3, batch = 2\n"
    assert netc.compile(epochs + ADAM).train().steps == 12


def test_m_counts_batches_where_a_rule_counts_by_it() -> None:
    splitting = "optimizer s(eta = 0.1):\n    m[n+1] = 0.9*m[n] + grad R(theta[n])\n    for i in 1..m:\n"
    splitting += "        theta[n+i/m] = theta[n+(i-1)/m] - eta*grad R[i](theta[n+(i-1)/m])\n"
    with pytest.raises(SpecError, match="'m' has a fixed meaning"):
        netc.update_rule(splitting)


def test_signs_of_vectors_and_numbers_in_a_tiny_problem() -> None:
    file = "objective R(x, y) = x^2 + 3*y^2\ninit theta = (2, -1)\ntrain steps = 30\n"
    rule = (
        "optimizer s(eta = 0.1):\n    g = grad R\n    theta[n+1] = theta[n] - eta*sign(dot(g, g))*sign(g)\n"
    )
    assert netc.compile(file + rule).train().theta[0] == pytest.approx([0, 0], abs=0.11)


def test_quasi_hyperbolic_momentum_has_relatives() -> None:
    """nu = 1 is the average of gradients; nu = beta is Nesterov's (Ma, Yarats 2019, sec. 4.1)."""
    assert netc.equivalent(QHM.replace("ν = 0.7", "ν = 1"), "momentum.ema").how == "proved"
    nesterov = netc.equivalent(QHM.replace("ν = 0.7", "ν = 0.9"), "nesterov.shifted")
    assert nesterov.mapping == {"eta": "alpha*(1 - beta)", "alpha": "beta"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("m_t[n+1] = beta*m_t[n] + g_t", "'g_t'"),
        ("m[n] = beta*m[n-1] + (1 - beta)*grad R", "old[n+1] = m[n]"),
        ("m = beta*m + grad R", "'m' is defined by itself"),
        ("m[t+1] = beta*m[t] + grad R", "the iterations are counted by n, from 0, m[n+1]"),
        ("v[n+1] = v[n] - m_t", "'m_t'"),
    ],
)
def test_or_the_message_says_why_not(wrong: str, said: str) -> None:
    text = f"optimizer r(beta = 0.9, lr = 0.1):\n    {wrong}\n    theta[n+1] = theta[n] - lr*grad R\n"
    with pytest.raises(SpecError) as raised:
        netc.update_rule(text)
    assert said in str(raised.value)
