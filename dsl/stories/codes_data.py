"""Longer stories of the codes of data (E06xx); `codes.py` joins all."""

from __future__ import annotations

from netc.dsl.stories.story import Story

DATA: dict[str, Story] = {
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
}
