"""`parse(format(p)) == p` for generated programs of every statement, and formatting twice changes nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from netc.dsl import ast
from netc.dsl.format import format_program, print_expr
from netc.dsl.parser import parse, parse_expression
from netc.dsl.source import Source

NAMES = (
    *("eta", "theta", "beta1", "a", "b1", "x_2", "loss", "data", "fan_in", "R", "n"),
    *("at", "most", "parts", "train", "lambda", "Delta"),
)

names = st.sampled_from(NAMES)
dotted = st.one_of(names, st.tuples(names, names).map(".".join))
name_nodes = names.map(ast.Name)
numbers = st.one_of(st.integers(0, 10**6).map(float), st.floats(0, 1e300)).map(ast.Number)
texts = st.text("abc #,()\\.θ_/: +-", max_size=8).map(ast.Text)
shapes = st.lists(st.integers(0, 300), min_size=2, max_size=3).map(tuple).map(ast.Shape)


def several(items: st.SearchStrategy, least: int = 0, most: int = 3) -> st.SearchStrategy:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


def maybe(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | items


def _called(inner: st.SearchStrategy) -> st.SearchStrategy:
    """Names and what may follow them: `f(x)`, `R[i]`, `torch.SGD`."""
    arguments = several(st.builds(ast.Argument, maybe(names), inner))
    return st.recursive(
        name_nodes,
        lambda base: st.one_of(
            st.builds(ast.Member, base, names),
            st.builds(
                ast.Index, base, inner | st.lists(inner, min_size=2, max_size=3).map(tuple).map(ast.Tuple)
            ),
            st.builds(ast.Call, base, arguments),
        ),
        max_leaves=2,
    )


def _composed(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        st.builds(ast.Unary, st.sampled_from("-+"), inner),
        st.builds(ast.Binary, st.sampled_from("+-*/^"), inner, inner),
        st.builds(ast.Compare, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), inner, inner),
        st.builds(ast.Logic, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(ast.Not, inner),
        st.builds(ast.Choose, inner, inner, inner),
        st.builds(ast.Percent, inner),
        st.builds(ast.Absolute, inner),
        st.builds(ast.Range, inner, inner),
        st.builds(ast.Tuple, several(inner, 1)),
        st.builds(ast.Set, several(inner)),
        st.builds(ast.Gradient, names, maybe(inner), maybe(inner)),
        _called(inner),
    )


exprs = st.recursive(st.one_of(numbers, name_nodes, texts, shapes), _composed, max_leaves=8)
values = exprs.filter(lambda e: not isinstance(e, ast.Text))
"""Of equations: a text would say something about the rule instead."""

arguments = several(st.builds(ast.Argument, maybe(names), exprs))
parameters = several(st.builds(ast.Parameter, names, maybe(exprs)))
setting = st.builds(ast.Setting, names, exprs | st.builds(ast.Counted, exprs, names))
more = several(setting)
text_settings = several(st.builds(ast.Setting, names, texts))
among = st.builds(ast.Among, exprs, exprs)
drawn = st.builds(ast.Drawn, exprs, exprs)
use = st.one_of(
    dotted.map(lambda n: _dots(n)), st.builds(ast.Call, dotted.map(lambda n: _dots(n)), arguments)
)


def _dots(name: str) -> ast.Expr:
    first, *rest = name.split(".")
    node: ast.Expr = ast.Name(first)
    for part in rest:
        node = ast.Member(node, part)
    return node


def _used(node: ast.Expr) -> str:
    function = node.function if isinstance(node, ast.Call) else node
    return print_expr(function)


# -- networks ------------------------------------------------------------------------------------

sizes = st.one_of(st.integers(0, 999).map(float).map(ast.Number), shapes, name_nodes)
operations = st.builds(ast.Operation, names.map(str.lower), arguments, several(sizes, most=2))
stages = st.builds(ast.Stage, several(operations, 1, 2), maybe(sizes), st.integers(1, 3))
architectures = st.builds(ast.Architecture, sizes, several(stages, 1))

# -- layers and blocks ---------------------------------------------------------------------------

brackets = st.builds(ast.Architecture, maybe(sizes), several(stages, 1))
block_values = st.one_of(
    brackets,
    st.builds(lambda f, e: ast.Call(f, (ast.Argument(None, e),)), brackets, exprs),
    st.builds(ast.Binary, st.sampled_from("+*"), exprs, brackets),
)
subscripts = several(st.one_of(exprs, st.builds(ast.Among, exprs, exprs)))
roles, nothing = st.sampled_from(["", "weights", "biases"]), st.none()
learned = st.one_of(  # with a first value, or a law, or neither
    st.builds(ast.Learned, names, subscripts, roles, value, law, maybe(exprs))
    for value, law in ((maybe(exprs), nothing), (nothing, exprs))
)
formulas = st.builds(ast.Formula, names, subscripts, values)
guarded = st.one_of(
    st.builds(ast.Formula, names, subscripts, values, exprs),
    st.builds(ast.Formula, names, subscripts, values, st.none(), st.just(True)),
)
draws = st.builds(ast.Draws, names, subscripts, exprs, st.sampled_from(("", "sample", "batch")))
layer_lines = several(st.one_of(st.builds(ast.Learn, several(learned, 1)), formulas, guarded, draws), 1)
block_lines = several(st.builds(ast.Formula, names, st.just(()), block_values | exprs) | draws, 1)
one_line = block_values.map(lambda e: (ast.Formula("", (), e),))

# -- update rules --------------------------------------------------------------------------------

equations = st.builds(ast.Equation, names, several(exprs, most=1), values)
actions = st.recursive(
    equations | st.builds(ast.Until, exprs) | st.builds(ast.End, st.sampled_from(["stop", "fail"]), exprs),
    lambda inner: st.one_of(
        st.builds(ast.For, names, exprs, several(inner, 1)),
        st.builds(ast.Repeat, maybe(exprs), several(inner, 1)),
        st.builds(ast.If, exprs, several(inner, 1), several(inner)),
    ),
    max_leaves=4,
)
bodies = several(actions, 1)

# -- statements ----------------------------------------------------------------------------------

pieces = st.builds(ast.Piece, exprs, maybe(exprs))
closed_forms = exprs.map(lambda value: (ast.Piece(value, None),))
rows = st.builds(ast.Row, several(exprs, 1), several(exprs, 1))
claims = st.one_of(
    exprs,
    st.builds(ast.Compare, st.just("="), exprs, st.builds(ast.Of, exprs, names)),
)
targets = st.sampled_from(["weights", "biases", "theta"]).map(ast.Name)
laws = several(st.one_of(drawn, st.builds(ast.Compare, st.just("="), targets, exprs)), 1)
unlawful = st.builds(ast.Setting, names.filter(lambda n: n != "theta"), exprs)
helpers = several(unlawful)
nothing: st.SearchStrategy = st.just(())
none = st.none()

statements = st.one_of(
    st.builds(ast.Network, architectures),
    st.builds(ast.Block, dotted, parameters, one_line | block_lines),
    st.builds(ast.Layer, dotted, parameters, layer_lines, text_settings),
    st.builds(ast.Activation, names, names, parameters, exprs, more),
    st.builds(lambda u, s: ast.Loss(_used(u), (), u, None, s), use, more),
    st.builds(ast.Loss, dotted, parameters, none, exprs, more),
    st.builds(ast.Objective, dotted, parameters, exprs, more),
    st.builds(ast.Data, several(name_nodes, 1, 1) | several(texts, 1), none, nothing, more),
    st.builds(ast.Data, several(among, 1, 1), exprs, nothing, more),
    st.builds(ast.Data, st.just((ast.Name("inline"),)), none, several(rows, 1), more),
    st.builds(ast.Init, none, nothing, use, nothing, none, nothing),
    st.builds(ast.Init, none, nothing, none, nothing, texts, more),
    st.builds(ast.Init, none, nothing, none, laws, none, helpers),
    st.builds(ast.Init, none, nothing, none, nothing, none, several(unlawful, 1)),
    st.builds(ast.Init, dotted, parameters, none, laws, none, helpers),
    st.builds(lambda u: ast.Optimizer(_used(u), (), u, (), ()), use),
    st.builds(ast.Optimizer, dotted, parameters, none, bodies, text_settings),
    st.builds(ast.Search, dotted, parameters, bodies, text_settings),
    st.builds(ast.Schedule, names, st.just(False), nothing, several(pieces, 1), nothing, more),
    st.builds(
        ast.Schedule,
        names,
        st.just(True),
        parameters,
        exprs.map(lambda e: (ast.Piece(e, None),)),
        nothing,
        more,
    ),
    st.builds(ast.Schedule, names, st.just(True), parameters, nothing, bodies, text_settings),
    st.builds(ast.Train, several(setting, 1)),
    st.builds(ast.Phase, names, several(setting, 1)),
    st.builds(ast.Ensemble, exprs, more),
    st.builds(ast.Finder, names, exprs, exprs, exprs),
    st.builds(ast.Sweep, several(among | drawn, 1), more),
    st.builds(ast.Monitor, several(exprs, 1), more),
    st.builds(ast.Expect, claims, maybe(exprs), more),
    st.builds(ast.Points, names, exprs, maybe(exprs)),
    st.builds(ast.Use, texts),
)
programs = st.builds(ast.Program, several(statements, most=4))


@given(exprs)
@settings(max_examples=200)
def test_printed_expression_reads_back(expr: ast.Expr) -> None:
    assert parse_expression(print_expr(expr)) == expr
    assert parse_expression(print_expr(expr, unicode=True)) == expr


@given(programs)
@settings(max_examples=200)
def test_formatted_program_reads_back(program: ast.Program) -> None:
    source = Source("generated.net", format_program(program, Source("generated.net", "")))
    assert parse(source) == program
    assert format_program(parse(source), source) == source.text


@given(programs)
@settings(max_examples=70)
def test_greek_program_is_the_same(program: ast.Program) -> None:
    text = format_program(program, Source("generated.net", ""), unicode=True)
    assert parse(Source("greek.net", text)) == program


@given(programs, st.data())
@settings(max_examples=70)
def test_comments_are_kept(program: ast.Program, data: st.DataObject) -> None:
    """Comments beside and between lines, and blank lines, change nothing but themselves."""
    lines = []
    for i, line in enumerate(format_program(program, Source("generated.net", "")).splitlines()):
        above = data.draw(
            st.sampled_from(["", "\n", f"# above {i}\n", f"   # above {i}\n", f"\n# above {i}\n\n\n"])
        )
        beside = data.draw(st.sampled_from(["", f"  # beside {i}"]))
        lines.append(above + line + beside)
    source = Source("commented.net", "\n".join(lines))
    assert parse(source) == program
    formatted = Source("commented.net", format_program(parse(source), source))
    assert parse(formatted) == program
    assert format_program(parse(formatted), formatted) == formatted.text
    assert sorted(_comments(formatted.text)) == sorted(_comments(source.text))


def test_comments_in_a_head_of_several_lines_stay_where_they_are_put() -> None:
    """Of two comments in one head the first goes above it, as deep as one that is read there."""
    source = Source(
        "head.net",
        """optimizer eta:
    for k in 1:
        a = 0
    for k in (0,  # first
              1):  # second
        b = 0
""",
    )
    formatted = Source("formatted.net", format_program(parse(source), source))
    assert formatted.text.splitlines()[3:5] == ["        # first", "    for k in (0, 1):  # second"]
    assert format_program(parse(formatted), formatted) == formatted.text


def _comments(text: str) -> list[str]:
    return [
        line[line.index(mark) :]
        for line in text.splitlines()
        for mark in ("# above", "# beside")
        if mark in line
    ]
