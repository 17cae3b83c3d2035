"""The named sets, and fetching them: facts of their papers, tiny IDX files, a server on this machine."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from netc.compiler.meaning.spec import DataSpec, Facts
from netc.dsl.source import NOWHERE
from netc.runtime.data import get as data_get
from netc.runtime.data.dataset import facts
from netc.runtime.data.errors import DataError
from netc.runtime.data.load import load
from netc.runtime.data.named_sets import IDX_FILES, SETS, describe

PINNED = Path(__file__).parent / "bad_data"


def named(name: str, **settings: Any) -> DataSpec:
    return DataSpec("named", (name,), **settings)


def test_boston() -> None:
    data = load(named("boston", target=("medv",), split=0.8, seed=1))
    assert facts(data) == Facts(13, 1, 404)
    assert len(data.test) == 102
    # Means as in the table of Harrison and Rubinfeld (1978): medv 22.5328, rm 6.2846.
    assert data.y.mean() == pytest.approx(22.5328, abs=1e-4)
    assert data.x[:, data.input_names.index("rm")].mean() == pytest.approx(6.2846, abs=1e-4)


def test_sonar() -> None:
    data = load(named("sonar"))
    assert facts(data) == Facts(60, 1, 208, ("M", "R"), True)
    assert np.bincount(data.codes).tolist() == [111, 97]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_scikit_learn_sets(name: str) -> None:
    data, entry = load(named(name)), SETS[name]
    peer = getattr(datasets, f"load_{name}")()
    np.testing.assert_array_equal(data.x, peer.data)
    assert data.x.shape == (entry.samples, entry.inputs)
    assert data.target_names == (entry.target,)
    assert len(data.labels) == entry.classes
    if not entry.classes:
        np.testing.assert_array_equal(data.y[:, 0], peer.target)
    else:
        spelled = [data.labels[code] for code in data.codes]
        assert spelled == [str(peer.target_names[code]) for code in peer.target]


def images(name: str, seed: int) -> dict[str, bytes]:
    """A set of 6 training and 3 test images of 2 x 2 pixels."""
    rng = np.random.default_rng(seed)
    contents = []
    for samples in (6, 3):
        pixels = rng.integers(0, 256, (samples, 2, 2), dtype=np.uint8)
        contents.append(struct.pack(">BBBB3I", 0, 0, 8, 3, samples, 2, 2) + pixels.tobytes())
        contents.append(struct.pack(">BBBBI", 0, 0, 8, 1, samples) + bytes(range(samples)))
    return dict(zip(IDX_FILES, contents, strict=True))


def place(folder: Path, files: dict[str, bytes], packed: bool) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)


@pytest.fixture(autouse=True)
def _no_sets_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETC_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(("inner", "packed"), [("fashion_mnist", True), ("fashion-mnist", False)])
def test_official_test_part(inner: str, packed: bool, tmp_path: Path) -> None:
    place(tmp_path / inner, images("fashion_mnist", 0), packed)
    data = load(named("fashion_mnist"), tmp_path)
    assert data.train.tolist() == [0, 1, 2, 3, 4, 5]
    assert data.test.tolist() == [6, 7, 8]
    assert data.y[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2]
    assert data.x.shape == (9, 4)
    assert data.x.max() > 1


def test_split_cuts_the_training_part(tmp_path: Path) -> None:
    place(tmp_path / "mnist", images("mnist", 0), packed=True)
    for spec in (named("mnist", split=0.5), named("mnist", split=1.0, spans=(("split", NOWHERE),))):
        data = load(spec, tmp_path)
        assert len(data.x) == 6
        assert len(data.train) == (3 if spec.split < 1 else 6)
    limited = load(named("mnist", limit=4), tmp_path)
    assert (len(limited.train), len(limited.test)) == (4, 3)


def test_order_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETC_DATA", str(tmp_path / "chosen"))
    digests = []
    for seed, folder in enumerate(("home/netc", "chosen", "beside")):
        place(tmp_path / folder / "mnist", images("mnist", seed), packed=True)
        digests.append(load(named("mnist"), tmp_path / "beside").digest)
    assert len(set(digests)) == 3


def test_describe(tmp_path: Path) -> None:
    lines = {line.name: line for line in describe(tmp_path)}
    assert list(lines) == list(SETS)
    assert lines["boston"].available
    assert "scikit-learn dropped" in lines["boston"].note
    assert not lines["mnist"].available
    assert lines["mnist"].how == "netc data get mnist"
    place(tmp_path / "mnist", images("mnist", 0), packed=True)
    assert {line.name: line.how for line in describe(tmp_path)}["mnist"] == str(tmp_path / "mnist")


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The official address of mnist, on this machine: what lies in the folder is served."""
    folder = tmp_path / "served"
    files = images("mnist", 7)
    place(folder, files, packed=True)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    gone, here = "http://127.0.0.1:9/", f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setitem(data_get._ADDRESSES, "mnist", (gone, here))
    checksums = tuple(hashlib.sha256(content).hexdigest() for content in files.values())
    monkeypatch.setitem(data_get._CHECKSUMS, "mnist", checksums)
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_get(official: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    delivery = data_get.get("mnist", progress=seen.append)
    assert delivery.brought == tuple(seen) == IDX_FILES
    assert delivery.folder == tmp_path / "home/netc/mnist"
    assert len(load(named("mnist")).x) == 9
    (delivery.folder / f"{IDX_FILES[1]}.gz").write_bytes(b"spoilt")
    again = data_get.get("mnist")
    assert again.brought == (IDX_FILES[1],)
    assert len(again.kept) == 3
    assert {path.name for path in delivery.folder.iterdir()} == {f"{name}.gz" for name in IDX_FILES}


@pytest.mark.parametrize("packed", [True, False])
def test_get_from_folder(packed: bool, official: Path, tmp_path: Path) -> None:
    place(tmp_path / "stick" / "mnist", images("mnist", 7), packed)
    delivery = data_get.get("mnist", source_folder=tmp_path / "stick", destination=tmp_path / "data")
    assert delivery.folder == tmp_path / "data" / "mnist"
    assert len(load(named("mnist"), tmp_path / "data").x) == 9


def check_pinned(name: str, text: str, update: bool) -> None:
    path = PINNED / f"{name}.out"
    if update:
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


def refusal(name: str, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        data_get.get(name, **settings)
    return str(caught.value)


def test_wrong_files_are_not_kept(official: Path, tmp_path: Path, update_golden: bool) -> None:
    place(tmp_path / "stick", images("mnist", 8), packed=True)
    text = refusal("mnist", source_folder=tmp_path / "stick", destination=tmp_path / "data")
    check_pinned("E0618-checksum", text.replace(str(tmp_path), "FOLDER"), update_golden)
    (official / f"{IDX_FILES[0]}.gz").write_bytes(gzip.compress(b"something else"))
    assert "not the official file" in refusal("mnist", destination=tmp_path / "data")
    (official / f"{IDX_FILES[0]}.gz").unlink()
    assert "the server answers 404" in refusal("mnist", destination=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_no_network(tmp_path: Path, update_golden: bool) -> None:
    def unplugged(url: str) -> Any:
        raise TimeoutError

    text = refusal("fashion_mnist", open_url=unplugged)
    check_pinned("E0617-no-network", text, update_golden)
    assert "E0601" in refusal("mnist", source_folder=tmp_path)


def test_nothing_to_get() -> None:
    assert "E0602" in refusal("mnst")
    assert "part of netc" in refusal("boston")
    assert "netc[datasets]" in refusal("iris")
