"""Statements, and the program of them."""

from __future__ import annotations

from netc.dsl.ast_expressions import Architecture, Expr, Node, Parameter, Setting, Text
from netc.dsl.ast_lines import Action, Draws, Formula, LayerLine
from netc.dsl.record import record


@record
class Network(Node):
    architecture: Architecture


@record
class Block(Node):
    """`block res(c) = x + [c (...) c]`, or lines of which the last is the value: `x` is the input."""

    name: str
    parameters: tuple[Parameter, ...]
    lines: tuple[Formula | Draws, ...]
    """One without a name, or several with names."""


@record
class Layer(Node):
    """`layer conv(out; size = 3x3):` and a block of equations; the last one is what the layer gives."""

    name: str
    parameters: tuple[Parameter, ...]
    lines: tuple[LayerLine, ...]
    settings: tuple[Setting, ...]
    activates: bool = False
    """It is written as an activation that learns: `(snake) 15` is short for `(dense, snake) 15`."""


@record
class Activation(Node):
    """`activation swish(z; beta = 1) = z*sigmoid(beta*z), source = "..."`."""

    name: str
    variable: str
    parameters: tuple[Parameter, ...]
    value: Expr
    settings: tuple[Setting, ...]


@record
class LearntActivation(Node):
    """`activation snake(z; start = 1):` and a block that learns: of each unit, `learn a[i] = start`, or for all, `learn a =
    start`. The last equation is what it gives."""

    name: str
    variable: str
    parameters: tuple[Parameter, ...]
    lines: tuple[LayerLine, ...]
    settings: tuple[Setting, ...]


@record
class Clip(Node):
    """`clip by_norm(g; c = 1) = g*min(1, c/norm(g))`: what is done to a gradient before a rule sees it."""

    name: str
    variable: str
    parameters: tuple[Parameter, ...]
    value: Expr
    settings: tuple[Setting, ...]


@record
class Loss(Node):
    """A use (`loss half_mse`, `loss huber(delta = 2)`: `use` is set) or a definition (`value` is set).

    A definition in a user's file is also its use, unless another `loss` statement uses one.
    """

    name: str
    """Of the definition; for a use, the name of what is used."""
    parameters: tuple[Parameter, ...]
    use: Expr | None
    value: Expr | None
    settings: tuple[Setting, ...]


@record
class Objective(Node):
    """`objective R(w, b) = g(w + b)^2 + g(b)^2`."""

    name: str
    variables: tuple[Parameter, ...]
    value: Expr
    settings: tuple[Setting, ...]


@record
class Row(Node):
    """`1, 2 -> 0` of inline data."""

    inputs: tuple[Expr, ...]
    outputs: tuple[Expr, ...]


@record
class Data(Node):
    """`data boston, target = medv` | `data "x.npy", "y.npy"` | `data x in grid -> expr` | `data inline:`

    `sources` holds the name (`inline` for rows), the texts, or the one Among of a generated set.
    """

    sources: tuple[Expr, ...]
    outputs: Expr | None
    rows: tuple[Row, ...]
    settings: tuple[Setting, ...]


@record
class Init(Node):
    """One `init` line or definition.

    use          `init glorot_uniform`, `init he_normal(gain = 2)`    use is the Name or Call
    laws         `init weights ~ uniform(-a, a), a = ...`             laws holds Drawn or Compare("=")
    file         `init from "weights.safetensors"`                    file is the Text
    definition   `init glorot_uniform(gain = 1):` and a block         name, parameters, laws, settings

    Of some layers: `init layer1, conv: he_normal`, and likewise laws and a file.
    """

    name: str | None
    parameters: tuple[Parameter, ...]
    use: Expr | None
    laws: tuple[Expr, ...]
    file: Text | None
    settings: tuple[Setting, ...]
    layers: tuple[Expr, ...] = ()
    """Names of layers, or of what they are; empty: all."""


@record
class Optimizer(Node):
    """A use (`use` is the Name, Member or Call; body empty) or a definition (name dotted: `momentum.ema`)."""

    name: str
    parameters: tuple[Parameter, ...]
    use: Expr | None
    body: tuple[Action, ...]
    settings: tuple[Setting, ...]
    """Of a definition: `source = "..."` and `require = ...`, lines of the block; of a use: `clip = ...`."""


@record
class Search(Node):
    """`search backtracking(F, p, d, drop, start; ...):` and a block that sets `value`: its result."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Action, ...]
    settings: tuple[Setting, ...]


@record
class Attack(Node):
    """`attack fgsm(eps):` and a block of equations for the inputs: `x = x + eps*sign(grad_x R)`."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Action, ...]
    settings: tuple[Setting, ...]


@record
class Piece(Node):
    """`0.1 until 75`; `until` is None in the last piece."""

    value: Expr
    until: Expr | None


@record
class Schedule(Node):
    """`schedule eta = 0.1 until 75, 0.01` (pieces), or a definition.

    definition, closed form   `schedule exponential(start, rate) = start * rate^epoch`   one Piece, parameters
    definition, recursion     `schedule plateau(start, ...):` and a block of equations   body
    """

    name: str
    """The hyper-parameter that follows it, or the name that is defined."""
    defines: bool
    parameters: tuple[Parameter, ...]
    pieces: tuple[Piece, ...]
    body: tuple[Action, ...]
    settings: tuple[Setting, ...]


@record
class Train(Node):
    settings: tuple[Setting, ...]


@record
class Phase(Node):
    """`phase fine: epochs = 20, freeze = layer1`: a part of the training, and what is other in it."""

    name: str
    settings: tuple[Setting, ...]


@record
class Augment(Node):
    """`augment shift(2), flip, blur until 40`: what is done to the training samples anew in every epoch."""

    pieces: tuple[Piece, ...]


@record
class Ensemble(Node):
    """`ensemble runs`, `ensemble {cycle2, cycle3}, by = vote`."""

    members: Expr
    settings: tuple[Setting, ...]


@record
class Sweep(Node):
    axes: tuple[Expr, ...]
    settings: tuple[Setting, ...]


@record
class Finder(Node):
    """`finder eta from 1e-6 to 10 in 200 steps`"""

    name: str
    low: Expr
    high: Expr
    steps: Expr


@record
class Monitor(Node):
    """`monitor loss, norm(grad R), every = 10`; `V = expr` is a Setting-like named figure."""

    figures: tuple[Expr, ...]
    settings: tuple[Setting, ...]


@record
class Expect(Node):
    """`expect theta = 2/(5 - 8*eta) within 1e-12`."""

    claim: Expr
    within: Expr | None
    settings: tuple[Setting, ...]


@record
class Points(Node):
    """`points minima = {(-2, 1), (2, -1)} within 0.05`."""

    name: str
    values: Expr
    within: Expr | None


@record
class Use(Node):
    file: Text


Statement = (
    Network | Block | Layer | Activation | LearntActivation | Clip | Loss | Objective | Data | Init | Optimizer | Search
    | Attack | Schedule | Train | Augment | Phase | Ensemble | Sweep | Finder | Monitor | Expect | Points | Use
)  # fmt: skip


@record
class Program(Node):
    """A whole file. Comments stay with the text; the formatter puts them back."""

    statements: tuple[Statement, ...]
