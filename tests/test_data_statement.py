"""From the text of a `data` statement to arrays, as `netc run` goes: parse, check, load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netc.compiler.check.program import check, data_spec
from netc.compiler.meaning.spec_text import spec_program, spec_text
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.errors import DataError
from netc.runtime.data.load import load
from netc.runtime.data.scaling import Scaler


def read(text: str, folder: Path) -> Dataset:
    return load(data_spec(parse(Source(str(folder / "a.net"), text)), folder))


def test_the_lead_example(tmp_path: Path) -> None:
    data = read("data boston, target = medv, scale = zscore, split = 80%, seed = 1", tmp_path)
    assert (data.x.shape, len(data.train), len(data.test)) == ((506, 13), 404, 102)


def test_files_beside_the_net_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b c,price\n1,2,3\n4,5,6\n")
    data = read('data "t.csv", target = a, inputs = (price, "b c"), limit = 1', tmp_path)
    assert (data.x.tolist(), data.y.tolist()) == ([[3, 2]], [[1]])
    np.save(tmp_path / "x.npy", [[1.0], [2.0]])
    np.save(tmp_path / "y.npy", [5.0, 7.5])
    assert read('data "x.npy", "y.npy"', tmp_path).y.tolist() == [[5], [7.5]]


def test_written_and_generated(tmp_path: Path) -> None:
    inline = read("data inline:\n    1, 0 -> 1\n    0, 0 -> 0\n", tmp_path)
    assert (inline.x.tolist(), inline.y.tolist()) == ([[1, 0], [0, 0]], [[1], [0]])
    grid = read("data x in linspace(-1, 1, 5) -> x^2", tmp_path)
    np.testing.assert_allclose(grid.y[:, 0], [1, 0.25, 0, 0.25, 1])


def test_scale_by_a_number(tmp_path: Path) -> None:
    spec = data_spec(parse(Source("a.net", "data digits, scale = 1/16")), tmp_path)
    assert (spec.scale, spec.scale_target) == ("none", "none")
    data = load(spec)
    np.testing.assert_array_equal(Scaler.fit(data.x, spec.scale, spec.factor).apply(data.x), data.x / 16)
    with pytest.raises(SpecError, match="E0503"):
        data_spec(parse(Source("a.net", "data digits, scale = 0")), tmp_path)
    with pytest.raises(SpecError, match="zscore"):
        data_spec(parse(Source("a.net", "data digits, scale = zscor")), tmp_path)


def test_carets_stand_under_the_setting(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read("data boston, target = medw", tmp_path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span.text == "medw"
    assert diagnostic.hints == ("did you mean 'medv'?",)


STATEMENTS = [
    "boston, target = log(medv), scale = zscore, split = 80%, seed = 3",
    "boston, target = (medv/rm, log(1 + crim)), scale_target = minmax",
    "boston, target = inputs, scale = minmax",
    '"t.csv", header = true, separator = tab, decimal = comma, missing = drop',
    '"t.csv", header = false, separator = ";", classes = 3, split = 10, stratify = true, inputs = ("a b", c)',
    '"t.csv", target = 1992, missing = mean, limit = 7',
    "given, scale = 1/255, classes = 10, missing = mean",
    "x in linspace(-1, 1, 9) -> x^2 + normal(0, 0.05*x^2), seed = 7",
    "t in linspace(0, 9, 9) -> uniform(-1, 1), inputs = (t*cos(t), t*sin(t) + normal(0, 1))",
]
LOSSES = ["half_mse", "R = mean((u - y)^2), targets = 0..inf", "R = mean((u - y)^2), targets = {-1, 1}",
          "binary_cross_entropy", "R = -sum(y*log(u)), targets = distribution"]  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_spec_says_the_same(statement: str) -> None:
    """Written out and read again, also a second time."""
    rest = "network [1(sigmoid)1]\ninit zeros\nloss half_mse\noptimizer gd\ntrain steps = 1\n"
    once = check(parse(Source("a.net", f"data {statement}\n{rest}")), None, Path())
    text = spec_text(once)
    again = check(parse(Source("spec.net", text)), None, Path())
    assert again.data == once.data
    assert spec_text(again) == text


SAID = {
    "": "",
    "split = 80%": "",
    "split = 80%, order = time": "order",
    "split = 80%, order = drawn": "",
    "window = 5": "window",
    "split = 80%, order = time, window = 5": "window",
    "split = 80%, validation = 10%": "validation",
    'split = 80%, validation = "v.csv"': "validation",
    "split = 80%, folds = 5, fold = 2": "folds fold",
    "classes = 2, only = {a, b}, each = 3, label_noise = 10%": "classes only each label_noise",
    "limit = 7": "limit",
    "split = 80%, classes = 2, stratify = true": "classes stratify",
    "header = false": "header",
    "separator = tab, decimal = comma": "separator decimal",
    "decimal = point": "",
    "inputs = a, target = b": "target inputs",
    "target = log(b)": "target",
    "target = inputs": "target",
    "weights = w": "weights",
}
"""Settings of a table, and which of them the spec writes beside those that every table has."""


@pytest.mark.parametrize("settings", SAID)
def test_the_spec_writes_what_is_not_so_by_itself(settings: str) -> None:
    rest = "network [1(sigmoid)1]\ninit zeros\noptimizer gd\ntrain steps = 1\n"
    loss = f"loss half_mse{', divide = weights' if 'weights' in settings else ''}\n"
    data = ", ".join(filter(None, ('data "t.csv"', settings)))
    once = check(parse(Source("a.net", f"{data}\n{loss}{rest}")), None, Path())
    (written,) = [s for s in spec_program(once).statements if isinstance(s, ast.Data)]
    every = ("scale", "scale_target", "split", "seed", "missing")
    names = [s.name for s in written.settings]
    assert [n for n in names if n in every] == list(every)
    assert " ".join(n for n in names if n not in every) == SAID[settings]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_spec_says_which_targets(loss: str) -> None:
    rest = "data given\nnetwork [1(sigmoid)1]\ninit zeros\noptimizer gd\ntrain steps = 1\n"
    if "distribution" in loss:
        rest = rest.replace("(sigmoid)1", "(softmax)2")
    once = check(parse(Source("a.net", f"loss {loss}\n{rest}")), None, Path())
    again = check(parse(Source("spec.net", spec_text(once))), None, Path())
    assert once.loss is not None
    assert again.loss is not None
    assert again.loss.targets == once.loss.targets


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("stratify = true", "parts of a split"),
        ("target = lgo(medv)", "no function 'lgo'"),
        ("missing = dropp", "missing = dropp"),
        ("separator = 5", "separator = 5"),
        ('separator = "x"', "comma, semicolon"),
        ("decimal = dot", "decimal = dot"),
        ("target = log(3)", "name of a column"),
    ],
)
def test_settings_that_say_nothing(settings: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        data_spec(parse(Source("a.net", f"data boston, {settings}")), Path())
