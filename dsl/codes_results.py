"""Longer stories of the codes of starts from a file and of expectations; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.story import Story

RESULTS: dict[str, Story] = {
    "E0690": Story(
        "weights that do not fit",
        """\
'init from "weights.safetensors"' reads a safetensors file with one array for each parameter, named
layer1.weight, layer1.bias, layer2.weight, ... The weight of a layer has the shape (outputs, inputs), as in
PyTorch. The parameters that 'netc run' keeps in theta.safetensors fit. The file is missing, is no
safetensors file, or has other names or shapes.
""",
    ),
    "E0701": Story(
        "a figure of one run, but several runs",
        """\
With several runs each has a loss, a theta, a number of steps. The expectation says which statistic it means:

    expect median(iterations) <= 40
    expect all(loss(train) < 0.1)
    expect share(accuracy(test) >= 95%) >= 90%
    expect diverged = 0% of runs

median, mean, min, max, quartile(figure, 1 or 3), share and all are known. With one run none is needed.
""",
    ),
    "E0702": Story(
        "a figure that this training does not have",
        """\
loss(test) and accuracy(test) need a test part, as in 'data boston, split = 80%'. Accuracy needs classes as
targets, r2 numbers.
""",
    ),
    "E0703": Story(
        "an unknown figure",
        """\
An expectation is about loss(train), loss(test), accuracy(...), r2(...), theta, steps (also: iterations),
epochs, gradient_norm, diverged, the loss at a point (R((1, 0))), the variables of an objective, and the
parameters of the update rule. They are combined with + - * / ^, with abs, sqrt, exp, log, sin, cos, tan, tanh,
sign, norm and sum.
""",
    ),
    "E0704": Story(
        "not a claim",
        """\
An expectation is true or false: it compares a figure with a value.

    expect loss(train) < 0.05
    expect theta = 0.4 within 1e-12
""",
    ),
    "E0705": Story(
        "a tolerance without an equation",
        """\
'within' says how far the two sides of an equation may be apart: an absolute number, or a percentage of the
right side. An inequality has no use for it.

    expect theta = (1, 2) within 1e-9
    expect loss(test) = 0.11 within 5%
""",
    ),
    "E0706": Story(
        "vectors of different lengths",
        """\
theta has one number for each parameter. It is compared with as many numbers, or with a single one.
""",
    ),
}
