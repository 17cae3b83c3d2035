"""The same trainings as `torch_training.py`, written as a `.net` file."""

from __future__ import annotations

from pathlib import Path

from safetensors.numpy import save_file

import netc
from peers.problems import Arrays, Problem


def model(
    folder: Path, problem: Problem, weights: Arrays, optimizer: str, every: int, **train: str | int
) -> netc.Model:
    """A file in `folder`: it starts at `weights`, follows `optimizer`, reports every so many epochs.

    `train` are settings of that statement: `steps = 1000`.
    """
    save_file(weights, folder / "start.safetensors")
    file = folder / f"{problem.name}.net"
    settings = "".join(f", {name} = {value}" for name, value in train.items())
    file.write_text(
        f"network   {problem.network}\n"
        'init      from "start.safetensors"\n'
        f"loss      {problem.loss}\n"
        f"optimizer {optimizer}\n"
        f"train     shuffle = false{settings}\n"
        f"monitor   loss, every = {every}\n",
        encoding="utf-8",
    )
    return netc.compile(str(file))
