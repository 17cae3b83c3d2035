"""`netc explain` is quick: few numbers are tried, and what was found is kept, safely."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import pytest

from netc.command_line import main
from netc.compiler.rules import equivalent_rules, find_mapping
from netc.compiler.rules.sides import sides
from sweeps import one_in


@pytest.mark.parametrize(
    ("a", "b", "reach"),
    [
        ("adam.paper", "torch.Adam", False),
        ("adam.paper", "adam.eps_hat", False),
        ("adam.paper", "optax.adamw", False),
        ("gd", "keras.SGD", False),
        ("momentum.ema", "torch.SGD(lr=0.1, momentum=0.9)", False),
        ("nesterov.lookahead", "nesterov.shifted", True),
    ],
)
def test_the_rate_that_is_looked_up_is_that_of_a_search(
    a: str, b: str, reach: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = sides(a, b)

    def texts() -> dict[str, str] | None:
        found = find_mapping.find(x.rule, y.rule, x.values, y.values, reach)
        return found and {name: formula.text for name, formula in found.items()}

    quick = texts()

    def every(_a: object, _b: object, pools: find_mapping.Pools, *_: object) -> find_mapping.Indices:
        return np.arange(prod(len(pool) for pool in pools.values()))

    monkeypatch.setattr(find_mapping, "_likely", every)
    assert texts() == quick


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def explained(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["explain", "lion.paper"]) == 0
    return capsys.readouterr().out


def test_an_answer_is_kept(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = explained(capsys)
    assert "lion_pytorch.Lion(" in first

    monkeypatch.setattr(equivalent_rules, "equivalents", lambda _: iter(()))
    assert explained(capsys) == first
    assert main(["explain", "lion.paper(eta = 0.5)"]) == 0  # another question
    assert "lion_pytorch.Lion(" not in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    assert not list(cache.glob("*.json"))


@pytest.mark.parametrize("text", one_in(3, ["", "[[", "{}", "[[]]", "[[1]]", "[3]"]))
def test_a_damaged_answer_is_found_anew(cache: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    first = explained(capsys)
    (answer,) = cache.glob("*.json")
    whole = answer.read_text()
    answer.write_text(text)
    assert explained(capsys) == first
    assert answer.read_text() == whole


def test_without_a_cache_an_answer_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NETC_CACHE", str(tmp_path / "file"))
    assert "lion_pytorch.Lion(" in explained(capsys)
