"""Options that all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

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


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the file's own, so that its kernels are compiled once, and anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
