"""From the shell prompt to training: `netc run examples/boston.net` with an empty cache, and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from peers.problems import ROOT


@dataclass(frozen=True)
class Launch:
    """Seconds."""

    compile: float
    before_training: float
    """All that is not training: the start of Python, imports, parsing, compiling, loading, saving."""
    total: float


def launches() -> tuple[Launch, Launch]:
    """The first run, with nothing in the cache, and the second."""
    with tempfile.TemporaryDirectory() as folder:
        return _launch(Path(folder)), _launch(Path(folder))


def _launch(folder: Path) -> Launch:
    netc = Path(sys.executable).with_name("netc")
    command = [netc, "run", ROOT / "examples" / "boston.net", "--json", "--quiet", "--out", folder / "runs"]
    began = time.perf_counter()
    run = subprocess.run(
        command, env=os.environ | {"NETC_CACHE": str(folder / "cache")}, stdout=subprocess.PIPE, check=True
    )
    total = time.perf_counter() - began
    seconds = json.loads(run.stdout)["seconds"]
    return Launch(seconds["compile"], total - seconds["train"], total)


def table(first: Launch, second: Launch) -> str:
    lines = ["| `netc run examples/boston.net`, seconds | compiling | before training | in all |\n"]
    lines.append("| --- | ---: | ---: | ---: |\n")
    for name, launch in (("with an empty cache", first), ("again", second)):
        figures = (launch.compile, launch.before_training, launch.total)
        lines.append(f"| {name} | {' | '.join(f'{figure:.2f}' for figure in figures)} |\n")
    return "".join(lines)
