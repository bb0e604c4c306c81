"""One small table in four formats: terminal, Markdown, LaTeX and CSV.

Names of models, datasets, categories and samples come from files and servers. Whoever renders passes a
`clean` function that takes control characters and line breaks out of a text; what is special in a format is
escaped here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlsbench.report.terminal.tables import print_table

if TYPE_CHECKING:
    from rich.console import Console

Clean = Callable[[str], str]
Value = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTable:
    """A table for people: `columns` and `rows` are texts, the first `texts` columns words and the others figures.

    `best` are the cells (row, column) that hold the best value of their column, which LaTeX sets in bold.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    best: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table for programs, which CSV is made of."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a command has to say, in every format: `warnings` are in all of them, `notes` in all but CSV."""

    title: str
    tables: tuple[DocumentTable, ...]
    sheet: Sheet
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


# ---- terminal


def print_document(document: Document, console: Console, clean: Clean) -> None:
    """Print a document."""
    console.print(clean(document.title), style="bold", soft_wrap=True)
    for warning in document.warnings:
        console.print(f"Warning: {clean(warning)}", style="yellow")
    for table in document.tables:
        console.print()
        console.print(clean(table.title), style="bold")
        rows = [[clean(cell) for cell in row] for row in table.rows]
        print_table(console, [clean(column) for column in table.columns], rows, texts=table.texts)
    for note in document.notes:
        console.print(clean(note))


# ---- Markdown


def markdown(document: Document, clean: Clean) -> str:
    """The document as Markdown (GitHub's, with pipe tables)."""
    lines = [f"### {_md(clean(document.title))}", ""]
    for warning in document.warnings:
        lines += [f"> **Warning:** {_md(clean(warning))}", ""]
    for table in document.tables:
        marks = [":---" if number < table.texts else "---:" for number in range(len(table.columns))]
        lines += [f"**{_md(clean(table.title))}**", ""]
        lines += [_md_row([_md(clean(head)) for head in table.columns]), _md_row(marks)]
        lines += [_md_row([_md(clean(cell)) for cell in row]) for row in table.rows]
        lines.append("")
    for note in document.notes:
        lines += [_md(clean(note)), ""]
    return "\n".join(lines)


def _md_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _md(text: str) -> str:
    """Text that shows as it is: no markup, HTML, links, mentions or further cells; intervals keep their brackets."""
    text = re.sub(r"[\\`*_|~$#!^]", r"\\\g<0>", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"\[(?![\d+-])|(?<=\])(?=[(\[:])", lambda found: "\\[" if found[0] else "\\", text)
    # A zero-width character would travel along when the name is copied; an entity does not.
    return re.sub(r"(?i)@(?=\w)|:(?=//)|(?<=www)\.", lambda found: f"&#{ord(found[0])};", text)


# ---- LaTeX

_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "…": r"\ldots{}",
    "†": r"\textdagger{}",
}


def latex(document: Document, clean: Clean) -> str:
    r"""The document as LaTeX tables; they need ``\usepackage{booktabs}`` and ``\usepackage[T1]{fontenc}``."""
    lines = [f"% {clean(document.title)}", r"% needs \usepackage{booktabs} and \usepackage[T1]{fontenc}"]
    lines += [f"% Warning: {clean(warning)}" for warning in document.warnings]
    lines += [f"% {clean(note)}" for note in document.notes]
    for number, table in enumerate(document.tables):
        shape = "l" * table.texts + "r" * (len(table.columns) - table.texts)
        caption = _tex(clean(table.title))
        if number == 0 and document.warnings:
            caption += " " + " ".join(f"\\emph{{Warning: {_tex(clean(warning))}}}" for warning in document.warnings)
        lines += ["", r"\begin{table}", r"  \centering", f"  \\caption{{{caption}}}"]
        lines += [f"  \\begin{{tabular}}{{{shape}}}", r"    \toprule"]
        lines += [_tex_row([_tex(clean(head)) for head in table.columns]), r"    \midrule"]
        for place, row in enumerate(table.rows):
            cells = [_tex(clean(cell)) for cell in row]
            lines.append(_tex_row([_bold(c) if (place, n) in table.best else c for n, c in enumerate(cells)]))
        lines += [r"    \bottomrule", r"  \end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _bold(cell: str) -> str:
    """The value of a cell in bold, its interval as it was."""
    value, space, rest = cell.partition(" ")
    return f"\\textbf{{{value}}}{space}{rest}"


def _tex_row(cells: Sequence[str]) -> str:
    row = " & ".join(cells)
    # After the end of a row, LaTeX takes a bracket or a star for an argument of \\.
    return f"    {'{}' if row[:1] in ('[', '*') else ''}{row} \\\\"


def _tex(text: str) -> str:
    escaped = "".join(_TEX.get(character, character) for character in text)
    return re.sub(r"(?:^|(?<=[ \[]))-(?=[\d ])", "$-$", escaped)  # a minus sign, not a hyphen


# ---- CSV


def csv_text(document: Document, clean: Clean) -> str:
    """The document's sheet as CSV, with the warnings in a last column ``comment`` of every row.

    A text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers.
    """
    comment = " ".join(document.warnings)
    rows = ((*row, comment) for row in document.sheet.rows)
    return sheet_text(Sheet(columns=(*document.sheet.columns, "comment"), rows=tuple(rows)), clean)


def sheet_text(sheet: Sheet, clean: Clean) -> str:
    """A sheet as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_csv(column, clean) for column in sheet.columns])
    writer.writerows([_csv(value, clean) for value in row] for row in sheet.rows)
    return out.getvalue()


def _csv(value: Value, clean: Clean) -> str | int | float | None:
    if not isinstance(value, str):
        return value
    text = clean(value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) else text
