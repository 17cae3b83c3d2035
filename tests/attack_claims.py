"""An attack on what a proof says it covers: `every schedule of the rate`, `changes of b`, `every eta >= 0, 0 <= b <= 1`.

Pairs that are the same for constant parameters and part under some schedule, or that are the same inside of an interval
and not at its end, or only where an identity of parameters holds; and pairs that are the same under every schedule, run
by mpmath under one with zeros and jumps.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import sympy

from netc.compiler.proofs.ranges import Range
from netc.compiler.rules.compare_rules import Match, match, match_as_given
from netc.compiler.rules.conditions import RATE, SIGN
from netc.compiler.rules.sides import sides
from recipes import Recipe, parted, same_by_sympy

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
        turns = SIGN in moving
        for what in [*(["eta"] if moved else []), *(moving - {RATE})]:
            if _parted_under_a_schedule(*pair, what, draw, turns):
                wrong.append(f"pair {k} parts under a schedule of {what}\n{pair[0].text}{pair[1].text}")
            real = {"real": True} if what == "eta" and turns else {"positive": True}
            symbols = [{what: sympy.Symbol(f"{what}{n}", **real)} for n in range(3)]
            if same_by_sympy(*pair, 2, 3, (symbols, symbols)) is False:
                wrong.append(
                    f"SymPy sees pair {k} part under a schedule of {what}\n{pair[0].text}{pair[1].text}"
                )
    return said, wrong


def _parted_under_a_schedule(a: Recipe, b: Recipe, name: str, draw: random.Random, turns: bool) -> bool:
    steps = 12
    choices = ["0", "0.1", "0.5", "0.03", "1"] if name == "b" else ["0", "0.1", "1e-6", "3", "0.2", "100"]
    choices += ["-0.3", "-1"] if name == "eta" and turns else []
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
        rules = draw.choice((first := (_rule(spelled), _rule(changed)), first[::-1]))
        texts = [r.text.replace(":\n", ":\n" + REQUIRED, 1) for r in rules]
        found = match(*sides(*texts))
        if found is None or found.claim is None:
            continue
        if against := claimed_by_sympy(*rules, found):
            wrong.append(f"{against}\n{''.join(texts)}")
        where = found.claim.ranges[name]
        points = ("0", "1e-9", "0.3", "0.5", "0.7", "0.999999", "1", "1.5", "40")
        bad = [p for p in points if _inside(float(p), where) and _holds(float(p), op, float(end))]
        if bad:
            wrong.append(f"{name} = {bad} is claimed: {where}\n{''.join(texts)}")
    return wrong


IDENTITIES: tuple[tuple[str, str, Callable[[float], bool]], ...] = (
    ("abs(X)", "X", lambda x: x >= 0), ("sqrt(X**2)", "X", lambda x: x >= 0), ("sqrt(X)**2", "X", lambda x: x >= 0),
    ("sign(X)", "1", lambda x: x > 0), ("max(X, 0)", "X", lambda x: x >= 0), ("min(X, 1)", "X", lambda x: x <= 1),
    ("X/X", "1", lambda x: x != 0), ("sign(X)*X", "abs(X)", lambda x: True), ("floor(X)", "0", lambda x: 0 <= x < 1),
    ("abs(X**2 - X)", "X - X**2", lambda x: 0 <= x <= 1), ("abs(X)**2", "X**2", lambda x: True),
    ("(X if X > 0 else -X)", "abs(X)", lambda x: True), ("abs(X + 1)", "X + 1", lambda x: x >= -1),
    ("sqrt(X + 2)*sqrt(X + 2)", "X + 2", lambda x: x >= -2), ("(X if X > 0 else 1)", "X", lambda x: x > 0),
    ("abs(X)*abs(X - 1)", "abs(X*X - X)", lambda x: True), ("max(X, 1 - X)", "X", lambda x: x >= 0.5),
    ("sign(X*g)", "sign(g)", lambda x: x > 0), ("max(X*g, 0)", "X*max(g, 0)", lambda x: x >= 0),
    ("sqrt(X*g*g)", "sqrt(X)*abs(g)", lambda x: x >= 0), ("abs(X*g)", "X*abs(g)", lambda x: x >= 0),
    ("min(max(g, -X), X)", "max(min(g, X), -X)", lambda x: x >= 0), ("X**n", "abs(X)**n", lambda x: x >= 0),
)  # fmt: skip
"""Of a parameter X, and where they hold."""
POINTS = (-40.0, -2.0, -1.5, -1.0, -1e-9, 0.0, 1e-9, 0.3, 0.5, 0.7, 0.999999, 1.0, 1.5, 40.0)


def by_identities(count: int, seed: int) -> list[str]:
    """Rules that require nothing, and are the same for those real numbers only for which an identity holds."""
    draw, wrong = random.Random(seed), list[str]()
    for _ in range(count):
        left, right, holds = draw.choice(IDENTITIES)
        name = draw.choice(("eta", "b"))
        forms = [re.sub("X", name, form) for form in draw.choice(((left, right), (right, left)))]
        rules = [_rule(f"v_ = b*v + g; step = eta*v_ + ({form})*g") for form in forms]
        texts = [r.text for r in rules]
        found = match(*sides(*texts))
        if found is None or found.claim is None or found.formulas is None:
            continue
        if against := claimed_by_sympy(rules[0], rules[1], found):
            wrong.append(f"{against}\n{''.join(texts)}")
        if any(f.text != n for n, f in found.formulas.items()):
            continue  # another identity
        where = found.claim.ranges[name]
        bad = [p for p in POINTS if _inside(p, where) and not holds(p)]
        if name == "eta" and RATE in found.claim.moving:  # times any number, or any that is not negative
            bad += [p for p in POINTS if not ((p < 0 and found.claim.keeps_sign) or holds(p))]
        if bad:
            wrong.append(f"{name} = {bad} is claimed: {where}\n{''.join(texts)}")
    return wrong


def claimed_by_sympy(a: Recipe, b: Recipe, found: Match) -> str:
    """What SymPy says against a proof for intervals of parameters: they are symbols, and the ends that are claimed."""
    if found.claim is None:
        return ""
    ranges = found.claim.ranges
    for chosen in product(*(_claimed(name, where) for name, where in ranges.items())):
        mine = dict(zip(ranges, chosen, strict=True))
        theirs = {
            n: sympy.sympify(f.text.replace("^", "**"), mine) for n, f in (found.formulas or {}).items()
        }
        if any(x.has(sympy.nan, sympy.zoo) for x in theirs.values()):
            return f"SymPy finds no parameters of B at {mine}"
        steps: list[list[Mapping[str, Any]]] = [[numbers] * 2 for numbers in (mine, theirs)]
        if same_by_sympy(a, b, 2, 2, (steps[0], steps[1])) is False:
            return f"SymPy sees them part at {mine}"
    return ""


def _claimed(name: str, where: Range) -> list[Any]:
    """A symbol for the inside, a number for each end that belongs to it, and one below 0 where that is claimed."""
    ends = ((where.low, where.low_open), (where.high, where.high_open))
    found = [
        sympy.Rational(x.numerator, x.denominator) for x, is_open in ends if x is not None and not is_open
    ]
    below = [] if where.low is not None else [sympy.Rational(-7, 3)]
    return [sympy.Symbol(name, positive=True), *found, *below]


def _inside(x: float, where: Range) -> bool:
    low = where.low is None or x > where.low or (x == where.low and not where.low_open)
    high = where.high is None or x < where.high or (x == where.high and not where.high_open)
    return low and high


def _holds(x: float, op: str, y: float) -> bool:
    return {"==": x == y, "<=": x <= y, "<": x < y, ">=": x >= y, ">": x > y}[op]
