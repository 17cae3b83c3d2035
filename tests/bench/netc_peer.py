"""The workloads in netc, through its Python face: what a script gets. Reports: the first and the last."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.workloads import Workload
from peers import netc_training
from peers.problems import Arrays


class Netc:
    name = "netc"

    def __init__(self, work: Workload) -> None:
        self.work, self.runs = work, work.runs
        self.folder = (
            tempfile.TemporaryDirectory()
        )  # lives as long as the model, which starts from a file in it
        self.model = netc_training.model(
            Path(self.folder.name),
            work.problem,
            work.start(),
            work.optimizer,
            every=10**6,
            batch=work.batch,
            runs=work.runs,
            precision=work.precision,
            steps=1,
        )

    def advance(self, steps: int) -> None:
        """Trains from the start each time."""
        self.result = self.model.train(self.work.problem.x, self.work.problem.y, steps=steps, threads=1)

    def weights(self) -> Arrays:
        return self.model.unflatten(self.result.theta[-1])
