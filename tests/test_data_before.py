"""`netc data show`: classes in parts, samples that stand twice, a batch; and the pace of a training."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netc import progress
from netc.command_line import main

TABLE = """a,b,kind
1,2,x
1,2,x
3,4,y
5,6,x
1,2,y
5,6,x
7,-0.0,y
7,0,y
9,9,x
"""
FILE = """data      "t.csv", target = kind, split = 5, seed = {seed}
network   [2(tanh)3(softmax)2]
init      glorot_uniform
loss      cross_entropy
optimizer gd(eta = 0.1)
train     epochs = 1, batch = 2, seed = 3
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "t.net").write_text(FILE.format(seed=1))
    return tmp_path


def test_what_is_said_is_what_a_loop_counts(here, capsys):
    from netc.runtime.opening import open_session
    from netc.runtime.program_file import read_file

    data = open_session(read_file(here / "t.net"), {}).data
    assert data is not None
    x, parts = data.x.tolist(), {"train": data.train.tolist(), "test": data.test.tolist()}
    inside = {
        name: sum(x[i] in [x[j] for j in rows[:at]] for at, i in enumerate(rows))
        for name, rows in parts.items()
    }
    both = sum(x[i] in [x[j] for j in parts["train"]] for i in parts["test"])
    assert (inside["train"], both) > (0, 0)
    assert main(["data", "show", "t.net", "--batch"]) == 0
    said = capsys.readouterr().out
    assert f"{inside['train']} training sample" in said
    assert f"{both} test sample" in said
    assert ("of which another one has the inputs" in said) == bool(sum(inside.values()))
    assert "1 row of inputs with several targets" in said  # (1, 2) is x and y
    assert "network   17 parameters" in said
    held = [[sum(data.codes[i] == k for i in rows) for rows in parts.values()] for k in (0, 1)]
    for label, counts in zip("xy", held, strict=True):
        (line,) = (line for line in said.splitlines() if line.startswith(f"{label} "))
        assert [int(cell.split("(")[0]) for cell in line[1:].replace("%)", "").split("  ") if cell] == counts
    assert "batch of 2" in said
    rows = [int(line.split()[1]) for line in said.splitlines() if line.startswith("sample ")]
    assert len(rows) == 2
    assert {*rows} <= {*parts["train"]}
    assert main(["data", "show", "t.net", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] == 17
    assert "with several targets" in found["twice"]


def test_nothing_is_said_of_what_is_not_there(here, capsys):
    (here / "t.csv").write_text("a,b,kind\n" + "".join(f"{i},{-i},{'xy'[i % 2]}\n" for i in range(9)))
    assert main(["data", "show", "t.net"]) == 0
    said = capsys.readouterr().out
    assert "twice" not in said
    assert "batch" not in said


@pytest.mark.parametrize("size", [1.0, 1e300, 1e-300, 1.5e308])
def test_what_is_said_of_a_column_has_its_size(size, here, capsys):
    """The squares of these numbers are none, or 0."""
    (here / "t.csv").write_text(f"a,b\n{size!r},1\n{-size!r},2\n{size!r},3\n{-size!r},4\n")
    assert main(["data", "show", "t.csv"]) == 0
    said = capsys.readouterr()
    row = next(line for line in said.out.splitlines() if line.startswith("input "))
    assert row.split()[-2:] == ["0", f"{size:.4g}"]
    assert said.err == ""


@pytest.mark.parametrize("file", ["t.csv", "t.net"])
def test_what_is_wrong_with_the_data_is_all_that_is_said(file, here, capsys):
    (here / "t.csv").write_text("a,b\n1,2\n3\n")
    (here / "t.net").write_text('data "t.csv"\nnetwork [1(sorcery)1]\n')
    assert main(["data", "show", file]) == 3
    said = capsys.readouterr().err
    assert said.count("error[") == 1
    assert "E0608" in said


def test_a_batch_of_images_is_a_picture(here, capsys):
    pytest.importorskip("matplotlib")
    import matplotlib.image

    text = (
        FILE.format(seed=1)
        .replace('"t.csv", target = kind, split = 5', "digits, limit = 90")
        .replace("[2(", "[64(")
    )
    (here / "d.net").write_text(
        text.replace("(softmax)2]", "(softmax)10]").replace("batch = 2", "batch = 70")
    )
    assert main(["data", "show", "d.net", "--picture", "d.png"]) == 0
    image = matplotlib.image.imread("d.png")
    assert image.shape[0] > 300
    assert np.ptp(image) > 0.9
    assert main(["data", "show", "t.net", "--picture", "t.png"]) == 2
    assert "the inputs are no images; --batch lists" in capsys.readouterr().err
    assert main(["data", "show", "d.net", "--picture", "d.txt"]) == 2


def test_the_pace_is_that_of_the_steps_between_reports(monkeypatch):
    now = iter([100.0, 103.0, 104.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    pace = progress.Pace()
    assert [pace.told(step) for step in (10, 16, 18)] == [
        "",
        "  500 ms a step",
        "  500 ms a step",
    ]
