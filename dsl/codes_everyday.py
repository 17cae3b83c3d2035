"""Longer stories of the codes of validation, of what is kept, and of several trainings; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.story import Story

EVERYDAY: dict[str, Story] = {
    "E0430": Story(
        "patience that is no number of epochs",
        """\
A run ends early where a figure has not been better than its best for so many epochs in a row:

    train epochs = 1000, stop = no gain in loss(validation) for 20 epochs

Figures are looked at when an epoch is over, the start included. A condition may stand before it, with 'or'.
""",
    ),
    "E0431": Story(
        "what is kept of a run",
        """\
A run keeps its last parameters ('keep = last', which is the default), or those of the epoch in which a figure was
best: 'keep = best(loss(validation))'. They are then what the result, 'predict', the folder and 'expect' speak of.
""",
    ),
    "E0432": Story(
        "no figure that runs can be judged by",
        """\
'keep' and 'stop' go by one figure of one part of the data: loss(validation), accuracy(validation), r2(validation),
the same of train and test, or norm(grad R). Lower losses and norms are better, higher accuracies and r2. Classes have
an accuracy, numbers an r2. A loss alone would be that of the training part, which is rarely meant: it is written out.
""",
    ),
    "E0433": Story(
        "a part that the data do not have",
        """\
'keep = best(loss(validation))' and 'stop = no gain in loss(validation) ...' need samples that do not train:

    data boston, split = 80%, validation = 20%

The validation part is taken from what the split leaves for training; the test part stays what it is without it. It may
also be a file of its own: validation = "valid.csv".
""",
    ),
    "E0434": Story(
        "a choice by the test part",
        """\
What is chosen by the test part fits the test part: its figures are then no longer those of new samples. A validation
part is for choosing, the test part for the end.
""",
    ),
    "E0440": Story(
        "a sweep over a name that is nowhere",
        """\
An axis of a sweep is a parameter of the rule (eta), a setting of train (seed, batch, epochs), one of optimizer, init and
loss, or a name of your own that stands in the file where a size, an operation or a number may stand:

    network [13(act)width(lin)1]
    sweep   width in {4, 8, 16}, act in {tanh, relu}
""",
    ),
    "E0441": Story(
        "an axis that is none",
        """\
An axis is a name with a set of values, or with a law to draw them from:

    sweep eta in {0.1, 0.01}, batch in {16, 32}
    sweep eta ~ log_uniform(1e-3, 1e-1), trials = 50

log_uniform(low, high) and uniform(low, high) are known. The number of runs, threads and the target are the same for all
points.
""",
    ),
    "E0442": Story(
        "the number of points of a sweep",
        """\
Sets alone are a grid: every value with every other, at most 100 000 points. 'trials = 50' draws 50 points instead, each
axis by itself: from its law, or from its set, where all values are equally likely. Laws need 'trials'.
""",
    ),
    "E0443": Story(
        "a value that is given twice",
        """\
What is swept can neither follow a schedule nor be set with --set, and it is one thing: a parameter of the rule, or a name
elsewhere in the file. A schedule is swept by a number in it:

    schedule eta = start/(1 + 0.1*epoch)
    sweep    start in {0.1, 0.01}
""",
    ),
    "E0444": Story(
        "a sweep without a figure to sort by",
        """\
The points of a sweep are sorted by the loss of the validation part, or by the figure that is named:

    sweep eta in {0.1, 0.01}, figure = accuracy(validation)

An objective has its loss. Where there is no validation part the file says which figure is meant.
""",
    ),
    "E0445": Story(
        "a figure of which point?",
        """\
In a file with a sweep every point has a loss, a number of steps, ... An expectation says which is meant: that of the best
point, or those of all values of an axis, each over all runs and points with this value, in the order of the set:

    expect best(eta) = 0.1
    expect best(median(loss(test))) < 0.2
    expect median(loss(test)) over eta < 1
    expect median(loss(test)) over act = (0.09, 0.08) within 10%
""",
    ),
    "E0446": Story(
        "'over' what is no axis",
        """\
'median(loss(test)) over eta' gives a figure for each value of the sweep's axis eta. The axis has a set of values: what is
drawn has none to list.
""",
    ),
    "E0630": Story(
        "a class that the validation part lacks",
        """\
A validation part that holds no sample of a class cannot say how well the network knows it, and what is chosen by it may
give that class up. 'stratify = true' gives each part its share of every class.
""",
    ),
    "E0631": Story(
        "a validation part that does not fit",
        """\
'validation' is a fraction of the samples that the split leaves for training, such as 20%, or a count of them. At least
one sample validates, and at least one is left to train on.
""",
    ),
}
