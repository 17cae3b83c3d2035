"""What pictures are made of: folders of runs, and what commands have found out about these for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netc.runtime.pictures.course import Course
from netc.runtime.results.folder_reader import Kept
from netc.runtime.results.judgement import Judgement


@dataclass(frozen=True, eq=False)
class Material:
    kept: Sequence[Kept]
    figures: tuple[str, ...] = ()
    """Those of the curves that were asked for; empty: those that the files monitor."""
    apart: Course | None = None
    """Of two runs from the same start: the distance of their parameters."""
    judged: Mapping[str, Judgement] = field(default_factory=dict)
    """Of one folder, by part of the data: what its model says of the samples. Empty where it cannot be asked."""
