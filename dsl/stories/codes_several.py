"""Longer stories of the codes of several trainings: sweeps, phases, ensembles, folds; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

SEVERAL: dict[str, Story] = {
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
}
