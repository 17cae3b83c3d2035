"""The other commands: what they print, how they end, and what they do not import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netc.command_line import COMMANDS, main
from netc.dsl import library
from netc.dsl.stories.codes import CODES
from sweeps import one_in

GOOD = """objective R(x) = (x - 1)^2
init      theta = 2
optimizer gd(eta = 0.25)
train     steps = 3
expect    theta = 1.125
"""
EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    Path("good.net").write_text(GOOD)
    return tmp_path


def imports(*arguments: str) -> set[str]:
    """Top-level modules that a process of `netc ARGUMENTS` has imported at its end."""
    code = (
        "import sys, json; from netc.command_line import main; status = main(sys.argv[1:]);"
        "print(json.dumps([status, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    status, found = json.loads(done.stdout.splitlines()[-1])
    assert status == 0, done.stderr
    return set(found)


def test_help_imports_nothing_heavy():
    assert not imports("--help") & {"numba", "llvmlite", "numpy", "lark", "rich", "pandas", "sklearn"}
    assert not imports("--version") & {"numba", "numpy"}


@pytest.mark.parametrize("arguments", [["check"], ["fmt", "--check"], ["show", "--stage", "ir"]])
def test_what_runs_nothing_imports_no_numba(arguments, here):
    Path("good.net").write_text(GOOD)
    main(["fmt", "good.net"])
    assert not imports(*arguments, "good.net") & {"numba", "llvmlite"}


@pytest.mark.parametrize("arguments", [["list"], ["list", "optimizers"], ["explain", "E0103"]])
def test_what_only_tells_imports_no_numba(arguments):
    assert not imports(*arguments) & {"numba", "llvmlite"}


def test_importing_netc_is_cheap():
    code = "import sys, netc; print('numpy' in sys.modules, 'lark' in sys.modules, netc.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["False", "False"]


def test_every_command_has_help(capsys):
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        assert "Usage: netc" in capsys.readouterr().out


def test_usage_errors(capsys):
    assert main(["rnu"]) == 2
    assert "Did you mean 'run'?" in capsys.readouterr().err
    assert main(["list", "nonsense"]) == 2
    assert main(["explain", "E9999"]) == 2
    assert main(["--nonsense"]) == 2


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("netc 0.")


def test_check_says_all_that_is_wrong(here, capsys):
    Path("bad.net").write_text(GOOD.replace("gd", "momentum"))
    assert main(["check", "good.net", "bad.net"]) == 1
    said = capsys.readouterr()
    assert said.out == "good.net: ok\n"
    assert "bad.net:3:11: error[E0103]" in said.err
    assert main(["check", "-q", "good.net"]) == 0
    assert capsys.readouterr().out == ""


def test_check_without_the_data(here, capsys):
    """Data that are elsewhere are no error of the file; data that do not fit are."""
    text = 'data "x.csv", target = y\nnetwork [1(lin)1]\ninit zeros\nloss mse\noptimizer gd(eta = 1)\ntrain steps = 1\n'
    Path("file.net").write_text(text)
    assert main(["check", "file.net"]) == 0
    assert "not on this machine" in capsys.readouterr().out
    Path("x.csv").write_text("a,b\n1,2\n3,4\n")
    assert main(["check", "file.net"]) == 3
    assert "E0612" in capsys.readouterr().err


def test_check_of_a_named_set_that_is_elsewhere(here, capsys, monkeypatch):
    """Its sizes are known all the same: the slide's own misprint, 754 instead of 784."""
    monkeypatch.setenv("NETC_DATA", str(Path.cwd()))
    monkeypatch.setenv("HOME", str(Path.cwd()))
    monkeypatch.setenv("XDG_DATA_HOME", str(Path.cwd()))
    text = "data mnist\nnetwork [784(tanh)24(softmax)10]\ninit zeros\nloss mse\noptimizer gd(eta = 1)\ntrain steps = 1\n"
    Path("mnist.net").write_text(text)
    assert main(["check", "mnist.net"]) == 0
    assert capsys.readouterr().out == "mnist.net: ok, but its data are not on this machine\n"
    Path("mnist.net").write_text(text.replace("[784", "[754"))
    assert main(["check", "mnist.net"]) == 1
    assert "the network takes 754 inputs, the data has 784" in capsys.readouterr().err
    Path("mnist.net").write_text(text.replace(")10]", ")1]"))
    assert main(["check", "mnist.net"]) == 1
    Path("mnist.net").write_text(
        text.replace("mnist\n", "mnist, split = 80%\n").replace("steps", "batch = 48001, steps")
    )
    assert main(["check", "mnist.net"]) == 1
    assert "there are only 48000 training samples" in capsys.readouterr().err


def test_fmt(here, capsys):
    Path("ugly.net").write_text("# kept\n" + GOOD.replace("   ", " ").replace("(eta", "(η"))
    before = Path("ugly.net").read_text()
    assert main(["fmt", "--check", "ugly.net"]) == 1
    assert Path("ugly.net").read_text() == before
    assert main(["fmt", "ugly.net"]) == 0
    assert Path("ugly.net").read_text() == "# kept\n" + GOOD
    capsys.readouterr()
    assert main(["fmt", "--check", "ugly.net"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("stage", ["ast", "spec", "ir", "loops", "cpu", "llvm", "asm"])
def test_show(stage, here, capsys):
    words = {
        "ast": "Objective",
        "spec": "objective",
        "llvm": "define",
        "asm": "advance",
        "cpu": "def advance(",
    }
    assert main(["show", "good.net", "--stage", stage]) == 0
    assert words.get(stage, "") in capsys.readouterr().out


@pytest.mark.sweep
@pytest.mark.parametrize("stage", one_in(2, ["llvm", "asm"]))
def test_machine_code_of_a_networks_functions(stage, here, capsys):
    text = (
        "network [1(tanh)2(lin)1]\ninit glorot_uniform\nloss mse\noptimizer gd(eta = 0.1)\ntrain steps = 1\n"
    )
    Path("net.net").write_text(text + "data inline:\n    1 -> 2\n    2 -> 3\n")
    for function in ("advance", "gradient", "predict"):
        assert main(["show", "net.net", "--stage", stage, "--function", function]) == 0
        shown = capsys.readouterr().out
        assert function in shown
        assert shown.count("\n") > 50
    assert main(["show", "net.net", "--stage", stage, "--function", "loss"]) == 2
    assert "does not call 'loss'" in capsys.readouterr().err


def test_list(capsys):
    assert main(["list", "optimizers", "--full"]) == 0
    out = capsys.readouterr().out
    assert "optimizer momentum.ema(eta = 0.01, beta1 = 0.1):" in out
    assert "theta[n+1] = theta[n] - eta*v[n+1]" in out
    assert main(["list"]) == 0
    assert "glorot_uniform" in capsys.readouterr().out
    assert main(["list", "data"]) == 0
    assert "mnist" in capsys.readouterr().out


def test_list_filters_and_has_a_line_for_each(capsys):
    assert main(["list", "optimizers", "ADAM", "torch."]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"torch.Adam", "torch.AdamW"} <= {line.split("(")[0] for line in lines}
    assert all("adam" in line.lower() and len(line) <= 110 for line in lines)
    assert main(["list", "activations"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(library.names("activation"))
    assert main(["list", "optimizers", "sgd_momentum", "--full"]) == 0
    assert "theta[n+1] = theta[n] + v[n+1]" in capsys.readouterr().out
    assert main(["list", "optimizers", "admaw"]) == 2
    assert "no optimizer has 'admaw' in its name; near it: AdamW" in capsys.readouterr().err
    assert main(["list", "data", "bost"]) == 2


def test_explain_knows_every_code(capsys):
    for code in CODES:
        assert main(["explain", code.lower()]) == 0
        assert capsys.readouterr().out.startswith(f"{code}: {CODES[code].title}")


def test_reproduce(here, capsys):
    Path("inner").mkdir()
    Path("inner/wrong.net").write_text(GOOD.replace("= 1.125", "= 1.1 within 1%"))
    Path("silent.net").write_text(GOOD.replace("expect", "# expect"))
    Path("long.net").write_text(GOOD.replace("steps = 3", "steps = 3, slow = true"))
    Path("away.net").write_text(
        "data mnist\nnetwork [784(softmax)10]\ninit zeros\nloss cross_entropy\noptimizer gd(eta = 1)\n"
        "train steps = 1\nexpect accuracy(test) > 99%\n"
    )
    assert main(["reproduce", "good.net"]) == 0
    assert "1 figure: 1 reproduced" in capsys.readouterr().out
    assert main(["reproduce", ".", "--json"]) == 5
    found = json.loads(capsys.readouterr().out)
    assert {Path(f["file"]).name: f["status"] for f in found["files"]} == {
        "away.net": "needs data", "good.net": "judged", "wrong.net": "judged", "long.net": "slow",
        "silent.net": "no expect",
    }  # fmt: skip
    assert found["holds"] is False
    assert main(["reproduce", "."]) == 5
    out = capsys.readouterr().out
    assert "netc data get mnist" in out
    assert "2 figures: 1 reproduced, 1 FAILED" in out
    assert "long.net  slow: run with --slow" in out
    assert main(["reproduce", "--slow", "long.net"]) == 0
    assert not Path("runs").exists()


def test_reproduce_tells_errors_from_failures(here, capsys):
    Path("bad.net").write_text(GOOD.replace("gd(", "gdd("))
    assert main(["reproduce", "bad.net", "good.net"]) == 1
    said = capsys.readouterr()
    assert "has an error" in said.out
    assert "E0102" in said.err


def test_cache(here, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NETC_CACHE", str(tmp_path / "kernels"))
    assert main(["run", "good.net", "-q"]) == 0
    capsys.readouterr()
    assert main(["cache", "info"]) == 0
    assert "module" in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    assert main(["cache", "info"]) == 0
    assert "0 modules, 0.0 MiB" in capsys.readouterr().out


def test_data(here, capsys):
    assert main(["data", "list"]) == 0
    assert "boston" in capsys.readouterr().out
    assert main(["data", "get", "boston"]) == 3
    assert "part of netc" in capsys.readouterr().err
    assert main(["data", "get", "mnist", "--from", "."]) == 3


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell, capsys):
    assert main(["completion", shell]) == 0
    assert "_NETC_COMPLETE" in capsys.readouterr().out


def test_a_defect_is_told_without_a_traceback(here, capsys, monkeypatch):
    from netc.runtime import opening

    def broken(*_: object, **__: object):
        raise RuntimeError("of our own making")

    monkeypatch.setattr(opening, "open_session", broken)
    assert main(["run", "good.net"]) == 70
    said = capsys.readouterr().err
    assert "RuntimeError: of our own making" in said
    assert "Traceback" not in said
    monkeypatch.setenv("NETC_DEBUG", "1")
    assert main(["run", "good.net"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error(here):
    code = "import sys; from netc.command_line import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "list", "optimizers"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == b""


def test_a_terminal_without_unicode(here):
    code = "import sys; from netc.command_line import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    Path("good.net").write_text(GOOD.replace("(eta", "(η"))
    command = [sys.executable, "-c", code, "run", "good.net"]
    done = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert b"holds theta = 1.125" in done.stdout
    assert b"\x1b" not in done.stdout + done.stderr


def test_examples_are_copied_beside_the_user(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["examples"]) == 0
    said = capsys.readouterr().out
    mine = {path.relative_to(EXAMPLES): path.read_bytes() for path in EXAMPLES.rglob("*.net")}
    copied = tmp_path / "examples"
    assert {path.relative_to(copied): path.read_bytes() for path in copied.rglob("*.net")} == mine
    assert f"{len(mine)} examples; begin with: netc run examples/boston.net" in said
    assert main(["check", "-q", "examples/boston.net"]) == 0
    (copied / "boston.net").write_text("mine")
    assert main(["examples"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (copied / "boston.net").read_text() == "mine"
    (tmp_path / "file").write_text("")
    assert main(["examples", "file/x"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"examples", "file"}
