"""Small trainings of every shape on the GPU at hand, a few iterations each: what `compute-sanitizer` looks at.

    PYTHONPATH=tests compute-sanitizer --tool racecheck python -m cuda_small

Says how far each ends from the CPU's. Sizes are small because a kernel under a sanitizer is a hundred times slower.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from netc.compiler.kernels.cuda import plan as cuda_plan
from netc.compiler.kernels.cuda.plan import Card
from netc.runtime import session as sessions
from netc.runtime.training import cuda_stretches as cuda_kernels
from netc.runtime.training.train import Outcome, Watcher, train
from test_cuda_simulator import NET, TEAMS, THREADS

SMALL = {f"objective, {name}": (THREADS[name], False) for name in ("gd", "search")}
SMALL |= {f"networks, {name}": (TEAMS[name], False) for name in ("batches", "search", "reducing")}
SMALL |= {
    "grid": (TEAMS["batches"].replace("runs = 3, ", ""), True),
    "grid, norms": (
        NET + "optimizer clipped_gd.by_norm(eta = 0.05, alpha = 1)\ntrain steps = 4, batch = full",
        True,
    ),
}


def trained(text: str, target: str) -> Outcome:
    file = sessions.read_text(text, "small.net", Path.cwd())
    return train(sessions.open_session(file, {"target": target, "steps": 6}).task, Watcher())


def main() -> int:
    """Status 1 where a training ends elsewhere than the CPU's."""
    status = 0
    for name, (text, grid) in SMALL.items():
        cuda_plan.WORK = 0 if grid else 10**9
        if grid:
            card = Card(crowd=64, blocks=4)
            cuda_kernels.card = lambda card=card: card  # type: ignore[misc]
        gpu, cpu = trained(text, "cuda"), trained(text, "cpu")
        apart = float(np.abs(gpu.theta - cpu.theta).max())
        same = bool((gpu.counters == cpu.counters).all()) and apart <= 1e-9
        print(f"{name}: {apart:.1e} apart{'' if same else ', which is too far'}", flush=True)
        status |= not same
    return status


if __name__ == "__main__":
    sys.exit(main())
