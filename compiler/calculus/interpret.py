"""A plain NumPy interpreter of the ir: the oracle for generated kernels. Slow, and meant to be read.

Vectors are arrays of one dtype (float64 or float32), scalars of an update rule are Python floats. In heads
and maps all samples go together: an `output` is an array (N, units), what a Reduce makes of it is (N, 1).
It shares nothing with the kernels but the ir and knows no data sets, threads or random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import PRIMITIVES

Array = NDArray[Any]
Env = dict[str, Any]
Parts = Mapping[ir.Per, tuple[slice, ...]]
"""The slices of theta that are reduced one by one, `per = layer` and `per = tensor`."""

RUNNING = 0
CRITERION, DIVERGED, SEARCH_FAILED, STEP_TOO_SMALL = ir.STATUS.values()
"""Why a run ended, as in docs/kernels.md."""


def evaluate(expr: ir.Expr, env: Mapping[str, Any], parts: Parts | None = None) -> Any:
    """The value of an expression; `parts` are needed for reductions of parts of theta."""
    values: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for node in ir.postorder(expr):
            match node:
                case ir.Const(value, "scalar"):
                    result: Any = value
                case ir.Const(value, kind):
                    names = ("theta",) if kind == "theta" else ("z", "u", "y")
                    result = np.full_like(next(env[name] for name in names if name in env), value)
                case ir.Var(name, _):
                    result = env[name]
                case ir.Apply(op, args, _):
                    result = PRIMITIVES[op].value(*(values[id(a)] for a in args))
                case ir.Reduce(op, arg, per):
                    slices = parts[per] if per and parts else ()
                    result = _reduce(op, values[id(arg)], arg.kind, slices)
                case _:
                    assert_never(node)
            # a Python scalar leaves the dtype of the vectors it meets alone
            values[id(node)] = result.item() if isinstance(result, np.generic) else result
    return values[id(expr)]


def _reduce(op: ir.Reduction, x: Any, kind: ir.Kind, parts: tuple[slice, ...]) -> Any:
    functions: dict[str, Callable[..., Any]] = {"sum": np.sum, "max": np.max, "min": np.min}
    function = functions[op]
    if kind == "output":
        return function(x, axis=-1, keepdims=True)
    if parts:
        return np.concatenate([np.full_like(x[s], function(x[s])) for s in parts])
    return function(x)


def parts_of(problem: ir.Problem) -> Parts:
    """The parameters of each layer, and of each of its tensors: the weights, the biases."""
    match problem:
        case ir.Network(ops=ops):
            layers: list[slice] = []
            tensors: list[slice] = []
            for d in (op for op in ops if isinstance(op, ir.Dense)):
                middle, last = d.offset + d.inputs * d.outputs, d.offset + d.outputs * (d.inputs + d.bias)
                layers.append(slice(d.offset, last))
                tensors += [slice(d.offset, middle), *([slice(middle, last)] if d.bias else [])]
            return {"layer": tuple(layers), "tensor": tuple(tensors)}
        case ir.Objective():
            whole = (slice(0, problem.parameters),)
            return {"layer": whole, "tensor": whole}


def _weights(problem: ir.Problem, like: Array) -> Array:
    """1 where a weight is, 0 where a bias is."""
    weights = np.ones_like(like)
    if isinstance(problem, ir.Network):
        for op in problem.ops:
            if isinstance(op, ir.Dense) and op.bias:
                first = op.offset + op.inputs * op.outputs
                weights[first : first + op.outputs] = 0
    return weights


def _matrix(op: ir.Dense, theta: Array) -> tuple[Array, Array]:
    """W (outputs, inputs) and b (outputs,)."""
    last = op.offset + op.inputs * op.outputs
    b = theta[last : last + op.outputs] if op.bias else np.zeros(op.outputs, theta.dtype)
    return theta[op.offset : last].reshape(op.outputs, op.inputs), b


def _forward(network: ir.Network, theta: Array, x: Array) -> list[Array]:
    """The input of every op, and the last pre-activation."""
    values = [x]
    for op in network.ops:
        match op:
            case ir.Dense():
                w, b = _matrix(op, theta)
                values.append(values[-1] @ w.T + b)
            case ir.Map(value=value):
                values.append(np.broadcast_to(evaluate(value, {"z": values[-1]}), values[-1].shape))
    return values


def predict(network: ir.Network, theta: Array, x: Array) -> Array:
    """The outputs (N, outputs) for inputs x (N, inputs)."""
    z = _forward(network, theta, x)[-1]
    return np.array(np.broadcast_to(evaluate(network.head.output, {"z": z}), z.shape))


def loss_and_gradient(problem: ir.Problem, theta: Array, x: Array, y: Array) -> tuple[float, Array]:
    """Of the samples x (N, inputs), y (N, outputs); an objective looks at neither."""
    match problem:
        case ir.Objective(variables, value, gradient):
            env = {name: float(t) for name, t in zip(variables, theta, strict=True)}
            return evaluate(value, env), np.array([evaluate(g, env) for g in gradient], theta.dtype)
        case ir.Network(head=head):
            values = _forward(problem, theta, x)
            at = {"z": values[-1], "y": y}
            share = 1 / len(x) if head.mean else 1.0
            losses = np.broadcast_to(evaluate(head.loss, at), (len(x), 1))
            c = np.broadcast_to(evaluate(head.adjoint, at) * share, values[-1].shape)
            return float(np.sum(losses, dtype=np.float64) * share), _backward(problem, theta, values, c)


def _backward(network: ir.Network, theta: Array, values: list[Array], c: Array) -> Array:
    gradient = np.zeros_like(theta)
    for i, op in reversed(list(enumerate(network.ops))):
        match op:
            case ir.Dense():
                w, _ = _matrix(op, theta)
                last = op.offset + op.inputs * op.outputs
                gradient[op.offset : last] = (c.T @ values[i]).ravel()
                if op.bias:
                    gradient[last : last + op.outputs] = c.sum(axis=0)
                c = c @ w
            case ir.Map(vjp=vjp):
                c = evaluate(vjp, {"z": values[i], "a": values[i + 1], "c": c})
    return gradient


# -- update rules ------------------------------------------------------------------------------------


@dataclass(frozen=True)
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


class _Ended(Exception):
    """The run ends, for this status."""

    def __init__(self, status: int) -> None:
        self.status = status


class _Found(Exception):
    """An Until holds."""


Evaluator = Callable[[ir.Evaluate, Array, Env], tuple[float, Array | None]]
"""From the statement, the point and what is known to (loss, gradient)."""


class _Machine:
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
        return evaluate(expr, self.env, self.parts)

    def execute(self, stmts: Sequence[ir.Stmt]) -> None:
        for stmt in stmts:
            match stmt:
                case ir.Assign(name, value):
                    self.env[name] = self.value(value)
                case ir.Evaluate():
                    self.measure(stmt)
                case ir.Fetch(name, memory, index):
                    self.env[name] = self.env[memory][round(self.value(index)) - 1]
                case ir.Keep(memory, index, value):
                    kept = list(self.env[memory])  # arrays are never changed in place
                    kept[round(self.value(index)) - 1] = self.env[value]
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
                        raise _Ended(ir.STATUS[ending])
                case _:
                    assert_never(stmt)

    def search(self, body: Sequence[ir.Stmt], bound: int) -> None:
        for _ in range(bound):
            try:
                self.execute(body)
            except _Found:
                return
        raise _Ended(SEARCH_FAILED)

    def measure(self, stmt: ir.Evaluate) -> None:
        loss, gradient = self.evaluator(stmt, self.env[stmt.point], self.env)
        if stmt.loss:
            self.env[stmt.loss] = loss
            self.loss_evaluations += stmt.counts[0]
        if stmt.gradient:
            self.env[stmt.gradient] = gradient
            self.gradient_evaluations += stmt.counts[1]
        if self.first_loss is None:
            self.first_loss, self.first = loss, stmt
        if stmt is self.first:
            self.losses.append(loss)
        if stmt is self.first and not np.isfinite(loss):
            raise _Ended(DIVERGED)  # of later evaluations, trials, the loss may be anything

    def commit(self, commits: Sequence[ir.Commit]) -> None:
        new = {c.state: self.env[c.value] for c in commits}  # all read before any is written
        self.env.update(new)


def _start(rule: ir.Rule, theta0: Array, weights: Array, hypers: Mapping[str, float], batches: int) -> Env:
    env: Env = {"theta": theta0, "weights": weights, "biases": 1 - weights}
    env |= {h.name: float(hypers.get(h.name, h.value)) for h in rule.hypers}
    for state in rule.states:
        value = evaluate(state.initial, env)
        env[state.name] = np.full_like(theta0, value) if state.kind == "theta" else float(value)
        if state.per_batch:
            env[state.name] = [env[state.name]] * batches
    return env | {"m": float(batches)}


def _iterate(
    rule: ir.Rule, machine: _Machine, steps: int, batches: int, before: Callable[[int], None]
) -> Outcome:
    env, per_epoch = machine.env, 1 if rule.visits_batches else batches
    path, status, n = [env["theta"]], RUNNING, 0
    try:
        while n < steps:
            env |= {"n": float(n), "epoch": n / per_epoch}
            before(n)
            machine.first_loss = 0.0  # a test's losses do not count as the iteration's
            if n % per_epoch == 0:
                machine.execute(rule.test)
            machine.first_loss = None
            machine.execute(rule.body)
            machine.commit(rule.commits)
            path.append(env["theta"])
            n += 1
            if n % per_epoch == 0:
                env |= {"n": float(n), "epoch": n / per_epoch}
                env["epoch_loss"] = float(np.mean(machine.losses or 0.0))
                machine.losses.clear()
                machine.execute(rule.epoch_end)
                machine.commit(rule.epoch_commits)
    except _Ended as ended:
        status = ended.status
    states = {s.name: env[s.name] for s in rule.states}
    return Outcome(np.array(path), states, n, status, machine.loss_evaluations, machine.gradient_evaluations)


def run(
    program: ir.Program,
    theta0: Array,
    x: Array,
    y: Array,
    steps: int,
    bounds: Sequence[int] | None = None,
    order: Callable[[int], Array] | None = None,
    hypers: Mapping[str, float] | None = None,
) -> Outcome:
    """`steps` iterations from theta0 (P,) on x (N, inputs), y (N, outputs), unless the run ends before.

    Batch i of epoch e is the samples order(e)[bounds[i]:bounds[i+1]]; by default one batch, in order. A run
    that diverges or meets its criterion keeps the theta[n] at which that was seen.
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
        return loss_and_gradient(program.problem, point, x[chosen], y[chosen])

    def samples(epoch: int) -> Array:
        return order(epoch) if order else np.arange(len(x))

    env = _start(program.rule, theta0, _weights(program.problem, theta0), hypers or {}, batches)
    env["samples"] = float(len(x))
    machine = _Machine(measure, parts_of(program.problem), env)
    return _iterate(program.rule, machine, steps, batches, lambda n: None)


def trajectory(
    rule: ir.Rule,
    theta0: Array,
    gradients: Array,
    schedule: Mapping[str, Sequence[float]] | None = None,
    tensors: Sequence[int] | None = None,
) -> Array:
    """(T+1, d): the rule alone on gradients (T, d), whatever the point; `schedule` sets hypers per step.

    `tensors` are the sizes of the parts of theta for reductions per tensor and per layer; by default it is one.

    Raises ValueError where the rule asks for a loss: gradients do not tell it.
    """

    def given(stmt: ir.Evaluate, point: Array, env: Env) -> tuple[float, Array]:
        if stmt.loss:
            raise ValueError("the rule evaluates the loss, which given gradients do not determine")
        return 0.0, gradients[round(env["n"])]

    def scheduled(n: int) -> None:
        env.update({name: float(values[n]) for name, values in (schedule or {}).items()})

    env = _start(rule, theta0, np.ones_like(theta0), {}, 1)
    ends = np.cumsum(tensors or [len(theta0)]).tolist()
    parts = tuple(slice(end - size, end) for size, end in zip(tensors or ends, ends, strict=True))
    machine = _Machine(given, {"layer": parts, "tensor": parts}, env)
    return _iterate(rule, machine, len(gradients), 1, scheduled).trajectory
