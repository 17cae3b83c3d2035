"""Lines of update rules and of layers."""

from __future__ import annotations

from typing import Literal

from netc.dsl.ast_expressions import Expr, Learned, Node
from netc.dsl.record import record


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
