"""Is the first row a header? What people write, and what of it netc takes, leaves, or asks about."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from netc.compiler.meaning.spec import TextStyle
from netc.dsl.source import NOWHERE
from netc.runtime.data.errors import DataError
from netc.runtime.data.readers_csv import read_csv
from netc.runtime.data.table import Table

RANDOM = np.random.default_rng(3)
FLOATS = RANDOM.normal(size=(30, 5))
COUNTS = RANDOM.integers(0, 17, size=(40, 8))


def read(text: str, **style: object) -> Table:
    return read_csv(Path("t.csv"), text.encode(), NOWHERE, TextStyle(**style))  # type: ignore[arg-type]


def pandas_csv(values: np.ndarray, **settings: object) -> str:
    out = io.StringIO()
    pd.DataFrame(values).to_csv(out, **settings)  # type: ignore[call-overload]
    return out.getvalue()


NAMES = {
    "words": "a,b,y\n1,2,3\n4,5,6\n",
    "quoted": '"a b","c",y\n1,2,3\n4,5,6\n',
    "words with digits": "x1,x2,y\n1,2,3\n4,5,6\n",
    "one name is empty": "a,,y\n1,2,3\n4,5,7\n",
}
SAMPLES = {
    "numbers": "1,2,3\n4,5,7\n2,9,1\n",
    "exclusive or": "0,0,0\n0,1,1\n1,0,1\n1,1,0\n",
    "negation": "0,1\n1,0\n",
    "a line": "1,2\n2,4\n3,6\n",
    "counting rows": "1,2,3,4\n2,3,4,5\n3,4,5,6\n4,5,6,7\n",
    "lags of a series": "".join(",".join(f"{i + k}" for k in range(8)) + "\n" for i in range(30)),
    "years": "1990,1991\n1991,1992\n1992,1993\n",
    "one row": "1990,1991,1992\n",
    "text labels": "5.1,3.5,a\n4.9,3.0,a\n6.3,3.3,b\n5.8,2.7,b\n",
    "a label that stands once": "5.1,3.5,a\n4.9,3.0,b\n6.3,3.3,b\n",
    "numpy": "\n".join(" ".join(f"{v:.18e}" for v in row) for row in FLOATS),
    "pandas without header": pandas_csv(FLOATS, header=False, index=False),
    "integers": pandas_csv(COUNTS, header=False, index=False),
    "missing": "1,NA,3\n4,5,NA\n2,9,1\n",
}
ASKED = {
    "far": "1990,1991,1992\n1,2,3\n3,4,5\n",
    "pandas counts": pandas_csv(FLOATS, index=False),
    "pandas counts integers": pandas_csv(COUNTS, index=False),
    "pandas counts two columns": pandas_csv(FLOATS[:, :2], index=False),
    "pandas counts three columns of integers": pandas_csv(COUNTS[:, :3], index=False),
    "years over money": "1990,1991,1992\n20310,18422,19921\n30111,22987,41000\n25000,1800,45122\n",
    "wavelengths": ",".join(f"{400.5 + 1.7 * k:.1f}" for k in range(9))
    + "\n"
    + pandas_csv(RANDOM.uniform(0, 1000, (9, 9)).round(1), header=False, index=False),
    "falling": ",".join(f"{4000 - 4 * k}" for k in range(9))
    + "\n"
    + pandas_csv(RANDOM.uniform(0, 5000, (9, 9)).round(1), header=False, index=False),
    "a word among them": "400,410,y\n1.5,2.5,3\n2.5,1.5,4\n",
    "a name of labels": "400,410,kind\n1,2,a\n2,1,b\n3,1,a\n2,2,b\n5,5,b\n",
    "numbers of probes": "10442,10027,10101\n1.5,2,3\n2,1,4\n3,3,1\n",
    "first column named": "id,1990,1991\n1,20,30\n2,21,33\n",
    "labels alone": "yes\nno\nyes\n",
    "a table of words": "red,small,yes\nblue,large,no\nred,large,yes\n",
}


@pytest.mark.parametrize("name", NAMES)
def test_words_are_names(name: str) -> None:
    table = read(NAMES[name])
    assert table.named
    assert len(table.values) == 2


@pytest.mark.parametrize("name", SAMPLES)
def test_numbers_are_samples(name: str) -> None:
    table = read(SAMPLES[name])
    assert not table.named
    assert len(table.values) == len(SAMPLES[name].strip().splitlines())


@pytest.mark.parametrize("name", ASKED)
def test_what_may_be_both_is_asked_and_can_be_said(name: str) -> None:
    with pytest.raises(DataError) as caught:
        read(ASKED[name])
    (found,) = caught.value.diagnostics
    assert found.code == "E0619"
    assert "row 1" in found.message
    assert "header = true" in found.hints[0]
    assert "header = false" in found.hints[0]
    lines = ASKED[name].strip().splitlines()
    said, unsaid = read(ASKED[name], header=True), read(ASKED[name], header=False)
    assert list(said.columns) == lines[0].split(",")
    assert (len(said.values), len(unsaid.values)) == (len(lines) - 1, len(lines))


def test_random_tables_are_hardly_ever_asked_about() -> None:
    """Of 400 tables of whole numbers and as many of fractions, without a header."""
    asked = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        width = int(random.integers(2, 12))
        for values in (random.integers(0, 100, (20, width)), random.normal(size=(20, width)).round(3)):
            try:
                assert not read(pandas_csv(values, header=False, index=False)).named
            except DataError:
                asked += 1
    assert asked <= 8


def test_a_first_row_that_is_missing_is_no_header() -> None:
    assert len(read("NA,NA,NA\n1,2,3\n").values) == 2
