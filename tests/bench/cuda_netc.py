"""The workloads in netc on one of its targets: stretches alone, without reports, as the peers make none.

This is the only place of the bench that looks behind netc's public face. The time of a stretch on the GPU includes the
copy of the runs' state to the host, which no peer makes, and which training does while the next stretch is under way.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import netc
from bench.objectives import Objective, ends
from bench.workloads import Workload
from netc.runtime.session import Session
from netc.runtime.training.state import MOST_ON_GPU
from netc.runtime.training.task import Watcher
from netc.runtime.training.train import _Loop
from peers import netc_training
from peers.problems import Arrays

LONG = 10**9
"""Iterations: nobody trains to the end."""


class Netc:
    def __init__(self, work: Workload | Objective, target: str) -> None:
        self.work, self.name = work, "netc" if target == "cuda" else "netc on the CPU"
        with tempfile.TemporaryDirectory() as folder:  # of the first weights, which a fresh state reads
            self.model, self.session = opened(work, target, Path(folder))
            self.loop = _Loop(self.session.task, Watcher())
            self.loop.state = self.loop.fresh(0)
        self.runs = self.loop.state.runs
        """A part of them where there are more than netc has in hand at once."""
        self.loop.warm_up()

    def advance(self, steps: int) -> None:
        self.loop.state.at += steps
        self.loop.stretches.queue(self.loop.state.at, report=False)
        self.loop.stretches.wait()

    def weights(self) -> Arrays:
        if isinstance(self.work, Objective):
            return ends(self.loop.state.theta)
        theta = self.loop.state.theta[-1, : self.model.parameters]
        return {name: np.asarray(tensor, np.float64) for name, tensor in self.model.unflatten(theta).items()}


def opened(work: Workload | Objective, target: str, folder: Path) -> tuple[netc.Model, Session]:
    """A workload as a program; such a part of the runs as netc has in hand at once. `folder`: for first weights."""
    overrides: dict[str, str | float] = {"target": target, "threads": 2}
    if isinstance(work, Objective):
        runs = min(work.runs, MOST_ON_GPU)
        model = netc.compile(f"{work.text}train steps = {LONG}, runs = {runs}\n")
        return model, model._sessions.after(model._session, None, None, overrides, None, None)
    settings: dict[str, str | int] = {
        "batch": work.batch,
        "runs": work.runs,
        "precision": work.precision,
        "steps": LONG,
    }
    rule = f"gd(eta = {work.rate})"
    model = netc_training.model(folder, work.problem, work.start(), rule, 10**6, **settings)
    session = model._sessions.after(model._session, work.problem.x, work.problem.y, overrides, None, None)
    return model, session
