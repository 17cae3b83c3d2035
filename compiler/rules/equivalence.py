"""Are two update rules the same? The verdict: mapping, argument, what breaks it, or the first difference.

How that is found out is in `compare_rules.py`, its words are in `verdict_words.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isclose

from netc.compiler.rules import verdict_words as words
from netc.compiler.rules.compare_rules import How, Match, breaks, match, match_as_given
from netc.compiler.rules.conditions import RATE, slowed
from netc.compiler.rules.differences import because
from netc.compiler.rules.explain import wrap
from netc.compiler.rules.long_loops import the_long_one, too_long
from netc.compiler.rules.sides import Side, sides
from netc.compiler.rules.simulate import TooLong
from netc.compiler.rules.trials import Difference, Tried, at_once, difference, try_all
from netc.compiler.rules.witness import Witness, witness
from netc.dsl.diagnostics import SpecError


@dataclass(frozen=True)
class Verdict:
    """What `netc.equivalent` says of A and B."""

    same: bool
    """As given; a rule of which only the name was given may take what parameters it needs."""
    mapping: Mapping[str, str]
    """B's parameters in terms of A's with which B is A; empty where there are none."""
    breaks_under: tuple[str, ...]
    """What the equality does not survive, on random gradients."""
    text: str
    """All of it in words."""
    how: How
    numbers: Mapping[str, float] = field(default_factory=dict)
    """B's parameters for A's numbers."""
    first_difference: int | None = None
    """The n for which theta[n], the point of step n, or what it asks for, is first another one."""
    reasons: tuple[str, ...] = ()
    """What would make them the same."""
    argument: str = ""
    """Of what is proved, in a sentence."""
    why: str = ""
    """What `netc diff --why` says: the argument in full, or what was tried."""
    holds_under: tuple[str, ...] = ()
    """What it is proved to survive: a schedule of the rate, changes of memories."""
    witness: Witness | None = None
    """Of what is refuted: gradients on which the rules part, to be replayed; of rules that are the same for a constant
    rate, a schedule and gradients under which they part."""

    def __bool__(self) -> bool:
        return self.same


def equivalent(a: str, b: str) -> Verdict:
    """Compares two rules: names, calls as `torch.SGD(lr=0.1)`, or blocks. Raises SpecError.

    >>> netc.equivalent("torch.SGD(lr=0.1)", "gd(eta=0.1)").same
    True
    """
    for rule in (a, b):
        if not isinstance(rule, str):
            raise TypeError(
                f"a rule is given as text, as in 'torch.SGD(lr=0.1)', not as {type(rule).__name__}"
            )
    return compare(*sides(a, b), (a, b))


def compare(a: Side, b: Side, texts: tuple[str, str] = ("", "")) -> Verdict:
    """`texts` are the rules as they were written, for the witness."""
    try:
        verdict = _compared(a, b, texts)
    except TooLong:
        told = too_long(the_long_one(a, b), "it is not tried, and not compared", "error")
        raise SpecError([told]) from None
    one, other = a.text.optimizer, b.text.optimizer
    if one.point == other.point == "" or (one.definition.body, one.arguments, one.point) == (
        other.definition.body,
        other.arguments,
        other.point,
    ):
        return verdict
    points = [f"{o.point or 'theta'}[n]" for o in (one, other)]
    note = (
        f"This is about theta alone. They are measured at {points[0]} and {points[1]}, which are not compared"
    )
    lines = [verdict.text, *wrap([f"{note}, so they do not count as the same."])]
    return replace(verdict, same=False, text="\n".join(lines), reasons=(*verdict.reasons, note))


def _compared(a: Side, b: Side, texts: tuple[str, str]) -> Verdict:
    mapped, free = match(a, b), a.text.free or b.text.free
    found = (mapped if free else None) or match_as_given(a, b)
    numbers = _numbers(mapped)
    mapping = {n: f.text for n, f in mapped.formulas.items()} if mapped and mapped.formulas else {}
    mapping |= {n: text for n, text in (mapped.b.text.switches if mapped else ()) if n not in mapping}
    if not isinstance(found, Match):
        tried = try_all(a.counting, b.counting, a.numbers, b.numbers) if found is None else at_once(found)
        return _different(a, b, tried, mapped, mapping, numbers, texts)
    told = mapped if mapped is not None and _gives(numbers, b) else found
    broken, holds = breaks(told), words.proved_under(told)
    sentence = found.argument.sentence if found.argument else ""
    verdict = Verdict(True, mapping, broken, "", found.how, numbers, argument=sentence, holds_under=holds)
    title = [words.title(a), words.title(b)]
    rows = words.mapping_lines(a, b, verdict.mapping, verdict.numbers)
    lines = [*title, *wrap([f"are {words.how(found)}."]), *rows]
    lines += words.section("It breaks under", broken) + words.survives(told)
    shown = _under_a_schedule(told, texts, numbers)
    why = [*title, *words.why(found, broken, rows if found.formulas else []), *words.parting(shown)]
    return replace(verdict, text="\n".join(lines), why="\n".join(why), witness=shown)


def _different(
    a: Side,
    b: Side,
    tried: Tried,
    mapped: Match | None,
    mapping: Mapping[str, str],
    numbers: Mapping[str, float],
    texts: tuple[str, str],
) -> Verdict:
    found = tried.difference
    title = [words.title(a), words.title(b)]
    open_ones = mapped is None and (a.text.free or b.text.free)
    none = "; no other parameters were found with which they are" if open_ones else ""
    lines = [*title, *wrap([f"are not the same rule: {words.difference(a, b, found)}{none}."])]
    shown = _witness(a, b, texts, found)
    verdict = Verdict(
        False, mapping, (), "", "refuted", numbers, None if found is None else found.n, witness=shown
    )
    why = "\n".join([*lines, *words.refutation(shown, tried)])
    if mapped is None:
        found_reasons = because(a, b, found)
        lines += words.section(words.WOULD, found_reasons)
        return replace(verdict, text="\n".join(lines), reasons=found_reasons, why=why)
    broken, rows = breaks(mapped), words.mapping_lines(a, b, mapping, numbers)
    lines += [*wrap([f"With other numbers they are {words.how(mapped)}."]), *rows]
    lines += words.section("That breaks under", broken) + words.survives(mapped)
    why = "\n".join([why, "", "With other numbers", *words.why(mapped, broken, rows)])
    return replace(verdict, text="\n".join(lines), breaks_under=broken, why=why)


def _witness(a: Side, b: Side, texts: tuple[str, str], found: Difference | None) -> Witness | None:
    if found is None or found.what == "asks":
        return None
    shown = [
        words.call_of(side) if side.text.free else text for side, text in zip((a, b), texts, strict=True)
    ]
    return witness((shown[0], a.counting, a.numbers), (shown[1], b.counting, b.numbers), found)


def _gives(numbers: Mapping[str, float], b: Side) -> bool:
    """Are these the numbers of B, or are B's open?"""
    return b.text.free or all(isclose(numbers.get(n, v), v, rel_tol=1e-12) for n, v in b.values.items())


def _under_a_schedule(found: Match, texts: tuple[str, str], numbers: Mapping[str, float]) -> Witness | None:
    if not any(c.of == RATE and c.broken for c in found.changes):
        return None
    a, b = found.a, replace(found.b, values=numbers if found.formulas is not None else found.b.values)
    trial = slowed(a, found.b, b.values)
    seen = difference(a.counting, b.counting, a.numbers, b.numbers, trial)
    if seen is None or seen.what == "asks":
        return None
    shown = [words.call_of(s) if s.text.free else text for s, text in zip((a, b), texts, strict=True)]
    return witness((shown[0], a.counting, a.numbers), (shown[1], b.counting, b.numbers), seen)


def _numbers(mapped: Match | None) -> dict[str, float]:
    if mapped is None or mapped.formulas is None:
        return {}
    return {name: f.value(mapped.a.values) for name, f in mapped.formulas.items()}
