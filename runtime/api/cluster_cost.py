"""What a cluster costs for each point of a sweep, measured: `python -m netc.cluster_cost [dask://HOST:PORT]`.

Bytes that travel, and seconds for a point that trains nothing worth speaking of; `docs/scaling.md` says what follows.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from netc import cluster_run
from netc.runtime import opening, program_file
from netc.runtime import sweep as sweeps
from netc.runtime.cluster import LOCAL, Failed, cluster, places, spread
from netc.runtime.results.sweep_folder import SweepFolder
from netc.sweep_run import Sweeping

FILE = """
data      boston, target = medv, scale = zscore, split = 80%, validation = 20%
network   [13(tanh)15(lin)1]
init      glorot_uniform
loss      half_mse
optimizer gd(eta = 0.1)
train     epochs = 1, batch = full
sweep     eta ~ log_uniform(1e-4, 1e-1), trials = 60
"""
TASKS = 3000


def empty(number: int) -> int:
    """A task that does nothing."""
    return number


def main(where: str) -> None:
    session = opening.open_session(program_file.read_text(FILE, "cost.net", Path()), {})
    assert session.spec.sweep is not None
    points = list(enumerate(sweeps.points_of(session.spec.sweep), start=1))
    job = cluster_run.job_of(session, {}, "cost.net")
    number, values = points[0]
    asked = pickle.dumps((job, number, values, "runs/cost/points/00001"))
    print(f"samples, once for each worker   {len(pickle.dumps(session.data)):>9} bytes")
    print(f"a point, to a worker            {len(asked):>9} bytes")
    with tempfile.TemporaryDirectory() as place, cluster(where) as client:
        sweeping = Sweeping(session, {}, SweepFolder(Path(place)), "cost.net", True)
        answer = cluster_run.train_point(job, number, values, place, session.data, None)
        assert not isinstance(answer, Failed)
        print(f"its folder, back                {sum(map(len, answer.values())):>9} bytes")
        tasks: Any = ((i, (i,)) for i in range(TASKS))
        print(
            f"an empty task                   {1e3 * _seconds(spread(client, empty, tasks)) / TASKS:>9.2f} ms"
        )
        began = time.perf_counter()
        for at, given in points:
            cluster_run.train_point(job, at, given, place, session.data, None)
        alone = time.perf_counter() - began
        print(f"a point in this process         {1e3 * alone / len(points):>9.2f} ms")
        _seconds(cluster_run.Spreading(client, sweeping).points(points))  # what compiles has compiled
        spent = _seconds(cluster_run.Spreading(client, sweeping).points(points))
        print(f"a point on {places(client)} workers            {1e3 * spent / len(points):>9.2f} ms")


def _seconds(found: Any) -> float:
    began = time.perf_counter()
    for number, answer in found:
        assert not isinstance(answer, Failed), (number, answer)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else LOCAL)
