"""The table of a bench in Markdown, and its place in the documents."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path

from bench.workloads import Workload

BEGIN, END = "<!-- measured by `make bench` -->\n", "<!-- end of the measurement -->\n"
STARTS = "<!-- many starts, measured by `make bench` -->\n"

Row = tuple[Workload, Mapping[str, float]]


def table(rows: list[Row]) -> str:
    """One row a workload: microseconds of each contender, and how many times netc's they are."""
    names = list(dict.fromkeys(name for _, times in rows for name in times))
    lines = [["µs per iteration and network", *names], ["---", *["---:"] * len(names)]]
    for work, times in rows:
        cells = [cell(times.get(name), times.get("netc"), name) for name in names]
        lines.append([f"{work.title}, {work.precision}", *cells])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


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


def circumstances(repetitions: int, machine: str = "") -> str:
    """Where, when and with which versions; `machine` where it is not one thread of the processor."""
    return (
        f"{machine or f'{_cpu()}; one thread on one core'}; medians of {repetitions} interleaved repetitions; "
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
        if "avx512f" in flags
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
