"""Update rules of families, lectures, papers and Optimisers.jl against the recursions written by hand in NumPy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import numpy as np
import pytest

import netc
import oracles_of_families
import oracles_of_lectures
import oracles_of_optimisers_jl
import oracles_of_papers
from lowering import lowered
from netc.compiler.calculus.interpret import run
from netc.compiler.meaning.bind_arguments import is_flag
from netc.dsl import ast, library
from netc.dsl.walks import names_in, walk
from oracles_of_families import Array
from peers.recording import calls, given
from sweeps import one_in

ORACLES = (oracles_of_families, oracles_of_lectures, oracles_of_optimisers_jl, oracles_of_papers)
RULES = {name: rule for module in ORACLES for name, rule in module.RULES.items()}
CALLS = [call for module in ORACLES for call in calls(module.CALLS)]
START = np.array([1.7, -0.6])
STEPS = 20


class Objective:
    """x^2 + 3y^2 + x y, one tensor."""

    start = START
    tensors = (slice(0, 2),)

    def grad(self, p: Array) -> Array:
        return np.array([2 * p[0] + p[1], 6 * p[1] + p[0]])


class Given:
    """The gradients that the libraries were recorded with, wherever they are asked for; none is 0, which is 0/0 here."""

    tensors = (slice(0, 4), slice(4, 6))

    def __init__(self) -> None:
        self.start, recorded = given()
        self.gradients = recorded + 1 / 128
        self._left: Iterator[Array] = iter(self.gradients)

    def grad(self, p: Array) -> Array:
        return next(self._left)


def path(call: str, at: Objective | Given, steps: int) -> Array:
    """theta[0], theta[1], ... of the oracle that a call in netc's notation names."""
    name, arguments = re.fullmatch(r"([\w.]+)\((.*)\)", call).groups()  # type: ignore[union-attr]
    words = arguments.replace("lambda", "lambda_").replace("true", "True").replace("false", "False")
    return np.array([at.start, *islice(eval(f"rule(at, {words})", {"rule": RULES[name], "at": at}), steps)])


def trajectory(use: str, steps: int = STEPS) -> Array:
    program = lowered(f"""
objective R(x, y) = x^2 + 3*y^2 + x*y
init theta = (1.7, -0.6)
optimizer {use}
train steps = {steps}
""")
    nothing = np.zeros((1, 1))
    return run(program, START, nothing, nothing, steps).trajectory


@pytest.mark.parametrize("call", one_in(3, CALLS))
def test_on_an_objective(call: str) -> None:
    np.testing.assert_allclose(trajectory(call), path(call, Objective(), STEPS), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("call", one_in(3, CALLS))
def test_on_given_gradients(call: str) -> None:
    """Fifty steps, with a burst; two tensors."""
    at = Given()
    found = netc.update_rule(call).trajectory(at.start, at.gradients, tensors=(4, 2))
    wanted = path(call, at, len(at.gradients))
    assert np.isfinite(wanted).all()
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_the_four_momentum_forms_make_one_trajectory() -> None:
    """With constant rates, after the mapping in the comment of the library."""
    paths = [
        trajectory("momentum.heavy_ball(eta = 0.04, alpha = 0.8)"),
        trajectory("momentum.ema(eta = 0.04/0.2, beta1 = 0.2)"),
        trajectory("momentum.velocity(eta = 0.04, alpha = 0.8)"),
        trajectory("momentum.double_rate(eta = 0.2, beta1 = 0.2)"),
    ]
    for path in paths[1:]:
        np.testing.assert_allclose(path, paths[0], rtol=1e-10, atol=1e-12)


def test_first_steps_that_the_comments_promise() -> None:
    moved = {
        use: np.abs(trajectory(use, 1)[1] - START)
        for use in ("adam.paper", "adam.no_bias_correction", "adam.talk")
    }
    np.testing.assert_allclose(moved["adam.paper"], 0.001, rtol=1e-6)
    np.testing.assert_allclose(moved["adam.talk"], 0.001, rtol=1e-6)
    np.testing.assert_allclose(moved["adam.no_bias_correction"], 0.001 * np.sqrt(10), rtol=1e-4)


@pytest.mark.parametrize("family", ["momentum", "nesterov", "adam", "rmsprop", "adagrad", "adamw"])
def test_a_bare_family_stands_for_several_rules(family: str) -> None:
    members = library.variants("optimizer", family)
    assert len(members) >= 2
    bodies = [library.lookup("optimizer", name).body for name in members]  # type: ignore[union-attr]
    assert len(set(bodies)) == len(bodies)
    assert family not in library.names("optimizer")


@pytest.mark.parametrize("call", oracles_of_families.CLIPS)
def test_clips_of_given_gradients(call: str) -> None:
    at = Given()
    found = netc.update_rule(call).trajectory(at.start, at.gradients, tensors=(4, 2))
    wanted = [at.start, *islice(oracles_of_families.CLIPS[call](at), len(at.gradients))]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


G = np.array([3.0, -2.0])
"""The gradient of x^2 + 3x - 2y at 0."""
FROM_ZERO = {
    "keras.Lamb(learning_rate = 0.1)": 0.1 * G / (abs(G) + 1e-7),
    "optax.lamb(learning_rate = 0.1)": 0.1 * G / (abs(G) + 1e-6),
    "torch_optimizer.Lamb(lr = 0.1)": 0.1 * (1 - 0.9) * G / (np.sqrt((1 - 0.999) * G**2) + 1e-6),
    "optax.lars(learning_rate = 0.1)": 0.1 * G,
}


@pytest.mark.parametrize("call", FROM_ZERO)
def test_a_trust_ratio_is_1_where_the_parameters_are_0(call: str) -> None:
    """Elsewhere a factor of the step drops out of it; here the step itself is seen. keras 3.15.1, optimizers/lamb.py;
    optax 0.2.8, scale_by_trust_ratio; torch-optimizer 0.3.0, lamb.py, which corrects no bias."""
    text = f"objective R(x, y) = x^2 + 3*x - 2*y\ninit theta = (0, 0)\noptimizer {call}\ntrain steps = 1\n"
    nothing = np.zeros((0, 0))
    found = run(lowered(text), np.zeros(2), nothing, nothing, 1).trajectory
    np.testing.assert_allclose(found[-1], -FROM_ZERO[call], rtol=1e-12)


# -- numbers at which a condition of a rule could jump -------------------------------------------------

GRADIENTS = np.random.default_rng(1).normal(size=(4, 3))
JUMPS = {("optax.radam", "threshold")}
"""A number of steps, from which on another formula holds."""


def in_conditions(rule: ast.Optimizer) -> list[ast.Parameter]:
    """The numbers that decide which formula holds."""
    conditions = [node.condition for node in walk(rule) if isinstance(node, ast.Choose | ast.If)]
    names = {name for c in conditions for name in names_in(c)}
    return [p for p in rule.parameters if p.name in names and not is_flag(p)]


DECIDING = [
    (name, p.name)
    for name in library.names("optimizer")
    if isinstance(rule := library.lookup("optimizer", name), ast.Optimizer)
    for p in in_conditions(rule)
    if (name, p.name) not in JUMPS
]


@pytest.mark.parametrize(("name", "parameter"), one_in(3, DECIDING))
def test_one_is_a_number_as_any_other(name: str, parameter: str) -> None:
    """A condition such as `weight_decay != 0` decides at 0 and nowhere else, whatever is switched on."""
    rule = library.lookup("optimizer", name)
    assert isinstance(rule, ast.Optimizer)
    given = [f"{p.name} = 0.1" for p in rule.parameters if p.default is None and p.name != parameter]
    for flags in ([], *([f"{p.name} = true"] for p in rule.parameters if is_flag(p))):
        ways = []
        for value in ("1", "0.999999999"):
            text = f"{name}({', '.join([*given, *flags, f'{parameter} = {value}'])})"
            with suppress(netc.SpecError, ValueError):  # asks for losses, or two flags exclude one another
                ways.append(netc.update_rule(text).trajectory([0.3, -1.2, 0.7], GRADIENTS))
        if len(ways) == 2:
            assert ways[0] == pytest.approx(ways[1], rel=1e-6, abs=1e-6)
