"""An attack on the word `proved`: pairs of rules that are the same by rewriting, or part late, rarely, at one epoch, for
one number of batches, in one branch, by a state that dies out, by an epsilon, by a sign, for some parameters only.

    python tests/attack_proofs.py --pairs 10000 --seed 1

Each pair's truth is known by how it was made; mpmath and SymPy (`recipes.py`) give a second opinion on every pair that
is proved. The prover is asked by itself, without the trials that would refute most pairs before it is asked.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from attack_claims import at_ends, by_identities, under_schedules
from netc.compiler.proofs.induction import Unproved
from netc.compiler.proofs.prove import prove
from netc.compiler.rules.compare_rules import Match, match, match_as_given
from netc.compiler.rules.sides import sides
from recipes import ELEMENTS, Recipe, parted, same_by_sympy

LATE = (1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 40, 41, 100, 999, 5000, 10**6, 10**9)
SMALL = ("0.5", "1", "3", "1e6", "1e-6", "1e-9")


@dataclass(frozen=True)
class Pair:
    a: Recipe
    b: Recipe
    same: bool
    kind: str


# -- spellings of one rule ---------------------------------------------------------------------------

ETA, B = {"eta": "0.1"}, {"eta": "0.1", "b": "0.9"}
ADAM = {"eta": "0.01", "b": "0.9", "q": "0.99", "eps": "1e-8"}
V, VS = {"v": "0"}, {"v": "0", "s": "0"}
C1, C2 = "(1 - b**(n+1))", "(1 - q**(n+1))"
SECOND = ("s_ = q*s + (1 - q)*g**2", "s_ = s + (1 - q)*(g*g - s)", "s_ = q*s + (1 - q)*abs(g)**2")
FIRST = ("v_ = b*v + (1 - b)*g", "v_ = v + (1 - b)*(g - v)", "v_ = g + b*(v - g)")

FAMILIES: tuple[tuple[dict[str, str], dict[str, str], tuple[str, ...]], ...] = (
    (ETA, {}, ("step = eta*g", "step = g*eta", "h = 2*g; step = eta/2*h", "step = eta*(g + theta) - eta*theta")),
    (B, V, ("v_ = b*v + g; step = eta*v_", "v_ = g + b*v; step = v_*eta", "v_ = b*v + 3*g; step = eta*v_/3")),
    (B, V, ("v_ = b*v - eta*g; step = -v_", "v_ = b*v + g; step = eta*v_", "v_ = b*v + eta*g; step = v_")),
    (B, V, (*(f"{f}; step = eta*v_/{C1}" for f in FIRST),
            "v_ = b*v + g; step = eta*(1 - b)*v_/(1 - b*b**n)")),
    (B, V, ("v_ = b*v + g; step = eta*(g + b*v_)", "v_ = b*v - eta*g; step = eta*g - b*v_")),
    (ADAM, VS, (*(f"{f}; {s}; step = eta*(v_/{C1})/(sqrt(s_/{C2}) + eps)" for f in FIRST for s in SECOND),
                f"{FIRST[0]}; {SECOND[0]}; h = eta*sqrt({C2})/{C1}; step = h*v_/(sqrt(s_) + eps*sqrt({C2}))")),
    (ADAM, VS, (*(f"{FIRST[0]}; {s}; step = eta*v_/sqrt(s_ + eps)" for s in SECOND),
                f"{FIRST[1]}; {SECOND[0]}; step = eta*v_*(s_ + eps)**(-0.5)")),
    (ADAM, {"s": "0.1"}, ("s_ = s + g**2; step = eta*g/(sqrt(s_) + eps)",
                          "s_ = s + abs(g)**2; step = eta*g/(eps + sqrt(s_))")),
    (ADAM, {"v": "0", "u": "0"}, (f"{FIRST[0]}; u_ = max(q*u, abs(g)); step = eta/{C1}*v_/(u_ + eps)",
                                 f"{FIRST[0]}; u_ = max(abs(-g), q*u); step = eta*v_/({C1}*(u_ + eps))",
                                 f"{FIRST[1]}; u_ = max(2*q*u, 2*abs(g))/2; step = eta*v_/{C1}/(u_ + eps)")),
    (B, V, ("c = b*v + (1 - b)*g; v_ = 0.99*v + 0.01*g; step = eta*sign(c)",
            "c = b*v + (1 - b)*g; v_ = v + 0.01*(g - v); step = eta*sign(5*c)")),
    ({"eta": "0.1", "c": "0.5"}, {}, ("step = eta*min(max(g, -c), c)", "step = eta*max(min(g, c), -c)",
                                      "step = -eta*min(max(-g, -c), c)", "step = min(max(eta*g, -eta*c), eta*c)")),
    ({"eta": "0.1", "c": "0.5"}, {}, ("S = total(g*g); step = eta*(c*g/sqrt(S) if sqrt(S) >= c else g)",
                                      "S = total(g**2); step = eta*(g if not (sqrt(S) >= c) else c*g/sqrt(S))")),
    (ADAM, {"s": "0"}, ("s_ = s - (1 - q)*sign(s - g**2)*g**2; step = eta*g/(sqrt(abs(s_)) + eps)",
                        "s_ = s + (1 - q)*sign(g**2 - s)*g*g; step = eta*g/(eps + sqrt(abs(s_)))")),
    ({"eta": "0.1", "l": "0.01"}, {}, ("step = eta*(g + l*theta)", "step = eta*g + eta*l*theta",
                                       "d = g + l*theta; step = eta*d")),
)  # fmt: skip


def _recipe(parameters: dict[str, str], states: dict[str, str], spelled: str) -> Recipe:
    lines = [tuple(part.strip() for part in line.split(" = ", 1)) for line in spelled.split(";")]
    return Recipe(parameters, states, (*((n, v) for n, v in lines), ("theta_", "theta - step")))


# -- rewriting that changes nothing ------------------------------------------------------------------


def _step(recipe: Recipe, change: Callable[[str], str]) -> Recipe:
    return replace(recipe, lines=tuple((n, change(v) if n == "step" else v) for n, v in recipe.lines))


def _rescaled(recipe: Recipe, draw: random.Random) -> Recipe:
    """A state times a number, or its negative."""
    states = [s for s in recipe.states if s not in ("s", "u")]
    if not states:
        return recipe
    name, c = draw.choice(states), draw.choice(("2", "(-1)", "0.25", "eta"))
    lines = []
    for left, value in recipe.lines:
        new = re.sub(rf"\b{name}_(?!\w)", f"({name}_/{c})", re.sub(rf"\b{name}\b", f"({name}/{c})", value))
        lines.append((left, f"{c}*({new})" if left == f"{name}_" else new))
    start = recipe.states[name]
    return replace(
        recipe, states={**recipe.states, name: start if start == "0" else f"{c}*{start}"}, lines=tuple(lines)
    )


def _rewritten(recipe: Recipe, draw: random.Random) -> Recipe:
    k = draw.choice(LATE)
    wraps = (
        lambda x: f"({x} if n >= {k} else {x})",
        lambda x: f"({x} if m > {k} else {x})",
        lambda x: f"-(-({x}))",
        lambda x: f"(2*({x}) - ({x}))",
        lambda x: f"({x})*(1 if n >= 0 else 2)",
        lambda x: f"({x})*(1 if epoch >= 0 and m >= 1 else 0)",
        lambda x: f"({x}) + 0*theta",
        lambda x: f"(({x}) if n > {k} else ({x})*1)",
        lambda x: x,
    )
    out = _step(recipe, draw.choice(wraps))
    if draw.random() < 0.3:
        out = _rescaled(out, draw)
    if draw.random() < 0.2:  # a state that is 0 and stays 0
        lines = (*out.lines[:-1], ("dead_", draw.choice(("0.5*dead", "0*dead", "dead*g"))), out.lines[-1])
        out = _step(
            replace(out, states={**out.states, "dead": "0"}, lines=lines), lambda x: f"({x}) + 0.1*dead"
        )
    return out


# -- changes that matter -----------------------------------------------------------------------------


def _conditions(draw: random.Random) -> tuple[str, str]:
    """(kind, when): it comes true for some n, m, gradient, theta, however rarely."""
    k, x, j = draw.choice(LATE), draw.choice(SMALL), draw.choice((2, 3, 5, 8))
    return draw.choice((
        ("one n", f"n == {k}"), ("late", f"n > {k}"), ("late", f"n >= {k}"), ("late", f"not (n < {k})"),
        ("late", f"2*n > {2 * k + 1}"), ("late", f"n*n > {k * k}"), ("late", f"n != {k} and n > {k}"),
        ("one epoch", f"epoch == {k}"), ("one epoch", f"floor(epoch) == {k}"), ("one epoch", f"epoch > {k}"),
        ("one m", f"m == {j}"), ("one m", f"m > {k}"), ("one m", f"m == {j} and n == {k}"), ("one m", f"n == {j}*m"),
        ("rare n", f"n - {j}*floor(n/{j}) == 1"), ("late", "0.5**n < 1e-30"),
        ("branch", f"g > {x}"), ("branch", f"g == {x}"), ("branch", f"abs(g) > {x}"), ("branch", f"theta == {x}"),
        ("branch", f"g == theta + {x}"), ("branch", f"g < -{x} and n == {k}"), ("branch", "g == 0"),
    ))  # fmt: skip


def _broken(recipe: Recipe, draw: random.Random) -> tuple[Recipe, str]:
    kind, when = _conditions(draw)
    more = draw.choice(("0.001", "1e-12", "1e-6", "(1 + abs(g))*0.01"))
    match draw.randrange(8):
        case 0 | 1 | 2 | 3:
            return _step(recipe, lambda x: f"(({x}) + {more} if {when} else {x})"), kind
        case 4:  # a state that dies out, slowly or at once
            update = draw.choice(("0*old", "old/2", "(old if n < 3 else 0)", "old*0.999"))
            lines = (*recipe.lines[:-1], ("old_", update), recipe.lines[-1])
            changed = replace(recipe, states={**recipe.states, "old": "1"}, lines=lines)
            return _step(changed, lambda x: f"({x}) + {more}*old"), "dies out"
        case 5:  # a state that wakes up
            lines = (*recipe.lines[:-1], ("count_", f"count + (1 if {when} else 0)"), recipe.lines[-1])
            changed = replace(recipe, states={**recipe.states, "count": "0"}, lines=lines)
            return _step(changed, lambda x: f"({x}) + 0.01*count"), f"wakes up: {kind}"
        case 6:
            return _step(recipe, lambda x: f"({x})*{draw.choice(('1.000001', '1.00000000001', '0.999'))}"
                         f" + 1e-13"), "epsilon"  # fmt: skip
    return _step(
        recipe, lambda x: f"({x}) + {draw.choice(('eta*m - 2*eta', 'eta*(epoch - n)', '1e-3*(m - 1)'))}"
    ), "clock"


# -- identities, true and false ----------------------------------------------------------------------

IDENTITIES = (
    ("abs(X)", "X", False), ("sqrt(X**2)", "X", False), ("sqrt(X**2)", "abs(X)", True), ("sign(X)*abs(X)", "X", True),
    ("max(X, -X)", "abs(X)", True), ("X/X", "1", False), ("X**2/X", "X", False), ("sqrt(X)**2", "X", False),
    ("max(X, Y)", "-min(-X, -Y)", True), ("abs(X*Y)", "abs(X)*abs(Y)", True), ("sqrt(X**2*Y**2)", "X*Y", False),
    ("sqrt(X**2*Y**2)", "abs(X*Y)", True), ("sign(X*Y)", "sign(X)*sign(Y)", True), ("sign(X)**2", "1", False),
    ("abs(X)**2", "X**2", True), ("abs(X)**3", "X**3", False), ("max(X, 0) - max(-X, 0)", "X", True),
    ("max(X, Y)", "X", False), ("(X if X > 0 else 0)", "max(X, 0)", True), ("(X if X >= 0 else -X)", "abs(X)", True),
    ("(1 if X > 0 else 0)", "(1 if X >= 0 else 0)", False), ("(1 if X > 0 else 0)", "(1 if 2*X > 0 else 0)", True),
    ("floor(X)", "X", False), ("floor(X + 1)", "floor(X) + 1", True), ("exp(X)*exp(-X)", "1", True),
    ("(X + Y)**2", "X**2 + 2*X*Y + Y**2", True), ("X/Y*Y", "X", False),
    ("abs(X) + abs(Y)", "abs(X + Y)", False), ("sqrt(X**2 + 1)", "abs(X) + 1", False),
    ("X/(X**2 + 1)", "1/(X + 1/X)", False), ("sqrt(abs(X))**2", "abs(X)", True), ("sqrt(X**4)", "X**2", True),
    ("sqrt(X*Y)**2", "X*Y", False), ("sqrt(X*Y)", "sqrt(X)*sqrt(Y)", False), ("abs(X + 3)", "X + 3", False),
    ("max(3*X, 3*Y)", "3*max(X, Y)", True), ("max(-3*X, -3*Y)", "-3*max(X, Y)", False),
    ("1/(1 + abs(X))", "(1 - abs(X))/(1 - X**2)", False), ("abs(X**2 + 1)", "X**2 + 1", True),
    ("(X if Y > 0 else X)", "X", True), ("(X if Y > 0 else 2*X)", "X", False), ("sign(X**2 + 1)", "1", True),
    ("abs(abs(X) + X**2)", "abs(X) + X**2", True), ("sign(abs(X))", "1", False), ("max(abs(X), 0)", "abs(X)", True),
    ("sqrt(X**2 + 2*X + 1)", "X + 1", False), ("(X/Y if Y != 0 else 0)", "(X/Y if abs(Y) > 0 else 0)", True),
    ("sqrt(s_)**2", "s_", True), ("abs(s_)", "s_", True), ("sqrt(s_*g**2)", "sqrt(s_)*abs(g)", True),
    ("sqrt(s_*g**2)", "sqrt(s_)*g", False), ("abs(v_)", "v_", False), ("sqrt(s_/(1 + s))", "sqrt(s_)/sqrt(1 + s)", True),
    ("s_/s_", "1", False), ("(s_ + 1)/(s_ + 1)", "1", True), ("sqrt((s_ + 1)*X**2)", "sqrt(s_ + 1)*abs(X)", True),
    ("max(s_, 0)", "s_", True), ("min(s_, 0)", "0", True), ("sign(1 + s_)", "1", True), ("1/sqrt(s_)", "sqrt(s_)/s_", True),
)  # fmt: skip
TERMS = ("g", "(g + 3)", "theta", "(g - theta)", "(2*g)", "(g*theta)", "(v_ - 1)", "(-g)", "(theta + 3)")


def _identity(draw: random.Random) -> Pair:
    left, right, same = draw.choice(IDENTITIES)
    x, y = draw.choice(TERMS), draw.choice(TERMS)
    while (
        {x, y} in ({"g", "(g + 3)"}, {"theta", "(theta + 3)"})
        or y in (x, "(2*g)", "(-g)", "(g*theta)")
        or {x, y} <= {"g", "(2*g)", "(-g)"}
    ):
        y = draw.choice(TERMS)
    c = draw.choice(("0.1", "1", "-2"))

    def rule(form: str) -> Recipe:
        put = re.sub(r"\bX\b", x, re.sub(r"\bY\b", y, form))
        return _recipe(B, VS, f"v_ = b*v + g; s_ = b*s + g**2; step = eta*v_ + {c}*({put})")

    return Pair(rule(left), rule(right), same, f"identity {left} = {right}")


def pairs(count: int, seed: int) -> Iterator[Pair]:
    draw = random.Random(seed)
    for _ in range(count):
        if draw.random() < 0.3:
            yield _identity(draw)
            continue
        parameters, states, spellings = draw.choice(FAMILIES)
        a, b = (_rewritten(_recipe(parameters, states, draw.choice(spellings)), draw) for _ in range(2))
        if draw.random() < 0.45:
            yield Pair(a, b, True, "rewritten")
            continue
        b, kind = _broken(b, draw)
        yield Pair(*draw.choice(((a, b), (b, a))), False, kind)


# -- the attack --------------------------------------------------------------------------------------


def proved(pair: Pair) -> str:
    """The argument, or nothing."""
    a, b = sides(pair.a.text, pair.b.text)
    rules = [side.text.general(()) for side in (a, b)]
    try:
        assert rules[0] is not None
        assert rules[1] is not None
        return prove(rules[0], rules[1], a.numbers, b.numbers).argument.sentence
    except Unproved:
        return ""


def second_opinion(pair: Pair, seed: int, steps: int = 30) -> str:
    """What speaks against a proof: that mpmath, or SymPy, sees the rules part."""
    draw = random.Random(seed)
    special = ["0", "-3", "3", "1", "-1", "0.5", "2", "1e-6", "-1e6"]

    def number() -> str:
        return (
            draw.choice(special)
            if draw.random() < 0.4
            else f"{draw.choice((-1, 1)) * 10 ** draw.uniform(-6, 6):.6g}"
        )

    for m in (1, 2, 3, 5):
        theta = [number() for _ in range(ELEMENTS)]
        gradients = [[number() for _ in range(ELEMENTS)] for _ in range(steps)]
        if parted(pair.a, pair.b, theta, gradients, m):
            return f"mpmath sees them part with m = {m}"
    return ""


def by_sympy(pair: Pair) -> str:
    for m in (1, 3):
        if same_by_sympy(pair.a, pair.b, m) is False:
            return f"SymPy sees them part with m = {m}"
    return ""


def attack(
    count: int, seed: int, sympy_every: int = 10, part: int = 0, parts: int = 1
) -> tuple[Counter[str], list[str]]:
    """How many came out how, and what is wrong; of the pairs only every `parts`-th, from `part` on."""
    found, wrong = Counter[str](), list[str]()
    for k, pair in islice(enumerate(pairs(count, seed)), part, None, parts):
        argument = proved(pair)
        found[f"{'same' if pair.same else 'apart'}, {'proved' if argument else 'not proved'}"] += 1
        if not argument:
            continue
        against = "" if pair.same else f"made to part ({pair.kind})"
        against = against or second_opinion(pair, k) or (by_sympy(pair) if k % sympy_every == 0 else "")
        if against:
            wrong.append(f"{pair.kind}: {against}\n{pair.a.text}{pair.b.text}{argument}")
    return found, wrong


def for_some_parameters(count: int, seed: int) -> list[str]:
    """Formulas for B's parameters that are proved although they hold on one side of a boundary only."""
    draw, wrong = random.Random(seed), list[str]()
    for _ in range(count):
        name, bound = draw.choice((("eta", "0.5"), ("b", "0.3"), ("eta", "2"), ("b", "0.95"), ("eta", "b")))
        op = draw.choice((">", "<", ">=", "<="))
        plain = _recipe(B, V, "v_ = b*v + g; step = eta*v_")
        other = _recipe(B, V, f"v_ = b*v + g; h = (eta*1.5 if {name} {op} {bound} else eta); step = h*v_")
        found = match(*sides(plain.text, other.text))
        if found is not None and found.how == "proved":
            wrong.append(f"for some parameters only\n{plain.text}{other.text}")
    return wrong


def verdicts(count: int, seed: int) -> list[str]:
    """Of pairs that are the same, none is refuted; of those that are not, none is proved."""
    wrong = []
    for pair in pairs(count, seed):
        found = match_as_given(*sides(pair.a.text, pair.b.text))
        how = found.how if isinstance(found, Match) else "refuted"
        if how == ("refuted" if pair.same else "proved"):
            wrong.append(f"{pair.kind}: {how}\n{pair.a.text}{pair.b.text}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", type=int, default=0, help="of the pairs those from this one on, ...")
    parser.add_argument("--parts", type=int, default=1, help="... one of so many")
    given = parser.parse_args()
    found, wrong = attack(given.pairs, given.seed, part=given.part, parts=given.parts)
    rest = given.pairs // given.parts
    wrong += for_some_parameters(max(rest // 100, 5), given.seed + given.part)
    wrong += verdicts(max(rest // 20, 20), given.seed + given.part + 1)
    said, claimed = under_schedules(max(rest // 40, 10), given.seed + given.part + 2)
    found += said
    wrong += claimed + at_ends(max(rest // 40, 10), given.seed + given.part + 3)
    wrong += by_identities(max(rest // 40, 10), given.seed + given.part + 4)
    for name, count in sorted(found.items()):
        print(f"{count:6} {name}")
    print(f"{len(wrong):6} wrong")
    print("\n\n".join(wrong[:20]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
