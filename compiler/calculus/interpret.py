"""A plain interpreter of update rules: the oracle for generated kernels. Slow, and meant to be read.

Vectors are arrays of one dtype (float64 or float32), numbers Python floats; expressions and lets are evaluated by
`evaluate.py`. It knows no data sets, threads or random numbers: what layers draw it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, assert_never

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.arrays import Array, Parts
from netc.compiler.calculus.evaluate import (
    Draws,
    Env,
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
CRITERION, DIVERGED, SEARCH_FAILED, STEP_TOO_SMALL, NO_SUCH_BATCH, OUT_OF_RANGE, NO_SUCH_LOOP = (
    ir.STATUS.values()
)
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

    def __init__(
        self,
        evaluator: Evaluator,
        parts: Parts,
        env: Env,
        tell: Callable[[str, float], None] = lambda s, v: None,
    ) -> None:
        self.evaluator, self.parts, self.env = evaluator, parts, env
        self.tell = tell
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
                case ir.Tell(state, value):
                    self.tell(state, self.value(value))
                case ir.For(index, first, last, body):
                    for i in turns(self.value(first), self.value(last)):
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


def turns(first: float, last: float) -> range:
    """Of a loop; none where a bound is no number."""
    return range(round(first), round(last) + 1) if isfinite(first) and isfinite(last) else range(0)


def start(
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

    def tell(self, tensor: ir.Tensor, value: float) -> None:
        self.values = self.values.copy()
        self.values[tensor.offset] = value

    def begin(self) -> None:
        self.found = None

    def see(self, found: Array) -> None:
        self.found = found if self.found is None else self.found

    def commit(self) -> None:
        self.values = self.values if self.found is None else self.found


def iterate(
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
            _iteration(rule, machine, tests=n % per_epoch == 0)
            layers.commit()
            path.append(env["theta"])
            n += 1
            if n % per_epoch == 0:
                env |= {"n": float(n), "epoch": n / per_epoch}
                _end_epoch(rule, machine)
    except Left as ended:
        status = ended.status
    states = {s.name: env[s.name] for s in rule.states}
    counts = machine.loss_evaluations, machine.gradient_evaluations
    return Outcome(np.array(path), states, n, status, *counts, layers.values)


def _iteration(rule: ir.Rule, machine: Machine, tests: bool) -> None:
    machine.first_loss = 0.0  # a test's losses do not count as the iteration's
    if tests:
        machine.execute(rule.test)
    machine.first_loss = None
    machine.execute(rule.body)
    machine.commit(rule.commits)


def _end_epoch(rule: ir.Rule, machine: Machine) -> None:
    machine.env["epoch_loss"] = float(np.mean(machine.losses or np.nan))
    machine.losses.clear()
    machine.execute(rule.epoch_end)
    machine.commit(rule.epoch_commits)


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
    layers = LayerStates((initial_states(program.problem) if states is None else states).astype(dtype))
    cuts = [0, len(x)] if bounds is None else bounds
    samples = _Samples(program, x, y, cuts, order, draws, layers)
    masks = masks_of(program.problem, program.rule, theta0)
    env = start(program.rule, theta0, masks, hypers or {}, samples.batches)
    env["samples"] = float(len(x))
    tensors = {t.name: t for t in program.problem.states}
    machine = Machine(
        samples.measure, parts_of(program.problem), env, lambda s, v: layers.tell(tensors[s], v)
    )
    return iterate(program.rule, machine, steps, samples.batches, lambda n: None, layers=layers)


class _Samples:
    """Evaluates a problem on the batches of its samples."""

    def __init__(
        self,
        program: ir.Program,
        x: Array,
        y: Array,
        cuts: Sequence[int],
        order: Callable[[int], Array] | None,
        draws: Callable[[int, Array], Draws] | None,
        layers: LayerStates,
    ) -> None:
        self.problem, self.x, self.y, self.cuts, self.order = program.problem, x, y, cuts, order
        self.draws, self.layers, self.gives_states = draws, layers, gives_states_of(program.rule)
        self.batches = len(cuts) - 1

    def measure(self, stmt: ir.Evaluate, point: Array, env: Env) -> tuple[float, Array]:
        n, chosen = round(env["n"]), self.chosen(stmt, env)
        x, y, states = self.x[chosen], self.y[chosen], self.layers.values
        if stmt.tested:
            return loss_and_gradient(self.problem.tested, point, x, y, None, states)
        drawn = self.draws(n, chosen) if self.draws else None
        loss, gradient, found = evaluated(self.problem, point, x, y, drawn, states)
        if self.gives_states(stmt):
            self.layers.see(found)
        return loss, gradient

    def chosen(self, stmt: ir.Evaluate, env: Env) -> Array:
        """The numbers of the samples."""
        match stmt.batch:
            case "full":
                return np.arange(len(self.x))
            case "current":
                epoch, i = divmod(round(env["n"]), self.batches)
            case number:
                epoch, i = round(env["n"]), round(evaluate(number, env)) - 1
        samples = self.order(epoch) if self.order else np.arange(len(self.x))
        return samples[self.cuts[i] : self.cuts[i + 1]]
