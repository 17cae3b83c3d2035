"""LaTeX of equations: what a mathematician would type."""

from __future__ import annotations

import pytest

from netc.compiler.rules.latex import latex_rule
from netc.dsl import ast, library
from netc.dsl.parser import parse_optimizer


@pytest.mark.parametrize(
    ("line", "latex"),
    [
        (
            "theta[n+1] = theta[n] - eta*grad R(theta[n])",
            r"\theta_{n+1} = \theta_n - \eta\, \nabla R(\theta_n)",
        ),
        ("v[n+1] = (1 - beta1)*v[n]", r"v_{n+1} = (1 - \beta_1)\, v_n"),
        ("v_hat = v[n+1]/(1 - beta1^(n+1))", r"\hat{v} = \frac{v_{n+1}}{1 - \beta_1^{n+1}}"),
        ("theta[n+1/2] = 2*3*theta[n]", r"\theta_{n+1/2} = 2 \cdot 3\, \theta_n"),
        ("x = sqrt(s[n])^2", r"x = \sqrt{s_n}^2"),
        ("x = (a/b)*c", r"x = \frac{a}{b}\, c"),
        ("x = a*(b/c + d)", r"x = a\, \left(\frac{b}{c} + d\right)"),
        ("x = norm(g, per = layer)", r"x = \lVert g \rVert_{\text{layer}}"),
        ("x = mean(g, per = tensor)", r"x = \operatorname{mean}_{\text{tensor}}(g)"),
        ("x = weight_decay*g", r"x = \mathrm{weight\_decay}\, g"),
        ("h_max = alpha_min*h_max[n]", r"h_{\mathrm{max}} = \alpha_{\mathrm{min}}\, h_{\mathrm{max},n}"),
        ("x = 1e-8 + 2.5e-3", r"x = 10^{-8} + 2.5 \cdot 10^{-3}"),
        ("x = -(a + b)", r"x = -(a + b)"),
        ("x = a - (b - c)", r"x = a - (b - c)"),
        ("x = (-a)^2", r"x = (-a)^2"),
        (
            "x = a if y > 0 else b if y >= -1 else 0",
            r"x = \begin{cases} a & \text{if } y > 0 \\ b & \text{if } y \ge -1 \\ 0 & \text{otherwise} \end{cases}",
        ),
    ],
)
def test_equations(line: str, latex: str) -> None:
    rule = parse_optimizer(f"optimizer r(eta = 1):\n    {line}\n")
    head, equation, end = latex_rule(rule.body).splitlines()
    assert (head, end) == (r"\begin{aligned}", r"\end{aligned}")
    assert equation == "  " + latex.replace(" = ", " &= ", 1)


def test_loops_are_words() -> None:
    rule = parse_optimizer(
        "optimizer r(eta = 1):\n    repeat at most 9:\n        eta = eta/2\n        until eta < 1\n"
    )
    assert latex_rule(rule.body).splitlines()[1:-1] == [
        r"  &\text{repeat at most } 9 \text{ times:} \\",
        r"  \quad \eta &= \frac{\eta}{2} \\",
        r"  \quad &\text{until } \eta < 1",
    ]


def test_what_stands_in_a_branch_is_indented() -> None:
    rule = parse_optimizer(
        "optimizer r(eta = 1):\n    for i in 1..3:\n"
        "        if eta < 1:\n            x = 1\n        else:\n            x = 2\n"
    )
    assert latex_rule(rule.body).splitlines()[2:-1] == [
        r"  \quad &\text{if } \eta < 1\text{:} \\",
        r"  \quad \quad x &= 1 \\",
        r"  \quad &\text{else:} \\",
        r"  \quad \quad x &= 2",
    ]


@pytest.mark.parametrize("name", library.names("optimizer"))
def test_the_library_is_well_formed(name: str) -> None:
    rule = library.lookup("optimizer", name)
    assert isinstance(rule, ast.Optimizer)
    text = latex_rule(rule.body)
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    assert text.count("&=") >= sum(isinstance(a, ast.Equation) for a in rule.body)
