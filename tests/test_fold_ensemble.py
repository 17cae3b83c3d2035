"""Folds that answer together, against NumPy on what each of them predicts: raw units, though each fold scales by itself."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score

import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError

NUMBERS = """
data      x in linspace(-1, 1, 60) -> 100 + 50*sin(3*x) + normal(0, 5), split = 70%, folds = 3, scale = zscore, seed = 4
network   [1(tanh)4(lin)1]
init      glorot_uniform
loss      half_mse
optimizer gd(eta = 0.3)
train     epochs = 20, batch = 8, seed = 3, runs = 2
ensemble  folds
expect    median(mse(test, ensemble)) > 0
expect    min(r2(test, ensemble)) < 1
"""
CLASSES = """
data      iris, scale = zscore, split = 60%, folds = 4, stratify = true, seed = 2
network   [4(tanh)3(softmax)3]
init      glorot_uniform
loss      cross_entropy
optimizer gd(eta = 0.5)
train     epochs = 2, batch = 16, seed = 1
"""


@pytest.mark.slow
def test_numbers_are_averaged_in_the_units_of_the_target(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("f.net").write_text(NUMBERS)
    assert main(["run", "f.net", "-q"]) == 0
    (folder,) = Path("runs").iterdir()
    data = netc.compile(NUMBERS)._session.data
    x, y = data.x[data.test], data.y[data.test, 0]
    folds = [folder / "points" / f"{k:05}" for k in (1, 2, 3)]
    scalers = [netc.load(fold)._session.targets.scaler for fold in folds]
    assert len({s.shift[0] for s in scalers}) == 3
    each = [[netc.load(fold, run).predict(x)[:, 0] for fold in folds] for run in (0, 1)]
    means = [np.mean(one, axis=0) for one in each]
    mse, r2 = [np.mean((m - y) ** 2) for m in means], [r2_score(y, m) for m in means]
    summary = json.loads((folder / "summary.json").read_text())
    row = summary["table"][0]
    np.testing.assert_allclose(row["mse(test, ensemble)"]["median"], np.median(mse), rtol=1e-9)
    np.testing.assert_allclose(row["r2(test, ensemble)"]["median"], np.median(r2), rtol=1e-9)
    values = [claim["value"] for claim in summary["expect"]]
    np.testing.assert_allclose(values, [np.median(mse), min(r2)], rtol=1e-9)
    assert "ensemble of the folds" in capsys.readouterr().out
    np.testing.assert_allclose(
        netc.load(folder, 1, ensemble=True).predict(x, ensemble=True)[:, 0], means[1], rtol=1e-12
    )
    Path("new.csv").write_text("x\n" + "\n".join(map(repr, x[:, 0].tolist())))
    capsys.readouterr()
    assert main(["predict", str(folder), "new.csv", "--ensemble"]) == 0
    told = capsys.readouterr().out.split()[1:]
    np.testing.assert_allclose([float(row) for row in told], means[0], rtol=1e-12)
    assert main(["predict", str(folds[0]), "new.csv", "--ensemble"]) == 2
    assert "the file has no 'ensemble'" in capsys.readouterr().err
    assert main(["run", "--resume", str(folder), "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["table"] == summary["table"]


def test_the_model_predicts_with_all_folds():
    model = netc.compile(NUMBERS)
    found = model.sweep()
    data = model._session.data
    x, y = data.x[data.test], data.y[data.test, 0]
    answer = model.predict(x, ensemble=True)
    assert answer.shape == (18, 1)
    first = found.ensembles[1]["mse(test, ensemble)"][0]
    np.testing.assert_allclose(np.mean((answer[:, 0] - y) ** 2), first, rtol=1e-9)
    one = pickle.loads(pickle.dumps(model))
    with pytest.raises(ValueError, match="no 'ensemble'"):
        one.predict(x, ensemble=True)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["mean", "vote"])
def test_classes_at_each_point_and_seed(by):
    """Two rates and two seeds: four ensembles of four folds."""
    text = CLASSES + f"ensemble folds, by = {by}\nsweep eta in {{0.5, 0.1}}, seed in {{1, 2}}\n"
    claim = "expect best(median(accuracy(test, ensemble))) > 0\nexpect median(accuracy(test, ensemble)) over eta > 0\n"
    model = netc.compile(text + claim)
    found = model.sweep()
    data = model._session.data
    x, codes = data.x[data.test], data.codes[data.test]
    expected = {}
    for point in found.points:
        eta, seed, fold = (v.value for v in point.values)
        one = netc.compile(CLASSES.replace("folds = 4", f"folds = 4, fold = {fold:g}"))
        one.train(eta=eta, seed=seed)
        expected.setdefault((eta, seed), []).append(one.predict(x))
    assert len(found.ensembles) == 4
    for point in found.points:
        if point.number not in found.ensembles:
            continue
        figures = found.ensembles[point.number]
        outputs = np.stack(expected[point.values[0].value, point.values[1].value])
        mean = outputs.mean(axis=0)
        if by == "mean":
            answer = mean
            loss = -np.log(mean[np.arange(len(codes)), codes]).mean()
            np.testing.assert_allclose(figures["loss(test, ensemble)"], loss, rtol=1e-9)
        else:
            votes = np.stack([(outputs.argmax(2) == k).sum(0) for k in range(3)], axis=1)
            answer = votes + mean / 100  # where votes are equal the mean decides
            assert [*figures] == ["accuracy(test, ensemble)"]
        assert figures["accuracy(test, ensemble)"][0] == np.mean(answer.argmax(1) == codes)
    assert found.expect[0].holds
    assert len(found.expect[1].value) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CLASSES.replace("split = 60%, ", "") + "ensemble folds\n", "E0477.*there is no test part"),
        (CLASSES.replace("folds = 4, ", "") + "ensemble folds\n", "E0477.*trains no folds"),
        (CLASSES.replace("folds = 4", "folds = 4, fold = 2") + "ensemble folds\n", "E0477.*trains no folds"),
        (
            CLASSES.replace("folds = 4, ", "")
            + "sweep eta in {0.1, 1}, figure = loss(train)\nensemble folds\n",
            "E0477.*trains no folds",
        ),
        (CLASSES + "ensemble folds\nsweep eta ~ uniform(0, 1), trials = 3\n", "E0477.*drawn"),
        (CLASSES + "ensemble folds\nensemble folds\n", "E0505.*stands twice"),
        (NUMBERS.replace("ensemble  folds", "ensemble folds, by = vote"), "E0452.*votes are for classes"),
        (
            CLASSES + "ensemble folds\nsweep eta in {0.1, 1}\nexpect accuracy(test, ensemble) > 0\n",
            "E0445.*best",
        ),
        (CLASSES + "ensemble folds\nexpect accuracy(validation, ensemble) > 0\n", "E0702|E0445"),
        (CLASSES + "ensemble folds\nexpect mse(test, ensemble) > 0\n", "E0702|E0445"),
        (CLASSES + "expect accuracy(test, ensemble) > 0\n", "E0702|E0445"),
    ],
)
def test_what_cannot_be_is_said(text, said):
    with pytest.raises(SpecError, match=f"(?s){said}"):
        netc.compile(text)
