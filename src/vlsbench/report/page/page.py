"""One HTML file: made from templates, styles, scripts and data, all of it inside the file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from vlsbench.core import words
from vlsbench.core.errors import MissingExtra, UnknownName, UserError
from vlsbench.core.version import __version__
from vlsbench.core.words import counted
from vlsbench.report.charts import every
from vlsbench.report.charts.every import Section
from vlsbench.report.charts.of_data import Census
from vlsbench.report.inputs import Inputs, gather
from vlsbench.report.page import headline, provenance
from vlsbench.report.page.pictures import Gallery, Shown
from vlsbench.report.page.rows import Rows
from vlsbench.store import journal
from vlsbench.store.run_folder import timestamp

if TYPE_CHECKING:
    from jinja2 import Environment

Arrange = Callable[[Inputs, Census], tuple[Section, ...]]
"""Makes a page's sections from its parts and the samples that it lists."""

HERE = Path(__file__).parent
SCRIPTS = ("echarts.min.js", "dom.js", "radar.js", "charts.js", "markdown.js", "filters.js", "samples.js", "page.js")
IMAGES = ("thumb", "link", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A report on disk: its file, and what is in it."""

    path: Path
    samples: int
    pictures: int
    missing: int
    n_bytes: int


def check_out(out: Path) -> None:
    """Nothing, where a report can be written.

    Raises:
        UserError: The path is a folder, lies in none, or is not named as a web page.
    """
    if out.is_dir():
        raise UserError(f"{out} is a folder; name a file, for example --out {out / 'report.html'}.")
    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out takes a file that ends in .html, not {out}.")
    if not out.parent.is_dir():
        raise UserError(f"There is no folder {out.parent}; make it first, or choose another --out.")


def write_report(
    inputs: str | Path | Iterable[str | Path],
    out: str | Path,
    *,
    images: str = "thumb",
    base: Sequence[str] = (),
    title: str | None = None,
) -> Written:
    """Write one offline page about runs, audits, ablations, comparisons and datasets.

    Args:
        inputs: Run, audit or ablation folders, files of ``vlsbench compare --json``, and dataset references.
        out: The file, which ends in ``.html``; replaced in one step where it exists.
        images: ``thumb`` puts small pictures into the file, ``link`` links to them, ``none`` leaves them out.
        base: Models whose mean safety rate is drawn as a line.
        title: The page's heading.

    Raises:
        UserError: An input is nothing that can be reported, or the file cannot be written there.
        MissingExtra: Jinja2 is not installed.
        Stopped: The disk is full or gone.
    """
    if images not in IMAGES:
        raise UnknownName("way to show images", images, IMAGES)
    check_out(Path(out))  # before a large run is read for nothing
    refs = (inputs,) if isinstance(inputs, str | Path) else inputs
    options = [f"--images={images}", *(f"--base={name}" for name in base), f"--out={out}"]
    layout = _Layout(
        images=images,
        options=options,
        title=title,
        arrange=lambda inputs, listed: every.of_inputs(inputs, listed, base),
    )
    return _write(gather(map(str, refs)), Path(out), layout)


def write_arranged(
    inputs: Iterable[str | Path], out: Path, *, title: str, arrange: Arrange, notes: Sequence[str] = ()
) -> Written:
    """`write_report`, with sections of one's own in place of every figure that the parts allow.

    Args:
        inputs: As for `write_report`.
        out: Likewise.
        title: Likewise.
        arrange: Makes the sections.
        notes: What a reader should know before the first figure, in whole sentences.

    Raises:
        UserError: As `write_report`, like all that follows.
        MissingExtra: Likewise.
        Stopped: Likewise.
    """
    check_out(out)
    layout = _Layout(images="thumb", options=[f"--out={out}"], title=title, arrange=arrange, notes=notes)
    return _write(gather(map(str, inputs)), out, layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How a page is to look; `options` are those of the command that makes it again."""

    images: str
    options: Sequence[str]
    title: str | None
    arrange: Arrange
    notes: Sequence[str] = ()


def _write(inputs: Inputs, out: Path, layout: _Layout) -> Written:
    images = layout.images
    template = templates().get_template("page.html.j2")
    gallery = Gallery() if images != "none" else None
    rows = Rows(inputs, gallery)
    shown = _Counted(() if gallery is None else gallery.thumbnails() if images == "thumb" else gallery.links(out))
    scripts = [(HERE / "assets" / name).read_text(encoding="utf-8") for name in SCRIPTS]
    style = (HERE / "assets" / "style.css").read_text(encoding="utf-8")
    figures = layout.arrange(inputs, rows.census)
    lines = headline.lines(inputs)
    pieces = template.generate(
        title=layout.title or _title(inputs),
        subtitle=_subtitle(inputs, len(rows)),
        policy=_policy(scripts, style),
        scripts=scripts,
        style=style,
        version=__version__,
        made=timestamp(),
        lines=lines,
        grid=headline.grid(lines),
        meanings=headline.meanings(lines),
        notices=[*layout.notes, *headline.notices(inputs)],
        costs=headline.costs(inputs),
        figures=figures,
        inputs=inputs,
        made_runs=provenance.of_runs(inputs),
        command=provenance.report_command(inputs, layout.options),
        rows=rows,
        pictures=shown,
        images=images,
        index={"runs": rows.runs, "judges": rows.judges, "rubrics": rows.rubrics, "images": images},
        left_out=rows.left_out,
    )
    journal.write_atomically(out, (piece.encode("utf-8", errors="replace") for piece in pieces))
    return Written(path=out, samples=len(rows), pictures=shown.n, missing=shown.missing, n_bytes=out.stat().st_size)


class _Counted:
    """Passes pictures on to the template, one at a time, and counts them."""

    def __init__(self, pictures: Iterable[Shown]) -> None:
        self._pictures = pictures
        self.n = 0
        self.missing = 0

    def __iter__(self) -> Iterator[tuple[int, Shown]]:
        for number, shown in enumerate(self._pictures):
            self.n += 1
            self.missing += bool(shown.problem)
            yield number, shown


def _title(inputs: Inputs) -> str:
    if len(inputs.runs) == 1 and len(inputs.refs) == 1:
        return f"{inputs.runs[0].model} on {inputs.runs[0].dataset}"
    if inputs.runs:
        models = dict.fromkeys(part.model for part in inputs.runs)
        return f"Safety of {len(models)} models" if len(models) > 1 else f"Safety of {next(iter(models))}"
    for parts, name in (
        (inputs.audits, "Leakage audit"),
        (inputs.ablations, "Ablation"),
        (inputs.comparisons, "Comparison"),
    ):
        if parts:
            return f"{name}: {', '.join(part.name for part in parts)}"
    return ", ".join(part.name for part in inputs.datasets)


def _subtitle(inputs: Inputs, n: int) -> str:
    sets = dict.fromkeys(part.dataset for part in inputs.answered)
    kinds = [
        counted(len(found), word)
        for found, word in (
            (inputs.runs, "run"),
            (inputs.audits, "audit"),
            (inputs.ablations, "ablation"),
            (inputs.comparisons, "comparison"),
            (inputs.datasets, "dataset"),
        )
        if found
    ]
    of = f" on {', '.join(sets)}" if 0 < len(sets) <= 4 else ""
    return f"{', '.join(kinds)}{of} · {counted(n, 'sample')}"


def _policy(scripts: Iterable[str], style: str) -> str:
    """The content security policy: what is in this file by its hash, pictures inside it, and nothing from anywhere."""
    hashes = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def script_json(value: object) -> str:
    """JSON for a ``script`` element: with no character that could end it or begin markup."""
    text = orjson.dumps(value).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def templates() -> Environment:
    """Jinja with what the page's templates use; made once."""
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtra("jinja2", "report") from error
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # What becomes markup unescaped: our own files, and JSON that can hold none.
    environment.filters["script_json"] = lambda value: Markup(script_json(value))  # noqa: S704
    environment.filters["own"] = Markup
    environment.filters |= {
        "bare": words.bare,
        "percent": words.percent,
        "between": words.between,
        "worth": words.worth,
        "hits": words.hits,
    }
    environment.filters["pretty"] = lambda value: orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return environment
