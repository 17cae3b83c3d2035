"""Names of update rules: nothing ambiguous runs. The message shows the rules that bear the name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from netc.compiler.meaning.bind_arguments import decided
from netc.compiler.meaning.candidates import candidates, spellings, table
from netc.compiler.meaning.findings import Report, listed
from netc.compiler.meaning.resolve import USUAL, Definitions, of_another_kind, variants, written
from netc.compiler.meaning.resolve_values import number_or_none
from netc.dsl import ast
from netc.dsl.library import libraries
from netc.dsl.names import did_you_mean
from netc.dsl.printer import print_expr
from netc.dsl.source import Span
from netc.dsl.words.vocabulary import joined, meant

MOST_OWNERS = 6
"""Rules that a hint names as those that have a parameter."""


def find_rule(
    name: str, arguments: tuple[ast.Argument, ...], span: Span, definitions: Definitions, report: Report
) -> ast.Optimizer | None:
    table = definitions.optimizers
    found = table.get(name)
    if found is not None and not (variants(table, name) and name.lower() not in table.own):
        return found
    module, _, last = name.rpartition(".")
    bare = last if module.rpartition(".")[2] in MODULES else name  # optim.Adam
    named = {n: (table[n], values) for n, values in spellings(bare, table.names()).items()}
    if len(named) > 1:
        hints = [
            *_owners(arguments, [rule for rule, _ in named.values()]),
            f"'netc explain {name}' compares them",
        ]
        message = joined(f"'{name}' names more than one update rule", _likeliest(name, arguments, named))
        notes = (
            "g is grad R(theta[n]); equations that are not shown are those of the first rule, ~ marks what it has otherwise",
            *_shown(named),
        )
        report.error("E0103", span, message, notes=notes, hints=("; ".join(hints),))
    elif named:
        says = meant(name, "optimizer") or f"here it is called '{next(iter(named))}'"
        report.error("E0102", span, joined(f"there is no optimizer called '{name}'", says))
    elif name.lower().rpartition(".")[2] in MATRICES:
        message = f"'{name}' works on weight matrices: {MATRICES[name.lower().rpartition('.')[2]]}"
        note = "an update rule has numbers and vectors like theta, and reductions of them per layer and per tensor"
        report.error("E0910", span, message, notes=(note,))
    elif name.lower() in DECAY:
        _decay(name, span, "put it among the equations of a rule", report)
    elif name.lower() in CLIPPING:
        find_clip(None, span, definitions, report)
    else:
        says = meant(name, "optimizer") or of_another_kind(name)
        near = () if says else did_you_mean(name, [*table.names(), *{n.split(".")[0] for n in table}])
        shown = "'netc list optimizers' shows all"
        far = (shown,) if says else (*_nearest_rules(last, table.names()), shown, WRITING)
        message = joined(f"there is no optimizer called '{name}'", says)
        report.error("E0102", span, message, hints=near or far)
    return None


WRITING = "a rule of a paper is written in a few lines: docs/writing-a-rule.md"
MODULES = ("optim", "optimizers", "train", "optimiser", "optimizer")
"""Modules of libraries from which a rule is called: `torch.optim.Adam`, `tf.keras.optimizers.Adam`."""
PREFERRED = ("torch", "keras", "optax")
"""Libraries that are likelier meant than others, where several have a rule of the name with the parameters."""


def _likeliest(
    name: str,
    arguments: tuple[ast.Argument, ...],
    named: Mapping[str, tuple[ast.Optimizer, Mapping[str, float]]],
) -> str:
    """The library's spelling whose parameters are those that are given, as a call."""
    given = {a.name for a in arguments if a.name is not None}
    shelves = set(libraries())
    fitting = [n for n, (r, _) in named.items() if n.partition(".")[0] in shelves and given <= _parameters(r)]
    name = name.rpartition(".")[2]
    if not given:
        lower = name == name.lower()
        lasts = {n: n.rpartition(".")[2] for n in fitting}
        same = sorted(
            (n for n, last in lasts.items() if (last.lower() if lower else last) == name), key=_preference
        )
        same = same if not lower or any(n.partition(".")[0] in PREFERRED for n in same) else list(named)
        return f"say whose, {listed(same[:3])}" if same else ""
    if not fitting or given <= set(USUAL.values()):
        return ""

    chosen = min(fitting, key=lambda n: (n.rpartition(".")[2] != name, _preference(n)))
    inside = ", ".join(a.span.text or print_expr(a.value) for a in arguments)
    return f"with these parameters {chosen}({inside})"


def _preference(spelling: str) -> int:
    library = spelling.partition(".")[0]
    return PREFERRED.index(library) if library in PREFERRED else len(PREFERRED)


def _nearest_rules(word: str, names: list[str]) -> tuple[str, ...]:
    """A rule that is nowhere: those whose last names read most like it."""
    by_last: dict[str, str] = {}
    for n in names:
        by_last.setdefault(n.rpartition(".")[2].lower(), n)
    near = get_close_matches(word.lower(), by_last, n=3, cutoff=0.5)
    return (f"the nearest names are {', '.join(by_last[n] for n in near)}",) if near else ()


def _parameters(rule: ast.Optimizer) -> set[str]:
    return {written(p) for p in rule.parameters}


def _shown(named: Mapping[str, tuple[ast.Optimizer, Mapping[str, float]]]) -> tuple[str, ...]:
    return tuple(table(candidates(named)))


def _owners(arguments: tuple[ast.Argument, ...], rules: list[ast.Optimizer]) -> Iterator[str]:
    """To whom a given parameter belongs, where that is not to many."""
    for argument in arguments:
        owners = [d.name for d in rules if argument.name in {p.name for p in d.parameters}]
        if argument.name and 0 < len(owners) < min(len(rules), MOST_OWNERS):
            yield f"the parameter '{argument.name}' belongs to {_several(owners)}"


def find_clip(name: str | None, span: Span, definitions: Definitions, report: Report) -> ast.Clip | None:
    """The clip called `name`; None stands for something that is no name, such as a bare threshold."""
    clips = definitions.clips
    if name is not None and name in clips:
        return clips[name]
    word = (name or "clip").lower()
    same = [n for n in clips.names() if word == "clip" or n.lower().rpartition(".")[2] == word]
    same = same or [n for n in clips.names() if n.lower().startswith(f"{word}.")]
    if len(same) > 1 or name is None:
        shown = [n for n in same if not n.endswith("add_decayed_weights")]
        width = max(map(len, shown))
        notes = tuple(
            f"{n:{width}}  {clips[n].variable} -> {print_expr(_by_default(clips[n]))}" for n in shown
        )
        what = f"'{name}' names" if name else "a threshold alone fits"
        hint = "say which one: clip = torch.clip_grad_norm_(max_norm = 1)"
        report.error("E0103", span, f"{what} more than one way to clip", notes=notes, hints=(hint,))
    else:
        hints = did_you_mean(name, clips.names()) or ("'netc list clips' shows all",)
        message = joined(f"there is no clip called '{name}'", of_another_kind(name) if name else "")
        report.error("E0102", span, message, hints=hints)
    return None


def _by_default(clip: ast.Clip) -> ast.Expr:
    values = {p.name: number_or_none(p.default) for p in clip.parameters if p.default is not None}
    return decided(clip.value, {n: v for n, v in values.items() if v is not None})


MATRICES = {
    "muon": "its Newton-Schulz step is a*X + b*X*X'*X + c*X*X'*X*X'*X",
    "shampoo": "it takes roots of G*G' and G'*G",
    "soap": "it turns the gradient into the eigenvectors of G*G' and G'*G",
    "adafactor": "its second moments are those of the rows and of the columns",
    "galore": "it projects the gradient on its singular vectors",
}
"""Rules that the language cannot say, and why."""

DECAY = ("weight_decay", "decay", "l2")
CLIPPING = ("clip", "clipping", "gradient_clipping", "clip_grad_norm", "clip_by_norm")
DECAYS = (
    "coupled (L2)              g = grad R(theta[n]) + lambda*theta[n], used like the gradient",
    "    torch.SGD, torch.Adam and all of torch but AdamW; paddle.Adam, mlx.SGD, mxnet.SGD, mxnet.Adam, tinygrad.SGD",
    "decoupled, by the rate    theta[n+1] = theta[n] - eta*(... + lambda*theta[n])",
    "    torch.AdamW, EVERY Keras 3 optimizer (keras.Adam too), optax.adamw, optax.lion, mlx.AdamW, paddle.AdamW",
    "decoupled, not by it      theta[n+1] = theta[n] - eta*... - lambda*theta[n]",
    "    loshchilov2019.AdamW, tfa.AdamW, optimisers_jl.AdamW(couple = false), chainer.Adam",
)


def without_decay(
    rule: ast.Optimizer, arguments: tuple[ast.Argument, ...], report: Report
) -> tuple[ast.Argument, ...]:
    """`weight_decay` given to a rule that has none: which one is meant cannot be guessed."""
    names = {p.name for p in rule.parameters}
    decays = [a for a in arguments if a.name in DECAY and a.name not in names]
    for a in decays:
        hint = f"write the equations of '{rule.name}' in a block of your own, with one of them"
        _decay(str(a.name), a.span, hint, report)
    return tuple(a for a in arguments if a not in decays)


def _decay(name: str, span: Span, hint: str, report: Report) -> None:
    notes = (*DECAYS, "lambda*weights*theta[n] spares the biases")
    message = (
        f"'{name}' names more than one update rule: coupled as in torch.Adam, or decoupled as in torch.AdamW"
    )
    report.error("E0103", span, message, notes=notes, hints=(hint,))


def _several(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
