"""The checked program at the level of the user's concepts: every name resolved, every default written out.

Between the ast (what was written) and the ir (what is computed). `check/program.py` makes it, `lower/program.py` reads it,
the runtime takes from it what concerns data, reports and verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from netc.compiler.calculus import ir
from netc.compiler.meaning.generated import Generated
from netc.compiler.meaning.places import largest_places
from netc.compiler.meaning.rule_body import Body
from netc.dsl import ast
from netc.dsl.diagnostics import Diagnostic
from netc.dsl.source import NOWHERE, Span

Scaling = Literal["none", "zscore", "minmax"]
Decimal = Literal["point", "comma"]
Missing = Literal["error", "drop", "mean"]


@dataclass(frozen=True)
class TextStyle:
    """How a text table is written; what is not stated is looked for in the file."""

    header: bool | None = None
    """Whether its first row names the columns."""
    separator: str = ""
    """Of fields, one character; a blank stands for any number of them."""
    decimal: Decimal = "point"


AS_FOUND = TextStyle()
GIVEN_WEIGHTS = "given"
"""`weights = given`: those of `model.train(X, y, sample_weight = ...)`."""


@dataclass(frozen=True)
class DataSpec:
    """The `data` statement, before anything is read.

    kind        origin
    named       (name,): a shipped, scikit-learn or IDX set
    files       absolute paths, inputs first (`"x.npy", "y.npy"`, or one table)
    inline      empty; `rows` holds (inputs, outputs) numbers
    generated   empty; `rows` holds the evaluated grid, or `noisy` makes them
    none        an objective has no data
    arrays      empty; the arrays come from Python (`model.train(X, y)`)
    """

    kind: Literal["named", "files", "inline", "generated", "none", "arrays"]
    origin: tuple[str, ...] = ()
    rows: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()
    noisy: Generated | None = None
    """Generated data with noise, which is drawn when they are loaded."""
    target: tuple[str, ...] = ()
    """Names of target columns; empty: the named set's own, or the last column."""
    computed: tuple[ast.Expr, ...] = ()
    """What is made of the target columns (`target = log(medv)`), a target each; empty: the columns themselves."""
    of_inputs: bool = False
    """`target = inputs`: the network is to give back what it gets."""
    inputs: tuple[str, ...] = ()
    """Names of input columns; empty: all but the targets."""
    scale: Scaling = "none"
    """Of the inputs, fitted on the training part."""
    factor: float = 1.0
    """All inputs times this number (`scale = 1/255` for images); `scale` is "none" then."""
    scale_target: Scaling = "none"
    """Of numeric targets; the default is that of `scale`. Classes are never scaled."""
    split: float = 1.0
    """Fraction of the samples that train (floor), or a count if above 1; 1.0 trains on all."""
    seed: int = 0
    """Of the split's permutation."""
    classes: int = 0
    """Number of classes if the file states it, else 0."""
    limit: int = 0
    """At most so many samples (0: all), before the split."""
    only: tuple[str, ...] = ()
    """Labels of the classes whose samples are used; empty: of all."""
    each: int = 0
    """So many training samples of each class (0: all), after the split."""
    style: TextStyle = AS_FOUND
    missing: Missing = "error"
    """`drop` leaves out samples with a missing value, `mean` puts the training part's mean in its place."""
    stratify: bool = False
    """Whether the parts of the split have the same share of each class."""
    validation: float = 0.0
    """Fraction of what the split leaves for training (floor), or a count if above 1; 0: no validation part."""
    folds: int = 0
    """Parts into which the training samples are cut, each the validation part of a training; 0: no folds."""
    fold: int = 0
    """The one of them that is the validation part, from 1."""
    weights: str = ""
    """The column of the samples' weights; GIVEN_WEIGHTS: they come from Python; empty: none have."""
    validation_files: tuple[str, ...] = ()
    """Absolute paths, as in `origin`: the validation part stands in files of its own."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    """Of the statement's source part, for messages."""
    spans: tuple[tuple[str, Span], ...] = field(default=(), compare=False, repr=False)
    """Of each setting, by name, for messages (`target`, `split`, ...)."""


@dataclass(frozen=True)
class Facts:
    """What the checker must know of the data to check sizes. The runtime reads them off the data set."""

    inputs: int
    targets: int
    """Target columns as they stand in the data."""
    samples: int
    """Training samples."""
    labels: tuple[str, ...] = ()
    """Class labels, in order, where the single target can be read as classes (text, or few integers)."""
    text: bool = False
    """Whether the target is text, so that it is fit for classification only; integers are fit for both."""
    whole: int = 0
    """Without labels: how many different whole numbers the single target holds, where `classes` could read them."""


@dataclass(frozen=True)
class Expectation:
    """One `expect`, to be judged by the runtime once results are there."""

    claim: ast.Expr
    within: ast.Expr | None
    text: str
    """The claim as written, for the table."""
    claimed: ast.Expr | None = None
    """What the paper says where it is not what was found: a figure, or a text."""
    source: str = ""
    """Where the paper says it, or what it is about: `talk, slide 14: GD diverges on benchmark 1`."""


Kind = Literal["minimum", "maximum", "saddle", "degenerate"]
KINDS: tuple[Kind, ...] = ("minimum", "maximum", "saddle", "degenerate")
"""Of a stationary point, by the eigenvalues of the Hessian."""
FAR = "far"
"""What a run has reached that is near none of the listed points."""


@dataclass(frozen=True)
class Points:
    """`points minima = {(-2, 1), (2, -1)} within 0.05`: where runs may end."""

    name: str
    places: tuple[tuple[float, ...], ...]
    """P numbers each."""
    within: float
    """A run has reached a place if it ends at most so far from it (Euclidean distance)."""


# -- the checked program -----------------------------------------------------------------------------

BatchMode = Literal["full", "size", "parts"]
Sampling = Literal["permutation", "replacement"]
Averaging = Literal["mean", "sum"]
Values = tuple[tuple[str, float], ...]
"""Parameters of a definition and their numbers, in the order of the definition."""


@dataclass(frozen=True)
class Activation:
    """An activation with its parameters bound."""

    definition: ast.Activation
    arguments: Values


@dataclass(frozen=True)
class Use:
    """A layer with its parameters bound, those that are shapes number by number: `size_1`, `size_2`."""

    definition: ast.Layer
    arguments: Values
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Bracket:
    """A network inside a block: what it makes of a value is called `name` in the line."""

    name: str
    operations: tuple[Operation, ...]
    of: ast.Expr


@dataclass(frozen=True)
class BlockLine:
    """`z = r + [...](r)`, with names in the place of the brackets."""

    name: str
    value: ast.Expr
    brackets: tuple[Bracket, ...]


@dataclass(frozen=True)
class Block:
    """A block with its parameters bound; the last line is its value."""

    definition: ast.Block
    arguments: Values
    lines: tuple[BlockLine, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Named:
    """`as e1`: what is there has this name for those behind it."""

    name: str


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    """Of the last size, for messages."""

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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Objective:
    """A plain function of named numbers."""

    name: str
    variables: tuple[str, ...]
    value: ast.Expr


@dataclass(frozen=True)
class Law:
    """`target ~ law` or `target = law`; names in it are the helpers, the arguments, fan_in and fan_out."""

    target: str
    """`weights`, `biases`, `gains`, `theta`; of some layers also the name of one array, `gamma`."""
    law: ast.Expr
    """A Call of `uniform`, `normal`, `orthogonal`; a number; for theta also a Tuple, a Set or a `grid`."""
    drawn: bool
    helpers: tuple[tuple[str, ast.Expr], ...]
    arguments: Values
    layers: tuple[str, ...] = ()
    """Of which layers; empty: of all."""


@dataclass(frozen=True)
class FromFile:
    """Some layers begin as they are in a file."""

    path: str
    """Absolute."""
    layers: tuple[tuple[str, str], ...]
    """(layer here, its name there)"""
    named: bool
    """Whether the file says the names; else they are those of netc, or the numbers of an nn.Sequential."""


@dataclass(frozen=True)
class Init:
    """Laws in the order in which they are applied, or a file of weights."""

    laws: tuple[Law, ...]
    file: str
    """Absolute path of a file for all parameters, or empty."""
    files: tuple[FromFile, ...] = ()
    """For some layers."""


@dataclass(frozen=True)
class Optimizer:
    """An update rule, its parameters' numbers, its body in plain names and the kinds of these."""

    definition: ast.Optimizer
    arguments: Values
    body: Body
    kinds: tuple[tuple[str, Literal["scalar", "theta"]], ...]
    visits_batches: bool
    """It names the batches itself (`R[i]`); one iteration is one epoch."""
    searches: tuple[ast.Search, ...] = ()
    """Definitions of searches that the definition calls; in the body their lines are put in place."""
    point: str = ""
    """The state where the rule wants to be evaluated and kept (`evaluate at avg[n]`); empty: theta."""
    off: Values = field(default=(), compare=False)
    """Parameters that the definition has lost, as their values decide conditions; what it requires may name them."""


@dataclass(frozen=True)
class Recursion:
    """A schedule by results (plateau): its definition, its arguments, its body in plain names."""

    definition: ast.Schedule
    arguments: Values
    body: Body


@dataclass(frozen=True)
class Piece:
    """`value` holds until `until`, in epochs or steps; the last piece's `until` is infinite."""

    value: ast.Expr
    until: float


@dataclass(frozen=True)
class Schedule:
    """What a hyper-parameter follows. Either pieces or a recursion."""

    name: str
    pieces: tuple[Piece, ...]
    unit: Literal["epoch", "step"]
    recursion: Recursion | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
"""Of the data, in the order in which figures are listed."""


@dataclass(frozen=True)
class Judged:
    """`loss(validation)`: a figure that tells how good a run is at an epoch."""

    figure: Literal["loss", "accuracy", "r2", "gradient_norm"]
    part: Part

    @property
    def written(self) -> str:
        return "norm(grad R)" if self.figure == "gradient_norm" else f"{self.figure}({self.part})"


@dataclass(frozen=True)
class Patience:
    """`no gain in loss(validation) for 20 epochs`: a run ends where its figure has not been better for so long."""

    judged: Judged
    epochs: int


@dataclass(frozen=True)
class Training:
    """`epochs`, `steps`: -1 where the file does not bound it; `stop` and `diverged` are conditions or None."""

    epochs: int
    steps: int
    batch: BatchMode
    count: int
    """Samples of a batch, or batches; 1 where `full`."""
    shuffle: bool
    precision: Literal["f32", "f64"]
    seed: int
    runs: int
    threads: int
    """0: as many as the machine has cores."""
    target: Literal["cpu", "cuda"]
    stop: ast.Expr | None
    diverged: ast.Expr | None
    """When a run counts as diverged though its loss is still finite; a condition or None."""
    patience: Patience | None = None
    keep: Judged | None = None
    """By which figure a run keeps its best parameters, epoch by epoch; None: it keeps its last ones."""
    replacement: bool = False
    """Whether the samples of an epoch are drawn with replacement, each from all of them."""


History = Literal["all", "summary", "auto"]
Unit = Literal["epoch", "step"]


@dataclass(frozen=True)
class Watched:
    """`V = ...` of `monitor`: a number that is compared from iteration to iteration."""

    name: str
    written: ast.Expr
    value: ast.Expr
    """With the states at n as plain names."""


@dataclass(frozen=True)
class Monitor:
    """Figures to report, `every` so many epochs or steps; 0: as the runtime chooses."""

    figures: tuple[ast.Expr, ...]
    every: int
    unit: Unit = "epoch"
    history: History = "auto"
    """Whether every run is in the history, or quantiles over runs; `auto` goes by their number."""
    watched: tuple[Watched, ...] = ()
    shown: tuple[ir.Shown, ...] = ()
    """Those of the figures that are no losses, metrics or norms of reports."""


@dataclass(frozen=True)
class Axis:
    """What a sweep changes: `values` in turn, or numbers that are drawn by a law.

    statement  the use of `optimizer`, `init` or `loss`
    setting    a setting of `train`
    name       a name that stands in the file wherever a number, an operation or a size may stand
    parameter  of the optimizer
    """

    name: str
    kind: Literal["statement", "setting", "name", "parameter"]
    values: tuple[ast.Expr, ...]
    law: Literal["", "uniform", "log_uniform"] = ""
    low: float = 0.0
    high: float = 0.0
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    """Of the name."""


@dataclass(frozen=True)
class Sweep:
    """Trainings of one file, one for each point."""

    axes: tuple[Axis, ...]
    trials: int
    """Points that are drawn; 0: all of the grid."""
    seed: int
    figure: Judged | None
    """By which the points are sorted; None where the file does not say."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Finder:
    """A short training whose rate grows by a constant factor in each iteration, from `low` to `high`."""

    parameter: str
    low: float
    high: float
    steps: int
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Ensemble:
    """Several trained networks that answer together."""

    phases: tuple[str, ...]
    """The ends of these phases, for each run; empty: all runs."""
    by: Literal["mean", "vote"]
    """The mean of the outputs, or the share of members that choose each class."""


@dataclass(frozen=True)
class Phase:
    """A part of the training: the file with some of its settings replaced (`check/phases.py`)."""

    name: str
    settings: tuple[ast.Setting, ...]
    """What is other than in the file, as it was written."""
    restart: bool
    """Whether its rule begins anew though the one before could go on."""
    freeze: tuple[str, ...] = ()
    """Names of the arrays of parameters that are not trained."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True)
class Spec:
    """One of network (with loss and data) and objective is set."""

    network: Network | None
    objective: Objective | None
    loss: Loss | None
    data: DataSpec
    init: Init
    optimizer: Optimizer
    schedules: tuple[Schedule, ...]
    training: Training
    monitor: Monitor
    expectations: tuple[Expectation, ...]
    points: tuple[Points, ...]
    functions: tuple[ast.Activation, ...]
    """Activations that expressions call, directly or by way of others."""
    schedule_functions: tuple[ast.Schedule, ...]
    """Schedules in closed form that pieces call."""
    program: ast.Program
    """As written."""
    warnings: tuple[Diagnostic, ...]
    sweep: Sweep | None = None
    """Where there is one, all else is that of its first point."""
    phases: tuple[Phase, ...] = ()
    """Where there are some, all else is that of the last one, with nothing frozen."""
    ensemble: Ensemble | None = None
    finder: Finder | None = None
    """Where there is one, the rest is that of the training that finds."""
    frozen: tuple[str, ...] = ()
    """Of a single phase: names of the arrays of parameters that are not trained."""

    @property
    def targets(self) -> int:
        """Numbers of a sample's target: those of the outputs, unless the loss reads some by their places."""
        if self.network is None or self.loss is None:
            return 0
        last = self.loss.places["y"] or self.network.output[-1]
        return prod(self.network.output[:-1]) * last

    @property
    def parameters(self) -> int:
        """The number of parameters, P."""
        return (
            self.network.parameters
            if self.network
            else len(self.objective.variables)
            if self.objective
            else 0
        )
