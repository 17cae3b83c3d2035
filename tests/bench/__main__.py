"""`python -m bench`: measures all workloads and prints the table."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.workloads import Contender, Workload

CONTENDERS = {
    "netc": ("bench.netc_peer", "Netc"),
    "torch": ("bench.torch_peer", "Eager"),
    "torch.compile": ("bench.torch_peer", "Compiled"),
    "jax": ("bench.jax_peer", "Rows"),
    "jax.columns": ("bench.jax_peer", "Columns"),
    "c": ("bench.c_peer", "C"),
}


AVX2 = {
    "NUMBA_CPU_NAME": "haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NETC_BENCH_MARCH": "haswell",
}
"""What keeps contenders from wider registers, where a processor has them; NUMBA_CPU_FEATURES besides."""
BEYOND = ("avx512", "amx", "avx10", "evex512")
NARROWED = ("netc", "torch", "c")
"""Whom it does keep. XLA's products ignore `--xla_cpu_max_isa`, and torch.compile asks gcc for what is there."""


def main() -> None:
    arguments = _arguments()
    if arguments.vectors == "avx2" and any(on for name, on in _features().items() if name.startswith(BEYOND)):
        os.environ |= AVX2 | {"NUMBA_CPU_FEATURES": _features_of_avx2()}
        arguments.contenders = [name for name in arguments.contenders if name in NARROWED]
    if arguments.child:
        _one_core()
        print(json.dumps(_times(arguments)))
        return
    from bench import report
    from bench.workloads import HEADLINES, workloads

    rows: list[report.Row] = []
    for work in workloads():
        if arguments.only not in report.title(work):
            continue
        found = [_process(work, arguments) for _ in range(arguments.processes)]
        rows.append(report.Row(work, found, _peak(work) if "netc" in arguments.contenders else 0.0))
        print(report.table(rows[-1:]), file=sys.stderr)
    parts = [
        report.table(rows),
        report.spreads(rows),
        report.circumstances(arguments.repetitions, arguments.processes),
    ]
    text = "\n".join(parts)
    print(text)
    for document in arguments.write:
        report.write(document, text, report.AVX2 if arguments.vectors == "avx2" else report.BEGIN)
    for document in arguments.excerpt:
        report.write(document, report.excerpt(text, HEADLINES))


def _features() -> dict[str, bool]:
    """Of this processor."""
    from llvmlite import binding

    return dict(binding.get_host_cpu_features())


def _features_of_avx2() -> str:
    """Those that go without AVX-512 and without tiles, for numba."""
    return ",".join(
        f"{'-' if name.startswith(BEYOND) or not on else '+'}{name}" for name, on in _features().items()
    )


def _process(work: Workload, arguments: argparse.Namespace) -> dict[str, float]:
    """A workload in a process of its own: what the allocator and the pages of one happen to give is one draw of several."""
    from bench import report

    command = [sys.executable, "-m", "bench", "--child", report.title(work), "--repetitions", str(arguments.repetitions),
               "--seconds", str(arguments.seconds), "--contenders", *arguments.contenders]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _peak(work: Workload) -> float:
    from netc.runtime.bench.peak import gflops
    from netc.runtime.devices.simd import host_lanes

    return gflops(work.precision, host_lanes(work.precision))


def _times(arguments: argparse.Namespace) -> dict[str, float]:
    """Of the one workload."""
    from bench.measure import times
    from bench.report import title
    from bench.workloads import workloads

    (work,) = (work for work in workloads() if title(work) == arguments.child)
    contenders = [_maker(name)(work) for name in arguments.contenders if _takes_part(name, work)]
    return times(work, contenders, arguments.repetitions, arguments.seconds, time.process_time)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--only", default="", metavar="TEXT", help="workloads whose title contains TEXT")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one repetition of one contender")
    parser.add_argument("--processes", type=int, default=2, help="in which each workload is measured anew")
    parser.add_argument(
        "--vectors", choices=("widest", "avx2"), default="widest", help="registers that all contenders use"
    )
    parser.add_argument("--write", nargs="+", type=Path, default=[], help="documents that hold the table")
    parser.add_argument(
        "--excerpt", nargs="+", type=Path, default=[], help="documents that hold some of its rows"
    )
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def _one_core() -> None:
    """Must come before any library is imported: they size their thread pools by the process's cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false",
        "JAX_PLATFORMS": "cpu",
    }


def _takes_part(name: str, work: Workload) -> bool:
    """C has a text for one network alone."""
    from bench import c_peer

    return name != "c" or c_peer.takes_part(work)


def _maker(name: str) -> Callable[[Workload], Contender]:
    module, contender = CONTENDERS[name]
    maker: Callable[[Workload], Contender] = getattr(import_module(module), contender)
    return maker


if __name__ == "__main__":
    main()
