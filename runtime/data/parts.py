"""Which samples train and which test: drawn by a permutation keyed by the seed, over all samples or class by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.columns import setting_span
from netc.runtime.data.errors import count, data_error, listing
from netc.runtime.random import Purpose, permutation

Indices = NDArray[np.int64]


def split(
    samples: int, spec: DataSpec, codes: Indices | None = None, labels: Sequence[str] = ()
) -> tuple[Indices, Indices]:
    """(training, test) samples, both in the order of the data. `codes` (N,) are their classes, for `stratify`."""
    # The small number undoes rounding: 29% of 100 samples are 29, though 0.29*100 < 29.
    train = int(spec.split) if spec.split > 1 else int(spec.split * samples + 1e-9)
    if not 1 <= train <= samples:
        raise _bad_split(train, samples, spec)
    if train == samples:
        return np.arange(samples), np.arange(0)
    order = permutation(samples, spec.seed, 0, Purpose.SPLIT)
    if not spec.stratify:
        return np.sort(order[:train]), np.sort(order[train:])
    if codes is None:
        message = "stratify = true wants a target of classes, and this one holds numbers"
        hint = "`classes = K` reads whole numbers as classes"
        raise data_error("E0616", message, setting_span(spec, "stratify"), hints=[hint])
    held = np.bincount(codes, minlength=len(labels))
    take = _shares(held, train, labels, spec)
    chosen = [order[codes[order] == code][: take[code]] for code in range(len(held))]
    first = np.sort(np.concatenate(chosen))
    return first, np.setdiff1d(np.arange(samples), first)


def _shares(held: Indices, train: int, labels: Sequence[str], spec: DataSpec) -> Indices:
    """Training samples of each class: in proportion, by largest remainders, at least one in each part."""
    alone = [labels[code] for code in np.flatnonzero(held == 1).tolist()]
    if alone:
        message = f"class '{alone[0]}' has 1 sample, which cannot be in both parts of the split"
        notes = [f"such classes: {listing(alone)}"] if len(alone) > 1 else []
        raise data_error("E0615", message, setting_span(spec, "stratify"), notes=notes)
    classes, samples = int((held > 0).sum()), int(held.sum())
    if train < classes or samples - train < classes:
        message = (
            f"{train} training and {count(samples - train, 'test sample')} are too few for {classes} classes"
        )
        raise data_error("E0615", message, setting_span(spec, "split"))
    least, most = np.minimum(held, 1), np.maximum(held - 1, 0)
    wanted = held * (train / samples)
    take: Indices = np.clip(np.floor(wanted).astype(np.int64), least, most)
    while (missing := train - int(take.sum())) != 0:
        step = 1 if missing > 0 else -1
        room = take < most if step > 0 else take > least
        take[int(np.argmax(np.where(room, step * (wanted - take), -np.inf)))] += step
    return take


def _bad_split(train: int, samples: int, spec: DataSpec) -> Exception:
    if train > samples:
        message = f"split = {train} training samples, but there are only {samples}"
    else:
        message = f"the split leaves none of {count(samples, 'sample')} to train on"
    hint = "a fraction such as 80%, or a count of training samples above 1"
    return data_error("E0615", message, setting_span(spec, "split"), hints=[hint])
