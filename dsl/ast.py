"""The tree of what was written: one node a construct, nothing resolved.

    program    = statement*
    statement  = Network | Block | Layer | Activation | Clip | Loss | Objective | Data | Init | Optimizer
               | Search | Schedule | Train | Phase | Ensemble | Sweep | Finder | Monitor
               | Expect | Points | Use
    expr       = Number | Percent | Text | Name | Shape | Unary | Binary | Compare | Logic | Not
               | Choose | Call | Index | Member | Gradient | InputGradient | Absolute | Tuple | Set | Range | Of | Among
               | Drawn | Counted | Gain | Over | Architecture
    action     = Equation | For | Repeat | Until | If | End           (the lines of an update rule)
    line       = Learn | Formula | Draws                              (those of a layer)

Names are canonical here (`θ` is `theta`, `η` is `eta`, `β1` is `beta1`), so both spellings are the same
program. Every node carries a `span`, which takes no part in equality.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netc.dsl.record import record
from netc.dsl.source import NOWHERE, Span


@record(kw_only=True)
class Node:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


# -- expressions ---------------------------------------------------------------------------------


@record
class Number(Node):
    value: float
    text: str = field(default="", compare=False)
    """As typed, so that `1e-4` is printed back as `1e-4`."""


@record
class Percent(Node):
    """`80%`: the fraction 0.8 where a fraction is meant."""

    value: Expr


@record
class Text(Node):
    """`"boston.csv"`."""

    value: str


@record
class Name(Node):
    """`eta`, `theta`; a dotted name (`momentum.ema`) is a `Member`."""

    id: str


@record
class Shape(Node):
    """`28x28x1`: height x width x channels, or a kernel's `5x5`."""

    sizes: tuple[int, ...]


@record
class Unary(Node):
    op: Literal["-", "+"]
    operand: Expr


@record
class Binary(Node):
    op: Literal["+", "-", "*", "/", "^"]
    left: Expr
    right: Expr


@record
class Compare(Node):
    op: Literal["<", "<=", ">", ">=", "=", "!="]
    left: Expr
    right: Expr


@record
class Logic(Node):
    op: Literal["and", "or"]
    left: Expr
    right: Expr


@record
class Not(Node):
    operand: Expr


@record
class Choose(Node):
    """`then if condition else otherwise`."""

    then: Expr
    condition: Expr
    otherwise: Expr


@record
class Argument(Node):
    """One argument of a call: `0.1` (name is None) or `eta = 0.1`."""

    name: str | None
    value: Expr


@record
class Call(Node):
    """`f(x, eta = 0.1)`; `function` is a Name, a Member, or an indexed loss `R[i]`."""

    function: Expr
    arguments: tuple[Argument, ...]


@record
class Index(Node):
    """`theta[n+1]`, `R[i]`; several subscripts, `x[h, w, c]`, are a Tuple."""

    base: Expr
    index: Expr


@record
class Member(Node):
    """`momentum.ema`, `torch.SGD`."""

    base: Expr
    name: str


@record
class Gradient(Node):
    """`grad R(p)`, `grad R[i](p)`, and bare `grad R` (at theta[n]) where point is None."""

    loss: str
    batch: Expr | None
    point: Expr | None


@record
class InputGradient(Node):
    """`grad_x R`: the derivative of the loss by the inputs of each sample."""

    loss: str


@record
class Absolute(Node):
    """`|x|`, the absolute value element by element; `‖x‖` is read as `norm(x)`, a Call."""

    operand: Expr


@record
class Tuple(Node):
    """`(-1.5, 0.7)`."""

    items: tuple[Expr, ...]


@record
class Set(Node):
    """`{0.1, 0.01}`."""

    items: tuple[Expr, ...]


@record
class Range(Node):
    """`1..m`, `-3..3`."""

    start: Expr
    stop: Expr


@record
class Of(Node):
    """`0% of runs`, on the right of `diverged = 0% of runs`."""

    value: Expr
    whole: str


@record
class Among(Node):
    """`eta in {0.1, 0.01}`."""

    name: Expr
    values: Expr


@record
class Drawn(Node):
    """`weights ~ uniform(-a, a)`."""

    name: Expr
    law: Expr


@record
class Counted(Node):
    """A number with a unit word: `batch = 4 parts`."""

    value: Expr
    unit: str


@record
class Gain(Node):
    """`no gain in loss(validation) for 20 epochs`, the last or only condition of `stop`."""

    figure: Expr
    patience: Expr
    unit: str


@record
class Over(Node):
    """`median(loss(test)) over eta` in an `expect`: a figure for each value of a sweep's axis."""

    value: Expr
    axis: str


# -- pieces of statements ------------------------------------------------------------------------


@record
class Setting(Node):
    """`name = value`, on the line of a statement or in its block."""

    name: str
    value: Expr


@record
class Parameter(Node):
    """A formal parameter of a definition; `default` is None where the caller must give one."""

    name: str
    default: Expr | None


@record
class Operation(Node):
    """One operation of a network: `tanh`, `leaky_relu(0.01)`, `conv 5x5 same`, `dense nobias`.

    `words` are what follows the name: Shape, Number or Name.
    """

    name: str
    arguments: tuple[Argument, ...]
    words: tuple[Expr, ...]


@record
class Stage(Node):
    """`(operations) size x times as name`; size is None where nothing is sized (`(avgpool 2x2)`)."""

    operations: tuple[Operation, ...]
    size: Expr | None
    times: int = 1
    called: str = ""
    """What it gives is read behind it by this name: `(conv, relu) 8 as e1 ... (concat e1)`."""


@record
class Architecture(Node):
    """`[13(tanh)15(lin)1]`: the input size (Number, Shape, or Name in a block) and the stages.

    In a block it is a value: `[(dense) c]` of the block's input, or, as a Call, of what it is put on.
    """

    input: Expr | None
    stages: tuple[Stage, ...]


@record
class Learned(Node):
    """An array of parameters: `W[o in units, i] as weights`, `gamma[c] = 1`, `b[o] as biases if bias`.

    Its indices are names, or Among where they say their range. With a value and no role it is a gain; with both, or with
    a law (`W[o in units, i] as weights ~ uniform(-a, a)`), that is the start of the layer's own.
    """

    name: str
    indices: tuple[Expr, ...]
    role: str
    """`weights`, `biases`, or empty."""
    value: Expr | None
    law: Expr | None
    condition: Expr | None


@record
class Learn(Node):
    """`learn W[o in units, i] as weights, b[o] as biases if bias`."""

    arrays: tuple[Learned, ...]


@record
class Formula(Node):
    """`z[h, w, o] = expr`, for all places; no indices: one number. With a condition, or `else`: one of two."""

    name: str
    indices: tuple[Expr, ...]
    value: Expr
    condition: Expr | None = None
    otherwise: bool = False


@record
class Draws(Node):
    """`r[i] ~ bernoulli(1 - p)`; `per sample`: one for all places of a sample; `per batch`: one for all samples too."""

    name: str
    indices: tuple[Expr, ...]
    law: Expr
    per: Literal["", "sample", "batch"] = ""


Expr = (
    Number | Percent | Text | Name | Shape | Unary | Binary | Compare | Logic | Not | Choose | Call | Index
    | Member | Gradient | InputGradient | Absolute | Tuple | Set | Range | Of | Among | Drawn | Counted | Architecture
    | Gain | Over
)  # fmt: skip

LayerLine = Learn | Formula | Draws


@record
class Equation(Node):
    """`name[index] = value`; `indices` is empty for a local."""

    name: str
    indices: tuple[Expr, ...]
    value: Expr


@record
class For(Node):
    """`for name in values:`."""

    name: str
    values: Expr
    body: tuple[Action, ...]


@record
class Repeat(Node):
    """`repeat:` or `repeat at most 60:`; ends at an `until` in its body."""

    bound: Expr | None
    body: tuple[Action, ...]


@record
class Until(Node):
    condition: Expr


@record
class If(Node):
    """`if condition:` and a block, `else:` and another one (empty where it is not written)."""

    condition: Expr
    body: tuple[Action, ...]
    otherwise: tuple[Action, ...]


@record
class End(Node):
    """`stop if condition`: the run is done; `fail if condition`: it cannot go on."""

    word: Literal["stop", "fail"]
    condition: Expr


Action = Equation | For | Repeat | Until | If | End


# -- statements ----------------------------------------------------------------------------------


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
    | Schedule | Train | Phase | Ensemble | Sweep | Finder | Monitor | Expect | Points | Use
)  # fmt: skip


@record
class Program(Node):
    """A whole file. Comments stay with the text; the formatter puts them back."""

    statements: tuple[Statement, ...]
