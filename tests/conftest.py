"""Options that all tests share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from netc.compiler.calculus import by_inputs, ir, norms
from netc.compiler.calculus.verify import verify_alone
from netc.compiler.calculus.verify_rule import verify_rule
from netc.compiler.kernels import factored, orders, sweeps
from netc.compiler.kernels import rule as rules
from netc.compiler.kernels.cuda import elements
from netc.compiler.lower import program as lower

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
"""Where bytecode is not written, each of the tests' processes compiles all modules of netc anew: a second each."""
os.environ.setdefault("KERAS_BACKEND", "torch")
"""One for all tests: Keras takes the one that it finds when it is first imported, in whatever test that is."""

gc.set_threshold(50_000, 50, 50)
"""What numba makes lives on; to look through it as often as Python does by itself took a fifteenth of the tests' time."""

settings.register_profile("seek", deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
settings.register_profile("netc", settings.get_profile("seek"), derandomize=True)
settings.load_profile("netc")
"""A busy machine fails no test: no deadlines, and no health checks, which look at the clock. The same examples each
time, so that a change is judged by what it changed; `pytest --hypothesis-profile=seek` looks for new ones."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="accept the outputs of this run as right")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden"):
        config.option.markexpr = ""  # what is pinned is pinned whole, sweeps included


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


PASSES: tuple[Callable[..., Any], ...] = (
    lower.lower, norms.written_out, rules.named,
    by_inputs.by_inputs, factored.factored, orders.places_last, elements.parted, sweeps.draws_apart, sweeps.sums_apart,
)  # fmt: skip
"""All that make or change a rule or a problem."""


@pytest.fixture(autouse=True, scope="session")
def _verified() -> Iterator[None]:
    """What passes make is verified, wherever they are called; the problem of a file is so where it is made."""
    rooms = [vars(m) for name, m in list(sys.modules.items()) if name.startswith("netc.compiler.")]
    with pytest.MonkeyPatch.context() as patch:
        for one in PASSES:
            for room in rooms:
                for name in [name for name, value in room.items() if value is one]:
                    patch.setitem(room, name, _verifying(one))
        yield


def _verifying(one: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(one)
    def verifying(*given: Any) -> Any:
        match found := one(*given):
            case ir.Program(rule=rule):
                verify_rule(rule)
            case ir.Problem():
                verify_alone(found)
            case _:
                verify_rule(found)
        return found

    return verifying


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One for all tests of all workers: what several need is compiled once, and anew, but where `NETC_CACHE` names one that
    is kept between runs."""
    with pytest.MonkeyPatch.context() as patch:
        if "NETC_CACHE" not in os.environ:
            shared = tmp_path_factory.getbasetemp().parent / "cache"
            beside = "PYTEST_XDIST_WORKER" in os.environ
            patch.setenv("NETC_CACHE", str(shared) if beside else str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="module")
def _generators(request: pytest.FixtureRequest) -> list[tuple[np.random.Generator, Any]]:
    """Those of a module, and where they stood when it was read."""
    found = [g for g in vars(request.module).values() if isinstance(g, np.random.Generator)]
    return [(g, g.bit_generator.state) for g in found]


@pytest.fixture(autouse=True)
def _from_the_start(_generators: list[tuple[np.random.Generator, Any]]) -> None:
    """Each test draws from there: which tests ran before it decides nothing."""
    for generator, state in _generators:
        generator.bit_generator.state = state
