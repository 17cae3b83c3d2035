"""Workers of a Dask cluster: the same bits as alone, also where one is killed; what differs is said before anything runs.

One cluster of two processes for all tests; what happens in a worker is planted there by the test, and happens once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from netc.command_line import main
from netc.runtime import cluster as clusters

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")

PATIENCE = 600
"""Seconds for a worker to come, on the busiest machine."""
VALLEY = """
objective R(x, y) = a*x^2 + y^2
init      theta ~ uniform(1, 2)
optimizer gd(eta = 0.1)
train     steps = 5, runs = 3
sweep     eta in {0.1, 0.2}, a in {1, 2, 3}
expect    best(eta) = 0.2
"""
RUNS = VALLEY.split("sweep")[0].replace("a*", "2*").replace("runs = 3", "runs = 85")
BITS = ("theta.safetensors", "history.csv", "runs.csv", "figures.safetensors")


@contextmanager
def cluster() -> Iterator[distributed.LocalCluster]:
    patient = {"distributed.comm.timeouts.connect": PATIENCE, "distributed.comm.timeouts.tcp": PATIENCE}
    with (
        dask.config.set(patient),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0, silence_logs=50
        ) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def local() -> Iterator[distributed.LocalCluster]:
    with cluster() as found:
        yield found


@pytest.fixture(scope="module")
def alone(local, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of both files, trained in this process."""
    root = tmp_path_factory.mktemp("alone")
    for name, text in (("v", VALLEY), ("r", RUNS)):
        (root / f"{name}.net").write_text(text)
        assert main(["run", str(root / f"{name}.net"), "-q", "--json", "--out", str(root / name)]) == 0
    return {name: folder_of(str(root / name)) for name in "vr"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> None:
    """With the two files."""
    monkeypatch.chdir(tmp_path)
    Path("v.net").write_text(VALLEY)
    Path("r.net").write_text(RUNS)


@pytest.fixture
def address(local, folder) -> str:
    """As it is given to --on."""
    return dask_address(local)


@pytest.fixture
def mortal(folder) -> Iterator[str]:
    """Of a cluster for a test that kills workers: on a busy machine not each of them comes again."""
    with cluster() as found:
        yield dask_address(found)


def dask_address(cluster: distributed.LocalCluster) -> str:
    return cluster.scheduler_address.replace("tcp://", "dask://")


def plant(address: str, function, *arguments) -> None:
    """Calls it in both workers."""
    with distributed.Client(address.replace("dask://", "tcp://"), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        client.run(function, *arguments)


def same_bits(one: Path, two: Path) -> bool:
    files = [f for name in BITS for f in sorted(one.rglob(name))]
    assert files
    return all((two / f.relative_to(one)).read_bytes() == f.read_bytes() for f in files)


def folder_of(out: str) -> Path:
    (found,) = Path(out).iterdir()
    return found


@pytest.mark.sweep
def test_a_killed_worker_loses_nothing(mortal, alone, tmp_path):
    """It dies in the middle of a training, once: whoever makes the file first."""

    def dying(mark: str) -> None:
        from netc.runtime.session import Session

        train = Session.train

        def train_or_die(self, *arguments):
            if dict(self.spec.optimizer.arguments)["eta"] == 0.2:
                try:
                    os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
                    os.kill(os.getpid(), signal.SIGKILL)
                except FileExistsError:
                    pass
            return train(self, *arguments)

        Session.train = train_or_die

    plant(mortal, dying, str(tmp_path / "died"))
    assert main(["run", "v.net", "-q", "--out", "spread", "--on", mortal]) == 0
    assert Path("died").exists()
    spread = folder_of("spread")
    assert same_bits(alone["v"], spread)
    assert (spread / "sweep.csv").read_bytes() == (alone["v"] / "sweep.csv").read_bytes()
    point = json.loads((spread / "points" / "00002" / "summary.json").read_text())
    assert point["folder"] == str(spread / "points" / "00002")
    assert main(["replay", str(spread / "points" / "00002"), "-q"]) == 0


@pytest.mark.sweep
def test_samples_outlive_the_workers_that_hold_them(mortal):
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def times(value, numbers):
        return float(value * numbers.sum())

    with distributed.Client(mortal.replace("dask://", "tcp://"), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        numbers = clusters.held(client, np.arange(10.0))
        numbers.result()
        for worker in client.who_has(numbers)[numbers.key]:
            client.run(killed, workers=[worker], on_error="ignore")
        found = dict(clusters.spread(client, times, ((i, (i, numbers)) for i in range(4))))
    assert found == {i: 45.0 * i for i in range(4)}


def test_runs_are_spread(address, alone):
    assert main(["run", "r.net", "-q", "--out", "spread", "--on", address]) == 0
    assert same_bits(alone["r"], folder_of("spread"))


def failing(first: int) -> None:
    """Points with a = 2, or the piece of runs with this one, cannot be trained here."""
    from netc import cluster_run
    from netc.runtime.training import train

    before, trained = cluster_run.train_point, train.train

    def point(job, number, values, *others):
        return before(job, number, values, *others) if values[1].value != 2 else no_disk()

    def runs(task, *others):
        return trained(task, *others) if not task.only or task.only[0] != first else no_disk()

    def no_disk():
        raise OSError(28, "No space left on device")

    point.__qualname__ = point.__name__ = "train_point"
    cluster_run.train_point, train.train = point, runs


def working_again() -> None:
    import importlib

    from netc import cluster_run
    from netc.runtime.training import train

    importlib.reload(train)
    importlib.reload(cluster_run)


def test_points_that_fail_are_named_and_the_others_kept(address, alone, capsys):
    plant(address, failing, 0)
    try:
        assert main(["run", "v.net", "--on", address, "--out", "part"]) == 4
        told = capsys.readouterr()
        assert "point 2 (eta = 0.1, a = 2) failed on a worker: OSError: [Errno 28] No space left" in told.err
        assert "4 of them done" in told.out
        part = folder_of("part")
        assert f"2 points failed; to go on: netc run --resume {part}" in told.err
        assert not (part / "points" / "00002").exists()
        summary = json.loads((part / "summary.json").read_text())
        assert [failed["point"] for failed in summary["failed"]] == [2, 5]

        assert main(["run", "r.net", "--on", address, "--out", "runs", "-q"]) == 4
        found = re.search(r"the runs 0 to (\d+) failed on a worker: OSError", capsys.readouterr().err)
        assert found
    finally:
        plant(address, working_again)
    # without Dask, from where it is
    assert main(["run", "--resume", str(part), "-q"]) == 0
    assert same_bits(alone["v"], part)
    # the other runs are those that they are alone
    whole, rest = (load_file(f / "theta.safetensors") for f in (alone["r"], folder_of("runs")))
    lost = int(found[1]) + 1
    for name, array in whole.items():
        np.testing.assert_array_equal(rest[name][lost:], array[lost:])
        assert np.isnan(rest[name][:lost]).all()
    # those that are missing are trained here
    pieces = folder_of("runs") / "pieces"
    kept = max(pieces.iterdir(), key=lambda file: int(file.name.partition("-")[0]))
    damaged = kept.read_bytes()
    kept.write_bytes(damaged[:-1] + bytes([damaged[-1] ^ 1]))
    assert main(["run", "--resume", str(pieces.parent), "-q"]) == 2
    assert f"{kept.name} is damaged" in capsys.readouterr().err
    kept.write_bytes(damaged)
    assert main(["run", "--resume", str(pieces.parent), "-q"]) == 0
    assert same_bits(alone["r"], pieces.parent)
    assert not pieces.exists()


def test_runs_go_on_with_workers(address, alone):
    """The folder of a process that was killed when a third of its pieces were done."""
    half = Path(shutil.copytree(alone["r"], "half"))
    for file in ("theta.safetensors", "summary.json", "end.safetensors"):
        (half / file).unlink()
    assert main(["run", "--resume", str(half), "-q", "--on", address]) == 2  # begun in one place, at its end
    from netc.runtime.opening import open_session
    from netc.runtime.program_file import read_file
    from netc.runtime.results.folder import RunFolder
    from netc.runtime.training.task import Watcher
    from netc.runtime.training.train import train

    task = open_session(read_file(Path("r.net")), {}).task
    RunFolder(half).write_piece((8, 16), train(replace(task, only=(8, 16)), Watcher()))
    assert main(["replay", str(half)]) == 2
    assert main(["run", "--resume", str(half), "-q", "--on", address]) == 0
    assert same_bits(alone["r"], half)


def test_a_sweep_goes_on_with_workers(address, alone):
    """Half of the points are there; they are not trained again."""
    whole = alone["v"]
    Path("half").mkdir()
    half = Path(shutil.copytree(whole, Path("half") / whole.name))
    kept = half / "points" / "00001" / "manifest.json"
    before = kept.read_bytes()
    for number in (3, 4, 6):
        shutil.rmtree(half / "points" / f"{number:05}")
    (half / "sweep.csv").unlink()
    assert main(["run", "v.net", "--resume", str(half), "-q", "--on", address]) == 0
    assert kept.read_bytes() == before
    assert same_bits(whole, half)
    assert (half / "sweep.csv").read_bytes() == (whole / "sweep.csv").read_bytes()


@pytest.mark.sweep
def test_halving_is_spread(mortal, tmp_path, capsys):
    """A point that fails in the second round ends it, a resumed one goes on there; a killed worker loses nothing."""

    def once(mark: str, dies: bool) -> None:
        from netc.runtime import halving

        advanced = halving.advanced

        def other(session, share, state):
            if state is not None and share == 2:
                try:
                    os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    return advanced(session, share, state)
                if dies:
                    os.kill(os.getpid(), signal.SIGKILL)
                raise OSError("no space left")
            return advanced(session, share, state)

        halving.advanced = other

    Path("h.net").write_text(VALLEY.replace("{1, 2, 3}", "{1, 2, 3}, by = halving"))
    assert main(["run", "h.net", "-q", "--json", "--out", "alone"]) == 0
    plant(mortal, once, str(tmp_path / "failed"), False)
    capsys.readouterr()
    assert main(["run", "h.net", "-q", "--json", "--out", "spread", "--on", mortal]) == 4
    assert re.search(r"point \d failed on a worker: OSError: no space left", capsys.readouterr().err)
    whole, spread = folder_of("alone"), folder_of("spread")
    plant(mortal, once, str(tmp_path / "died"), True)
    assert main(["run", "--resume", str(spread), "-q", "--json", "--on", mortal]) == 0
    assert Path("died").exists()
    assert same_bits(whole, spread)
    assert (spread / "sweep.csv").read_bytes() == (whole / "sweep.csv").read_bytes()


@pytest.mark.sweep
def test_points_that_are_chosen_are_spread(mortal, tmp_path, capsys):
    """A point of the third round fails, which ends it, and a worker is killed in the resumed one: the same suggestions."""
    pytest.importorskip("optuna")

    def once(mark: str, dies: bool) -> None:
        from netc import cluster_run

        before = cluster_run.train_point

        def train_point(job, number, *others):
            if number == 13:
                try:
                    os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    return before(job, number, *others)
                if dies:
                    os.kill(os.getpid(), signal.SIGKILL)
                raise OSError("no space left")
            return before(job, number, *others)

        train_point.__qualname__ = "train_point"
        cluster_run.train_point = train_point

    sweep = "sweep eta ~ log_uniform(1e-3, 0.5), a in {1, 2, 3}, trials = 16, by = tpe, at_once = 2\n"
    Path("t.net").write_text(VALLEY.split("sweep")[0] + sweep)
    assert main(["run", "t.net", "-q", "--json", "--out", "alone"]) == 0
    plant(mortal, once, str(tmp_path / "failed"), False)
    assert main(["run", "t.net", "-q", "--json", "--out", "spread", "--on", mortal]) == 4
    assert "point 13 (" in capsys.readouterr().err
    whole, spread = folder_of("alone"), folder_of("spread")
    assert not (spread / "points" / "00015").exists()
    plant(mortal, once, str(tmp_path / "died"), True)
    assert main(["run", "--resume", str(spread), "-q", "--json", "--on", mortal]) == 0
    assert Path("died").exists()
    assert same_bits(whole, spread)
    assert (spread / "sweep.csv").read_bytes() == (whole / "sweep.csv").read_bytes()


@pytest.mark.sweep
def test_a_finder_is_spread(address):
    """It ends where the last run is lost, long before its last step; pieces of it do not know that."""
    text = VALLEY.split("sweep")[0].replace("a*", "2*").replace("runs = 3", "runs = 85")
    Path("f.net").write_text(text + "finder eta from 1e-3 to 1e4 in 60 steps\n")
    for where in ([], ["--on", address]):
        assert main(["run", "f.net", "-q", "--json", "--out", f"f{len(where)}", *where]) == 0
    whole, spread = (folder_of(name) / "finder.csv" for name in ("f0", "f2"))
    assert spread.read_bytes() == whole.read_bytes()
    assert 85 * 10 < len(whole.read_text().splitlines()) < 1 + 85 * 60


def test_other_workers_are_refused_before_anything_runs(address, tmp_path, capsys):
    """A worker with another netc, and one that compiles for another processor."""
    about = tmp_path / "other" / "netc-9.9.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: netc\nVersion: 9.9\n")
    other = {"NUMBA_CPU_NAME": "generic"}, {"PYTHONPATH": str(tmp_path / "other")}
    for settings, message in zip(
        other, ("processor .*NUMBA_CPU_NAME=generic, here ", "netc 9.9, here 0.1.0"), strict=True
    ):
        scheduler = address.replace("dask://", "tcp://")
        command = [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            scheduler,
            "--no-nanny",
            "--no-dashboard",
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, env={**os.environ, **settings}, **quiet) as worker:
            try:
                with distributed.Client(scheduler, set_as_default=False) as client:
                    client.wait_for_workers(3, timeout=PATIENCE)
                assert main(["run", "v.net", "-q", "--on", address]) == 2
            finally:
                worker.kill()
        told = capsys.readouterr().err
        assert re.search(rf"nothing is run:\n  tcp://\S+: {message}", told), told
        assert not list(Path("runs").iterdir())
        with distributed.Client(scheduler, set_as_default=False) as client:
            gone = lambda dask_scheduler: len(dask_scheduler.workers) == 2  # noqa: E731
            while not client.run_on_scheduler(gone):
                pass


def _refuse(web: socket.socket) -> None:
    client, _ = web.accept()
    with client:
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        client.recv(2**16)


def test_an_address_without_an_answer(address, monkeypatch, capsys):
    """A port that is open, and silent; one where a web server answers; a name that is no address."""
    monkeypatch.setattr(clusters, "ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert main(["run", "v.net", "-q", "--on", f"dask://127.0.0.1:{port}"]) == 2
    assert f"no scheduler of Dask answers at '127.0.0.1:{port}'" in capsys.readouterr().err
    monkeypatch.setattr(clusters, "ANSWER", 10.0)
    with socket.create_server(("127.0.0.1", 0)) as web:
        threading.Thread(target=_refuse, args=(web,), daemon=True).start()
        port = web.getsockname()[1]
        assert main(["run", "v.net", "-q", "--on", f"dask://127.0.0.1:{port}"]) == 2
    assert f"what answers at '127.0.0.1:{port}' is no scheduler of Dask" in capsys.readouterr().err
    assert main(["run", "v.net", "-q", "--on", "tcp://127.0.0.1:1"]) == 2
    assert "names no workers: dask, or dask://HOST:PORT" in capsys.readouterr().err
    assert not list(Path("runs").iterdir())


@pytest.mark.sweep
def test_what_workers_are_of_no_use_for(tmp_path, capsys):
    valley = VALLEY.split("sweep")[0].replace("a*", "1*")
    (tmp_path / "p.net").write_text(valley + "phase a: steps = 3\nphase b: steps = 3\n")
    out = ["--out", str(tmp_path / "runs")]
    assert main(["run", str(tmp_path / "p.net"), "-q", "--on", "dask", *out]) == 2
    assert "phases hand their runs on" in capsys.readouterr().err


@pytest.mark.sweep
def test_a_file_that_is_another_one_on_the_worker(tmp_path, monkeypatch):
    """What `init` and phases name has to be there."""
    import netc
    from netc import cluster_run
    from netc.runtime import opening, program_file

    monkeypatch.chdir(tmp_path)
    model = netc.compile(RUNS)
    model.train()
    model.save("w.safetensors")
    Path("w.net").write_text(
        RUNS.replace("theta ~ uniform(1, 2)", 'from "w.safetensors"').replace("runs = 21", "runs = 2")
    )
    session = opening.open_session(program_file.read_file(Path("w.net")), {})
    job = cluster_run.job_of(session, {}, "w.net")
    other = replace(job, alike=(*job.alike[:1], ("numba", "0.61.0")))
    with pytest.raises(ValueError, match=r"would give other bits: numba .*, here 0\.61\.0"):
        cluster_run.train_runs(other, 0, 1, None)
    with Path("w.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(ValueError, match=r"w\.safetensors' is not there, or another file"):
        cluster_run.train_runs(job, 0, 1, None)
