"""Kernels held still: their text is one, whatever Python's hash seed, and it and its bits are the pinned ones.

`--update-golden` accepts the texts and the bits of this run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import kernel_texts
from kernel_texts import CASES, LAYERS
from netc.runtime.devices.load import load_kernels
from netc.runtime.training.sample_layout import bounds, lay_out, no_samples
from sweeps import one_in

GOLDEN = Path(__file__).with_name("golden")
WIDE = ("dense", "dense_single", "softmax_inside", "large", "lanes")
"""Pinned at 8 lanes too; all at 4."""
ON_A_GPU = (
    "dense",
    "dense_single",
    "softmax_inside",
    "shuffled",
    "search",
    "batches",
    "per_layer",
    "large",
    "registers",
)
TEXTS = [
    *((name, "cpu4") for name in CASES),
    *((name, "cpu8") for name in WIDE),
    ("sequence", "cpu4"),
    *((name, "cuda") for name in (*ON_A_GPU, *LAYERS)),
]


def pinned(path: Path, found: str, update: bool) -> None:
    if update:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "target"), TEXTS, ids=lambda word: word)
def test_the_text_is_the_pinned_one(name: str, target: str, update_golden: bool) -> None:
    case = (CASES | LAYERS)[name]
    text = case.cuda() if target == "cuda" else case.cpu(int(target.removeprefix("cpu")))
    pinned(GOLDEN / f"{name}.{target}.txt", text, update_golden)


def test_every_pinned_file_has_its_test() -> None:
    others = {"bits.txt", "fingerprints.txt", "plans.txt", "rules.txt", "specs.txt"}
    assert {path.name for path in GOLDEN.glob("*.txt")} == {f"{n}.{t}.txt" for n, t in TEXTS} | others


@pytest.mark.parametrize("name", ["dense", "shuffled", "search"])
def test_another_number_of_samples_compiles_nothing_new(name: str) -> None:
    assert len({replace(CASES[name], samples=samples).cpu(8) for samples in (150, 200, 404, 3000)}) == 1


SEEDS = {"all": ("0", "1"), "pinned": ("0", "1", "2")}
"""A minute and more each for all examples."""


@pytest.mark.sweep
@pytest.mark.parametrize("which", [pytest.param("all", marks=pytest.mark.slow), "pinned"])
def test_the_text_does_not_depend_on_the_hash_seed(which: str) -> None:
    """Sets of words are walked in an order that changes with it. Pinned programs, or all examples too, both targets."""

    def fingerprints(seed: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, kernel_texts.__file__, which]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    first, *others = [process.communicate()[0] for process in map(fingerprints, SEEDS[which])]
    assert first.count("\n") >= len(CASES)
    assert all(other == first for other in others)


def after_a_hundred(name: str) -> str:
    """theta after a hundred iterations, each number's bits in hexadecimal; by the kernels at 4 lanes of float64.

    Kernels add, multiply, divide, take roots and fuse as IEEE 754 says, in an order that the number of lanes fixes,
    and the functions of these programs are netc's own: so the bits are the same on every processor.
    """
    case = CASES[name]
    program, kernels = case.program(), load_kernels(case.cpu(4))
    real = np.float32 if program.training.precision == "f32" else np.float64
    rng = np.random.default_rng(7)
    x = rng.uniform(-1.5, 1.5, (case.samples, max(case.inputs, 1)))
    y = rng.uniform(0.1, 0.9, (case.samples, max(case.outputs, 1)))
    if "entropy" in case.text and case.outputs > 1:
        y = np.eye(case.outputs)[rng.integers(0, case.outputs, case.samples)]
    samples = lay_out(x, y, kernels.BLOCK, real, bool(kernels.BY_SAMPLE))
    if not program.problem.sampled:
        samples = no_samples(kernels.BLOCK, real)
    runs = program.training.runs
    theta = np.zeros((runs, kernels.STRIDE), real)
    theta[:, : kernels.PARAMETERS] = rng.uniform(-0.5, 0.5, (runs, kernels.PARAMETERS))
    vectors = np.zeros((runs, kernels.VECTORS, kernels.STRIDE), real)
    scalars, figures = np.zeros((runs, kernels.SCALARS)), np.zeros((runs, 3))
    counters, rows = np.zeros((runs, 5), np.int64), np.arange(runs)
    hyper = np.array([h.value for h in program.rule.hypers])
    order = np.tile(np.arange(samples.count, dtype=np.int64), (runs, 1))
    scratch = np.zeros(kernels.SCRATCH, real)
    cuts = bounds(program.training.batches, samples.count)
    kernels.start(theta, vectors, scalars, hyper)
    kernels.advance(rows, theta, vectors, scalars, counters, figures, hyper, samples.x, samples.y, cuts, order,
                    scratch, 0, 100)  # fmt: skip
    assert np.all(counters[:, 0] == 100)
    assert np.all(np.isfinite(theta))
    return kernel_texts.fingerprint(theta[:, : kernels.PARAMETERS].tobytes().hex())


@pytest.mark.parametrize("name", one_in(12, CASES))
def test_the_bits_are_the_pinned_ones(name: str, update_golden: bool) -> None:
    path = GOLDEN / "bits.txt"
    bits = dict(line.split() for line in path.read_text(encoding="utf-8").splitlines())
    found = after_a_hundred(name)
    if update_golden:
        bits |= {name: found}
        path.write_text("".join(f"{case} {bits[case]}\n" for case in CASES if case in bits), encoding="utf-8")
    assert bits.get(name) == found


def test_bits_are_pinned_for_every_case() -> None:
    names = [line.split()[0] for line in (GOLDEN / "bits.txt").read_text(encoding="utf-8").splitlines()]
    assert names == list(CASES)
