"""The generated CUDA kernels under a checker of races, barriers, bounds and unwritten memory; and the checker itself."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cuda_races import Machine
from netc.compiler import pipeline
from netc.compiler.calculus import interpret, ir
from netc.compiler.kernels.cuda import plan as cuda_plan
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.cuda.target import Cuda
from netc.runtime import session as sessions
from netc.runtime.random import Purpose, permutation
from netc.runtime.training.sample_layout import bounds, lay_out
from netc.runtime.training.start import first_theta

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
STEPS = 4
BOWL = "objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\ninit theta ~ normal(0, 1)\n"
OBJECTIVES = {
    "gd": BOWL + "optimizer gd(eta = 0.05)\ntrain steps = 9, runs = 9, stop = norm(grad R) < 1e-2",
    "adam": BOWL + "optimizer adam.paper\ntrain steps = 9, runs = 9, precision = f32",
    "LCD": BOWL + "optimizer turpault.LCD\ntrain steps = 9, runs = 9",
}


class Kernel:
    """A program's kernel, and the arrays of its runs as docs/kernels.md lists them."""

    def __init__(self, text: str, shape: str, threads: int, blocks: int, **options: int) -> None:
        session = sessions.open_session(sessions.read_text(text, "races.net", Path.cwd()), {})
        self.program = program = session.program
        training = program.training
        sizes = {f.name: threads for f in dataclasses.fields(Card) if f.name in ("threads", "crowd")}
        chosen = Cuda(Card(blocks=blocks, **sizes, **options))
        module = pipeline.to_loops(program, chosen, session.samples)
        self.text, constants = pipeline.to_text(module, chosen), dict(module.constants)
        assert constants["SHAPE"] == shape
        assert constants["BLOCKS"] == (blocks if shape == "grid" else 1)
        self.size = blocks, threads
        self.real = real = np.dtype(f"f{int(str(constants['REAL'])[1:]) // 8}")
        self.x, self.y = session._scaled[0] if session.data else (np.zeros((1, 0)), np.zeros((1, 0)))
        self.shuffled = training.batches.shuffle and training.batches.mode != "full"
        self.bounds = bounds(training.batches, len(self.x))
        self.first = first_theta(program, 0, training.runs)
        states = [started(program, theta, self.x, self.y, self.bounds) for theta in self.first]
        samples = lay_out(self.x, self.y, 1, real.type, self.shuffled)
        runs = training.runs
        self.arrays: dict[str, Any] = {
            "rows": np.arange(runs),
            "theta": self.first.astype(real),
            "vectors": np.array([s[0] for s in states]).reshape(runs, -1, self.first.shape[1]).astype(real),
            "scalars": np.array([s[1] for s in states]).reshape(runs, -1),
            "counters": np.pad(np.arange(runs)[:, None], ((0, 0), (4, 0))),
            "figures": np.zeros((runs, 3)),
            "hyper": np.array([h.value for h in program.rule.hypers]),
            "x": samples.x,
            "y": samples.y,
            "bounds": self.bounds,
            "order": np.zeros((runs, len(self.x) * self.shuffled), np.int64),
            "scratch": np.zeros((blocks, int(constants["SCRATCH"])), real),
        }
        self.places = np.zeros((blocks, int(constants["PLACES"])), np.int32)

    def looked_at(self) -> list[str]:
        """What is found while all runs are trained, in two launches."""
        machine = Machine()
        for last in (STEPS // 2, STEPS):
            sums = {"partials": np.zeros(self.size[0]), "turns": np.zeros(1, np.int64), "places": self.places}
            given = self.arrays | {"key": self.program.training.seed, "last": last} | sums
            machine.launch(self.text, *self.size, given, ("scratch", "partials", "places"))
        return machine.findings

    def does_what_the_equations_say(self) -> bool:
        """It was trained as the interpreter trains."""
        for r, theta in enumerate(self.first):
            seed = self.program.training.seed
            order = partial(permutation, len(self.x), seed, r, Purpose.SHUFFLE) if self.shuffled else None
            end = interpret.run(self.program, theta, self.x, self.y, STEPS, self.bounds, order)
            bound = 1e-9 if self.real == np.float64 else 1e-4
            np.testing.assert_allclose(self.arrays["theta"][r], end.trajectory[-1], rtol=bound, atol=bound)
            counts = [end.iterations, end.loss_evaluations, end.gradient_evaluations, end.status, r]
            assert self.arrays["counters"][r].tolist() == counts
        return True


def started(program: ir.Program, *given: Any) -> tuple[list[Any], list[Any]]:
    """First values of the states: vectors and numbers, those of each batch behind the others."""
    states = interpret.run(program, *given[:3], 0, given[3]).states
    whole = sorted(program.rule.states, key=lambda s: s.per_batch)
    values = [(s, v) for s in whole for v in (states[s.name] if s.per_batch else [states[s.name]])]
    return (
        [v for s, v in values if s.axes and s.name != "theta"],
        [v for s, v in values if not s.axes],
    )


def good(text: str, shape: str, threads: int = 8, blocks: int = 2, **options: int) -> bool:
    kernel = Kernel(text, shape, threads, blocks, **options)
    assert kernel.looked_at() == []
    return kernel.does_what_the_equations_say()


def share_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also little work is for a grid, and one sample for a block."""
    monkeypatch.setattr(cuda_plan, "WORK", 0)
    monkeypatch.setattr(cuda_plan, "SHARE", 1)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_runs_of_threads_touch_nothing_in_common(name: str) -> None:
    assert good(OBJECTIVES[name], "thread")


@pytest.mark.parametrize("name", NETWORKS)
def test_threads_of_a_block_wait_for_each_other(name: str) -> None:
    """More threads than samples, so that several work on each."""
    assert good(f"{NETWORKS[name]}, runs = 3", "block", threads=16)


@pytest.mark.parametrize("name", NETWORKS)
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
