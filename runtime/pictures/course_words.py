"""What a picture says of courses: where they led, what its lines mean, what tells them apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netc.runtime.pictures.course import Mark, clock, has_curves, marks, parts_of
from netc.runtime.pictures.style import count, short
from netc.runtime.results.folder_reader import Kept


def chosen_at(one: Kept) -> float | None:
    """On the clock of the picture; of a run alone."""
    name = "kept_steps" if clock(one)[0] == "iteration n" else "kept_epochs"
    return float(one.runs[name][0]) if one.count == 1 and name in one.runs else None


def common_marks(drawn: Sequence[Kept]) -> list[Mark]:
    """Those that all have."""
    first, *others = [marks(one) for one in drawn]
    return [
        mark for mark in first if all((mark.at, mark.text) in [(m.at, m.text) for m in ms] for ms in others)
    ]


def led_to(kept: Sequence[Kept], drawn: Sequence[Kept]) -> str:
    """Where it led."""
    if len(drawn) == 1:
        return f"{drawn[0].name}: {_end(drawn[0])}, {_length(drawn[0])}"
    if len(drawn) <= 3:
        return "; ".join(f"{title(kept, one)}: {_end(one)}" for one in drawn)
    best = min(drawn, key=lambda one: _last(one, "train"))
    return f"Of {len(drawn)}, {title(kept, best)} ends lowest: {_end(best)}"


def _end(kept: Kept) -> str:
    """`loss 0.0282 (test 0.0606)`: the figures of what is kept, which are the last ones but for `keep`; medians of several
    runs."""
    losses = {part: _last(kept, part) for part, _ in parts_of(kept, "loss") if part != "batches"}
    several = "median " if kept.count > 1 else ""
    rest = ", ".join(f"{part} {short(value)}" for part, value in losses.items() if part != "train")
    return f"{several}loss {short(losses['train'])}" + (f" ({rest})" if rest else "")


def _last(kept: Kept, part: str) -> float:
    if chosen_at(kept) is not None:
        return float(kept.runs[f"loss_{part}"][0])
    return float(dict(parts_of(kept, "loss"))[part].median[-1])


def _length(kept: Kept) -> str:
    name, moments = clock(kept)
    unit, chosen = ("iteration" if name == "iteration n" else "epoch"), chosen_at(kept)
    return f"{moments.max():g} {unit}s" if chosen is None else f"{unit} {chosen:g} of {moments.max():g}"


def notes_of(kept: Sequence[Kept]) -> Iterator[str]:
    if len(kept) == 1 and kept[0].count > 1:
        yield f"line: median of {count(kept[0].count)} runs; bands: quartiles, and 5 % to 95 %"
    elif any(one.count > 1 for one in kept):
        yield "medians over the runs"
    if found := common_marks([one for one in kept if has_curves(one)]):
        names = ", ".join(sorted({mark.name for mark in found}))
        yield f"dotted: there {names} becomes the number beside"
    if len(kept) == 1 and (chosen := chosen_at(kept[0])) is not None:
        yield f"the line at {chosen:g}: what is kept"
    if lost := [title(kept, one) for one in kept if not has_curves(one)]:
        yield f"not drawn, since not finite: {', '.join(lost)}"


def about(kept: Sequence[Kept]) -> str:
    """The line below a picture: of what it is."""
    if len(kept) == 1:
        return f"{kept[0].rule}({kept[0].settings}) on {kept[0].setup}"
    setups = {one.setup for one in kept}
    return setups.pop() if len(setups) == 1 else f"{len(setups)} problems"


def title(kept: Sequence[Kept], one: Kept) -> str:
    """What tells it apart: its rule, or its file, or its folder."""
    for name in (lambda k: k.rule, lambda k: f"{k.rule}({k.settings})", lambda k: k.name):
        names = [name(k) for k in kept]
        if len({*names}) == len(names) and len(name(one)) <= 40:
            return str(name(one))
    return one.path.name
