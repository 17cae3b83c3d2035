"""`target = cuda` where it cannot be had: what is missing is said, and how to get it; nothing falls back."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from netc.commands import main
from netc.dsl.diagnostics import SpecError
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime import cuda_missing, session
from netc.runtime.cuda_kernels import Launcher
from netc.runtime.cuda_missing import DeviceLost, driver, require_gpu, span_of_target
from netc.runtime.train import Watcher, train

PINNED = Path(__file__).with_name("bad_cuda")
TEXT = "objective R(x) = x^2\ninit theta = 1\noptimizer gd(eta = 0.1)\ntrain steps = 9, target = cuda\n"


class Library:
    """What is asked of the driver, answered."""

    def __init__(self, version: int = 13000, devices: int = 1, capability: tuple[int, int] = (9, 0)) -> None:
        self.version, self.devices, self.capability = version, devices, capability

    def cuInit(self, flags: int) -> int:
        return 0 if self.devices else 100

    def cuDriverGetVersion(self, into: Any) -> int:
        return self._put(into, self.version)

    def cuDeviceGetCount(self, into: Any) -> int:
        return self._put(into, self.devices)

    def cuDeviceGetAttribute(self, into: Any, number: int, device: int) -> int:
        return self._put(into, self.capability[number - cuda_missing.MAJOR])

    @staticmethod
    def _put(into: Any, value: int) -> int:
        ctypes.cast(into, ctypes.POINTER(ctypes.c_int))[0] = value
        return 0


WITHOUT = {
    "no-driver": lambda: driver(None),
    "old-driver": lambda: driver(Library(version=12040)),
    "no-gpu": lambda: driver(Library(devices=0)),
    "old-gpu": lambda: driver(Library(capability=(6, 1))),
}


def pinned(name: str, said: str, update: bool) -> None:
    path = PINNED / f"{name}.out"
    if update:
        path.write_text(said + "\n", encoding="utf-8")
    assert said + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*WITHOUT, "no-extra"])
def test_what_is_missing_is_said(name: str, monkeypatch: pytest.MonkeyPatch, update_golden: bool) -> None:
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    monkeypatch.setattr(cuda_missing, "installed", lambda: name != "no-extra")
    if name != "no-extra":
        monkeypatch.setattr(cuda_missing, "driver", lambda library: WITHOUT[name]())
    with pytest.raises(SpecError) as raised:
        require_gpu(parse(Source("E0904.net", TEXT)))
    pinned(f"E0904-{name}", str(raised.value), update_golden)


def test_a_gpu_that_will_do_is_not_missing() -> None:
    assert driver(Library()) is None


def test_nothing_is_trained_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cuda_missing, "installed", lambda: False)
    Path("a.net").write_text(TEXT.replace(", target = cuda", ""))
    assert main(["check", "a.net"]) == 0
    assert main(["run", "a.net", "--target", "cuda"]) == 1
    assert "--target:1:16: error[E0904]" in capsys.readouterr().err
    assert not Path("runs").exists()
    assert main(["show", "a.net", "--stage", "ptx"]) == 2
    assert "netc[cuda]" in capsys.readouterr().err


def state(runs: int) -> tuple[Any, ...]:
    reals = [np.zeros((runs, 4)), np.zeros((runs, 1, 4)), np.zeros((runs, 1)), np.zeros((runs, 5), np.int64)]
    return (*reals, np.zeros((runs, 3)), np.zeros((runs, 0), np.int64))


def launcher(free: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Launcher, list[int]]:
    module = ModuleType("kernel")
    vars(module).update(SCRATCH=4, SHAPE="block", THREADS=4, BLOCKS=1)
    launched: list[int] = []
    monkeypatch.setattr(Launcher, "launch", lambda self, rows, *rest: launched.append(len(rows)))
    return Launcher(module, span_of_target(parse(Source("E0908.net", TEXT))), lambda: free), launched


def test_runs_that_do_not_fit_at_once_go_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    made, launched = launcher(5000, monkeypatch)
    theta, vectors, scalars, counters, figures, order = state(40)
    data = np.zeros((1, 8))
    made.advance(np.arange(40), theta, vectors, scalars, counters, figures, np.zeros(1), data, data,
                 np.zeros(2, np.int64), order, np.zeros(1), 0, 9)  # fmt: skip
    assert sum(launched) == 40
    assert len(launched) > 1


def test_data_that_do_not_fit_are_refused_with_the_figures(
    monkeypatch: pytest.MonkeyPatch, update_golden: bool
) -> None:
    made, launched = launcher(10**6, monkeypatch)
    theta, vectors, scalars, counters, figures, order = state(1)
    data = np.zeros((100, 10_000))
    with pytest.raises(SpecError) as raised:
        made.advance(np.arange(1), theta, vectors, scalars, counters, figures, np.zeros(1), data, data[:1],
                     np.zeros(2, np.int64), order, np.zeros(1), 0, 9)  # fmt: skip
    assert not launched
    pinned("E0908-memory", str(raised.value), update_golden)


def test_a_lost_gpu_keeps_what_was_done(update_golden: bool) -> None:
    """The checkpoint of the moment before: resumed, it ends where an undisturbed run does."""
    text = TEXT.replace(", target = cuda", "").replace("steps = 9", "steps = 100")
    task = session.open_session(session.read_text(text, "E0909.net", Path.cwd()), {}).task
    undisturbed = train(task, Watcher())
    kept: list[dict[str, Any]] = []
    watch = Watcher()
    watch.checkpoint = kept.append  # type: ignore[method-assign]
    advance = task.kernels.advance
    span = span_of_target(parse(Source("E0909.net", TEXT)))

    def failing(rows: Any, *arguments: Any) -> None:
        if arguments[-1] > 50:
            Launcher(task.kernels, span).lost(
                RuntimeError("[700] Call to cuMemcpyDtoH results in an illegal address")
            )
        advance(rows, *arguments)

    vars(task.kernels).update(advance=failing)
    try:
        with pytest.raises(DeviceLost) as raised:
            train(task, watch)
    finally:
        vars(task.kernels).update(advance=advance)
    pinned("E0909-lost", str(raised.value), update_golden)
    resumed = train(task, Watcher(), kept[-1])
    assert (resumed.theta == undisturbed.theta).all()
    assert (resumed.counters == undisturbed.counters).all()
