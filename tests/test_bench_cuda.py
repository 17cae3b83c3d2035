"""The bench of the CUDA target, without a GPU: peers compute what netc computes; operations, ceilings and aims by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import gpu_report
from bench import cuda as bench
from bench.cuda_cases import Aim, Case, cases, mnist, networks, operations_of_loop
from bench.cuda_netc import Netc
from bench.measure import agreement, further, prepared
from bench.objectives import DRAWN, Objective
from bench.workloads import images
from netc.runtime.devices.cuda_missing import installed, missing
from netc.runtime.training.state import RUNNING
from sweeps import one_in

QUICK = ("torch", "jax", "jax.rows", "jax.scan")
"""What torch.compile makes takes half a minute of C++: `python -m bench.cuda --agreement --device cpu` has it."""
HERE = [name for name in QUICK if find_spec(name.partition(".")[0])]
WORKLOADS: dict[str, Callable[[], Case]] = {
    "benchmark 1": lambda: Case(Objective(1, 16)),
    "benchmark 2": lambda: Case(Objective(2, 16)),
    "Boston f64": lambda: Case(networks(2, "f64")),
    "Boston f32": lambda: Case(networks(2, "f32")),
}


@pytest.mark.skipif(not HERE, reason="needs PyTorch or JAX")
@pytest.mark.parametrize("name", WORKLOADS)
def test_peers_compute_what_netc_computes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    case = WORKLOADS[name]()
    contenders = list(bench.ready(case, HERE, "cpu", ("cpu",)))
    assert not capsys.readouterr().err, "all of them take part"
    assert len(contenders) > 1
    before = contenders[0].weights()
    found = agreement(case.work, contenders)
    assert len(found) == len(contenders) - 1
    moved = contenders[0].weights()
    assert all(np.abs(moved[tensor] - before[tensor]).max() > 1e-3 for tensor in moved), "they trained"


@pytest.mark.parametrize("number", one_in(2, [1, 2]))
def test_no_start_of_a_benchmark_ends_early(number: int) -> None:
    """Whoever stopped earlier would do less work than the others."""
    ours = Netc(Objective(1 if number == 1 else 2, DRAWN), "cpu")
    ours.advance(2000)
    counters = ours.loop.state.counters
    assert (counters[:, 3] == RUNNING).all()
    assert (counters[:, 0] == 2000).all()


def test_operations_of_a_network_are_those_of_its_products() -> None:
    """Multiplying (m, k) by (k, n) is m*n*k multiplications and as many additions."""
    forward = [(15, 13, 32), (15, 15, 32), (1, 15, 32)]
    weights = [(15, 32, 13), (15, 32, 15), (1, 32, 15)]
    inputs = [(15, 15, 32), (15, 1, 32)]
    assert networks(1, "f32").operations == sum(2 * m * k * n for m, k, n in (*forward, *weights, *inputs))


@pytest.mark.skipif("torch" not in HERE, reason="needs PyTorch")
@pytest.mark.parametrize("samples", [32, 7 * 256, 6 * 256, 60_000])
def test_what_is_compiled_goes_through_all_batches_in_order(
    samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four iterations a call, also where four do not divide the number of batches."""
    import torch

    from bench.torch_peer import Compiled

    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    work = replace(mnist(256, 256), batch=1, problem=images(samples // 256 or 1))
    assert work.batches == (samples // 256 or 1)
    visited = [batch for turn in Compiled(work).turns for batch in turn]
    assert visited == list(range(work.batches)) * (work.unit // work.batches)


def test_pieces_wait_until_nothing_else_is_under_way(tmp_path: Path) -> None:
    """Who is ready says so and waits for `go`; who is late is left out."""
    entered = threading.Event()

    def piece() -> None:
        with bench.alone(tmp_path):
            entered.set()

    one = threading.Thread(target=piece)
    one.start()
    while not list(tmp_path.glob("ready-*")):
        assert one.is_alive()
    assert not entered.is_set()
    (tmp_path / "go").touch()
    one.join()
    assert entered.is_set()
    with pytest.raises(bench.Absent, match="not ready in time"), bench.alone(tmp_path):
        pass


class Slow:
    """Takes a second before, and a hundredth of one for each iteration, by a clock of its own."""

    name, runs = "slow", 2

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def advance(self, steps: int) -> None:
        self.now += 1 + steps / 100

    def weights(self) -> dict[str, np.ndarray]:
        return {"theta": np.ones(1)}


def test_a_further_iteration_is_timed_without_what_a_call_costs() -> None:
    contender = Slow()
    steps = prepared(Objective(1, 2), [contender], 7, contender.clock)
    assert steps["slow"] % 20 == 0
    assert further([contender], steps, 3, contender.clock)["slow"] == pytest.approx(1e6 / 100 / 2)


def test_a_report_holds_what_was_found_until_a_piece_was_stopped(tmp_path: Path) -> None:
    found = [
        {"machine": {"gpu": "G"}},
        {"piece": "tests", "status": 124, "seconds": 9},
        {"trained": "T", "contender": "C", "apart": 1e-12, "allowed": 1e-9},
        {"ceilings": {"f32": 2e12, "f64": 1e12, "copied": 3e9}},
        {"measured": "T", "times": {"netc": 1.0}, "row": "| T | **1** |"},
        {"circumstances": "G; today.\n"},
        {"circumstances": "G; today.\n"},
    ]
    (tmp_path / "found.jsonl").write_text("".join(json.dumps(f) + "\n" for f in found))
    text = gpu_report.tables(tmp_path)
    for line in (
        "| gpu | G |",
        "| tests | took too long | 9 |",
        "| T | C | 1.0e-12 | 1e-09 |",
        "| T | **1** |",
    ):
        assert line in text.splitlines()
    assert "2.0 TFLOPS of float32 and 1.0 of float64 multiply-adds, 3 GB/s copied" in text
    assert text.count("G; today.") == 1
    assert json.loads((tmp_path / "report.json").read_text()) == found
    assert (tmp_path / "report.md").read_text() == text


PTX = """
$L__BB0_1:
	add.f64 	%fd1, %fd1, %fd2;
	@%p1 bra 	$L__BB0_3;
$L__BB0_2:
	fma.rn.f64 	%fd3, %fd1, %fd2, %fd1;
	mul.f64 	%fd4, %fd3, %fd3;
	setp.lt.f64 	%p2, %fd4, %fd1;
	add.s64 	%rd1, %rd1, 1;
	@%p2 bra 	$L__BB0_2;
$L__BB0_3:
	sub.f64 	%fd1, %fd1, %fd2;
	bra.uni 	$L__BB0_4;
$L__BB0_4:
	mul.f64 	%fd4, %fd3, %fd3;
"""


def test_operations_of_a_rule_are_those_of_its_loop() -> None:
    assert operations_of_loop(PTX) == 3, "a fused one is two; the integer and the comparison are none"
    assert operations_of_loop(PTX.replace("bra.uni 	$L__BB0_4", "@%p3 bra 	$L__BB0_1")) == 5


@pytest.mark.skipif(not installed(), reason="needs netc[cuda]")
def test_what_measures_the_peak_is_multiply_adds_and_nothing_else() -> None:
    from numba import cuda, float32, float64

    from bench.cuda_ceilings import CHAINS, chains

    compiler = cuda
    for real in (float32, float64):
        text, _ = compiler.compile_ptx(chains(real), (real[::1], real, real), cc=(9, 0))
        loop = text.partition("$L__BB0_1:")[2].partition("bra")[0]
        assert loop.count("fma.rn.f") >= 8 * CHAINS
        assert loop.count(";") < 1.1 * loop.count("fma.rn.f")


def test_an_aim_is_met_missed_or_not_measured() -> None:
    faster = Aim(5, ("JAX, rows", "JAX, columns"))
    assert faster.verdict({"netc": 1.0, "JAX, rows": 9.0, "JAX, columns": 6.0}, None) == "5× JAX: met (6.0×)"
    assert faster.verdict({"netc": 2.0, "JAX, rows": 9.0}, None) == "5× JAX: **missed** (4.5×)"
    assert faster.verdict({"netc": 2.0}, 0.5) == "5× JAX: not measured"
    assert Aim(0.2).verdict({"netc": 2.0}, 0.19) == "20% of the peak: **missed** (19%)"
    assert Aim(0.2).verdict({"netc": 2.0}, 0.2) == "20% of the peak: met (20%)"
    assert Aim(0.2).verdict({"JAX, rows": 2.0}, None) == "20% of the peak: not measured"


def test_a_row_has_the_time_of_all_runs() -> None:
    case = Case(networks(1000, "f32"), (Aim(5, ("JAX, columns",)),))
    taken = {"netc": 0.5, "JAX, columns": 4.0}  # µs per iteration and network
    said = bench.row(case, taken, 0.25)
    assert "| **500** |" in said
    assert "| 4e+03 (8.0×) |" in said
    assert said.endswith("| 25% | 5× JAX: met (8.0×) |")
    assert said.count("|") == len(bench.COLUMNS) + 4


def test_the_sizes_and_aims_of_the_issue() -> None:
    rows = [(case.work.title, case.work.precision, [str(a) for a in case.aims]) for case in cases(1e4)]
    assert ("benchmark 1, gd, 1e4 starts", "f64", []) in rows
    boston = "Boston 13-15-15-1, batch 32, 1e4 networks"
    assert (boston, "f32", ["5× JAX", "20% of the peak"]) in rows
    assert (boston, "f64", ["5× JAX"]) in rows
    assert ("MNIST 784-24-10, batch 256", "f32", ["not slower than PyTorch eager"]) in rows
    assert not any("1e5" in title for title, _, _ in rows)


@pytest.mark.skipif(missing() is None, reason="there is a GPU")
def test_without_a_gpu_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    monkeypatch.setattr("sys.argv", ["bench.cuda"])
    with pytest.raises(SystemExit, match=r"^bench.cuda: .*Nothing was measured\.$"):
        bench.main()
    monkeypatch.setattr("sys.argv", ["bench.cuda", "--device", "cpu"])
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    with pytest.raises(SystemExit, match="--agreement --device cpu"):
        bench.main()


def test_a_missing_peer_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(bench, "import_module", absent)
    case = Case(Objective(1, 4))
    assert [c.name for c in bench.ready(case, ["torch", "jax.scan"], "cpu", ("cpu",))] == ["netc on the CPU"]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "starts, f64: without jax.scan: jax is not installed: pip install 'jax[cuda13]'" in said[1]
