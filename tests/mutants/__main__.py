"""Planted faults, and the tests that notice them: `python -m mutants --sample 300 --seed 1` (in tests/; `make mutants`).

A fault is one operator or constant of `compiler/` or `dsl/library/` changed, in a copy of the tree. First all tests run
once, to see which touch what; then each fault is tried with those that touch its place. Survivors are printed. What is
done is kept in `--work`, and the same command goes on from there, as long as the tree is the same.

`--only compiler/rules --tests "test_analysis*" "test_layer_diff*"`: faults of one room, tried with the tests of these
files alone; minutes instead of hours, to close a kind. What survives them another test may notice.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mutants.faults import ROOT, Fault, sampled
from mutants.touched import Touched, see
from mutants.trees import copied, import_large, tracked
from mutants.trials import Trials

DOMAINS = ("compiler/", "dsl/", "runtime/", "grammar/", "tests/", "examples/")


def the_same_tree(work: Path) -> None:
    """What was seen and tried holds for one tree."""
    files = [name for name in tracked() if name.startswith(DOMAINS) and not name.startswith("tests/mutants/")]
    sums = hashlib.sha256(
        b"\0".join(name.encode() + (ROOT / name).read_bytes() for name in files)
    ).hexdigest()
    kept = work / "tree.txt"
    if kept.exists() and kept.read_text() != sums:
        sys.exit(f"{work} has faults of another tree: remove it, or choose another folder with --work")
    kept.write_text(sums)


def in_parts(parts: int, work: Callable[[int], object]) -> None:
    """Side by side, each in a process of its own."""
    started = []
    for part in range(parts):
        if not (child := os.fork()):
            status = 1
            try:
                work(part)
                status = 0
            finally:
                sys.stdout.flush()
                os._exit(status)
        started.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in started]
    if any(statuses):
        sys.exit("not all could be done: what is done is kept, the same command goes on")


def look(work: Path, parts: int, patterns: Sequence[str]) -> None:
    found = [name for name in tracked() if name.startswith("tests/test_") and name.endswith(".py")]
    files = [name for name in found if any(fnmatch(Path(name).name, f"{p}.py") for p in patterns)]

    def some(part: int) -> None:
        copy = copied(work / f"copy{part}")
        for file in files[part::parts]:
            see(file, copy, work / "cache", work)

    in_parts(parts, some)


def results(work: Path) -> dict[int, dict[str, Any]]:
    log = work / "results.jsonl"
    return {r["number"]: r for r in map(json.loads, log.read_text().splitlines())} if log.exists() else {}


def try_all(chosen: Sequence[Fault], seed: int, work: Path, parts: int) -> None:
    done = results(work)
    left = [number for number in range(len(chosen)) if number not in done]
    random.Random(seed).shuffle(left)  # so that what is done is a sample too

    def some(part: int) -> None:
        trials = Trials(Touched(work), work, part)
        for number in left[part::parts]:
            result = {"number": number, "fault": str(chosen[number])} | trials.tried(chosen[number])
            with (work / "results.jsonl").open("a") as file:
                file.write(json.dumps(result) + "\n")
            print(line(result), flush=True)

    in_parts(parts, some)


def line(result: dict[str, Any]) -> str:
    tried = f"{result['passed']} of {result['of']} tests pass, {result['seconds']:.0f} s"
    return f"{result['fault']}: {result['noticed'] or 'SURVIVES'} ({tried})"


def summary(done: Sequence[dict[str, Any]]) -> str:
    """With Wilson's interval of 95 %, as the faults are a sample."""
    count, noticed, z = len(done), sum(bool(result["noticed"]) for result in done), 1.96
    share, spread = noticed / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / count + spread / count / 4) / (1 + spread)
    return f"{noticed} of {count} faults are noticed: {share:.1%}, of all {middle - half:.1%} to {middle + half:.1%}"


def main() -> None:
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("--sample", type=int, default=300)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--parts", type=int, default=1, help="processes that work side by side")
    reader.add_argument("--work", type=Path, default=ROOT / "build/mutants")
    reader.add_argument(
        "--only", nargs="+", default=["compiler/", "dsl/"], help="where, by the beginnings of paths"
    )
    reader.add_argument("--tests", nargs="+", default=["test_*"], help="in which files of tests, without .py")
    given = reader.parse_args()
    work = given.work.absolute()
    for folder in ("cache", "touched"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    the_same_tree(work)
    import_large()
    look(work, given.parts, given.tests)
    try_all(sampled(given.sample, given.seed, given.only), given.seed, work, given.parts)
    done = list(results(work).values())
    print("\nsurvivors:", *(line(result) for result in done if not result["noticed"]), sep="\n")
    print(summary(done))


if __name__ == "__main__":
    main()
