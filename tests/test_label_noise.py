"""Label noise, against the data as they are: how many labels, which samples, each class equally likely."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netc.compiler.meaning.spec_text import spec_text
from netc.dsl.diagnostics import SpecError
from netc.runtime import opening, program_file
from netc.runtime.data.told import told
from netc.runtime.session import Session

REST = """
network   [{inputs}(softmax){outputs}]
init      he_uniform
loss      cross_entropy
optimizer gd(eta = 0.1)
train     epochs = 1, batch = 16, seed = 1
"""


def opened(data: str, inputs: int = 64, outputs: int = 10) -> Session:
    text = data + REST.format(inputs=inputs, outputs=outputs)
    return opening.open_session(program_file.read_text(text, "<test>", Path()), {})


DIGITS = "data digits, split = 80%, validation = 25%, seed = 3"


@pytest.fixture(scope="module")
def clean():
    return opened(DIGITS).data


@pytest.mark.parametrize("share", [0.15, 1.0])
def test_a_share_of_the_training_labels_and_of_no_others(clean, share):
    session = opened(f"{DIGITS}, label_noise = {share}")
    data = session.data
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(data, part), getattr(clean, part))
    np.testing.assert_array_equal(data.x, clean.x)
    differ = np.flatnonzero(data.y[:, 0] != clean.y[:, 0])
    assert set(differ) <= set(clean.train)
    drawn = int(share * len(clean.train))
    # Nine of ten drawn labels are others; five deviations of the binomial law on either side.
    assert abs(len(differ) - 0.9 * drawn) < 5 * np.sqrt(0.09 * drawn)
    says = dict(told(data, session.spec.data, session.targets.classes))["label noise"]
    assert says == f"{drawn} of 1078 training labels drawn anew, {len(differ)} of them are others now"
    assert data.digest != clean.digest
    assert opened(f"{DIGITS}, label_noise = {share}").data.digest == data.digest
    other = opened(f"{DIGITS[:-1]}4, label_noise = {share}").data
    assert not np.array_equal(other.y, data.y)


def test_each_class_is_equally_likely_whatever_the_label_was(clean):
    data = opened(f"{DIGITS}, label_noise = 100%").data
    held = np.zeros((10, 10))
    np.add.at(held, (clean.codes[clean.train], data.codes[clean.train]), 1)
    expected = held.sum(1, keepdims=True) / 10
    # Chi-square of 90 degrees of freedom: 90 in the mean, deviation sqrt(180).
    assert abs(((held - expected) ** 2 / expected).sum() - 90) < 4 * np.sqrt(180)


def test_a_sample_gets_the_same_label_in_all_folds():
    folds = [opened(f"data digits, folds = 4, fold = {k}, label_noise = 50%").data for k in (1, 2)]
    clean = opened("data digits").data
    both = np.intersect1d(folds[0].train, folds[1].train)
    changed = [d.y[both, 0] != clean.y[both, 0] for d in folds]
    twice = changed[0] & changed[1]
    assert twice.sum() > 200
    np.testing.assert_array_equal(folds[0].y[both][twice], folds[1].y[both][twice])
    for d in folds:
        np.testing.assert_array_equal(d.y[d.validation], clean.y[d.validation])


def test_labels_of_text_and_the_spec_written_out():
    session = opened("data iris, each = 20, split = 60%, seed = 1, label_noise = 30%", 4, 3)
    clean = opened("data iris, each = 20, split = 60%, seed = 1", 4, 3).data
    differ = np.flatnonzero(session.data.codes != clean.codes)
    assert 0 < len(differ) <= 18
    assert set(differ) <= set(clean.train)
    again = opening.open_session(program_file.read_text(spec_text(session.spec), "<test>", Path()), {})
    assert again.data.digest == session.data.digest
    assert again.program == session.program
    nothing = opened("data iris, each = 20, split = 60%, seed = 1, label_noise = 0", 4, 3)
    assert nothing.data.digest == clean.digest


def test_two_classes_keep_their_codes():
    rows = "\n".join(f"    {i} -> {2 * (i % 2) - 1}" for i in range(40))
    data = opened(f"data inline, seed = 2, label_noise = 100%:\n{rows}", 1, 2).data
    clean = 2.0 * (np.arange(40) % 2) - 1
    assert set(data.y[:, 0]) == {-1.0, 1.0}
    assert 8 <= (data.y[:, 0] != clean).sum() <= 32


def test_numbers_have_no_labels():
    with pytest.raises(SpecError, match=r"E0655.*the target holds numbers"):
        opened("data boston, target = medv, label_noise = 10%", 13, 1)
