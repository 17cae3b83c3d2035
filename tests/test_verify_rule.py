"""A rule that cannot be run is refused by `verify_rule`, and every way in which it can be wrong is noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netc.compiler.calculus import ir
from netc.compiler.calculus.verify_rule import verify_rule

P = (ir.Axis("theta", 2),)
THETA, V, ETA = ir.Var("theta", P), ir.Var("v", P), ir.Var("eta", ir.SCALAR)
G = ir.Var("g", P)
STEP = ir.Assign("next", ir.apply("sub", THETA, ir.apply("mul", ETA, G)))
SOUND = ir.Rule(
    hypers=(ir.Hyper("eta", 0.1),),
    states=(
        ir.State("theta", P, THETA),
        ir.State("v", P, ir.Const(0.0)),
        ir.State("K", P, ir.Const(0.0), per_batch=True),
    ),
    body=(
        ir.Evaluate("theta", "current", "r", "g"),
        ir.If(
            ir.apply("gt", ir.Var("r", ir.SCALAR), ir.Const(1.0)), (ir.Assign("w", G),), (ir.Assign("w", V),)
        ),
        ir.Fetch("old", "K", ir.Var("n", ir.SCALAR), P),
        ir.Store("K", ir.Const(1.0), "g", P),
        STEP,
    ),
    commits=(ir.Commit("theta", "next"), ir.Commit("v", "w")),
    test=(),
    epoch_end=(),
    epoch_commits=(),
    visits_batches=False,
)


def test_a_sound_rule_is_given_back() -> None:
    assert verify_rule(SOUND) is SOUND


def body(*more: ir.Stmt) -> ir.Rule:
    return replace(SOUND, body=(*SOUND.body, *more))


NUMBER, ONE = ir.Const(1.0), ir.Assign("once", ir.Const(1.0))
BROKEN = {
    "reads lost, which is not given": body(ir.Assign("a", ir.Var("lost", ir.SCALAR))),
    "reads g, which has other axes": body(ir.Assign("a", ir.Var("g", ir.SCALAR))),
    "next gets other axes": body(ir.Assign("next", NUMBER)),
    "reads once, which is not given": body(
        ir.If(ir.apply("gt", ETA, NUMBER), (ONE,), ()), ir.Assign("a", ir.Var("once", ir.SCALAR))
    ),
    "a condition is a vector": body(ir.Stop(ir.apply("gt", G, NUMBER))),
    "the number of a batch is a vector": body(ir.Fetch("a", "K", G, P)),
    "K is no state per batch with these axes": body(ir.Fetch("a", "K", NUMBER, ())),
    "K keeps r, which": body(ir.Store("K", NUMBER, "r", P)),
    "evaluated at r": body(ir.Evaluate("r", "current", "s", "")),
    "v takes missing, which is not given": replace(
        SOUND, commits=(*SOUND.commits[:1], ir.Commit("v", "missing"))
    ),
    "v takes r, which has other axes": replace(SOUND, commits=(*SOUND.commits[:1], ir.Commit("v", "r"))),
    "theta is committed twice": replace(SOUND, commits=(*SOUND.commits, ir.Commit("theta", "w"))),
    "K is committed, and no state": replace(SOUND, commits=(*SOUND.commits, ir.Commit("K", "w"))),
    "have one name": replace(SOUND, hypers=(*SOUND.hypers, ir.Hyper("v", 1.0))),
    "the start of v reads g": replace(SOUND, states=(SOUND.states[0], ir.State("v", P, G), SOUND.states[2])),
    "reads epoch_loss": body(ir.Assign("a", ir.Var("epoch_loss", ir.SCALAR))),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_one_is_refused(fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        verify_rule(BROKEN[fault])


def test_passes_are_verified_in_the_tests() -> None:
    """`conftest.py` has every rule verified that is lowered, written out, or named for code."""
    from netc.compiler.kernels import rule as rules

    with pytest.raises(AssertionError, match="reads lost"):
        rules.named(BROKEN["reads lost, which is not given"])
