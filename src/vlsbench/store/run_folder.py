"""The run folder: what was asked, what came back, and who may write.

    manifest.json      identity, parameters, versions; never a secret
    samples.jsonl      the samples as they were asked, with the hash of each image
    responses.jsonl    one line per answer or failure, in order of arrival
    verdicts/*.jsonl   one file per judge
    batches.jsonl      requests that are out in batches at a provider (`vlsbench.store.batches`)
    summary.json       the figures, computed from the files above

The journals are the truth. A sample may have several lines, since failures are tried again when a run is
continued: the last one counts.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vlsbench.core.errors import RunError
from vlsbench.core.names import without_address
from vlsbench.core.version import __version__
from vlsbench.store import batches, json_file
from vlsbench.store import manifest as manifests
from vlsbench.store.folders import acquire_lock, is_occupied, make_folder, require_known, set_aside
from vlsbench.store.identity import IDENTITY, MODEL_DETAILS, OPTIONAL, Identity, judge_slug
from vlsbench.store.kinds import GUARD
from vlsbench.store.manifest import JudgeEntry

_FILES = frozenset({manifests.FILE, "samples.jsonl", "responses.jsonl"})
_WHAT = f"a run folder (it has no {manifests.FILE})"


class Run:
    """A run folder. Reading needs no lock; writing does (`lock`).

    Args:
        path: An existing run folder.

    Raises:
        RunError: There is no run at this path, or its manifest is damaged or from a newer version.
    """

    def __init__(self, path: Path, *, lock: int | None = None) -> None:
        self.path = path
        self._found = manifests.read(path)
        self.manifest = manifests.parse(self._found, path)
        self._lock = lock
        self._updating = threading.Lock()  # the preparation of samples has a thread of its own

    @property
    def samples(self) -> Path:
        """``samples.jsonl``."""
        return self.path / "samples.jsonl"

    @property
    def responses(self) -> Path:
        """``responses.jsonl``."""
        return self.path / "responses.jsonl"

    @property
    def size(self) -> int:
        """How many samples the run selected."""
        return self.manifest.dataset_size

    def verdicts(self, stem: str) -> Path:
        """The verdict file of one judge."""
        return self.path / "verdicts" / f"{stem}.jsonl"

    @property
    def condition(self) -> str | None:
        """What the model was shown in place of each sample; None where it was the sample itself."""
        condition = self.manifest.condition
        return condition["name"] if condition is not None else None

    def require_answers(self) -> None:
        """Nothing where it is the run of a model; an audit's guard has one without answers.

        Raises:
            RunError: It is a guard's.
        """
        if self.condition == GUARD:
            raise RunError(
                f"{self.path} is the run of an audit's guard and has no answers. vlsbench show {self.path.parent} "
                "shows the audit; its figures are in audit.json."
            )

    @property
    def judges(self) -> Mapping[str, JudgeEntry]:
        """The judges that worked on this run, by file stem."""
        return self.manifest.judges

    def update(self, **fields: object) -> None:
        """Change manifest fields and write the manifest.

        Raises:
            Stopped: The manifest cannot be written.
        """
        with self._updating:
            self._found |= fields
            self.manifest = manifests.parse(self._found, self.path)
            json_file.write(self.path / manifests.FILE, self._found)

    def stem_of(self, judge: str, settings: Mapping[str, str]) -> str:
        """The stem of the file that holds a judge's verdicts, or will.

        Earlier versions held the address of its server for a part of a judge's name; such a file is continued.
        """
        stem = judge_slug(judge, settings)
        earlier = (
            known
            for known, entry in self.judges.items()
            if any(known == judge_slug(f"{judge}@{address}", settings) for address in entry.addresses)
        )
        return stem if stem in self.judges else next(earlier, stem)

    def add_judge(self, stem: str, entry: JudgeEntry) -> None:
        """Record a judge in the manifest and make room for its verdicts."""
        self.make_folder("verdicts")
        if (known := self.judges.get(stem)) is not None:
            entry = entry.added_to(known)
        judges = {name: judge.to_json() for name, judge in self.judges.items()}
        self.update(judges={**judges, stem: {**judges.get(stem, {}), **entry.to_json()}})

    def make_folder(self, name: str) -> None:
        """Make a folder inside the run folder, where missing.

        Raises:
            Stopped: It cannot be made.
        """
        make_folder(self.path / name)

    def lock(self) -> None:
        """Become the only writer of this folder until `unlock` or the process ends.

        Raises:
            RunError: Another process is writing.
        """
        self._lock = acquire_lock(self.path)

    def unlock(self) -> None:
        """Let other processes write."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def open_or_create(path: Path, identity: Identity, details: Mapping[str, object], *, fresh: bool = False) -> Run:
    """The locked run folder for an identity: continued where it exists, made where it does not.

    Args:
        path: The run folder.
        identity: What the run must be.
        details: Further manifest fields; where there are answers, ``model_details`` must fit the folder's.
        fresh: Start over; the old folder is kept beside the new one.

    Raises:
        RunError: The folder holds a different run, or something that is no run, or is being written to.
        Stopped: The folder cannot be made.
    """
    if is_occupied(path):
        if fresh:
            set_aside(path, _FILES, _WHAT)
        elif (continued := _continue(path, identity, details)) is not None:
            continued.update(model=identity.model, **details, finished=None)
            return continued
    make_folder(path)
    handle = acquire_lock(path)
    manifest = {
        "version": manifests.FORMAT,
        "dataset": identity.dataset,
        **identity.fields(),
        "judges": {},
        "started": timestamp(),
        "finished": None,
        "platform": _platform(),
        **details,
    }
    json_file.write(path / manifests.FILE, manifest)
    return Run(path, lock=handle)


def _continue(path: Path, identity: Identity, details: Mapping[str, object]) -> Run | None:
    """The locked run of an occupied folder; None where it holds nothing but another run that never got an answer."""
    old = Run(path)
    old.lock()
    try:
        _require_same(old, identity)
        if is_answered(old):
            _require_same_model(old, details)
    except RunError:
        if not is_answered(old):
            # A mistyped address, say: there is nothing to lose, so the folder is free for the right one.
            for file in (old.samples, old.responses, path / "summary.json", path / manifests.FILE):
                file.unlink(missing_ok=True)
            old.unlock()
            return None
        old.unlock()
        raise
    return old


def timestamp() -> str:
    """Now, in UTC, as ISO 8601 with seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def require_same(path: Path, identity: Identity, *, fresh: bool = False) -> None:
    """Nothing where `open_or_create` would continue or make a run at this path.

    Raises:
        RunError: The folder holds a different run, or something that is no run.
    """
    if is_occupied(path):
        if fresh:
            require_known(path, _FILES, _WHAT)
        elif is_answered(run := Run(path)):
            _require_same(run, identity)


def differences(one: Run, other: Run) -> str:
    """In which respects two runs are different ones, shards aside; empty where they are parts of one."""
    found = [
        (name, getattr(one.manifest, name), getattr(other.manifest, name))
        for name in (*IDENTITY, "condition", "image_max_side")
        if getattr(one.manifest, name) != getattr(other.manifest, name)
    ]
    here, there = one.manifest.model_details, other.manifest.model_details
    if here and there:
        found += [(f"model's {key}", a, b) for key in MODEL_DETAILS if (a := here.get(key)) != (b := there.get(key))]
    return "; ".join(f"{name}: {_short(a)} and {_short(b)}" for name, a, b in found)


def make_way(path: Path, *, fresh: bool, dry: bool = False) -> None:
    """Put a run that is in the way of a new one aside.

    Args:
        path: Where the new one is to be.
        fresh: Whether that may be done.
        dry: Only say whether it could be.

    Raises:
        RunError: It may not, or what is there is no run, or is being written to.
    """
    if not is_occupied(path):
        return
    if not fresh:
        raise RunError(f"{path} is occupied. Choose another --out, or --fresh (the old folder is kept aside).")
    if dry:
        require_known(path, _FILES, _WHAT)
    else:
        set_aside(path, _FILES, _WHAT)


def is_answered(run: Run) -> bool:
    """Whether there is anything to lose: answers, the verdicts of a guard, which needs none, or batches."""
    files = (run.responses, run.path / batches.FILE, *run.path.glob("verdicts/*.jsonl"))
    return any(file.exists() and file.stat().st_size for file in files)


def _require_same(run: Run, identity: Identity) -> None:
    names = (*IDENTITY, *OPTIONAL)
    wanted, found = identity.fields(), {name: getattr(run.manifest, name) for name in names}
    wanted["model"] = without_address(identity.model)
    different = [name for name in names if wanted.get(name) != found[name]]
    if different:
        raise _different(run, different, found, wanted)


def _require_same_model(run: Run, details: Mapping[str, object]) -> None:
    """A name alone does not tell whether the files behind it are still the same; versions may change on the way."""
    found, wanted = run.manifest.model_details, details.get("model_details")
    if (
        found
        and isinstance(wanted, dict)
        and wanted
        and (different := [key for key in MODEL_DETAILS if found.get(key) != wanted.get(key)])
    ):
        raise _different(run, different, found, wanted, "model's ")


def _different(
    run: Run, names: Sequence[str], found: Mapping[str, object], wanted: Mapping[str, object], of: str = ""
) -> RunError:
    shown = "; ".join(
        f"{of}{name}: the folder has {_short(found.get(name))}, you ask for {_short(wanted.get(name))}"
        for name in names
    )
    return RunError(
        f"{run.path} holds a different run ({shown}). Choose another --out, or --fresh to start over "
        "(the old folder is kept aside)."
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _platform() -> dict[str, str]:
    return {
        "vlsbench": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
