"""The rules of the library that are the same as a given one: with which parameters, and what breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netc.compiler.compare_rules import Match, Side, conditions, match, side
from netc.compiler.explain import short
from netc.compiler.rule_text import read_rule
from netc.dsl import ast, library
from netc.dsl.diagnostics import SpecError

_TRAITS = ("sqrt", "sign", "norm", "repeat")
"""Words of which two rules that are the same both have one or both have none; saves most comparisons."""


@dataclass(frozen=True)
class Relative:
    name: str
    arguments: tuple[tuple[str, str, float], ...]
    """Parameter, formula, number; those at their defaults are left out."""
    breaks: tuple[str, ...]

    @property
    def call(self) -> str:
        """With the formulas where they say more than the number."""
        inside = (
            f"{n} = {f}" + ("" if f in (n, short(v)) else f" = {short(v)}") for n, f, v in self.arguments
        )
        return f"{self.name}({', '.join(inside)})"


def relatives(rule: Side) -> Iterator[Relative]:
    """In the order of the library."""
    traits = _traits(rule.text.optimizer.definition.span.text)
    for name in library.names("optimizer"):
        definition = library.lookup("optimizer", name)
        if name == rule.text.name or not isinstance(definition, ast.Optimizer):
            continue
        if _traits(definition.span.text) != traits:
            continue
        try:
            other = side(read_rule(name))
        except SpecError:
            continue  # a family of its own name
        found = match(rule, other)
        if found is not None:
            breaks, _ = conditions(rule, other, found)
            yield Relative(name, tuple(_arguments(rule, found)), tuple(breaks))


def _traits(text: str) -> list[bool]:
    return [word in text for word in _TRAITS]


def _arguments(rule: Side, found: Match) -> Iterator[tuple[str, str, float]]:
    for name, formula in (found.formulas or {}).items():
        if formula.cost:
            yield name, formula.text, float(formula.value(rule.values))
