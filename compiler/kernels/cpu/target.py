"""ir -> loops for the CPU, and the table of its spellings: numba, an explicit vector type, threads over runs."""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import common
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu import lanes as cpu_lanes
from netc.compiler.kernels.cpu import network as cpu_network
from netc.compiler.kernels.cpu import registers as cpu_registers
from netc.compiler.kernels.cpu import report as cpu_report
from netc.compiler.kernels.cpu import rule as cpu_rule
from netc.compiler.kernels.cpu.names import python_expr, variable_name
from netc.compiler.kernels.cpu.plan import plan
from netc.compiler.kernels.cpu.registers import loss_and_slopes
from netc.compiler.kernels.emit import Spelling
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.patterns import Chain, chain
from netc.compiler.kernels.vectors import number

BLOCKLESS = 1
"""Samples a block of an objective holds: it has none, but its arrays must have a size."""


def schedule(program: ir.Program, machine: Machine, samples: int, title: str = "netc kernel") -> L.Module:
    """The kernels of a program, one module, ready to print; `samples` is the number of training samples."""
    precision = program.training.precision
    shuffled = program.training.batches.shuffle and program.training.batches.mode != "full"
    problem = program.problem
    match chain(problem):
        case Chain() as network:
            batch = batch_size(program.training.batches, samples)
            p = plan(network, machine, precision, cpu_network.head_buffers(network), shuffled, batch)
            made = cpu_network.functions(network, p, shuffled, parallel=program.training.runs == 1)
            vectors = cpu_rule.Vectors(
                problem.parameters, p.lanes, cpu_rule.regions(problem), p.size * p.chunks
            )
            rule, parts = cpu_rule.named(program.rule), number_of_batches(program.training.batches, samples)
            writer = cpu_rule.Writer(rule, vectors, shuffled, samples, parts)
            block, lanes, group = p.block, p.lanes, 1
        case None:
            made = objective_functions(problem)
            vectors = cpu_rule.Vectors(problem.parameters, 1, cpu_rule.regions(problem), 0)
            writer = _objective_writer(program, vectors)
            lanes = group = cpu_lanes.WIDTH if isinstance(writer, cpu_lanes.LaneWriter) else 1
            block = BLOCKLESS
    stepping, scratch = writer.functions()
    state_vectors, state_numbers = writer.sizes()
    constants: tuple[tuple[str, int | float | str], ...] = (
        ("PARAMETERS", vectors.parameters),
        ("LANES", lanes),
        ("GROUP", group),
        ("STRIDE", vectors.stride),
        ("VECTORS", state_vectors),
        ("SCALARS", state_numbers),
        ("SCRATCH", max(1, scratch)),
        ("BLOCK", block),
        ("REAL", precision),
        ("DEVICE", "cpu"),
        ("BY_SAMPLE", int(shuffled)),
    )
    reports = cpu_report.functions(vectors.parameters, problem.sampled)
    return L.Module(title, constants, (*made, *stepping, *reports))


def batch_size(batches: ir.Batches, samples: int) -> int:
    """Samples of one evaluation."""
    match batches.mode:
        case "full":
            return samples
        case "size":
            return min(batches.count, samples)
        case "parts":
            return -(-samples // batches.count)


def number_of_batches(batches: ir.Batches, samples: int) -> int:
    """m."""
    return {"full": 1, "size": -(-samples // batches.count), "parts": batches.count}[batches.mode]


def _objective_writer(program: ir.Program, vectors: cpu_rule.Vectors) -> cpu_rule.Writer:
    """Vectors in memory, in registers, or, where many starts walk in step, runs as lanes."""
    rule, training, objective = cpu_rule.named(program.rule), program.training, program.problem
    if not cpu_registers.fits(objective):
        return cpu_rule.Writer(rule, vectors, shuffled=False)
    single = training.precision == "f32"
    if training.runs < cpu_lanes.WIDTH or single or not cpu_lanes.walks_in_step(rule):
        return cpu_registers.RegisterWriter(rule, vectors, False, objective=objective, single=single)
    return cpu_lanes.LaneWriter(rule, vectors, False, objective=objective)


def objective_functions(objective: ir.Problem) -> list[L.Function]:
    """`loss` and `gradient` of a plain function; the data arguments are there and unused."""
    opening = [
        L.let(variable_name(t.name), L.call("float64", L.At(L.Name("theta"), L.Int(t.offset))))
        for t in objective.weights
    ]
    made = []
    value_, slopes = loss_and_slopes(objective)
    for name, exprs in (("loss", [value_]), ("gradient", [value_, *slopes])):
        bindings, (value, *partials) = common(python_expr(e, variable_name) for e in exprs)
        body: list[L.Stmt] = [*opening, *(L.let(n, number(e)) for n, e in bindings)]
        body += [L.Store(L.Name("grad"), L.Int(i), number(e)) for i, e in enumerate(partials)]
        note = "The objective" + (" and its gradient, into `grad`." if partials else ".")
        parameters = cpu_network.parameters_of(name)
        made.append(L.Function(name, parameters, (*body, L.Return(number(value))), note))
    return made


REALS = {"f64": "float64", "f32": "float32"}

HEADER = """
import numpy as np
from numba import float32, float64, int64, njit, prange

from netc.runtime.devices import simd
{imports}

_V = simd.vector("{precision}", {lanes})
load, store, splat, broadcast = _V.load, _V.store, _V.splat, _V.broadcast
reals = {real}[::1]
inf, nan = np.inf, np.nan
"""

HOMES = {
    "netc.runtime.devices.kernel": ("columns", "flat", "isfinite", "shuffle"),
    "netc.runtime.devices.simd": (
        "fma", "hmax", "hmin", "hsum", "keep", "land", "lnot", "lor", "rint", "select",
        "vabs", "vfloor", "vmax", "vmin", "vsqrt", "vsum",
    ),
    "netc.runtime.devices.vmath": (
        "vatan", "vcos", "verf", "vexp", "vexpm1", "vlog", "vlog1p", "vpow", "vsigmoid", "vsin", "vtan", "vtanh",
    ),
}  # fmt: skip
"""Where the functions that kernels call come from; a kernel imports those it uses."""

NAMES = {
    "exp": "vexp", "expm1": "vexpm1", "log": "vlog", "log1p": "vlog1p", "sqrt": "vsqrt", "abs": "vabs",
    "tanh": "vtanh", "sigmoid": "vsigmoid", "erf": "verf", "sin": "vsin", "cos": "vcos", "tan": "vtan",
    "atan": "vatan", "pow": "vpow", "max": "vmax", "min": "vmin", "floor": "vfloor",
    "and": "land", "or": "lor", "not": "lnot", "least": "min", "root": "np.sqrt", "zeros": "np.zeros",
}  # fmt: skip


def spelling(module: L.Module) -> Spelling:
    constants = dict(module.constants)
    used = {NAMES.get(f, f) for f in L.calls(module)}
    imports = "\n".join(
        f"from {home} import {', '.join(found)}"
        for home, names in HOMES.items()
        if (found := [n for n in names if n in used])
    )
    header = HEADER.format(
        imports=imports,
        real=REALS[str(constants["REAL"])],
        precision=constants["REAL"],
        lanes=constants["LANES"],
    )
    options = 'cache=True, error_model="numpy", nogil=True'
    return Spelling(header.strip(), "njit", options, f"{options}, parallel=True", NAMES, "prange")
