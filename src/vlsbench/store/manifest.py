"""What ``manifest.json`` says of a run: identity, parameters, versions, judges; never a secret.

The file is kept as it was read and only what changes is written anew, so that fields of other versions stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from vlsbench.core.errors import RunError
from vlsbench.core.names import address_in, without_address
from vlsbench.core.types import Label
from vlsbench.core.usage import Price
from vlsbench.store import json_file
from vlsbench.store.kinds import RUN, is_build, no_run

FORMAT = 1
FILE = RUN

_REMEDY = "Restore it, or use --fresh to start over."
_OF_A_JUDGE = frozenset({"judge", "labels", "baseline", "adaptations", "addresses", "served", "roots", "price"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeEntry:
    """A judge that worked on a run.

    `judge` is its reference. `settings` are what else its verdicts depend on, and what else is known of it: for a
    rubric's judge `sees`, `rubric` and `rubric_sha256`. `adaptations` say what its server wanted otherwise, `addresses`
    where it was asked, in all sessions; `served` and `roots` are the names under which its replies came, and what the
    servers said is behind its name. `price` is what it costs, where somebody said so.
    """

    judge: str
    labels: tuple[str, ...] = tuple(label.value for label in Label)
    baseline: bool = False
    adaptations: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    served: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    price: Price | None = None
    settings: Mapping[str, object] = field(default_factory=dict)

    def described(self) -> dict[str, str]:
        """What decides how the judge is asked, as far as it is known."""
        names = ("sees", "rubric", "rubric_sha256", "gradings")
        return {name: str(self.settings[name]) for name in names if name in self.settings}

    def added_to(self, known: JudgeEntry) -> JudgeEntry:
        """This entry with what another of the same judge knows of its servers and its price."""
        return replace(
            self,
            addresses=merged(known.addresses, self.addresses),
            served=merged(known.served, self.served),
            roots=merged(known.roots, self.roots),
            price=self.price or known.price,
        )

    def to_json(self) -> dict[str, object]:
        """The entry in the manifest."""
        found = {"judge": self.judge, **self.settings, "labels": self.labels, "baseline": self.baseline}
        price = asdict(self.price) if self.price is not None else None
        servers = {name: getattr(self, name) for name in ("adaptations", "addresses", "served", "roots")}
        more = {**servers, "price": price}
        return found | {name: value for name, value in more.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A run, as its ``manifest.json`` describes it; what other versions left out has its default.

    `dataset_hash` covers every selected record, of which `dataset_described` have a description; `samples_sha256` is
    the digest of a ``samples.jsonl`` that lists them all. `condition` is what
    the model was shown in place of each sample, its `name` for one; None where that was the sample itself.
    `model_served` are the names by which the servers called the model in replies, `model_roots` what they said is
    behind its name, `model_adaptations` what they wanted otherwise.
    `parameters` are how hard was tried, with the `addresses` where the model was asked.
    `shard` is the part of the selection (``I/N``) that the run holds, None for all of it; then `dataset_size` and
    `dataset_described` count the part, and `dataset_hash` is still that of the whole. `merged_from` says of each run
    that was joined into this one where it was, and when and with what it was made.
    `price` is what the model costs, where somebody said so.
    """

    model: str
    dataset: str
    dataset_size: int
    dataset_hash: str = ""
    dataset_revision: str = ""
    dataset_described: int = 0
    dataset_stamp: str = ""
    dataset_root: str | None = None
    samples_sha256: str = ""
    condition: Mapping[str, str] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    system: str | None = None
    seed: int | None = None
    limit: int | None = None
    image_max_side: int | None = None
    shard: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    model_details: Mapping[str, str] = field(default_factory=dict)
    model_served: tuple[str, ...] = ()
    model_roots: tuple[str, ...] = ()
    model_adaptations: tuple[str, ...] = ()
    price: Price | None = None
    judges: Mapping[str, JudgeEntry] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    finished: str | None = None
    merged_from: tuple[Mapping[str, object], ...] = ()


def read(folder: Path) -> dict[str, object]:
    """The object of a run folder's manifest.

    Raises:
        RunError: There is no run at this path, or its manifest is damaged or from a newer version.
    """
    file = folder / FILE
    if not file.exists():
        raise RunError(no_run(folder))
    found = json_file.read(file, _REMEDY)
    if not {"version", "dataset_size", "judges"} <= found.keys():
        if is_build(folder):
            how = "`vlsbench build show` says what it came to, `vlsbench build export` writes the set that it made."
            raise RunError(f"{folder} is a build, not a run folder. {how}")
        raise RunError(f"{file} is not a manifest of vlsbench.")
    if found["version"] != FORMAT:
        raise RunError(f"{folder} has format {found['version']}; this version of vlsbench reads format {FORMAT}.")
    return found


def parse(found: Mapping[str, object], folder: Path) -> Manifest:
    """The manifest of a run folder; people edit such files, so each field is checked.

    Raises:
        RunError: A field is damaged; the message names it.
    """
    file = folder / FILE
    judges = json_file.convert(found["judges"], dict[str, dict[str, object]], file, _REMEDY)
    manifest = json_file.convert({**found, "judges": {}}, Manifest, file, _REMEDY)
    if manifest.dataset_size < 0 or (manifest.condition is not None and "name" not in manifest.condition):
        raise RunError(f"{file} is damaged: dataset_size or condition makes no sense. {_REMEDY}")
    if odd := [stem for stem in judges if not re.fullmatch(r"[\w.-]+", stem)]:
        raise RunError(f"{file} is damaged: {odd[0]!r} among its judges names no verdict file. {_REMEDY}")
    entries = {stem: _judge(entry, file) for stem, entry in judges.items()}
    address = address_in(manifest.model)  # earlier versions held it for a part of the name
    parameters = manifest.parameters if address is None else {"addresses": (address,), **manifest.parameters}
    return replace(manifest, judges=entries, model=without_address(manifest.model), parameters=parameters)


def _judge(entry: Mapping[str, object], file: Path) -> JudgeEntry:
    own = {name: entry[name] for name in entry if name in _OF_A_JUDGE}
    settings = {name: entry[name] for name in entry if name not in _OF_A_JUDGE}
    found = json_file.convert({**own, "settings": settings}, JudgeEntry, file, _REMEDY)
    if (address := address_in(found.judge)) is None:
        return found
    return replace(found, judge=without_address(found.judge), addresses=merged((address,), found.addresses))


def merged(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    """Both, each once, in order."""
    return tuple(dict.fromkeys((*old, *new)))
