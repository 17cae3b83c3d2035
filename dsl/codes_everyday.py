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
