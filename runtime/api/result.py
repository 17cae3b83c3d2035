"""`Result`, as `Model.train` and `netc.load` give it: the figures of a training together with the model that it left."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from netc.runtime import opening, program_file
from netc.runtime.parameters import Array
from netc.runtime.results import result as inner
from netc.runtime.results.folder import RunFolder
from netc.runtime.results.folder_reader import Unreadable
from netc.runtime.results.judgement import Judgement
from netc.runtime.results.read_result import read_result
from netc.runtime.saved import Saved
from netc.runtime.training.named_states import ended

if TYPE_CHECKING:
    from netc.model import Model


@dataclass(frozen=True, eq=False, repr=False)
class Result(inner.Result):
    """Of one or more runs; the first axis of every array counts the runs."""

    model: Model | None = field(default=None, kw_only=True)
    """The trained model: it predicts with the parameters of the first run, whatever else is trained later."""

    @property
    def rule_states(self) -> dict[str, Array]:
        """Where the rule ended, by name, (runs, ...) each: `n`, the iterations done, `theta`, the rule's states, those of
        layers; `train(states=...)` begins there. Copies; empty where `checkpoint` is.

        `theta` is the rule's own: the last one, whatever `keep` chose and wherever the rule is measured.

        >>> bowl = "objective R(x) = x^2\\ninit theta = 1\\n"
        >>> rule = "optimizer torch.SGD(lr = 0.1, momentum = 0.9)\\ntrain steps = 9\\n"
        >>> sorted(netc.compile(bowl + rule).train().rule_states)
        ['n', 'theta', 'v']
        """
        if not self.checkpoint or self.phases:
            return {}
        assert self.model is not None
        session = self.model._session
        return ended(session.program, session.samples, self.checkpoint)

    def judge(self, part: str | None = None) -> Judgement:
        """What the first run's model says of a part of the data, as `Model.judge`."""
        assert self.model is not None
        return self.model.judge(part=part)

    def _repr_html_(self) -> str:
        from netc.notebook import result_html

        return result_html(self)


def with_model(result: inner.Result, model: Model) -> Result:
    return Result(
        **{f.name: getattr(result, f.name) for f in fields(result) if f.name != "model"}, model=model
    )


def read_back(model: Model, found: Saved, path: Path) -> Result:
    """The tables of a run's folder. Raises Unreadable."""

    def kinds(theta: Array, settled: Array, states: Array) -> Array:
        """By the Hessian, for which a network needs its data."""
        session = found.session
        data = program_file.read_data(session.file) if session.learned else None
        return (opening.open_session(session.file, {}, data) if data else session).kinds(
            theta, settled, states
        )

    session = found.session
    try:
        checkpoint = RunFolder(path).read_end()
        result = read_result(path, session.program, session.spec.points, found.arrays, kinds)
    except (Unreadable, OSError, ValueError) as error:
        raise Unreadable(f"the tables of '{path}' cannot be read: {error}") from None
    named = replace(result, columns=model.columns, target_columns=model.target_columns, checkpoint=checkpoint)
    return with_model(named, model)
