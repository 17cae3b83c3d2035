"""One `expect`, judged: what came out, and whether it agrees with the paper. Judges nothing (`expect.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from netc.runtime.results.plain import plain


@dataclass(frozen=True)
class Verdict:
    """One `expect`, judged."""

    text: str
    value: float | bool | list[float] | None
    """The left side as it came out."""
    holds: bool
    source: str = ""
    """What the figure is in the paper: `table 2, row 1`."""
    op: str = ""
    """Of the comparison, or empty."""
    paper: float | bool | list[float] | str | None = None
    """What the paper says: `claimed`, or else the right side."""
    agrees: bool = True
    """Whether what was found agrees with what the paper says."""
    tolerance: str = ""
    percent: bool = False
    """The figures are shares, to be shown as percentages."""

    @property
    def words(self) -> Literal["reproduced", "differs from the paper as stated", "FAILED"]:
        if not self.holds:
            return "FAILED"
        return "reproduced" if self.agrees else "differs from the paper as stated"

    @property
    def plain(self) -> dict[str, Any]:
        """For `--json`."""
        full = {
            "text": self.text,
            "value": plain(self.value),
            "holds": self.holds,
            "source": self.source,
            "paper": plain(self.paper),
            "tolerance": self.tolerance,
            "verdict": self.words,
        }
        return {key: value for key, value in full.items() if value != ""}
