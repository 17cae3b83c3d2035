"""Data, expectations and points of the checked program."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netc.compiler.meaning.generated import Generated
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.source import NOWHERE, Span

DataKind = Literal["named", "files", "inline", "generated", "none", "arrays"]
Scaling = Literal["none", "zscore", "minmax"]
Decimal = Literal["point", "comma"]
Missing = Literal["error", "drop", "mean"]


@record
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


@record
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

    kind: DataKind
    origin: tuple[str, ...] = ()
    rows: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()
    noisy: Generated | None = None
    """Generated data with noise, which is drawn when they are loaded."""
    names: tuple[str, ...] = ()
    """Of the inputs of generated data, as they are written there."""
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
    """Of the split's permutation, and of all that is drawn for the data."""
    classes: int = 0
    """Number of classes if the file states it, else 0."""
    limit: int = 0
    """At most so many samples (0: all), before the split."""
    only: tuple[str, ...] = ()
    """Labels of the classes whose samples are used; empty: of all."""
    each: int = 0
    """So many training samples of each class (0: all), after the split."""
    label_noise: float = 0.0
    """Fraction of the training labels (floor) that are drawn anew, each class equally likely, from the seed."""
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
    order: Literal["drawn", "time"] = "drawn"
    """Whether the samples of the parts are drawn, or follow one another: training, validation, test."""
    window: int = 0
    """The inputs of a sample are those of so many rows before its own, of a series; 0: those of its row."""
    weights: str = ""
    """The column of the samples' weights; GIVEN_WEIGHTS: they come from Python; empty: none have."""
    validation_files: tuple[str, ...] = ()
    """Absolute paths, as in `origin`: the validation part stands in files of its own."""
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    """Of the statement's source part, for messages."""
    spans: tuple[tuple[str, Span], ...] = field(default=(), compare=False, repr=False)
    """Of each setting, by name, for messages (`target`, `split`, ...)."""


@record
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


@record
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


@record
class Points:
    """`points minima = {(-2, 1), (2, -1)} within 0.05`: where runs may end."""

    name: str
    places: tuple[tuple[float, ...], ...]
    """P numbers each."""
    within: float
    """A run has reached a place if it ends at most so far from it (Euclidean distance)."""
