"""What a proof says it covers: the ends of parameters and schedules, with the verdict that pen and paper give."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import netc
from attack_claims import at_ends, by_identities, under_schedules
from netc.command_line import main
from netc.compiler.calculus import ir
from netc.compiler.proofs.induction import Unproved
from netc.compiler.rules import claims
from netc.compiler.rules.compare_rules import match
from netc.compiler.rules.mapping import Formula
from netc.compiler.rules.sides import sides
from netc.compiler.rules.verdict_words import how
from netc.dsl.diagnostics import SpecError

HEAVY, EMA, VELOCITY, TWICE = (f"momentum.{n}" for n in ("heavy_ball", "ema", "velocity", "double_rate"))
ALWAYS, CONSTANT = "every schedule of the rate", "a constant rate"
STEADY = f"{ALWAYS} that keeps its sign"


def rule(step: str, before: str = "", head: str = "eta = 0.1, b = 0.9", require: str = "") -> str:
    lines = [f"require = {require}"] if require else []
    lines += [
        "g = grad R(theta[n])",
        *(x for x in before.split("; ") if x),
        f"theta[n+1] = theta[n] - {step}",
    ]
    return f"optimizer r({head}):\n" + "".join(f"    {line}\n" for line in lines)


V = "v[n+1] = b*v[n] + g"
ETA = "eta = 0.1"
KEPT = "eta >= 0 and 0 <= b and b <= 1"
SCOPES = [
    # eta' = eta*beta1 has a value at beta1 = 1, where alpha = 0; beta1 = 0 is not admitted.
    (EMA, HEAVY, ALWAYS, "every eta >= 0, 0 < beta1 <= 1"),
    # eta/(1 - alpha) has none at alpha = 1.
    (HEAVY, EMA, ALWAYS, "every eta >= 0, 0 <= alpha < 1"),
    # The one has the rate outside of v, the other inside.
    (HEAVY, VELOCITY, CONSTANT, "every eta >= 0, 0 <= alpha <= 1"),
    # sqrt(0) = 0, but sqrt(eta*c) is not c*sqrt(eta).
    (HEAVY, TWICE, CONSTANT, "every eta >= 0, 0 <= alpha < 1"),
    ("adam.paper", "torch.Adam", ALWAYS, "every eta >= 0, 0 <= beta1 < 1, 0 <= beta2 < 1, eps >= 0"),
    # Of a rule that requires nothing all real numbers are meant; of B too.
    (rule("eta*v[n+1]", V), rule("3*eta*v[n+1]", "v[n+1] = b*v[n] + g/3"), ALWAYS, "every real eta, real b"),
    # B admits less than A: it is not the rule that A is where it is refused.
    (rule("eta*v[n+1]", V), rule("eta*v[n+1]", V, require=KEPT), STEADY, "every eta >= 0, 0 <= b <= 1"),
    (rule("eta*v[n+1]", V, require=KEPT), rule("eta*v[n+1]", V, require="b < 0.5 or eta > 0"),
     ALWAYS, "every eta > 0, 0 <= b <= 1"),
    # At eta = 0 the second rule moves, also where a schedule gets there.
    (rule("eta*g", head=ETA, require="eta >= 0"), rule("(eta if eta > 0 else 1)*g", head=ETA), CONSTANT, "every eta > 0"),
    # 0^n is 1 at n = 0, 0 later.
    (rule("eta*b^(n+1)*g", require=KEPT), rule("eta*b*b^n*g"), ALWAYS, "every eta >= 0, 0 <= b <= 1"),
    (rule("eta*g", V, require=KEPT), rule("(eta if b^n > 0 else 2*eta)*g", V), ALWAYS, "every eta >= 0, 0 < b <= 1"),
    # |x| = x holds where x >= 0; of a rule that requires nothing eta < 0 is meant, too.
    (rule("eta*g", head=ETA), rule("|eta|*g", head=ETA), STEADY, "every eta >= 0"),
    (rule("eta*g", head=ETA, require="eta >= 0"), rule("|eta|*g", head=ETA), ALWAYS, "every eta >= 0"),
    (rule("|eta|*|b|*g"), rule("|eta*b|*g"), ALWAYS, "every real eta, real b"),
    (rule("sqrt(eta^2)*g", head=ETA), rule("eta*g", head=ETA), STEADY, "every eta >= 0"),
    # eta*b is 0 where one of them is; 1/b is 1 at b = 1.
    (rule("eta*v[n+1]", V, require=KEPT), rule("eta*v[n+1] + (0 if eta*b > 0 else 1)*g", V),
     CONSTANT, "every eta > 0, 0 < b <= 1"),
    (rule("eta*v[n+1]", V, require="eta >= 0 and b > 0 and b <= 1"), rule("eta*v[n+1] + (0 if 1/b > 1 else 1)*g", V),
     ALWAYS, "every eta >= 0, 0 < b < 1"),
    # The rule is the same at b = -1, which is not admitted, and not beside it.
    (rule("eta*(|b| if b > -1 else b)*g", require="eta >= 0 and b > -1 and b < 1"), rule("eta*b*g"),
     ALWAYS, "every eta >= 0, 0 <= b < 1"),
    # 0^(n - 1) has no value at n = 0.
    (rule("eta*b*b^(n - 1)*g", require=KEPT), rule("eta*b^n*g"), ALWAYS, "every eta >= 0, 0 < b <= 1"),
    # 1 - b^n >= 0 holds up to b = 1.
    (rule("eta*|1 - b^n|*g", require="eta >= 0 and 0.5 < b and b < 2"),
     rule("eta*(1 - b^n)*g", require="eta >= 0 and 0.5 < b and b < 2"), ALWAYS, "every eta >= 0, 0.5 < b <= 1"),
    # At b = 1 the first one stands.
    (rule("eta*v[n+1]*(1 if b < 1 else 0)", V, require=KEPT), rule("eta*v[n+1]", V, require=KEPT),
     ALWAYS, "every eta >= 0, 0 <= b < 1"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "schedule", "ranges"), SCOPES)
def test_for_which_parameters(a: str, b: str, schedule: str, ranges: str) -> None:
    found = match(*sides(a, b))
    assert found is not None
    assert found.how == "proved"
    assert f"for every sequence of gradients, {schedule} and {ranges};" in how(found)


@pytest.mark.parametrize(("a", "b"), [pair[:2] for pair in SCOPES[:5]])
def test_the_ends_run_alike(a: str, b: str) -> None:
    """At each end that is claimed the interpreter goes the same way with both; at one that is not, B is refused."""
    found = match(*sides(a, b))
    assert found is not None
    assert found.claim is not None
    assert found.formulas is not None
    draw = np.random.default_rng(1)
    theta, gradients = draw.normal(size=4), draw.normal(size=(12, 4))
    for name, where in found.claim.ranges.items():
        for end, is_open in ((where.low, where.low_open), (where.high, where.high_open)):
            if end is None:
                continue
            numbers = {**found.a.values, name: float(end)}
            calls = [f"{a}({', '.join(f'{n} = {v!r}' for n, v in numbers.items())})"]
            try:
                theirs = {n: f.value(numbers) for n, f in found.formulas.items()}
                calls += [f"{b}({', '.join(f'{n} = {v!r}' for n, v in theirs.items())})"]
                ways = [netc.update_rule(call).trajectory(theta, gradients) for call in calls]
            except (ZeroDivisionError, SpecError):
                assert is_open
                continue
            assert not is_open
            np.testing.assert_allclose(ways[0], ways[1], rtol=1e-12)


LAST = "last[0] = {x}; last[n+1] = {x}"
SCHEDULES = [
    # eta acts in the step in both.
    (rule("eta*v[n+1]", V), rule("eta*v[n+1]/2", "v[n+1] = b*v[n] + 2*g"), ALWAYS),
    # A rate that grows is noticed, one that falls is not: the tests let it fall.
    (rule("eta*g"), rule("(eta if eta <= last[n] else 2*eta)*g", LAST.format(x="eta")), CONSTANT),
    (rule("eta*g"), rule("(eta if eta == last[n] else 2*eta)*g", LAST.format(x="eta")), CONSTANT),
    # The numbers as given decide the condition, a schedule may not.
    (rule("eta*g"), rule("(eta if eta < 0.5 else 2*eta)*g"), CONSTANT),
    # The correction of momentum: 0/0 once the rate was 0, so it is no proof for every schedule.
    (rule("eta*v[n+1]", V), rule("v[n+1]", "last[0] = eta; v[n+1] = b*v[n]*eta/last[n] + eta*g; last[n+1] = eta"), CONSTANT),
    # What the first step makes of the rate stays in s.
    (rule("eta*g"), rule("s[n]*g", "s[0] = eta; s[n+1] = s[n]"), CONSTANT),
    (rule("eta*g"), rule("s[n]*g", "s[0] = eta; s[n+1] = eta"), CONSTANT),
    # Squares of a rate are no multiples of it, but the same in both.
    (rule("eta^2*g"), rule("eta*eta*g"), ALWAYS),
    # A schedule may go below 0 where no rule refuses that.
    (rule("eta*g"), rule("|eta|*g"), STEADY),
    (rule("eta*g", require="eta >= 0"), rule("|eta|*g", require="eta >= 0"), ALWAYS),
    (rule("|eta*g|"), rule("|eta|*|g|"), ALWAYS),
    (rule("sqrt(eta)^2*g"), rule("eta*g"), STEADY),
    # Not linear, and the rate outside or inside.
    (rule("eta*g/(sqrt(s[n+1]) + 1)", "s[n+1] = b*s[n] + g^2"),
     rule("g*eta/(1 + sqrt(s[n+1]))", "s[n+1] = b*s[n] + |g|^2"), ALWAYS),
    (rule("eta*g/(sqrt(s[n+1]) + 1)", "s[n+1] = b*s[n] + g^2"),
     rule("g/(sqrt(s[n+1]) + 1/eta)", "s[n+1] = b*s[n] + (g/eta)^2"), CONSTANT),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "schedule"), SCHEDULES)
def test_under_which_schedules(a: str, b: str, schedule: str) -> None:
    """With the numbers as given, in both orders."""
    for one, other in ((a, b), (b, a)):
        verdict = netc.equivalent(one, other)
        assert verdict.how == "proved"
        assert f"gradients and {schedule};" in " ".join(verdict.text.split())


MOVES_WITH_THE_RATE = "The rates of both are multiplied by the same number c[n] >= 0 in step n"
"""What a proof assumes of the parameters: which may be another number in each step, by hand."""


@pytest.mark.parametrize(
    ("a", "b", "rate", "own"),
    [
        (
            "adam.paper",
            "torch.Adam",
            True,
            "beta1 and beta2 may be another number of that range in each step",
        ),
        ("gd", "torch.SGD", True, ""),
        ("torch.SGD(lr=0.1, momentum=0.9)", "keras.SGD(learning_rate=0.1, momentum=0.9)", False, ""),
    ],
)
def test_what_moves_is_among_what_is_assumed(
    a: str, b: str, rate: bool, own: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", a, b, "--why"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert (MOVES_WITH_THE_RATE in said) == rate
    assert own in said
    assert ("may be another number" in said) == bool(own)


def test_a_memory_may_move() -> None:
    """beta1 and beta2 of Adam in each step; not the memory of an average against that of a sum."""
    adam = " ".join(netc.equivalent("adam.paper", "torch.Adam").text.split())
    assert (
        "It survives, proved a schedule of the rate changes of beta1 on the way changes of beta2 on the way"
        in adam
    )
    late = rule("eta*v[n+1]", "last[0] = b; v[n+1] = (b if b <= last[n] else 0)*v[n] + g; last[n+1] = b")
    found = match(*sides(rule("eta*v[n+1]", V), late))
    assert found is not None
    assert found.claim is not None
    assert "b" not in found.claim.moving


@pytest.mark.parametrize(
    ("a", "b"), [(HEAVY, VELOCITY), (HEAVY, TWICE), ("torch.SGD(lr=0.1, momentum=0.9)", "keras.SGD")]
)
def test_a_schedule_is_a_witness(a: str, b: str, tmp_path: Path) -> None:
    """Rules that are the same for a constant rate: the file has a schedule under which they part, and goes that way."""
    assert main(["diff", a, b, "--witness", str(tmp_path / "w.json")]) == 0
    told = json.loads((tmp_path / "w.json").read_text())
    ways, plain = [], []
    for which in ("a", "b"):
        read = netc.update_rule(told[which])
        given = (told["theta0"], told["gradients"])
        ways.append(read.trajectory(*given, schedule=told[f"schedule_{which}"], batches=told["batches"]))
        plain.append(read.trajectory(*given, batches=told["batches"]))
    n = told["n"]
    np.testing.assert_allclose(plain[0], plain[1], rtol=1e-12)
    np.testing.assert_allclose(ways[0][:n], ways[1][:n], rtol=1e-12)
    assert abs(ways[0][n, 0] - ways[1][n, 0]) > 1e-6
    assert ways[0][n, 0] == pytest.approx(float(told["theta_a"]), rel=1e-12)


@pytest.mark.slow
def test_an_attack_on_ranges_and_schedules() -> None:
    said, wrong = under_schedules(24, 4)
    assert wrong == []
    assert said["same, every schedule"] > 4
    assert said["apart, constant rate"] > 4
    assert at_ends(10, 4) == []
    assert by_identities(20, 4) == []


def test_no_rule_can_be_written_against_the_point_of_an_identity() -> None:
    """The fraction at which b is looked at is another one for a rule that mentions it."""
    plain = rule("eta*v[n+1]", V)
    search = claims._Search(*sides(plain, plain), {})
    at, _ = search.numbers(search.narrow())
    point = at["b"].value
    digits = " + ".join(f"{d}*10^{k}" for k, d in enumerate(reversed(str(point.numerator))) if d != "0")
    below = " + ".join(f"{d}*10^{k}" for k, d in enumerate(reversed(str(point.denominator))) if d != "0")
    other = rule(f"(eta + b - ({digits})/({below}))*v[n+1]", V)
    a, b = sides(plain, other)
    formulas = {n: Formula(ir.Var(n, ir.SCALAR), 1) for n in a.values}
    with pytest.raises(Unproved):
        claims.claim(a, b, formulas, frozenset())


WRITTEN = [
    # Constants are put together as fractions: 1/2/3 is a sixth, though no float is.
    ("eta*(v[n+1]/2)/3", "eta*v[n+1]/6", True),
    ("eta*v[n+1]/3", "eta*(1/3)*v[n+1]", True),
    ("0.1*3*v[n+1]", "0.3*v[n+1]", True),
    ("eta*v[n+1]/sqrt(2)", "eta*v[n+1]*sqrt(0.5)", True),
    ("v[n+1]/49*49*eta", "eta*v[n+1]", True),
    # Sixteen digits are no third.
    ("eta*v[n+1]/3", "eta*0.3333333333333333*v[n+1]", False),
    ("eta*((1/3)*v[n+1] + 0.3333333333333333*g)", "eta*(v[n+1] + g)/3", False),
    ("(0.1 + 1e-20)*v[n+1]", "0.1*v[n+1]", False),
]


@pytest.mark.parametrize(("a", "b", "same"), WRITTEN)
def test_constants_are_what_was_written(a: str, b: str, same: bool) -> None:
    verdict = netc.equivalent(rule(a, V), rule(b, V))
    assert verdict.how == ("proved" if same else "refuted")
    assert ("rounding to float64 hides it" in " ".join(verdict.text.split())) is (not same)


def test_a_written_number_is_a_fraction() -> None:
    """Against `fractions`: through laws that put constants together, and what is no fraction stays."""
    from netc.compiler.rules.rule_text import read_rule

    text = rule("(0.1 + 0.2)*3/7*(g - 1/3)^2 + sqrt(2)*g", head="eta = 0.1")
    constants = {str(c) for c in _fractions(read_rule(text).written)}
    assert {str(Fraction(3, 10) * 3 / 7), "1/3"} <= constants
    assert all(Fraction(c).denominator < 1000 for c in constants)  # no float of sqrt(2)


def _fractions(written: object) -> set[Fraction]:
    from netc.compiler.calculus.written import Written

    assert isinstance(written, ir.Rule)
    nodes = ir.postorder(*(s.value for s in written.body if isinstance(s, ir.Assign)))
    return {n.value.fraction for n in nodes if isinstance(n, ir.Const) and isinstance(n.value, Written)}
