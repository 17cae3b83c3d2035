"""The named data sets: what they are, where they come from, and how they are read.

`boston` and `sonar` are part of netc; five come with scikit-learn; `mnist` and `fashion_mnist` are read from
IDX files wherever the user keeps them. Nothing is fetched here: that is `data/get.py`, at the user's command.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np

from netc.compiler.meaning.spec import TextStyle
from netc.dsl.source import Span
from netc.runtime.data.errors import Unfit, data_error, did_you_mean, listing
from netc.runtime.data.readers import idx_array, read_bytes
from netc.runtime.data.readers_csv import read_csv
from netc.runtime.data.table import Table, from_array


@dataclass(frozen=True)
class NamedSet:
    name: str
    title: str
    samples: int
    """For training, where the set brings its own test part."""
    tests: int
    """Of the set's own test part; 0 where it has none."""
    inputs: int
    target: str
    classes: int
    """0 for regression."""
    kind: Literal["shipped", "scikit-learn", "IDX"]
    origin: str
    licence: str
    note: str = ""


_UCI = "UCI Machine Learning Repository"
SETS: dict[str, NamedSet] = {
    entry.name: entry
    for entry in (
        NamedSet(
            "boston", "house prices in the suburbs of Boston", 506, 0, 13, "medv", 0, "shipped",
            "Harrison and Rubinfeld 1978, StatLib", "freely distributable",
            "column b is built on the share of black residents, for which scikit-learn dropped the set; "
            "it stands here to repeat published results",
        ),
        NamedSet(
            "sonar", "sonar echoes of mines (M) and rocks (R)", 208, 0, 60, "class", 2, "shipped",
            f"Gorman and Sejnowski 1988, {_UCI}", "CC BY 4.0",
        ),
        NamedSet(
            "iris", "three kinds of iris", 150, 0, 4, "species", 3, "scikit-learn",
            f"Fisher 1936, {_UCI}", "CC BY 4.0",
        ),
        NamedSet(
            "wine", "three growers of wine by chemical analysis", 178, 0, 13, "cultivar", 3, "scikit-learn",
            f"Aeberhard and Forina 1992, {_UCI}", "CC BY 4.0",
        ),
        NamedSet(
            "breast_cancer", "malignant and benign tumours", 569, 0, 30, "diagnosis", 2, "scikit-learn",
            f"Wolberg et al. 1993, {_UCI}", "CC BY 4.0",
        ),
        NamedSet(
            "diabetes", "progress of diabetes after one year", 442, 0, 10, "progression", 0, "scikit-learn",
            "Efron et al. 2004", "as scikit-learn ships it",
        ),
        NamedSet(
            "digits", "handwritten digits of 8 x 8 pixels", 1797, 0, 64, "digit", 10, "scikit-learn",
            f"Alpaydin and Kaynak 1998, {_UCI}", "CC BY 4.0",
        ),
        NamedSet(
            "mnist", "handwritten digits of 28 x 28 pixels", 60000, 10000, 784, "label", 10, "IDX",
            "LeCun, Cortes and Burges", "CC BY-SA 3.0",
        ),
        NamedSet(
            "fashion_mnist", "clothes of 28 x 28 pixels", 60000, 10000, 784, "label", 10, "IDX",
            "Xiao, Rasul and Vollgraf 2017, Zalando", "MIT",
        ),
    )
}  # fmt: skip

IDX_FILES = (
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
)  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """Inputs and targets apart, as they were read, those of the set's own test part if it has one, and those of a
    validation part that stands in files of its own."""

    inputs: Table
    targets: Table
    test: tuple[Table, Table] | None = None
    validation: tuple[Table, Table] | None = None


def read_named(name: str, source_folder: Path | None, span: Span) -> Table | Parts:
    """A shipped set as one table (its target is a column like any other), others as parts."""
    entry = require_known(name, span, f'a file is named in quotes: data "{name}.csv"')
    match entry.kind:
        case "shipped":
            path = Path(str(files("netc.data").joinpath(f"{name}.csv")))
            return read_csv(path, read_bytes(path, span), span, TextStyle(header=True))
        case "scikit-learn":
            return _read_sklearn(entry, span)
        case "IDX":
            return _read_idx(entry, source_folder, span)


def require_known(name: str, span: Span, hint: str = "") -> NamedSet:
    """The entry of a set, or E0602 with the names there are."""
    if name in SETS:
        return SETS[name]
    notes = [f"known are {listing(list(SETS))}"]
    raise data_error(
        "E0602",
        f"there is no data set '{name}'",
        span,
        notes=notes,
        hints=[did_you_mean(name, list(SETS)), hint],
    )


def _read_sklearn(entry: NamedSet, span: Span) -> Parts:
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ImportError:
        message = f"the data set '{entry.name}' comes with scikit-learn, which is not installed"
        raise data_error("E0605", message, span, hints=["pip install 'netc[datasets]'"]) from None
    found = getattr(datasets, f"load_{entry.name}")()
    names = tuple(str(name) for name in found.feature_names)
    inputs = Table(entry.name, names, np.asarray(found.data, dtype=np.float64))
    codes = np.asarray(found.target, dtype=np.float64)[:, None]
    labels = [str(label) for label in getattr(found, "target_names", [])]
    spelled = any(not label.isdigit() for label in labels)  # those of digits are the numbers 0 to 9
    text = {0: tuple(labels[int(code)] for code in found.target)} if spelled else {}
    return Parts(inputs, Table(entry.name, (entry.target,), codes, text))


def data_folders(source_folder: Path | None) -> list[Path]:
    """Where IDX sets are looked for, in this order."""
    from platformdirs import user_data_path

    chosen = os.environ.get("NETC_DATA")
    return [
        *([source_folder] if source_folder else []),
        *([Path(chosen).expanduser()] if chosen else []),
        user_data_path("netc", appauthor=False),
    ]


def find_idx(name: str, source_folder: Path | None) -> tuple[Path, ...] | None:
    """The four files of an IDX set, plain or gzipped, or None."""
    for folder in data_folders(source_folder):
        for inner in dict.fromkeys((name, name.replace("_", "-"))):
            found = [idx_file(folder / inner, file) for file in IDX_FILES]
            if all(found):
                return tuple(path for path in found if path)
    return None


def idx_file(folder: Path, file: str) -> Path | None:
    """The plain or the gzipped file in a folder, or None."""
    both = (folder / file, folder / f"{file}.gz")
    return next((candidate for candidate in both if os.path.isfile(candidate)), None)


def _read_idx(entry: NamedSet, source_folder: Path | None, span: Span) -> Parts:
    paths = find_idx(entry.name, source_folder)
    if paths is None:
        looked = [f"looked for {folder / entry.name}{os.sep}" for folder in data_folders(source_folder)]
        raise data_error(
            "E0606",
            f"the data set '{entry.name}' is not on this machine",
            span,
            notes=[*looked, f"its files: {', '.join(IDX_FILES)}, each plain or as .gz"],
            hints=[
                f"netc data get {entry.name}",
                f"netc data get {entry.name} --from FOLDER, without a network",
            ],
        )
    x, y, x_test, y_test = (_idx_table(entry, path, span) for path in paths)
    return Parts(x, y, (x_test, y_test))


def _idx_table(entry: NamedSet, path: Path, span: Span) -> Table:
    try:
        array = idx_array(read_bytes(path, span))
    except Unfit as problem:
        hint = f"netc data get {entry.name} brings it anew"
        raise data_error("E0603", f"{path} cannot be read: {problem}", span, hints=[hint]) from None
    table = from_array(path.name, array, "pixel")
    return table if array.ndim > 1 else Table(path.name, (entry.target,), table.values)


@dataclass(frozen=True)
class Description:
    """One line of `netc list data`."""

    name: str
    title: str
    size: str
    """`506 x 13`, `60000 + 10000 x 784`."""
    target: str
    origin: str
    licence: str
    note: str
    available: bool
    how: str
    """Where it is, or how to get it."""


def describe(source_folder: Path | None = None) -> tuple[Description, ...]:
    """All named sets, for `netc list data`."""
    return tuple(_describe(entry, source_folder) for entry in SETS.values())


def _describe(entry: NamedSet, source_folder: Path | None) -> Description:
    samples = f"{entry.samples} + {entry.tests}" if entry.tests else str(entry.samples)
    target = f"{entry.target} ({entry.classes} classes)" if entry.classes else entry.target
    match entry.kind:
        case "shipped":
            available, how = True, "part of netc"
        case "scikit-learn":
            available = importlib.util.find_spec("sklearn") is not None
            how = "with scikit-learn" if available else "pip install 'netc[datasets]'"
        case "IDX":
            found = find_idx(entry.name, source_folder)
            available = found is not None
            how = str(found[0].parent) if found else f"netc data get {entry.name}"
    size = f"{samples} x {entry.inputs}"
    return Description(
        entry.name, entry.title, size, target, entry.origin, entry.licence, entry.note, available, how
    )
