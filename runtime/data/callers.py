"""Arrays, lists and frames of a Python caller as tables. Judges no cell: that is for those who want something of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import DataSpec
from netc.dsl.source import NOWHERE, Span
from netc.runtime.data.columns import with_truths
from netc.runtime.data.errors import data_error
from netc.runtime.data.named_sets import Parts
from netc.runtime.data.table import Table, from_array, from_columns, without_use
from netc.runtime.data.whole_numbers import EXACT, NoArray, exact_array


def tables_of(x: Any, y: Any, spec: DataSpec) -> Table | Parts:
    """Inputs and targets; one table where the targets are among its columns."""
    inputs = _table_of("x", x, "x", spec.span)
    if y is None:
        return inputs
    if spec.of_inputs:
        raise data_error("E0614", "target = inputs: the targets are the inputs, y is not needed", spec.span)
    _require_same_order(x, y, spec)
    return Parts(inputs, _table_of("y", y, "y", spec.span))


def inputs_of(x: Any) -> Table:
    """Inputs of a Python caller as a table, columns of truths as numbers."""
    return with_truths(_table_of("X", x, "x", NOWHERE))


def _require_same_order(x: Any, y: Any, spec: DataSpec) -> None:
    """Samples go by their places, which is a guess where pandas' frames have rows in common by their index.

    An index that only counts its rows says nothing of them: scaled inputs often come back with one.
    """
    if (
        not (hasattr(x, "iloc") and hasattr(y, "iloc"))
        or len(x.index) != len(y.index)
        or x.index.equals(y.index)
        or not (x.index.is_unique and y.index.is_unique)
    ):
        return
    common = len(x.index.intersection(y.index))
    if common == len(x.index):
        message = "x and y have the same index in another order"
        raise data_error("E0614", message, spec.span, hints=["y = y.loc[x.index] brings them together"])
    if common and not (_counts(x) or _counts(y)):
        message = f"by their index x and y have {common} of {len(x.index)} rows in common"
        rows = "rows = x.index.intersection(y.index); x, y = x.loc[rows], y.loc[rows] takes those"
        raise data_error("E0614", message, spec.span, hints=[rows, "y.to_numpy() goes by its places"])


def _counts(frame: Any) -> bool:
    return [*frame.index] == [*range(len(frame.index))]


def _table_of(name: str, values: Any, prefix: str, span: Span) -> Table:
    """A table of whatever Python callers hold; frames and series are known by what they offer."""
    if hasattr(values, "columns") and hasattr(values, "iloc"):
        columns = [_column(values.iloc[:, i]) for i in range(len(values.columns))]
        table = from_columns(name, values.columns, columns)
        counted = [*values.columns] == [*range(len(values.columns))]
        index = (
            without_use(table.columns, table.values, table.text)
            if len(table.columns) > 1
            else frozenset[int]()
        )
        return replace(table, named=not counted, index=index)
    label = getattr(values, "name", None) if hasattr(values, "iloc") else None
    if isinstance(values, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(values)
        values = np.ma.getdata(values).astype(object)
        values[masked] = None
    try:
        array = _column(values) if hasattr(values, "iloc") else exact_array(values)
    except NoArray as error:
        raise data_error("E0614", f"{name} cannot be read: {error}", span) from None
    except ValueError:
        raise data_error("E0608", f"the rows of {name} are of different lengths", span) from None
    if array.ndim == 0:
        what, hint = _instead_of_samples(values)
        raise data_error("E0614", f"{name} is {what}, not a list of samples", span, hints=hint)
    table = from_array(name, array, prefix)
    return replace(table, columns=(str(label),), named=True) if label is not None else table


def _instead_of_samples(values: Any) -> tuple[str, list[str]]:
    """What it is that NumPy makes no array of, and how one is made."""
    if hasattr(values, "toarray"):
        return "a sparse matrix", ["an array of all its numbers is x.toarray()"]
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        return f"of type {type(values).__name__}", ["a list of the samples in it is list(x)"]
    return "a single value", []


def _column(series: Any) -> NDArray[Any]:
    """Of pandas' whole numbers with gaps as float64, or one by one where these would round."""
    array: NDArray[Any] = series.to_numpy()
    whole = array.dtype.kind == "f" and getattr(series.dtype, "kind", "") in ("i", "u")
    return series.to_numpy(dtype=object) if whole and (np.abs(array) >= EXACT).any() else array
