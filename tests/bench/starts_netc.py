"""Many starts in netc, through its Python face."""

from __future__ import annotations

from typing import Any

import netc
from bench.starts import Array, Starts
from peers.problems import boston


def data(work: Starts) -> tuple[Any, Any]:
    """X and y of a network; an objective has none."""
    if "network" not in work.text:
        return None, None
    house = boston(samples=404)
    return house.x, house.y


class Netc:
    def __init__(self, work: Starts, theta: Array) -> None:
        """`theta` are netc's own starts."""
        self.work, self.data = work, data(work)
        self.model = netc.compile(
            f"{work.text}train steps = {work.steps}, runs = {work.starts}, {work.train}\n"
        )

    def run(self, starts: int, steps: int) -> Array:
        return self.model.train(*self.data, runs=starts, steps=steps, threads=self.work.threads).theta
