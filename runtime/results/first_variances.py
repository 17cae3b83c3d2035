"""The variance of what layers sum, from layer to layer, before anything is trained: does the start keep it?

    V[z_l] = fan_in V[w] E[x^2]    for weights of mean 0 that are independent of the x they are multiplied with

so V[z_l] = V[z_1] in all layers where fan_in V[w] E[f(z)^2] = V[z]. For odd f, taken for its argument, that is
fan_in V[w] = 1 (Glorot and Bengio 2010); for relu and its kin E[f(z)^2] = V[z] (f(1)^2 + f(-1)^2)/2 with z symmetric
about 0 (He et al. 2015). Of other activations, and where something else stands between two layers, the condition does not
speak. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import evaluate
from netc.compiler.calculus.modes import reads
from netc.runtime.parameters import Array
from netc.runtime.training.inside import spreads
from netc.runtime.training.start import first_states, first_theta

STARTS = 20
"""That are looked at together."""
NEAR = 1.1
"""A factor between 1/NEAR and NEAR keeps the variance."""
POINTS = np.linspace(0.1, 3, 30)


@dataclass(frozen=True)
class Row:
    """A layer with weights, in order."""

    name: str
    fan_in: int
    spread: float
    """fan_in V[w]"""
    wanted: float | None
    """By which it keeps the variance of the layer before; None where the condition does not speak."""
    behind: str
    """What stands between it and the layer before: `tanh`; empty in the first one."""
    ratio: float
    """V[z_l]/V[z_1], over samples, units and starts."""

    @property
    def judged(self) -> str:
        if self.wanted is None:
            return ""
        factor = self.spread / self.wanted
        if 1 / NEAR <= factor <= NEAR:
            return "kept"
        return f"{'grows' if factor > 1 else 'shrinks'}, times {factor:.3g}"


def first_variances(program: ir.Program, x: Array, y: Array) -> list[Row]:
    """Of the starts of the file's first runs, on scaled samples."""
    problem = program.problem
    weights = {t.name: t for t in problem.weights if t.role == "weight"}
    sums = [(let, t) for let in ir.flat(problem.tested.forward) for t in _summed(let, weights)]
    theta, states = first_theta(program, 0, STARTS), first_states(program, 0, STARTS)
    pooled = {let.name: 0.0 for let, _ in sums}
    means = dict.fromkeys(pooled, 0.0)
    for row, held in zip(theta, states, strict=True):
        for name, found in spreads(problem, pooled, row, held, x, y).items():
            pooled[name] += found.square / STARTS
            means[name] += found.mean / STARTS
    variances = [pooled[let.name] - means[let.name] ** 2 for let, _ in sums]
    rows = []
    for (let, t), variance in zip(sums, variances, strict=True):
        behind, wanted = _condition(problem, let, [other.name for other, _ in sums])
        spread = t.fans[0] * float(theta[:, t.offset : t.stop].var())
        rows.append(
            Row(let.name.partition(".")[0], t.fans[0], spread, wanted, behind, variance / variances[0])
        )
    return rows


def _summed(let: ir.Let, weights: dict[str, ir.Tensor]) -> Iterator[ir.Tensor]:
    """The weight with which the let sums something of the samples, where it is one."""
    own = [weights[v.name] for v in reads(let) if v.name in weights]
    if len(own) == 1 and own[0].fans[0] and ir.SAMPLES in let.axes:
        yield own[0]


def _condition(problem: ir.Problem, let: ir.Let, sums: list[str]) -> tuple[str, float | None]:
    lets = problem.tested.lets
    inputs = [v.name for v in reads(let) if ir.SAMPLES in v.axes]
    if len(inputs) != 1 or inputs[0] not in lets:
        return "", None
    if inputs[0] in sums:
        return "lin", 1.0
    between = lets[inputs[0]]
    before = reads(between)
    if len(before) != 1 or before[0].name not in sums or not _pointwise(between.value):
        return between.text or between.name.partition(".")[0], None
    plus, minus = (np.asarray(evaluate(between.value, {before[0].name: z})) for z in _grids(before[0]))
    if np.allclose(plus, -minus, atol=1e-12):
        return between.text, 1.0
    twice, _ = (np.asarray(evaluate(between.value, {before[0].name: 2 * z})) for z in _grids(before[0]))
    low, high = float(minus.flat[-1]), float(plus.flat[-1])
    share = (low**2 + high**2) / (2 * POINTS[-1] ** 2)
    homogeneous = np.allclose(twice, 2 * plus) and np.allclose(
        minus * POINTS[-1], low * POINTS.reshape(plus.shape)
    )
    return between.text, 1 / share if homogeneous and share > 0 else None


def _pointwise(e: ir.Expr) -> bool:
    return all(isinstance(node, ir.Const | ir.Var | ir.Apply) for node in ir.postorder(e))


def _grids(v: ir.Var) -> tuple[Array, Array]:
    """Points above 0, and their opposites, along the axis of the samples."""
    z = POINTS.reshape([len(POINTS) if a == ir.SAMPLES else 1 for a in v.axes])
    return z, -z
