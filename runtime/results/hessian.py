"""Hessians of the training loss, exact and in float64: whole, as products with vectors, and at many points at once.

The derivatives are the compiler's (`compiler/calculus/second_derivatives.py`); here their lets meet numbers, block by
block of samples. Trains nothing, and says nothing of what the curvature means (`critical_points.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.evaluate import Env, given, initial_states, run_lets
from netc.compiler.calculus.second_derivatives import DIRECTIONS, moved, tangents
from netc.compiler.calculus.simplify import rebuild
from netc.runtime.parameters import Array

BUFFER = 2**22
"""Bytes that the values of a block of samples may take, all directions together."""
POINTS = ir.Axis("point")
NOTHING = np.zeros((1, 1))


class Hessians:
    """Of a problem's loss in test mode, on samples x (N, inputs), y (N, outputs) if it has any, scaled as in training."""

    def __init__(self, problem: ir.Problem, x: Array = NOTHING, y: Array = NOTHING) -> None:
        self.problem = problem.tested
        self.states = initial_states(problem)
        """Of its layers, (S,)."""
        self.x, self.y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        self.share = 1 / len(x) if problem.mean else 1.0
        self.steps = (*self.problem.forward, *self.problem.backward)

    def with_states(self, states: Array) -> Hessians:
        """The same with states (S,) of layers that were trained; what does not depend on them is kept."""
        other = copy(self)
        other.states = np.asarray(states, np.float64)
        return other

    @cached_property
    def _tangents(self) -> tuple[ir.Step, ...]:
        return tangents(self.problem)

    def gradient(self, theta: Array) -> Array:
        """(P,)"""
        whole: Array = self._sums(theta, np.zeros((0, self.problem.parameters)))[0]
        return whole

    def hessian(self, theta: Array, along: Array | None = None) -> Array:
        """At one point (P,): (P, P), or its products with the rows of `along` (k, P): (k, P)."""
        if along is not None:
            return self._products(theta, along)
        found = self._products(theta, np.eye(self.problem.parameters))
        return (found + found.T) / 2

    def _products(self, theta: Array, along: Array) -> Array:
        most = max(1, BUFFER // (self._bytes * min(len(self.x), 256)))
        parts = (along[i : i + most] for i in range(0, len(along), most))
        return np.concatenate([self._sums(theta, part)[1:] for part in parts])

    @cached_property
    def _bytes(self) -> int:
        """Of all values of one sample."""
        lets = (let for let in ir.flat(self.steps) if not self.problem.sampled or ir.SAMPLES in let.axes)
        return 8 * sum(int(np.prod([a.size or 1 for a in let.axes])) for let in lets)

    def _sums(self, theta: Array, along: Array) -> Array:
        """(1 + k, P): the gradient, and its derivatives along the directions, summed block by block of samples."""
        theta = np.asarray(theta, np.float64)
        total = np.zeros((1 + len(along), self.problem.parameters))
        size = max(1, BUFFER // (self._bytes * (1 + len(along))))
        for i in range(0, len(self.x), size):
            total += self._of_block(theta, along, self.x[i : i + size], self.y[i : i + size])
        return total * self.share

    def _of_block(self, theta: Array, along: Array, x: Array, y: Array) -> Array:
        env = given(self.problem, theta, x, y, self.states)
        sizes = {ir.SAMPLES: len(x), DIRECTIONS: len(along)}
        for t in self.problem.weights:
            env[moved(t.name)] = along[:, t.offset : t.stop].reshape(len(along), *t.shape)
        run_lets(self.steps, env, sizes)
        rows = [np.concatenate([np.ravel(env[name]) for name in self.problem.gradients])]
        if len(along):
            run_lets(self._tangents, env, sizes)
            rows += list(
                np.concatenate(
                    [self._change(name, env, len(along)) for name in self.problem.gradients], axis=1
                )
            )
        return np.stack(rows)

    @staticmethod
    def _change(gradient: str, env: Env, count: int) -> Array:
        """(k, size) of one parameter tensor; 0 where its derivative never changes."""
        size = np.size(env[gradient])
        return (
            np.reshape(env[moved(gradient)], (count, size))
            if moved(gradient) in env
            else np.zeros((count, size))
        )

    # -- many points at once, of a problem without samples -----------------------------------------------

    def losses(self, theta: Array) -> Array:
        """(n,) at theta (n, P)."""
        values: Array = self._at(theta, self.problem.forward)[self.problem.loss]
        return values

    def gradients(self, theta: Array) -> Array:
        """(n, P)"""
        env = self._at(theta, self.steps)
        found: Array = np.stack([env[name] for name in self.problem.gradients], axis=1)
        return found

    def hessians(self, theta: Array) -> Array:
        """(n, P, P)"""
        env = self._at(theta, (*self.steps, *self._tangents))
        nothing = np.zeros(theta.shape)
        found = np.stack([env.get(moved(name), nothing) for name in self.problem.gradients], axis=2)
        both: Array = (found + found.transpose(0, 2, 1)) / 2
        return both

    def _at(self, theta: Array, steps: tuple[ir.Step, ...]) -> Env:
        """The lets with the points as one more axis."""
        columns = np.asarray(theta, np.float64).T
        env: Env = {
            t.name: np.ascontiguousarray(c) for t, c in zip(self.problem.weights, columns, strict=True)
        }
        unit = np.eye(len(columns))
        env |= {
            moved(t.name): np.broadcast_to(row, theta.shape)
            for t, row in zip(self.problem.weights, unit, strict=True)
        }
        run_lets(tuple(_at_points(steps)), env, {POINTS: len(theta), DIRECTIONS: len(columns)})
        return env


def _at_points(steps: tuple[ir.Step, ...]) -> Iterator[ir.Let]:
    def more(node: ir.Expr) -> ir.Expr:
        return ir.Var(node.name, (POINTS, *node.axes)) if isinstance(node, ir.Var) else node

    for let in ir.flat(steps):
        yield replace(let, axes=(POINTS, *let.axes), value=rebuild(let.value, more))
