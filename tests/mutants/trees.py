"""Copies of the tree in which faults are planted, and processes that work in one. Not which tests they run.

A process is forked from one that has imported the large libraries and nothing of netc, which saves their start.
"""

from __future__ import annotations

import importlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from mutants.faults import ROOT

LARGE = (
    "pytest",
    "hypothesis",
    "numpy",
    "numba",
    "llvmlite.binding",
    "scipy.optimize",
    "torch",
    "sympy",
    "pandas",
)
IDLE = 600
"""Seconds in which a process that works takes some time of a processor, on the busiest machine."""


def tracked() -> list[str]:
    return [
        name
        for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
        if (ROOT / name).is_file()
    ]


def copied(folder: Path) -> Path:
    """The tracked files, and a folder `site` where they are package `netc`."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for place, path in netc_files(folder):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    return folder


def netc_files(folder: Path) -> Iterable[tuple[Path, Path]]:
    """Where each file stands in the package, and the file."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    for package, source in packages.items():
        for path in (folder / source).iterdir():
            if path.is_file() or path.name == "library":
                yield folder / "site" / package.replace(".", "/") / path.name, path


def pytest_arguments(*files: str) -> list[str]:
    """One of the large libraries imports Hypothesis, which pytest would rather import itself."""
    known = "ignore::pytest.PytestAssertRewriteWarning"
    return ["-n", "0", "-x", "-m", "not slow", "-p", "no:cacheprovider", "-W", known, *files]


def import_large() -> None:
    for name in LARGE:
        with suppress(ImportError):
            importlib.import_module(name)


def forked(copy: Path, cache: Path, log: Path, work: Callable[[], object]) -> int:
    """Does the work in a process of its own in the copy; what it ended with (as of `waitpid`)."""
    child = os.fork()
    if not child:
        status = 1
        try:
            _settle(copy, cache, log)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    try:
        return _awaited(child)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


def _settle(copy: Path, cache: Path, log: Path) -> None:
    os.setsid()
    os.chdir(copy)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    shutil.rmtree(copy / "home", ignore_errors=True)
    paths = [str(copy / "site"), str(copy / "tests")]
    sys.path[:] = paths + [path for path in sys.path if path != str(ROOT / "tests")]
    os.environ |= {"PYTHONPATH": os.pathsep.join(paths), "NETC_CACHE": str(cache)}
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(copy / "home")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30, 16 * 2**30))


def _awaited(child: int) -> int:
    looked, worked, taken = 0.0, time.monotonic(), -1.0
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.05)
        if (now := time.monotonic()) < looked + 10:
            continue
        looked, before, taken = now, taken, _processor_time(child)
        worked = now if taken > before else worked
        if now > worked + IDLE:
            os.killpg(child, signal.SIGKILL)


def _processor_time(process: int) -> float:
    """Of it and of all in its session, as some tests start others."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == process:
                total += int(fields[11]) + int(fields[12])
    return total
