"""What the recorders share: the gradients, what is asked of a library, and the form of the file.

A recorder (`record_torch.py`, ...) runs where its library is installed, not where netc is; netc's tests read the files only:

    cd tests && python -m peers.record_chainer

Calls are spelled in Python, which is netc's notation too. The parameters are two tensors, of 4 and 2 numbers. Rates, decays
and the like are numbers of float32, so that a library that keeps them in float32 loses nothing.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data"
CUT, WHOLE = 4, 6
FACTORS = np.array([1.0] * 20 + [0.125] * 15 + [0.015625] * 15)
"""Of the rate, in a run whose call ends with `STEPS`."""
STEPS = " in steps"
ONE = " as one tensor"
ROUNDED = re.compile(r" to [\d.e-]+")
"""After a call: how far the library is from float64, as it keeps something in float32; 1e-12 where nothing is said."""
PROBES = (-1.0, -0.0009765625, 0.0, 0.5, 0.9990234375, 1.0, 1.0009765625, 2.0)
"""The values that every numeric parameter is tried with, alone, the others as they are by default."""


def given():
    """Where the runs start (6) and their gradients (50, 6): one is always 0, one nearly, and a burst comes late."""
    kept = json.loads((DATA / "dialects" / "torch__sgd__plain.json").read_text(encoding="utf-8"))
    return np.array(kept["initial_point"]), np.array(kept["gradients"])


def trajectory(make, text):
    """theta[0..50] of a run. `make(call, parts)` gives an object with `rate`, `step(gradients)` and `values()`."""
    point, gradients = given()
    call = call_of(text)
    cut = [] if ONE in text else [CUT]
    rule = make(call, np.split(point, cut))
    path = [point]
    for factor, gradient in zip(FACTORS, gradients, strict=True):
        if STEPS in text:
            rule.scale(factor)
        rule.step(np.split(gradient, cut))
        path.append(np.concatenate([np.ravel(v) for v in rule.values()]).astype(np.float64))
    return np.array(path)


def call_of(text):
    return ROUNDED.sub("", text).replace(STEPS, "").replace(ONE, "")


def signature(thing, skip=()):
    """[[name, default], ...] in order; [name] alone where there is none; [name, default, "keyword"] after a `*`.

    What is no number, text or tuple as `repr`.
    """
    found = []
    for p in inspect.signature(thing).parameters.values():
        if p.name in skip or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
            continue
        known = [p.name] if p.default is p.empty else [p.name, plain(p.default)]
        found.append(known + ["keyword"] * (p.kind == p.KEYWORD_ONLY))
    return found


def plain(value):
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return float(value) if isinstance(value, (np.floating, np.integer)) else repr(value)


def refused(make, name, parameters):
    """For each numeric parameter, `betas[1]` for a part of a tuple, the probes that the library does not take.

    A rule takes a value if it can be made with it and makes a step.
    """
    needed = {p[0]: 0.125 for p in parameters if len(p) == 1}
    found = {}
    for p in parameters:
        default = p[1] if len(p) > 1 else 0.125
        if isinstance(default, (bool, str)):
            continue
        places = range(len(default)) if isinstance(default, list) else [None]
        for place in places:
            where = p[0] if place is None else f"{p[0]}[{place + 1}]"
            found[where] = [v for v in PROBES if not takes(make, name, needed, p[0], at(default, place, v))]
    return found


def raised(make, text):
    """The calls of a text, all of which the library must refuse: what may not stand together."""
    point, _ = given()
    for call in calls(text):
        try:
            make(call, np.split(point, [CUT]))
        except (ValueError, AssertionError, RuntimeError):
            continue
        raise SystemExit("the library takes " + call)
    return calls(text)


def at(default, place, value):
    return value if place is None else tuple(value if i == place else d for i, d in enumerate(default))


def takes(make, name, needed, parameter, value):
    arguments = dict(needed, **{parameter: value})
    call = f"{name}({', '.join(f'{n}={v!r}' for n, v in arguments.items())})"
    point, gradients = given()
    try:
        with np.errstate(all="ignore"):
            rule = make(call, np.split(point, [CUT]))
            rule.step(np.split(gradients[0], [CUT]))
    except Exception:
        return False
    return True


def calls(text):
    return [line for line in text.split("\n") if line.strip()]


def record(library, versions, make, runs, signatures, ranges, more=None):
    """Writes tests/data/recorded/LIBRARY.npz: `about` is JSON, `trajectories` are (runs, 51, 6), float64."""
    names = sorted({re.match(r"[\w.]+", c).group() for c in calls(runs)})
    about = {
        "versions": versions,
        "calls": calls(runs),
        "signatures": signatures,
        "refused": {n: refused(make, n, ranges[n]) for n in names if n in ranges},
    }
    about.update(more or {})
    paths = np.array([trajectory(make, c) for c in calls(runs)])
    folder = DATA / "recorded"
    folder.mkdir(exist_ok=True)
    np.savez_compressed(folder / (library + ".npz"), about=json.dumps(about), trajectories=paths)
    print(
        library,
        paths.shape,
        "not finite:",
        [c for c, p in zip(calls(runs), paths, strict=True) if not np.isfinite(p).all()],
    )
