"""`@record` against the dataclass that it stands for."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from math import nan
from typing import Any

import pytest

from netc.dsl.record import record


@record(kw_only=True)
class Base:
    place: int = field(default=0, compare=False, repr=False)


@record
class Pair(Base):
    left: float
    right: object = "r"
    text: str = field(default="", compare=False)


@record
class One:
    value: float
    double: float = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "double", 2 * self.value)


@record
class Empty:
    """Of nothing."""


@dataclass(frozen=True, kw_only=True)
class BaseOfPython:
    place: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class PairOfPython(BaseOfPython):
    left: float
    right: object = "r"
    text: str = field(default="", compare=False)


GIVEN: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1.0,), {}),
    ((1.0,), {"place": 3}),
    ((1.0, "r"), {"text": "as typed"}),
    ((1.0, "s"), {}),
    ((nan,), {}),
    ((2.0, ("a", "b"), "t"), {"place": 1}),
]


def test_values_behave_as_those_of_a_frozen_dataclass() -> None:
    ours = [Pair(*args, **kw) for args, kw in GIVEN]
    theirs = [PairOfPython(*args, **kw) for args, kw in GIVEN]
    assert [[a == b for b in ours] for a in ours] == [[a == b for b in theirs] for a in theirs]
    assert [len({a, b}) for a in ours for b in ours] == [len({a, b}) for a in theirs for b in theirs]
    assert [repr(a) for a in ours] == [repr(b).replace("OfPython", "") for b in theirs]
    assert [f.name for f in fields(Pair)] == [f.name for f in fields(PairOfPython)]
    assert [vars(replace(a, right=7)) for a in ours if a.left == a.left] == [
        vars(replace(b, right=7)) for b in theirs if b.left == b.left
    ]
    assert Pair.__match_args__ == PairOfPython.__match_args__


def test_it_is_frozen_and_travels() -> None:
    pair = Pair(1.0, place=4)
    with pytest.raises(FrozenInstanceError):
        pair.left = 2.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del pair.left
    for other in (pickle.loads(pickle.dumps(pair)), copy.deepcopy(pair)):
        assert other == pair
        assert hash(other) == hash(pair)
        assert other.place == 4


def test_arguments_are_those_of_a_dataclass() -> None:
    for args, kw in (((), {}), ((1.0, 2, "t", 3), {}), ((1.0,), {"other": 1})):
        with pytest.raises(TypeError):
            Pair(*args, **kw)
        with pytest.raises(TypeError):
            PairOfPython(*args, **kw)
    with pytest.raises(TypeError, match="default_factory"):

        @record
        class _Made:
            parts: list[int] = field(default_factory=list)


def test_classes_are_told_apart_and_post_init_runs() -> None:
    assert One(1.5).double == 3.0
    assert One(1.0) == One(1.0) != Pair(1.0)
    assert Empty() == Empty() != One(1.0)
    assert One(nan) != One(float("nan"))
    same = One(nan)
    assert same == same
    assert repr(Empty()) == "Empty()"
    assert Empty.__doc__ == "Of nothing."
