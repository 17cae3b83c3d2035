"""What single constructs are read as: the tree, the spans, and the spellings that are the same program."""

from __future__ import annotations

import numpy as np
import pytest

from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.meaning.resolve_values import FUNCTIONS, number
from netc.dsl import ast
from netc.dsl.diagnostics import SpecError
from netc.dsl.format import format_program, print_equation, print_expr
from netc.dsl.parser import parse, parse_expression, parse_optimizer
from netc.dsl.source import Source


def one(text: str) -> ast.Statement:
    (statement,) = parse(Source("t.net", text)).statements
    return statement


@pytest.mark.parametrize(
    ("unicode", "ascii"),
    [
        ("θ[n] - η·∇R(θ[n])", "theta[n] - eta*grad R(theta[n])"),
        ("β₁ + β1 + β_1", "beta1 + beta1 + beta_1"),
        ("x² + y³ + z¹⁰ + w⁻¹", "x^2 + y^3 + z^10 + w^-1"),
        ("‖u − y‖²", "norm(u - y)^2"),
        ("√x + √(x + 1) + √x[n]^2", "sqrt(x) + sqrt(x + 1) + sqrt(x[n])^2"),
        ("∑(x) + Σ(x)", "sum(x) + sum(x)"),
        ("½*x × 2×3", "0.5*x*2*3"),
        ("a ≤ b and c ≥ d and e ≠ f", "a <= b and c >= d and e != f"),
        ("1e−3..∞", "1e-3..inf"),
        ("||x||", "norm(x)"),
        ("γ*λ + ε/κ", "gamma*lambda + epsilon/kappa"),
    ],
)
def test_unicode_spells_the_same(unicode: str, ascii: str) -> None:
    assert parse_expression(unicode) == parse_expression(ascii)


def test_times_inside_a_shape() -> None:
    assert one("network [28×28×1 (conv 5×5) 4]") == one("network [28x28x1 (conv 5x5) 4]")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("-x^2", "-x^2"),
        ("(-x)^2", "(-x)^2"),
        ("a^b^c", "a^b^c"),
        ("(a^b)^c", "(a^b)^c"),
        ("a-(b-c)", "a - (b - c)"),
        ("(a-b)-c", "a - b - c"),
        ("a/(b*c)", "a/(b*c)"),
        ("(a/b)*c", "a/b*c"),
        ("a*(-b)", "a*-b"),
        ("(x if c else y)+1", "(x if c else y) + 1"),
        ("x if a else (y if b else z)", "x if a else y if b else z"),
        ("(x if a else y) if b else z", "(x if a else y) if b else z"),
        ("not (a and b)", "not (a and b)"),
        ("(a or b) and c", "(a or b) and c"),
        ("(a == b) == c", "(a == b) == c"),
        ("|(|x|)|", "| |x| |"),
        ("f(a, b = 1)[2].c", "f(a, b = 1)[2].c"),
        ("theta[n + (i - 1)/m]", "theta[n+(i-1)/m]"),
        ("(1,)", "(1,)"),
        ("grad R[i](p)*(x)", "grad R[i](p)*x"),
    ],
)
def test_parentheses_are_minimal(text: str, printed: str) -> None:
    assert print_expr(parse_expression(text)) == printed


def test_equation_is_printed_as_on_the_page() -> None:
    rule = parse_optimizer("optimizer gd(eta):\n theta[n + 1] = theta[n] - eta*grad R(theta[n])")
    (equation,) = rule.body
    assert isinstance(equation, ast.Equation)
    assert print_equation(equation) == "theta[n+1] = theta[n] - eta*grad R(theta[n])"
    assert print_equation(equation, unicode=True) == "θ[n+1] = θ[n] - η*∇R(θ[n])"


def test_precedence_is_that_of_the_page() -> None:
    x, two = ast.Name("x"), ast.Number(2.0)
    assert parse_expression("-x^2") == ast.Unary("-", ast.Binary("^", x, two))
    assert parse_expression("x-2-x") == ast.Binary("-", ast.Binary("-", x, two), x)
    assert parse_expression("x^2^x") == ast.Binary("^", x, ast.Binary("^", two, x))
    assert parse_expression("2*-x") == ast.Binary("*", two, ast.Unary("-", x))
    assert parse_expression("-x*2") == ast.Binary("*", ast.Unary("-", x), two)


def test_spans_point_into_the_text_as_typed() -> None:
    text = "# Größe\r\noptimizer ema(η = 0.1):\r\n\tθ[n+1] = θ[n] − η·∇R(θ[n])\r\n"
    rule = one(text)
    assert isinstance(rule, ast.Optimizer)
    (equation,) = rule.body
    assert isinstance(equation, ast.Equation)
    assert rule.parameters[0].span.text == "η = 0.1"
    assert equation.span.text == "θ[n+1] = θ[n] − η·∇R(θ[n])"
    assert equation.value.span.text == "θ[n] − η·∇R(θ[n])"
    assert isinstance(equation.value, ast.Binary)
    assert equation.value.right.span.text == "η·∇R(θ[n])"
    assert rule.span.text.startswith("optimizer")
    assert rule.span.text.endswith("(θ[n])")


def test_every_child_lies_inside_its_parent() -> None:
    text = "loss R(a = 1) = (sum((u - y)^2) if a > 0 else {1, 2}), reduce = sum\n"
    statement = one(text)
    assert isinstance(statement, ast.Loss)
    inner = [statement.value, *statement.settings, *statement.parameters]
    for node in inner:
        assert node is not None
        assert statement.span.start <= node.span.start < node.span.end <= statement.span.end


def test_keywords_are_free_as_names() -> None:
    statement = one("monitor loss, data, train(loss), use, at, most, inline, every = 2")
    assert isinstance(statement, ast.Monitor)
    assert len(statement.figures) == 7


def test_operations_are_in_lower_case_and_names_are_not() -> None:
    network = one("network [60(GELU)30(Leaky_ReLU(A))1]")
    assert isinstance(network, ast.Network)
    assert [layer.operations[0].name for layer in network.architecture.stages] == ["gelu", "leaky_relu"]
    rule = one("optimizer torch.SGD(lr = 0.1)")
    assert isinstance(rule, ast.Optimizer)
    assert rule.name == "torch.SGD"


def test_brackets_join_lines() -> None:
    joined = (
        "network [28x28x1 (conv 5x5,\n      # a comment\n   tanh) 4\n(softmax) 10]\nloss R = sum(\n\n  u)\n"
    )
    apart = "network [28x28x1 (conv 5x5, tanh) 4 (softmax) 10]\nloss R = sum(u)"
    assert parse(Source("a", joined)) == parse(Source("b", apart))


def test_settings_on_the_line_or_in_a_block() -> None:
    line = (
        "train epochs = 200, batch = 4 parts\ndata boston, split = 80%\nloss R = u, reduce = sum\n"
        "init weights ~ uniform(-a, a), a = 1, biases = 0\nschedule eta = 1 until 2, 3, unit = step\n"
        "monitor loss, every = 2\nsweep a in {1}, trials = 2"
    )
    block = (
        "train:\n\n  epochs = 200 # a\n  # b\n  batch = 4 parts\n# c\ndata boston:\n\tsplit = 80%\n"
        "loss R = u:\n  reduce = sum\ninit weights ~ uniform(-a, a):\n  a = 1\n  biases = 0\n"
        "schedule eta = 1 until 2, 3:\n  unit = step\nmonitor loss:\n  every = 2\n"
        "sweep:\n  a in {1}\n  trials = 2"
    )
    assert parse(Source("a", line)) == parse(Source("b", block))
    source = Source("b", block)
    assert parse(Source("c", format_program(parse(source), source))) == parse(source)


def test_optimizer_texts() -> None:
    use = parse_optimizer("torch.SGD(lr=0.1, momentum=0.9)")
    assert use == parse_optimizer("optimizer torch.SGD(lr = 0.1, momentum = 0.9)\n")
    rule = parse_optimizer(
        'optimizer gd(eta):\n  source = "Cauchy 1847"\n  theta[n+1] = theta[n] - eta*grad R\n'
    )
    assert [s.name for s in rule.settings] == ["source"]
    assert len(rule.body) == 1
    for text in ("", "  # nothing", "torch.SGD(", "optimizer a\noptimizer b", "1 + 2"):
        with pytest.raises(SpecError):
            parse_optimizer(text)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "\ufeff", "   \n\t\n"])
def test_empty_files_are_empty_programs(text: str) -> None:
    source = Source("t.net", text)
    assert parse(source).statements == ()
    assert format_program(parse(source), source) == (text.strip("\n") + "\n" if "#" in text else "")


def test_errors_are_reported_together_in_the_order_of_the_text() -> None:
    text = "netwrok [2]\noptimizer gd:\n  a = = 1\n  b = 2\n  c = (3\nloss R = 2u\nexpect x\ntrain:\n"
    with pytest.raises(SpecError) as caught:
        parse(Source("t.net", text))
    lines = [d.span.source.position(d.span.start)[0] for d in caught.value.diagnostics]
    assert lines == [1, 3, 5, 6, 8]


def test_library_statement_keeps_the_place_in_its_file() -> None:
    source = Source("<library>/x.net", "activation a(z) = z\nactivation b(z) = z^2\n")
    from netc.dsl.parser import parse_statement

    statement = parse_statement(source, 20, len(source.text))
    assert statement.span.text == "activation b(z) = z^2"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("{2, 4, 8, ..., 512}", [2.0**i for i in range(1, 10)]),
        ("{2, 4, 6, …, 512}", [float(i) for i in range(2, 513, 2)]),
        ("{1, 2, ..., 10}", [float(i) for i in range(1, 11)]),  # 10 is no power of 2
        ("{0.1, 0.2, ..., 1}", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),  # 0.1 + 0.2 is not 0.3
        ("{10^-1, 10^-2, ..., 1e-6}", [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6]),
        ("{3, 1, ..., 1/27}", [3.0, 1.0, 1 / 3, 1 / 9, 1 / 27]),
        ("{1, -2, ..., 16}", [1.0, -2.0, 4.0, -8.0, 16.0]),
        ("{8, 4, ..., -4}", [8.0, 4.0, 0.0, -4.0]),
    ],
)
def test_dots_of_a_set_stand_for_numbers(text: str, numbers: list[float]) -> None:
    found = parse_expression(text)
    assert isinstance(found, ast.Set)
    assert [number(item) for item in found.items] == numbers
    assert print_expr(found) == text.replace("…", "...")
    assert parse_expression(print_expr(found)) == found


@pytest.mark.parametrize(
    "text",
    ["{1, ..., 5}", "{1, 2, ...}", "{..., 5}", "{1, 1, ..., 1}", "{5, 4, ..., 10}", "{1, 2, ..., 2}",
     "{1, 0.5, 0.25, ..., 0}", "{1, 2, ..., 1e99}", "{0, 1, ..., 100000}",
     "{1, 1.00001, ..., 1e9}", "{a, 1, ..., 5}", "{1, 2, ..., 4, 5}"],
)  # fmt: skip
def test_dots_that_are_not_clear_are_an_error(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_expression(text)
    assert [d.code for d in caught.value.diagnostics] == ["E0634"]


def test_a_set_that_is_too_long_says_how_long_it_is() -> None:
    for text, many in (("{1, 2, ..., 1000000000}", "1000000000"), ("{0, 1, ..., 100000}", "100001")):
        with pytest.raises(SpecError) as caught:
            parse_expression(text)
        assert f" has {many} numbers, a set has at most 100000" in caught.value.diagnostics[0].message
        assert any("trials = 50" in hint for hint in caught.value.diagnostics[0].hints)


def test_a_layer_without_sizes_may_have_the_semicolon() -> None:
    """It is the layer without it, and formatted so."""
    plain = "layer f(p = 2, q = 3):\n    y[i] = p*x[i] + q\n"
    for head in ("f(; p = 2, q = 3)", "f(; p = 2; q = 3)"):
        source = Source("t.net", plain.replace("f(p = 2, q = 3)", head))
        assert parse(source) == parse(Source("t.net", plain))
        assert format_program(parse(source), source) == plain
    with pytest.raises(SpecError):
        one(plain.replace("f(p = 2, q = 3)", "f(;)"))


@pytest.mark.parametrize("x", [-1.5, -0.25, 0.25, 1.5])
def test_functions_of_numbers_in_settings_are_those_of_equations(x: float) -> None:
    """`init theta = (sigmoid(0.25))`: the same word means the same in both places."""
    for name, primitive in PRIMITIVES.items():
        if name in FUNCTIONS and primitive.arity == 1 and (x > 0 or name not in ("log", "sqrt", "log1p")):
            found = number(parse_expression(f"{name}({x})"))
            assert found == pytest.approx(float(primitive.value(np.float64(x))), rel=1e-14), name
