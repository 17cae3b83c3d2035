"""A layer's text on an input -> tensors and lets. Ranges are inferred in `index_ranges.py`, values in `layer_values.py`.

A layer for x[i] that is put on [t, i] or [h, w, c] acts on the last index for each of the others; one that says
`images = flat` takes an image as one row of numbers, height by height, the channels fastest. The last equation is
what the layer gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Literal, TypeVar, cast

from netc.compiler.calculus import ir
from netc.compiler.calculus.laws import make
from netc.compiler.calculus.modes import in_mode, wanted
from netc.compiler.calculus.simplify import rebuild
from netc.compiler.lower.fans import fans_of
from netc.compiler.lower.index_axes import index_axes
from netc.compiler.lower.index_ranges import index_ranges
from netc.compiler.lower.layer_faults import fault
from netc.compiler.lower.layer_text import settled
from netc.compiler.lower.layer_values import Array, Values
from netc.compiler.lower.reads import name_of, subscripts
from netc.compiler.lower.recurrences import direction, end_of_recurrence
from netc.compiler.meaning.resolve_laws import LAWS as INITS
from netc.compiler.meaning.resolve_values import number, number_or_none
from netc.compiler.meaning.spec import Use
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.walks import names_in, walk

Law = TypeVar("Law", bound=str)
LAWS: Mapping[Literal["bernoulli", "uniform", "normal"], tuple[str, ...]] = {
    "bernoulli": ("p",), "uniform": ("low", "high"), "normal": ("mean", "deviation"),
}  # fmt: skip
STARTS = cast(Mapping[Literal["uniform", "normal", "orthogonal"], tuple[str, ...]], INITS)
"""Laws of draws, and of a layer's own starts, each with the names of its numbers."""
ROLES: Mapping[str, ir.Role] = {"weights": "weight", "biases": "bias", "": "weight"}
IMAGE = 3
"""Axes of an image: height, width, channels."""
RANKS = {1: "a row of numbers, x[i]", 2: "a sequence, x[t, i]", IMAGE: "an image, x[h, w, c]"}


@record
class Made:
    """Of a layer, in the order of theta and of computation."""

    tensors: tuple[ir.Tensor, ...]
    steps: tuple[ir.Step, ...]
    value: ir.Var
    updates: tuple[ir.Update, ...] = ()


def lower_layer(
    use: Use, x: ir.Var, name: str, functions: Mapping[str, ast.Activation | ast.Schedule]
) -> Made:
    """`name` begins the names of its tensors and lets. Raises LayerFault."""
    return _Layer(use, x, name, functions).run()


class _Layer:
    def __init__(
        self, use: Use, x: ir.Var, name: str, functions: Mapping[str, ast.Activation | ast.Schedule]
    ) -> None:
        self.use, self.name = use, name
        self.lead, slots = self._split(x)
        extents = [prod(a.size or 1 for a in slot) for slot in slots]
        self.text = settled(use, extents)
        if not any(
            isinstance(f, ast.Formula) and f.name not in self.text.states for f in use.definition.lines
        ):
            raise fault("E0228", use.definition.span, f"the layer '{use.definition.name}' has no equation")
        self.sizes = index_ranges(self.text, {"x": extents})
        last = self.last.indices[-1:]
        self.axes = index_axes(self.text, self.sizes, {"x": slots}, name, name_of(last[0]) if last else "")
        arrays = {"x": Array(x, tuple(slots))}
        self.tensors = {a.name: self._tensor(a) for a in self.text.learned}
        arrays |= {n: Array(t.var, tuple((a,) for a in t.axes)) for n, t in self.tensors.items()}
        for array in self.text.learned:
            slots = [self.axes[name_of(i)] for i in array.indices]
            arrays[array.name] = Array(self.tensors[array.name].var, tuple(slots))
        self.values = Values(arrays, self.text.absent, self.axes, self.sizes, self.lead, functions, name)
        self.updates: list[ir.Update] = []

    def run(self) -> Made:
        drawn = [self._draw(d) for d in self.text.draws]
        states = [self._state(f) for f in self.text.formulas if f.name in self.text.states]
        steps = (*drawn, *self._steps())
        order = sorted(self.tensors.values(), key=lambda t: t.role != "weight")
        last = self.last
        value = self.values.arrays[last.name].var
        if ir.SAMPLES not in value.axes:
            raise fault(
                "E0224", last.span, f"what the layer gives, '{last.name}', does not depend on its input"
            )
        self._require_no_draws(steps, value)
        return Made((*order, *states), steps, value, tuple(self.updates))

    def _require_no_draws(self, steps: tuple[ir.Step, ...], value: ir.Var) -> None:
        """In use a network gives the same for the same inputs."""
        tested = wanted(in_mode(steps, False), {value.name})
        drawn = {
            n.purpose for let in ir.flat(tested) for n in ir.postorder(let.value) if isinstance(n, ir.Draw)
        }
        for line in self.text.draws:
            if f"{self.name}.{line.name}" in drawn:
                raise fault("E0228", line.span, f"'{line.name}' is drawn where the network is used: it belongs to training",
                            f"as in: {line.name}[i]*x[i] if training else x[i]")  # fmt: skip

    @property
    def last(self) -> ast.Formula:
        """The equation of what the layer gives."""
        lines = [f for f in self.use.definition.lines if isinstance(f, ast.Formula)]
        line = next(f for f in reversed(lines) if f.name not in self.text.states)
        found = next((f for f in self.text.formulas if f.name == line.name), None)
        if found is None:
            raise fault("E0228", line.span, f"no equation is left for what the layer gives, '{line.name}'",
                        "behind an equation with 'if' stands one with 'else'")  # fmt: skip
        return found

    # -- the input ---------------------------------------------------------------------------------

    def _split(self, x: ir.Var) -> tuple[ir.Axes, list[ir.Axes]]:
        """Leading axes, and those of each of the layer's own indices."""
        rank = _rank(self.use.definition)
        own = tuple(a for a in x.axes if a != ir.SAMPLES)
        flat = any(s.name == "images" for s in self.use.definition.settings)
        if flat and rank == 1 and len(own) == IMAGE:
            return (), [own]
        if len(own) < rank:
            what = " x ".join(str(a.size) for a in own)
            raise fault(
                "E0223", self.use.span,
                f"{self.use.definition.name} acts on {RANKS.get(rank, 'arrays')}, and its input is {what}",
                "an image is height x width x channels, a sequence is steps x features: [28x28x1 ...",
            )  # fmt: skip
        cut = len(own) - rank
        return own[:cut], [(a,) for a in own[cut:]]

    # -- tensors -----------------------------------------------------------------------------------

    def _tensor(self, array: ast.Learned) -> ir.Tensor:
        role = "gain" if array.value is not None and not array.role else ROLES.get(array.role)
        if role is None:
            raise fault(
                "E0228", array.span, f"parameters are learnt as weights or as biases, not as '{array.role}'"
            )
        axes = tuple(a for i in array.indices for a in self.axes[name_of(i)])
        self._require_once(array, axes)
        start = number_or_none(array.value) if array.value is not None else 0.0
        if start is None:
            raise fault("E0228", array.span, f"the start of '{array.name}' must be a number")
        fans = fans_of(array, self.text, self.sizes) if role == "weight" else (0, 0)
        stored = tuple(self.sizes[name_of(i)] for i in array.indices)
        return ir.Tensor(
            f"{self.name}.{self._word(array)}",
            axes,
            role,
            start=start if role == "gain" else 0.0,
            own=self._own(array, role),
            fans=fans,
            stored=stored if len(stored) < len(axes) else (),
            span=self.use.span,
        )

    def _own(self, array: ast.Learned, role: ir.Role) -> ir.Own | None:
        """The start that the text gives to weights and biases."""
        if role == "gain":
            return None
        if array.value is not None:
            return "constant", (number(array.value),)
        if array.law is None:
            return None
        law, numbers = _law(array.law, STARTS)
        return law, numbers

    def _word(self, array: ast.Learned) -> str:
        """`weight` of the one that is learnt as weights, `bias` of the one as biases; others have their own names."""
        same = [a for a in self.text.learned if a.role == array.role]
        return ROLES[array.role] if array.role and len(same) == 1 else array.name

    def _require_once(self, array: ast.Learned | ast.Draws | ast.Formula, axes: ir.Axes) -> None:
        if len(set(axes)) < len(axes):
            raise fault("E0224", array.span, f"an index of '{array.name}' stands twice where it is given")

    def _state(self, formula: ast.Formula) -> ir.Tensor:
        slots = tuple(self.axes[name_of(i)] for i in formula.indices)
        axes = tuple(a for slot in slots for a in slot)
        self._require_once(formula, axes)
        state = ir.Tensor(f"{self.name}.{formula.name}", axes, "state", span=self.use.span)
        self.values.arrays[formula.name] = Array(state.var, slots)
        return state

    def _draw(self, line: ast.Draws) -> ir.Let:
        law, arguments = _law(line.law, LAWS)
        slots = tuple(self.axes[name_of(i)] for i in line.indices)
        lead = {"": (ir.SAMPLES, *self.lead), "sample": (ir.SAMPLES,), "batch": ()}[line.per]
        axes = (*lead, *(a for slot in slots for a in slot))
        self._require_once(line, axes)
        name = f"{self.name}.{line.name}"
        let = ir.Let(name, axes, ir.Draw(law, arguments, name, axes), span=self.use.span)
        self.values.arrays[line.name] = Array(let.var, slots)
        return let

    # -- equations ---------------------------------------------------------------------------------

    def _steps(self) -> Iterator[ir.Step]:
        formulas = self.text.formulas
        i = 0
        while i < len(formulas):
            end = end_of_recurrence(formulas, i, self.values.arrays)
            if end < 0:
                yield self._let(formulas[i], ())
                i += 1
                continue
            group = formulas[i : end + 1]
            index, backward = direction(group)
            lead = (ir.SAMPLES, *self.lead) if self._of_samples(group) else ()
            for formula in group:
                self._announce(formula, lead)
            yield ir.Scan(self.axes[index][0], tuple(self._let(f, lead) for f in group), backward)
            i = end + 1

    def _of_samples(self, group: Sequence[ast.Formula]) -> bool:
        """Whether something in the recurrence hangs on the sample; else it is of the parameters alone."""
        read = {n for f in group for n in names_in(f.value)} & set(self.values.arrays)
        return any(ir.SAMPLES in self.values.arrays[n].var.axes for n in read)

    def _announce(self, formula: ast.Formula, lead: ir.Axes) -> None:
        """An array that is read before its equation."""
        slots = tuple(self.axes[name_of(i)] for i in formula.indices)
        axes = (*lead, *(a for slot in slots for a in slot))
        self.values.arrays[formula.name] = Array(ir.Var(f"{self.name}.{formula.name}", axes), slots)

    def _let(self, formula: ast.Formula, lead: ir.Axes) -> ir.Let:
        """`lead`: leading axes that it has though its value may have none, as all of a recurrence."""
        value = rebuild(self.values.of(formula.value), _by_laws)
        slots = tuple(self.axes[name_of(i)] for i in formula.indices)
        own = tuple(a for slot in slots for a in slot)
        shared = (ir.SAMPLES, *self.lead)
        self._require_once(formula, own)
        if left_over := [a for a in value.axes if a not in own and a not in shared]:
            name = next(n for n, axes in self.axes.items() if left_over[0] in axes)
            raise fault("E0224", formula.value.span, f"the index '{name}' of '{formula.name}' stands on the right alone",
                        f"sum[{name}](...) sums over it; an array that keeps it has it on the left")  # fmt: skip
        axes = (*(a for a in shared if a in lead or a in value.axes), *own)
        if formula.name in self.text.states:
            return self._next(formula, own, value)
        let = ir.Let(f"{self.name}.{formula.name}", axes, value, span=self.use.span)
        self.values.arrays[formula.name] = Array(let.var, slots)
        return let

    def _next(self, formula: ast.Formula, axes: ir.Axes, value: ir.Expr) -> ir.Let:
        """Of a state; what stands below reads the value that it has now."""
        if more := [a for a in value.axes if a not in axes]:
            hint = "statistics of a batch are mean[batch](...)"
            raise fault(
                "E0224",
                formula.span,
                f"the state '{formula.name}' has a value for each {_axis_word(more[0])}",
                hint,
            )
        let = ir.Let(f"{self.name}.{formula.name}_next", axes, value, span=self.use.span)
        self.updates.append(
            ir.Update(f"{self.name}.{formula.name}", self.text.states[formula.name], let.name)
        )
        return let


def _by_laws(node: ir.Expr) -> ir.Expr:
    """A square is a product, and the like. Sums stay the sums that patterns look for, also those over one element."""
    return make(node.op, *node.args) if isinstance(node, ir.Apply) else node


def _axis_word(axis: ir.Axis) -> str:
    return "sample" if axis == ir.SAMPLES else "place of its input"


def _law(written: ast.Expr, laws: Mapping[Law, tuple[str, ...]]) -> tuple[Law, tuple[float, ...]]:
    """One of the laws, each with the names of its numbers, and these numbers."""
    for law, names in laws.items():
        match written:
            case ast.Call(ast.Name(name), arguments) if name == law:
                numbers = [number_or_none(a.value) for a in arguments if a.name is None]
                if len(numbers) == len(arguments) == len(names) and None not in numbers:
                    return law, tuple(n for n in numbers if n is not None)
                raise fault("E0228", written.span, f"{law} takes numbers: {', '.join(names)}")
    known = ", ".join(f"{law}({', '.join(names)})" for law, names in laws.items())
    raise fault("E0228", written.span, "a law to draw from is needed after '~'", known)


def _rank(definition: ast.Layer) -> int:
    """How many indices the text gives to x."""
    for line in definition.lines:
        if not isinstance(line, ast.Formula):
            continue
        for node in walk(line.value):
            if isinstance(node, ast.Index) and node.base == ast.Name("x"):
                return len(subscripts(node.index))
    raise fault("E0228", definition.span, f"the layer '{definition.name}' does not read its input, x")
