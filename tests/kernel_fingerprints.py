"""Small programs of many sizes, rules and layers, whose kernels' fingerprints are pinned; as a script, the text of one:
`PYTHONPATH=tests python -m kernel_fingerprints NAME TARGET`, a target being cpu1, cpu4, cpu8 or cuda.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from math import prod

import layer_programs
import test_kernels_of_written_rules as written
from kernel_texts import GD, HEAVY, NINE, PER_LAYER, SEARCH, VALLEY, Case, cpu_text, cuda_text, network

ADAM, RAG, SPETH = "optimizer torch.Adam(lr = 0.01)", "optimizer turpault.RAG", "optimizer turpault.Speth"
LOOKAHEAD = "optimizer nesterov.lookahead(eta = 0.1, alpha = 0.9)"
EIGHT = NINE.replace(", i)", ")").replace(" + i^4", "")
"""Parameters: the most that registers hold."""
CHAINS = [
    ("1(lin)1", "half_mse", GD, "steps = 100", 1),
    ("1(tanh)1(lin)1", "half_mse", ADAM, "epochs = 9, batch = 1", 5),
    ("2(relu)3(sigmoid)1", "binary_cross_entropy", HEAVY, "epochs = 9, batch = 8, runs = 3", 40),
    ("3(gelu)5(lin)2", "mae", PER_LAYER, "steps = 100, precision = f32", 130),
    ("4(softmax)4(tanh)4", "mse, reduce = sum", LOOKAHEAD, "epochs = 9, batch = 4, shuffle = false", 16),
    ("5(swish(1.5))7(softmax)3", "cross_entropy", RAG, "epochs = 9, batch = 3 parts, shuffle = false", 30),
    ("6(arctan)8(lin)2", "huber(delta = 0.3)", ADAM, "steps = 50, batch = 2, sampling = replacement", 33),
    ("7(elu)9(exp)2", "poisson", SEARCH, "steps = 100, precision = f32, runs = 20", 64),
    ("8(tanh)8(lin)8", "half_mse", SPETH, "epochs = 9, batch = 2 parts, shuffle = false", 8),
    ("9(softplus)15(sigmoid)1", "binary_cross_entropy", GD, "epochs = 9, batch = 32, runs = 1000", 64),
    ("12(hard_sigmoid)16(lin)3", "logistic", PER_LAYER, "epochs = 9, batch = 8, precision = f32", 40),
    ("13(mish)17(softmax)2", "cross_entropy", HEAVY, "steps = 100, stop = norm(grad R) < 1e-9", 1000),
    ("15(sine)31(lin)1", "log_cosh", SEARCH, "epochs = 9, batch = 16", 64),
    ("16(selu)16(tanh)16", "half_mse", GD, "epochs = 9, batch = 8, shuffle = false, precision = f32", 40),
    ("17(gelu_tanh)32(softmax)5", "cross_entropy", ADAM, "epochs = 9, batch = 5, runs = 8", 40),
    ("23(softsign)33(lin)2", "half_mse", GD, "epochs = 9, batch = 2 parts, shuffle = false, precision = f32", 9),
    ("24(relu6)24(silu)24(lin)1", "mse", HEAVY, "epochs = 9, batch = 1, shuffle = false, precision = f32, runs = 16", 5),
    ("31(sqrt_square)8(softmax)7", "focal(gamma = 2)", GD, "steps = 100", 404),
    ("32(tanh)32(tanh)32(softmax)10", "cross_entropy", LOOKAHEAD, "epochs = 9, batch = 32, precision = f32", 1000),
    ("33(swish)12(hard_swish)3(lin)1", "quantile(q = 0.3)", ADAM, "epochs = 9, batch = 3 parts", 100),
    ("40(relu)64(softmax)10", "cross_entropy", GD, "steps = 100, precision = f32", 60000),
    ("70(gelu)3(relu)70(lin)2", "half_mse", HEAVY, "epochs = 9, batch = 32, runs = 17", 5000),
    ("128(tanh)256", "half_mse", GD, "steps = 100", 2000),
    ("129(tanh)256(lin)1", "half_mse", GD, "epochs = 9, batch = 128", 2000),
    ("200(relu)200(gelu)200(softmax)10", "cross_entropy", ADAM, "epochs = 9, batch = 32, precision = f32", 3000),
    ("6(dense nobias, relu)11(dense nobias, sigmoid)2", "mse", HEAVY, "epochs = 9, batch = 3", 9),
]  # fmt: skip
"""Chains of dense layers. The weights of the last ones fill half the second cache, or more."""
OTHERS = [
    ("8x1(conv1d 3, tanh)2(last)(lin)1", "half_mse", GD, "steps = 100, runs = 40", 64),
    ("6x6x1(conv 3x3 stride 2 pad 1, relu)16(conv 3x3 same, relu)17(globalavgpool)(softmax)3", "cross_entropy", ADAM,
     "epochs = 9, batch = 8, precision = f32", 40),
    ("4x3(torch.LSTM)5(last)(lin)2", "half_mse", SEARCH, "steps = 100", 9),
    ("40(dropout.inverted 0.3)(tanh)64(layernorm 1e-5)(lin)2", "half_mse", HEAVY, "epochs = 9, batch = 3 parts", 3000),
]  # fmt: skip


@dataclass(frozen=True)
class Program:
    case: Case
    targets: tuple[str, ...]

    def texts(self) -> dict[str, str]:
        """By target."""
        program, samples = self.case.program(), self.case.samples
        return {
            t: cuda_text(program, samples) if t == "cuda" else cpu_text(program, int(t[3:]), samples)
            for t in self.targets
        }


def of_sizes() -> Iterator[tuple[str, Program]]:
    for rows, targets in ((CHAINS, ("cpu1", "cpu4", "cpu8", "cuda")), (OTHERS, ("cpu4", "cuda"))):
        for layers, loss, rule, train, samples in rows:
            inputs = prod(int(size) for size in layers.partition("(")[0].split("x"))
            outputs = int(layers.rpartition(")")[2])
            case = Case(network(f"[{layers}]", loss, rule, train), inputs, outputs, samples)
            yield layers.replace(" ", "_"), Program(case, targets)


def of_layers() -> Iterator[tuple[str, Program]]:
    """At one number of lanes each: they take most of the time."""
    ways = cycle(
        ("precision = f64", "precision = f32", "runs = 3", "precision = f32, runs = 40", "runs = 1000")
    )
    lanes = cycle(("cpu4", "cpu8", "cpu1"))
    for (name, case), way, target in zip(layer_programs.CASES.items(), ways, lanes, strict=False):
        made = Case(case.text(way), case.inputs, case.outputs, 7)
        yield name.replace(" ", "_"), Program(made, (target, "cuda"))


def of_objectives() -> Iterator[tuple[str, Program]]:
    for number, (rule, runs) in enumerate(
        zip((GD, HEAVY, SEARCH, ADAM, LOOKAHEAD), (40, 1, 8, 7, 9), strict=True)
    ):
        for name, text in (("valley", VALLEY), ("eight", EIGHT), ("nine", NINE)):
            train = f"train steps = 100, runs = {runs}, precision = {'f32' if number == 3 else 'f64'}"
            yield f"{name}{number}", Program(Case(f"{text}{rule}\n{train}\n"), ("cpu4", "cuda"))


def of_rules() -> Iterator[tuple[str, Program]]:
    """Some, on a GPU: on the CPU all are judged by what they do."""
    for name, body in (*[*written.ANYWHERE.items()][::2], *written.OF_BATCHES.items()):
        text = written.program(body, "batches")[0].replace(
            "batch = 3 parts", "batch = 3 parts, precision = f32"
        )
        yield name.replace(" ", "_"), Program(Case(text, 2, 1, 11), ("cuda",))


def of_places() -> Iterator[tuple[str, Program]]:
    """Networks whose activations do not fit in the memory that a block's threads share."""
    for widths, runs in (("300(tanh)300(softmax)10", 200), ("4000(relu)4000(lin)1", 1)):
        first, last = widths.partition("(")[0], widths.rpartition(")")[2]
        text = network(f"[{widths}]", "mse", GD, f"steps = 100, runs = {runs}")
        yield widths, Program(Case(text, int(first), int(last), 64), ("cuda",))


PROGRAMS = dict((*of_sizes(), *of_layers(), *of_objectives(), *of_rules(), *of_places()))


if __name__ == "__main__":
    print(PROGRAMS[sys.argv[1]].texts()[sys.argv[2]])
