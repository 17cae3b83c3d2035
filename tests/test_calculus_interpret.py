"""The interpreter, oracle of the kernels, against backpropagation by hand, differences and plain loops."""

from dataclasses import replace

import numpy as np
import pytest

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate, loss_and_gradient, parts_of, predict
from netc.compiler.calculus.expr_text import expr_text
from netc.compiler.calculus.given_gradients import Given, trajectory
from netc.compiler.calculus.interpret import CRITERION, DIVERGED, RUNNING, SEARCH_FAILED, run
from netc.compiler.calculus.ir import Const, Var, apply
from netc.compiler.lower.network import problem
from netc.compiler.show_ir import show

THETA = Var("theta", ir.THETA)
N, UNITS, LAST, INNER = ir.SAMPLES, ir.Axis("units", 4), ir.Axis("last", 2), ir.Axis("x", 3)
G, V, M = Var("g", ir.THETA), Var("v", ir.THETA), Var("m1", ir.THETA)
ETA, BETA = Var("eta", ir.SCALAR), Var("beta", ir.SCALAR)


def add(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return apply("add", a, b)


def sub(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return apply("sub", a, b)


def mul(a: ir.Expr, b: ir.Expr) -> ir.Expr:
    return apply("mul", a, b)


def dense(name: str, units: ir.Axis, x: ir.Let | ir.Tensor) -> tuple[list[ir.Tensor], ir.Let]:
    weight = ir.Tensor(f"{name}.weight", (units, x.axes[1]), "weight")
    bias = ir.Tensor(f"{name}.bias", (units,), "bias")
    z = add(ir.Reduce("sum", mul(weight.var, x.var), (x.axes[1],)), bias.var)
    return [weight, bias], ir.Let(f"{name}.z", (N, units), z)


def network(mean: bool = True) -> ir.Problem:
    """[3(tanh)4(sigmoid)2] with half the sum of squares."""
    x, y = ir.Tensor("x", (N, INNER), "input"), ir.Tensor("y", (N, LAST), "target")
    first, z1 = dense("layer1", UNITS, x)
    a = ir.Let("layer1.a", z1.axes, apply("tanh", z1.var), "tanh")
    second, z2 = dense("layer2", LAST, a)
    u = ir.Let("output", z2.axes, apply("sigmoid", z2.var))
    error = sub(u.var, y.var)
    loss = ir.Let("loss", (), mul(Const(0.5), ir.total("sum", mul(error, error))))
    return problem([*first, *second, x, y], [z1, a, z2, u, loss], "output", mean)


def by_hand(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    w1, b1 = theta[:12].reshape(4, 3), theta[12:16]
    w2, b2 = theta[16:24].reshape(2, 4), theta[24:]
    a = np.tanh(x @ w1.T + b1)
    u = 1 / (1 + np.exp(-(a @ w2.T + b2)))
    d2 = (u - y) * u * (1 - u) / len(x)
    d1 = (d2 @ w2) * (1 - a**2)
    parts = [(d1.T @ x).ravel(), d1.sum(axis=0), (d2.T @ a).ravel(), d2.sum(axis=0)]
    return float(np.sum((u - y) ** 2) / 2 / len(x)), np.concatenate(parts)


RNG = np.random.default_rng(7)
START, INPUTS, TARGETS = RNG.normal(size=26), RNG.normal(size=(9, 3)), RNG.uniform(size=(9, 2))


def test_network_gradient_is_that_of_backpropagation() -> None:
    loss, grad = loss_and_gradient(network(), START, INPUTS, TARGETS)
    expected = by_hand(START, INPUTS, TARGETS)
    assert loss == pytest.approx(expected[0], rel=1e-14)
    assert grad == pytest.approx(expected[1], rel=1e-12, abs=1e-15)


def test_network_gradient_is_that_of_differences() -> None:
    _, grad = loss_and_gradient(network(), START, INPUTS, TARGETS)
    for i, step in enumerate(1e-5 * np.eye(26)):
        up, down = (loss_and_gradient(network(), START + s, INPUTS, TARGETS)[0] for s in (step, -step))
        assert grad[i] == pytest.approx((up - down) / 2e-5, abs=1e-9)


def test_mean_and_sum_over_the_samples() -> None:
    mean, total = (loss_and_gradient(network(m), START, INPUTS, TARGETS) for m in (True, False))
    assert total[0] == pytest.approx(9 * mean[0])
    assert total[1] == pytest.approx(9 * mean[1])


def test_single_precision() -> None:
    arrays = [a.astype(np.float32) for a in (START, INPUTS, TARGETS)]
    loss, grad = loss_and_gradient(network(), *arrays)
    assert grad.dtype == np.float32
    assert predict(network(), *arrays[:2]).dtype == np.float32
    expected = by_hand(START, INPUTS, TARGETS)
    assert loss == pytest.approx(expected[0], rel=1e-5)
    assert grad == pytest.approx(expected[1], abs=1e-6)


def test_reductions_per_layer() -> None:
    norm = apply("sqrt", ir.total("sum", mul(THETA, THETA), "layer"))
    assert parts_of(network())["layer"] == (slice(0, 16), slice(16, 26))
    got = evaluate(norm, {"theta": START}, parts_of(network()))
    expected = np.repeat([np.linalg.norm(START[:16]), np.linalg.norm(START[16:])], [16, 10])
    assert got == pytest.approx(expected, rel=1e-14)


def test_reductions_per_tensor() -> None:
    """Weights 3 x 4 and 4 biases, weights 4 x 2 and 2 biases."""
    assert parts_of(network())["tensor"] == (slice(0, 12), slice(12, 16), slice(16, 24), slice(24, 26))
    got = evaluate(ir.total("max", THETA, "tensor"), {"theta": START}, parts_of(network()))
    parts = np.split(START, [12, 16, 24])
    assert (got == np.repeat([p.max() for p in parts], [12, 4, 8, 2])).all()


# -- rules ---------------------------------------------------------------------------------------------

EVALUATE = ir.Evaluate("theta", "current", "", "g")
THETA_STATE = ir.State("theta", ir.THETA, THETA)


def rule(
    body, *, states=(), commits=(), hypers=(("eta", 0.1),), test=(), end=(), end_commits=(), visits=False
):
    hyper = tuple(ir.Hyper(*h) for h in hypers)
    commits = (ir.Commit("theta", "next"), *commits)
    ends = tuple(end), tuple(end_commits)
    return ir.Rule(hyper, (THETA_STATE, *states), tuple(body), commits, tuple(test), *ends, visits)


def program(r: ir.Rule, problem: ir.Problem | None = None) -> ir.Program:
    training = ir.Training(-1, 100, ir.Batches("full", 0, False), "f64", 1, 1, "cpu")
    return ir.Program(problem or network(), ir.Starts((), "", ()), r, training)


DESCENT = rule([EVALUATE, ir.Assign("next", sub(THETA, mul(ETA, G)))])
NESTEROV = rule(
    [
        ir.Assign("p", add(THETA, mul(BETA, V))),
        ir.Evaluate("p", "current", "", "g"),
        ir.Assign("v1", sub(mul(BETA, V), mul(ETA, G))),
        ir.Assign("next", add(THETA, Var("v1", ir.THETA))),
    ],
    states=[ir.State("v", ir.THETA, Const(0.0))],
    commits=[ir.Commit("v", "v1")],
    hypers=(("eta", 0.1), ("beta", 0.9)),
)
POWER = apply("pow", BETA, add(Var("n", ir.SCALAR), Const(1.0)))
ADAM = rule(
    [
        EVALUATE,
        ir.Assign("m1", add(mul(BETA, Var("m0", ir.THETA)), mul(sub(Const(1.0), BETA), G))),
        ir.Assign("v1", add(mul(BETA, V), mul(sub(Const(1.0), BETA), mul(G, G)))),
        ir.Assign("c", sub(Const(1.0), POWER)),
        ir.Assign("root", apply("sqrt", apply("div", Var("v1", ir.THETA), Var("c", ir.SCALAR)))),
        ir.Assign("step", apply("div", M, mul(Var("c", ir.SCALAR), add(Var("root", ir.THETA), Const(1e-8))))),
        ir.Assign("next", sub(THETA, mul(ETA, Var("step", ir.THETA)))),
    ],
    states=[ir.State("m0", ir.THETA, Const(0.0)), ir.State("v", ir.THETA, Const(0.0))],
    commits=[ir.Commit("m0", "m1"), ir.Commit("v", "v1")],
    hypers=(("eta", 0.05), ("beta", 0.9)),
)


def descent(grad, theta: np.ndarray, steps: int) -> np.ndarray:
    path = [theta]
    for n in range(steps):
        path.append(path[-1] - 0.1 * grad(path[-1], n))
    return np.array(path)


def nesterov(grad, theta: np.ndarray, steps: int) -> np.ndarray:
    path, v = [theta], np.zeros_like(theta)
    for n in range(steps):
        v = 0.9 * v - 0.1 * grad(path[-1] + 0.9 * v, n)
        path.append(path[-1] + v)
    return np.array(path)


def adam(grad, theta: np.ndarray, steps: int) -> np.ndarray:
    path, m, v = [theta], np.zeros_like(theta), np.zeros_like(theta)
    for n in range(steps):
        g = grad(path[-1], n)
        m, v = 0.9 * m + 0.1 * g, 0.9 * v + 0.1 * g**2
        c = 1 - 0.9 ** (n + 1)
        path.append(path[-1] - 0.05 * (m / c) / (np.sqrt(v / c) + 1e-8))
    return np.array(path)


RULES = [(DESCENT, descent), (NESTEROV, nesterov), (ADAM, adam)]
NAMES = ["gd", "nesterov", "adam"]


@pytest.mark.parametrize(("made", "loop"), RULES, ids=NAMES)
def test_rules_follow_plain_loops(made: ir.Rule, loop) -> None:
    outcome = run(program(made), START, INPUTS, TARGETS, 20)
    expected = loop(lambda t, n: by_hand(t, INPUTS, TARGETS)[1], START, 20)
    assert outcome.trajectory == pytest.approx(expected, rel=1e-11, abs=1e-13)
    assert (outcome.iterations, outcome.status) == (20, RUNNING)
    assert (outcome.loss_evaluations, outcome.gradient_evaluations) == (0, 20)


@pytest.mark.parametrize(("made", "loop"), RULES, ids=NAMES)
def test_rules_on_given_gradients(made: ir.Rule, loop) -> None:
    gradients = RNG.normal(size=(12, 5))
    expected = loop(lambda t, n: gradients[n], np.ones(5), 12)
    assert trajectory(made, np.ones(5), Given(gradients))[0] == pytest.approx(expected, rel=1e-12)


def test_a_schedule_on_given_gradients() -> None:
    gradients, etas = RNG.normal(size=(6, 2)), [0.1, 0.2, 0.3, 0.0, 1.0, 0.5]
    path = trajectory(DESCENT, np.zeros(2), Given(gradients, {"eta": etas}))[0]
    assert path[1:] == pytest.approx(-np.cumsum(np.array(etas)[:, None] * gradients, axis=0))
    asks = replace(DESCENT, body=(ir.Evaluate("theta", "current", "l", "g"), *DESCENT.body[1:]))
    with pytest.raises(ValueError, match="loss"):
        trajectory(asks, np.zeros(2), Given(gradients))


def test_each_evaluation_of_a_step_is_told_its_own_loss() -> None:
    both = add(mul(Const(10.0), Var("first", ())), Var("second", ()))
    made = rule(
        [
            ir.Evaluate("theta", "current", "first", "g"),
            ir.Evaluate("theta", "current", "second", "h"),
            ir.Assign("next", sub(THETA, mul(mul(ETA, both), G))),
        ]
    )
    given = Given(np.ones((2, 2)), losses=np.array([[3.0, 5.0], [7.0, 11.0]]))
    path = trajectory(made, np.zeros(2), given)[0]
    assert path[:, 0] == pytest.approx([0.0, -3.5, -11.6])  # eta is 0.1


def test_batches_in_the_order_given() -> None:
    orders = [np.arange(9), np.arange(9)[::-1]]
    outcome = run(program(DESCENT), START, INPUTS, TARGETS, 6, [0, 4, 8, 9], lambda epoch: orders[epoch])
    theta = START
    for n in range(6):
        chosen = orders[n // 3][[slice(0, 4), slice(4, 8), slice(8, 9)][n % 3]]
        theta = theta - 0.1 * by_hand(theta, INPUTS[chosen], TARGETS[chosen])[1]
    assert outcome.trajectory[-1] == pytest.approx(theta, rel=1e-12)


def test_a_rule_that_visits_the_batches_itself() -> None:
    i = Var("i", ir.SCALAR)
    visit = (ir.Evaluate("next", i, "", "g"), ir.Assign("next", sub(Var("next", ir.THETA), mul(ETA, G))))
    splitting = rule(
        [ir.Assign("next", THETA), ir.For("i", Const(1.0), Var("m", ir.SCALAR), visit)], visits=True
    )
    outcome = run(program(splitting), START, INPUTS, TARGETS, 2, [0, 5, 9])
    plain = run(program(DESCENT), START, INPUTS, TARGETS, 4, [0, 5, 9])
    assert outcome.trajectory[-1] == pytest.approx(plain.trajectory[-1], rel=1e-13)
    assert (outcome.iterations, outcome.gradient_evaluations) == (2, 4)


# -- objectives, searches, stops -----------------------------------------------------------------------

PX, PY = Var("x", ir.SCALAR), Var("y", ir.SCALAR)
BOWL = add(mul(PX, PX), mul(Const(3.0), mul(PY, PY)))
OBJECTIVE = problem([ir.Tensor(v, (), "weight") for v in "xy"], [ir.Let("loss", (), BOWL)])
NONE = np.zeros((1, 1))


def minimise(r: ir.Rule, start: list[float], steps: int, **hypers: float):
    return run(program(r, OBJECTIVE), np.array(start), NONE, NONE, steps, hypers=hypers)


def test_descent_on_a_bowl_has_its_closed_form() -> None:
    outcome = minimise(DESCENT, [2.0, 1.0], 10)
    assert outcome.trajectory[-1] == pytest.approx([2 * 0.8**10, 0.4**10], rel=1e-12)


def test_divergence_ends_the_run_where_it_is_seen() -> None:
    outcome = minimise(DESCENT, [2.0, 1.0], 2000, eta=10.0)
    assert outcome.status == DIVERGED
    assert len(outcome.trajectory) == outcome.iterations + 1 < 2000
    x, y = outcome.trajectory[-1]
    with np.errstate(over="ignore"):
        assert not np.isfinite(x * x + 3 * (y * y))


def test_a_trial_may_be_lost() -> None:
    """Only the first evaluation of an iteration is the loss of the run."""
    far = ir.Assign("far", mul(Const(1e200), THETA))
    with np.errstate(over="ignore"):
        outcome = minimise(rule([*DESCENT.body, far, ir.Evaluate("far", "full", "lost", "")]), [2.0, 1.0], 10)
    assert outcome.status == RUNNING
    assert outcome.trajectory[-1] == pytest.approx([2 * 0.8**10, 0.4**10], rel=1e-12)


def test_a_criterion_ends_the_run_before_the_update() -> None:
    norm = apply("sqrt", ir.total("sum", mul(G, G)))
    body = [EVALUATE, ir.Stop(apply("lt", norm, Const(1e-3))), *DESCENT.body[1:]]
    outcome = minimise(rule(body), [2.0, 1.0], 1000)
    assert outcome.status == CRITERION
    assert (
        np.linalg.norm([2, 6] * outcome.trajectory[-1])
        < 1e-3
        <= np.linalg.norm([2, 6] * outcome.trajectory[-2])
    )


def test_a_criterion_on_all_samples_is_tested_once_an_epoch() -> None:
    test = [ir.Evaluate("theta", "full", "l", ""), ir.Stop(apply("lt", Var("l", ir.SCALAR), Const(0.09)))]
    outcome = run(program(replace(DESCENT, test=tuple(test))), START, INPUTS, TARGETS, 900, [0, 5, 9])
    losses = [by_hand(t, INPUTS, TARGETS)[0] for t in outcome.trajectory[::2]]
    assert outcome.status == CRITERION
    assert outcome.iterations % 2 == 0
    assert losses[-1] < 0.09 <= min(losses[:-1])
    assert outcome.loss_evaluations == len(losses)


def armijo(bound: int) -> ir.Rule:
    """Halves h until the loss decreases; the bound on its rounds is the rule's."""
    h, p = Var("h", ir.SCALAR), Var("next", ir.THETA)
    search = (
        ir.Assign("next", sub(THETA, mul(h, G))),
        ir.Evaluate("next", "current", "lp", ""),
        ir.Until(apply("lt", Var("lp", ir.SCALAR), Var("l", ir.SCALAR))),
        ir.Assign("h", mul(Const(0.5), h)),
    )
    assert p.axes == ir.THETA
    return rule([ir.Evaluate("theta", "current", "l", "g"), ir.Assign("h", ETA), ir.Repeat(search, bound)])


def test_a_search_repeats_until_it_finds() -> None:
    outcome = minimise(armijo(20), [2.0, 1.0], 1, eta=1.0)
    h = next(h for h in 0.5 ** np.arange(20) if (2 - 4 * h) ** 2 + 3 * (1 - 6 * h) ** 2 < 7)
    assert outcome.trajectory[-1] == pytest.approx([2 - 4 * h, 1 - 6 * h])
    assert outcome.loss_evaluations == 2 - np.log2(h)


def test_a_search_that_finds_nothing_ends_the_run() -> None:
    outcome = minimise(armijo(3), [2.0, 1.0], 5, eta=1000.0)
    assert (outcome.status, outcome.iterations) == (SEARCH_FAILED, 0)


def test_what_happens_after_an_epoch() -> None:
    """A state that counts epochs, and one that keeps the epoch's mean loss."""
    count = Var("count", ir.SCALAR)
    made = rule(
        DESCENT.body,
        states=[ir.State("count", ir.SCALAR, Const(0.0)), ir.State("seen", ir.SCALAR, Const(0.0))],
        end=[ir.Assign("more", add(count, Const(1.0)))],
        end_commits=[ir.Commit("count", "more"), ir.Commit("seen", "epoch_loss")],
    )
    outcome = run(program(made), START, INPUTS, TARGETS, 7, [0, 4, 8, 9])
    cuts = [slice(0, 4), slice(4, 8), slice(8, 9)]
    losses = [by_hand(outcome.trajectory[3 + i], INPUTS[c], TARGETS[c])[0] for i, c in enumerate(cuts)]
    assert outcome.states["count"] == 2
    assert outcome.states["seen"] == pytest.approx(np.mean(losses))


def test_masks_of_weights_and_biases() -> None:
    masked = [ir.Assign("next", mul(Var("weights", ir.THETA), THETA))]
    expected = START.copy()
    expected[12:16] = expected[24:] = 0
    assert run(program(rule(masked)), START, INPUTS, TARGETS, 1).trajectory[-1].tolist() == expected.tolist()


# -- printing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (mul(PX, sub(Const(1.0), mul(PY, PY))), "x*(1 - y*y)"),
        (sub(PX, sub(PY, PX)), "x - (y - x)"),
        (sub(sub(PX, PY), PX), "x - y - x"),
        (apply("div", PX, mul(PY, PX)), "x/(y*x)"),
        (apply("pow", apply("neg", PX), Const(-2.0)), "(-x)^(-2)"),
        (apply("neg", add(PX, PY)), "-(x + y)"),
        (apply("select", apply("lt", PX, Const(0.5)), PX, apply("exp", PY)), "(x if x < 0.5 else exp(y))"),
        (ir.total("sum", mul(THETA, THETA), "layer"), "sum(theta*theta, per = layer)"),
        (apply("and", apply("lt", PX, PY), apply("not", apply("eq", PX, PY))), "x < y and not x == y"),
    ],
)
def test_text_of_expressions(expr: ir.Expr, text: str) -> None:
    assert expr_text(expr) == text


def test_text_of_a_program() -> None:
    text = show(program(armijo(20)))
    for line in (
        "network: 3 inputs, 26 parameters",
        "weight layer1.weight[units, x] = theta[0:12] (4 x 3)",
        "layer1.z[n, units] = sum[x](layer1.weight*x) + layer1.bias",
        "layer1.a[n, units] = tanh(layer1.z)    (tanh)",
        "d_layer1.z[n, units] = d_layer1.a*(1 - layer1.a*layer1.a)",
        "d_layer1.weight[units, x] = sum[n](d_layer1.z*x)",
        "hyper eta = 0.1",
        "l = R(theta), g = grad R(theta)",
        "repeat (at most 20 times):",
        "until lp < l",
        "theta[n+1] <- next",
        "training: 100 steps",
    ):
        assert line in text
    assert "d_y = 6*y" in show(program(DESCENT, OBJECTIVE))
