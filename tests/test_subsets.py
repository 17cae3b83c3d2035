"""Subsets of classes and so many of each, against the whole set chosen by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.meaning.spec_text import spec_text
from netc.dsl.diagnostics import SpecError
from netc.runtime import opening, program_file
from netc.runtime.session import Session

REST = """
network   [64(relu)4(softmax){outputs}]
init      he_uniform
loss      cross_entropy
optimizer gd(eta = 0.1)
train     epochs = 1, batch = 16, seed = 1
"""


def opened(data: str, outputs: int) -> Session:
    return opening.open_session(
        program_file.read_text(data + REST.format(outputs=outputs), "<test>", Path()), {}
    )


@pytest.fixture(scope="module")
def whole():
    return opened("data digits, scale = minmax, split = 80%, seed = 3", 10).data


def test_only_some_classes_renumbered(whole):
    found = opened("data digits, scale = minmax, only = {8, 3}, split = 80%, seed = 3", 2)
    rows = np.isin(whole.y[:, 0], [3, 8])
    np.testing.assert_array_equal(found.data.x, whole.x[rows])
    assert found.data.labels == ("3", "8")
    np.testing.assert_array_equal(found.data.codes, whole.y[rows, 0] == 8)
    assert found.targets.classes == (3, 8)
    assert len(found.data.train) == int(0.8 * rows.sum())


def test_the_outputs_stay_where_the_file_says_how_many_classes():
    found = opened("data digits, scale = minmax, classes = 10, only = {3, 8}, split = 80%, seed = 3", 10)
    assert set(found.data.codes.tolist()) == {3, 8}
    assert len(found.targets.classes) == 10


def test_so_many_of_each(whole):
    found = opened("data digits, scale = minmax, each = 7, split = 80%, seed = 3", 10).data
    assert np.bincount(found.codes[found.train]).tolist() == [7] * 10
    assert set(found.train) <= set(whole.train)
    np.testing.assert_array_equal(found.test, whole.test)
    more = opened("data digits, scale = minmax, each = 9, split = 80%, seed = 3", 10).data
    assert set(found.train) < set(more.train)


def test_text_labels_and_the_spec_written_out():
    text = 'data iris, only = {setosa, "virginica"}, each = 10, split = 60%, seed = 1\n' + REST.format(
        outputs=2
    )
    session = opening.open_session(program_file.read_text(text.replace("[64", "[4"), "<test>", Path()), {})
    assert session.data.labels == ("setosa", "virginica")
    assert len(session.data.train) == 20
    again = opening.open_session(program_file.read_text(spec_text(session.spec), "<test>", Path()), {})
    np.testing.assert_array_equal(again.data.x, session.data.x)
    assert again.program == session.program


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("data digits, only = {3, 12}", "no sample has the class '12'"),
        ("data digits, each = 500", "but class '0' has 178 training samples"),
        ("data boston, target = medv, each = 5", "the target holds numbers"),
    ],
)
def test_what_is_not_there_is_said(data, said):
    with pytest.raises(SpecError, match=f"E0633.*{said}"):
        opened(data, 10)


@pytest.mark.sweep
def test_phases_of_a_steamroller_hand_on():
    """Few samples of two classes, all of two, all of all: one network."""
    text = "data digits, scale = minmax, classes = 10, split = 80%, seed = 3" + REST.format(outputs=10)
    text += "phase few: only = {3, 8}, each = 10\nphase two: only = {3, 8}, restart = true\nphase all: restart = true\n"
    found = netc.compile(text).train()
    assert [len(s.data.train) for s in netc.compile(text)._session.phases] == [20, 285, 1437]
    assert [end.name for end in found.phases] == ["few", "two", "all"]
