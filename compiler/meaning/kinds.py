"""Kinds of expressions: one number, a vector like theta or one over the outputs; each also as truth values.

The types, the functions and what their results are, and the scope in which an expression stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from netc.compiler.calculus.primitives import PRIMITIVES, TRUTHS
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.words.foreign_words import Place

OPERATORS = TRUTHS | {"add", "sub", "mul", "div", "neg", "pow", "select"}
ELEMENTWISE: Mapping[str, int] = {name: p.arity for name, p in PRIMITIVES.items() if name not in OPERATORS}
"""Functions a user may call element by element, and how many arguments each takes."""
BATCHWISE = ("sum", "mean", "max", "min", "argmax")
"""Of what is kept per batch, over the batches."""
REDUCTIONS = ("sum", "mean", "max", "min", "norm")
"""Of one vector to one number; `dot` takes two."""
OVER_INDICES = ("sum", "mean", "max", "min", "softmax")
"""Over named indices, of arrays: sum[i, j](...)."""
FUNCTION_NAMES = sorted({*ELEMENTWISE, *REDUCTIONS, "dot", "where", "argmax"})

Kind = Literal["scalar", "theta", "output"]
"""A number, a vector like theta, a vector over the outputs."""
WORDS: Mapping[Kind, str] = {
    "scalar": "a number",
    "theta": "a vector like theta",
    "output": "a vector over the outputs",
}


@record
class Type:
    kind: Kind
    truth: bool = False
    """A truth value per element."""

    @property
    def words(self) -> str:
        """As messages say it."""
        if self.truth:
            return "a truth value" if self.kind == "scalar" else "a truth value per element"
        return WORDS[self.kind]


PARAMETERS = ("theta", "weights", "biases", "w", "b")
OUTPUTS = ("u", "y")
"""What names mean by habit, to explain why they mean nothing here."""

SCALAR, THETA, OUTPUT = Type("scalar"), Type("theta"), Type("output")

WITHIN: Mapping[str, Place] = {"a loss": "in a loss", "an init": "in a start", "a schedule": "in a schedule"}
"""Where names of other tools have a meaning of their own."""


@dataclass(frozen=True)
class Scope:
    """What an expression may mention, and where it stands."""

    place: str
    """`an update rule`, for messages."""
    names: Mapping[str, Type]
    activations: Mapping[str, ast.Activation] = field(default_factory=dict)
    losses: frozenset[str] = frozenset()
    """Names that are the loss: `R`, and the user's own."""
    calls: Mapping[str, ast.Schedule] = field(default_factory=dict)
    """Schedules, which are functions of numbers."""
    hidden: frozenset[str] = frozenset()
    """Names that are netc's own, never to be suggested."""
    by_place: frozenset[str] = frozenset()
    """Vectors over the outputs that may be read at one place: `u[1]`."""
    memories: frozenset[str] = frozenset()
    """Names with a value for each batch: `L[i]`."""
