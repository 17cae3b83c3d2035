"""What careless, hostile and dying surroundings do: each case of a kind that was found once, and its neighbours."""

from __future__ import annotations

import gzip
import itertools
import json
import math
import os
import pickle
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fuzz
import netc
from netc.command_line import main
from netc.dsl.diagnostics import SpecError
from netc.dsl.visible import visible
from netc.runtime.atomic import replacing
from sweeps import one_in

BOWL = "objective R(x) = x^2\ninit theta = (1)\noptimizer gd(eta = 0.1)\ntrain steps = 30\n"
LINE = """data "{}"
network [1(lin)1]
init zeros
loss mse
optimizer gd(eta = 0.1)
train epochs = 3
"""
SMALL = """data x in linspace(-1, 1, 25) -> x^2, scale = zscore, split = 80%
network [1(tanh)3(lin)1]
init glorot_uniform
loss mse
optimizer gd(eta = 0.1)
train epochs = 50, batch = 8, runs = 2
"""
NINTH = """optimizer ninth(eta = 0.1):
    for i in 1..m:
        theta[n+i/m] = theta[n+(i-1)/m] - eta*grad R[i + 7](theta[n+(i-1)/m])"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *command: str, status: int = 0) -> str:
    assert main([*command]) == status, capsys.readouterr().err
    shown = capsys.readouterr()
    return shown.out + shown.err


def folder(number: int = 0) -> Path:
    return sorted(Path("runs").iterdir(), key=lambda run: run.stat().st_mtime_ns)[number]


# -- programs that nobody wrote ----------------------------------------------------------------------


def test_mutated_programs_are_answered(capfd: pytest.CaptureFixture[str]) -> None:
    """`python -m fuzz` with few programs."""
    failed = fuzz.fuzz(60, seed=1)
    assert failed == 0, capfd.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOWL + "init weights ~ normal(0, 1)\n", "'theta' are all parameters"),
        (BOWL + "init glorot_uniform\n", "'theta' are all parameters"),
        (SMALL.replace("3(lin)", f"{10**30}(lin)"), "a size is a whole number from 1 to"),
        (SMALL.replace("3(lin)", "1e400(lin)"), ""),
        (BOWL.replace("0.1", "min()"), "'min' does not take 0 arguments"),
        (BOWL.replace("0.1", "exp(1, 2)"), "'exp' does not take 2 arguments"),
        (
            SMALL.replace("optimizer gd(eta = 0.1)", NINTH.replace("1..m", "9").replace("i/m", "i/3")),
            "the rule never says what theta[n+1] is",
        ),
    ],
)
def test_what_was_a_defect_is_a_message(text: str, words: str) -> None:
    with pytest.raises(SpecError) as error:
        netc.compile(text)
    assert words in str(error.value)


def test_a_check_costs_nothing_that_grows_with_sizes() -> None:
    """10^17 parameters."""
    text = SMALL.replace("[1(tanh)3(lin)1]", f"[1(tanh){10**8}(tanh){10**9}(lin)1]")
    Path("large.net").write_text(text + "expect all(loss < 1)\nexpect all(theta_norm < 9)\n")
    assert main(["check", "large.net"]) == 0


def test_a_flat_sum_is_not_nested() -> None:
    terms = " + ".join(f"{i}*x^2" for i in range(1, 161))
    model = netc.compile(BOWL.replace("x^2", terms, 1))
    assert model.loss([2.0]) == 4.0 * 160 * 161 / 2


def test_equal_powers_are_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    terms = "2*z^3" + " - 2*z^3" * 75
    text = BOWL.replace("x^2", "g(x)^2", 1)
    Path("powers.net").write_text(f"activation g(z) = {terms}\n{text}")
    assert len(said(capsys, "show", "powers.net")) < 20_000


# -- what is read ------------------------------------------------------------------------------------


def unending(name: str) -> Path:
    path = Path(name)
    os.mkfifo(path)
    return path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")
@pytest.mark.parametrize("name", ["pipe.csv", "pipe.npy", "/dev/zero"])
def test_only_files_are_data(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not name.startswith("/"):
        unending(name)
    Path("a.net").write_text(LINE.format(name))
    assert "it is a device or a pipe" in said(capsys, "check", "a.net", status=3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")
def test_only_files_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    unending("pipe.net")
    Path("a.net").write_text('use "pipe.net"\n' + BOWL)
    assert "it is a device or a pipe" in said(capsys, "check", "a.net", status=1)
    Path("b.net").write_text(BOWL.replace("init theta = (1)", 'init from "pipe.net"'))
    assert "it is a device or a pipe" in said(capsys, "check", "b.net", status=3)


@pytest.mark.parametrize("name", ["d.csv", "a.net"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of it may be the old one."""
    Path("d.csv").write_text("a,b\n1,2\n3,4\n5,7\n")
    Path("a.net").write_text(LINE.format("d.csv"))
    number, whole = os.stat(name).st_ino, os.fstat
    seen: list[int] = []

    def written_to(handle: int) -> os.stat_result:
        found = whole(handle)
        if found.st_ino == number and not seen:
            seen.append(handle)
            with open(name, "a") as file:
                file.write("\n")
        return found

    monkeypatch.setattr(os, "fstat", written_to)
    words = said(capsys, "check", "a.net", status=3 if name == "d.csv" else 2)
    assert "written to while it was read" in words


@pytest.mark.sweep
def test_what_unpacks_without_end_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with gzip.open("bomb.csv.gz", "wb") as file:
        for _ in range(40):
            file.write(b"1,2\n" * 2_000_000)
    np.savez_compressed("bomb.npz", x=np.zeros(50_000_000), y=np.zeros(3))
    for name in ("bomb.csv.gz", "bomb.npz"):
        Path("a.net").write_text(LINE.format(name))
        assert "unpacked it" in said(capsys, "check", "a.net", status=3)


def test_members_of_a_gzip_file_follow_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n") + b"\0" * 8)
    Path("a.net").write_text(LINE.format("two.csv.gz"))
    assert "ok" in said(capsys, "check", "a.net")
    Path("two.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n")[:-9])
    assert "damaged or cut short" in said(capsys, "check", "a.net", status=3)


def test_a_field_without_end_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("long.csv").write_bytes(b"a,b\n1,2\n3," + b"4" * 20_000_000 + b"\n5,6\n")
    Path("a.net").write_text(LINE.format("long.csv"))
    assert "row 3 is longer than" in said(capsys, "check", "a.net", status=3)


def test_many_columns_are_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Time that grows with the square of their number would be hours."""
    row = ",".join(["1.5"] * 100_000)
    Path("wide.csv").write_text(",".join(f"c{i}" for i in range(100_000)) + f"\n{row}\n{row}\n")
    Path("a.net").write_text(LINE.format("wide.csv"))
    assert "the data has 99999" in said(capsys, "check", "a.net", status=1)


# -- what is shown -----------------------------------------------------------------------------------


def test_lines_of_other_files_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Path("secret").write_text("tiger:x:0\n")
    Path("outside.net").write_text("tiger:x:0\n")
    Path("project").mkdir()
    Path("project/link.net").symlink_to(Path("secret").absolute())
    for used in ("../secret", "../outside.net", "link.net", str(Path("secret").absolute())):
        Path("project/a.net").write_text(f'use "{used}"\n' + BOWL)
        words = said(capsys, "check", "project/a.net", status=1)
        assert "is no file of definitions" in words
        assert "tiger" not in words


def test_errors_of_a_used_file_in_the_folder_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.net").write_text("activation g(z) = z +\n")
    Path("a.net").write_text('use "own.net"\n' + BOWL)
    assert "activation g(z) = z +" in said(capsys, "check", "a.net", status=1)


@pytest.mark.parametrize("steering", ["\x1b[31m", "\x07", "\x9b2J", "\u202e", "\r", "\u2028", "\x7f"])
def test_what_steers_a_terminal_is_shown_as_a_sign(steering: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(visible(f"a{steering}b")) == len(f"a{steering}b")
    Path("c.csv").write_text(f'"a{steering}x","b"\n1,2\n3,4\n', newline="")
    texts = [
        BOWL + f'expect loss < 1, source = "a{steering}b"\n',
        BOWL + f"# a comment {steering}\nexpect los < 1\n",
        f"optimizer g{steering}d\n" + BOWL,
        LINE.format("c.csv").replace('csv"', 'csv", target = foo'),
    ]
    for text in texts:
        Path(f"a{steering}.net").write_text(text, newline="")
        main(["check", f"a{steering}.net"])
        shown = capsys.readouterr()
        assert steering not in (shown.out + shown.err).replace("\n", "")


def test_set_takes_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.net").write_text(BOWL)
    for more in ("steps=3, runs=5", "steps=3\ntrain seed=4", "eta=0.1 # much", 'eta=0.1\n\nuse "a.net"'):
        assert "takes one value" in said(capsys, "run", "a.net", "--set", more, status=1)
    assert not Path("runs").exists()
    with pytest.raises(SpecError, match="takes one value"):
        netc.compile(BOWL, steps="3, runs=5")
    assert netc.compile(BOWL, η=0.2).train().theta[0, 0] == netc.compile(BOWL, eta=0.2).train().theta[0, 0]


# -- schedules and what a rule requires --------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        ("0.1 - 0.01*step", 11),
        ("0.1 until 7, -0.1", 7),
        ("0.1 - 0.02*epoch", 6),
        ("log(10 - step)", 10),
        ("0.1", 30),
    ],
)
def test_a_requirement_holds_at_every_step_or_ends_the_run(schedule: str, steps: int) -> None:
    """`gd` requires eta >= 0: the value at n is the first that breaks it; what is no number breaks it too."""
    result = netc.compile(BOWL + f"schedule eta = {schedule}\n").train()
    assert result.steps.tolist() == [steps]
    assert result.stopped == ["steps" if steps == 30 else "out of range"]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"b1": [0.9, 1.5, 0.9]}, r"'optax.adam' requires b1 < 1; b1 is 1.5, in step 1"),
        ({"learning_rate": [0.1, 0.1, -0.1], "b1": [0.9] * 3}, r"requires learning_rate >= 0; .*, in step 2"),
        ({"b2": [math.nan, 0.9, 0.9]}, r"the schedule of 'b2' has no number in step 0"),
    ],
)
def test_it_holds_on_given_gradients_too(schedule: dict[str, list[float]], words: str) -> None:
    rule = netc.update_rule("optax.adam(learning_rate = 0.1)")
    with pytest.raises(ValueError, match=words):
        rule.trajectory(np.ones(2), np.ones((3, 2)), schedule=schedule)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOWL + "schedule eta = 0.1 - 0.01*step\n", "left the range"),
        (
            SMALL.replace("optimizer gd(eta = 0.1)", NINTH).replace("batch = 8", "batch = 2 parts"),
            "no batch has",
        ),
    ],
    ids=["out of range", "no such batch"],
)
def test_runs_that_cannot_go_on_are_not_done(
    text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.net").write_text(text)
    assert words in said(capsys, "run", "a.net", status=4)


# -- vectors, replay ---------------------------------------------------------------------------------


def run(text: str, *options: str) -> Path:
    Path("a.net").write_text(text)
    assert main(["run", "a.net", "-q", *options]) == 0
    return folder(-1)


@pytest.mark.sweep
def test_a_run_is_replayed_from_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    for text in (SMALL, BOWL, SMALL.replace("x^2,", "x^2, inputs = (x^3),")):
        done = run(text)
        capsys.readouterr()
        assert json.loads(said(capsys, "replay", str(done), "-q", "--json"))["same"]


@pytest.mark.slow
def test_vectors_of_another_width_are_followed(capsys: pytest.CaptureFixture[str]) -> None:
    bits = set()
    for lanes in ("2", "4", "8"):
        done = run(SMALL, "--lanes", lanes)
        assert json.loads((done / "manifest.json").read_text())["lanes"] == int(lanes)
        bits.add((done / "theta.safetensors").read_bytes())
        capsys.readouterr()
        assert "the same bits" in said(capsys, "replay", str(done), "-q")
    assert len(bits) > 1, "else there is nothing to follow"


def test_replay_says_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("d.csv").write_text("a,b\n1,2\n3,4\n5,7\n")
    done = run(LINE.format("d.csv"))
    capsys.readouterr()
    Path("d.csv").write_text("a,b\n1,2\n3,4\n5,8\n")
    words = said(capsys, "replay", str(done), "-q", status=5)
    assert "other bits, in theta.safetensors" in words
    assert "data: they are not those of the run" in words
    manifest = json.loads((done / "manifest.json").read_text())
    manifest["versions"]["numpy"] = "1.0"
    manifest["machine"]["processor"] = "abacus"
    (done / "manifest.json").write_text(json.dumps(manifest))
    words = said(capsys, "replay", str(done), "-q", status=5)
    assert "numpy: 1.0 then" in words
    assert "processor: abacus then" in words


def test_what_cannot_be_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    done = run(BOWL)
    Path(done / "spec.net").unlink()
    capsys.readouterr()
    assert "no readable spec.net" in said(capsys, "replay", str(done), status=2)
    kept = Path(done / "theta.safetensors")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert "is damaged: theta.safetensors" in said(capsys, "replay", str(done), status=2)
    kept.unlink()
    assert "has not come to its end" in said(capsys, "replay", str(done), status=2)
    Path(done / "manifest.json").write_text('{"lanes": "many"}')
    assert "no readable manifest" in said(capsys, "replay", str(done), status=2)


# -- signals, kills, disks ---------------------------------------------------------------------------

LOOP = """objective R(x) = x^2
init theta = (1)
optimizer g(eta = 0.1):
    h = eta
    repeat at most 1000000000000000000:
        until h < 0
        h = h + 1
    theta[n+1] = theta[n] - h*grad R(theta[n])
train steps = 10, threads = 1
"""
LONG = SMALL.replace("epochs = 50", "epochs = 100000000")


def begun(text: str, *options: str) -> subprocess.Popen[str]:
    """A process that trains."""
    Path("long.net").write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "netc", "run", "long.net", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    if not any(line.startswith("compiled in") for line in process.stderr):
        process.kill()
        raise AssertionError("it ended before it trained")
    return process


@pytest.mark.skipif(os.name == "nt", reason="signals are sent differently")
@pytest.mark.parametrize(
    ("text", "number"),
    one_in(4, itertools.product((LONG, LOOP), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))),
    ids=[
        f"{often}-{name}" for often in ("many iterations", "one iteration") for name in ("INT", "TERM", "HUP")
    ],
)
def test_a_signal_ends_a_run_with_a_checkpoint(text: str, number: signal.Signals) -> None:
    before = signal.signal(
        number, signal.SIG_DFL
    )  # tests under nohup ignore SIGHUP, and so would the process
    try:
        process = begun(text)
    finally:
        signal.signal(number, before)
    process.send_signal(number)
    process.send_signal(number)  # as `timeout` does, to the process and to its group
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "to go on: netc run --resume" in err
    assert "interrupted" in out + err
    assert list(folder().glob("checkpoint-*"))


def test_ctrl_c_before_the_first_iteration_leaves_a_checkpoint_or_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from netc.runtime.training import train

    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    Path("a.net").write_text(SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(train._Loop, "warm_up", pressed)
        assert main(["run", "a.net", "-q"]) == 130
    assert "to go on: netc run --resume" in capsys.readouterr().err
    (folder() / ".checkpoint-7.safetensors.lsmito4w").write_text("of a process that was killed")
    assert main(["run", "--resume", str(folder()), "-q"]) == 0
    assert not [name for name in os.listdir(folder()) if name.startswith((".", "checkpoint"))]
    resumed = (folder() / "theta.safetensors").read_bytes()
    assert run(SMALL).joinpath("theta.safetensors").read_bytes() == resumed
    with monkeypatch.context() as patch:
        patch.setattr(train._Loop, "fresh", pressed)
        assert main(["run", "a.net", "-q", "--out", "none"]) == 130
    assert not list(Path("none").iterdir())


def test_what_is_resumed_keeps_its_name_and_its_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from netc.progress import Quiet

    def press(self: Quiet, epoch: float, step: int, rows: object) -> None:
        if epoch == 20:
            os.kill(os.getpid(), signal.SIGINT)

    Path("a.net").write_text(SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(Quiet, "reported", press)
        assert main(["run", "a.net", "-q", "--json"]) == 130
    part = json.loads(capsys.readouterr().out)
    assert main(["run", "--resume", part["folder"], "-q", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["file"] == part["file"] == "a.net"
    for what in ("compile", "train"):
        assert whole["seconds"][what] > part["seconds"][what]


WRITER = """
import os, signal, sys
from pathlib import Path
from netc.runtime.atomic import replacing
with replacing(Path("kept")) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files have names from the beginning there")
def test_a_write_that_is_killed_leaves_nothing() -> None:
    Path("kept").write_text("whole")
    Path("kept").chmod(0o600)
    subprocess.run([sys.executable, "-c", WRITER], check=False)
    assert os.listdir() == ["kept"]
    with replacing(Path("kept")) as file:
        file.write(b"new")
    assert Path("kept").read_text() == "new"
    assert Path("kept").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ZeroDivisionError), replacing(Path("kept")) as file:
        _ = 1 // 0
    assert os.listdir() == ["kept"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files have names from the beginning there")
def test_a_new_file_is_whole_or_not_there_at_every_moment() -> None:
    """Killed as late as can be, where an old file would be replaced."""
    late = WRITER.replace(
        "import os, signal, sys", "import os, signal, sys; os.replace = lambda *_: os.abort()"
    )
    subprocess.run(
        [sys.executable, "-c", late.replace("    os.kill(os.getpid(), signal.SIGKILL)\n", "")], check=True
    )
    assert os.listdir() == ["kept"]
    assert Path("kept").read_text() == "half"


def test_fmt_writes_through_a_link(capsys: pytest.CaptureFixture[str]) -> None:
    Path("real.net").write_text(BOWL.replace(" = ", "="))
    Path("link.net").symlink_to("real.net")
    assert main(["fmt", "link.net"]) == 0
    assert Path("link.net").is_symlink()
    assert Path("real.net").read_text() == Path("link.net").read_text() != BOWL.replace(" = ", "=")


@pytest.mark.slow
def test_kills_lose_nothing() -> None:
    """`python -m kills` with few of them; in a process of its own, since it forks, which other libraries' threads forbid."""
    command = [sys.executable, "-m", "kills", "--kills", "3", "--seed", "1"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# -- the cache ---------------------------------------------------------------------------------------


def cached() -> list[Path]:
    return sorted(p for p in Path(os.environ["NETC_CACHE"]).rglob("*") if p.is_file())


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETC_CACHE", str(tmp_path / "kernels"))
    return tmp_path / "kernels"


def fresh_run() -> str:
    """In a process of its own, that loads what is cached."""
    Path("a.net").write_text(BOWL)
    command = [sys.executable, "-m", "netc", "run", "a.net", "-q", "--json"]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["theta"])


@pytest.mark.slow
def test_any_file_of_the_cache_may_be_damaged(own_cache: Path) -> None:
    theta, dice = fresh_run(), random.Random(1)
    assert not [p for p in cached() if p.name.startswith("netc_kernels") and p.suffix == ".pyc"]
    for file in cached():
        content = file.read_bytes()
        at = dice.randrange(len(content))
        file.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
    assert fresh_run() == theta
    for file in cached():
        file.write_bytes(file.read_bytes()[: dice.randrange(3)])
    assert fresh_run() == theta


@pytest.mark.sweep
@pytest.mark.skipif(os.name == "nt", reason="owners are other things there")
def test_a_cache_that_others_may_write_to_is_shared_by_nobody(own_cache: Path) -> None:
    own_cache.mkdir()
    own_cache.chmod(0o777)
    theta = fresh_run()
    assert {p.name for p in own_cache.iterdir()} == {f"of-{os.getuid()}"}
    assert (own_cache / f"of-{os.getuid()}").stat().st_mode & 0o077 == 0
    (own_cache / f"of-{os.getuid()}").chmod(0o777)
    before = cached()
    assert fresh_run() == theta
    assert cached() == before, "nothing was kept there"


@pytest.mark.slow
def test_ten_runs_at_once(own_cache: Path) -> None:
    """On an empty cache, into one folder."""
    Path("a.net").write_text(BOWL)
    command = [sys.executable, "-m", "netc", "run", "a.net", "-q", "--json"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(10)]
    found = [json.loads(process.communicate(timeout=300)[0]) for process in started]
    assert len({str(one["theta"]) for one in found}) == 1
    assert len({one["folder"] for one in found}) == 10


def test_data_that_change_later_do_not_resume(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is read once, and its samples are part of what is resumed."""
    from netc.progress import Quiet

    def press(self: Quiet, epoch: float, step: int, rows: object) -> None:
        Path("d.csv").write_text("a,b\n1,2\n3,4\n5,8\n")
        os.kill(os.getpid(), signal.SIGINT)

    Path("d.csv").write_text("a,b\n1,2\n3,4\n5,7\n")
    Path("a.net").write_text(LINE.format("d.csv"))
    with monkeypatch.context() as patch:
        patch.setattr(Quiet, "reported", press)
        assert main(["run", "a.net", "-q"]) == 130
    capsys.readouterr()
    assert "other data" in said(capsys, "run", "--resume", str(folder()), status=2)


@pytest.mark.parametrize(
    "claim", ["sum(x) = norm(x)", "share(converged) = sum(x)", "norm(3) = 3", "theta = ((1, 2), 3)"]
)
def test_expectations_of_numbers_and_tuples_are_answered(
    claim: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.net").write_text(BOWL + f"expect {claim}\n")
    assert main(["check", "a.net"]) == ("((" in claim), capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners")
@pytest.mark.parametrize("rights", one_in(2, [0o755, 0o777]))
def test_a_grammar_table_that_others_may_have_written_is_not_unpickled(rights: int, here: Path) -> None:
    """Unpickling executes what the writer wants; lark reads two pickles after a line."""
    table = here / "cache/netc/grammar.table"
    table.parent.mkdir(parents=True)

    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (here / "executed",)

    table.write_bytes(b"0\n" + pickle.dumps(Hostile()) * 2)
    table.chmod(0o666)
    table.parent.chmod(rights)
    Path("a.net").write_text(BOWL)
    env = os.environ | {"XDG_CACHE_HOME": str(here / "cache")}
    command = [sys.executable, "-m", "netc", "check", "a.net"]
    assert subprocess.run(command, env=env, capture_output=True).returncode == 0
    assert not (here / "executed").exists()
    table.parent.chmod(0o700)
    table.write_bytes(b"0\n" + pickle.dumps(Hostile()) * 2)
    subprocess.run(command, env=env, capture_output=True)
    assert (here / "executed").exists(), "else nothing is shown: this user's own file is read"


def test_a_path_with_quotes_is_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    """Doubled, they stand in a text; `spec.net` has them so."""
    Path('a"b').mkdir()
    Path('a"b/x"y.csv').write_text("a,b\n1,2\n3,4\n5,7\n")
    Path('a"b/a.net').write_text(LINE.format('x""y.csv'))
    assert main(["run", 'a"b/a.net', "-q"]) == 0
    capsys.readouterr()
    assert "the same bits" in said(capsys, "replay", str(folder()), "-q")
