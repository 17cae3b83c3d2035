"""`python -m bench.launch`: what one waits for before anything trains, and the memory that data take; `--write` for docs.

Each figure is of a process of its own, whose Python modules are compiled to bytecode already. Kernels are compiled into an
empty cache, or into one that holds those of `examples/boston.net`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from peers.problems import ROOT

BOSTON = (ROOT / "examples" / "boston.net").read_text(encoding="utf-8").partition("expect")[0]
RULE = "optimizer momentum.ema(eta = 0.1, beta1 = 0.1)"
CHANGED = {
    "with an empty cache": BOSTON,
    "again": BOSTON,
    "a new rule": BOSTON.replace(RULE, "optimizer adam.paper(eta = 0.1)"),
    "another number of samples": BOSTON.replace("split = 80%", "split = 70%"),
    "a new network": BOSTON.replace("[13(tanh)15(tanh)15(lin)1]", "[13(tanh)20(tanh)10(lin)1]"),
    "a new rule on a new network": BOSTON.replace(
        RULE, "optimizer momentum.heavy_ball(eta = 0.1, alpha = 0.5)"
    ).replace("15", "17"),
}
"""One after the other, with one cache."""
TRAIN = "optimizer adam.paper\ntrain steps = 2, batch = 64, precision = f32\n"
HEAD = "init glorot_uniform\nloss cross_entropy\n"
IMAGES = "network [28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (conv 5x5, tanh) 12 (avgpool 2x2) (softmax) 10]\n"
ALONE = {
    "LeNet-1": (IMAGES + HEAD + TRAIN, 784, 256),
    "20 layers of 32": (f"network [32{'(tanh)32' * 19}(softmax)10]\n" + HEAD + TRAIN, 32, 256),
}
"""Text, inputs and samples; each with an empty cache."""
WIDE = "network [784(tanh)24(softmax)10]\n" + HEAD + TRAIN
LARGE = "network [100(tanh)8(softmax)10]\n" + HEAD + TRAIN

COMPILED = """
import sys, netc, numpy as np
text, inputs, samples = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
result = netc.compile(text).train(rng.normal(size=(samples, inputs)), np.arange(samples) % 10)
print(result.seconds["compile"])
"""
CALLED = """
import sys, time, netc, numpy as np
model = netc.compile(sys.argv[1])
x, y, took = np.random.default_rng(0).normal(size=(2048, 784)).astype(np.float32), np.arange(2048) % 10, []
for _ in range(9):
    began = time.perf_counter()
    model.train(x, y, steps=1)
    took.append(time.perf_counter() - began)
print(sorted(took[2:])[3])
"""
HELD = """
import resource, sys, netc, numpy as np
def held(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
model = netc.compile(sys.argv[1])
rng = np.random.default_rng(0)
model.train(rng.normal(size=(64, 100)).astype(np.float32), np.arange(64) % 10)
before = held()
x, y = rng.random((10**6, 100), np.float32), np.arange(10**6) % 10
model.train(x, y)
print((held() - before) / x.nbytes)
"""


@dataclass(frozen=True)
class Launch:
    """Seconds."""

    compile: float
    before_training: float
    """All that is not training: the start of Python, imports, parsing, compiling, loading, saving."""
    total: float


def launches() -> dict[str, Launch]:
    """Of `netc run`, by what is new."""
    with tempfile.TemporaryDirectory() as folder:
        return {name: _launch(Path(folder), text) for name, text in CHANGED.items()}


def _launch(folder: Path, text: str) -> Launch:
    file = folder / "boston.net"
    file.write_text(text, encoding="utf-8")
    command = [_netc(), "run", file, "--json", "--quiet", "--out", folder / "runs"]
    total, printed = _timed(command, folder / "cache")
    seconds = json.loads(printed)["seconds"]
    return Launch(seconds["compile"], total - seconds["train"], total)


def starts() -> dict[str, float]:
    """Seconds until something has come of it that needs no kernel."""
    commands = {
        "`netc --help`": [_netc(), "--help"],
        "`netc check examples/boston.net`": [_netc(), "check", ROOT / "examples" / "boston.net"],
        "`import netc; netc.compile(...)`": [sys.executable, "-c", f"import netc; netc.compile({BOSTON!r})"],
    }
    with tempfile.TemporaryDirectory() as folder:
        return {name: _timed(command, Path(folder))[0] for name, command in commands.items()}


def alone() -> dict[str, float]:
    """Seconds of compiling, with an empty cache."""
    return {name: _said(COMPILED, text, str(n), str(m)) for name, (text, n, m) in ALONE.items()}


def _said(program: str, *arguments: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return float(_timed([sys.executable, "-c", program, *arguments], Path(folder))[1])


def _timed(command: Sequence[str | Path], cache: Path) -> tuple[float, str]:
    """Seconds, and what it printed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environment | {"NETC_CACHE": str(cache)}, stdout=subprocess.PIPE, check=True
    )
    return time.perf_counter() - began, done.stdout.decode()


def _netc() -> Path:
    return Path(sys.executable).with_name("netc")


def table(repetitions: int) -> str:
    """Medians."""
    starts()  # bytecode and the grammar's table are there from now on
    runs = [launches() for _ in range(repetitions)]
    lines = ["| `netc run examples/boston.net`, seconds | compiling | before training | in all |\n"]
    lines.append("| --- | ---: | ---: | ---: |\n")
    for name in CHANGED:
        found = [run[name] for run in runs]
        figures = (
            median(getattr(launch, n) for launch in found) for n in ("compile", "before_training", "total")
        )
        lines.append(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} |\n")
    begun, compiled = ([measured() for _ in range(repetitions)] for measured in (starts, alone))
    rows = [(f"{name}, all of it", median(one[name] for one in begun)) for name in begun[0]]
    rows += [(f"compiling {name}", median(one[name] for one in compiled)) for name in ALONE]
    calls = median(_said(CALLED, WIDE) for _ in range(repetitions))
    rows.append(("one more call of `train` on the same 2048 samples of 784 inputs, one step", calls))
    lines += [
        "\n| | seconds |\n| --- | ---: |\n",
        *(f"| {name} | {seconds:.3f} |\n" for name, seconds in rows),
    ]
    held = median(_said(HELD, LARGE) for _ in range(repetitions))
    return "".join(
        [
            *lines,
            f"\n1 000 000 samples of 100 inputs, float32: training holds {held:.2f} times the data, them included.\n",
        ]
    )


def main() -> None:
    from bench import report

    parser = argparse.ArgumentParser(prog="bench.launch", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--write", nargs="+", type=Path, default=[], help="documents that hold the table")
    arguments = parser.parse_args()
    text = f"{table(arguments.repetitions)}\n{report.circumstances(arguments.repetitions)}"
    print(text)
    for document in arguments.write:
        report.write(document, text, report.LAUNCH)


if __name__ == "__main__":
    main()
