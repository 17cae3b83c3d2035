"""A trained model -> what other tools read: the parts that all formats share, with the model's own scaling and words.

The texts of C and Fortran are written by `compiler/export`, files for PyTorch and ONNX by `runtime/exports`.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from netc.compiler.calculus.evaluate import initial_states
from netc.compiler.export.model import Exported, Scale
from netc.runtime.data.scaling import Scaler
from netc.runtime.parameters import Array, unflatten
from netc.runtime.session import Session


def exported(session: Session, theta: Array, states: Array | None) -> Exported:
    """Of theta (P,) and the states (S,) of layers. Raises ValueError where the numbers cannot be written."""
    problem = session.program.problem
    if not problem.sampled:
        raise ValueError("the model is an objective: it has no inputs and outputs")
    if not np.isfinite(theta).all():
        raise ValueError("the parameters are not finite: the training diverged")
    parameters = unflatten(problem, theta.astype(session.real))
    if problem.states:
        kept = (initial_states(problem) if states is None else states).astype(session.real)
        parameters |= {t.name: kept[t.offset : t.stop].reshape(t.shape) for t in problem.states}
    known = session.known
    inputs = known.inputs if known else session.inputs
    outputs = known.targets.scaler if known else session.targets.scaler
    return Exported(
        problem,
        parameters,
        session.spec.training.precision,
        _scale(inputs, problem.inputs),
        _scale(outputs, problem.outputs),
        known.fill.means if known and known.fill else None,
        tuple(_about(session)),
    )


def _scale(scaler: Scaler, columns: int) -> Scale:
    return Scale(*(np.broadcast_to(a, columns).astype(np.float64) for a in (scaler.shift, scaler.divisor)))


def _about(session: Session) -> list[str]:
    known = session.known
    if known is None:
        return [f"Made by netc {version('netc')}."]
    lines = [f"inputs: {', '.join(known.columns)}"]
    if known.targets.classes:
        lines.append(
            f"outputs are those of the classes, in this order: {', '.join(map(str, known.targets.classes))}"
        )
        if session.program.problem.outputs == 1:
            low, high = (known.targets.classes[0], known.targets.classes[-1])
            lines[-1] = f"the output is high for the class '{high}', low for '{low}'"
    else:
        lines.append(f"outputs: {', '.join(known.target_columns)}")
    return [*lines, f"Made by netc {version('netc')}; arithmetic in {session.spec.training.precision}."]
