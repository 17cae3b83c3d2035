"""What the recorders of this folder wrote: runs of other libraries, their signatures, what they do not take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peers.recording import CUT, DATA, FACTORS, ONE, ROUNDED, STEPS, WHOLE, call_of

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    call: str
    """As in Python: `torch.SGD(lr=0.1), clip = torch.clip_grad_value_(clip_value=0.25)`."""
    factors: Reals | None
    """Of the rate in each step, where it changes."""
    tensors: tuple[int, ...]
    accuracy: float
    trajectory: Reals
    """(51, 6)."""


@cache
def runs() -> dict[str, Run]:
    """By what the recorders call them."""
    found = {}
    for file in sorted((DATA / "recorded").glob("*.npz")):
        with np.load(file) as kept:
            paths = kept["trajectories"]
        for text, path in zip(about(file.stem)["calls"], paths, strict=True):
            rounded = ROUNDED.search(text)
            found[text] = Run(
                call_of(text),
                FACTORS if STEPS in text else None,
                (WHOLE,) if ONE in text else (CUT, WHOLE - CUT),
                float(rounded[0].removeprefix(" to ")) if rounded else 1e-12,
                path,
            )
    return found


@cache
def about(library: str) -> dict[str, Any]:
    with np.load(DATA / "recorded" / f"{library}.npz") as kept:
        found: dict[str, Any] = json.loads(str(kept["about"]))
    return found


@cache
def schedules() -> dict[str, Any]:
    text = (DATA / "recorded" / "schedules.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def signatures() -> dict[str, list[list[Any]]]:
    """Of rules, clips and schedules: [name, default], [name] where there is none, [.., .., "keyword"]."""
    return _all("signatures")


def refused() -> dict[str, dict[str, list[float]]]:
    """Of rules and schedules, for each parameter the values of `recording.PROBES` that the library raises at."""
    return _all("refused")


def _all(what: str) -> dict[str, Any]:
    files = [about(f.stem) for f in sorted((DATA / "recorded").glob("*.npz"))]
    return {k: v for kept in (*files, schedules()) for k, v in kept[what].items()}
