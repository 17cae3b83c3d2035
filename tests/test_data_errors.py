"""Every data error, pinned: what a user sees for a bad file. `--update-golden` writes the texts anew."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import re
import struct
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from netc.compiler.meaning.spec import DataSpec, TextStyle
from netc.dsl.source import Source, Span
from netc.dsl.stories.codes import CODES
from netc.runtime.data.errors import DataError
from netc.runtime.data.load import from_arrays, load

PINNED = Path(__file__).parent / "bad_data"


@dataclass(frozen=True)
class Case:
    """A `data` statement, the files beside it, and what the checker makes of the statement."""

    statement: str
    files: dict[str, bytes] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    kind: str = "files"

    def spec(self, folder: Path) -> DataSpec:
        source = Source("bad.net", self.statement)
        parts = re.split(r", (?![^(]*\))", self.statement.removeprefix("data "))
        head = [part for part in parts if "=" not in part]
        start = len("data ")
        span = Span(source, start, start + len(", ".join(head)))
        spans = [
            (part.split("=")[0].strip(), self.statement.index(part), len(part))
            for part in parts
            if "=" in part
        ]
        return DataSpec(
            kind=self.kind,  # type: ignore[arg-type]
            origin=tuple(str(folder / name.strip('"')) if self.kind == "files" else name for name in head),
            span=span,
            spans=tuple((name, Span(source, at, at + length)) for name, at, length in spans),
            **self.settings,
        )


def npy(array: Any, allow_pickle: bool = False) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=allow_pickle)
    return out.getvalue()


def npz(**arrays: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def idx(array: np.ndarray[Any, Any]) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


IMAGES = np.arange(24).reshape(2, 3, 4)
GOOD = b"a,b,y\n1,2,3\n4,5,6\n7,8,9\n"

CASES = {
    "E0601-missing-file": Case('data "hosues.csv"', {"houses.csv": GOOD}),
    "E0601-missing-folder": Case('data "dat/houses.csv"', {"houses.csv": GOOD}),
    "E0601-folder": Case('data "houses"', {"houses/a.csv": GOOD, "houses/b.csv": GOOD}),
    "E0602-unknown-set": Case("data bosten", kind="named"),
    "E0603-utf16": Case('data "excel.csv"', {"excel.csv": "a,b\n1,2\n".encode("utf-16")}),
    "E0603-latin1": Case('data "old.csv"', {"old.csv": "größe,y\n1,2\n".encode("latin-1")}),
    "E0603-open-quote": Case('data "quote.csv"', {"quote.csv": b'a,b,y\n1,"2,3\n4,5,6\n'}),
    "E0603-pickled-npy": Case('data "objects.npy"', {"objects.npy": npy(np.array([{}, None]), True)}),
    "E0603-pickle": Case('data "model.npy"', {"model.npy": pickle.dumps([1, 2, 3])}),
    "E0603-cut-npy": Case('data "x.npy"', {"x.npy": npy(np.ones((9, 9)))[:300]}),
    "E0603-single-number": Case('data "x.npy"', {"x.npy": npy(np.array(3.0))}),
    "E0603-damaged-npz": Case('data "xy.npz"', {"xy.npz": npz(x=IMAGES, y=IMAGES)[:200]}),
    "E0603-damaged-gz": Case('data "t.csv.gz"', {"t.csv.gz": gzip.compress(GOOD, mtime=0)[:20]}),
    "E0603-cut-idx": Case('data "t-idx3-ubyte"', {"t-idx3-ubyte": idx(IMAGES)[:-5]}),
    "E0603-damaged-parquet": Case('data "t.parquet"', {"t.parquet": b"PAR1 and nothing else"}),
    "E0604-unknown-format": Case('data "t.xlsx"', {"t.xlsx": b"PK\3\4 a spreadsheet"}),
    "E0604-many-arrays": Case('data "t.npz"', {"t.npz": npz(a=IMAGES, b=IMAGES, c=IMAGES)}),
    "E0606-no-mnist": Case("data mnist", kind="named"),
    "E0607-empty": Case('data "empty.csv"', {"empty.csv": b""}),
    "E0607-blank": Case('data "blank.csv"', {"blank.csv": b"\n\n# nothing here\n"}),
    "E0607-header-only": Case('data "header.csv"', {"header.csv": b"a,b,y\n"}),
    "E0607-no-rows": Case('data "x.npy", "y.npy"', {"x.npy": npy(np.ones((0, 3))), "y.npy": npy(np.ones(0))}),
    "E0608-ragged": Case('data "ragged.csv"', {"ragged.csv": b"a,b,y\n1,2,3\n\n4,5\n7,8,9\n"}),
    "E0608-decimal-comma": Case('data "both.csv"', {"both.csv": b"a,b\n1,5,2,5\n2,25,3,5\n"}),
    "E0608-ragged-no-header": Case('data "ragged.csv"', {"ragged.csv": b"1,2,3\n4,5,6,7\n"}),
    "E0608-inline": Case(
        "data inline", settings={"rows": (((1.0, 2.0), (0.0,)), ((1.0,), (0.0,)))}, kind="inline"
    ),
    "E0609-missing-value": Case('data "gaps.csv"', {"gaps.csv": b"a,b,y\n1,2,3\n4,,6\n7,NA,?\n"}),
    "E0609-missing-label": Case('data "gaps.csv"', {"gaps.csv": b"a,b,y\n1,2,yes\n4,5,\n"}),
    "E0609-nan": Case('data "x.npy"', {"x.npy": npy(np.array([[1.0, 2.0], [np.nan, 3.0]]))}),
    "E0610-text-column": Case('data "sex.csv"', {"sex.csv": b"sex,age,y\nM,30,1.5\nF,31,2.5\n"}),
    "E0610-text-cell": Case('data "typo.csv"', {"typo.csv": b"a,b,y\n1,2,3\n4,5 kg,6\n"}),
    "E0610-decimal-comma": Case('data "german.csv"', {"german.csv": b"a;b;y\n1,5;2,5;3\n4;5;6\n"}),
    "E0610-text-target": Case(
        'data "t.csv", target = (y, z)', {"t.csv": b"a,y,z\n1,yes,1\n2,no,2\n"}, {"target": ("y", "z")}
    ),
    "E0610-comma-target": Case('data "commas.csv"', {"commas.csv": b"a;b;y\n1;2;3,5\n2;3;4,5\n3;5;7,5\n"}),
    "E0610-thousands": Case('data "money.csv"', {"money.csv": b'a,y\n1,"1,234.5"\n2,"2,000.0"\n'}),
    "E0610-thousands-with-comma": Case(
        'data "geld.csv", decimal = comma',
        {"geld.csv": b"a;y\n1;1.234,5\n2;2000,1\n"},
        {"style": TextStyle(decimal="comma")},
    ),
    "E0610-units-row": Case('data "units.csv"', {"units.csv": b"t,T,y\ns,K,kg\n1,2,3\n4,5,6\n"}),
    "E0610-number-among-labels": Case('data "typo.csv"', {"typo.csv": b"a,y\n1,3\n2,4\n3,unknown\n4,5\n"}),
    "E0609-first-row": Case('data "index.csv"', {"index.csv": b",7,3\n1,2,3\n4,5,9\n5,7,1\n"}),
    "E0609-mean-of-a-target": Case(
        'data "gaps.csv", missing = mean', {"gaps.csv": b"a,b,y\n1,2,3\n4,,NA\n"}, {"missing": "mean"}
    ),
    "E0609-no-mean": Case(
        'data "gaps.csv", missing = mean', {"gaps.csv": b"a,b,y\n1,,3\n4,,5\n"}, {"missing": "mean"}
    ),
    "E0607-all-dropped": Case(
        'data "gaps.csv", missing = drop', {"gaps.csv": b"a,b,y\n1,,3\n4,5,?\n"}, {"missing": "drop"}
    ),
    "E0670-id": Case(
        'data "ids.csv", target = y',
        {"ids.csv": b"id,x,y\n9007199254740992,1,2\n9007199254740993,2,3\n-9007199254740995,2,3\n"},
        {"target": ("y",)},
    ),
    "E0670-target": Case('data "ids.csv"', {"ids.csv": b"x,y\n1,18014398509481985\n2,18014398509481984\n"}),
    "E0670-array": Case('data "ids.npy"', {"ids.npy": npy(np.array([[2**60, 1], [2**60 + 1, 2]]))}),
    "E0611-infinite": Case('data "inf.csv"', {"inf.csv": b"a,b,y\n1,2,3\n4,5,-inf\n"}),
    "E0612-unknown-target": Case(
        'data "t.csv", target = prise', {"t.csv": b"area,price\n1,2\n"}, {"target": ("prise",)}
    ),
    "E0612-unknown-input": Case(
        "data boston, target = medv, inputs = (rm, agee)", {}, {"inputs": ("rm", "agee")}, "named"
    ),
    "E0613-twice": Case('data "t.csv"', {"t.csv": b"a,b,a,y\n1,2,3,4\n"}),
    "E0613-input-is-target": Case('data "t.csv", inputs = (a, y)', {"t.csv": GOOD}, {"inputs": ("a", "y")}),
    "E0613-target-twice": Case('data "t.csv", target = (y, y)', {"t.csv": GOOD}, {"target": ("y", "y")}),
    "E0614-lengths": Case('data "x.npy", "y.npy"', {"x.npy": npy(np.ones((5, 3))), "y.npy": npy(np.ones(4))}),
    "E0614-one-column": Case('data "t.csv"', {"t.csv": b"y\n1\n2\n"}),
    "E0614-all-targets": Case(
        'data "t.csv", target = (a, b, y)', {"t.csv": GOOD}, {"target": ("a", "b", "y")}
    ),
    "E0614-three-files": Case(
        'data "a.npy", "b.npy", "c.npy"', {name: npy(np.ones(3)) for name in ("a.npy", "b.npy", "c.npy")}
    ),
    "E0615-split-nothing": Case('data "t.csv", split = 10%', {"t.csv": GOOD}, {"split": 0.1}),
    "E0615-split-count": Case('data "t.csv", split = 404', {"t.csv": GOOD}, {"split": 404.0}),
    "E0615-limit": Case('data "t.csv", limit = 10', {"t.csv": GOOD}, {"limit": 10}),
    "E0615-stratify-one": Case(
        'data "t.csv", split = 50%, stratify = true',
        {"t.csv": b"a,y\n1,red\n2,green\n3,red\n4,blue\n"},
        {"split": 0.5, "stratify": True},
    ),
    "E0615-stratify-few": Case(
        'data "t.csv", split = 80%, stratify = true',
        {"t.csv": b"a,y\n1,red\n2,green\n3,red\n4,green\n"},
        {"split": 0.8, "stratify": True},
    ),
    "E0616-stratify-numbers": Case(
        'data "t.csv", split = 50%, stratify = true',
        {"t.csv": b"a,y\n1,0.5\n2,1.5\n"},
        {"split": 0.5, "stratify": True},
    ),
    "E0616-labels": Case(
        'data "t.csv", classes = 2', {"t.csv": b"a,y\n1,red\n2,green\n3,blue\n"}, {"classes": 2}
    ),
    "E0616-numbers": Case('data "t.csv", classes = 3', {"t.csv": b"a,y\n1,0.5\n2,1.5\n"}, {"classes": 3}),
    "E0616-one-label": Case(
        'data "t.csv", target = y', {"t.csv": b"a,y\n1,red\n2,red\n"}, {"target": ("y",)}
    ),
    "E0616-a-date-each": Case(
        'data "t.csv"', {"t.csv": b"a,day\n" + b"".join(b"%d,2024-01-%02d\n" % (i, i) for i in range(1, 29))}
    ),
    "E0619-numbers": Case('data "spectra.csv"', {"spectra.csv": b"1990,1991,1992\n1,2,3\n3,4,5\n"}),
    "E0619-word": Case('data "t.csv"', {"t.csv": b"1,2,y\n1,2,3\n3,4,5\n"}),
    "E0619-labels": Case('data "x.csv", "y.csv"', {"x.csv": b"1\n2\n4\n", "y.csv": b"yes\nno\nyes\n"}),
    "E0616-two-targets": Case(
        'data "t.csv", target = (b, y), classes = 3', {"t.csv": GOOD}, {"classes": 3, "target": ("b", "y")}
    ),
}


def message(act: Callable[[], object]) -> str:
    with pytest.raises(DataError) as caught:
        act()
    assert len(caught.value.diagnostics) == 1
    return str(caught.value)


@pytest.mark.parametrize("name", CASES)
def test_message(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool) -> None:
    case = CASES[name]
    monkeypatch.setenv("NETC_DATA", str(tmp_path / "sets"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    for file, content in case.files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    text = message(lambda: load(case.spec(tmp_path), tmp_path))
    check_pinned(name, text.replace(str(tmp_path), "FOLDER"), update_golden)


def check_pinned(name: str, text: str, update: bool) -> None:
    path = PINNED / f"{name}.out"
    if update:
        path.write_text(text + "\n", encoding="utf-8")
    assert name.split("-")[0] in text
    assert text + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("package", "name"), [("pyarrow.parquet", "parquet"), ("sklearn.datasets", "sklearn")]
)
def test_missing_package(
    package: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    case = Case('data "t.parquet"') if name == "parquet" else Case("data iris", kind="named")
    check_pinned(f"E0605-no-{name}", message(lambda: load(case.spec(tmp_path))), update_golden)


def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    text = message(lambda: load(Case('data "t.csv"').spec(tmp_path)))
    assert "E0603" in text
    assert "permission denied" in text


ARRAYS = DataSpec("arrays")


@pytest.mark.parametrize(
    ("x", "y", "code", "words"),
    [
        ([[1, 2], [3]], [1, 2], "E0608", "the rows of x are of different lengths"),
        ([[1, 2], [3, 4]], [1, 2, 3], "E0614", "2 samples in x, but 3 in y"),
        (5.0, [1], "E0614", "x is a single value"),
        (scipy.sparse.csr_matrix(np.eye(3)), [1, 2, 3], "E0614", "x.toarray()"),
        ({1.0, 2.0}, [1, 2], "E0614", "x is of type set"),
        (iter([[1.0], [2.0]]), [1, 2], "E0614", "is list(x)"),
        ([], [], "E0607", "x holds no samples"),
        ([[1.0], [np.nan]], [1, 2], "E0609", "x, row 2, column 'x'"),
        ([[1.0], [np.inf]], [1, 2], "E0611", "x, row 2, column 'x'"),
        (np.ma.masked_greater([[1.0], [3.0]], 2), [1, 2], "E0609", "x, row 2, column 'x'"),
        ([[1.0], [3.0]], np.ma.masked_greater([1, 5], 2), "E0609", "y, row 2, column 'y'"),
        ([["a"], ["b"]], [1, 2], "E0610", "'a' is not a number"),
        (
            [[2**53], [2**53 + 1]],
            [1, 2],
            "E0670",
            "x, row 2, column 'x': 9007199254740993 would be read as 9007199254740992",
        ),
        ([[1], [2]], [1, -(2**60) - 1], "E0670", "y, row 2, column 'y': -1152921504606846977"),
        (np.array([[2**64 - 1]], np.uint64), [1], "E0670", "would be read as 18446744073709551616"),
        (np.array([[2**70 + 1, "", 3]], object), [1], "E0670", "1180591620717411303425 would be read as"),
        (np.array([[1 + 2j]]), [1], "E0610", "is not a number"),
        ([[1.0], [2.0]], ["red", None], "E0609", "y, row 2, column 'y'"),
        (None, [1], "E0614", "x is a single value"),
    ],
)
def test_arrays(x: Any, y: Any, code: str, words: str) -> None:
    text = message(lambda: from_arrays(x, y, ARRAYS))
    assert code in text
    assert words in text


@pytest.mark.parametrize(
    ("table", "hint"),
    [
        ("a,b,y\n0x10,2,3\n2,3,4\n", "correct this cell"),
        ("a,b,y\n-,2,3\n2,3,4\n", "what is missing is left empty, or NA"),
        ("a,b,y\nm,s,kg\n1,2,3\n2,3,4\n", "remove this row if it holds units"),
        ("a,b,y\n\u22121,2,3\n2,3,4\n", "this minus is the sign U+2212"),
        ("a,b,y\n1.0D-3,2,3\n2.0d2,3,4\n", "an exponent is written with e: 1.0e-3"),
        ("a,b,y\n1_000,2,3\n2_000,3,4\n", "digits stand together: 1000"),
        ("a,b,y\n12 kg,2,3\n13 kg,3,4\n", "a number stands without its unit"),
        ("a,b,y\n2020-01-31,2,3\n2020-02-01,3,4\n", "a date is no number"),
        ("a,b,y\n1.12.2020 10:30,2,3\n2.12.2020 11:30,3,4\n", "a date is no number"),
        ("a,b,y\n12:30,2,3\n12:31,3,4\n", "a date is no number"),
    ],
)
def test_a_cell_that_is_no_number_in_the_first_row(tmp_path: Path, table: str, hint: str) -> None:
    """Numbers beside it say that the row is a sample, and not one of units."""
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    assert hint in message(lambda: load(Case('data "t.csv"').spec(tmp_path)))


def test_large_whole_numbers_that_are_numbers_of_float64(tmp_path: Path) -> None:
    """2^60, one written with a point, one that a computation gave, a row name that the file leaves out."""
    x = np.array([[2**60, 1], [2**60 + 256, 2]])
    np.testing.assert_array_equal(from_arrays(x, [1, 2], ARRAYS).x, [[2.0**60, 1], [2.0**60 + 256, 2]])
    from_arrays((x + 1).astype(float), [1, 2], ARRAYS)
    table = b"id,x,y\n9007199254740993,1152921504606846976,2.5\n9007199254740995,9007199254740993.0,1e17\n"
    case = Case('data "t.csv"', {}, {"inputs": ("x",)})
    (tmp_path / "t.csv").write_bytes(table)
    np.testing.assert_array_equal(load(case.spec(tmp_path)).x[:, 0], [2.0**60, 2.0**53])


def test_no_data_to_read() -> None:
    assert "model.train(X, y)" in message(lambda: load(ARRAYS))


OTHERS = {"E0617-no-network", "E0618-checksum", *(path.stem for path in PINNED.glob("E0620-*.out"))}
"""Those of other tests."""


def test_every_text_is_of_a_case_and_every_code_has_one() -> None:
    known = {*CASES, "E0605-no-parquet", "E0605-no-sklearn"}
    assert {path.stem for path in PINNED.glob("*.out")} - OTHERS == known
    assert {path.stem[:5] for path in PINNED.glob("*.out")} == {
        code for code in CODES if "E0600" < code < "E0630" or code == "E0670"
    }


def test_zip_that_is_no_npz(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("notes.txt", "not an array")
    assert "E0603" in message(lambda: load(Case('data "t.npz"').spec(tmp_path)))
