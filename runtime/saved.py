"""Models on disk: a run's folder, or a file that `Model.save` has written -> a session without data, and theta.

A file has the tensors of a run's `theta.safetensors` (no best ones), and what spec.net and the manifest of a folder say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from netc.compiler import pipeline
from netc.compiler.meaning.spec import Facts
from netc.compiler.meaning.spec_text import spec_text
from netc.dsl.diagnostics import SpecError
from netc.dsl.reading import read_text
from netc.runtime.atomic import replacing
from netc.runtime.data.gaps import Fill
from netc.runtime.data.scaling import Scaler
from netc.runtime.parameters import Array
from netc.runtime.program_file import File
from netc.runtime.program_file import read_text as parsed
from netc.runtime.results.folder import RunFolder
from netc.runtime.results.folder_reader import Damaged, Unreadable, json_of, rows, tensors_of
from netc.runtime.results.tensor_file import Pieces, write_tensors
from netc.runtime.session import Session
from netc.runtime.training.learned import Learned
from netc.runtime.training.loss_targets import Targets, kind_of

SUFFIX = ".safetensors"


@dataclass(frozen=True, eq=False)
class Saved:
    session: Session
    theta: Array
    """(runs, P)"""
    states: Array
    """(runs, S), of layers"""
    arrays: dict[str, Array]
    """All tensors of the file."""


def read(path: Path) -> Saved:
    """Of a run's folder or of a model's file. Raises OSError where there is nothing, Unreadable."""
    if (path / "points").is_dir():
        raise Unreadable(_of_sweep(path))
    if path.is_dir():
        return _read(
            path, "is not the folder of a run that has ended", "is damaged", lambda: _of_folder(path)
        )
    if (
        path.name in ("theta.safetensors", "spec.net", "manifest.json")
        and (path.parent / "spec.net").exists()
    ):
        raise Unreadable(f"'{path}' is a part of a run: give its folder, '{path.parent}'")
    path.stat()
    return _read(path, "holds no model", "holds no model", lambda: _of_file(path))


def best_point(path: Path) -> int | None:
    """The number of the first of the best points of a sweep's folder; None where it does not say."""
    try:
        return int(json_of(path / "summary.json")["table"][0]["points"][0])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _of_sweep(path: Path) -> str:
    points, best = path / "points", best_point(path)
    if best is None:
        return f"'{path}' is the folder of a sweep, whose points have folders of their own: {points / '00001'}, ..."
    return f"'{path}' is the folder of a sweep; its best point is {points / f'{best:05d}'}"


def write(path: Path, session: Session, theta: Array, states: Array | None) -> None:
    """One model, theta (P,) and states (S,) of its layers, whole or not at all. Raises OSError."""
    problem = session.program.problem
    tensors = {t.name: Pieces(theta[None, t.offset : t.stop], t.kept_shape) for t in problem.weights}
    if states is not None:
        tensors |= {t.name: Pieces(states[None, t.offset : t.stop], t.kept_shape) for t in problem.states}
    tensors |= {name: Pieces(array.reshape(1, -1), array.shape) for name, array in session.scalers().items()}
    about = {"versions": {"netc": version("netc")}, "lanes": session.machine.lanes, **about_data(session)}
    with replacing(path) as file:
        write_tensors(file, tensors, {"netc": json.dumps(about), "spec.net": spec_text(session.spec)})


def about_data(session: Session) -> dict[str, Any]:
    """What predictions need to know of the data besides numbers; nothing where there are none."""
    if (known := session.known) is None:
        return {}
    data = {
        "samples": {"train": known.samples},
        "columns": list(known.columns),
        "named": known.named,
        "target_columns": list(known.target_columns),
        "classes": list(known.targets.classes),
    }
    return {"data": data}


class Newer(Unreadable):
    """Made by a netc that this one does not know."""


def _read(path: Path, other: str, damaged: str, reading: Any) -> Saved:
    """`other`: what is to be said where it is something else, `damaged` where it is not as it was written."""
    try:
        saved: Saved = reading()
    except OSError as error:
        missing = Path(error.filename or "").name
        raise Unreadable(f"'{path}' {other}: it has no readable {missing or 'content'}") from None
    except Newer as error:
        raise Newer(f"'{path}' cannot be read: {error}") from None
    except Unreadable as error:
        raise Unreadable(f"'{path}' {other}: {error}") from None
    except (SpecError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, KeyError):
            first = f"{first} is missing in it"
        raise Damaged(f"'{path}' {damaged}: {first}") from None
    return saved


def _of_folder(path: Path) -> Saved:
    text = read_text(path / "spec.net")
    manifest = json_of(path / "manifest.json")
    _require_version(manifest)
    if not (path / "theta.safetensors").exists():
        raise Unreadable(f"it has no theta.safetensors; {RunFolder(path).way_on}")
    arrays, _ = tensors_of(path / "theta.safetensors")
    file = parsed(text, str(path / "spec.net"), Path(manifest["file"]).parent)
    return _saved(file, manifest, arrays)


def _of_file(path: Path) -> Saved:
    arrays, about = tensors_of(path)
    if "spec.net" not in about:
        raise Unreadable("it has tensors alone; netc's models are written by model.save(FILE), and weights "
                         "alone start a training: init from FILE")  # fmt: skip
    manifest = json.loads(about["netc"])
    _require_version(manifest)
    return _saved(parsed(about["spec.net"], str(path), path.absolute().parent), manifest, arrays)


def _require_version(manifest: Mapping[str, Any]) -> None:
    made, here = str(manifest["versions"]["netc"]), version("netc")
    if _numbers(made) > _numbers(here):
        raise Newer(f"it was made by netc {made}, this is netc {here}: a newer netc reads it")


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("+")[0].split(".")[:3])


def _saved(file: File, manifest: Mapping[str, Any], arrays: dict[str, Array]) -> Saved:
    data = manifest.get("data") or None
    spec = pipeline.to_spec(file.program, _facts(data) if data else None, file.folder)
    session = Session(file, spec, None, lanes=int(manifest["lanes"]))
    if data:
        session = Session(file, spec, None, lanes=session.lanes, learned=_learned(session, data, arrays))
    problem = session.program.problem
    theta, states = rows(problem, arrays)
    return Saved(session, theta, states, arrays)


def _facts(data: Mapping[str, Any]) -> Facts:
    labels, text = _labels(data)
    return Facts(len(data["columns"]), len(data["target_columns"]), data["samples"]["train"], labels, text)


def _labels(data: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """The labels of the classes, and whether they are text."""
    classes = data["classes"]
    return tuple(map(str, classes)), bool(classes) and isinstance(classes[0], str)


def _learned(session: Session, data: Mapping[str, Any], arrays: Mapping[str, Array]) -> Learned:
    labels, text = _labels(data)
    targets = tuple(map(str, data["target_columns"]))
    columns = tuple(map(str, data["columns"]))
    kind = kind_of(session.spec, len(targets), labels, text)
    fill = Fill(arrays["scale.inputs.fill"]) if "scale.inputs.fill" in arrays else None
    scalers = [Scaler.from_arrays(arrays, f"scale.{part}") for part in ("inputs", "targets")]
    for scaler, names in zip(scalers, (columns, targets), strict=True):
        if scaler.shift.shape != (len(names),) or scaler.divisor.shape != (len(names),):
            raise ValueError(f"its scaling is of {scaler.shift.size} columns, not of {len(names)}")
    learned = Targets(kind, labels, text, scalers[1])
    return Learned(
        data["samples"]["train"], columns, data.get("named", True), targets, scalers[0], fill, learned
    )
