"""`from netc.tensorboard import Logs`: a callback that writes reports for TensorBoard, by tensorboardX, an extra."""

from __future__ import annotations

import os
from importlib import import_module
from types import TracebackType
from typing import Any

import numpy as np

from netc.reports import Report

MISSING = 'logs for TensorBoard are written by tensorboardX, which is not installed: pip install "netc[tensorboard]"'


class Logs:
    """Writes every figure of every report: `loss_train` as `loss/train`, of several runs the medians, by step.

        with Logs("logs/first") as logs:
            model.train(X, y, callback=logs)

    Then `tensorboard --logdir logs`. Raises ImportError, whose text says what is missing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            writer = import_module("tensorboardX").SummaryWriter
        except ImportError:
            raise ImportError(MISSING) from None
        self._writer: Any = writer(logdir=os.fspath(folder))

    def __call__(self, report: Report) -> None:
        for name, values in report.figures.items():
            if np.isfinite(values).any():
                stem, _, part = name.rpartition("_")
                tag = f"{stem}/{part}" if part in ("train", "validation", "test", "batches") else name
                self._writer.add_scalar(tag, float(np.nanmedian(values)), report.step)

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """All that was reported is then on disk."""
        self._writer.close()
