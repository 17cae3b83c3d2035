"""Longer stories of the codes of validation, of what is kept, and of figures; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

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
    "E0451": Story(
        "the point where a rule is measured",
        """\
A rule may say that one of its states, and not theta, is what it is for:

    optimizer sgd.averaged(eta = 0.1):
        theta[n+1] = theta[n] - eta*grad R(theta[n])
        avg[n+1]   = (n*avg[n] + theta[n+1])/(n + 1)
        evaluate at avg[n]

All figures, 'keep', the result and 'predict' are then those of avg, a vector like theta.
""",
    ),
    "E0454": Story(
        "a finder that cannot find",
        """\
A finder trains a little while the rate grows by a constant factor in each iteration, and suggests the rate at which
the loss falls most steeply:

    optimizer gd(eta = 0.1)
    train     batch = 32, seed = 1
    finder    eta from 1e-6 to 10 in 200 steps

The name is a parameter of the rule, 0 < from < to, and there are at least 10 steps. A file with a finder has no sweep
and no phases.
""",
    ),
    "E0455": Story(
        "a finder whose first steps diverge",
        """\
The loss is lost, or four times its best, before it was seen to fall: already the smallest rate is too large, or the
start is one where nothing can be trained.
""",
    ),
    "E0460": Story(
        "what cannot be played",
        """\
'netc play' shows one training as it happens: of a network on its data, or of an objective. A sweep is many trainings, a
finder a short one of its own kind, and phases change more than numbers on the way. A copy of the file without them, with
the numbers of one point or phase, can be played.
""",
    ),
    "E0465": Story(
        "a figure of a layer that is not there",
        """\
Figures of the inside of a network are of a layer that learns, by the name that 'netc explain FILE --layers' gives it, or of
each of them:

    monitor mean(layer1), var(layers), zeros(layers), dead(layers)
    monitor norm(grad R, layer1), norm(step, layers)/norm(theta, layers), norm(theta - theta0)
    monitor cosine(grad R), spread(grad R), fisher(layers), empirical_fisher(layer1)

An objective has neither layers nor samples; norm(step) and norm(theta - theta0) are of its parameters.
""",
    ),
    "E0466": Story(
        "Fisher information without a law",
        """\
The Fisher information of a layer is that of the law of the targets which the network stands for: outputs that are
probabilities of classes, one output that is the probability of the second of two, or, where the loss is half the square of
the distance (half_mse), a normal law of unit variance. Other losses of numbers say no law.
""",
    ),
    "E0467": Story(
        "a figure of the inside that is not monitored",
        """\
norm(step) is the norm of the step that the next iteration makes. It is computed when a report is made, with the states that
the rule has then; an expectation knows the one of the last report:

    monitor norm(step, layer1)
    expect  norm(step, layer1) < 0.01

A sweep keeps the figures of its points, not their parameters: there all figures of layers, and all figures under attack, are
those that are monitored, as they are at the ends of phases.
""",
    ),
    "E0638": Story(
        "a figure in 'stop' that is not compared with a number",
        """\
A run ends where a figure of a part of the data has got so far, which is looked at at the start and at the end of each epoch:

    train epochs = 1000, stop = accuracy(validation) > 90%
    train epochs = 1000, stop = norm(grad R) < 1e-6 or loss(validation) < 0.1 or no gain in loss(validation) for 20 epochs

Such a comparison stands alone or beside 'or', since conditions on theta and the training loss are tested by the kernels,
before an iteration. The figure may be under attack: accuracy(validation, fgsm(0.1)) > 60%.
""",
    ),
    "E0635": Story(
        "no such figure to look at under attack",
        """\
'monitor' follows a figure of a part of the data whose samples are attacked at each report:

    monitor accuracy(test), accuracy(test, fgsm(0.1))

It is the loss, or the accuracy of classes, or the r2 of numbers; and the data have that part.
""",
    ),
    "E0634": Story(
        "dots that may mean several numbers, or none",
        """\
A set goes on in equal steps or in equal ratios where two numbers or more before the dots, and the last one, leave one way:

    {1, 2, ..., 10}            # in steps of 1
    {0.1, 0.01, ..., 1e-5}     # times 0.1
    {2, 4, 8, ..., 512}        # 9 numbers; {2, 4, 6, ..., 512} has 256

{2, 4, ..., 512} would do for both, so it is an error that a third number mends. The last number has to be one that the
dots come to, in exact arithmetic of the numbers as they are typed.
""",
    ),
    "E0495": Story(
        "a file in a folder whose name cannot be written",
        """\
The folder of a run keeps spec.net, which repeats the run from anywhere, so it names data and weights by their whole
path. A name of a folder can hold what no text of a .net file can: a line end, a character that nobody sees, bytes that are
no UTF-8. Rename the folder, or keep the data elsewhere:

    data "../data/houses.csv"
""",
    ),
    "E0496": Story(
        "targets that no output can be",
        """\
The last activation bounds what the network gives: (sigmoid) from 0 to 1, (tanh) from -1 to 1, (relu) from 0 on. A loss that
measures how far the outputs are from the targets has no chance where these lie elsewhere. For numbers of any size the last
layer is linear:

    network [13(tanh)15(lin)1]

or the targets are scaled to where the outputs are: scale_target = minmax. It is a warning: the file runs.
""",
    ),
}
