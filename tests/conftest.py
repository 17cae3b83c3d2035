"""Options that all tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from netc.compiler.calculus import ir, norms
from netc.compiler.calculus.verify_rule import verify_rule
from netc.compiler.kernels import rule as rules
from netc.compiler.lower import program as lower

settings.register_profile("seek", deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
settings.register_profile("netc", settings.get_profile("seek"), derandomize=True)
settings.load_profile("netc")
"""A busy machine fails no test: no deadlines, and no health checks, which look at the clock. The same examples each
time, so that a change is judged by what it changed; `pytest --hypothesis-profile=seek` looks for new ones."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="accept the outputs of this run as right")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True, scope="session")
def _verified() -> Iterator[None]:
    """After every pass that makes or changes a rule it is verified; problems verify themselves where they are made."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, rule_of in (
            (lower, "lower", lambda program: program.rule),
            (norms, "written_out", lambda program: program.rule),
            (rules, "named", lambda rule: rule),
        ):
            patch.setattr(module, name, _verifying(getattr(module, name), rule_of))
        yield


def _verifying(made: Callable[[Any], Any], rule_of: Callable[[Any], ir.Rule]) -> Callable[[Any], Any]:
    @wraps(made)
    def verifying(given: Any) -> Any:
        found = made(given)
        verify_rule(rule_of(found))
        return found

    return verifying


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the file's own, so that its kernels are compiled once, and anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
