"""A query with its leaking spans marked, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vlsbench.audit.overlap import Span

if TYPE_CHECKING:
    from rich.text import Text

Clean = Callable[[str], str]

_STYLES = {"description": "bold red", "ocr": "bold magenta"}


def marked(text: str, spans: Sequence[Span], clean: Clean, *, colour: bool = True) -> Text:
    """The query as one line, with each leaking span in colour, or between ``[[`` and ``]]``.

    Args:
        text: The query as it is in the dataset.
        spans: Offsets into it, in any order; they may overlap, and what lies outside the text is ignored.
        clean: Makes dataset text safe for a terminal; offsets are applied before.
        colour: Mark by colour: the description's spans red, those of the text in the image magenta. Else by
            brackets, for output without colours.
    """
    from rich.text import Text

    line = Text()
    done = 0
    for start, end, source in _apart(text, spans):
        line.append(clean(text[done:start]))
        piece = clean(text[start:end])
        if colour:
            line.append(piece, style=_STYLES.get(source, "bold"))
        else:
            line.append(f"[[{piece}]]")
        done = end
    line.append(clean(text[done:]))
    return line


def _apart(text: str, spans: Sequence[Span]) -> list[tuple[int, int, str]]:
    """Spans in order, cut so that none overlaps the one before it."""
    found: list[tuple[int, int, str]] = []
    done = 0
    for span in sorted(spans, key=lambda span: (span.start, span.end, span.source)):
        start, end = max(span.start, done), min(span.end, len(text))
        if start < end:
            found.append((start, end, span.source))
            done = end
    return found
