"""A bare name is never guessed: what it may mean is listed as equations, libraries' spellings among them."""

from __future__ import annotations

import pytest

import netc

NAMES = {
    "momentum": [
        "momentum.ema",
        "torch.SGD(momentum = 0.9)",
        "keras.SGD(momentum = 0.9)",
        "v[n+1] = alpha*v[n] + g",
    ],
    "nesterov": ["nesterov.lookahead", "chainer.NesterovAG", "grad R(theta[n] + alpha*v[n])"],
    "adam": ["torch.Adam", "keras.Adam", "mlx.Adam", "(sqrt(s[n+1]) + eps)"],
    "Adam": ["torch.Adam", "adam.eps_hat, keras.Adam"],
    "rmsprop": ["torch.RMSprop", "keras.RMSprop", "sqrt(s[n+1] + eps)", "(s[0] = 1)"],
    "adagrad": ["torch.Adagrad", "keras.Adagrad", "(s[0] = 0.1)"],
    "nadam": ["torch.NAdam", "keras.Nadam", "optax.nadam"],
    "adamax": ["torch.Adamax", "paddle.Adamax", "max(beta2*u[n] + eps, |g|)"],
    "RAdam": ["torch.RAdam", "optax.radam"],
    "adamw": ["torch.AdamW", "keras.AdamW", "tfa.AdamW"],
    "lion": ["lion.paper", "optimisers_jl.Lion", "keras.Lion"],
    "yogi": ["yogi.corrected", "yogi.paper", "optax.yogi"],
    "sgd": ["torch.SGD", "keras.SGD"],
    "lamb": ["keras.Lamb", "torch_optimizer.Lamb"],
    "weight_decay": ["coupled", "decoupled", "EVERY Keras 3 optimizer"],
    "clip": ["torch.clip_grad_norm_", "optax.clip_by_global_norm"],
}


@pytest.mark.parametrize("name", NAMES)
def test_candidates(name: str) -> None:
    with pytest.raises(netc.SpecError) as caught:
        netc.update_rule(f"{name}(eta = 0.1)")
    text = str(caught.value)
    assert "E0103" in text
    assert all(word in text for word in NAMES[name])
    assert len(text.splitlines()) <= 50


@pytest.mark.parametrize("name", ["torch.Muon", "optax.shampoo", "keras.Adafactor"])
def test_rules_on_matrices_say_why_not(name: str) -> None:
    with pytest.raises(netc.SpecError, match=r"E0910.*works on weight matrices"):
        netc.update_rule(f"{name}(lr = 0.1)")


def test_equal_rules_stand_together_whatever_the_order_of_terms() -> None:
    """torch writes b*v + g, optax g + b*v."""
    with pytest.raises(netc.SpecError, match=r"momentum.heavy_ball, torch.SGD\(momentum = 0.9\), optax.sgd"):
        netc.update_rule("momentum(eta = 0.1)")
