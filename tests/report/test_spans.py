"""Queries with their leaking spans marked."""

from vlsbench.audit.overlap import Span
from vlsbench.cli.terminal import clean
from vlsbench.report.spans import marked


def spans(*places, source="description"):
    return [Span(start=start, end=end, source=source) for start, end in places]


def test_spans_are_styled_or_bracketed():
    text = "Paint the fence"
    line = marked(text, spans((10, 15)), clean)
    assert line.plain == text
    assert [(part.start, part.end, part.style) for part in line.spans] == [(10, 15, "bold red")]
    assert marked(text, spans((10, 15)), clean, colour=False).plain == "Paint the [[fence]]"


def test_overlapping_and_impossible_spans_do_no_harm():
    text = "Paint the fence"
    found = marked(text, spans((0, 9), (6, 15), (12, 99), (-3, 2), (7, 7), (50, 60)), clean, colour=False)
    assert found.plain == "[[Pa]][[int the]][[ fence]]"


def test_hostile_text_is_made_safe_and_the_places_still_fit():
    text = "\x1b[31mPaint\u202e the\nfence [red]"
    assert marked(text, spans((16, 21)), clean, colour=False).plain == "[31mPaint the [[fence]] [red]"


def test_sources_have_their_own_colours():
    (part,) = marked("fence", spans((0, 5), source="ocr"), clean).spans
    assert part.style == "bold magenta"
