"""A layer as it is used in a network, put on an input: its values, and its derivatives by parameters and input, as the
interpreter of lets finds them. The loss is the sum of what the layer gives times given numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.calculus.backward import backward
from netc.compiler.calculus.derive import cotangent
from netc.compiler.calculus.evaluate import run_lets
from netc.compiler.calculus.modes import in_mode, wanted
from netc.compiler.check.network.operations import Operations, Place
from netc.compiler.lower.flow import Flow
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.gather import gather
from netc.dsl import ast
from netc.dsl.parser import parse
from netc.dsl.source import Source


@dataclass
class Put:
    flow: Flow
    x: ir.Tensor
    value: ir.Var

    @property
    def tensors(self) -> list[ir.Tensor]:
        return [t for t in self.flow.tensors if t.role in ir.PARAMETERS]

    def word(self, t: ir.Tensor) -> str:
        """Its name; without the layer's where there is one layer."""
        layers = {other.name.partition(".")[0] for other in self.tensors}
        return t.name if len(layers) > 1 else t.name.partition(".")[2] or t.name

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {self.word(t): t.shape for t in self.tensors}

    def run(
        self,
        arrays: Mapping[str, np.ndarray],
        x: np.ndarray,
        seed: np.ndarray,
        training: bool = True,
        states: Mapping[str, np.ndarray] | None = None,
        draws: Mapping[str, np.ndarray] | None = None,
    ) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
        """(values, derivatives by each array and by `x`, next states); the arrays in the shapes of `shapes`, or any of
        the same size."""
        seed_tensor = ir.Tensor("seed", self.value.axes, "input")
        loss = ir.Let("loss", (), ir.total("sum", ir.apply("mul", self.value, seed_tensor.var)))
        names = {u.value for u in self.flow.updates} if training else set()
        steps = wanted((*in_mode(self.flow.steps, training), loss), {"loss", *names})
        by = [*self.tensors, self.x]
        derived, _ = backward(steps, "loss", by)
        env = {t.name: np.reshape(arrays[self.word(t)], t.shape) for t in self.tensors}
        given = dict(states or {})
        env |= {
            t.name: np.reshape(given.get(t.name, given.get(t.name.partition(".")[2], 0.0)), t.shape)
            if given
            else np.zeros(t.shape)
            for t in self.flow.tensors
            if t.role == "state"
        }
        env |= {self.x.name: x, "seed": np.reshape(seed, (len(x), *self.shape))} | dict(draws or {})
        run_lets((*steps, *derived), env, {ir.SAMPLES: len(x)})
        slopes = {self.word(t): np.asarray(env[cotangent(t.name)]) for t in by}
        states = {u.state: env[u.value] for u in self.flow.updates} if training else {}
        found = states | {name.partition(".")[2]: value for name, value in states.items()}
        return np.asarray(env[self.value.name]), slopes, found

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(a.size or 0 for a in self.value.axes if a != ir.SAMPLES)


def put(stages: str, shape: Sequence[int], definitions: str = "") -> Put:
    """`stages` as in a network, on inputs of this shape."""
    size = "x".join(map(str, shape))
    program = parse(Source("<test>", f"{definitions}\nnetwork [{size} {stages}]\n"))
    report = Report()
    known = gather(program, Path(), report)
    statement = next(s for s in program.statements if isinstance(s, ast.Network))
    resolver = Operations(known, report)
    inputs = tuple(ir.Axis(f"x{i}", n) for i, n in enumerate(shape))
    place = Place(ir.Var("x", (ir.SAMPLES, *inputs)), [], inputs=False)
    resolver.chain(statement.architecture.stages, place, {})
    report.finish()
    x = ir.Tensor("x", (ir.SAMPLES, *inputs), "weight")
    flow = Flow(known.activations)
    return Put(flow, x, flow.chain(place.made, x.var))


def against(made: Put, reference: Any, shape: tuple[int, ...], seed: int = 0) -> None:
    """Values and derivatives are those of `reference`, a function of PyTorch of the input and the arrays in their order."""
    import torch

    rng = np.random.default_rng(seed)
    names = list(made.shapes())
    arrays = {n: rng.normal(size=s) for n, s in made.shapes().items()}
    x, weights = rng.normal(size=(4, *shape)), rng.normal(size=(4, *made.shape))
    value, slopes, _ = made.run(arrays, x, weights)
    given = [torch.tensor(a, requires_grad=True) for a in (x, *(arrays[n] for n in names))]
    expected = reference(*given)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-11, atol=1e-12)
    right = torch.autograd.grad((expected * torch.tensor(weights)).sum(), given)
    for n, g in zip(("x", *names), right, strict=True):
        np.testing.assert_allclose(slopes[n], g.numpy(), rtol=1e-9, atol=1e-10, err_msg=n)
