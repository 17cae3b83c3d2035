"""What `netc explain CODE` tells of a diagnostic code."""

from __future__ import annotations

from netc.dsl.record import record


@record
class Story:
    """`title` is one line; `text` says when the error comes, why it is one, and shows a fix."""

    title: str
    text: str
