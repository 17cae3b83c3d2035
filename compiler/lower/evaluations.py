"""Statements under construction: evaluations of the loss are placed before their first use, and shared.

Value numbering: two expressions have the same number if they are surely equal where they stand. One
evaluation serves all requests for the loss and the gradient at points of one number on one batch; inside a
loop it stands before the loop if nothing in it depends on the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, reduce

from netc.compiler.calculus import ir
from netc.compiler.calculus.simplify import simplify
from netc.compiler.meaning.rule_body import COUNTED
from netc.dsl.names import unused
from netc.dsl.source import Span

Batch = ir.Expr | str
"""As `ir.Evaluate.batch`."""


@dataclass
class _Evaluation:
    """An ir.Evaluate whose results may still be asked for."""

    point: str
    batch: Batch
    span: Span
    loss: str = ""
    gradient: str = ""
    counts: tuple[bool, bool] = (False, False)
    tested: bool = False


@dataclass
class _Block:
    """The statements of one loop body, or of the whole rule."""

    stmts: list[ir.Stmt | _Evaluation | _Loop | _Branches]
    before: dict[str, int]
    """The numbers of the variables just before the loop."""
    conditional: bool = False
    """A branch: what it evaluates is not evaluated before it."""


@dataclass
class _Loop:
    """A loop whose body may still be asked for more of its evaluations."""

    block: _Block
    make: Callable[[tuple[ir.Stmt, ...]], ir.Stmt]


@dataclass
class _Branches:
    """An `if` whose blocks may still be asked for more of their evaluations."""

    condition: ir.Expr
    blocks: tuple[_Block, _Block]


@dataclass
class _Known:
    """What holds at a place: the number of each variable's value, and the evaluations that were done."""

    numbers: dict[str, int] = field(default_factory=dict)
    evaluations: dict[tuple[int, object, bool], _Evaluation] = field(default_factory=dict)

    def copy(self) -> _Known:
        return _Known(dict(self.numbers), dict(self.evaluations))


class Builder:
    """Appends statements in order; `finish` gives them."""

    def __init__(self, taken: Iterable[str], modes: bool = False, measuring: bool = False) -> None:
        self.modes = modes
        """Whether the problem has two modes: what only measures is evaluated by itself, in test mode."""
        self.measuring = measuring
        self.taken = set(taken)
        self.blocks = [_Block([], {})]
        self.known = _Known()
        self.at_until: _Known | None = None
        """What held where the innermost `repeat` is left."""
        self.table: dict[object, int] = {}
        self.evaluated: list[_Evaluation] = []
        """All evaluations, in the order in which they were asked for."""
        self.watching = False
        """What is asked for is wanted by a monitored function, so it does not count."""

    # -- statements --------------------------------------------------------------------------------

    def assign(self, name: str, value: ir.Expr, span: Span) -> None:
        value = simplify(value)
        self.known.numbers[name] = self._number(value)
        self.blocks[-1].stmts.append(ir.Assign(name, value, span=span))

    def fetch(self, memory: str, index: ir.Expr, axes: ir.Axes) -> ir.Var:
        """What a per-batch state holds for a batch, as the variable that has it."""
        index, name = simplify(index), self.name(f"{memory}_fetched")
        key = ("fetch", self._number(ir.Var(memory, axes)), self._number(index))
        self.known.numbers[name] = self.table.setdefault(key, len(self.table))
        self.blocks[-1].stmts.append(ir.Fetch(name, memory, index, axes))
        return ir.Var(name, axes)

    def store(self, memory: str, index: ir.Expr, value: str, axes: ir.Axes) -> None:
        self.known.numbers[memory] = self._fresh()
        self.blocks[-1].stmts.append(ir.Store(memory, simplify(index), value, axes))

    def tell(self, state: str, value: ir.Expr) -> None:
        self.blocks[-1].stmts.append(ir.Tell(state, simplify(value)))

    def until(self, condition: ir.Expr) -> None:
        self.blocks[-1].stmts.append(ir.Until(simplify(self._finite(condition))))
        self.at_until = self.known.copy()

    def stop(self, condition: ir.Expr, ending: ir.Ending = "criterion") -> None:
        self.blocks[-1].stmts.append(ir.Stop(simplify(condition), ending))

    @contextmanager
    def if_(self, condition: ir.Expr) -> Iterator[Callable[[], None]]:
        """The first block is built, then the call that this gives begins the second one."""
        before, after = self.known.copy(), list[_Known]()
        branches = (_Block([], before.numbers, True), _Block([], before.numbers, True))
        statement = _Branches(simplify(self._finite(condition)), branches)
        self.blocks.append(branches[0])

        def otherwise() -> None:
            after.append(self.known)
            self.known = before.copy()
            self.blocks[-1] = branches[1]

        yield otherwise
        self.blocks.pop()
        self._join(before, after[0], self.known)
        self.blocks[-1].stmts.append(statement)

    def _join(self, before: _Known, one: _Known, other: _Known) -> None:
        """What holds whichever branch was taken."""
        numbers = {
            name: one.numbers[name] if one.numbers.get(name) == other.numbers.get(name) else self._fresh()
            for name in one.numbers.keys() | other.numbers.keys()
        }
        self.known = _Known(numbers, before.evaluations)

    def _finite(self, condition: ir.Expr) -> ir.Expr:
        """No condition holds by a loss that is not finite: such a trial is rejected (the first loss is finite)."""
        losses = {e.loss for e in self.evaluated[1:] if e.loss}
        for node in [n for n in ir.postorder(condition) if isinstance(n, ir.Var) and n.name in losses]:
            finite = ir.apply("lt", ir.apply("abs", node), ir.Const(float("inf")))
            condition = ir.apply("and", condition, finite)
        return condition

    @contextmanager
    def for_(self, index: str, first: ir.Expr, last: ir.Expr, assigned: Iterable[str]) -> Iterator[None]:
        unknown = [bound for bound in map(simplify, (first, last)) if not _is_counted(bound)]
        if unknown:
            self.stop(ir.apply("not", reduce(partial(ir.apply, "and"), map(_countable, unknown))), "loop")
        with self._loop((index, *assigned)) as (block, before):
            yield
        self.known.evaluations = before.evaluations  # the last round's are not those of the next reader
        self.blocks[-1].stmts.append(
            _Loop(block, lambda body: ir.For(index, _whole(first, -1.0), _whole(last, 1.0), body))
        )

    @contextmanager
    def repeat(self, bound: int, assigned: Iterable[str]) -> Iterator[None]:
        outer, self.at_until = self.at_until, None
        with self._loop(assigned) as (block, _):
            yield
        # The loop is left at its `until`: what held there holds after it.
        if self.at_until is not None:
            self.known = self.at_until
        self.at_until = outer
        self.blocks[-1].stmts.append(_Loop(block, lambda body: ir.Repeat(body, bound)))

    @contextmanager
    def _loop(self, assigned: Iterable[str]) -> Iterator[tuple[_Block, _Known]]:
        before = self.known.copy()
        for name in assigned:  # another value in every round
            self.known.numbers[name] = self._fresh()
        block = _Block([], before.numbers)
        self.blocks.append(block)
        yield block, before
        self.blocks.pop()

    def finish(self) -> tuple[ir.Stmt, ...]:
        return tuple(_finished(s) for s in self.blocks[0].stmts)

    # -- evaluations -------------------------------------------------------------------------------

    def evaluate(self, point: ir.Expr, batch: Batch, want: str, span: Span) -> ir.Var:
        """The loss (`want` is "loss") or the gradient at a point, as the variable that holds it."""
        point = simplify(point)
        tested = self.modes and (self.measuring or self.watching)
        key = (self._number(point), batch if isinstance(batch, str) else self._number(batch), tested)
        found = self.known.evaluations.get(key)
        if found is None:
            block = self._outermost(point, batch)
            found = _Evaluation(self._point(point, block, span), batch, span, tested=tested)
            block.stmts.append(found)
            self.evaluated.append(found)
            self.known.evaluations[key] = found
        loss, gradient = found.counts
        asked = not self.watching
        found.counts = (loss or (asked and want == "loss"), gradient or (asked and want == "gradient"))
        if want == "loss":
            found.loss = found.loss or self.name(f"loss_at_{found.point}")
            return ir.Var(found.loss, ir.SCALAR)
        found.gradient = found.gradient or self.name(f"grad_at_{found.point}")
        return ir.Var(found.gradient, ir.THETA)

    def _outermost(self, point: ir.Expr, batch: Batch) -> _Block:
        """The outermost block at whose end the point and the batch are what they are here."""
        read = {
            n.name
            for e in (point, *([] if isinstance(batch, str) else [batch]))
            for n in ir.postorder(e)
            if isinstance(n, ir.Var)
        }
        level = len(self.blocks) - 1
        while (
            level
            and not self.blocks[level].conditional
            and all(self.blocks[level].before.get(n, -1) == self.known.numbers.get(n, -1) for n in read)
        ):
            level -= 1
        return self.blocks[level]

    def _point(self, point: ir.Expr, block: _Block, span: Span) -> str:
        """A variable with the value of the point."""
        if isinstance(point, ir.Var):
            return point.name
        name = self.name("point")
        self.known.numbers[name] = self._number(point)
        block.stmts.append(ir.Assign(name, point, span=span))
        return name

    def name(self, wanted: str) -> str:
        """A name not used yet."""
        return unused(wanted, self.taken)

    # -- value numbers -----------------------------------------------------------------------------

    def _number(self, expr: ir.Expr) -> int:
        match expr:
            case ir.Const(value, axes):
                key: object = ("const", value, axes)
            case ir.Var(name):
                if name in self.known.numbers:
                    return self.known.numbers[name]
                key = ("var", name)
            case ir.Apply(op, args):
                key = (op, *(self._number(a) for a in args))
            case ir.Reduce(op, arg, _, per):
                key = ("reduce", op, self._number(arg), per)
        return self.table.setdefault(key, len(self.table))

    def _fresh(self) -> int:
        return self.table.setdefault(object(), len(self.table))


def _whole(bound: ir.Expr, sign: float) -> ir.Expr:
    """A loop goes over the whole numbers between its bounds: the last of these is rounded down (1), the first up (-1)."""
    bound = simplify(bound)
    if _is_whole(bound):
        return bound
    towards = ir.apply("mul", ir.Const(sign), bound)
    return simplify(ir.apply("mul", ir.Const(sign), ir.apply("floor", towards)))


def _is_whole(e: ir.Expr) -> bool:
    match e:
        case ir.Const(value):
            return float(value).is_integer()
        case ir.Var(name):
            return name in ("m", "n", "samples")
        case ir.Apply("add" | "sub" | "mul", args):
            return all(map(_is_whole, args))
    return False


def _is_counted(bound: ir.Expr) -> bool:
    """Whether it is surely small enough for a loop."""
    match bound:
        case ir.Const(value):
            return abs(value) < COUNTED
        case ir.Apply("add" | "sub", args):
            return all(map(_is_counted, args))
    return isinstance(bound, ir.Var) and _is_whole(bound)


def _countable(bound: ir.Expr) -> ir.Expr:
    """False of what is infinite or no number: kernels would count from, or to, any whole number."""
    return ir.apply("lt", ir.apply("abs", bound), ir.Const(COUNTED))


def _finished(stmt: ir.Stmt | _Evaluation | _Loop | _Branches) -> ir.Stmt:
    match stmt:
        case _Evaluation(point, batch, span, loss, gradient, counts, tested):
            # Of what is not evaluated nothing is counted: one spelling for all rules that watch nothing.
            counts = (counts[0] or not loss, counts[1] or not gradient)
            return ir.Evaluate(point, batch, loss, gradient, counts, tested, span=span)  # type: ignore[arg-type]
        case _Loop(block, make):
            return make(tuple(_finished(s) for s in block.stmts))
        case _Branches(condition, blocks):
            then, otherwise = (tuple(_finished(s) for s in block.stmts) for block in blocks)
            return ir.If(condition, then, otherwise)
    return stmt
