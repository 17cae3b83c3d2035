"""Inputs of generated data have the names that the file gives them, and tables for predictions are read by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError

TEXT = """data (height, width) in grid(0..1, 0..2, points = 4) -> height - 3*width
network [2(lin)1]
loss mse
init zeros
optimizer gd(eta = 0.2)
train steps = 1000
"""
OF_A_POINT = "data t in linspace(0, 1, 5) -> t^2, inputs = (cos(t), t)"


@pytest.fixture(scope="module")
def model() -> netc.Model:
    found = netc.compile(TEXT)
    found.train()
    return found


def test_they_stand_in_the_summary(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "a.net"
    for data, words in (
        (TEXT.splitlines()[0], "height 0 to 1, width 0 to 2"),
        (OF_A_POINT, "cos(t) 0.5403 to 1, t 0 to 1"),
    ):
        file.write_text(TEXT.replace(TEXT.splitlines()[0], data))
        assert main(["data", "show", str(file)]) == 0
        assert f"inputs    2: {words}" in capsys.readouterr().out


def test_a_frame_is_read_by_them(model: netc.Model) -> None:
    """The law is linear and found by descent: the columns are those of their names, in whatever order they come."""
    pandas = pytest.importorskip("pandas")
    given = np.array([[1.0, 0.5], [0.25, 2.0]])
    frame = pandas.DataFrame({"width": given[:, 1], "height": given[:, 0]})
    np.testing.assert_allclose(model.predict(given)[:, 0], given @ [1.0, -3.0], atol=1e-3)
    np.testing.assert_array_equal(model.predict(frame), model.predict(given))
    with pytest.raises(ValueError, match="no column 'height'"):
        model.predict(frame.rename(columns={"height": "depth"}))


def test_a_table_is_read_by_them(
    model: netc.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("width,height\n0.5,1\n2,0.25\n")
    model.save(tmp_path / "m.safetensors")
    assert main(["predict", str(tmp_path / "m.safetensors"), str(tmp_path / "t.csv")]) == 0
    found = [float(line.rsplit(",", 1)[-1]) for line in capsys.readouterr().out.splitlines()[1:]]
    np.testing.assert_allclose(found, [1 - 1.5, 0.25 - 6], atol=1e-3)


def test_formulas_are_no_names_of_columns() -> None:
    model = netc.compile(TEXT.replace(TEXT.splitlines()[0], OF_A_POINT))
    model.train()
    pandas = pytest.importorskip("pandas")
    given = np.array([[1.0, 0.5], [0.25, 2.0]])
    np.testing.assert_array_equal(
        model.predict(pandas.DataFrame(given, columns=["a", "b"])), model.predict(given)
    )


def test_a_name_stands_for_one_number() -> None:
    with pytest.raises(SpecError, match="'width' stands for two numbers of a point"):
        netc.compile(TEXT.replace("(height, width)", "(width, width)"))
