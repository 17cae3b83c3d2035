"""Planted faults, and the tests that notice them: `python -m mutants --sample 300 --seed 1` (in tests/; `make mutants`).

A fault is one operator or constant of `compiler/` or `dsl/library/` changed, in a copy of the tree. It is tried with the
test files of its room (LIKELY). Survivors are printed. Takes hours; what is done is kept in `--work`, and the same
command goes on from there.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import queue
import random
import re
import resource
import shutil
import subprocess
import sys
import time
import tokenize
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OTHER = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "*": "/", "/": "*",
    "**": "*", "//": "*", "and": "or", "or": "and", "not": "", "True": "False", "False": "True", "min": "max",
    "max": "min", "all": "any", "any": "all", "break": "continue",
}  # fmt: skip
SECONDS = 900
"""Of processor time, for the tests that are tried with one fault."""
LIKELY = {
    "compiler/calculus/": "calculus_simplify calculus_primitives calculus_derive calculus_interpret calculus_lets "
    "check_losses generated_rules library_losses library_activations results_hessian layers kernel_texts cpu_lets",
    "compiler/check/": "bad check_programs check_losses dsl_language settings_known lower_programs library_inits "
    "library_schedules library_optimizers data_statement runtime_expect catalogue_signatures",
    "compiler/kernels/cuda/": "kernel_texts cuda_types cuda_tiles cuda_races cuda_simulator kernels_of_all_rules",
    "compiler/export/": "export_source export_layers",
    "compiler/kernels/": "generated_rules kernel_texts cpu_lets cpu_taps kernels_of_all_rules cpu_kernels cuda_races",
    "compiler/lower/": "lower_rules lower_programs layers layer_modes generated_rules library_layers library_inits "
    "library_schedules catalogue_schedules turpault_monitor runtime_train",
    "compiler/meaning/": "bad lower_rules lower_programs library_optimizers library_schedules analysis_roundtrip "
    "words_of_others dsl_language check_programs catalogue_signatures generated_rules examples",
    "compiler/proofs/": "analysis_proofs analysis_claims analysis_equivalence analysis_diff analysis_answers "
    "analysis_explain analysis_section2 analysis_libraries analysis_papers",
    "compiler/rules/": "analysis_diff analysis_explain analysis_latex analysis_warnings analysis_answers "
    "analysis_equivalence analysis_roundtrip analysis_section2 bad analysis_libraries analysis_papers catalogue_names",
    "compiler/": "bad dsl_language lower_programs analysis_explain cli_commands",
    "dsl/library/": "catalogue_rules catalogue_schedules library_activations library_losses library_inits "
    "library_schedules library_optimizers catalogue_signatures catalogue_names analysis_libraries analysis_papers "
    "turpault_rules library_layers",
}  # fmt: skip
"""Room -> the test files that may notice a fault there."""


@dataclass(frozen=True)
class Fault:
    file: str
    line: int
    column: int
    old: str
    new: str

    def planted(self, text: str) -> str:
        lines = text.split("\n")
        line = lines[self.line - 1]
        assert line[self.column :].startswith(self.old)
        lines[self.line - 1] = line[: self.column] + self.new + line[self.column + len(self.old) :]
        return "\n".join(lines)


def faults() -> list[Fault]:
    """All that can be planted."""
    python = sorted((ROOT / "compiler").rglob("*.py"))
    found = [Fault(str(p.relative_to(ROOT)), *at) for p in python for at in _in_python(p.read_text())]
    batteries = sorted((ROOT / "dsl/library").glob("*.net"))
    return found + [Fault(str(p.relative_to(ROOT)), *at) for p in batteries for at in _in_net(p.read_text())]


def _in_python(text: str) -> Iterator[tuple[int, int, str, str]]:
    before = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        line, column = token.start
        old = token.string
        follows = before is not None and (
            before.type in (tokenize.NUMBER, tokenize.STRING) or before.string in ")]}"
        )
        follows |= (
            before is not None
            and before.type == tokenize.NAME
            and before.string not in ("return", "in", "lambda")
        )
        if token.type == tokenize.NUMBER:
            yield line, column, old, _number(old)
        elif old in ("+", "-", "*", "/", "**"):
            if follows:
                yield line, column, old, OTHER[old]
        elif old in OTHER and (before is None or before.string not in (".", "def", "is")):
            yield line, column, old, OTHER[old]
        if token.type not in (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT):
            before = token


def _in_net(text: str) -> Iterator[tuple[int, int, str, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        bare = re.sub(r'"[^"]*"|#.*', lambda found: " " * len(found[0]), line)
        for found in re.finditer(
            r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?(?!\w)|<=|>=|(?<!-)[<>]|(?<=[\w)\]|] )?[-+*/](?!>)", bare
        ):
            old = found[0]
            yield number, found.start(), old, OTHER[old] if old in OTHER else _number(old)


def _number(text: str) -> str:
    try:
        return str(int(text) + 1)
    except ValueError:
        value = float(text) if "j" not in text else 1.0
        return repr(value * 2 if value else 1.0)


def sampled(count: int, seed: int) -> list[Fault]:
    """As many in the compiler as in the library."""
    found, dice = faults(), random.Random(seed)
    kinds = [[f for f in found if f.file.startswith(room)] for room in ("compiler/", "dsl/")]
    return [fault for kind in kinds for fault in dice.sample(kind, min(count // 2, len(kind)))]


# -- copies of the tree ------------------------------------------------------------------------------


def copied(folder: Path) -> Path:
    """The tracked files, and a folder `site` where they are package `netc`."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    for package, source in packages.items():
        place = folder / "site" / package.replace(".", "/")
        place.mkdir(parents=True, exist_ok=True)
        for path in (folder / source).iterdir():
            if path.is_file() or path.name == "library":
                (place / path.name).symlink_to(path)
    fixture = (
        folder / "tests/conftest.py"
    )  # one cache for all: kernels of an unchanged text are compiled once
    text = fixture.read_text()
    changed = text.replace('str(tmp_path_factory.mktemp("cache"))', 'os.environ["NETC_CACHE"]')
    assert changed != text
    fixture.write_text(changed.replace("import pytest\n", "import os\n\nimport pytest\n", 1))
    return folder


# -- trying them -------------------------------------------------------------------------------------


def likely(fault: Fault) -> list[str]:
    """The test files that may notice, those that take least first."""
    words = next(words for room, words in LIKELY.items() if fault.file.startswith(room))
    return [f"tests/test_{word}.py" for word in words.split()]


class Trials:
    """In one copy of the tree."""

    def __init__(self, copy: Path, cache: Path) -> None:
        self.copy, self.cache = copied(copy), cache
        self.sound: dict[str, bool] = {}
        """Whether a test passes without any fault."""

    def tried(self, number: int, fault: Fault) -> dict[str, Any]:
        path, files = self.copy / fault.file, likely(fault)
        text = path.read_text()
        path.write_text(fault.planted(text))
        stamp = time.time() + 10 * number  # another than any before, for Python's own cache
        os.utime(path, (stamp, stamp))
        try:
            named = ["-k", _words(text, fault.line)] if path.suffix == ".net" else []
            said = (named and self._tests([*named, *files])) or self._tests(files)
        finally:
            path.write_text(text)
            os.utime(path, (stamp + 5, stamp + 5))
        if said.startswith("tests/"):
            if said not in self.sound:
                self.sound[said] = not self._tests([said])
            assert self.sound[said], f"{said} fails without a fault"
        return {"number": number, "noticed": said}

    def _tests(self, tests: list[str]) -> str:
        """The test that fails first; empty if none does."""
        shutil.rmtree(self.copy / "home", ignore_errors=True)
        for answer in self.cache.glob("netc_answers_*"):
            answer.unlink(missing_ok=True)
        paths = os.pathsep.join([str(self.copy / "site"), str(self.copy / "tests")])
        env = os.environ | {"PYTHONPATH": paths, "NETC_CACHE": str(self.cache)}
        env["HYPOTHESIS_STORAGE_DIRECTORY"] = str(self.copy / "home")
        command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-p", "no:cacheprovider", *tests]
        done = subprocess.run(
            command, cwd=self.copy, env=env, capture_output=True, text=True, preexec_fn=_limited
        )
        if done.returncode in (0, 5):
            return ""
        failed = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.M)
        return failed[0] if failed else f"status {done.returncode}"


def _words(text: str, line: int) -> str:
    """What names the tests of the definition in this line: `torch and Adam`."""
    heads = re.findall(r"^(?:[a-z]+) ([\w.]+)\(?", "\n".join(text.split("\n")[:line]), re.M)
    return " and ".join(heads[-1].split(".")) if heads else "library"


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30, 16 * 2**30))


def mutants(count: int, seed: int, work: Path, parts: int) -> list[tuple[Fault, dict[str, Any]]]:
    """Each fault with what became of it."""
    chosen, log, cache = sampled(count, seed), work / "results.jsonl", work / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    done = {r["number"]: r for r in map(json.loads, log.read_text().splitlines())} if log.exists() else {}
    copies: queue.SimpleQueue[Trials] = queue.SimpleQueue()
    for part in range(parts):
        copies.put(Trials(work / f"copy{part}", cache))

    def one(number: int) -> None:
        trials = copies.get()
        try:
            done[number] = trials.tried(number, chosen[number])
        finally:
            copies.put(trials)
        with log.open("a") as file:
            file.write(json.dumps(done[number]) + "\n")
        print(_line(chosen[number], done[number]), flush=True)

    left = [n for n in range(len(chosen)) if n not in done]
    random.Random(seed).shuffle(left)  # so that what is done is a sample too
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(one, left))
    return [(chosen[number], done[number]) for number in sorted(done)]


def _line(fault: Fault, result: dict[str, Any]) -> str:
    what = f"{fault.file}:{fault.line}:{fault.column + 1}: {fault.old} -> {fault.new or 'nothing'}"
    by = result["noticed"] or "SURVIVES"
    return f"{what}: {by}"


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--sample", type=int, default=300)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--parts", type=int, default=1, help="copies that are tried side by side")
    reader.add_argument("--work", type=Path, default=ROOT / "build/mutants")
    reader.add_argument(
        "--without", default="^$", help="test files that are not tried, as a regular expression"
    )
    given = reader.parse_args()
    results = mutants(given.sample, given.seed, given.work.absolute(), given.parts)
    print("\nsurvivors:")
    for fault, result in results:
        if not result["noticed"]:
            print(_line(fault, result))
    noticed = sum(bool(result["noticed"]) for _, result in results)
    print(f"{noticed} of {len(results)} faults are noticed")
