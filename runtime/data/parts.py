"""Which samples train, which validate and which test: drawn by a permutation keyed by the seed, or class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netc.compiler.meaning.spec import DataSpec
from netc.runtime.data.columns import setting_span
from netc.runtime.data.errors import count, data_error, listing
from netc.runtime.random import Purpose, permutation

Indices = NDArray[np.int64]


def short(part: Indices, samples: int) -> Indices:
    """The same numbers of samples, in four bytes each where these do: a part is held as long as its data."""
    found: Indices = part.astype(np.int32) if samples < 2**31 else part
    return found


def split(
    samples: int, spec: DataSpec, codes: Indices | None = None, labels: Sequence[str] = ()
) -> tuple[Indices, Indices, Indices]:
    """(training, validation, test) samples, each in the order of the data. `codes` (N,) are their classes, for
    `stratify`. The test part is the same with and without a validation part, which is taken from what would train."""
    side, held = sizes(samples, spec)
    if not 1 <= side <= samples:
        raise _bad_split(side, samples, spec)
    if spec.folds > side:
        message = f"{spec.folds} folds of {count(side, 'training sample')}: each holds one at least"
        raise data_error("E0632", message, setting_span(spec, "folds"), hints=["fewer folds"])
    if spec.validation and not 1 <= held < side:
        raise _nothing_left(held, side, spec)
    if side == samples and not held and not spec.folds:
        return np.arange(samples), np.arange(0), np.arange(0)
    timed = spec.order == "time"
    order = np.arange(samples) if timed else permutation(samples, spec.seed, 0, Purpose.SPLIT)
    if spec.folds:
        return _folded(samples, replace(spec, folds=0, fold=0), spec, codes, labels)
    if not spec.stratify:
        return np.sort(order[: side - held]), np.sort(order[side - held : side]), np.sort(order[side:])
    if codes is None:
        raise _no_classes(spec)
    whole = np.bincount(codes[:samples], minlength=len(labels))
    sided = whole if side == samples else _shares(whole, side, labels, spec, "split")
    kept = _shares(sided, side - held, labels, spec, "validation") if held else sided
    members = [order[codes[order] == code] for code in range(len(whole))]
    bounds = list(zip(members, kept, sided, strict=True))
    cuts = [[m[:k] for m, k, _ in bounds], [m[k:t] for m, k, t in bounds], [m[t:] for m, _, t in bounds]]
    first, second, third = (np.sort(np.concatenate(part)) for part in cuts)
    return first, second, third


def _folded(
    samples: int, unfolded: DataSpec, spec: DataSpec, codes: Indices | None, labels: Sequence[str]
) -> tuple[Indices, Indices, Indices]:
    """One of the folds validates."""
    train, _, test = split(samples, unfolded, codes, labels)
    if spec.stratify:
        if codes is None:
            raise _no_classes(spec)
        _require_one_in_each(np.bincount(codes[train], minlength=len(labels)), labels, spec)
    held = folds_of(train, samples, spec, codes)[spec.fold - 1]
    return np.setdiff1d(train, held), np.sort(held), test


def folds_of(train: Indices, samples: int, spec: DataSpec, codes: Indices | None) -> list[Indices]:
    """What validates in each fold, of `train`, which the split leaves for training. The samples are dealt out one by one in
    the order of the permutation, class after class with `stratify`, so that folds differ by one sample at most, of each
    class as well."""
    order = permutation(samples, spec.seed, 0, Purpose.SPLIT)
    dealt = order[np.isin(order, train)]
    if spec.stratify and codes is not None:
        dealt = dealt[np.argsort(codes[dealt], kind="stable")]
    return [dealt[fold :: spec.folds] for fold in range(spec.folds)]


def _require_one_in_each(held: Indices, labels: Sequence[str], spec: DataSpec) -> None:
    """Refuses more folds than a class has training samples."""
    few = [code for code in np.argsort(held, kind="stable").tolist() if 0 < held[code] < spec.folds]
    if not few:
        return
    has = count(int(held[few[0]]), "training sample")
    message = f"{spec.folds} folds, but class '{labels[few[0]]}' has {has}: each fold holds one at least"
    notes = [f"such classes: {listing([labels[code] for code in few])}"] if len(few) > 1 else []
    hint = (
        f"folds = {held[few[0]]}" if held[few[0]] > 1 else "more samples of it, or `only` the other classes"
    )
    raise data_error("E0632", message, setting_span(spec, "folds"), notes=notes, hints=[hint])


def sizes(samples: int, spec: DataSpec) -> tuple[int, int]:
    """(samples that the split leaves for training, those of them that validate instead)."""
    # The small number undoes rounding: 29% of 100 samples are 29, though 0.29*100 < 29.
    side = int(spec.split) if spec.split > 1 else int(spec.split * samples + 1e-9)
    if spec.folds:
        return side, len(range(spec.fold - 1, side, spec.folds))
    if not spec.validation:
        return side, 0
    held = int(spec.validation) if spec.validation > 1 else int(spec.validation * side + 1e-9)
    return side, held


def _shares(held: Indices, train: int, labels: Sequence[str], spec: DataSpec, setting: str) -> Indices:
    """Training samples of each class: in proportion, by largest remainders, at least one in each part; the others
    are the test part of a `split`, or the `validation` part."""
    alone = [labels[code] for code in np.flatnonzero(held == 1).tolist()]
    if alone:
        both = "both parts of the split" if setting == "split" else "the training and the validation part"
        message = f"class '{alone[0]}' has 1 sample, which cannot be in {both}"
        notes = [f"such classes: {listing(alone)}"] if len(alone) > 1 else []
        raise data_error("E0615", message, setting_span(spec, "stratify"), notes=notes)
    classes, samples = int((held > 0).sum()), int(held.sum())
    if train < classes or samples - train < classes:
        others = count(samples - train, f"{'test' if setting == 'split' else setting} sample")
        message = f"{train} training and {others} are too few for {classes} classes"
        raise data_error("E0615", message, setting_span(spec, setting))
    least, most = np.minimum(held, 1), np.maximum(held - 1, 0)
    wanted = held * (train / samples)
    take: Indices = np.clip(np.floor(wanted).astype(np.int64), least, most)
    while (missing := train - int(take.sum())) != 0:
        step = 1 if missing > 0 else -1
        room = take < most if step > 0 else take > least
        take[int(np.argmax(np.where(room, step * (wanted - take), -np.inf)))] += step
    return take


def _no_classes(spec: DataSpec) -> Exception:
    message = "stratify = true wants a target of classes, and this one holds numbers"
    hint = "`classes = K` reads whole numbers as classes"
    return data_error("E0616", message, setting_span(spec, "stratify"), hints=[hint])


def _bad_split(train: int, samples: int, spec: DataSpec) -> Exception:
    if train > samples:
        message = f"split = {train} training samples, but there are only {samples}"
    else:
        message = f"the split leaves none of {count(samples, 'sample')} to train on"
    hint = "a fraction such as 80%, or a count of training samples above 1"
    return data_error("E0615", message, setting_span(spec, "split"), hints=[hint])


def _nothing_left(held: int, side: int, spec: DataSpec) -> Exception:
    if held:
        message = f"validation = {held} leaves none of {count(side, 'sample')} to train on"
    else:
        message = f"the validation part is less than one of {count(side, 'sample')}"
    hint = "a fraction such as 20%, or a count of samples, below those that the split leaves for training"
    return data_error("E0631", message, setting_span(spec, "validation"), hints=[hint])
