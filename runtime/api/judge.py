"""`Model.judge`: what a model says of samples whose truth is known; also of those of a run that was read back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netc.given_arrays import raw_inputs
from netc.runtime import judging, opening, program_file
from netc.runtime.data.errors import count
from netc.runtime.data.whole_numbers import require_exact_array
from netc.runtime.results.judgement import Judgement
from netc.runtime.session import Session

if TYPE_CHECKING:
    from netc.fitted import Fitted


def judge(model: Fitted, X: Any, y: Any, part: str | None) -> Judgement:
    """Raises ValueError."""
    if X is not None or y is not None:
        if part is not None:
            raise ValueError("part is of the file's data: give X and y, or part")
        if X is None or y is None:
            raise ValueError("X and y belong together")
        return _given(model, X, y)
    session = with_data(model)
    chosen = part or session.parts[-1]
    return judging.judge_part(session, model.theta, model._states, chosen)


def judge_parts(model: Fitted) -> dict[str, Judgement]:
    """Of every part of the data. Raises ValueError where these are not at hand, or SpecError."""
    session = with_data(model)
    return {part: judging.judge_part(session, model.theta, model._states, part) for part in session.parts}


def with_data(model: Fitted) -> Session:
    """The session with the data that trained the model, be they read again. Raises ValueError where they are not there,
    or others."""
    session = model._session
    if session.spec.network is None:
        raise judging.NotJudged("an objective has no samples: it is judged by its theta")
    if session.data is not None:
        return session
    if session.learned is None or (data := program_file.read_data(session.file)) is None:
        raise judging.NotJudged("the data are not in the file: give X and y")
    if model._digest and data.digest != model._digest:
        raise judging.NotJudged("the data are not those that trained the model: give X and y")
    return opening.open_session(session.file, {}, data, lanes=session.lanes).scaled_as(session.learned)


def require_same_data(model: Fitted) -> None:
    """ValueError where the file's data are no more those that trained a model that was read back."""
    session = model._session
    if session.learned is None or session.data is not None or not model._digest:
        return
    data = program_file.read_data(session.file)
    if data is not None and data.digest != model._digest:
        raise ValueError(
            "the data are not those of the training that the checkpoint is of: theta= starts from its end"
        )


def digest_of(path: Path) -> str:
    """Of the data of a run's folder, as its manifest has it; nothing where it says none."""
    from netc.runtime.results.folder import RunFolder

    try:
        found = RunFolder(path).read_manifest()["data"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(found)


def _given(model: Fitted, X: Any, y: Any) -> Judgement:
    session = model._session
    x = raw_inputs(session, X)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} samples in X, {len(y)} in y")
    classes, values = session.targets.classes, np.asarray(y)
    require_exact_array("y", y)
    truth = session.targets.codes(values) if classes else values.reshape(len(x), -1).astype(np.float64)
    outputs = session.spec.network.outputs if session.spec.network else 0
    if not classes and truth.shape[1] != outputs:
        raise ValueError(
            f"y has {count(truth.shape[1], 'column')}; the network has {count(outputs, 'output')}"
        )
    return judging.judge(session, model.theta, model._states, x, truth)
