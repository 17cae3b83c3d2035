"""Networks, losses and objectives of the checked program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from math import prod
from typing import Literal

from netc.compiler.meaning.places import largest_places
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.source import NOWHERE, Span

Averaging = Literal["mean", "sum"]
Values = tuple[tuple[str, float], ...]
"""Parameters of a definition and their numbers, in the order of the definition."""


@record
class Activation:
    """An activation with its parameters bound."""

    definition: ast.Activation
    arguments: Values


@record
class Use:
    """A layer with its parameters bound, those that are shapes number by number: `size_1`, `size_2`."""

    definition: ast.Layer
    arguments: Values
    scheduled: tuple[tuple[str, ast.Expr], ...] = ()
    """Parameters that follow schedules, each in terms of their names; as an argument it is `none`."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Bracket:
    """A network inside a block: what it makes of a value is called `name` in the line."""

    name: str
    operations: tuple[Operation, ...]
    of: ast.Expr


@record
class BlockLine:
    """`z = r + [...](r)`, with names in the place of the brackets."""

    name: str
    value: ast.Expr
    brackets: tuple[Bracket, ...]


@record
class Block:
    """A block with its parameters bound; the last line is its value."""

    definition: ast.Block
    arguments: Values
    lines: tuple[BlockLine, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Named:
    """`as e1`: what is there has this name for those behind it."""

    name: str


@record
class Join:
    """`(concat e1)`: the channels of what is there, then those of e1; `(add e1)`: their sum."""

    kind: Literal["concat", "add"]
    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Operation = Activation | Use | Block | Named | Join


def uses_of(operations: Sequence[Operation]) -> Iterator[Operation]:
    """All, those inside blocks too."""
    for operation in operations:
        yield operation
        if isinstance(operation, Block):
            for line in operation.lines:
                for bracket in line.brackets:
                    yield from uses_of(bracket.operations)


@record
class Learns:
    """A layer of the network that learns, as `explain --layers` calls it."""

    name: str
    """`layer1`"""
    operation: str
    """`conv`"""
    number: int
    """Among those with weights, from 1; 0: it has none."""
    arrays: tuple[tuple[str, str, tuple[int, int]], ...]
    """In the order of theta: the name, `weight`, `bias` or `gain`, and of weights how many numbers are summed with them
    and to how many an input goes."""
    started: tuple[str, ...] = ()
    """Weights and biases that start as the layer says, where `init` says nothing."""

    @property
    def open(self) -> bool:
        """Whether some of its weights or biases have their start from `init` alone."""
        return any(role != "gain" and name not in self.started for name, role, _ in self.arrays)


@record
class Network:
    """Operations one after the other; what the check found of their shapes is beside them."""

    input: tuple[int, ...]
    operations: tuple[Operation, ...]
    output: tuple[int, ...]
    parameters: int
    layers: tuple[Learns, ...]
    """Those that learn."""
    of_batch: tuple[str, ...] = ()
    """Layers that take statistics over the samples of a batch, and over nothing else."""
    two_modes: tuple[str, ...] = ()
    """Layers that compute something else in training than in use."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    """Of the last size, for messages."""

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Of the layers that learn."""
        return tuple(x.name for x in self.layers)

    @property
    def inputs(self) -> int:
        return prod(self.input)

    @property
    def outputs(self) -> int:
        return prod(self.output)

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The last ones, behind all layers."""
        found: list[Activation] = []
        for operation in reversed(self.operations):
            if not isinstance(operation, Activation):
                break
            found.insert(0, operation)
        return tuple(found)


@record
class TargetDomain:
    """Targets that a loss can be taken of: from `low` to `high`, or a few values."""

    low: float
    high: float
    values: tuple[float, ...] = ()
    sum_is_one: bool = False
    """Over the outputs: probabilities of classes that exclude each other."""

    @property
    def signs(self) -> bool:
        return self.values == (-1.0, 1.0)


@record
class Loss:
    """Of one sample, in `u` and `y`; the loss of a batch is the mean or the sum over its samples."""

    definition: ast.Loss
    arguments: Values
    reduce: Averaging
    targets: TargetDomain | None = None
    """What `y` may be, where the definition says so."""
    weight: ast.Expr | None = None
    """Of a sample, a number in `y`."""
    divide: Literal["", "samples", "weights"] = ""
    """By what the weighted sum of a batch is divided."""
    by_sample: bool = False
    """Whether the data have a weight for each sample."""

    @property
    def places(self) -> dict[str, int]:
        """Of `u` and `y` the last place that is read by its number; 0: the whole."""
        return largest_places(self.definition.value, self.weight)

    @property
    def of_outputs(self) -> bool:
        """Whether each output is compared with a target of its own."""
        own = largest_places(self.definition.value)
        return self.places["y"] in (0, own["y"]) and own["u"] == own["y"]


@record
class Objective:
    """A plain function of named numbers."""

    name: str
    variables: tuple[str, ...]
    value: ast.Expr
