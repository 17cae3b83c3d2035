"""Masks of layers in rules, `layer1`, `layer1.weights`, `gains`: kernels and interpreter against plain NumPy with masks put
together from the names of the arrays; what can be said of such rules; and names that are a rule's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.calculus import interpret
from netc.compiler.check.program import check
from netc.compiler.meaning.spec import Spec
from netc.compiler.pipeline import to_ir
from netc.compiler.rules.diff import diff_text
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime.training.start import first_theta

RULE = """
optimizer groups(eta = 0.1, decay = 0.01):
    layer1_weights = layer1.weights*theta[n]
    v[n+1] = 0.9*v[n] + (1 - layer3)*grad R(theta[n])
    rate = eta*(1 + 2*layer4.weights + layer4.biases/2)
    theta[n+1] = theta[n] - rate*v[n+1] - decay*(ones - gains)*theta[n] - 3*decay*layer1_weights - decay*layer2.beta
"""
TEXT = """
network   [3 (tanh) 5 (layernorm(1e-5)) (tanh) 4 (softmax) 3]
init      glorot_normal
init layer2: beta = 1
loss      cross_entropy
{rule}
train     steps = 7, batch = full, seed = 1
"""
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(20, 3)), RNG.integers(0, 3, 20)


def spec(rule: str, network: str = TEXT) -> Spec:
    return check(parse(Source("<test>", network.format(rule=rule))), None, Path())


@pytest.mark.slow
def test_kernels_and_interpreter_do_what_the_masks_say() -> None:
    model = netc.compile(TEXT.format(rule=RULE))
    named = model.unflatten(np.zeros(model.parameters))

    def mask(*held: str) -> np.ndarray:
        return model.flatten({n: np.full(a.shape, float(n in held)) for n, a in named.items()})

    gains = mask("layer2.gamma", "layer2.beta")
    frozen = mask("layer3.weight", "layer3.bias")
    rate = 0.1 * (1 + 2 * mask("layer4.weight") + mask("layer4.bias") / 2)
    result = model.train(X, Y)
    theta = start = start_of(model)
    v = np.zeros_like(theta)
    for _ in range(7):
        v = 0.9 * v + (1 - frozen) * model.gradient(theta, X, Y)
        theta = (
            theta - rate * v - 0.01 * (1 - gains) * theta - 0.03 * mask("layer1.weight") * theta
            - 0.01 * mask("layer2.beta")
        )  # fmt: skip
    np.testing.assert_allclose(result.theta[0], theta, rtol=1e-11, atol=1e-13)
    found = interpret.run(to_ir(spec(RULE)), start, X, np.eye(3)[Y], 7)
    np.testing.assert_allclose(found.trajectory[-1], theta, rtol=1e-11, atol=1e-13)


def start_of(model: netc.Model) -> np.ndarray:
    return first_theta(model._session.program, 0, 1)[0]


@pytest.mark.sweep
def test_a_clip_freezes_layers_under_any_rule_to_the_last_bit() -> None:
    use = "clip thaw(g) = g*(1 - layer1 - layer2)\noptimizer torch.Adam(lr = 0.1), clip = thaw"
    model = netc.compile(TEXT.format(rule=use))
    before, after = model.unflatten(start_of(model)), model.unflatten(model.train(X, Y).theta[0])
    for name in before:
        moved = not np.array_equal(before[name], after[name])
        assert moved == (name.partition(".")[0] in ("layer3", "layer4")), name


def test_names_of_a_rule_are_its_own() -> None:
    own = """
optimizer own(layer1 = 0.5):
    gains = layer1*grad R(theta[n])
    theta[n+1] = theta[n] - gains
"""
    lowered = to_ir(spec(own)).rule
    assert lowered.masks == ()
    plain = "optimizer gd(eta = 0.5)"
    assert "rule" not in diff_text(spec(own), spec(plain)).split("\n")[0]


STEP = "optimizer o(eta = 0.1):\n    theta[n+1] = theta[n] - eta*{}*grad R(theta[n])"


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("layer1.weights", "layer1*weights", True),
        ("(1 - layer1)", "(1 - layer1)^2", True),
        ("(layer1.weights + layer1.biases)", "layer1", True),
        ("(1 - layer1)", "(1 - layer2)", False),
        ("layer2.gains", "layer1.weights", False),
        ("(1 - gains)", "weights", False),
    ],
)
def test_rules_with_masks_are_compared(a: str, b: str, same: bool) -> None:
    said = diff_text(spec(STEP.format(a)), spec(STEP.format(b)))
    assert ("The two files mean the same." if same else "are not the same rule") in said


def test_a_rule_by_itself_does_not_know_where_a_layer_is() -> None:
    rule = netc.update_rule(STEP.format("(1 - layer1)"))
    with pytest.raises(ValueError, match="where 'layer1' is 1 only a network says"):
        rule.trajectory([1.0, 2.0], [[1.0, 1.0]])
