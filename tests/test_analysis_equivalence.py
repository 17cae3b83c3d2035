"""Which update rules are the same, and what breaks that: section 2 of the dialects' table, and worse."""

from __future__ import annotations

import re

import numpy as np
import pytest

import netc
from netc.compiler.calculus.given_gradients import Given, trajectory
from netc.compiler.calculus.written import exact
from netc.compiler.proofs.linear import NotLinear, reach
from netc.compiler.proofs.parameters import Parameters
from netc.compiler.proofs.ranges import Number
from netc.compiler.rules.rule_text import read_rule
from netc.compiler.rules.sides import sides

EMA, SUM, VELOCITY, TWICE = (f"momentum.{n}" for n in ("ema", "heavy_ball", "velocity", "double_rate"))
SCHEDULE, DECAY = "a schedule of the rate", "decoupled weight decay"

TORCH = """optimizer torch_sgd(lr = 0.01, momentum = 0.9, dampening = {dampening}):
    g          = grad R(theta[n])
    v[n+1]     = momentum*v[n] + (1 - dampening)*g if n > 0 else g
    theta[n+1] = theta[n] - lr*v[n+1]
"""
DEBIASED = """optimizer debiased(eta = 0.01, beta = 0.9):
    v[n+1]     = beta*v[n] + (1 - beta)*grad R(theta[n])
    theta[n+1] = theta[n] - eta*v[n+1]/(1 - beta^(n+1))
"""
KERAS_NESTEROV = """optimizer keras_nesterov(eta = 0.01, alpha = 0.9):
    g          = grad R(theta[n])
    v[n+1]     = alpha*v[n] - eta*g
    theta[n+1] = theta[n] + alpha*v[n+1] - eta*g
"""
CHAINER_NESTEROV = """optimizer chainer_nesterov(eta = 0.01, alpha = 0.9):
    g          = grad R(theta[n])
    v[n+1]     = alpha*v[n] - eta*g
    theta[n+1] = theta[n] + alpha^2*v[n+1] - (1 + alpha)*eta*g
"""
DECAYED = """optimizer {name}(eta = 0.1, {memory}, lambda = 0.01):
    v[n+1]     = {velocity}
    theta[n+1] = theta[n] - eta*v[n+1] - eta*lambda*theta[n]
"""
DECAYED_SUM = DECAYED.format(name="sums", memory="alpha = 0.9", velocity="alpha*v[n] + grad R(theta[n])")
DECAYED_EMA = DECAYED.format(
    name="means", memory="alpha = 0.9", velocity="alpha*v[n] + (1 - alpha)*grad R(theta[n])"
)


def breaks(verdict: netc.Verdict, what: str) -> bool:
    return any(words.startswith(what) for words in verdict.breaks_under)


@pytest.mark.parametrize(
    ("a", "b", "mapping", "schedule", "memory", "decay"),
    [
        (EMA, SUM, {"eta": "eta*beta1", "alpha": "1 - beta1"}, False, True, True),
        (SUM, EMA, {"eta": "eta/(1 - alpha)", "beta1": "1 - alpha"}, False, True, True),
        (SUM, VELOCITY, {"eta": "eta", "alpha": "alpha"}, True, False, False),
        (SUM, TWICE, {"eta": "sqrt(eta)", "beta1": "1 - alpha"}, True, False, True),
        (TWICE, EMA, {"eta": "eta^2/beta1", "beta1": "beta1"}, True, True, True),
        (EMA, TWICE, {"eta": "sqrt(eta*beta1)", "beta1": "beta1"}, True, True, True),
    ],
)
def test_the_four_forms_of_momentum(
    a: str, b: str, mapping: dict[str, str], schedule: bool, memory: bool, decay: bool
) -> None:
    verdict = netc.equivalent(a, b)
    assert verdict.same
    assert verdict.how == "proved"
    assert verdict.mapping == mapping
    assert breaks(verdict, SCHEDULE) is schedule
    assert breaks(verdict, "a change of") is memory
    assert breaks(verdict, DECAY) is decay


@pytest.mark.parametrize(("a", "b"), [(EMA, SUM), (SUM, VELOCITY), (SUM, TWICE), (EMA, TWICE)])
def test_the_interpreter_agrees_with_the_mapping(a: str, b: str) -> None:
    """The mapping, put into numbers, against iterates computed by another part of the compiler."""
    draw = np.random.default_rng(4)
    theta, gradients = draw.normal(size=6), draw.normal(size=(50, 6))
    verdict = netc.equivalent(f"{a}(eta = 0.02)", b)
    first = trajectory(read_rule(f"{a}(eta = 0.02)").rule, theta, Given(gradients))[0]
    numbers = ", ".join(f"{n} = {v!r}" for n, v in verdict.numbers.items())
    second = trajectory(read_rule(f"{b}({numbers})").rule, theta, Given(gradients))[0]
    np.testing.assert_allclose(first, second, atol=1e-12)
    factors = np.where(np.arange(50) < 20, 1, 0.1)
    varied = [
        trajectory(read_rule(text).rule, theta, Given(gradients, {"eta": eta * factors}))[0]
        for text, eta in ((f"{a}(eta = 0.02)", 0.02), (f"{b}({numbers})", verdict.numbers["eta"]))
    ]
    assert bool(np.abs(varied[0] - varied[1]).max() > 1e-3) is breaks(verdict, SCHEDULE)


def test_numbers_that_do_not_fit_make_another_rule() -> None:
    verdict = netc.equivalent("momentum.ema(eta=0.1, beta1=0.1)", "momentum.heavy_ball(eta=0.1, alpha=0.9)")
    assert not verdict.same
    assert verdict.how == "refuted"
    assert verdict.first_difference == 1
    assert verdict.numbers == pytest.approx({"eta": 0.01, "alpha": 0.9})
    assert netc.equivalent("momentum.ema(eta=0.1, beta1=0.1)", "momentum.heavy_ball(eta=0.01)").same


def test_dampening_is_no_average() -> None:
    """torch's first buffer is the raw gradient: what is left of it never goes away (issue pytorch#152833)."""
    torch = TORCH.format(dampening=0.9)
    verdict = netc.equivalent(torch, EMA)
    assert not verdict.same
    assert "the first gradient" in "".join(verdict.reasons)
    assert netc.equivalent(TORCH.format(dampening=0), SUM).how == "proved"


def test_debiasing_is_another_rule() -> None:
    verdict = netc.equivalent(DEBIASED, EMA)
    assert not verdict.same
    assert any("fades" in reason for reason in verdict.reasons)


def test_nesterov_is_shifted() -> None:
    verdict = netc.equivalent("nesterov.lookahead", KERAS_NESTEROV)
    assert verdict.same
    assert verdict.how == "proved"
    assert not breaks(verdict, SCHEDULE)  # both carry the rate in v: it is the Keras rule, schedule or not
    assert breaks(verdict, "a look at theta itself")
    shifted = netc.equivalent("nesterov.lookahead", "nesterov.shifted")
    assert shifted.same
    assert breaks(shifted, SCHEDULE)
    plain = netc.equivalent("nesterov.shifted", KERAS_NESTEROV)
    assert not breaks(plain, "a look at theta itself")
    assert not netc.equivalent("nesterov.lookahead", CHAINER_NESTEROV).same


def test_decoupled_decay_needs_another_lambda() -> None:
    verdict = netc.equivalent(DECAYED_SUM, DECAYED_EMA)
    assert not verdict.same  # with the same numbers
    assert verdict.mapping == {"eta": "eta/(1 - alpha)", "alpha": "alpha", "lambda": "lambda*(1 - alpha)"}


def test_coupled_and_decoupled_decay() -> None:
    coupled = (
        "optimizer c(eta = 0.1, lambda = 0.1):\n    theta[n+1] = theta[n] - eta*(grad R + lambda*theta[n])\n"
    )
    apart = "optimizer d(eta = 0.1, lambda = 0.1):\n    theta[n+1] = (1 - eta*lambda)*theta[n] - eta*grad R\n"
    assert netc.equivalent(coupled, apart).how == "proved"  # L2 == decoupled for plain descent only
    momentum = DECAYED_SUM.replace(" - eta*lambda*theta[n]", "").replace(
        "grad R(theta[n])", "grad R + lambda*theta[n]"
    )
    verdict = netc.equivalent(momentum, DECAYED_SUM)
    assert not verdict.same
    assert "without weight decay" in verdict.reasons


def test_the_place_of_epsilon() -> None:
    verdict = netc.equivalent("rmsprop.eps_outside(rho = 0.9)", "rmsprop.eps_inside(eta = 0.01)")
    assert not verdict.same
    assert verdict.reasons == ("with a vanishing epsilon",)
    hat = netc.equivalent("adam.paper(eta=0.001)", "adam.eps_hat(eta=0.001)")
    assert not hat.same
    assert hat.first_difference == 1
    assert "with a vanishing epsilon" in hat.reasons


def test_the_talk_weighs_the_new_gradient() -> None:
    verdict = netc.equivalent("adam.talk", "adam.eps_inside")
    assert verdict.same
    assert verdict.how == "proved"
    assert verdict.mapping == {"eta": "eta", "beta1": "1 - beta1", "beta2": "1 - beta2", "eps": "eps"}


def test_no_bias_correction() -> None:
    verdict = netc.equivalent("adam.no_bias_correction", "adam.talk")
    assert not verdict.same
    assert any("fades" in reason for reason in verdict.reasons)


def test_the_start_of_an_accumulator() -> None:
    other = netc.equivalent("adagrad.eps_inside(s0 = 0.1)", "adagrad.eps_inside(s0 = 0)")
    assert not other.same
    assert other.mapping["s0"] == "s0"
    rule = """optimizer a(eta = 0.01):
    s[0]       = {start}
    s[n+1]     = s[n] + grad R^2
    theta[n+1] = theta[n] - eta*grad R/sqrt(s[n+1] + 1e-7)
"""
    verdict = netc.equivalent(rule.format(start=0.1), rule.format(start=1))
    assert not verdict.same
    assert verdict.reasons == ("with states that start at 0",)


def test_searches_are_not_said_to_be_the_same_where_they_stand_still() -> None:
    """Their `lambda > 0` is no weight decay, and from a step of 0 nothing moves."""
    verdict = netc.equivalent("turpault.LC", "turpault.LCD")
    assert not verdict.same
    assert verdict.reasons == ()


AHEAD = """optimizer ahead(eta = 0.1):
    g          = grad R(theta[n] + 0.9*v[n])
    v[n+1]     = 0.9*v[n] - {step}*g
    theta[n+1] = theta[n] + v[n+1]
"""
SHIFTED = """optimizer shifted(eta = 0.1):
    g          = grad R(theta[n])
    v[n+1]     = 0.9*v[n] - eta*g
    theta[n+1] = theta[n] + 0.9*v[n+1] - eta*g
"""


@pytest.mark.parametrize(
    ("step", "how"), [("eta", "proved"), ("(2*eta if 0.5^n < 1e-30 else eta)", "not distinguished")]
)
@pytest.mark.parametrize("order", [1, -1])
def test_whose_theta_is_the_point_of_the_other(step: str, how: str, order: int) -> None:
    verdict = netc.equivalent(*[AHEAD.format(step=step), SHIFTED][::order])
    assert verdict.how == how
    words = " ".join(verdict.text.split())
    assert "that of shifted is the point where ahead takes its gradient" in words


EXTRAGRADIENT = """optimizer {name}(eta = 0.1):
    z[0]       = theta[0]
    half       = z[n] - eta*grad R(z[n])
    z[n+1]     = z[n] - eta*grad R(half)
    theta[n+1] = {theta}
"""


@pytest.mark.parametrize("order", [1, -1])
def test_of_rules_that_ask_twice_no_theta_is_said_to_be_a_point_of_the_other(order: int) -> None:
    pair = [("one", "z[n+1]"), ("mean", "z[n]/2 + z[n+1]/2")][::order]
    verdict = netc.equivalent(*[EXTRAGRADIENT.format(name=name, theta=theta) for name, theta in pair])
    assert verdict.how == "proved"
    assert verdict.breaks_under == ("a look at theta itself: only the points of the gradients are the same",)


def test_with_other_numbers_rules_may_be_the_same_though_that_is_not_proved() -> None:
    late = "optimizer late(eta = 0.1):\n    theta[n+1] = theta[n] - (2*eta if 0.5^n < 1e-30 else eta)*grad R(theta[n])\n"
    verdict = netc.equivalent(late, "gd(eta = 0.2)")
    assert (verdict.how, verdict.mapping, verdict.numbers) == ("refuted", {"eta": "eta"}, {"eta": 0.1})
    assert "With other numbers they are not distinguished" in " ".join(verdict.text.split())


FROM_6 = """optimizer from6(eta = 0.1):
    g = grad R(theta[n])
    if n > 5:
        h          = grad R(theta[n] - eta*g)
        theta[n+1] = theta[n] - eta*h
    else:
        theta[n+1] = theta[n] - eta*g
"""
FROM_3 = """optimizer from3(eta = 0.1):
    if n < 3:
        theta[n+1] = theta[n]
    else:
        g          = grad R(theta[n])
        theta[n+1] = theta[n] - eta*g
"""
STILL = "optimizer still(eta = 0.1):\n    theta[n+1] = theta[n]\n"


@pytest.mark.parametrize(("a", "b", "n", "said"), [
    ("gd(eta = 0.1)", FROM_6, 6, "at n = 6 A evaluates 1 gradient, B 2 gradients"),
    (FROM_6, "gd(eta = 0.1)", 6, "at n = 6 A evaluates 2 gradients, B 1 gradient"),
    ("gd(eta = 0.1)", FROM_3, 0, "at n = 0 A evaluates 1 gradient, B nothing"),
    (STILL, FROM_3, 3, "at n = 3 A evaluates nothing, B 1 gradient"),
    (FROM_3, STILL, 3, "at n = 3 A evaluates 1 gradient, B nothing"),
])  # fmt: skip
def test_where_rules_first_ask_for_something_else(a: str, b: str, n: int, said: str) -> None:
    verdict = netc.equivalent(a, b)
    assert (verdict.how, verdict.first_difference) == ("refuted", n)
    assert said in verdict.text


@pytest.mark.parametrize(
    ("rule", "grows", "keeps_its_length", "goes_on", "heeds_others"),
    [
        ("gd", True, False, False, False),
        ("momentum.heavy_ball", True, False, True, False),
        ("turpault.LC_sign", False, True, False, False),
        ("rmsprop.eps_outside", False, True, False, False),
        ("optimizer unit(eta = 1):\n    g = grad R\n    theta[n+1] = theta[n] - eta*g/norm(g)", False, True, False, True),
        ("optimizer cube(eta = 1):\n    theta[n+1] = theta[n] - eta*(grad R)^3", False, False, False, False),
        ("optimizer late(eta = 1):\n    v[n+1] = grad R\n    theta[n+1] = theta[n] - eta*(grad R + v[n])",
         True, False, True, False),
    ],
)  # fmt: skip
def test_what_steps_hang_on(
    rule: str, grows: bool, keeps_its_length: bool, goes_on: bool, heeds_others: bool
) -> None:
    """On the size of the gradient or not; whether they go on under a gradient of 0; on those of other parameters."""
    assert sides(rule, rule)[0].character == (grows, keeps_its_length, goes_on, heeds_others)


def test_rules_that_ask_for_other_things() -> None:
    two = """optimizer two(eta = 0.1):
    theta[n+1/2] = theta[n] - eta*grad R(theta[n])
    theta[n+1]   = theta[n+1/2] - eta*grad R(theta[n+1/2])
"""
    verdict = netc.equivalent(two, "gd")
    assert not verdict.same
    assert "A evaluates 2 gradients, B 1 gradient" in verdict.text


def test_weights_and_biases_are_told_apart() -> None:
    both = (
        "optimizer a(eta = 0.1, lambda = 0.1):\n    theta[n+1] = theta[n] - eta*(grad R + lambda*theta[n])\n"
    )
    weights = both.replace("lambda*theta[n]", "lambda*weights*theta[n]")
    assert not netc.equivalent(both, weights).same


def test_a_small_difference_is_no_equality() -> None:
    assert not netc.equivalent("gd(eta = 0.1)", "gd(eta = 0.1000001)").same
    assert not netc.equivalent("adam.paper(eps = 1e-8)", "adam.paper(eps = 1.001e-8)").same
    assert not netc.equivalent("adam.paper(beta2 = 0.999)", "adam.paper(beta2 = 0.9990001)").same


def test_what_is_not_linear_is_not_taken_for_linear() -> None:
    for name in ("adam.paper", "clipped_gd.by_norm", "clipped_gd.by_value", "lion.paper"):
        side, _ = sides(name, "gd")
        with pytest.raises(NotLinear):
            reach(side.rule, side.rule, Parameters(side.numbers, side.numbers))


def test_a_proof_needs_all_that_can_be_reached() -> None:
    """A state that theta shows only after five steps is found."""
    delay = "optimizer late(eta = 0.1):\n    a[n+1] = grad R\n    b[n+1] = a[n]\n    c[n+1] = b[n]\n    d[n+1] = c[n]\n"
    one = read_rule(delay + "    theta[n+1] = theta[n] - eta*d[n]\n").rule
    other = read_rule(delay + "    theta[n+1] = theta[n] - eta*d[n]*1.001\n").rule
    eta = {"eta": Number(exact(0.1))}
    assert reach(one, one, Parameters(eta, eta)) is not None
    assert reach(one, other, Parameters(eta, eta)) is None


def test_the_text_is_for_a_slide() -> None:
    text = netc.equivalent("momentum.ema(eta = 0.1)", "momentum.heavy_ball(eta = 0.01)").text
    assert "are the same rule: proved" in text
    assert re.search(r"eta' += eta\*beta1 += 0\.01", text)
    assert max(map(len, text.splitlines())) <= 120


def test_rules_that_are_measured_elsewhere_are_not_the_same() -> None:
    """theta is the same for every sequence of gradients; what is reported and kept is not."""
    average = """optimizer averaged(eta = 0.1, rho = 0.99):
    theta[n+1] = theta[n] - eta*grad R(theta[n])
    avg[0]     = theta[0]
    avg[n+1]   = rho*avg[n] + (1 - rho)*theta[n+1]
"""
    assert netc.equivalent(average, "gd").same
    verdict = netc.equivalent(average + "    evaluate at avg[n]\n", "gd")
    assert not verdict.same
    assert "This is about theta alone" in verdict.text
