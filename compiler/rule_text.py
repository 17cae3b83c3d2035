"""An update rule by itself, without a file around it: `torch.SGD(lr=0.1)`, `momentum.ema`, a whole block.

It is checked and lowered as part of the smallest file that can hold it; what that file minimizes is of no
matter to the rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from netc.compiler import ir
from netc.compiler.check import check
from netc.compiler.lower_rule import lower_rule
from netc.compiler.resolve import Definitions
from netc.compiler.resolve_tree import dotted
from netc.compiler.spec import Optimizer, Spec
from netc.dsl import ast
from netc.dsl.parser import parse, parse_optimizer
from netc.dsl.source import Source

ELEMENTS = 3
"""Parameters of the problem that stands in: more than one, so that norms and means are seen to act."""
_FRAME = "objective R({}) = x0^2\ninit theta = 0\ntrain steps = 1\n"
_OPEN = ast.Number(0.5, "0.5")
"""Of a parameter without a default, where only the name of the rule is given."""


@dataclass(frozen=True)
class RuleText:
    """A rule that was named or written, with its parameters' numbers."""

    spec: Spec
    free: bool
    """Only the name was given, so the parameters are open; their numbers are the defaults."""

    @property
    def optimizer(self) -> Optimizer:
        return self.spec.optimizer

    @property
    def name(self) -> str:
        return self.optimizer.definition.name

    @cached_property
    def rule(self) -> ir.Rule:
        return lower_rule(self.spec)


def read_rule(
    text: str, name: str = "<rule>", elements: int = ELEMENTS, varying: Iterable[str] = ()
) -> RuleText:
    """The rule for so many parameters; `varying` hyper-parameters decide no conditions. Raises SpecError."""
    statement = parse_optimizer(text, name)
    bare = statement.use is not None and not isinstance(statement.use, ast.Call)
    if bare and statement.use is not None:
        statement = _open(statement, dotted(statement.use) or "")
    frame = parse(Source("<frame>", _FRAME.format(", ".join(f"x{i}" for i in range(elements)))))
    program = replace(frame, statements=(*frame.statements, statement))
    return RuleText(check(program, None, Path(), varying=varying), bare)


def _open(use: ast.Optimizer, name: str) -> ast.Optimizer:
    """The definition itself, every parameter with a number; the use where there is no one rule of that name."""
    table = Definitions().optimizers
    definition = table.get(name)
    if definition is None or any(n.startswith(name.lower() + ".") for n in table):
        return use
    return replace(
        definition, parameters=tuple(replace(p, default=p.default or _OPEN) for p in definition.parameters)
    )
