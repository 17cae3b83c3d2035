"""Files to arrays: formats, the tolerance of text tables, the choice of columns, classes, split, digest."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netc.compiler.meaning.spec import DataSpec, Facts
from netc.dsl.source import NOWHERE
from netc.runtime.data.dataset import Dataset, facts
from netc.runtime.data.errors import DataError
from netc.runtime.data.load import from_arrays, load
from netc.runtime.data.readers_csv import read_csv

X = np.array([[1.5, -2.0], [3.0, 4e-3], [0.0, 7.0]])
Y = np.array([0.5, 1.0, 2.25])
FRAME = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})


def write(folder: Path, name: str, content: bytes) -> DataSpec:
    (folder / name).write_bytes(content)
    return DataSpec("files", (str(folder / name),))


def idx(array: np.ndarray[Any, Any], code: int, kind: str) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(kind).tobytes()


def assert_is_frame(data: Dataset) -> None:
    np.testing.assert_array_equal(data.x, X)
    np.testing.assert_array_equal(data.y, Y[:, None])
    assert data.x.dtype == data.y.dtype == np.float64


TEXTS = {
    "pandas": b"a,b,y\n1.5,-2.0,0.5\n3.0,0.004,1.0\n0.0,7.0,2.25\n",
    "crlf, byte order mark, no last line end": b"\xef\xbb\xbfa,b,y\r\n1.5,-2,0.5\r\n3,4e-3,1\r\n0,7,2.25",
    "old line ends": b"a,b,y\r1.5,-2,0.5\r3,4e-3,1\r0,7,2.25\r",
    "semicolons": b"a;b;y\n1.5;-2;0.5\n3;4e-3;1\n0;7;2.25\n",
    "tabs": b"a\tb\ty\n1.5\t-2\t0.5\n3\t4e-3\t1\n0\t7\t2.25\n",
    "blanks": b"  a b   y\n1.5 -2 0.5\n3 4e-3   1\n 0 7 2.25  \n",
    "blanks around": b"a, b , y\n1.5, -2 ,0.5\n3 , 4e-3, 1\n0,7,2.25\n",
    "quotes": b'"a","b","y"\n"1.5","-2","0.5"\n3,4e-3,1\n0,7,"2.25"\n',
    "a first line for Excel": b"\xef\xbb\xbfsep=;\r\na;b;y\r\n1.5;-2;0.5\r\n3;4e-3;1\r\n0;7;2.25\r\n",
    "a first line for Excel, quoted": b'"sep=|"\na|b|y\n1.5|-2|0.5\n3|4e-3|1\n0|7|2.25\n',
    "comments and blank lines": b'# from, the, lab\n\na,b,y\n1.5,-2,0.5\n# a "gap\n3,4e-3,1\n\n0,7,2.25\n\n',
}


@pytest.mark.parametrize("style", TEXTS)
def test_text_tables(style: str, tmp_path: Path) -> None:
    data = load(write(tmp_path, "t.csv", TEXTS[style]))
    assert_is_frame(data)
    assert (data.input_names, data.target_names) == (("a", "b"), ("y",))


def test_tsv_and_gzip(tmp_path: Path) -> None:
    assert_is_frame(load(write(tmp_path, "t.tsv", TEXTS["tabs"])))
    assert_is_frame(load(write(tmp_path, "t.csv.gz", gzip.compress(TEXTS["pandas"]))))


def test_no_header(tmp_path: Path) -> None:
    data = load(write(tmp_path, "t.csv", b"1.5,-2,0.5\n3,4e-3,1\n0,7,2.25\n"))
    assert_is_frame(data)
    assert (data.input_names, data.target_names) == (("c1", "c2"), ("c3",))


def test_rows_are_those_of_an_editor() -> None:
    table = read_csv(Path("t.csv"), b'# one\na,y\n1,2\n\n"3",4\n', NOWHERE)
    assert table.lines is not None
    assert table.lines.tolist() == [3, 5]


def test_a_column_may_be_called_as_excels_first_line(tmp_path: Path) -> None:
    data = load(write(tmp_path, "t.csv", b"sep=,b\n1,2\n3,4\n"))
    assert data.x.tolist() == [[1], [3]]
    assert "t.csv, row 4: 3 fields" in str(_refused(tmp_path, b"sep=;\na;b\n1;2\n3;4;5\n"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["a,b\n1,2\n3,4\n", "é,b\n1,2\n", "1;2\n"])
def test_utf_16_is_called_so(encoding: str, text: str, tmp_path: Path) -> None:
    assert "is UTF-16 text" in str(_refused(tmp_path, text.encode(encoding)))


def _refused(folder: Path, content: bytes) -> DataError:
    with pytest.raises(DataError) as error:
        load(write(folder, "t.csv", content))
    return error.value


def test_underscores_are_no_digits(tmp_path: Path) -> None:
    data = load(write(tmp_path, "t.csv", b"room_a,y\n1,1_0\n2,2_0\n"))
    assert data.labels == ("1_0", "2_0")


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1, max_size=5))
def test_numbers_come_back_to_the_last_bit(rows: list[tuple[float, ...]]) -> None:
    text = "a,b,c\n" + "".join(",".join(map(repr, row)) + "\n" for row in rows)
    np.testing.assert_array_equal(read_csv(Path("t.csv"), text.encode(), NOWHERE).values, rows)


def test_npy_npz_parquet(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    np.save(tmp_path / "y.npy", Y)
    two = load(DataSpec("files", (str(tmp_path / "x.npy"), str(tmp_path / "y.npy"))))
    np.testing.assert_array_equal(two.x, X.astype(np.float32).astype(np.float64))
    np.save(tmp_path / "t.npy", np.c_[X, Y])
    np.savez(tmp_path / "named.npz", targets=Y, inputs=X)
    np.savez(tmp_path / "ordered.npz", X, Y)
    FRAME.to_parquet(tmp_path / "t.parquet")
    for name in ("t.npy", "named.npz", "ordered.npz", "t.parquet"):
        assert_is_frame(load(DataSpec("files", (str(tmp_path / name),))))


def test_parquet_kinds_of_columns(tmp_path: Path) -> None:
    kinds = pa.table(
        {
            "whole": pa.array([1, 2, 3], pa.int16()),
            "truth": pa.array([True, False, True]),
            "kind": pa.array(["b", "a", "b"]).dictionary_encode(),
        }
    )
    pq.write_table(kinds, tmp_path / "t.parquet")
    data = load(DataSpec("files", (str(tmp_path / "t.parquet"),)))
    np.testing.assert_array_equal(data.x, [[1, 1], [2, 0], [3, 1]])
    assert data.labels == ("a", "b")
    assert data.codes.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("code", "kind"), [(8, ">u1"), (9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]
)
def test_idx_types(code: int, kind: str, tmp_path: Path) -> None:
    images = np.arange(12).reshape(2, 2, 3)
    (tmp_path / "x-idx3").write_bytes(idx(images, code, kind))
    (tmp_path / "y-idx1.gz").write_bytes(gzip.compress(idx(np.array([3, 4]), 8, ">u1")))
    data = load(DataSpec("files", (str(tmp_path / "x-idx3"), str(tmp_path / "y-idx1.gz"))))
    np.testing.assert_array_equal(data.x, images.reshape(2, 6))
    assert data.labels == ("3", "4")
    assert data.codes.tolist() == [0, 1]


def test_inline_and_generated() -> None:
    rows = (((1.0,), (0.0,)), ((0.0,), (0.0,)))
    for kind in ("inline", "generated"):
        data = load(DataSpec(kind, rows=rows))  # type: ignore[arg-type]
        assert data.x.tolist() == [[1.0], [0.0]]
        assert (data.input_names, data.target_names, data.labels) == (("x",), ("y",), ())


def test_choice_of_columns(tmp_path: Path) -> None:
    spec = write(tmp_path, "t.csv", b"id,a,b,y,z\nx1,1,2,3,4\nx2,5,6,7,8\n")
    data = load(DataSpec("files", spec.origin, target=("z", "a"), inputs=("y", "b")))
    assert data.x.tolist() == [[3, 2], [7, 6]]
    assert data.y.tolist() == [[4, 1], [8, 5]]
    assert facts(data) == Facts(2, 2, 2)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 1, 1, 0], ("0", "1")),
        ([3, 1, 2, 1], ("1", "2", "3")),
        ([-1, 1, 1, -1], ("-1", "1")),
        ([1.0, 1.5, 2.0, 3.0], ()),
        ([25, 341, 90, 91], ()),
        ([4, 4, 4, 4], ()),
    ],
)
def test_labels_of_numbers(values: list[float], labels: tuple[str, ...]) -> None:
    data = from_arrays(np.zeros((4, 1)), values, DataSpec("arrays"))
    assert data.labels == labels
    assert not data.text
    np.testing.assert_array_equal(data.y[:, 0], values)
    if labels:
        assert [float(labels[code]) for code in data.codes] == values
        assert data.classes.sum(axis=1).tolist() == [1, 1, 1, 1]


def test_stated_classes() -> None:
    zeros = np.zeros((3, 1))
    assert from_arrays(zeros, [0, 2, 0], DataSpec("arrays", classes=4)).labels == ("0", "1", "2", "3")
    assert from_arrays(zeros, [10, 30, 20], DataSpec("arrays", classes=3)).labels == ("10", "20", "30")


def test_text_labels_are_sorted() -> None:
    data = from_arrays(np.zeros((4, 1)), ["rock", "mine", "mine", "rock"], DataSpec("arrays"))
    assert (data.labels, data.text) == (("mine", "rock"), True)
    assert data.codes.tolist() == [1, 0, 0, 1]
    assert data.classes.tolist() == [[0, 1], [1, 0], [1, 0], [0, 1]]


def test_python_callers() -> None:
    for x, y in ((X, Y), (X.tolist(), Y.tolist()), (FRAME[["a", "b"]], FRAME["y"]), (FRAME, None)):
        assert_is_frame(from_arrays(x, y, DataSpec("arrays")))
    named = from_arrays(FRAME[["a", "b"]], FRAME["y"], DataSpec("arrays"))
    assert (named.input_names, named.target_names) == (("a", "b"), ("y",))
    images = from_arrays(np.zeros((3, 4, 5)), Y, DataSpec("arrays"))
    assert images.x.shape == (3, 20)


def grid(samples: int, **settings: Any) -> Dataset:
    values = np.arange(float(samples))
    return from_arrays(values[:, None], values / 3, DataSpec("arrays", **settings))


@pytest.mark.parametrize(
    ("samples", "split", "train"),
    [(506, 0.8, 404), (100, 0.29, 29), (100, 0.57, 57), (10, 1.0, 10), (506, 404, 404), (3, 2, 2)],
)
def test_split_sizes(samples: int, split: float, train: int) -> None:
    data = grid(samples, split=split)
    assert (len(data.train), len(data.test)) == (train, samples - train)
    assert data.train.dtype.kind == data.test.dtype.kind == "i"
    assert sorted([*data.train, *data.test]) == list(range(samples))
    assert sorted(data.train) == list(data.train)


def test_split_follows_the_seed() -> None:
    once, again, other = (
        grid(100, split=0.5, seed=1),
        grid(100, split=0.5, seed=1),
        grid(100, split=0.5, seed=2),
    )
    np.testing.assert_array_equal(once.train, again.train)
    assert once.train.tolist() != other.train.tolist()
    assert once.train.tolist() != list(range(50))


def test_limit_takes_the_first() -> None:
    data = grid(100, split=0.5, limit=10)
    assert data.x[:, 0].tolist() == list(range(10))
    assert len(data.train) == 5


def test_digest_is_of_the_data_not_of_the_file(tmp_path: Path) -> None:
    spaced = load(write(tmp_path, "1.csv", TEXTS["pandas"])).digest
    quoted = load(write(tmp_path, "2.csv", TEXTS["quotes"])).digest
    other = load(write(tmp_path, "3.csv", TEXTS["pandas"].replace(b"2.25", b"2.26"))).digest
    renamed = load(write(tmp_path, "4.csv", TEXTS["pandas"].replace(b"a,", b"c,"))).digest
    assert spaced == quoted
    assert len({spaced, other, renamed}) == 3
