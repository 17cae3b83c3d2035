"""Hessians of the training loss, exact and in float64: of objectives for many points at once, of networks as products
with vectors, many vectors at once.

The derivatives are the compiler's (`compiler/calculus/second_derivatives.py`); here they meet numbers. Trains nothing, and says
nothing of what the curvature means (`kinds.py`).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.interpret import evaluate
from netc.compiler.calculus.second_derivatives import NetworkTangents, lower_triangle, network_tangents
from netc.runtime.parameters import Array

BUFFER = 2**22
"""Bytes that the activations of a block of samples may take, all directions together."""


class ObjectiveCurvature:
    """Of a plain function of P numbers, at theta (n, P)."""

    def __init__(self, objective: ir.Objective) -> None:
        self.objective = objective

    @cached_property
    def _second(self) -> tuple[tuple[ir.Expr, ...], ...]:
        return lower_triangle(self.objective)

    def gradients(self, theta: Array) -> Array:
        """(n, P)"""
        env = self._env(theta)
        return np.stack([self._of(e, env, len(theta)) for e in self.objective.gradient], axis=1)

    def hessians(self, theta: Array) -> Array:
        """(n, P, P)"""
        count, size = theta.shape
        env, found = self._env(theta), np.empty((count, size, size))
        for i, row in enumerate(self._second):
            for j, e in enumerate(row):
                found[:, i, j] = found[:, j, i] = self._of(e, env, count)
        return found

    def hessian(self, theta: Array, along: Array | None = None) -> Array:
        """At one point (P,): (P, P), or its products with the rows of `along` (k, P): (k, P)."""
        whole: Array = self.hessians(theta[None])[0]
        return whole if along is None else np.asarray(along @ whole)

    def _env(self, theta: Array) -> dict[str, Array]:
        columns = np.asarray(theta, np.float64).T
        return dict(zip(self.objective.variables, np.ascontiguousarray(columns), strict=True))

    @staticmethod
    def _of(e: ir.Expr, env: dict[str, Array], count: int) -> Array:
        value: Array = np.asarray(evaluate(e, env), np.float64)
        return np.broadcast_to(value, (count,))


class NetworkCurvature:
    """Of a network's loss on the samples x (N, inputs), y (N, outputs), scaled as in training."""

    def __init__(self, network: ir.Network, x: Array, y: Array) -> None:
        self.network = network
        self.x, self.y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        self.share = 1 / len(x) if network.head.mean else 1.0
        self.widest = max(network.inputs, *(op.outputs for op in network.ops if isinstance(op, ir.Dense)))

    @cached_property
    def _tangents(self) -> NetworkTangents:
        return network_tangents(self.network)

    def gradient(self, theta: Array) -> Array:
        """(P,)"""
        whole: Array = self._sums(theta, np.zeros((0, self.network.parameters)))[0]
        return whole

    def hessian(self, theta: Array, along: Array | None = None) -> Array:
        """At one point (P,): (P, P), or its products with the rows of `along` (k, P): (k, P)."""
        if along is not None:
            return self._products(theta, along)
        found = self._products(theta, np.eye(self.network.parameters))
        return (found + found.T) / 2

    def _products(self, theta: Array, along: Array) -> Array:
        most = max(1, BUFFER // (8 * self.widest * len(self.network.ops) * min(len(self.x), 256)))
        parts = (along[i : i + most] for i in range(0, len(along), most))
        return np.concatenate([self._sums(theta, part)[1:] for part in parts])

    def _sums(self, theta: Array, along: Array) -> Array:
        """(1 + k, P): the gradient, and its derivatives along the directions, summed block by block of samples."""
        theta = np.asarray(theta, np.float64)
        total = np.zeros((1 + len(along), self.network.parameters))
        per_sample = 8 * self.widest * len(self.network.ops) * (1 + len(along))
        size = max(1, BUFFER // per_sample)
        for i in range(0, len(self.x), size):
            self._add(theta, along, self.x[i : i + size], self.y[i : i + size], total)
        return total * self.share

    def _add(self, theta: Array, along: Array, x: Array, y: Array, total: Array) -> None:
        """One block. Lists hold the input of every op and the last z; `moved` their tangents (k, N, units)."""
        values, moved = [x], [np.zeros((len(along), 1, 1))]
        for op, tangents in zip(self.network.ops, self._tangents.maps, strict=True):
            before, change = values[-1], moved[-1]
            if isinstance(op, ir.Dense):
                (w, b), (dw, db) = _matrix(op, theta), _matrix(op, along)
                values.append(before @ w.T + b)
                turned = change @ w.T if len(values) > 2 else 0.0
                moved.append(before @ np.swapaxes(dw, -1, -2) + db[:, None, :] + turned)
            else:
                assert tangents is not None
                values.append(_shaped(evaluate(op.value, {"z": before}), before))
                moved.append(_shaped(evaluate(tangents.value, {"z": before, "dz": change}), change))
        at = {"z": values[-1], "y": y}
        c = _shaped(evaluate(self.network.head.adjoint, at), values[-1])
        dc = _shaped(evaluate(self._tangents.adjoint, at | {"dz": moved[-1]}), moved[-1])
        self._backward(theta, along, values, moved, c, dc, total)

    def _backward(
        self,
        theta: Array,
        along: Array,
        values: list[Array],
        moved: list[Array],
        c: Array,
        dc: Array,
        total: Array,
    ) -> None:
        """`c` is the cotangent of what an op gives, `dc` its tangents."""
        for i, op in reversed(list(enumerate(self.network.ops))):
            before, change = values[i], moved[i]
            if isinstance(op, ir.Dense):
                (w, _), (dw, _) = _matrix(op, theta), _matrix(op, along)
                last = op.offset + op.inputs * op.outputs
                total[0, op.offset : last] += (c.T @ before).ravel()
                both = np.swapaxes(dc, 1, 2) @ before
                if i > 0:
                    both = both + c.T @ change
                total[1:, op.offset : last] += both.reshape(len(along), op.inputs * op.outputs)
                if op.bias:
                    total[0, last : last + op.outputs] += c.sum(axis=0)
                    total[1:, last : last + op.outputs] += dc.sum(axis=1)
                c, dc = c @ w, dc @ w + c @ dw
            else:
                tangents = self._tangents.maps[i]
                assert tangents is not None
                at = {"z": before, "a": values[i + 1], "c": c}
                along_it = at | {"dz": change, "da": moved[i + 1], "dc": dc}
                c = _shaped(evaluate(op.vjp, at), before)
                dc = _shaped(evaluate(tangents.vjp, along_it), change)


def _matrix(op: ir.Dense, theta: Array) -> tuple[Array, Array]:
    """W (..., outputs, inputs) and b (..., outputs) of theta (..., P)."""
    last, lead = op.offset + op.inputs * op.outputs, theta.shape[:-1]
    b = theta[..., last : last + op.outputs] if op.bias else np.zeros((*lead, op.outputs))
    return theta[..., op.offset : last].reshape(*lead, op.outputs, op.inputs), b


def _shaped(value: Array, like: Array) -> Array:
    return np.broadcast_to(value, like.shape)
