"""Runs killed at random moments and resumed: `python -m kills --kills 200 --seed 1` (in tests/).

Every run is killed (SIGKILL) again and again, now and then in the middle of a write, until it comes to its end;
its parameters and its history are then those of a run that nobody killed, to the bit.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from netc.command_line import main
from netc.runtime.results.folder_reader import tensors_of
from netc.runtime.training import state, train

PROGRAMS = (
    """data x in linspace(-1, 1, 40) -> x^2 + 0.3*x, scale = zscore, split = 80%
network [1(tanh)4(lin)1]
init glorot_uniform
loss mse
optimizer torch.Adam(lr = 0.001)
schedule lr = 0.001 until 3000, 0.0003
train epochs = 40000, batch = 8, runs = 3
""",
    """objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2
init theta ~ uniform(-2, 2)
optimizer momentum.heavy_ball(eta = 0.00001, alpha = 0.5)
train steps = 400000, runs = 90, stop = norm(grad R) < 1e-9
""",
)
FILES = ("theta.safetensors", "history.csv", "spec.net")
END = "end.safetensors"
"""What going on needs, but for the seconds it took; not of every run."""


def kills(count: int, seed: int) -> int:
    """How many runs came out otherwise, after so many kills; each is printed."""
    dice, done, wrong, runs = random.Random(seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        whole = {}
        for number, text in enumerate(PROGRAMS):
            Path(f"{number}.net").write_text(text)
            began = time.monotonic()
            assert _ended(_child(number, None, f"whole{number}")) == 0
            whole[number] = (_files(_run(f"whole{number}")), time.monotonic() - began)
        while done < count:
            number = dice.randrange(len(PROGRAMS))
            killed, found = _killed(number, whole[number][1], f"run{runs}", dice)
            done, runs = done + killed, runs + 1
            if found != whole[number][0]:
                wrong += 1
                print(f"after {killed} kills program {number} came out otherwise")
    return wrong


def _killed(number: int, seconds: float, out: str, dice: random.Random) -> tuple[int, dict[str, bytes]]:
    """Kills on the way to the end of one run, and what it left."""
    count, resumed = 0, None
    while True:
        child = _child(number, resumed, out)
        late = time.monotonic() + dice.uniform(0, 0.8 * seconds)
        while (status := _status(child)) is None and time.monotonic() < late:
            time.sleep(0.001)
        if status is not None:
            assert status == 0, f"resumed, program {number} ends with status {status}"
            return count, _files(_run(out))
        os.kill(child, signal.SIGKILL)
        _ended(child)
        count += 1
        runs = sorted(Path(out).iterdir()) if Path(out).exists() else []
        resumed = next((run for run in runs if list(run.glob("checkpoint-*.safetensors"))), None)
        if resumed is None:  # it never began, or came to its end
            for run in runs:
                if (run / "summary.json").exists():
                    return count, _files(run)
                left = {file.name for file in run.iterdir()} - {"spec.net", "manifest.json", "rows"}
                assert not left, f"{left} is left in {run}"
                run.rename(f"begun-{run.name}")


def _child(number: int, resumed: Path | None, out: str) -> int:
    """A process that runs or resumes; checkpoints come often there, and runs by sevens."""
    sys.stdout.flush()
    if child := os.fork():
        return child
    try:
        train.FIRST_CHECKPOINT, train.CHECKPOINTS_SHARE, train.BETWEEN_CHECKPOINTS = 0.01, 1e9, 0.01
        state.MOST = 40
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            go_on = ["--resume", str(resumed)] if resumed else [f"{number}.net", "--out", out]
            os._exit(main(["run", *go_on, "-q", "--threads", "1"]))
    finally:
        os._exit(99)


def _status(child: int) -> int | None:
    """None while it goes on."""
    ended, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(out: str) -> Path:
    (run,) = Path(out).iterdir()
    return run


def _files(run: Path) -> dict[str, bytes]:
    assert {*os.listdir(run)} <= {*FILES, END, "manifest.json", "summary.json", "runs.csv"}, os.listdir(run)
    found = {name: (run / name).read_bytes() for name in FILES}
    end = tensors_of(run / END)[0] if (run / END).exists() else {}
    return found | {f"{END}: {name}": array.tobytes() for name, array in end.items() if name != "seconds"}


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--kills", type=int, default=200)
    reader.add_argument("--seed", type=int, default=0)
    chosen = reader.parse_args()
    failed = kills(chosen.kills, chosen.seed)
    print(f"{chosen.kills} kills, {failed} runs came out otherwise")
    sys.exit(bool(failed))
