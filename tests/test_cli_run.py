"""`netc run`: exit statuses, JSON, the run's folder, interruption and resuming."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netc.command_line import main

QUADRATIC = """objective R(x, y) = x^2 + 3*y^2
init      theta = (2, 2)
optimizer gd(eta = 0.1)
train     steps = 10
expect    theta = (2*0.8^10, 2*0.4^10) within 1e-12
"""
LINE = """data x in linspace(-1, 1, 20) -> 3*x - 1
network   [1(tanh)3(lin)1]
init      glorot_uniform
loss      half_mse
optimizer momentum.heavy_ball(eta = 0.01, alpha = 0.9)
train     epochs = 40, batch = 6, seed = 2
monitor   loss, every = 10
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quadratic.net").write_text(QUADRATIC)
    Path("line.net").write_text(LINE)
    return tmp_path


def test_a_run_says_what_came_out(here, capsys):
    assert main(["run", "quadratic.net"]) == 0
    said = capsys.readouterr()
    assert "theta = (0.2147, 0.0002097)" in said.out
    assert "expect" not in said.out
    assert "2*0.8^10" in said.out
    assert "compiled in" in said.err
    assert main(["run", "quadratic.net", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.sweep
def test_who_waits_is_told_what_is_compiled_and_how_long_it_took_last_time(here, tmp_path):
    command = [sys.executable, "-m", "netc", "run", "quadratic.net", "--out", "runs"]
    environment = {**os.environ, "NETC_CACHE": str(tmp_path / "cache")}

    def said():
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return done.stderr.splitlines()[0]

    assert said() == "compiling shared functions, loss and gradient, rule; the next run has it in the cache"
    assert said().startswith("compiled in")
    Path("quadratic.net").write_text(
        QUADRATIC.replace("gd(eta", "momentum.heavy_ball(eta").replace("2*0.8^10", "9")
    )
    subprocess.run(command, env=environment, capture_output=True)
    assert json.loads((tmp_path / "cache/compile_times.json").read_text()).keys() == {
        "shared functions, loss and gradient, rule",
        "rule",
    }
    Path("quadratic.net").write_text(QUADRATIC.replace("gd(eta", "momentum.ema(eta").replace("2*0.8^10", "9"))
    assert subprocess.run(command, env=environment, capture_output=True, text=True).stderr.startswith(
        "compiling rule, last time "
    )


def test_json_is_one_object_with_the_promised_keys(here, capsys):
    assert main(["run", "quadratic.net", "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["theta"] == pytest.approx([2 * 0.8**10, 2 * 0.4**10], rel=1e-14)
    assert found["file"] == "quadratic.net"
    assert (found["steps"], found["stopped"], found["runs"], found["parameters"]) == (10, "steps", 1, 2)
    assert found["evaluations"]["gradient"] == 10
    assert found["seconds"].keys() == {"compile", "train"}
    assert found["loss"].keys() == {"train"}
    assert (found["target"], found["precision"], found["diverged"]) == ("cpu", "f64", 0.0)
    assert found["expect"][0]["holds"] is True
    assert "accuracy" not in found
    assert json.loads((Path(found["folder"]) / "summary.json").read_text()) == found


def test_several_runs_give_statistics(here, capsys):
    assert main(["run", "line.net", "--runs", "4", "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["loss"]["train"].keys() == {"median", "min", "max", "quartiles"}
    assert found["stopped"] == ["epochs"] * 4
    assert np.shape(found["theta"]) == (4, 10)
    low, high = found["loss"]["train"]["quartiles"]
    assert found["loss"]["train"]["min"] <= low <= found["loss"]["train"]["median"] <= high


def test_options_change_the_file(here, capsys):
    assert (
        main(["run", "line.net", "--seed", "5", "--epochs", "3", "--precision", "f32", "--json", "-q"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["seed"], found["epochs"], found["precision"]) == (5, 3.0, "f32")
    arguments = ["run", "quadratic.net", "--set", "eta=0.05", "--set", "steps=1", "--json", "-q"]
    assert main(arguments) == 5, "the expectation is about other settings"
    assert json.loads(capsys.readouterr().out)["theta"] == pytest.approx([1.8, 1.4])


@pytest.mark.parametrize(
    ("text", "arguments", "status"),
    [
        (QUADRATIC, [], 0),
        (QUADRATIC.replace("gd(eta", "gd(etta"), [], 1),
        (QUADRATIC, ["--set", "eta"], 2),
        (QUADRATIC, ["--runs", "0"], 2),
        (QUADRATIC, ["--seed", str(2**60)], 1),
        (QUADRATIC.replace("theta = (2, 2)", "theta ~ uniform(1, 2)"), ["--runs", str(10**14)], 1),
        (LINE.replace("x in linspace(-1, 1, 20) -> 3*x - 1", '"nowhere.csv", target = y'), [], 3),
        (QUADRATIC.replace("eta = 0.1", "eta = 1e9").replace("steps = 10", "steps = 99"), [], 4),
        (QUADRATIC.replace("10, 2*0.4", "11, 2*0.4"), [], 5),
    ],
)
def test_exit_statuses(text, arguments, status, here, capsys):
    Path("file.net").write_text(text)
    assert main(["run", "file.net", "-q", *arguments]) == status
    said = capsys.readouterr()
    assert (said.err != "") == (status in (1, 2, 3))
    assert "Traceback" not in said.err


def test_a_run_that_went_to_infinity_has_a_summary(here, capsys):
    Path("file.net").write_text(QUADRATIC.replace("eta = 0.1", "eta = 1e308").replace("= 10", "= 99"))
    assert main(["run", "file.net", "-q"]) == 4
    assert "not finite" in capsys.readouterr().out


def test_a_diverged_run_is_valid_json(here, capsys):
    Path("file.net").write_text(QUADRATIC.replace("eta = 0.1", "eta = 1e9").replace("= 10", "= 99"))
    assert main(["run", "file.net", "-q", "--json"]) == 4
    found = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(word))
    assert (found["diverged"], found["stopped"], found["loss"]["train"]) == (1.0, "diverged", None)
    assert 0 < found["steps"] < 99


def test_the_folder_opens_with_pandas_and_safetensors(here, capsys):
    pandas = pytest.importorskip("pandas")
    from safetensors.numpy import load_file

    assert main(["run", "line.net", "--out", "kept", "-q", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (folder,) = Path("kept").iterdir()
    assert folder == Path(found["folder"])
    assert sorted(f.name for f in folder.iterdir()) == [
        "end.safetensors", "history.csv", "manifest.json", "spec.net", "summary.json", "theta.safetensors",
    ]  # fmt: skip
    history = pandas.read_csv(folder / "history.csv")
    assert history["epoch"].tolist() == [0, 10, 20, 30, 40]
    assert history["loss_train"].iloc[-1] == found["loss"]["train"]
    weights = load_file(folder / "theta.safetensors")
    assert weights["layer1.weight"].shape == (3, 1)
    assert weights["best.layer2.bias"].shape == (1,)
    flat = np.concatenate(
        [weights[f"layer{i}.{part}"].ravel() for i in (1, 2) for part in ("weight", "bias")]
    )
    assert flat.tolist() == found["theta"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["samples"] == {"train": 20, "test": 0}
    assert main(["check", str(folder / "spec.net")]) == 0


def test_spec_net_is_the_same_training(here, capsys):
    assert main(["run", "line.net", "--epochs", "7", "-q", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["run", str(Path(first["folder"]) / "spec.net"), "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["theta"] == first["theta"]


def test_a_file_that_is_no_file(here, capsys):
    assert main(["run", "nowhere.net"]) == 2
    Path("latin.net").write_bytes("# é\n".encode("latin-1"))
    assert main(["run", "latin.net"]) == 1
    assert "latin.net:1:3: error[E0001]: the byte 0xe9 is not UTF-8 text" in capsys.readouterr().err
    Path("latin.net").write_bytes("# β\n# é".encode("utf-8-sig")[:-1])
    assert main(["check", "latin.net"]) == 1
    assert "latin.net:2:3: error[E0001]: the byte 0xc3" in capsys.readouterr().err
    Path("wide.net").write_text(QUADRATIC, encoding="utf-16")
    assert main(["run", "wide.net"]) == 1
    assert "wide.net:1:1: error[E0001]: this is UTF-16 text" in capsys.readouterr().err
    Path("occupied").write_text("")
    assert main(["run", "quadratic.net", "--out", "occupied/runs"]) == 2
    assert "--out" in capsys.readouterr().err


def test_expectations_are_checked_before_training(here, capsys):
    Path("file.net").write_text(QUADRATIC + "expect lss < 1\n")
    assert main(["run", "file.net"]) == 1
    assert "did you mean 'loss'" in capsys.readouterr().err
    assert not Path("runs").exists()


LONG = LINE.replace("epochs = 40", "epochs = 100000000")


REPORTING = """
import sys
from netc.command_line import main
from netc.progress import Lines

def reported(self, epoch, step, rows):
    if epoch:
        Lines.reported = before
        print("reported", file=sys.stderr, flush=True)

before, Lines.reported = Lines.reported, reported
sys.exit(main())
"""


def interrupted(folder: Path, *arguments: str) -> dict:
    """A run of its own process, stopped by Ctrl-C once it has trained for a while and said so."""
    command = [sys.executable, "-c", REPORTING]
    process = subprocess.Popen(
        [*command, "run", *arguments, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert any(line == "reported\n" for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "netc run --resume" in err
    return json.loads(out)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent differently")
def test_ctrl_c_leaves_what_was_trained_and_a_checkpoint(here, capsys):
    Path("long.net").write_text(LONG)
    found = interrupted(here, "long.net", "--epochs", "100000000")
    folder = Path(found["folder"])
    assert found["stopped"] == "interrupted"
    assert found["steps"] > 0
    assert [f.name for f in folder.glob("checkpoint-*")] == ["checkpoint-1.safetensors"]
    assert json.loads((folder / "summary.json").read_text()) == found
    again = interrupted(here, "--resume", str(folder))
    assert again["folder"] == found["folder"]
    assert again["steps"] > found["steps"]


def test_resumed_is_the_same_to_the_bit(here, capsys, monkeypatch):
    from netc.progress import Quiet

    def press(self, epoch, step, rows):
        if epoch == 20:
            os.kill(os.getpid(), signal.SIGINT)

    assert main(["run", "line.net", "-q", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    with monkeypatch.context() as patch:
        patch.setattr(Quiet, "reported", press)
        assert main(["run", "line.net", "-q", "--json"]) == 130
    part = json.loads(capsys.readouterr().out)
    assert part["epochs"] == 20
    assert main(["run", "--resume", part["folder"], "-q", "--json"]) == 0
    rest = json.loads(capsys.readouterr().out)
    assert rest["theta"] == whole["theta"]
    assert rest["evaluations"] == whole["evaluations"]
    for name in ("history.csv", "theta.safetensors", "spec.net"):
        assert (Path(rest["folder"]) / name).read_bytes() == (Path(whole["folder"]) / name).read_bytes()
    assert not list(Path(rest["folder"]).glob("checkpoint-*"))


def test_what_cannot_be_resumed(here, capsys):
    assert main(["run", "line.net", "-q"]) == 0
    (done,) = Path("runs").iterdir()
    Path("empty").mkdir()
    for arguments, words in [
        (["--resume", str(done)], "a run that came to its end is trained further"),
        (["--resume", "empty"], "not the folder of a run"),
        ([], "which FILE?"),
    ]:
        assert main(["run", *arguments]) == 2
        assert words in capsys.readouterr().err
