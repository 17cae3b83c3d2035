"""`netc bench [FILE]`: what an iteration takes, what of the processor it uses, and what PyTorch and JAX take."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netc.command_line import DONE
from netc.commands.run import read

if TYPE_CHECKING:
    from netc.runtime.bench.comparison import Compared
    from netc.runtime.bench.iterations import Further
    from netc.runtime.session import Session

BOSTON = """data boston, target = medv, scale = minmax
network [13(tanh)15(tanh)15(lin)1]
init glorot_uniform
loss half_mse
optimizer gd(eta = 0.01)
train steps = 1000000
"""
"""What is measured where no file is named."""


@dataclass(frozen=True)
class Found:
    session: Session
    further: Further
    peak: float
    """1e9 operations a second, of one core."""
    compared: tuple[Compared, ...]
    alone: str
    """Why there is no comparison."""


@click.command("bench")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--no-peers", is_flag=True, help="Only netc, though PyTorch or JAX are installed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(file: Path | None, no_peers: bool, as_json: bool) -> int:
    """Measure a further iteration of what FILE trains (by default a small network on the Boston data), on one core.

    A time is (T(3n) - T(n))/2n from a fresh start, the median of five, without reports. The peak is what chains of
    multiply-adds in registers reach on this machine; it is measured once and kept. Where PyTorch or JAX are installed,
    all train the file's network by gradient descent, on the same batches, and first have to come to the same parameters.
    """
    _one_core()
    found = _measured(file, no_peers)
    click.echo(json.dumps(_plain(found)) if as_json else "\n".join(_told(found)))
    return DONE


def _one_core() -> None:
    """Before libraries are imported, which size their pools of threads by the process's cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    single = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    os.environ |= {**dict.fromkeys(single, "1"), "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}


def _measured(file: Path | None, no_peers: bool) -> Found:
    from netc.runtime.bench.iterations import NotMeasured, further
    from netc.runtime.bench.peak import gflops
    from netc.runtime.opening import open_session
    from netc.runtime.program_file import read_text

    parsed = read(file) if file else read_text(BOSTON, "boston", Path())
    session = open_session(parsed, {})
    if session.spec.training.target == "cuda":
        raise click.UsageError(
            "'netc bench' measures the CPU; of the file's target it is said: target = cuda"
        )
    try:
        taken = further(session.task)
        compared, alone = ((), "") if no_peers else _compared(session)
    except NotMeasured as error:
        raise click.UsageError(str(error)) from None
    real = session.spec.training.precision
    return Found(session, taken, gflops(real, session.kernels.LANES), compared, alone)


def _compared(session: Session) -> tuple[tuple[Compared, ...], str]:
    from netc.runtime.bench.comparison import compared
    from netc.runtime.bench.plain_descent import as_chain, by_descent

    if session.spec.network is None:
        return (), "an objective is compared by the bench in the repository"
    plain = by_descent(session)
    chain = as_chain(plain)
    return ((), chain) if isinstance(chain, str) else (tuple(compared(plain, chain)), "")


def _told(found: Found) -> Iterator[str]:
    from netc.runtime.results.folder import processor

    session, precision = found.session, found.session.spec.training.precision
    yield f"{session.file.source.name}   {session.spec.parameters} parameters, {precision}"
    yield f"  on one core of {processor()}, whose peak is {found.peak:.3g} GFLOP/s (measured)"
    yield ""
    yield from _iteration(found)
    if found.alone:
        yield f"\nno comparison with PyTorch and JAX: {found.alone}"
    elif len(found.compared) == 1:
        yield "\nno comparison: neither PyTorch nor JAX is installed"
    elif found.compared:
        yield "\nthe same network by gradient descent, an iteration"
        yield from (f"  {one.name:<14}  {_beside(one, found.compared[0])}" for one in found.compared)


def _iteration(found: Found) -> Iterator[str]:
    taken, spec = found.further, found.session.spec
    spread = f"({_time(taken.least)} to {_time(taken.most)})"
    each = (
        f" of {taken.runs} runs together, {_time(taken.median / taken.runs)} each" if taken.runs > 1 else ""
    )
    yield f"  an iteration    {_time(taken.median)}{each}   {spread}"
    full = f", of {found.session.samples} samples" if spec.training.batch == "full" else ", of a batch"
    of = full if spec.network else ""
    yield f"  evaluations     gradients {taken.gradients:.4g}, losses {taken.losses:.4g}{of}"
    if taken.multiply_adds:
        floor, rate = _floor(found), 2 * taken.multiply_adds / taken.median / 1e9
        yield f"  products        {rate:.3g} GFLOP/s, {floor / taken.median:.0%} of the peak"
        rest = _time(max(0.0, taken.median - floor))
        yield f"  what takes it   {_time(floor)} the products, were they at the peak; {rest} all else"


def _beside(one: Compared, first: Compared) -> str:
    if one is first:
        return _time(one.seconds)
    if isnan(one.seconds):
        return f"not compared: its parameters are {one.apart:.0e} apart"
    return f"{_time(one.seconds)}   {one.seconds / first.seconds:.2f} times; parameters {one.apart:.0e} apart"


def _floor(found: Found) -> float:
    """Seconds that the products of an iteration take at the peak."""
    return 2 * found.further.multiply_adds / found.peak / 1e9


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _plain(found: Found) -> dict[str, Any]:
    taken = found.further
    return {
        "file": found.session.file.source.name,
        "seconds": taken.median,
        "least": taken.least,
        "most": taken.most,
        "runs": taken.runs,
        "gradients": taken.gradients,
        "losses": taken.losses,
        "gflops": 2 * taken.multiply_adds / taken.median / 1e9,
        "peak_gflops": found.peak,
        "by_descent": {c.name: None if isnan(c.seconds) else c.seconds for c in found.compared},
        "not_compared": found.alone,
    }
