"""What the rules of two files have to do with each other, under the schedules of these files."""

from __future__ import annotations

from collections.abc import Iterator

from netc.compiler.meaning.spec import Spec
from netc.compiler.proofs.induction import Unproved
from netc.compiler.rules.claims import for_every_schedule
from netc.compiler.rules.conditions import parts_where, rates
from netc.compiler.rules.diff_schedules import together
from netc.compiler.rules.equivalence import compare
from netc.compiler.rules.pitfalls import changes
from netc.compiler.rules.rule_text import standalone
from netc.compiler.rules.sides import Side, side
from netc.compiler.rules.verdict_words import STEADY


def rule_notes(a: Spec, b: Spec) -> Iterator[str]:
    """Nothing of rules that are the same here; what a schedule of the rate breaks counts if there is one."""
    x, y = side(standalone(a)), side(standalone(b))
    verdict = compare(x, y)
    scheduled = [
        s for spec in (a, b) for s in spec.schedules if s.name in rates(dict(spec.optimizer.arguments))
    ]
    if not verdict.same:
        yield from (line for line in verdict.text.splitlines()[2:] if line)
        return
    if verdict.how != "proved":
        yield "not told apart by trials, but not proved to be the same"
    for words in verdict.breaks_under:
        if words.startswith("a schedule") and scheduled:
            yield f"the same until the rate changes ({changes(scheduled[0])}): breaks under {words}"
        if words.startswith("a look"):
            yield f"the same but for {words}"
    broken = any(words.startswith("a schedule") for words in verdict.breaks_under)
    if (
        scheduled
        and verdict.how == "proved"
        and not broken
        and not any(words.startswith("a schedule of the rate") for words in verdict.holds_under)
    ):
        yield "the same for a constant rate; while it changes they are not told apart by a test, no proof"
    if scheduled:
        yield from (f"the same under {words}" for words in verdict.holds_under if words.endswith(STEADY))
    yield from _schedule_notes(a, b, x, y)


def _schedule_notes(a: Spec, b: Spec, x: Side, y: Side) -> Iterator[str]:
    """Of rules that are the same for constant parameters: what schedules do besides those of the rate."""
    shared = together(a, b)
    scheduled = [frozenset(s.name for s in spec.schedules) for spec in (a, b)]
    others = [
        s for spec, rule in ((a, x), (b, y)) for s in spec.schedules if s.name not in rates(rule.values)
    ]
    for name in dict.fromkeys(s.name for s in others if s.name not in (*shared, *shared.values())):
        yield f"the same for a constant {name}: the schedules here are not the same"
    moved = {n: m for n, m in shared.items() if n in x.values and m in y.values}
    names = " and ".join(n for n in moved if n not in rates(x.values))
    if not names:
        return
    if parts_where(x, y, moved):
        yield f"the same until {names} changes ({changes(others[0])})"
        return
    try:
        for_every_schedule(x, y, moved, (scheduled[0], scheduled[1]))
    except Unproved as error:
        yield f"the same for a constant {names}; while it changes they are not told apart by a test, no proof: {error}"
