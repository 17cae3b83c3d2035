"""Why a run was lost: which of loss, gradient, state or parameter is not finite first, and by which operation; which
schedule left its range.

Looks at the one iteration in which it happened, in the interpreter; trains nothing. Of rules that keep values per batch,
and of what the interpreter does not see (other roundings), it says less, never something else than it has seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from netc.compiler.calculus import evaluate, interpret, ir
from netc.compiler.calculus.arrays import Parts, laid
from netc.compiler.calculus.formula import formula
from netc.compiler.lower.layer_schedules import APART
from netc.runtime.parameters import Array, states_of_rows
from netc.runtime.random import order_of_epoch
from netc.runtime.training.layer_draws import draws_of
from netc.runtime.training.sample_layout import bounds
from netc.runtime.training.state import State


def blame(
    program: ir.Program, theta: Array, states: Array, n: int, before: State | None, x: Array, y: Array
) -> str:
    """Of the run that ended at theta[n] (P,), with states (S,) of layers, and a loss that is not finite; `before` is its
    state at n - 1, where that is at hand. Samples are (N, inputs) and (N, outputs), as the loss sees them."""
    if np.isfinite(theta).all():
        where = _in_loss(program.problem.tested, x, y, evaluate.given(program.problem, theta, x, y, states))
        return f"the loss is not finite at theta[{n}], which is{f': {where}' if where else ''}"
    lost = int((~np.isfinite(theta)).sum())
    found = f"{lost} of {theta.size} parameters are not finite after iteration {n - 1}"
    told = _Iteration(program, before, x, y, n - 1).told() if before is not None else ""
    return f"{found}{f': {told}' if told else ''}"


def left_range(program: ir.Program, n: int, samples: int) -> str:
    """Of a run that ended before iteration n since a schedule left what is required of it: which, and what it is there.
    Empty where the schedule goes by results, of which nothing is kept."""
    env = _clocks(program, n, len(bounds(program.training.batches, samples)) - 1, samples)
    for stmt in program.rule.body:
        match stmt:
            case ir.Assign(name, value) if not value.axes and _names(value) <= env.keys():
                env[name] = float(evaluate.evaluate(value, env))
            case ir.Stop(ir.Apply("not", (required,)), "range") if _names(required) <= env.keys():
                if not evaluate.evaluate(required, env):
                    found = [f"{name} is {env[name]:.4g}" for name in sorted(_names(required))]
                    told = f"{formula(required)} does not hold before iteration {n}: {', '.join(found)}"
                    return told.replace(APART, "")
    return ""


def _clocks(program: ir.Program, n: int, batches: int, samples: int) -> dict[str, Any]:
    """What the rule may read of iteration n besides its states."""
    per_epoch = 1 if program.rule.visits_batches else batches
    clocks = {"n": float(n), "epoch": n / per_epoch, "m": float(batches), "samples": float(samples)}
    return clocks | {h.name: h.value for h in program.rule.hypers}


def _names(expr: ir.Expr) -> set[str]:
    return {node.name for node in ir.postorder(expr) if isinstance(node, ir.Var)}


def _in_loss(problem: ir.Problem, x: Array, y: Array, env: evaluate.Env) -> str:
    """The operation by which the loss of some sample is lost, or empty; `env`: the tensors, and what is drawn."""
    sizes = {ir.SAMPLES: len(x)} if problem.sampled else {}
    for step in problem.forward:
        known = dict(env)
        evaluate.run_lets([step], env, sizes)
        for let in ir.flat((step,)):
            if not _finite(env[let.name]):
                return _operation(let.value, known, sizes=sizes)
    return ""


class _Iteration:
    """One iteration of a rule, statement by statement, until something is lost."""

    def __init__(self, program: ir.Program, state: State, x: Array, y: Array, n: int) -> None:
        rule, batches = program.rule, program.training.batches
        self.program, self.x, self.y = program, x, y
        cuts = bounds(batches, len(x))
        per_epoch = 1 if rule.visits_batches else len(cuts) - 1
        epoch, batch = divmod(n, per_epoch)
        run = int(state.counters[0, 4])
        order = order_of_epoch(batches.order, len(x), program.training.seed, run, epoch)
        self.order, self.cuts, self.batch = order, cuts, batch
        size = program.problem.parameters
        theta = state.theta[0, :size].copy()
        masks = evaluate.masks_of(program.problem, rule, theta)
        self.env: dict[str, Any] = {"theta": theta, **masks, **_clocks(program, n, len(cuts) - 1, len(x))}
        vectors = [s.name for s in rule.states if s.axes and s.name != "theta"]
        scalars = [s.name for s in rule.states if not s.axes]
        self.env |= {name: state.vectors[0, i, :size].copy() for i, name in enumerate(vectors)}
        self.env |= {name: float(state.scalars[0, i]) for i, name in enumerate(scalars)}
        self.parts = evaluate.parts_of(program.problem)
        self.states = states_of_rows(program.problem, state.theta[0]).copy()
        self.drawn = draws_of(program.problem, program.training.seed, int(state.counters[0, 4]))
        self.n = n

    def told(self) -> str:
        """What is lost first, and how; empty where it is not seen."""
        if any(s.per_batch for s in self.program.rule.states):
            return ""
        machine = interpret.Machine(self._measure, self.parts, self.env)
        for stmt in self.program.rule.body:
            known = dict(machine.env)
            ended = False
            try:
                machine.execute([stmt])
            except interpret.Left:
                ended = True
            new = [name for name, v in machine.env.items() if known.get(name) is not v and not _finite(v)]
            if new:
                return self._of(stmt, new[0], known)
            if ended:
                break
        return ""

    def _measure(self, stmt: ir.Evaluate, point: Array, env: dict[str, Any]) -> tuple[float, Array]:
        problem, (x, y, drawn) = self._seen(stmt, env)
        return evaluate.loss_and_gradient(problem, point, x, y, drawn, self.states)

    def _seen(
        self, stmt: ir.Evaluate, env: dict[str, Any]
    ) -> tuple[ir.Problem, tuple[Array, Array, evaluate.Draws]]:
        """The problem in the statement's mode; samples, targets and what is drawn for them."""
        chosen, problem = self._samples(stmt, env), self.program.problem
        drawn = {} if stmt.tested else self.drawn(self.n, chosen)
        return problem.tested if stmt.tested else problem, (self.x[chosen], self.y[chosen], drawn)

    def _samples(self, stmt: ir.Evaluate, env: dict[str, Any]) -> Array:
        match stmt.batch:
            case "full":
                return np.arange(len(self.x))
            case "current":
                batch = self.batch
            case number:
                batch = round(evaluate.evaluate(number, env)) - 1
        found: Array = self.order[self.cuts[batch] : self.cuts[batch + 1]]
        return found

    def _of(self, stmt: ir.Stmt, name: str, env: dict[str, Any]) -> str:
        match stmt:
            case ir.Assign(_, value, span):
                how = re.sub(r"\b(\w+)_next\b", r"\1[n+1]", _operation(value, env, self.parts))
                line = f"in '{span.text.split('#')[0].strip()}'" if span.text else f"in {name}"
                return f"{how} {line}" if how else line
            case ir.Evaluate(point, gradient=gradient) if name == gradient:
                problem, (x, y, drawn) = self._seen(stmt, env)
                tensors = evaluate.given(problem, env[point], x, y, self.states)
                where = _in_loss(problem, x, y, tensors | dict(drawn))
                return f"the gradient is not finite there, and {where or 'the loss is'}"
            case ir.Evaluate():
                return "the loss is not finite there"
        return f"'{name}' is not finite"


def _finite(value: Any) -> bool:
    return bool(np.isfinite(np.asarray(value, float)).all())


def _operation(
    expr: ir.Expr,
    env: dict[str, Any],
    parts: Parts | None = None,
    sizes: Mapping[ir.Axis, int] | None = None,
) -> str:
    """`0/0 in g/sqrt(s)`: the innermost operation whose value is not finite though what it is made of is."""

    def value(e: ir.Expr) -> Any:
        return np.asarray(evaluate.evaluate(e, env, parts, sizes), float)

    if _finite(value(expr)):
        return ""
    while True:
        inner = [part for part in _taken(expr, value) if not _finite(value(part))]
        if not inner:
            break
        expr = inner[0]
    match expr:
        case ir.Apply(op, args):
            lost = ~np.isfinite(value(expr))
            at = tuple(np.argwhere(lost)[0])
            wide = [np.asarray(laid(value(a), a.axes, expr.axes)) for a in args]
            numbers = [np.broadcast_to(w, lost.shape)[at] for w in wide]
            if op in SIGNS:
                return f"{numbers[0]:.4g}{SIGNS[op]}{numbers[1]:.4g} in {formula(expr)}"
            return f"{op}({', '.join(f'{x:.4g}' for x in numbers)}) in {formula(expr)}"
        case ir.Reduce(op):
            return f"an overflow in {formula(expr)}"
    return f"{formula(expr)} is not finite"


SIGNS = {"div": "/", "mul": "*", "add": " + ", "sub": " - ", "pow": "^"}


def _taken(expr: ir.Expr, value: Any) -> list[ir.Expr]:
    """What an expression is made of; of a choice only branches that are taken where it is lost."""
    match expr:
        case ir.Apply("select", (condition, a, b)):
            holds = np.asarray(laid(value(condition), condition.axes, expr.axes), bool)
            lost = ~np.isfinite(value(expr))
            return [part for part, taken in ((a, lost & holds), (b, lost & ~holds)) if taken.any()]
    return list(ir.children(expr))
