"""The folder of a run, as commands make it and open it again: to go on (`run --resume`), or anew (`replay`)."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from netc.runtime.program_file import File
    from netc.runtime.results.folder import RunFolder
    from netc.runtime.results.result import Result
    from netc.runtime.session import Session


@dataclass(frozen=True)
class Manifest:
    """What the manifest of a run says; of it only what has the type that is expected."""

    file: Path
    overrides: dict[str, str | float]
    program: str
    """Checksum of the program that ran."""
    data: str
    """Checksum of the samples; empty where there are none."""
    lanes: int
    fma: bool
    versions: dict[str, str]
    processor: str
    given: str
    """The file as the command named it."""


def new_folder(session: Session, changed: dict[str, str | float], out: Path, program: str = "") -> RunFolder:
    """`program`: the checksum of what runs, where it is more than this session."""
    from netc.runtime.results import folder as folders

    file = Path(session.file.source.name)
    folder = None
    try:
        folder = folders.RunFolder.create(out, file.stem)
        fill_folder(folder, session, changed, program or fingerprint(session))
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder.path, ignore_errors=True)
        reason = error.strerror or error
        raise click.UsageError(f"cannot write to '{out}': {reason}; --out names another place") from None
    return folder


def fill_folder(
    folder: RunFolder,
    session: Session,
    changed: dict[str, str | float],
    program: str,
    command: Sequence[str] | None = None,
) -> None:
    """With what is known before anything is trained; `command`: the command line, if not that of this process."""
    from netc.compiler.meaning.spec_text import spec_text
    from netc.runtime.results import folder as folders

    folder.write_spec(spec_text(session.spec))
    about: dict[str, Any] = {"given": session.file.source.name, "overrides": changed, "program": program}
    about |= {"data": _data(session), **_vectors(session)}
    file = Path(session.file.source.name)
    folder.write_manifest(folders.manifest(str(file.absolute()), command or sys.argv, **about))


def keep(session: Session, changed: dict[str, str | float], out: Path, result: Result) -> None:
    """The folder of a run that is over."""
    folder = new_folder(session, changed, out)
    folder.write_result(replace(result, folder=folder.path), session.program, session.scalers())


def manifest_of(folder: RunFolder) -> Manifest:
    """Raises UsageError where there is none that can be read."""
    try:
        content = folder.read_manifest()
        versions = {str(k): str(v) for k, v in content["versions"].items()}
        found = Manifest(
            Path(str(content["file"])),
            {str(k): v if isinstance(v, int | float) else str(v) for k, v in content["overrides"].items()},
            str(content["program"]),
            str(content["data"].get("sha256", "")),
            int(content["lanes"]),
            bool(content["fma"]),
            versions,
            str(content["machine"]["processor"]),
            str(content["given"]),
        )
        if found.lanes not in (1, 2, 4, 8, 16) or "netc" not in versions:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise click.UsageError(
            f"'{folder.path}' is not the folder of a run: it has no readable manifest.json"
        ) from None
    return found


def session_of(run: Path, manifest: Manifest) -> Session:
    """Of the spec; paths and shipped sets are looked for where the file of the run was."""
    from netc.dsl.reading import read_text as read_file
    from netc.runtime.opening import open_session
    from netc.runtime.program_file import read_text

    try:
        text = read_file(run / "spec.net")
    except OSError as error:
        raise click.UsageError(f"'{run}' has no readable spec.net: {error.strerror or error}") from None
    file = read_text(text, str(run / "spec.net"), manifest.file.parent)
    return open_session(file, {}, lanes=manifest.lanes)


def fingerprint(session: Session) -> str:
    """Of all that decides the bits of a training, and what is noted of it, but the vectors of the processor."""
    from netc.dsl.walks import called

    data, spec = session.data.digest if session.data else "", session.spec
    if spec.phases:
        each = [fingerprint(phase) for phase in session.phases]
        return hashlib.sha256(f"{spec.phases!r} {each}".encode()).hexdigest()
    training = replace(spec.training, threads=0)  # which change no bit
    figures = [*spec.monitor.figures, *(j.attack for _, j in training.judged if j.attack)]
    named = {name.lower() for figure in figures for name in called(figure)}  # not what `expect` asks for
    attacks = [attack for attack in spec.attacks if attack.name.lower() in named]
    said = session.program, spec.data, training, spec.monitor, attacks
    beside = [checksum(path) for path in named_in(session.file)]
    return hashlib.sha256(f"{said!r} {data} {beside}".encode()).hexdigest()


def named_in(file: File) -> list[str]:
    """Paths of the files that `init` and phases name."""
    from netc.dsl import ast
    from netc.dsl.walks import walk

    statements = [s for s in file.program.statements if isinstance(s, ast.Init | ast.Phase)]
    texts = [node.value for s in statements for node in walk(s) if isinstance(node, ast.Text)]
    paths = sorted({os.path.realpath(file.folder / text) for text in texts})
    return [path for path in paths if os.path.isfile(path)]


def checksum(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _vectors(session: Session) -> dict[str, Any]:
    """On these the last bits of sums depend."""
    from netc.runtime.devices.simd_llvm import has_fma

    return {"lanes": session.machine.lanes, "fma": has_fma()}


def _data(session: Session) -> dict[str, Any]:
    if session.data is None:
        return {}
    from netc.runtime.saved import about_data

    data, held = session.data, len(session.data.validation)
    sizes = {"train": len(data.train), **({"validation": held} if held else {}), "test": len(data.test)}
    return {"source": data.source, "sha256": data.digest, **about_data(session)["data"], "samples": sizes}
