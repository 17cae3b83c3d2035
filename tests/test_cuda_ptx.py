"""Kernels of examples, compiled for compute capability 8.0 and 9.0 without a GPU: nothing spills.

One example of each kind; `python -m cuda_table` compiles them all.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cuda_table
from layer_programs import CASES, Case
from netc.command_line import main
from netc.compiler.kernels.cuda.plan import Card
from netc.runtime import opening, program_file
from netc.runtime.devices.cuda_missing import installed
from netc.runtime.devices.cuda_types import CAPABILITIES, assembled, ptx, resources

needs_extra = pytest.mark.skipif(not installed(), reason="needs netc[cuda]")
KINDS = (
    "benchmark1",
    "turpault2024/benchmark1_lcd",
    "speth",
    "boston",
    "one_neuron",
    "iris",
    "turpault2024/batches2_ragl",
)
DOCUMENTED = cuda_table.DOCUMENT.read_text(encoding="utf-8")
HERE = [cuda_table.ROOT / "examples" / f"{kind}.net" for kind in KINDS]


@needs_extra
@pytest.mark.parametrize("path", HERE, ids=cuda_table.name)
def test_no_kernel_of_an_example_spills(path: Path) -> None:
    shape, real, found = cuda_table.compiled(cuda_table.session_of(path).cuda_module())
    assert len(found) == len(CAPABILITIES)
    for taken in found:
        assert taken.spills == 0
        assert taken.stack == 0
        assert 16 <= taken.registers <= 255
        assert taken.shared <= 48 * 1024
    listed = re.search(rf"^\| {cuda_table.name(path)} \| (\w+) \| (\w+) ", DOCUMENTED, re.MULTILINE)
    assert listed is not None, "python -m cuda_table lists it"
    assert listed.groups() == (shape, real)


@needs_extra
def test_reports_of_many_starts_are_made_in_registers() -> None:
    module = opening.open_session(program_file.read_file(HERE[0]), {}).cuda_module()
    for capability in CAPABILITIES:
        taken = assembled(ptx(module, capability, "report"), capability, module.THREADS)
        assert (taken.spills, taken.stack) == (0, 0)


GRID = """data x in linspace(-1, 1, 2000) -> sin(3*x)
network [1(tanh)300(lin)1]
init glorot_uniform
loss half_mse
optimizer gd(eta = 0.01)
train epochs = 1, batch = full, precision = f32
"""


@needs_extra
def test_a_single_precision_kernel_computes_in_single_precision(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One run on the whole grid: its activations and sums of gradients are float32, the rule's numbers float64."""
    file = tmp_path / "grid.net"
    file.write_text(GRID)
    assert main(["show", str(file), "--stage", "ptx"]) == 0
    text = capsys.readouterr().out
    assert ".target sm_90" in text
    assert text.count("fma.rn.f32") > text.count("fma.rn.f64")
    assert "atom.global.add.f" not in text, "no floating-point atomics"
    assert assembled(text, (9, 0), Card.crowd).spills == 0


LENET = Case(
    "[28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (conv 5x5, tanh) 12 (avgpool 2x2) (softmax) 2]", 784,
    train="batch = 128, precision = f32")  # fmt: skip


@needs_extra
@pytest.mark.parametrize(
    ("case", "shape"), [(LENET, "grid"), (CASES["dropout"], "block")], ids=["lenet", "dropout"]
)
def test_no_kernel_of_a_network_of_layers_spills(case: Case, shape: str) -> None:
    file = program_file.read_text(case.text(), "layers.net", Path.cwd())
    module = opening.open_session(file, {}, program_file.from_arrays(file, *case.samples(300))).cuda_module()
    for capability in CAPABILITIES:
        text = ptx(module, capability)
        assert not cuda_table.FLOAT_ATOMIC.search(text)
        taken = assembled(text, capability, module.THREADS)
        assert (module.SHAPE, taken.spills, taken.stack) == (shape, 0, 0)


def test_every_row_of_the_table_has_the_text_that_it_is_of() -> None:
    _, *lines = cuda_table.MEASURED.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines] == list(cuda_table.known())


def test_what_ptxas_says_is_understood() -> None:
    said = """ptxas info    : Function properties for advance
    16 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 24 registers, used 1 barriers, 512 bytes smem"""
    taken = resources(said)
    assert (taken.registers, taken.shared, taken.stack, taken.spills) == (24, 512, 16, 12)


def test_the_text_of_a_kernel_needs_no_extra(capsys: pytest.CaptureFixture[str]) -> None:
    example = next(path for path in cuda_table.EXAMPLES if path.stem == "quadratic_gd")
    assert main(["show", str(example), "--stage", "cuda"]) == 0
    text = capsys.readouterr().out
    assert "@cuda.jit()" in text
    assert "theta_next_q0 = theta_q0 - eta * g" in text


def test_the_plan_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    for stem, words in (
        ("quadratic_gd", "2 parameters: one run per thread"),
        ("quadratic_gd", "run after run: 16 or more would walk in step"),
        ("boston", "466 parameters, 1 run: one run per block of 128 threads"),
        (
            "boston",
            "samples go through the network together: their values in all layers fit in half the second",
        ),
        ("boston", "one thread for an evaluation"),
        ("speth", "one run per warp"),
    ):
        path = next(path for path in cuda_table.EXAMPLES if path.stem == stem)
        assert main(["explain", str(path), "--plan"]) == 0
        said = capsys.readouterr().out
        assert words in said
        assert "memory: " in said
    assert main(["explain", "adam", "--plan"]) == 2


def test_a_network_too_large_for_a_block_takes_the_grid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless the runs are so many that they fill the GPU anyway."""
    file = tmp_path / "wide.net"
    for runs, words in (
        (4, "4 runs: too large for the shared memory of a block"),
        (1000, "1,000 runs: one run per"),
    ):
        file.write_text(GRID.replace("300", "6000").replace("epochs = 1", f"epochs = 1, runs = {runs}"))
        assert main(["explain", str(file), "--plan"]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert words in said
