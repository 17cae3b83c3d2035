"""A proof for two rules that are linear in gradients and states: what the two together can reach.

They ask for the gradient at the same points, whatever the gradients, if the difference of the points vanishes on a
subspace that holds the start and every gradient and that each step maps into itself (Kalman's reachable subspace,
or one that contains it). A step is a matrix of exact numbers; what in it changes with n (n itself, beta^n, a
comparison, a rate that follows a schedule) is split off: where each of the parts maps the subspace into itself, so
does every sum of them. Weights and biases are two cases. Anything else is `NotLinear`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from netc.compiler.calculus import ir
from netc.compiler.proofs.comparisons import Undecided
from netc.compiler.proofs.form_calls import EVERYWHERE
from netc.compiler.proofs.normal_form import Algebra, Mono, NoForm, Poly, constant
from netc.compiler.proofs.parameters import Parameters
from netc.compiler.proofs.ranges import Number, drawn_by
from netc.compiler.proofs.rule_forms import Clock, RuleForms, Step, Values
from netc.dsl.record import record

Form = dict[str, Fraction]
"""A combination of states (`a v`: A's v), gradients (`#0`) and 1 (``)."""
Forms = dict[Mono, Form]
"""What changes with n, and what it multiplies."""
Column = tuple[Fraction, ...]
MOST_CASES = 24
COUNTS = ("m", "samples", ir.SIZE)
"""Numbers of batches, samples and parameters: identities of rational functions are looked at where these are random."""


class NotLinear(Exception):
    """A rule does something else; the text says what."""


@record
class Reach:
    """What holds for every sequence of gradients."""

    thetas: bool
    """Both have the same theta."""
    shifted: tuple[bool, bool]
    """The first one's theta is the point of the second one, or the other way round."""
    dimension: int
    """Of the subspace."""
    cases: tuple[Clock, ...]


def reach(a: ir.Rule, b: ir.Rule, parameters: Parameters) -> Reach | None:
    """The proof that both ask for the gradient at the same points; None where it fails. Raises NotLinear."""
    try:
        return _Pair(a, b, parameters).reach()
    except NoForm as error:
        raise NotLinear(str(error)) from error


def is_linear(rule: ir.Rule, values: Mapping[str, Number]) -> bool:
    """Is its first step linear in gradients and states?"""
    try:
        reach(rule, rule, Parameters(values, values))
    except NotLinear:
        return False
    return True


@record
class _Matrices:
    """A step of both, for one case of n and for weights or biases, split by what changes with n."""

    next: Mapping[str, Forms]
    points: tuple[tuple[Forms, Forms], ...]


class _Pair:
    def __init__(self, a: ir.Rule, b: ir.Rule, parameters: Parameters) -> None:
        self.algebra = Algebra()
        at, bt = parameters.forms(self.algebra)
        self.sides = {"a": RuleForms(a, at, self.algebra), "b": RuleForms(b, bt, self.algebra)}
        self.names: list[str] = []
        self.known: dict[int, str] = {}
        """Atoms that are states, gradients or losses."""
        self.counts: dict[str, Fraction] = {}

    def reach(self) -> Reach | None:
        theta = self.algebra.symbol("state theta", True)
        starts = {s: m.start(theta) for s, m in self.sides.items()}
        first = {s: self.sides[s].step(v, constant(0)) for s, v in starts.items()}
        states = {s: self._states(s) for s in self.sides}
        self._know("gradient ", "#")
        self._draw([first])
        self._matrices(first, 1)  # what is not linear shows in the first step
        steps = list(self._steps(states, Clock(1, None)))
        self._draw([first, *(s for _, s in steps)])
        self._know("gradient ", "#")
        found = [self._for(weights, first, [s for _, s in steps]) for weights in (1, 0)]
        if None in found or not all(map(_fits, [first, *(s for _, s in steps)])):
            return None
        proofs = [f for f in found if f is not None]
        return Reach(
            all(p[0] for p in proofs),
            (all(p[1] for p in proofs), all(p[2] for p in proofs)),
            max(p[3] for p in proofs),
            tuple(sorted((c for c, _ in steps), key=lambda c: c.first)),
        )

    def _draw(self, steps: list[dict[str, Step]]) -> None:
        """Drawn by all numbers in these steps: no rule mentions them."""
        forms = [s.next.forms[n] for step in steps for s in step.values() for n in s.next.forms]
        forms += [q.point for step in steps for s in step.values() for q in s.asked]
        values = (c.value for p in forms for c in p.values())
        draw = drawn_by(
            *(f"{v.numerator:x}/{v.denominator:x}" for v in values)
        )  # decimals of that many digits take long
        self.counts = {
            n: Fraction(draw.getrandbits(60) + 2**60, draw.getrandbits(50) + 2**50) for n in COUNTS
        }

    def _states(self, side: str) -> Values:
        machine = self.sides[side]
        forms = {
            name: self.algebra.symbol(f"state {side} {name}", name in machine.vectors)
            for name in ("theta", *machine.states)
        }
        for name, p in forms.items():
            (((i, _),),) = p
            self.known[i] = f"{side} {name}"
            self.names.append(f"{side} {name}")
        return Values(forms, dict.fromkeys(forms, EVERYWHERE))

    def _know(self, prefix: str, mark: str) -> None:
        for name, i in self.algebra.names.items():
            if name.startswith((prefix, "loss ")):
                self.known[i] = mark + name.rpartition(" ")[2] if name.startswith(prefix) else name
        self.known[self.algebra.names["state theta"]] = "theta"

    def _steps(self, states: Mapping[str, Values], clock: Clock) -> Iterator[tuple[Clock, dict[str, Step]]]:
        waiting, done = [clock], 0
        while waiting:
            now = waiting.pop()
            n = self.sides["a"].moment(now)
            try:
                step = {s: m.step(states[s], n) for s, m in self.sides.items()}
            except Undecided as found:
                if found.at <= now.first or (now.last is not None and found.at > now.last):
                    raise NotLinear("a comparison with n is not decided") from None
                waiting += now.split(found.at)
                if len(waiting) + done > MOST_CASES:
                    raise NotLinear("n is compared with too many numbers") from None
                continue
            done += 1
            yield now, step

    # -- matrices ------------------------------------------------------------------------------------

    def _for(
        self, weights: int, first: Mapping[str, Step], steps: list[dict[str, Step]]
    ) -> tuple[bool, bool, bool, int] | None:
        """(thetas, a's theta is b's point, b's theta is a's point, dimension), if the points are the same."""
        space = _Space(len(self.names) + 1)
        begin, later = self._matrices(first, weights), [self._matrices(s, weights) for s in steps]
        space.add((*(Fraction(int(n.endswith(" theta"))) for n in self.names), Fraction(0)))
        space.add((Fraction(0),) * len(self.names) + (Fraction(1),))
        # The start is any theta, and 1: the first step is written in terms of these.
        checks = self._checks(begin, space)
        after = _Space(len(self.names) + 1)
        for column in self._images(begin, space):
            after.add(column)
        self._close(after, later)
        for matrices in later:
            checks = [x and y for x, y in zip(checks, self._checks(matrices, after), strict=True)]
        asks = any(m.points for m in (begin, *later))
        return (checks[1], checks[2], checks[3], len(after.rows)) if checks[0 if asks else 1] else None

    def _close(self, space: _Space, steps: list[_Matrices]) -> None:
        """The smallest subspace with this one in it that all parts of all steps map into itself."""
        size = -1
        while len(space.rows) != size:
            size = len(space.rows)
            for matrices in steps:
                for column in self._images(matrices, space):
                    space.add(column)

    def _matrices(self, steps: Mapping[str, Step], weights: int) -> _Matrices:
        split = {
            f"{side} {name}": self._split(p, weights)
            for side, step in steps.items()
            for name, p in step.next.forms.items()
        }
        points = [[self._split(q.point, weights) for q in step.asked] for step in steps.values()]
        return _Matrices(split, tuple(zip(*points, strict=False)))

    def _split(self, p: Poly, weights: int) -> Forms:
        out: Forms = {}
        for mono, c in p.items():
            value, name, changing = c.value, "", []
            for i, e in mono:
                atom = self.algebra.atoms[i]
                if i in self.known:
                    if name or e != 1:
                        raise NotLinear("it is not linear in gradients and states")
                    name = self.known[i]
                elif atom.op == "weights":
                    if e < 0:
                        raise NotLinear("a rule divides by the mask of weights")
                    value *= weights
                elif atom.op in COUNTS and e.denominator == 1:
                    value *= self.counts[atom.op] ** int(e)
                elif self._moved(i):
                    raise NotLinear("it is not linear in gradients and states")
                else:
                    changing.append((i, e))
            if value:
                form = out.setdefault(tuple(changing), {})
                form[name] = form.get(name, Fraction(0)) + value
        return out

    def _moved(self, i: int) -> bool:
        """Does the atom depend on gradients, states or the place in theta?"""
        if i in self.known or self.algebra.atoms[i].vector:
            return True
        return any(self._moved(j) for p in self.algebra.atoms[i].args for mono in p for j, _ in mono)

    def _images(self, matrices: _Matrices, space: _Space) -> Iterator[Column]:
        """What each part makes of the subspace, and where each gradient leads by it."""
        parts = {mono for forms in matrices.next.values() for mono in forms} | {()}
        gradients = {n for forms in matrices.next.values() for f in forms.values() for n in f if n[:1] == "#"}
        for part in parts:
            rows = [matrices.next[n].get(part, {}) for n in self.names]
            one = Fraction(int(part == ()))
            for column in list(space.rows):
                at = self._at(column)
                image = [sum((c * at.get(n, 0) for n, c in row.items()), Fraction(0)) for row in rows]
                yield (*image, one * column[-1])
            for gradient in sorted(gradients):
                yield (*(row.get(gradient, Fraction(0)) for row in rows), Fraction(0))

    def _at(self, column: Column) -> dict[str, Fraction]:
        """By name; `theta`, in the first step, is both."""
        found = dict(zip(self.names, column, strict=False))
        return {**found, "": column[-1], "theta": found["a theta"]}

    def _checks(self, matrices: _Matrices, space: _Space) -> list[bool]:
        """Points, thetas, a's theta and b's point, b's theta and a's point: the same on all of the subspace?"""
        thetas: tuple[Forms, Forms] = ({(): {"a theta": Fraction(1)}}, {(): {"b theta": Fraction(1)}})
        one = len(matrices.points) == 1
        mixed = [(thetas[0], matrices.points[0][1]), (matrices.points[0][0], thetas[1])] if one else []
        return [
            all(self._same(p, q, space) for p, q in matrices.points),
            self._same(matrices.next["a theta"], matrices.next["b theta"], space),
            *(self._same(p, q, space) for p, q in mixed),
            *([False, False] if not one else []),
        ]

    def _same(self, p: Forms, q: Forms, space: _Space) -> bool:
        for part in p.keys() | q.keys():
            x, y = p.get(part, {}), q.get(part, {})
            difference = {n: x.get(n, Fraction(0)) - y.get(n, Fraction(0)) for n in x.keys() | y.keys()}
            if any(c for n, c in difference.items() if n[:1] == "#"):
                return False
            for column in space.rows:
                at = self._at(column)
                if sum((c * at.get(n, 0) for n, c in difference.items()), Fraction(0)):
                    return False
        return True


def _fits(step: Mapping[str, Step]) -> bool:
    """Both ask for the same things, and have a value in the same places."""
    a, b = step.values()
    if [q.label for q in a.asked] != [q.label for q in b.asked] or any(q.label[1] for q in a.asked):
        return False
    domains = [set().union(*(q.domain for q in s.asked), *s.next.domains.values()) for s in (a, b)]
    return domains[0] == domains[1]


class _Space:
    """A subspace by independent rows, in echelon form."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.rows: list[Column] = []

    def add(self, column: Column) -> None:
        for row in self.rows:
            lead = next(i for i, v in enumerate(row) if v)
            if column[lead]:
                factor = column[lead] / row[lead]
                column = tuple(c - factor * r for c, r in zip(column, row, strict=True))
        if any(column):
            self.rows.append(column)
