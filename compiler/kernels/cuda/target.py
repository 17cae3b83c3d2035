"""ir -> loops for CUDA, and the table of its spellings: numba-cuda, one kernel `advance`, threads in the place of lanes.

Shared with the CPU: the ir and its passes (`fuse`, `simplify.common`), the rule's statements (`rule.Writer`,
`registers`), element-by-element code (`vectors.Space`), the values of lets (`values`), the loop ast and its printer. Apart:
the plan (`plan`, `lets_plan`), who owns which element and where barriers stand (`threads`, `rule`, `network`, `lets`), and
what is below: spellings and the launch header. `start` and reports are the CPU's (`runtime/training/cuda_stretches.py`).
"""

from __future__ import annotations

from netc.compiler.calculus import ir
from netc.compiler.calculus.primitives import PRIMITIVES
from netc.compiler.kernels import loops as L
from netc.compiler.kernels import rule as rules
from netc.compiler.kernels import rule_memory as memory
from netc.compiler.kernels.batches import batch_size, number_of_batches
from netc.compiler.kernels.cuda import lets as cuda_lets
from netc.compiler.kernels.cuda import rule as cuda_rule
from netc.compiler.kernels.cuda import threads as cuda_threads
from netc.compiler.kernels.cuda.lets import Lets
from netc.compiler.kernels.cuda.lets_plan import planned
from netc.compiler.kernels.cuda.lets_rule import LetsModesWriter, LetsWriter
from netc.compiler.kernels.cuda.network import NetworkWriter
from netc.compiler.kernels.cuda.plan import Card, Plan, most_registers, plan
from netc.compiler.kernels.cuda.rule import TeamWriter
from netc.compiler.kernels.cuda.threads import ThreadWriter
from netc.compiler.kernels.emit import INFIX, PREFIX, REALS, Spelling
from netc.compiler.kernels.objective import objective_functions
from netc.compiler.kernels.patterns import Chain, chain, head_buffers
from netc.dsl.record import record


@record
class Cuda:
    """The target; `kernels/target.py` says what its methods are."""

    card: Card

    def plan(self, program: ir.Program, samples: int) -> Plan | Lets:
        network = chain(program.problem)
        if network is None and program.problem.sampled:
            return planned(program, self.card, samples)
        temporaries = head_buffers(network) if network else {}
        return plan(program, self.card, temporaries, batch_size(program.training.batches, samples))

    def schedule(self, program: ir.Program, samples: int) -> L.Module:
        """The kernel `advance`, and for an objective `report`."""
        training, problem = program.training, program.problem
        order = training.batches.order
        parts = number_of_batches(training.batches, samples)
        rule = rules.named(program.rule)
        made: list[L.Function] = []
        kernels: list[L.Function] = []
        writer: rules.Writer
        match (chosen := self.plan(program, samples)), chain(problem):
            case Lets() as lets, _:
                chosen, made = lets.plan, cuda_lets.functions(lets)
                vectors = _vectors(problem, rule, lets.size)
                given = (rule, vectors, order, parts)
                if problem.test is None:
                    writer = LetsWriter(*given, plan=chosen)
                else:
                    writer = LetsModesWriter(*given, plan=chosen, draws=bool(problem.draws))
            case Plan() as chosen, Chain() as network:
                buffers = cuda_rule.work_space(chosen, problem.parameters)
                vectors = _vectors(problem, rule, buffers)
                made = NetworkWriter(network, problem.parameters, chosen, bool(order)).functions()
                writer = TeamWriter(rule, vectors, order, parts, plan=chosen)
            case Plan() as chosen, _:
                vectors = _vectors(problem, rule, 0)
                single = training.precision == "f32"
                writer = ThreadWriter(rule, vectors, "", objective=problem, single=single)
                made, kernels = objective_functions(problem), [cuda_threads.report(problem.parameters)]
        kernels.insert(0, writer.advance())
        used = L.calls(tuple(kernels))
        functions = (*(f for f in made if f.name in used), *kernels)
        scratch = vectors.temporaries + len(writer.temporaries) * vectors.stride
        constants: tuple[tuple[str, int | float | str], ...] = (
            ("SHAPE", chosen.shape),
            ("THREADS", chosen.threads),
            ("BLOCKS", chosen.blocks),
            ("SCRATCH", max(1, scratch)),
            ("PLACES", 2 * samples if order == "shuffle" else 1),
            ("REAL", training.precision),
            *L.named(functions).items(),
        )
        return L.Module("netc kernel for CUDA", constants, functions)

    def spelling(self, module: L.Module) -> Spelling:
        return spelling(module)


def _vectors(problem: ir.Problem, rule: ir.Rule, buffers: int) -> memory.Vectors:
    regions, marks, offsets = memory.regions(problem), memory.marks(problem, rule), memory.offsets(problem)
    return memory.Vectors(problem.parameters, 1, regions, buffers, problem.state_numbers, marks, offsets)


HEADER = """
from math import inf, nan

from numba import cuda, float32, float64, int64, uint32, uint64 as at
{imports}

real = {real}
"""

FUNCTIONS = {
    op: row.cuda.partition("(")[0]
    for op, row in PRIMITIVES.items()
    if row.cuda and op not in INFIX and op not in PREFIX
}
"""Primitive -> function of `runtime/devices/cuda_device.py`, or Python's own."""

NAMES = {
    **FUNCTIONS,
    "vmax": "maximum", "vmin": "minimum", "least": "min", "isfinite": "finite", "root": "sqrt",
    "splat": "real", "load": "{0}[at({1})]", "broadcast": "{0}[at({1})]", "store": "{0}[at({1})] = {2}",
    # Places are never negative, and half as wide as other numbers.
    "select": "({1} if {0} else {2})",
    "quotient": "int64(uint32({0}) // uint32({1}))", "remainder": "int64(uint32({0}) % uint32({1}))",
    "thread": "int64(cuda.threadIdx.x)", "block_barrier": "cuda.syncthreads()",
    "shared": "cuda.shared.array({0}, {1}, ALIGNED)", "registers": "cuda.local.array",
}  # fmt: skip

TEAMS = {
    "thread": {"thread_of_grid": "cuda.grid(1)", "threads_of_grid": "cuda.gridsize(1)"},
    "block": {
        "member": "int64(cuda.threadIdx.x)", "members": "(THREADS)", "barrier": "cuda.syncthreads()",
        "block": "int64(0)", "team_of_grid": "int64(cuda.blockIdx.x)",
        "team_sum": "block_sum", "team_max": "block_max", "team_min": "block_min", "team_shuffle": "block_shuffle",
        "team_resample": "block_resample",
    },
    "grid": {
        "member": "int64(cuda.grid(1))", "members": "(THREADS * BLOCKS)", "barrier": "grid_barrier(turns)",
        "block": "int64(cuda.blockIdx.x)",
        "team_of_grid": "int64(0)",
        "team_sum": "grid_sum", "team_max": "grid_max", "team_min": "grid_min", "team_shuffle": "grid_shuffle",
        "team_resample": "grid_resample",
    },
}  # fmt: skip
"""Who works on a run."""

DEVICE = frozenset((
    "ALIGNED", "atan", "block_max", "block_min", "block_sum", "cos", "erf", "exp", "expm1", "finite", "floor",
    "grid_barrier", "grid_max", "grid_min", "grid_sum", "log", "log1p", "maximum", "minimum", "next_run",
    "next_run_of_block", "power", "sigmoid", "sin", "sqrt", "tan", "tanh",
))  # fmt: skip
DRAWS = frozenset(("draw_bernoulli", "draw_normal", "draw_uniform"))
ORDERS = frozenset(("block_resample", "block_shuffle", "grid_resample", "grid_shuffle"))
IMPORTED = {"device": DEVICE, "draws": DRAWS, "shuffle": ORDERS}
"""Last part of the name of a file `runtime/devices/cuda_*.py` -> what kernels call of it."""


def spelling(module: L.Module) -> Spelling:
    constants = dict(module.constants)
    names = {**NAMES, **TEAMS[str(constants["SHAPE"])]}
    called = {names.get(f, f).partition("(")[0] for f in L.calls(module)}
    if "cuda.shared.array" in called:
        called.add("ALIGNED")
    lines = [
        f"from netc.runtime.devices.cuda_{file} import {', '.join(sorted(used))}"
        for file, functions in IMPORTED.items()
        if (used := functions & called)
    ]
    header = HEADER.format(imports="\n".join(["", *lines]), real=REALS[str(constants["REAL"])])
    most = most_registers(int(constants["THREADS"]))
    kernel = f"max_registers={most}" if most < 255 else ""
    return Spelling(header.strip(), "cuda.jit", "device=True", kernel, names, counted=True, index="at({})")
