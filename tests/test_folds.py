"""Folds: each sample validates once; points are the trainings that scikit-learn's KFold would give, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import netc
from netc.command_line import main
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
