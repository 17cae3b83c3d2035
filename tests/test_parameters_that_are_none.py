"""A parameter that is none decides by that alone: where a number is due it is asked for, and no NaN is trained."""

from __future__ import annotations

import pytest

import netc
from netc.dsl.diagnostics import SpecError

TEXT = """{head}
data x in linspace(-1, 1, 9) -> x^2
network [1(tanh)4(lin)1]
init {init}
loss {loss}
optimizer {rule}
train epochs = 2
"""
RULE = """optimizer q(eta = none, decay = none):
    g = grad R(theta[n]) + decay*theta[n] if decay != none else grad R(theta[n])
    theta[n+1] = theta[n] - eta*g"""
STATE = """optimizer q(b = none):
    v[0] = b
    v[n+1] = v[n]/2
    theta[n+1] = theta[n] - v[n]*grad R(theta[n])"""
WRITTEN = "optimizer q(eta = 0.1):\n    g = grad R\n    theta[n+1] = theta[n] - none*g"
GELU = "activation q(z; a = 1) = z*sigmoid(a*z)"
CLIP = "clip q(g; a = none, b = none) = a*g if b == none else b*g"
START = "init q(a = none):\n    weights ~ uniform(-a, a)\n    biases = 0"
LOSS = "loss q(a = none, b = none) = a*mean((u - y)^2) if b == none else b*mean((u - y)^2)"


def text(head: str, *, init: str = "glorot_uniform", loss: str = "mse", rule: str = "gd(eta = 0.1)") -> str:
    return TEXT.format(head=head, init=init, loss=loss, rule=rule)


@pytest.mark.parametrize(
    ("written", "code", "words"),
    [
        (text(RULE, rule="q"), "E0109", "'q' needs 'eta'"),
        (text(RULE, rule="q(none)"), "E0305", "'eta' must be a number, not none"),
        (text(RULE, rule="q(decay = 0.1, eta = none)"), "E0305", "'eta' must be a number, not none"),
        (text(STATE, rule="q"), "E0109", "'q' needs 'b'"),
        (text(CLIP, rule="gd(eta = 0.1), clip = q"), "E0109", "'gd' needs 'a'"),
        (text(START, init="q"), "E0514", "a number of it is none"),
        (text(START, init="q(none)"), "E0514", "a number of it is none"),
        (text(LOSS, loss="q"), "E0109", "the loss 'q' needs 'a'"),
        (text("", loss="q = none*mean((u - y)^2)"), "E0305", "'none' is no number"),
        (text(GELU).replace("tanh", "q(none)"), "E0305", "a number of 'q' is none"),
        (text("activation q(z) = z*none").replace("tanh", "q"), "E0305", "'none' is no number"),
        (text(WRITTEN, rule="q"), "E0305", "'none' is no number"),
        (
            text(WRITTEN.replace("none*g", "(1 if eta < none else 2)*g"), rule="q"),
            "E0305",
            "'none' is no number",
        ),
        (text("schedule eta = 0.1*none"), "E0305", "'none' is no number"),
        (text("schedule q(a = none) = 0.1*a\nschedule eta = q()"), "E0109", "'q' needs 'a'"),
        (text("schedule q(a = 2) = 0.1*a\nschedule eta = q(none)"), "E0305", "'none' is no number"),
        (text("schedule eta = plateau(0.1, factor = none)"), "E0305", "'factor' must be a number, not none"),
        (text("schedule eta = torch.MultiStepLR(0.1, (3, none))"), "E0305", "'none' is no number"),
        (text("", init="weights = none"), "E0305", "'none' is no number"),
    ],
)
def test_it_is_asked_for(written: str, code: str, words: str) -> None:
    with pytest.raises(SpecError) as error:
        netc.compile(written)
    assert [(d.code, words in d.message) for d in error.value.diagnostics] == [(code, True)]


@pytest.mark.parametrize(
    "written",
    [
        text(RULE, rule="q(0.1)"),
        text(RULE, rule="q(eta = 0.1, decay = none)"),
        text(f"{RULE}\nschedule eta = 0.1 until 1, 0.2", rule="q"),
        text(STATE, rule="q(0.1)"),
        text(CLIP, rule="gd(eta = 0.1), clip = q(1)"),
        text(CLIP, rule="gd(eta = 0.1), clip = q(b = 1)"),
        text(START, init="q(0.5)"),
        text(LOSS, loss="q(2)"),
        text(LOSS, loss="q(b = 2)"),
        text("loss q(a = 1) = mean((u - y)^2) if a != none else 2*mean(abs(u - y))", loss="q"),
        text("", rule="keras.SGD"),
        text(WRITTEN.replace("none*g", "(1 if eta == none else 2)*g"), rule="q"),
        text("schedule eta = keras.CosineDecay(0.1, 3, warmup_target = none)"),
    ],
)
def test_nothing_else_is(written: str) -> None:
    assert netc.compile(written).parameters == 13
