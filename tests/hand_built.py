"""Expressions and networks written down let by let, for what no text can say yet; and how such a problem is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lowering import lowered
from netc.compiler.calculus import ir
from netc.compiler.calculus.ir import (
    SAMPLES,
    TRAINING,
    Axis,
    Const,
    Draw,
    Expr,
    Index,
    Let,
    Reduce,
    Tensor,
    Var,
    View,
    apply,
)
from netc.compiler.lower.network import problem
from netc.compiler.lower.rule import lower_rule
from netc.runtime import opening, program_file
from netc.runtime.session import Session


def add(*parts: Expr) -> Expr:
    return parts[0] if len(parts) == 1 else apply("add", add(*parts[:-1]), parts[-1])


def sub(a: Expr, b: Expr) -> Expr:
    return apply("sub", a, b)


def div(a: Expr, b: Expr) -> Expr:
    return apply("div", a, b)


def mul(*parts: Expr) -> Expr:
    return parts[0] if len(parts) == 1 else apply("mul", mul(*parts[:-1]), parts[-1])


def total(e: Expr, *over: Axis) -> Expr:
    return Reduce("sum", e, over)


def mean(e: Expr, *over: Axis) -> Expr:
    return apply("div", total(e, *over), Const(float(np.prod([a.size for a in over]))))


def batch_mean(e: Expr) -> Expr:
    return apply("div", total(e, SAMPLES), total(Const(1.0, (SAMPLES,)), SAMPLES))


def training(a: Expr, b: Expr) -> Expr:
    """In training mode the one, in test mode the other."""
    return apply("select", TRAINING, a, b)


def normalised(z: Expr, m: Expr, v: Expr, eps: float = 1e-5) -> Expr:
    return apply("div", apply("sub", z, m), apply("sqrt", add(v, Const(eps))))


def relu(z: Expr) -> Expr:
    return apply("select", apply("gt", z, Const(0.0)), z, Const(0.0))


def axes(text: str) -> list[Axis]:
    return [Axis(name, int(size)) for name, size in (word.split("=") for word in text.split())]


def renamed(e: Expr, old: Axis, new: Axis) -> Expr:
    return View(e, old, Index(((new, 1),)))


class Net:
    """A network whose outputs have three units and whose loss is half the sum of squares."""

    def __init__(self, *inputs: Axis) -> None:
        self.tensors: list[Tensor] = []
        self.steps: list[ir.Step] = []
        self.updates: list[ir.Update] = []
        self.x = Tensor("x", (SAMPLES, *inputs), "input")
        self.out = Axis("out", 3)

    def learn(self, name: str, *axes: Axis, role: str = "weight") -> Var:
        self.tensors.append(Tensor(name, axes, role))  # type: ignore[arg-type]
        return self.tensors[-1].var

    def let(self, name: str, axes: Sequence[Axis], value: Expr) -> Var:
        self.steps.append(Let(name, tuple(axes), value))
        return self.steps[-1].var

    def dense(self, name: str, units: Axis, x: Var) -> Var:
        """Over all that a sample has."""
        w, b = (
            self.learn(f"{name}.weight", units, *x.axes[1:]),
            self.learn(f"{name}.bias", units, role="bias"),
        )
        return self.let(f"{name}.z", (SAMPLES, units), add(total(mul(w, x), *x.axes[1:]), b))

    def state(self, name: str, *axes: Axis, initial: float = 0.0) -> Var:
        """`update` gives its next value."""
        self.updates.append(ir.Update(name, initial, f"{name}_next"))
        return self.learn(name, *axes, role="state")

    def update(self, state: Var, value: Expr) -> None:
        self.let(f"{state.name}_next", state.axes, value)

    def batchnorm(self, name: str, z: Var, momentum: float, eps: float, unbiased: bool) -> Var:
        """Of z[n, u]; `momentum` is the share of the batch in the running statistics, as PyTorch has it."""
        (u,) = z.axes[1:]
        g, b = self.learn(f"{name}.weight", u, role="gain"), self.learn(f"{name}.bias", u, role="bias")
        m, s = self.state(f"{name}.mean", u), self.state(f"{name}.var", u, initial=1.0)
        mu = self.let(f"{name}.mu", (u,), batch_mean(z))
        off = apply("sub", z, mu)
        v = self.let(f"{name}.v", (u,), batch_mean(mul(off, off)))
        count = total(Const(1.0, (SAMPLES,)), SAMPLES)
        spread = mul(v, apply("div", count, apply("sub", count, Const(1.0)))) if unbiased else v
        for state, seen in ((m, mu), (s, spread)):
            self.update(state, add(mul(Const(1 - momentum), state), mul(Const(momentum), seen)))
        normal = training(normalised(z, mu, v, eps), normalised(z, m, s, eps))
        return self.let(f"{name}.z", z.axes, add(mul(g, normal), b))

    def dropout(self, name: str, x: Var, p: float, *, per_batch: bool = False) -> Var:
        drawn = Draw("bernoulli", (1 - p,), f"{name}.r", x.axes[per_batch:])
        return self.let(f"{name}.z", x.axes, training(mul(Const(1 / (1 - p)), mul(drawn, x)), x))

    def problem(self, last: Var) -> ir.Problem:
        """A dense layer onto the outputs, over all that the last let has."""
        inner = tuple(a for a in last.axes if a != SAMPLES)
        w = self.learn("last.weight", self.out, *inner)
        u = self.let("output", (SAMPLES, self.out), Reduce("sum", mul(w, last), inner))
        y = Tensor("y", (SAMPLES, self.out), "target")
        off = apply("sub", u, y.var)
        losses = self.let("losses", (SAMPLES,), mul(Const(0.5), total(mul(off, off), self.out)))
        self.let("loss", (), total(losses, SAMPLES))
        return problem([*self.tensors, self.x, y], self.steps, "output", True, self.updates)


TEXT = """data inline:
    0 -> 1
    1 -> 0
network [1(lin)1]
loss half_mse
init zeros
optimizer gd(eta = 0.1)
train steps = 3, {}
"""


def program(made: ir.Problem, settings: str) -> ir.Program:
    """The problem in the place of that of a small file."""
    return replace(lowered(TEXT.format(settings)), problem=made)


def session_of(made: ir.Problem, x: np.ndarray, y: np.ndarray, text: str) -> Session:
    """A session that trains the problem on these samples from theta ~ U(-0.8, 0.8); `text`: optimizer and train, and what
    else a file has."""
    head = f"data given, scale = none\nnetwork [{x.shape[1]} (lin) {y.shape[1]}]\nloss half_mse\ninit zeros\n"
    file = program_file.read_text(head + text, "<test>", Path.cwd())
    session = opening.open_session(file, {}, program_file.from_arrays(file, x, y))
    start = ir.Fill("uniform", (-0.8, 0.8), 0, made.parameters, (made.parameters,))
    rule = lower_rule(session.spec, modes=made.test is not None)
    small = replace(session.program, problem=made, starts=ir.Starts((start,), "", ()), rule=rule)
    vars(session)["program"] = small
    return session
