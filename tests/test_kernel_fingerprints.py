"""The kernels of small programs of many sizes have the pinned fingerprints: no choice of a planner changes unseen.

`--update-golden` accepts those of this run; which texts changed, and where, is to be looked at first.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import kernel_plans
from kernel_fingerprints import PROGRAMS
from kernel_texts import fingerprint
from sweeps import one_in

GOLDEN = Path(__file__).with_name("golden")
KERNELS = [f"{name} {target}" for name, program in PROGRAMS.items() for target in program.targets]
PLANS = [f"{widths} {target}" for widths in kernel_plans.WIDTHS for target in kernel_plans.LINES]


def changed(file: str, keys: list[str], texts: dict[str, str], update: bool) -> list[str]:
    """Which texts have another fingerprint than the file says."""
    path = GOLDEN / file
    known = dict(line.rsplit(" ", 1) for line in path.read_text(encoding="utf-8").splitlines())
    found = {key: fingerprint(text) for key, text in texts.items()}
    if update:
        known |= found
        path.write_text("".join(f"{key} {known[key]}\n" for key in keys if key in known), encoding="utf-8")
    return [key for key in texts if known.get(key) != found[key]]


def how_to_see(script: str, keys: list[str]) -> str:
    name, target = keys[0].split()
    command = f"PYTHONPATH=tests .venv/bin/python -m {script} '{name}' {target}"
    return f"not as pinned: {', '.join(keys)}. For a diff, here and in a checkout of before: {command}"


@pytest.mark.parametrize("name", one_in(4, PROGRAMS))
def test_the_kernels_are_the_pinned_ones(name: str, update_golden: bool) -> None:
    texts = {f"{name} {target}": text for target, text in PROGRAMS[name].texts().items()}
    others = changed("fingerprints.txt", KERNELS, texts, update_golden)
    assert not others, how_to_see("kernel_fingerprints", others)


@pytest.mark.parametrize("widths", kernel_plans.WIDTHS)
def test_the_plans_are_the_pinned_ones(widths: str, update_golden: bool) -> None:
    program = kernel_plans.program_of(widths)
    texts = {f"{widths} {target}": "\n".join(lines(program)) for target, lines in kernel_plans.LINES.items()}
    others = changed("plans.txt", PLANS, texts, update_golden)
    assert not others, how_to_see("kernel_plans", others)


@pytest.mark.parametrize(("file", "keys"), [("fingerprints.txt", KERNELS), ("plans.txt", PLANS)])
def test_all_of_them_are_pinned(file: str, keys: list[str]) -> None:
    lines = (GOLDEN / file).read_text(encoding="utf-8").splitlines()
    assert [line.rsplit(" ", 1)[0] for line in lines] == keys
