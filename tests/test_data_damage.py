"""Damaged files never give a traceback: they are read, or refused with a DataError."""

from __future__ import annotations

import gzip
import io
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.errors import DataError
from netc.runtime.data.load import load


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    out = io.BytesIO()
    save(out)
    return out.getvalue()


X, Y = np.arange(12.0).reshape(6, 2), np.arange(6)
TEXT = b'# c\n"a",b,y\n1,2,red\n3,4e-3,"blue"\n\n5,6,7\n'
WHOLE = {
    "t.csv": TEXT,
    "t.tsv": TEXT.replace(b",", b"\t"),
    "t.csv.gz": gzip.compress(TEXT, mtime=0),
    "t.npy": saved(lambda out: np.save(out, X)),
    "t.npz": saved(lambda out: np.savez(out, x=X, y=Y)),
    "t-idx2": struct.pack(">BBBBII", 0, 0, 8, 2, 2, 3) + bytes(6),
}

edits = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4
)


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=60)
@given(edits)
def test_damage(name: str, changes: list[tuple[int, int, bytes]]) -> None:
    content = WHOLE[name]
    for at, removed, added in changes:
        at %= len(content) + 1
        content = content[:at] + added + content[at + removed :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        with suppress(DataError):
            data = load(DataSpec("files", (str(path),)))
            assert np.isfinite(data.x).all()
            assert np.isfinite(data.y).all()
            assert len(data.x) == len(data.y) == len(data.train)
