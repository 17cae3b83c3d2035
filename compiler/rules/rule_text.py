"""An update rule by itself, without a file around it: `torch.SGD(lr=0.1)`, `momentum.ema`, a whole block.

It is checked and lowered as part of the smallest file that can hold it; what that file minimizes is of no
matter to the rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache, cached_property
from math import isfinite
from pathlib import Path

from netc.compiler.calculus import ir
from netc.compiler.check.program import check
from netc.compiler.lower.rule import lower_rule
from netc.compiler.lower.schedule import first_value, lower_schedule
from netc.compiler.meaning.bind_arguments import is_flag, without_tuples
from netc.compiler.meaning.resolve import Definitions
from netc.compiler.meaning.spec import Optimizer, Spec
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse, parse_expression, parse_optimizer
from netc.dsl.record import record
from netc.dsl.source import Source
from netc.dsl.walks import dotted, names_in, walk

ELEMENTS = 3
"""Parameters of the problem that stands in: more than one, so that norms and means are seen to act."""
_FRAME = "objective {loss}({variables}) = x0^2\ninit theta = 0\ntrain steps = 1, batch = {batches} parts, shuffle = false\n"
_OPEN = ast.Number(0.5, "0.5")
"""Of a parameter without a default, where only the name of the rule is given."""
FLAGS = (
    "nesterov",
    "use_nesterov",
    "centered",
    "amsgrad",
    "classic",
    "eps_inside_sqrt",
    "eps_in_sqrt",
    "debias",
)
"""Flags that make another rule of the same name."""
_FLIP = {"true": "false", "false": "true"}


@record
class RuleText:
    """A rule that was named or written, with its parameters' numbers."""

    spec: Spec
    free: bool
    """Only the name was given, so the parameters are open; their numbers are the defaults."""
    statement: ast.Optimizer
    """The call as it was written, or the definition."""
    switches: tuple[tuple[str, str], ...] = ()
    """What was set another way than by default to open the rule: `nesterov`, `true`."""
    others: tuple[ast.Statement, ...] = ()
    """Functions and searches of a file that the rule calls."""
    loss: str = "R"

    @property
    def optimizer(self) -> Optimizer:
        return self.spec.optimizer

    @property
    def name(self) -> str:
        return self.optimizer.definition.name

    @cached_property
    def rule(self) -> ir.Rule:
        """What runs."""
        return lower_rule(self.spec)

    @cached_property
    def written(self) -> ir.Rule:
        """What was written: its constants are fractions."""
        return lower_rule(self.spec, as_written=True)

    def general(self, varying: Collection[str]) -> ir.Rule | None:
        """The rule as it was written, for any number of parameters of the network, the scalar `ir.SIZE` in it; `varying`
        ones of its own decide no conditions. None where its form hangs on the number of parameters."""
        spec, rule = self.spec, self.written
        if self._decisive & set(varying):
            spec = _checked(*self.others, self.statement, varying=varying, loss=self.loss)
            rule = lower_rule(spec, as_written=True)
        if _sums_nothing(rule):
            return rule
        counted = [
            _for_any_number(lower_rule(_with_parameters(spec, count), as_written=True), count)
            for count in SIZES
        ]
        return counted[0] if counted[0] == counted[1] else None

    @cached_property
    def _decisive(self) -> set[str]:
        """Parameters that decide conditions of the rule as it is written."""
        written, use = self.statement, self.statement.use
        if use is not None:
            name = dotted(use.function if isinstance(use, ast.Call) else use)
            found = Definitions().optimizers.get(name or "")
            if found is None or written.settings:  # a clip may have conditions of its own
                return {n for n, _ in self.optimizer.arguments}
            written = found
        nodes = [n for action in without_tuples(written).body for n in walk(action)]
        conditions = [n.condition for n in nodes if isinstance(n, ast.Choose | ast.If)]
        return {name for condition in conditions for name in names_in(condition)}

    @property
    def unset(self) -> set[str]:
        """Parameters of a bare name that have no default."""
        return {p.name for p in self.statement.parameters if p.default is _OPEN}

    def openings(self) -> Iterator[RuleText]:
        """Of a bare name: the rule by default, with momentum, and with one of its flags the other way."""
        yield self
        if not self.free:
            return
        on = tuple((p.name, "0.5") for p in self.statement.parameters if _is_momentum(p))
        flips = [(p.name, _FLIP[p.default.id]) for p in self.statement.parameters
                 if isinstance(p.default, ast.Name) and p.default.id in _FLIP and p.name in FLAGS]  # fmt: skip
        for switches in dict.fromkeys([on, *((*on, flip) for flip in flips)]):
            if switches:
                yield from self._opened(switches)

    def _opened(self, switches: tuple[tuple[str, str], ...]) -> Iterator[RuleText]:
        values = {name: parse_expression(text) for name, text in switches}
        parameters = tuple(
            replace(p, default=values.get(p.name, p.default)) for p in self.statement.parameters
        )
        try:
            spec = _checked(replace(self.statement, parameters=parameters))
        except SpecError:
            return  # not a combination that the rule allows
        opened = replace(self.statement, parameters=parameters)
        yield replace(self, spec=spec, statement=opened, switches=switches)


def read_rule(
    text: str, name: str = "<rule>", elements: int = ELEMENTS, varying: Iterable[str] = ()
) -> RuleText:
    """The rule for so many parameters; `varying` hyper-parameters decide no conditions. Raises SpecError."""
    statement = parse_optimizer(text, name)
    bare = statement.use is not None and not isinstance(statement.use, ast.Call) and not statement.settings
    if bare and statement.use is not None:
        statement = _open(statement, dotted(statement.use) or "")
    return RuleText(_checked(statement, elements=elements, varying=varying), bare, statement)


def standalone(spec: Spec) -> RuleText:
    """The rule of a file taken out of it, its numbers (of schedules, the first ones) as defaults."""
    definition = spec.optimizer.definition
    values = dict(spec.optimizer.arguments) | first_values(spec)
    parameters = tuple(_with_default(p, values[p.name]) for p in definition.parameters if p.name in values)
    definition = replace(definition, parameters=parameters)
    others: tuple[ast.Statement, ...] = (*spec.functions, *spec.optimizer.searches)
    loss = _loss_name(spec)
    checked = _checked(*others, definition, loss=loss)
    return RuleText(checked, False, definition, others=others, loss=loss)


def _loss_name(spec: Spec) -> str:
    """What the rule may call the loss besides R."""
    losses = [s.name for s in spec.program.statements if isinstance(s, ast.Loss | ast.Objective)]
    return losses[-1] if losses else "R"


def _with_default(parameter: ast.Parameter, value: float) -> ast.Parameter:
    if is_flag(parameter):
        return replace(parameter, default=ast.Name("true" if value else "false"))
    return replace(parameter, default=ast.Number(value)) if isfinite(value) else parameter


def first_values(spec: Spec) -> dict[str, float]:
    """What schedules give at n = 0, where that is not 0 (a warm-up)."""
    found: dict[str, float] = {}
    for schedule in spec.schedules:
        if value := first_value(lower_schedule(schedule, spec)):
            found[schedule.name] = value
    return found


def _checked(
    *statements: ast.Statement, elements: int = ELEMENTS, varying: Iterable[str] = (), loss: str = "R"
) -> Spec:
    """With as many batches as the rule names."""
    found = [n for s in statements if isinstance(s, ast.Optimizer) for n in walk(s)]
    batches = [
        n.batch.value for n in found if isinstance(n, ast.Gradient) and isinstance(n.batch, ast.Number)
    ]
    variables = ", ".join(f"x{i}" for i in range(elements))
    visits = any(isinstance(n, ast.Gradient) and n.batch is not None for n in found)
    parts = max(batches, default=2.0 if visits else 1.0)
    text = _FRAME.format(loss=loss, variables=variables, batches=f"{parts:g}")
    frame = _frame(text)
    program = replace(frame, statements=(*frame.statements, *statements))
    return check(program, None, Path(), varying=varying, given=True)


SIZES = (100_003, 200_003)
"""Numbers of parameters; primes that no rule mentions, and if one does its form differs."""


def _sums_nothing(rule: ir.Rule) -> bool:
    """Without a reduction there is no mean, which is what asks for the number of parameters."""
    exprs = [s.value for s in rule.body if isinstance(s, ir.Assign)] + [s.initial for s in rule.states]
    plain = all(isinstance(s, ir.Assign | ir.Evaluate) for s in rule.body)
    return plain and not any(isinstance(n, ir.Reduce) for n in ir.postorder(*exprs))


def _with_parameters(spec: Spec, count: int) -> Spec:
    assert spec.objective is not None
    return replace(spec, objective=replace(spec.objective, variables=("x",) * count))


def _for_any_number(rule: ir.Rule, count: int) -> ir.Rule:
    """With the scalar `ir.SIZE` for that number, which means (`mean`) divide by."""

    def put(expr: ir.Expr) -> ir.Expr:
        match expr:
            case ir.Const(value, ()) if value == count:
                return ir.Var(ir.SIZE, ir.SCALAR)
        return ir.with_children(expr, tuple(put(child) for child in ir.children(expr)))

    exprs = [s.value for s in rule.body if isinstance(s, ir.Assign)]
    if not any(n == ir.Const(float(count)) for n in ir.postorder(*exprs)):
        return rule
    return replace(
        rule, body=tuple(replace(s, value=put(s.value)) if isinstance(s, ir.Assign) else s for s in rule.body)
    )


@cache
def _frame(text: str) -> ast.Program:
    return parse(Source("<frame>", text))


def _open(use: ast.Optimizer, name: str) -> ast.Optimizer:
    """The definition itself, every parameter with a number; the use where there is no one rule of that name."""
    table = Definitions().optimizers
    definition = table.get(name)
    if definition is None or any(n.startswith(name.lower() + ".") for n in table):
        return use
    return replace(
        definition, parameters=tuple(replace(p, default=p.default or _OPEN) for p in definition.parameters)
    )


def _is_momentum(parameter: ast.Parameter) -> bool:
    return parameter.name in ("momentum", "mass") and parameter.default in (
        ast.Number(0.0),
        ast.Name("none"),
    )
