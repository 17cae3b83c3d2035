"""A kernel's text in modules: nothing is lost, and what programs have in common is compiled once."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import netc
from netc.compiler import pipeline
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.machine import Machine
from netc.dsl.source import Source
from netc.runtime.devices.parts import split

FILE = """
network [{inputs}(tanh)5(lin)1]
loss half_mse
init constant(0.1)
optimizer {rule}
train epochs = 3, seed = 2
"""
OBJECTIVE = """
objective R(w, b) = (w*b - 1)^2 + w^2
optimizer gd(eta = 0.05)
init theta = (1, 2)
train steps = 9
"""
RULES = ("gd(eta = 0.1)", "momentum.heavy_ball(eta = 0.1, alpha = 0.9)", "adam.paper")
X = np.random.default_rng(0).normal(size=(30, 3))
Y = X @ [1.0, -2.0, 0.5]


def text(rule: str = RULES[0], samples: int = 30, inputs: int = 3) -> str:
    from netc.compiler.meaning.spec import Facts

    program = pipeline.to_ast(Source("<test>", FILE.format(rule=rule, inputs=inputs)))
    lowered = pipeline.to_ir(pipeline.to_spec(program, Facts(inputs, 1, samples), Path()))
    target = Cpu(Machine(lanes=8, registers=32))
    return pipeline.to_text(pipeline.to_loops(lowered, target, samples), target)


DEEP = """
block res(c) = x + [c (conv 3x3 same nobias, lecture.batchnorm, relu) c (conv 3x3 same nobias, lecture.batchnorm) c]
network [5x5x1 (conv 3x3 same) 2 (res) x {blocks} (globalavgpool) (softmax) 3]
init zeros
loss cross_entropy
optimizer gd(eta = 0.1)
train steps = 1, batch = 8
"""


@pytest.mark.sweep
def test_a_deeper_network_has_the_same_functions():
    """But for the lists of what is done one after the other."""

    def parts(blocks: int):
        program = pipeline.to_ast(Source("<test>", DEEP.format(blocks=blocks)))
        target = Cpu(Machine(lanes=8, registers=32))
        lowered = pipeline.to_ir(pipeline.to_spec(program, None, Path()))
        return split(pipeline.to_text(pipeline.to_loops(lowered, target, 16), target))

    few, many = parts(3), parts(6)
    assert [(p.header, p.functions) for p in few[:-2]] == [(p.header, p.functions) for p in many[:-2]]
    assert any("make_" in name for p in few[:-2] for name in p.names)
    assert few[-2].functions.count("\n") < many[-2].functions.count("\n")


def test_every_function_is_in_one_part_and_as_it_was():
    whole, parts = text(), split(text())
    assert all(part.functions in whole for part in parts[:-2])
    assert sorted(line for part in parts for line in part.functions.splitlines() if line.strip()) == sorted(
        line for line in whole[whole.index("@") :].splitlines() if line.strip()
    )
    *tiles, problem, rule = (set(part.names) for part in parts)
    passes, heads = ["make_tanh", "make_through_tanh"], ["head_loss", "head_adjoint"]
    shared = ["product", "outer_sums", "row_sums", *passes, *heads, "norm_of"]
    assert tiles == [{name} for name in shared]
    assert {"loss", "gradient", "predict", "report", "outputs", "forward", "backward"} <= problem
    assert rule == {"start", "advance"}


def test_a_new_network_has_tiles_activations_and_heads_of_others():
    """The lists of its layers, and what goes through its numbers of samples and parameters, are its own."""
    first, other = split(text()), split(text(inputs=4))
    assert [p.text([]) for p in other[:-2]] == [p.text([]) for p in first[:-2]]


@pytest.mark.parametrize("rule", RULES[1:])
def test_rules_and_numbers_of_samples_share_what_they_do_not_change(rule):
    first = split(text())
    for other in (split(text(rule)), split(text(samples=24)), split(text(rule, 29))):
        assert [p.text([]) for p in other[:-1]] == [p.text([]) for p in first[:-1]]


def test_a_text_of_another_kind_stays_whole():
    (only,) = split("import math\n\n\ndef f(x):\n    return math.sin(x)\n")
    assert only.names == ("f",)


PROGRAM = """
import json, sys
import numpy as np
import netc
text, x, y = sys.argv[1], np.load(sys.argv[2]), np.load(sys.argv[3])
model = netc.compile(text)
theta = (model.train() if "objective" in text else model.train(x, y)).theta
found = {}
for module in [m for name, m in sys.modules.items() if name.startswith("netc_kernels_")]:
    for name, function in vars(module).items():
        function = getattr(function, "kept", function)
        if hasattr(function, "stats") and function.__module__ == module.__name__ and function.overloads:
            found[name] = sum(function.stats.cache_hits.values())
print(json.dumps([theta.tolist(), found]))
"""


@pytest.mark.sweep
def test_a_new_rule_compiles_the_rule_alone(tmp_path):
    """In processes of their own, one after the other; and each trains what a process with an empty cache trains."""
    import json

    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)

    def trained(source: str, cache: str):
        environment = {**os.environ, "NETC_CACHE": str(tmp_path / cache)}
        command = [
            sys.executable,
            "-W",
            "error",
            "-c",
            PROGRAM,
            source,
            str(tmp_path / "x.npy"),
            str(tmp_path / "y.npy"),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    plain, heavy = (FILE.format(rule=rule, inputs=3) for rule in RULES[:2])
    _, first = trained(plain, "one")
    assert not any(first.values())
    theta, second = trained(heavy, "one")
    compiled = {name for name, hits in second.items() if not hits}
    assert {"advance"} <= compiled <= {"advance", "start"}
    assert {"product", "gradient", "report", "outputs"} <= second.keys() - compiled
    alone, again = trained(heavy, "two")
    assert theta == alone
    assert not any(again.values())
    assert trained(OBJECTIVE, "one")[0] == netc.compile(OBJECTIVE).train().theta.tolist()
