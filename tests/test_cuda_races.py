"""The generated CUDA kernels under a checker of races, barriers, bounds and unwritten memory; and the checker itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cuda_kernels import Kernel, good
from cuda_races import Machine
from netc.compiler.kernels.cuda import plan as cuda_plan
from sweeps import one_in

# -- the checker itself ------------------------------------------------------------------------------

HEAD = """
from numba import cuda, float64, int64, uint64 as at

from netc.runtime.devices.cuda_device import block_sum, grid_barrier, grid_sum

@cuda.jit()
def advance(out, turns, partials):
    t = cuda.threadIdx.x
    n = cuda.blockDim.x
    sums = cuda.shared.array(4, float64)
"""


def looked_at(body: str, blocks: int = 2, threads: int = 4, **arguments: Any) -> tuple[list[str], np.ndarray]:
    """What is found in a kernel with this body, and what it leaves in `out`."""
    text = HEAD + "".join(f"    {line}\n" for line in body.strip().splitlines())
    out = np.zeros(blocks * threads)
    rest = {"out": out, "turns": np.zeros(1, np.int64), "partials": np.zeros(blocks)} | arguments
    return Machine().launch(text, blocks, threads, rest, ("partials",)), out


NEIGHBOUR = """
sums[t] = 1.0 + t
{barrier}
out[cuda.grid(1)] = sums[(t + 1) % n]
"""


def test_a_missing_barrier_is_a_race() -> None:
    found, out = looked_at(NEIGHBOUR.format(barrier="cuda.syncthreads()"))
    assert found == []
    assert out.tolist() == [2, 3, 4, 1] * 2
    found, _ = looked_at(NEIGHBOUR.format(barrier="pass"))
    assert any(
        line.startswith("race: line 13: read of the shared array of line 10[0] by") for line in found
    ), found


def test_the_same_value_from_two_threads_is_a_race() -> None:
    assert looked_at("out[cuda.blockIdx.x] = 1.0", threads=1)[0] == []
    (found,), _ = looked_at("out[cuda.blockIdx.x] = 1.0", threads=2)
    assert found.startswith("race: line 11: write of out[0] by thread 0.1, write of it by thread 0.0")


BLOCKS = """
out[cuda.grid(1)] = 1.0
{barrier}
out[(cuda.grid(1) + n) % 8] = 2.0
"""
COUNTED = """cuda.atomic.add(turns, 0, 1)
while cuda.atomic.add(turns, 0, 0) < 8:
    pass"""
FENCED = f"cuda.threadfence()\n{COUNTED}\ncuda.threadfence()"


@pytest.mark.parametrize(
    ("barrier", "good"),
    [("grid_barrier(turns)", True), ("cuda.syncthreads()", False), (FENCED, True), (COUNTED, False)],
)
def test_blocks_meet_at_barriers_of_the_grid_only(barrier: str, good: bool) -> None:
    """And an atomic operation hands on only what was fenced."""
    found, _ = looked_at(BLOCKS.format(barrier=barrier))
    assert [line.partition(":")[0] for line in found] == ([] if good else ["race"])


def test_a_sum_over_the_grid_is_right_and_has_no_race() -> None:
    found, out = looked_at("out[cuda.grid(1)] = grid_sum(float64(cuda.grid(1)), sums, partials, turns)")
    assert found == []
    assert out.tolist() == [28] * 8


WRONG = {
    "if t == 0:\n    cuda.syncthreads()": "barrier: line 12: thread 0.0 waits here, thread 0.1 is at its end",
    "if t < 2:\n    cuda.syncthreads()\nelse:\n    cuda.syncthreads()": "barrier: line 12: thread 0.0 waits here, thread 0.",
    "for i in range(3 - t):\n    cuda.syncthreads()": "barrier: line 12: thread 0.0 waits here, thread 0.3 is at its end",
    "if t == 0:\n    block_sum(1.0, sums, 0, 0)\nelse:\n    block_sum(1.0, sums, 0, 0)": "barrier: line",
    "if cuda.blockIdx.x == 0:\n    grid_barrier(turns)": "barrier: thread 0.0 and others wait for ever",
    "out[at(t - 1)] = 1.0": "bounds: line 11: thread 0.0: -1 where nothing is negative",
    "out[t - 1] = 1.0": "bounds: line 11: thread 0.0: [-1] of out, which has 8 there",
    "sums[t + 1] = 1.0": "bounds: line 11: thread 0.3: [4] of the shared array of line 10, which has 4 there",
    "row = out[2:9]": "bounds: line 11: thread 0.0: [2:9] of out, which has 8 there",
    "out[cuda.grid(1)] = sums[t]": "unwritten: line 11: the shared array of line 10[0] is read",
    "out[cuda.grid(1)] = partials[cuda.blockIdx.x]": "unwritten: line 11: partials[0] is read",
    "own = cuda.local.array(2, float64)\nown[0] = own[1]": "unwritten: line 12: a local array[1] is read",
    "cuda.atomic.add(out, 0, 1.0)": "atomic: line 11: of a floating-point number, out[0]",
    "out[cuda.grid(1)] = 1.0 + nothing": "error: line 11: thread 0.0: NameError",
}  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
def test_a_wrong_kernel_is_found_out(body: str) -> None:
    found, _ = looked_at(body)
    assert found
    assert found[0].startswith(WRONG[body]), found


def test_atomic_operations_race_with_no_other_but_with_plain_ones() -> None:
    assert looked_at("cuda.atomic.max(turns, 0, t)")[0] == []
    found, _ = looked_at("cuda.atomic.max(turns, 0, t)\nif t == 1:\n    turns[0] = 0")
    assert "race: line 13: write of turns[0] by thread 0.1, update of it by" in found[0]


# -- the kernels -------------------------------------------------------------------------------------

DATA = "data x in linspace(-1, 1, 5) -> sin(3*x) + x^2\n"
POINTS = "data inline:\n    0, 1 -> 1\n    1, 1 -> 0\n    2, -1 -> 1\n    1, 3 -> 0\n    2, 2 -> 1\n"
SMALL = DATA + "network [1(tanh)4(lin)1]\ninit glorot_uniform\nloss half_mse\n"
SUM = DATA + "network [1(tanh)3(lin)1]\ninit glorot_uniform\nloss R = sum((u - y)^2)/2, reduce = sum\n"
PARTS = """data inline:
    1 -> 0
    1 -> 0.5
    2 -> 1
    1 -> 1
network [1 (dense nobias, lin) 1]
loss R = sum((u - y)^2)
init theta = 0
"""
SPETH = """optimizer speth(eta = 0.1):
    theta[n+1/2] = theta[n] - eta*grad R[1](theta[n]) + eta*c[n]
    theta[n+1]   = theta[n+1/2] - eta*grad R[2](theta[n+1/2]) - eta*c[n]
    c[n+1]       = c[n] + (theta[n+1] + theta[n] - 2*theta[n+1/2])/(2*eta)
"""
NETWORKS = {
    "shuffled": SMALL + "optimizer momentum.heavy_ball(eta = 0.1)\ntrain steps = 9, batch = 2",
    "resampled": SMALL + "optimizer adam.paper\ntrain steps = 9, batch = 2, sampling = replacement",
    "f32": SMALL + "optimizer adam.paper\ntrain steps = 9, batch = 2, precision = f32",
    "search": SMALL + "optimizer turpault.LCD\ntrain steps = 9, batch = full, stop = norm(grad R) < 1e-6",
    "RAG": SUM + "optimizer turpault.RAG\ntrain steps = 9, batch = 2 parts, shuffle = false",
    "RAGL": SUM + "optimizer turpault.RAGL\ntrain steps = 9, batch = 2 parts, shuffle = false",
    "parts": PARTS + "optimizer turpault.splitting\nschedule eta = plateau(0.1, factor = 0.5, patience = 1)\n"
    "train steps = 9, batch = 2 parts, shuffle = false",
    "vector of each batch": PARTS + SPETH + "train steps = 9, batch = 2 parts, shuffle = false",
    "norm of each tensor": SMALL + "optimizer optax.lamb(0.01)\ntrain steps = 9, batch = 2",
    "norm of each layer": SMALL
    + "optimizer gd(eta = 0.1), clip = clip.by_norm_per_layer(c = 0.1)\ntrain steps = 9, batch = 2",
    "signs": SMALL + "optimizer lion.paper\ntrain steps = 9, batch = 2",
    "softmax inside": POINTS + "network [2(softmax)3(sigmoid)1]\ninit glorot_uniform\nloss binary_cross_entropy\n"
    "optimizer adam.paper(eta = 0.3)\ntrain steps = 9, batch = 3",
    "classes": POINTS + "network [2(gelu)3(relu)3(softmax)2]\ninit he_normal\nloss cross_entropy\n"
    "optimizer rmsprop.eps_outside\ntrain steps = 9, batch = 2",
    "huber": SMALL.replace("tanh", "mish").replace("half_mse", "huber(delta = 0.1)")
    + "optimizer gd(eta = 0.1)\nschedule eta = 0.1 until 2, 0.01\ntrain steps = 9, batch = full",
}  # fmt: skip
BOWL = "objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\ninit theta ~ normal(0, 1)\n"
OBJECTIVES = {
    "gd": BOWL + "optimizer gd(eta = 0.05)\ntrain steps = 9, runs = 9, stop = norm(grad R) < 1e-2",
    "adam": BOWL + "optimizer adam.paper\ntrain steps = 9, runs = 9, precision = f32",
    "LCD": BOWL + "optimizer turpault.LCD\ntrain steps = 9, runs = 9",
}


def share_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also little work is for a grid, and one sample for a block."""
    monkeypatch.setattr(cuda_plan, "WORK", 0)
    monkeypatch.setattr(cuda_plan, "SHARE", 1)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_runs_of_threads_touch_nothing_in_common(name: str) -> None:
    assert good(OBJECTIVES[name], "thread")


@pytest.mark.parametrize("name", one_in(3, NETWORKS))
def test_threads_of_a_block_wait_for_each_other(name: str) -> None:
    """More threads than samples, so that several work on each."""
    assert good(f"{NETWORKS[name]}, runs = 3", "block", threads=16)


@pytest.mark.parametrize("name", one_in(3, NETWORKS))
def test_threads_of_a_grid_wait_for_each_other(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    share_everything(monkeypatch)
    assert good(NETWORKS[name], "grid")


def test_other_sizes_do_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread, few; three blocks; activations in global memory; more samples than go through together."""
    several = (
        NETWORKS["shuffled"].replace("1, 5)", "1, 33)").replace("batch = 2", "batch = 20") + ", runs = 3"
    )
    assert good(several, "block", threads=1, blocks=3)
    assert good(several, "block", threads=4, shared=64)
    share_everything(monkeypatch)
    assert good(NETWORKS["f32"].replace("batch = 2", "batch = full"), "grid", threads=4, blocks=4)


def test_kernels_without_one_of_their_barriers_are_found_out() -> None:
    """Most of them: some are needed only where a run has ended, or at other sizes."""
    barrier, text = "cuda.syncthreads()", NETWORKS["huber"]
    parts = Kernel(text, "block", 16, 1).text.split(barrier)
    found = 0
    for i in range(1, len(parts)):
        kernel = Kernel(text, "block", 16, 1)
        kernel.text = barrier.join(parts[:i]) + "pass" + barrier.join(parts[i:])
        found += any(line.startswith("race") for line in kernel.looked_at())
    assert found > len(parts) / 2
