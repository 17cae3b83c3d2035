"""What is inside a network at one point: activations, gradients and Fisher information layer by layer.

By NumPy on the lets, in float64 and in test mode, over all training samples; gradients by the kernels. Only what is asked
for is evaluated, and nothing here trains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import Env, given, run_lets
from netc.compiler.calculus.likelihood import Law, law_of, score_lets
from netc.compiler.calculus.modes import reads, reduced
from netc.compiler.meaning.inside import ACTIVATIONS, parts_of
from netc.runtime.parameters import Array

AT_ONCE = 256
"""Samples whose activations are computed together: a constant, so that no bit hangs on the machine."""
NUMBERS = 2**22
"""Of derivatives by single samples that are held together."""


def gives(problem: ir.Problem, layer: str) -> str:
    """The let of what a layer gives, behind the activations that follow it."""
    tested = problem.tested
    if any(v.name.partition(".")[0] == layer for v in reads(tested.lets[tested.output])):
        return tested.output
    own = [let.name for let in ir.flat(tested.forward) if _of(let, layer) and ir.SAMPLES in let.axes]
    return own[-1]


def sums(problem: ir.Problem, layer: str) -> str:
    """The let of what a layer gives before the activations: `layer1.z`."""
    own = [let for let in ir.flat(problem.tested.forward) if _of(let, layer) and ir.SAMPLES in let.axes]
    return [let.name for let in own if let.name.partition(".")[2].strip("a")][-1]


def _of(let: ir.Let, layer: str) -> bool:
    return let.name.partition(".")[0] == layer


@dataclass(frozen=True)
class Spread:
    """Of the numbers of an array (samples, ..., units), over all samples."""

    mean: float
    var: float
    zeros: float
    """Share of them."""
    dead: int
    """Units that are 0 everywhere."""
    square: float
    """The mean of the squares."""


def spreads(
    problem: ir.Problem, names: Iterable[str], theta: Array, states: Array, x: Array, y: Array
) -> dict[str, Spread]:
    """Of lets of the samples in test mode, at theta (P,) and states (S,)."""
    wanted = sorted(set(names))
    steps = reduced(problem.tested.forward, {*wanted})
    found: dict[str, _Gathered] = {name: _Gathered() for name in wanted}
    for at in range(0, len(x), AT_ONCE):
        part = slice(at, at + AT_ONCE)
        env = given(problem, theta, x[part], y[part], states)
        run_lets(steps, env, {ir.SAMPLES: len(x[part])})
        for name, gathered in found.items():
            gathered.add(np.asarray(env[name], np.float64))
    return {name: gathered.spread() for name, gathered in found.items()}


class _Gathered:
    """Mean and squares about it, joined part by part as Chan, Golub and LeVeque (1979) do."""

    def __init__(self) -> None:
        self.count, self.none = 0, 0
        self.mean = self.squares = 0.0
        self.alive: Any = False

    def add(self, a: Array) -> None:
        mean, count = float(a.mean()), self.count + a.size
        apart = mean - self.mean
        self.squares += float(np.square(a - mean).sum()) + apart * apart * self.count * a.size / count
        self.mean += apart * a.size / count
        self.count = count
        self.none += int((a == 0).sum())
        self.alive = self.alive | (a != 0).any(axis=tuple(range(a.ndim - 1)))

    def spread(self) -> Spread:
        var = self.squares / self.count
        dead = int((~np.asarray(self.alive)).sum())
        return Spread(self.mean, var, self.none / self.count, dead, var + self.mean * self.mean)


@dataclass(frozen=True)
class Inside:
    """Figures of a training's runs."""

    problem: ir.Problem
    """With nothing frozen."""
    trained: ir.Problem
    """That the rule sees."""
    x: Array
    """(N, inputs) and (N, targets), scaled."""
    y: Array
    cuts: Array
    """(m + 1,): the batches, in the order of the data."""
    gradient: Callable[[Array, int, int], Array]
    """At a row as kernels have them, on so many samples from one on: by what is trained."""
    start: Callable[[int], Array]
    """theta[0] (P,) of the run with this number."""
    unfrozen: Callable[[Array, Array], tuple[Array, Array]] = field(
        default=lambda theta, states: (theta, states)
    )
    """Rows of what is trained and of its states -> of all parameters and the states of layers."""

    def values(
        self, figures: Sequence[ir.Inside], row: Array, run: int, step: Array | None = None
    ) -> list[float]:
        """At a row of parameters and states as kernels have it; `step`: the next one, of what is trained."""
        asked = [part for one in figures for part in parts_of(one)]
        point = Point(
            self, row, run, step, tuple(sorted({f.layer for f in asked if f.figure in ACTIVATIONS}))
        )
        with np.errstate(all="ignore"):  # of a run that is lost they are not finite
            return [point.value(one) for one in figures]


@dataclass(frozen=True)
class Point:
    inside: Inside
    row: Array
    run: int
    step: Array | None
    layers: tuple[str, ...]
    """Whose activations are asked for."""

    def value(self, one: ir.Inside) -> float:
        found = self._value(one)
        if one.over is None:
            return found
        return float(np.divide(found, self._value(one.over)))

    def _value(self, one: ir.Inside) -> float:
        match one.figure:
            case "mean" | "var" | "zeros" | "dead":
                return float(getattr(self._spreads[one.layer], one.figure))
            case "fisher":
                return _sum_of(self._fisher, one.layer)
            case "empirical_fisher":
                return _sum_of(self._empirical, one.layer)
            case "theta":
                return _norm(_slice(self.inside.problem, self._whole[0], one.layer))
            case "moved":
                away = self._whole[0] - self.inside.start(self.run)
                return _norm(_slice(self.inside.problem, away, one.layer))
            case "gradient":
                return _norm(self._trained(self._gradient, one.layer))
            case "step":
                return math.nan if self.step is None else _norm(self._trained(self.step, one.layer))
            case "cosine":
                pairs = pairwise(self._trained(g, one.layer) for g in self._of_batches)
                each = [_cosine(a, b) for a, b in pairs]
                return float(np.mean(each)) if each else math.nan
            case "spread":
                gradients = np.array([self._trained(g, one.layer) for g in self._of_batches])
                return float(np.square(gradients - gradients.mean(axis=0)).sum() / len(gradients))

    # -- what several figures need, once -------------------------------------------------------------

    @cached_property
    def _whole(self) -> tuple[Array, Array]:
        """All parameters (P,) and states of layers (S,), float64."""
        trained = self.inside.trained
        row = self.row[None].astype(np.float64)
        states = row[:, row.shape[1] - trained.state_numbers :]
        theta, held = self.inside.unfrozen(row[:, : trained.parameters], states)
        return theta[0], held[0]

    @cached_property
    def _spreads(self) -> dict[str, Spread]:
        inside = self.inside
        names = {layer: gives(inside.problem, layer) for layer in self.layers}
        found = spreads(inside.problem, names.values(), *self._whole, inside.x, inside.y)
        return {layer: found[name] for layer, name in names.items()}

    @cached_property
    def _gradient(self) -> Array:
        return self.inside.gradient(self.row, 0, int(self.inside.cuts[-1])).astype(np.float64)

    @cached_property
    def _of_batches(self) -> list[Array]:
        cuts = self.inside.cuts.tolist()
        pairs = pairwise(cuts)
        return [self.inside.gradient(self.row, low, high - low).astype(np.float64) for low, high in pairs]

    @cached_property
    def _fisher(self) -> dict[str, float]:
        return fisher(self.inside.problem, *self._whole, self.inside.x, self.inside.y)

    @cached_property
    def _empirical(self) -> dict[str, float]:
        return fisher(self.inside.problem, *self._whole, self.inside.x, self.inside.y, empirical=True)

    def _trained(self, vector: Array, layer: str) -> Array:
        return _slice(self.inside.trained, vector, layer)


def _sum_of(traces: dict[str, float], layer: str) -> float:
    return sum(v for name, v in traces.items() if not layer or name.partition(".")[0] == layer)


def _slice(problem: ir.Problem, vector: Array, layer: str) -> Array:
    """Those of a layer; empty where none of it is trained."""
    own = [t for t in problem.weights if not layer or t.name.partition(".")[0] == layer]
    return vector[own[0].offset : own[-1].stop].astype(np.float64) if own else np.zeros(0)


def _norm(a: Array) -> float:
    return float(np.linalg.norm(a))


def _cosine(a: Array, b: Array) -> float:
    return float(np.divide(a @ b, _norm(a) * _norm(b)))


# -- Fisher information ----------------------------------------------------------------------------------


def fisher(
    problem: ir.Problem, theta: Array, states: Array, x: Array, y: Array, empirical: bool = False
) -> dict[str, float]:
    """Traces by parameter tensor: E_x E_y |d log p(y | x)|^2 over the model's own y; `empirical`: with the y of the data."""
    law = law_of(problem)
    assert law is not None, "who asks has looked for it"
    forward, derived, names = score_lets(problem, law)
    total, target = np.zeros(len(names)), problem.given("target").name
    some = max(1, min(AT_ONCE, NUMBERS // max(1, problem.parameters)))
    for at in range(0, len(x), some):
        part = slice(at, at + some)

        known = given(problem, theta, x[part], y[part], states)
        run_lets(forward, known, {ir.SAMPLES: len(x[part])})

        def squares(targets: Array, known: Env = known) -> tuple[Array, Array]:
            """(N, tensors) squared norms of the derivatives, and the outputs."""
            env = known | {target: targets}
            run_lets(derived, env, {ir.SAMPLES: len(targets)})
            rows = [np.asarray(env[name]).reshape(len(targets), -1) for name in names]
            return np.array([np.einsum("ni,ni->n", r, r) for r in rows]).T, np.asarray(
                env[problem.tested.output]
            )

        if empirical:
            total += _of_data(law, squares, y[part]).sum(axis=0)
            continue
        for likely, found in _expected(law, squares, len(x[part]), y.shape[1]):
            total += likely @ found
    tensors = [t.name for t in problem.weights]
    return dict(zip(tensors, (total / len(x)).tolist(), strict=True))


Squares = Callable[[Array], tuple[Array, Array]]


def _expected(law: Law, squares: Squares, count: int, outputs: int) -> Iterator[tuple[Array, Array]]:
    """For each y that the model may say: how likely it is, (N,), and (N, tensors)."""
    if law == "bernoulli":
        for said in (0.0, 1.0):
            found, u = squares(np.full((count, 1), said))
            yield (u[:, 0] if said else 1 - u[:, 0]), found
        return
    for k in range(outputs):
        found, u = squares(np.tile(np.eye(outputs)[k], (count, 1)))
        yield (u[:, k] if law == "categorical" else np.ones(count)), found  # of the normal law Cov(y - u) = 1


def _of_data(law: Law, squares: Squares, y: Array) -> Array:
    if law != "normal":
        return squares(y)[0]
    _, u = squares(y)
    return squares(y - u)[0]  # of d log p = sum of (y - u)*du, with what is y - u held
