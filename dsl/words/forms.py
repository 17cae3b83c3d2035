"""One of each statement, as messages show it: a table."""

from __future__ import annotations

FORMS = {
    "block": "block res(c) = x + [c (conv 3x3 same, relu) c]",
    "activation": "activation g(z) = z^2 - 1",
    "clip": "clip by_norm(g; c = 1) = g*min(1, c/norm(g))",
    "loss": "loss half_mse, or loss R = sum((u - y)^2)/2",
    "objective": "objective R(w, b) = (w*b - 1)^2",
    "data": 'data boston, split = 80%, or data "table.csv", target = price',
    "init": "init glorot_uniform, or init theta = (-1.5, 0.7)",
    "optimizer": "optimizer momentum.ema(eta = 0.1, beta1 = 0.1)",
    "search": "search backtracking(F, p, d, start): and a block that sets 'value'",
    "attack": "attack fgsm(eps): and a block with 'x = x + eps*sign(grad_x R)'",
    "schedule": "schedule eta = 0.1 until 75, 0.01",
    "augment": "augment shift(2), flip, blur until 40",
    "train": "train epochs = 200, batch = 32",
    "phase": "phase fine: epochs = 20, freeze = layer1",
    "ensemble": "ensemble runs",
    "sweep": "sweep eta in {0.1, 0.01}",
    "finder": "finder eta from 1e-6 to 10 in 200 steps",
    "monitor": "monitor loss, norm(grad R), every = 10",
    "expect": "expect loss(train) < 0.05",
    "points": "points minima = {(-2, 1), (2, -1)} within 0.05",
    "use": 'use "my_optimizers.net"',
}
"""Shown where nothing more particular can be said."""

OF_WORDS = {"schedule", "augment", "ensemble", "sweep", "finder", "monitor", "expect", "points"}
"""What stands in them are words and numbers, seldom formulas: what does not go on is told by the whole statement."""
