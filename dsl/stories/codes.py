"""The longer story of every diagnostic code, for `netc explain CODE`.

Each part of the compiler adds its own codes below its heading.
"""

from __future__ import annotations

from netc.dsl.stories.codes_everyday import EVERYDAY
from netc.dsl.stories.codes_layers import LAYERS
from netc.dsl.stories.codes_meaning import MEANING
from netc.dsl.stories.codes_results import RESULTS
from netc.dsl.stories.codes_rules import RULES
from netc.dsl.stories.codes_samples import SAMPLES
from netc.dsl.stories.codes_settings import SETTINGS
from netc.dsl.stories.story import Story as Story

CODES: dict[str, Story] = {
    # -- E00xx: what cannot be read -------------------------------------------------------------
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
    # -- E06xx: data ------------------------------------------------------------------------------
    "E0601": Story(
        "a data file that is not there",
        """\
The file that the data statement names is missing, or is a folder. Paths are relative to the .net file,
wherever the command is typed:

    data "houses.csv"              # beside the .net file
    data "../tables/houses.csv"

A name without quotes is that of a named data set: data boston.
""",
    ),
    "E0602": Story(
        "an unknown data set",
        """\
A bare name is that of a data set that netc knows; 'netc list data' shows them. A file of your own stands
in quotes:

    data boston                    # a named set
    data "bosten.csv"              # a file
""",
    ),
    "E0603": Story(
        "a data file that cannot be read",
        """\
The file is there, but it is cut short, damaged, of another encoding, or may not be opened. Text tables are
UTF-8; .npy and .npz files hold plain numbers. Pickled Python objects are never loaded, since loading them
can run any program:

    numpy.save("x.npy", x.astype(float))
""",
    ),
    "E0604": Story(
        "an unknown format",
        """\
Data are read from .csv, .tsv, .npy, .npz, .parquet and IDX files (the format of MNIST), also gzipped. The
end of the file's name says which it is. An .npz file holds one array, or two: x and y, or inputs and targets:

    numpy.savez("houses.npz", x=x, y=y)
""",
    ),
    "E0605": Story(
        "a package is missing",
        """\
.parquet files need pyarrow, and five of the named sets come with scikit-learn. Both are extras:

    pip install 'netc[parquet]'
    pip install 'netc[datasets]'
""",
    ),
    "E0606": Story(
        "a data set that must be fetched first",
        """\
mnist and fashion_mnist are too large to be part of netc. Nothing is downloaded unasked; fetch them once:

    netc data get mnist
    netc data get mnist --from FOLDER      # without a network

They are looked for beside the .net file, in the folder that the variable NETC_DATA names, and in your data
folder: four IDX files, plain or gzipped, in a folder called mnist or fashion_mnist.
""",
    ),
    "E0607": Story(
        "no samples",
        """\
The data are empty: a file of no bytes, a header with no rows below it, an array of no rows.
""",
    ),
    "E0608": Story(
        "rows of different widths",
        """\
Every row has as many fields as the first one. Often a text holds the delimiter and lacks its quotes, or a
decimal comma makes two fields of one number:

    12,Boston, MA,3                # 4 fields
    12,"Boston, MA",3              # 3 fields
""",
    ),
    "E0609": Story(
        "a missing value",
        """\
A cell of a column that is used is empty, NaN, NA, N/A, null or ?. Which value would stand there is a
decision about your problem, so netc does not guess. 'missing' says it; a missing target can only be dropped:

    data "houses.csv", missing = drop      # leaves these samples out
    data "houses.csv", missing = mean      # the mean of the column in the training part

Columns that are neither inputs nor target may have gaps:

    data "houses.csv", target = price, inputs = (area, rooms)
""",
    ),
    "E0610": Story(
        "text where a number is needed",
        """\
Inputs are numbers. A column of text can only be the single target, whose labels are then classes. Leave
other text out, or write it as numbers first:

    data "people.csv", target = income, inputs = (age, years)

Words that have no order become a column of 0 and 1 each, here with pandas; a table to predict is written the same way,
with the columns of the training:

    table = pandas.get_dummies(pandas.read_csv("people.csv"), columns=["town"], dtype=int)
    table.to_csv("coded.csv", index=False)

Numbers have a decimal point, 1.5, unless 'decimal = comma' says 1,5. Signs of thousands are not read.
""",
    ),
    "E0611": Story(
        "an infinite value",
        """\
A cell holds inf or a number too large for float64. Scaling and training need finite numbers; the squares of
numbers above 1e154 are none.
""",
    ),
    "E0612": Story(
        "an unknown column",
        """\
'target' and 'inputs' name columns of the table as its header spells them; a name with blanks or signs
stands in quotes. Columns without a header are called c1, c2, ... :

    data "iris.csv", target = species, inputs = ("petal length", "petal width")
    data "numbers.csv", target = c5
""",
    ),
    "E0613": Story(
        "a column that is named twice",
        """\
Two columns bear the same name, so that it does not say which one is meant; or one column is both an input
and the target, so that the network would be told the answer.
""",
    ),
    "E0614": Story(
        "inputs and targets that do not fit together",
        """\
Each sample has inputs and targets. In one table they are different columns; in two files, inputs first,
row i of one belongs to row i of the other, so that both have the same number of rows:

    data "x.npy", "y.npy"
""",
    ),
    "E0615": Story(
        "more samples than there are, or none of a class",
        """\
'split' is the part that trains, a fraction or a number of samples, and 'limit' a number of samples that is
taken at all. Both stay within what the data hold, and at least one sample trains:

    data boston, split = 80%
    data boston, split = 404

A class that is only in the test part cannot be learnt. 'stratify = true' gives both parts their share of every class,
which needs two samples of each.
""",
    ),
    "E0616": Story(
        "classes that the data contradict",
        """\
With 'classes = K' the single target holds K labels, K different integers, or integers from 0 to K-1.
Without it the classes are found in the data. A text column with the same label in every sample has no classes
to tell apart; 'limit' may have cut the others off.
""",
    ),
    "E0617": Story(
        "a download that failed",
        """\
'netc data get' found no connection, or the server did not deliver. Where there is no network, bring the
files on another way:

    netc data get mnist --from FOLDER
""",
    ),
    "E0618": Story(
        "a file that is not the official one",
        """\
The sha256 of the file is not that of the published data set, so results would not compare. It is cut short,
or is another set under the same name. Fetch it again.
""",
    ),
    "E0619": Story(
        "a first row that may be a header or a sample",
        """\
A first row without a single number names the columns, one with numbers is the first sample. Where the numbers look
like names (0, 1, 2, ...; years; wavelengths), or a word stands above numbers, netc does not guess. Say it:

    data "spectra.csv", header = true      # the first row names the columns
    data "spectra.csv", header = false     # it is a sample; the columns are c1, c2, ...
""",
    ),
    "E0620": Story(
        "a target that the loss cannot be taken of",
        """\
Cross entropies want classes or probabilities, hinge losses -1 and 1, a Poisson loss no negative numbers. With other
targets the loss falls without end, or means nothing. A loss says what it takes:

    loss poisson = mean(u - y*log(u)), targets = 0..inf

'classes = 2' reads two numbers, 0 and 5 say, as two classes, coded 0 and 1 (or -1 and 1). Targets are judged after they
were scaled; 'scale_target = none' leaves them as they are.
""",
    ),
    **EVERYDAY,
    **SAMPLES,
    **LAYERS,
    **MEANING,
    **RESULTS,
    **RULES,
    **SETTINGS,
}
