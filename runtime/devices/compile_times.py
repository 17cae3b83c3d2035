"""How long compiling took last time, by what was compiled: a note in the cache folder, for who waits."""

from __future__ import annotations

import json
from contextlib import suppress

from netc.runtime.atomic import write_text
from netc.runtime.devices.cache_folder import own_folder

NAME = "compile_times.json"


def last(parts: tuple[str, ...]) -> float | None:
    """Seconds."""
    return _noted().get(", ".join(parts))


def note(parts: tuple[str, ...], seconds: float) -> None:
    with suppress(OSError):
        write_text(own_folder() / NAME, json.dumps(_noted() | {", ".join(parts): round(seconds, 2)}))


def _noted() -> dict[str, float]:
    try:
        found = json.loads((own_folder() / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, float)} if isinstance(found, dict) else {}
