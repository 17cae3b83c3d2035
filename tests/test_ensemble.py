"""Ensembles against NumPy: means of outputs, votes, losses of what is answered together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import netc
from netc.compiler.meaning.spec import Ensemble
from netc.runtime.ensemble import together
from netc.runtime.training.metrics import Metric

CLASSES = """
data      iris, scale = zscore, split = 60%, seed = 2
network   [4(tanh)3(softmax)3]
init      glorot_uniform
loss      cross_entropy
optimizer gd(eta = 0.5)
train     epochs = 3, batch = 16, runs = 5, seed = 1
"""
NUMBERS = """
data      x in linspace(-1, 1, 40) -> sin(3*x) + normal(0, 0.2):
    split = 75%
network   [1(tanh)4(lin)1]
init      glorot_uniform
loss      half_mse
optimizer gd(eta = 0.3)
train     batch = 8, seed = 3, runs = 2
phase     cycle: epochs = 2, times = 3, restart = true
"""


def parts(model: netc.Model):
    """(inputs, targets) as the loss sees them."""
    return model._session.scaled_parts


def outputs(model: netc.Model, result: netc.Result, run: int, x) -> np.ndarray:
    return model.predict(model._session.inputs.invert(x), theta=result.theta[run])


@pytest.fixture(scope="module")
def trained():
    model = netc.compile(
        f"{CLASSES}ensemble runs\nexpect accuracy(test, ensemble) > 0\nexpect loss(test, ensemble) < 9\n"
    )
    return model, model.train()


def test_the_mean_of_probabilities(trained):
    model, found = trained
    x, y = parts(model)[2]
    each = np.stack([outputs(model, found, run, x) for run in range(5)])
    mean = each.mean(axis=0)
    assert found.members == 5
    np.testing.assert_allclose(
        found.ensemble["accuracy_test"], np.mean(mean.argmax(1) == y.argmax(1)), rtol=1e-12
    )
    np.testing.assert_allclose(found.ensemble["loss_test"], -np.mean(np.log((mean * y).sum(1))), rtol=1e-9)
    assert [v.value for v in found.expect] == [found.ensemble["accuracy_test"], found.ensemble["loss_test"]]
    np.testing.assert_allclose(model.predict(model._session.inputs.invert(x), ensemble=True), mean, rtol=1e-9)


def test_votes(trained):
    model = netc.compile(f"{CLASSES}ensemble runs, by = vote\n")
    found = model.train()
    np.testing.assert_array_equal(found.theta, trained[1].theta)
    x, y = parts(model)[2]
    each = np.stack([outputs(model, found, run, x) for run in range(5)])
    votes = np.stack([(each.argmax(2) == k).sum(0) for k in range(3)], axis=1)
    mean = each.mean(axis=0)
    chosen = [max(range(3), key=lambda k: (v[k], m[k])) for v, m in zip(votes, mean, strict=True)]
    assert found.ensemble["accuracy_test"][0] == np.mean(np.array(chosen) == y.argmax(1))
    assert "loss_test" not in found.ensemble
    raw = model._session.inputs.invert(x)
    np.testing.assert_array_equal(model.predict(raw, ensemble=True), votes / 5)
    np.testing.assert_array_equal(
        model.predict(raw, ensemble=True, labels=True), np.array(model.classes)[chosen]
    )


@pytest.mark.parametrize(("units", "places"), [(3, 0), (6, 2), (1, 0)])
@pytest.mark.parametrize("members", [2, 4, 6, 7])
def test_shares_are_counts_and_equal_votes_go_to_the_mean(units, places, members):
    """Sample by sample, and place by place of a sequence, with counts of Python."""
    outputs = np.random.default_rng(members).random((members, units, 50))
    found = together(Ensemble((), "vote"), [*outputs], Metric("accuracy", places=places))
    classes = max(units // (places or 1), 2)
    tied = 0
    for sample in range(50):
        for place in range(places or 1):
            each = outputs[:, place * classes : (place + 1) * classes, sample]
            if units == 1:
                each = np.hstack([1 - each, each])
            counts = Counter(each.argmax(axis=1).tolist())
            shares = [counts[k] / members for k in range(classes)]
            chosen = max(range(classes), key=lambda k: (counts[k], sum(each[:, k])))
            tied += list(counts.values()).count(max(counts.values())) > 1
            rows = slice(place * classes, (place + 1) * classes)
            one = [shares[1]], [float(chosen == 1)]
            several = shares, [float(k == chosen) for k in range(classes)]
            expected = one if units == 1 else several
            assert (
                found.outputs[rows, sample].tolist(),
                found.decided[rows, sample].tolist(),
            ) == expected
    assert tied or (units == 1 and members == 7)


def test_a_mean_of_ones_is_one():
    """Not above it, for whatever number of members."""
    for members in range(1, 60):
        found = together(Ensemble((), "mean"), [np.ones((2, 3))] * members, Metric("accuracy"))
        assert (found.outputs == 1).all()


def test_snapshots_of_each_run():
    model = netc.compile(f"{NUMBERS}ensemble {{cycle2, cycle3}}\nexpect all(loss(test, ensemble) < 9)\n")
    found = model.train()
    x, y = parts(model)[2]
    for run in range(2):
        raw = model._session.inputs.invert(x)
        mean = np.mean([model.predict(raw, theta=end.theta[run]) for end in found.phases[1:]], axis=0)
        scaled = model._session.targets.scaler.apply(mean)
        np.testing.assert_allclose(
            found.ensemble["loss_test"][run], np.mean((scaled - y) ** 2) / 2, rtol=1e-9
        )
    assert found.expect[0].holds
    assert found.summary["ensemble"]["members"] == 2


@pytest.mark.sweep
def test_weights_of_classes_count_in_the_loss(trained):
    """Of what is answered together, as in training."""
    text = CLASSES.replace("cross_entropy", "cross_entropy, weight = y[1] + 5*y[2], divide = weights")
    model = netc.compile(f"{text}ensemble runs\n")
    found = model.train()
    x, y = parts(model)[2]
    mean = np.mean([outputs(model, found, run, x) for run in range(5)], axis=0)
    expected = np.average(-np.log((mean * y).sum(1)), weights=y @ [1, 5, 0])
    np.testing.assert_allclose(found.ensemble["loss_test"], expected, rtol=1e-9)
