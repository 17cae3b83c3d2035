"""A plain NumPy evaluation of expressions and lets: the oracle for generated kernels. Slow, and meant to be read.

Arrays have one dtype (float64 or float32), numbers are Python floats. All samples of an evaluation go together. It
shares nothing with the kernels but the ir and knows no data sets, threads or random numbers. What rules do with it is
in `interpret.py`, how arrays meet axis by axis in `arrays.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.arrays import (
    Array,
    Parts,
    laid,
    lengths_of,
    picked,
    reduced,
    reduced_by_part,
    stretched,
    summed_product,
    view,
)
from netc.compiler.calculus.masks import stretches
from netc.compiler.calculus.primitives import PRIMITIVES

Env = dict[str, Any]


def evaluate(
    expr: ir.Expr,
    env: Mapping[str, Any],
    parts: Parts | None = None,
    sizes: Mapping[ir.Axis, int] | None = None,
) -> Any:
    """The value of an expression: a number, or an array with the axes of the expression, where it is the same along
    one perhaps of length 1 there.

    `env` holds arrays with the axes of their Vars; `parts` are needed for reductions of parts of theta, `sizes` for
    axes that have none and that no array of the expression has.
    """
    values: dict[int, Any] = {}
    nodes = list(ir.postorder(expr))
    with np.errstate(all="ignore"):
        lengths = lengths_of(nodes, env) | dict(sizes or {})
        for node in nodes:
            result = _value(node, values, env, parts, lengths)
            # a Python number leaves the dtype of the arrays it meets alone
            values[id(node)] = result.item() if isinstance(result, np.generic) else result
    return values[id(expr)]


def _value(
    node: ir.Expr,
    values: Mapping[int, Any],
    env: Mapping[str, Any],
    parts: Parts | None,
    lengths: dict[ir.Axis, int],
) -> Any:
    match node:
        case ir.Const(value):
            return value
        case ir.Var(name) | ir.Draw(purpose=name):
            return env[name]
        case ir.Place(axis):
            return np.arange(float(lengths[axis]))
        case ir.Apply(op, args):
            return PRIMITIVES[op].value(*(laid(values[id(a)], a.axes, node.axes) for a in args))
        case ir.Reduce("sum", ir.Apply("mul", (a, b)), over, "") if all(
            axis in a.axes or axis in b.axes for axis in over
        ):
            return summed_product(node, a, b, values, lengths)
        case ir.Reduce(op, arg, over, per):
            if per:
                whole = stretched(values[id(arg)], arg.axes, arg.axes, lengths)
                return reduced_by_part(op, whole, parts[per] if parts else ())
            return reduced(op, values[id(arg)], arg.axes, over, lengths)
        case ir.View(arg, axis):
            return view(node, stretched(values[id(arg)], arg.axes, (axis,), lengths), lengths)
        case ir.Pick(arg, axis, place):
            return picked(node, values[id(arg)], values[id(place)], lengths)
        case _:
            assert_never(node)


def parts_of(problem: ir.Problem) -> Parts:
    """The parameters of each layer, and of each of its tensors: the weights, the biases. An objective is one part."""
    if not problem.sampled:
        whole = (slice(0, problem.parameters),)
        return {"layer": whole, "tensor": whole}
    layers = tuple(slice(part[0].offset, part[-1].stop) for part in problem.layers)
    return {"layer": layers, "tensor": tuple(slice(t.offset, t.stop) for t in problem.weights)}


def masks_of(problem: ir.Problem, rule: ir.Rule, like: Array) -> dict[str, Array]:
    """Those that the rule may read, by name."""
    found = {}
    for mask in (ir.Mask("weights", "weights"), ir.Mask("biases", "biases"), *rule.masks):
        found[mask.name] = np.zeros_like(like)
        for start, stop, held in stretches(problem, mask.of):
            found[mask.name][start:stop] = float(held)
    return found


def run_lets(steps: Sequence[ir.Step], env: Env, sizes: Mapping[ir.Axis, int] | None = None) -> None:
    """The values of lets into the environment, whole arrays in the order of their axes."""
    for step in steps:
        match step:
            case ir.Let():
                lengths = lengths_of([step.var], {step.name: ()}) | dict(sizes or {})
                lengths |= lengths_of(list(ir.postorder(step.value)), env)
                value = evaluate(step.value, env, sizes=sizes)
                env[step.name] = value if not step.axes else filled(value, step, lengths)
            case ir.Scan():
                _run_scan(step, env, dict(sizes or {}))
            case _:
                assert_never(step)


def filled(value: Any, let: ir.Let, lengths: Mapping[ir.Axis, int]) -> Array:
    whole = laid(value, let.value.axes, let.axes)
    return np.broadcast_to(whole, [lengths[a] for a in let.axes])


def _run_scan(scan: ir.Scan, env: Env, sizes: dict[ir.Axis, int]) -> None:
    """Place by place: each let's equation with the axis fixed. What is not there yet reads as 0, which nobody asks for."""
    assert scan.axis.size is not None
    places = range(scan.axis.size)
    drawn = {
        let.name for let in scan.lets if isinstance(let.value, ir.Draw) and let.value.purpose == let.name
    }
    lets = [let for let in scan.lets if let.name not in drawn]  # what is drawn is there, whole
    for let in lets:
        shape = [sizes[a] if a.size is None else a.size for a in let.axes]
        env[let.name] = np.zeros(shape)
    for place in reversed(places) if scan.backward else places:
        for let in lets:
            value = fixed(let.value, scan.axis, place)
            axes = tuple(a for a in let.axes if a != scan.axis)
            found = laid(evaluate(value, env, sizes=sizes), value.axes, axes)
            env[let.name][tuple(place if a == scan.axis else slice(None) for a in let.axes)] = found


def fixed(e: ir.Expr, axis: ir.Axis, place: int) -> ir.Expr:
    """The expression at this place of the axis."""
    match e:
        case ir.Var(axes=axes) | ir.Draw(axes=axes) if axis in axes:
            return ir.View(e, axis, ir.Index((), place))
        case ir.Const(value, axes):
            return ir.Const(value, tuple(a for a in axes if a != axis))
        case ir.Place(a) if a == axis:
            return ir.Const(float(place))
        case ir.Reduce(over=over) if axis in over:  # the sum is over an axis of its own of that name
            return e
        case ir.View(arg, b, index) if b == axis:  # read at another place: the argument keeps the axis
            return ir.View(arg, axis, _index_at(index, axis, place), e.outside)
        case ir.View(arg, b, index):
            return ir.View(fixed(arg, axis, place), b, _index_at(index, axis, place), e.outside)
        case _:
            return ir.with_children(e, tuple(fixed(c, axis, place) for c in ir.children(e)))


def _index_at(index: ir.Index, axis: ir.Axis, place: int) -> ir.Index:
    more = sum(f * place for a, f in index.terms if a == axis)
    terms = tuple(t for t in index.terms if t[0] != axis)
    return ir.Index(terms, index.offset + more, index.divisor, index.floor)


def given(problem: ir.Problem, theta: Array, x: Array, y: Array, states: Array | None = None) -> Env:
    """The tensors: parameters out of theta (P,), samples x (N, inputs), y (N, outputs), states of layers (S,)."""
    states = initial_states(problem).astype(theta.dtype) if states is None else states
    env: Env = {t.name: _piece(t, theta) for t in problem.weights}
    env |= {t.name: _piece(t, states) for t in problem.states}
    for t in problem.tensors:
        if t.role in ("input", "target"):
            env[t.name] = (x if t.role == "input" else y).reshape(len(x), *t.shape)
    return env


def _piece(t: ir.Tensor, row: Array) -> Any:
    piece = row[t.offset : t.stop]
    return piece.reshape(t.shape) if t.axes else float(piece[0])


def initial_states(problem: ir.Problem) -> Array:
    """(S,) float64, of the layers before the first iteration."""
    tensors = {t.name: t for t in problem.states}
    pieces = [np.full(tensors[u.state].size, u.initial) for u in problem.updates]
    return np.concatenate([np.zeros(0), *pieces])


def _sizes(problem: ir.Problem, x: Array) -> dict[ir.Axis, int]:
    return {ir.SAMPLES: len(x)} if problem.sampled else {}


def predict(problem: ir.Problem, theta: Array, x: Array, states: Array | None = None) -> Array:
    """The outputs (N, outputs) for inputs x (N, inputs), in test mode."""
    env = given(problem, theta, x, np.zeros((len(x), problem.targets), x.dtype), states)
    run_lets(problem.tested.forward, env, _sizes(problem, x))
    return np.array(env[problem.output]).reshape(len(x), -1)


Draws = Mapping[str, Array]
"""What each Draw gives, by its purpose: arrays with its axes."""


def loss_and_gradient(
    problem: ir.Problem,
    theta: Array,
    x: Array,
    y: Array,
    draws: Draws | None = None,
    states: Array | None = None,
) -> tuple[float, Array]:
    """Of the samples x (N, inputs), y (N, outputs); an objective looks at neither. In the problem's own mode."""
    loss, gradient, _ = evaluated(problem, theta, x, y, draws, states)
    return loss, gradient


def evaluated(
    problem: ir.Problem,
    theta: Array,
    x: Array,
    y: Array,
    draws: Draws | None = None,
    states: Array | None = None,
) -> tuple[float, Array, Array]:
    """Loss and gradient, and the next values (S,) of the states."""
    env = given(problem, theta, x, y, states) | dict(draws or {})
    run_lets((*problem.forward, *problem.backward), env, _sizes(problem, x))
    share = 1 / len(x) if problem.mean else 1.0
    gradient = np.concatenate([np.ravel(env[name]) for name in problem.gradients]) * share
    changed = [np.zeros(0), *(np.ravel(env[u.value]) for u in problem.updates)]
    return (
        float(env[problem.loss]) * share,
        gradient.astype(theta.dtype),
        np.concatenate(changed).astype(theta.dtype),
    )
