"""Mutated programs through what reads them: `python -m fuzz --programs 1000 --seed 1` (in tests/).

Whatever a file holds, `check`, `fmt`, `show` and `explain` answer with a result or with a message, within seconds and
within memory. And what a checked file means is what its `spec.net` means. A failure prints the program that shows it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import re
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from netc.command_line import DEFECT, main
from netc.compiler import pipeline
from netc.compiler.calculus import ir
from netc.compiler.meaning.spec import Spec
from netc.compiler.meaning.spec_text import spec_text
from netc.dsl import ast, library
from netc.dsl.diagnostics import SpecError
from netc.dsl.format import format_program
from netc.dsl.source import Source

HERE = Path(__file__).parent
SECONDS = 10
"""Of processor time, for one program and one command."""
MEMORY = 2**31
STAGES = ("ast", "spec", "ir", "loops", "cpu", "cuda")
KINDS = ("activation", "loss", "init", "optimizer", "schedule", "clip", "search")
NUMBERS = (
    "0", "1", "-1", "2", "3", "0.5", "1e-3", "1e30", "-1e30", "1e308", "1e-320", "1e400", "inf", "-inf", "10^18",
    "2^53", "2^53 + 1", "10^30", "1/0", "0/0", "50%", "-3%", "none", "true", "false", "pi", "0x10", "1_000",
    "9999999999999999999999",
)  # fmt: skip
WORDS = (
    "theta", "theta[n]", "theta[n+1]", "grad R(theta[n])", "R", "R(theta)", "R[i]", "R[1](theta[n])", "v[n]",
    "v[n+1]", "v[0]", "n", "m", "epoch", "samples", "step", "steps", "x", "y", "u", "z", "w", "weights", "biases",
    "loss", "loss(test)", "accuracy", "norm(theta)", "norm(grad R)", "sum(x)", "max(x, 1)", "max(x)", "exp(x)",
    "log(-x)", "sqrt(x)", "erf(x)", "where(x > 0, x, -x)", "x if x > 0 else -x", "|x|", "‖x‖", "(1, 2)", "{1, 2}",
    "{(1, 2), (3, 4)}", "1..3", "-3..3", "grid(-1..1, points = 3)", "grid(-1..1, -1..1, points = 2)",
    "linspace(0, 1, 5)", "uniform(-1, 1)", "normal(0, 1)", "\"a.csv\"", "\"\"", "a.b", "a.b.c", "median",
    "quartile(1, loss)", "share(x > 0)", "diverged", "converged", "all", "fan_in", "fan_out", "rounding", "not x",
    "R[0/0](theta[n])", "R[1.5]", "1..1/0", "0/0..m", "1..1e12", "1..n/2",
    "x and y", "x = y", "x == y", "x != y", "theta*", "3 parts", "full", "f32", "stop_gradient(x)", "argmax(L)",
    "L[i]", "sum(L)", "min()", "exp()", "exp(1, 2)", "tanh(1)(2)", "x[1][2]", "x(1)", "x^x^x",
)  # fmt: skip
LINES = (
    "use \"other.net\"", "objective R(x) = x^2", "objective R(x, y) = x^2 + y^4, source = \"page 3\"",
    "init theta = (1)", "init theta = (1, 2)", "init theta ~ uniform(-1, 1)", "init theta = grid(-1..1, points = 5)",
    "init theta = {(1), (2)}", "init weights ~ normal(0, 1)",
    "init weights ~ uniform(-a, a), a = sqrt(6/(fan_in + fan_out))", "init biases = 0", "init glorot_uniform",
    "init he_normal", "init torch_default", "init from \"weights.safetensors\"", "init zeros", "loss mse",
    "loss cross_entropy", "loss half_mse, reduce = sum", "loss f = (u - y)^4", "loss huber(delta = 2)",
    "network [1(tanh)3(lin)1]", "network [2(relu)4(softmax)2]", "network [1(dense nobias, tanh)3(lin)1]",
    "network [28x28x1 (conv 5x5, tanh) 4 (softmax) 10]", "data x in linspace(-1, 1, 9) -> x^2",
    "data (a, b) in grid(-1..1, -1..1, points = 4) -> a*b", "data x in 1..5 -> (x, 1/x), inputs = (x, x^2)",
    "data x in {1, 2, 3} -> sin(x), split = 2, scale = zscore", "data iris, target = species", "data boston",
    "data nowhere", "data \"a.csv\", target = medv", "optimizer gd(eta = 0.1)",
    "optimizer torch.SGD(lr = 0.1, momentum = 0.9)", "optimizer keras.Adam(learning_rate = 1e-3)",
    "optimizer gd(0.1), clip = torch.clip_grad_norm_(max_norm = 1)", "schedule eta = 0.1 until 3, 0.01",
    "schedule eta = plateau(0.1)", "schedule lr = torch.StepLR(3)", "schedule eta = cosine(max = 0.1, period = 3)",
    "schedule eta = 0.1/(1 + step), unit = step", "train epochs = 3", "train steps = 5, batch = 2, runs = 3",
    "train epochs = 2, batch = 2 parts, shuffle = false",
    "train steps = 4, stop = norm(grad R) < 1e-3, diverged = R > 1e6, precision = f32, seed = 7, threads = 1",
    "monitor loss, every = 1", "monitor V = R(theta[n]) + norm(theta[n]), history = all",
    "points p = {(0), (1)} within 0.1", "expect loss < 1", "expect theta = (0) within 1e-3, claimed = (1)",
    "expect diverged = 3% of runs within 1%", "expect median(loss(train)) < 2 within 1%", "expect grows(V) = 0",
    "expect share(outcome = p) > 0", "sweep eta ~ uniform(0, 1)", "activation g(z) = z^2 - 1",
    "activation f(z; a = 2) = z*sigmoid(a*z)", "block r(c) = x + [c (relu) c]",
    "network [8x8x1 (conv 3x3, lecture.batchnorm, relu) 4 (maxpool 2x2) (flatten) (softmax) 10]",
    "network [6x4 (torch.LSTM) 5 (last) (lin) 1]", "network [8x4 (layernorm(1e-5)) (attention 2) (last) (lin) 1]",
    "network [4 (torch.Dropout(p = 0.5)) (relu) 8 (lin) 1]", "network [2 (relu) 4 (res) x 3 (lin) 1]",
    "network [4 (res(4)) x 2 (lin) 1]",
    "sweep eta in {0.1, 0.01}", "sweep eta ~ log_uniform(1e-3, 1), trials = 5",
    "data iris, target = species, validation = 20%",
    "train epochs = 5, stop = no gain in loss(validation) for 2 epochs, keep = best(loss(validation))",
    "monitor norm(v), theta[1], every = 2 steps", "expect best(eta) = 0.1", "expect parameters = 13",
)  # fmt: skip
RULE = (
    "v[0] = 0", "v[n+1] = 0.9*v[n] + grad R(theta[n])", "theta[n+1] = theta[n] - eta*v[n+1]", "h = eta",
    "g = grad R(theta[n])", "theta[n+1] = theta[n] - h*g", "repeat at most 5:",
    "    until R(theta[n] - h*g) < R(theta[n])", "    h = h/2", "for i in 1..m:", "    s = s + R[i](theta[n])",
    "    L[i] = R[i](theta[n])", "if norm(g) > 1:", "    g = g/norm(g)", "else:", "    g = 2*g",
    "stop if norm(g) < 1e-6", "fail if h < rounding", "require = eta >= 0", "theta[n+1] = argmin(x)",
)  # fmt: skip


RIGHT = (
    """objective R(x, y) = (1 - x)^2 + 5*(y - x^2)^2
init theta = (1, 2)
optimizer gd(eta = 0.1)
schedule eta = 0.1 until 3, 0.01
train steps = 5, runs = 1, stop = norm(grad R) < 1e-3
monitor V = R(theta[n]) + 1, every = 1
points minima = {(1, 1), (0, 0)} within 0.1
expect loss < 1
expect theta = (1, 1) within 0.1, claimed = (2, 2)
expect share(outcome = minima) = 1 within 1%
expect median(steps) > 1
""",
    """objective R(x) = x^2
init theta = grid(-1..1, points = 5)
optimizer r(eta = 0.1, beta = 0.9):
    v[0] = 0
    g = grad R(theta[n])
    v[n+1] = beta*v[n] + g
    h = eta
    repeat at most 5:
        until R(theta[n] - h*g) < R(theta[n])
        h = h/2
    if norm(g) > 1:
        g = g/norm(g)
    theta[n+1] = theta[n] - h*v[n+1]
train steps = 5, diverged = R > 100
""",
    """data x in linspace(-1, 1, 9) -> x^2, inputs = (x, x^2), split = 80%, scale = zscore, seed = 1
activation f(z; a = 2) = z*tanh(a*z)
loss own(k = 2) = mean(abs(u - y)^k)
network [2(f)3(lin)1]
init weights ~ uniform(-a, a), a = sqrt(6/(fan_in + fan_out))
init biases = 0
optimizer torch.SGD(lr = 0.1, momentum = 0.9), clip = torch.clip_grad_norm_(max_norm = 1)
schedule lr = cosine(max = 0.1, period = 3)
train epochs = 3, batch = 2, precision = f32
expect loss(train) < 2
expect norm(theta) < 100
""",
    """data inline:
    1, 2 -> 0
    2, 1 -> 1
    0, 0 -> 1
network [2(tanh)3(tanh)1]
init glorot_uniform
loss half_mse
optimizer r(eta = 0.1):
    for i in 1..m:
        L[i] = R[i](theta[n])
    theta[n+1] = theta[n] - eta*grad R[argmax(L)](theta[n])/(1 + sum(L))
train epochs = 3, batch = 3 parts, shuffle = false
""",
    """layer smooth(out; k = 3):
    learn W[p in k, c, o in out], b[o] as biases
    a[h, o] = sum[p, c](W[p, c, o]*x[h+p-1, c]) + b[o]
    z[h, o] = tanh(a[h, o]) if training
    z[h, o] = a[h, o] else
layer moved(rho = 0.9):
    require = rho < 1
    learn gain[c] = 1
    mu[c] = mean[h](x[h, c])
    m[c, n+1] = rho*m[c, n] + (1 - rho)*mean[batch](mu[c])
    keep[h, c] ~ bernoulli(0.5)
    y[h, c] = tanh(x[h, c] + y[h-1, c])
    z[h, c] = gain[c]*(y[h, c] - m[c, n])*keep[h, c] if training
    z[h, c] = gain[c]*(y[h, c] - m[c, n]) else
network [6x2 (smooth(4)) (moved) (last) (lin) 1]
data inline:
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 -> 0
    2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1 -> 1
loss mse
init glorot_uniform
optimizer gd(eta = 0.1)
train epochs = 3
""",
)


class Hangs(BaseException):
    """It took longer than SECONDS; no Exception, so that nothing catches it."""


def corpus() -> list[str]:
    files = [*sorted((HERE.parent / "examples").rglob("*.net")), *sorted(HERE.glob("bad*/*.net"))]
    return [file.read_text(encoding="utf-8") for file in files]


class Programs:
    """An endless supply, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.corpus = corpus()
        self.names = [name for kind in KINDS for name in library.names(kind)]

    def __iter__(self) -> Iterator[str]:
        while True:
            if self.dice.random() < 0.4:
                yield self.slotted()
                continue
            text = self.whole() if self.dice.random() < 0.4 else self.dice.choice(self.corpus)
            for _ in range(self.dice.choice((0, 1, 1, 1, 2, 2, 3, 5))):
                text = self.mutated(text)
            yield text

    def slotted(self) -> str:
        """A program that is right, but for an expression or two."""
        text = self.dice.choice(RIGHT)
        slots = [m.span() for m in re.finditer(r"(?<=[=(~,<:]) ?[^\n=~,<:]+", text)]
        for start, end in sorted(self.dice.sample(slots, self.dice.choice((1, 1, 2))), reverse=True):
            text = text[:start] + " " + self.expression() + text[end:]
        return text

    def whole(self) -> str:
        """A program of statements that go together, more or less."""
        pick = self.dice.choice
        lines = [pick([line for line in LINES if line.startswith(word)]) for word in ("init", "train")]
        if self.dice.random() < 0.4:
            lines.append(pick([line for line in LINES if line.startswith("objective")]))
        else:
            lines += [
                pick([line for line in LINES if line.startswith(word)])
                for word in ("data x", "network", "loss")
            ]
        lines += self.dice.sample(LINES, self.dice.choice((0, 0, 1, 2, 4)))
        return "\n".join([*lines, *self.rule()]) + "\n"

    def rule(self) -> list[str]:
        dice = self.dice
        match dice.randrange(3):
            case 0:
                return [f"optimizer {dice.choice(library.names('optimizer'))}{self.arguments()}"]
            case 1:
                return ["optimizer gd(eta = 0.1)"]
        return ["optimizer r(eta = 0.1):", *(f"    {line}" for line in dice.sample(RULE, dice.randint(1, 8)))]

    def arguments(self) -> str:
        words = ("eta", "lr", "learning_rate", "beta1", "momentum", "weight_decay", "eps", "nesterov")
        found = [
            f"{self.dice.choice(words)} = {self.dice.choice(NUMBERS)}" for _ in range(self.dice.randrange(3))
        ]
        return f"({', '.join(found)})" if found else ""

    def expression(self, depth: int = 0) -> str:
        dice = self.dice
        if depth > 3 or dice.random() < 0.4:
            return dice.choice((*WORDS, *NUMBERS))
        one, other = self.expression(depth + 1), self.expression(depth + 1)
        sums = (
            f"({one})",
            f"{one} + {other}",
            f"{one}*{other}",
            f"{one}/{other}",
            f"{one}^{other}",
            f"-{one}",
        )
        calls = (
            f"exp({one})",
            f"max({one}, {other})",
            f"{one} if {other} > 0 else {one}",
            f"{one} < {other}",
        )
        return dice.choice((*sums, *calls))

    def mutated(self, text: str) -> str:
        dice, lines = self.dice, text.split("\n")
        at = dice.randrange(len(lines))
        tokens = [m.span() for m in re.finditer(r"[^\W\d]\w*|[\d.]+(?:e-?\d+)?|\S", text)] or [(0, 0)]
        start, end = dice.choice(tokens)
        match dice.randrange(14):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, dice.choice(LINES))
            case 2:
                lines.insert(at, lines[dice.randrange(len(lines))])
            case 3:
                lines[at] += dice.choice((", ", " ", ": ", " = ", " -> ", "\n    ")) + self.expression()
            case 4:
                lines.insert(at, f"    {dice.choice(RULE)}")
            case 5:
                other = dice.choice(self.corpus).split("\n")
                lines[at:at] = other[: dice.randint(1, 3)]
            case 6 | 7:
                numbers = [m.span() for m in re.finditer(r"\b\d[\d.]*(?:e-?\d+)?", text)] or [(0, 0)]
                start, end = dice.choice(numbers)
                return text[:start] + dice.choice(NUMBERS) + text[end:]
            case 8 | 9:
                return text[:start] + self.expression() + text[end:]
            case 10:
                return text[:start] + dice.choice(self.names) + self.arguments() + text[end:]
            case 11:
                return text[:start] + text[end:]
            case 12:
                return (
                    text[:end]
                    + dice.choice(
                        (" ", "(", ")", "[", "]", ",", "=", ":", "~", "|", "^", "'", '"', "\t", "\0", "é")
                    )
                    + text[end:]
                )
            case 13:
                return text[: dice.randrange(len(text) + 1)]
        return "\n".join(lines)


def failures(text: str, file: Path, thorough: bool) -> Iterator[str]:
    """What goes wrong with a program; nothing if all is well. `thorough`: with what takes seconds."""
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    commands = [["check", str(file)], ["fmt", "--check", str(file)]]
    for command in commands + [["explain", str(file)]] * thorough:
        yield from failure(command)[1]
    for stage in STAGES:  # each goes on from the one before: what one refuses, all later ones do
        status, found = failure(["show", str(file), "--stage", stage])
        yield from found
        if status:
            break
    yield from meant_otherwise(text, file)


def failure(command: list[str]) -> tuple[int, list[str]]:
    """The status of a command, and what is wrong with how it ended."""
    said = io.StringIO()
    try:
        with limited(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = main(command)
    except Hangs:
        return DEFECT, [f"{command[0]} takes more than {SECONDS} s"]
    except BaseException:
        return DEFECT, [f"{command[0]} ends in\n{traceback.format_exc()}"]
    words = said.getvalue()
    if status == DEFECT or "the memory of this machine" in words:
        return status, [f"{' '.join(command)}: {words}"]
    return status, []


def meant_otherwise(text: str, file: Path) -> Iterator[str]:
    """Whether the program means something else once it is formatted, or written out as spec.net."""
    source = Source(str(file), text)
    try:
        with limited():
            program = pipeline.to_ast(source)
            formatted = format_program(program, source)
            if pipeline.to_ast(Source("formatted", formatted)) != program:
                yield "fmt changes the meaning"
            spec = pipeline.to_spec(program, None, file.parent)
            found = pipeline.to_ir(spec)
            written = spec_text(spec)
    except SpecError:
        return
    except Hangs:
        return  # the commands have said so
    except Exception:
        yield traceback.format_exc()
        return
    try:
        again = pipeline.to_spec(pipeline.to_ast(Source("spec.net", written)), None, file.parent)
        if repr(pipeline.to_ir(again)) != repr(found) or repr(again.data) != repr(spec.data):
            yield f"spec.net means something else:\n{written}"
    except SpecError as error:
        yield f"spec.net is refused: {error}\n{written}"


@contextlib.contextmanager
def limited() -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def fuzz(programs: int, seed: int) -> int:
    """How many programs fail; each is printed."""
    failed = 0
    supply = iter(Programs(seed))
    with tempfile.TemporaryDirectory() as folder, remembering():
        file = Path(folder) / "fuzz.net"
        for number in range(programs):
            text = next(supply)
            if found := list(failures(text, file, number % 100 == 0)):
                failed += 1
                print(f"--- program {number} of seed {seed}\n{text}\n--- {'--- '.join(found)}\n", flush=True)
            if number % 1000 == 999:
                print(f"{number + 1} programs of seed {seed}, {failed} failures", file=sys.stderr, flush=True)
    return failed


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """A program goes through ten commands: what it parses, checks and lowers to is the same in all of them."""
    with contextlib.ExitStack() as stack:
        for name in ("parse", "to_spec", "to_ir"):
            stack.enter_context(patch.object(pipeline, name, remembered(getattr(pipeline, name))))
        yield


TREES = (ast.Program, Spec, ir.Program)


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """The last few answers of a function, refusals too: for the same text or tree, and for equal facts and folders."""
    last: dict[Any, tuple[tuple[Any, ...], Any]] = {}

    def key(argument: Any) -> Any:
        if isinstance(argument, Source):
            return argument.name, argument.text
        return id(argument) if isinstance(argument, TREES) else repr(argument)

    def answer(*arguments: Any) -> Any:
        asked = tuple(map(key, arguments))
        if asked not in last:
            try:
                found = function(*arguments), None
            except SpecError as error:
                found = None, error
            while len(last) > 4:
                del last[next(iter(last))]
            last[asked] = arguments, found  # with the arguments, so that no other object takes their place
        result, refused = last[asked][1]
        if refused:
            raise refused
        return result

    return answer


def limit_memory() -> None:
    """Of this process: what takes more fails."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, most))


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--programs", type=int, default=1000)
    reader.add_argument("--seed", type=int, default=0)
    chosen = reader.parse_args()
    limit_memory()
    os.environ["NETC_DEBUG"] = "1"  # where a defect happened
    count = fuzz(chosen.programs, chosen.seed)
    print(f"{chosen.programs} programs, {count} failures")
    sys.exit(bool(count))
