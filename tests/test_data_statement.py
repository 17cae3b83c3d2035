"""From the text of a `data` statement to arrays, as `netc run` goes: parse, check, load."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netc.compiler.check.program import data_spec
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime.data.dataset import Dataset, load
from netc.runtime.data.errors import DataError
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
