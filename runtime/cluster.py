"""Workers of a Dask cluster: the way to them, whether they give the bits that this process gives, tasks spread over them.

What a task is, is not known here (`api/cluster_run.py`). Dask does what a cluster has to: a task whose worker is
killed goes to another one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

LOCAL, REMOTE = "dask", "dask://"
PACKAGES = ("netc", "numba", "llvmlite", "numpy")
"""Of which a worker needs the same version: what they compute is in the results."""
SOURCES = (".py", ".net", ".lark")
ANSWER = 10.0
"""Seconds in which a scheduler answers."""
AHEAD = 4000
"""Tasks that are handed to the scheduler before the first of them is done."""
TOLD = 8
"""Workers that are named one by one."""


class NoCluster(Exception):
    """Why nothing can be run there."""


@dataclass(frozen=True)
class Failed:
    """A task that could not be done, and why."""

    why: str


@contextmanager
def cluster(where: str) -> Iterator[Client]:
    """`dask://HOST:PORT`, or `dask` for workers on this machine, one for each core. Raises NoCluster unless all workers
    give the same bits as this process."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        message = 'workers are reached by dask.distributed, which is not installed: pip install "netc[dask]"'
        raise NoCluster(message) from None
    from netc.runtime.host import available_cores

    if where != LOCAL and not (where.startswith(REMOTE) and where.removeprefix(REMOTE)):
        raise NoCluster(f"'{where}' names no workers: dask, or dask://HOST:PORT")
    for name in ("distributed", "distributed.nanny", "distributed.client", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if where == LOCAL:
        options: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
        with (
            LocalCluster(n_workers=available_cores(), silence_logs=logging.CRITICAL, **options) as local,
            Client(local, set_as_default=False) as client,
        ):
            require_alike(client)
            yield client
        return
    address = where.removeprefix(REMOTE)
    try:
        asyncio.run(_meet(f"tcp://{address}"))
        client = Client(f"tcp://{address}", timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NoCluster(f"no scheduler of Dask answers at '{address}': {_first_line(error)}") from None
    except (MemoryError, OverflowError):  # of a web server's words, read as the length of a message
        raise NoCluster(f"what answers at '{address}' is no scheduler of Dask") from None
    try:
        require_alike(client)
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=ANSWER)


async def _meet(address: str) -> None:
    """A client waits for ever for a port that takes connections and says nothing. Raises OSError."""
    from distributed.comm import connect

    comm = await asyncio.wait_for(connect(address, timeout=ANSWER), ANSWER)
    await comm.close()


def places(client: Client) -> int:
    """Tasks that are done at once."""
    found: int = sum(client.nthreads().values())
    return max(1, found)


def threads_here() -> int:
    """Of the worker in which this is called: its share of the machine."""
    from distributed import get_worker

    try:
        return int(get_worker().state.nthreads)
    except ValueError:
        return 1


# -- the same bits -------------------------------------------------------------------------------------


@cache
def about() -> dict[str, str]:
    """Of this process, what its bits hang on."""
    from netc.runtime.devices.load import processor_key

    root, sha = Path(__file__).parents[1], hashlib.sha256()
    sources = {f.relative_to(root).as_posix(): f for f in root.rglob("*") if f.suffix in SOURCES}
    for name, file in sorted(sources.items()):
        if not name.startswith("examples/"):
            sha.update(name.encode() + b"\0" + file.read_bytes())
    name, features, *settings = processor_key().split(" ")
    code = hashlib.sha256(features.encode()).hexdigest()[:8]
    processor = ", ".join([f"{name} (features {code})", *settings])
    versions = {name: version(name) for name in PACKAGES}
    return {**versions, "sources of netc": sha.hexdigest()[:12], "processor": processor}


def require_alike(client: Client) -> None:
    """NoCluster with what differs, worker by worker; also where there is none."""
    versions = client.get_versions(packages=list(PACKAGES))
    if not versions["workers"]:
        raise NoCluster(f"the scheduler has no worker: dask worker {client.scheduler.address}")
    here = _packages(versions["client"])
    others = {
        worker: list(differing(here, _packages(there))) for worker, there in versions["workers"].items()
    }
    if not any(others.values()):
        answers = client.run(about, on_error="return")
        others = {worker: list(differing(about(), _answer(there))) for worker, there in answers.items()}
    if found := [(worker, "; ".join(lines)) for worker, lines in others.items() if lines]:
        named = [f"  {worker}: {text}" for worker, text in found[:TOLD]]
        rest = [f"  ... and {len(found) - TOLD} further workers"] if len(found) > TOLD else []
        raise NoCluster("\n".join(["workers would give other bits, so nothing is run:", *named, *rest]))


def differing(here: dict[str, str], there: dict[str, str]) -> Iterator[str]:
    """`numba 0.61.0, here 0.68.1`"""
    for name, value in here.items():
        if (other := there.get(name, "none")) != value:
            yield f"{name} {other}, here {value}"


def _packages(versions: Any) -> dict[str, str]:
    if not isinstance(versions, dict):
        return {}
    packages = versions["packages"]
    python = ".".join(str(packages["python"]).split(".")[:2])
    return {"python": python, **{name: str(packages.get(name) or "none") for name in PACKAGES}}


def _answer(found: Any) -> dict[str, str]:
    """Of a worker that may have raised: its netc has no such module then."""
    return found if isinstance(found, dict) else {**about(), "sources of netc": "others"}


# -- tasks -----------------------------------------------------------------------------------------------


def held(client: Client, value: Any) -> Any:
    """What many tasks are given, sent once: workers hand it on to each other. The scheduler has it too, so that it is not
    lost with the workers that hold it (`scatter` leaves it with one of them)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it is large
        return client.submit(_same, value, pure=False)


def _same(value: Any) -> Any:
    return value


Task = tuple[int, tuple[Any, ...]]
"""Its number, and what the function is given."""


def spread(client: Client, function: Callable[..., Any], tasks: Iterator[Task]) -> Iterator[tuple[int, Any]]:
    """What comes of each task, by its number, as it is done, in any order; Failed where it raises or its workers die."""
    from distributed import as_completed

    numbers: dict[str, int] = {}

    def submit(task: Task) -> Any:
        number, given = task
        future = client.submit(function, *given, pure=False)
        numbers[future.key] = number
        return future

    first = [submit(task) for _, task in zip(range(AHEAD), tasks, strict=False)]
    under_way = as_completed(first, loop=client.loop)
    del first  # a future that nobody holds is forgotten by the cluster
    for future in under_way:
        number = numbers.pop(future.key)
        try:
            found = future.result()
        except Exception as error:
            found = Failed(_reason(error))
        del future
        yield number, found
        if (task := next(tasks, None)) is not None:
            under_way.add(submit(task))


def _reason(error: Exception) -> str:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return "each worker that tried it has died"
    return f"{type(error).__name__}: {_first_line(error)}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
