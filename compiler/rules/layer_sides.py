"""A layer by itself, put on an input of the rank that it asks for: read, lowered, evaluated by the interpreter.

"torch.LSTM(8)"  ->  its tensors, lets and updates on 5 steps of 6 numbers
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netc.compiler.calculus import ir
from netc.compiler.calculus.backward import backward
from netc.compiler.calculus.derive import cotangent
from netc.compiler.calculus.evaluate import run_lets
from netc.compiler.calculus.modes import in_mode, wanted
from netc.compiler.check.network.operations import Operations
from netc.compiler.check.network.place import Place
from netc.compiler.lower.flow import Flow
from netc.compiler.meaning.findings import Report
from netc.compiler.meaning.gather import gather
from netc.compiler.meaning.layer_families import named
from netc.compiler.meaning.spec import Block, Use, Values
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.record import record
from netc.dsl.source import Source

Array = NDArray[np.float64]
SAMPLES = 5
STEPS, HEIGHT, WIDTH = 5, 6, 7
USUAL = (6, 8, 12, 32)
"""Features of the input where the calls name none that fit."""
OPEN = 8
"""The size of a layer that is named without one."""


@record
class LayerSide:
    call: str
    operations: tuple[Use | Block, ...]
    """The layer or block, and (last) where the last step alone is compared."""
    flow: Flow
    x: ir.Var
    value: ir.Var

    @cached_property
    def parameters(self) -> list[ir.Tensor]:
        return [t for t in self.flow.tensors if t.role in ir.PARAMETERS]

    @cached_property
    def states(self) -> list[ir.Tensor]:
        order = [u.state for u in self.flow.updates]
        return sorted((t for t in self.flow.tensors if t.role == "state"), key=lambda t: order.index(t.name))

    @property
    def use(self) -> Use | Block:
        return self.operations[0]

    @property
    def values(self) -> Values:
        return self.use.arguments

    @property
    def draws(self) -> list[ir.Draw]:
        lets = ir.flat(self.flow.steps)
        return [n for let in lets for n in ir.postorder(let.value) if isinstance(n, ir.Draw)]

    def word(self, t: ir.Tensor) -> str:
        """Its name; in a block with the layer's."""
        if isinstance(self.use, Block):
            return t.name
        return t.name.partition(".")[2]

    def shape(self) -> tuple[int, ...]:
        return tuple(a.size or 0 for a in self.value.axes if a != ir.SAMPLES)

    def steps(self, training: bool, names: set[str]) -> tuple[ir.Step, ...]:
        return wanted(in_mode(self.flow.steps, training), names)

    def run(self, given: Mapping[str, Array], training: bool) -> tuple[Array, list[Array]]:
        """(values, next states); `given` has the input, the parameters, the states and the draws by their names."""
        names = {self.value.name} | ({u.value for u in self.flow.updates} if training else set())
        env = dict(given)
        run_lets(self.steps(training, names), env, {ir.SAMPLES: SAMPLES})
        after = [np.asarray(env[u.value]) for u in self.flow.updates] if training else []
        return np.asarray(env[self.value.name]), after

    def slopes(self, given: Mapping[str, Array], seed: Array, by_input: bool = False) -> dict[str, Array]:
        """Derivatives of the sum of values times `seed`, in training: by parameters, or by the input."""
        wrt = [ir.Tensor(self.x.name, self.x.axes, "weight")] if by_input else self.parameters
        by = ir.Tensor("seed", self.value.axes, "input")
        loss = ir.Let("loss", (), ir.total("sum", ir.apply("mul", self.value, by.var)))
        steps = wanted((*in_mode(self.flow.steps, True), loss), {"loss"})
        derived, _ = backward(steps, "loss", wrt)
        env = dict(given) | {"seed": seed}
        run_lets((*steps, *derived), env, {ir.SAMPLES: SAMPLES})
        return {t.name: np.asarray(env[cotangent(t.name)]) for t in wrt if cotangent(t.name) in env}


def is_layer(what: str) -> bool:
    """Whether it is a call or the name of a layer or block of the library."""
    names = {n.lower() for n in named()}
    return re.split(r"[ (]", what.strip(), maxsplit=1)[0].lower() in names


def both(a: str, b: str) -> tuple[LayerSide, LayerSide]:
    """On the first input that both take; what gives one array more by an index of steps is followed by its last step.
    Raises SpecError, of the one that takes none."""
    fault: SpecError | None = None
    for shape in _shapes(f"{a} {b}"):
        try:
            one, other = read(a, shape), read(b, shape)
        except SpecError as error:
            fault = fault or error
            continue
        ranks = len(one.shape()), len(other.shape())
        if ranks == (2, 1) and one.shape()[1:] == other.shape():
            one = read(a, shape, last=True)
        if ranks == (1, 2) and other.shape()[1:] == one.shape():
            other = read(b, shape, last=True)
        return one, other
    assert fault is not None
    raise fault


def _shapes(calls: str) -> Iterator[tuple[int, ...]]:
    named = [int(n) for n in re.findall(r"\b\d+\b", calls) if 2 <= int(n) <= 64]
    for channels in dict.fromkeys((*USUAL, *named, *(2 * n for n in named))):
        yield from ((channels,), (STEPS, channels), (HEIGHT, WIDTH, channels))


def read(call: str, shape: tuple[int, ...], last: bool = False) -> LayerSide:
    """Raises SpecError."""
    size = "x".join(map(str, shape))
    for behind in ("", f" {OPEN}"):
        text = f"network [{size} ({call}){behind}{' (last)' if last else ''}]\n"
        program = parse(Source("<layer>", text))
        report = Report()
        known = gather(program, Path(), report)
        statement = next(s for s in program.statements if isinstance(s, ast.Network))
        operations = Operations(known, report)
        x = ir.Var("x", (ir.SAMPLES, *(ir.Axis(f"x{i}", n) for i, n in enumerate(shape))))
        place = Place(x, [], inputs=False)
        operations.chain(statement.architecture.stages, place, {})
        if not behind and report.errors and "has no size" in report.diagnostics[0].message:
            continue
        break
    report.finish()
    flow = Flow(known.activations)
    value = flow.chain(place.made, x)
    return LayerSide(call, tuple(o for o in place.made if isinstance(o, Use | Block)), flow, x, value)


def with_numbers(side: LayerSide, numbers: Mapping[str, float]) -> LayerSide:
    """The layer with other numbers for some parameters. Raises LayerFault."""
    first, *others = side.operations
    assert isinstance(first, Use), "the numbers of a block are inside of it already"
    values = tuple((n, numbers.get(n, v)) for n, v in first.arguments)
    operations = (replace(first, arguments=values), *others)
    flow = Flow(side.flow.functions)
    return LayerSide(side.call, operations, flow, side.x, flow.chain(operations, side.x))
