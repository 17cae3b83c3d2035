"""`python -m bench.cuda`: many starts, many networks and MNIST on this machine's GPU, netc beside PyTorch and JAX.

Before a time is taken the contenders train from the same parameters and must agree. A time is that of a further
iteration. A row is printed as soon as it is measured, and written to `--rows FILE` as a line of JSON. `--only` and
`--largest` make pieces, which prepare side by side and are measured one after the other with `--together`.
`--agreement` only compares, on small sizes, also without a GPU: `--agreement --device cpu`. A peer that is not
installed, sees no GPU or fails is said so in a line and left out.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.cuda_cases import Case
    from bench.cuda_ceilings import Ceilings
    from bench.workloads import Contender

PEERS = {
    "torch": ("Eager", "bench.torch_peer", "bench.objectives_torch"),
    "torch.compile": ("Compiled", "bench.torch_peer", "bench.objectives_torch"),
    "torch.graph": ("Graph", "bench.torch_peer", "bench.objectives_torch"),
    "jax": ("Columns", "bench.jax_peer", ""),
    "jax.rows": ("Rows", "bench.jax_peer", ""),
    "jax.scan": ("Scan", "", "bench.objectives_jax"),
}
"""Name -> class, and its module for networks and for objectives."""
COLUMNS = ("netc", "PyTorch eager", "torch.compile", "PyTorch, CUDA graph", "JAX, columns", "JAX, rows",
           "JAX, vmap + scan")  # fmt: skip
INSTALL = {"torch": "pip install torch==2.13.0", "jax": "pip install 'jax[cuda13]'"}


class Absent(Exception):
    """A contender that cannot take part."""


def main() -> None:
    arguments = _arguments()
    os.environ |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # it would leave the others no memory
    if arguments.device == "cpu":
        os.environ |= {"JAX_PLATFORMS": "cpu"}
    if arguments.agreement:
        sys.exit(agree(arguments))
    if arguments.device == "cpu":
        sys.exit("bench.cuda: times are those of a GPU; without one there is --agreement --device cpu")
    from netc.runtime.devices.cuda_missing import missing

    if lacking := missing():
        sys.exit(f"bench.cuda: {lacking.what}: {lacking.hint}. Nothing was measured.")
    measure_all(arguments)


def agree(arguments: argparse.Namespace) -> int:
    """A line for each contender and workload; 1 where one computes something else."""
    from bench.cuda_cases import small
    from bench.measure import Disagreement, agreement

    print("| trained | contender | apart from netc on the CPU | allowed |\n|---|---|---:|---:|")
    status = 0
    for case in chosen(small(), arguments.only):
        work = case.work
        targets = ("cpu", "cuda") if arguments.device == "cuda" else ("cpu",)
        contenders = list(ready(case, arguments.contenders, arguments.device, targets))
        try:
            for name, distance in agreement(work, contenders).items():
                found = {
                    "trained": title(case),
                    "contender": name,
                    "apart": distance,
                    "allowed": work.tolerance,
                }
                note(arguments.rows, found)
                print(f"| {title(case)} | {name} | {distance:.1e} | {work.tolerance:g} |", flush=True)
        except Disagreement as error:
            status = 1
            _say(str(error))
        contenders.clear()
        free()
    return status


def chosen(cases: Iterable[Case], only: Sequence[str]) -> Iterator[Case]:
    return (case for case in cases if any(text in title(case) for text in only))


def title(case: Case) -> str:
    return f"{case.work.title}, {case.work.precision}"


def note(file: Path | None, found: Mapping[str, object]) -> None:
    """At once: what comes next may take too long, or the GPU away."""
    if file:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(found) + "\n")


def measure_all(arguments: argparse.Namespace) -> None:
    from bench.cuda_cases import cases
    from bench.cuda_ceilings import ceilings
    from bench.measure import further, prepared
    from bench.report import circumstances

    print(heading(), end="")
    found = None
    for case in chosen(cases(arguments.largest), arguments.only):
        contenders = list(ready(case, arguments.contenders, "cuda", ("cuda",)))
        try:
            if not contenders:
                raise Absent("nobody can take part")
            steps = prepared(case.work, contenders, arguments.seconds)
            with alone(arguments.together):
                found = ceilings()
                taken = further(contenders, steps, arguments.repetitions)
            note(arguments.rows, {"ceilings": asdict(found)})
            line = row(case, taken, share(case, taken, contenders, found))
            note(arguments.rows, {"measured": title(case), "times": taken, "row": line})
            print(line, flush=True)
        except Exception as error:  # memory, a lost device, a disagreement: the next row may do
            _say(f"{title(case)}: not measured: {_first_line(error)}")
        contenders.clear()
        free()
    if found:
        print(
            f"\nMeasured here: {found.f32 / 1e12:.1f} TFLOPS of float32 and {found.f64 / 1e12:.1f} of float64"
            f" multiply-adds, {found.copied / 1e9:.0f} GB/s copied."
        )
    where = circumstances(arguments.repetitions, machine=device())
    note(arguments.rows, {"circumstances": where})
    print(f"\n{where}")


@contextmanager
def alone(folder: Path | None) -> Iterator[None]:
    """The GPU for one of several processes that have prepared side by side: when there is the file `go`, in turn."""
    if folder is None:
        yield
        return
    if (folder / "go").exists():
        raise Absent("it was not ready in time")
    (folder / f"ready-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
    with (folder / "turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def heading() -> str:
    """Of the table, two lines."""
    names = f"| µs per iteration of all | {' | '.join(COLUMNS)} | of the peak | aims |\n"
    return f"{names}|---{'|---:' * (len(COLUMNS) + 1)}|---|\n"


def ready(case: Case, names: Iterable[str], device: str, targets: Iterable[str]) -> Iterator[Contender]:
    """Those that can take part, netc's targets first, after a few iterations, which compile; what another lacks is
    said."""
    for name, make in (*_netc(case, targets), *_peers(case, names, device)):
        try:
            contender = make()
            contender.advance(case.work.unit)
            yield contender
        except Exception as error:  # a peer that fails costs its own column, not the bench
            _say(f"{title(case)}: without {name}: {_first_line(error)}")


def _netc(case: Case, targets: Iterable[str]) -> Iterator[tuple[str, Callable[[], Contender]]]:
    from bench.cuda_netc import Netc

    for target in targets:
        yield "netc", lambda target=target: Netc(case.work, target)


def _peers(case: Case, names: Iterable[str], device: str) -> Iterator[tuple[str, Callable[[], Contender]]]:
    from bench.objectives import Objective

    for name in names:
        kind, *modules = PEERS[name]
        if module := modules[isinstance(case.work, Objective)]:
            yield name, lambda n=name, m=module, k=kind: _peer(n, m, k, case, device)


def _peer(name: str, module: str, kind: str, case: Case, device: str) -> Contender:
    library = name.partition(".")[0]
    try:
        loaded: Any = import_module(library)
    except ImportError:
        raise Absent(f"{library} is not installed: {INSTALL[library]}") from None
    if device == "cpu" and name == "torch.graph":
        raise Absent("there are no CUDA graphs without a GPU")
    sees = loaded.cuda.is_available() if library == "torch" else loaded.default_backend() == "gpu"
    if device == "cuda" and not sees:
        raise Absent(f"{library} sees no GPU: {INSTALL[library]}")
    if library == "jax":
        loaded.config.update("jax_default_matmul_precision", "highest")  # float32, as the others, not TF32
        made: Contender = getattr(import_module(module), kind)(case.work)
        return made
    made = getattr(import_module(module), kind)(case.work, device)
    return made


def share(
    case: Case, taken: dict[str, float], contenders: Iterable[Contender], found: Ceilings
) -> float | None:
    """Of the peak of multiply-adds in the case's precision, that netc reaches."""
    from bench.cuda_cases import operations_of_loop
    from bench.cuda_netc import Netc
    from bench.objectives import Objective
    from netc.runtime.devices.cuda_types import ptx

    ours = next((c for c in contenders if isinstance(c, Netc)), None)
    if ours is None or "netc" not in taken:
        return None
    count = (
        operations_of_loop(ptx(ours.session.cuda_module(), (9, 0)))
        if isinstance(case.work, Objective)
        else case.work.operations
    )
    return count / (taken["netc"] * 1e-6) / found.peak(case.work.precision)


def row(case: Case, taken: dict[str, float], part: float | None) -> str:
    """`taken`: µs per iteration and run."""
    from bench.report import cell

    whole = {name: time * case.runs for name, time in taken.items()}
    cells = [cell(whole.get(name), whole.get("netc"), name) for name in COLUMNS]
    shown = "" if part is None else f"{part:.0%}"
    verdicts = "; ".join(aim.verdict(taken, part) for aim in case.aims)
    return f"| {title(case)} | {' | '.join(cells)} | {shown} | {verdicts} |"


def free() -> None:
    """What the peers of a case held of the GPU."""
    gc.collect()
    if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
        sys.modules["torch"].cuda.empty_cache()


def device() -> str:
    """Its name, and its driver's version."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        name, _, driver = said[0].partition(", ")
        return f"{name}, driver {driver}"
    except (OSError, subprocess.CalledProcessError, IndexError):
        from numba import cuda

        return f"{cuda.get_current_device().name.decode()}, driver unknown"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0]


def _say(line: str) -> None:
    print(f"bench.cuda: {line}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.cuda", description=__doc__)
    parser.add_argument(
        "--only", nargs="*", default=[""], metavar="TEXT", help="rows whose name contains one of these"
    )
    parser.add_argument(
        "--largest", type=float, default=1e8, metavar="RUNS", help="no more starts or networks"
    )
    parser.add_argument("--contenders", nargs="*", default=list(PEERS), choices=PEERS, help="beside netc")
    parser.add_argument("--agreement", action="store_true", help="compare only, on small sizes")
    parser.add_argument("--rows", type=Path, metavar="FILE", help="where each row goes, a line of JSON each")
    parser.add_argument(
        "--together", type=Path, metavar="FOLDER", help="where the pieces wait for each other"
    )
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="a quarter of a repetition, about")
    return parser.parse_args()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
