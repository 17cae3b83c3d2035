"""The library is found by name without parsing it all, and every definition in it is sound text."""

from __future__ import annotations

import pytest

from netc.dsl import ast, library
from netc.dsl.format import format_program
from netc.dsl.parser import parse
from netc.dsl.source import Source
from sweeps import one_in

SHELF = (
    Source(
        "<library>/optimizers.net",
        "# Momentum\n"
        "# as an average\n"
        "optimizer momentum.ema(eta = 0.1):\n    theta[n+1] = theta[n]\n\n    # inside\n\n"
        "optimizer momentum.heavy_ball(eta = 0.1):\n    theta[n+1] = theta[n]\n"
        "optimizer\ttorch.SGD(lr):\n    theta[n+1] = theta[n]\n# the end\n",
    ),
    Source("<library>/losses.net", "loss mse = mean((u - y)^2)\nactivation lin(z) = z"),
    Source("<library>/empty.net", ""),
)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "sources", lambda: SHELF)
    index = library._index.__wrapped__()
    monkeypatch.setattr(library, "_index", lambda: index)
    monkeypatch.setattr(library, "lookup", library.lookup.__wrapped__)


@pytest.mark.usefixtures("shelf")
def test_definitions_are_found_by_kind_and_name() -> None:
    assert library.names("optimizer") == ["momentum.ema", "momentum.heavy_ball", "torch.SGD"]
    assert library.names("loss") == ["mse"]
    assert library.names("schedule") == []
    assert library.variants("optimizer", "momentum") == ["momentum.ema", "momentum.heavy_ball"]
    assert library.variants("optimizer", "mom") == []


@pytest.mark.usefixtures("shelf")
def test_lookup_parses_the_one_definition() -> None:
    rule = library.lookup("optimizer", "momentum.heavy_ball")
    assert isinstance(rule, ast.Optimizer)
    assert rule.span.source.name == "<library>/optimizers.net"
    assert rule.span.source.position(rule.span.start) == (8, 1)
    assert library.lookup("optimizer", "momentum") is None
    assert library.lookup("loss", "momentum.ema") is None
    assert isinstance(library.lookup("activation", "lin"), ast.Activation)


@pytest.mark.usefixtures("shelf")
def test_comment_above_a_definition() -> None:
    assert library.comment("optimizer", "momentum.ema") == "Momentum\nas an average"
    assert library.comment("optimizer", "momentum.heavy_ball") == ""


@pytest.mark.parametrize("source", one_in(3, library.sources()), ids=lambda source: source.name)
def test_shipped_file_reads_back_and_is_indexed(source: Source) -> None:
    program = parse(source)
    formatted = format_program(program, source)
    assert parse(Source(source.name, formatted)) == program
    for statement in program.statements:
        kind = type(statement).__name__.lower()
        assert library.lookup(kind, getattr(statement, "name")) == statement  # noqa: B009
