"""Where a chain of operations has come to: what the next one stands behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netc.compiler.calculus import ir
from netc.compiler.meaning.spec import Operation
from netc.dsl.source import Span

Numbers = Mapping[str, float]


@dataclass
class Place:
    """What comes before the next operation."""

    value: ir.Var
    made: list[Operation]
    inputs: bool
    """These are the inputs of the network themselves."""
    named: dict[str, tuple[ir.Var, Span]] = field(default_factory=dict)
    """What has a name, and where it was given."""
    read: set[str] = field(default_factory=set)
    """Names that were joined."""
