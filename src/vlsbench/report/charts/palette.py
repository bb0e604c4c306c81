"""Colours and sizes of figures on paper, as the figure that is being drawn has them."""

from __future__ import annotations

SERIES = ("#2b4c9b", "#c0561b", "#1f7f63", "#8a4aa5", "#86700c", "#b2376c", "#2f7d9c", "#6a6a6a")
"""The colours of series, unless others are asked for."""


def colour(number: int) -> str:
    """The colour of a series; after the last they begin anew, in another pattern."""
    import matplotlib as mpl

    colours: list[str] = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    return colours[number % len(colours)]


def small(less: float = 1.0) -> float:
    """A size somewhat below that of the text."""
    import matplotlib as mpl

    return float(mpl.rcParams["font.size"]) - less
