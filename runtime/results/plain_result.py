"""A result as plain numbers, texts and lists: what `netc run --json` prints and `summary.json` keeps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from netc.runtime.parameters import Array
from netc.runtime.training.outcomes import OUTCOMES, STOPS

if TYPE_CHECKING:
    from netc.runtime.results.result import Result

SHOWN = 1000
"""More parameters, or more runs, are not in the summary one by one."""


def summary_of(result: Result) -> dict[str, Any]:
    """What `netc run --json` prints: plain numbers, texts, lists; None where a figure is not finite."""
    full: dict[str, Any] = {
        "file": result.file,
        "seed": result.seed,
        "runs": result.runs,
        "steps": _figure(result.steps),
        "epochs": _figure(result.epochs),
        "stopped": _texts(result, STOPS, result.stop_codes),
        "outcome": result.outcome[0].item() if result.runs == 1 else _shares(OUTCOMES, result.outcome_codes),
        "diverged": float(np.mean(result.diverged)),
        "reached": _reached(result),
        "loss": _parts(result, "loss"),
        result.metric: _parts(result, result.metric) if result.metric else {},
        "gradient_norm": _figure(result.gradient_norm),
        "grows": {name: _figure(shares) for name, shares in result.grows.items()},
        "theta": _theta(result),
        "parameters": result.theta.shape[1],
        "evaluations": {name: _figure(counts) for name, counts in result.evaluations.items()},
        "seconds": {name: round(value, 6) for name, value in result.seconds.items()},
        "target": result.target,
        "precision": result.precision,
        "threads": result.threads,
        "expect": [v.plain for v in result.expect],
        "folder": str(result.folder) if result.folder else "",
    }
    return {key: value for key, value in full.items() if value not in ("", {}, []) and key}


def _reached(result: Result) -> Any:
    """One run's point, the shares of several; nothing where the file lists no points."""
    if len(result.point_names) == 2:
        return {}
    names = result.point_names
    if result.runs == 1:
        return result.reached[0].item()
    return {name: share for name, share in _shares(names, result.point_codes % len(names)).items() if name}


def _parts(result: Result, name: str) -> dict[str, Any]:
    parts = {part: result.final.get(f"{name}_{part}") for part in ("train", "test")}
    return {part: _figure(values) for part, values in parts.items() if values is not None}


def _texts(result: Result, texts: tuple[str, ...], codes: Array) -> Any:
    """One run's, a list of several, the counts of very many."""
    if result.runs == 1:
        return texts[codes[0]]
    if result.runs <= SHOWN:
        return [texts[code] for code in codes.tolist()]
    return {text: int(count) for text, count in zip(texts, np.bincount(codes), strict=False) if count}


def _theta(result: Result) -> list[Any]:
    if result.theta.size > SHOWN:
        return []
    rows = [[plain(number) for number in row] for row in result.theta.tolist()]
    return rows[0] if result.runs == 1 else rows


def _shares(texts: tuple[str, ...], codes: Array) -> dict[str, float]:
    counts = np.bincount(codes, minlength=len(texts)).tolist()
    return {text: count / len(codes) for text, count in zip(texts, counts, strict=True) if count}


def spread(values: Array) -> dict[str, Any]:
    """The figures of several runs, of the finite ones; quartiles by linear interpolation."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {"median": None, "min": None, "max": None, "quartiles": [None, None]}
    low, median, high = np.quantile(finite, [0.25, 0.5, 0.75]).tolist()
    ends = {"min": finite.min().item(), "max": finite.max().item()}
    return {"median": median, **ends, "quartiles": [low, high]}


def _figure(values: Array) -> Any:
    return plain(values[0].item()) if len(values) == 1 else spread(values)


def plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [plain(v) for v in value] if isinstance(value, list) else value
