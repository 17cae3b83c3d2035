"""Update rule, schedules and stop criterion -> ir.Rule: one iteration as statements, evaluations shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import assert_never

from netc.compiler.calculus import ir
from netc.compiler.calculus.laws import spread
from netc.compiler.calculus.simplify import simplify
from netc.compiler.lower.batches import over_batches
from netc.compiler.lower.evaluations import Batch, Builder
from netc.compiler.lower.expressions import Environment, Evaluation, lower_expr
from netc.compiler.lower.layer_schedules import followers, told
from netc.compiler.lower.schedule import Follower, lower_schedule
from netc.compiler.lower.starts import THETA, start
from netc.compiler.meaning.masks import masks_in
from netc.compiler.meaning.resolve_values import number
from netc.compiler.meaning.spec import Spec, Watched
from netc.dsl import ast
from netc.dsl.record import record
from netc.dsl.walks import conjuncts, names_in, walk

GROWTH = 0.01
"""A monitored function has grown where it is more than 1 % larger than before."""
BOUND = 1000
"""Rounds of a `repeat:` that gives no bound: halving a step so often leaves nothing of it."""
ROUNDING: Mapping[str, float] = {"f64": 2.0**-52, "f32": 2.0**-23}
"""From 1 to the next number."""
AXES: Mapping[str, ir.Axes] = {"scalar": ir.SCALAR, "theta": ir.THETA}
CLOCKS: Mapping[str, ir.Expr] = {name: ir.Var(name, ir.SCALAR) for name in ("n", "m", "epoch", "samples")}
WEIGHTS, BIASES = ir.Var("weights", ir.THETA), ir.Var("biases", ir.THETA)
MASKS: Mapping[str, ir.Expr] = {
    "weights": WEIGHTS,
    "biases": BIASES,
    "ones": ir.apply("add", WEIGHTS, BIASES),  # every parameter is one or the other
}


def lower_rule(spec: Spec, as_written: bool = False, modes: bool = False) -> ir.Rule:
    """The rule that runs, or, `as_written`, the one whose constants are fractions. `modes`: the problem has two. The rule
    evaluates it in training mode; monitored functions, and criteria that look at all samples once an epoch, in test mode."""
    return _Lowering(spec, as_written, modes).run()


@dataclass
class _Section:
    """Statements being built, and the batch that a bare R means in them."""

    builder: Builder
    batch: Batch


@record
class _Watch:
    """What a monitored function adds to a rule: its last value, and how often it grew."""

    name: str
    states: tuple[ir.State, ...]


class _Lowering:
    def __init__(self, spec: Spec, as_written: bool, modes: bool) -> None:
        self.spec, self.as_written, self.modes = spec, as_written, modes
        rule = spec.optimizer
        self.axes = {name: AXES[kind] for name, kind in rule.kinds}
        self.followers = [lower_schedule(s, spec) for s in spec.schedules]
        scheduled = {f.name for f in self.followers}
        self.followers += followers(spec)
        self.told = tuple(told(spec))
        numbers = [(name, value) for name, value in rule.arguments if name not in scheduled]
        numbers += [pair for f in self.followers for pair in f.hypers]
        self.hypers = tuple(ir.Hyper(name, value) for name, value in dict(numbers).items())
        reading = [*rule.body.actions, *(w.value for w in spec.monitor.watched)]
        reading += [m.initial for m in rule.body.states if m.initial is not None]
        found = masks_in(reading, {*dict(rule.arguments), *self.axes})
        self.masks = tuple(ir.Mask(name, name) for name in sorted(found))
        self.names: dict[str, ir.Expr] = {
            **CLOCKS,
            **MASKS,
            **{mask.name: ir.Var(mask.name, ir.THETA) for mask in self.masks},
            "rounding": ir.Const(ROUNDING[spec.training.precision]),
            **{name: ir.Var(name, ir.SCALAR) for name, _ in rule.arguments},
            **{name: ir.Var(name, axes) for name, axes in self.axes.items()},
        }
        self.losses = frozenset(
            {"R"}
            | {n.loss for a in rule.body.actions for n in walk(a) if isinstance(n, ast.Gradient)}
            | (
                {spec.objective.name}
                if spec.objective
                else {spec.loss.definition.name}
                if spec.loss
                else set()
            )
        )
        self.functions = {a.name.lower(): a for a in spec.functions}
        self.taken = {*self.names, *(f.name for f in self.followers), *(h.name for h in self.hypers)}

    def run(self) -> ir.Rule:
        training, rule = self.spec.training, self.spec.optimizer
        whole = rule.visits_batches or training.batch == "full"
        body = _Section(Builder(self.taken, self.modes), "full" if rule.visits_batches else "current")
        test = _Section(Builder(self.taken, self.modes, measuring=True), "full")
        self._follow_schedules(body)
        watches = [self._watch(w, body, whole) for w in self.spec.monitor.watched]
        if not whole and (training.diverged or training.stop):
            for watched, watch in zip(self.spec.monitor.watched, watches, strict=True):
                self._follow(watched, watch, test, whole)
        self._end_by_criteria(body if whole else test)
        for action in rule.body.actions:
            self._action(action, body)
        given = {m.name: m.initial for m in rule.body.states}
        states = tuple(
            ir.State(name, self.axes[name], start(name, given, self._initial)) for name in given
        ) + tuple(ir.State(m, self.axes[m], ir.Const(0.0), per_batch=True) for m in rule.body.memories)
        return ir.Rule(
            self.hypers,
            states
            + tuple(s for f in self.followers for s in f.states)
            + tuple(s for w in watches for s in w.states),
            body.builder.finish(),
            tuple(ir.Commit(m.name, m.next) for m in rule.body.states),
            test.builder.finish(),
            tuple(s for f in self.followers for s in f.epoch_end),
            tuple(c for f in self.followers for c in f.commits),
            rule.visits_batches,
            self.masks,
            tuple((w.name, w.states[1].name) for w in watches),
            self.spec.monitor.shown,
            rule.point,
        )

    def _follow_schedules(self, body: _Section) -> None:
        """The values of schedules in this iteration, within the ranges that the rule and layers require."""
        for follower in self.followers:
            body.builder.assign(follower.name, follower.value, follower.span)
        for condition in self._required():
            body.builder.stop(ir.apply("not", self._expr(condition, body)), "range")
        for one in self.told:
            for required in one.required:
                body.builder.stop(ir.apply("not", required), "range")
            body.builder.tell(one.state, one.value)

    def _end_by_criteria(self, section: _Section) -> None:
        """What `train` says of when a run is over: in the body, or in the test of each epoch."""
        training = self.spec.training
        criteria: tuple[tuple[ast.Expr | None, ir.Ending], ...]
        criteria = ((training.diverged, "diverged"), (training.stop, "criterion"))
        for criterion, ending in criteria:
            if criterion is not None:
                if section.builder.measuring:
                    self._schedules_read(criterion, section)
                section.builder.stop(self._expr(criterion, section), ending)

    def _required(self) -> Iterator[ast.Expr]:
        """What the rule requires of parameters that follow a schedule; of the others the checker has asked it."""
        scheduled = {f.name for f in self.followers}
        values = dict(self.spec.optimizer.arguments)
        for setting in self.spec.optimizer.definition.settings:
            for condition in conjuncts(setting.value) if setting.name == "require" else ():
                named = names_in(condition)
                # What is `none` is required nothing of.
                if named & scheduled and not any(isnan(values.get(n, 0.0)) for n in named):
                    yield condition

    def _watch(self, watched: Watched, section: _Section, whole: bool) -> _Watch:
        before, grown = (section.builder.name(f"{watched.name}_{what}") for what in ("before", "grown"))
        watch = _Watch(watched.name, tuple(ir.State(s, ir.SCALAR, ir.Const(0.0)) for s in (before, grown)))
        self._follow(watched, watch, section, whole)
        return watch

    def _follow(self, watched: Watched, watch: _Watch, section: _Section, whole: bool) -> None:
        """Statements that compare the function at n, of all samples, with its value at n-1.

        Its states are set at once: what is seen at the theta[n] at which a run ends counts too. Once more at n they
        change nothing.
        """
        builder, nowhere = section.builder, watched.written.span
        before, grown = (state.name for state in watch.states)
        now = builder.name(f"{watched.name}_now")
        builder.watching = True
        value = self._expr(watched.value, section if whole else _Section(builder, "full"))
        builder.watching = False
        builder.assign(now, value, nowhere)
        last, count, new = (ir.Var(v, ir.SCALAR) for v in (before, grown, now))
        jump = ir.apply("mul", ir.Const(GROWTH), ir.apply("abs", last))
        grows = ir.apply("gt", ir.apply("sub", new, last), jump)
        # One that is lost (infinite, NaN) ends the run: the runtime counts that growth.
        seen = ir.apply("lt", ir.apply("abs", new), ir.Const(float("inf")))
        for condition in (seen, ir.apply("gt", CLOCKS["n"], ir.Const(0.0))):
            grows = ir.apply("and", grows, condition)
        added = ir.apply("select", grows, ir.apply("add", count, ir.Const(1.0)), count)
        builder.assign(grown, added, nowhere)
        builder.assign(before, new, nowhere)

    def _schedules_read(self, stop: ast.Expr, section: _Section) -> None:
        for follower in self.followers:
            if follower.name in names_in(stop):
                section.builder.assign(follower.name, follower.value, follower.span)

    def _initial(self, value: ast.Expr, others: Mapping[str, ir.Expr]) -> ir.Expr:
        at_start = {f.name: f.first for f in self.followers}
        names = {**self.names, "n": ir.Const(0.0), "epoch": ir.Const(0.0), **at_start, **others}
        env = Environment(names, self.functions, parameters=self.spec.parameters, as_written=self.as_written)
        return simplify(lower_expr(value, env))

    # -- actions -----------------------------------------------------------------------------------

    def _action(self, action: ast.Action, section: _Section) -> None:
        builder = section.builder
        match action:
            case ast.Equation(name, (index,), value):
                axes = self.axes[name]
                kept = builder.name(f"{name}_kept")
                builder.assign(kept, spread(self._expr(value, section), axes), action.span)
                builder.store(name, self._expr(index, section), kept, axes)
            case ast.Equation(name, _, value):
                found = self._expr(value, section)
                builder.assign(name, spread(found, self.axes.get(name, ir.SCALAR)), action.span)
            case ast.For(index, ast.Range(start, stop), body):
                self.names[index] = ir.Var(index, ir.SCALAR)
                first, last = self._expr(start, section), self._expr(stop, section)
                with builder.for_(index, first, last, _assigned(body)):
                    self._actions(body, section)
            case ast.Repeat(bound, body):
                rounds = BOUND if bound is None else max(1, int(number(bound)))
                with builder.repeat(rounds, _assigned(body)):
                    self._actions(body, section)
            case ast.Until(condition):
                builder.until(self._expr(condition, section))
            case ast.If(condition, body, otherwise):
                with builder.if_(self._expr(condition, section)) as begin_otherwise:
                    self._actions(body, section)
                    begin_otherwise()
                    self._actions(otherwise, section)
            case ast.End(word, condition):
                builder.stop(self._expr(condition, section), "criterion" if word == "stop" else "step")
            case ast.For():
                raise AssertionError("a loop over no range was let through by the check")
            case _:
                assert_never(action)

    def _actions(self, actions: tuple[ast.Action, ...], section: _Section) -> None:
        for action in actions:
            self._action(action, section)

    def _expr(self, expr: ast.Expr, section: _Section) -> ir.Expr:
        env = Environment(
            self.names,
            self.functions,
            self.losses,
            self._evaluator(section),
            self._fetcher(section),
            frozenset(self.spec.optimizer.body.memories),
            self.spec.parameters,
            self.as_written,
        )
        return lower_expr(expr, env)

    def _fetcher(self, section: _Section) -> Callable[[str, ast.Expr | None, str], ir.Expr]:
        def fetch(memory: str, index: ast.Expr | None, reduction: str) -> ir.Expr:
            axes = self.axes[memory]
            if index is not None:
                return section.builder.fetch(memory, self._expr(index, section), axes)
            return over_batches(section.builder, memory, axes, reduction)

        return fetch

    def _evaluator(self, section: _Section) -> Callable[[Evaluation, ir.Expr | None], ir.Expr]:
        def evaluate(node: Evaluation, point: ir.Expr | None) -> ir.Expr:
            match node:
                case ast.Gradient(batch=batch):
                    want = "gradient"
                case ast.Call(ast.Index(_, batch)):
                    want = "loss"
                case _:
                    want, batch = "loss", None
            chosen = section.batch if batch is None else simplify(self._expr(batch, section))
            return section.builder.evaluate(point or THETA, chosen, want, node.span)

        return evaluate


def _assigned(body: tuple[ast.Action, ...]) -> set[str]:
    """Names that a loop's body gives new values to."""
    nodes = [n for a in body for n in walk(a)]
    return {n.name for n in nodes if isinstance(n, ast.Equation | ast.For)}


__all__ = ["Follower", "lower_rule"]
