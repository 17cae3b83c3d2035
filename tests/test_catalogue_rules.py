"""The rules of libraries against trajectories that the libraries themselves produced, all in float64."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netc
from netc.dsl import ast, library

DATA = Path(__file__).with_name("data") / "dialects"
NAMES = {
    ("tf1", "momentum"): "tf1.MomentumOptimizer", ("tf1", "adagrad"): "tf1.AdagradOptimizer",
    ("tf1", "adadelta"): "tf1.AdadeltaOptimizer", ("tf1", "adam"): "tf1.AdamOptimizer",
    ("tf1", "rmsprop"): "tf1.RMSPropOptimizer", ("sklearn", "mlp_sgd"): "sklearn.SGDOptimizer",
    ("sklearn", "mlp_adam"): "sklearn.AdamOptimizer", ("chainer", "momentum_sgd"): "chainer.MomentumSGD",
}  # fmt: skip
NOT_OPTIONS = ("schedule", "hooks", "chain")
CHAINS = {
    "ema(0.9), scale_by_learning_rate": "optax.ema(0.9, learning_rate = 0.2)",
    "ema(0.9, debias=False), scale_by_learning_rate": "optax.ema(0.9, debias = false, learning_rate = 0.2)",
    "trace, add_decayed_weights(0.1), scale_by_learning_rate": """\
optimizer chain(learning_rate = 0.02, momentum = 0.9, weight_decay = 0.1):
    v[n+1]     = momentum*v[n] + grad R(theta[n])
    theta[n+1] = theta[n] - learning_rate*(v[n+1] + weight_decay*theta[n])
""",
    "add_decayed_weights(0.1) BEFORE sgd": """\
optimizer chain(learning_rate = 0.02, momentum = 0.9, weight_decay = 0.1):
    v[n+1]     = momentum*v[n] + grad R(theta[n]) + weight_decay*theta[n]
    theta[n+1] = theta[n] - learning_rate*v[n+1]
""",
}
"""Chains of optax that no alias spells."""


def runs() -> list[str]:
    names = sorted(p.stem for p in DATA.glob("*.json"))
    return [n for n in names if "__schedule_" not in n and "__clip__" not in n]


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return found


def spelled(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


def call(run: dict[str, Any]) -> str:
    """The call that made the run, in netc's notation, which is that of Python."""
    library = run["library"].replace("jax-example-libraries", "jax")
    options = run["options"]
    if "chain" in options:
        return CHAINS[options["chain"]]
    name = NAMES.get((library, run["optimizer"]), f"{library}.{run['optimizer']}")
    given = {n: v for n, v in options.items() if n not in NOT_OPTIONS}
    if name == "optax.rprop":  # the run's first step size is the argument called learning_rate
        given = {"learning_rate": given["initial_step"]}
    return f"{name}({', '.join(f'{n}={spelled(v)}' for n, v in given.items())})"


def rate_of(run: dict[str, Any]) -> str:
    names = ("lr", "learning_rate", "step_size", "learning_rate_init", "alpha")
    return next(n for n in names if n in run["options"])


def close(found: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> bool:
    return bool((np.abs(found - wanted) <= 1e-12 * (1 + np.abs(wanted))).all())


@pytest.mark.parametrize("name", runs())
def test_trajectory(name: str) -> None:
    run = load(name)
    rule = netc.update_rule(call(run))
    schedule = {rate_of(run): run["learning_rates"]} if run["options"].get("schedule") == "step" else None
    found = rule.trajectory(run["initial_point"], run["gradients"], schedule)
    assert close(found, np.array(run["trajectory"]))


@pytest.mark.parametrize("name", [n for n in runs() if "objective_run" in load(n)])
def test_free_run(name: str) -> None:
    """The gradients of the run on the objective, replayed."""
    run = load(name)["objective_run"]
    whole = load(name)
    schedule = (
        {rate_of(whole): whole["learning_rates"]} if whole["options"].get("schedule") == "step" else None
    )
    found = netc.update_rule(call(whole)).trajectory(run["initial_point"], run["gradients"], schedule)
    assert close(found, np.array(run["trajectory"]))


MORE: dict[str, Any] = json.loads((DATA.parent / "rule_trajectories.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", MORE["runs"])
def test_more_trajectories(text: str) -> None:
    """Made by `peers/rule_trajectories.py` with the versions that the file names; calls are spelled as in Python."""
    found = netc.update_rule(text).trajectory(
        MORE["initial_point"], MORE["gradients"], tensors=MORE["tensors"]
    )
    assert close(found, np.array(MORE["runs"][text]))


# -- clipping ----------------------------------------------------------------------------------------

CLIPS = {
    "torch__clip__norm1.0": "torch.SGD(lr=0.05), clip = torch.clip_grad_norm_(max_norm=1.0)",
    "torch__clip__value1.0": "torch.SGD(lr=0.05), clip = torch.clip_grad_value_(clip_value=1.0)",
    "optax__clip__norm1.0": "optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.05))",
    "optax__clip__value1.0": "optax.chain(optax.clip(1.0), optax.sgd(0.05))",
    "optax__clip__block_rms1.0": "optax.chain(optax.clip_by_block_rms(1.0), optax.sgd(0.05))",
}


def clipped_run(name: str, rule: str) -> bool:
    run = load(name)
    found = netc.update_rule(rule).trajectory(run["initial_point"], run["gradients"], tensors=run["tensors"])
    return close(found, np.array(run["trajectory"]))


@pytest.mark.parametrize("name", CLIPS)
def test_clipping(name: str) -> None:
    assert clipped_run(name, CLIPS[name])


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("torch__clip__norm1.0", "mlx.SGD(learning_rate=0.05), clip = mlx.clip_grad_norm(max_norm=1.0)"),
        ("optax__clip__norm1.0", "keras.SGD(learning_rate=0.05, global_clipnorm=1.0)"),
        ("optax__clip__norm1.0", "gd(eta=0.05), clip = clip.by_norm(1)"),
        ("optax__clip__value1.0", "keras.SGD(learning_rate=0.05, clipvalue=1.0)"),
        ("optax__clip__value1.0", "gd(eta=0.05), clip = clip.by_value(c = 1)"),
    ],
)
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
    assert {p.stem for p in DATA.glob("*__clip__*.json")} == set(CLIPS)
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


# -- ranges ------------------------------------------------------------------------------------------

RULES = [n for n in library.names("optimizer") if library.shelf("optimizer", n) != "turpault"]
DECAY = re.compile(r"(betas?|beta[_\d]*|b\d|rho\d?|momentum|mass|gamma[12]|aleph|beth)(\[\d\])?")
"""Parameters that weigh an old state."""


def given(name: str, **other: str) -> str:
    """The rule called with a number for every parameter that has no default."""
    rule = library.lookup("optimizer", name)
    assert isinstance(rule, ast.Optimizer)
    needed = {p.name: "0.1" for p in rule.parameters if p.default is None}
    return f"{name}({', '.join(f'{n} = {v}' for n, v in (needed | other).items())})"


def decays(name: str) -> list[tuple[str, str]]:
    """Arguments that are too large for a decay, by parameter."""
    rule = library.lookup("optimizer", name)
    assert isinstance(rule, ast.Optimizer)
    found = []
    for p in rule.parameters:
        if not DECAY.fullmatch(p.name) or (p.name == "beta" and not isinstance(p.default, ast.Tuple)):
            continue
        size = len(p.default.items) if isinstance(p.default, ast.Tuple) else 0
        for i in range(max(size, 1)):
            values = ["0.5"] * size
            values[i : i + 1] = ["1.5"]
            found.append((p.name, f"({', '.join(values)})" if size else "1.5"))
    return found


@pytest.mark.parametrize("name", RULES)
def test_a_rule_refuses_what_is_out_of_range(name: str) -> None:
    for parameter, value in decays(name):
        with pytest.raises(netc.SpecError, match=r"requires .*" + parameter):
            netc.update_rule(given(name, **{parameter: value}))
    with pytest.raises(netc.SpecError, match="has no parameter 'no_such'"):
        netc.update_rule(given(name, no_such="1"))


@pytest.mark.parametrize("name", [n for n in RULES if "(" in given(n) and given(n) != f"{n}()"])
def test_a_rule_names_what_is_missing(name: str) -> None:
    with pytest.raises(netc.SpecError, match="needs '"):
        netc.update_rule(f"{name}()")


@pytest.mark.parametrize("name", RULES)
def test_a_rate_is_not_negative(name: str) -> None:
    rule = library.lookup("optimizer", name)
    assert isinstance(rule, ast.Optimizer)
    for p in rule.parameters:
        if p.name in (
            "lr",
            "learning_rate",
            "eta",
            "step_size",
            "eps",
            "epsilon",
            "weight_decay",
            "wd",
            "lambda",
        ):
            with pytest.raises(netc.SpecError, match="requires"):
                netc.update_rule(given(name, **{p.name: "-0.1"}))


# -- papers and lectures -----------------------------------------------------------------------------

SAME = {
    "glo4030.SGD(epsilon=0.1)": "gd(eta=0.1)",
    "glo4030.SGD_Momentum(epsilon=0.1)": "momentum.velocity(eta=0.1)",
    "glo4030.SGD_Nesterov(epsilon=0.1)": "nesterov.lookahead(eta=0.1)",
    "glo4030.Adagrad(epsilon=0.1, delta=1e-3)": "adagrad.eps_outside(eta=0.1, eps=1e-3)",
    "glo4030.RMSprop(epsilon=0.1, delta=1e-3)": "rmsprop.eps_outside(eta=0.1, eps=1e-3)",
    "glo4030.RMSprop_Momentum(epsilon=0.1)": "rmsprop.momentum(eta=0.1, eps=0)",
    "glo4030.RMSprop_Nesterov(epsilon=0.1)": "rmsprop.nesterov(eta=0.1, eps=0)",
    "glo4030.Adam(epsilon=0.1)": "adam.eps_inside(eta=0.1)",
    "glo4030.Yogi": "yogi.corrected",
    "lopes_quintas.Momentum(eta=0.1)": "momentum.ema(eta=0.1, beta1=0.1)",
    "lopes_quintas.AdaGrad(epsilon=1e-3)": "adagrad.eps_outside(eps=1e-3)",
    "lopes_quintas.RMSProp(epsilon=1e-3)": "rmsprop.eps_outside(eta=0.01, rho=0.9, eps=1e-3)",
    "lopes_quintas.Adam(eta=0.1)": "adam.eps_inside(eta=0.1)",
    "lopes_quintas.AdamW(eta=0.1, lambda=0)": "adam.eps_inside(eta=0.1)",
    "lopes_quintas.Lion(lambda=0.1)": "lion.paper(lambda=0.1)",
    "polyak1964.heavy_ball(alpha=0.1)": "momentum.heavy_ball(eta=0.1)",
    "qian1999.momentum(epsilon=0.1)": "momentum.velocity(eta=0.1)",
    "sutskever2013.momentum(epsilon=0.1)": "momentum.velocity(eta=0.1)",
    "sutskever2013.nesterov(epsilon=0.1)": "nesterov.lookahead(eta=0.1)",
    "bengio2013.nesterov(epsilon=0.1)": "nesterov.shifted(eta=0.1)",
    "duchi2011.AdaGrad(eta=0.1, delta=1e-3)": "adagrad.eps_outside(eta=0.1, eps=1e-3)",
    "zeiler2012.ADADELTA": "torch.Adadelta(rho=0.95)",
    "hinton2012.rmsprop(eta=0.1)": "rmsprop.eps_outside(eta=0.1, rho=0.9, eps=0)",
    "graves2013.rmsprop": "chainer.RMSpropGraves",
    "kingma2015.Adam": "torch.Adam",
    "kingma2015.Adam_efficient(epsilon_hat=1e-7)": "keras.Adam",
    "kingma2015.AdaMax": "mxnet.Adamax",
    "dozat2016.Nadam": "optimisers_jl.NAdam(eta=0.002)",
    "zaheer2018.Yogi": "yogi.paper",
    "loshchilov2019.SGDW(alpha=0.1, lambda=0.01)": "tfa.SGDW(weight_decay=0.01, learning_rate=0.1, momentum=0.9)",
    "loshchilov2019.AdamW": "adamw.paper",
    "zhuang2020.AdaBelief": "optax.adabelief(learning_rate=0.001, eps=1e-8, eps_root=1e-8)",
    "you2020.LAMB": "optax.lamb(learning_rate=0.001, weight_decay=0.01)",
    "chen2023.Lion": "lion_pytorch.Lion",
    "pascanu2013.clipped_gd": "clipped_gd.by_norm",
}
"""Rules of papers and lectures that are rules of families or libraries as well."""


@pytest.mark.parametrize("rule", SAME)
def test_the_same_rule_under_another_name(rule: str) -> None:
    """On gradients none of which is 0, where no eps makes 0/0."""
    gradients = np.array(MORE["gradients"]) + 0.01
    found, wanted = (
        netc.update_rule(text).trajectory(MORE["initial_point"], gradients, tensors=MORE["tensors"])
        for text in (rule, SAME[rule])
    )
    assert np.isfinite(wanted).all()
    assert close(found, wanted)
