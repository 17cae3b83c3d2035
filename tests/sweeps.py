"""Exhaustive sweeps: a part of the cases in the default run, all of them in `.ci/run`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(count: int, cases: Iterable[Any]) -> list[Any]:
    """The cases for `pytest.mark.parametrize`, all but one in `count` of them marked `sweep`."""
    return [case if i % count == 0 else _marked(case) for i, case in enumerate(cases)]


def _marked(case: Any) -> Any:
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.sweep)
