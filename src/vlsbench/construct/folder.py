"""The folder of a build: made for its owner's eyes alone, written by one process at a time, continued and never mixed.

manifest.json      the resolved recipe, hashes of prompts, models served, versions, canary; never a key
elements.jsonl     the queue
steps/*.jsonl      what every step came to: append-only, the truth of everything else
images/            every picture under the hash of its bytes
candidates.jsonl   pairs and twins before the gate; derived
audit/             the guard's verdicts and the signals; derived from steps/guard.jsonl
decisions.jsonl    each pair: kept, or which rules it breaks; derived
kept.jsonl         what passed; derived
review/            what people were shown, and what they said
summary.json       the figures
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from vlsbench.construct import lines
from vlsbench.construct.elements import Element, from_json
from vlsbench.construct.steps import digest
from vlsbench.core.errors import RunError, Stopped
from vlsbench.core.version import __version__
from vlsbench.store import journal
from vlsbench.store.folders import acquire_lock, is_occupied, make_folder, set_aside
from vlsbench.store.run_folder import timestamp

VERSION = 1

_FILES = frozenset({"manifest.json", "elements.jsonl", "steps"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildManifest:
    """What ``manifest.json`` says.

    `element_settings` are those under which the elements last went their way (and `earlier_element_settings` the same
    as earlier versions wrote them), `served` the models that answered, by step.
    """

    recipe: Mapping[str, Any]
    prompts: Mapping[str, str]
    taxonomy: str
    taxonomy_sha256: str
    elements: int
    elements_sha256: str
    canary: str
    guard_settings: Mapping[str, str]
    element_settings: Mapping[str, Any]
    served: Mapping[str, Sequence[str]]
    adaptations: Sequence[str]
    vlsbench: str
    python: str
    started: str
    finished: str | None
    build: int = VERSION
    earlier_element_settings: Mapping[str, Any] = field(default_factory=dict)


class BuildFolder:
    """A build on disk. Reading needs no lock.

    Args:
        path: An existing build.

    Raises:
        RunError: There is none, or its manifest is damaged or from a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest = _read(path)

    @property
    def steps(self) -> Path:
        """Where the journals are."""
        return self.path / "steps"

    @property
    def candidates(self) -> Path:
        """``candidates.jsonl``."""
        return self.path / "candidates.jsonl"

    @property
    def kept(self) -> Path:
        """``kept.jsonl``."""
        return self.path / "kept.jsonl"

    @property
    def decisions(self) -> Path:
        """``decisions.jsonl``."""
        return self.path / "decisions.jsonl"

    @property
    def summary(self) -> Path:
        """``summary.json``."""
        return self.path / "summary.json"

    @property
    def truth(self) -> Path:
        """What the miniature's painter noted of its pictures; read by the measurement alone."""
        return self.path / "truth.jsonl"

    def elements(self, limit: int | None = None) -> Iterator[Element]:
        """The queue, in order.

        Args:
            limit: The first so many.
        """
        for number, row in enumerate(lines.read(self.path / "elements.jsonl")):
            if limit is not None and number >= limit:
                return
            yield from_json(row)

    def update(self, **fields: Any) -> None:
        """Change the manifest.

        Raises:
            Stopped: It cannot be written.
        """
        self.manifest = replace(self.manifest, **fields)
        _write(self.path, self.manifest)


def open_or_create(
    path: Path, elements: Sequence[Element], wanted: BuildManifest, *, fresh: bool = False
) -> tuple[BuildFolder, int]:
    """The folder of a build, locked: continued where it is there, made where it is not.

    Args:
        path: The folder.
        elements: The queue.
        wanted: The manifest of a new build.
        fresh: Start over; the old folder is kept aside.

    Returns:
        The folder, and the handle of its lock.

    Raises:
        RunError: The folder holds something else, or another process builds in it.
        Stopped: It cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file; choose another --out.")
    if fresh and is_occupied(path):
        set_aside(path, _FILES, "a build (it has no manifest.json)")
    continues = is_occupied(path)
    if continues and not (path / "manifest.json").exists():
        raise RunError(f"{path} is not a build (it has no manifest.json); choose another --out.")
    make_folder(path)
    lock = acquire_lock(path)
    try:
        if continues:
            _require_same(BuildFolder(path), wanted)
        else:
            _private(path)
            _write(path, wanted)
        for name in ("steps", "images"):
            make_folder(path / name)
        if not (path / "elements.jsonl").exists():
            journal.write_atomically(path / "elements.jsonl", (journal.to_line(one.to_json()) for one in elements))
    except BaseException:
        os.close(lock)
        raise
    return BuildFolder(path), lock


def _private(path: Path) -> None:
    """What is built is nobody else's to read."""
    try:
        path.chmod(0o700)
    except OSError as error:
        raise Stopped(f"Cannot make {path} private: {error.strerror}.") from error


def new_manifest(
    recipe: Mapping[str, Any],
    prompts: Mapping[str, str],
    taxonomy: tuple[str, str],
    elements: Sequence[Element],
    guard_settings: Mapping[str, str],
) -> BuildManifest:
    """The manifest of a build that begins now, with a canary of its own.

    Args:
        recipe: The resolved recipe.
        prompts: The hash of each prompt.
        taxonomy: Its name and hash.
        elements: The queue.
        guard_settings: What the guard's verdicts depend on.
    """
    return BuildManifest(
        recipe=recipe,
        prompts=prompts,
        taxonomy=taxonomy[0],
        taxonomy_sha256=taxonomy[1],
        elements=len(elements),
        elements_sha256=digest([one.to_json() for one in elements]),
        canary=str(uuid.uuid4()),
        guard_settings=dict(guard_settings),
        element_settings={},
        served={},
        adaptations=(),
        vlsbench=__version__,
        python=platform.python_version(),
        started=timestamp(),
        finished=None,
    )


def _require_same(found: BuildFolder, wanted: BuildManifest) -> None:
    """Nothing where a build may be continued: other prompts and models may come, other elements may not."""
    for name, what in (("elements_sha256", "elements"), ("taxonomy_sha256", "taxonomy")):
        if getattr(found.manifest, name) != getattr(wanted, name):
            raise RunError(
                f"{found.path} holds a build with other {what} ({found.manifest.elements:,} elements, taxonomy "
                f"{found.manifest.taxonomy}). Choose another --out, or --fresh to start over (the old folder is kept "
                "aside)."
            )


def _read(path: Path) -> BuildManifest:
    file = path / "manifest.json"
    try:
        row = orjson.loads(file.read_bytes())
        if not isinstance(row, dict) or "build" not in row:
            raise RunError(f"{path} is not a build: its manifest.json is of another kind.")
        if row["build"] != VERSION:
            raise RunError(f"{path} has format {row['build']}; this version of vlsbench reads format {VERSION}.")
        return BuildManifest(**row)
    except FileNotFoundError as error:
        raise RunError(
            f"{path} is not a build (it has no manifest.json). `vlsbench build --out DIR` makes one."
        ) from error
    except OSError as error:
        raise RunError(f"{file} cannot be read ({error.strerror}).") from error
    except (orjson.JSONDecodeError, TypeError) as error:
        raise RunError(f"{file} is damaged ({error}).") from error


def _write(path: Path, manifest: BuildManifest) -> None:
    data = orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    journal.write_atomically(path / "manifest.json", data)
