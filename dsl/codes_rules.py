"""Longer stories of the codes of update rules; `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.story import Story

RULES: dict[str, Story] = {
    "E0401": Story(
        "an equation that reads what it defines",
        """\
v[n+1] = (1 - beta1)*v[n+1] + beta1*grad R(theta[n]) would have to be solved for v[n+1]. Almost
always v[n] is meant, the value from the iteration before; a slide of the talk has this very
misprint:

    v[n+1] = (1 - beta1)*v[n] + beta1*grad R(theta[n])
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
}
