"""Expectations that cannot be judged meet a pinned message, before anything is trained."""

from pathlib import Path

import pytest

from netc.dsl.diagnostics import SpecError, render
from netc.runtime.opening import open_session
from netc.runtime.program_file import read_file

BAD = Path(__file__).with_name("bad_expect")
PROGRAMS = sorted(BAD.glob("*.net"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_message_is_the_pinned_one(path: Path, update_golden: bool) -> None:
    with pytest.raises(SpecError) as error:
        _ = open_session(read_file(path, path.name), {}).program
    said = render(error.value.diagnostics) + "\n"
    pinned = path.with_suffix(".out")
    if update_golden:
        pinned.write_text(said, encoding="utf-8")
    assert said == pinned.read_text(encoding="utf-8")
    assert f"[{path.stem[:5]}]" in said
