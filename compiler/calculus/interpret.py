"""A plain interpreter of update rules: the oracle for generated kernels. Slow, and meant to be read.

Vectors are arrays of one dtype (float64 or float32), numbers Python floats; expressions and lets are evaluated by
`evaluate.py`. It knows no data sets, threads or random numbers: what layers draw it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import (
    Array,
    Draws,
    Env,
    Parts,
    evaluate,
    evaluated,
    initial_states,
    loss_and_gradient,
    masks_of,
    parts_of,
)
from netc.compiler.calculus.modes import gives_states_of
from netc.dsl.record import record

RUNNING = 0
CRITERION, DIVERGED, SEARCH_FAILED, STEP_TOO_SMALL, NO_SUCH_BATCH, OUT_OF_RANGE = ir.STATUS.values()
"""Why a run ended, as in docs/kernels.md."""


@record
class Outcome:
    """What a run left behind."""

    trajectory: Array
    """(iterations + 1, P): theta[0], theta[1], ..."""
    states: dict[str, Any]
    """Every state at the end."""
    iterations: int
    status: int
    loss_evaluations: int
    gradient_evaluations: int
    layers: Array
    """(S,): the states of the layers at the end."""


class Left(Exception):
    """A run leaves its loop, for this status."""

    def __init__(self, status: int) -> None:
        self.status = status


class _Found(Exception):
    """An Until holds."""


Evaluator = Callable[[ir.Evaluate, Array, Env], tuple[float, Array | None]]
"""From the statement, the point and what is known to (loss, gradient)."""


class Machine:
    """Executes statements in an environment of names and counts what is evaluated."""

    def __init__(self, evaluator: Evaluator, parts: Parts, env: Env) -> None:
        self.evaluator, self.parts, self.env = evaluator, parts, env
        self.loss_evaluations = self.gradient_evaluations = 0
        self.first_loss: float | None = None
        self.first: ir.Evaluate | None = None
        """The statement that evaluates first in an iteration."""
        self.losses: list[float] = []
        """Those of the epoch, of each batch the first."""

    def value(self, expr: ir.Expr) -> Any:
        return evaluate(expr, self.env, self.parts, {ir.THETA[0]: len(self.env["theta"])})

    def execute(self, stmts: Sequence[ir.Stmt]) -> None:
        for stmt in stmts:
            match stmt:
                case ir.Assign(name, value):
                    self.env[name] = self.value(value)
                case ir.Evaluate():
                    self.measure(stmt)
                case ir.Fetch(name, memory, index):
                    self.env[name] = self.env[memory][self.batch(index)]
                case ir.Store(memory, index, value):
                    kept = list(self.env[memory])  # arrays are never changed in place
                    kept[self.batch(index)] = self.env[value]
                    self.env[memory] = kept
                case ir.For(index, first, last, body):
                    for i in range(round(self.value(first)), round(self.value(last)) + 1):
                        self.env[index] = float(i)
                        self.execute(body)
                case ir.Repeat(body, bound):
                    self.search(body, bound)
                case ir.Until(condition):
                    if self.value(condition):
                        raise _Found
                case ir.If(condition, body, otherwise):
                    self.execute(body if self.value(condition) else otherwise)
                case ir.Stop(condition, ending):
                    if self.value(condition):
                        raise Left(ir.STATUS[ending])
                case _:
                    assert_never(stmt)

    def batch(self, index: ir.Expr) -> int:
        """From 0, of a number from 1."""
        found = self.value(index)
        if not 1 <= found < self.env["m"] + 1:
            raise Left(NO_SUCH_BATCH)
        return int(found) - 1

    def search(self, body: Sequence[ir.Stmt], bound: int) -> None:
        for _ in range(bound):
            try:
                self.execute(body)
            except _Found:
                return
        raise Left(SEARCH_FAILED)

    def measure(self, stmt: ir.Evaluate) -> None:
        loss, gradient = self.evaluator(stmt, self.env[stmt.point], self.env)
        if stmt.loss:
            self.env[stmt.loss] = loss
            self.loss_evaluations += stmt.counts[0]
        if stmt.gradient:
            self.env[stmt.gradient] = gradient
            self.gradient_evaluations += stmt.counts[1]
        if self.first_loss is None and not stmt.tested:
            self.first_loss, self.first = loss, stmt
        if stmt is self.first:
            self.losses.append(loss)
        if stmt is self.first and not np.isfinite(loss):
            raise Left(DIVERGED)  # of later evaluations, trials, the loss may be anything

    def commit(self, commits: Sequence[ir.Commit]) -> None:
        new = {c.state: self.env[c.value] for c in commits}  # all read before any is written
        self.env.update(new)


def _start(
    rule: ir.Rule, theta0: Array, masks: Mapping[str, Array], hypers: Mapping[str, float], batches: int
) -> Env:
    env: Env = {"theta": theta0, **masks}
    env |= {h.name: float(hypers.get(h.name, h.value)) for h in rule.hypers}
    for state in rule.states:
        value = evaluate(state.initial, env, sizes={ir.THETA[0]: len(theta0)})
        env[state.name] = np.full_like(theta0, value) if state.axes else float(value)
        if state.per_batch:
            env[state.name] = [env[state.name]] * batches
    return env | {"m": float(batches)}


class LayerStates:
    """The states of layers: those that an iteration sees, and those that its first gradient has found."""

    def __init__(self, values: Array) -> None:
        self.values = values
        self.found: Array | None = None

    def begin(self) -> None:
        self.found = None

    def see(self, found: Array) -> None:
        self.found = found if self.found is None else self.found

    def commit(self) -> None:
        self.values = self.values if self.found is None else self.found


def _iterate(
    rule: ir.Rule,
    machine: Machine,
    steps: int,
    batches: int,
    before: Callable[[int], None],
    first: int = 0,
    layers: LayerStates | None = None,
) -> Outcome:
    layers = layers or LayerStates(np.zeros(0))
    env, per_epoch = machine.env, 1 if rule.visits_batches else batches
    path, status, n = [env["theta"]], RUNNING, first
    try:
        while n < first + steps:
            env |= {"n": float(n), "epoch": n / per_epoch}
            before(n)
            layers.begin()
            machine.first_loss = 0.0  # a test's losses do not count as the iteration's
            if n % per_epoch == 0:
                machine.execute(rule.test)
            machine.first_loss = None
            machine.execute(rule.body)
            machine.commit(rule.commits)
            layers.commit()
            path.append(env["theta"])
            n += 1
            if n % per_epoch == 0:
                env |= {"n": float(n), "epoch": n / per_epoch}
                env["epoch_loss"] = float(np.mean(machine.losses or np.nan))
                machine.losses.clear()
                machine.execute(rule.epoch_end)
                machine.commit(rule.epoch_commits)
    except Left as ended:
        status = ended.status
    states = {s.name: env[s.name] for s in rule.states}
    return Outcome(
        np.array(path),
        states,
        n,
        status,
        machine.loss_evaluations,
        machine.gradient_evaluations,
        layers.values,
    )


def run(
    program: ir.Program,
    theta0: Array,
    x: Array,
    y: Array,
    steps: int,
    bounds: Sequence[int] | None = None,
    order: Callable[[int], Array] | None = None,
    hypers: Mapping[str, float] | None = None,
    draws: Callable[[int, Array], Draws] | None = None,
    states: Array | None = None,
) -> Outcome:
    """`steps` iterations from theta0 (P,) on x (N, inputs), y (N, outputs), unless the run ends before.

    Batch i of epoch e is the samples order(e)[bounds[i]:bounds[i+1]]; by default one batch, in order. A run
    that diverges or meets its criterion keeps the theta[n] at which that was seen. `draws(n, samples)` is what layers
    draw in iteration n for these samples, `states` (S,) are the layers' first ones.
    """
    dtype = np.float32 if program.training.precision == "f32" else np.float64
    theta0, x, y = theta0.astype(dtype), x.astype(dtype), y.astype(dtype)
    cuts = [0, len(x)] if bounds is None else list(bounds)
    batches = len(cuts) - 1

    def measure(stmt: ir.Evaluate, point: Array, env: Env) -> tuple[float, Array]:
        match stmt.batch:
            case "full":
                chosen = np.arange(len(x))
            case "current":
                epoch, i = divmod(round(env["n"]), batches)
                chosen = samples(epoch)[cuts[i] : cuts[i + 1]]
            case number:
                i = round(evaluate(number, env)) - 1
                chosen = samples(round(env["n"]))[cuts[i] : cuts[i + 1]]
        if stmt.tested:
            return loss_and_gradient(program.problem.tested, point, x[chosen], y[chosen], None, layers.values)
        drawn = draws(round(env["n"]), chosen) if draws else None
        loss, gradient, found = evaluated(program.problem, point, x[chosen], y[chosen], drawn, layers.values)
        if gives_states(stmt):
            layers.see(found)
        return loss, gradient

    def samples(epoch: int) -> Array:
        return order(epoch) if order else np.arange(len(x))

    gives_states = gives_states_of(program.rule)
    layers = LayerStates((initial_states(program.problem) if states is None else states).astype(dtype))
    masks = masks_of(program.problem, program.rule, theta0)
    env = _start(program.rule, theta0, masks, hypers or {}, batches)
    env["samples"] = float(len(x))
    machine = Machine(measure, parts_of(program.problem), env)
    return _iterate(program.rule, machine, steps, batches, lambda n: None, layers=layers)


def trajectory(
    rule: ir.Rule,
    theta0: Array,
    gradients: Array,
    schedule: Mapping[str, Sequence[float]] | None = None,
    tensors: Sequence[int] | None = None,
    batches: int = 1,
    first: int = 0,
    weights: Array | None = None,
    losses: Array | None = None,
    points: list[list[Array]] | None = None,
) -> Array:
    """(T+1, d): the rule alone on gradients (T, d), whatever the point; `schedule` sets hypers per step.

    Gradients (T, k, d) and losses (T, k) are those of the k evaluations of a step, in order; more are told the last.
    `tensors` are the sizes of the parts of theta for reductions per tensor and per layer; by default it is one.
    `batches` steps are an epoch, the first step is iteration `first`, and `weights` (d,) is 0 for biases.
    `points` takes where the rule asks, step by step.

    Raises ValueError where the rule asks for a loss that is not given, or for a mask of layers.
    """
    each = gradients if gradients.ndim == 3 else gradients[:, None]
    asked = 0

    def given(stmt: ir.Evaluate, point: Array, env: Env) -> tuple[float, Array]:
        nonlocal asked
        if stmt.loss and losses is None:
            raise ValueError("the rule evaluates the loss, which given gradients do not determine")
        step, k = round(env["n"]) - first, asked
        asked += 1
        if points is not None:
            points[-1].append(point)
        loss = 0.0 if losses is None else float(losses[step, min(k, losses.shape[1] - 1)])
        return loss, each[step, min(k, each.shape[1] - 1)]

    def begun(n: int) -> None:
        nonlocal asked
        asked = 0
        if points is not None:
            points.append([])
        env.update({name: float(values[n - first]) for name, values in (schedule or {}).items()})

    if rule.masks:
        raise ValueError(f"where '{rule.masks[0].of}' is 1 only a network says")
    held = np.ones_like(theta0) if weights is None else weights
    env = _start(rule, theta0, {"weights": held, "biases": 1 - held}, {}, batches)
    ends = np.cumsum(tensors or [len(theta0)]).tolist()
    parts = tuple(slice(end - size, end) for size, end in zip(tensors or ends, ends, strict=True))
    machine = Machine(given, {"layer": parts, "tensor": parts}, env)
    return _iterate(rule, machine, len(gradients), batches, begun, first).trajectory
