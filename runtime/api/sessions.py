"""The sessions in which a model of a file trains: on the file's data or on arrays. Trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netc.runtime import opening, program_file
from netc.runtime.data.dataset import Dataset, facts
from netc.runtime.data.given import Given
from netc.runtime.program_file import File
from netc.runtime.session import Session

NO_WEIGHTS = (
    "sample_weight comes beside X and y, to a file that says 'data given, weights = given', and by what weighted losses are"
    " divided: loss ..., divide = weights (as PyTorch) or divide = samples (as Keras)"
)
KNOWN = 8
"""Of different settings that it is remembered what follows from them."""


@dataclass
class Sessions:
    file: File
    known: dict[Any, Session] = field(default_factory=dict)
    given: Given | None = None

    def after(
        self,
        last: Session,
        X: Any,
        y: Any,
        overrides: Mapping[str, str | float],
        validation: tuple[Any, Any] | None,
        sample_weight: Any,
    ) -> Session:
        """With these samples, or where none are given those of the `last` session. Raises ValueError."""
        if last.spec.objective is not None and (X is not None or y is not None):
            raise ValueError("the file is an objective: it has no data to train on")
        if X is None and y is not None:
            raise ValueError("y is given without X")
        if X is None and validation is not None:
            raise ValueError(
                "validation_data is given without X: the file's data have their own part, validation = 20%"
            )
        loss = last.spec.loss
        if sample_weight is not None and (X is None or loss is None or not loss.by_sample):
            raise ValueError(NO_WEIGHTS)
        data = self._of_file(last) if X is None else self._of_arrays(X, y, validation, sample_weight)
        session = self._opened(data, overrides, last.lanes)
        if session.data is None and session.spec.objective is None:
            raise ValueError("the file has no data: give the arrays, train(X, y)")
        return session

    def _of_file(self, last: Session) -> Dataset | None:
        """Those of the last training, or of the file; a model that was loaded has not seen these yet."""
        return program_file.read_data(self.file) if last.learned and last.data is None else last.data

    def _of_arrays(self, X: Any, y: Any, validation: tuple[Any, Any] | None, sample_weight: Any) -> Dataset:
        """Of the arrays of the last call the data set of the last call, with what was made of it."""
        if validation is not None or sample_weight is not None:
            return program_file.from_arrays(self.file, X, y, validation, sample_weight)
        data = self.given.again(X, y) if self.given is not None else None
        if data is None:
            self.given = None  # before there is another
            data = program_file.from_arrays(self.file, X, y)
        self.given = Given.of(data, X, y)
        return data

    def _opened(self, data: Dataset | None, overrides: Mapping[str, str | float], lanes: int) -> Session:
        """Checked and lowered once for all data of a shape, as in a loop over seeds or folds."""
        held = len(data.validation) if data else 0
        key = facts(data) if data else None, held > 0, tuple(sorted(overrides.items()))
        if key not in self.known:
            if len(self.known) == KNOWN:
                self.known.pop(next(iter(self.known)))
            self.known[key] = opening.open_session(self.file, overrides, data, lanes)
        session = self.known[key].with_data(data)
        if data is not None:
            session.require_fit()
        return session
