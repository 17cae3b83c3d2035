"""Longer stories of the codes of settings, training, starts and schedules; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

SETTINGS: dict[str, Story] = {
    "E0501": Story(
        "an unknown setting",
        """\
The statement has no setting of this name; nothing is ignored silently.
""",
    ),
    "E0502": Story(
        "a value of the wrong form",
        """\
The setting takes another kind of value: a word of a list, a whole number, a condition, a column's
name.
""",
    ),
    "E0503": Story(
        "a value out of range",
        """\
epochs, steps, runs and limit are at least 1, a split is above 0% and at most 100%, a batch holds at
most all the samples. No whole number is above 2^53: beyond it not every one is exact.
""",
    ),
    "E0504": Story(
        "a statement is missing",
        """\
A file that trains has a network, a loss and data, or an objective; and an init, an optimizer and a
train statement.
""",
    ),
    "E0505": Story(
        "a statement too many",
        """\
Only one of them can run. Definitions may be many; then one statement says which is used: 'optimizer
NAME'.
""",
    ),
    "E0506": Story(
        "a setting given twice",
        """\
One of the two values would be ignored. Remove one.
""",
    ),
    "E0507": Story(
        "no start",
        """\
Libraries start networks differently, and training depends on it, so a file says where it starts:

    init glorot_uniform                 # or he_normal, torch_default, ...
    init theta = (-1.5, 0.7)            # one explicit start
    init theta ~ uniform(-3, 3)         # with train runs = 1000: a thousand starts
""",
    ),
    "E0508": Story(
        "half a start",
        """\
Weights and biases both need a start:

    init weights ~ uniform(-a, a), a = sqrt(6/(fan_in + fan_out))
    init biases = 0
""",
    ),
    "E0509": Story(
        "a schedule of nothing",
        """\
A schedule names a parameter of the optimizer that runs, or what the network reads for a number of a layer:

    network [784 (relu) 256 (dropout.inverted(rate)) (softmax) 10]
    schedule eta = 0.1 until 20, 0.01
    schedule rate = 0.5 until 20, 0
""",
    ),
    "E0510": Story(
        "pieces that do not make a schedule",
        """\
The pieces of a table follow each other in time, and the last one holds to the end:

    schedule eta = 0.1 until 75, 0.01 until 125, 0.001

A schedule by results (plateau) stands alone.
""",
    ),
    "E0511": Story(
        "training without an end",
        """\
'epochs' or 'steps' bounds the training; with both it ends with what comes first. A 'stop' criterion
may never hold, so it needs a bound beside it.
""",
    ),
    "E0512": Story(
        "nothing of that name to set",
        """\
'--set NAME=VALUE' takes the parameters of the optimizer and the settings of train. A parameter that
is set follows no schedule any more.
""",
    ),
    "E0513": Story(
        "an objective and a network",
        """\
An objective is a function by itself: 'objective R(x, y) = x^2 + 3*y^2'. It has no network, no loss
and no data; its variables have no defaults, 'init theta = (2, 2)' starts them.
""",
    ),
    "E0514": Story(
        "a start that does not fit",
        """\
'init' speaks of weights, biases or theta (all parameters). Laws to draw from are uniform(low,
high), normal(mean, deviation) and orthogonal(gain). An explicit start has one number for each
parameter, a grid one range.
""",
    ),
    "E0515": Story(
        "runs that contradict the starts",
        """\
A list or a grid of starts gives one run each. Leave out 'runs'.
""",
    ),
    "E0517": Story(
        "batches of an objective",
        """\
An objective is a plain function: it has no samples that could be cut into batches, so one iteration
always sees all of it. Functions that are a mean over samples are written as data, network and loss.
""",
    ),
    "E0516": Story(
        "more runs than this machine has room for",
        """Before anything begins the memory and the disk that all runs need are estimated. 'netc run' keeps
the results of very many runs on disk, so its memory does not grow with their number; from Python
they stay in memory. A history of every run ('history = all') is the largest part by far:

    monitor loss, history = summary      # quantiles over runs instead
""",
    ),
    "E0904": Story(
        "the cuda target cannot run here",
        """\
'target = cuda' trains on an NVIDIA GPU. It needs

  - the extra:   pip install 'netc[cuda]'
  - a GPU of compute capability 7.5 (Turing, 2018) or newer
  - its driver, version 580 or newer (CUDA 13)

Nothing falls back to the CPU by itself: leave 'target' out, or say '--target cpu', to train there. What the
kernels would be can be seen on any machine: 'netc show FILE --stage cuda', and 'netc show FILE --stage ptx'
where the extra is installed.
""",
    ),
    "E0663": Story(
        "a name that means something already",
        """\
A definition names its own parameters, variables and loops, but not by what already has a meaning where they are
read: n counts the iterations of every rule, u and y are the outputs and targets of every loss, fan_in, fan_out and
layer belong to every start, epoch and step to every schedule. A variable of an objective is read by 'expect' and
'stop' beside their figures (loss, steps, accuracy, ...). It may share its name with a parameter of the rule, and a loss its
name with a function, where no 'expect', 'monitor', 'stop' or rule of the file reads that name. Two meanings of a name that
is read would be one too many: choose another name.
""",
    ),
    "E0664": Story(
        "a share above 1",
        """\
An accuracy is a share of the samples, and 'share(...)' one of the runs: numbers from 0 to 1, as 95% is 0.95. Compared with
95 it is never larger and always smaller, and within 1 of everything. Write the percentage with its sign: 'accuracy(test) >
95%', 'within 1%' (percentage points, where the stated value is a percentage). r2 is
at most 1 as well, and has no least value.
""",
    ),
    "E0665": Story(
        "a share in the place of a time",
        """\
What stands after 'until', and the periods, warmups and patience of schedules, are numbers of epochs, or of iterations with
'unit = step': 50% would be half an epoch. So is what is compared with 'epoch' or 'step', taken from it or divides it. A
share of the training is said by an expression, in which 'epochs' and 'steps' are what is planned: 'schedule eta = 0.1 if
epoch < epochs/2 else 0.01'.
""",
    ),
    "E0666": Story(
        "a root without its parentheses",
        """\
A power binds closer than a quotient: x^1/2 is (x^1)/2, half of x. Nobody writes a power of 1, so a root is meant:
x^(1/2), or sqrt(x). (x^1)/2 in parentheses is half of x.
""",
    ),
    "E0905": Story(
        "a figure that cannot be monitored",
        """\
'monitor' reports loss, accuracy, r2, norm(grad R) and norm(theta); components of theta and of the rule's states,
counted from 1 (theta[1], v[2]), the variables of an objective, norms of states (norm(v)) and scalar states. What is
made of them is followed under a name: V = R(theta[n]) + norm(v[n])^2/2.
""",
    ),
    "E0907": Story(
        "a schedule of a layer",
        """\
A schedule is of a number. The network says where in a layer it stands, under a name of its own:

    network [784 (relu) 256 (dropout.inverted(rate)) (softmax) 10]
    schedule rate = 0.5 until 20, 0
""",
    ),
    "E0908": Story(
        "the GPU's memory is too small",
        """\
The data lie on the GPU as a whole, with at least one run beside them. Runs that do not fit at once are trained
in pieces, so their number is no obstacle; the data and a single run are. Take fewer samples ('limit = 10000'),
'precision = f32', or train on the CPU.
""",
    ),
    "E0909": Story(
        "the GPU was lost",
        """\
A launch or a copy failed: the GPU was reset, taken away, or ran out of time (on a machine whose GPU also draws
the screen, the system ends what takes longer than a few seconds). The runs are kept as they last came back, in
the checkpoint of the run's folder: 'netc run --resume RUN' goes on from there.
""",
    ),
    "E0911": Story(
        "an array of more elements than a GPU's kernels count",
        """\
What layers compute is held in arrays with a number for each sample that is worked on at once. Samples are taken some at a
time, as many as there is room for; but where a layer takes statistics of the batch, all of its samples must be there. The
kernels count an array's elements in 32 bits. Take smaller batches, or train on the CPU.
""",
    ),
    "E0910": Story(
        "a rule that works on matrices",
        """\
Muon, Shampoo, SOAP and Adafactor multiply and transpose the weight matrix of a layer, or reduce it by
rows and by columns. An update rule of netc has numbers and vectors like theta, and reductions of these
over all, per layer and per tensor: such steps cannot be written, and the rules are not in the library.
Rules that scale a step by norms of matrices can: you2017.LARS, you2020.LAMB, keras.Lamb.
""",
    ),
}
