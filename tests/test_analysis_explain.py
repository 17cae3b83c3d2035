"""`netc explain`: what is said of a rule is what runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from netc.command_line import main
from netc.compiler.meaning.bind_arguments import is_flag
from netc.compiler.meaning.rule_equations import lines, with_numbers
from netc.compiler.rules.explain import evaluations, title
from netc.compiler.rules.rule_text import read_rule
from netc.dsl import ast, library
from netc.dsl.parser import parse_optimizer
from sweeps import one_in

BOSTON = str(Path(__file__).parent.parent / "examples/boston.net")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explain", *arguments]) == 0
    return capsys.readouterr().out


def test_equations_and_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "momentum.heavy_ball(eta=0.25)")
    assert "0.9*v[n] + " in text
    assert "0.25*v[n+1]" in text
    assert "1 number per parameter (v)" in text
    assert "0 losses, 1 gradient" in text


def test_schedules_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert "0.1 until epoch 75, 0.01 until epoch 125, then 0.001" in said(capsys, BOSTON)


def test_latex_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert r"\theta_{n+1} &= \theta_n - \eta\, v_{n+1}" in said(capsys, BOSTON, "--latex")


def test_a_family_is_shown_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "momentum")
    for name in ("momentum.ema", "momentum.heavy_ball", "momentum.velocity", "momentum.double_rate"):
        assert f"\n{name}(" in text
    assert "~" in text


def test_no_traceback_for_a_wrong_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "momentum.emma"]) == 1
    assert "E0102" in capsys.readouterr().err


def test_codes_still_have_their_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert "several update rules" in said(capsys, "e0103")


@pytest.mark.parametrize(
    ("equation", "shown"),
    [
        ("theta[n] - 1*grad R", "theta[n] - grad R"),
        ("theta[n] - eta*(grad R + lambda*theta[n])", "theta[n] - 0.5*grad R"),
        ("theta[n] - (1 - eta)*(grad R if lambda == 0 else 2*grad R)", "theta[n] - 0.5*grad R"),
        ("theta[n]*(1 - 0.9) - grad R^2", "theta[n]*0.1 - grad R^2"),
    ],
)
def test_what_is_switched_off_is_left_out(equation: str, shown: str) -> None:
    rule = parse_optimizer(f"optimizer r(eta = 0.5, lambda = 0):\n    theta[n+1] = {equation}\n")
    assert lines(with_numbers(rule.body, {"eta": 0.5, "lambda": 0.0})) == [f"theta[n+1] = {shown}"]


def test_a_search_costs_from_its_first_to_its_last_round() -> None:
    rule = read_rule(
        "optimizer r(eta = 1):\n    h[0] = eta\n    g = grad R\n    a = h[n]\n    repeat at most 9:\n"
        "        until R(theta[n] - a*g) <= R(theta[n])\n        a = a/2\n"
        "    h[n+1] = a\n    theta[n+1] = theta[n] - a*g\n"
    ).rule
    loss, gradient = evaluations(rule.body, "loss"), evaluations(rule.body, "gradient")
    assert (gradient.least, gradient.most) == (1, 1)
    assert (loss.least, loss.most) == (2, 10)  # R(theta[n]) once, and one in each round


@pytest.mark.parametrize("last", [0, 1, 3])
def test_a_loop_evaluates_in_every_round(last: int) -> None:
    loop = f"    p = theta[n]\n    for i in 1..{last}:\n        p = p - eta*grad R(p)\n        p = p - eta*grad R(p)\n"
    rule = read_rule(f"optimizer r(eta = 1):\n{loop}    theta[n+1] = p\n").rule
    found = evaluations(rule.body, "gradient")
    assert (found.least, found.most, found.per_batch) == (2 * last, 2 * last, 0)


def test_it_is_quick_because_nothing_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    import subprocess

    code = "import sys; from netc.command_line import main; main(['explain', 'momentum.ema']); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    ("rule", "words"),
    one_in(
        2,
        [
            ("torch.Adam", "torch.Adam(lr = 0.001, betas = (0.9, 0.999), eps = 1e-08)"),
            ("torch.Adam(betas = (0.5, 0.25))", "betas = (0.5, 0.25)"),
            ("torch.Rprop", "etas = (0.5, 1.2), step_sizes = (1e-06, 50)"),
            ("jax.adam", "torch.Adam(lr = step_size = 0.5, betas = (b1 = 0.9, b2 = 0.999)"),
        ],
    ),
)
def test_tuples_are_shown_as_their_library_has_them(
    rule: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, rule)
    assert words in text
    assert not re.search(r"\b(betas|etas|nus|step_sizes)_\d", text)


@pytest.mark.parametrize(
    "name", ["torch.Adam", "torch.SGD", "keras.Adam", "keras.RMSprop", "torch_optimizer.Yogi"]
)
def test_the_heading_is_the_rule(name: str) -> None:
    """With what was switched on: who types it gets the same rule."""
    definition = library.lookup("optimizer", name)
    assert isinstance(definition, ast.Optimizer)
    needed = [f"{p.name} = 0.1" for p in definition.parameters if p.default is None or p.name == "momentum"]
    for switched in [[], *([f"{p.name} = true"] for p in definition.parameters if is_flag(p))]:
        spec = read_rule(f"{name}({', '.join([*needed, *switched])})").spec
        heading = title(spec, unicode=False)
        assert all(word in heading for word in switched)
        assert read_rule(heading).spec.optimizer == spec.optimizer


def test_any_name_of_the_library_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("activation", "clip", "loss", "init", "search", "attack", "schedule"):
        for name in library.names(kind)[::7]:
            if name not in library.names("optimizer"):
                assert re.search(rf"^{kind} {re.escape(name)}\b", said(capsys, name), re.MULTILINE), name


@pytest.mark.parametrize(("then", "otherwise"), [(1, 0), (0, 1), (1, 2), (2, 1)])
def test_of_two_branches_the_dearer_is_counted(then: int, otherwise: int) -> None:
    """Evaluations of each batch, which an iteration has where its condition holds, or where it does not."""
    loop = "for i in 1..m:\n            L[i] = R[i](theta[n])"
    sums = {
        0: "s = 1",
        1: f"{loop}\n        s = sum(L)",
        2: f"{loop}\n            K[i] = R[i](theta[n] - 1)\n        s = sum(L) + sum(K)",
    }
    text = f"""optimizer r(eta = 0.1):
    if norm(theta[n]) > 1:
        {sums[then]}
    else:
        {sums[otherwise]}
    theta[n+1] = theta[n] - eta*s*grad R(theta[n])"""
    body = read_rule(text).rule.body
    assert evaluations(body, "loss").per_batch == max(then, otherwise)
    found = evaluations(body, "gradient")
    assert (found.least, found.most, found.per_batch) == (1, 1, 0)
