"""The rules of libraries against trajectories that the libraries themselves produced, all in float64."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

import netc
from lowering import lowered
from netc.compiler.calculus.interpret import run as interpreted
from peers import recorded
from peers.dialects import CLIPS, FOLDER, OTHER_CLIPS, call, load, runs
from peers.recorded import Reals
from peers.recording import given as given_run
from sweeps import one_in

RATES = ("lr", "learning_rate", "step_size", "learning_rate_init", "alpha")


def rate_of(names: Iterable[str]) -> str:
    return next(n for n in RATES if n in names)


def close(found: Reals, wanted: Reals, accuracy: float = 1e-12) -> bool:
    return bool((np.abs(found - wanted) <= accuracy * (1 + np.abs(wanted))).all())


@pytest.mark.parametrize("name", one_in(3, runs()))
def test_trajectory(name: str) -> None:
    run = load(name)
    rule = netc.update_rule(call(run))
    schedule = (
        {rate_of(run["options"]): run["learning_rates"]} if run["options"].get("schedule") == "step" else None
    )
    found = rule.trajectory(run["initial_point"], run["gradients"], schedule)
    assert close(found, np.array(run["trajectory"]))


@pytest.mark.parametrize("name", one_in(3, [n for n in runs() if "objective_run" in load(n)]))
def test_free_run(name: str) -> None:
    """The gradients of the run on the objective, replayed."""
    run = load(name)["objective_run"]
    whole = load(name)
    schedule = (
        {rate_of(whole["options"]): whole["learning_rates"]}
        if whole["options"].get("schedule") == "step"
        else None
    )
    found = netc.update_rule(call(whole)).trajectory(run["initial_point"], run["gradients"], schedule)
    assert close(found, np.array(run["trajectory"]))


@pytest.mark.parametrize("name", one_in(4, recorded.runs()))
def test_recorded(name: str) -> None:
    """Made by `peers/record_*.py`, with the versions that the files name."""
    run = recorded.runs()[name]
    rule = netc.update_rule(run.call)
    schedule = None
    if run.factors is not None:
        rate = rate_of(rule.parameters)
        schedule = {rate: rule.parameters[rate] * run.factors}
    start, gradients = given_run()
    found = rule.trajectory(start, gradients, schedule, tensors=run.tensors)
    assert close(found, run.trajectory, run.accuracy)


def test_recorded_on_a_loss() -> None:
    """Polyak's step asks for the loss itself."""
    kept = recorded.about("optax")
    for text, path in kept["on the loss"].items():
        head = f"objective R(x, y) = {kept['loss']}\ninit theta = (2, 1)\noptimizer {text}\n"
        program = lowered(f"{head}train steps = {len(path) - 1}\n")
        nothing = np.zeros((1, 1))
        found = interpreted(program, np.array(path[0]), nothing, nothing, len(path) - 1).trajectory
        assert close(found, np.array(path)), text


# -- clipping ----------------------------------------------------------------------------------------


def clipped_run(name: str, rule: str) -> bool:
    run = load(name)
    found = netc.update_rule(rule).trajectory(run["initial_point"], run["gradients"], tensors=run["tensors"])
    return close(found, np.array(run["trajectory"]))


@pytest.mark.parametrize("name", CLIPS)
def test_clipping(name: str) -> None:
    assert clipped_run(name, CLIPS[name])


@pytest.mark.parametrize(("name", "rule"), OTHER_CLIPS)
def test_the_same_clip_in_another_library(name: str, rule: str) -> None:
    assert clipped_run(name, rule)


def test_keras_clips_each_variable() -> None:
    gradients = np.array([[3.0, 4.0, 0.3, 0.4], [0.0, 0.0, 6.0, 8.0]])
    found = netc.update_rule("keras.SGD(learning_rate=1.0, clipnorm=1.0)").trajectory(
        np.zeros(4), gradients, tensors=(2, 2)
    )
    np.testing.assert_allclose(-np.diff(found, axis=0), [[0.6, 0.8, 0.3, 0.4], [0, 0, 0.6, 0.8]], rtol=1e-15)


def test_clips_compose_in_order() -> None:
    """In a chain what stands first acts first; a threshold whose name is taken is called clip_threshold."""
    chain = "optax.chain(optax.add_decayed_weights(0.5), optax.clip_by_block_rms(1), optax.radam(0.1))"
    rule = netc.update_rule(chain)
    assert rule.equations()[:3] == [
        "raw        = grad R(theta[n])",
        "clipped    = raw + weight_decay*theta[n]",
        "g          = clipped/max(1, sqrt(mean(clipped^2, per = tensor))/clip_threshold)",
    ]
    assert rule.parameters["threshold"] == 5
    assert rule.parameters["clip_threshold"] == 1


def test_a_rule_calls_a_clip() -> None:
    text = """\
optimizer mine(eta = 0.1):
    g          = optax.clip(grad R(theta[n]), max_delta = 0.5)
    theta[n+1] = theta[n] - eta*g
"""
    rule = netc.update_rule(text)
    assert rule.trajectory([0.0, 0.0], [[2.0, -0.25]])[-1].tolist() == [-0.05, 0.025]
    assert any("min(max(raw, -0.5), 0.5)" in line for line in rule.equations())


def test_every_run_is_here() -> None:
    """Those of schedules are in `test_catalogue_schedules.py`; all are in float64."""
    assert {p.stem for p in FOLDER.glob("*__clip__*.json")} == set(CLIPS)
    assert all(load(n)["dtype"] == "float64" for n in runs())


# -- what the arguments decide -----------------------------------------------------------------------


def test_a_switch_that_is_off_leaves_no_state() -> None:
    assert netc.update_rule("torch.SGD(lr=0.1)").states == ()
    assert netc.update_rule("torch.SGD(lr=0.1, momentum=0.9)").states == ("v",)
    assert netc.update_rule("torch.Adam()").states == ("s", "v")
    assert netc.update_rule("torch.Adam(amsgrad=True)").states == ("s", "v", "x")


def test_equations_are_valid_netc() -> None:
    rule = netc.update_rule("torch.SGD(lr=0.1, momentum=0.9, nesterov=True)")
    head = f"optimizer again({', '.join(f'{n} = {v!r}' for n, v in rule.parameters.items())}):\n"
    again = netc.update_rule(head + "".join(f"    {line}\n" for line in rule.equations()))
    gradients = np.random.default_rng(0).normal(size=(9, 3))
    start = np.ones(3)
    assert (rule.trajectory(start, gradients) == again.trajectory(start, gradients)).all()
    assert rule.evaluations == {"loss": 0, "gradient": 1}
    assert "theta" in rule.latex()


def test_a_scheduled_parameter_decides_nothing() -> None:
    rule = netc.update_rule("torch.SGD(lr=0.1)")
    gradients = np.ones((3, 2))
    found = rule.trajectory(np.zeros(2), gradients, {"weight_decay": [0.0, 1.0, 0.0]})
    wanted = [0.0, -0.1, -0.1 - 0.1 * (1 - 0.1), -0.1 - 0.1 * (1 - 0.1) - 0.1]
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torch.SGD(rate=0.1)", "no parameter 'rate'"),
        ("optax.sgd()", "needs 'learning_rate'"),
        ("torch.Adam(betas=(0.9, 1.0))", "requires"),
        ("torch.SGD(lr=-0.1)", "requires lr >= 0; lr is -0.1"),
        ("torch.SGD(nesterov=True)", "requires"),
        ("keras.SGD(nesterov=2)", "true or false"),
        ("keras.SGD(clipnorm=1.0, clipvalue=1.0)", "requires clipnorm == none or clipvalue == none"),
        ("torch.SGD(lr=0.1), clip = 1", "more than one way to clip"),
        ("torch.SGD(lr=0.1), clip = optax.clip(max_norm=1)", "no parameter 'max_norm'"),
        ("torch.SGD(lr=0.1), clip = optax.clip(max_delta=-1)", "requires max_delta >= 0"),
        ("torch.SGD(lr=0.1), clop = optax.clip(max_delta=1)", "no setting 'clop'"),
        ("torch.SGD(lr=0.1), clip = optax.adam", "no clip called 'optax.adam'"),
        ("optax.chain()", "the chain is empty"),
    ],
)
def test_unfit_arguments(text: str, words: str) -> None:
    with pytest.raises(netc.SpecError, match=words):
        netc.update_rule(text)
