"""An update rule by itself, without a file around it: `torch.SGD(lr=0.1)`, `momentum.ema`, a whole block.

It is checked and lowered as part of the smallest file that can hold it; what that file minimizes is of no
matter to the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from netc.compiler import ir
from netc.compiler.check import check
from netc.compiler.interpret import evaluate
from netc.compiler.lower_rule import lower_rule
from netc.compiler.lower_schedule import lower_schedule
from netc.compiler.resolve import Definitions
from netc.compiler.resolve_tree import dotted, walk
from netc.compiler.spec import Optimizer, Spec
from netc.dsl import ast
from netc.dsl.parser import parse, parse_optimizer
from netc.dsl.source import Source

ELEMENTS = 3
"""Parameters of the problem that stands in: more than one, so that norms and means are seen to act."""
_FRAME = f"objective R({', '.join(f'x{i}' for i in range(ELEMENTS))}) = x0^2\ninit theta = 0\n"
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


def read_rule(text: str, name: str = "<rule>") -> RuleText:
    """Raises SpecError."""
    statement = parse_optimizer(text, name)
    bare = statement.use is not None and not isinstance(statement.use, ast.Call)
    if bare and statement.use is not None:
        statement = _open(statement, dotted(statement.use) or "")
    return RuleText(_checked(statement), bare)


def standalone(spec: Spec) -> RuleText:
    """The rule of a file taken out of it, its numbers (of schedules, the first ones) as defaults."""
    definition = spec.optimizer.definition
    values = dict(spec.optimizer.arguments) | first_values(spec)
    parameters = tuple(
        replace(p, default=ast.Number(values[p.name])) for p in definition.parameters if p.name in values
    )
    own = [s for s in spec.program.statements if isinstance(s, ast.Activation | ast.Use)]
    return RuleText(_checked(*own, replace(definition, parameters=parameters)), False)


def first_values(spec: Spec) -> dict[str, float]:
    """What schedules give at n = 0, where that is not 0 (a warm-up)."""
    found: dict[str, float] = {}
    for schedule in spec.schedules:
        follower = lower_schedule(schedule, spec)
        value = float(evaluate(follower.first, {**dict(follower.hypers), "m": 1.0}))
        if value:
            found[schedule.name] = value
    return found


def _checked(*statements: ast.Statement) -> Spec:
    """With as many batches as the rule names."""
    found = [n for s in statements if isinstance(s, ast.Optimizer) for n in walk(s)]
    batches = [
        n.batch.value for n in found if isinstance(n, ast.Gradient) and isinstance(n.batch, ast.Number)
    ]
    frame = parse(Source("<frame>", f"{_FRAME}train steps = 1, batch = {max(batches, default=1):g} parts\n"))
    return check(replace(frame, statements=(*frame.statements, *statements)), None, Path())


def _open(use: ast.Optimizer, name: str) -> ast.Optimizer:
    """The definition itself, every parameter with a number; the use where there is no one rule of that name."""
    table = Definitions().optimizers
    definition = table.get(name)
    if definition is None or any(n.startswith(name.lower() + ".") for n in table):
        return use
    return replace(
        definition, parameters=tuple(replace(p, default=p.default or _OPEN) for p in definition.parameters)
    )
