"""The same call in two libraries: which are the same rule (dialects, sections 0 to 2)."""

from __future__ import annotations

import pytest

import netc

SAME = [
    ("torch.SGD(lr=0.01, momentum=0.9)", "keras.SGD(learning_rate=0.01, momentum=0.9)", True),
    ("torch.SGD(lr=0.01, momentum=0.9)", "optax.sgd(0.01, momentum=0.9)", False),
    ("torch.SGD(lr=0.01, momentum=0.9)", "tf1.MomentumOptimizer(0.01, 0.9)", False),
    ("torch.SGD(lr=0.01, momentum=0.9)", "tinygrad.SGD(lr=0.01, momentum=0.9)", False),
    ("keras.SGD(learning_rate=0.01, momentum=0.9)", "chainer.MomentumSGD(lr=0.01, momentum=0.9)", False),
    ("torch.SGD(lr=0.01, momentum=0.9)", "autograd.sgd(step_size=0.1, mass=0.9)", False),
    (
        "mlx.SGD(learning_rate=0.1, momentum=0.9, dampening=0.9)",
        "autograd.sgd(step_size=0.1, mass=0.9)",
        False,
    ),
    (
        "torch.SGD(lr=0.01, momentum=0.9, nesterov=True)",
        "keras.SGD(learning_rate=0.01, momentum=0.9, nesterov=True)",
        True,
    ),
    ("torch.Adam(lr=0.001)", "jax.adam(step_size=0.001)", False),
]


@pytest.mark.parametrize(("a", "b", "schedule"), SAME)
def test_the_same(a: str, b: str, schedule: bool) -> None:
    verdict = netc.equivalent(a, b)
    assert verdict.same, verdict.text
    assert any(w.startswith("a schedule") for w in verdict.breaks_under) is schedule
    assert verdict.how == "proved"


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ("torch.Adam(lr=0.001)", "keras.Adam(learning_rate=0.001)", "with a vanishing epsilon"),
        ("torch.RMSprop(lr=0.01)", "keras.RMSprop(learning_rate=0.01)", "with a vanishing epsilon"),
        (
            "torch.SGD(lr=0.01, momentum=0.9, dampening=0.9)",
            "mlx.SGD(learning_rate=0.01, momentum=0.9, dampening=0.9)",
            "if the first gradient were 0",
        ),
        (
            "torch.Adam(lr=0.1, weight_decay=0.1)",
            "torch.AdamW(lr=0.1, weight_decay=0.1)",
            "without weight decay",
        ),
    ],
)
def test_another_rule_and_why(a: str, b: str, reason: str) -> None:
    verdict = netc.equivalent(a, b)
    assert not verdict.same
    assert verdict.first_difference == 1
    assert any(words.startswith(reason) for words in verdict.reasons), verdict.text


def test_a_bare_name_takes_what_it_needs() -> None:
    verdict = netc.equivalent("torch.SGD(lr=0.01, momentum=0.9, nesterov=True)", "keras.SGD")
    assert verdict.mapping == {"learning_rate": "lr", "momentum": "momentum", "nesterov": "true"}
