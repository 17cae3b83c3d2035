"""Network and loss, or objective -> ir.Problem: tensors with their places in theta, lets, and the derived lets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod

from netc.compiler.calculus import ir
from netc.compiler.calculus.backward import backward
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.modes import has_modes, in_mode, reduced
from netc.compiler.calculus.simplify import rebuild, simplify
from netc.compiler.calculus.verify import verify
from netc.compiler.lower.expressions import Environment, lower_expr
from netc.compiler.lower.flow import Flow, activated, input_axes, of_all_samples, with_axes, words
from netc.compiler.lower.layer_schedules import first_values
from netc.compiler.lower.penalties import lower_penalties
from netc.compiler.meaning.bind_arguments import decided
from netc.compiler.meaning.penalties import penalties as with_penalties
from netc.compiler.meaning.places import BY_PLACE
from netc.compiler.meaning.spec import Activation, Loss, Network, Objective, Spec
from netc.dsl import ast
from netc.dsl.source import Span

Functions = Mapping[str, ast.Activation | ast.Schedule]
SIZES = ("places", "classes")
"""What a loss knows of the outputs: how many places an image or sequence has, and how many numbers each."""
LOSS, LOSSES, OUTPUT = "loss", "losses", "output"
SAMPLE_WEIGHT = "sample_weight"
"""Lets of every network: the loss, that of each sample, and what `predict` returns."""


def lower_problem(spec: Spec) -> ir.Problem:
    functions = {a.name.lower(): a for a in spec.functions}
    if spec.objective is not None:
        return _objective(spec.objective, Environment({}, functions))
    assert spec.network is not None
    assert spec.loss is not None
    made = _network(spec.network, spec.loss, Environment({}, functions), frozenset(spec.frozen))
    first = first_values(spec)
    updates = tuple(replace(u, initial=first.get(u.state, u.initial)) for u in made.updates)
    return replace(made, updates=updates)


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


def tensors_of(network: Network, functions: Functions) -> list[ir.Tensor]:
    """What the network learns and keeps, without places."""
    flow = Flow(functions)
    flow.chain(
        network.operations,
        ir.Tensor("x", (ir.SAMPLES, *input_axes(network.input, network.operations)), "input").var,
    )
    return flow.tensors


def _network(network: Network, loss: Loss, env: Environment, frozen: frozenset[str]) -> ir.Problem:
    flow = Flow(env.functions)
    x = ir.Tensor("x", (ir.SAMPLES, *input_axes(network.input, network.operations)), "input")
    last = network.activations
    z = flow.chain(network.operations[: len(network.operations) - len(last)], x.var)
    places = loss.places["y"]
    own = z.axes if places in (0, z.axes[-1].size) else (*z.axes[:-1], ir.Axis("y", places))
    y, apart = _targets(own, loss)
    penalties, parts, loss = lower_penalties(loss, flow.tensors, env.functions)
    goal = apart[0].var if apart else y.var
    head = _head(last, z, goal, flow.span, loss, env, parts)
    tensors, kept, updates = _held(flow.tensors, frozen, flow.updates)
    steps = [*kept, *flow.steps, *penalties, *apart, *head]
    return problem([*tensors, x, y], steps, OUTPUT, loss.reduce == "mean", updates)


def _targets(own: ir.Axes, loss: Loss) -> tuple[ir.Tensor, list[ir.Let]]:
    """The targets; where samples have weights these lie behind them, and both are lets: `targets`, `sample_weight`."""
    if not loss.by_sample:
        return ir.Tensor("y", own, "target"), []
    inner = [a for a in own if a != ir.SAMPLES]
    sizes = [a.size or 1 for a in inner]
    row = ir.Axis("target", prod(sizes) + 1)
    y = ir.Tensor("y", (ir.SAMPLES, row), "target")
    strides = [prod(sizes[i + 1 :]) for i in range(len(sizes))]
    goal = ir.View(y.var, row, ir.Index(tuple(zip(inner, strides, strict=True))))
    weight = ir.View(y.var, row, ir.Index((), prod(sizes)))
    return y, [ir.Let("targets", own, goal), ir.Let(SAMPLE_WEIGHT, (ir.SAMPLES,), weight)]


def _held(
    tensors: list[ir.Tensor], frozen: frozenset[str], updates: list[ir.Update]
) -> tuple[list[ir.Tensor], list[ir.Let], list[ir.Update]]:
    """Parameters that are not trained are states that never change: nothing is derived by them, and no rule sees them."""
    held = [replace(t, role="state") if t.name in frozen else t for t in tensors]
    kept = [ir.Let(f"{t.name}.kept", t.axes, t.var) for t in held if t.name in frozen]
    same = [ir.Update(t.name, 0.0, f"{t.name}.kept") for t in held if t.name in frozen]
    by_name = {u.state: u for u in (*updates, *same)}
    return held, kept, [by_name[t.name] for t in held if t.role == "state"]


def _head(
    last: tuple[Activation, ...],
    z: ir.Var,
    target: ir.Var,
    span: Span,
    loss: Loss,
    env: Environment,
    parts: tuple[ir.Var, ...],
) -> list[ir.Let]:
    """The last activation, the loss of each sample, and their sum.

    The loss is composed with the activation before it is simplified and derived, so that log(softmax(z)) and
    log(sigmoid(z)) become the forms that neither overflow nor meet log(0): stable for any finite z.
    """
    here = _of_a_sample(z)
    one = simplify(activated(last, ir.Var(z.name, here.axes[-1:]), env))
    output = with_axes(one, here.axes[:-1])
    u, y = ir.Var("u", here.axes), _of_a_sample(target)
    cost = lower_loss(loss, u, y, env.functions, parts)
    composed = simplify(rebuild(cost, lambda node: output if node == u else node))
    whole = rebuild(of_all_samples(composed), lambda node: _alone(node, parts))
    weights, value = _weighted(loss, y, spread(whole, (ir.SAMPLES,)), env)
    losses = ir.Let(LOSSES, (ir.SAMPLES,), value, loss.definition.name)
    return [
        ir.Let(OUTPUT, z.axes, of_all_samples(output), words(last), span),
        *weights,
        losses,
        ir.Let(LOSS, ir.SCALAR, ir.Reduce("sum", losses.var, (ir.SAMPLES,))),
    ]


def _alone(node: ir.Expr, parts: tuple[ir.Var, ...]) -> ir.Expr:
    """A penalty is the same for all samples."""
    found = next((p for p in parts if isinstance(node, ir.Var) and node.name == p.name), None)
    return found or node


def _weighted(loss: Loss, y: ir.Var, value: ir.Expr, env: Environment) -> tuple[list[ir.Let], ir.Expr]:
    """Losses times the weights of their samples. Where these divide, times the number of samples besides, by which the sum
    of a batch is divided: what stays is the sum of the weights."""
    if loss.weight is None and not loss.by_sample:
        return [], value
    found = of_all_samples(simplify(lower_weight(loss, y, env.functions)))
    if loss.by_sample:
        found = simplify(ir.apply("mul", ir.Var(SAMPLE_WEIGHT, (ir.SAMPLES,)), found))
    weight = ir.Let("weight", (ir.SAMPLES,), spread(found, (ir.SAMPLES,)))
    value = simplify(ir.apply("mul", weight.var, value))
    if loss.divide != "weights":
        return [weight], value
    total = ir.Let("weights", ir.SCALAR, ir.Reduce("sum", weight.var, (ir.SAMPLES,)))
    count = ir.Reduce("sum", ir.Const(1.0, (ir.SAMPLES,)), (ir.SAMPLES,))
    number = ir.Let("samples", ir.SCALAR, count)
    share = ir.apply("div", number.var, total.var)
    return [weight, total, number], ir.apply("mul", value, share)


def lower_loss(
    loss: Loss, u: ir.Var, y: ir.Var, functions: Functions, parts: tuple[ir.Var, ...] = ()
) -> ir.Expr:
    """The loss of one sample, as it is written; `parts` are what it sums over parameters, 0 where they are not given."""
    sizes = [a.size or 1 for a in u.axes]
    names: dict[str, ir.Expr] = {
        "places": ir.Const(float(prod(sizes[:-1]))),
        "classes": ir.Const(float(sizes[-1])),
    }
    names |= {p.name: p for p in parts}
    names |= {"u": u, "y": y, **{name: ir.Const(value) for name, value in loss.arguments}}
    assert loss.definition.value is not None
    value = with_penalties(loss.definition.value, lambda _: ast.Number(0.0))
    value = decided(value, dict(loss.arguments))  # `p != none`, which no arithmetic decides
    return lower_expr(value, Environment(names, functions, by_place=BY_PLACE))


def lower_weight(loss: Loss, y: ir.Var, functions: Functions) -> ir.Expr:
    """What the loss makes of the target of a sample for its weight; 1 where it says nothing."""
    if loss.weight is None:
        return ir.Const(1.0)
    return lower_expr(loss.weight, Environment({"y": y}, functions, by_place=BY_PLACE))


def lower_activations(last: tuple[Activation, ...], z: ir.Var, functions: Functions) -> ir.Expr:
    """What the activations make of z for one sample, as it is written."""
    return activated(last, z, Environment({}, functions))


def _of_a_sample(v: ir.Var) -> ir.Var:
    """As losses are written: reductions in them are over the outputs of one sample."""
    return ir.Var(v.name, tuple(a for a in v.axes if a != ir.SAMPLES))
