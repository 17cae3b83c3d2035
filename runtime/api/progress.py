"""What is seen while training runs: a bar on a terminal, a line now and then elsewhere, nothing if quiet.

Everything goes to standard error.
"""

from __future__ import annotations

import math
import os
import sys
import time
from typing import TYPE_CHECKING

import click
import numpy as np

from netc.compiler.meaning.spec import PARTS
from netc.runtime.parameters import Array
from netc.runtime.training.report import ROW
from netc.runtime.training.task import Watcher
from netc.terminal import duration, number

if TYPE_CHECKING:
    from rich.progress import Progress

LINES_APART = 5.0
"""Seconds between two lines that are no terminal's."""


class Quiet(Watcher):
    """Says nothing; the base of those that do. A context, closed when training is over."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def compiling(self, parts: tuple[str, ...], last: float | None) -> None:
        """These are going to be compiled; `last`: how many seconds that took the last time."""


def watcher(quiet: bool, epochs: float, metric: str) -> Quiet:
    """For a training of so many epochs (steps where an epoch is a step)."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return Bar(epochs, metric)
    return Lines(epochs, metric)


def shown(figures: Array, metric: str) -> str:
    """`loss 0.0312  test 0.114  r2 0.94`; medians of several runs."""
    columns = dict(zip(ROW, figures.T, strict=True))
    known = [part for part in PARTS if not np.isnan(columns[f"loss_{part}"]).all()]
    if np.isnan(columns["theta_norm"]).all():
        parts = [f"loss of the batches {_median(columns['loss_batches'])}"]
    else:
        parts = [f"loss {_median(columns['loss_train'])}"]
    parts += [f"{part} {_median(columns[f'loss_{part}'])}" for part in known if part != "train"]
    if metric and known:
        parts.append(f"{metric} {_median(columns[f'metric_{known[-1]}'])}")
    return "  ".join(parts)


def _median(values: Array) -> str:
    finite = values[np.isfinite(values)]
    return number(float(np.median(finite))) if len(finite) else "not finite"


class Pace:
    """How long an iteration takes, all runs in hand together, with the reports between."""

    def __init__(self) -> None:
        self.began: tuple[float, int] | None = None

    def told(self, step: int) -> str:
        """`  1.2 ms a step` since the first time that it was asked; nothing before."""
        now = time.monotonic()
        if self.began is None or step <= self.began[1]:
            self.began = now, step
            return ""
        since, first = self.began
        return f"  {duration((now - since) / (step - first))} a step"


class Lines(Quiet):
    """For logs: one line every few seconds."""

    def __init__(self, epochs: float, metric: str) -> None:
        self.epochs, self.metric = epochs, metric
        self.pace = Pace()
        self.began = self.spoke = time.monotonic()
        self.share = 0.0

    def compiling(self, parts: tuple[str, ...], last: float | None) -> None:
        click.echo(f"{_compiling(parts, last)}; the next run has it in the cache", err=True)

    def compiled(self, seconds: float) -> None:
        click.echo(f"compiled in {duration(seconds)}", err=True)
        self.began = self.spoke = time.monotonic()

    def advanced(self, done: float, total: float) -> None:
        self.share = done / total

    def reported(self, epoch: float, step: int, figures: Array) -> None:
        now, pace = time.monotonic(), self.pace.told(step)
        if now - self.spoke < LINES_APART:
            return
        self.spoke = now
        left = (now - self.began) * (1 - self.share) / self.share if self.share else math.inf
        rest = f"  {duration(left)} left" if math.isfinite(left) else ""
        click.echo(f"epoch {epoch:g}/{self.epochs:g}  {shown(figures, self.metric)}{pace}{rest}", err=True)


class Bar(Quiet):
    """For eyes."""

    def __init__(self, epochs: float, metric: str) -> None:
        self.epochs, self.metric = epochs, metric
        self.pace = Pace()
        self.progress = _progress()
        self.task = self.progress.add_task("compiling", total=None, figures="")

    def __enter__(self) -> Quiet:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def compiling(self, parts: tuple[str, ...], last: float | None) -> None:
        words = "the next run has it in the cache"
        self.progress.update(self.task, description=_compiling(parts, last), figures=words)

    def compiled(self, seconds: float) -> None:
        self.progress.reset(self.task, total=1.0, description="epoch 0")

    def advanced(self, done: float, total: float) -> None:
        self.progress.update(self.task, completed=done / total)

    def reported(self, epoch: float, step: int, figures: Array) -> None:
        description = f"epoch {epoch:g}/{self.epochs:g}"
        told = f"{shown(figures, self.metric)}{self.pace.told(step)}"
        self.progress.update(self.task, description=description, figures=told)


def _compiling(parts: tuple[str, ...], last: float | None) -> str:
    before = f", last time {duration(last)}" if last else ""
    return f"compiling {', '.join(parts)}{before}"


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(compact=True), console=Console(stderr=True), transient=True,
    )  # fmt: skip
