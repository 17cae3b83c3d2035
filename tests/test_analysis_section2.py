"""The four momentum forms: what is equal, with which numbers, and what breaks it (dialects, section 2).

eta1 = eta4/(1 - b), eta2 = eta4, eta3 = sqrt(eta4); v1 = (1 - b)*v4, v2 = -eta*v4, v3 = eta3*v4.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import pytest

import netc
from netc.compiler.proofs.induction import Unproved
from netc.compiler.proofs.prove import prove
from netc.compiler.rules.mapping import parts
from netc.compiler.rules.rule_text import read_rule
from netc.compiler.rules.sides import apart, side
from netc.dsl import library

BUFFER = {
    "V1": "v[n+1]     = b*v[n] + (1 - b)*({g})",
    "V2": "v[n+1]     = b*v[n] - eta*({g})",
    "V3": "v[n+1]     = b*v[n] + eta*({g})",
    "V4": "v[n+1]     = b*v[n] + {g}",
}
FORMS = list(BUFFER)
RATE = {"V1": "eta/(1 - b)", "V2": "eta", "V3": "sqrt(eta)"}
"""Of each form for that of V4."""
SCHEDULE = "a schedule of the rate"


def rule(
    form: str,
    g: str = "g",
    extra: str = "",
    step: str = "",
    parameters: str = "",
    lines: tuple[str, ...] = (),
) -> str:
    """One of the forms; `{v}` in the step is what theta moves by, `lines` come before."""
    moved = step or ("v[n+1]" if form == "V2" else "eta*v[n+1]")
    sign = "+" if form == "V2" else "-"
    body = ["g          = grad R(theta[n])", *lines, BUFFER[form].format(g=g)]
    body += [f"theta[n+1] = theta[n] {sign} {moved}{extra}"]
    head = f"optimizer {form.lower()}(eta = 0.02, b = 0.9{parameters}):\n"
    return head + "".join(f"    {line}\n" for line in body)


def proved(verdict: netc.Verdict) -> bool:
    """With the numbers as they are, or with those of the mapping."""
    return verdict.how == "proved" or "With other numbers they are the same rule: proved" in " ".join(
        verdict.text.split()
    )


def broken(verdict: netc.Verdict, what: str) -> bool:
    return any(words.startswith(what) for words in verdict.breaks_under)


@pytest.mark.parametrize("form", FORMS[:3])
def test_constant_numbers(form: str) -> None:
    verdict = netc.equivalent(rule("V4"), rule(form))
    assert verdict.how == ("proved" if form == "V2" else "refuted")  # with the same numbers
    assert verdict.mapping == {"eta": RATE[form], "b": "b"}
    assert proved(verdict)
    assert ("a constant rate" in verdict.text) is (form != "V1")
    assert broken(verdict, SCHEDULE) is (form != "V1")
    assert broken(verdict, "a change of b") is (form == "V1")
    assert broken(verdict, "decoupled weight decay") is (form != "V2")


@pytest.mark.parametrize("form", FORMS[:3])
def test_coupled_decay_keeps_its_lambda(form: str) -> None:
    decayed = {"g": "g + lambda*theta[n]", "parameters": ", lambda = 0.01"}
    verdict = netc.equivalent(rule("V4", **decayed), rule(form, **decayed))  # type: ignore[arg-type]
    assert verdict.mapping == {"eta": RATE[form], "b": "b", "lambda": "lambda"}
    assert proved(verdict)


@pytest.mark.parametrize(
    ("form", "cure"), [("V1", "lambda*(1 - b)"), ("V2", "lambda"), ("V3", "lambda*sqrt(eta)")]
)
def test_decoupled_decay_needs_another_lambda(form: str, cure: str) -> None:
    decayed = {"extra": " - eta*lambda*theta[n]", "parameters": ", lambda = 0.01"}
    verdict = netc.equivalent(rule("V4", **decayed), rule(form, **decayed))
    assert verdict.mapping == {"eta": RATE[form], "b": "b", "lambda": cure}
    assert proved(verdict)
    assert verdict.same is (form == "V2")


@pytest.mark.parametrize("form", FORMS[:3])
def test_decay_without_the_rate_keeps_its_lambda(form: str) -> None:
    decayed = {"extra": " - lambda*theta[n]", "parameters": ", lambda = 0.01"}
    verdict = netc.equivalent(rule("V4", **decayed), rule(form, **decayed))
    assert verdict.mapping == {"eta": RATE[form], "b": "b", "lambda": "lambda"}
    assert proved(verdict)


CLIPPED = "min(max({x}, -c), c)"


@pytest.mark.parametrize("form", FORMS[:3])
def test_a_clipped_gradient_keeps_its_threshold(form: str) -> None:
    clipped = {"g": CLIPPED.format(x="g"), "parameters": ", c = 0.5"}
    verdict = netc.equivalent(rule("V4", **clipped), rule(form, **clipped))
    assert verdict.mapping == {"eta": RATE[form], "b": "b", "c": "c"}
    assert proved(verdict)


@pytest.mark.parametrize(("form", "threshold"), [("V1", "c*(1 - b)"), ("V2", "c*eta"), ("V3", "c*sqrt(eta)")])
def test_the_threshold_of_a_clipped_velocity_scales_like_the_velocity(form: str, threshold: str) -> None:
    clipped = CLIPPED.format(x="v[n+1]")
    step = {form: clipped if form == "V2" else f"eta*{clipped}" for form in FORMS}
    first = rule("V4", step=step["V4"], parameters=", c = 0.5")
    verdict = netc.equivalent(first, rule(form, step=step[form], parameters=", c = 0.5"))
    assert verdict.mapping == {"eta": RATE[form], "b": "b", "c": threshold}
    assert proved(verdict)


def test_momentum_correction() -> None:
    """v *= eta_t/eta_(t-1) makes the velocity survive a schedule."""
    corrected = """optimizer corrected(eta = 0.02, b = 0.9):
    last[0]    = eta
    v[n+1]     = b*v[n]*eta/last[n] - eta*grad R(theta[n])
    last[n+1]  = eta
    theta[n+1] = theta[n] + v[n+1]
"""
    verdict = netc.equivalent(rule("V4"), corrected)
    assert verdict.how == "proved"
    assert not broken(verdict, SCHEDULE)
    assert "a schedule of the rate" in verdict.text


def test_the_first_step_of_torch() -> None:
    """dampening = b is V1 but for its first buffer: b*g_1 too much, eta*b*g_1/(1 - b) in the end."""
    verdict = netc.equivalent(
        "torch.SGD(lr=0.1, momentum=0.9, dampening=0.9)",
        "mlx.SGD(learning_rate=0.1, momentum=0.9, dampening=0.9)",
    )
    assert not verdict.same
    (reason,) = (r for r in verdict.reasons if "first gradient" in r)
    assert "theta stays apart by 0.9 times the first gradient" in reason
    assert netc.equivalent("mlx.SGD(learning_rate=0.1, momentum=0.9, dampening=0.9)", rule("V1")).mapping


def test_debiasing() -> None:
    debiased = rule("V1", step="eta*v[n+1]/(1 - b^(n+1))")
    verdict = netc.equivalent(debiased, rule("V1"))
    assert not verdict.same
    assert any("fades" in reason for reason in verdict.reasons)
    raw = rule("V4", step="eta*v[n+1]*(1 - b)/(1 - b^(n+1))")
    assert netc.equivalent(debiased, raw).how == "proved"


LOOKAHEAD = """optimizer lookahead(eta = 0.02, b = 0.9):
    v[n+1]     = b*v[n] - eta*grad R(theta[n] + b*v[n])
    theta[n+1] = theta[n] + v[n+1]
"""
KERAS, TORCH = (
    "keras.SGD(learning_rate=0.02, momentum=0.9, nesterov=True)",
    "torch.SGD(lr=0.02, momentum=0.9, nesterov=True)",
)


@pytest.mark.parametrize(("library", "schedule"), [(KERAS, False), (TORCH, True)])
def test_libraries_return_the_point_ahead(library: str, schedule: bool) -> None:
    verdict = netc.equivalent(LOOKAHEAD, library)
    assert verdict.how == "proved"
    assert broken(verdict, "a look at theta itself")
    assert broken(verdict, SCHEDULE) is schedule


def test_the_averaged_form_of_nesterov() -> None:
    averaged = rule("V1", step="eta*(b*v[n+1] + (1 - b)*g)")
    verdict = netc.equivalent(averaged, TORCH.split("(")[0])
    assert verdict.mapping["lr"] == "eta*(1 - b)"
    assert proved(verdict)
    assert not netc.equivalent(LOOKAHEAD, "chainer.NesterovAG(lr=0.02, momentum=0.9)").same


def test_rmsprop_with_momentum() -> None:
    """The rate outside (torch) and inside (Keras) of the buffer: equal for a constant rate and one place of eps."""
    inside = "rmsprop.momentum(eta=0.01, rho=0.99, alpha=0.9, eps=1e-8)"
    verdict = netc.equivalent("torch.RMSprop(lr=0.01, momentum=0.9)", inside)
    assert verdict.how == "proved"
    assert broken(verdict, SCHEDULE)
    keras = netc.equivalent("torch.RMSprop(lr=0.01, momentum=0.9)", "keras.RMSprop")
    assert not keras.same
    assert any(r.startswith("with a vanishing epsilon") for r in keras.reasons)


def test_epsilon_is_rescaled_with_the_squares() -> None:
    average = "optimizer a(eta = 0.01, rho = 0.9, eps = 1e-8):\n    g          = grad R\n"
    average += (
        "    s[n+1]     = rho*s[n] + (1 - rho)*g^2\n    theta[n+1] = theta[n] - eta*g/(sqrt(s[n+1]) + eps)\n"
    )
    verdict = netc.equivalent(average, average.replace("(1 - rho)*g^2", "g^2"))
    assert verdict.mapping == {"eta": "eta/sqrt(1 - rho)", "rho": "rho", "eps": "eps/sqrt(1 - rho)"}
    assert proved(verdict)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("torch.Adam(lr=0.001)", "optax.adam(0.001)"),
        ("torch.Adam(lr=0.001)", "jax.adam(step_size=0.001)"),
        ("keras.Adam(epsilon=1e-8)", "tf1.AdamOptimizer(epsilon=1e-8)"),
        ("keras.Adam(epsilon=1e-8)", "sklearn.AdamOptimizer"),
        ("adam.talk", "adam.eps_inside"),
        ("torch.AdamW(lr=0.001)", "optax.adamw(0.001, weight_decay=0.01)"),
        ("torch.Adamax(lr=0.002)", "optax.adamax(0.002)"),
        ("keras.Lion(learning_rate=0.001)", "optax.lion(0.001, weight_decay=0)"),
    ],
)
def test_proved_by_normal_forms(a: str, b: str) -> None:
    verdict = netc.equivalent(a, b)
    assert verdict.same
    assert verdict.how == "proved"
    assert not broken(verdict, SCHEDULE)


def test_adding_a_start_is_another_rule() -> None:
    verdict = netc.equivalent("keras.Adagrad(initial_accumulator_value=0)", "keras.Adagrad")
    assert verdict.mapping == {} or verdict.mapping["initial_accumulator_value"] == "0"
    other = netc.equivalent("rmsprop.eps_inside(eps=1e-10)", "tf1.RMSPropOptimizer(0.001)")
    assert not other.same
    assert any(r.startswith("with states that start at 0") for r in other.reasons)


@pytest.mark.sweep
def test_what_is_proved_is_never_refuted() -> None:
    """Every pair of rules called Adam something, with the same numbers: a proof never meets a counterexample."""
    same = {"rate": 0.01, "epsilon": 1e-3, "decay": 0.0}
    names = [n for n in library.names("optimizer") if "adam" in n.lower() and "." in n]
    rules = [side(read_rule(n)) for n in names if n.split(".")[0] != "radam"]
    rules = [
        replace(r, values={n: same.get(p, r.values[n]) for n, p in parts(r.values).items()}) for r in rules
    ]
    proofs = 0
    for a, b in list(combinations(rules, 2))[::5]:
        with suppress(Unproved):
            prove(a.rule, b.rule, a.numbers, b.numbers)
            proofs += 1
            found = apart(a, b, a.values, b.values, 7)
            assert found is not None
            assert found.thetas.max() < 1e-10, (a.text.name, b.text.name)
    assert 5 < proofs < 60
