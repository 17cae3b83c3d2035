"""What `tests/gpu_day.sh` found, in its folder: `python -m gpu_report machine OUT` notes where, `... tables OUT` writes
report.json and report.md, the tables of docs/performance.md, also of what a piece had found when it was stopped."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.cuda import device, heading, note
from bench.report import versions

Found = list[dict[str, Any]]


def machine(folder: Path) -> None:
    from netc.runtime.devices.cuda_missing import missing, multiprocessors, simulated

    lacking = missing()
    where = {
        "gpu": "none: simulated" if simulated() else lacking.what if lacking else device(),
        "multiprocessors": multiprocessors(),
        "versions": f"Python {platform.python_version()}, {versions()}",
    }
    note(folder / "found.jsonl", {"machine": where})
    print("\n".join(f"{name}: {value}" for name, value in where.items()))


def tables(folder: Path) -> str:
    """Writes both files; returns the Markdown."""
    lines = (folder / "found.jsonl").read_text(encoding="utf-8").splitlines()
    found: Found = [json.loads(line) for line in lines]
    (folder / "report.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = markdown(found)
    (folder / "report.md").write_text(text, encoding="utf-8")
    return text


def markdown(found: Found) -> str:
    parts = [
        section(f"| {name} | {value} |" for f in having(found, "machine") for name, value in f["machine"].items()),
        section((f"| {f['piece']} | {outcome(f['status'])} | {f['seconds']} |" for f in having(found, "piece")),
                "| piece | | seconds |\n|---|---|---:|\n"),
        section((f"| {f['trained']} | {f['contender']} | {f['apart']:.1e} | {f['allowed']:g} |"
                 for f in having(found, "trained")),
                "| trained | contender | apart from netc on the CPU | allowed |\n|---|---|---:|---:|\n"),
        section((f["row"] for f in having(found, "measured")), heading()),
        section(ceilings(having(found, "ceilings"))),
        section(dict.fromkeys(f["circumstances"].strip() for f in having(found, "circumstances"))),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def ceilings(found: Found) -> Iterable[str]:
    """The highest of all that were measured."""
    if not found:
        return
    most = {name: max(f["ceilings"][name] for f in found) for name in found[0]["ceilings"]}
    yield (
        f"Measured here: {most['f32'] / 1e12:.1f} TFLOPS of float32 and {most['f64'] / 1e12:.1f} of float64"
        f" multiply-adds, {most['copied'] / 1e9:.0f} GB/s copied."
    )


def having(found: Found, what: str) -> Found:
    return [f for f in found if what in f]


def section(lines: Iterable[str], head: str = "") -> str:
    """Nothing where nothing was found."""
    text = "".join(f"{line}\n" for line in lines)
    return head + text if text else ""


def outcome(status: int) -> str:
    match status:
        case 0:
            return "passed"
        case 124 | 137:
            return "took too long"
        case _:
            return f"failed ({status})"


if __name__ == "__main__":
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "machine":
        machine(folder)
    else:
        print(tables(folder))
