"""The longer story of every diagnostic code, for `netc explain CODE`: of what cannot be read (E00xx), and all others."""

from __future__ import annotations

from netc.dsl.stories.codes_data import DATA
from netc.dsl.stories.codes_everyday import EVERYDAY
from netc.dsl.stories.codes_layers import LAYERS
from netc.dsl.stories.codes_meaning import MEANING
from netc.dsl.stories.codes_results import RESULTS
from netc.dsl.stories.codes_rules import RULES
from netc.dsl.stories.codes_samples import SAMPLES
from netc.dsl.stories.codes_settings import SETTINGS
from netc.dsl.stories.codes_several import SEVERAL
from netc.dsl.stories.story import Story as Story

CODES: dict[str, Story] = {
    "E0001": Story(
        "a character without meaning",
        """\
The text holds a character that is no part of the language.

Greek letters and the signs of mathematics are: θ, η, β₁, ∇, ·, ², √, ‖x‖, ≤, ∈ and others are other
spellings of theta, eta, beta1, grad, *, ^2, sqrt, norm(x), <=, in. What is left are signs such as @, $ and ?,
and characters that do not print. An approximate claim is written with 'within':

    expect theta = 2 within 1e-6
""",
    ),
    "E0002": Story(
        "a text without its quotes",
        """\
A text begins and ends with a straight double quote, on one line:

    data "boston.csv", target = medv
""",
    ),
    "E0003": Story(
        "indentation that does not fit",
        """\
Statements begin at the margin. Only a line that ends with ':' opens a block, and all lines of the
block are indented by the same blanks (or the same tabs):

    train:
        epochs = 200
        batch  = 32
""",
    ),
    "E0004": Story(
        "a closing bracket that does not match",
        """\
Every ')', ']' and '}' closes the last bracket of its kind that is still open:

    loss R = sum((u - y]^2)        # ']' where ')' is due
    loss R = sum((u - y)^2)
""",
    ),
    "E0005": Story(
        "a bracket that is never closed",
        """\
Inside brackets an expression may go on over several lines, so a bracket that is left open takes
the lines below with it. The message points at the bracket that was opened:

    network [13(tanh)15(lin)1    # ']' is missing
""",
    ),
    "E0006": Story(
        "not a name",
        """\
The head of a definition holds a name and, in parentheses, the names of its parameters, each with or
without a default:

    objective R(w, b) = (w*b - 1)^2
    optimizer ema(eta = 0.01, beta1 = 0.1):
        ...
""",
    ),
    "E0007": Story(
        "a line that begins with no keyword",
        """\
Every statement begins with its keyword: network, block, activation, loss, objective, data, init,
optimizer, schedule, train, sweep, monitor, expect, points or use. A setting belongs to its statement:

    epochs = 200                   # no statement
    train epochs = 200
""",
    ),
    "E0008": Story(
        "a line that ends too early",
        """\
Something is still due where the line ends. An expression goes on in the next line only inside
brackets:

    loss R = sum((u - y)^2) +      # the line ends here
        lambda*sum(u^2)
    loss R = (sum((u - y)^2) +
        lambda*sum(u^2))
""",
    ),
    "E0009": Story(
        "something unexpected",
        """\
The statement makes sense up to this place, but what stands here cannot follow. The message lists what
can. Often a comma, an operator or a closing bracket is missing just before:

    monitor loss accuracy          # ',' is missing
    monitor loss, accuracy
""",
    ),
    "E0010": Story(
        "nested too deeply",
        """\
More brackets or operations are nested in one another than the compiler follows. Give a part of the
expression a name of its own:

    a = ...
    theta[n+1] = theta[n] - eta*a
""",
    ),
    "E0011": Story(
        "'=', '==' and ':' confused",
        """\
'=' gives a value to a name. ':' ends a line and opens an indented block. Equality inside an expression
is '=='; the claim of an expect has one '=':

    train epochs = 200
    train:
        epochs = 200
    expect theta = 2 within 1e-6
    activation step(z) = 1 if z == 0 else 0
""",
    ),
    "E0012": Story(
        "a path without quotes",
        """\
The path of a file is a text and stands in quotes; a bare name is that of a named data set:

    data boston                    # the named set
    data "boston.csv"              # the file
""",
    ),
    "E0013": Story(
        "an operator is missing",
        """\
Two things stand side by side with nothing between them. A product is always written with its sign:

    loss R = 2 sum(u)              # 2*sum(u)
""",
    ),
    "E0014": Story(
        "a block without lines",
        """\
A line that ends with ':' is followed by at least one indented line:

    optimizer gd(eta = 0.1):
        theta[n+1] = theta[n] - eta*grad R(theta[n])
""",
    ),
    "E0015": Story(
        "a network that is not written as one",
        """\
A network is the size of its input and a list of layers in square brackets; a layer is what it does, in
parentheses, and its size:

    network [13(tanh)15(lin)1]
    network [28x28x1 (conv 5x5, tanh) 4 (avgpool 2x2) (softmax) 10]
""",
    ),
    "E0016": Story(
        "a word of the language as a name",
        """\
if, else, and, or, not, in, of, until, within and grad are words of the language and name nothing else.
The keywords of statements (loss, data, ...) are free as names inside a statement.
""",
    ),
    "E0017": Story(
        "a number too large",
        """Numbers are float64: the largest is about 1.8e308. A number above it is a slip of the finger; where infinity
is meant, it is spelled 'inf'.
""",
    ),
    **DATA,
    **EVERYDAY,
    **SEVERAL,
    **SAMPLES,
    **LAYERS,
    **MEANING,
    **RESULTS,
    **RULES,
    **SETTINGS,
}
