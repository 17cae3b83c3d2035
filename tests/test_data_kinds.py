"""Kinds of tables and frames as people have them: what is read of each, against NumPy, pandas and scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from netc.compiler.check.program import data_spec
from netc.compiler.meaning.spec import DataSpec, TextStyle
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime.data.dataset import Dataset
from netc.runtime.data.errors import DataError
from netc.runtime.data.load import from_arrays, load
from netc.runtime.data.scaling import Scaler, constant_columns
from netc.runtime.data.told import told

ARRAYS = DataSpec("arrays")


@pytest.fixture
def table(tmp_path: Path) -> Any:
    """table(text, "missing = drop"): the data of a file with this text, read with these settings."""

    def read(text: str, settings: str = "", name: str = "t.csv") -> Dataset:
        (tmp_path / name).write_text(text, encoding="utf-8")
        statement = f'data "{name}"' + (f", {settings}" if settings else "")
        return load(data_spec(parse(Source(str(tmp_path / "a.net"), statement)), tmp_path))

    return read


# -- signs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("a;b;y\n1,5;2;3,25\n4;-5,5;1e3\n", "decimal = comma"),
        ("1,5;2;3,25\n4;-5,5;1e3\n", "decimal = comma, header = false"),
        ("a\tb\ty\n1,5\t2\t3,25\n4\t-5,5\t1e3\n", 'decimal = ","'),
        ('a,b,y\n"1,5","2","3,25"\n"4","-5,5","1e3"\n', "decimal = comma"),
        ("a|b|y\n1.5|2|3.25\n4|-5.5|1e3\n", ""),
        ("a:b:y\n1.5:2:3.25\n4:-5.5:1e3\n", 'separator = ":"'),
        ("a;b;y\n1.5;2;3.25\n4;-5.5;1e3\n", "separator = semicolon"),
        ("a, of it;b;y\n1.5;2;3.25\n4;-5.5;1e3\n", ""),
        ("# a,b,c,d,e\na;b;y\n1.5;2;3.25\n4;-5.5;1e3\n", ""),
    ],
)
def test_separators_and_decimals(text: str, settings: str, table: Any) -> None:
    data = table(text, settings)
    assert data.x.tolist() == [[1.5, 2], [4, -5.5]]
    assert data.y.tolist() == [[3.25], [1000]]


def test_a_point_is_no_decimal_where_a_comma_is(table: Any) -> None:
    """1.234 may be a thousand and more: it is not read as 1 and a bit."""
    with pytest.raises(DataError, match=r"'1\.234' is not a number"):
        table("a;y\n1.234;3,5\n2.345;1,5\n", "decimal = comma")


def test_settings_of_text_tables_are_refused_elsewhere(tmp_path: Path) -> None:
    for statement in (
        "data boston, header = true",
        'data "x.npy", decimal = comma',
        "data x in 1..3 -> x, separator = tab",
        "data x in 1..3 -> x, target = x",
    ):
        with pytest.raises(Exception, match="has no meaning here"):
            data_spec(parse(Source("a.net", statement)), tmp_path)


def test_what_spreadsheets_write_for_no_value_is_no_comment(table: Any) -> None:
    """`#N/A` in the first cell: the row is a sample with a gap, as pandas reads it, not a line that is left out."""
    text = "a,b,y\n1,2,3\n#N/A,5,6\n# of last year\n7,8,10\n"
    with pytest.raises(DataError, match="row 3, column 'a': the value is missing"):
        table(text)
    filled = table(text, "missing = mean")
    assert filled.x.tolist() == [[1, 2], [4, 5], [7, 8]]
    for error in ("#DIV/0!", "#REF!", "#NAME?", "#VALUE!", "#NUM!"):
        with pytest.raises(DataError, match=r"row 3, column 'a': .* is not a number"):
            table(text.replace("#N/A", error))


def test_labels_that_doubles_do_not_tell_apart_are_no_classes(table: Any) -> None:
    """9007199254740993 is 2^53 + 1, which no double is: the label would be told as another number."""
    text = "a,q\n1,{0}\n2,9007199254740996\n3,{0}\n"
    with pytest.raises(DataError, match=r"above 2\^53"):
        table(text.format(9007199254740993), "classes = 2")
    assert table(text.format("n9007199254740993").replace(",90", ",n90")).labels == (
        "n9007199254740993",
        "n9007199254740996",
    )
    assert table(text.format(4).replace("9007199254740996", "9007199254740991"), "classes = 2").labels == (
        "4",
        "9007199254740991",
    )


# -- gaps ----------------------------------------------------------------------------------------------

GAPS = "a,b,y\n1,2,3\n4,NA,6\n?,8,9\n10,11,\n13,14,15\n"


def test_missing_dropped(table: Any) -> None:
    data = table(GAPS, "missing = drop")
    assert data.x.tolist() == [[1, 2], [13, 14]]
    assert data.y.tolist() == [[3], [15]]
    assert data.account.dropped == 3


def test_missing_filled_with_the_mean_of_the_training_part(table: Any) -> None:
    text = GAPS.replace("10,11,\n", "10,11,12\n")
    data = table(text, "missing = mean, split = 3, seed = 4")
    raw = np.array([[1, 2], [4, np.nan], [np.nan, 8], [10, 11], [13, 14]])
    means = np.nanmean(raw[data.train], axis=0)
    np.testing.assert_allclose(data.x, np.where(np.isnan(raw), means, raw))
    assert data.fill is not None
    np.testing.assert_allclose(data.fill.means, means)
    assert data.account.filled == 2


@pytest.mark.parametrize(
    "word", ["", "NA", "nan", "NaN", "N/A", "#N/A", "null", "NULL", "?", "<NA>", "none", "-nan"]
)
def test_spellings_of_missing(word: str, table: Any) -> None:
    assert len(table(f"a,b,y\n1,2,3\n4,{word},6\n7,8,9\n", "missing = drop").x) == 2


def test_a_missing_label_is_no_class(table: Any) -> None:
    for word in ("NA", "nan", ""):
        with pytest.raises(DataError, match="E0609"):
            table(f"a,y\n1,yes\n2,{word}\n3,no\n4,yes\n")
    assert table("a,y\n1,none\n2,mild\n3,none\n4,mild\n").labels == ("mild", "none")


def test_a_target_is_numbers_again_once_the_row_of_units_is_dropped(table: Any) -> None:
    data = table("a,y\n1,3.5\n2,4.5\n,5.5\n", "missing = drop")
    assert (data.text, data.labels, data.y.tolist()) == (False, (), [[3.5], [4.5]])


# -- columns -------------------------------------------------------------------------------------------


def test_columns_that_count_the_rows_are_left_out(table: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5, 9.0], "y": [3.0, 4.0, 1.0]})
    data = table(frame.to_csv())
    assert (data.input_names, data.account.left_out) == (("a",), ("c1",))
    assert table(frame.to_csv(), "inputs = (c1, a)").x.tolist() == [[0, 1.5], [1, 2.5], [2, 9]]
    again = pd.read_csv(tmp_path / "t.csv")
    assert from_arrays(again, None, ARRAYS).input_names == ("a",)
    named = '"","a","y"\n"Mazda",1.5,3\n"Fiat",2.5,4\n'
    assert table(named).input_names == ("a",)
    assert table(",a,y\n7,1.5,3\n3,2.5,4\n").input_names == ("c1", "a")


def test_an_index_of_parquet_is_no_target(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5], "y": [3.0, 4.0]}, index=pd.Index([17, 23], name="id"))
    for index in (frame, frame.rename_axis(None)):
        index.to_parquet(tmp_path / "t.parquet")
        data = load(DataSpec("files", (str(tmp_path / "t.parquet"),)))
        assert (data.input_names, data.target_names) == (("a",), ("y",))


def test_truths_are_1_and_0_as_inputs_and_labels_as_a_target(table: Any) -> None:
    data = table("a,b,y\nTrue,1,False\nFALSE,2,True\ntrue,3,True\n")
    assert data.x.tolist() == [[1, 1], [0, 2], [1, 3]]
    assert data.labels == ("False", "True")
    assert data.account.truths == ("a",)
    frame = pd.DataFrame({"a": pd.array([True, None, False], "boolean"), "y": [1.5, 2.5, 3.5]})
    assert from_arrays(frame, None, DataSpec("arrays", missing="drop")).x.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, 2, 3], dtype="Int64"),
        pd.Series([1, 2, 3], dtype=object),
        pd.Series(["1", "2", "3"], dtype="string"),
        pd.Series([1, 2, 3], dtype="category"),
        pd.Series([1, 2, 3], dtype=np.uint8),
        pd.Series([1, 2, 3], dtype="Float32"),
    ],
    ids=lambda s: str(s.dtype),
)
def test_columns_of_numbers_whatever_their_type(column: pd.Series) -> None:
    data = from_arrays(pd.DataFrame({"a": column, "y": [0.5, 1.5, 2.5]}), None, ARRAYS)
    assert data.x.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-02-01"])),
        pd.Series(pd.to_timedelta([1, 2, 3], unit="D")),
        pd.Series(["low", "high", "low"], dtype="category"),
        pd.Series([1j, 2, 3]),
    ],
    ids=lambda s: str(s.dtype),
)
def test_dates_and_words_are_no_numbers(column: pd.Series) -> None:
    with pytest.raises(DataError, match="E0610"):
        from_arrays(pd.DataFrame({"a": column, "y": [0.5, 1.5, 2.5]}), None, ARRAYS)


def test_bytes_are_text() -> None:
    assert from_arrays(np.zeros((2, 1)), np.array([b"no", b"yes"]), ARRAYS).labels == ("no", "yes")


def test_an_index_in_another_order_is_no_guess() -> None:
    x = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=[1, 2, 3])
    y = pd.Series([10.0, 20.0, 30.0], index=[3, 2, 1])
    with pytest.raises(DataError, match="E0614"):
        from_arrays(x, y, ARRAYS)
    assert from_arrays(x, y.loc[x.index], ARRAYS).y[:, 0].tolist() == [30, 20, 10]
    assert from_arrays(x, y.reset_index(drop=True), ARRAYS).y[:, 0].tolist() == [10, 20, 30]


def test_rows_in_common_by_their_index_are_no_guess() -> None:
    x = pd.DataFrame({"a": [1.0, 2.0, 4.0]}, index=[1, 2, 4])
    y = pd.Series([20.0, 30.0, 40.0], index=[2, 3, 4])
    with pytest.raises(DataError, match="2 of 3 rows in common"):
        from_arrays(x, y, ARRAYS)
    assert from_arrays(x, y.to_numpy(), ARRAYS).y[:, 0].tolist() == [20, 30, 40]
    rows = x.index.intersection(y.index)
    both = from_arrays(x.loc[rows], y.loc[rows], ARRAYS)
    assert (both.x[:, 0].tolist(), both.y[:, 0].tolist()) == ([2, 4], [20, 40])


def test_an_index_that_counts_says_nothing() -> None:
    scaled = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    y = pd.Series([10.0, 20.0, 30.0], index=[7, 0, 2])
    assert from_arrays(scaled, y, ARRAYS).y[:, 0].tolist() == [10, 20, 30]


# -- targets -------------------------------------------------------------------------------------------


def test_a_computed_target(table: Any) -> None:
    text = "area,price,rooms\n30,100,2\n50,250,3\n80,1000,4\n"
    data = table(text, "target = log(price)")
    np.testing.assert_allclose(data.y[:, 0], np.log([100, 250, 1000]))
    assert (data.input_names, data.target_names) == (("area", "rooms"), ("log(price)",))
    both = table(text, 'target = (price/"area", log(price))')
    np.testing.assert_allclose(both.y, np.c_[np.array([100 / 30, 5, 12.5]), np.log([100, 250, 1000])])
    assert both.input_names == ("rooms",)
    with pytest.raises(DataError, match="row 2: log"):
        table("a,y\n1,0\n2,3\n", "target = log(y)")
    with pytest.raises(DataError, match="'priec'"):
        table(text, "target = log(priec)")
    gaps = table("a,y\n1,\n2,1\n", "target = log(y), missing = drop")
    assert gaps.y.tolist() == [[0]]


def test_the_inputs_as_target(table: Any) -> None:
    data = table("a,b\n1,2\n3,5\n", "target = inputs")
    assert data.x.tolist() == data.y.tolist() == [[1, 2], [3, 5]]
    assert table("a,b\n1,2\n3,5\n", "target = inputs, inputs = b").y.tolist() == [[2], [5]]
    named = load(data_spec(parse(Source("a.net", "data boston, target = inputs")), Path()))
    assert named.y.shape == (506, 13)
    assert from_arrays([[1, 2], [3, 5]], None, DataSpec("arrays", of_inputs=True)).y.tolist() == [
        [1, 2],
        [3, 5],
    ]
    with pytest.raises(DataError, match="y is not needed"):
        from_arrays([[1, 2]], [1], DataSpec("arrays", of_inputs=True))


def test_the_same_file_twice(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", [[1.0, 2.0], [3.0, 5.0]])
    data = load(data_spec(parse(Source("a.net", 'data "x.npy", "x.npy"')), tmp_path))
    assert data.x.tolist() == data.y.tolist()


def test_a_number_may_name_a_column(table: Any) -> None:
    data = table("1990,1991,1992\n1,2,3\n4,5,7\n", "header = true, target = 1990")
    assert (data.input_names, data.y.tolist()) == (("1991", "1992"), [[1], [4]])


# -- parts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.7, 0.8, 37.0])
def test_stratified_shares_are_scikit_learns(share: float) -> None:
    y = np.repeat(["a", "b", "c"], [40, 25, 9])
    data = from_arrays(np.arange(74.0)[:, None], y, DataSpec("arrays", split=share, stratify=True, seed=2))
    train = int(share) if share > 1 else int(share * 74)
    peer, _ = train_test_split(y, train_size=train, stratify=y, random_state=0)
    assert sorted([*data.train, *data.test]) == list(range(74))
    found = np.unique(y[data.train], return_counts=True)[1]
    np.testing.assert_allclose(found, np.unique(peer, return_counts=True)[1], atol=1)
    assert found.sum() == train


def test_each_part_has_each_class() -> None:
    y = np.repeat([0, 1, 2], [100, 2, 3])
    for seed in range(20):
        spec = DataSpec("arrays", split=0.9, stratify=True, seed=seed)
        data = from_arrays(np.zeros((105, 1)), y, spec)
        assert set(y[data.train]) == set(y[data.test]) == {0, 1, 2}
        assert len(data.train) == 94


# -- constants -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "constant"),
    [
        ([0.1 + 0.2, 0.3, 0.3], True),
        ([1e20, 1e20 * (1 + 2**-52), 1e20], True),
        ([1e-20, 1e-20 * (1 + 2**-52), 1e-20], True),
        ([1e6 + 1e-9, 1e6, 1e6 + 2e-9], True),
        ([1e6 + 1e-3, 1e6, 1e6], False),
        ([1e15, 1e15 + 1, 1e15], False),
        ([1e-300, 2e-300, 3e-300], False),
        ([0.0, 0.0, 0.0], True),
        ([0.0, 5e-324, 0.0], False),
    ],
)
def test_constant_up_to_rounding(column: list[float], constant: bool) -> None:
    values = np.array(column)[:, None]
    assert constant_columns(values).tolist() == [constant]
    scaled = Scaler.fit(values, "zscore").apply(values)
    if constant:
        assert abs(scaled).max() < 1e-12
    else:
        assert 0.4 < scaled.std() < 1.1, "of tiny numbers it is the spread that divides"


def test_rounding_is_that_of_the_type() -> None:
    """0.1 + 0.2 and 0.3 in float32 differ by 1e-8 of their size: still constant."""
    column = np.array(
        [[np.float32(0.1) + np.float32(0.2)], [np.float32(0.3)], [np.nextafter(np.float32(0.3), 1)]]
    )
    data = from_arrays(column.astype(np.float32), [1.5, 2.5, 3.5], ARRAYS)
    assert constant_columns(data.x, data.rounding).tolist() == [True]
    years = from_arrays(np.array([[2000.0], [2000.01]], np.float32), [1e6 + 0.5, 1e6], ARRAYS)
    assert constant_columns(years.x, years.rounding).tolist() == [False]
    assert constant_columns(years.y, years.target_rounding).tolist() == [False]
    frame = from_arrays(pd.DataFrame({"a": column[:, 0].astype(np.float32)}), [1.5, 2.5, 3.5], ARRAYS)
    assert constant_columns(frame.x, frame.rounding).tolist() == [True]


# -- noise ---------------------------------------------------------------------------------------------


def generated(text: str) -> Dataset:
    return load(data_spec(parse(Source("a.net", text)), Path()))


def test_noise_is_drawn_from_the_seed() -> None:
    text = "data x in linspace(-1, 1, 2000) -> sin(3*x) + normal(0.5, 0.05), seed = {}"
    one, again, other = (generated(text.format(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.y, again.y)
    assert (one.y != other.y).all()
    noise = one.y[:, 0] - np.sin(3 * one.x[:, 0])
    assert noise.mean() == pytest.approx(0.5, abs=4 * 0.05 / 2000**0.5)
    assert noise.std() == pytest.approx(0.05, rel=0.08)


def test_noises_are_independent_and_may_depend_on_the_point() -> None:
    data = generated("data x in linspace(0, 1, 4000) -> (normal(0, x), normal(0, 1), uniform(-1, x))")
    a, b, c = data.y.T
    assert abs(np.corrcoef(a[1:] / data.x[1:, 0], b[1:])[0, 1]) < 0.06
    assert (abs(a) <= 6 * data.x[:, 0]).all()
    assert c.min() >= -1
    assert (c <= data.x[:, 0]).all()
    mixed = generated("data x in linspace(0, 1, 50) -> x, inputs = (x + uniform(0, 1), 2*x)")
    assert mixed.x.shape == (50, 2)
    assert ((mixed.x[:, 0] >= mixed.y[:, 0]) & (mixed.x[:, 0] <= mixed.y[:, 0] + 1)).all()


@pytest.mark.parametrize("law", ["normal(0, -1)", "normal(1)", "uniform(1, 0)", "normal(0, deviation = 1)"])
def test_a_noise_that_is_none(law: str) -> None:
    with pytest.raises(Exception, match="E0305"):
        generated(f"data x in 1..3 -> x + {law}")


# -- what is said --------------------------------------------------------------------------------------


def test_what_was_read_is_said(table: Any) -> None:
    rows = "".join(f"{i};{i / 4};7;{'ab'[i % 2]}\n" for i in range(12))
    text = f"# from the lab\nid;v;same;kind\n{rows}13;?;7;a\n12;2,5;7;a\n".replace(".", ",")
    settings = "decimal = comma, missing = drop, split = 75%"
    data = table(text, settings)
    spec = DataSpec("files", style=TextStyle(decimal="comma"))
    lines = dict(told(data, spec, data.labels))
    assert lines["data"] == (
        "t.csv, 13 samples; header in row 2, separated by semicolons, decimal comma, 1 line of comment skipped; "
        "1 sample with missing values dropped"
    )
    assert lines["inputs"] == "3: id 0 to 12, v 0 to 2.75, same 7; id counts the rows"
    assert lines["constant"] == "1: same"
    assert lines["target"] == "kind, 2 classes: a (7), b (6)"
    assert lines["split"] == "9 train, 4 test"


def test_a_copy_of_the_target_and_repeated_samples_are_said(table: Any) -> None:
    data = table("a,b,y\n" + "1,3.5,3.5\n2,4.5,4.5\n" * 3, "split = 50%")
    lines = dict(told(data, DataSpec("files"), ()))
    assert lines["target"] == "y, a number, 3.5 to 4.5; the input b equals it in every sample"
    assert "also in the training part" in lines["split"]


@pytest.mark.parametrize(("cells", "marked"), [
    ((3, -999, 29, 0, -999), "a is -999 in 2 samples, 0 to 29 in all others"),
    ((3, 9999, 29, 0, 1), "a is 9999 in 1 sample, 0 to 29 in all others"),
    ((1, 2, 3, 4, 99), "a is 99 in 1 sample, 1 to 4 in all others"),
    ((30, 60, 3, 80, 99), ""),  # as far as others
    ((0, 999, 0, 999, 0), ""),  # two numbers
    ((1, 2, 3, 4, 1000), ""),
    ((1, 2, 3, 4, -9), ""),
    ((999, 999, 999, 999, 999), ""),
])  # fmt: skip
def test_numbers_that_may_stand_for_what_is_missing_are_said(
    cells: tuple[int, ...], marked: str, table: Any
) -> None:
    """A reader cannot know; a network that is scaled to -999 learns nothing."""
    rows = "".join(f"{cell},{i}.5\n" for i, cell in enumerate(cells))
    said = dict(told(table(f"a,y\n{rows}"), DataSpec("files"), ()))
    assert said.get("marks", "").partition(":")[0] == marked
    turned = "".join(f"{i}.5,{cell}\n" for i, cell in enumerate(cells))
    of_targets = dict(told(table(f"b,a\n{turned}"), DataSpec("files"), ()))
    assert of_targets.get("marks", "").partition(":")[0] == marked


@pytest.mark.parametrize("end", [",", ",,", ", "])
def test_rows_that_end_with_a_separator(end: str, table: Any) -> None:
    data = table(f"a,b,y{end}\n1,2,3{end}\n4,5,6{end}\n")
    assert data.x.tolist() == [[1, 2], [4, 5]]
    assert data.y.tolist() == [[3], [6]]
    left = "c4, c5, which are empty" if end == ",," else "c4, which is empty"
    assert dict(told(data, DataSpec("files"), ()))["data"].endswith(f"left out: {left}")


def test_an_empty_column_with_a_name_is_missing_values(table: Any) -> None:
    with pytest.raises(DataError, match="column 'b': the value is missing"):
        table("a,b,y\n1,,3\n4,,6\n")


def test_labels_that_differ_in_letters_alone_are_said(table: Any) -> None:
    data = table("a,y\n" + "1,Yes\n2,yes\n3,no\n4,a  b\n5,a b\n" * 2)
    said = dict(told(data, DataSpec("files"), data.labels))["target"]
    assert "Yes and yes are different classes" in said
    assert "a  b and a b are different classes" in said


@pytest.mark.parametrize(
    ("cell", "said"),
    [("1,234", "1234 or 1.234"), ("1,23", "reads 1,5 as 1.5"), ("1,234,567", "no sign of thousands")],
)
def test_signs_of_thousands_are_not_guessed(cell: str, said: str, table: Any) -> None:
    with pytest.raises(DataError) as caught:
        table(f'a,y\n1,"{cell}"\n2,"{cell}"\n')
    assert said in caught.value.diagnostics[0].hints[0]


@pytest.mark.parametrize(
    "cells", [("12 kg", "13 kg", "15 kg"), ("1.0D-3", "2D1", "3.5d0"), ("1_000", "2_000", "3_000")]
)
def test_numbers_in_another_notation_are_no_classes(cells: tuple[str, ...], table: Any) -> None:
    rows = "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    with pytest.raises(DataError, match="is not a number"):
        table(f"a,y\n{rows}")


@pytest.mark.parametrize(
    "cells", [("2d", "3d", "2d"), ("a1", "b2", "c3"), ("12 kg", "13 lb", "15 kg"), ("1st", "2nd", "3rd")]
)
def test_labels_that_begin_with_a_digit_are_classes(cells: tuple[str, ...], table: Any) -> None:
    rows = "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    assert table(f"a,y\n{rows}").labels == tuple(sorted({*cells}))
