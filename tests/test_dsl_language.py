"""The texts of the language's own page, each read, printed and read again."""

from __future__ import annotations

import pytest

from netc.dsl import ast
from netc.dsl.format import format_program
from netc.dsl.parser import parse
from netc.dsl.source import Source

PAGES = {
    "whole file": r"""
# Boston Housing, [13(tanh)15(tanh)15(lin)1] (Turpault 2024)
data      boston, target = medv, scale = zscore, split = 80%, seed = 1
network   [13(tanh)15(tanh)15(lin)1]
init      glorot_uniform
loss      half_mse
optimizer momentum.ema(eta = 0.1, beta1 = 0.1)
schedule  eta = 0.1 until 75, 0.01 until 125, 0.001
train     epochs = 200, batch = full, seed = 1
expect    loss(train) < 0.05
""",
    "network": r"""
network [13(tanh)15(tanh)15(lin)1]
network [60(GELU)30(sigmoid)1]            # names are case-insensitive: GELU = gelu
network [784(tanh)24(softmax)10]
network [2(leaky_relu(0.01))8(lin)1]      # an activation may take parameters
""",
    "convolutions": r"""
# LeNet-1
network [28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (conv 5x5, tanh) 12 (avgpool 2x2) (softmax) 10]
network [784 (dense nobias, lecture.batchnorm, relu) 128 (dropout.inverted 0.5) (softmax) 10]

block     res(c) = x + [c (conv 3x3 same, lecture.batchnorm, relu) c (conv 3x3 same, lecture.batchnorm) c]
network   [32x32x3 (conv 3x3 same, relu) 16 (res) (res) (globalavgpool) (softmax) 10]
""",
    "functions": r"""
activation g(z) = z^2 - 1
activation swish(z; beta = 1) = z * sigmoid(beta*z)

loss half_mse                                   # (1/2P) sum over the P samples of ||u - y||^2
loss R = sum((u - y)^2) / 2                     # the same, spelled out
loss R = sum((u - y)^2), reduce = sum           # summed, not averaged, over the samples

objective R(w, b) = g(w + b)^2 + g(b)^2         # a plain function instead of network+loss+data
""",
    "data": r"""
data boston                                     # a named data set
data "boston.csv", target = medv                # .csv .tsv .npy .npz .parquet, IDX (MNIST) files
data "x.npy", "y.npy"
data x in linspace(-1, 1, 50) -> 0.5 + 0.25*sin(3*pi*x)
data inline:
    1 -> 0
    0 -> 0
""",
    "init": r"""
init glorot_uniform                             # also he_normal, lecun, torch_default, ...
init weights ~ uniform(-a, a), a = sqrt(6/(fan_in + fan_out))
init biases = 0
init theta = (-1.5, 0.7)                        # one explicit start
init theta ~ uniform(-3, 3)                     # with train runs = 10000: ten thousand starts
init theta = grid(-3..3, -3..3, points = 200)   # 40 000 starts, one run each
init from "weights.safetensors"                 # pre-training
""",
    "ema": r"""
optimizer ema(eta = 0.01, beta1 = 0.1):
    v[n+1]     = (1 - beta1)*v[n] + beta1*grad R(theta[n])
    theta[n+1] = theta[n] - eta*v[n+1]
""",
    "searches and splitting": r"""
optimizer lcgd(eta0 = 0.1, lambda = 0.5, f1 = 30, f2 = 10000):   # Armijo-controlled descent
    e[0] = eta0 / f2
    g    = grad R(theta[n])
    h    = f2 * e[n]
    repeat:
        p = theta[n] - h*g
        until R(p) - R(theta[n]) <= -lambda*h*norm(g)^2
        h = h / f1
    theta[n+1] = p
    e[n+1]     = h

optimizer splitting(eta = 0.1):                  # visits the batches in order
    for i in 1..m:
        theta[n+i/m] = theta[n+(i-1)/m] - eta*grad R[i](theta[n+(i-1)/m])

optimizer speth(eta = 0.1):                      # rebalanced splitting, two batches
    theta[n+1/2] = theta[n] - eta*grad R[1](theta[n]) + eta*c[n]
    theta[n+1]   = theta[n+1/2] - eta*grad R[2](theta[n+1/2]) - eta*c[n]
    c[n+1]       = c[n] + (theta[n+1] + theta[n] - 2*theta[n+1/2])/(2*eta)
""",
    "dialects": r"""
optimizer momentum.ema(eta = 0.01, beta1 = 0.1)
optimizer momentum.heavy_ball(eta = 0.01, alpha = 0.9)
optimizer torch.SGD(lr = 0.01, momentum = 0.9, nesterov = true)
optimizer keras.RMSprop(learning_rate = 0.001)
optimizer momentum(eta = 0.01)                   # error: four rules bear this name; here they are
""",
    "schedule": r"""
schedule eta    = 0.1 until 75, 0.01 until 125, 0.001 until 175, 0.0001
schedule lambda = 1e-4 until 75, 5e-4 until 125, 1e-5 until 175, 5e-5     # the lecture's table
schedule eta    = 0.1 / (1 + 0.1*epoch)
schedule eta    = cosine(max = 1e-3, min = 1e-4, period = 200, warmup = 10)
schedule eta    = plateau(0.1, factor = 0.5, patience = 20)
schedule dropout = 0.5 until 20, 0                                        # early dropout
""",
    "train": r"""
train:
    epochs    = 200              # or steps = ...
    batch     = 32               # full | a size | 4 parts
    shuffle   = true             # false keeps the order of the data
    precision = f64              # f64 (default) | f32
    seed      = 1
    runs      = 1000             # independent trainings, each with its own start
    stop      = norm(grad R) < 1e-7
    target    = cpu              # cpu | cuda
""",
    "sweep, monitor, expect": r"""
sweep   eta in {0.1, 0.01, 0.001}, lambda in {1e-3, 5e-4, 1e-4}      # grid: the product
sweep   eta ~ log_uniform(1e-3, 1e-1), trials = 50                   # random search
monitor loss, accuracy, norm(grad R), dead(layers), every = 10
expect  theta = 2/(5 - 8*eta) within 1e-12
expect  accuracy(test) >= 95.9%
expect  diverged = 0% of runs
expect  median(iterations) <= 40
""",
    "use": r"""
use "my_optimizers.net"
""",
    "more": r"""
monitor V = b1/eta*R(theta[n]) + norm(v[n])^2/2, every = 10
expect diverged = 21.8% of runs within 1%
expect share(minimum (0,-1)) = 18.9% within 1%, claimed = 20%
points minima = {(-2, 1), (2, -1)} within 0.05
optimizer a(x = 1):
    source = "me"
    repeat at most 60:
        p = theta[n]
        until R(p) < 1
    for i in 1..m:
        theta[n+i/m] = theta[n] - R[2](theta[n])*grad R[i](p)
train batch = 4 parts, seed = 1
data a, split = 80%, classes = {R, M}
data inline:
    1, 2 -> 0
    scale = none
data (x, y) in grid(-1..1, -1..1, points = 10) -> x*y
init gl(gain = 2):
    weights ~ uniform(-a, a)
    a = sqrt(6/(fan_in + fan_out))
    biases = 0
    source = "Glorot"
schedule ex(start, rate) = start*rate^epoch, source = "x"
schedule plateau(start, factor = 0.5):
    best[0] = inf
    value[0] = start
    value[k+1] = value[k]*factor if loss > best[k] else value[k]
loss huber(delta = 1) = sum(|u - y|), source = "H"
activation softmax(z) = exp(z - stop_gradient(max(z)))/sum(exp(z - stop_gradient(max(z)))), source = "B"
""",
}


def read(text: str) -> ast.Program:
    return parse(Source("page.net", text))


@pytest.mark.parametrize("page", PAGES)
def test_page_is_read(page: str) -> None:
    written = [line for line in PAGES[page].splitlines() if line[:1].isalpha()]
    assert len(read(PAGES[page]).statements) == len(written)


@pytest.mark.parametrize("page", PAGES)
def test_page_survives_formatting(page: str) -> None:
    source = Source("page.net", PAGES[page])
    program = parse(source)
    formatted = format_program(program, source)
    assert read(formatted) == program
    assert format_program(read(formatted), Source("page.net", formatted)) == formatted
    assert formatted.count("#") == PAGES[page].count("#")
    assert formatted.isascii()


@pytest.mark.parametrize("page", PAGES)
def test_page_in_greek_is_the_same_program(page: str) -> None:
    source = Source("page.net", PAGES[page])
    program = parse(source)
    assert read(format_program(program, source, unicode=True)) == program


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_do_not_matter(page: str, ending: str) -> None:
    assert read(PAGES[page].replace("\n", ending)) == read(PAGES[page])


@pytest.mark.parametrize("page", PAGES)
def test_tabs_indent_as_well(page: str) -> None:
    assert read(PAGES[page].replace("    ", "\t")) == read(PAGES[page])


@pytest.mark.parametrize("page", PAGES)
def test_last_line_needs_no_end(page: str) -> None:
    assert read(PAGES[page].rstrip("\n")) == read(PAGES[page])


def test_whole_file_is_canonical() -> None:
    """The page's first example is already laid out as the formatter would."""
    text = """\
# Boston Housing, [13(tanh)15(tanh)15(lin)1] (Turpault 2024)
data      boston, target = medv, scale = zscore, split = 80%, seed = 1
network   [13(tanh)15(tanh)15(lin)1]
init      glorot_uniform
loss      half_mse
optimizer momentum.ema(eta = 0.1, beta1 = 0.1)
schedule  eta = 0.1 until 75, 0.01 until 125, 0.001
train     epochs = 200, batch = full, seed = 1
expect    loss(train) < 0.05
"""
    source = Source("boston.net", text)
    assert format_program(parse(source), source) == text
