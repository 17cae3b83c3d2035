"""The rules of two lectures in plain NumPy: GLO-4030/7030 (slides), and T. Lopès-Quintas (RAML, chapter 3).

Parameters as in `dsl/library/lectures.net`; the slides give epsilon, the rate, no value: the defaults are then those of
the rule's family. RAML's Lion follows sign(c_{t+1}), see there.
"""

from __future__ import annotations

import numpy as np

from oracles_of_families import (
    Rule,
    adagrad,
    adam,
    gradient_descent,
    inside,
    lion,
    lookahead,
    momentum,
    outside,
    rmsprop,
    same,
)  # fmt: skip

RULES: dict[str, Rule] = {
    "glo4030.SGD": lambda at, epsilon=0.01: gradient_descent(at, epsilon, same),
    "glo4030.SGD_Momentum": lambda at, epsilon=0.01, alpha=0.9: momentum(at, alpha, epsilon, 1),
    "glo4030.SGD_Nesterov": lambda at, epsilon=0.01, alpha=0.9: lookahead(at, epsilon, alpha),
    "glo4030.Adagrad": lambda at, epsilon=0.01, delta=1e-7: adagrad(at, epsilon, outside(delta)),
    "glo4030.RMSprop": lambda at, epsilon=0.01, rho=0.99, delta=1e-7: rmsprop(at, epsilon, rho, outside(delta)),
    "glo4030.RMSprop_Momentum": lambda at, epsilon=0.01, rho=0.99, alpha=0.9: rmsprop(
        at, epsilon, rho, np.sqrt, alpha
    ),
    "glo4030.RMSprop_Nesterov": lambda at, epsilon=0.01, rho=0.99, alpha=0.9: rmsprop(
        at, epsilon, rho, np.sqrt, alpha, alpha
    ),
    "glo4030.Adam": lambda at, epsilon=0.001, rho1=0.9, rho2=0.999, delta=1e-8: adam(
        at, epsilon, rho1, rho2, inside(delta)
    ),
    "glo4030.Yogi": lambda at, epsilon=0.01, rho1=0.9, rho2=0.999, delta=1e-3: adam(
        at, epsilon, rho1, rho2, outside(delta), yogi=True
    ),
    "lopes_quintas.Momentum": lambda at, eta=0.01, beta=0.9: momentum(at, beta, 1 - beta, eta),
    "lopes_quintas.AdaGrad": lambda at, eta=0.01, epsilon=1e-8: adagrad(at, eta, outside(epsilon)),
    "lopes_quintas.RMSProp": lambda at, eta=0.01, alpha=0.9, epsilon=1e-8: rmsprop(
        at, eta, alpha, outside(epsilon)
    ),
    "lopes_quintas.Adam": lambda at, eta=1e-4, beta1=0.9, beta2=0.999, epsilon=1e-8: adam(
        at, eta, beta1, beta2, inside(epsilon)
    ),
    "lopes_quintas.AdamW": lambda at, eta=1e-4, beta1=0.9, beta2=0.999, epsilon=1e-8, lambda_=0.01: adam(
        at, eta, beta1, beta2, inside(epsilon), decay=eta * lambda_
    ),
    "lopes_quintas.Lion": lambda at, eta=1e-4, beta1=0.9, beta2=0.99, lambda_=0.0: lion(
        at, eta, beta1, beta2, lambda_
    ),
}  # fmt: skip
CALLS = """
glo4030.SGD(epsilon = 0.1)
glo4030.SGD_Momentum(epsilon = 0.05, alpha = 0.8)
glo4030.SGD_Nesterov(epsilon = 0.05, alpha = 0.8)
glo4030.Adagrad(epsilon = 0.2, delta = 0.01)
glo4030.RMSprop(epsilon = 0.05, rho = 0.9, delta = 0.01)
glo4030.RMSprop_Momentum(epsilon = 0.02, rho = 0.9, alpha = 0.7)
glo4030.RMSprop_Nesterov(epsilon = 0.02, rho = 0.9, alpha = 0.7)
glo4030.Adam(epsilon = 0.1, rho1 = 0.8, rho2 = 0.95, delta = 0.01)
glo4030.Yogi(epsilon = 0.1, rho1 = 0.8, rho2 = 0.95, delta = 0.01)
lopes_quintas.Momentum(eta = 0.1, beta = 0.8)
lopes_quintas.AdaGrad(eta = 0.2, epsilon = 0.01)
lopes_quintas.RMSProp(eta = 0.05, alpha = 0.8, epsilon = 0.01)
lopes_quintas.Adam(eta = 0.1, beta1 = 0.8, beta2 = 0.95, epsilon = 0.01)
lopes_quintas.AdamW(eta = 0.1, beta1 = 0.8, beta2 = 0.95, epsilon = 0.01, lambda = 0.2)
lopes_quintas.Lion(eta = 0.05, beta1 = 0.8, beta2 = 0.95, lambda = 0.1)
"""
