"""What the checker works out of right programs: starts, files of layers, rates of a finder, criteria, overrides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from netc.compiler.check.program import check, data_spec
from netc.compiler.meaning.resolve_values import number
from netc.compiler.meaning.spec import Facts
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.printer import print_expr
from netc.dsl.source import Source
from test_check_programs import OBJECTIVE, network, spec
from test_edges_of_settings import codes

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


def test_the_points_of_a_grid_are_counted_on_all_axes_together() -> None:
    text = "objective R(x, y) = x^2 + 3*y^2\ninit theta = grid(-3..3, -1..1, points = {})\noptimizer gd\ntrain steps = 9\n"
    assert spec(text.format(3162)).training.runs == 3162**2
    assert codes(text.format(3163)) == {"E0514"}


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


def test_one_file_has_all_parameters() -> None:
    text = network("[3(tanh)4(lin)1]").replace("init glorot_uniform", 'init from "w.pt"')
    assert spec(text, folder=Path("/w")).init.file == "/w/w.pt"


def test_layers_without_biases_need_none() -> None:
    """Where it is said layer by layer."""
    said = "init layer1, layer2: weights ~ normal(0, 1)"
    text = network("[3 (dense nobias, tanh) 4 (dense nobias) 1]").replace("init glorot_uniform", said)
    assert {law.target for law in spec(text).init.laws} == {"weights"}
    assert codes(text.replace("(dense nobias) 1", "(lin) 1")) == {"E0508"}
    assert codes(text.replace("layer1, layer2", "layer1")) == {"E0508"}


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


BATCH_NORM = "[3 (dense nobias) 4 (lecture.batchnorm, tanh) (lin) 1]"
OF_ONE = {
    ("batch = 1", 10): "every batch has one sample",
    ("batch = 1", None): "every batch has one sample",
    ("batch = 3", 10): "the last batch of 10 samples has one sample",
    ("batch = 3", 11): "",
    ("batch = 3", 12): "",
    ("batch = 3", None): "",
    ("batch = 5 parts", 9): "a batch has one sample",
    ("batch = 5 parts", 10): "",
    ("batch = 5 parts", None): "",
    ("batch = full", 1): "the batch has one sample",
    ("batch = full", 2): "",
}


@pytest.mark.parametrize(("batch", "samples"), OF_ONE)
def test_batches_of_one_sample_under_a_batch_norm(batch: str, samples: int | None) -> None:
    text = network(BATCH_NORM).replace("epochs = 1", f"epochs = 1, {batch}")
    said = [
        d.message for d in spec(text, Facts(3, 1, samples) if samples else None).warnings if d.code == "E0241"
    ]
    assert [m.partition(",")[0] for m in said] == ([OF_ONE[batch, samples]] if OF_ONE[batch, samples] else [])
    assert not spec(text.replace("lecture.batchnorm", "layernorm(1e-5)"), Facts(3, 1, samples or 9)).warnings


def test_a_finder_follows_its_own_schedule_and_shows_nothing_else() -> None:
    text = f"{OBJECTIVE}optimizer gd(eta = 0.1)\nschedule eta = 0.3 until 4, 0.1\nmonitor x, every = 5\nexpect minimum\n"
    plain = spec(text)
    assert len(plain.schedules[0].pieces) == 2
    made = spec(f"{text}finder eta from 1e-4 to 1 in 20 steps\n")
    assert [len(s.pieces) for s in made.schedules] == [1]
    assert made.monitor == spec(f"{OBJECTIVE}optimizer gd(eta = 0.1)\n").monitor
    assert made.expectations == plain.expectations


IN_A_RULE = {
    "h = u": "E0301", "h = y": "E0301", "h = tanh": "E0302", "h = norm": "E0302", "h = R": "E0302", "h = nothing": "E0101",
    "h = 2*grad R": "", "h = norm(theta[n], 2)": "E0302", "h = tanh()": "E0302", "h = tanh(1, 2)": "E0302",
    "h = max()": "E0302", "h = dot(theta[n])": "E0302", "h = norm(theta[n], by = layer)": "E0302",
    "h = norm(theta[n], per = layer)": "", "h = norm(theta[n], per = column)": "E0302", "h = mean(2)": "",
    "h = R(2)": "E0409", "h = R(theta[n] > 0)": "E0409", "h = 1 if theta[n] else 2": "E0304", "h = theta[n] > 0": "E0304",
    "h = none": "E0305", "h = pi*e": "E0101", "h = R(theta[n], theta[n])": "E0302", "h = grad R(3)": "E0409",
    "h = theta": "E0406",
}  # fmt: skip


@pytest.mark.parametrize("line", IN_A_RULE)
def test_what_an_equation_of_a_rule_may_say(line: str) -> None:
    step = "theta[n] - eta*grad R(theta[n])*(1 if norm(h*ones) > 0 else 1)"
    rule = f"optimizer a(eta = 0.1):\n    {line}\n    theta[n+1] = {step}\n"
    assert codes(OBJECTIVE + rule) == ({IN_A_RULE[line]} if IN_A_RULE[line] else set())


NO_PARTS = {
    "split": 1.0,
    "seed": 0,
    "validation": 0.0,
    "validation_files": (),
    "folds": 0,
    "fold": 0,
    "stratify": False,
}
PARTS = {
    "": {},
    ', validation = "v.csv"': {"validation_files": ("/d/v.csv",)},
    ', validation = ("v.csv", "w.csv"), split = 90%': {"validation_files": ("/d/v.csv", "/d/w.csv"), "split": 0.9},
    ", validation = 20%, stratify = true": {"validation": 0.2, "stratify": True},
    ", validation = 30, split = 70, seed = 3": {"validation": 30.0, "split": 70.0, "seed": 3},
    ", folds = 5, fold = 2, stratify = true": {"folds": 5, "fold": 2, "stratify": True},
}  # fmt: skip


@pytest.mark.parametrize("said", PARTS)
def test_parts_of_the_data(said: str) -> None:
    found = data_spec(parse(Source("test.net", f'data "x.csv", target = y{said}')), Path("/d"))
    assert {name: getattr(found, name) for name in NO_PARTS} == NO_PARTS | PARTS[said]


def test_classes_are_shared_out_among_parts() -> None:
    assert codes('data "x.csv", target = y, stratify = true\n') >= {"E0502"}
