"""On a GPU, where one is at hand: what docs/cuda.md says of it. The CPU's kernels are the measure, 100 iterations to
1e-9 in float64; two launches, stretches under way, Ctrl-C and `--resume` change no bit."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layer_programs import CASES
from netc.command_line import main
from netc.runtime import opening, program_file
from netc.runtime.devices.cuda_missing import missing, simulated
from netc.runtime.random import Purpose, permutation
from netc.runtime.session import Session
from netc.runtime.training import train as training
from netc.runtime.training.report import COLUMNS
from netc.runtime.training.task import Outcome, Watcher
from test_cuda_shuffle import KERNEL
from test_cuda_simulator import BOUND_F32, TEAMS, THREADS, VALLEY

pytestmark = [
    pytest.mark.skipif(simulated() or missing() is not None, reason="needs netc[cuda] and a GPU"),
    pytest.mark.filterwarnings("ignore:Grid size"),  # numba's, of small launches
]
EXAMPLES = Path(__file__).parent.parent / "examples"
BOSTON = re.sub(r"^expect.*\n", "", (EXAMPLES / "boston.net").read_text(encoding="utf-8"), flags=re.MULTILINE)
GRID = (
    "data x in linspace(-1, 1, 4000) -> sin(3*x) + x^2\nnetwork [1(tanh)64(lin)1]\ninit glorot_uniform\n"
    "loss half_mse\noptimizer gd(eta = 0.1)\ntrain steps = 100, batch = full\n"
)
SHUFFLED = GRID.replace("batch = full", "batch = 2000, seed = 3")
IMAGES = (
    "network [784(tanh)24(softmax)10]\ninit glorot_uniform\nloss cross_entropy\noptimizer adam.paper(eta = 0.001)\n"
    "train steps = 100, batch = 256, seed = 1\n"
)
LENET = (
    "network [28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (conv 5x5, tanh) 12 (avgpool 2x2) (softmax) 10]\n"
    "init glorot_uniform\nloss cross_entropy\noptimizer adam.paper(eta = 0.001)\ntrain steps = 40, batch = 32, seed = 1\n"
)
SOME = (
    "benchmark1", "boston", "clipped", "digits", "diverging", "iris", "nonconvex", "one_neuron", "oscillating",
    "quadratic_adagrad", "sonar", "speth", "splitting", "momentum/adam", "momentum/boston_double_rate",
    "momentum/velocity", "turpault2024/batches1_rag", "turpault2024/batches2_ragl",
    "turpault2024/benchmark1_awb", "turpault2024/benchmark1_lc", "turpault2024/benchmark1_lcd_c1",
    "turpault2024/benchmark2_adam", "turpault2024/benchmark3_momentum", "turpault2024/boston_lcd",
    "turpault2024/boston_rag", "turpault2024/sigmoid_neuron", "turpault2024/sonar_lcd", "turpault2024/spirals",
    "turpault2024/splitting_speth", "turpault2024/square_wave", "turpault2024/three_points_ragl",
)  # fmt: skip
"""Examples of every kind, each with a kernel of its own."""


def opened(
    text: str, target: str, overrides: Mapping[str, str | float] | None = None, data: Any = None
) -> Session:
    file = program_file.read_text(text, "gpu.net", Path.cwd())
    given = program_file.from_arrays(file, *data) if data else None
    return opening.open_session(file, {"target": target, **(overrides or {})}, given)


def trained(
    text: str, target: str, overrides: Mapping[str, str | float] | None = None, data: Any = None
) -> Outcome:
    return training.train(opened(text, target, overrides, data).task, Watcher())


GROWTH = 1e4
"""Of a rounding error along the trajectory of a calm run, at most."""


def assert_alike(gpu: Outcome, session: Session, bound: float = 1e-9) -> None:
    """The GPU's outcome and that of the CPU's `session`, run by run.

    Rounding errors grow along a trajectory, in some runs without end (a start beside a ridge, a search whose test is a
    close decision). How much is seen on the CPU: three more trainings from starts whose last bits are others. A run
    that these leave alone is calm: it must end on the GPU as on the CPU, by the same turns. One run in a thousand is
    let off, whose close decision all three have missed; nothing is said of those that are not calm.
    """
    cpu = training.train(session.task, Watcher())
    moved = [from_moved_starts(session, seed) for seed in range(3)]
    apart, own = distances(gpu, cpu), np.max([distances(m, cpu) for m in moved], axis=0)
    calm = own <= GROWTH * np.finfo(cpu.theta.dtype).eps
    print(
        f"{calm.mean():.1%} of {len(calm)} runs are calm: {np.sort(apart[calm])[-3:]} apart; all: {apart.max():.1e}"
    )
    turns = (gpu.counters == cpu.counters).all(1) & (gpu.stops == cpu.stops) & (gpu.grown == cpu.grown).all(1)
    assert (calm & ~(turns & (apart <= bound))).sum() <= len(calm) // 1000


def from_moved_starts(session: Session, seed: int) -> Outcome:
    task = session.task
    loop = training._Loop(task, Watcher())
    with loop.workers:
        state = loop.fresh(0)
    state.theta *= 1 + np.finfo(state.theta.dtype).eps * np.random.default_rng(seed).integers(
        -2, 3, state.theta.shape
    )
    loop.state = state
    return training.train(task, Watcher(), resume=loop._snapshot())


def distances(one: Outcome, other: Outcome) -> np.ndarray:
    """(runs,): the largest of a run's parameters and figures, relative to the larger numbers; NaN equals NaN."""
    found = np.zeros(len(one.theta))
    for name in ("theta", "final"):
        found = np.maximum(found, difference(getattr(one, name), getattr(other, name)).max(axis=1))
    if one.history.shape == other.history.shape and (one.history[:, :2] == other.history[:, :2]).all():
        # Monitored functions, which stand behind, are not evaluated on a GPU.
        seen = [outcome.history[:, : len(COLUMNS)] for outcome in (one, other)]
        np.maximum.at(found, one.history[:, 0].astype(int), difference(*seen).max(axis=1))
    return found


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a - b) / np.maximum(1, np.abs(b))
    apart[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
    return np.nan_to_num(apart, nan=np.inf)


def assert_same(one: Outcome, other: Outcome) -> None:
    """To the bit."""
    for name in ("theta", "best", "counters", "history", "stops", "final", "grown"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of them, so that two are under way in trainings of a blink."""
    monkeypatch.setattr(training, "STRETCH", 1e-4)


@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("name", THREADS)
def test_an_objective_from_a_thousand_starts(name: str) -> None:
    assert opened(THREADS[name], "cuda").cuda_module().SHAPE == "thread"
    more = {"runs": 1000}
    assert_alike(trained(THREADS[name], "cuda", more), opened(THREADS[name], "cpu", more))


@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("name", TEAMS)
def test_small_networks(name: str) -> None:
    assert opened(TEAMS[name], "cuda").cuda_module().SHAPE == "block"
    assert_alike(trained(TEAMS[name], "cuda"), opened(TEAMS[name], "cpu"))


LARGE: dict[str, tuple[str, str, dict[str, str | float]]] = {
    "Boston": (BOSTON, "block", {"runs": 64, "steps": 100}),
    "more networks than blocks": (TEAMS["batches"], "block", {"runs": 3000}),
    "grid": (GRID, "grid", {}),
    "grid, shuffled": (SHUFFLED, "grid", {}),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_networks(name: str) -> None:
    text, shape, more = LARGE[name]
    assert shape == opened(text, "cuda", more).cuda_module().SHAPE
    gpu = trained(text, "cuda", more)
    assert_alike(gpu, opened(text, "cpu", more))
    assert_same(gpu, trained(text, "cuda", more))


@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_images_on_the_whole_gpu(precision: str) -> None:
    random = np.random.default_rng(0)
    x = random.random((5000, 784)) * (random.random((5000, 784)) < 0.2)
    data = x, random.integers(0, 10, 5000)
    more = {"precision": precision, **({"steps": 10} if precision == "f32" else {})}
    gpu = trained(IMAGES, "cuda", more, data)
    assert opened(IMAGES, "cuda", more, data).cuda_module().SHAPE == "grid"
    assert_alike(gpu, opened(IMAGES, "cpu", more, data), BOUND_F32 if precision == "f32" else 1e-9)
    assert_same(gpu, trained(IMAGES, "cuda", more, data))


LAYERED = ("norm of images", "modes", "lstm", "attention", "residual")


@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("name", LAYERED)
def test_networks_of_layers(name: str) -> None:
    """Statistics of a batch, draws, recurrences and attention; a block for each of three runs."""
    text, data, more = CASES[name].text("runs = 3"), CASES[name].samples(), {"steps": 100}
    assert opened(text, "cuda", more, data).cuda_module().SHAPE == "block"
    gpu = trained(text, "cuda", more, data)
    assert_alike(gpu, opened(text, "cpu", more, data))
    assert_same(gpu, trained(text, "cuda", more, data))


def few_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.random((count, 784)), random.integers(0, 10, count)


@pytest.mark.parametrize("precision", ["f64", "f32"])
def test_lenet_1_on_the_whole_gpu(precision: str) -> None:
    data = few_images(150)
    more: dict[str, str | float] = {"precision": precision, **({"steps": 10} if precision == "f32" else {})}
    assert opened(LENET, "cuda", more, data).cuda_module().SHAPE == "grid"
    gpu = trained(LENET, "cuda", more, data)
    assert_alike(gpu, opened(LENET, "cpu", more, data), BOUND_F32 if precision == "f32" else 1e-9)
    assert_same(gpu, trained(LENET, "cuda", more, data))


SINGLE = {"objective": (THREADS["adam"], {"steps": 10}), "Boston": (BOSTON, {"runs": 8, "steps": 10}),
          "batches": (TEAMS["batches"], {}), "grid": (GRID, {"steps": 10})}  # fmt: skip


@pytest.mark.parametrize("name", SINGLE)
def test_single_precision_stays_within_its_bound(name: str) -> None:
    text, more = SINGLE[name]
    single = {**more, "precision": "f32"}
    gpu = trained(text, "cuda", single)
    assert_alike(gpu, opened(text, "cpu", single), BOUND_F32)
    assert_same(gpu, trained(text, "cuda", single))


@pytest.mark.parametrize("name", SOME)
def test_examples(name: str) -> None:
    file = program_file.read_file(EXAMPLES / f"{name}.net")
    gpu, cpu = (opening.open_session(file, {"steps": 100, "target": target}) for target in ("cuda", "cpu"))
    assert_alike(training.train(gpu.task, Watcher()), cpu)


class Recorder(Watcher):
    """Presses Ctrl-C at a report, and keeps the checkpoint."""

    def __init__(self, at: int) -> None:
        self.at = at

    def reported(self, epoch: float, step: int, figures: np.ndarray) -> None:
        if step == self.at:
            os.kill(os.getpid(), signal.SIGINT)

    def checkpoint(self, arrays: dict[str, np.ndarray]) -> None:
        self.kept = {name: array.copy() for name, array in arrays.items()}


RESUMED = {
    "thread": VALLEY
    + "optimizer adam.paper(eta = 0.05)\ntrain steps = 200, runs = 500\nmonitor loss, every = 10\n",
    "block": BOSTON.replace("epochs = 200", "runs = 5, epochs = 12") + "monitor loss, every = 2\n",
    "grid": SHUFFLED.replace("steps = 100", "epochs = 12") + "monitor loss, every = 2\n",
}


@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("shape", RESUMED)
def test_interrupted_and_resumed_is_the_same_to_the_bit(shape: str) -> None:
    session = opened(RESUMED[shape], "cuda")
    assert shape == session.cuda_module().SHAPE
    whole = training.train(session.task, Watcher())
    steps = np.unique(whole.history[:, 1])
    watch = Recorder(int(steps[len(steps) // 2]))
    part = training.train(opened(RESUMED[shape], "cuda").task, watch)
    assert part.interrupted
    assert 0 < part.counters[0, 0] < whole.counters[0, 0]
    assert_same(training.train(opened(RESUMED[shape], "cuda").task, Watcher(), resume=watch.kept), whole)


@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("shape", RESUMED)
def test_one_stretch_under_way_gives_what_two_give(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from netc.runtime.training.cuda_stretches import OnGpu

    two = trained(RESUMED[shape], "cuda")
    monkeypatch.setattr(OnGpu, "depth", 1)
    assert_same(trained(RESUMED[shape], "cuda"), two)


@pytest.mark.usefixtures("short_stretches")
def test_draws_and_states_of_layers_go_on_after_ctrl_c() -> None:
    case, more = CASES["modes"], {"steps": 60}
    text = case.text("runs = 3") + "monitor loss, every = 2\n"
    whole = trained(text, "cuda", more, case.samples())
    steps = np.unique(whole.history[:, 1])
    watch = Recorder(int(steps[len(steps) // 2]))
    part = training.train(opened(text, "cuda", more, case.samples()).task, watch)
    assert part.interrupted
    resumed = opened(text, "cuda", more, case.samples()).task
    assert_same(training.train(resumed, Watcher(), resume=watch.kept), whole)


def test_runs_do_not_depend_on_how_many_are_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    from netc.runtime.training import state

    together = trained(RESUMED["thread"], "cuda")
    monkeypatch.setattr(state, "MOST_ON_GPU", 96)
    assert_same(trained(RESUMED["thread"], "cuda"), together)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`netc run` on both targets: the same folder, the same judgement of what the file expects."""
    monkeypatch.chdir(tmp_path)
    found = []
    for target in ("cpu", "cuda"):
        assert main(["run", str(EXAMPLES / "benchmark1.net"), "-q", "--json", "--target", target]) == 0
        found.append(json.loads(capsys.readouterr().out))
    cpu, gpu = found
    names, others = (sorted(f.name for f in Path(one["folder"]).iterdir()) for one in found)
    assert names == others
    assert gpu["target"] == "cuda"
    assert gpu["steps"] == cpu["steps"]
    assert [e["verdict"] for e in gpu["expect"]] == ["reproduced"] * len(cpu["expect"])
    np.testing.assert_allclose(gpu["theta"], cpu["theta"], rtol=1e-9)


@pytest.mark.parametrize("samples", [0, 1, 2, 29, 404, 60_000])
@pytest.mark.parametrize(
    ("shape", "blocks", "threads"), [("block", 1, 32), ("block", 1, 128), ("grid", 128, 256)]
)
def test_the_order_of_an_epoch_is_the_cpus(shape: str, blocks: int, threads: int, samples: int) -> None:
    from numba import cuda

    made: dict[str, Any] = {}
    exec(compile(KERNEL.format(threads=threads, shape=shape), "kernel", "exec"), made)
    for key, run, epoch in ((0, 0, 0), (2**40 + samples, 3, 1082)):
        order = cuda.to_device(np.arange(samples)[::-1].copy())
        places = cuda.device_array(2 * samples, np.int32)
        partials, turns = cuda.device_array(blocks, np.float64), cuda.to_device(np.zeros(1, np.int64))
        made["advance"][blocks, threads](order, places, key, run, epoch, partials, turns)
        expected = permutation(samples, key, run, Purpose.SHUFFLE, epoch)
        assert (order.copy_to_host() == expected).all()


FUNCTIONS = {
    "exp": (np.exp, -80, 80), "expm1": (np.expm1, -20, 20), "log": (np.log, 1e-9, 1e9), "log1p": (np.log1p, -0.9, 9),
    "sqrt": (np.sqrt, 0, 1e6), "tanh": (np.tanh, -5, 5), "sin": (np.sin, -100, 100), "cos": (np.cos, -100, 100),
    "tan": (np.tan, -1.5, 1.5), "atan": (np.arctan, -50, 50), "floor": (np.floor, -9, 9),
}  # fmt: skip
ULPS = 4
"""What the CUDA C++ Programming Guide allows these functions at most, in both precisions (tanf: 4)."""


@pytest.mark.parametrize("real", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_one_number_are_right_to_some_last_bits(name: str, real: type[np.floating[Any]]) -> None:
    from numba import cuda

    from netc.runtime.devices import cuda_device

    function, (exact, low, high) = getattr(cuda_device, name), FUNCTIONS[name]

    @cuda.jit
    def apply(x, out):  # type: ignore[no-untyped-def]
        i = cuda.grid(1)
        if i < x.size:
            out[i] = function(x[i])

    x = np.random.default_rng(1).uniform(low, high, 100_000).astype(real)
    out = cuda.device_array_like(x)
    apply[-(-x.size // 128), 128](cuda.to_device(x), out)
    wide = x.astype(np.longdouble)
    expected = exact(wide)
    apart = np.abs(out.copy_to_host().astype(np.longdouble) - expected) / np.spacing(
        np.abs(expected).astype(real)
    )
    print("ulps:", apart.max())
    assert apart.max() <= ULPS


def test_nan_comes_through_maxima_and_minima() -> None:
    from numba import cuda

    from netc.runtime.devices.cuda_device import maximum, minimum

    @cuda.jit
    def apply(x, y, out):  # type: ignore[no-untyped-def]
        i = cuda.grid(1)
        if i < x.size:
            out[0, i], out[1, i] = maximum(x[i], y[i]), minimum(x[i], y[i])

    x, y = np.array([1.0, np.nan, 2.0, np.inf, np.nan]), np.array([2.0, 1.0, np.nan, 3.0, np.nan])
    out = cuda.device_array((2, 5))
    apply[1, 32](cuda.to_device(x), cuda.to_device(y), out)
    np.testing.assert_array_equal(out.copy_to_host(), [np.maximum(x, y), np.minimum(x, y)])
