"""An attack on what a proof says it covers: `every schedule of the rate`, `changes of b`, `every eta >= 0, 0 <= b <= 1`.

Pairs that are the same for constant parameters and part under some schedule, or that are the same inside of an interval
and not at its end; and pairs that are the same under every schedule, run by mpmath under one with zeros and jumps.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from netc.compiler.proofs.ranges import Range
from netc.compiler.rules.compare_rules import Match, match, match_as_given
from netc.compiler.rules.conditions import RATE
from netc.compiler.rules.sides import sides
from recipes import Recipe, parted

ETA, B = {"eta": "0.1"}, {"eta": "0.1", "b": "0.9"}
REQUIRED = "    require = eta >= 0 and 0 <= b and b <= 1\n"


def _rule(lines: str, parameters: dict[str, str] = B, states: dict[str, str] | None = None) -> Recipe:
    parts = [part.strip().split(" = ", 1) for part in lines.split(";")]
    rows = tuple((name, value) for name, value in parts)
    return Recipe(parameters, {"v": "0"} if states is None else states, (*rows, ("theta_", "theta - step")))


OUTSIDE = ("v_ = b*v + g; step = eta*v_", "v_ = g + b*v; step = v_*eta", "v_ = b*v + 3*g; step = eta/3*v_",
           "v_ = v + (1 - b)*(g - v); step = eta*v_", "v_ = b*v + (1 - b)*g; step = eta*v_")  # fmt: skip
INSIDE = ("v_ = b*v + eta*g; step = v_", "v_ = b*v - eta*g; step = -v_")
ADAPTIVE = (
    "v_ = b*v + (1 - b)*g*g; step = eta*g/(sqrt(v_) + 1e-3)",
    "v_ = g*g + b*(v - g*g); step = eta*g/(sqrt(v_) + 1e-3)",
)
PLACES = ((*OUTSIDE[:3], *INSIDE), OUTSIDE[3:], ADAPTIVE)
"""Of each group all are the same for constant parameters."""

WHEN = ("{x} <= last", "{x} >= last", "{x} == last", "{x} < 3*last", "{x} > last/100", "not ({x} > last)",
        "{x} == last or n < 5", "{x} < 7*last and n >= 0")  # fmt: skip
"""True while the parameter stays what it is (and is not 0), false under some schedule."""


def _remembers(recipe: Recipe, name: str, draw: random.Random) -> Recipe:
    """Another step where the parameter has changed since the last one."""
    when = draw.choice(WHEN).format(x=name)
    rows = [(n, f"(({v}) if {when} else ({v})*1.5 + 0.01)" if n == "step" else v) for n, v in recipe.lines]
    lines = (*rows[:-1], ("last_", name), rows[-1])
    return replace(recipe, states={**recipe.states, "last": name}, lines=lines)


def _inside_of_v(recipe: Recipe) -> bool:
    """Is the rate in v, which keeps it?"""
    return any(n == "v_" and "eta" in v for n, v in recipe.lines)


def _moving(found: object) -> frozenset[str]:
    return found.claim.moving if isinstance(found, Match) and found.claim is not None else frozenset()


def under_schedules(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How many were proved for every schedule, and which of them part under one."""
    draw, said, wrong = random.Random(seed), Counter[str](), list[str]()
    for k in range(count):
        places = draw.choice(PLACES)
        a, b = (_rule(draw.choice(places)) for _ in range(2))
        name = draw.choice(("eta", "b"))
        if remembered := draw.random() < 0.5:
            b = _remembers(b, name, draw)
        pair = draw.choice(((a, b), (b, a)))
        rules = sides(pair[0].text, pair[1].text)
        moving = _moving(match_as_given(*rules)) | _moving(match(*rules))
        apart = remembered or len({_inside_of_v(r) for r in (a, b)}) == 2
        said[
            f"{'apart' if apart else 'same'}, {'every schedule' if RATE in moving else 'constant rate'}"
        ] += 1
        moved = "eta" if RATE in moving else ""
        if (remembered and (name in moving or name == moved)) or (apart and not remembered and moved):
            wrong.append(
                f"parts where {name} changes, and {sorted(moving)} may move\n{pair[0].text}{pair[1].text}"
            )
        for what in [*(["eta"] if moved else []), *(moving - {RATE})]:
            if _parted_under_a_schedule(*pair, what, draw):
                wrong.append(f"pair {k} parts under a schedule of {what}\n{pair[0].text}{pair[1].text}")
    return said, wrong


def _parted_under_a_schedule(a: Recipe, b: Recipe, name: str, draw: random.Random) -> bool:
    steps = 12
    choices = ("0", "0.1", "0.5", "0.03", "1") if name == "b" else ("0", "0.1", "1e-6", "3", "0.2", "100")
    schedule = [{name: draw.choice(choices)} for _ in range(steps)]
    gradients = [[str(draw.choice((-3, -1, 0, 1, 0.25, 7))) for _ in range(3)] for _ in range(steps)]
    return parted(a, b, ["0.5", "-2", "0"], gradients, 2, schedule)


def at_ends(count: int, seed: int) -> list[str]:
    """Formulas that are claimed at an end of an interval at which, or beyond which, the rules are others."""
    draw, wrong = random.Random(seed), list[str]()
    for _ in range(count):
        name, end = draw.choice((("eta", "0"), ("b", "0"), ("b", "1"), ("b", "0.5"), ("eta", "1")))
        op = draw.choice(("==", "<=", "<", ">=", ">"))
        spelled = draw.choice(OUTSIDE)
        changed = f"{spelled.replace('step = ', 'h = ')}; step = (h + 0.1*g if {name} {op} {end} else h)"
        texts = [r.text.replace(":\n", ":\n" + REQUIRED, 1) for r in (_rule(spelled), _rule(changed))]
        found = match(*sides(*draw.choice((texts, texts[::-1]))))
        if found is None or found.claim is None:
            continue
        where = found.claim.ranges[name]
        points = ("0", "1e-9", "0.3", "0.5", "0.7", "0.999999", "1", "1.5", "40")
        bad = [p for p in points if _inside(float(p), where) and _holds(float(p), op, float(end))]
        if bad:
            wrong.append(f"{name} = {bad} is claimed: {where}\n{''.join(texts)}")
    return wrong


def _inside(x: float, where: Range) -> bool:
    low = where.low is None or x > where.low or (x == where.low and not where.low_open)
    high = where.high is None or x < where.high or (x == where.high and not where.high_open)
    return low and high


def _holds(x: float, op: str, y: float) -> bool:
    return {"==": x == y, "<=": x <= y, "<": x < y, ">=": x >= y, ">": x > y}[op]
