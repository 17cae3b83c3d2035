"""Longer stories of the codes of validation, of what is kept, and of several trainings; `codes.py` joins all."""

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
    "E0447": Story(
        "what a phase cannot change",
        """\
A phase is the file with some settings replaced: those of train and data, optimizer and loss, a parameter of the rule, a
name that stands in the file, and the source of the data:

    phase blurred: data = "blurred.csv", epochs = 40
    phase fine:    optimizer = gd(eta = 0.001), epochs = 20, freeze = layer1

Phases hand on the parameters, so the network, the runs, the seed and the precision are the same in all of them.
""",
    ),
    "E0448": Story(
        "what is frozen",
        """\
'freeze' names layers (layer1), arrays of a layer (layer1.weight), 'weights' or 'biases' of all layers, or several of these
in a set: freeze = {layer1, layer2.bias}. What is frozen stays as the phase before left it: no derivative is taken by it,
and the rule does not see it. Something is left to train.
""",
    ),
    "E0449": Story(
        "the name of a phase",
        """\
Each phase has a name of its own, which is none of the data's parts: expectations use it, as in loss(test, fine). With
'times = 3' the phase 'cycle' is three phases: cycle1, cycle2, cycle3.
""",
    ),
    "E0450": Story(
        "a rule that cannot go on",
        """\
In the next phase a rule goes on: its states, and n and epoch, which its schedules read. That needs as many batches in an
epoch as before, and as many samples where the phase before ended within an epoch. Where they are others the rule begins
anew: restart = true. A phase with another rule, and one after a phase that may end early ('stop') or does not keep its
last parameters ('keep'), begins anew without being told.
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
    "E0452": Story(
        "an ensemble of one, or of what is not there",
        """\
An ensemble is made of two networks at least: of all runs of a training, or of the ends of its phases:

    train    epochs = 50, runs = 5
    ensemble runs

    phase    cycle: epochs = 20, times = 3, restart = true
    ensemble {cycle2, cycle3}, by = vote

Its figures are loss(test, ensemble), accuracy(test, ensemble), ...; of the ends of phases each run has its own.
""",
    ),
    "E0453": Story(
        "folds",
        """\
'folds = 5' cuts the training samples into five parts, and trains five times: each part validates once, and the others train.
It takes the place of 'validation'. 'fold = 2' chooses one of them.
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
    "E0475": Story(
        "how the points of a sweep are chosen",
        """\
Without 'by' the points are a grid, or drawn by their laws. 'by = tpe' chooses each where those before it were good:

    sweep eta ~ log_uniform(1e-4, 1), lambda ~ log_uniform(1e-6, 1e-2), trials = 200, by = tpe

It needs the number of points, 'trials'. 'by = halving' trains all points a little, the better half twice as long, and so on
until one comes to the end:

    sweep eta ~ log_uniform(1e-4, 1), trials = 64, by = halving

A seed or a fold is not looked for: 'runs = 5' makes five runs of each point, and their median counts.
""",
    ),
    "E0639": Story(
        "points that nobody chooses, chosen at once",
        """\
'by = tpe' chooses a point by the figures of all before it. With 'at_once' it chooses so many before it waits for their
figures, so that as many workers can train them:

    sweep eta ~ log_uniform(1e-4, 1), trials = 200, by = tpe, at_once = 8

Points of a grid, drawn points and those of 'by = halving' wait for none.
""",
    ),
    "E0476": Story(
        "points chosen by what is not installed",
        """\
The tree-structured Parzen estimator of 'by = tpe' is that of Optuna, an extra: pip install "netc[tpe]". Without 'by' the
points are drawn by their laws.
""",
    ),
    "E0477": Story(
        "folds that cannot answer together",
        """\
The trainings of all folds answer together, for each point of a sweep and each run, and are judged on the test part, which
no fold has seen:

    data     iris, scale = zscore, split = 80%, folds = 5
    ensemble folds
    expect   accuracy(test, ensemble) > 90%

So there are folds and a test part, and no point is drawn ('trials') or stopped early ('by = halving').
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
