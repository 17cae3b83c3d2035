"""ir -> what each target's planner chose for a program, why, and how much memory it takes; for `explain --plan`.

Reads what the planners say and what the modules' constants are; chooses nothing itself.
"""

from __future__ import annotations

from netc.compiler import memory
from netc.compiler.calculus import ir
from netc.compiler.calculus.norms import written_out
from netc.compiler.kernels import loops as L
from netc.compiler.kernels.cpu.lets_plan import Lets
from netc.compiler.kernels.cpu.plan import Plan as Blocks
from netc.compiler.kernels.cpu.said import gradients, patterns, together
from netc.compiler.kernels.cpu.target import Cpu, one_by_one
from netc.compiler.kernels.cuda import lets as cuda_lets
from netc.compiler.kernels.cuda import said
from netc.compiler.kernels.cuda.plan import Card, Plan
from netc.compiler.kernels.cuda.target import Cuda
from netc.compiler.kernels.machine import Machine
from netc.compiler.rules.explain import Section
from netc.dsl.diagnostics import SpecError


def explain_plan(program: ir.Program, machine: Machine, card: Card, samples: int) -> list[Section]:
    program = written_out(program)  # as for the kernels: a norm is a root of a sum there
    target = program.training.target
    on_cpu, chosen = _constants(Cpu(machine).schedule(program, samples)), Cpu(machine).plan(program, samples)
    sections = [
        Section(
            "on the CPU",
            (
                *_few(chosen),
                _cpu(program, chosen, machine, on_cpu),
                *_lets(chosen),
                _memory(program, on_cpu, samples),
            ),
        ),
        Section("on a GPU", _cuda(program, Cuda(card), on_cpu, samples)),
    ]
    return [Section(f"target = {target}", ()), *sections]


def _constants(module: L.Module) -> dict[str, int]:
    return {name: value for name, value in module.constants if isinstance(value, int)}


def _cpu(program: ir.Program, plan: Blocks | Lets | None, machine: Machine, constants: dict[str, int]) -> str:
    if plan:
        return together(plan, machine)
    if why := one_by_one(program):
        return f"run after run: {why}"
    return f"{constants['LANES']} runs walk in step, each in a lane of vectors"


def _few(plan: Blocks | Lets | None) -> tuple[str, ...]:
    """Of a network whose batches are smaller than a vector."""
    if not isinstance(plan, Blocks) or not plan.few:
        return ()
    what = f"evaluations of {plan.few} samples or fewer" if plan.few > 1 else "evaluations of a single sample"
    return (f"{what}: vectors of {plan.lanes} units, since samples do not fill one; larger ones:",)


def _lets(plan: Blocks | Lets | None) -> tuple[str, ...]:
    """Of a chain of dense layers its products; of another network what each of its lets is."""
    match plan:
        case Lets() as lets:
            return patterns(lets)
        case None:
            return ()
        case chain:
            return gradients(chain)


def _cuda(program: ir.Program, gpu: Cuda, on_cpu: dict[str, int], samples: int) -> tuple[str, ...]:
    try:
        chosen, module = gpu.plan(program, samples), gpu.schedule(program, samples)
    except SpecError as error:
        return tuple(f"{d.message} ({d.code})" for d in error.diagnostics)
    constants = on_cpu | {name: _constants(module)[name] for name in ("SCRATCH", "PLACES")}
    plan, lets = (chosen.plan, said.patterns(chosen)) if isinstance(chosen, cuda_lets.Lets) else (chosen, ())
    return (plan.reason, *lets, _memory(program, constants, samples, plan))


def _memory(program: ir.Program, constants: dict[str, int], samples: int, plan: Plan | None = None) -> str:
    """Per run, per worker, and of the data; the runtime takes as many runs at once as fit. With a plan: on a GPU."""
    item = 8 if program.training.precision == "f64" else 4
    order = samples if constants["ORDERED"] else 0
    run = memory.of_state(item, constants["STRIDE"], constants["VECTORS"], constants["SCALARS"], order)
    run = memory.on_gpu(run) if plan else run
    who = "team" if plan and plan.shape != "thread" else "thread"
    work = item * constants["SCRATCH"] + 4 * constants.get("PLACES", 0)
    words = (
        f"memory: {memory.in_words(run)} for each run, {memory.in_words(work)} of work space for each {who}"
    )
    problem = program.problem
    if problem.sampled:
        words += f", {memory.in_words(item * samples * (problem.inputs + problem.outputs))} of training data"
    return words
