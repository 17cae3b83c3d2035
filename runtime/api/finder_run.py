"""`netc run` of a file with a finder: the rates and losses in a table, the suggestion, the picture."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netc.command_line import DONE, NOT_AS_EXPECTED
from netc.dsl.visible import visible
from netc.terminal import counted, number, paint

if TYPE_CHECKING:
    from netc.runtime.finder import FinderResult
    from netc.runtime.session import Session


def run(
    session: Session, changed: dict[str, str | float], out: Path, plot: bool, as_json: bool, where: str = ""
) -> int:
    """`where`: of the workers that share its runs; empty: this process."""
    from netc.kept_run import new_folder
    from netc.runtime import finder

    if where:
        from netc import cluster_run

        found = finder.found(session, cluster_run.losses(session, changed, where))
    else:
        found = finder.run(session)
    folder = new_folder(session, changed, out)
    found = replace(found, folder=folder.path)
    write(folder.path, found)
    if plot:
        from netc.runtime.pictures.finder import draw

        figures = found.rates, found.losses, found.smoothed, found.suggestion
        draw(folder.path / "finder.png", found.parameter, *figures, Path(found.file).name)
    click.echo(json.dumps(found.summary, allow_nan=False) if as_json else "\n".join(_told(session, found)))
    return DONE if all(v.holds for v in found.expect) else NOT_AS_EXPECTED


def write(folder: Path, found: FinderResult) -> None:
    """`finder.csv`, a row for each iteration of each run, and `summary.json`."""
    from netc.runtime.atomic import write_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", "step", "rate", "loss", "smoothed"])
    for run, (losses, smoothed) in enumerate(zip(found.losses, found.smoothed, strict=True)):
        columns = (found.rates.tolist(), losses.tolist(), smoothed.tolist())
        writer.writerows([run, step, *row] for step, row in enumerate(zip(*columns, strict=True)))
    write_text(folder / "finder.csv", text.getvalue())
    write_text(folder / "summary.json", json.dumps(found.summary, indent=2, allow_nan=False) + "\n")


def _told(session: Session, found: FinderResult) -> list[str]:
    import numpy as np

    from netc.summary import verdicts

    runs, seed = len(found.losses), session.spec.training.seed
    steps = int(np.median((~np.isnan(found.smoothed)).sum(axis=1)))
    ends = f"{number(float(found.rates[0]))} to {number(float(found.rates[steps - 1]))}"
    size = f"{counted(steps, 'step')}, {found.parameter} from {ends}"
    size += f", {runs} runs" if runs > 1 else ""
    lines = [f"{paint(visible(found.file), bold=True)}   {size}, seed {seed}", ""]
    what = "median " if runs > 1 else ""
    lines.append(
        f"  the loss falls most steeply at {what}{found.parameter} = {number(float(np.median(found.suggestion)))}"
    )
    lines.append(f"  it is lowest at {number(float(np.median(found.best)))}")
    told = list(verdicts(found.expect))
    lines += ["", *told] if told else []
    return [*lines, "", paint(f"kept in {visible(str(found.folder))}", dim=True)]
