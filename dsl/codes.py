"""The longer story of every diagnostic code, for `netc explain CODE`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """`title` is one line; `text` says when it comes, why it is an error, and shows a fix."""

    title: str
    text: str


CODES: dict[str, Story] = {}
