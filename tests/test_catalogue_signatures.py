"""Defaults, order and ranges of parameters: against the libraries' signatures, and against what they raise at."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from inspect import signature
from typing import Any

import pytest

import netc
import oracles_of_the_talk
import ranges_of_parameters as ranges
from comparisons import KINDS, compared_calls, of, parts
from lowering import lowered
from netc.dsl import library
from oracles_of_schedules import DEFAULTS
from peers import recorded, recording
from peers.recording import PROBES
from sweeps import one_in
from test_library_optimizers import RULES

SIGNATURES, REFUSED = recorded.signatures(), recorded.refused()
KIND = {name: kind for kind in reversed(KINDS) for name in library.names(kind)}


# -- defaults ----------------------------------------------------------------------------------------

OWN = {
    "optax.ema": {"learning_rate"},
    "optax.reduce_on_plateau": {"init_value"},
    "keras.ReduceLROnPlateau": {"learning_rate"},
    **{name: {"lr"} for name in library.names("schedule") if name.startswith("torch.")},
}
"""What a library's name has from an optimizer, or from what it is chained with."""
OTHER_DEFAULTS = {
    ("torch.CyclicLR", "step_size_down"): ("step_size_up", None),
    ("torch.OneCycleLR", "total_steps"): (..., None),
    ("torch.OneCycleLR_momentum", "total_steps"): (..., None),
    ("optax.piecewise_constant_schedule", "boundaries_and_scales"): (..., None),
}
"""netc's default and the library's, which says the same in the body, or takes other parameters instead."""


@pytest.mark.parametrize("name", SIGNATURES)
def test_defaults_and_order_are_the_librarys(name: str) -> None:
    theirs = {
        p[0]: ... if len(p) == 1 else tuple(p[1]) if isinstance(p[1], list) else p[1]
        for p in SIGNATURES[name]
    }
    mine = of(KIND[name], name)
    shared = [p for p in mine if p not in OWN.get(name, set())]
    for p in shared:
        expected = OTHER_DEFAULTS.get((name, p), (theirs[p], theirs[p]))
        assert (mine[p], theirs[p]) == expected, p
    by_place = [p[0] for p in SIGNATURES[name] if p[0] in shared and len(p) < 3]
    assert [p for p in shared if p in by_place] == by_place


def test_all_rules_of_libraries_have_a_signature() -> None:
    """Optimisers.jl's is that of its oracle."""
    others = ("optimizers", "papers", "lectures", "turpault", "optimisers_jl", "schedules")
    mine = [n for kind in KINDS for n in library.names(kind) if library.shelf(kind, n) not in others]
    assert [n for n in mine if n not in SIGNATURES and not n.startswith("clip.")] == []


@pytest.mark.parametrize("name", RULES)
def test_defaults_are_those_of_the_source(name: str) -> None:
    """Of families, lectures, papers and Optimisers.jl: the defaults of the functions in `oracles_of_*.py`."""
    wanted = {p.name.rstrip("_"): p.default for p in signature(RULES[name]).parameters.values()}
    wanted.pop("at")
    assert of("optimizer", name) == wanted


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_of_schedules(name: str) -> None:
    assert {p: v for p, v in of("schedule", name).items() if v is not ...} == DEFAULTS[name]


def test_no_schedule_is_left_out() -> None:
    assert {*DEFAULTS, *SIGNATURES} >= set(library.names("schedule"))


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("GD", "gd"),
        ("splitting", "splitting"),
        ("Speth", "speth"),
        ("RRGD", "splitting"),
        ("backtracking", "backtracking"),
    ],
)
def test_defaults_of_the_talk(name: str, oracle: str) -> None:
    """Of the rules that `test_turpault_rules.py` runs with other rates; the rest are run with their defaults there."""
    rate = signature(getattr(oracles_of_the_talk, oracle)).parameters["eta"].default
    assert of("optimizer", f"turpault.{name}")["eta"] == rate


def test_defaults_of_the_talk_that_its_runs_do_not_show() -> None:
    """What ends a search early enough, or is far below the gradients there."""
    eps = signature(oracles_of_the_talk.rag).parameters["eps"].default
    assert {of("optimizer", f"turpault.{name}")["eps"] for name in ("RAG", "RAGL")} == {eps}
    assert of("optimizer", "turpault.LC_Momentum")["lambda"] == "1/(4*b)"  # as `lc_momentum` has it


WHERE = {
    "torch": ("torch.optim", "torch.optim.lr_scheduler", "torch.nn.utils"),
    "keras": ("keras.optimizers", "keras.optimizers.schedules", "keras.callbacks"),
    "optax": ("optax", "optax.contrib"),
    "jax": ("jax.example_libraries.optimizers",),
}


@pytest.mark.parametrize("name", [n for n in SIGNATURES if n.split(".")[0] in WHERE])
def test_signatures_are_those_of_what_is_installed(name: str) -> None:
    """So that a later version with another default is noticed."""
    library_, word = name.split(".")
    pytest.importorskip(library_)
    places = [importlib.import_module(place) for place in WHERE[library_]]
    word = word.replace("LR_momentum", "LR")
    thing = next(getattr(place, word) for place in places if hasattr(place, word))
    live = {p[0]: p for p in recording.signature(thing)}
    assert [p for p in SIGNATURES[name] if live.get(p[0]) != p] == []


# -- ranges ------------------------------------------------------------------------------------------


def spelled(value: Any) -> str:
    match value:
        case bool() | None:
            return str(value).lower()
        case tuple():
            return f"({', '.join(map(spelled, value))}{',' * (len(value) == 1)})"
        case _:
            return str(value)


def places(defaults: dict[str, Any]) -> Iterator[tuple[str, str, int | None]]:
    """Of the numeric parameters: how a range calls it, its name, its place in a tuple."""
    for p, default in defaults.items():
        if isinstance(default, tuple):
            yield from ((f"{p}[{i + 1}]", p, i) for i in range(len(default)))
        elif not isinstance(default, bool):
            yield p, p, None


def arguments(given: dict[str, Any], name: str, place: int | None, number: float) -> str:
    value = number if place is None else tuple(number if i == place else v for i, v in enumerate(given[name]))
    return ", ".join(f"{p} = {spelled(v)}" for p, v in (given | {name: value}).items() if v is not None)


def refuses_optimizer(call: str) -> bool:
    try:
        netc.update_rule(call)
    except netc.SpecError as error:
        return "requires" in str(error)
    return False


RANGES = ranges.by_name(ranges.OPTIMIZERS)
ONE_RULE = ranges.by_name(ranges.RULES)
TWO_BATCHES = "turpault.Speth"
"""Which no trajectory of one batch can be made of."""


@pytest.mark.parametrize("name", one_in(20, (n for n in library.names("optimizer") if n != TWO_BATCHES)))
def test_ranges_of_optimizers(name: str) -> None:
    """What netc refuses is what the library refuses and what its own table does."""
    defaults = of("optimizer", name)
    needed = {p: 0.125 for p, v in defaults.items() if v is ...}
    for where, p, place in places(defaults):
        interval = ONE_RULE.get(f"{name}.{where}", RANGES[where])
        theirs = REFUSED.get(name, {}).get(where, [])
        given = needed | ({} if place is None else {p: defaults[p]})
        found = [v for v in PROBES if refuses_optimizer(f"{name}({arguments(given, p, place, v)})")]
        assert found == [v for v in PROBES if v in theirs or not ranges.inside(interval, v)], where


def test_ranges_name_what_there_is() -> None:
    known = {
        f"{n}.{where}" for kind in KINDS for n in library.names(kind) for where, _, _ in places(of(kind, n))
    }
    assert {*ONE_RULE, *SCHEDULE_RANGES, *CLIP_RANGES} <= known
    assert set(RANGES) <= {k.rsplit(".", 1)[1] for k in known}


SCHEDULE_RANGES = ranges.by_name(ranges.SCHEDULES)
FILE = "objective R(x) = x\ninit theta = 0\noptimizer gd\ntrain steps = 60\nschedule eta = "


def first_calls() -> dict[str, dict[str, Any]]:
    """The arguments of the first compared call of each schedule that takes numbers only."""
    found: dict[str, dict[str, Any]] = {}
    for text in (t for texts in compared_calls().values() for t in texts):
        for name, args, more in parts(text):
            if name in library.names("schedule"):
                found.setdefault(name, dict(zip(of("schedule", name), args, strict=False)) | more)
    return {n: g for n, g in found.items() if not any(isinstance(v, tuple) for v in g.values())}


def refuses_schedule(call: str) -> bool:
    try:
        lowered(f"{FILE}{call}\n")
    except netc.SpecError as error:
        return any("requires" in d.message and "'gd'" not in d.message for d in error.diagnostics)
    return False


@pytest.mark.parametrize("name", one_in(8, first_calls()))
def test_ranges_of_schedules(name: str) -> None:
    given = first_calls()[name]
    for where, p, place in places(of("schedule", name)):
        interval = SCHEDULE_RANGES.get(f"{name}.{where}", "(-inf, inf)")
        theirs = REFUSED.get(name.replace("_momentum", ""), {}).get(where, [])
        found = [v for v in PROBES if refuses_schedule(f"{name}({arguments(given, p, place, v)})")]
        assert found == [v for v in PROBES if v in theirs or not ranges.inside(interval, v)], where


CLIP_RANGES = ranges.by_name(ranges.CLIPS)


@pytest.mark.parametrize("where", CLIP_RANGES)
def test_ranges_of_clips(where: str) -> None:
    name, p = where.rsplit(".", 1)
    needed = {q: 0.125 for q, v in of("clip", name).items() if v is ...}
    found = [
        v
        for v in PROBES
        if refuses_optimizer(f"gd(eta = 0.1), clip = {name}({arguments(needed, p, None, v)})")
    ]
    assert found == [v for v in PROBES if not ranges.inside(CLIP_RANGES[where], v)]


RAISED = [c for lib in ("torch", "torch_optimizer", "keras", "mlx") for c in recorded.about(lib)["raises"]]


@pytest.mark.parametrize("call", RAISED)
def test_what_may_not_stand_together(call: str) -> None:
    """The library raises at each of these calls."""
    assert refuses_optimizer(call)


@pytest.mark.parametrize(
    "name", [n for n in library.names("optimizer") if ... in of("optimizer", n).values()]
)
def test_a_rule_names_what_is_missing(name: str) -> None:
    with pytest.raises(netc.SpecError, match="needs '"):
        netc.update_rule(f"{name}()")


@pytest.mark.parametrize("name", [n for n in library.names("optimizer") if n != TWO_BATCHES])
def test_a_parameter_of_another_name_is_refused(name: str) -> None:
    needed = {p: 0.125 for p, v in of("optimizer", name).items() if v is ...}
    with pytest.raises(netc.SpecError, match="has no parameter 'no_such'"):
        netc.update_rule(f"{name}({arguments(needed, 'no_such', None, 1)})")
