"""Parquet to tables, some columns at a time: neither the file nor its table is ever in memory as a whole."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from netc.dsl.source import Span
from netc.dsl.visible import visible
from netc.runtime.data.bounds import TooLarge, require_unpackable
from netc.runtime.data.errors import DAMAGED, Unfit, data_error
from netc.runtime.data.table import Table, of_columns
from netc.runtime.data.whole_numbers import EXACT

PARTS = 128
"""In which the columns are read: what a part takes, packed and unpacked, stands beside the values for a while."""


def read_parquet(path: Path, file: BinaryIO, size: int, span: Span) -> Table:
    """The table in a file of so many bytes. Raises DataError, Unfit, TooLarge."""
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise data_error(
            "E0605", f"reading {path.name} needs pyarrow", span, hints=["pip install 'netc[parquet]'"]
        ) from None
    try:
        held = parquet.ParquetFile(file)
        about, schema = held.metadata, held.schema_arrow
        # A column of equal values takes no room in the file.
        groups = (about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        require_unpackable(max(sum(groups), 8 * about.num_rows * about.num_columns), size)
        names, kinds = schema.names, {str(kind) for kind in schema.types}
        single = "float" in kinds and not kinds & {"double", "halffloat"}
        table = of_columns(
            path.name, [visible(name) for name in names], _columns(held, names), about.num_rows, single
        )
        index = (schema.pandas_metadata or {}).get("index_columns", ())
        index = {name for name in index if isinstance(name, str)}
    except TooLarge:
        raise
    except Exception:  # Arrow has a class of its own for every kind of damage
        raise Unfit(DAMAGED) from None
    return replace(table, index=frozenset(i for i, name in enumerate(names) if name in index))


def _columns(held: Any, names: Sequence[str]) -> Iterator[NDArray[Any]]:
    """In order. Of names that stand twice, which are refused later, Arrow could not tell one from the other."""
    if len(set(names)) < len(names):
        yield from map(_plain_array, held.read().columns)
        return
    step = -(-len(names) // PARTS)
    for at in range(0, len(names), step):
        part = names[at : at + step]
        table = held.read(columns=part)
        yield from (_plain_array(table.column(name)) for name in part)


def _plain_array(column: Any) -> NDArray[Any]:
    """A column of Arrow; one of a few labels is stored as codes and a dictionary. Whole numbers with gaps are float64,
    or texts where these would round."""
    whole = column.combine_chunks()
    plain = whole.dictionary_decode() if hasattr(whole, "dictionary_decode") else whole
    array: NDArray[Any] = plain.to_numpy(zero_copy_only=False)
    if array.dtype.kind == "f" and "int" in str(plain.type) and (np.abs(array) >= EXACT).any():
        return np.array(plain.to_pylist(), dtype=object)
    return array
