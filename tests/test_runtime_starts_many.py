"""First parameters of millions of starts: the compiled way draws what NumPy draws, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netc.runtime import opening, program_file
from netc.runtime.random import Purpose, uniform
from netc.runtime.random_uniform import uniform_of_runs
from netc.runtime.training import start


@pytest.mark.parametrize(("size", "number"), [(2, 0), (3, 1), (1, 5), (6, 2)])
def test_compiled_uniform_numbers_are_those_of_numpy(size: int, number: int) -> None:
    seed, first = 3 + 2**40, 2**32 - 2  # run numbers count modulo 2^32
    whole = np.full((5, size + 1), np.nan)
    uniform_of_runs(whole[:, :size], seed, first, number)
    wanted = uniform(seed, np.arange(first, first + 5), Purpose.INIT, size, number)
    assert (whole[:, :size] == wanted).all()
    assert np.isnan(whole[:, size]).all()


def test_many_starts_are_those_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "objective R(x, y) = x^2 + y^2\ninit theta ~ uniform(-2, 3)\noptimizer gd(eta = 0.1)\ntrain steps = 1, runs = 9\n"
    program = opening.open_session(program_file.read_text(text, "many.net", Path.cwd()), {}).program
    few = start.first_theta(program, 4, 5)
    monkeypatch.setattr(start, "MANY", 18)
    assert (start.first_theta(program, 4, 5) == few).all()  # too few of them are wanted
    drawn = []
    monkeypatch.setattr(start, "_draw_many", lambda *of, draw=start._draw_many: drawn.append(draw(*of)))
    monkeypatch.setattr(start, "AT_ONCE", 1)
    assert (start.first_theta(program, 4, 5) == few).all()
    assert drawn
    assert few.min() >= -2
    assert few.max() < 3
