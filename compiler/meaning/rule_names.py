"""The names of an update rule as its equations use them, and the variables that stand for states at a moment."""

from __future__ import annotations

from netc.compiler.meaning.resolve_complaints import MEANINGS
from netc.compiler.meaning.resolve_moments import NOW, Moment, moment
from netc.compiler.meaning.rule_body import equations
from netc.dsl import ast
from netc.dsl.walks import names_in, walk


class RuleNames:
    def __init__(self, rule: ast.Optimizer, counter: str) -> None:
        self.counter = counter
        self.hypers = {p.name for p in rule.parameters}
        written = list(equations(rule.body))
        indices = {n.name for a in rule.body for n in walk(a) if isinstance(n, ast.For)} - {self.counter}
        self.memories = {e.name for e in written if e.indices and _is_batch(e.indices[0], indices)} - {
            "theta"
        }
        """Names with a value for each batch."""
        self.indexed = {e.name for e in written if e.indices} | ({"theta"} if self.counter == "n" else set())
        self.indexed -= self.memories
        self.locals = {e.name for e in written if not e.indices} - self.hypers - MEANINGS.keys()
        self.targets = {
            (e.name, moment(e.indices[0], self.counter))
            for e in written
            if e.indices and e.name not in self.memories
        }
        self.variables: dict[tuple[str, Moment], str] = {}
        self.taken = self.hypers | self.locals | self.indexed | set(MEANINGS)
        self.taken |= {name for action in rule.body for name in names_in(action)}

    def variable(self, name: str, when: Moment) -> str:
        """That has the value of the name at that moment: `theta_half` of theta[n+1/2]."""
        key = (name, when)
        if key not in self.variables:
            variable = name + when.suffix
            while when != NOW and variable in self.taken:
                variable += "_"
            self.taken.add(variable)
            self.variables[key] = variable
        return self.variables[key]

    def bases(self) -> tuple[tuple[str, str], ...]:
        """Each variable with the name of whose value it is."""
        return tuple((variable, name) for (name, _), variable in self.variables.items())


def _is_batch(index: ast.Expr, loops: set[str]) -> bool:
    """`L[i]` in a loop over i, `L[1]`; `x[0]` and `x[n+1]` are moments."""
    match index:
        case ast.Name(id):
            return id in loops
        case ast.Number(value):
            return value >= 1
    return False
