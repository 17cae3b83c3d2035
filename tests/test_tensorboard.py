"""Logs for TensorBoard, read back as TensorBoard reads them: records of events."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import netc
from netc.tensorboard import Logs

TEXT = "objective R(x) = x^2\ninit theta = 1\noptimizer gd(eta = 0.25)\ntrain steps = 6\n"


def events(folder):
    """The scalars of a folder: a record is its length (8 bytes), a checksum (4), the event, a checksum (4)."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = []
    for file in folder.iterdir():
        data, at = file.read_bytes(), 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 8], "little")
            event = event_pb2.Event.FromString(data[at + 12 : at + 12 + size])
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
            at += size + 16
    return found


def test_every_report_is_in_the_logs(tmp_path):
    pytest.importorskip("tensorboardX")
    with Logs(tmp_path / "logs") as logs:
        result = netc.compile(TEXT).train(callback=logs)
    losses = [(step, value) for tag, step, value in events(tmp_path / "logs") if tag == "loss/train"]
    assert losses == [(n, pytest.approx(0.25**n, rel=1e-6)) for n in range(7)], "R = theta^2, theta = 2^-n"
    assert len(losses) == len(result.history["step"])
    norms = [value for tag, _, value in events(tmp_path / "logs") if tag == "gradient_norm"]
    assert norms == pytest.approx(2 * 0.5 ** np.arange(7), rel=1e-6)


def test_without_tensorboardx_words_say_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="netc\\[tensorboard\\]"):
        Logs("logs")
