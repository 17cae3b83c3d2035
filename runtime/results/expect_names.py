"""What the names in an `expect` mean: after a training, and before it to find errors early. Judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from netc.compiler.calculus import ir
from netc.compiler.meaning.m_as_state import shown as own
from netc.compiler.meaning.spec import PARTS, Points, Spec
from netc.dsl import ast
from netc.runtime.parameters import Array
from netc.runtime.results.reached_points import NO_LISTED
from netc.runtime.training.metrics import Metric
from netc.runtime.training.outcomes import CLAIMED, OUTCOMES

if TYPE_CHECKING:
    from netc.runtime.results.result import Result


class Trained(Protocol):
    """What the names in an `expect` are taken from: a file that is ready to be trained (`Session`)."""

    @property
    def spec(self) -> Spec: ...
    @property
    def program(self) -> ir.Program: ...
    @property
    def statements(self) -> tuple[ast.Statement, ...]: ...
    @property
    def parts(self) -> tuple[str, ...]:
        """Of the data: `train`, and `validation` and `test` where there is one."""

    @property
    def metric(self) -> Metric | None: ...
    @property
    def phases(self) -> Sequence[Trained]:
        """Of each phase of the file."""

    def loss(self, theta: Array) -> float:
        """The training loss at (P,) parameters."""

    def attacked(self, figure: str, part: str, attack: ast.Expr, result: Result | None) -> Array:
        """`accuracy(test, fgsm(0.1))`: (runs,); a stand-in before anything is trained."""

    def calibration(self, result: Result | None) -> dict[str, Callable[[], Array]]:
        """`ece(test)`, ...: (runs,) each; stand-ins before anything is trained."""

    def has_law(self) -> bool:
        """Whether the network stands for a law of its targets."""

    def insides(self, result: Result | None, figures: tuple[ir.Inside, ...]) -> Array:
        """(runs, figures) of layers, where the parameters are that are kept; stand-ins before anything is trained."""


@dataclass(frozen=True, eq=False)
class Scope:
    """What the names in an `expect` mean."""

    runs: int
    figures: dict[str, Array]
    """Per run: `steps` (runs,), `theta` (runs, P), `loss(train)`, ..."""
    constants: dict[str, float] = field(default_factory=dict)
    """Hyper-parameters, `pi`."""
    loss_names: tuple[str, ...] = ("R",)
    loss_at: Callable[[Array], float] | None = None
    """The training loss at given parameters: `R((1, 0))`."""
    points: tuple[Points, ...] = ()
    reached: Array = field(default_factory=lambda: np.zeros(0, np.int16))
    """(runs,) codes of `results/reached_points.py`."""
    kinds: Callable[[], Array] = lambda: np.zeros(0, np.int8)
    """(runs,) what kind of point each has reached, an index into KINDS or -1; called when it is asked for."""
    states: tuple[str, ...] = ()
    """Of the rule, where their values are not at hand."""
    ensemble: dict[str, tuple[Array, bool]] = field(default_factory=dict)
    """`loss(test, ensemble)`, ...: the figure, and whether each run has one."""
    calibration: dict[str, Callable[[], Array]] = field(default_factory=dict)
    """`ece(test)`, ...: (runs,) each, computed when a claim names it."""
    layers: tuple[str, ...] = ()
    """That learn."""
    inside: Callable[[tuple[ir.Inside, ...]], Array] | None = None
    """(runs, figures) of these layers, computed when a claim names them; None where only what was monitored is known."""
    has_law: Callable[[], bool] = lambda: True
    attacked: Callable[[str, str, ast.Expr], Array] | None = None
    """A figure of a part of the data under an attack, (runs,): `accuracy(test, fgsm(0.1))`."""
    swept: Swept | None = None
    """Of a sweep, which has no figures of its own: those of its points."""


@dataclass(frozen=True, eq=False)
class Swept:
    """What the names in the `expect` of a sweep mean."""

    best: Scope
    """Of the runs at the best point."""
    values: dict[str, float | str]
    """Its values, by axis: numbers, and what is none as it is printed."""
    over: dict[str, tuple[Scope, ...]]
    """By axis: of all runs with the first value, with the second, ...; none where values are drawn."""
    words: frozenset[str] = frozenset()
    """All values that are no numbers."""


def scope_of(session: Trained, result: Result) -> Scope:
    """What the names in `expect` mean."""
    figures: dict[str, Array] = {"theta": result.theta, "steps": result.steps, "iterations": result.steps}
    figures |= {"epochs": result.epochs, "outcome": result.outcome}
    figures |= {name: result.has(outcome) for name, outcome in CLAIMED.items()}
    figures |= {f"{n}_evaluations": counts for n, counts in result.evaluations.items()}
    figures["evaluations"] = result.evaluations["loss"]
    figures |= {"kept_epochs": result.kept_epochs} if result.keep else {}
    figures |= {name: result.final[name] for name in result.grows}
    figures |= {
        f"{kind}({part})" if part else kind: a for kind, part, a in _parts(result.final, result.grows)
    }
    for end in result.phases:
        ends = [(kind, part, a) for kind, part, a in _parts(end.final, result.grows) if part]
        figures |= {f"{kind}({part}, {end.name})": a for kind, part, a in ends}
        figures |= {
            at_phase(name, end.name): end.final[name] for name in _inner(session) if name in end.final
        }
    figures |= {f"grows({name})": shares for name, shares in result.grows.items()}
    figures |= _by_name(session, result.theta)
    figures = _states_of(session, result) | figures
    losses, points = _loss_names(session), session.spec.points
    return Scope(
        result.runs,
        figures,
        _constants(session) | {"seconds": result.seconds["train"]},
        losses,
        session.loss,
        points,
        result.point_codes,
        result.kind_codes,
        _states(session),
        {f"{k}({part}, ensemble)": _of(session, a) for k, part, a in _parts(result.ensemble, ())},
        session.calibration(result),
        session.spec.layer_names,
        partial(session.insides, result),
        session.has_law,
        partial(session.attacked, result=result),
    )


def _of(session: Trained, figure: Array) -> tuple[Array, bool]:
    """Of the ends of phases each run has a figure, of all runs together there is one."""
    each = session.spec.ensemble is not None and bool(session.spec.ensemble.phases)
    return (figure, True) if each else (figure[0], False)


def _parts(final: dict[str, Array], others: Container[str]) -> Iterator[tuple[str, str, Array]]:
    """Figure, part of the data if it is of one, and its values; what was lost is infinite."""
    for name, values in final.items():
        if name in others:
            continue
        kind, _, part = name.rpartition("_")
        lost = np.isnan(values) & name.startswith(("loss", "gradient"))
        found = np.where(lost, np.inf, values)
        yield (kind, part, found) if part in PARTS else (name, "", found)


def blank_scope(session: Trained) -> Scope:
    """The same names before anything is trained, to find errors in `expect` early; two runs stand for many."""
    runs, count = min(session.spec.training.runs, 2), session.spec.parameters
    figures: dict[str, Array] = {name: np.ones(runs) for name in _always(session)}
    for watched in session.spec.monitor.watched:
        figures |= {f"grows({watched.name})": np.zeros(runs), watched.name: np.ones(runs)}
    figures |= {one.name: np.ones(runs) for one in session.spec.monitor.shown if _kept(one)}
    figures |= {name: np.zeros(runs, bool) for name in CLAIMED}
    # One number stands for all parameters: a check costs nothing that grows with their number.
    figures |= {"outcome": np.full(runs, OUTCOMES[0]), "theta": np.broadcast_to(1.0, (runs, count))}
    figures |= _by_name(session, figures["theta"])
    axes = {s.name: s.axes for s in session.program.rule.states}
    states = {name: figures["theta"] if axes[name] else np.ones(runs) for name in _states(session)}
    figures = {own(name): array for name, array in states.items()} | figures
    far, no_kind = np.full(runs, NO_LISTED), lambda: np.full(runs, -1)
    losses, points = _loss_names(session), session.spec.points
    stated = session.spec.training.runs
    return Scope(
        stated,
        figures,
        _constants(session),
        losses,
        lambda theta: 1.0,
        points,
        far,
        no_kind,
        _states(session),
        {name: _of(session, np.ones(runs)) for name in _of_ensemble(session)},
        session.calibration(None),
        session.spec.layer_names,
        partial(session.insides, None),
        session.has_law,
        partial(session.attacked, result=None),
    )


def _always(session: Trained) -> list[str]:
    """Figures of the parts, of phases, and of how a run ended."""
    names = ["steps", "iterations", "epochs", "loss(train)", "gradient_norm", "theta_norm"]
    names += ["evaluations", *(f"{n}_evaluations" for n in ("loss", "gradient"))]
    if session.metric:
        names += [f"{session.metric.kind}({part})" for part in session.parts]
    names += [f"loss({part})" for part in session.parts]
    for phase, here in zip(session.spec.phases, session.phases, strict=True):
        kinds = ("loss", *((here.metric.kind,) if here.metric else ()))
        names += [f"{kind}({part}, {phase.name})" for kind in kinds for part in here.parts]
        names += [at_phase(name, phase.name) for name in _inner(session)]
    names += ["kept_epochs"] if session.spec.training.keep else []
    return names


def _of_ensemble(session: Trained) -> Iterator[str]:
    ensemble = session.spec.ensemble
    asked: list[str] = [session.metric.kind] if session.metric and ensemble else []
    asked += ["loss"] if ensemble and ensemble.by == "mean" else []
    return (f"{k}({part}, ensemble)" for k in asked for part in session.parts)


def _inner(session: Trained) -> tuple[str, ...]:
    """Figures of layers and under attack that are monitored."""
    shown = session.spec.monitor.shown
    return tuple(s.name for s in shown if s.attacked or (s.inside and not s.inside.over))


def _kept(one: ir.Shown) -> bool:
    """Whether it is of the last report, and not read off the parameters that are kept."""
    return bool(one.by_inputs or one.inside or one.attacked)


def at_phase(figure: str, phase: str) -> str:
    """`fisher(layer1, blurred)`: as it was at the end of a phase."""
    return f"{figure[:-1]}, {phase})"


def _states(session: Trained) -> tuple[str, ...]:
    return tuple(s.name for s in session.spec.optimizer.body.states if s.name != "theta")


def _states_of(session: Trained, result: Result) -> dict[str, Array]:
    """Of the rule, after the last iteration: (runs, P) or (runs,). None where runs were not in hand together, or another
    process trained them."""
    if len(result.checkpoint.get("theta", ())) != result.runs:
        return {}
    single = [s for s in session.program.rule.states if not s.per_batch and s.name != "theta"]
    vectors, scalars = ([s.name for s in single if bool(s.axes) == wanted] for wanted in (True, False))
    kept = result.checkpoint["vectors"][..., : session.spec.parameters]
    found = {name: kept[:, vectors.index(name)] for name in _states(session) if name in vectors}
    numbers = result.checkpoint["scalars"]
    found |= {name: numbers[:, scalars.index(name)] for name in _states(session) if name in scalars}
    return {own(name): array for name, array in found.items()}


def _by_name(session: Trained, theta: Array) -> dict[str, Array]:
    """The variables of an objective."""
    if session.spec.objective is None:
        return {}
    return {t.name: theta[:, t.offset] for t in session.program.problem.weights}


def _constants(session: Trained) -> dict[str, float]:
    """Of every training; `seconds` differ from one to the next."""
    counts = {"parameters": float(session.spec.parameters), "seconds": 1.0}
    return counts | dict(session.spec.optimizer.arguments) | {"pi": np.pi, "inf": np.inf}


def _loss_names(session: Trained) -> tuple[str, ...]:
    own = [s.name for s in session.statements if isinstance(s, ast.Objective)]
    own += [s.name for s in session.statements if isinstance(s, ast.Loss) and s.use is None]
    return ("R", *own)
