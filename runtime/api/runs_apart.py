"""How far apart two runs from the same start are: both are trained again from their folders, and their parameters compared
at every report."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from netc.kept_run import manifest_of, session_of
from netc.reports import Calls, Report
from netc.runtime.parameters import Array
from netc.runtime.pictures.course import QUANTILES, Course
from netc.runtime.results.folder import RunFolder
from netc.runtime.results.folder_reader import Kept
from netc.runtime.session import Session
from netc.runtime.training.start import first_theta


class NotAlike(ValueError):
    """Why the two cannot be compared so."""


def apart(a: Kept, b: Kept) -> Course:
    """The norm of theta_A - theta_B over the reports. Raises NotAlike, SpecError."""
    if a.count > 1 or b.count > 1:
        raise NotAlike("one of them has several runs")
    first, second = _session(a.path), _session(b.path)
    shapes = [[(t.name, t.kept_shape) for t in s.program.problem.weights] for s in (first, second)]
    if shapes[0] != shapes[1]:
        raise NotAlike("they have other parameters")
    starts = [first_theta(s.program, 0, 1) for s in (first, second)]
    if not np.array_equal(starts[0], starts[1]):
        raise NotAlike("they start at other parameters")
    ways = [_way(s) for s in (first, second)]
    moments = sorted({*ways[0]} & {*ways[1]})
    steps = a.history["step"]
    epochs = np.interp([float(m) for m in moments], steps, a.history["epoch"])
    at = np.array(moments, float) if np.array_equal(steps, a.history["epoch"]) else epochs
    distance = np.array([np.linalg.norm(ways[0][m] - ways[1][m]) for m in moments])
    return Course(at, np.tile(distance, (len(QUANTILES), 1)))


def _session(path: Path) -> Session:
    session = session_of(path, manifest_of(RunFolder(path)))
    manifest = manifest_of(RunFolder(path))
    if session.data is not None and session.data.digest != manifest.data:
        raise NotAlike(f"the data of '{path.name}' are no longer what they were")
    return session


def _way(session: Session) -> dict[int, Array]:
    """theta (P,) at the step of each report."""
    found: dict[int, Array] = {}

    def keep(report: Report) -> None:
        found[report.step] = report.theta[0].astype(np.float64)

    session.train(Calls(keep, session.metric.kind if session.metric else "", session.parts))
    return found
