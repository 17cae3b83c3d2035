"""Network and loss, or objective -> ir.Problem: tensors with their places in theta, lets, and the derived lets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.calculus.derive import backward
from netc.compiler.calculus.modes import has_modes, in_mode, reduced
from netc.compiler.calculus.simplify import rebuild, simplify
from netc.compiler.calculus.verify import verify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.lower.flow import Flow, activated, input_axes, of_all_samples, with_axes, words
from netc.compiler.meaning.spec import Activation, Loss, Network, Objective, Spec
from netc.dsl import ast
from netc.dsl.source import Span

LOSS, LOSSES, OUTPUT = "loss", "losses", "output"
"""Lets of every network: the loss, that of each sample, and what `predict` returns."""


def lower_problem(spec: Spec) -> ir.Problem:
    functions = {a.name.lower(): a for a in spec.functions}
    if spec.objective is not None:
        return _objective(spec.objective, Environment({}, functions))
    assert spec.network is not None
    assert spec.loss is not None
    return _network(spec.network, spec.loss, Environment({}, functions), frozenset(spec.frozen))


def problem(
    tensors: Iterable[ir.Tensor],
    forward: Iterable[ir.Step],
    output: str = "",
    mean: bool = False,
    updates: Iterable[ir.Update] = (),
) -> ir.Problem:
    """The problem whose loss is the let `loss`: parameters get their places in theta and states theirs, the derivatives
    are derived. Lets that ask for `training`, states and draws make it one with two modes."""
    placed, steps, updates = _placed(tensors), tuple(forward), tuple(updates)
    if not has_modes(steps) and not updates:
        return verify(_derived(placed, steps, output, mean))
    shown = {LOSS, output} - {""}
    training = reduced(in_mode(steps, True), shown | {u.value for u in updates})
    tested = reduced(in_mode(steps, False), shown)
    test = _derived(placed, tested, output, mean)
    return verify(replace(_derived(placed, training, output, mean), updates=updates, test=test))


def _placed(tensors: Iterable[ir.Tensor]) -> tuple[ir.Tensor, ...]:
    placed: list[ir.Tensor] = []
    parameters = states = 0
    for t in tensors:
        placed.append(
            replace(t, offset=states if t.role == "state" else parameters if t.role in ir.PARAMETERS else 0)
        )
        parameters += t.size if t.role in ir.PARAMETERS else 0
        states += t.size if t.role == "state" else 0
    return tuple(placed)


def _derived(
    tensors: tuple[ir.Tensor, ...], forward: tuple[ir.Step, ...], output: str, mean: bool
) -> ir.Problem:
    derived, gradients = backward(forward, LOSS, [t for t in tensors if t.role in ir.PARAMETERS])
    return ir.Problem(tensors, forward, derived, LOSS, gradients, output, mean)


def _objective(objective: Objective, env: Environment) -> ir.Problem:
    names: dict[str, ir.Expr] = {v: ir.Var(v, ir.SCALAR) for v in objective.variables}
    value = simplify(lower_expr(objective.value, Environment(names, env.functions)))
    tensors = [ir.Tensor(v, ir.SCALAR, "weight") for v in objective.variables]
    return problem(tensors, [ir.Let(LOSS, ir.SCALAR, value)])


def _network(network: Network, loss: Loss, env: Environment, frozen: frozenset[str]) -> ir.Problem:
    flow = Flow(env.functions)
    x = ir.Tensor("x", (ir.SAMPLES, *input_axes(network.input, network.operations)), "input")
    last = network.activations
    z = flow.chain(network.operations[: len(network.operations) - len(last)], x.var)
    y = ir.Tensor("y", z.axes, "target")
    head = _head(last, z, flow.span, loss, env)
    tensors, kept, updates = _held(flow.tensors, frozen, flow.updates)
    return problem([*tensors, x, y], [*kept, *flow.steps, *head], OUTPUT, loss.reduce == "mean", updates)


def _held(
    tensors: list[ir.Tensor], frozen: frozenset[str], updates: list[ir.Update]
) -> tuple[list[ir.Tensor], list[ir.Let], list[ir.Update]]:
    """Parameters that are not trained are states that never change: nothing is derived by them, and no rule sees them."""
    held = [replace(t, role="state") if t.name in frozen else t for t in tensors]
    kept = [ir.Let(f"{t.name}.kept", t.axes, t.var) for t in held if t.name in frozen]
    same = [ir.Update(t.name, 0.0, f"{t.name}.kept") for t in held if t.name in frozen]
    by_name = {u.state: u for u in (*updates, *same)}
    return held, kept, [by_name[t.name] for t in held if t.role == "state"]


def _head(last: tuple[Activation, ...], z: ir.Var, span: Span, loss: Loss, env: Environment) -> list[ir.Let]:
    """The last activation, the loss of each sample, and their sum.

    The loss is composed with the activation before it is simplified and derived, so that log(softmax(z)) and
    log(sigmoid(z)) become the forms that neither overflow nor meet log(0): stable for any finite z.
    """
    here = _of_a_sample(z)
    one = simplify(activated(last, ir.Var(z.name, here.axes[-1:]), env))
    output = with_axes(one, here.axes[:-1])
    u, y = ir.Var("u", here.axes), ir.Var("y", here.axes)
    cost = lower_loss(loss, u, y, env.functions)
    composed = simplify(rebuild(cost, lambda node: output if node == u else node))
    losses = ir.Let(LOSSES, (ir.SAMPLES,), of_all_samples(composed), loss.definition.name)
    return [
        ir.Let(OUTPUT, z.axes, of_all_samples(output), words(last), span),
        losses,
        ir.Let(LOSS, ir.SCALAR, ir.Reduce("sum", losses.var, (ir.SAMPLES,))),
    ]


Functions = Mapping[str, ast.Activation | ast.Schedule]


def lower_loss(loss: Loss, u: ir.Var, y: ir.Var, functions: Functions) -> ir.Expr:
    """The loss of one sample, as it is written."""
    names: dict[str, ir.Expr] = {"u": u, "y": y, **{name: ir.Const(value) for name, value in loss.arguments}}
    assert loss.definition.value is not None
    return lower_expr(loss.definition.value, Environment(names, functions))


def lower_activations(last: tuple[Activation, ...], z: ir.Var, functions: Functions) -> ir.Expr:
    """What the activations make of z for one sample, as it is written."""
    return activated(last, z, Environment({}, functions))


def _of_a_sample(v: ir.Var) -> ir.Var:
    """As losses are written: reductions in them are over the outputs of one sample."""
    return ir.Var(v.name, tuple(a for a in v.axes if a != ir.SAMPLES))
