"""Nothing in `dsl/library` stands unproved: all rules, schedules and clips are compared with numbers from outside."""

from __future__ import annotations

import pytest

from comparisons import KINDS, compared, of
from netc.dsl import library

NAMED = [(kind, name) for kind in KINDS for name in library.names(kind)]


def test_everything_is_compared_with_numbers_from_outside() -> None:
    assert [entry for entry in NAMED if entry not in compared()] == []
    assert len(NAMED) > 280


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_is_varied(kind: str) -> None:
    """In some compared call each parameter has another value than its default.

    But for the optimizers of the talk: NumPy has them as they stand, with the numbers of the talk.
    """
    left = {
        name: [p for p in of(kind, name) if p not in set().union(*compared()[kind, name].values())]
        for k, name in NAMED
        if k == kind and library.shelf(kind, name) != "turpault"
    }
    assert {name: rest for name, rest in left.items() if rest} == {}


def test_rules_of_libraries_that_can_be_installed_are_recorded() -> None:
    """The rest are families, papers, lectures and the talk, and Optimisers.jl, which is no Python."""
    others = {"optimizers", "papers", "lectures", "turpault", "optimisers_jl"}
    mine = [n for n in library.names("optimizer") if library.shelf("optimizer", n) not in others]
    assert [n for n in mine if "recorded" not in compared()["optimizer", n]] == []
    assert len(mine) > 110
