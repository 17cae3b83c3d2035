"""CUDA kernels of networks that are no chain of dense layers: under the checker of races, against the interpreter of lets
and, in numba's simulator, against the CPU's kernels; and what `explain --plan` says of them."""

from __future__ import annotations

import numpy as np
import pytest

import cuda_races
from cuda_kernels import Kernel, good
from layer_programs import CASES
from netc.compiler.explain_plan import explain_plan
from netc.compiler.kernels.cuda import lets_plan
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.machine import Machine
from netc.runtime.devices.cuda_missing import installed
from netc.runtime.random import of_layer
from sweeps import one_in
from test_cuda_simulator import agree, simulate

ON_A_GRID = ("lenet", "modes", "lstm", "embedding")
MODES = CASES["modes"]


@pytest.fixture(autouse=True)
def block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has one block, however wide its lets are."""
    monkeypatch.setattr(lets_plan, "WIDE", 10**9)


@pytest.fixture
def grid(block: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also narrow lets are for several blocks."""
    monkeypatch.setattr(lets_plan, "WIDE", 0)


@pytest.mark.parametrize("name", one_in(6, CASES))
def test_threads_of_a_block_wait_for_each_other(name: str) -> None:
    case = CASES[name]
    assert good(case.text("runs = 2"), "block", samples=case.samples())


@pytest.mark.usefixtures("grid")
@pytest.mark.parametrize("name", ON_A_GRID)
def test_threads_of_a_grid_wait_for_each_other(name: str) -> None:
    case = CASES[name]
    assert good(case.text(), "grid", samples=case.samples())


def test_single_precision() -> None:
    assert good(MODES.text("precision = f32"), "block", samples=MODES.samples())


def test_samples_go_through_in_parts_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES["lenet"]
    monkeypatch.setattr(lets_plan, "SPACE", {"block": 8 * 500, "grid": 8 * 500})
    kernel = Kernel(case.text(), "block", 8, 1, case.samples())
    assert "valid = min(2, end - base)" in kernel.text  # of three
    assert kernel.looked_at() == []
    assert kernel.does_what_the_equations_say()


@pytest.mark.sweep
def test_bits_do_not_depend_on_how_many_threads_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sum has one owner and one order."""
    found = []
    for shape, threads, blocks in (("block", 1, 1), ("block", 8, 1), ("grid", 4, 2)):
        monkeypatch.setattr(lets_plan, "WIDE", 0 if shape == "grid" else 10**9)
        kernel = Kernel(MODES.text(), shape, threads, blocks, MODES.samples())
        assert kernel.looked_at() == []
        found.append(kernel.arrays["theta"].tobytes())
    assert found[0] == found[1] == found[2]


def test_kernels_without_one_of_their_barriers_are_found_out() -> None:
    """Most of them: some are needed only at other sizes, or where a run has ended."""
    case, barrier = CASES["dropout"], "cuda.syncthreads()"
    parts = Kernel(case.text(), "block", 16, 1, case.samples()).text.split(barrier)
    found = 0
    for i in range(1, len(parts)):
        kernel = Kernel(case.text(), "block", 16, 1, case.samples())
        kernel.text = barrier.join(parts[:i]) + "pass" + barrier.join(parts[i:])
        found += any(line.startswith("race") for line in kernel.looked_at())
    assert found > len(parts) / 2


@pytest.mark.slow
@pytest.mark.skipif(not installed(), reason="needs netc[cuda]")
def test_the_simulator_trains_as_the_cpu_does() -> None:
    """Two stretches under way, states and draws included."""
    case = {"layers": "modes", "more": "runs = 2", "grid": True, "threads": 2, "steps": 4}
    (found,) = simulate([case])
    assert found["shape"] == "grid"
    agree(found, 1e-12)
    assert found["states"] <= 1e-12


DRAWN = """
from numba import cuda, int64

from netc.runtime.devices.cuda_draws import draw_{law}

@cuda.jit()
def advance(out, order):
    member, members = int64(cuda.grid(1)), int64(cuda.gridsize(1))
    draw_{law}(out, 2, 5, {size}, order, 1, 3, 1, 11, 2, 9, 4, {arguments}, member, members)
"""


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("law", ["bernoulli", "uniform", "normal"])
def test_draws_are_the_cpus(law: str, size: int) -> None:
    """Element e of sample j at 2 + 5*e + j; the samples are number 6, 0 and 3, the draw is number 4, to the bit."""
    given = {"bernoulli": (0.3,), "uniform": (-1.0, 2.0), "normal": (0.5, 0.1)}[law]
    words = (round(given[0] * 2**32),) if law == "bernoulli" else given
    text = DRAWN.format(law=law, size=size, arguments=", ".join(map(repr, words)))
    out, order = np.full(2 + 5 * size, -9.0), np.array([1, 6, 0, 3, 2])
    assert cuda_races.Machine().launch(text, 2, 4, {"out": out, "order": order}) == []
    drawn = of_layer(law, given, size, (11, 2, 9, 4), order[1:4])
    rows = out[2:].reshape(size, 5)
    np.testing.assert_array_equal(rows[:, :3].T, drawn)
    assert (rows[:, 3:] == -9).all()
    assert (out[:2] == -9).all()


def test_the_plan_says_what_each_let_is() -> None:
    case = CASES["dropout"]
    program = Kernel(case.text(), "block", 8, 1, case.samples()).program
    lines = explain_plan(program, Machine(lanes=4), Card(), 7)[-1].lines
    words = {
        name: line.partition(":")[0] for line in lines[1:-1] for name in line.partition(": ")[2].split(", ")
    }
    lets = [let.name for let in program.problem.lets.values() if let.name not in ("loss", "output")]
    assert set(lets) <= set(words)
    (drawn,) = program.problem.draws
    assert words[drawn.purpose] == "drawn"
    assert words["layer1.z"] == "sums of products, one thread for each element, no tiles"
    assert words["d_layer1.weight"] == "sums over the samples, one thread for each element"
    assert words["layer1.a"] == "element by element"
    assert "7 samples" not in lines[0]
    assert "3 samples at a time" in lines[0]
