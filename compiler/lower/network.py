"""Network and loss, or objective -> ir.Problem: tensors with their places in theta, lets, and the derived lets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.calculus.derive import backward
from netc.compiler.calculus.modes import has_modes, in_mode, wanted
from netc.compiler.calculus.simplify import rebuild, simplify
from netc.compiler.calculus.verify import verify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.meaning.spec import Activation, Layer, Loss, Network, Objective, Spec
from netc.dsl import ast

LOSS, LOSSES, OUTPUT = "loss", "losses", "output"
"""Lets of every network: the loss, that of each sample, and what `predict` returns."""


def lower_problem(spec: Spec) -> ir.Problem:
    functions = {a.name.lower(): a for a in spec.functions}
    if spec.objective is not None:
        return _objective(spec.objective, Environment({}, functions))
    assert spec.network is not None
    assert spec.loss is not None
    return _network(spec.network, spec.loss, Environment({}, functions))


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
    training = wanted(in_mode(steps, True), shown | {u.value for u in updates})
    tested = wanted(in_mode(steps, False), shown)
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


def _network(network: Network, loss: Loss, env: Environment) -> ir.Problem:
    tensors: list[ir.Tensor] = []
    lets: list[ir.Let] = []
    x = ir.Tensor("x", (ir.SAMPLES, ir.Axis("x", network.inputs)), "input")
    source = x.var
    for position, layer in enumerate(network.layers, start=1):
        name = f"layer{position}"
        units = ir.Axis(name, layer.outputs)
        weight, bias, z = _dense(name, units, source, layer)
        tensors += [weight, *([bias] if bias else [])]
        lets.append(z)
        if position < len(network.layers):
            a = simplify(_activations(layer, _of_a_sample(z.var), env))
            lets.append(ir.Let(f"{name}.a", z.axes, _of_all_samples(a), _name(layer), layer.span))
            source = lets[-1].var
    lets += _head(network.layers[-1], lets[-1], loss, env)
    y = ir.Tensor("y", (ir.SAMPLES, units), "target")
    return problem([*tensors, x, y], lets, OUTPUT, loss.reduce == "mean")


def _dense(name: str, units: ir.Axis, x: ir.Var, layer: Layer) -> tuple[ir.Tensor, ir.Tensor | None, ir.Let]:
    """z[o] = sum[i](W[o,i]*x[i]) + b[o]"""
    inner = x.axes[-1]
    weight = ir.Tensor(f"{name}.weight", (units, inner), "weight", span=layer.span)
    bias = ir.Tensor(f"{name}.bias", (units,), "bias", span=layer.span) if layer.bias else None
    z: ir.Expr = ir.Reduce("sum", ir.apply("mul", weight.var, x), (inner,))
    if bias:
        z = ir.apply("add", z, bias.var)
    return weight, bias, ir.Let(f"{name}.z", (ir.SAMPLES, units), z, span=layer.span)


def _head(last: Layer, z: ir.Let, loss: Loss, env: Environment) -> list[ir.Let]:
    """The last activation, the loss of each sample, and their sum.

    The loss is composed with the activation before it is simplified and derived, so that log(softmax(z)) and
    log(sigmoid(z)) become the forms that neither overflow nor meet log(0): stable for any finite z.
    """
    here = _of_a_sample(z.var)
    output = simplify(_activations(last, here, env))
    u, y = ir.Var("u", here.axes), ir.Var("y", here.axes)
    cost = lower_loss(loss, u, y, env.functions)
    composed = simplify(rebuild(cost, lambda node: output if node == u else node))
    losses = ir.Let(LOSSES, (ir.SAMPLES,), _of_all_samples(composed), loss.definition.name)
    return [
        ir.Let(OUTPUT, z.axes, _of_all_samples(output), _name(last), last.span),
        losses,
        ir.Let(LOSS, ir.SCALAR, ir.Reduce("sum", losses.var, (ir.SAMPLES,))),
    ]


Functions = Mapping[str, ast.Activation | ast.Schedule]


def lower_loss(loss: Loss, u: ir.Var, y: ir.Var, functions: Functions) -> ir.Expr:
    """The loss of one sample, as it is written."""
    names: dict[str, ir.Expr] = {"u": u, "y": y, **{name: ir.Const(value) for name, value in loss.arguments}}
    assert loss.definition.value is not None
    return lower_expr(loss.definition.value, Environment(names, functions))


def lower_activations(layer: Layer, z: ir.Var, functions: Functions) -> ir.Expr:
    """What the layer makes of z for one sample, as it is written."""
    return _activations(layer, z, Environment({}, functions))


def _of_a_sample(v: ir.Var) -> ir.Var:
    """As activations and losses are written: reductions in them are over the units of one sample."""
    return ir.Var(v.name, tuple(a for a in v.axes if a != ir.SAMPLES))


def _of_all_samples(e: ir.Expr) -> ir.Expr:
    return rebuild(
        e, lambda node: ir.Var(node.name, (ir.SAMPLES, *node.axes)) if isinstance(node, ir.Var) else node
    )


def _activations(layer: Layer, z: ir.Expr, env: Environment) -> ir.Expr:
    """The layer's activations, one inside the other, as a function of z."""
    for activation in layer.activations:
        z = _activation(activation, z, env)
    return z


def _activation(activation: Activation, z: ir.Expr, env: Environment) -> ir.Expr:
    names: dict[str, ir.Expr] = {
        activation.definition.variable: z,
        **{n: ir.Const(v) for n, v in activation.arguments},
    }
    return lower_expr(activation.definition.value, Environment(names, env.functions))


def _name(layer: Layer) -> str:
    return " ".join(a.definition.name for a in layer.activations) or "lin"
