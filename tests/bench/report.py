"""The table of a bench in Markdown, and its place in the documents."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path
from statistics import median

from bench.workloads import Workload

BEGIN, END = "<!-- measured by `make bench` -->\n", "<!-- end of the measurement -->\n"
AVX2 = "<!-- measured by `python -m bench --vectors avx2` -->\n"
LAUNCH = "<!-- measured by `python -m bench.launch` -->\n"
STARTS = "<!-- many starts, measured by `make bench` -->\n"

WANTED = 0.1
"""Of netc's time, how far its processes may be apart."""


@dataclass(frozen=True)
class Row:
    """A workload, and the times of its contenders in each process."""

    work: Workload
    processes: Sequence[Mapping[str, float]]
    peak: float = 0.0
    """Of a core, in GFLOP/s; 0 where it is not known."""

    @property
    def share(self) -> str:
        """Of the peak, in netc's time: matrix products only."""
        if not self.peak or "netc" not in self.times:
            return ""
        return f"{self.work.operations / (1e3 * self.times['netc'] * self.peak):.0%}"

    @property
    def times(self) -> dict[str, float]:
        """Medians over the processes."""
        return {name: median(self._of(name)) for name in self.processes[0]}

    @property
    def spread(self) -> dict[str, float]:
        """How far the processes are apart, as a share of the median."""
        return {name: (max(self._of(name)) - min(self._of(name))) / time for name, time in self.times.items()}

    def _of(self, name: str) -> list[float]:
        return [times[name] for times in self.processes]


def title(work: Workload) -> str:
    return f"{work.title}, {work.precision}"


def table(rows: Sequence[Row]) -> str:
    """One row a workload: microseconds of each contender, how many times netc's they are; the share of the peak."""
    names = list(dict.fromkeys(name for row in rows for name in row.times))
    lines = [["µs per iteration and network", *names], ["---", *["---:"] * len(names)]]
    for row in rows:
        cells = [cell(row.times.get(name), row.times.get("netc"), name) for name in names]
        lines.append([title(row.work), *cells])
    shares = ["netc, of the peak", "---:", *(row.share for row in rows)]
    if any(shares[2:]):
        lines = [[*cells, share] for cells, share in zip(lines, shares, strict=True)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def excerpt(text: str, titles: Collection[str]) -> str:
    """The table with these of its rows alone, and what stands below it."""
    lines = text.splitlines(keepends=True)
    kept = (line for i, line in enumerate(lines) if i < 2 or line[0] != "|" or _first(line) in titles)
    return "".join(kept)


def _first(line: str) -> str:
    return line.split("|")[1].strip()


def spreads(rows: Sequence[Row]) -> str:
    """How far processes are apart, and whether that is too far."""
    worst: dict[str, tuple[float, str]] = {}
    for row in rows:
        for name, spread in row.spread.items():
            worst[name] = max(worst.get(name, (0.0, "")), (spread, title(row.work)))
    listed = "; ".join(f"{name} {spread:.0%} ({where})" for name, (spread, where) in worst.items())
    wide = [f"{title(row.work)} {s:.0%}" for row in rows if (s := row.spread.get("netc", 0.0)) > WANTED]
    beyond = f" netc is beyond {WANTED:.0%} in: {', '.join(wide)}." if wide else ""
    return f"Largest distance between processes, as a share of the median: {listed}.{beyond}\n"


def cell(time: float | None, ours: float | None, name: str) -> str:
    match time, ours:
        case None, _:
            return ""
        case _, None:
            return f"{time:.3g}"
        case _ if name == "netc":
            return f"**{time:.3g}**"
        case _:
            return f"{time:.3g} ({time / ours:.1f}×)"


def circumstances(repetitions: int, processes: int = 1, machine: str = "") -> str:
    """Where, when and with which versions; `machine` where it is not one thread of the processor."""
    return (
        f"{machine or f'{_cpu()}; one thread on one core'}; medians of {repetitions} interleaved repetitions"
        f"{f', and of {processes} processes' if processes > 1 else ''}; "
        f"{datetime.now(UTC):%Y-%m-%d}; Python {platform.python_version()}, {versions()}.\n"
    )


def versions() -> str:
    """Of all that takes part."""
    packages = ("netc", "numba", "numba-cuda", "numpy", "torch", "jax", "jaxlib")
    return ", ".join(f"{name} {version(name)}" for name in packages if _installed(name))


def _installed(name: str) -> bool:
    return next(distributions(name=name), None) is not None


def _cpu() -> str:
    """The processor's name and its float64 vector lanes."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    pairs = (line.partition(":") for line in info.read_text().splitlines())
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    flags = fields.get("flags", "").split()
    lanes = (
        "AVX-512, 8 float64 lanes"
        if "avx512f" in flags and "NUMBA_CPU_FEATURES" not in os.environ
        else "AVX2, 4 float64 lanes"
        if "avx2" in flags
        else ""
    )
    return f"{fields.get('model name', platform.machine())} ({lanes or 'no AVX2'})"


def write(document: Path, text: str, begin: str = BEGIN) -> None:
    """Puts `text` between the two markers of the document."""
    before, _, rest = document.read_text(encoding="utf-8").partition(begin)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{document} lacks the lines {begin.strip()} and {END.strip()}")
    document.write_text(f"{before}{begin}{text}{END}{after}", encoding="utf-8")
