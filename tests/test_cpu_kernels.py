"""Generated kernels against the plain interpreter of the ir: every shape of lanes, precision, batch and rule."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from netc.compiler import pipeline
from netc.compiler.calculus import evaluate, interpret, ir
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.machine import Machine
from netc.compiler.meaning.spec import Facts
from netc.dsl.source import Source
from netc.runtime.devices.load import load_kernels
from netc.runtime.random import Purpose, permutation
from netc.runtime.training.report import IN_ORDER
from netc.runtime.training.sample_layout import bounds, lay_out, no_samples
from netc.runtime.training.workers import use_threads
from sweeps import one_in

TOLERANCE = {"f64": 1e-12, "f32": 2e-5}


@dataclass
class Built:
    program: ir.Program
    kernels: ModuleType
    x: np.ndarray
    y: np.ndarray

    @property
    def real(self) -> type[np.floating]:
        return np.float32 if self.program.training.precision == "f32" else np.float64

    def row(self, numbers: np.ndarray) -> np.ndarray:
        """theta as the kernels want it."""
        row = np.zeros((1, self.kernels.STRIDE), self.real)
        row[0, : len(numbers)] = numbers
        return row

    def samples(self):
        if not self.program.problem.sampled:
            return no_samples(self.kernels.BLOCK, self.real)
        return lay_out(self.x, self.y, self.kernels.BLOCK, self.real, bool(self.kernels.BY_SAMPLE))


def build(
    text: str,
    samples: int = 5,
    inputs: int = 2,
    outputs: int = 1,
    lanes: int = 4,
    labels: bool = False,
    cache: int = Machine.cache,
) -> Built:
    source = Source("test.net", text)
    facts = Facts(inputs, outputs, samples) if "network" in text else None
    program = pipeline.to_ir(pipeline.to_spec(pipeline.to_ast(source), facts, Path()))
    target = Cpu(Machine(lanes=lanes, registers=32 if lanes >= 8 else 16, cache=cache))
    kernels = load_kernels(pipeline.to_text(pipeline.to_loops(program, target, samples), target))
    rng = np.random.default_rng(7)
    x = rng.standard_normal((samples, inputs))
    y = (
        np.eye(outputs)[rng.integers(0, outputs, samples)]
        if labels
        else rng.uniform(0.1, 0.9, (samples, outputs))
    )
    return Built(program, kernels, x, y)


def network(layers: str, loss: str, more: str = "") -> str:
    return f"""
data "unread.csv"
network {layers}
loss {loss}
init weights ~ normal(0, 0.5)
init biases ~ normal(0, 0.5)
optimizer gd(eta = 0.1)
train steps = 3{more}
"""


NETWORKS = [
    ("[2(tanh)3(lin)1]", "half_mse", {}),
    ("[5(gelu)7(sigmoid)6(lin)2]", "mse", {"inputs": 5, "outputs": 2, "samples": 70}),
    ("[3(softmax)5(tanh)4(softmax)3]", "cross_entropy", {"inputs": 3, "outputs": 3, "samples": 33, "labels": True}),
    ("[4(swish(1.5))9(sigmoid)1]", "binary_cross_entropy", {"inputs": 4, "samples": 130}),
    ("[6(dense nobias, relu)11(dense nobias, arctan)2]", "huber(delta = 0.3)", {"inputs": 6, "outputs": 2, "samples": 9}),
    ("[13(sigmoid)1]", "half_mse", {"inputs": 13, "samples": 40}),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "loss", "shape"), one_in(2, NETWORKS), ids=[n[0] for n in NETWORKS])
@pytest.mark.parametrize(("precision", "lanes"), one_in(4, [("f64", 4), ("f64", 1), ("f32", 4), ("f64", 8)]))
def test_gradient_and_outputs(
    layers: str, loss: str, shape: dict[str, int], precision: str, lanes: int
) -> None:
    built = build(network(layers, loss, f", precision = {precision}"), lanes=lanes, **shape)
    problem = built.program.problem
    theta = np.random.default_rng(3).standard_normal(problem.parameters).astype(built.real) / 2
    x, y = built.x.astype(built.real), built.y.astype(built.real)
    samples, row = built.samples(), built.row(theta)[0]
    scratch, grad = np.zeros(built.kernels.SCRATCH, built.real), np.zeros(built.kernels.STRIDE, built.real)
    out = np.zeros_like(samples.y)
    close = {"rtol": TOLERANCE[precision], "atol": TOLERANCE[precision]}

    for first, count in [(0, len(x)), (2, len(x) - 3)]:
        part = slice(first, first + count)
        expected, slope = evaluate.loss_and_gradient(problem, theta, x[part], y[part])
        found = built.kernels.gradient(row, samples.x, samples.y, IN_ORDER, first, count, grad, scratch)
        np.testing.assert_allclose(found, expected, **close)
        np.testing.assert_allclose(grad[: len(slope)], slope, **close)
        loss_too = built.kernels.predict(row, samples.x, samples.y, IN_ORDER, first, count, out, scratch)
        np.testing.assert_allclose(loss_too, expected, **close)
        np.testing.assert_allclose(out[:, part].T, evaluate.predict(problem, theta, x[part]), **close)


def advance(built: Built, theta: np.ndarray, steps: int, parts: list[int] | None = None):
    """theta and counters after `steps` iterations, made in one call or several."""
    kernels, program = built.kernels, built.program
    samples = built.samples()
    row = built.row(theta)
    vectors = np.zeros((1, kernels.VECTORS, kernels.STRIDE), built.real)
    scalars, figures = np.zeros((1, kernels.SCALARS)), np.zeros((1, 3))
    counters = np.zeros((1, 5), np.int64)
    hyper = np.array([h.value for h in program.rule.hypers])
    order = np.arange(samples.count, dtype=np.int64)[None].copy()
    rows = np.zeros(1, np.int64)
    cuts = bounds(program.training.batches, samples.count)
    scratch = np.zeros(kernels.SCRATCH, built.real)
    kernels.start(row, vectors, scalars, hyper)
    for last in [*(parts or []), steps]:
        kernels.advance(rows, row, vectors, scalars, counters, figures, hyper, samples.x, samples.y, cuts, order,
                        scratch, program.training.seed, last)  # fmt: skip
    return row[0, : kernels.PARAMETERS], counters[0], cuts


RULES = {
    "heavy ball with a table": """
optimizer momentum.heavy_ball(eta = 0.1, alpha = 0.9)
schedule eta = 0.1 until 4, 0.02 until 9, 0.01
""",
    "adam": "optimizer adam.paper(eta = 0.05)",
    "look-ahead": "optimizer nesterov.lookahead(eta = 0.1)",
    "clipped by norm, decayed weights": """
optimizer mine(eta = 0.3, c = 0.05, lambda = 0.1):
    g = grad R(theta[n]) + lambda*weights*theta[n]
    theta[n+1] = theta[n] - eta*g*min(1, c/norm(g))
""",
    "per layer": """
optimizer lars(eta = 0.3, eps = 1e-3):
    g = grad R(theta[n])
    theta[n+1] = theta[n] - eta*g*norm(theta[n], per = layer)/(norm(g, per = layer) + eps)
""",
    "per tensor": """
optimizer blocks(eta = 0.3, c = 0.05):
    g = grad R(theta[n])
    h = g/max(1, sqrt(mean(g^2, per = tensor))/c)
    theta[n+1] = theta[n] - eta*h - 0.01*max(|theta[n]|, per = tensor)*sum(h, per = tensor)
""",
    "the point before": """
optimizer two_steps(eta = 0.1, b = 0.5):
    p[n+1]     = theta[n]
    theta[n+1] = theta[n] + b*(theta[n] - p[n]) - eta*grad R(theta[n])
""",
    "a search": """
optimizer lcgd(eta0 = 0.1, lambda = 0.5, f1 = 30, f2 = 10000):
    e[0] = eta0 / f2
    g    = grad R(theta[n])
    h    = f2 * e[n]
    repeat at most 60:
        p = theta[n] - h*g
        until R(p) - R(theta[n]) <= -lambda*h*norm(g)^2
        h = h / f1
    theta[n+1] = p
    e[n+1]     = h
""",
    "splitting": """
optimizer splitting(eta = 0.1):
    for i in 1..m:
        theta[n+i/m] = theta[n+(i-1)/m] - eta*grad R[i](theta[n+(i-1)/m])
""",
    "speth": """
optimizer speth(eta = 0.1):
    theta[n+1/2] = theta[n] - eta*grad R[1](theta[n]) + eta*c[n]
    theta[n+1]   = theta[n+1/2] - eta*grad R[2](theta[n+1/2]) - eta*c[n]
    c[n+1]       = c[n] + (theta[n+1] + theta[n] - 2*theta[n+1/2])/(2*eta)
""",
    "plateau": """
optimizer gd(eta = 0.9)
schedule eta = plateau(0.9, factor = 0.5, patience = 1)
""",
    "names that the kernel has taken": """
optimizer odd(eta = 0.1, lambda = 0.9, S = 2):
    part[n+1]  = lambda*part[n] + grad R(theta[n])
    part_q     = part[n+1]*S/2
    keep       = norm(part_q)
    r1         = 2*keep
    theta[n+1] = theta[n] - eta*part_q*(r1/keep)
""",
    "a criterion": """
optimizer gd(eta = 0.5)
""",
}
SETTINGS = {"splitting": ", batch = 3 parts, shuffle = false", "speth": ", batch = 2 parts, shuffle = false",
            "adam": ", batch = 4, shuffle = false", "plateau": ", batch = 5, shuffle = false",
            "a criterion": ", stop = norm(grad R) < 0.05"}  # fmt: skip


@pytest.mark.parametrize("name", one_in(4, RULES))
def test_rules_on_a_network(name: str) -> None:
    text = network("[2(tanh)3(lin)1]", "half_mse", SETTINGS.get(name, "")).replace(
        "optimizer gd(eta = 0.1)", RULES[name]
    )
    built = build(text.replace("steps = 3", "steps = 40"), samples=11)
    theta = np.random.default_rng(5).standard_normal(built.program.problem.parameters) / 2
    found, counters, cuts = advance(built, theta, 40)
    expected = interpret.run(built.program, theta, built.x, built.y, 40, cuts.tolist())
    np.testing.assert_allclose(found, expected.trajectory[-1], rtol=1e-10, atol=1e-12)
    assert counters[:4].tolist() == [
        expected.iterations, expected.loss_evaluations, expected.gradient_evaluations, expected.status,
    ]  # fmt: skip
    assert np.any(found != theta)
    again, _, _ = advance(built, theta, 40, [1, 2, 17])
    assert np.array_equal(found, again), "the cut into calls changes bits"


FUNCTIONS = {
    "in registers": "objective R(w, b) = ((w + b)^4 + sin(b)^2 + exp(-w^2))/5",
    "in memory": "objective R(a, b, c, d, e, f, g, h, i) = ((a + b)^2 + c^2*d^2 + (e - f)^2 + sin(g)^2 + h^2 + i^4)/5",
}


@pytest.mark.parametrize("precision", ["f64", "f32"])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", one_in(14, (n for n in RULES if n not in ("splitting", "speth"))))
def test_rules_on_an_objective(name: str, function: str, precision: str) -> None:
    """Vectors in registers and vectors in memory: the same rule."""
    stop = SETTINGS[name] if name == "a criterion" else ""
    text = f"{FUNCTIONS[function]}\n{RULES[name]}\ntrain steps = 25, precision = {precision}{stop}\n"
    parameters = 2 if function == "in registers" else 9
    built = build(f"{text}init theta ~ uniform(-1, 1)")
    theta = np.random.default_rng(5).uniform(-1, 1, parameters).astype(built.real) / 2
    found, counters, _ = advance(built, theta, 25)
    expected = interpret.run(built.program, theta, np.zeros((1, 1)), np.zeros((1, 1)), 25)
    close = 1e-10 if precision == "f64" else 2e-4
    np.testing.assert_allclose(found, expected.trajectory[-1], rtol=close, atol=close)
    if precision == "f64":
        assert counters[:4].tolist() == [
            expected.iterations, expected.loss_evaluations, expected.gradient_evaluations, expected.status,
        ]  # fmt: skip
    again, _, _ = advance(built, theta, 25, [1, 2, 17])
    assert np.array_equal(found, again), "the cut into calls changes bits"
    assert ("theta_q0" in Path(built.kernels.__file__).read_text()) == (function == "in registers")


SEARCHES = {
    "LCD": "optimizer turpault.LCD",
    "searches in branches": """
optimizer mine(eta = 0.3):
    g = grad R(theta[n])
    h = eta
    if norm(g) > 2:
        repeat at most 3:
            p = theta[n] - h*g
            until R(p) < R(theta[n])
            if h > 0.1:
                h = h/2
            else:
                h = h/3
        fail if h < 0.02
    else:
        for k in 1..2:
            if R(theta[n] - 2*h*g) < R(theta[n]):
                h = 2*h
        repeat:
            until R(theta[n] - h*g) < R(theta[n]) + 1e-9
            h = h/2
    theta[n+1] = theta[n] - h*g
""",
}


IN_LANES = (
    "heavy ball with a table", "adam", "per layer", "the point before", "a criterion",
    "names that the kernel has taken", "clipped by norm, decayed weights", "a search", *SEARCHES,
)  # fmt: skip


@pytest.mark.parametrize("name", one_in(6, IN_LANES))
def test_runs_in_lanes_are_runs_alone(name: str) -> None:
    """To the last bit: among 37 runs, some of which diverge or stop early, and alone; also cut into calls."""
    stop = SETTINGS[name] if name == "a criterion" else ""
    rule = (RULES | SEARCHES)[name]
    text = f"{FUNCTIONS['in registers']}\n{rule}\ninit theta ~ uniform(-1, 1)\ntrain steps = 30{stop}"
    alone, many = build(text), build(f"{text}, runs = 37")
    assert "walk" in Path(many.kernels.__file__).read_text()
    assert many.kernels.LANES == 16
    nothing = no_samples(1, np.float64)
    starts = np.random.default_rng(5).uniform(-6, 6, (37, 2))
    expected = [advance(alone, theta, 30)[:2] for theta in starts]
    rows = np.arange(37)[::-1].copy()  # in any order
    for parts in ([30], [1, 2, 17, 30]):
        theta, counters = starts.copy(), np.zeros((37, 5), np.int64)
        vectors = np.zeros((37, many.kernels.VECTORS, many.kernels.STRIDE))
        scalars, figures = np.zeros((37, many.kernels.SCALARS)), np.zeros((37, 3))
        scratch, order = np.zeros(many.kernels.SCRATCH), np.zeros((37, 0), np.int64)
        hyper = np.array([h.value for h in many.program.rule.hypers])
        many.kernels.start(theta, vectors, scalars, hyper)
        for last in parts:
            many.kernels.advance(rows, theta, vectors, scalars, counters, figures, hyper, nothing.x, nothing.y,
                                 np.array([0, 1]), order, scratch, 0, last)  # fmt: skip
        assert np.array_equal(theta, [row[0] for row in expected], equal_nan=True)
        assert np.array_equal(counters[:, :4], [row[1][:4] for row in expected])
    if name in ("heavy ball with a table", "a criterion", "searches in branches"):
        assert len(set(counters[:, 0])) > 1, "all runs took as long"
    if name in ("a search", *SEARCHES):
        assert len(set(counters[counters[:, 0] == 30, 1])) > 1, "all searches took as long"


def test_shuffled_batches() -> None:
    rule = network("[2(tanh)3(lin)1]", "half_mse", ", batch = 4, shuffle = true, seed = 9").replace(
        "steps = 3", "steps = 12"
    )
    built = build(rule, samples=11)
    theta = np.random.default_rng(5).standard_normal(built.program.problem.parameters) / 2
    found, _, cuts = advance(built, theta, 12)
    orders = [permutation(11, 9, 0, Purpose.SHUFFLE, epoch) for epoch in range(4)]
    expected = interpret.run(
        built.program, theta, built.x, built.y, 12, cuts.tolist(), lambda epoch: orders[epoch]
    )
    np.testing.assert_allclose(found, expected.trajectory[-1], rtol=1e-10, atol=1e-12)


def test_threads_change_no_bit() -> None:
    """A batch that is cut into ranges, and many runs, on one and on two threads."""
    wide = build(
        network("[40(tanh)80(lin)2]", "mse").replace("steps = 3", "steps = 4"), 3000, inputs=40, outputs=2
    )
    assert "gradient_of" in Path(wide.kernels.__file__).read_text(), "too small to be cut"
    theta = np.random.default_rng(5).standard_normal(wide.program.problem.parameters) / 9
    results = []
    for threads in (1, 2):
        use_threads(threads)
        results.append(advance(wide, theta, 4)[0])
    assert np.array_equal(*results)
    expected = interpret.run(wide.program, theta, wide.x, wide.y, 4)
    np.testing.assert_allclose(results[0], expected.trajectory[-1], rtol=1e-10, atol=1e-12)
