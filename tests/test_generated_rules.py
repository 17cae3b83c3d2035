"""Random rules: the interpreter judges their kernels. `python -m generated_rules` (in tests/) tries thousands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import generated_rules
import netc
from netc.compiler import pipeline
from sweeps import one_in

RULES = 120


@pytest.mark.slow
def test_kernels_of_random_rules_are_the_interpreters(capsys: pytest.CaptureFixture[str]) -> None:
    refused, wrong = generated_rules.judge(RULES, seed=7)
    assert wrong == 0, capsys.readouterr().out
    assert refused < 0.4 * RULES


SLIPS: dict[str, Callable[[str], str]] = {
    "a sign in the step": lambda text: text.replace("theta_q - ", "theta_q + ").replace(
        "theta_q0 - ", "theta_q0 + "
    ),
    "a rate": lambda text: text.replace("beta = hyper[1]", "beta = hyper[0]"),
    "a comparison": lambda text: text.replace("> ", "<= "),
    "a count": lambda text: text.replace("losses = losses + 1", "losses = losses + 2"),
}


@pytest.mark.parametrize("slip", one_in(2, SLIPS))
def test_a_slip_in_the_kernels_is_seen(slip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = pipeline.to_text
    monkeypatch.setattr(pipeline, "to_text", lambda *given: SLIPS[slip](right(*given)))
    assert generated_rules.judge(15, seed=7)[1] > 0


@pytest.mark.sweep
def test_a_condition_that_never_holds_changes_nothing() -> None:
    """With minibatches it is asked once an epoch, of all samples: that loss is none of the batches'."""
    text = """data x in linspace(-1, 1, 25) -> x^2 + x
network [1(lin)1]
init zeros
loss mse
optimizer gd(eta = 0.1)
schedule eta = plateau(0.1, factor = 0.5, patience = 1, threshold = 0.2)
train epochs = 9, batch = 5, seed = 3"""
    plain, asked = (netc.compile(text + stop).train() for stop in ("\n", ", stop = loss < 0\n"))
    assert np.array_equal(plain.theta, asked.theta)
    assert np.array_equal(plain.history["loss_batches"], asked.history["loss_batches"], equal_nan=True)
