"""Layers with states, draws and two modes: against PyTorch, kernels against the interpreter, whatever cuts a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import netc
from hand_built import Net, add, axes, batch_mean, mul, program, renamed, session_of, total, training
from kernel_texts import text_of
from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluated, initial_states, loss_and_gradient, predict
from netc.compiler.calculus.interpret import Outcome, run
from netc.compiler.calculus.ir import SAMPLES, Axis, Const, Index, Var, View, apply
from netc.compiler.calculus.verify import verify
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.machine import Machine
from netc.runtime.random import Purpose, permutation
from netc.runtime.results.folder import RunFolder
from netc.runtime.session import Session
from netc.runtime.training.layer_draws import draws_of
from netc.runtime.training.sample_layout import lay_out
from netc.runtime.training.start import first_states, first_theta
from netc.runtime.training.state import State, fresh, from_arrays
from netc.runtime.training.stretches import Given, OnCpu
from netc.runtime.training.task import Watcher
from netc.runtime.training.workers import Workers
from plain_kernels import plain

torch = pytest.importorskip("torch")
F = torch.nn.functional
STEPS = 20
CUTS = [0, 4, 8, 11]
RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(CUTS[-1], 6)), RNG.normal(size=(CUTS[-1], 3))
PLAIN = "optimizer plain(eta = 0.2):\n    theta[n+1] = theta[n] - eta*grad R(theta[n])\n"
TWICE = (
    "optimizer twice(eta = 0.2):\n    theta[n+1] = theta[n] - eta*grad R(theta[n] - 0.3*grad R(theta[n]))\n"
)


def normed(momentum: float, eps: float, unbiased: bool) -> ir.Problem:
    net, u = Net(Axis("i", 6)), Axis("u", 5)
    z = net.batchnorm("norm", net.dense("first", u, net.x.var), momentum, eps, unbiased)
    return net.problem(net.let("a", z.axes, apply("tanh", z)))


def session(made: ir.Problem, rule: str, settings: str) -> Session:
    name = rule.split()[1].partition("(")[0]
    train = f"train steps = {STEPS}, batch = 4, {settings}"
    return session_of(made, X, Y, f"{rule}optimizer {name}()\n{train}\nmonitor V = R(theta[n])\n")


# -- batch norm, against PyTorch -----------------------------------------------------------------------

Norm = Callable[..., object]


def torchs(z, weight, bias, mean, var, training):
    """PyTorch's own: the running variance is the unbiased one."""
    return F.batch_norm(z, mean, var, weight, bias, training, 0.1, 1e-5)


def kerass(z, weight, bias, mean, var, training):
    """As keras/src/layers/normalization/batch_normalization.py has it: momentum 0.99, the biased variance, epsilon 1e-3."""
    if training:
        m, v = z.mean(0), z.var(0, correction=0)
        mean.mul_(0.99).add_(0.01 * m.detach())
        var.mul_(0.99).add_(0.01 * v.detach())
        return weight * (z - m) / torch.sqrt(v + 1e-3) + bias
    return weight * (z - mean) / torch.sqrt(var + 1e-3) + bias


def course(norm: Norm, theta: np.ndarray, twice: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameters, running statistics and outputs in test mode, after STEPS batches."""
    shapes = [(5, 6), (5,), (5,), (5,), (3, 5)]
    sizes = [int(np.prod(s)) for s in shapes]
    mean, var = torch.zeros(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64)
    x, y = torch.tensor(X), torch.tensor(Y)

    def outputs(t, x, training):
        w, b, g, c, last = (p.reshape(s) for p, s in zip(t.split(sizes), shapes, strict=True))
        return torch.tanh(norm(x @ w.T + b, g, c, mean, var, training)) @ last.T

    def gradient(t, rows):
        t = t.detach().requires_grad_()
        loss = 0.5 * ((outputs(t, x[rows], True) - y[rows]) ** 2).sum(1).mean()
        return torch.autograd.grad(loss, t)[0]

    t = torch.tensor(theta)
    for n in range(STEPS):
        rows = slice(CUTS[n % 3], CUTS[n % 3 + 1])
        g = gradient(t, rows)
        if twice:
            kept = mean.clone(), var.clone()  # of the second evaluation nothing is kept
            g = gradient(t - 0.3 * g, rows)
            mean, var = kept
        t = t - 0.2 * g
    with torch.no_grad():
        seen = outputs(t, x, False)
    return t.numpy(), torch.cat([mean, var]).numpy(), seen.numpy()


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("norm", [torchs, kerass])
def test_batch_norm_goes_the_way_of_pytorch(norm: Norm, twice: bool) -> None:
    made = normed(0.1, 1e-5, True) if norm is torchs else normed(0.01, 1e-3, False)
    theta = np.random.default_rng(4).uniform(-0.8, 0.8, made.parameters)
    small = session(made, TWICE if twice else PLAIN, "shuffle = false").program
    found = run(small, theta, X, Y, STEPS, CUTS)
    expected, statistics, outputs = course(norm, theta, twice)
    np.testing.assert_allclose(found.trajectory[-1], expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.layers, statistics, rtol=1e-10)
    np.testing.assert_allclose(predict(made, expected, X, statistics), outputs, rtol=1e-10, atol=1e-12)


# -- kernels, against the interpreter -------------------------------------------------------------------


def everything() -> ir.Problem:
    """Batch norm, dropout for each sample and for the batch, noise, and a state that nothing waits for."""
    net, u = Net(Axis("i", 6)), Axis("u", 5)
    z = net.batchnorm("norm", net.dense("first", u, net.x.var), 0.1, 1e-5, True)
    a = net.let("a", z.axes, apply("tanh", z))
    dropped = net.dropout("batch", net.dropout("drop", a, 0.3), 0.25, per_batch=True)
    level = net.state("level", initial=0.5)
    net.update(
        level, apply("add", mul(Const(0.5), level), mul(Const(0.5), batch_mean(ir.Reduce("sum", a, (u,)))))
    )
    more = net.let("more", z.axes, ir.Draw("normal", (0.0, 0.1), "more", z.axes))
    noise = add(ir.Draw("uniform", (-0.1, 0.2), "noise", z.axes), more)
    scaled = apply("mul", dropped, apply("add", Const(1.0), mul(Const(0.1), level)))
    return net.problem(net.let("noisy", z.axes, training(apply("add", scaled, noise), scaled)))


def recurrent() -> ir.Problem:
    """Draws inside a recurrence, and a state that is a mean over several blocks of samples: nothing waits."""
    t, i, u, v = axes("t=3 i=2 u=5 v=5")
    net = Net(t, i)
    w, r = net.learn("w", u, i), net.learn("r", u, v)
    h = Var("h", (SAMPLES, t, u))
    past = View(renamed(h, u, v), t, Index(((t, 1),), -1))
    inside = add(total(mul(w, net.x.var), i), total(mul(r, past), v))
    kept = training(ir.Draw("bernoulli", (0.6,), "kept", h.axes), Const(0.6))
    pulse = ir.Let("pulse", h.axes, ir.Draw("normal", (0.0, 0.1), "pulse", h.axes))
    hidden = ir.Let("h", h.axes, mul(kept, apply("tanh", add(inside, training(pulse.var, Const(0.0))))))
    net.steps.append(ir.Scan(t, (pulse, hidden)))
    level = net.state("level", u, initial=1.0)
    end = View(h, t, Index((), 2))
    net.update(level, add(mul(Const(0.9), level), mul(Const(0.1), batch_mean(mul(end, end)))))
    return net.problem(net.let("end", (SAMPLES, u), mul(level, end)))


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize(("precision", "lanes"), [("f64", 4), ("f32", 4), ("f64", 1)])
@pytest.mark.parametrize("make", [everything, recurrent])
def test_kernels_in_training_mode(
    make: Callable[[], ir.Problem], precision: str, lanes: int, shuffled: bool
) -> None:
    made, real = make(), np.float32 if precision == "f32" else np.float64
    count = made.state_numbers
    close = {"rtol": 3e-5, "atol": 3e-5} if precision == "f32" else {"rtol": 1e-11, "atol": 1e-12}
    small = program(made, f"batch = 4, shuffle = {str(shuffled).lower()}, precision = {precision}")
    kernels = plain(text_of(small, Cpu(Machine(lanes=lanes, cache=4096)), len(X)))
    assert precision == "f32" or make is everything or len(X) > kernels.BLOCK
    samples = lay_out(X, Y, kernels.BLOCK, real, bool(kernels.BY_SAMPLE))
    theta, states = (
        RNG.uniform(-0.8, 0.8, made.parameters).astype(real),
        RNG.uniform(0.5, 2, count).astype(real),
    )
    row, grad = np.zeros(kernels.STRIDE, real), np.zeros(kernels.STRIDE, real)
    row[: len(theta)], row[-count:] = theta, states
    scratch, order = np.zeros(kernels.SCRATCH, real), np.zeros(0, np.int64)
    if shuffled:
        order = np.random.default_rng(1).permutation(len(X))
    # a batch, the last one, and, where nothing waits, more than a block
    for first, stop in [(0, 4), (8, 11)] if make is everything else [(0, 11), (8, 11)]:
        rows = order[first:stop] if shuffled else np.arange(first, stop)
        drawn = draws_of(made, 5, 3)(7, rows)
        x, y = X[rows].astype(real), Y[rows].astype(real)
        loss, slope, found = evaluated(
            made, theta, x, y, {k: v.astype(real) for k, v in drawn.items()}, states
        )
        where = (row, samples.x, samples.y, order, first, stop - first)
        seen = kernels.training_gradient(*where, grad, scratch, 5, 3, 7)
        np.testing.assert_allclose(seen, loss, **close)
        np.testing.assert_allclose(grad[: len(theta)], slope, **close)
        np.testing.assert_allclose(grad[-count:], found, **close)
        assert kernels.training_loss(*where, scratch, 5, 3, 7) == seen


@cache
def trained() -> tuple[Session, object]:
    here = session(everything(), TWICE, "shuffle = true, seed = 5, runs = 3, threads = 1")
    _, result = here.train(Watcher())
    return here, result


def interpreted(here: Session, number: int, steps: int = STEPS) -> Outcome:
    seed = here.program.training.seed
    theta = first_theta(here.program, number, 1)[0]

    def order(epoch: int) -> np.ndarray:
        return permutation(len(X), seed, number, Purpose.SHUFFLE, epoch)

    return run(
        here.program, theta, X, Y, steps, CUTS, order, draws=draws_of(here.program.problem, seed, number)
    )


def test_a_training_is_that_of_the_interpreter() -> None:
    here, result = trained()
    problem = here.program.problem
    assert result.states.shape == (3, 11)
    for number in range(3):
        expected = interpreted(here, number)
        np.testing.assert_allclose(result.theta[number], expected.trajectory[-1], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(result.states[number], expected.layers, rtol=1e-10, atol=1e-12)
        at = result.theta[number], X, Y, None, result.states[number]
        loss, gradient = loss_and_gradient(problem.tested, *at)
        assert result.loss_train[number] == pytest.approx(loss, rel=1e-12)
        assert result.gradient_norm[number] == pytest.approx(np.linalg.norm(gradient), rel=1e-10)


def test_a_monitored_function_sees_the_test_mode() -> None:
    """And the states of its iteration; its evaluations are its own."""
    here, result = trained()
    before, after = interpreted(here, 1, STEPS - 1), interpreted(here, 1)
    theta, states = before.trajectory[-1], before.layers
    expected, _ = loss_and_gradient(here.program.problem.tested, theta, X, Y, None, states)
    assert after.states["V_before"] == pytest.approx(expected, rel=1e-12)
    assert result.grows["V"][1] == after.states["V_grown"] / STEPS
    assert result.evaluations["gradient"].tolist() == [2 * STEPS] * 3
    assert result.evaluations["loss"].tolist() == [0] * 3


def test_what_is_measured_is_in_test_mode() -> None:
    here, result = trained()
    problem, theta, states = here.program.problem, result.theta[1], result.states[1]
    row = here.padded(theta, states)
    _, outputs = here.evaluator.predict(row, here.evaluator.train)
    np.testing.assert_allclose(outputs.T, predict(problem, theta, X, states), rtol=1e-11, atol=1e-12)
    slope = here.curvature().with_states(states).gradient(theta)
    np.testing.assert_allclose(
        here.evaluator.gradient(row, here.evaluator.train), slope, rtol=1e-10, atol=1e-12
    )
    model = netc.compile(
        "data given\nnetwork [6(lin)3]\nloss half_mse\ninit zeros\noptimizer gd(eta = 0.1)\ntrain steps = 1"
    )
    model._session, model._theta, model._states = here, result.theta[0], result.states[0]
    np.testing.assert_array_equal(model.predict(X, theta, states=states), outputs.T)
    np.testing.assert_allclose(
        model.predict(X), predict(problem, result.theta[0], X, result.states[0]), rtol=1e-11
    )
    with pytest.raises(ValueError, match="the layers have 11 numbers"):
        model.predict(X, states=states[1:])
    one_by_one = [predict(problem, theta, x[None], states)[0] for x in X]
    np.testing.assert_allclose(outputs.T, one_by_one, rtol=1e-11, atol=1e-12)


def advanced(here: Session, state: State, last: int, threads: int = 1) -> State:
    task = here.task
    with Workers(task.kernels, np.float64, threads) as workers:
        hyper = np.array([h.value for h in here.program.rule.hypers])
        given = Given(hyper, task.train.x, task.train.y, len(X), np.array(CUTS), here.program.training.seed)
        stretches = OnCpu(task.kernels, given, workers)
        stretches.begin(state)
        stretches.queue(last, report=False)
        stretches.wait()
    state.at = last
    return state


def begun(here: Session, first: int = 0, count: int = 3) -> State:
    hyper = np.array([h.value for h in here.program.rule.hypers])
    return fresh(here.task.kernels, here.program, hyper, len(X), first, count)


def test_bits_hang_on_nothing_but_the_file() -> None:
    """Not on threads, on where the iterations are cut, on a file between, or on which runs are in hand together."""
    here, result = trained()
    kernels = here.task.kernels
    pieces = begun(here)
    for last in (1, 2, 9, STEPS):
        pieces = advanced(here, pieces, last, threads=2)
        pieces = from_arrays(pieces.arrays(), kernels, here.program, len(X), STEPS)
    alone = advanced(here, begun(here, 2, 1), STEPS)
    places = slice(0, here.program.problem.parameters), slice(kernels.STRIDE - 11, None)
    for place, whole in zip(places, (result.theta, result.states), strict=True):
        np.testing.assert_array_equal(pieces.theta[:, place], whole)
        np.testing.assert_array_equal(alone.theta[0, place], whole[2])


def test_states_are_in_the_file_of_the_model(tmp_path: Path) -> None:
    here, result = trained()
    folder = RunFolder.create(tmp_path, "modes")
    folder.write_result(result, here.program, {})
    file = str(folder.path / "theta.safetensors")
    again = replace(here.program, starts=ir.Starts((), file, ()))
    np.testing.assert_array_equal(first_states(again, 0, 3), result.states)
    np.testing.assert_array_equal(first_theta(again, 0, 3), result.theta)
    np.testing.assert_array_equal(first_states(here.program, 0, 1)[0], initial_states(here.program.problem))


def test_a_lost_run_is_explained() -> None:
    lost = session(everything(), TWICE.replace("0.2", "1e300"), "shuffle = true, seed = 5")
    _, result = lost.train(Watcher())
    assert result.diverged.tolist() == [True]
    assert "not finite" in result.fault


# -- verify ----------------------------------------------------------------------------------------------


def test_what_is_wrong_with_modes_is_said() -> None:
    made = everything()
    (first, *_), test = made.updates, made.test
    assert test is not None
    wrong = {
        "there is no test mode": replace(made, test=None),
        "a state has no next value": replace(made, updates=made.updates[1:]),
        "norm.mean_next is no next value of level": replace(
            made, updates=(*made.updates[:-1], replace(first, state="level"))
        ),
        "in test mode something is drawn": replace(made, test=replace(made, updates=(), test=None)),
        "drop.r is given twice": replace(
            made, forward=(*made.forward, ir.Let("drop.r", (SAMPLES,), Const(0.0)))
        ),
        "in test mode norm.v: first.z is read before": replace(
            made, test=replace(test, forward=made.forward[2:])
        ),
    }
    for fault, broken in wrong.items():
        with pytest.raises(AssertionError) as raised:
            verify(broken)
        assert fault in str(raised.value)
    assert verify(made) is made
