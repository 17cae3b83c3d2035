"""How numba compiles and loads kernels: its settings while it does, which are its own again when nothing of netc compiles.

LLVM at its level 1: kernels are vectors and tiles already, more passes cost seconds for nothing. What numba cannot keep,
on a full disk say, it goes on without. And it looks for new registrations only where there are some: it asks at each
array and each call of an intrinsic, a thousand times for one kernel, which takes a tenth of the compilation. Python's
search for cycles, which finds nothing among what a compilation makes until it is over, takes another tenth.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, get_ident
from typing import Any
from weakref import WeakKeyDictionary

LEVEL = 1
"""Of LLVM's optimization."""
_lock = Lock()
_under_way = 0
_own: tuple[Any, ...] = ()
"""Numba's settings, while netc's hold."""


@contextmanager
def compiling() -> Iterator[None]:
    """Several threads may be in it; numba's own settings hold again when the last one leaves."""
    global _under_way, _own
    import numba
    from numba.core import base, caching

    config: Any = numba.config
    cache: Any = caching.Cache
    context: Any = base.BaseContext
    with _lock:
        if not _under_way:
            _own = config.OPT, cache.save_overload, context.refresh, gc.isenabled()
            gc.disable()
            config.OPT = type(config.OPT)(LEVEL)
            cache.save_overload, context.refresh = _kept(_own[1]), _where_new(_own[2])
        _under_way += 1
    try:
        yield
    finally:
        with _lock:
            _under_way -= 1
            if not _under_way:
                config.OPT, cache.save_overload, context.refresh, collects = _own
                if collects:
                    gc.enable()


def _kept(save: Callable[..., None]) -> Callable[..., None]:
    def kept(self: Any, *compiled: Any) -> None:
        with suppress(OSError):
            save(self, *compiled)

    return kept


def _where_new(refresh: Callable[[Any], None]) -> Callable[[Any], None]:
    """`refresh` of a context, done where there are other registrations than after the last time, and not within itself."""
    seen: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
    under_way = set[tuple[int, int]]()

    def refreshed(self: Any) -> None:
        this = get_ident(), id(self)
        if this in under_way or seen.get(self) == _registered(self):
            return
        under_way.add(this)
        try:
            refresh(self)
        finally:
            under_way.remove(this)
        seen[self] = _registered(self)

    return refreshed


def _registered(context: Any) -> int:
    """Functions, attributes and the like in all registries that a target and its typing have."""
    return sum(
        len(getattr(registry, kind))
        for one in (context, context.typing_context)
        for registry, loader in one._registries.items()
        for kind in loader.registry_items
    )
