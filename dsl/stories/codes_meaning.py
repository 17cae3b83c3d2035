"""Longer stories of the codes of names, networks and expressions; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

MEANING: dict[str, Story] = {
    "E0101": Story(
        "a name that means nothing here",
        """\
Every name has a meaning where it stands. An update rule knows theta, its own states, locals and
parameters, n, m, epoch, weights and biases; the loss of a sample knows u and y; an activation its
variable; a schedule step, epoch, steps, epochs; an init fan_in and fan_out. Functions are those of
mathematics and the activations.
""",
    ),
    "E0102": Story(
        "no definition of that name",
        """\
The file, the files it uses and the library have no activation, loss, init, schedule or optimizer of
this name. 'netc list' shows what there is; a block of your own defines a new one:

    activation g(z) = z^2 - 1
""",
    ),
    "E0103": Story(
        "a name with several update rules behind it",
        """\
Libraries and papers use one name for different rules: with the same numbers they make different
steps. So the bare name is an error, and the message lists the rules with their equations. Write the
one that is meant:

    optimizer momentum.heavy_ball(eta = 0.01, alpha = 0.9)

'weight_decay' is such a name, too: added to the gradient and subtracted from theta are different
rules with Adam.

A parameter on which libraries do not agree has to be said as well: (leaky_relu(0.01)), (layernorm(1e-6)).
""",
    ),
    "E0104": Story(
        "defined twice",
        """\
A file defines a name once, and a definition names each of its parameters once. A definition in the file
stands before one of the same name in a file it uses, and that one before the library's.
""",
    ),
    "E0105": Story(
        "a used file that cannot be read",
        """\
'use' takes the definitions of another file. Its path is relative to the file that says 'use':

    use "my_optimizers.net"
""",
    ),
    "E0106": Story(
        "files that use each other",
        """\
The file is used by a file that it uses itself. Put what both need into a third one.
""",
    ),
    "E0107": Story(
        "a used file with more than definitions",
        """\
A file that is used may hold definitions: activations, losses, inits, schedules, optimizers, blocks.
What trains (network, data, train, ...) belongs to the file that is run, so that nothing is run by
accident.
""",
    ),
    "E0108": Story(
        "an argument that is not taken",
        """\
Arguments are given in the order of the definition or by name. Each must be one that the definition
has:

    optimizer momentum.ema(eta = 0.1, beta1 = 0.1)
""",
    ),
    "E0109": Story(
        "an argument is missing",
        """\
A parameter without a default must be given:

    schedule eta = cosine(max = 0.1, period = 50)
""",
    ),
    "E0110": Story(
        "an argument given twice",
        """\
One value by position and one by name, or two by name: leave out one.
""",
    ),
    "E0111": Story(
        "a definition that calls itself",
        """\
An activation is a formula and cannot call itself, directly or by way of others. Inside its own
definition a name means the primitive function, where there is one: 'activation tanh(z) = tanh(z)'
is no recursion.
""",
    ),
    "E0201": Story(
        "the network does not fit the data",
        """\
The first size is the number of inputs of a sample. An image of 28 x 28 pixels has 784:

    network [784(tanh)24(softmax)10]

The talk's slide has [754(tanh)24(softmax)10], a misprint that this error finds.
""",
    ),
    "E0202": Story(
        "the outputs do not fit the targets",
        """\
The last size is the number of target columns or, for classes, the number of classes; for two
classes one output will do:

    network [4(tanh)8(softmax)3]          # three classes, cross_entropy
    network [60(gelu)30(sigmoid)1]        # two classes, one output
""",
    ),
    "E0203": Story(
        "a layer that is not one",
        """\
A layer is operations in parentheses and a size: (tanh) 15 is short for (dense, tanh) 15. Sizes are
whole numbers from 1 on, a dense operation has one, and activations come after a layer.
""",
    ),
    "E0204": Story(
        "a loss that does not go with the last activation",
        """\
A cross entropy takes the logarithm of the outputs, so they must be probabilities: (softmax) for
classes, (sigmoid) for yes or no. With one output cross_entropy would count the samples with target
1 only; binary_cross_entropy counts both.
""",
    ),
    "E0205": Story(
        "softmax of one unit",
        """\
Softmax divides by the sum over the units; of one unit this is always 1, whatever the weights are.
""",
    ),
    "E0301": Story(
        "parameters and outputs do not mix",
        """\
The loss of a sample is a function of its outputs u and targets y; an update rule is one of the
parameters. A penalty on the weights is a sum over them in the loss, or a decay in the rule:

    loss R = sum((u - y)^2) + 0.01*sum(weights^2)

    theta[n+1] = theta[n] - eta*(grad R(theta[n]) + lambda*weights*theta[n])
""",
    ),
    "E0302": Story(
        "a function called the wrong way",
        """\
Each function takes a number of arguments: exp(x), dot(a, b), max(a, b) element by element, max(a)
over a vector, norm(a) or norm(a, per = layer), where(condition, a, b). Activations take their
variable first, then their parameters.
""",
    ),
    "E0303": Story(
        "a vector where one number is needed, or the other way round",
        """\
A condition, a loss, an objective is one number. sum, mean, max, min, norm and dot make one of a
vector:

    until norm(g) < 1e-3
    loss R = sum((u - y)^2)

The other way round, a number is no vector: 'theta[n+1] = eta*norm(g)' would set all parameters to one number.
If that is meant, write 'theta[n+1] = eta*norm(g)*ones'.
""",
    ),
    "E0304": Story(
        "a truth value in the wrong place",
        """\
Comparisons are true or false: they choose between numbers, and are no numbers themselves.

    h = 1 if norm(g) > 1 else 0
""",
    ),
    "E0305": Story(
        "not a number",
        """\
Here a number must be known before anything runs. It may be calculated: 2/5, sqrt(6)/2, 1e-4, 80%,
pi.
""",
    ),
    "E0306": Story(
        "a form that does not belong into an expression",
        """\
Tuples, sets, ranges and texts have their places (init, data, sweep); inside a formula they have no
value.
""",
    ),
}
