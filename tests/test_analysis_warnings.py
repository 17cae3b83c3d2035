"""What the analyser finds before anything runs: errors of sign and order, and warnings that stop nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netc.command_line import main
from netc.compiler.pipeline import to_spec, to_warnings
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source

FRAME = "objective R(x, y) = x^2 + 3*y^2\ninit theta = (2, -1)\ntrain steps = 3{train}\n"


def codes(rule: str, train: str = "") -> list[str]:
    program = parse(Source("<test>", FRAME.format(train=train) + rule))
    return [w.code for w in to_warnings(to_spec(program, None, Path()))]


def error(rule: str) -> str:
    with pytest.raises(SpecError) as raised:
        codes(rule)
    return str(raised.value)


def block(*lines: str, head: str = "mine(eta = 0.1, beta = 0.9)") -> str:
    return f"optimizer {head}:\n" + "".join(f"    {line}\n" for line in lines)


# -- 0/0 at n = 0 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        "v[n+1]/(1 - beta^n)",
        "v[n+1]*(1 - beta^n)^(-1)",
        "sqrt(1 - 0.999^n)/(1 - beta^n)*v[n+1]",
        "v[n+1]/n",
        "v[n+1]/sqrt(1 - beta^n)",
        "|v[n+1]|/(1 - (1 - beta)^n)",
        "v[n+1]/c",
        "(v[n+1]/(1 - beta^n) if n >= 0 else v[n+1])",
    ],
)
def test_adam_with_exponent_n(step: str) -> None:
    rule = block(
        "c          = 1 - beta^n", "v[n+1]     = beta*v[n] + grad R", f"theta[n+1] = theta[n] - eta*{step}"
    )
    assert "this is 0 at the first iteration" in error(rule)


@pytest.mark.parametrize(
    "step",
    [
        "v[n+1]/(1 - beta^(n+1))",
        "(v[n+1]/(1 - beta^n) if n > 0 else v[n+1])",
        "(1 + (v[n+1]/(1 - beta^n) if n > 0 else v[n+1]))",
        "where(n > 0, v[n+1]/(1 - beta^n), v[n+1])",
        "v[n+1]/max(n, 1)",
    ],
)
def test_what_is_guarded_is_right(step: str) -> None:
    assert codes(block("v[n+1]     = beta*v[n] + grad R", f"theta[n+1] = theta[n] - eta*{step}")) == []


# -- implicit equations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("(1 - beta)*v[n+1] + grad R(theta[n])", "v[n+1] = grad R(theta[n])/beta: no memory"),
        ("(1 - beta)*v[n+1] + grad R(theta[n])", "gradient descent with the rate eta/beta"),
        ("(1 - beta)*v[n+1] + beta*grad R(theta[n])", "gradient descent with the rate eta\n"),
        ("beta*v[n+1] + (1 - beta)*g", "gradient descent with the rate eta\n"),
        ("beta*v[n+1] + v[n]", "v[n+1] = v[n]/(1 - beta)\n"),
        ("v[n+1]^2 + g", "v[n+1] is the solution of this equation"),
    ],
)
def test_an_implicit_equation_read_literally(value: str, literal: str) -> None:
    said = error(block("g          = grad R", f"v[n+1]     = {value}", "theta[n+1] = theta[n] - eta*v[n+1]"))
    assert literal in said
    assert "write v[n], the value from the iteration before" in said


# -- Armijo's sign -----------------------------------------------------------------------------------

SEARCH = """optimizer armijo(eta = 1, c = 0.5):
    g = grad R(theta[n])
    h = eta
    repeat at most 20:
        {trial}
        until {test}
        h = h/2
    theta[n+1] = {step}
"""


@pytest.mark.parametrize(
    ("trial", "test", "step", "wrong"),
    [
        ("p = theta[n] + h*g", "R(p) <= R(theta[n]) - c*h*norm(g)^2", "theta[n] - h*g", True),
        ("p = theta[n] - h*g", "R(p) <= R(theta[n]) - c*h*norm(g)^2", "theta[n] - h*g", False),
        ("p = theta[n] - h*g", "R(p) <= R(theta[n]) - c*h*norm(g)^2", "p", False),
        ("r = R(theta[n] - (-h)*g)", "r <= R(theta[n])", "theta[n] - h*g", True),
        ("d = -g", "R(theta[n] - h*d) <= R(theta[n])", "theta[n] + h*d", True),
        ("d = -g", "R(theta[n] + h*d) <= R(theta[n])", "theta[n] + h*d", False),
        ("d = g/norm(g)", "R(theta[n] + h*d) < R(theta[n] - h*d)", "theta[n] - h*d", False),
    ],
)
def test_a_loss_tried_uphill(trial: str, test: str, step: str, wrong: bool) -> None:
    rule = SEARCH.format(trial=trial, test=test, step=step)
    if wrong:
        assert "the loss is tried uphill" in error(rule)
    else:
        assert "E0421" not in codes(rule)


# -- warnings ----------------------------------------------------------------------------------------

TWICE = ("v[n+1]     = (1 - beta)*v[n] + eta*grad R", "theta[n+1] = theta[n] - eta*v[n+1]")
INSIDE = ("v[n+1]     = beta*v[n] - eta*grad R", "theta[n+1] = theta[n] + v[n+1]")
SCHEDULE = "schedule eta = 0.1 until 2, 0.01\n"


def test_a_rule_with_a_source_is_meant() -> None:
    assert codes(block(*TWICE)) == ["E0423"]
    assert codes(block('source     = "a slide"', *TWICE)) == []
    assert codes("optimizer momentum.double_rate(eta = 0.1)") == []


def test_a_scheduled_rate_in_a_state() -> None:
    assert codes(block(*INSIDE)) == []
    assert codes(SCHEDULE + block(*INSIDE)) == ["E0424"]
    assert codes("schedule eta = 0.1\n" + block(*INSIDE)) == []
    assert codes(SCHEDULE + "optimizer momentum.velocity(alpha = 0.9)") == ["E0424"]
    assert codes(SCHEDULE + "optimizer momentum.heavy_ball(alpha = 0.9)") == []
    keras = SCHEDULE.replace("eta", "learning_rate") + "optimizer keras.SGD(momentum = 0.9)"
    assert codes(keras) == []  # who names Keras wants what Keras does


def test_states_that_nothing_reads() -> None:
    step = "theta[n+1] = theta[n] - eta*grad R"
    assert codes(block("v[n+1]     = beta*v[n] + grad R", step)) == ["E0422"]
    assert codes(block("v[n+1]     = beta*v[n] + grad R", step, "evaluate at v[n]")) == []
    assert codes(block("v[n+1]     = beta*v[n] + grad R", "w          = norm(v[n+1])", step)) == ["E0422"] * 2
    assert codes(block("v[n+1]     = beta*v[n] + grad R", "theta[n+1] = theta[n] - eta*v[n]")) == []


RMS = ("g          = grad R", "s[n+1]     = beta*s[n] + (1 - beta)*g^2")


@pytest.mark.parametrize(
    ("eps", "below", "precision", "wrong"),
    [
        ("1e-8", "sqrt(s[n+1]) + eps", "f32", False),
        ("1e-8", "sqrt(s[n+1] + eps)", "f32", False),
        ("1e-30", "sqrt(s[n+1]) + eps", "f32", True),
        ("1e-30", "sqrt(s[n+1]) + eps", "f64", False),
        ("1e-50", "sqrt(s[n+1]) + eps", "f32", True),
        ("1e-24", "sqrt(s[n+1] + eps^2)", "f32", True),
        ("0.01", "sqrt(s[n+1]) + eps", "f64", True),
        ("0.001", "sqrt(s[n+1] + eps)", "f32", True),
    ],
)
def test_epsilons(eps: str, below: str, precision: str, wrong: bool) -> None:
    rule = block(
        *RMS, f"theta[n+1] = theta[n] - eta*g/({below})", head=f"mine(eta = 0.1, beta = 0.9, eps = {eps})"
    )
    assert codes(rule, f", precision = {precision}") == (["E0425"] if wrong else [])


def test_an_epsilon_that_the_file_gives_to_a_library_rule() -> None:
    assert codes("optimizer torch.Adam(lr = 0.001)", ", precision = f32") == []
    assert codes("optimizer torch.Adam(lr = 0.001, eps = 0.1)") == ["E0425"]


def test_the_loss_may_have_another_name() -> None:
    text = FRAME.replace("R(x", "f(x").format(train="") + block(*TWICE).replace("grad R", "grad f(theta[n])")
    assert [w.code for w in to_warnings(to_spec(parse(Source("<test>", text)), None, Path()))] == ["E0423"]


def test_warnings_go_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "twice.net"
    file.write_text(FRAME.format(train="") + block(*TWICE))
    for command in (["check", str(file)], ["explain", str(file)]):
        assert main(command) == 0
        said = capsys.readouterr()
        assert "warning[E0423]" in said.err
        assert "^^^" in said.err
        assert "E0423" not in said.out
    assert main(["run", str(file), "--json", "--out", str(tmp_path / "runs")]) == 0
    said = capsys.readouterr()
    assert "warning[E0423]" in said.err
    assert json.loads(said.out)["steps"] == 3


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("torch.SGD(0,1)", "numbers are written with a decimal point: 0.1"),
        ("torch.SGD(0,01)", "numbers are written with a decimal point: 0.01"),
        ("torch.SGD(0, 1)", ""),
        ("torch.SGD(lr = 0)", ""),
        ("torch.SGD(1,1)", ""),
        ("gd(0)", ""),
    ],
)
def test_a_decimal_comma_makes_a_rate_of_0(rule: str, hint: str) -> None:
    program = parse(Source("<test>", FRAME.format(train="") + f"optimizer {rule}\n"))
    found = [w for w in to_warnings(to_spec(program, None, Path())) if w.code == "E0427"]
    assert [w.hints for w in found] == ([(hint,)] if hint else [])


def test_a_rate_that_a_schedule_sets_is_not_0() -> None:
    assert "E0427" not in codes("optimizer torch.SGD(0,1)\nschedule lr = 0.1 until 2, 0.01\n")
