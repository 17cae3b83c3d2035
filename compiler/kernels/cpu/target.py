"""ir -> loops for the CPU, and the table of its spellings: numba, an explicit vector type, threads over runs."""

from __future__ import annotations

from dataclasses import replace

from netc.compiler.calculus import ir
from netc.compiler.kernels import loops as L
from netc.compiler.kernels import registers, report
from netc.compiler.kernels import rule as rules
from netc.compiler.kernels import rule_memory as memory
from netc.compiler.kernels.batches import batch_size, largest_batch, number_of_batches
from netc.compiler.kernels.cpu import lanes as cpu_lanes
from netc.compiler.kernels.cpu import lets as cpu_lets
from netc.compiler.kernels.cpu import network as cpu_network
from netc.compiler.kernels.cpu import units
from netc.compiler.kernels.cpu.entries import entered
from netc.compiler.kernels.cpu.lane_stretches import StretchWriter, seldom_ends
from netc.compiler.kernels.cpu.lets_plan import Lets, planned
from netc.compiler.kernels.cpu.plan import Plan, in_panels, plan
from netc.compiler.kernels.emit import REALS, Spelling
from netc.compiler.kernels.machine import Machine
from netc.compiler.kernels.modes_rule import ModesWriter
from netc.compiler.kernels.objective import objective_functions
from netc.compiler.kernels.patterns import chain, head_buffers
from netc.dsl.record import record

BLOCKLESS = 1
"""Samples a block of an objective holds: it has none, but its arrays must have a size."""


@record
class Cpu:
    """The target; `kernels/target.py` says what its methods are."""

    machine: Machine

    def plan(self, program: ir.Program, samples: int) -> Plan | Lets | None:
        """None: an objective, which needs none."""
        problem, training = program.problem, program.training
        if (network := chain(problem)) is not None:
            batch = batch_size(training.batches, samples)
            here = training.target == "cpu"
            few = units.most(self.machine.width(training.precision), batch) if here else 0
            by_sample = _shuffled(training) or few > 0
            buffers = head_buffers(network)
            found = plan(network, self.machine, training.precision, buffers, by_sample, batch)
            return replace(
                found, few=few, panels=in_panels(network, training.batches) if here and not by_sample else 0
            )
        if problem.sampled:
            batch = largest_batch(program, samples)
            return planned(problem, self.machine, training.precision, _shuffled(training), samples, batch)
        return None

    def schedule(self, program: ir.Program, samples: int) -> L.Module:
        problem, training = program.problem, program.training
        by_sample, panels = _shuffled(training), False
        match self.plan(program, samples):
            case Lets() as lets:
                made, writer = (
                    cpu_lets.functions(lets, _shuffled(training)),
                    _writer(program, samples, lets.plan, lets.plan.size * lets.plan.chunks),
                )
                block, lanes, group = lets.plan.block, lets.plan.lanes, 1
            case Plan() as p:
                network = chain(problem)
                assert network is not None
                by_sample, panels = by_sample or p.few > 0, p.panels > 0
                made = cpu_network.functions(network, p, by_sample, parallel=training.runs == 1)
                writer = _writer(program, samples, p, units.scratch(network, p))
                block, lanes, group = p.block, p.lanes, 1
            case None:
                made, writer = objective_functions(problem), _objective_writer(program, self.machine)
                lanes = group = writer.width if isinstance(writer, cpu_lanes.LaneWriter) else 1
                block = BLOCKLESS
        stepping, scratch = writer.functions()
        state_vectors, state_numbers = writer.sizes()
        constants: tuple[tuple[str, int | float | str], ...] = (
            ("PARAMETERS", problem.parameters),
            ("LANES", lanes),
            ("GROUP", group),
            ("STRIDE", writer.vectors.stride),
            ("VECTORS", state_vectors),
            ("SCALARS", state_numbers),
            ("SCRATCH", max(1, scratch)),
            ("BLOCK", block),
            ("REAL", training.precision),
            ("DEVICE", "cpu"),
            ("BY_SAMPLE", int(by_sample)),
            ("PANELS", int(panels)),
            ("ORDERED", int(_shuffled(training))),
            *L.named(tuple(made)).items(),
        )
        made = entered(made) if problem.sampled else made
        reports = report.functions(problem.parameters, problem.sampled)
        return L.Module("netc kernel", constants, (*made, *stepping, *reports))

    def spelling(self, module: L.Module) -> Spelling:
        return spelling(module)


def _shuffled(training: ir.Training) -> bool:
    return bool(training.batches.order)


def _writer(program: ir.Program, samples: int, p: Plan, scratch: int) -> rules.Writer:
    """Of the rule of a network: vectors in memory, its own behind the numbers `scratch` of the network."""
    problem, training, rule = program.problem, program.training, rules.named(program.rule)
    states = problem.state_numbers
    marks, offsets = memory.marks(problem, rule), memory.offsets(problem)
    regions = memory.regions(problem)
    vectors = memory.Vectors(problem.parameters, p.lanes, regions, scratch, states, marks, offsets)
    given = (rule, vectors, training.batches.order, number_of_batches(training.batches, samples))
    if problem.test is None:
        return rules.Writer(*given)
    return ModesWriter(*given, draws=bool(problem.draws))


def one_by_one(program: ir.Program) -> str:
    """Why runs of an objective do not walk in step, each in a lane; empty where they do."""
    if not registers.fits(program.problem):
        return "theta or the objective's text is too large for registers"
    if program.training.runs < cpu_lanes.LEAST:
        return f"{cpu_lanes.LEAST} or more would walk in step"
    if program.training.precision == "f32":
        return "in f64 they would walk in step"
    walks = cpu_lanes.walks_in_step(rules.named(program.rule))
    return "" if walks else "the rule's evaluations come at other moments in each run"


def _objective_writer(program: ir.Program, machine: Machine) -> rules.Writer:
    """Vectors in memory, in registers, or, where many starts walk in step, runs as lanes."""
    rule, training, objective = rules.named(program.rule), program.training, program.problem
    vectors = memory.Vectors(
        objective.parameters, 1, memory.regions(objective), 0, marks=memory.marks(objective, rule)
    )
    if not registers.fits(objective):
        return rules.Writer(rule, vectors, order="")
    if one_by_one(program):
        single = training.precision == "f32"
        return registers.RegisterWriter(rule, vectors, "", objective=objective, single=single)
    writer = StretchWriter if seldom_ends(rule) else cpu_lanes.LaneWriter
    return writer(rule, vectors, "", objective=objective, width=cpu_lanes.width(machine))


HEADER = """
import numpy as np
from numba import float32, float64, int64, njit, prange

from netc.runtime.devices import simd
{imports}

_V = simd.vector("{precision}", {lanes})
{vectors}
reals, tables = {real}[::1], {real}[:, ::1]
inf, nan = np.inf, np.nan
"""

WAYS = ("load", "store", "splat", "broadcast", "load_first", "transpose")
"""Between memory and vectors."""

HOMES = {
    "netc.runtime.devices.apart": ("apart",),
    "netc.runtime.devices.kernel": ("columns", "flat", "isfinite", "least", "resample", "shuffle"),
    "netc.runtime.devices.simd": (
        "any_true", "fma", "hmax", "hmin", "hsum", "keep", "land", "lnot", "lor", "rint", "select",
        "vabs", "vfloor", "vmax", "vmin", "vsqrt", "vsum",
    ),
    "netc.runtime.random_draws": ("draw_bernoulli", "draw_normal", "draw_uniform"),
    "netc.runtime.devices.vmath": (
        "vatan", "vcos", "verf", "vexp", "vexpm1", "vlog", "vlog1p", "vpow", "vsigmoid", "vsin", "vtan", "vtanh",
    ),
}  # fmt: skip
"""Where the functions that kernels call come from; a kernel imports those it uses."""

NAMES = {
    "exp": "vexp", "expm1": "vexpm1", "log": "vlog", "log1p": "vlog1p", "sqrt": "vsqrt", "abs": "vabs",
    "tanh": "vtanh", "sigmoid": "vsigmoid", "erf": "verf", "sin": "vsin", "cos": "vcos", "tan": "vtan",
    "atan": "vatan", "pow": "vpow", "max": "vmax", "min": "vmin", "floor": "vfloor",
    "and": "land", "or": "lor", "not": "lnot", "root": "np.sqrt", "zeros": "np.zeros",
}  # fmt: skip


def spelling(module: L.Module) -> Spelling:
    constants = dict(module.constants)
    used = {NAMES.get(f, f) for f in L.calls(module)}
    used |= {"apart"} if any(f.types for f in module.functions) else set()
    imports = "\n".join(
        f"from {home} import {', '.join(found)}"
        for home, names in HOMES.items()
        if (found := [n for n in names if n in used])
    )
    ways = [n for n in WAYS if n in WAYS[:4] or n in used]
    header = HEADER.format(
        imports=imports,
        vectors=f"{', '.join(ways)} = {', '.join(f'_V.{n}' for n in ways)}",
        real=REALS[str(constants["REAL"])],
        precision=constants["REAL"],
        lanes=constants["LANES"],
    )
    options = 'cache=True, error_model="numpy", nogil=True, no_cfunc_wrapper=True'
    # Arrays are counted only where some are made: a count is an operation that locks, and each function has several.
    function, allocating = f"{options}, _nrt=False", f"{options}, _nrt=True"
    parallel = f"{allocating}, parallel=True"
    return Spelling(
        header.strip(), "njit", function, parallel, NAMES, "prange", allocating=allocating, apart="apart"
    )
