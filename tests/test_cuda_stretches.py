"""Stretches on the GPU, in numba's simulator: what is under way changes no bit, and what fails loses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from netc.runtime.devices.cuda_missing import installed
from test_cuda_simulator import NET, THREADS, simulate

pytestmark = pytest.mark.skipif(not installed(), reason="needs netc[cuda]")
TEXTS = {
    "thread": THREADS["gd"],
    "ended": THREADS["diverging"].replace("steps = 400, runs = 9", "steps = 60, runs = 5")
    + "\nmonitor loss, every = 5",
    "single precision": THREADS["adam"].replace(
        "steps = 50, runs = 7", "steps = 8, runs = 5, precision = f32"
    ),
    "judged": NET.replace("x^2\n", "x^2, validation = 30%\n")
    + "optimizer gd(eta = 1)\ntrain epochs = 8, batch = 5, runs = 2, seed = 2, keep = best(loss(validation)), "
    "stop = no gain in loss(validation) for 2 epochs",
    "block": NET + "optimizer adam.paper(eta = 0.1)\ntrain epochs = 3, batch = 5, runs = 2, seed = 2",
}


@pytest.mark.slow
def test_two_stretches_under_way_give_what_one_gives() -> None:
    """Results, reports and checkpoints, to the bit; and they are the CPU's."""
    cases = [{"do": "pipelined", "text": text} for text in TEXTS.values()]
    cases.append({"do": "pipelined", "text": TEXTS["thread"], "at_once": 4})
    for case, found in zip(cases, simulate(cases), strict=True):
        (one, reports, checkpoints), (two, others, again) = found["1"], found["2"]
        assert one == two
        assert not one[0]
        assert found["apart"] <= (1e-5 if "f32" in case["text"] else 1e-12)
        assert reports == others
        common = checkpoints.keys() & again.keys()  # where stretches end depends on time
        assert len(common) > 2
        assert all(checkpoints[at] == again[at] for at in common)


LOST = {"code": 700, "error": "CUDA_ERROR_ILLEGAL_ADDRESS"}
FULL = {"code": 2, "error": "CUDA_ERROR_OUT_OF_MEMORY"}


def failing(place: str, after: int, error: dict[str, Any]) -> dict[str, Any]:
    return {"do": "failing", "text": TEXTS["thread"], "place": place, "after": after, **error}


def test_a_lost_gpu_is_noticed_at_every_call_and_nothing_is_lost() -> None:
    cases = [failing(place, after, LOST) for place, after in (
        ("copy_to_host", 40), ("copy_to_device", 60), ("record", 16), ("synchronize", 4), ("wait", 5),
    )]  # fmt: skip
    for found in simulate(cases):
        assert "error[E0909]: the GPU was lost: [700] Call to" in found["said"][0]
        assert found["at"] > 0
        assert found["same"], "resumed, it ends where an undisturbed run does"


def test_before_the_first_launch_the_gpu_is_refused() -> None:
    """Too little memory is said with the figures; what else the driver says, as it says it."""
    cases = [failing("device_array", 3, FULL), failing("pinned_array", 2, FULL), failing("stream", 0, LOST)]
    found = simulate(cases)
    assert [f["at"] for f in found] == [-1] * 3
    for one in found[:2]:
        assert "error[E0908]: the GPU's memory is too small: the data take" in one["said"][0]
    assert (
        "error[E0904]: target = cuda cannot run here: the GPU does not answer: [700]" in found[2]["said"][0]
    )
