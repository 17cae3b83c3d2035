"""How a diagnostic is drawn: the carets stand under the text whatever the line holds."""

from __future__ import annotations

from netc.dsl.diagnostics import WIDEST, Diagnostic, SpecError, render
from netc.dsl.source import Source, Span


def draw(text: str, start: int, end: int, label: str = "") -> list[str]:
    span = Span(Source("t.net", text), start, end)
    return render([Diagnostic("E0000", "wrong", span, label)]).split("\n")


def test_head_names_file_line_and_column() -> None:
    assert draw("a\nb = 1\n", 2, 3)[0] == "t.net:2:1: error[E0000]: wrong"


def test_carets_under_plain_text() -> None:
    _, line, carets = draw("loss R = 2\n", 5, 6, "here")
    assert line == "  1 | loss R = 2"
    assert carets == "    |      ^ here"


def test_tabs_are_kept_so_that_carets_align() -> None:
    _, line, carets = draw("\tx\t= 2\n", 3, 4)
    assert line == "  1 | \tx\t= 2"
    assert carets == "    | \t \t^"


def test_greek_is_one_column_and_wide_letters_are_two() -> None:
    assert draw("θ = 値 + x", 8, 9)[2] == "    | " + " " * 9 + "^"
    assert draw("θ = 値 + x", 4, 5)[2] == "    |     ^^"


def test_combining_marks_take_no_column() -> None:
    assert draw("e\u0301 = x", 5, 6)[2] == "    | " + " " * 4 + "^"


def test_end_of_file() -> None:
    text = "loss R ="
    assert draw(text, len(text), len(text))[1:] == ["  1 | loss R =", "    |         ^"]


def test_empty_file_has_no_excerpt() -> None:
    assert draw("", 0, 0) == ["t.net:1:1: error[E0000]: wrong"]


def test_span_over_several_lines_is_drawn_on_its_first() -> None:
    assert draw("f(a,\n  b)\n", 0, 9)[1:] == ["  1 | f(a,", "    | ^^^^"]


def test_carriage_returns_are_not_drawn() -> None:
    assert draw("f(a,\r\n  b)\r\n", 0, 10)[1:] == ["  1 | f(a,", "    | ^^^^"]


def test_long_line_is_clipped_around_the_span() -> None:
    text = "x" * 300 + "@@" + "y" * 300
    _, line, carets = draw(text, 300, 302)
    assert len(line) < WIDEST + 20
    assert line[carets.index("^") :].startswith("@@y")
    assert carets.count("^") == 2
    assert line.startswith("  1 | ... x")
    assert line.endswith("y ...")


def test_long_span_ends_with_what_is_shown() -> None:
    _, line, carets = draw("x" * 500, 0, 500)
    assert carets.count("^") == WIDEST
    assert len(line) < WIDEST + 20


def test_related_places_notes_and_hints() -> None:
    source = Source("t.net", "a = 1\na = 2\n")
    d = Diagnostic(
        "E0000",
        "twice",
        Span(source, 6, 7),
        related=((Span(source, 0, 1), "first here"),),
        notes=("n",),
        hints=("h",),
    )
    assert render([d]) == (
        "t.net:2:1: error[E0000]: twice\n  2 | a = 2\n    | ^\n"
        "  t.net:1:1: first here\n  1 | a = 1\n    | ^\n  n\n  hint: h"
    )


def test_errors_are_sorted_by_place() -> None:
    source = Source("t.net", "a\nb\n")
    error = SpecError(
        [Diagnostic("E0002", "b", Span(source, 2, 3)), Diagnostic("E0001", "a", Span(source, 0, 1))]
    )
    assert [d.code for d in error.diagnostics] == ["E0001", "E0002"]
