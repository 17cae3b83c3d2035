"""What the machine does to the command line: Ctrl-C anywhere, full disks, closed streams, runs of other versions."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from netc.command_line import main
from netc.runtime.interrupt import Unlost
from netc.runtime.results.folder import RunFolder
from sweeps import one_in

TEXT = """objective R(x, y) = (1 - x)^2 + 100*(y - x^2)^2
init      theta = (-1, 1)
optimizer gd(eta = 0.0001)
train     steps = 100
expect    loss < 10
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rosenbrock.net").write_text(TEXT)
    return tmp_path


def netc(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netc", *arguments], text=True, stderr=subprocess.PIPE, check=False, **options
    )  # type: ignore[call-overload, no-any-return]


# -- Ctrl-C ------------------------------------------------------------------------------------------


def test_the_way_in_imports_next_to_nothing() -> None:
    code = "import sys, netc.__main__; print(sorted({'click', 'numpy', 'lark', 'email'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert found.stdout.strip() == "[]"


def test_ctrl_c_while_netc_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import netc.__main__ as way_in
    import netc.command_line

    def pressed() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(netc.command_line, "main", pressed)
    assert way_in.main() == 130
    assert capsys.readouterr().err == "netc: interrupted\n"


def test_an_interrupt_that_a_callback_drops_comes_again() -> None:
    def pressed() -> None:
        raise KeyboardInterrupt

    def compiles() -> None:
        ctypes.CFUNCTYPE(None)(pressed)()  # as LLVM calls numba
        late = time.monotonic() + 60
        while time.monotonic() < late:
            time.sleep(0.01)

    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # programs in the background are deaf to it
    try:
        with Unlost() as interrupt, pytest.raises(KeyboardInterrupt):
            compiles()
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupt.met


def test_a_compilation_that_an_interrupt_spoils_is_no_defect(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import netc.commands.run

    def pressed() -> None:
        raise KeyboardInterrupt

    def spoiled(*_: object) -> None:
        ctypes.CFUNCTYPE(None)(pressed)()
        raise RuntimeError("no compiled object yet")

    monkeypatch.setattr(netc.commands.run, "train", spoiled)
    assert main(["run", "rosenbrock.net"]) == 130
    assert capsys.readouterr().err.endswith("netc: interrupted\n")


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent differently")
def test_ctrl_c_while_results_are_written_waits(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = RunFolder.write_summary

    def pressed(self: RunFolder, result: object) -> None:
        signal.raise_signal(signal.SIGINT)
        write(self, result)  # type: ignore[arg-type]

    monkeypatch.setattr(RunFolder, "write_summary", pressed)
    assert main(["run", "rosenbrock.net", "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 100


def test_a_verdict_that_is_interrupted_loses_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from netc.runtime.session import Session

    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "verdicts", pressed)
    assert main(["run", "rosenbrock.net", "-q"]) == 130
    (run,) = Path("runs").iterdir()
    assert json.loads((run / "summary.json").read_text())["steps"] == 100


# -- disks and streams -------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_is_full(here: Path) -> None:
    with open("/dev/full", "w") as full:
        found = netc("run", "rosenbrock.net", "-q", stdout=full)
    assert found.returncode == 2
    assert found.stderr == "netc: cannot write the output: No space left on device\n"
    (run,) = Path("runs").iterdir()
    assert (run / "summary.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
def test_a_closed_output(here: Path) -> None:
    command = f"{sys.executable} -m netc run rosenbrock.net -q >&-"
    found = subprocess.run(command, shell=True, text=True, capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_a_folder_that_cannot_be_begun_leaves_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "write_manifest", full)
    assert main(["run", "rosenbrock.net"]) == 2
    assert "cannot write to 'runs': No space left on device" in capsys.readouterr().err
    assert not list(Path("runs").iterdir())


@pytest.mark.skipif(os.name == "nt", reason="limits of processes")
def test_a_cache_without_room_costs_nothing_but_time(here: Path) -> None:
    """Machine code is larger than the largest file that may be written, the run's own files are not."""
    script = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    script += "resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000)); "
    script += "from netc.command_line import main; raise SystemExit(main(['run', 'rosenbrock.net', '-q']))"
    environment = os.environ | {"NETC_CACHE": str(here / "full")}
    found = subprocess.run([sys.executable, "-c", script], env=environment, text=True, capture_output=True)
    assert found.returncode == 0, found.stderr
    assert not list((here / "full").glob("__pycache__/*.nbc"))
    (run,) = Path("runs").iterdir()
    assert (run / "summary.json").exists()


# -- runs of others ----------------------------------------------------------------------------------


def interrupted(file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder of a run that was interrupted half-way."""
    from netc.progress import Quiet

    def press(self: Quiet, epoch: float, step: int, rows: object) -> None:
        if epoch == 50:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Quiet, "reported", press)
        assert main(["run", file, "-q"]) == 130
    capsys.readouterr()
    (run,) = Path("runs").iterdir()
    return run


@pytest.fixture
def begun(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    return interrupted("rosenbrock.net", monkeypatch, capsys)


@pytest.fixture
def begun_network(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    Path("network.net").write_text(NETWORK)
    return interrupted("network.net", monkeypatch, capsys)


def test_a_run_of_another_version(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads((begun / "manifest.json").read_text())
    manifest["versions"]["netc"] = "9.9"
    (begun / "manifest.json").write_text(json.dumps(manifest))
    assert main(["run", "--resume", str(begun)]) == 2
    assert "was begun with netc 9.9" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "lost", "short", "altered", "cast"])
def test_a_checkpoint_that_is_not_what_was_written(
    begun: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = begun.glob("checkpoint-*")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-10])
    else:
        arrays = load_file(file)
        match damage:
            case "lost":
                del arrays["position"]
            case "short":
                arrays["figures"] = arrays["figures"][:, :1].copy()
            case "altered":
                arrays["theta"] = arrays["theta"] + 1
            case "cast":
                arrays["theta"] = arrays["theta"].astype(np.float32)
        from safetensors import safe_open

        with safe_open(file, "numpy") as old:
            about = old.metadata()
        save_file(arrays, file, about)
    assert main(["run", "--resume", str(begun)]) == 2
    assert "is damaged" in capsys.readouterr().err


def sealed(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """A checkpoint with the checksum it should have, as anyone can make it."""
    from netc.runtime.results.folder import _checksum

    save_file(arrays, file, {"checksum": _checksum(arrays)})


NETWORK = """
data      x in linspace(-1, 1, 25) -> x^2, split = 80%
network   [1(tanh)3(lin)1]
init      glorot_uniform
loss      mse
optimizer momentum.heavy_ball(eta = 0.01, alpha = 0.5)
train     epochs = 100, batch = 8
monitor   loss, every = 10
"""


@pytest.mark.parametrize("array", ["order", "vectors", "theta", "scalars", "counters"])
@pytest.mark.parametrize("how", one_in(2, ["short", "far", "below", "cast"]))
def test_a_checkpoint_from_elsewhere_reaches_no_memory(
    begun_network: Path, array: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With real kernels, which index by what is in it."""
    (file,) = begun_network.glob("checkpoint-*")
    arrays = load_file(file)
    match how:
        case "short":
            arrays[array] = arrays[array][..., :-1].copy() if arrays[array].size else np.zeros((1, 1))
        case "far" | "below" if arrays[array].dtype != np.int64:
            return
        case "far":
            arrays[array] = np.full_like(arrays[array], 2**40)
        case "below":
            arrays[array] = np.full_like(arrays[array], -1)
        case "cast":
            arrays[array] = arrays[array].astype(np.float32)
    sealed(file, arrays)
    assert main(["run", "--resume", str(begun_network)]) == 2
    assert "cannot be resumed: " in capsys.readouterr().err


def test_a_manifest_that_is_none(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (begun / "manifest.json").write_text("[")
    assert main(["run", "--resume", str(begun)]) == 2
    assert "it has no readable manifest.json" in capsys.readouterr().err
