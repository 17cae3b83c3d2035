"""The law of the targets that a network stands for, and the derivatives of its log-likelihood, sample by sample.

    categorical  the outputs are probabilities of classes: log p(y) = log u[y]
    bernoulli    one output, the probability of the second of two: y = 0 or 1
    normal       u and unit variance, of which half the square of the distance is -log p but for a constant

Which of them is seen in the lets: nothing is known here of names of losses and activations. In test mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.backward import backward
from netc.compiler.calculus.evaluate import Env, run_lets
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.modes import reads, reduced
from netc.compiler.calculus.simplify import rebuild, simplify

Law = Literal["categorical", "bernoulli", "normal"]
TRIED = 64
"""Outputs by which a law is known."""


def law_of(problem: ir.Problem) -> Law | None:
    """None where there is none of them, or more than one place has outputs."""
    tested = problem.tested
    output, y = tested.lets[tested.output], tested.given("target")
    if len(output.axes) != 2 or y.axes != output.axes:
        return None
    env = _outputs(tested, output, y)
    u = np.broadcast_to(env[output.name], (TRIED, y.size))
    likely = bool(((u >= 0) & (u <= 1)).all())
    if y.size > 1 and likely and np.allclose(u.sum(axis=1), 1):
        return "categorical"
    if np.allclose(env[_losses(tested)], np.square(u - env[y.name]).sum(axis=1) / 2, rtol=1e-9):
        return "normal"
    return "bernoulli" if y.size == 1 and likely else None


def _outputs(tested: ir.Problem, output: ir.Let, y: ir.Tensor) -> Env:
    """The last lets for some numbers in the place of what they read."""
    draw, last = np.random.default_rng(0), {_losses(tested), output.name}
    env: Env = {y.name: draw.uniform(size=(TRIED, y.size))}
    own = [let for let in ir.flat(tested.forward) if let.name in last]
    for v in (v for let in own for v in reads(let) if v.name not in {*last, y.name}):
        shape = [TRIED if a == ir.SAMPLES else a.size or 1 for a in v.axes]
        env.setdefault(v.name, draw.normal(scale=3, size=shape) if ir.SAMPLES in v.axes else np.zeros(shape))
    run_lets(own, env, {ir.SAMPLES: TRIED})
    return env


def _losses(tested: ir.Problem) -> str:
    """The let of the losses of each sample: the one that the loss sums."""
    (found,) = reads(tested.lets[tested.loss])
    return found.name


def score_lets(
    problem: ir.Problem, law: Law
) -> tuple[tuple[ir.Step, ...], tuple[ir.Step, ...], tuple[str, ...]]:
    """Lets that make of the tensors the outputs, without the targets; and of these and targets, for each sample, the
    derivative of

    sum over outputs of y*log u | y*log u + (1 - y)*log(1 - u) | sum of y*u (normal; d log p is that for y - u)

    by each parameter tensor: their names, each of the samples and the tensor's axes.
    """
    tested = problem.tested
    output, y = tested.lets[tested.output], tested.given("target").var
    units = tuple(a for a in output.axes if a != ir.SAMPLES)
    value = ir.Reduce("sum", simplify(_log(law, output.value, y)), units)
    losses = ir.Let(_losses(tested), (ir.SAMPLES,), spread(simplify(value), (ir.SAMPLES,)))
    own = {losses.name: losses}
    steps = tuple(own.get(s.name, s) if isinstance(s, ir.Let) else s for s in tested.forward)
    forward = reduced(steps, {tested.loss, tested.output})
    derived, names = backward(forward, tested.loss, tested.weights)
    apart = tuple(_of_each_sample(derived))
    read = {v.name for let in ir.flat(apart) for v in reads(let)} - {losses.name, tested.loss}
    return reduced(forward, read | {tested.output}), apart, names


def _log(law: Law, u: ir.Expr, y: ir.Var) -> ir.Expr:
    match law:
        case "categorical":
            return ir.apply("mul", y, ir.apply("log", u))
        case "bernoulli":
            other, rest = (ir.apply("sub", ir.Const(1.0), e) for e in (u, y))
            yes, no = ir.apply("log", u), ir.apply("log", other)
            return ir.apply("add", ir.apply("mul", y, yes), ir.apply("mul", rest, no))
        case "normal":
            return ir.apply("mul", y, u)


def _of_each_sample(steps: Sequence[ir.Step]) -> Iterator[ir.Step]:
    """Derivatives that are not summed over the samples: in test mode the loss of a sample hangs on that sample alone."""
    moved: dict[str, ir.Axes] = {}

    def change(node: ir.Expr) -> ir.Expr:
        match node:
            case ir.Var(name) if name in moved:
                return ir.Var(name, moved[name])
            case ir.Reduce("sum", arg, over) if ir.SAMPLES in over:
                left = tuple(a for a in over if a != ir.SAMPLES)
                return ir.Reduce("sum", arg, left) if left else arg
        return node

    def let(old: ir.Let) -> ir.Let:
        value = rebuild(old.value, change)
        if ir.SAMPLES in value.axes and ir.SAMPLES not in old.axes:
            moved[old.name] = (ir.SAMPLES, *old.axes)
        return ir.Let(old.name, moved.get(old.name, old.axes), value)

    for step in steps:
        match step:
            case ir.Let():
                yield let(step)
            case ir.Scan(axis, lets, back):
                yield ir.Scan(axis, tuple(let(x) for x in lets), back)
