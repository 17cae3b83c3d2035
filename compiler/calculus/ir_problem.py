"""The problem of the ir: arrays, the steps that compute a loss and its derivatives, and where runs start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from functools import cached_property
from itertools import groupby
from math import prod
from typing import Literal

from netc.compiler.calculus.ir_expressions import SCALAR, Axes, Axis, Draw, Expr, Var, postorder
from netc.dsl.record import record
from netc.dsl.source import NOWHERE, Span

Role = Literal["weight", "bias", "gain", "state", "input", "target"]
PARAMETERS: tuple[Role, ...] = ("weight", "bias", "gain")
SAMPLES = Axis("n")
"""Of an evaluation."""
TRAINING = Var("training", SCALAR)
"""A truth value in the lets of layers: `select(TRAINING, a, b)`. `lower.network.problem` decides it; no problem has it."""


Own = tuple[Literal["constant", "uniform", "normal", "orthogonal"], tuple[float, ...]]
"""A law of a start and its arguments, as in `Fill`."""


@record
class Tensor:
    """An array that is given: parameters, states of layers, or what the samples bring. Parameters lie in theta, the last
    axis fastest; the states likewise, in a row of their own."""

    name: str
    axes: Axes
    role: Role
    offset: int = 0
    """Of a parameter's first element in theta, of a state's among the states."""
    start: float = 0.0
    """What all elements of a gain are at first."""
    own: Own | None = None
    """The start that its layer gives it, where `init` says nothing."""
    fans: tuple[int, int] = (0, 0)
    """Of a weight: how many numbers are summed with it, and to how many an input goes."""
    stored: tuple[int, ...] = ()
    """Its shape for other tools, where an image that is read as a row is several axes here; empty: as they are."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Without the samples."""
        return tuple(a.size for a in self.axes if a.size is not None)

    @property
    def kept_shape(self) -> tuple[int, ...]:
        """In files and for other tools."""
        return self.stored or self.shape

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def stop(self) -> int:
        return self.offset + self.size

    def stride(self, axis: Axis) -> int:
        """Elements from one place along the axis to the next."""
        return prod(self.shape[self.axes.index(axis) + 1 :])

    @property
    def var(self) -> Var:
        return Var(self.name, self.axes)


@record
class Let:
    """name[axes] = value, for every element."""

    name: str
    axes: Axes
    value: Expr
    text: str = ""
    """What the file calls it: `tanh`."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def var(self) -> Var:
        return Var(self.name, self.axes)


@record
class Scan:
    """Equations that hold place by place along an axis, each place computed whole before the next one: what a let has at
    earlier places is there (a View of it at t - 1). Backward: from the last place, and at t + 1."""

    axis: Axis
    lets: tuple[Let, ...]
    backward: bool = False


Step = Let | Scan


@record
class Update:
    """Of a state of a layer (`m[c, n+1] = rho*m[c, n] + ...`): the let that is its next value, and where it starts.

    All evaluations of an iteration see the same value. The next one is that of the iteration's first evaluation of the
    gradient on its batch, and counts from the end of the iteration on, with the next parameters.
    """

    state: str
    initial: float
    """In every element."""
    value: str
    """A let of `forward` with the state's axes: it has no samples."""


@record
class Problem:
    """What is minimised, and its gradient. A network has samples; an objective is the case without.

    A problem whose layers ask for `training`, have states or draw is the problem in training mode: what update rules
    evaluate. What is measured (metrics, outputs, second derivatives, monitored functions) is the problem in test mode,
    `tested`: other lets of the same tensors, which reads the states, changes none, and draws nothing.
    """

    tensors: tuple[Tensor, ...]
    """Parameters in the order of theta, then states in theirs and what the samples bring."""
    forward: tuple[Step, ...]
    backward: tuple[Step, ...]
    """Derived from `forward` (`backward.py`); it may read all of it."""
    loss: str
    """The let of the loss, a number: summed over the samples."""
    gradients: tuple[str, ...]
    """Of each parameter tensor, the let of the derivative of `loss`."""
    output: str = ""
    """The let of the outputs of each sample; none without samples."""
    mean: bool = False
    """The loss of a batch is divided by the number of its samples, and so is its gradient."""
    updates: tuple[Update, ...] = ()
    """Of the states, in their order; none in test mode."""
    test: Problem | None = None
    """In test mode; None: there is but one mode."""

    @property
    def tested(self) -> Problem:
        """What is measured."""
        return self.test or self

    @cached_property
    def states(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors if t.role == "state")

    @property
    def state_numbers(self) -> int:
        return sum(t.size for t in self.states)

    @cached_property
    def draws(self) -> tuple[Draw, ...]:
        """Each once, in the order of computation: a draw's place here is its number for the generator."""
        lets = flat((*self.forward, *self.backward))
        found = (node for let in lets for node in postorder(let.value) if isinstance(node, Draw))
        return tuple(dict.fromkeys(found))

    @cached_property
    def weights(self) -> tuple[Tensor, ...]:
        """All parameters."""
        return tuple(t for t in self.tensors if t.role in PARAMETERS)

    @property
    def parameters(self) -> int:
        return sum(t.size for t in self.weights)

    @cached_property
    def layers(self) -> tuple[tuple[Tensor, ...], ...]:
        """The parameters, those of a layer together: they lie side by side and share the first word of their name."""
        return tuple(tuple(part) for _, part in groupby(self.weights, lambda t: t.name.partition(".")[0]))

    @property
    def sampled(self) -> bool:
        return any(t.role == "input" for t in self.tensors)

    def given(self, role: Role) -> Tensor:
        """What the samples bring: their inputs or their targets."""
        return next(t for t in self.tensors if t.role == role)

    @cached_property
    def lets(self) -> dict[str, Let]:
        """All of them by name, in order."""
        return {let.name: let for let in flat((*self.forward, *self.backward))}

    @property
    def inputs(self) -> int:
        return self.given("input").size

    @property
    def targets(self) -> int:
        """Numbers of a sample's target."""
        return self.given("target").size

    @property
    def outputs(self) -> int:
        """Numbers that `output` has for a sample."""
        return prod(a.size for a in self.lets[self.output].axes if a.size is not None)


def with_steps(problem: Problem, change: Callable[[Step], Iterable[Step]]) -> Problem:
    """The problem with what `change` makes of each step, in their order."""
    forward, backward = (
        tuple(new for old in steps for new in change(old)) for steps in (problem.forward, problem.backward)
    )
    return replace(problem, forward=forward, backward=backward)


def flat(steps: Iterable[Step]) -> Iterator[Let]:
    for step in steps:
        match step:
            case Let():
                yield step
            case Scan(lets=lets):
                yield from lets


# -- the start ---------------------------------------------------------------------------------------


@record
class Fill:
    """How `size` parameters from `offset` on get their first values.

    law         arguments
    constant    (value,)
    uniform     (low, high)
    normal      (mean, deviation)
    orthogonal  (gain,)            rows x columns is the weight's shape
    values      the numbers themselves, `size` of them
    """

    law: Literal["constant", "uniform", "normal", "orthogonal", "values"]
    arguments: tuple[float, ...]
    offset: int
    size: int
    shape: tuple[int, ...]


@record
class Held:
    """Layers that begin as they are in a file."""

    path: str
    layers: tuple[tuple[str, str], ...]
    """(layer here, its name there)"""
    named: bool
    """The file's names are said; else they are netc's, or the numbers of an nn.Sequential."""


@record
class Starts:
    """Where the runs begin: fills applied in order and layers held in files, or a file of weights, or an explicit table
    of points.

    `table` has one row of P numbers per run, or is empty; `file` is "" where none is read. `axes` are those of
    a grid, one for each parameter, the last one running fastest; or empty.
    """

    fills: tuple[Fill, ...]
    file: str
    table: tuple[tuple[float, ...], ...]
    axes: tuple[tuple[float, ...], ...] = ()
    held: tuple[Held, ...] = ()
