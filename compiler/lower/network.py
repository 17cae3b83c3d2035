"""Network and loss, or objective -> ir.Problem: sizes, offsets, activations, loss and their derivatives."""

from __future__ import annotations

from netc.compiler.calculus import derive, ir
from netc.compiler.calculus.simplify import simplify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.meaning.spec import Activation, Layer, Loss, Network, Objective, Spec

Z, U, Y = ir.Var("z", "output"), ir.Var("u", "output"), ir.Var("y", "output")


def lower_problem(spec: Spec) -> ir.Problem:
    functions = {a.name.lower(): a for a in spec.functions}
    if spec.objective is not None:
        return _objective(spec.objective, Environment({}, functions))
    assert spec.network is not None
    assert spec.loss is not None
    return _network(spec.network, spec.loss, Environment({}, functions))


def _objective(objective: Objective, env: Environment) -> ir.Objective:
    names: dict[str, ir.Expr] = {v: ir.Var(v, "scalar") for v in objective.variables}
    value = simplify(lower_expr(objective.value, Environment(names, env.functions)))
    return ir.Objective(objective.variables, value, derive.gradient(value, objective.variables))


def _network(network: Network, loss: Loss, env: Environment) -> ir.Network:
    ops: list[ir.Dense | ir.Map] = []
    offset = 0
    for position, layer in enumerate(network.layers, start=1):
        ops.append(ir.Dense(f"layer{position}", layer.inputs, layer.outputs, layer.bias, offset))
        offset += layer.outputs * (layer.inputs + layer.bias)
        if position < len(network.layers):
            value = simplify(_activations(layer, env))
            ops.append(ir.Map(_name(layer), layer.outputs, value, derive.map_vjp(value)))
    last = network.layers[-1]
    names: dict[str, ir.Expr] = {"u": U, "y": Y, **{name: ir.Const(value) for name, value in loss.arguments}}
    assert loss.definition.value is not None
    cost = lower_expr(
        loss.definition.value, Environment(names, env.functions, elements={"output": last.outputs})
    )
    head = derive.head(_activations(last, env), cost, last.outputs, loss.reduce == "mean")
    return ir.Network(tuple(ops), head, network.inputs, offset)


def _activations(layer: Layer, env: Environment) -> ir.Expr:
    """The layer's activations, one inside the other, as a function of z."""
    value: ir.Expr = Z
    for activation in layer.activations:
        value = _activation(activation, value, layer.outputs, env)
    return value


def _activation(activation: Activation, z: ir.Expr, units: int, env: Environment) -> ir.Expr:
    names: dict[str, ir.Expr] = {
        activation.definition.variable: z,
        **{n: ir.Const(v) for n, v in activation.arguments},
    }
    return lower_expr(
        activation.definition.value, Environment(names, env.functions, elements={"output": units})
    )


def _name(layer: Layer) -> str:
    return " ".join(a.definition.name for a in layer.activations) or "lin"
