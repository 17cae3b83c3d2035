"""Which tests execute a line of the compiler, and which look up a definition of the library: by one run of all tests.

A file's tests run in a process of their own. What is remembered between tests (`functools.cache`, answers on disk) is
forgotten before each, else only the first would be seen to execute what all rest on.
"""

from __future__ import annotations

import gzip
import json
import re
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial, wraps
from pathlib import Path
from typing import Any

import coverage
import pytest

from mutants.faults import ROOT, Fault, definition, statement
from mutants.trees import forked, pytest_arguments

Tests = dict[str, dict[str, float]]
"""File -> test -> seconds."""
ALL = "*"
"""In place of a test: what the fixtures of a file do counts for all its tests."""
LONGEST = 10
"""Seconds of processor time: a test that takes more while it is watched is given up, and no fault is tried with it."""


class TooLong(BaseException):
    """Not an error that a test may expect."""


def _give_up(*_: object) -> None:
    raise TooLong


class Seen:
    """A plugin of pytest: notes what each test touches, and the seconds of processor time that it takes."""

    def __init__(self, copy: Path, cache: Path, result: Path) -> None:
        self.copy, self.cache, self.result = copy, cache, result
        self.coverage = coverage.Coverage(data_file=None, include=[f"{copy}/compiler/*"], config_file=False)
        self.coverage.set_option("run:disable_warnings", ["no-data-collected"])  # as for tests of the parser
        self.seconds: dict[str, float] = {}
        self.definitions: dict[str, set[str]] = defaultdict(set)
        self.failed = set[str]()
        self.now = ALL

    def pytest_configure(self) -> None:
        self.coverage.start()
        self._goes_on(ALL)
        signal.signal(signal.SIGPROF, _give_up)
        from netc.dsl import library

        for name in ("lookup", "text"):
            setattr(library, name, self._noting(getattr(library, name)))

    def _noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def noting(kind: str, name: str) -> Any:
            self.definitions[f"{kind} {name}"].add(self.now)
            return function(kind, name)

        for method in ("cache_clear", "cache_info"):
            if hasattr(function, method):
                setattr(noting, method, getattr(function, method))
        return noting

    def _goes_on(self, test: str) -> None:
        self.now = test
        self.coverage.switch_context(test)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        self._goes_on(ALL)
        _forget(self.cache)
        yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self._goes_on(item.nodeid)
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.seconds[item.nodeid] = time.process_time() - start
            self._goes_on(ALL)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data, lines = self.coverage.get_data(), {}
        for file in data.measured_files():
            found = data.contexts_by_lineno(file).items()
            lines[str(Path(file).relative_to(self.copy))] = {n: [t for t in tests if t] for n, tests in found}
        good = {test: taken for test, taken in self.seconds.items() if test not in self.failed}
        definitions = {name: sorted(tests) for name, tests in self.definitions.items()}
        saved = {"tests": good, "lines": lines, "definitions": definitions, "failed": sorted(self.failed)}
        with gzip.open(self.result, "wt") as file_:
            json.dump(saved, file_)


def _forget(cache: Path) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("netc.compiler"):
            for value in list(vars(module).values()):
                if callable(forget := getattr(value, "cache_clear", None)):
                    forget()
    forget_answers(cache)


def forget_answers(cache: Path) -> None:
    for answer in cache.glob("netc_answers_*"):
        answer.unlink(missing_ok=True)


def see(file: str, copy: Path, cache: Path, work: Path) -> None:
    """The tests of one file, unless that was done before."""
    result = work / "touched" / f"{Path(file).stem}.json.gz"
    if result.exists():
        return
    plugin = Seen(copy, cache, result)
    arguments = [*pytest_arguments(file), "--maxfail", "1000"]
    forked(copy, cache, result.with_suffix(".log"), partial(pytest.main, arguments, plugins=[plugin]))
    print(f"{file}: {'seen' if result.exists() else 'FAILS'}", flush=True)


class Touched:
    """What was seen."""

    def __init__(self, work: Path) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        for path in sorted((work / "touched").glob("*.json.gz")):
            with gzip.open(path, "rt") as file:
                self.files[f"tests/{path.name.removesuffix('.json.gz')}.py"] = json.load(file)

        self._lines, self._definitions = Counter[str](), Counter[str]()
        for seen in self.files.values():
            for lines in seen["lines"].values():
                for tests in lines.values():
                    self._lines.update(tests)
            for tests in seen["definitions"].values():
                self._definitions.update(tests)
        self._known = {test for seen in self.files.values() for test in (*seen["tests"], *seen["failed"])}

    def known(self) -> set[str]:
        """All tests, those too that fail or are skipped without a fault."""
        return self._known

    def breadth(self, fault: Fault) -> Callable[[str], int]:
        """Of how many definitions, or lines, a test is. One that is of few, or of that name, tells most."""
        if not fault.file.endswith(".net"):
            return self._lines.__getitem__
        name = definition((ROOT / fault.file).read_text(), fault.line).partition(" ")[2]
        word = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w.])")
        return lambda test: 1 if word.search(test) else self._definitions[test]

    def tests(self, fault: Fault) -> tuple[Tests, Tests]:
        """Those that touch the place of a fault themselves, and those whose file does it for all of its tests."""
        text = (ROOT / fault.file).read_text()
        if fault.file.endswith(".net"):
            word = definition(text, fault.line)
            return self._chosen(lambda seen: {*seen["definitions"].get(word, ())})
        lines = [str(line) for line in statement(text, fault.line)]
        own, shared = self._chosen(
            lambda seen: {t for n in lines for t in seen["lines"].get(fault.file, {}).get(n, ())}
        )
        if own or shared:
            return own, shared
        # What is executed when a module is imported is no test's: those that execute anything of the module.
        return self._chosen(lambda seen: {t for ts in seen["lines"].get(fault.file, {}).values() for t in ts})

    def _chosen(self, touching: Callable[[dict[str, Any]], set[str]]) -> tuple[Tests, Tests]:
        own: Tests = {}
        shared: Tests = {}
        for file, seen in self.files.items():
            tests = touching(seen)
            found = {t: s for t, s in seen["tests"].items() if t in tests}
            others = {t: s for t, s in seen["tests"].items() if ALL in tests and t not in tests}
            own |= {file: found} if found else {}
            shared |= {file: others} if others else {}
        return own, shared
