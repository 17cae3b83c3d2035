"""The schedules of libraries against rates that the libraries themselves produced."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from lowering import lowered
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.interpret import run
from netc.dsl.diagnostics import SpecError
from peers import recorded
from peers.dialects import CLOSED, FOLDER, PLATEAUS, load

MORE: dict[str, list[float]] = recorded.schedules()["rates"]
MORE_PLATEAUS: dict[str, list[float]] = recorded.schedules()["plateaus"]
FILE = "objective R(x) = x\ninit theta = 0\noptimizer gd\ntrain steps = 60\nschedule eta = "


def test_every_schedule_is_here() -> None:
    assert {p.stem for p in FOLDER.glob("*__schedule_*.json")} == {*CLOSED, *PLATEAUS}


def plateau(text: str, losses: list[float]) -> list[float]:
    """The rate of each epoch when these are the epochs' losses."""
    rule = lowered(FILE + text + "\n").rule
    env: dict[str, Any] = {h.name: h.value for h in rule.hypers}
    env |= {s.name: evaluate(s.initial, env) for s in rule.states if s.name != "theta"}
    rates = []
    for k, loss in enumerate(losses):
        rates.append(env["eta_value"])
        env |= {"epoch": float(k), "epoch_loss": loss}
        for statement in rule.epoch_end:
            env[statement.name] = evaluate(statement.value, env)  # type: ignore[union-attr]
        env |= {c.state: env[c.value] for c in rule.epoch_commits}
    return rates


def rates(text: str, steps: int) -> np.ndarray[Any, Any]:
    """The rate of each iteration, which is an epoch here."""
    rule = lowered(FILE + text + "\n").rule
    value = next(s.value for s in rule.body if isinstance(s, ir.Assign) and s.name == "eta")
    known: dict[str, Any] = {h.name: h.value for h in rule.hypers} | {"m": 1.0}
    return np.array([evaluate(value, known | {"n": float(n), "epoch": float(n)}) for n in range(steps)])


@pytest.mark.parametrize("name", CLOSED)
def test_rates(name: str) -> None:
    wanted = np.array(load(name)["learning_rates"])
    np.testing.assert_allclose(rates(CLOSED[name], len(wanted)), wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("call", MORE)
def test_more_rates(call: str) -> None:
    """Made by `peers/record_schedules.py` with the versions that the file names; Keras' cosines are in float32."""
    accuracy = 1e-5 if call.startswith("keras.Cosine") else 1e-12
    np.testing.assert_allclose(rates(call, len(MORE[call])), MORE[call], rtol=accuracy, atol=accuracy / 1e3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optax.warmup_cosine_decay_schedule(0, 1, 5, 5)", "requires decay_steps > warmup_steps"),
        ("optax.cosine_decay_schedule(1, 0)", "requires decay_steps > 0; decay_steps is 0"),
        ("torch.LinearLR(1, start_factor = 0)", "requires 0 < start_factor"),
        ("torch.MultiStepLR(1, 30)", "'milestones' must be a tuple"),
        ("torch.MultiStepLR(1)", "needs 'milestones'"),
        ("torch.MultiStepLR(1, (30, 80), factor = 2)", "no parameter 'factor'"),
        ("torch.MultiStepLR((1, 2), (30, 80))", "'lr' must be one number"),
        ("keras.PiecewiseConstantDecay((1, 2), (1, 2))", "requires count"),
        ("keras.CosineDecay(1, 0)", "requires decay_steps > 0"),
        ("keras.ReduceLROnPlateau(1, factor = 1.5)", "requires factor < 1"),
        ("torch.SequentialLR((torch.StepLR(1, 3), torch.StepLR(1, 3)), (5, 6))", "requires count"),
    ],
)
def test_what_a_library_refuses(text: str, words: str) -> None:
    with pytest.raises(SpecError, match=re.escape(words)):
        lowered(FILE + text + "\n")


def test_a_definition_with_tuples() -> None:
    """As the library's are written."""
    text = 'schedule mine(a, cuts) = a*prod(1/2 if step >= cuts else 1), source = "here"\n'
    rule = text + FILE + "mine(1, cuts = (2, 3))\n"
    program = lowered(rule)
    nothing = np.zeros((1, 0))
    path = run(program, np.zeros(1), nothing, nothing, 5).trajectory[:, 0]
    assert (-np.diff(path)).tolist() == [1, 1, 0.5, 0.25, 0.25]


@pytest.mark.parametrize("name", PLATEAUS)
def test_plateaus(name: str) -> None:
    run_ = load(name)
    found = plateau(PLATEAUS[name], load("torch__schedule_plateau__patience3")["options"]["metric"])
    np.testing.assert_allclose(found, run_["learning_rates"], rtol=1e-12)


@pytest.mark.parametrize("call", MORE_PLATEAUS)
def test_more_plateaus(call: str) -> None:
    """With cooldown, floor and both kinds of gain, and near eps, below which torch lets the rate stand."""
    accuracy = (
        1e-12 if call.startswith("torch") else 1e-6
    )  # the others keep the rate, or its scale, in float32
    found = plateau(call, recorded.schedules()["metric"])
    np.testing.assert_allclose(found, MORE_PLATEAUS[call], rtol=accuracy)
