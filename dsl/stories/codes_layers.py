"""Longer stories of the codes of layers, blocks and their shapes; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

LAYERS: dict[str, Story] = {
    "E0220": Story(
        "an index without a range",
        """\
An index runs over as many places as the array has in which it stands plainly, x[i], or as is said: o in out. Where it
stands only in a computed place of several open indices, x[i + j], nothing says how far each of them runs.

    layer window(out):
        learn W[o in out, p in 3]
        z[t, o] = sum[p](W[o, p]*x[t + p])
""",
    ),
    "E0221": Story(
        "an index that two arrays give two sizes",
        """\
An index has one range in a layer. Where it stands plainly in two arrays, these have as many places there; another
index is another letter. A part of an array is read at a computed place: x[0 + i] where i runs less far than x.
""",
    ),
    "E0222": Story(
        "a window that is larger than what it slides over",
        """\
A convolution or a pooling of 5x5 needs an image of at least 5 x 5, the pad on either side counted. Layers before it
have made the image smaller: 'netc explain FILE --layers' shows how far.
""",
    ),
    "E0223": Story(
        "an array with another number of indices",
        """\
A layer for images, x[h, w, c], cannot act on a row of numbers: the network says its inputs as a shape, [28x28x1 ...],
and what flattens the image comes behind. In the text of a layer every array has as many subscripts as where it is
declared.
""",
    ),
    "E0224": Story(
        "an index that is left over, or none that is needed",
        """\
z[o] = W[o, i]*x[i] leaves i open: it is summed over, sum[i](W[o, i]*x[i]), or stands on the left as well. What a layer
gives hangs on its input, and a state, m[c, n+1], on no single sample: mean[batch](x[c]) is over all of them.
""",
    ),
    "E0225": Story(
        "shapes that cannot be joined",
        """\
In a block x + [...] adds number to number, so the bracket gives the shape of x: `same` keeps height and width, and the
last size is the number of channels of x. A bracket [c (...) ...] says how many channels its input has.
""",
    ),
    "E0226": Story(
        "a range that is no whole number",
        """\
A range follows from sizes: o in out, c in extent(x, 3)/groups. Channels that groups, features that heads do not divide
leave no whole number.
""",
    ),
    "E0227": Story(
        "a block that contains itself",
        """\
Blocks may use other blocks, not themselves, not by way of others either. What is meant may be repetition:

    network [32x32x3 (conv 3x3 same, relu) 16 (res) x 3 (globalavgpool) (softmax) 10]
""",
    ),
    "E0228": Story(
        "a line that a layer cannot have",
        """\
A layer learns arrays, draws, and has equations, of which the last is what it gives. Sizes, conditions and ranges are
known from its parameters and the extents of its input, extent(x, 1).

    layer scaled(units; bias = true):
        learn W[o in units, i] as weights, b[o] as biases if bias
        z[o] = sum[i](W[o, i]*x[i])/sqrt(extent(x, 1)) + b[o]
""",
    ),
    "E0229": Story(
        "a recurrence that is none, or an array given twice",
        """\
An array is given once, before it is read. In a recurrence it is read at an earlier place along one index, h[t-1, k] on
the right of h[t, k]; all equations from there to the one of h have that index.
""",
    ),
    "E0230": Story(
        "a name that means nothing in a layer",
        """\
A layer knows its input x, its parameters, the arrays that it learns, draws and computes, their indices, pi, training,
extent(x, 1), inside(...), functions of numbers, activations of single numbers, and reductions over named indices:
sum, mean, max, min and softmax.
""",
    ),
    "E0231": Story(
        "a line of a layer that nothing reads",
        """\
Nothing that is written is ignored: each array and each number of a layer is read by another line, or is what the layer
gives, its last line.
""",
    ),
    "E0240": Story(
        "statistics of a batch in test mode",
        """\
In test mode a sample's outputs hang on that sample alone, whichever others it is predicted with. A layer that takes
statistics of the batch in training keeps running ones in a state, whose last index is the iteration, for all else.

    layer centred:
        mu[c]     = mean[batch](x[c])
        m[c, n+1] = 0.9*m[c, n] + 0.1*mu[c]
        z[c]      = x[c] - mu[c]   if training
        z[c]      = x[c] - m[c, n] else
""",
    ),
    "E0241": Story(
        "a batch of one sample under batch norm",
        """\
A warning. Mean and variance of one number are that number and 0: batch norm gives beta, whatever comes in, and a running
variance with n - 1 is divided by 0. PyTorch refuses such a batch. It may be the last one only: 101 samples in batches of
50. On images the places count as samples, and nothing is said.

    network [13 (tanh) 15 (torch.BatchNorm1d) (lin) 1]
    train   epochs = 10, batch = 1          # batch = 32, or (torch.LayerNorm)
""",
    ),
    "E0250": Story(
        "a layer that the network has not",
        """\
'init layer1: ...' and masks of rules name layers as 'netc explain FILE --layers' shows them: layer1, layer2, ... of all
that learns. A start may also name what they are, conv or dense, which means all of these, and the first or the last layer.

    init       he_normal
    init conv: weights ~ normal(0, 0.02)
    init last: weights = 0
""",
    ),
    "E0251": Story(
        "names of a file that do not go with the layers",
        """\
A file of weights has netc's names (layer1.weight) or the numbers of an nn.Sequential (0.weight), which are read in their
order. Other names are said, one for each layer in turn:

    init layer1, layer2: from "net.pt", names = (conv1, "features.3")
""",
    ),
    "E0252": Story(
        "the start of a layer that looks like a definition",
        """\
'init NAME:' with a block defines a start of one's own. The start of all convolutions stands on one line, that of a layer
by its name may stand in a block.

    init conv: weights ~ normal(0, 0.02), biases = 0
    init layer1:
        weights ~ normal(0, 0.02)
        biases  = 0
""",
    ),
    "E0253": Story(
        "the derivative by the inputs where none can stand",
        """\
grad_x R is the derivative of the loss by the inputs of the samples, one number for each input of each sample. Its norm over
all of them and its largest element are figures, of the training loss by the scaled inputs:

    monitor norm(grad_x R), max(|grad_x R|), every = 10
    expect  norm(grad_x R) < 0.1

An update rule moves the parameters: there grad R(theta[n]) is the derivative by these. From Python the whole of it is
model.gradient(theta, X, y, wrt="x").
""",
    ),
    "E0254": Story(
        "a loss by places that does not go with the network",
        """\
u[1], u[2], ... are the outputs of a network by their places, y[1], y[2], ... the targets. A loss that reads them so says how
many there are, and they need not be equally many: one target with its mean and its variance.

    network [1 (tanh) 16 (lin) 2]
    loss nll = (u[2] + (u[1] - y[1])^2*exp(-u[2]))/2

Of an image or a sequence u[1] is an array over its places, and the loss of a sample is one number: mean((u[1] - y[1])^2).
""",
    ),
    "E0255": Story(
        "weights of samples without a divisor",
        """\
The weight of a sample is a number made of its target, y[1] + 5*y[2] for classes, or a column of the data: data ...,
weights = w. Libraries divide the sum of the weighted losses of a batch by different numbers, so there is no default.

    loss cross_entropy, weight = y[1] + 5*y[2], divide = weights    # PyTorch's CrossEntropyLoss(weight = ...)
    loss cross_entropy, weight = y[1] + 5*y[2], divide = samples    # Keras' class_weight
""",
    ),
    "E0256": Story(
        "outputs that are no targets, and scaled targets",
        """\
What a network predicts is put back into the units of the targets. Where its outputs are not the targets, as a mean and a
variance of one target, nothing says how: the targets are left as they are, or scaled in the data themselves.

    data "houses.csv", target = price, scale = zscore, scale_target = none
""",
    ),
    "E0257": Story(
        "a sum over parameters in a loss that cannot be taken",
        """\
A loss may add penalties on parameters: sum(weights^2), sum(|layer2.weight|), norm(theta), mean, max and min likewise. Groups
are theta, weights, biases, gains, layer2 and the arrays of a layer. A reduction is over one group and makes a number of it.

    loss R = sum((u - y)^2)/2 + 0.01*sum(weights^2) + 0.001*sum(|layer1|)

Over named indices it is an equation as those of layers are, of one array by its name, with parameters and numbers alone:

    loss R = sum((u - y)^2)/2 + 0.01*sum[i, k](layer1.weight[i, k]^2)

The loss is that of one sample, and of a mean over samples a penalty counts once. With reduce = sum it would count once for
each sample: there it is divided by the number of samples, or the mean is minimised instead.
""",
    ),
    "E0258": Story(
        "the name of a stage that joins nothing",
        """\
A stage of a network gets a name with 'as', and a stage behind it joins what it gives to its own input: (concat e1) puts the
channels of e1 behind those that come, (add e1) adds the two. Every name is given once and read.

    network [16x16x1 (conv 3x3 same, relu) 8 as e1 (maxpool 2x2) (conv 3x3 same, relu) 16
             (upsample 2x2) (concat e1) (conv 3x3 same, relu) 8 (conv 1x1, softmax) 2]
""",
    ),
    "E0264": Story(
        "what cannot follow a schedule",
        """\
A schedule changes a number in the equations of a layer while it is trained: the network names the schedule where the number
would stand. Sizes, shapes and words say how a layer is built, once for all; blocks and activations are given numbers. Layers
inside of a block can read the schedule by its name.

    network [784 (relu) 256 (dropout.inverted(rate)) (softmax) 10]
    schedule rate = 0.5 until 20, 0
""",
    ),
    "E0265": Story(
        "one name for two schedules",
        """\
A parameter of the optimizer and what the network reads have the same name, so nobody can say which of them a schedule
means. Another name in the network tells them apart.

    network  [784 (relu) 256 (dropout.inverted(rate)) (softmax) 10]
    schedule eta = 0.1 until 20, 0.01
    schedule rate = 0.5 until 20, 0
""",
    ),
    "E0263": Story(
        "the kind of a point of a network with two modes",
        """\
A warning. Dropout and batch norm compute something else in training than in use. What kind of point a run has reached is
told by the Hessian of the loss in test mode, on all samples: it is a function of theta and of the states that were kept, and
nothing is drawn. The rule went along another loss, of batches and with draws, so the gradient of this one need not be 0.

    network [13 (tanh) 15 (dropout.inverted 0.2) (lin) 1]
    expect  minimum                   # of the network without dropout
""",
    ),
    "E0271": Story(
        "an image with its channels first",
        """\
An image is height x width x channels. 3x32x32 would have 3 rows, 32 columns and 32 channels, and windows would go over the
channels of the image that was meant. Write 32x32x3, and bring the data into this order: arrays (N, 3, 32, 32) by
X.transpose(0, 2, 3, 1); in a table with a column for each number the channels are the fastest, then the width.
""",
    ),
    "E0280": Story(
        "a number of parameters that the network has not",
        """\
The network alone decides how many parameters there are, so 'netc check' compares it with what is expected, and nothing is
trained. 'netc explain FILE --layers' lists them layer by layer. What a paper says besides may differ: claimed = 3200 is no
error. Of a sweep, whose points may have different numbers, the runs tell.

    expect parameters = 3246
    expect parameters < 5000
""",
    ),
    "E0270": Story(
        "a block of the library beside a definition of the file",
        """\
A block of the library is made of layers and activations of the library: vit.block of attention, layernorm, dense, gelu.
A file that gives one of these names another meaning would change what the block computes without a word. Give yours
another name, or write the block in the file: `netc explain vit.block` shows its lines.
""",
    ),
}
