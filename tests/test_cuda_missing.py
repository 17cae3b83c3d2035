"""`target = cuda` where it cannot be had: what is missing is said, and how to get it; nothing falls back."""

from __future__ import annotations

import ctypes
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from netc.command_line import main
from netc.compiler import pipeline
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.cuda.target import Cuda
from netc.dsl.diagnostics import SpecError, render
from netc.dsl.parser import parse
from netc.dsl.source import Source
from netc.runtime import opening, program_file
from netc.runtime.devices import cuda_missing
from netc.runtime.devices.cuda_driver import working
from netc.runtime.devices.cuda_missing import DeviceLost, driver, require_gpu, span_of_target
from netc.runtime.training import cuda_stretches as cuda_kernels
from netc.runtime.training.cuda_stretches import Gpu, card
from netc.runtime.training.stretches import OnCpu
from netc.runtime.training.task import Watcher
from netc.runtime.training.train import train

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
        known = {16: 20, 75: self.capability[0], 76: self.capability[1]}  # of cuda.h
        return self._put(into, known[number])

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


@pytest.mark.parametrize("name", [*WITHOUT, "no-extra", "new-numpy"])
def test_what_is_missing_is_said(name: str, monkeypatch: pytest.MonkeyPatch, update_golden: bool) -> None:
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    monkeypatch.setattr(cuda_missing, "installed", lambda: name != "no-extra")
    monkeypatch.setattr(cuda_missing, "_numpy", lambda: (2, 5) if name == "new-numpy" else (2, 4))
    if name in WITHOUT:
        monkeypatch.setattr(cuda_missing, "driver", lambda library: WITHOUT[name]())
    with pytest.raises(SpecError) as raised:
        require_gpu(parse(Source("E0904.net", TEXT)))
    pinned(f"E0904-{name}", str(raised.value), update_golden)


def test_the_extra_brings_a_numpy_that_will_do() -> None:
    extra = tomllib.loads((PINNED.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bound = ".".join(map(str, cuda_missing.BEYOND_NUMPY))
    assert f"numpy<{bound}" in extra["optional-dependencies"]["cuda"]


def test_a_gpu_that_will_do_is_not_missing() -> None:
    assert driver(Library()) is None


def test_a_small_gpu_gets_a_small_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    monkeypatch.setattr(cuda_missing, "installed", lambda: True)
    monkeypatch.setattr(cuda_missing, "_library", Library)
    assert card() == Card(blocks=20)
    monkeypatch.setattr(cuda_missing, "_library", lambda: None)
    assert card() == Card()


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


def gpu(free: int | Exception, data: int) -> Gpu:
    module = ModuleType("kernel")
    vars(module).update(SCRATCH=4, PLACES=0, REAL="f64", SHAPE="block", THREADS=4, BLOCKS=1)

    def left() -> int:
        if isinstance(free, Exception):
            raise free
        return free

    return Gpu(module, span_of_target(parse(Source("gpu.net", TEXT))), data, left)


def test_runs_that_do_not_fit_at_once_go_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the data, and the work space of the blocks that there would be."""
    monkeypatch.setattr(cuda_kernels, "multiprocessors", lambda: 10)
    assert gpu(10**6, 10**5).fitting(40, 1000) == 40
    assert gpu(10**6, 10**5).fitting(4000, 1000) == (900_000 - 100_000 - 10 * 32 * 40) // 1000
    large = gpu(10**6, 10**5)
    vars(large.module).update(SCRATCH=10_000)  # six blocks' work space is half of the memory
    assert large.fitting(4000, 1000) == (900_000 - 100_000 - 6 * 80_008) // 1000


def test_data_that_do_not_fit_are_refused_with_the_figures(update_golden: bool) -> None:
    with pytest.raises(SpecError) as raised:
        gpu(10**6, 8_080_000).fitting(1, 200)
    pinned("E0908-memory", str(raised.value), update_golden)


driver_error = type("CudaAPIError", (Exception,), {"__module__": "numba.cuda.cudadrv.driver"})


def test_a_gpu_that_does_not_answer_is_refused(update_golden: bool) -> None:
    silent = driver_error("[46] Call to cuDevicePrimaryCtxRetain results in CUDA_ERROR_DEVICE_UNAVAILABLE")
    with pytest.raises(SpecError) as raised:
        gpu(silent, 0).fitting(1, 200)
    pinned("E0904-silent", str(raised.value), update_golden)


def test_a_kernel_that_needs_more_blocks_than_there_are_at_once_is_refused(
    update_golden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its barrier over the grid would wait forever."""
    monkeypatch.setattr(Gpu, "resident", lambda self: 40)
    monkeypatch.setattr(cuda_kernels, "multiprocessors", lambda: 2)
    made = gpu(10**6, 0)
    assert made.blocks(10**5) == 40
    vars(made.module).update(SHAPE="grid", BLOCKS=64)
    with pytest.raises(SpecError) as raised:
        made.blocks(1)
    pinned("E0904-blocks", str(raised.value), update_golden)


def test_a_lost_gpu_keeps_what_was_done(update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint of the moment before: resumed, it ends where an undisturbed run does."""
    text = TEXT.replace(", target = cuda", "").replace("steps = 9", "steps = 100")
    task = opening.open_session(program_file.read_text(text, "E0909.net", Path.cwd()), {}).task
    undisturbed = train(task, Watcher())
    kept: list[dict[str, Any]] = []
    watch = Watcher()
    watch.checkpoint = kept.append  # type: ignore[method-assign]
    span, wait = span_of_target(parse(Source("E0909.net", TEXT))), OnCpu.wait

    def failing(stretches: OnCpu) -> float:
        if stretches.last > 50:
            with working(span):
                raise driver_error("[700] Call to cuMemcpyDtoHAsync results in CUDA_ERROR_ILLEGAL_ADDRESS")
        return wait(stretches)

    monkeypatch.setattr(OnCpu, "wait", failing)
    with pytest.raises(DeviceLost) as raised:
        train(task, watch)
    pinned("E0909-lost", str(raised.value), update_golden)
    monkeypatch.undo()
    resumed = train(task, Watcher(), kept[-1])
    assert (resumed.theta == undisturbed.theta).all()
    assert (resumed.counters == undisturbed.counters).all()


def test_an_array_of_too_many_elements_is_refused(update_golden: bool) -> None:
    """Statistics of a batch of a thousand million samples."""
    text = "data x in linspace(-1, 1, 9) -> x^2\nnetwork [1 (dense nobias) 3 (lecture.batchnorm, tanh) (lin) 1]\n"
    text += "init glorot_uniform\nloss half_mse\noptimizer gd(eta = 0.1)\ntrain steps = 9, batch = full, target = cuda\n"
    opened = opening.open_session(program_file.read_text(text, "E0911.net", Path.cwd()), {})
    with pytest.raises(SpecError) as caught:
        pipeline.to_loops(opened.program, Cuda(Card()), 2_000_000_000)
    pinned("E0911-elements", render(caught.value.diagnostics), update_golden)
