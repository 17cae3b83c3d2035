"""The typed ir: what is meant. Resolved, sized, typed; nothing optional, nothing of the file's text.

    program   = problem, starts, rule, training
    problem   = Network(ops, head) | Objective(variables, value, gradient)
    op        = Dense | Map                                     (tensor operations stay whole)
    rule      = hyper*, state*, stmt*, commit*
    stmt      = Assign | Evaluate | Fetch | Keep | For | Repeat | Until | If | Stop
    expr      = Const | Var | Apply(primitive, expr*) | Reduce(kind of reduction, expr)

Shapes. A `scalar` is one number (always computed in float64). A `theta` is a vector of the P parameters,
an `output` a vector over the units of one layer (or the outputs of the network) for one sample. A `bool`
is a scalar truth value or a truth value per element; it lives only inside conditions.
Element-by-element operations broadcast a scalar against a vector; `theta` and `output` never mix.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from netc.dsl.source import NOWHERE, Span

Kind = Literal["scalar", "theta", "output"]
Reduction = Literal["sum", "max", "min"]
Per = Literal["", "layer", "tensor"]
"""A reduction is over everything, or over each layer, or over each weight matrix and each bias vector."""

# -- expressions: one tree for activations, losses, objectives, rules and schedules ------------------


@dataclass(frozen=True)
class Const:
    """A number; of kind `theta` or `output`: that number in every element."""

    value: float
    kind: Kind = "scalar"


@dataclass(frozen=True)
class Var:
    """A name bound elsewhere.

    In a Map      `z` (input), `a` (its value), `c` (cotangent of its value)
    In a head     `z` (pre-activation of the last layer), `u` (the network's output), `y` (the target)
    In a rule     states (`v`: the value at n), locals, hyper-parameters, and the scalars
                  `n` (iteration from 0), `epoch` (fractional), `m` (batches), and loop indices
    """

    name: str
    kind: Kind


@dataclass(frozen=True)
class Apply:
    """A primitive of `compiler/calculus/primitives.py`, element by element; truth values feed only `select` etc."""

    op: str
    args: tuple[Expr, ...]
    kind: Kind

    @cached_property
    def _hash(self) -> int:
        return hash((self.op, self.args, self.kind))

    def __hash__(self) -> int:
        return self._hash  # once a node: expressions are graphs with much sharing

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Apply):
            return self is other
        same = self._hash == other._hash and self.op == other.op and self.kind == other.kind
        return same and self.args == other.args


@dataclass(frozen=True)
class Reduce:
    """Over all elements of a `theta` (or of each part: it stays a `theta`) or of an `output` of a sample."""

    op: Reduction
    arg: Expr
    per: Per = ""

    @cached_property
    def _hash(self) -> int:
        return hash((self.op, self.arg, self.per))

    def __hash__(self) -> int:
        return self._hash

    @property
    def kind(self) -> Kind:
        return "theta" if self.per else "scalar"


Expr = Const | Var | Apply | Reduce


def apply(op: str, *args: Expr) -> Apply:
    """An Apply whose kind is that of its widest argument."""
    kinds = {a.kind for a in args} - {"scalar"}
    assert len(kinds) <= 1, f"{op} mixes {kinds}"
    return Apply(op, args, kinds.pop() if kinds else "scalar")


def children(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Apply(args=args):
            return args
        case Reduce(arg=arg):
            return (arg,)
        case _:
            return ()


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


@dataclass(frozen=True)
class Dense:
    """z[o] = sum_i W[o, i] x[i] + b[o]; parameters W (outputs, inputs) row by row, then b (outputs,)."""

    name: str
    """`layer1`, ...: the prefix in `unflatten`."""
    inputs: int
    outputs: int
    bias: bool
    offset: int
    """Of W's first element in theta; b starts at offset + inputs*outputs."""


@dataclass(frozen=True)
class Map:
    """An activation over the `units` of a layer: a = value(z), cotangent of z = vjp(z, a, c).

    Pointwise where `value` has no Reduce; then vjp = c * slope. Where it has one (softmax), both are
    expressions of kind `output` over the units of one sample.
    """

    name: str
    units: int
    value: Expr
    vjp: Expr


@dataclass(frozen=True)
class Head:
    """The last activation and the loss of one sample, as one function of the last pre-activation z.

    They are derived together, so that softmax with cross entropy is `logsumexp(z) - z[y]`, never log(0).
    """

    units: int
    output: Expr
    """u(z): what `predict` returns; kind `output`."""
    loss: Expr
    """Loss of one sample, in z and y: scalar."""
    adjoint: Expr
    """d loss / d z, in z and y: kind `output`."""
    mean: bool
    """True: the loss of a batch is the mean over its samples; False: their sum."""


@dataclass(frozen=True)
class Network:
    """Dense and Map alternate; the last op is a Dense, its activation is in the head."""

    ops: tuple[Dense | Map, ...]
    head: Head
    inputs: int
    parameters: int


@dataclass(frozen=True)
class Objective:
    """A plain function of P named scalars (kind `scalar` Vars in the expressions)."""

    variables: tuple[str, ...]
    value: Expr
    gradient: tuple[Expr, ...]

    @property
    def parameters(self) -> int:
        return len(self.variables)


Problem = Network | Objective


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
class Starts:
    """Where the runs begin: fills applied in order, or a file of weights, or an explicit table of points.

    `table` has one row of P numbers per run, or is empty; `file` is "" where none is read. `axes` are those of
    a grid, one for each parameter, the last one running fastest; or empty.
    """

    fills: tuple[Fill, ...]
    file: str
    table: tuple[tuple[float, ...], ...]
    axes: tuple[tuple[float, ...], ...] = ()


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
    kind: Literal["scalar", "theta"]
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
    """Loss and/or gradient of the problem at the vector `point` (name of a `theta` variable).

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
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Fetch:
    """name := what the per-batch state `memory` holds for the batch `index`, from 1."""

    name: str
    memory: str
    index: Expr
    kind: Literal["scalar", "theta"]


@dataclass(frozen=True)
class Keep:
    """The per-batch state `memory` holds the value of the variable `value` for the batch `index`, at once."""

    memory: str
    index: Expr
    value: str
    kind: Literal["scalar", "theta"]


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


Ending = Literal["criterion", "diverged", "search", "step"]
"""How a rule ends a run: the stop criterion holds; it diverged; a search reached its bound; or its step fell
below rounding."""
STATUS: Mapping[Ending, int] = {"criterion": 1, "diverged": 2, "search": 3, "step": 4}
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
    watched: tuple[tuple[str, str], ...] = ()
    """(name, state): monitored functions, and the scalar states that count the iterations in which they grew."""


# -- training ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batches:
    """How the samples are cut: `full`, `size` samples each (the last may be smaller), or `parts` of them."""

    mode: Literal["full", "size", "parts"]
    count: int
    shuffle: bool


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
