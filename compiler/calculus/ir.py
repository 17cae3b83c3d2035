"""The typed ir: what is meant. Resolved, sized, typed; nothing optional, nothing of the file's text.

    program   = problem, starts, rule, training
    problem   = Problem(tensor*, step* forward, step* backward, loss, gradients, output, mean, update*, problem of test mode)
    step      = Let(name, axes, expr) | Scan(axis, let*)
    rule      = hyper*, state*, stmt*, commit*
    stmt      = Assign | Evaluate | Fetch | Keep | For | Repeat | Until | If | Stop
    expr      = Const | Var | Draw | Place(axis) | Apply(primitive, expr*) | Reduce(sum | max | min, expr, axis*)
              | View(expr, axis, index) | Pick(expr, axis, expr)

Shapes. Every expression has axes, and element-by-element operations broadcast what lacks one. A number has none and
is computed in float64. In an update rule there is one axis, the parameters; in activations and losses one, the
units of a layer for one sample. A truth value lives only inside conditions.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from math import prod
from typing import Literal

from netc.dsl.source import NOWHERE, Span

SIZE = "number of parameters"
"""A scalar in rules of which something is said for every number of parameters; no name that a rule can use."""
Reduction = Literal["sum", "max", "min", "norm"]
"""`norm` is the root of the sum of squares without their overflow; `norms.py` writes it out before code is made."""
Per = Literal["", "layer", "tensor"]
"""A reduction over the parameters is over all, or over each layer, or over each weight matrix and each bias vector."""

# -- axes --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """What an index runs over. Arrays meet axis by axis, by name and size; an axis that one lacks is broadcast."""

    name: str
    size: int | None = None
    """None: known only when it runs: the samples of an evaluation, the parameters as an update rule sees them."""


Axes = tuple[Axis, ...]
SCALAR: Axes = ()
"""Of a number; in an update rule it is always computed in float64."""
THETA: Axes = (Axis("q"),)
"""Of a vector like theta."""


def union(*parts: Axes) -> Axes:
    """All axes, each once, in the order in which they come."""
    return tuple(dict.fromkeys(axis for axes in parts for axis in axes))


def _set_axes(node: object, axes: Axes) -> None:
    """Once, when it is made: expressions may be too deep to ask downwards."""
    object.__setattr__(node, "axes", axes)


# -- expressions: one tree for activations, losses, objectives, rules and schedules ------------------


@dataclass(frozen=True)
class Const:
    """A number; with axes: that number in every element."""

    value: float
    axes: Axes = SCALAR


@dataclass(frozen=True)
class Var:
    """A name bound elsewhere.

    In a problem  tensors and lets
    In a rule     states (`v`: the value at n), locals, hyper-parameters, and the scalars
                  `n` (iteration from 0), `epoch` (fractional), `m` (batches), and loop indices
    """

    name: str
    axes: Axes


@dataclass(frozen=True)
class Apply:
    """A primitive of `compiler/calculus/primitives.py`, element by element; truth values feed only `select` etc."""

    op: str
    args: tuple[Expr, ...]
    axes: Axes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _set_axes(self, union(*(a.axes for a in self.args)))

    @cached_property
    def _hash(self) -> int:
        return hash((self.op, self.args))

    def __hash__(self) -> int:
        return self._hash  # once a node: expressions are graphs with much sharing

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Apply):
            return self is other
        return self._hash == other._hash and self.op == other.op and self.args == other.args


@dataclass(frozen=True)
class Reduce:
    """Over some axes of the argument; with `per`, over each part of theta, spread over its elements again."""

    op: Reduction
    arg: Expr
    over: Axes
    per: Per = ""
    axes: Axes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _set_axes(self, self.arg.axes if self.per else tuple(a for a in self.arg.axes if a not in self.over))

    @cached_property
    def _hash(self) -> int:
        return hash((self.op, self.arg, self.over, self.per))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Place:
    """The number of the element along an axis: 0, 1, ..."""

    axis: Axis

    @property
    def axes(self) -> Axes:
        return (self.axis,)


@dataclass(frozen=True)
class Index:
    """(offset + sum of factor*axis) / divisor; rounded down if `floor`, else a place only where nothing is left over."""

    terms: tuple[tuple[Axis, int], ...]
    offset: int = 0
    divisor: int = 1
    floor: bool = False


@dataclass(frozen=True)
class View:
    """The argument with an axis replaced: read at the place `index` along it, `outside` where there is none.

    The new axes may be ones that the argument has: x[b, i - b] is a View of x[b, j].
    """

    arg: Expr
    axis: Axis
    index: Index
    outside: float = 0.0
    axes: Axes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        rest = tuple(a for a in self.arg.axes if a != self.axis)
        _set_axes(self, union(rest, tuple(a for a, _ in self.index.terms)))

    @cached_property
    def _hash(self) -> int:
        return hash((self.arg, self.axis, self.index, self.outside))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Pick:
    """The argument read along an axis at a computed place, a whole number from 0; 0 where there is none."""

    arg: Expr
    axis: Axis
    place: Expr
    axes: Axes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _set_axes(self, union(tuple(a for a in self.arg.axes if a != self.axis), self.place.axes))

    @cached_property
    def _hash(self) -> int:
        return hash((self.arg, self.axis, self.place))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Draw:
    """A random number for each element: the same in all evaluations of an iteration. Nothing flows through it.

    law         arguments
    bernoulli   (probability of 1,)    1 or 0
    uniform     (low, high)
    normal      (mean, deviation)

    It hangs on the seed, the run, the iteration, the purpose, the sample's own number in the data and the element's
    among the other axes; without the axis of the samples it is one for all of them.
    """

    law: Literal["bernoulli", "uniform", "normal"]
    arguments: tuple[float, ...]
    purpose: str
    """What it is for, a name that nothing else has: draws of different purposes are independent, two of one are the same."""
    axes: Axes


Expr = Const | Var | Apply | Reduce | Place | View | Pick | Draw


def apply(op: str, *args: Expr) -> Apply:
    return Apply(op, args)


def total(op: Reduction, arg: Expr, per: Per = "") -> Reduce:
    """A reduction over all axes of the argument."""
    return Reduce(op, arg, arg.axes, per)


def children(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Apply(args=args):
            return args
        case Reduce(arg=arg) | View(arg=arg):
            return (arg,)
        case Pick(arg=arg, place=place):
            return (arg, place)
        case _:
            return ()


def with_children(expr: Expr, new: tuple[Expr, ...]) -> Expr:
    """The same node over other children; itself where they are the same objects."""
    if all(a is b for a, b in zip(children(expr), new, strict=True)):
        return expr
    match expr:
        case Apply(op):
            return Apply(op, new)
        case Reduce(op, _, over, per):
            return Reduce(op, new[0], over, per)
        case View(_, axis, index, outside):
            return View(new[0], axis, index, outside)
        case Pick(_, axis):
            return Pick(new[0], axis, new[1])
        case _:
            return expr


def postorder(*roots: Expr, known: Container[int] = frozenset()) -> Iterator[Expr]:
    """Every node below the roots once (by identity), arguments before what uses them; deep trees welcome.

    Nodes whose id is in `known`, and what is below them, are left out.
    """
    done: set[int] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if id(node) in done or id(node) in known:
            continue
        if ready:
            done.add(id(node))
            yield node
        else:
            stack.append((node, True))
            stack += [(child, False) for child in reversed(children(node))]


# -- the problem -------------------------------------------------------------------------------------


Role = Literal["weight", "bias", "gain", "state", "input", "target"]
PARAMETERS: tuple[Role, ...] = ("weight", "bias", "gain")
SAMPLES = Axis("n")
"""Of an evaluation."""
TRAINING = Var("training", SCALAR)
"""A truth value in the lets of layers: `select(TRAINING, a, b)`. `lower.network.problem` decides it; no problem has it."""


Own = tuple[Literal["constant", "uniform", "normal", "orthogonal"], tuple[float, ...]]
"""A law of a start and its arguments, as in `Fill`."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Scan:
    """Equations that hold place by place along an axis, each place computed whole before the next one: what a let has at
    earlier places is there (a View of it at t - 1). Backward: from the last place, and at t + 1."""

    axis: Axis
    lets: tuple[Let, ...]
    backward: bool = False


Step = Let | Scan


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
    """Derived from `forward` (`derive.py`); it may read all of it."""
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


def flat(steps: Iterable[Step]) -> Iterator[Let]:
    for step in steps:
        match step:
            case Let():
                yield step
            case Scan(lets=lets):
                yield from lets


# -- the start ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Held:
    """Layers that begin as they are in a file."""

    path: str
    layers: tuple[tuple[str, str], ...]
    """(layer here, its name there)"""
    named: bool
    """The file's names are said; else they are netc's, or the numbers of an nn.Sequential."""


@dataclass(frozen=True)
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


# -- the update rule ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hyper:
    """A hyper-parameter: a number handed to the kernel at run time, so a new value compiles nothing.

    A scheduled one is an Assign at the top of the body instead, in terms of `n`, `epoch` and Hypers.
    """

    name: str
    value: float


@dataclass(frozen=True)
class State:
    """Carried from iteration to iteration. `initial` is over Hypers (and `theta` for the vector start)."""

    name: str
    axes: Axes
    initial: Expr
    per_batch: bool = False
    """One value for each batch, all 0 at first; read and set by Fetch and Keep, never committed."""


@dataclass(frozen=True)
class Assign:
    """name := value. Names may be assigned again (in loops); the last assignment holds."""

    name: str
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Evaluate:
    """Loss and/or gradient of the problem at the vector `point` (name of a `theta` variable), in training mode or `tested`.

    `batch` is "current" (the minibatch of iteration n), "full" (all training samples), or a scalar
    expression: the number of the batch, from 1. Empty names are not wanted; `loss` binds a scalar,
    `gradient` a `theta`.
    """

    point: str
    batch: Literal["current", "full"] | Expr
    loss: str
    gradient: str
    counts: tuple[bool, bool] = (True, True)
    """Whether loss and gradient count as evaluations: not if only a monitored function wants them."""
    tested: bool = False
    """Of a problem with two modes: for a criterion or a monitored function, which measure."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Fetch:
    """name := what the per-batch state `memory` holds for the batch `index`, from 1."""

    name: str
    memory: str
    index: Expr
    axes: Axes


@dataclass(frozen=True)
class Keep:
    """The per-batch state `memory` holds the value of the variable `value` for the batch `index`, at once."""

    memory: str
    index: Expr
    value: str
    axes: Axes


@dataclass(frozen=True)
class For:
    """index runs over first, first+1, ..., last (inclusive)."""

    index: str
    first: Expr
    last: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True)
class Repeat:
    """Repeats the body until an Until in it holds; after `bound` rounds the run ends as `search failed`."""

    body: tuple[Stmt, ...]
    bound: int


@dataclass(frozen=True)
class Until:
    """Leaves the innermost Repeat when the condition (a truth value) holds. NaN compares false.

    Lowering makes a condition on a loss that is not finite false: such a trial is rejected.
    """

    condition: Expr


Ending = Literal["criterion", "diverged", "search", "step", "batch", "range"]
"""How a rule ends a run: the stop criterion holds; it diverged; a search reached its bound; its step fell
below rounding; it asked for the batch of a number that no batch has; or a schedule left the range that the
rule requires."""
STATUS: Mapping[Ending, int] = {"criterion": 1, "diverged": 2, "search": 3, "step": 4, "batch": 5, "range": 6}
"""As the kernels write it into `counters`; 0 while the run goes on."""


@dataclass(frozen=True)
class If:
    """One of two blocks. What only one of them sets is not read after it."""

    condition: Expr
    body: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@dataclass(frozen=True)
class Stop:
    """Ends the run before iteration n's update when the condition holds.

    With minibatches the criteria of `train` stand in a test of their own (`Rule.test`), done once an epoch on
    all samples.
    """

    condition: Expr
    ending: Ending = "criterion"


Stmt = Assign | Evaluate | Fetch | Keep | For | Repeat | Until | If | Stop


@dataclass(frozen=True)
class Commit:
    """At the end of the iteration the state takes the value of the variable `value`."""

    state: str
    value: str


@dataclass(frozen=True)
class Mask:
    """A vector that is 1 on some parameters and 0 on the others."""

    name: str
    of: str
    """`gains`, `layer1`, `layer1.weights`: as the file calls it; `masks.py` knows where it is 1."""


@dataclass(frozen=True)
class Rule:
    """One iteration n -> n+1. `theta` is the state of the parameters, always among the commits.

    body      run every iteration, Evaluate statements shared and hoisted to their first use
    test      run at the start of every epoch when the stop criterion needs all samples (else empty)
    epoch_end scalar recursions of schedules (plateau), run after an epoch's last iteration; they read
              `epoch_loss`, the mean over the epoch's iterations of the first loss each one evaluated
    Loss and gradient evaluations are what the statements say: `compiler/rules/cost.py` counts them.
    """

    hypers: tuple[Hyper, ...]
    states: tuple[State, ...]
    body: tuple[Stmt, ...]
    commits: tuple[Commit, ...]
    test: tuple[Stmt, ...]
    epoch_end: tuple[Stmt, ...]
    epoch_commits: tuple[Commit, ...]
    visits_batches: bool
    """True: the rule names the batches itself (`R[i]`); one iteration is one epoch."""
    masks: tuple[Mask, ...] = ()
    """That it reads, besides `weights` and `biases`."""
    watched: tuple[tuple[str, str], ...] = ()
    """(name, state): monitored functions, and the scalar states that count the iterations in which they grew."""
    shown: tuple[Shown, ...] = ()
    """What of theta and of states a history has beside them."""
    point: str = ""
    """The state that is measured and kept in the place of theta; empty: theta itself."""

    @property
    def followed(self) -> tuple[str, ...]:
        """The columns that `monitor` adds to a history: functions first."""
        return (*(name for name, _ in self.watched), *(s.name for s in self.shown))


@dataclass(frozen=True)
class Shown:
    """`theta[1]`, `v[2]`, `norm(v)`, `c` of a `monitor`: a component of theta or of a state (counted from 0 here), the norm
    of a state, or a scalar one; `norm(grad_x R)`, `max(|grad_x R|)`: of the derivative of the training loss by inputs."""

    name: str
    state: str
    component: int | None
    by_inputs: Literal["", "norm", "max"] = ""


# -- training ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batches:
    """How the samples are cut: `full`, `size` samples each (the last may be smaller), or `parts` of them."""

    mode: Literal["full", "size", "parts"]
    count: int
    shuffle: bool
    """Whether every epoch has an order of its own."""
    replacement: bool = False
    """Whether that order is drawn with replacement: as many draws as there are samples."""

    @property
    def order(self) -> Literal["", "shuffle", "resample"]:
        """The function that makes the order of an epoch; empty: it is that of the data."""
        if not self.shuffle or self.mode == "full":
            return ""
        return "resample" if self.replacement else "shuffle"


@dataclass(frozen=True)
class Training:
    """`epochs` or `steps` is -1 where the file does not bound it; at least one bounds."""

    epochs: int
    steps: int
    batches: Batches
    precision: Literal["f32", "f64"]
    seed: int
    runs: int
    target: Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Program:
    problem: Problem
    starts: Starts
    rule: Rule
    training: Training
