"""On a GPU, where one is at hand: the kernels against the CPU's, 100 steps to 1e-9; two launches give the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netc.runtime import session as sessions
from netc.runtime.devices.cuda_missing import missing, simulated
from netc.runtime.training.train import Outcome, Watcher, train

pytestmark = pytest.mark.skipif(simulated() or missing() is not None, reason="needs netc[cuda] and a GPU")
BOSTON = (Path(__file__).parent.parent / "examples" / "boston.net").read_text(encoding="utf-8")
PROGRAMS = {
    "thread": "objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\ninit theta ~ normal(0, 1)\n"
    "optimizer turpault.LC\ntrain steps = 100, runs = 1000, seed = 1\n",
    "block": BOSTON.replace("epochs = 200", "runs = 64, steps = 100"),
    "grid": "data x in linspace(-1, 1, 4000) -> sin(3*x) + x^2\nnetwork [1(tanh)64(lin)1]\ninit glorot_uniform\n"
    "loss half_mse\noptimizer gd(eta = 0.1)\ntrain steps = 100, batch = full\n",
}


def trained(text: str, target: str) -> tuple[Outcome, sessions.Session]:
    session = sessions.open_session(sessions.read_text(text, "gpu.net", Path.cwd()), {"target": target})
    return train(session.task, Watcher()), session


@pytest.mark.parametrize("shape", PROGRAMS)
def test_a_gpu_does_what_the_cpu_does(shape: str) -> None:
    gpu, session = trained(PROGRAMS[shape], "cuda")
    cpu, _ = trained(PROGRAMS[shape], "cpu")
    again, _ = trained(PROGRAMS[shape], "cuda")
    module = session.cuda_module()
    assert shape == module.SHAPE
    assert (gpu.counters == cpu.counters).all()
    np.testing.assert_allclose(gpu.theta, cpu.theta, rtol=1e-9, atol=1e-9)
    assert (gpu.theta == again.theta).all()
