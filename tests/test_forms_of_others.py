"""How other tools and papers write counts, formulas, networks and figures: the first line says how it is written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.compiler.pipeline import to_spec
from netc.dsl.diagnostics import SpecError, render
from netc.dsl.parser import parse
from netc.dsl.source import Source

DATA = "data inline{}:\n    1, 2 -> 0.5\n    2, 3 -> 1.7\n    1, 1 -> 0.2\n    3, 2 -> 1.3\n"
PROGRAM = DATA + "{}\ninit glorot_uniform\nloss {}\noptimizer gd(eta = 0.1)\n{}\n"
NETWORK = "network [2(tanh)3(lin)1]"
RULE = "objective R(x) = x^2\ninit theta = (1)\noptimizer mine(eta = 0.1):\n    {}\ntrain steps = 3\n"
OBJECTIVE = "objective {}\ninit theta = (1)\noptimizer gd(eta = 0.1)\ntrain steps = 3\n"

LINES = {
    "optimizer gd eta=0.1": "optimizer gd(eta = 0.1)", "optimizer gd{eta=0.1}": "optimizer gd(eta = 0.1)",
    "optimizer gd 0.1": "optimizer gd(0.1)", "optimizer gd: eta = 0.1": "optimizer gd(eta = 0.1)",
    "optimizer gd with eta = 0.1": "optimizer gd(eta = 0.1)", "optimizer gd -lr 0.1": "optimizer gd(0.1)",
    "optimizer gd(eta = 1_000)": "1000", "optimizer gd(eta = 1e-3f)": "1e-3",
    "train epochs 100": "train epochs = 100", "train for 100 epochs": "train epochs = 100",
    "train 10 iterations": "steps = 10",
    "train until R < 0.1": "stop = R < 0.1", "train until convergence": "stop = R < 1e-3",
    "train (epochs = 3)": "train epochs = 3", "train {epochs = 3}": "train epochs = 3",
    "train epochs = 1_000": "epochs = 1000",
    "init truncated_normal(0, 1)": "cuts no law", "init weights ~ truncated_normal(0, 1)": "cuts no law",
    "init trunc_normal_": "cuts no law",
}  # fmt: skip
"""Statements of which the program has one; this one stands for it."""
TRAIN = {
    "epochs = 3, stop = never": "leave it out", "epochs = 3, stop = none": "leave it out",
    "epochs = 3, stop = False": "leave it out", "epochs = 3, diverged = never": "leave it out",
    "epochs = 3, stop = 100 epochs": "train epochs = 100", "epochs = 3, stop = 10": "train epochs = 10",
    "epochs = 3, stop = no gain": "no gain in loss(validation)", "epochs = 10 steps": "train steps = 10",
    "epochs = 10 epochs": "epochs = 10", "steps = 5 epochs": "train epochs = 5", "steps = 5 iterations": "steps = 5",
    "epochs = inf": "epochs = 200", "epochs = None": "epochs = 200", "epochs = 3, runs = 3 runs": "runs = 3",
    "epochs = 3, batch = 2 samples": "batch = 2", "epochs = 3, batch = 2 batches": "batch = 2 parts",
    "epochs = 3, seed = none": "seed = 2", "epochs = 3, seed = random": "seed = 2",
    "epochs = 3, threads = auto": "left out", "epochs = 3, shuffle = none": "'false'",
    "epochs = 3\nmonitor loss, every = 10 batches": "every = 10 steps",
    "epochs = 3\nmonitor loss every 10 epochs": "every = 10 epochs", "epochs = 3\nmonitor loss, every 10": "every = 10",
    "epochs = 3\nmonitor loss, each iteration": "every = step", "epochs = 3\nmonitor every epoch": "every = epoch",
    "epochs = 3\nmonitor loss, every: 5 iterations": "every = 5 steps",
    "epochs = 3\nphase a: epochs = 5 steps": "train steps = 5",
    "epochs = 3\nexpect steps = 3 steps": "stands alone, 3",
    "epochs = 3\nschedule eta = 0.1 until 5 steps, 0.01": "unit = step",
    "epochs = 3\nschedule eta = 0.1 until epoch 5, 0.01": "until 5, 0.01",
    "epochs = 3\nschedule eta = 0.1 for 5, 0.01": "'until'",
    "epochs = 3\nschedule eta = none": "without a schedule 'eta' stays",
    "epochs = 3\nschedule eta = 0.1 0.01": "schedule eta = 0.1 until 75, 0.01",
    "epochs = 3\nfinder eta from 1e-6 to 1 in 2 epochs": "finder eta from 1e-6 to 10 in 200 steps",
    "epochs = 3\nfinder eta from 1e-6 to 1 steps = 10": "finder eta from 1e-6 to 10 in 200 steps",
    "epochs = 3\nfinder eta in {1e-6, 1}": "finder eta from 1e-6 to 10 in 200 steps",
    "epochs = 3\nmonitor loss, every epoch": "every = epoch", "epochs = 3\nmonitor loss each epoch": "every = epoch",
    "epochs = 3\nsweep eta from 0.1 to 1": "sweep eta in {0.1, 0.01}",
    "epochs = 3\nexpect loss below 0.1": "expect loss(train) < 0.05",
    "epochs = 3\nexpect loss < 0.1 after 10 epochs": "expect loss(train) < 0.05",
}  # fmt: skip
DATA_SETTINGS = {
    "split = 80/20": "split = 80%", "split = 80:20": "split = 80%", "split = 80-20": "split = 80%",
    "split = 80 20": "split = 80%", "split = 80;20": "split = 80%", "split = 0.8|0.2": "split = 80%",
    "split = (80, 20)": "split = 80%", "split = 3 samples": "split = 3",
    "scale = false": "'none'", "scale = standard": "'zscore'", "scale = StandardScaler()": "scale = zscore",
    "scale = MinMaxScaler()": "scale = minmax", "window = 2 steps": "window = 2", "folds = none": "left out",
}  # fmt: skip
RULES = {
    "theta_{n+1} = theta[n]": "theta[n+1]", "theta_(n+1) = theta[n]": "theta[n+1]", "theta(t+1) = theta[n]": "theta[n+1]",
    "theta^{k+1} = theta[n]": "theta[n+1]", "theta_n+1 = theta[n]": "theta[n+1]", "θ_{n+1} = θ[n]": "θ[n+1]",
    "θₙ₊₁ = θ[n]": "theta[n+1]", r"\theta_{n+1} = 3": "theta[n+1]", "theta[n+1] ← theta[n]": "'='",
    "theta[n+1] <- theta[n]": "'='", "theta -= grad R(theta[n])": "theta[n+1] = theta[n] - ...",
    "theta = theta - grad R(theta)": "theta[n+1]", "theta[t+1] = theta[t]": "theta[n+1]",
    "theta[n] = theta[n-1]": "theta[n+1]", r"theta[n+1] = theta[n] - \nabla R": "grad R(theta[n])",
    "theta[n+1] = theta[n] - ∂R": "grad R(theta[n])", "theta[n+1] = theta[n] - dR/dtheta": "grad R(theta[n])",
    "theta[n+1] = theta[n] - grad_theta R(theta[n])": "grad R(theta[n])",
    "theta[n+1] = theta[n] - ∇_θ R(θ[n])": "grad R(theta[n])", "theta[n+1] = theta[n] - theta.grad": "grad R(theta[n])",
    "theta[n+1] = theta[n] - (grad R)(theta[n])": "grad R(theta[n])",
    "theta[n+1] = theta[n] - jax.grad(R)(theta[n])": "grad R(theta[n])",
    "theta[n+1] = theta[n] - η∇R(θ[n])": "η*grad R", "theta[n+1] = theta[n] - 0.9 m_{t-1}": "0.9*m[n]",
    "theta[n+1] = theta[n] .* grad R(theta[n])": "dot left out", "theta[n+1] = grad R(theta[n]) ./ 2": "dot left out",
    "theta[n+1] = theta[n];": "without a sign", "theta[n+1] = theta[n]'": "transpose",
    "theta[n+1] = ||theta[n]||_2": "norm(x)", r"theta[n+1] = \hat{m}": "m_hat",
    r"theta[n+1] = theta[n] - \frac{eta}{2}": "a/b", r"theta[n+1] = eta \cdot theta[n]": "x*y",
    "theta[n+1] = eta^{-1}*theta[n]": "parentheses", "theta[n+1] = sqrt{2}*theta[n]": "sqrt(x)",
}  # fmt: skip
FORMULAS = {
    "R(x) = 2(x+1)": "2*(...)", "R(x) = (x+1)(x-1)": "(...)*(...)", "R(x) = x(x+1)": "x*(...)",
    "R(x) = exp(x)(1+x)": "(...)*(...)", "R(x) = x^{2}": "parentheses", "R(x) = e^x": "exp(x)", "R(x) = x.^2": "x^y",
    "R(x) = sin^2(x)": "sin(x)^2", "R(x) = sin²(x)": "sin(x)^2", r"R(x) = \sin x": "sin(x)",
    r"R(x) = \|x\|": "norm(x)", "R(x) = x!": "factorials", "R(x) = x % 2": "floor(a/b)", "R(x) = (x).pow(2)": "x^2",
    "R(x) = (x).abs()": "abs(...)", "R(x) = x > 0 ? x : 0": "x if c else y", "R(x) = x where x > 0": "x if c else y",
    "R = lambda x: x^2": "objective R(x)", "R = @(x) x^2": "objective R(x)", "R(x) = $x^2$": "as it is",
    "R(x) = 1_{x>0}": "1 if x > 0 else 0", "R(x) = log(x, 2)": "log(x)/log(b)", "R(x) = x[1]^2 + x[2]": "R(x1, x2)",
}  # fmt: skip
NETWORKS = {
    "2-3-1": "[2(tanh)3(lin)1]", "(2, 3, 1)": "[2(tanh)3(lin)1]", "2 -> 3 -> 1": "[2(tanh)3(lin)1]",
    "[2, 3, 1]": "[2(tanh)3(lin)1]", "[2 3 1]": "[2(tanh)3(lin)1]", "{2, 3, 1}": "[2(tanh)3(lin)1]",
    "[2 -> 3 -> 1]": "[2(tanh)3(lin)1]", "2:3:1": "[2(tanh)3(lin)1]", "layers = [2, 1]": "[2(lin)1]",
    "= [2, 1]": "[2(lin)1]",
    "= [2(tanh)1]": "network [2(tanh)1]", "[2 tanh 3 lin 1]": "(tanh)", "Sequential(Dense(3), Dense(1))": "in brackets",
    "Chain(Dense(2 => 3, tanh))": "in brackets", "fitnet(10)": "in brackets", "[2x3x1]": "[2(tanh)3(lin)1]",
    "[2 (tanh) 3 1]": "[2(tanh)3(lin)1]", "2(tanh)3(lin)1": "[2(tanh)3(lin)1]", "[13 -> tanh 3 -> 1]": "[13(tanh)3(lin)1]",
    "[2, relu, 3, 1]": "[2(relu)3(lin)1]", "[2 tanh(3) lin(1)]": "[2(tanh)3(lin)1]", "[2][3][1]": "[2(tanh)3(lin)1]",
    "[Linear(2, 3), Tanh(), Linear(3, 1)]": "[10 (relu) 5]",
    "[28x28x1 (conv 3x3) 16 10]": "16 (relu) 10", "[28x28x1 conv 3x3 16 (softmax) 10]": "(conv 3x3)",
    "[28x28x1 -> conv 3x3 16]": "without a sign", "[28,28,1 (conv 3x3) 16]": "28x28x1", "[32*32*3 (conv 3x3) 16]": "32x32x3",
    "[(28, 28, 1) (conv 3x3) 16]": "28x28x1", "[28 x 28 x 1 (conv 3x3) 16]": "28x28x1",
    "[28x28x1 (conv, 3x3, relu) 16]": "(conv 3x3)", "[28x28x1 (conv 3x3) 16 maxpool 2x2]": "(maxpool 2x2)",
    "[28x28x1 (conv 3x3) 16 relu (softmax) 10]": "(relu)", "[28x28x1 (conv 3x3, relu, 16)]": "(...) 16",
    "28x28x1 (conv 3x3) 16": "[28x28x1 (conv 3x3) 16]", "[28x28x1 (conv [3, 3]) 16]": "3x3",
}  # fmt: skip
ACTIVATIONS = {
    "gelu(approximate = 'tanh')": "gelu_tanh", "gelu(approximate = true)": "gelu_tanh", "relu(inplace = True)": "in place",
    "relu(max_value = 6)": "min(max(z, 0), 6)", "softmax(temperature = 2)": "softmax(z/2)",
    "softplus(beta = 2)": "softplus(2*z)/2", "silu(beta = 2)": "swish(beta", "leaky_relu(negative_slope = 0.2)": "'alpha'",
    "softmax(dim = 1)": "over the units",
}  # fmt: skip
BY_PLACE = {"relu(6)": "min(max(z, 0), 6)", "softmax(1)": "over the units", "softplus(2)": "softplus(2*z)/2"}  # fmt: skip


def program(
    network: str = NETWORK, loss: str = "mse", train: str = "train epochs = 3", data: str = ""
) -> str:
    return PROGRAM.format(data, network, loss, train)


def with_line(line: str) -> str:
    keyword = line.split()[0]
    return "\n".join(line if own.startswith(keyword) else own for own in program().splitlines()) + "\n"


CASES = {
    **{line: (with_line(line), says) for line, says in LINES.items()},
    **{f"train {w}": (program(train=f"train {w}"), says) for w, says in TRAIN.items()},
    **{f"data {w}": (program(data=f", {w}"), says) for w, says in DATA_SETTINGS.items()},
    **{f"network {w}": (program(f"network {w}"), says) for w, says in NETWORKS.items()},
    **{
        f"layer {w}": (program(f"network [2({w})3(lin)1]"), says)
        for w, says in {**ACTIVATIONS, **BY_PLACE}.items()
    },
    **{
        f"loss {w}": (program(loss=f"R = mean(({w.replace('(', '(u, ')} - y)^2)"), says)
        for w, says in ACTIVATIONS.items()
    },
    **{f"rule {w}": (RULE.format(w), says) for w, says in RULES.items()},
    **{f"objective {w}": (OBJECTIVE.format(w), says) for w, says in FORMULAS.items()},
}


@pytest.mark.parametrize(
    "line", ["optimizer mine(eta = 0.1) 3", "optimizer gd(0.1) 3", "optimizer gd, clip = 3 4"]
)
def test_a_rule_that_has_its_parentheses_is_told_nothing_of_them(line: str) -> None:
    assert not any("in parentheses" in said for said in first_lines(with_line(line)))


def first_lines(text: str) -> list[str]:
    try:
        to_spec(parse(Source("<test>", text)), None, Path())
    except SpecError as error:
        return [render([d]).splitlines()[0] for d in error.diagnostics]
    return []


@pytest.mark.parametrize("case", CASES)
def test_the_first_line_says_how_it_is_written_here(case: str) -> None:
    text, says = CASES[case]
    lines = first_lines(text)
    assert lines, "it is an error"
    assert says in lines[0].partition("]: ")[2].partition(": ")[2]


def test_a_number_of_training_samples_may_be_calculated() -> None:
    assert not first_lines(program(data=", split = 7 - 4"))


def test_the_programs_around_the_cases_are_right() -> None:
    assert not first_lines(program())
    assert not first_lines(OBJECTIVE.format("R(x) = x^2"))
    assert not first_lines(RULE.format("theta[n+1] = theta[n] - eta*grad R(theta[n])"))


@pytest.mark.parametrize(
    "text", ["clipped(z) = min(max(z, 0), 6)", "soft(z) = softplus(2*z)/2", "cool(z) = softmax(z/2)"]
)
def test_an_activation_that_is_to_be_written_out_is_one(text: str) -> None:
    name = text.partition("(")[0]
    assert not first_lines(f"activation {text}\n" + program(f"network [2({name})3(lin)1]"))
