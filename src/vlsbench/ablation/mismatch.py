"""Which other image stands in for the image of each sample.

A harmful sample gets the image of its harmless twin, where it has one. Every other sample gets an image of the
set that is another file, drawn by chance from the seed, the sample's id and the images of the set alone: the
order of the samples and how many are asked at once make no difference. The choice is recorded, and a recorded
choice stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from vlsbench.results import samples
from vlsbench.results.samples import ListedSample
from vlsbench.run.preparation import image_path
from vlsbench.store import journal, records
from vlsbench.store.run_folder import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The other image of a sample: that of the sample `image_of`, its harmless `twin` or one drawn by chance."""

    sample_id: str
    image_of: str
    image_sha256: str
    twin: bool


def choose(
    items: list[ListedSample], hashes: Mapping[str, str], seed: int, recorded: Mapping[str, Choice]
) -> list[Choice]:
    """The other image of each sample that has an image; none where all images are the same file.

    Args:
        items: All samples.
        hashes: The image hash of each sample whose image is sound.
        seed: Another seed draws others.
        recorded: Choices that stand, by sample id.
    """
    owners: dict[str, str] = {}
    for item in items:
        if item.id in hashes:
            owners.setdefault(hashes[item.id], item.id)
    drawn_from = sorted(owners)
    places = {sha256: place for place, sha256 in enumerate(drawn_from)}
    twins = samples.twins(items)
    found = []
    for item in items:
        own = hashes.get(item.id)
        if own is None:
            continue
        old = recorded.get(item.id)
        if old is not None and old.image_sha256 in owners and old.image_sha256 != own:
            found.append(old)
        elif twin := next((one for one in twins.get(item.id, ()) if hashes.get(one.id, own) != own), None):
            found.append(Choice(sample_id=item.id, image_of=twin.id, image_sha256=hashes[twin.id], twin=True))
        elif len(drawn_from) > 1:
            place = Random(f"mismatched/{seed}/{item.id}").randrange(len(drawn_from) - 1)  # noqa: S311
            other = drawn_from[place + (place >= places[own])]
            found.append(Choice(sample_id=item.id, image_of=owners[other], image_sha256=other, twin=False))
    return found


def other_images(full: Run, record: Path, seed: int) -> dict[str, tuple[Path, str]]:
    """Path and hash of the other image of each sample of a run; the choice is recorded.

    Args:
        full: The run that lists the samples and knows their images.
        record: The file of the choices, read and written.
        seed: As in `choose`.

    Raises:
        Stopped: The file cannot be written.
    """
    hashes, paths = _images(full)
    recorded = {choice.sample_id: choice for choice in journal.read(record, Choice)}
    choices = choose(samples.read(full), hashes, seed, recorded)
    journal.write_atomically(record, map(journal.to_line, choices))
    return {choice.sample_id: (paths[choice.image_sha256], choice.image_sha256) for choice in choices}


def _images(run: Run) -> tuple[dict[str, str], dict[str, Path]]:
    """The image hash of each listed sample, and where the image of each hash lies."""
    hashes: dict[str, str] = {}
    paths: dict[str, Path] = {}
    for sample in records.samples(run.samples):
        if sample.image is not None and sample.image_sha256 is not None:
            hashes.setdefault(sample.id, sample.image_sha256)
            paths.setdefault(sample.image_sha256, image_path(run, sample.image).absolute())
    return hashes, paths
