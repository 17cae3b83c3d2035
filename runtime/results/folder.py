"""A run's folder, `runs/NAME-ID/`: written while it runs and when it ends, read to resume it.

Every file is whole or not there. pandas reads `history.csv`, safetensors `theta.safetensors` and the
checkpoints, a text editor the rest; nothing is pickled.
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from netc.compiler.calculus import ir
from netc.dsl.reading import LARGEST_TEXT, read_bytes, require_regular
from netc.runtime.atomic import leftovers, replacing, write_bytes, write_text
from netc.runtime.parameters import Array
from netc.runtime.results.phases import table_of_phases
from netc.runtime.results.result import Result
from netc.runtime.results.table_of_runs import write_runs
from netc.runtime.results.tensor_file import Pieces, write_tensors

if TYPE_CHECKING:
    from netc.runtime.training.task import Outcome

CHECKPOINT = re.compile(r"checkpoint-[0-9]{1,9}\.safetensors")
PIECE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})\.safetensors")
END = "end.safetensors"
"""The last state of runs that came to their end, in the form of a checkpoint."""
LARGEST_END = 2**23
"""Bytes of one that is kept."""


@dataclass(frozen=True)
class RunFolder:
    path: Path

    @staticmethod
    def create(parent: Path, name: str) -> RunFolder:
        """A new folder under `parent`; its ID is the time and four random digits."""
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            path = parent / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return RunFolder(path)

    # -- while it runs -----------------------------------------------------------------------------

    def write_spec(self, text: str) -> None:
        write_text(self.path / "spec.net", text)

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        write_text(self.path / "manifest.json", _json(content))

    def read_manifest(self) -> dict[str, Any]:
        """Raises OSError or ValueError where there is no readable one."""
        content = json.loads(read_bytes(self.path / "manifest.json", LARGEST_TEXT))
        if not isinstance(content, dict):
            raise ValueError("not a manifest")
        return content

    def write_checkpoint(self, arrays: dict[str, Array]) -> None:
        """Replaces the last one, which stays until the new one is whole."""
        old = self._checkpoints()
        number = 1 + max((int(file.stem.rpartition("-")[2]) for file in old), default=0)
        _write_state(self.path / f"checkpoint-{number}.safetensors", arrays)
        _remove(old)

    def read_checkpoint(self) -> dict[str, Array] | None:
        """None where the run ended, or never got so far. ValueError where it is damaged."""
        files = self._checkpoints()
        return _read_state(files[-1]) if files else None

    def read_end(self) -> dict[str, Array]:
        """Where an interrupted run, or one that came to its end, can go on; empty where it is not kept. ValueError where it
        is damaged."""
        end = self.path / END
        return self.read_checkpoint() or (_read_state(end) if end.exists() else {})

    @property
    def can_go_on(self) -> bool:
        """From a checkpoint, or with the pieces that are missing."""
        return bool(self._checkpoints()) or self.has_pieces

    @property
    def ended(self) -> bool:
        """Whether there are weights of a training that came to its end."""
        return (self.path / "theta.safetensors").is_file() and not self.can_go_on

    @property
    def way_on(self) -> str:
        """What can be done with the run of this folder."""
        if self.can_go_on:
            return f"to go on: netc run --resume {self.path}"
        if self.ended:
            weights = self.path / "theta.safetensors"
            return (
                f'a run that came to its end is trained further in a file that says `init from "{weights}"`, or in Python: '
                "model = netc.load(RUN), model.train(epochs = ..., resume = model.result.checkpoint)"
            )
        return "it has no checkpoint to go on from: run its file anew"

    @property
    def has_pieces(self) -> bool:
        """Whether its runs are trained in pieces."""
        return self.pieces.is_dir()

    @property
    def pieces(self) -> Path:
        """Where runs that are trained in several places leave their results while others go on."""
        return self.path / "pieces"

    def write_piece(self, piece: tuple[int, int], outcome: Outcome) -> None:
        from netc.runtime.training.pieces import to_arrays

        self.pieces.mkdir(exist_ok=True)
        _write_state(self.pieces / f"{piece[0]}-{piece[1]}.safetensors", to_arrays(outcome))

    def read_pieces(self, program: ir.Program) -> dict[tuple[int, int], Outcome]:
        """Those that are done. ValueError where one is damaged."""
        from netc.runtime.training.pieces import from_arrays

        matches = [match for file in self.pieces.glob("*") if (match := PIECE.fullmatch(file.name))]
        found: dict[tuple[int, int], Outcome] = {}
        before = 0
        for first, end, name in sorted((int(m[1]), int(m[2]), m[0]) for m in matches):
            if not before <= first < end <= program.training.runs:
                raise ValueError(f"{name} is not of these runs")
            arrays, before = _read_state(self.pieces / name), end
            found[first, end] = from_arrays(arrays, end - first, program.problem.parameters)
        return found

    def _checkpoints(self) -> list[Path]:
        found = [
            file for file in self.path.glob("checkpoint-*.safetensors") if CHECKPOINT.fullmatch(file.name)
        ]
        return sorted(found, key=lambda file: int(file.stem.rpartition("-")[2]))

    # -- when it ends ------------------------------------------------------------------------------

    @property
    def rows(self) -> Path:
        """Where very many runs leave their results while others go on."""
        return self.path / "rows"

    def write_result(self, result: Result, program: ir.Program, scalers: Mapping[str, Array]) -> None:
        """What was trained; what is needed to resume goes unless the run was interrupted."""
        write_text(self.path / "history.csv", _csv(result.history))
        with replacing(self.path / "theta.safetensors") as file:
            write_tensors(file, _weights(result, program.problem, scalers), _about(result))
        if result.runs > 1:
            write_runs(self.path, result, program)
        if result.phases:
            write_text(self.path / "phases.csv", _csv(table_of_phases(result)))
        self.write_summary(result)
        if not result.interrupted:
            if 0 < sum(array.nbytes for array in result.checkpoint.values()) <= LARGEST_END:
                _write_state(self.path / END, result.checkpoint)
            _remove([*self._checkpoints(), *leftovers(self.path)])
            for place in (self.rows, self.pieces):
                shutil.rmtree(place, ignore_errors=True)

    def write_summary(self, result: Result) -> None:
        write_text(self.path / "summary.json", _json(result.summary))


def _write_state(path: Path, arrays: dict[str, Array]) -> None:
    from safetensors.numpy import save

    write_bytes(path, save(arrays, {"checksum": _checksum(arrays)}))


def _read_state(path: Path) -> dict[str, Array]:
    """ValueError where it is not what was written."""
    from safetensors import SafetensorError, safe_open

    require_regular(path)
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            whole = (file.metadata() or {}).get("checksum") == _checksum(arrays)
    except SafetensorError as error:
        raise ValueError(f"{path.name} is damaged: {error}") from None
    if not whole:
        raise ValueError(f"{path.name} is damaged: it is not what was written")
    return arrays


def manifest(file: str, command: Iterable[str], **more: Any) -> dict[str, Any]:
    """What one needs to know to do it again."""
    return {
        "file": file,
        "command": list(command),
        **more,
        "versions": versions(),
        "machine": {"system": platform.platform(), "processor": processor(), "cores": os.cpu_count()},
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def versions() -> dict[str, str]:
    packages = ("netc", "numba", "llvmlite", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def processor() -> str:
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        return next(models, platform.machine())
    return platform.processor() or platform.machine()


def _weights(result: Result, problem: ir.Problem, scalers: Mapping[str, Array]) -> dict[str, Pieces]:
    """`layer1.weight`, `best.layer1.weight`, `scale.inputs.shift`, states of layers; the axis of several runs in front."""
    lead = () if result.runs == 1 else (result.runs,)
    found = {}
    places = [("", result.theta, result.states), ("best.", result.best, result.best_states)]
    places += [("last.", result.last, result.last_states)] if result.keep else []
    places += [(f"phase.{end.name}.", end.theta, end.states) for end in result.phases]
    for prefix, theta, states in places:
        for tensors, rows in ((problem.weights, theta), (problem.states, states)):
            for t in tensors:
                found[prefix + t.name] = Pieces(rows[:, t.offset : t.stop], (*lead, *t.kept_shape))
    return found | {name: Pieces(array.reshape(1, -1), array.shape) for name, array in scalers.items()}


def _about(result: Result) -> dict[str, str]:
    about = {"seed": result.seed, "runs": result.runs, "precision": result.precision}
    return {"netc": json.dumps(about)}


def _csv(columns: Mapping[str, Array]) -> str:
    """Numbers so that they are read back to the same bits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return text.getvalue()


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _checksum(arrays: Mapping[str, Array]) -> str:
    """Of names, shapes, types and contents: kernels write into what a checkpoint holds without asking."""
    found = 0
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found = crc32(f"{name} {array.shape} {array.dtype}".encode(), found)
        found = crc32(array.reshape(-1).view(np.uint8).data, found)
    return f"{found:08x}"


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
