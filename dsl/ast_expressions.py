"""Expressions of the ast, and the pieces of statements that stand in them."""

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
class Phrase(Node):
    """What statements are made of, and no formula."""


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
class Text(Phrase):
    """`"boston.csv"`."""

    value: str


@record
class Name(Node):
    """`eta`, `theta`; a dotted name (`momentum.ema`) is a `Member`."""

    id: str


@record
class Shape(Phrase):
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
class Tuple(Phrase):
    """`(-1.5, 0.7)`."""

    items: tuple[Expr, ...]


@record
class Set(Phrase):
    """`{0.1, 0.01}`, `{2, 4, ..., 10}`."""

    items: tuple[Expr, ...]
    dots: int = 0
    """All items behind so many, but the last, are written as dots; 0: none."""


@record
class Range(Phrase):
    """`1..m`, `-3..3`."""

    start: Expr
    stop: Expr


@record
class Of(Phrase):
    """`0% of runs`, on the right of `diverged = 0% of runs`."""

    value: Expr
    whole: str


@record
class Among(Phrase):
    """`eta in {0.1, 0.01}`."""

    name: Expr
    values: Expr


@record
class Drawn(Phrase):
    """`weights ~ uniform(-a, a)`."""

    name: Expr
    law: Expr


@record
class Counted(Phrase):
    """A number with a unit word: `batch = 4 parts`."""

    value: Expr
    unit: str


@record
class Gain(Phrase):
    """`no gain in loss(validation) for 20 epochs`, the last or only condition of `stop`."""

    figure: Expr
    patience: Expr
    unit: str


@record
class Over(Phrase):
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
class Architecture(Phrase):
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


Expr = (
    Number | Percent | Text | Name | Shape | Unary | Binary | Compare | Logic | Not | Choose | Call | Index
    | Member | Gradient | InputGradient | Absolute | Tuple | Set | Range | Of | Among | Drawn | Counted | Architecture
    | Gain | Over
)  # fmt: skip
