"""Longer stories of the codes of samples: how they are drawn, weighted, changed and parted; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

SAMPLES: dict[str, Story] = {
    "E0259": Story(
        "weights of samples that are nowhere",
        """\
'weights = w' names the column of a table that holds a weight for each sample, a number from 0 on. The network does not see
it: it is no input and no target. With arrays from Python it is 'data given, weights = given':

    model.train(X, y, sample_weight = w)

Data whose rows stand in the file, or are generated, have inputs and outputs only.
""",
    ),
    "E0260": Story(
        "parts in the order of time",
        """\
With 'order = time' the first rows train, those behind them validate and the last ones test:

    data "prices.csv", target = price, split = 80%, order = time

Parts that have their share of each class, and folds, take their samples from everywhere.
""",
    ),
    "E0261": Story(
        "windows over what is no series",
        """\
'window = 20' makes a sample of each row and the 20 before it. So the rows follow one another in time, with none left out,
and stand in a table or come as arrays:

    data "prices.csv", target = price, window = 20, split = 80%
""",
    ),
    "E0470": Story(
        "samples that cannot be drawn",
        """\
With 'sampling = replacement' each sample of each batch is drawn from all training samples, whatever was drawn before:

    train epochs = 100, batch = 1, sampling = replacement

An epoch is then as many draws as there are samples: some come twice, one in e is left out. A full batch draws nothing, and
what is drawn does not keep the order of the data, so it goes with neither 'batch = full' nor 'shuffle = false'.
""",
    ),
    "E0471": Story(
        "what is no attack",
        """\
An attack is a block of equations for the inputs x of a sample, of those of the data, x0, and the derivative grad_x R:

    attack pgd(eps, alpha, rounds):
        for i in 1..rounds:
            x = max(x0 - eps, min(x0 + eps, x + alpha*sign(grad_x R)))

Loops are over 1..N, at most 1000 rounds.
""",
    ),
    "E0472": Story(
        "an attack without units",
        """\
The numbers of an attack are in the units of scaled inputs. With 'scale = minmax', eps = 0.1 is a tenth of each input's
range, with 'scale = 1/255' a tenth of 255, with 'scale = zscore' a tenth of its standard deviation. Where the data say
nothing it is not clear that a tenth of their own unit is meant; 'scale = none' says so.
""",
    ),
    "E0473": Story(
        "a training that cannot be attacked",
        """\
With 'train ..., against = fgsm(0.1)' the batch of each iteration is attacked before the iteration sees it, by the CPU, at
the parameters of that moment. So there is one batch an iteration, no GPU, and no condition on the loss of all samples.
""",
    ),
    "E0474": Story(
        "what cannot be done to samples",
        """\
'augment' changes the training samples anew in every epoch, in the order in which it is written:

    augment shift(2), flip, rotate(10), noise(0.05), mixup(0.2)
    augment blur(1.5) until 40

shift(pixels), flip (left and right), rotate(degrees) and blur(sigma) are of images: the network's input is one, height x
width or height x width x channels, or the columns are a square of pixels. noise(sigma) and mixup(alpha), alpha <= 1, are of
any inputs. The samples are made by the CPU, between epochs; conditions on the loss of all samples have none to go by.
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
    "E0632": Story(
        "more folds than samples",
        """\
Each fold is the validation part of one training, so it holds a sample at least; with 'stratify = true' one of each class.
""",
    ),
    "E0633": Story(
        "classes that cannot be chosen",
        """\
'only = {3, 8}' keeps the samples of these classes, in every part; 'each = 10' ten training samples of each class, the first
ones in the order of the split. Both need a target of classes, and samples enough.
""",
    ),
    "E0650": Story(
        "a number that is no weight",
        """\
Weights of samples are finite numbers from 0 on. A sample of weight 0 counts for nothing; at least one that trains counts.
""",
    ),
    "E0652": Story(
        "a series that is shorter than its window",
        """\
A sample needs a row for its target and as many before it as the window is long; in a validation part of its own as well.
""",
    ),
    "E0670": Story(
        "a whole number that float64 does not have",
        """\
Numbers of data are float64, which has every whole number up to 2^53 = 9007199254740992; above it 9007199254740993 would be
read as its neighbour, and two that differ as one. A number that names the row (an id, a hash) is no input: leave its column
out with 'inputs = (...)', or write it with a letter, n9007199254740993. A quantity of this size (nanoseconds) may be
rounded: write it with a point, 9007199254740993.0, give array.astype(float), or another unit.
""",
    ),
    "E0655": Story(
        "label noise without labels",
        """\
'label_noise = 15%' draws 15 % of the training labels anew, each class equally likely; the validation and the test part keep
theirs. It needs a target of classes. Noise of generated numbers is written where they are: sin(3*x) + normal(0, 0.1).
""",
    ),
}
