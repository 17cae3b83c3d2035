"""The kernels of programs as text, for tests that hold them still; run as a script, the fingerprints of all examples'."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from netc.compiler import pipeline
from netc.compiler.calculus import ir
from netc.compiler.kernels.cpu.target import Cpu
from netc.compiler.kernels.cuda.plan import Card
from netc.compiler.kernels.cuda.target import Cuda
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.target import Target
from netc.compiler.meaning.spec import Facts
from netc.dsl.source import Source
from netc.runtime import program_file

EXAMPLES = Path(__file__).parent.parent / "examples"
REGISTERS = {1: 16, 4: 16, 8: 32}


@dataclass(frozen=True)
class Case:
    """A program; its data are only sizes: inputs, outputs, samples."""

    text: str
    inputs: int = 0
    outputs: int = 0
    samples: int = 1

    @property
    def facts(self) -> Facts | None:
        return Facts(self.inputs, self.outputs, self.samples) if self.inputs else None

    def program(self) -> ir.Program:
        source = Source("golden.net", self.text)
        return pipeline.to_ir(pipeline.to_spec(pipeline.to_ast(source), self.facts, Path()))

    def cpu(self, lanes: int) -> str:
        return cpu_text(self.program(), lanes, self.samples)

    def cuda(self) -> str:
        return cuda_text(self.program(), self.samples)


def cpu_text(program: ir.Program, lanes: int, samples: int) -> str:
    return text_of(program, Cpu(Machine(lanes, REGISTERS[lanes])), samples)


def cuda_text(program: ir.Program, samples: int) -> str:
    return text_of(program, Cuda(Card()), samples)


def text_of(program: ir.Program, target: Target, samples: int) -> str:
    return pipeline.to_text(pipeline.to_loops(program, target, samples), target)


def network(layers: str, loss: str, rule: str, train: str) -> str:
    start = "init weights ~ uniform(-0.5, 0.5)\ninit biases ~ uniform(-0.5, 0.5)\n"
    return f'data "unread.csv"\nnetwork {layers}\nloss {loss}\n{start}{rule}\ntrain {train}\n'


GD = "optimizer gd(eta = 0.1)"
SEARCH = """optimizer lcgd(eta0 = 0.1, lambda = 0.5, f1 = 30, f2 = 10000):
    e[0] = eta0 / f2
    g    = grad R(theta[n])
    h    = f2 * e[n]
    repeat at most 60:
        p = theta[n] - h*g
        until R(p) - R(theta[n]) <= -lambda*h*norm(g)^2
        h = h / f1
    theta[n+1] = p
    e[n+1]     = h"""
PER_LAYER = """optimizer mixed(eta = 0.3, c = 0.05, eps = 1e-3):
    g = grad R(theta[n]) + 0.01*weights*theta[n]
    h = g/max(1, sqrt(mean(g^2, per = tensor))/c)
    theta[n+1] = theta[n] - eta*h*norm(theta[n], per = layer)/(norm(h, per = layer) + eps)"""
VALLEY = "objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2\ninit theta ~ uniform(-1, 1)\n"
NINE = (
    "objective R(a, b, c, d, e, f, g, h, i) = ((a + b)^2 + c^2*d^2 + (e - f)^2 + g^4 + h^2 + i^4)/5\n"
    "init theta ~ uniform(-1, 1)\n"
)
HEAVY = "optimizer momentum.heavy_ball(eta = 0.02, alpha = 0.9)"

CASES = {
    "dense": Case(network("[13(tanh)15(tanh)15(lin)1]", "half_mse", HEAVY, "steps = 100"), 13, 1, 40),
    "dense_single": Case(
        network("[5(gelu)7(relu)6(lin)2]", "mse", "optimizer rmsprop.eps_outside(eta = 0.01, rho = 0.9, eps = 1e-6)",
                "steps = 100, precision = f32"), 5, 2, 70),
    "without_bias": Case(
        network("[6 (dense nobias, relu) 11 (dense nobias, arctan) 2]", "huber(delta = 0.3), reduce = sum", GD,
                "steps = 100"), 6, 2, 9),
    "softmax_inside": Case(
        network("[3(softmax)5(tanh)4(softmax)3]", "cross_entropy", GD, "steps = 100"), 3, 3, 33),
    "shuffled": Case(
        network("[4(swish(1.5))9(sigmoid)1]", "binary_cross_entropy", HEAVY,
                "epochs = 25, batch = 8, shuffle = true, stop = norm(grad R) < 1e-9"), 4, 1, 30),
    "search": Case(network("[2(tanh)3(lin)1]", "half_mse", SEARCH, "steps = 100"), 2, 1, 11),
    "batches": Case(
        network("[2(tanh)3(lin)1]", "half_mse", "optimizer turpault.RAG",
                "epochs = 100, batch = 3 parts, shuffle = false"), 2, 1, 11),
    "per_layer": Case(network("[2(tanh)3(lin)1]", "half_mse", PER_LAYER, "steps = 100"), 2, 1, 11),
    "plateau": Case(
        network("[2(tanh)3(lin)1]", "half_mse",
                "optimizer gd(eta = 0.9)\nschedule eta = plateau(0.9, factor = 0.5, patience = 1)",
                "steps = 100, batch = 5, shuffle = false"), 2, 1, 11),
    "large": Case(network("[64(relu)128(lin)10]", "half_mse", GD, "steps = 100"), 64, 10, 1024),
    "heavy": Case(network("[129(tanh)256(lin)1]", "half_mse", GD, "steps = 100"), 129, 1, 200),
    "registers": Case(f"{VALLEY}{HEAVY}\ntrain steps = 100\n"),
    "lanes": Case(f"{VALLEY}{HEAVY}\ntrain steps = 100, runs = 37\n"),
    "memory": Case(f"{NINE}{HEAVY}\ntrain steps = 100\n"),
}  # fmt: skip
"""One for each kind of kernel; `large` is cut into ranges of samples on the CPU and takes the grid on the GPU, the weights
of `heavy` do not fit in half the second cache."""

LAYERS = {
    "images": Case(
        network("[6x6x1 (conv 3x3 nobias) 2 (lecture.batchnorm, relu) (maxpool 2x2) (dropout.inverted 0.25) (softmax) 3]",
                "cross_entropy", HEAVY, "epochs = 25, batch = 8, precision = f32"), 36, 3, 30),
    "sequence": Case(network("[4x3 (torch.LSTM) 5 (last) (lin) 2]", "half_mse", GD, "steps = 100, runs = 40"), 12, 2, 9),
}  # fmt: skip
"""Networks that are no chain of dense layers; on a GPU."""


def example_texts(path: Path) -> list[str]:
    """The kernels of a file for its targets; data are read where they are here, else their known sizes serve."""
    file = program_file.read_file(path)
    images = "mnist" in file.source.text
    data = None if images else program_file.read_data(file)
    program = pipeline.to_ir(program_file.check(file, data, {}))
    samples = len(data.train) if data else 60000 if images else 1
    both = replace(program, training=replace(program.training, target="cuda"))
    return [cpu_text(program, 8, samples), cuda_text(both, samples)]


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    for path in sorted(EXAMPLES.rglob("*.net")) if sys.argv[1:] == ["all"] else ():
        print(path.stem, *map(fingerprint, example_texts(path)))
    for name, case in CASES.items():
        print(name, fingerprint(case.cpu(4)), fingerprint(case.cuda()))
    for name, case in LAYERS.items():
        print(name, fingerprint(case.cuda()))
