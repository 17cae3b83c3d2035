"""Small trainings of every shape on the GPU at hand, a few iterations each: what `compute-sanitizer` looks at.

    PYTHONPATH=tests compute-sanitizer --tool racecheck python -m cuda_small

Says how far each ends from the CPU's. Sizes are small because a kernel under a sanitizer is a hundred times slower.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from layer_programs import CASES
from netc.compiler.kernels.cuda import lets_plan
from netc.compiler.kernels.cuda import plan as cuda_plan
from netc.compiler.kernels.cuda.plan import Card
from netc.runtime import opening, program_file
from netc.runtime.training import cuda_stretches as cuda_kernels
from netc.runtime.training.task import Outcome, Watcher
from netc.runtime.training.train import train
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


SMALL |= {
    f"layers, {name}": (CASES[name].text("runs = 2"), False) for name in ("lenet", "modes", "attention")
}
SMALL |= {f"grid, layers, {name}": (CASES[name].text(), True) for name in ("modes", "lstm")}


def trained(text: str, target: str, data: tuple[np.ndarray, np.ndarray] | None) -> Outcome:
    file = program_file.read_text(text, "small.net", Path.cwd())
    given = program_file.from_arrays(file, *data) if data else None
    return train(opening.open_session(file, {"target": target, "steps": 6}, given).task, Watcher())


def main() -> int:
    """Status 1 where a training ends elsewhere than the CPU's."""
    status, own = 0, cuda_kernels.card()
    for name, (text, grid) in SMALL.items():
        cuda_plan.WORK = lets_plan.WIDE = 0 if grid else 10**9
        card = Card(crowd=64, blocks=4) if grid else own
        cuda_kernels.card = lambda card=card: card  # type: ignore[misc]
        case = CASES.get(name.rpartition("layers, ")[2]) if "layers" in name else None
        data = case.samples() if case else None
        gpu, cpu = trained(text, "cuda", data), trained(text, "cpu", data)
        apart = float(np.abs(gpu.theta - cpu.theta).max())
        same = bool((gpu.counters == cpu.counters).all()) and apart <= 1e-9
        print(f"{name}: {apart:.1e} apart{'' if same else ', which is too far'}", flush=True)
        status |= not same
    return status


if __name__ == "__main__":
    sys.exit(main())
