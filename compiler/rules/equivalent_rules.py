"""The rules of the library that are the same as a given one: with which parameters, and what breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from netc.compiler.meaning.rule_equations import lines
from netc.compiler.rules.compare_rules import Match, breaks, match
from netc.compiler.rules.explain import short
from netc.compiler.rules.rule_text import read_rule
from netc.compiler.rules.sides import Side, side
from netc.dsl import library
from netc.dsl.diagnostics import SpecError
from netc.dsl.record import record

_STATE = re.compile(r"^\s*(\w+)\[n\+1\] *=", re.MULTILINE)
_TRAITS = ("sqrt(", "sign(", "repeat", "|", "0.96", "- 4)")
"""What two rules that are the same both have, or both have not; saves most comparisons."""
_NORM = re.compile(r"sqrt\(sum\((\w+(\[n\])?)\^2")
"""A norm as rules of libraries write it: `sqrt(sum(g^2))`."""

_RESTATED = ("papers", "lectures")
"""Files whose rules are those of the families and libraries once more, in the words of their source."""


@record
class Equivalent:
    name: str
    arguments: tuple[tuple[str, str, str], ...]
    """Parameter, formula, number; those at their defaults are left out."""
    breaks: tuple[str, ...]
    proved: bool

    @property
    def call(self) -> str:
        """With the formulas where they say more than the number; said if it is not proved."""
        inside = (f"{n} = {f}" + ("" if f in (n, v) else f" = {v}") for n, f, v in self.arguments)
        return f"{self.name}({', '.join(inside)})" + ("" if self.proved else "  (tried, not proved)")


def equivalents(rule: Side) -> Iterator[Equivalent]:
    """In the order of the library."""
    text = "\n".join(lines(rule.text.optimizer.definition.body))
    for name in library.names("optimizer"):
        restated = library.shelf("optimizer", name) in _RESTATED
        if name == rule.text.name or restated or not _alike(text, library.text("optimizer", name)):
            continue
        try:
            other = side(read_rule(name))
        except SpecError:
            continue  # a family of its own name
        found = match(rule, other, thorough=False)
        if found is not None:
            yield Equivalent(name, tuple(_arguments(rule, found)), breaks(found), found.how == "proved")


def _alike(rule: str, other: str) -> bool:
    """Whether the texts of two rules leave it open that they are the same."""
    rule, other = (_NORM.sub(r"norm(\1", text) for text in (rule, other))
    if any((trait in rule) != (trait in other) for trait in _TRAITS):
        return False
    if _states(rule) > _states(other) or ("|" in rule and "|" not in other):
        return False  # the other way round, switches may be off
    if "norm(" in rule and "norm(" not in other:  # the other way round, it may be a clipping that is off
        return False
    corrected = "^(n+1)" in other
    return corrected if "^(n+1)" in rule else not corrected or "bias" in other


def _states(text: str) -> int:
    return len(set(_STATE.findall(text)))


def _arguments(rule: Side, found: Match) -> Iterator[tuple[str, str, str]]:
    """Those at their defaults are left out, and a momentum that is given anyway."""
    formulas = found.formulas or {}
    for name, formula in formulas.items():
        if formula.cost:
            yield name, formula.text, short(float(formula.value(rule.values)))
    yield from ((name, text, text) for name, text in found.b.text.switches if name not in formulas)
