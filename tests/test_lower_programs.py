"""Whole files from text to ir: problems, starts, schedules; and the file with every default written out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate, loss_and_gradient
from netc.compiler.calculus.interpret import run
from netc.compiler.check.program import check, data_spec
from netc.compiler.lower.program import lower
from netc.compiler.meaning.spec import Facts, Spec
from netc.compiler.meaning.spec_text import spec_text
from netc.dsl import library
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime.training.start import first_theta
from sweeps import one_in

BOSTON = """
data      boston, target = medv, scale = zscore, split = 80%, seed = 1
network   [13(tanh)15(tanh)15(lin)1]
init      glorot_uniform
loss      half_mse
optimizer momentum.ema(eta = 0.1, beta1 = 0.1)
schedule  eta = 0.1 until 75, 0.01 until 125, 0.001
train     epochs = 200, batch = full, seed = 1
"""
OBJECTIVE = "objective R(x, y) = x^2 + 3*y^2\ninit theta = (2, -1)\n"
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").rglob("*.net"))


def checked(text: str, facts: Facts | None = None, overrides: dict[str, str | float] | None = None) -> Spec:
    return check(parse(Source("test.net", text)), facts, Path(), overrides, given=True)


def objective(rest: str) -> ir.Program:
    return lower(checked(OBJECTIVE + rest))


# -- problems ----------------------------------------------------------------------------------------


def test_boston_has_the_sizes_and_offsets_of_its_layers() -> None:
    network = lower(checked(BOSTON)).problem
    assert network.parameters == 13 * 15 + 15 + 15 * 15 + 15 + 15 + 1
    weights = [t for t in network.weights if t.role == "weight"]
    assert [(t.shape, t.offset) for t in weights] == [((15, 13), 0), ((15, 15), 210), ((1, 15), 450)]


def test_the_loss_of_boston_is_half_the_mean_square() -> None:
    network = lower(checked(BOSTON)).problem
    random = np.random.default_rng(0)
    theta, x, y = random.normal(size=466) / 4, random.normal(size=(7, 13)), random.normal(size=(7, 1))
    w1, b1, w2, b2, w3, b3 = np.split(theta, np.cumsum([195, 15, 225, 15, 15]))
    u = np.tanh(np.tanh(x @ w1.reshape(15, 13).T + b1) @ w2.reshape(15, 15).T + b2) @ w3.reshape(1, 15).T + b3
    loss, gradient = loss_and_gradient(network, theta, x, y)
    assert loss == pytest.approx(np.sum((u - y) ** 2) / 14, rel=1e-13)
    for i in (0, 200, 300, 465):
        step = np.zeros(466)
        step[i] = 1e-6
        up, down = (loss_and_gradient(network, theta + s, x, y)[0] for s in (step, -step))
        assert gradient[i] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-9)


def test_activations_inside_one_layer_are_composed() -> None:
    text = BOSTON.replace("15(tanh)15", "15(leaky_relu(0.1), tanh)15").replace(
        "15(lin)1", "15(dense nobias)1"
    )
    network = lower(checked(text)).problem
    z = np.array([[-2.0, *np.linspace(0, 3, 14)]])
    expected = np.tanh(np.where(z < 0, 0.1 * z, z))
    np.testing.assert_allclose(evaluate(network.lets["layer2.a"].value, {"layer2.z": z}), expected)
    assert network.parameters == 465


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("[2 (dense) 1]", ["lin"]),
        ("[2 (tanh) 1]", ["tanh"]),
        ("[2 (dense, tanh, relu) 3 (dense) 1]", ["tanh relu", "lin"]),
        ("[2 (relu) 3 (dense, tanh, sigmoid) 1]", ["relu", "tanh sigmoid"]),
    ],
)
def test_lets_of_activations_say_which(network: str, words: list[str]) -> None:
    rest = "data given\ninit zeros\nloss half_mse\noptimizer gd\ntrain steps = 1\n"
    lets = list(ir.flat(lower(checked(f"network {network}\n{rest}", Facts(2, 1, 4))).problem.forward))
    assert [let.text for let in lets if let.text] == [*words, "half_mse"]


def test_a_users_activation_stands_inside_an_objective() -> None:
    text = "activation g(z) = z^2 - 1\nobjective R(w, b) = g(w + b)^2 + g(b)^2\n"
    text += "init theta = (-1.5, 0.7)\noptimizer gd\ntrain steps = 1\n"
    problem = lower(checked(text)).problem
    value, gradient = loss_and_gradient(problem, np.array([-1.5, 0.7]), np.empty(0), np.empty(0))
    s, b = -0.8, 0.7
    assert value == pytest.approx((s**2 - 1) ** 2 + (b**2 - 1) ** 2)
    np.testing.assert_allclose(gradient, [4 * s * (s**2 - 1), 4 * s * (s**2 - 1) + 4 * b * (b**2 - 1)])


# -- starts ------------------------------------------------------------------------------------------


def test_glorot_bounds_come_from_each_layers_fans() -> None:
    fills = lower(checked(BOSTON)).starts.fills
    weights = [f for f in fills if f.law == "uniform"]
    assert [f.arguments[1] for f in weights] == [math.sqrt(6 / 28), math.sqrt(6 / 30), math.sqrt(6 / 16)]
    assert [f.shape for f in weights] == [(15, 13), (15, 15), (1, 15)]
    assert sum(f.size for f in fills) == 466


def test_lines_of_init_replace_parts_of_the_one_that_is_used() -> None:
    fills = lower(checked(BOSTON + "init biases ~ normal(0, s), s = 1/fan_in\n")).starts.fills
    assert [f.arguments for f in fills if f.law == "normal"] == [(0, 1 / 13), (0, 1 / 15), (0, 1 / 15)]


def test_a_grid_starts_one_run_a_point() -> None:
    text = OBJECTIVE.replace("(2, -1)", "grid(-3..3, -1..1, points = 3)") + "optimizer gd\ntrain steps = 1\n"
    program = lower(checked(text))
    assert program.training.runs == 9
    assert program.starts.axes == ((-3, 0, 3), (-1, 0, 1))
    assert first_theta(program, 0, 4).tolist() == [[-3, -1], [-3, 0], [-3, 1], [0, -1]]


# -- schedules ---------------------------------------------------------------------------------------


def rates(schedule: str, train: str, steps: int, batches: int = 1) -> np.ndarray:
    """eta in each iteration: what gradient descent on R(x) = x moves by."""
    text = f"objective R(x) = x\ninit theta = 0\noptimizer gd(eta = 1)\nschedule eta = {schedule}\n{train}\n"
    bounds = list(range(batches + 1))
    data = np.zeros((batches, 1))
    return -np.diff(run(lower(checked(text)), np.zeros(1), data, data, steps, bounds=bounds).trajectory[:, 0])


def test_a_table_counts_epochs() -> None:
    found = rates("0.1 until 2, 0.01 until 3, 0.001", "train epochs = 5, batch = 2 parts", 10, batches=2)
    np.testing.assert_allclose(found, [0.1] * 4 + [0.01] * 2 + [0.001] * 4)


def test_a_table_counts_steps_where_it_says_so() -> None:
    found = rates("0.1 until 2, 0.01, unit = step", "train epochs = 5, batch = 2 parts", 4, batches=2)
    np.testing.assert_allclose(found, [0.1, 0.1, 0.01, 0.01])


def test_an_equation_in_epochs_is_followed_in_fractions() -> None:
    found = rates("0.1/(1 + 0.5*epoch)", "train epochs = 5, batch = 2 parts", 4, batches=2)
    np.testing.assert_allclose(found, 0.1 / (1 + 0.5 * np.arange(4) / 2))


def test_cosine_of_the_library_has_its_closed_form() -> None:
    found = rates("cosine(max = 1, min = 0.2, period = 8, warmup = 2)", "train epochs = 20", 12)
    n = np.arange(12)
    expected = np.where(n < 2, n / 2, 0.2 + 0.4 * (1 + np.cos(np.pi * (((n - 2) / 8) % 1))))
    np.testing.assert_allclose(found, expected, atol=1e-15)


def test_one_cycle_knows_the_planned_steps() -> None:
    found = rates("one_cycle(max = 1)", "train epochs = 10, batch = 3 parts", 30, batches=3)
    assert found[8] == pytest.approx(1)
    assert found[29] == pytest.approx(1 / 250000)


def test_plateau_falls_after_patience_epochs_without_gain() -> None:
    # The loss of R(x) = x falls as long as eta > 0; that of R = 1 + 0*x never does.
    text = "objective R(x) = 1 + 0*x\ninit theta = 0\noptimizer gd(eta = 1)\ntrain epochs = 9\n"
    program = lower(checked(text + "schedule eta = plateau(1, factor = 0.5, patience = 2)\n"))
    rule = ir.Rule(
        program.rule.hypers,
        (*program.rule.states, ir.State("sum", ir.SCALAR, ir.Const(0.0))),
        (*program.rule.body, ir.Evaluate("theta", "full", "seen", ""),
         ir.Assign("sum_next", ir.apply("add", ir.Var("sum", ir.SCALAR), ir.Var("eta", ir.SCALAR)))),
        (*program.rule.commits, ir.Commit("sum", "sum_next")),
        (), program.rule.epoch_end, program.rule.epoch_commits, False,
    )  # fmt: skip
    changed = ir.Program(program.problem, program.starts, rule, program.training)
    nothing = np.zeros((1, 1))
    sums = [run(changed, np.zeros(1), nothing, nothing, n).states["sum"] for n in range(10)]
    # torch ReduceLROnPlateau: epoch 0 is the best, 1..3 are bad, and 3 > patience = 2 halves for epoch 4
    np.testing.assert_allclose(np.diff(sums), [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25])


def test_another_number_of_a_schedule_changes_hypers_only() -> None:
    one = lower(checked(BOSTON))
    other = lower(
        checked(BOSTON.replace("0.1 until 75", "0.2 until 80").replace("epochs = 200", "epochs = 300"))
    )
    assert one.rule.body == other.rule.body
    assert one.rule.hypers != other.rule.hypers


TUPLES = {
    "milestones": "(2, 4)", "boundaries": "(2, 4)", "values": "(3, 2, 1)", "boundaries_and_scales": "((2, 0.5), (4, 0.1))",
    "schedulers": "(0.1, torch.StepLR(1, 2), 0.2)", "schedules": "(0.1, optax.linear_schedule(0, 1, 2), 0.2)",
}  # fmt: skip


@pytest.mark.parametrize("name", library.names("schedule"))
def test_every_schedule_of_the_library_lowers(name: str) -> None:
    definition = library.lookup("schedule", name)
    needed = [p.name for p in definition.parameters if p.default is None]  # type: ignore[union-attr]
    # Growing, since some libraries refuse a decay that ends with its warm-up.
    given = {p: TUPLES.get(p, str(i)) for i, p in enumerate(needed, 5)}
    arguments = ", ".join(f"{p} = {value}" for p, value in given.items())
    found = rates(f"{name}({arguments})", "train epochs = 20", 7)
    assert np.all(np.isfinite(found))


# -- overrides and the written-out file --------------------------------------------------------------


def test_overrides_replace_hyper_parameters_their_schedules_and_training() -> None:
    spec = checked(BOSTON, overrides={"eta": 0.05, "epochs": "3", "precision": "f32", "batch": "4 parts"})
    assert dict(spec.optimizer.arguments)["eta"] == 0.05
    assert spec.schedules == ()
    assert (spec.training.epochs, spec.training.precision) == (3, "f32")
    assert (spec.training.batch, spec.training.count) == ("parts", 4)


@pytest.mark.parametrize("path", one_in(10, EXAMPLES), ids=lambda p: p.stem)
def test_the_written_out_file_means_the_same(path: Path) -> None:
    program = parse(Source(path.name, path.read_text(encoding="utf-8")))
    spec = check(program, None, path.parent)
    again = parse(Source("spec.net", spec_text(spec)))
    assert lower(check(again, None, path.parent)) == lower(spec)
    assert data_spec(again, path.parent) == data_spec(program, path.parent)


@pytest.mark.parametrize(
    "schedule", ["cosine(max = 0.1, period = 10)", "plateau(0.1)", "0.1 until 3, linear_warmup(0.1, 3)"]
)
def test_schedules_are_written_out(schedule: str) -> None:
    spec = checked(BOSTON.replace("0.1 until 75, 0.01 until 125, 0.001", schedule))
    again = checked(spec_text(spec))
    assert lower(again) == lower(spec)
