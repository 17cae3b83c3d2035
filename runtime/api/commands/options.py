"""Options that several commands share, and how they become overrides of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
FOLDER = click.Path(file_okay=False, path_type=Path)
NET_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class Assignment(click.ParamType):  # type: ignore[type-arg]
    """NAME=VALUE"""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, sign, text = str(value).partition("=")
        if not sign or not name.strip() or not text.strip():
            self.fail(f"'{value}' is not NAME=VALUE, as in --set eta=0.05", param, ctx)
        return name.strip(), text.strip()


TRAINING = (
    click.option("--set", "assignments", type=Assignment(), multiple=True,
                 help="Another value for a hyper-parameter or a setting of train; may be repeated."),
    click.option("--seed", type=click.IntRange(min=0), help="Of starts and shuffling."),
    click.option("--runs", type=click.IntRange(min=1), help="Independent trainings."),
    click.option("--epochs", type=click.IntRange(min=1), help="Passes over the data."),
    click.option("--threads", type=click.IntRange(min=1), help="By default as many as there are cores."),
    click.option("--target", type=click.Choice(["cpu", "cuda"]), help="Where it runs."),
    click.option("--precision", type=click.Choice(["f32", "f64"]), help="Of the vectors."),
    click.option("--lanes", type=click.Choice(["1", "2", "4", "8"]),
                 help="Of float64 in a vector register; sums are the same to the bit for one number of lanes."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the summary."),
    click.option("--quiet", "-q", is_flag=True, help="No progress, no messages but errors."),
)  # fmt: skip


def training_options(function: F) -> F:
    for option in reversed(TRAINING):
        function = option(function)
    return function


def lanes(options: dict[str, Any]) -> int:
    """Those asked for, taken out of `options`; 0: as the processor has."""
    return int(options.pop("lanes") or 0)


def overrides(options: dict[str, Any]) -> dict[str, str | float]:
    """What the options change in the file; takes its own out of `options`."""
    found: dict[str, str | float] = dict(options.pop("assignments"))
    for name in ("seed", "runs", "epochs", "threads", "target", "precision"):
        value = options.pop(name)
        if value is not None:
            found[name] = value
    return found
