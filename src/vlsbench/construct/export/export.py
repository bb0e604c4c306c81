"""Write a built set as others get it: `export`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from vlsbench.construct import summary
from vlsbench.construct.export import card, croissant, parquet
from vlsbench.construct.export.records import FIELDS, Leaving, leaving, provenance
from vlsbench.construct.export.sources import PictureSource, of_elements, require_spdx
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.lines import Record
from vlsbench.core.errors import Stopped, UserError
from vlsbench.core.hashing import sha256_of
from vlsbench.core.version import __version__
from vlsbench.store import journal
from vlsbench.store.folders import make_folder
from vlsbench.store.run_folder import timestamp

FORMATS = ("jsonl", "parquet", "hub")

_DATA = {
    "jsonl": ("data.jsonl", "application/jsonlines"),
    "parquet": ("data.parquet", "application/vnd.apache.parquet"),
    "hub": ("data/test-00000-of-00001.parquet", "application/vnd.apache.parquet"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedSet:
    """What was written."""

    path: Path
    data: Path
    pairs: int
    twins: int
    by_reference: int
    reviewed: bool


def export(
    path: Path,
    out: Path,
    *,
    licence: str,
    form: str = "jsonl",
    lineage: bool = False,
    gated: bool = True,
    source_licences: Mapping[str, str] | None = None,
) -> ExportedSet:
    """Export what a build kept and no reviewer took out.

    Args:
        path: The build's folder.
        out: A folder that does not exist yet, or is empty.
        licence: SPDX identifier of what was made here.
        form: One of `FORMATS`; ``hub`` is Parquet laid out for a dataset repository.
        lineage: Also the harmful query that each record was rewritten from.
        gated: Whether the card asks readers to ask for access.
        source_licences: Licences of sources of which none is known.

    Raises:
        UserError: Nothing can be exported so.
        MissingExtra: pyarrow is not installed, and the format needs it.
        Stopped: The disk is full or gone.
    """
    require_spdx(licence)
    if form not in FORMATS:
        raise UserError(f"--format should be one of {', '.join(FORMATS)}, not {form!r}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists already; choose another --out, or remove it first.")
    folder, figures = BuildFolder(path), summary.read(path)
    found = leaving(folder)
    elements = found.elements()
    sources = of_elements(elements, licence, source_licences or {})
    records = [_leaving_record(record, sources, licence, folder.manifest.canary) for record in found]
    free = [record for record in records if not _by_reference(record, sources)]
    if not any(record["twin_of"] is None for record in free):
        raise UserError(
            f"{path} has no pair that may be exported; the funnel of `vlsbench build show {path}` says why."
        )
    make_folder(out)
    name, media = _DATA[form]
    bound = [record for record in records if _by_reference(record, sources)]
    _write_data(folder, out, free, form, name)
    if bound:
        journal.write_atomically(out / "references.jsonl", map(_reference, bound))
    held = card.contents(free, sources, len(bound))
    _write_papers(folder, figures, found, held, out, licence, lineage=lineage, gated=gated, file=name, media=media)
    return ExportedSet(
        path=out,
        data=out / name,
        pairs=held.pairs,
        twins=held.twins,
        by_reference=len(bound),
        reviewed=figures.review is not None,
    )


def _leaving_record(record: Record, sources: Mapping[str, PictureSource], licence: str, canary: str) -> Record:
    source = sources[record["group"]]
    # A twin of an existing picture is painted, and so under this set's own licence.
    own = source.licence if record["source"] == source.name else licence
    return {name: record.get(name) for name in FIELDS[:-2]} | {"licence": own, "canary": canary}


def _by_reference(record: Record, sources: Mapping[str, PictureSource]) -> bool:
    source = sources[record["group"]]
    return record["source"] == source.name and source.by_reference_only


def _reference(record: Record) -> bytes:
    """A record whose picture may not be passed on: its hash says which one it is."""
    return journal.to_line({**record, "image": None})


def _write_data(folder: BuildFolder, out: Path, records: list[Record], form: str, name: str) -> None:
    if form == "jsonl":
        make_folder(out / "images")
        for place in sorted({str(record["image"]) for record in records}):
            _copy(folder.path / place, out / place)
        journal.write_atomically(out / name, map(journal.to_line, records))
    else:
        make_folder((out / name).parent)
        parquet.write(out / name, folder.path, records)


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            raise Stopped(f"Cannot write {target}: {error.strerror}.") from error


def _write_papers(
    folder: BuildFolder,
    figures: summary.BuildSummary,
    found: Leaving,
    held: card.Contents,
    out: Path,
    licence: str,
    *,
    lineage: bool,
    gated: bool,
    file: str,
    media: str,
) -> None:
    """Card, Croissant, provenance and rules."""
    name = folder.path.absolute().name
    in_hub = file if "/" in file else ""
    text = card.write(folder, figures, held, name=name, licence=licence, gated=gated, parquet=in_hub)
    journal.write_atomically(out / "README.md", text.encode(errors="replace"))
    now = timestamp()
    metadata = croissant.document(
        name=name,
        licence=licence,
        canary=folder.manifest.canary,
        published=now[:10],
        file=file,
        media=media,
        sha256=sha256_of(out / file),
    )
    _json(out / "croissant.json", metadata)
    lines: Iterator[Record] = provenance(found, lineage=lineage)
    journal.write_atomically(out / "provenance.jsonl", map(journal.to_line, lines))
    _json(
        out / "rules.json",
        {
            "rules": list(figures.rules),
            "recipe": dict(folder.manifest.recipe),
            "guard": dict(folder.manifest.guard_settings),
            "leakage": dict(figures.leakage),
            "review": figures.review,
            "taken_out_by_reviewers": len(found.taken_out),
            "gated": gated,
            "lineage": lineage,
            "canary": folder.manifest.canary,
            "file_sha256": sha256_of(out / file),
            "exported": now,
            "vlsbench": __version__,
        },
    )


def _json(path: Path, content: Mapping[str, Any]) -> None:
    journal.write_atomically(path, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
