"""The same trainings as `torch_training.py`, written as a `.net` file."""

from __future__ import annotations

from pathlib import Path

from safetensors.numpy import save_file

import netc
from peers.problems import Arrays, Problem


def model(folder: Path, problem: Problem, weights: Arrays, optimizer: str, *train: str) -> netc.Model:
    """A file in `folder` that starts at `weights`, follows `optimizer` and has the settings `train`."""
    save_file(weights, folder / "start.safetensors")
    file = folder / f"{problem.name}.net"
    file.write_text(
        f"network   {problem.network}\n"
        'init      from "start.safetensors"\n'
        f"loss      {problem.loss}\n"
        f"optimizer {optimizer}\n"
        f"train     {', '.join(('shuffle = false', *train))}\n"
        "monitor   loss, every = 1\n",
        encoding="utf-8",
    )
    return netc.compile(str(file))
