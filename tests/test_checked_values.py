"""What the checker works out of right programs: starts, files of layers, rates of a finder, criteria, overrides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from netc.compiler.check.program import check
from netc.compiler.meaning.resolve_values import number
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.printer import print_expr
from netc.dsl.source import Source
from test_check_programs import OBJECTIVE, spec

STARTS = {
    "theta = (2, -1)": 1,
    "theta = {(2, -1), (1, 1), (0, 3)}": 3,
    "theta = grid(-3..3, -1..1, points = 5)": 25,
    "theta ~ uniform(-1, 1)": 7,
}


@pytest.mark.parametrize("start", STARTS)
def test_a_list_or_a_grid_of_starts_says_how_many_runs_there_are(start: str) -> None:
    runs = ", runs = 7" if "~" in start else ""
    text = f"objective R(x, y) = x^2 + 3*y^2\ninit {start}\noptimizer gd\ntrain steps = 9{runs}\n"
    assert spec(text).training.runs == STARTS[start]


def test_names_of_layers_in_a_file() -> None:
    net = "network [1 (tanh) 6 (tanh) 5 (lin) 1]\nloss mse\noptimizer gd\ntrain epochs = 1\ninit he_normal\n"
    for said, names, named in (
        ("", ("layer1", "layer3"), False),
        (', names = (conv1, "features.3")', ("conv1", "features.3"), True),
        (', names = ("a", b.c)', ("a", "b.c"), True),
    ):
        (found,) = spec(f'{net}init layer1, layer3: from "w.pt"{said}\n', folder=Path("/w")).init.files
        assert found.layers == tuple(zip(("layer1", "layer3"), names, strict=True))
        assert found.named == named


def test_the_rates_of_a_finder_grow_evenly_from_the_first_to_the_last() -> None:
    text = OBJECTIVE.replace("train steps = 10\n", "train steps = 7\n")
    made = spec(f"{text}optimizer gd(eta = 0.1)\nfinder eta from 1e-4 to 10 in 51 steps\n")
    (schedule,) = made.schedules
    (piece,) = schedule.pieces
    rates = [number(piece.value, {"step": k}) for k in (0, 10, 25, 50)]
    assert rates == pytest.approx([1e-4, 1e-3, 10**-1.5, 10])
    assert made.training.steps == 51


CRITERIA = {
    "loss < 0.1": "R(theta) < 0.1",
    "R < 0.1": "R(theta) < 0.1",
    "R(theta) < 0.1": "R(theta) < 0.1",
    "R(theta[n]) < 0.1": "R(theta) < 0.1",
    "norm(grad R) < 1e-3": "norm(grad R) < 1e-3",
    "norm(grad R(theta[n])) < 1e-3 and n > 5": "norm(grad R(theta)) < 1e-3 and n > 5",
    "eta*R < epoch": "eta*R(theta) < epoch",
}


@pytest.mark.parametrize("stop", CRITERIA)
def test_a_criterion_is_of_theta_as_it_is(stop: str) -> None:
    text = OBJECTIVE.replace("steps = 10", f"steps = 10, stop = {stop}") + "optimizer gd(eta = 0.1)\n"
    found = spec(text).training.stop
    assert found is not None
    assert print_expr(found) == CRITERIA[stop]


def with_set(text: str, overrides: Mapping[str, object]) -> object:
    return check(parse(Source("test.net", text)), None, Path(), overrides)  # type: ignore[arg-type]


SCHEDULED = OBJECTIVE + "optimizer gd(eta = 0.1)\nschedule eta = 0.1 until 3, 0.01\n"


def test_what_is_set_from_outside_follows_no_schedule() -> None:
    assert [s.name for s in spec(SCHEDULED).schedules] == ["eta"]
    made = with_set(SCHEDULED, {"eta": 0.5})
    assert made.schedules == ()  # type: ignore[attr-defined]
    assert dict(made.optimizer.arguments) == {"eta": 0.5}  # type: ignore[attr-defined]


def test_a_bound_from_outside_is_the_only_one() -> None:
    made = with_set(SCHEDULED, {"epochs": 3, "seed": 4}).training  # type: ignore[attr-defined]
    assert (made.epochs, made.seed) == (3, 4)


@pytest.mark.parametrize(
    ("value", "code"), [("3, runs = 5", "E0502"), ("3 # of them", "E0502"), ("0", "E0503"), ("2.5", "E0502")]
)
def test_one_value_is_set(value: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        with_set(SCHEDULED, {"runs": value})
    assert [d.code for d in caught.value.diagnostics] == [code]
