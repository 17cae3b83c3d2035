"""Planted faults, and the tests that notice them: `python -m mutants --sample 300 --seed 1` (in tests/; `make mutants`).

A fault is one operator or constant of `compiler/` or `dsl/library/` changed, in a copy of the tree. First every test file
runs once in a copy that notes which of the sampled places it comes by; then each fault is tried with the tests that do,
those that come by the fewest places first. Survivors are printed, with what was tried. Takes hours; what is done is kept
in `--work`, and the same command goes on from there.
"""

from __future__ import annotations

import argparse
import ast
import builtins
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
BUDGET = 150
"""Seconds of tests, as they take on the sound tree, that are tried with one fault."""
REACHED = "__import__('builtins').__dict__.setdefault('netc_reached', set()).add({})"


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


def pytested(
    copy: Path, files: list[str], cache: Path, notes: Path | None, *options: str, limit: int | None = None
) -> str:
    """What pytest says of these files; empty if all is well."""
    shutil.rmtree(copy / "home", ignore_errors=True)
    (copy / "home").mkdir()
    for answer in cache.glob("netc_answers_*"):
        answer.unlink()
    paths = os.pathsep.join([str(copy / "site"), str(copy / "tests")])
    env = os.environ | {
        "PYTHONPATH": paths,
        "NETC_CACHE": str(cache),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / "home"),
    }
    if notes:
        env["NETC_NOTES"] = str(notes)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-p",
        "mutants",
        *options,
        *files,
    ]

    def bounded() -> None:
        os.nice(19)
        if limit:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30, 16 * 2**30))

    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, preexec_fn=bounded)
    if done.returncode in (0, 5):
        return ""
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.M)
    return failed[0] if failed else f"status {done.returncode}: {(done.stdout + done.stderr)[-200:]}"


# -- as a plugin of pytest: what the tests of a file came by, how long they took, which failed -----------

_notes: dict[str, Any] = {"seconds": {}, "failed": []}


def pytest_runtest_logreport(report: Any) -> None:
    file = report.nodeid.partition("::")[0]
    _notes["seconds"][file] = _notes["seconds"].get(file, 0.0) + report.duration
    if report.failed:
        _notes["failed"].append(report.nodeid)


def pytest_sessionfinish() -> None:
    if path := os.environ.get("NETC_NOTES"):
        reached = sorted(getattr(builtins, "netc_reached", ()))
        Path(path).write_text(json.dumps(_notes | {"reached": reached}))


# -- trying them -------------------------------------------------------------------------------------


def noted(chosen: list[Fault], copy: Path) -> None:
    """The copy notes by which faults' places it comes."""
    for file in {fault.file for fault in chosen if fault.file.endswith(".py")}:
        text = (copy / file).read_text()
        tree = ast.parse(text)
        marks: dict[ast.stmt, list[int]] = {}
        for number, fault in enumerate(chosen):
            if fault.file == file:
                marks.setdefault(_statement(tree, fault), []).append(number)
        for node in list(ast.walk(tree)):
            for field in ("body", "orelse", "finalbody"):
                if isinstance(statements := getattr(node, field, None), list):
                    new = [
                        [*(ast.parse(REACHED.format(n)).body[0] for n in marks.get(s, ())), s]
                        for s in statements
                    ]
                    first = (
                        statements and marks.get(statements[0]) and isinstance(statements[0], ast.ImportFrom)
                    )
                    setattr(node, field, statements if first else [s for several in new for s in several])
        (copy / file).write_text(ast.unparse(tree))


def _statement(tree: ast.Module, fault: Fault) -> ast.stmt:
    """The innermost one around it."""
    at, best = (fault.line, fault.column), tree.body[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and (node.lineno, node.col_offset) <= at:
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            if at < (node.end_lineno, node.end_col_offset):
                best = node  # the walk goes from the outside to the inside
    return best


def recorded(chosen: list[Fault], work: Path, without: str) -> dict[str, Any]:
    """By test file: the faults it comes by, its seconds; and the tests that fail without any fault."""
    kept = work / "recorded.json"
    found: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {"reached": {}}
    if "failed" in found:
        return found
    copy, cache = copied(work / "noted"), work / "cache"
    cache.mkdir(exist_ok=True)
    noted(chosen, copy)
    files = sorted(str(p.relative_to(copy)) for p in (copy / "tests").glob("test_*.py"))
    files = [file for file in files if not re.search(without, file)]
    for file in files:
        if file not in found["reached"]:
            pytested(copy, [file], cache, work / "notes.json")
            found["reached"][file] = json.loads((work / "notes.json").read_text())["reached"]
            kept.write_text(json.dumps(found))
            print(f"{file} comes by {len(found['reached'][file])} places", flush=True)
    pytested(copied(work / "noted"), files, cache, work / "notes.json")
    notes = json.loads((work / "notes.json").read_text())
    found |= {"seconds": notes["seconds"], "failed": notes["failed"]}
    kept.write_text(json.dumps(found))
    return found


def likely(number: int, fault: Fault, record: dict[str, Any]) -> list[str]:
    """The test files that may notice, the most particular ones first, within the budget."""
    seconds, reached = record["seconds"], record["reached"]
    if fault.file.endswith(".net"):
        words = ("library", "catalogue", "turpault", "truth", "analysis", "cpu_kernels", "test_kernels")
        come = [file for file in reached if any(word in file for word in words)]
        come.sort(key=lambda file: seconds.get(file, 0.0))
    else:
        come = [file for file, places in reached.items() if number in places]
        come.sort(key=lambda file: len(reached[file]) * (2 + seconds.get(file, 0.0)))
    chosen, spent = [], 0.0
    for file in come:
        if spent + seconds.get(file, 0.0) <= BUDGET:
            chosen.append(file)
            spent += seconds.get(file, 0.0)
    return chosen


def tried(number: int, fault: Fault, record: dict[str, Any], copy: Path, cache: Path) -> dict[str, Any]:
    path = copy / fault.file
    sound, files = path.read_text(), likely(number, fault, record)
    deselected = [f"--deselect={test}" for test in record["failed"]]
    path.write_text(fault.planted(sound))
    later = time.time() + 10 * number  # another time stamp than any before, for Python's own cache
    os.utime(path, (later, later))
    limit = 60 + 4 * BUDGET
    try:
        said = pytested(copy, files, cache, None, "-x", *deselected, limit=limit) if files else ""
    finally:
        path.write_text(sound)
        os.utime(path, (later + 5, later + 5))
    return {"number": number, "noticed": said, "tried": files}


def mutants(
    count: int, seed: int, work: Path, parts: int, without: str
) -> list[tuple[Fault, dict[str, Any]]]:
    """Each fault with what became of it."""
    chosen = sampled(count, seed)
    work.mkdir(parents=True, exist_ok=True)
    record, log = recorded(chosen, work, without), work / "results.jsonl"
    done = {r["number"]: r for r in map(json.loads, log.read_text().splitlines())} if log.exists() else {}
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for part in range(parts):
        copies.put(copied(work / f"copy{part}"))

    def one(number: int) -> None:
        copy = copies.get()
        done[number] = tried(number, chosen[number], record, copy, work / "cache")
        copies.put(copy)
        with log.open("a") as file:
            file.write(json.dumps(done[number]) + "\n")
        print(_line(chosen[number], done[number]), flush=True)

    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(one, [n for n in range(len(chosen)) if n not in done]))
    return [(chosen[number], done[number]) for number in sorted(done)]


def _line(fault: Fault, result: dict[str, Any]) -> str:
    what = f"{fault.file}:{fault.line}:{fault.column + 1}: {fault.old} -> {fault.new or 'nothing'}"
    by = result["noticed"] or f"SURVIVES {len(result['tried'])} test files"
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
    results = mutants(given.sample, given.seed, given.work.absolute(), given.parts, given.without)
    print("\nsurvivors:")
    for fault, result in results:
        if not result["noticed"]:
            print(_line(fault, result))
    noticed = sum(bool(result["noticed"]) for _, result in results)
    print(f"{noticed} of {len(results)} faults are noticed")
