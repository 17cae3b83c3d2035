"""Folds: each sample validates once; points are the trainings that scikit-learn's KFold would give, by hand."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError
from netc.runtime import opening, program_file
from netc.runtime.session import Session
from netc.runtime.sweep import points_of, session_at

IRIS = """
data      iris, scale = zscore, split = 80%, folds = 4, stratify = true, seed = 2
network   [4(tanh)3(softmax)3]
init      glorot_uniform
loss      cross_entropy
optimizer gd(eta = 0.5)
train     epochs = 2, batch = 16, seed = 1
"""


def sessions_of(text: str) -> list[Session]:
    whole = opening.open_session(program_file.read_text(text, "<test>", Path()), {})
    return [session_at(whole, values, {}) for values in points_of(whole.spec.sweep)]


def test_every_training_sample_validates_once():
    data = [s.data for s in sessions_of(IRIS)]
    held = np.concatenate([d.validation for d in data])
    assert len(data) == 4
    for d in data:
        np.testing.assert_array_equal(d.test, data[0].test)
        assert not set(d.train) & set(d.validation)
        np.testing.assert_array_equal(np.sort(np.append(d.train, d.validation)), np.sort(held))
        counts = np.bincount(d.codes[d.validation], minlength=3)
        assert counts.max() - counts.min() <= 1
    sizes = [len(d.validation) for d in data]
    assert max(sizes) - min(sizes) <= 1
    assert len(set(held)) == len(held) == 120
    plain = IRIS.replace(", stratify = true", "")
    assert sorted(len(s.data.validation) for s in sessions_of(plain.replace("folds = 4", "folds = 7"))) == [
        17
    ] * 6 + [18]


RARE = """
data inline:
    0, 1 -> 0
    1, 0 -> 0
    1, 1 -> 0
    2, 1 -> 1
    2, 2 -> 1
    3, 1 -> 1
    1, 3 -> 0
    folds = 3
    split = SPLIT
    seed  = SEED
network   [2(sigmoid)1]
init      zeros
loss      binary_cross_entropy
optimizer gd(eta = 0.1)
train     epochs = 1
"""


def test_a_class_that_a_fold_lacks_is_found_before_the_first_fold():
    """The whole file is refused where one of its folds, read alone, is."""
    refused = []
    for seed, split in product(range(6), ("100%", "6")):
        text = RARE.replace("SEED", str(seed)).replace("SPLIT", split)
        alone = [_refused(text.replace("folds = 3", f"folds = 3\n    fold = {k}")) for k in (1, 2, 3)]
        assert _refused(text) == next((said for said in alone if said), "")
        refused.append(_refused(text))
    assert any("in fold 2" in said or "in fold 3" in said for said in refused)
    assert "" in refused


def _refused(text: str) -> str:
    try:
        opening.open_session(program_file.read_text(text, "<test>", Path()), {})
    except SpecError as error:
        return error.diagnostics[0].message
    return ""


def test_a_fold_is_the_training_with_that_part():
    """As one training with the fold's samples given as a validation part; scaled by the others alone."""
    model = netc.compile(IRIS + "sweep eta in {0.5, 0.1}\n")
    found = model.sweep()
    assert (len(found.points), len(found.rows)) == (8, 2)
    data = sessions_of(IRIS)[2].data
    alone = IRIS.replace("iris", "given").replace(
        "split = 80%, folds = 4, stratify = true, seed = 2", "classes = 3"
    )
    x, y = data.x, data.codes
    single = netc.compile(alone).train(
        x[data.train], y[data.train], validation_data=(x[data.validation], y[data.validation])
    )
    point = next(
        r for p, r in zip(found.points, found.results, strict=True) if [v.value for v in p.values] == [0.5, 3]
    )
    np.testing.assert_array_equal(point.theta, single.theta)
    assert point.accuracy_validation == single.accuracy_validation
    row = next(r for r in found.table if r["eta"] == 0.5)
    values = [
        r.loss_validation[0]
        for p, r in zip(found.points, found.results, strict=True)
        if p.values[0].value == 0.5
    ]
    assert row["loss(validation)"]["median"] == np.median(values)


def test_folds_alone_have_a_table_with_their_mean(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = IRIS + "expect best(mean(loss(validation))) < 2\nexpect accuracy(validation) over fold > 0\n"
    Path("f.net").write_text(text)
    assert main(["run", "f.net", "-q"]) == 0
    told = capsys.readouterr().out
    found = netc.compile(text).sweep()
    losses = [r.loss_validation[0] for r in found.results]
    assert found.expect[0].value == np.mean(losses)
    lines = [line.split() for line in told.splitlines() if line.strip().startswith(("1 ", "mean"))]
    assert float(lines[0][1]) == float(f"{losses[0]:.4g}")
    assert float(lines[1][1]) == float(f"{np.mean(losses):.4g}")
