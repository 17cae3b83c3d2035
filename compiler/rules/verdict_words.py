"""A verdict on two rules in words: how it is known, in a line and in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

from netc.compiler.calculus import ir
from netc.compiler.meaning.components import as_written
from netc.compiler.meaning.findings import counted
from netc.compiler.proofs.ranges import Range
from netc.compiler.rules.compare_rules import Match
from netc.compiler.rules.conditions import RATE, SIGN, Condition, rates
from netc.compiler.rules.decimals import exactly
from netc.compiler.rules.explain import call, short, wrap
from netc.compiler.rules.mapping import Tied, drawn
from netc.compiler.rules.sides import Side
from netc.compiler.rules.simulate import Label
from netc.compiler.rules.trials import Difference, Tried
from netc.compiler.rules.witness import Witness
from netc.dsl.printer import print_expr

ROUNDING = 2.0**-53
WOULD = "They would be the same, on random gradients"
STEADY = " that keeps its sign"
PRECISION = "each in sixty digits (functions such as tanh: in extended precision), until a first difference"
ASSUMED = (
    "Numbers are real numbers: what rounding does is another question. Literals are read as their digits.",
    "n is any whole number from 0, m any number of batches, epoch = n/m (n where a step is an epoch), theta of any length, "
    "and theta[0], gradients and losses are any numbers; weights and biases are told apart as the rule does.",
)


def title(side: Side) -> str:
    use = side.text.statement.use
    if use is not None:
        return f"  {print_expr(use)}"
    return f"  {side.text.name if side.text.free else call_of(side)}"


def call_of(side: Side) -> str:
    """With all numbers, and with what was switched to open the rule."""
    return call(
        side.text.name,
        side.values.items(),
        switched=[(n, text) for n, text in side.text.switches if n not in side.values],
    )


def how(found: Match) -> str:
    if found.argument is not None:
        return f"the same rule: proved, for every sequence of gradients{_scope(found)}; {found.argument.sentence}"
    return f"not distinguished by {_count(found)}; that is a test, no proof: {found.obstacle}"


def _count(found: Match) -> str:
    return f"{sum(t.count for t in found.tried)} trials"


def _scope(found: Match) -> str:
    """For which schedules and parameters."""
    assert found.claim is not None
    some = []
    if rates(found.a.values):
        sign = STEADY if found.claim.keeps_sign else ""
        some.append(f"every schedule of the rate{sign}" if RATE in found.claim.moving else "a constant rate")
    where = [_range(name, among) for name, among in found.claim.ranges.items()]
    if isinstance(found.a.values, Tied):
        where += [f"{other} = {name}" for name, other in found.a.values.pairs]
    some += [f"every {', '.join(where)}"] if where else []
    fixed = [f"{n} = {short(found.a.values[n])}" for n in _as_they_stand(found)]
    stands = f" (with {', '.join(fixed)})" if fixed else ""
    *first, last = some or [""]
    return f"{''.join(f', {words}' for words in first)}{last and f' and {last}'}{stands}"


def _as_they_stand(found: Match) -> list[str]:
    if found.formulas is None:
        return []
    return [n for n, v in drawn(found.a.values, 0).items() if v.range is None]


def _range(name: str, among: Range) -> str:
    low = "" if among.low is None else f"{float(among.low):.6g} {'<' if among.low_open else '<='} "
    high = "" if among.high is None else f" {'<' if among.high_open else '<='} {float(among.high):.6g}"
    if low and not high:
        return f"{name} {'>' if among.low_open else '>='} {low.split()[0]}"
    return f"{low}{name}{high}" if high else f"real {name}"


def proved_under(found: Match) -> tuple[str, ...]:
    """What is proved to change nothing."""
    if found.claim is None:
        return ()
    sign = {RATE: STEADY} if found.claim.keeps_sign else {}
    return tuple(f"{c.words}{sign.get(c.of, '')}" for c in found.changes if _is_proved(found, c))


def _is_proved(found: Match, change: Condition) -> bool:
    return found.claim is not None and change.of in found.claim.moving and not change.broken


def survives(found: Match) -> list[str]:
    """What was proved, and what only tests say."""
    proved = proved_under(found)
    tested = [c.words for c in found.changes if not c.broken and not _is_proved(found, c)]
    return section("It survives, proved", proved) + section("It survives, on random gradients", tested)


def why(found: Match, breaks: Sequence[str], mapping: Sequence[str]) -> list[str]:
    """The argument in full, or what was tried."""
    if found.argument is None:
        tried = dict.fromkeys(words for t in found.tried for words in t.words)
        lines = wrap([f"are not told apart by {_count(found)}, and not proved to be the same."])
        lines += section("What was tried", [*tried, PRECISION])
        return lines + section("What kept a proof away", [found.obstacle])
    assert found.claim is not None
    lines = wrap([f"are the same rule: proved, for every sequence of gradients{_scope(found)}."])
    lines += [*mapping, *section("Why", found.argument.lines)]
    lines += section("What is assumed", [*ASSUMED, *_constants(found)])
    lines += section("What A admits and the proof does not reach", found.claim.left)
    seen = {c.words: f"{c.words}: seen with {c.seen}" for c in found.changes if c.seen}
    return lines + section("Where it stops holding, by tests", [seen.get(words, words) for words in breaks])


def _constants(found: Match) -> Iterator[str]:
    assert found.claim is not None
    moving = sorted(found.claim.moving)
    if RATE in moving:
        c = "c[n]" if SIGN in moving else "c[n] >= 0"
        yield f"The rates of both are multiplied by the same number {c} in step n, any sequence of such numbers."
    if own := [name for name in moving if name not in (RATE, SIGN)]:
        yield f"{' and '.join(own)} may be another number of that range in each step; B's parameters follow by the formulas."
    yield "Other parameters are the same in every step."
    if found.formulas is None:
        yield "Parameters have the numbers that were given."
        return
    fixed = [f"{n} = {short(found.a.values[n])}" for n in _as_they_stand(found)]
    if fixed:
        yield f"As they stand: {', '.join(fixed)}."
    yield (
        "An identity in the parameters is looked at where they are random fractions, one of 2^50 each; one of degree d "
        "that holds there and not everywhere has a chance below d/2^50. Signs are derived for all of them."
    )


def section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in wrap(lines, 98))] if lines else []


def mapping_lines(a: Side, b: Side, mapping: Mapping[str, str], numbers: Mapping[str, float]) -> list[str]:
    """B's parameters, in A's terms and as numbers."""
    rows = []
    for name, text in mapping.items():
        left = f"{name}'" if name in a.values else name
        value = short(numbers[name]) if name in numbers else text
        shown = "" if a.text.free or text == value else value
        rows.append((as_written(left), as_written(text), shown))
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    lines = [f"{n:{widths[0]}} = {t:{widths[1]}}  {v and f'= {v}'}".rstrip() for n, t, v in rows]
    prime = " (' marks B's)" if any(n.endswith("'") for n, _, _ in rows) else ""
    return section(f"B's parameters from A's{prime}", lines)


# -- differences -------------------------------------------------------------------------------------


def difference(a: Side, b: Side, found: Difference | None) -> str:
    """The first theta that is another one, and by how much."""
    free = [side for side in (a, b) if side.text.free]
    unset = [f"{n} = {short(v)}" for side in free for n, v in side.values.items() if n in side.text.unset]
    given = f" ({', '.join(unset)}, which has no default)" if unset else ""
    by_default = f"with parameters by default{given}, " if free else ""
    return by_default + _difference(a, b, found)


def _difference(a: Side, b: Side, found: Difference | None) -> str:
    if found is None:
        return "no trial says where"
    if found.what == "asks":
        asked = [_asked(labels) for labels in (found.a, found.b)]
        if asked[0] == asked[1]:
            return f"at n = {found.n} they ask for losses and gradients in another order"
        return f"at n = {found.n} A evaluates {asked[0]}, B {asked[1]}"
    world, i = found.trial.world, found.element
    steps = found.n - world.first
    shown = ", ".join(f"{g:.3g}" for g in world.gradients[:steps, 0, i][:4])
    after = (
        f"after the gradient{'s' if steps > 1 else ''} {shown}{', ...' if steps > 4 else ''} "
        if steps
        else ""
    )
    if world.first:
        after = f"after zero gradients up to n = {world.first} and {after.removeprefix('after ')}"
    name = "theta" if found.what == "theta" else "the point where it asks"
    last = f"theta[{found.n}]" if found.what == "theta" else f"at n = {found.n}"
    batches = f" (m = {world.batches})" if {"m", "epoch"} & {*_clocks(a.rule), *_clocks(b.rule)} else ""
    moved, more = _apart(found, float(world.theta[i]))
    return f"{after}{name} {moved}, that is the first difference, {last}{batches}{more}"


def _apart(found: Difference, start: float) -> tuple[str, str]:
    """What each has come to, and whether float64 shows that."""
    moves = [_moved(x, start) for x in (found.a, found.b)]
    for (mark, move), (other, moved) in permutations(zip("AB", moves, strict=True)):
        if move != move:
            return f"has no value in {mark} (0/0, a root) and has moved by {moved:.4g} in {other}", ""
    told = _told_apart(*moves)
    hidden = abs(found.a - found.b) < type(found.a)(ROUNDING) * abs(found.a)
    more = "; rounding to float64 hides it" if hidden else ""
    return f"has moved by {told[0]} in A and by {told[1]} in B", more


def _moved(x: Any, start: float) -> Any:
    """In the digits that the trial had."""
    moved = x - (exactly(start) if isinstance(x, Decimal) else start)
    return moved if moved else 0.0


def _told_apart(x: Any, y: Any) -> tuple[str, str]:
    """In as many digits as it takes."""
    for digits in (4, 6, 9, 12, 16, 20, 30):
        if f"{x:.{digits}g}" != f"{y:.{digits}g}":
            break
    return f"{x:.{digits}g}", f"{y:.{digits}g}"


def _clocks(rule: ir.Rule) -> Iterator[str]:
    exprs = [s.value for s in rule.body if isinstance(s, ir.Assign)]
    yield from (n.name for n in ir.postorder(*exprs) if isinstance(n, ir.Var))


def _asked(labels: Sequence[Label]) -> str:
    """What a step evaluates."""
    losses, gradients = (sum(what[i] == "1" for what, _ in labels) for i in (0, 1))
    batches = sorted({batch for _, batch in labels} - {"current"})
    on = f" on batch {', '.join(batches)}" if batches else ""
    some = [counted(losses, "loss"), counted(gradients, "gradient")]
    return (" and ".join(words for words in some if words[0] != "0") or "nothing") + on


def refutation(shown: Witness | None, tried: Tried) -> list[str]:
    """The first difference in full, and how to see it again."""
    if shown is None:
        return []
    facts = [
        f"It was found by trial {tried.count}: {tried.words[-1]}.",
        f"{'theta' if shown.what == 'theta' else 'The point'} in A: {shown.theta_a}",
        f"{'theta' if shown.what == 'theta' else 'The point'} in B: {shown.theta_b}",
        f"n = {shown.n}, element {shown.element}, theta[0] = {list(shown.theta0)}, m = {shown.batches}",
        "`netc diff A B --witness FILE` writes all of it; netc.update_rule(RULE).trajectory(theta0, gradients, ...) "
        "goes the way again.",
    ]
    return section("The first difference", facts)


def parting(shown: Witness | None) -> list[str]:
    """Of rules that are the same for a constant rate: the schedule under which they part."""
    if shown is None or shown.schedule_a is None or shown.schedule_b is None:
        return []
    rows = [
        f"{name} in {mark} = {', '.join(short(x) for x in values)}"
        for mark, steps in (("A", shown.schedule_a), ("B", shown.schedule_b))
        for name, values in steps.items()
    ]
    what = "theta" if shown.what == "theta" else "the point where it asks"
    facts = [
        *rows,
        f"n = {shown.n}: {what} is {float(shown.theta_a):.9g} in A, {float(shown.theta_b):.9g} in B",
        "`netc diff A B --witness FILE` writes it with the gradients; trajectory(..., schedule = ...) goes the way again.",
    ]
    return section("A schedule under which they part", facts)
