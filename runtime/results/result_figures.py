"""A result in figures: the few lines of its repr, and what `--json` prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from netc.compiler.meaning.spec import PARTS
from netc.runtime.parameters import Array
from netc.runtime.results.plain import figure, plain
from netc.runtime.training.outcomes import OUTCOMES, STOPS

if TYPE_CHECKING:
    from netc.runtime.results.result import Ended, Result

SHOWN = 1000
"""More parameters, or more runs, are not in the summary one by one."""


def short(result: Result) -> Iterator[str]:
    """A few lines for a prompt: how it ended, the last figures, what to ask next."""
    runs, ends = result.runs, _shares(STOPS, result.stop_codes)
    count = "1 run" if runs == 1 else f"{runs} runs"
    yield f"<netc result of {result.file or 'a training'}: {count} of {result.theta.shape[1]} parameters"
    ended = (
        result.stopped[0] if runs == 1 else ", ".join(f"{name} {share:.1%}" for name, share in ends.items())
    )
    steps = "" if runs == 1 else "median "
    yield f"  {steps}{np.median(result.steps):g} steps, ended by: {ended}"
    shown = [(name, values) for name, values in result.final.items() if name != "theta_norm"]
    if shown:
        yield "  " + ", ".join(f"{name} {np.median(values):.4g}" for name, values in shown)
    failed = [v.text for v in result.expect if not v.holds]
    if result.expect:
        yield f"  {len(result.expect) - len(failed)} of {len(result.expect)} expectations hold"
    yield "  arrays: theta, best, history, final; .summary has all figures>"


def summary_of(result: Result) -> dict[str, Any]:
    """What `netc run --json` prints: plain numbers, texts, lists; None where a figure is not finite."""
    full: dict[str, Any] = {
        "file": result.file,
        "seed": result.seed,
        "runs": result.runs,
        "steps": figure(result.steps),
        "epochs": figure(result.epochs),
        "stopped": _texts(result, STOPS, result.stop_codes),
        "outcome": result.outcome[0].item() if result.runs == 1 else _shares(OUTCOMES, result.outcome_codes),
        "kept": _kept(result),
        "phases": [_phase(end, result) for end in result.phases],
        "ensemble": _ensemble(result),
        "diverged": float(np.mean(result.diverged)),
        "fault": result.fault,
        "reached": _reached(result),
        "loss": _parts(result, "loss"),
        result.metric: _parts(result, result.metric) if result.metric else {},
        "gradient_norm": figure(result.gradient_norm),
        "grows": {name: figure(shares) for name, shares in result.grows.items()},
        "theta": _theta(result),
        "parameters": result.theta.shape[1],
        "classes": list(result.classes),
        "evaluations": {name: figure(counts) for name, counts in result.evaluations.items()},
        "seconds": {name: round(value, 6) for name, value in result.seconds.items()},
        "target": result.target,
        "precision": result.precision,
        "threads": result.threads,
        "expect": [v.plain for v in result.expect],
        "folder": str(result.folder) if result.folder else "",
    }
    return {key: value for key, value in full.items() if value not in ("", {}, []) and key}


def _kept(result: Result) -> dict[str, Any]:
    """By which figure the parameters were chosen, and when they were seen."""
    if not result.keep:
        return {}
    return {"best": result.keep, "step": figure(result.kept_steps), "epoch": figure(result.kept_epochs)}


def _phase(end: Ended, result: Result) -> dict[str, Any]:
    own = replace(result, final=end.final)
    parts = {name: _parts(own, name) for name in ("loss", result.metric) if name}
    return {"name": end.name, "steps": figure(end.steps), "epochs": figure(end.epochs), **parts}


def _ensemble(result: Result) -> dict[str, Any]:
    if not result.ensemble:
        return {}
    own = replace(result, final=result.ensemble)
    parts = {name: _parts(own, name) for name in ("loss", result.metric) if name}
    return {"members": result.members, **{name: found for name, found in parts.items() if found}}


def _reached(result: Result) -> Any:
    """One run's point, the shares of several; nothing where the file lists no points."""
    if len(result.point_names) == 2:
        return {}
    names = result.point_names
    if result.runs == 1:
        return result.reached[0].item()
    return {name: share for name, share in _shares(names, result.point_codes % len(names)).items() if name}


def _parts(result: Result, name: str) -> dict[str, Any]:
    parts = {part: result.final.get(f"{name}_{part}") for part in PARTS}
    return {part: figure(values) for part, values in parts.items() if values is not None}


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
