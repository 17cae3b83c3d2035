"""Results of many runs: what is written, what is kept when a run ends early, and what is refused beforehand."""

import io
import json
import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError, render
from netc.runtime.opening import open_session
from netc.runtime.program_file import read_file
from netc.runtime.results import capacity as room
from netc.runtime.results import parquet
from netc.runtime.results.tensor_file import Pieces, write_tensors

BAD = Path(__file__).with_name("bad_runs")
RUNS = """objective R(w, b) = (w + b)^2 + b^4
init      theta ~ uniform(-3, 3)
optimizer gd(eta = 0.05)
train     steps = 200, runs = 40, seed = 3, stop = norm(grad R) < 1e-2, diverged = norm(grad R) > 100
monitor   loss, every = 10
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs.net").write_text(RUNS)
    return tmp_path


def run(capsys, *arguments: str, status: int = 0) -> Path:
    assert main(["run", *arguments, "-q", "--json"]) == status
    return Path(json.loads(capsys.readouterr().out)["folder"])


def test_a_row_for_each_run(here, capsys):
    folder = run(capsys, "runs.net")
    table = pd.read_csv(folder / "runs.csv")
    result = netc.compile("runs.net").train()
    ends = load_file(folder / "theta.safetensors")
    assert table["run"].tolist() == list(range(40))
    assert table["outcome"].tolist() == result.outcome.tolist()
    assert {"converged", "diverged"} <= set(table["outcome"])
    for column, truth in [
        ("steps", result.steps), ("loss_train", result.loss_train), ("gradient_norm", result.gradient_norm),
        ("end_w", ends["w"]), ("end_b", ends["b"]), ("end_b", result.theta[:, 1]),
    ]:  # fmt: skip
        np.testing.assert_array_equal(table[column], truth)
    start = netc.compile("runs.net").train(steps=1, eta=0.0).theta
    np.testing.assert_array_equal(table[["start_w", "start_b"]], start)
    assert not (folder / "rows").exists()


def test_of_very_many_the_table_is_parquet(here, capsys, monkeypatch):
    as_text = pd.read_csv(run(capsys, "runs.net") / "runs.csv")
    monkeypatch.setattr("netc.runtime.results.table_of_runs.AS_TEXT", 10)
    monkeypatch.setattr("netc.runtime.results.table_of_runs.BLOCK", 16)
    folder = run(capsys, "runs.net")
    assert not (folder / "runs.csv").exists()
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "runs.parquet"), as_text)


def test_parquet_is_read_back_as_it_was():
    rng = np.random.default_rng(0)
    wide = {f"x{i}": rng.normal(size=300) for i in range(40)}
    wide["x3"][7], wide["x4"][8] = np.nan, -np.inf
    codes = rng.integers(0, 3, 300).astype(np.int8)
    columns = {"n": rng.integers(0, 2**60, 300), "half": rng.normal(size=300).astype(np.float32), **wide}
    columns["word"] = parquet.Texts(codes, ("so", "and so", "größer"))
    file = io.BytesIO()
    cut = [{name: _part(c, at) for name, c in columns.items()} for at in (slice(0, 130), slice(130, 300))]
    parquet.write(file, cut, "test")
    found = pd.read_parquet(file)
    for name, column in columns.items():
        expected = np.array(column.words)[column.codes] if isinstance(column, parquet.Texts) else column
        np.testing.assert_array_equal(found[name], expected)


def _part(column, at):
    return parquet.Texts(column.codes[at], column.words) if isinstance(column, parquet.Texts) else column[at]


def test_tensors_are_read_back_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr("netc.runtime.results.tensor_file.NUMBERS", 10)
    theta = np.random.default_rng(0).normal(size=(7, 9))
    tensors = {"a": Pieces(theta[:, 1:7], (7, 2, 3)), "b": Pieces(theta[:, 7:8], (7,)),
               "c": Pieces(np.float32([[1, 2]]), (2,))}  # fmt: skip
    with (tmp_path / "x.safetensors").open("wb") as file:
        write_tensors(file, tensors, {"about": "nothing"})
    found = load_file(tmp_path / "x.safetensors")
    np.testing.assert_array_equal(found["a"], theta[:, 1:7].reshape(7, 2, 3))
    np.testing.assert_array_equal(found["b"], theta[:, 7])
    assert found["c"].dtype == np.float32


def test_some_at_a_time_leave_the_same_folder(here, capsys, monkeypatch):
    whole = run(capsys, "runs.net")
    monkeypatch.setattr("netc.runtime.training.state.MOST", 7)
    parts = run(capsys, "runs.net")
    for name in ("runs.csv", "theta.safetensors", "history.csv"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    assert not list(parts.glob("checkpoint-*"))


@pytest.mark.parametrize("step", [0, 20])
def test_what_was_done_is_kept_and_gone_on_with(step, here, capsys, monkeypatch):
    from netc.progress import Quiet

    whole = run(capsys, "runs.net")
    monkeypatch.setattr("netc.runtime.training.state.MOST", 7)
    chunks = []

    def press(self, epoch, at, figures):
        chunks.append(at == 0)
        if sum(chunks) == 3 and at >= step:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Quiet, "reported", press)
        part = run(capsys, "runs.net", status=130)
    table = pd.read_csv(part / "runs.csv")
    assert len(table) == 21
    assert set(table["outcome"][:14]) <= {"converged", "diverged", "not converged"}
    assert "interrupted" in set(table["outcome"][14:])
    assert len(np.load(part / "rows" / "theta.npy")) == 40
    assert run(capsys, "--resume", str(part)) == part
    for name in ("runs.csv", "theta.safetensors", "history.csv"):
        assert (part / name).read_bytes() == (whole / name).read_bytes()
    assert not (part / "rows").exists()


def test_results_that_cannot_be_written_are_not_lost(here, capsys, monkeypatch):
    """A disk that is full at the end: what is there can be gone on with."""
    whole = run(capsys, "runs.net")
    monkeypatch.setattr("netc.runtime.training.state.MOST", 7)
    with monkeypatch.context() as patch:
        patch.setattr("netc.runtime.results.folder.write_tensors", _full)
        assert main(["run", "runs.net", "--json"]) == 130
    said = capsys.readouterr()
    assert "cannot be written: No space left" in said.err
    folder = json.loads(said.out)["folder"]
    assert f"netc run --resume {folder}" in said.err
    run(capsys, "--resume", folder)
    assert (Path(folder) / "theta.safetensors").read_bytes() == (whole / "theta.safetensors").read_bytes()


def test_results_without_room_are_written_elsewhere(here, capsys, monkeypatch):
    whole = run(capsys, "runs.net")
    tries = []

    def full_at_first(*arguments):
        tries.append(arguments)
        (_full if len(tries) == 1 else write_tensors)(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr("netc.runtime.results.folder.write_tensors", full_at_first)
        assert main(["run", "runs.net", "--json"]) == 0
    said = capsys.readouterr()
    place = Path(json.loads(said.out)["folder"])
    assert f"cannot be written: No space left on device; they are in {place}" in said.err
    assert not place.is_relative_to(here)
    for name in ("runs.csv", "theta.safetensors", "history.csv", "spec.net"):
        assert (place / name).read_bytes() == (whole / name).read_bytes()
    shutil.rmtree(place)


def _full(*arguments):
    raise OSError(28, "No space left on device")


def test_a_full_disk_costs_a_checkpoint_not_the_training(here, capsys, monkeypatch):
    monkeypatch.setattr("netc.runtime.training.train.BETWEEN_CHECKPOINTS", -1.0)
    monkeypatch.setattr("netc.runtime.results.folder.RunFolder.write_checkpoint", _full)
    assert main(["run", "runs.net"]) == 0
    assert capsys.readouterr().err.count("no checkpoint could be written") == 1


@pytest.mark.parametrize("path", sorted(BAD.glob("*.net")), ids=lambda path: path.stem)
def test_what_no_run_can_begin_with_is_said_before_anything_begins(path, monkeypatch, update_golden):
    sizes = {what: float(size) for size, what in re.findall(r"([\d.]+) GB of (\w+)", path.read_text())}
    monkeypatch.setattr(room, "free_memory", lambda: sizes["memory"] * 1e9)
    monkeypatch.setattr(room, "free_disk", lambda folder: sizes["disk"] * 1e9)
    folder = Path() if "no folder" not in path.read_text() else None
    with pytest.raises(SpecError) as refused:
        open_session(read_file(path, path.name), {}).require_room(folder)
    said, pinned = render(refused.value.diagnostics) + "\n", path.with_suffix(".out")
    if update_golden:
        pinned.write_text(said, encoding="utf-8")
    assert said == pinned.read_text(encoding="utf-8")


def test_refused_runs_leave_no_folder(here, capsys, monkeypatch):
    monkeypatch.setattr(room, "free_memory", lambda: 1000)
    assert main(["run", "runs.net"]) == 1
    assert "E0516" in capsys.readouterr().err
    assert not Path("runs").exists()
    with pytest.raises(SpecError, match="E0516"):
        netc.compile("runs.net").train()
