"""Longer stories of the codes of update rules; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

RULES: dict[str, Story] = {
    "E0401": Story(
        "an equation that reads what it defines",
        """\
v[n+1] = (1 - beta1)*v[n+1] + beta1*grad R(theta[n]) would have to be solved for v[n+1]. Almost
always v[n] is meant, the value from the iteration before; a slide of the talk has this very
misprint:

    v[n+1] = (1 - beta1)*v[n] + beta1*grad R(theta[n])

Where the equation is linear in what it defines the message says its solution, too. That of the slide,
v[n+1] = (1 - beta1)*v[n+1] + grad R(theta[n]), is v[n+1] = grad R(theta[n])/beta1: gradient descent
with the rate eta/beta1, and no momentum at all.
""",
    ),
    "E0402": Story(
        "an index that a rule cannot have",
        """\
A state is read at n (its value now) and set at n+1. Between them there may be substeps, n+1/2, or
n+i/m in a loop over i in 1..m, whose former value is n+(i-1)/m. [0] is the start. Older values are
states of their own:

    old[n+1]   = theta[n]
    theta[n+1] = theta[n] - eta*grad R(theta[n]) + alpha*(theta[n] - old[n])
""",
    ),
    "E0403": Story(
        "a state that is never updated",
        """\
A name with an index is a state: an equation must say what it is at n+1. A constant is a parameter
or a local, without index.
""",
    ),
    "E0404": Story(
        "the equation that matters is missing",
        """\
An update rule says what theta[n+1] is; a schedule by results what value[k+1] is.
""",
    ),
    "E0405": Story(
        "read before it is known",
        """\
Equations are computed in the order in which they stand. Read v[n], or move the equation up.
""",
    ),
    "E0406": Story(
        "an index too few or too many",
        """\
States (and theta) have an index, parameters and locals have none:

    g          = grad R(theta[n])
    v[n+1]     = beta*v[n] + g
""",
    ),
    "E0407": Story(
        "a name that cannot be set",
        """\
Parameters of the rule and n, m, epoch, weights, biases and R are given. Choose another name for a
local; a parameter that changes follows a schedule.
""",
    ),
    "E0408": Story(
        "a search without an end",
        """\
A 'repeat:' block has a line 'until CONDITION' in it; when it holds the block is left at that line:

    repeat:
        p = theta[n] - h*g
        until R(p) < R(theta[n])
        h = h/2

Something in the block has to change what 'until' asks, else it asks the same for ever.
""",
    ),
    "E0409": Story(
        "the loss at something that is no point",
        """\
R(p) and grad R(p) take a vector like theta: theta[n], theta[n] + alpha*v[n], or a local made of
such.
""",
    ),
    "E0410": Story(
        "a division by zero in the first iteration",
        """\
n counts from 0, so 1 - beta^n is 0 at first, and the step is 0/0. In Adam's correction n+1 is
meant, the number of gradients seen; a slide of the talk has n. Another exception is written as a
choice: '1 if n == 0 else ...'.
""",
    ),
    "E0411": Story(
        "a start that evaluates the loss",
        """\
s[0] may be made of parameters and of theta[0]. A value that needs the loss is chosen in the
equation itself:

    v[n+1] = g if n == 0 else beta*v[n] + (1 - beta)*g
""",
    ),
    "E0412": Story(
        "two equations for one value",
        """\
Equations are not assignments: v[n+1] has one value in an iteration. Give what comes in between a
name of its own.
""",
    ),
    "E0413": Story(
        "the batches are not those of the rule",
        """\
A rule that names batches, R[1] and R[2], needs just so many:

    train epochs = 100, batch = 2 parts

One that visits all, R[i] in 'for i in 1..m:', takes any number of them but a single one. Batches are
numbered from 1. A rule that keeps something for each batch needs the same batches in every epoch:
shuffle = false.
""",
    ),
    "E0414": Story(
        "a parameter out of its range",
        """\
A rule may say what it requires of its parameters, as libraries do:

    optimizer ema(eta = 0.01, beta = 0.9):
        require    = eta >= 0 and 0 <= beta and beta < 1
        v[n+1]     = beta*v[n] + (1 - beta)*grad R(theta[n])
        theta[n+1] = theta[n] - eta*v[n+1]
""",
    ),
    "E0415": Story(
        "a search inside an expression",
        """\
A search is lines, not a formula: its call stands alone on the right of an equation.

    h = backtracking(R, theta[n], g, norm(g)^2, f2*eta[n])
    theta[n+1] = theta[n] - h*g
""",
    ),
    "E0416": Story(
        "a search that is given no loss",
        """\
A parameter of a search that is called in it, F(p), stands for the loss: R, or R[i] in a rule that
visits the batches.
""",
    ),
    "E0417": Story(
        "a search that is not whole",
        """\
A search is given all it needs and ends with its value. What is kept from iteration to iteration
belongs to the rule that calls it.

    search halving(F, p, d, start):
        h = start
        repeat:
            until F(p - h*d) < F(p)
            h = h/2
        value = h
""",
    ),
    "E0418": Story(
        "a value per batch that is not",
        """\
A name that is set with the number of a batch has one value for each batch, which it keeps until it is
set again, over epochs too; at first all are 0. It is read with the number of a batch, or all at once:

    for i in 1..m:
        G[i] = grad R[i](theta[n])
        s[i] = norm(G[i])
    g = sum(G)
    h = 1/s[argmax(s)]
""",
    ),
    "E0421": Story(
        "the loss is tried on the wrong side",
        """\
A search compares the loss at a point ahead with the loss here. If the step is theta[n] - h*g, the
point ahead is theta[n] - h*g; R(theta[n] + h*g) lies uphill, and the test says nothing about the
step that is taken. A slide of the talk has this sign in Armijo's test. Right is

    until R(theta[n] - h*g) - R(theta[n]) <= -lambda*h*norm(g)^2
""",
    ),
    "E0422": Story(
        "computed and never used",
        """\
Neither theta nor the end of a search depends on this state or local, directly or by way of others:
the rule would do the same without it. Most often the equation of theta[n+1] reads the gradient where
it should read the state. A warning: the rule runs. A rule with a line source = "..." in its block is
taken as it is meant.
""",
    ),
    "E0423": Story(
        "a rate that acts twice",
        """\
The rate multiplies the gradient on its way into a state and the state on its way into theta, so half
the rate makes steps a quarter as long:

    v[n+1]     = (1 - beta)*v[n] + eta*grad R(theta[n])
    theta[n+1] = theta[n] - eta*v[n+1]

It exists (momentum.double_rate, the third form on a slide of the talk, discretises an equation of
motion), and is usually a slip. A warning: the rule runs. If it is meant, say where the rule comes
from by a line source = "..." in its block, and nothing is said any more.
""",
    ),
    "E0424": Story(
        "a schedule for a rate that sits in a state",
        """\
In v[n+1] = alpha*v[n] - eta*grad R(theta[n]), theta[n+1] = theta[n] + v[n+1] each part of v was made
with the rate of its own iteration. When a schedule lowers eta tenfold, steps stay as long as before
and get shorter over some 1/(1 - alpha) iterations. Keras, Chainer and MXNet do that; PyTorch, TF1 and
optax.sgd keep the rate outside, and are the same rule only as long as the rate is constant. The cure
inside is v[n]*eta_n/eta_(n-1), the one outside is momentum.heavy_ball. A warning: the rule runs.
Nothing is said about a rule with a library's own name (keras.SGD), or with a source.
""",
    ),
    "E0425": Story(
        "an epsilon that is too small or too large",
        """\
Epsilon keeps a denominator such as sqrt(s) + eps from being 0. In float32 the square of a gradient
below 1e-22 is 0, so that an epsilon much smaller than that lets steps grow without bound, and one
below 1.2e-38 is no number at all. A large one takes over: where gradients are smaller than eps (than
its root, if it stands inside the root) the rule is gradient descent with the rate eta/eps. A warning:
the rule runs.
""",
    ),
    "E0426": Story(
        "a start that reads what an iteration sets",
        """\
A state starts before the first iteration, from parameters of the rule, from theta[0] and from other starts.
What an equation of the rule sets, a local name or a state at n+1, is not known yet. To start from the first
gradient, choose in the equation:

    g      = grad R(theta[n])
    v[n+1] = (g if n == 0 else beta*v[n] + (1 - beta)*g)
""",
    ),
    "E0427": Story(
        "a rate of 0 and a number right behind it",
        """\
In optimizer torch.SGD(0,1) the comma is between two arguments: lr = 0 and momentum = 1, and theta never moves.
Numbers have a decimal point: torch.SGD(0.1). A warning: the rule runs. Where two arguments are meant, a blank or
names say so: torch.SGD(lr = 0, momentum = 1).
""",
    ),
    "E0428": Story(
        "a loop that is too long to be tried",
        """\
'netc check' tries a rule on some gradients, to see whether its rate stands there twice, for example; 'netc diff'
compares rules that way. A step that goes round its loops more than a thousand times is not tried: the check says so in
a warning, and the rule runs; a comparison is refused. With fewer rounds,

    for i in 1..10:

rules can be compared.
""",
    ),
}
