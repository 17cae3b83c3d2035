"""Whether the tests notice a fault: those that touch its place, the quickest first, until one fails."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import pytest

from mutants.faults import Fault
from mutants.touched import Tests, Touched, forget_answers
from mutants.trees import copied, forked, pytest_arguments

SECONDS = 90
"""Of processor time, for all tests that are tried with one fault."""
FIRST = 5
"""Of processor time: what is tried of a file before other files have their turn."""
FILES = 6
"""From which the narrowest tests are."""
LONGER = 60
"""A test hangs if it takes more than these seconds above twenty times what it takes without a fault."""


class Chosen:
    """A plugin of pytest: runs these tests alone, in their order, and writes down how far it comes."""

    def __init__(self, tests: Tests, known: set[str], seconds: float, result: Path) -> None:
        self.tests = {test: seconds for found in tests.values() for test, seconds in found.items()}
        self.known, self.seconds, self.result = known, seconds, result
        self.passed, self.said = 0, ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = {test: place for place, test in enumerate(self.tests)}
        place = {test.split("[")[0]: place for test, place in order.items()}
        for item in items:  # a fault may change the values that a test has in its name
            if item.nodeid not in self.known and (function := item.nodeid.split("[")[0]) in place:
                order[item.nodeid] = place[function]
        items[:] = sorted((i for i in items if i.nodeid in order), key=lambda item: order[item.nodeid])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._write(item.nodeid)
        limit = int(time.process_time() + LONGER + 20 * self.tests.get(item.nodeid, 1)) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        done = yield
        if _taken() > self.seconds:
            item.session.shouldstop = "no more time"
        return done

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed
        self.said = self.said or (report.nodeid if report.failed else "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.said = self.said or (f"{report.nodeid} (as it is collected)" if report.failed else "")

    def pytest_sessionfinish(self) -> None:
        self._write("")

    def _write(self, running: str) -> None:
        result = {"running": running, "said": self.said, "passed": self.passed, "seconds": _taken()}
        self.result.write_text(json.dumps(result))


def _taken() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


class Trials:
    """In one copy of the tree."""

    def __init__(self, touched: Touched, work: Path, part: int) -> None:
        self.touched, self.cache = touched, work / "cache"
        self.copy = copied(work / f"copy{part}")
        self.result, self.log = work / f"result{part}.json", work / f"last{part}.log"
        self.sound: dict[str, bool] = {}
        """Whether a test passes here without any fault."""

    def tried(self, fault: Fault) -> dict[str, Any]:
        """By which test it is noticed (empty: by none), how many tests passed of how many that touch its place."""
        touching = self.touched.tests(fault)
        of = sum(len(found) for tests in touching for found in tests.values())
        passed, seconds, path = 0, 0.0, self.copy / fault.file
        breadth = self.touched.breadth(fault)
        for batch in filter(None, chain.from_iterable(batches(tests, breadth) for tests in touching)):
            text = path.read_text()
            self._put(path, fault.planted(text))
            try:
                found = self._run(batch, SECONDS - seconds)
            finally:
                self._put(path, text)
            passed, seconds = passed + found["passed"], seconds + found["seconds"]
            if found["noticed"] and self._is_sound(found["noticed"], batch):
                return {"noticed": found["noticed"], "passed": passed, "of": of, "seconds": round(seconds, 1)}
            if seconds > SECONDS:
                break
        return {"noticed": "", "passed": passed, "of": of, "seconds": round(seconds, 1)}

    def _put(self, path: Path, text: str) -> None:
        path.write_text(text)
        self.stamp = max(time.time(), getattr(self, "stamp", 0.0) + 2)  # Python's cache goes by whole seconds
        os.utime(path, (self.stamp, self.stamp))

    def _run(self, tests: Tests, seconds: float) -> dict[str, Any]:
        self.result.unlink(missing_ok=True)
        forget_answers(self.cache)
        plugin = Chosen(tests, self.touched.known(), seconds, self.result)
        status = forked(
            self.copy, self.cache, self.log, partial(pytest.main, pytest_arguments(*tests), plugins=[plugin])
        )
        if not self.result.exists():
            return {"noticed": "when netc is imported", "passed": 0, "seconds": 1.0}
        found: dict[str, Any] = json.loads(self.result.read_text())
        ended = f"{found['running']} (ends with {status})" if found["running"] else ""
        return found | {"noticed": found["said"] or ended}

    def _is_sound(self, noticed: str, batch: Tests) -> bool:
        """Whether what fails passes without the fault: else it says nothing."""
        file, tests = next(
            ((f, t) for f, t in batch.items() if noticed.startswith(f)), next(iter(batch.items()))
        )
        test = next((t for t in tests if noticed.startswith(t)), next(iter(tests)))
        if test not in self.sound:
            self.sound[test] = not self._run({file: {test: tests[test]}}, SECONDS)["noticed"]
        if not self.sound[test]:
            print(f"{test} fails without a fault", flush=True)
        return self.sound[test]


def batches(tests: Tests, breadth: Callable[[str], int]) -> Iterator[Tests]:
    """The narrowest tests; the quickest of the files that take least, of some more files, of all files; all others."""
    telling = _narrowest(tests, breadth)
    yield telling
    first, later = [], []
    for file, found in tests.items():
        left = [(test, seconds) for test, seconds in found.items() if test not in telling.get(file, ())]
        ordered = sorted(left, key=lambda item: item[1])
        count = sum(total <= FIRST for total in accumulate(seconds for _, seconds in ordered)) or 1
        first.append((file, dict(ordered[:count])))
        later.append((file, dict(ordered[count:])))
    first.sort(key=lambda item: sum(item[1].values()))
    for part in (first[:4], first[4:16], first[16:], later):
        yield {file: found for file, found in part if found}


def _narrowest(tests: Tests, breadth: Callable[[str], int]) -> Tests:
    known = [
        (breadth(t), s, file, t) for file, found in tests.items() for t, s in found.items() if breadth(t)
    ]
    telling: Tests = {}
    total = 0.0
    for _, seconds, file, test in sorted(known):
        total += seconds
        if total > FIRST or (file not in telling and len(telling) == FILES):
            break
        telling.setdefault(file, {})[test] = seconds
    return telling
