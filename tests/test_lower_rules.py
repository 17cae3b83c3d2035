"""Update rules from text to ir: what is evaluated and shared, and the iterates are those of the equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netc.compiler.calculus import ir
from netc.compiler.calculus.interpret import run
from netc.compiler.check.program import check
from netc.compiler.lower.program import lower
from netc.compiler.meaning.spec import Facts
from netc.compiler.rules.cost import count
from netc.dsl import ast, library
from netc.dsl.parser import parse
from netc.dsl.source import Source
from sweeps import one_in

QUADRATIC = "objective R(x, y) = x^2 + 3*y^2\ninit theta = (2, -1)\ntrain steps = 10\n"
BATCHED = """
data inline:
    1 -> 1
    1 -> 2
network [1 (dense nobias, lin) 1]
loss    R = sum((u - y)^2)
init    theta = 0.3
train   steps = 40, batch = 2 parts, shuffle = false
"""

NETWORK = """
network [2(tanh)3(lin)1]
loss    mse
init    zeros
train   steps = 4
"""
EMA = """
optimizer ema(eta = 0.01, beta1 = 0.1):
    v[n+1]     = (1 - beta1)*v[n] + beta1*grad R(theta[n])
    theta[n+1] = theta[n] - eta*v[n+1]
"""
LCGD = """
optimizer lcgd(eta0 = 0.1, lambda = 0.5, f1 = 30, f2 = 10000):
    e[0] = eta0 / f2
    g    = grad R(theta[n])
    h    = f2 * e[n]
    repeat:
        p = theta[n] - h*g
        until R(p) - R(theta[n]) <= -lambda*h*norm(g)^2
        h = h / f1
    theta[n+1] = p
    e[n+1]     = h
"""
SPLITTING = """
optimizer splitting(eta = 0.1):
    for i in 1..m:
        theta[n+i/m] = theta[n+(i-1)/m] - eta*grad R[i](theta[n+(i-1)/m])
"""
SPETH = """
optimizer speth(eta = 0.1):
    theta[n+1/2] = theta[n] - eta*grad R[1](theta[n]) + eta*c[n]
    theta[n+1]   = theta[n+1/2] - eta*grad R[2](theta[n+1/2]) - eta*c[n]
    c[n+1]       = c[n] + (theta[n+1] + theta[n] - 2*theta[n+1/2])/(2*eta)
"""


def program(text: str, facts: Facts | None = None) -> ir.Program:
    return lower(check(parse(Source("test.net", text)), facts, Path(), given=True))


def evaluations(stmts: tuple[ir.Stmt, ...]) -> list[ir.Evaluate]:
    return [s for s in stmts if isinstance(s, ir.Evaluate)]


def gradient(theta: np.ndarray) -> np.ndarray:
    return np.array([2, 6]) * theta


def loss(theta: np.ndarray) -> float:
    return theta[0] ** 2 + 3 * theta[1] ** 2


def iterates(text: str, steps: int = 10) -> np.ndarray:
    empty = np.zeros((1, 1))
    return run(program(QUADRATIC + text), np.array([2.0, -1.0]), empty, empty, steps).trajectory


def test_ema_makes_the_iterates_of_its_equations() -> None:
    theta, v = np.array([2.0, -1.0]), np.zeros(2)
    for found in iterates(EMA):
        np.testing.assert_allclose(found, theta, rtol=1e-14)
        v = 0.9 * v + 0.1 * gradient(theta)
        theta = theta - 0.01 * v


def test_ema_evaluates_one_gradient_and_keeps_one_vector() -> None:
    rule = program(QUADRATIC + EMA).rule
    assert [(s.name, s.axes) for s in rule.states] == [("theta", ir.THETA), ("v", ir.THETA)]
    counted = count(rule)
    assert (counted.gradients, counted.losses, counted.vectors, counted.scalars) == (1, 0, 1, 0)


def test_lcgd_shares_loss_and_gradient_at_theta() -> None:
    rule = program(QUADRATIC + LCGD).rule
    (outside,) = evaluations(rule.body)
    assert outside.point == "theta"
    assert outside.loss
    assert outside.gradient
    (search,) = [s for s in rule.body if isinstance(s, ir.Repeat)]
    (trial,) = evaluations(search.body)
    assert trial.loss
    assert not trial.gradient
    assert {s.name: s.axes for s in rule.states} == {"theta": ir.THETA, "e": ir.SCALAR}


def test_lcgd_makes_the_iterates_of_its_equations() -> None:
    theta, e = np.array([2.0, -1.0]), 0.1 / 10000
    for found in iterates(LCGD):
        np.testing.assert_allclose(found, theta, rtol=1e-12)
        g, h = gradient(theta), 10000 * e
        while not loss(theta - h * g) - loss(theta) <= -0.5 * h * (g @ g):
            h /= 30
        theta, e = theta - h * g, h


@pytest.mark.parametrize(("bound", "steps"), [(1, 0), (2, 3), (5, 3)])
def test_a_search_goes_round_as_often_as_it_may(bound: int, steps: int) -> None:
    """Two rounds are needed; where one is allowed, the search fails and the run ends before its first iteration."""
    rule = f"""
optimizer r(eta = 0.001):
    h = eta
    repeat at most {bound}:
        h = 2*h
        until h > 3*eta
    theta[n+1] = theta[n] - h*grad R(theta[n])
"""
    expected = [np.array([2.0, -1.0])]
    for _ in range(steps):
        expected.append(expected[-1] - 0.004 * gradient(expected[-1]))
    np.testing.assert_allclose(iterates(rule, 3), expected, rtol=1e-14)


@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_rounding_is_the_distance_from_1_to_the_next_number(precision: str) -> None:
    """The interpreter knows doubles only, and shows its value."""
    rule = "\noptimizer r(eta = 1):\n    theta[n+1] = theta[n] - eta*rounding*grad R(theta[n])\n"
    text = QUADRATIC.replace("steps = 10", f"steps = 1, precision = {precision}") + rule
    empty = np.zeros((1, 1))
    found = run(program(text), np.array([0.0, 2.0**-20]), empty, empty, 1).trajectory[1]
    eps = float(np.finfo(np.float32 if precision == "f32" else np.float64).eps)
    assert found[1] == 2.0**-20 * (1 - 6 * eps)


def test_an_evaluation_that_does_not_change_leaves_the_search() -> None:
    rule = program(QUADRATIC + """
optimizer halving(eta = 1):
    h = eta
    repeat:
        p = theta[n] - h*grad R(theta[n])
        until R(p) < R(theta[n])
        h = h/2
    theta[n+1] = p
""").rule  # fmt: skip
    (outside,) = evaluations(rule.body)
    assert (outside.point, bool(outside.loss), bool(outside.gradient)) == ("theta", True, True)


def test_what_was_evaluated_last_in_a_search_is_known_after_it() -> None:
    rule = program(QUADRATIC + """
optimizer search(eta = 1):
    h = eta
    repeat:
        p = theta[n] - h*grad R(theta[n])
        until R(p) < R(theta[n])
        h = h/2
    c[n+1]     = c[n] + R(p)
    theta[n+1] = p - c[n]*grad R(p)
""").rule  # fmt: skip
    (outside,) = evaluations(rule.body)
    (search,) = [s for s in rule.body if isinstance(s, ir.Repeat)]
    (trial,) = evaluations(search.body)
    assert (outside.point, trial.point) == ("theta", "p")
    assert trial.gradient


def test_a_point_that_is_assigned_again_is_evaluated_again() -> None:
    rule = program(QUADRATIC + """
optimizer twice(eta = 0.1):
    p = theta[n] - eta*grad R(theta[n])
    p = p - eta*grad R(p)
    theta[n+1] = p - eta*grad R(p)
""").rule  # fmt: skip
    assert [e.point for e in evaluations(rule.body)] == ["theta", "p", "p"]


def test_equal_points_under_different_names_are_evaluated_once() -> None:
    rule = program(QUADRATIC + """
optimizer lookahead(eta = 0.1, alpha = 0.9):
    look       = theta[n] + alpha*v[n]
    v[n+1]     = alpha*v[n] - eta*grad R(theta[n] + alpha*v[n]) + 0*R(look)
    theta[n+1] = theta[n] + v[n+1]
""").rule  # fmt: skip
    (only,) = evaluations(rule.body)
    assert only.loss
    assert only.gradient


def batched(text: str, eta: float) -> np.ndarray:
    made = program(BATCHED + text, Facts(1, 1, 2))
    assert made.rule.visits_batches
    x, y = np.ones((2, 1)), np.array([[1.0], [2.0]])
    return run(made, np.array([0.3]), x, y, 40, bounds=[0, 1, 2]).trajectory[:, 0]


def test_splitting_visits_the_batches_in_order() -> None:
    found = batched(SPLITTING, 0.1)
    theta = 0.3
    for value in found:
        assert value == pytest.approx(theta, rel=1e-13)
        for y in (1, 2):
            theta -= 0.1 * 2 * (theta - y)


def test_speth_finds_the_balanced_solution() -> None:
    found = batched(SPETH, 0.1)
    theta, c = 0.3, 0.0
    for value in found:
        assert value == pytest.approx(theta, rel=1e-12)
        half = theta - 0.1 * 2 * (theta - 1) + 0.1 * c
        following = half - 0.1 * 2 * (half - 2) - 0.1 * c
        theta, c = following, c + (following + theta - 2 * half) / 0.2
    assert found[-1] == pytest.approx(1.5, abs=1e-3)


def test_the_old_substep_can_be_read_after_the_new_one() -> None:
    made = program(BATCHED + """
optimizer differences(eta = 0.1):
    for i in 1..m:
        theta[n+i/m] = theta[n+(i-1)/m] - eta*grad R[i](theta[n+(i-1)/m])
        s[n+i/m]     = s[n+(i-1)/m] + norm(theta[n+i/m] - theta[n+(i-1)/m])
""", Facts(1, 1, 2))  # fmt: skip
    outcome = run(made, np.array([0.3]), np.ones((2, 1)), np.array([[1.0], [2.0]]), 1, bounds=[0, 1, 2])
    first = 0.3 + 0.2 * 0.7
    assert outcome.states["s"] == pytest.approx(0.2 * 0.7 + 0.2 * (2 - first))


def test_an_initial_number_of_a_vector_state_fills_it() -> None:
    rule = program(QUADRATIC + """
optimizer keras(eta = 0.1, s0 = 0.1):
    s[0]       = s0
    s[n+1]     = s[n] + grad R(theta[n])^2
    theta[n+1] = theta[n] - eta*grad R(theta[n])/sqrt(s[n+1])
""").rule  # fmt: skip
    assert {s.name: s.axes for s in rule.states}["s"] == ir.THETA
    assert len(evaluations(rule.body)) == 1


def test_a_start_that_is_not_given_is_zero_in_other_starts() -> None:
    rule = program(QUADRATIC + """
optimizer mine(eta = 0.1):
    s[0]       = theta[0] - 2*v[0]
    s[n+1]     = s[n] + v[n]
    v[n+1]     = v[n] + grad R(theta[n])
    theta[n+1] = theta[n] - eta*s[n+1]
""").rule  # fmt: skip
    starts = {s.name: s.initial for s in rule.states}
    read = {node.name for node in ir.postorder(*starts.values()) if isinstance(node, ir.Var)}
    assert starts["v"] == ir.Const(0.0)
    assert read == {"theta"}


@pytest.mark.parametrize("start", ["2 + n", "2 + epoch", "2 - n/3 + 5*epoch"])
def test_at_the_start_n_and_epoch_are_0(start: str) -> None:
    rule = program(QUADRATIC + f"""
optimizer mine(eta = 0.1):
    s[0]       = {start}
    s[n+1]     = s[n]/2
    theta[n+1] = theta[n] - eta*s[n+1]*grad R(theta[n])
""").rule  # fmt: skip
    assert {s.name: s.initial for s in rule.states}["s"] == ir.Const(2.0)


def test_a_start_and_a_criterion_may_call_activations() -> None:
    text = QUADRATIC.replace(
        "steps = 10", "steps = 10, stop = gelu(norm(theta)) < 0.1, diverged = softplus(loss) > 9"
    )
    rule = program(text + """
optimizer mine(eta = 0.1):
    s[0]       = relu(eta)
    s[n+1]     = s[n] + grad R(theta[n])
    theta[n+1] = theta[n] - eta*s[n+1]
""").rule  # fmt: skip
    assert {s.name for s in rule.states} == {"theta", "s"}
    assert len([s for s in rule.body if isinstance(s, ir.Stop)]) == 2


@pytest.mark.parametrize("other", ["c", "z"])
def test_starts_of_a_schedule_are_in_any_order(other: str) -> None:
    lowered = program(f"""
objective R(x, y) = x^2 + 3*y^2
init theta = (2, -1)
train steps = 1
schedule halved(eta0 = 0.1):
    value[0]   = eta0 + 2*{other}[0]
    {other}[0] = 0.05
    value[k+1] = value[k]/2
    {other}[k+1] = {other}[k]
schedule eta = halved()
optimizer gd(eta = 1)
""")  # fmt: skip
    start = np.array([2.0, -1.0])
    empty = np.empty((0, 0))
    path = run(lowered, start, empty, empty, 1).trajectory
    np.testing.assert_allclose(path[-1], start - 0.2 * gradient(start), rtol=1e-15)


def test_a_value_used_within_one_iteration_is_no_state() -> None:
    rule = program(QUADRATIC + """
optimizer adam(eta = 0.1, beta = 0.9):
    v[n+1]     = beta*v[n] + (1 - beta)*grad R(theta[n])
    w[n+1]     = v[n+1]/(1 - beta^(n+1))
    theta[n+1] = theta[n] - eta*w[n+1]
""").rule  # fmt: skip
    assert [s.name for s in rule.states] == ["theta", "v"]


VISITS = {
    "turpault.splitting": (0, 1),
    "turpault.Speth": (2, 0),
    "turpault.RAG": (0, 2),
    "turpault.RAGL": (0, 3),
}
"""Rules that name batches, and the gradients they have outside of loops and in loops; RAG's start is a loop too."""


@pytest.mark.parametrize("name", one_in(3, library.names("optimizer")))
def test_every_rule_of_the_library_lowers(name: str) -> None:
    definition = library.lookup("optimizer", name)
    assert isinstance(definition, ast.Optimizer)
    needed = ", ".join(f"{p.name} = 0.1" for p in definition.parameters if p.default is None)
    cut = "steps = 10, batch = 2 parts, shuffle = false" if name in VISITS else "steps = 10"
    rule = program(QUADRATIC.replace("steps = 10", cut) + f"optimizer {name}({needed})\n").rule
    cost = count(rule)
    gradients = (cost.gradients, cost.gradients_per_batch)
    assert gradients == VISITS.get(name, (2 if name == "turpault.Euler_Richardson" else 1, 0))


def test_the_stop_criterion_shares_the_evaluation_of_the_rule() -> None:
    text = (
        QUADRATIC.replace("steps = 10", "steps = 10, stop = norm(grad R) < 1e-7")
        + "optimizer gd(eta = 0.1)\n"
    )
    rule = program(text).rule
    assert len(evaluations(rule.body)) == 1
    assert any(isinstance(s, ir.Stop) for s in rule.body)
    assert not rule.test


def test_with_minibatches_the_stop_criterion_has_a_test_of_its_own() -> None:
    text = (
        BATCHED.replace("shuffle = false", "stop = R < 1e-3 and norm(grad R) < 0.1")
        + "optimizer gd(eta = 0.1)\n"
    )
    rule = program(text, Facts(1, 1, 2)).rule
    (evaluation,) = evaluations(rule.test)
    assert (evaluation.batch, bool(evaluation.loss), bool(evaluation.gradient)) == ("full", True, True)
    assert [e.batch for e in evaluations(rule.body)] == ["current"]


def test_ones_is_one_at_every_parameter() -> None:
    """Weights and biases alike; by hand: each parameter loses 0.25 in each of the four iterations."""
    rule = "optimizer down(eta = 0.25):\n    theta[n+1] = theta[n] - eta*ones\n"
    x, y = np.ones((1, 2)), np.ones((1, 1))
    for text, parameters in ((QUADRATIC, 2), (NETWORK, 13)):
        start = np.linspace(-1, 1, parameters)
        path = run(program(text + rule), start, x, y, 4).trajectory
        np.testing.assert_allclose(path[-1], start - 1.0, rtol=0, atol=1e-15)
