"""Nothing written is ignored: every statement and every definition refuses a setting that it does not know."""

from __future__ import annotations

import typing
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.pipeline import to_spec
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source

OBJECTIVE = """
objective R(x) = x^2
init      theta = (1)
optimizer gd(eta = 0.1)
train     steps = 2
"""
NETWORK = """
data inline:
    1 -> 2
network   [1(lin)1]
init      zeros
loss      mse
optimizer gd(eta = 0.1)
train     steps = 2
"""
RULE = "optimizer mine(eta = 0.1):\n    theta[n+1] = theta[n] - eta*grad R(theta[n])"

# kind of statement: (the rest of the file, the statement with a place for another setting on its line)
STATEMENTS: dict[str, tuple[type[ast.Node], str, str]] = {
    "activation": (ast.Activation, OBJECTIVE, "activation q(z) = z{}"),
    "a used activation": (
        ast.Activation, NETWORK.replace("(lin)", "(q)"), 'activation q(z) = z, source = "here"{}'
    ),
    "clip": (ast.Clip, OBJECTIVE, "clip mine(g; c = 1) = c*g{}"),
    "loss definition": (ast.Loss, NETWORK, "loss q = mean(u - y), reduce = sum{}"),
    "loss use": (ast.Loss, NETWORK.replace("loss      mse\n", ""), "loss huber(delta = 2){}"),
    "objective": (
        ast.Objective, OBJECTIVE.replace("objective R(x) = x^2\n", ""), 'objective R(x) = x^2, source = "here"{}'
    ),
    "data": (ast.Data, NETWORK.replace("data inline:\n    1 -> 2\n", ""), "data x in {{1, 2}} -> x^2{}"),
    "named data": (ast.Data, NETWORK.replace("data inline:\n    1 -> 2\n", ""), "data boston, split = 80%{}"),
    "init of a start": (ast.Init, OBJECTIVE.replace("init      theta = (1)\n", ""), "init theta = (1){}"),
    "init by laws": (
        ast.Init, NETWORK.replace("init      zeros\n", ""), "init weights ~ uniform(-a, a), biases = 0, a = 1/fan_in{}"
    ),
    "init from": (ast.Init, NETWORK.replace("init      zeros\n", ""), 'init from "w.safetensors"{}'),
    "optimizer": (ast.Optimizer, OBJECTIVE.replace("optimizer gd(eta = 0.1)\n", ""), "optimizer gd(eta = 0.1){}"),
    "schedule": (ast.Schedule, OBJECTIVE, "schedule eta = 0.1 until 5, 0.01{}"),
    "schedule definition": (ast.Schedule, OBJECTIVE, "schedule mine(a) = a/(1 + epoch){}"),
    "train": (ast.Train, OBJECTIVE.replace("train     steps = 2\n", ""), "train steps = 2{}"),
    "monitor": (ast.Monitor, OBJECTIVE, "monitor loss, every = 2{}"),
    "expect": (ast.Expect, OBJECTIVE, "expect steps = 2, claimed = 3{}"),
    "network": (ast.Network, NETWORK.replace("network   [1(lin)1]\n", ""), "network [1(lin)1]{}"),
    "points": (ast.Points, OBJECTIVE, "points minima = {{(0)}} within 0.1{}"),
    "use": (ast.Use, OBJECTIVE, 'use "x.net"{}'),
    "block": (ast.Block, OBJECTIVE, "block res(c) = x + [c (relu) c]{}"),
    "learnt activation": (
        ast.LearntActivation, NETWORK.replace("(lin)", "(q)"), "activation q(z):\n    learn a = 1\n    z = a*z{}",
    ),
    "layer": (ast.Layer, NETWORK, "layer twice:\n    z[i] = 2*x[i]{}"),
    "phase": (ast.Phase, OBJECTIVE, "phase a: eta = 0.1{}"),
    "ensemble": (ast.Ensemble, NETWORK.replace("steps = 2", "steps = 2, runs = 2"), "ensemble runs{}"),
    "finder": (ast.Finder, OBJECTIVE, "finder eta from 0.1 to 10 in 20 steps{}"),
    "sweep": (ast.Sweep, OBJECTIVE, "sweep eta in {{0.1}}{}"),
    "attack": (ast.Attack, OBJECTIVE, "attack a(eps){}:\n    x = x + eps"),
    "augment": (ast.Augment, NETWORK, "augment noise(1){}"),
    "search": (ast.Search, OBJECTIVE, "search s(R, p){}:\n    value = p"),
}  # fmt: skip


def codes(text: str) -> set[str]:
    try:
        to_spec(parse(Source("<test>", text)), None, Path())
    except SpecError as error:
        return {d.code for d in error.diagnostics if d.severity == "error"}
    return set()


def test_every_kind_of_statement_is_in_the_table() -> None:
    assert {kind for kind, _, _ in STATEMENTS.values()} == set(typing.get_args(ast.Statement))


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_unknown_setting_is_an_error(name: str) -> None:
    _, rest, statement = STATEMENTS[name]
    known = codes(rest + statement.format(""))
    assert known - {"E0105"} == set(), "the statement itself is right"
    found = codes(rest + statement.format(", foo = 3"))
    assert found & {"E0501", "E0009", "E0011", "E0231"}


@pytest.mark.parametrize("setting", ["foo = 3", "source = 3"])
@pytest.mark.parametrize(
    "head",
    [
        "activation q(z) = z:",
        "clip mine(g) = g:",
        "schedule mine(a) = a:",
        "init small:\n    weights ~ normal(0, 1)",
    ],
)
def test_in_blocks_as_well(head: str, setting: str) -> None:
    if head.startswith("init") and setting.startswith("source"):
        setting = "source2 = 3"
    assert codes(f"{OBJECTIVE}\n{head}\n    {setting}\n") & {"E0501", "E0502"}


@pytest.mark.parametrize("text", ["evry = 10", "unit = step", "W = 3", "W = eta^2"])
def test_a_monitored_function_reads_something_that_changes(text: str) -> None:
    assert "E0501" in codes(f"{OBJECTIVE}\nmonitor loss, {text}")


@pytest.mark.parametrize(
    ("every", "unit", "count"),
    [
        ("3", "epoch", 3),
        ("epoch", "epoch", 1),
        ("2 epochs", "epoch", 2),
        ("10 steps", "step", 10),
        ("step", "step", 1),
    ],
)
def test_every_says_what_it_counts(every: str, unit: str, count: int) -> None:
    monitor = to_spec(
        parse(Source("<test>", f"{NETWORK}\nmonitor loss, every = {every}")), None, Path()
    ).monitor
    assert (monitor.every, monitor.unit) == (count, unit)


def test_a_curve_by_iteration() -> None:
    """With minibatches: rows between the ends of epochs, and the last one."""
    text = """
data x in linspace(-1, 1, 20) -> x^2
network   [1(tanh)4(lin)1]
init      glorot_uniform
loss      mse
optimizer gd(eta = 0.1)
train     epochs = 3, batch = 4
monitor   loss, every = 2 steps
"""
    history = netc.compile(text).train().history
    assert history["step"].tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 15]
    np.testing.assert_allclose(history["epoch"], history["step"] / 5)


def test_a_state_that_no_equation_reads_is_monitored() -> None:
    """size[1] = norm(grad R(theta[0])) = 2*sqrt(5) > R falls from 5 to 3.2: V grows once, from n = 0 to 1."""
    text = """
objective R(x, y) = x^2 + y^2
init      theta = (1, 2)
optimizer mine(eta = 0.1):
    g          = grad R(theta[n])
    size[n+1]  = norm(g)
    theta[n+1] = theta[n] - eta*g
monitor   V = size[n] + R(theta[n])
train     steps = 5
"""
    assert netc.compile(text).train().grows["V"].tolist() == [0.2]


def test_expectations_know_components_counts_and_functions() -> None:
    text = """
objective R(x, y) = x^2 + y^2
init      theta = (1, 2)
optimizer gd(eta = 0.1)
train     steps = 2
expect    theta[1] = 0.64 within 1e-12
expect    theta[2] = 1.28 within 1e-12
expect    parameters = 2
expect    seconds < 1e9
expect    erf(theta[1]) = 0.6345858 within 1e-6
"""
    verdicts = netc.compile(text).train().expect
    assert [v.holds for v in verdicts] == [True] * 5


def test_an_error_of_the_data_hides_no_other() -> None:
    text = "data boston, target = nothing\nnetwork [13(tahn)1]\ninit zeros\nloss mee\noptimizer gd\ntrain stepz = 1"
    with pytest.raises(netc.SpecError) as error:
        netc.compile(text)
    assert {d.code for d in error.value.diagnostics} >= {"E0612", "E0102", "E0501"}
