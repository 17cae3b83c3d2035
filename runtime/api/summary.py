"""The end of a run, for the eye: the figures of `--json` on a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from netc.compiler.meaning.spec import FAR
from netc.dsl.visible import visible
from netc.runtime.results.result import Ended, Result
from netc.runtime.results.verdict import Verdict
from netc.runtime.session import Session
from netc.runtime.training.outcomes import CUT_SHORT, MEANING, STOPS
from netc.terminal import counted, duration, number, paint, percent, signs
from netc.verdicts import figure

SHOWN_THETA = 8


def summary(session: Session, result: Result) -> str:
    figures = result.summary
    blocks = [
        [_head(session, result)],
        list(read(session)),
        list(_table(figures, result.runs)),
        list(_phases(result)),
        list(_ensemble(figures)),
        list(_course(result)),
        list(verdicts(result.expect)),
        [paint(f"kept in {visible(str(result.folder))}", dim=True)] if result.folder else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def read(session: Session) -> Iterator[str]:
    """What was read of the data."""
    from netc.runtime.data.told import told

    if session.data is not None:
        for label, text in told(session.data, session.spec.data, session.targets.classes):
            yield f"  {paint(f'{label:9}', dim=True)} {text}"


def _head(session: Session, result: Result) -> str:
    name = paint(visible(result.file), bold=True)
    parts = [f"{counted(result.theta.shape[1], 'parameter')}"]
    if session.data is not None:
        data = session.data
        sizes = [len(part) for part in (data.train, data.validation, data.test) if len(part)]
        several = f"{' + '.join(map(str, sizes))} samples"
        parts.append(several if len(sizes) > 1 else counted(sizes[0], "sample"))
    if result.runs > 1:
        parts.append(f"{result.runs} runs")
    parts.append(f"seed {result.seed}")
    return f"{name}   {', '.join(parts)}"


def _table(figures: dict[str, Any], runs: int) -> Iterator[str]:
    """Rows loss and accuracy; columns train and test, or the statistics of several runs."""
    rows: list[tuple[str, list[str]]] = []
    for name in ("loss", "accuracy", "r2"):
        show = percent if name == "accuracy" else number
        parts = figures.get(name, {})
        if runs == 1 and parts:
            rows.append((name, [show(value) for value in parts.values()]))
        elif parts:
            rows += [(f"{name}({part})", _spread(value, show)) for part, value in parts.items()]
    if runs > 1:
        rows.append(("steps", _spread(figures["steps"], number)))
        heads = ["median", "min", "max", "quartiles"]
    else:
        rows.append(("gradient norm", [number(figures["gradient_norm"])]))
        heads = list(figures["loss"]) if len(figures["loss"]) > 1 else []
    width = max(len(name) for name, _ in rows)
    if heads:
        yield paint(f"  {'':{width}}  {''.join(f'{head:<12}' for head in heads)}".rstrip(), dim=True)
    for name, cells in rows:
        yield f"  {name:{width}}  {''.join(f'{cell:<12}' for cell in cells)}".rstrip()


def _phases(result: Result) -> Iterator[str]:
    """A line for each: how long it was, and its figures at its end, on its own data; medians of several runs."""
    heads = ["phase", "epochs", *(k for k in result.final if k.startswith(("loss", "accuracy", "r2")))]
    rows = [_of_phase(end, heads[2:]) for end in result.phases]
    widths = [
        max(map(len, column)) for column in zip([h.replace("_", " ") for h in heads], *rows, strict=True)
    ]
    for line in ([h.replace("_", " ") for h in heads], *rows) if rows else ():
        text = "  " + "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        yield text if line in rows else paint(text, dim=True)


def _ensemble(figures: dict[str, Any]) -> Iterator[str]:
    """One line: how good its members are together."""
    found = figures.get("ensemble", {})
    for name in ("loss", "accuracy", "r2"):
        show = percent if name == "accuracy" else number
        parts = [
            f"{part} {show(v['median'] if isinstance(v, dict) else v)}"
            for part, v in found.get(name, {}).items()
        ]
        if parts:
            yield f"  ensemble of {found['members']}  {name:8}  {', '.join(parts)}"


def _of_phase(end: Ended, names: list[str]) -> list[str]:
    found = [number(float(np.median(end.epochs)))]
    for name in names:
        value = float(np.median(end.final[name])) if name in end.final else np.nan
        found.append(
            "" if np.isnan(value) else percent(value) if name.startswith("accuracy") else number(value)
        )
    return [end.name, *found]


def _spread(value: dict[str, Any], show: Any) -> list[str]:
    low, high = value["quartiles"]
    return [show(value["median"]), show(value["min"]), show(value["max"]), f"{show(low)} to {show(high)}"]


def _course(result: Result) -> Iterator[str]:
    seconds = result.seconds
    compiled = f"compiled in {duration(seconds['compile'])}"
    if result.runs == 1:
        steps, epochs = int(result.steps[0]), float(result.epochs[0])
        length = counted(steps, "step")
        length += f" ({number(epochs)} epochs)" if epochs != steps else ""
        each = f", {duration(seconds['train'] / steps)} each" if steps else ""
        yield f"  {length} in {duration(seconds['train'])}{each}, {compiled}"
        ended = MEANING[result.stopped[0]]
        if result.stopped[0] == "diverged":
            ended = f"diverged at step {steps}{_why(result)}"
        elif result.stopped[0] == "out of range":
            ended += _why(result)
        if result.keep:
            ended += f"; kept is epoch {number(float(result.kept_epochs[0]))}, the best by {result.keep}"
        failed = result.stopped[0] in ("search", *CUT_SHORT)
        yield "  " + (paint(ended, fg="red") if failed else ended)
        if result.theta.shape[1] <= SHOWN_THETA:
            yield f"  theta = {number(result.theta[0].tolist())}"
        return
    yield f"  {result.runs} runs in {duration(seconds['train'])}, {compiled}"
    counts = np.bincount(result.stop_codes, minlength=len(STOPS))
    told = "diverged" if counts[STOPS.index("diverged")] else "out of range"
    for count, reason in zip(counts.tolist(), STOPS, strict=True):
        if count:
            why = _first(result) if reason == told else ""
            yield f"  {count:>{len(str(result.runs))}}  {MEANING[reason]}{why}"
    if result.keep:
        low, *_, high = sorted(result.kept_epochs.tolist())
        yield f"  kept is the best epoch of each run by {result.keep}: {number(low)} to {number(high)}"
    yield from _ends(result)


def _ends(result: Result) -> Iterator[str]:
    """How many runs have reached each listed point."""
    names = result.point_names
    ends = (
        np.bincount(result.point_codes % len(names), minlength=len(names)).tolist() if len(names) > 2 else []
    )
    for count, name in zip(ends, names, strict=False):
        if count and name:
            words = "ended far from all listed points" if name == FAR else f"reached {name}"
            yield f"  {count:>{len(str(result.runs))}}  {words}"


def _first(result: Result) -> str:
    return f"; the first {result.fault}" if result.fault else ""


def _why(result: Result) -> str:
    return f": {result.fault}" if result.fault else ""


def verdicts(found: tuple[Verdict, ...]) -> Iterator[str]:
    """A line for each `expect`."""
    width = max((len(v.text) for v in found), default=0)
    for v in found:
        holds, fails = signs()
        sign = paint(holds, fg="green") if v.holds else paint(fails, fg="red", bold=True)
        paper = "" if v.agrees or not v.holds else f"  (the paper: {figure(v, v.paper)})"
        yield f"  {sign} {v.text:{width}}  {figure(v, v.value)}{paper}"
