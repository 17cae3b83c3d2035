"""Longer stories of the codes of starts from a file and of expectations; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

RESULTS: dict[str, Story] = {
    "E0690": Story(
        "weights that do not fit",
        """\
'init from "weights.safetensors"' reads a safetensors file with one array for each parameter, named
layer1.weight, layer1.bias, layer2.weight, ... The weight of a layer has the shape (outputs, inputs), as in
PyTorch. The parameters that 'netc run' keeps in theta.safetensors fit, and so does the state dict of an
nn.Sequential: 0.weight, 0.bias, 2.weight, ... are the layers in the order of their numbers, in a
safetensors file or in a .pt that PyTorch has saved. What Keras 3 has saved as NAME.keras or NAME.weights.h5
is turned as it must be, layer after layer. The file is missing, is no such file, or has other
names or shapes.
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
epochs, evaluations, gradient_norm, the outcome (converged, not_converged, diverged, step_too_small), the point
that was reached (a list of 'points', minimum, saddle, ...), the loss at a point (R((1, 0))), the variables of an
objective, and the parameters of the update rule. They are combined with + - * / ^, with abs, sqrt, exp, log,
sin, cos, tan, tanh, sign, norm and sum.
""",
    ),
    "E0704": Story(
        "not a claim",
        """\
An expectation is true or false: it compares a figure with a value.

    expect loss(train) < 0.05
    expect theta = 0.4 within 1e-12

What holds or does not is no number to calculate with (the share of runs of which it holds is one, share(converged)), and a
word that a sweep chose, best(optimizer), is compared with words alone.
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
    "E0707": Story(
        "a point of another dimension",
        """\
A listed point has one number for each parameter, in the order of theta:

    objective R(w, b) = (w + b)^2 + b^2
    points    minima = {(0, 0)} within 0.05
""",
    ),
    "E0708": Story(
        "points that a run cannot tell apart",
        """\
Each run that has converged is counted to the listed point it is near. A point that is listed twice, or two
points closer than the sum of their distances, would make that a matter of chance. A smaller distance keeps
them apart:

    points minima = {(0, 1), (0.05, 1)} within 0.01
""",
    ),
    "E0709": Story(
        "a distance that is none",
        """\
'within' says how far from a listed point a run may end and still have reached it: a positive number, in the
units of the parameters (Euclidean distance). There is no default.

    points minima = {(-2, 1), (2, -1)} within 0.05
""",
    ),
    "E0710": Story(
        "a name of points that is taken",
        """\
The name of a list of points is used in 'expect share(minima) > 90%'. There it must not mean anything else
already: a second list, a figure such as theta, or a kind of point (minimum, maximum, saddle, degenerate).
""",
    ),
    "E0711": Story(
        "a point that is not listed",
        """\
'minima(0, -1)' are the runs that have reached that point of the list 'minima', 'minimum(0, -1)' those that
have reached that point of any list and have a minimum there. The point must stand in a list:

    points minima = {(0, -1), (0, 1)} within 0.05
    expect share(minima(0, -1)) = 18.9% within 1%
""",
    ),
    "E0712": Story(
        "a claim of the paper that cannot be compared",
        """\
'claimed' keeps what the paper says where it is not what was found; the report shows both. It stands beside a
comparison, and is a figure like the right side of it, or a text:

    expect diverged = 21.8% of runs within 1%, claimed = 65%
    expect share(saddle) = 0, claimed = "some runs end in saddle points"
""",
    ),
    "E0720": Story(
        "a column that the model reads is missing",
        """\
A trained model reads the columns that it was trained on, by their names; 'netc predict' looks for each of them in the
header of the table. Case and blanks count. The nearest name that is no column of the model is shown: rename it.
'netc data show FILE' lists the columns of a table as netc reads it.
""",
    ),
    "E0721": Story(
        "a column that the model does not know",
        """\
A table for 'netc predict' has the columns that the model was trained on, in any order, and if you like that of the
target. A column beside these may be a slip in a name, so it is not passed over:

    netc predict runs/house-1 new.csv --keep id     copies the column 'id' into the table of predictions

Where the file chooses its columns, 'inputs = (area, rooms)', others are left out, as they were in training.
""",
    ),
    "E0722": Story(
        "a table with another number of columns than the model has inputs",
        """\
Where a table has no header, or the model was trained on one without, columns go by their places: they must be the
inputs alone, in the order of the training. A target column among them would shift the others.
""",
    ),
    "E0723": Story(
        "a cell that a model cannot read",
        """\
The inputs of a network are numbers. A gap is filled where the model has learned what to put there, with
'data ..., missing = mean' when it was trained; else a row with one has no prediction, and the table is refused
whole. Infinite values and text have no prediction either.
""",
    ),
    "E0725": Story(
        "calibration of what gives no probabilities",
        """\
'ece', 'ece_levels' and 'smooth_ece' compare the probabilities that a network gives with how often they come true. A
network gives such where its data have classes and it ends in softmax, or has one output and ends in sigmoid:

    network   [4(tanh)8(softmax)3]
    expect    ece(test) < 0.1
""",
    ),
    "E0724": Story(
        "a network that an export cannot hold",
        """\
A file of C or Fortran, or for another tool, holds what one sample goes through. It has no words for what looks at
several samples at once (the statistics of a batch) and for random numbers (dropout as in training); formats of other
tools lack some functions besides. The message names the part. 'netc predict' computes every network.
""",
    ),
}
