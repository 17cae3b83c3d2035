"""The update rule of the ir, the training around it, and the program that holds all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from netc.compiler.calculus.ir_expressions import Axes, Expr
from netc.compiler.calculus.ir_problem import Problem, Starts
from netc.dsl.record import record
from netc.dsl.source import NOWHERE, Span


@record
class Hyper:
    """A hyper-parameter: a number handed to the kernel at run time, so a new value compiles nothing.

    A scheduled one is an Assign at the top of the body instead, in terms of `n`, `epoch` and Hypers.
    """

    name: str
    value: float


@record
class State:
    """Carried from iteration to iteration. `initial` is over Hypers (and `theta` for the vector start)."""

    name: str
    axes: Axes
    initial: Expr
    per_batch: bool = False
    """One value for each batch, all 0 at first; read and set by Fetch and Store, never committed."""


@record
class Assign:
    """name := value. Names may be assigned again (in loops); the last assignment holds."""

    name: str
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
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


@record
class Fetch:
    """name := what the per-batch state `memory` holds for the batch `index`, from 1."""

    name: str
    memory: str
    index: Expr
    axes: Axes


@record
class Store:
    """The per-batch state `memory` holds the value of the variable `value` for the batch `index`, at once."""

    memory: str
    index: Expr
    value: str
    axes: Axes


@record
class Tell:
    """The state of a layer that follows a schedule is this number, at once: all evaluations that follow read it."""

    state: str
    value: Expr


@record
class For:
    """index runs over first, first+1, ..., last (inclusive)."""

    index: str
    first: Expr
    last: Expr
    body: tuple[Stmt, ...]


@record
class Repeat:
    """Repeats the body until an Until in it holds; after `bound` rounds the run ends as `search failed`."""

    body: tuple[Stmt, ...]
    bound: int


@record
class Until:
    """Leaves the innermost Repeat when the condition (a truth value) holds. NaN compares false.

    Lowering makes a condition on a loss that is not finite false: such a trial is rejected.
    """

    condition: Expr


Ending = Literal["criterion", "diverged", "search", "step", "batch", "range", "loop"]
"""How a rule ends a run: the stop criterion holds; it diverged; a search reached its bound; its step fell
below rounding; it asked for the batch of a number that no batch has; a schedule left the range that the
rule requires; or a bound of a loop is no number, or none that a loop can count to."""
STATUS: Mapping[Ending, int] = {
    "criterion": 1,
    "diverged": 2,
    "search": 3,
    "step": 4,
    "batch": 5,
    "range": 6,
    "loop": 8,
}
"""As the kernels write it into `counters`; 0 while the run goes on. 7 is the runtime's."""


@record
class If:
    """One of two blocks. What only one of them sets is not read after it."""

    condition: Expr
    body: tuple[Stmt, ...]
    otherwise: tuple[Stmt, ...]


@record
class Stop:
    """Ends the run before iteration n's update when the condition holds.

    With minibatches the criteria of `train` stand in a test of their own (`Rule.test`), done once an epoch on
    all samples.
    """

    condition: Expr
    ending: Ending = "criterion"


Stmt = Assign | Evaluate | Fetch | Store | Tell | For | Repeat | Until | If | Stop


@record
class Commit:
    """At the end of the iteration the state takes the value of the variable `value`."""

    state: str
    value: str


@record
class Mask:
    """A vector that is 1 on some parameters and 0 on the others."""

    name: str
    of: str
    """`gains`, `layer1`, `layer1.weights`: as the file calls it; `masks.py` knows where it is 1."""


@record
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


@record
class Shown:
    """`theta[1]`, `v[2]`, `norm(v)`, `c` of a `monitor`: a component of theta or of a state (counted from 0 here), the norm
    of a state, or a scalar one; `norm(grad_x R)`, `max(|grad_x R|)`: of the derivative of the training loss by inputs;
    `accuracy(test, fgsm(0.1))`: of attacked inputs, which is known by its name."""

    name: str
    state: str
    component: int | None
    by_inputs: Literal["", "norm", "max"] = ""
    inside: Inside | None = None
    attacked: bool = False


Inner = Literal[
    "mean", "var", "zeros", "dead", "fisher", "empirical_fisher",
    "theta", "gradient", "step", "moved", "cosine", "spread",
]  # fmt: skip


@record
class Inside:
    """A figure of what is inside a network, or of all parameters.

    mean var zeros dead       of what a layer gives: all samples and units together; units that are 0 on all samples
    fisher empirical_fisher   trace of the Fisher information
    theta gradient step moved  norms of the parameters, of the loss' gradient, of the next step, of theta - theta0
    cosine spread             of the gradients of the batches
    """

    figure: Inner
    layer: str
    """Empty: of all parameters."""
    over: Inside | None = None
    """What it is divided by."""


# -- training ----------------------------------------------------------------------------------------


@record
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


@record
class Training:
    """`epochs` or `steps` is -1 where the file does not bound it; at least one bounds."""

    epochs: int
    steps: int
    batches: Batches
    precision: Literal["f32", "f64"]
    seed: int
    runs: int
    target: Literal["cpu", "cuda"]


@record
class Program:
    problem: Problem
    starts: Starts
    rule: Rule
    training: Training
