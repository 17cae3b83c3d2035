"""What is held while files are read, and that no number hangs on how they are read."""

import codecs
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import netc
from netc.compiler.meaning.spec import DataSpec
from netc.dsl.source import NOWHERE
from netc.runtime.data import lines, readers_csv
from netc.runtime.data.errors import DataError
from netc.runtime.data.load import load
from netc.runtime.data.readers_csv import read_csv

ROWS, WIDTH = 20_000, 50
X = np.random.default_rng(1).random((ROWS, WIDTH), dtype=np.float32) * 9
Y = np.arange(ROWS) % 3
NAMES = [f"c{i}" for i in range(WIDTH)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same samples as files: float32, the classes as whole numbers."""
    path = tmp_path_factory.mktemp("samples")
    both = np.column_stack([X, Y.astype(np.float32)])
    np.save(path / "rows.npy", both)
    np.save(path / "columns.npy", np.asfortranarray(both))
    np.savez(path / "pair.npz", x=X, y=Y)
    columns = {name: X[:, i] for i, name in enumerate(NAMES)}
    pq.write_table(pa.table({**columns, "y": Y}), path / "table.parquet", row_group_size=6_000)
    text = [",".join([*map(repr, row.tolist()), str(y)]) for row, y in zip(X, Y, strict=True)]
    (path / "table.csv").write_text("\n".join([",".join([*NAMES, "y"]), *text]))
    return path


@pytest.fixture
def pool():
    """Where Arrow takes its memory from, which Python does not count."""
    usual, counted = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(counted)
    yield counted
    pa.set_memory_pool(usual)


def _most(path: Path) -> int:
    """Bytes of Python and NumPy at once."""
    load(DataSpec("files", (str(path),)))
    tracemalloc.start()
    load(DataSpec("files", (str(path),)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("name", ["rows.npy", "columns.npy", "pair.npz", "table.parquet"])
def test_binary_files_are_held_once(name: str, folder: Path, pool: pa.MemoryPool) -> None:
    """The samples, two arrays of one number for each, their order: another copy of anything would be seen."""
    assert _most(folder / name) + (pool.max_memory() or 0) < 1.4 * X.nbytes


@pytest.mark.sweep
def test_text_is_held_beside_its_numbers(folder: Path) -> None:
    """The bytes of the file and the numbers as float64, and some megabytes of cells."""
    file = folder / "table.csv"
    assert _most(file) < file.stat().st_size + 2 * X.nbytes + 2**23


TEXT = """data {source}, scale = zscore, split = 70%
network [50(tanh)4(softmax)3]
init glorot_uniform
loss cross_entropy
optimizer gd(eta = 0.1)
train epochs = 1, batch = 64, precision = f32
"""


@pytest.mark.sweep
def test_all_files_train_alike(folder: Path) -> None:
    """To the bit, and as the arrays do."""
    wanted = netc.compile(TEXT.format(source="given")).train(X, Y).theta
    for name in ("rows.npy", "columns.npy", "pair.npz", "table.parquet", "table.csv"):
        found = netc.compile(TEXT.format(source=f'"{folder / name}"')).train().theta
        np.testing.assert_array_equal(found, wanted, err_msg=name)


@pytest.mark.sweep
def test_columns_of_an_array_are_read_where_they_lie_and_looked_after() -> None:
    both = np.column_stack([X[:500], Y[:500].astype(np.float32)])
    model = netc.compile(TEXT.format(source="given"))
    theta = model.train(both, None).theta
    np.testing.assert_array_equal(theta, model.train(X[:500], Y[:500]).theta)
    model.train(both, None)
    both[17, 3] += 1
    with pytest.raises(ValueError, match="written to"):
        model.train(precision="f64")


def test_parquet_beside_other_columns(tmp_path: Path) -> None:
    """float32 stays, unless a number would not: of another column, or of the table as a whole."""
    single, whole = pa.array([0.1, 0.2, 0.3], pa.float32()), pa.array([1, 2, 3])
    columns = {
        "few": (whole, np.float32),
        "many": (pa.array([2**24, 2**24 + 1, 3]), np.float64),
        "double": (pa.array([0.1, 0.2, 0.3]), np.float64),
        "gaps": (pa.array([1, None, 3]), np.float32),
        "text": (pa.array(["a", "b", "a"]), np.float32),
        "truth": (pa.array([True, False, True]), np.float32),
    }
    for name, (column, kind) in columns.items():
        pq.write_table(pa.table({"x": single, "x.1": single, "y": column}), tmp_path / "t.parquet")
        data = load(DataSpec("files", (str(tmp_path / "t.parquet"),), missing="drop"))
        rows = [0, 2] if name == "gaps" else [0, 1, 2]
        assert data.x.dtype == kind, name
        np.testing.assert_array_equal(data.x[:, 1], np.float32([0.1, 0.2, 0.3])[rows])
        if name not in ("text", "truth"):
            np.testing.assert_array_equal(data.y[:, 0], np.array(column.to_pylist(), float)[rows])


def test_whole_numbers_with_gaps_are_not_rounded(tmp_path: Path) -> None:
    table = pa.table({"x": pa.array([None, 2**53 + 1, 4]), "y": [0.5, 1.5, 2.5]})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"row 2, column 'x': 9007199254740993 would be read as"):
        load(DataSpec("files", (str(tmp_path / "t.parquet"),), missing="drop"))


def test_columns_of_one_name_are_told_in_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table([[1.0], [2.0], [3.0]], names=["a", "a", "y"]), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="more than one column called 'a'"):
        load(DataSpec("files", (str(tmp_path / "t.parquet"),)))


TABLE = (
    "# made for größe\n"
    "a,größe,y\n"
    '1,0.5,"r,\n1"\n'
    "# a comment\n"
    "\n" + "".join(f"{9007199254740993 + i},{i}.25,é{i % 3}\n" for i in range(20))
).encode()


def test_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table in pieces of some rows, its bytes in pieces of some letters."""
    for content in (TABLE, codecs.BOM_UTF8 + TABLE, TABLE.replace(b"\n", b"\r\n")):
        whole = read_csv(Path("t.csv"), content, NOWHERE)
        monkeypatch.setattr(readers_csv, "_CELLS", 10)
        monkeypatch.setattr(lines, "_PIECE", 5)
        found = read_csv(Path("t.csv"), content, NOWHERE)
        monkeypatch.undo()
        np.testing.assert_array_equal(found.values, whole.values)
        assert found.columns == ("a", "größe", "y")
        assert found.text == whole.text
        assert found.reading == whole.reading
        assert found.rounded == whole.rounded
        assert (found.lines == whole.lines).all()
        assert found.lines is not None
        assert found.lines.tolist() == [4, *range(7, 27)]
        assert found.reading is not None
        assert found.reading.comments == 2
        assert (found.rounded[0].row, found.rounded[0].times) == (1, 10)


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("piece", [3, 2**20])
def test_the_first_byte_that_is_no_text_is_named(
    mark: bytes, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_PIECE", piece)
    content = mark + "größe,y\n1,2\n3,ä\n".encode() + "é\n".encode("latin-1") + b"\xff"
    with pytest.raises(DataError, match="row 4: the byte 0xe9 is not UTF-8"):
        read_csv(Path("t.csv"), content, NOWHERE)
