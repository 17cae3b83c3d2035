"""Executes CUDA kernels thread by thread, and finds what compute-sanitizer would: its four tools, on the kernel's text.

    race        two threads touch an element, one of them writes, and nothing orders the two; integer atomics apart
    barrier     not all threads of a block reach it, or they reach different ones
    bounds      an index below 0, or beyond its array
    unwritten   an element of shared, local or scratch memory is read before anything was written there

Functions that can wait become generators, and every thread of a launch a coroutine that runs from one barrier to the
next. What orders two accesses is their vector clocks (Lamport 1978; Flanagan and Freund, PLDI 2009): a barrier joins
those of a block, an atomic operation hands on what its thread had fenced before it to who fences after it. So a race
is found in whatever order the threads happen to run. Knows nothing of what a kernel computes, or how it is built.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from cuda_coroutines import HERE, KERNEL, Fault, translated

OURS = (HERE, __file__)
PATIENCE = 10_000
"""Turns of all threads without an effect, after which they wait for ever."""

Place = tuple[str, int]
"""File and line."""
Past = dict[int, tuple[int, Place]]
"""Thread -> its own clock, and where it was."""


@dataclass
class Cell:
    """Accesses of an element that the next one must come after."""

    read: Past = field(default_factory=dict)
    write: Past = field(default_factory=dict)
    update: Past = field(default_factory=dict)


class Memory:
    """The elements of an array, however it is looked at."""

    def __init__(
        self, machine: Machine, name: str, values: np.ndarray, written: bool, private: bool = False
    ) -> None:
        self.machine, self.name, self.private = machine, name, private
        self.values = values.reshape(-1)
        assert np.shares_memory(self.values, values) or not values.size
        self.written = bytearray([written]) * values.size
        self.cells: dict[int, Cell] = {}
        if not written:
            self.values[:] = np.nan if values.dtype.kind == "f" else np.iinfo(values.dtype).min // 3

    def read(self, place: int) -> Any:
        if not self.written[place]:
            self.machine.find("unwritten", f"{self.name}[{place}] is read")
        if not self.private:
            self.touch(place, "read")
        return self.values[place] if self.values.dtype.kind == "f" else int(self.values[place])

    def write(self, place: int, value: Any) -> None:
        self.written[place] = True
        if not self.private:
            self.touch(place, "write")
        self.values[place] = value

    def touch(self, place: int, kind: str) -> None:
        machine = self.machine
        me, clock = machine.me, machine.clocks[machine.me]
        cell = self.cells.get(place)
        if cell is None:
            cell = self.cells[place] = Cell()
        for other, past in (("read", cell.read), ("write", cell.write), ("update", cell.update)):
            if other == kind != "write":
                continue
            for thread, (then, where) in past.items():
                if then > clock[thread] and thread != me:
                    what = f"{kind} of {self.name}[{place}] by {machine.who(me)}, {other} of it by {machine.who(thread)}"
                    machine.find("race", f"{what} in line {machine.line(where)}", where)
        own = (clock[me], here())
        if kind == "write":
            cell.read, cell.write, cell.update = {}, {me: own}, {}
        elif kind == "read":
            cell.read[me] = own
        else:
            cell.update[me] = own


class View:
    """An array as kernels see it: whole, a row, or a part of one."""

    def __init__(self, memory: Memory, start: int, shape: tuple[int, ...]) -> None:
        self.memory, self.start, self.shape = memory, start, shape

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def find(self, index: Any) -> View:
        view = self
        for i in index if isinstance(index, tuple) else (index,):
            count, *rest = view.shape
            first, last = (i.start or 0, i.stop) if isinstance(i, slice) else (int(i), int(i) + 1)
            last = count if last is None else last
            if not 0 <= first <= last <= count:
                text = f"{first}:{last}" if isinstance(i, slice) else f"{first}"
                raise Fault(f"bounds: [{text}] of {self.memory.name}, which has {count} there")
            shape = (last - first, *rest) if isinstance(i, slice) else tuple(rest)
            view = View(view.memory, view.start + first * math.prod(rest), shape)
        return view

    def __getitem__(self, index: Any) -> Any:
        view = self.find(index)
        return view if view.shape else view.memory.read(view.start)

    def __setitem__(self, index: Any, value: Any) -> None:
        view = self.find(index)
        if view.shape:
            raise Fault(f"a row of {self.memory.name} is assigned to as a whole")
        view.memory.write(view.start, value)


def here() -> Place:
    """Where the thread that runs is, in a kernel or in what it calls."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename in OURS:
        assert frame.f_back
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


Coroutine = Generator[str, None, None]


class Machine:
    """A launch: its threads, their clocks, what was found. Also the `cuda` of the kernel in hand."""

    def __init__(self) -> None:
        self.found: dict[tuple[Any, ...], str] = {}
        self.atomic = SimpleNamespace(
            add=self._atomic(operator.add), sub=self._atomic(operator.sub), max=self._atomic(max),
            min=self._atomic(min), exch=self._atomic(lambda old, new: new), cas=self._swap,
        )  # fmt: skip
        self.shared = SimpleNamespace(array=self._shared)
        self.local = SimpleNamespace(
            array=lambda n, kind: self._array("a local array", n, kind, private=True)
        )

    @property
    def findings(self) -> list[str]:
        return list(self.found.values())

    def find(self, kind: str, text: str, other: Place | None = None) -> None:
        """Noted once for each pair of lines."""
        place = here()
        self.found.setdefault((kind, place, other), f"{kind}: line {self.line(place)}: {text}")

    def who(self, thread: int) -> str:
        """Its block, then its number there."""
        return f"thread {thread // self.threads}.{thread % self.threads}"

    def line(self, place: Place) -> str:
        return f"{place[1]}" if place[0] == KERNEL else f"{place[1]} of {Path(place[0]).name}"

    # -- what kernels call ---------------------------------------------------------------------------

    def jit(self, **options: Any) -> Callable[[Any], Any]:
        return lambda function: function

    def grid(self, dimensions: int) -> int:
        return self.me

    def gridsize(self, dimensions: int) -> int:
        return self.blocks * self.threads

    def threadfence(self) -> None:
        """All before it is before all that sees an atomic operation behind it, and fences too."""
        clock = self.clocks[self.me]
        join(clock, self.seen[self.me])
        self.fenced[self.me] = clock.copy()
        clock[self.me] += 1

    def _array(self, name: str, count: int, kind: Any, private: bool = False) -> View:
        return View(Memory(self, name, np.zeros(int(count), kind), False, private), 0, (int(count),))

    def _shared(self, count: int, kind: Any, alignment: int | None = None) -> View:
        """One for each place in the text, and each block."""
        frame = sys._getframe(1)
        key = self.me // self.threads, frame.f_code, frame.f_lasti
        if key not in self.arrays:
            self.arrays[key] = self._array(f"the shared array of line {self.line(here())}", count, kind)
        return self.arrays[key]

    def _update(self, array: View, index: int, new: Callable[[Any], Any]) -> Generator[str, None, Any]:
        memory, place = array.memory, array.find(index).start
        if memory.values.dtype.kind == "f":
            self.find("atomic", f"of a floating-point number, {memory.name}[{place}]")
        if not memory.written[place]:
            self.find("unwritten", f"{memory.name}[{place}] is updated")
        memory.touch(place, "update")
        handed_on = self.handed_on.setdefault((id(memory), place), [0] * len(self.clocks))
        join(handed_on, self.fenced[self.me])
        join(self.seen[self.me], handed_on)
        old = memory.values[place]
        memory.values[place] = new(old)
        yield "moved" if memory.values[place] != old else "idle"
        return int(old)

    def _atomic(self, combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda array, index, value: self._update(array, index, lambda old: combine(old, value))

    def _swap(self, array: View, index: int, old: int, new: int) -> Generator[str, None, Any]:
        return self._update(array, index, lambda found: new if found == old else found)

    # -- a launch ------------------------------------------------------------------------------------

    def launch(
        self, text: str, blocks: int, threads: int, arguments: dict[str, Any], unwritten: tuple[str, ...] = ()
    ) -> list[str]:
        """What is wrong with `advance` of this text; what it does is done to the arrays among its arguments."""
        self.blocks, self.threads = blocks, threads
        count = blocks * threads
        self.clocks = [[int(t == u) for u in range(count)] for t in range(count)]
        self.fenced, self.seen = ([[0] * count for _ in range(count)] for _ in range(2))
        self.arrays: dict[Any, View] = {}
        self.handed_on: dict[Any, list[int]] = {}
        self.blockDim, self.gridDim = SimpleNamespace(x=threads), SimpleNamespace(x=blocks)
        seen = [
            View(Memory(self, name, a, name not in unwritten), 0, a.shape) if isinstance(a, np.ndarray) else a
            for name, a in arguments.items()
        ]
        kernel = translated(text, self)
        with np.errstate(all="ignore"):
            self._run([kernel(*seen) for _ in range(count)])
        return self.findings

    def _run(self, coroutines: list[Coroutine]) -> None:
        """Thread after thread, each up to where it waits; a block goes on when all of its threads wait."""
        state = dict.fromkeys(range(len(coroutines)), "moved")
        idle = 0
        while (going := [t for t in state if state[t] not in ("ended", "barrier")]) and idle < PATIENCE:
            for t in going:
                self.me = t
                self.threadIdx = SimpleNamespace(x=t % self.threads)
                self.blockIdx = SimpleNamespace(x=t // self.threads)
                try:
                    state[t] = next(coroutines[t], "ended")
                except Exception as error:
                    self._died(error)
                    return
            idle = idle + 1 if all(state[t] == "idle" for t in going) else 0
            for first in range(0, len(state), self.threads):
                block = range(first, first + self.threads)
                if all(state[t] in ("ended", "barrier") for t in block) and not self._meet(
                    block, coroutines, state
                ):
                    return
        if going:
            self.found["barrier",] = f"barrier: {self.who(going[0])} and others wait for ever"

    def _died(self, error: Exception) -> None:
        trace = error.__traceback__
        places = []
        while trace:
            places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
            trace = trace.tb_next
        place = [p for p in places if p[0] not in OURS][-1]
        what = str(error) if isinstance(error, Fault) else f"error: {error!r}"
        kind, _, rest = what.partition(": ")
        self.found[kind, place] = f"{kind}: line {self.line(place)}: {self.who(self.me)}: {rest}"

    def _meet(self, block: range, coroutines: list[Coroutine], state: dict[int, str]) -> bool:
        """All threads of a block have come to a barrier, or to their end; whether that is the same one."""
        places = {t: tuple(standing(coroutines[t])) for t in block if state[t] == "barrier"}
        if not places:
            return True
        if len(set(places.values())) > 1 or len(places) < len(block):
            first = next(iter(places))
            other = next(t for t in block if places.get(t) != places[first])
            there = " < ".join(map(self.line, reversed(places[other]))) if other in places else "its end"
            lines = " < ".join(map(self.line, reversed(places[first])))
            self.found["barrier",] = (
                f"barrier: line {lines}: {self.who(first)} waits here, {self.who(other)} is at {there}"
            )
            return False
        together = [max(times) for times in zip(*(self.clocks[t] for t in block), strict=True)]
        for t in block:
            self.clocks[t] = together.copy()
            self.clocks[t][t] += 1
            state[t] = "moved"
        return True


def join(clock: list[int], other: list[int]) -> None:
    clock[:] = map(max, clock, other)


def standing(coroutine: Any) -> Iterator[Place]:
    """The lines that a waiting thread is in, outermost first."""
    while coroutine is not None:
        if (frame := coroutine.gi_frame).f_code.co_filename not in OURS:
            yield frame.f_code.co_filename, frame.f_lineno
        coroutine = coroutine.gi_yieldfrom
