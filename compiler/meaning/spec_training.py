"""Starts, rules, schedules, training and what is asked of it, of the checked program."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netc.compiler.calculus import ir
from netc.compiler.meaning.rule_body import Body
from netc.compiler.meaning.spec_network import Values
from netc.dsl import ast
from netc.dsl.printer import print_expr
from netc.dsl.record import record
from netc.dsl.source import NOWHERE, Span


@record
class Augmentation:
    """Something that is done to the training samples, until an epoch."""

    name: str
    arguments: Values
    until: float
    of_images: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Attack:
    """How inputs are changed so that the network errs, with its parameters' numbers."""

    definition: ast.Attack
    arguments: Values


@record
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


@record
class FromFile:
    """Some layers begin as they are in a file."""

    path: str
    """Absolute."""
    layers: tuple[tuple[str, str], ...]
    """(layer here, its name there)"""
    named: bool
    """Whether the file says the names; else they are those of netc, or the numbers of an nn.Sequential."""


@record
class Init:
    """Laws in the order in which they are applied, or a file of weights."""

    laws: tuple[Law, ...]
    file: str
    """Absolute path of a file for all parameters, or empty."""
    files: tuple[FromFile, ...] = ()
    """For some layers."""


@record
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
    switched: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """Of these, those that are not as by default, with their words: `nesterov`, `true`."""


@record
class Recursion:
    """A schedule by results (plateau): its definition, its arguments, its body in plain names."""

    definition: ast.Schedule
    arguments: Values
    body: Body


@record
class Piece:
    """`value` holds until `until`, in epochs or steps; the last piece's `until` is infinite."""

    value: ast.Expr
    until: float


@record
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


@record
class Judged:
    """`loss(validation)`: a figure that tells how good a run is at an epoch."""

    figure: Literal["loss", "accuracy", "r2", "gradient_norm"]
    part: Part
    attack: ast.Call | None = None
    """Of inputs that are attacked, `accuracy(validation, fgsm(0.1))`."""

    @property
    def written(self) -> str:
        if self.figure == "gradient_norm":
            return "norm(grad R)"
        attack = f", {print_expr(self.attack)}" if self.attack else ""
        return f"{self.figure}({self.part}{attack})"


@record
class Patience:
    """`no gain in loss(validation) for 20 epochs`: a run ends where its figure has not been better for so long."""

    judged: Judged
    epochs: int


Comparison = Literal["<", "<=", ">", ">="]


@record
class Goal:
    """`accuracy(validation) > 90%` in `stop`: a run ends at the end of an epoch where it holds."""

    judged: Judged
    op: Comparison
    bound: float


BatchMode = Literal["full", "size", "parts"]
Sampling = Literal["permutation", "replacement"]


@record
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
    against: Attack | None = None
    """What attacks the samples of every iteration before it sees them."""
    augment: tuple[Augmentation, ...] = ()
    """What is done to the samples of every epoch, in this order."""
    goals: tuple[Goal, ...] = ()
    """Figures that end a run beside `stop`, which kernels test."""

    @property
    def judged(self) -> tuple[tuple[str, Judged], ...]:
        """By which figures `stop` and `keep` go."""
        gain = (self.patience.judged,) if self.patience else ()
        found = [("stop", judged) for judged in (*gain, *(r.judged for r in self.goals))]
        return (*found, *((("keep", self.keep),) if self.keep else ()))


History = Literal["all", "summary", "auto"]
Unit = Literal["epoch", "step"]


@record
class Watched:
    """`V = ...` of `monitor`: a number that is compared from iteration to iteration."""

    name: str
    written: ast.Expr
    value: ast.Expr
    """With the states at n as plain names."""


@record
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
