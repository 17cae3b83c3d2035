"""Arrays and frames that a user gives to a model, as its session wants them. Raises ValueError where they do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netc.runtime.data.axes import in_other_order
from netc.runtime.data.callers import inputs_of
from netc.runtime.data.errors import count
from netc.runtime.data.whole_numbers import ROUNDED, plain_array, require_exact_array
from netc.runtime.session import Session
from netc.runtime.training.sample_layout import Samples
from netc.runtime.training.target_domain import unfit

Reals = NDArray[Any]


def scaled_inputs(session: Session, X: Any) -> Reals:
    """(N, inputs) scaled."""
    raw = raw_inputs(session, X)  # before the scaling, which an objective does not have
    return session.inputs.apply(raw)


def raw_inputs(session: Session, X: Any) -> Reals:
    """(N, inputs) in the units of the data, gaps filled."""
    if session.spec.network is None:
        raise ValueError("the file is an objective: it has no inputs and outputs")
    known = session.known
    x = _rows(_in_order(X, known.columns, known.named) if known else X)
    axes = () if hasattr(X, "iloc") else np.shape(X)[1:]
    if wrong := in_other_order("X", axes, session.spec.network.input):
        raise ValueError(wrong)
    if x.shape[1] != session.spec.network.inputs:
        wanted = session.spec.network.inputs
        alone = "; one sample is X[None]" if np.ndim(X) == 1 and len(X) == wanted else ""
        raise ValueError(
            f"X has {count(x.shape[1], 'column')}; the network has {count(wanted, 'input')}{alone}"
        )
    return known.fill.apply(x) if known and known.fill else x


def samples_of(session: Session, X: Any, y: Any) -> Samples:
    if X is None and y is None:
        if session.data is None and session.spec.objective is None:
            what = "the model was loaded without its data" if session.learned else "the file has no data"
            raise ValueError(f"{what}: give X and y")
        return session.evaluator.train
    return session.lay_out(*scaled_samples(session, X, y))


def scaled_samples(session: Session, X: Any, y: Any) -> tuple[Reals, Reals]:
    if X is None or y is None:
        raise ValueError("X and y belong together")
    require_exact_array("y", y)
    x, targets = scaled_inputs(session, X), session.targets.encode(y)
    if len(x) != len(targets):
        raise ValueError(f"{len(x)} samples in X, {len(targets)} in y")
    outputs = session.spec.targets
    if targets.shape[1] != outputs:
        raise ValueError(f"y has {targets.shape[1]} columns; the loss takes {outputs}")
    if wrong := unfit(session.spec, targets):
        raise ValueError(f"y holds {targets[wrong[0], wrong[1]]:g}: {wrong[2]}")
    return x, session.weighted(targets)


def require_pair(validation_data: Any) -> None:
    """TypeError; weights of samples that validate are not known."""
    if validation_data is not None and not (
        isinstance(validation_data, tuple | list) and len(validation_data) == 2
    ):
        what = type(validation_data).__name__
        if isinstance(validation_data, tuple | list):
            what += f" of {len(validation_data)}"
        raise TypeError(f"validation_data is (X, y), the samples of a validation part, not a {what}")


def _in_order(X: Any, names: tuple[str, ...], named: bool) -> Any:
    """Of a frame with the columns that were trained on, these in the same order, whatever else it holds. A frame whose
    columns are only counted goes by their places, as an array does."""
    if not (hasattr(X, "columns") and hasattr(X, "iloc")):
        return X
    columns = [str(c) for c in X.columns]
    if not named or [*X.columns] == [*range(len(columns))]:
        known = [name for name in names if name in columns]
        if not known:
            return X
    if lost := [name for name in names if name not in columns]:
        by_place = "" if len(lost) < len(names) else "; X.to_numpy() goes by the places of the columns"
        raise ValueError(f"X has no column '{lost[0]}', which the model was trained on{by_place}")
    return X.iloc[:, [columns.index(name) for name in names]]


def _rows(X: Any) -> Reals:
    """(N, columns): a sample a row, read as for training; what is masked or missing is NaN."""
    array = None if hasattr(X, "iloc") or isinstance(X, np.ma.MaskedArray) else plain_array(X)
    if array is not None and array.dtype.kind in "biuf" and array.ndim:
        require_exact_array("X", X)
        return array.astype(np.float64).reshape(len(array), int(np.prod(array.shape[1:])))
    table = inputs_of(X)
    for column, cells in table.text.items():
        raise ValueError(f"column '{table.columns[column]}' of X holds text ('{cells[0]}', ...), not numbers")
    for column, found in table.rounded.items():
        where = f"row {found.row + 1} of column '{table.columns[column]}' of X"
        raise ValueError(f"{where} is {found.written}, {ROUNDED.format('X')}")
    return table.values.astype(np.float64)
