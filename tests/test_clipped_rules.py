"""A rule with a clip around its gradient is one definition: its parameters, its requirements and one source."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler.meaning.spec_text import spec_text
from netc.compiler.pipeline import to_ast, to_spec
from netc.dsl.source import Source

OF_RULE, OF_CLIP = 'source = "the rule"', 'source = "the clip"'
TEXT = """clip small(a; {parameter} = 2) = {parameter}*a/max(norm(a), {parameter}):
    require = {parameter} > 0{of_clip}
optimizer mine(c = 0.1):
    g = grad R(theta[n])
    theta[n+1] = theta[n] - c*g{of_rule}
objective R(x, y) = 8*x^2 + y^2
init theta = (1, 1)
optimizer mine(c = 0.25), clip = small{arguments}
train steps = 1
"""


def text(of_rule: str = "", of_clip: str = "", parameter: str = "d", arguments: str = "") -> str:
    of_rule, of_clip = (line and f"\n    {line}" for line in (of_rule, of_clip))
    return TEXT.format(of_rule=of_rule, of_clip=of_clip, parameter=parameter, arguments=arguments)


@pytest.mark.parametrize(
    ("of_rule", "of_clip", "sources"),
    [
        ("", "", []),
        (OF_RULE, "", ["the rule"]),
        ("", OF_CLIP, ["the clip"]),
        (OF_RULE, OF_CLIP, ["the rule; the clip"]),
    ],
)
def test_it_has_one_source(of_rule: str, of_clip: str, sources: list[str]) -> None:
    spec = to_spec(to_ast(Source("a.net", text(of_rule, of_clip))), None, Path(), None)
    written = spec_text(spec)
    assert re.findall(r'source\s*= "(.*)"', written) == sources
    assert "d > 0" in written


@pytest.mark.parametrize("parameter", ["d", "c", "g", "clip_c"])
@pytest.mark.parametrize(("arguments", "bound"), [("", 2.0), ("(0.5)", 0.5), ("({} = 8)", 8.0)])
def test_parameters_of_both_are_kept_apart(parameter: str, arguments: str, bound: float) -> None:
    """Also where the clip's has the name of a parameter or of a quantity of the rule."""
    model = netc.compile(text(parameter=parameter, arguments=arguments.format(parameter)))
    gradient = np.array([16.0, 2.0])
    clipped = gradient * min(1.0, bound / np.linalg.norm(gradient))
    np.testing.assert_allclose(model.train().theta[0], 1 - 0.25 * clipped, rtol=1e-14)
