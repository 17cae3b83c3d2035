"""Parameters of layers, losses, starts and schedules as other tools call them: the first line says how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from netc.compiler.pipeline import to_spec
from netc.dsl import library
from netc.dsl.diagnostics import SpecError, render
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.dsl.words.foreign_parameters import SAME

FILE = """
network {network}
init {init}
loss {loss}
optimizer gd(eta = 0.1)
train epochs = 30, batch = 32
{more}
"""
PLAIN = {
    "network": "[8x8x1 (conv 3x3, relu) 4 (softmax) 10]",
    "init": "zeros",
    "loss": "cross_entropy",
    "more": "",
}
IMAGE = "[8x8x1 ({}, relu) 4 (softmax) 10]"
POOLED = "[8x8x1 (conv 3x3, relu) 4 ({}) (softmax) 10]"
DENSE = "[64 ({}) 32 (softmax) 10]"
SEQUENCE = "[8x8 ({}) (softmax) 10]"
LAYERS = {
    (IMAGE, "conv(kernel_size = 3)"): "'size'", (IMAGE, "conv(size = 3x3, strides = 2)"): "'stride'",
    (IMAGE, "conv(size = 3x3, dilation_rate = 2)"): "'dilate'", (IMAGE, "conv(padding = same) 3x3"): "(conv 3x3 same)",
    (IMAGE, "conv(use_bias = false) 3x3"): "'bias'", (IMAGE, "conv 3x3 strides 2"): "'stride'",
    (IMAGE, "conv 3x3 padding 1"): "'pad 1'", (IMAGE, "conv 3x3 valid"): "same",
    (IMAGE, "conv 3x3 groups 2"): "groupconv(groups = 2)",
    (IMAGE, "conv 3x3 dilation 2"): "'dilate'", (IMAGE, "conv(activation = relu) 3x3"): "behind its layer",
    (IMAGE, "conv(kernel_initializer = he) 3x3"): "init layer1: he_normal", (POOLED, "maxpool(pool_size = 2)"): "'size'",
    (POOLED, "conv(filters = 4, kernel_size = 3)"): "'out'", (POOLED, "dropout.inverted(rate = 0.5)"): "'p'",
    (DENSE, "leaky_relu(negative_slope = 0.01)"): "'alpha'", (DENSE, "softmax(dim = 1)"): "over the units",
    (DENSE, "dense(units = 3, use_bias = false)"): "'bias'", (DENSE, "dense(3, relu)"): "(dense, relu) 32",
    (DENSE, "dense(kernel_regularizer = l2), relu"): "in the loss", (SEQUENCE, "attention(num_heads = 2)"): "'heads'",
    (SEQUENCE, "attention(heads = 2, dropout = 0.1)"): "dropout.inverted",
}  # fmt: skip
EQUALS = {
    "conv 3x3 padding = same": "(conv 3x3 same)",
    "conv 3x3 stride = 2": "(conv(stride = 2))",
    "conv 3x3 bias = false": "nobias",
    "conv 3x3 activation = relu": "behind its layer",
}
WRITTEN_LOSSES = {
    "mean((y_pred - y_true)^2)": "the output is u",
    "mean((y_hat - y)^2)": "the output is u",
    "mean((f(x) - y)^2)": "the output is u",
    "sum((u - y)^2)/m": "of one sample",
    "1/n*sum((u - y)^2)": "of one sample",
    "mse(u, y)": "mean((u - y)^2)",
    "mse + 0.1*sum(weights^2)": "mean((u - y)^2)",
    "cross_entropy(u, y)": "-sum(y*log(u))",
    "mean((u - y)^2) + lam*sum(weights^2)": "loss L(lambda = 1e-3) =",
    "mean((x - y)^2)": "no inputs",
}
STARTS = {
    "weights ~ randn(0, 0.1), biases = 0": "'normal'",
    "weights ~ N(0, 0.1), biases = 0": "'normal'",
    "weights ~ U(-1, 1), biases = 0": "'uniform'",
    "weights ~ he_normal, biases = 0": "init he_normal",
    "weights ~ 0.1*normal(0, 1), biases = 0": "stands in the law",
    "weights = normal(0, 1), biases = 0": "behind '~'",
    "weights ~ normal(0, sqrt(2/n_in)), biases = 0": "'fan_in'",
    "w ~ normal(0, 0.1), biases = 0": "'weights'",
    "weights = glorot_uniform, biases = 0": "init glorot_uniform",
    "weights ~ normal(0, 0.1)": "add 'init biases = 0'",
    "theta = zeros": "theta = 0",
    "weights ~ normal(0, 0.1), bias = 0": "biases = 0",
    "kernel_initializer = he_normal": "init glorot_uniform",
}
NAMES = {
    "eta = 0.1*(1 - step/total_steps)": "'steps'",
    "eta = 0.1*(1 - epoch/n_epochs)": "'epochs'",
    "eta = 0.1/(1 + iter)": "'step'",
    "eta = 0.1/(1 + decay*epoch)": "written out",
    "learning_rate = cosine(0.1, 10)": "'eta'",
    "lr = 0.1": "'eta'",
    "batch_size = 32 until 10, 64": "phase large",
    "eta = torch.StepLR(step_size = 30)": "torch.StepLR(0.1",
    "eta = 0.1, warmup = 10": "cosine(max, period, warmup = 10)",
    "eta = 0.1, gamma = 0.9": "torch.ExponentialLR",
}
LOSSES = {
    "cross_entropy(label_smoothing = 0.1)": "smoothed_cross_entropy", "cross_entropy(from_logits = True)": "(softmax)",
    "cross_entropy(weight = 2)": "setting of the loss", "huber(beta = 1)": "'delta'", "quantile(tau = 0.9)": "'q'",
    "focal(alpha = 0.25)": "weight = y[1]", "hinge(margin = 1)": "max(0, 2 - u*y)", "mse(reduction = sum)": "reduce = sum",
    "cross_entropy(ignore_index = -100)": "weights = w", "smoothed_cross_entropy(label_smoothing = 0.1)": "'epsilon'",
}  # fmt: skip
INITS = {
    "he_normal(seed = 1)": "train seed = 1", "kaiming_uniform(a = 0.01)": "'slope'", "normal(mean = 0, std = 0.02)": "'mu'",
    "normal(stddev = 0.02)": "'sigma'", "uniform(minval = -0.1)": "'low'", "uniform(a = -0.1, b = 0.1)": "'low'",
    "he_normal(mode = fan_out)": "he_normal_fan_out", "glorot_uniform(scale = 2)": "'gain'",
    "weights ~ normal(mean = 0, std = 0.1), biases = 0": "'deviation'", "constant(val = 1)": "'value'",
    "kaiming_normal(nonlinearity = relu)": "0 for relu",
}  # fmt: skip
SCHEDULES = {
    "cosine(max_lr = 0.1, T_max = 10)": "'max'", "cosine(0.1, T_max = 10)": "'period'",
    "cosine(0.1, 10, warmup_steps = 3)": "'warmup', in epochs", "one_cycle(max_lr = 0.1)": "'max'",
    "plateau(0.1, min_lr = 1e-5)": "'lowest'", "plateau(0.1, monitor = val_loss)": "training loss of each epoch",
    "plateau(0.1, cooldown = 2)": "torch.ReduceLROnPlateau(0.1, cooldown = 2)",
    "exponential(0.1, gamma = 0.9)": "torch.ExponentialLR(0.1, gamma = 0.9)",
    "step_decay(0.1, step_size = 30, gamma = 0.1)": "'every', in epochs",
    "polynomial(0.1, decay_steps = 10)": "'period', in epochs",
    "one_cycle(0.1, pct_start = 0.3)": "'rise'", "cosine(0.1, eta_min = 0.01, period = 3)": "'min'",
    "one_cycle(0.1, total_steps = 100)": "what is planned",
}  # fmt: skip


def lines(**parts: str) -> list[str]:
    try:
        to_spec(parse(Source("<test>", FILE.format(**PLAIN | parts))), None, Path())
    except SpecError as error:
        return [render([d]).splitlines()[0] for d in error.diagnostics]
    return []


CASES = {
    **{f"{w} in {n}": ({"network": n.format(w)}, says) for (n, w), says in LAYERS.items()},
    **{f"layer {w}": ({"network": IMAGE.format(w)}, says) for w, says in EQUALS.items()},
    **{f"L = {w}": ({"loss": f"L = {w}"}, says) for w, says in WRITTEN_LOSSES.items()},
    **{f"start {w}": ({"init": w}, says) for w, says in STARTS.items()},
    **{f"name {w}": ({"more": f"schedule {w}"}, says) for w, says in NAMES.items()},
    **{f"loss {w}": ({"loss": w}, says) for w, says in LOSSES.items()},
    **{f"init {w}": ({"init": w}, says) for w, says in INITS.items()},
    **{f"schedule {w}": ({"more": f"schedule eta = {w}"}, says) for w, says in SCHEDULES.items()},
}


@pytest.mark.parametrize("case", CASES)
def test_the_parameter_is_told_in_the_first_line(case: str) -> None:
    parts, says = CASES[case]
    found = lines(**parts)
    assert found, "it is an error"
    assert says in found[0]
    assert not any("<library>" in line for line in found), "what is wrong is in the file"


def test_every_parameter_with_other_names_is_one_of_the_library() -> None:
    kinds = ("layer", "activation", "loss", "init", "schedule")
    known = {
        p.name
        for kind in kinds
        for name in library.names(kind)
        for p in library.lookup(kind, name).parameters
    }
    assert {*SAME} - {"mean", "deviation"} <= known  # these two are of the law normal(mean, deviation)


@pytest.mark.parametrize(
    "parts",
    [
        {"network": "[8x8x1 (conv 3x3 same, relu) 4 (maxpool(size = 2)) (softmax) 10]"},
        {"network": "[8x8x1 (groupconv(groups = 1) 3x3, relu) 4 (softmax) 10]"},
        {"network": "[64 (dense, relu) 32 (softmax) 10]"},
        {"network": "[64 (relu) 32 (dropout.inverted(0.5)) (softmax) 10]"},
        {"loss": "smoothed_cross_entropy(epsilon = 0.1)"},
        {"loss": "focal(gamma = 2), weight = y[1] + 5*y[2], divide = samples"},
        {"init": "he_normal_fan_out"},
        {"init": "glorot_uniform\ninit biases = 0.1"},
        {"network": "[64 (dense nobias, relu) 32 (softmax) 10]"},
        {"loss": "L(lambda = 1e-3) = -sum(y*log(u)) + lambda*sum(weights^2)"},
        {"more": "schedule eta = torch.ReduceLROnPlateau(0.1, cooldown = 2)"},
        {"more": "schedule eta = torch.ExponentialLR(0.1, gamma = 0.9)"},
    ],
)
def test_what_is_said_can_be_written(parts: dict[str, str]) -> None:
    assert not lines(**parts)
