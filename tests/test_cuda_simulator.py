"""The CUDA kernels in numba's simulator against the CPU's: same starts, batches, trajectories, statuses, counts.

The simulator proves arithmetic, not the absence of races: it accepts barriers that not all threads reach.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netc.runtime.devices.cuda_missing import installed

pytestmark = pytest.mark.skipif(not installed(), reason="needs netc[cuda]")
TESTS = Path(__file__).parent

BOWL = "objective R(x, y) = x^2 + 10*y^2 + x*y\ninit theta ~ uniform(-2, 2)\n"
VALLEY = "objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\ninit theta ~ normal(0, 1)\n"
HALVING = """optimizer halving(eta = 1, c = 0.1):
    g = grad R(theta[n])
    h = 2*eta
    repeat at most {bound}:
        h = h/2
        p = theta[n] - h*g
        until R(p) <= R(theta[n]) - c*h*sum(g^2)
    theta[n+1] = p
"""
THREADS = {
    "gd": BOWL + "optimizer gd(eta = 0.05)\ntrain steps = 40, runs = 9, stop = norm(grad R) < 1e-2",
    "diverging": BOWL + "optimizer gd(eta = 0.2)\ntrain steps = 400, runs = 9",
    "adam": VALLEY + "optimizer adam.paper(eta = 0.05)\ntrain steps = 50, runs = 7, seed = 3",
    "norms": VALLEY
    + "optimizer clipped_gd.by_norm(eta = 0.05, alpha = 1)\ntrain steps = 50, runs = 7, seed = 1",
    "search": VALLEY + HALVING.format(bound=40) + "train steps = 20, runs = 7, stop = norm(grad R) < 1e-6",
    "failing": VALLEY + HALVING.format(bound=2) + "train steps = 20, runs = 7",
    "LCD": VALLEY + "optimizer turpault.LCD\ntrain steps = 20, runs = 5",
    "schedule": VALLEY
    + "optimizer gd(eta = 0.1)\nschedule eta = 0.05 until 10, 0.01\ntrain steps = 30, runs = 5",
    "functions": "objective R(x) = log(1 + exp(x)) + sin(x)*tanh(x) + abs(x)^1.5\ninit theta ~ normal(0, 2)\n"
    "optimizer rmsprop.eps_outside(eta = 0.05)\ntrain steps = 30, runs = 6",
}
DATA = "data x in linspace(-1, 1, 13) -> sin(3*x) + x^2\n"
NET = DATA + "network [1(tanh)4(lin)1]\ninit glorot_uniform\nloss half_mse\n"
TEAMS = {
    "batches": NET + "optimizer momentum.heavy_ball(eta = 0.1)\ntrain epochs = 2, batch = 5, runs = 3, seed = 2",
    "search": DATA + "network [1(relu)3(gelu)3(lin)1]\ninit he_normal\nloss half_mse\n"
    + HALVING.format(bound=40) + "train epochs = 2, batch = full, runs = 2, stop = norm(grad R) < 1e-6",
    "reducing": "data inline:\n    0, 1 -> 1\n    1, 1 -> 0\n    2, -1 -> 1\n    1, 3 -> 0\n"
    "network [2(softmax)3(sigmoid)1]\ninit glorot_uniform\nloss binary_cross_entropy\n"
    "optimizer adam.paper(eta = 0.3)\ntrain epochs = 3, batch = 3, runs = 2",
    "masks": NET + "optimizer thaw(eta = 0.1):\n"
    "    theta[n+1] = theta[n] - eta*(1 - layer1.weights)*grad R(theta[n]) - eta*(gains + layer2)*theta[n]\n"
    "train epochs = 2, batch = 5, runs = 2, seed = 2",
    "parts": "data inline:\n    1 -> 0\n    2 -> 1\nnetwork [1 (dense nobias, lin) 1]\nloss R = sum((u - y)^2)\n"
    "init theta = 0\noptimizer splitting(eta = 0.1):\n    for i in 1..m:\n"
    "        theta[n+i/m] = theta[n+(i-1)/m] - eta*grad R[i](theta[n+(i-1)/m])\n"
    "schedule eta = plateau(0.1, factor = 0.5, patience = 1)\ntrain epochs = 6, batch = 2 parts, shuffle = false",
}  # fmt: skip


def simulate(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(TESTS / "cuda_simulated.py")],
        input=json.dumps(cases), capture_output=True, text=True, check=False,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def agree(found: dict[str, Any], bound: float) -> None:
    assert found["same"], found["counters"]
    for figure in ("theta", "vectors", "scalars", "figures"):
        assert found[figure] <= bound, (figure, found[figure])


def test_one_run_per_thread_does_what_the_cpu_does() -> None:
    found = dict(zip(THREADS, simulate([{"text": text} for text in THREADS.values()]), strict=True))
    for one in found.values():
        assert one["shape"] == "thread"
        agree(one, 1e-12)
    statuses = {name: {row[3] for row in one["counters"]} for name, one in found.items()}
    assert statuses["gd"] == {0, 1}  # some reach the criterion in 40 steps
    assert statuses["diverging"] == {2}
    assert 3 in statuses["failing"]


def test_one_run_per_block_does_what_the_cpu_does() -> None:
    for one in simulate([{"text": text} for text in TEAMS.values()]):
        assert one["shape"] == "block"
        agree(one, 1e-12)


def test_other_shapes_and_sizes_do_the_same() -> None:
    """The grid; activations in global memory; other numbers of threads."""
    text = TEAMS["batches"].replace("runs = 3, ", "")
    cases = [{"grid": True}, {"shared": 64}, {"threads": 1}, {"threads": 8}]
    found = simulate([{"text": text, **case} for case in cases])
    assert [one["shape"] for one in found] == ["grid", "block", "block", "block"]
    for one in found:
        agree(one, 1e-12)


BOUND_F32 = 1e-5
"""What docs/cuda.md states for float32, over these few steps: sums are taken in another order than on the CPU."""


def test_single_precision_stays_within_its_bound() -> None:
    for one in simulate([{"text": f"{t}, precision = f32"} for t in (THREADS["adam"], TEAMS["batches"])]):
        agree(one, BOUND_F32)
