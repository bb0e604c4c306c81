"""Joins the run folders of shards into one ordinary run.

The new folder is made under another name beside its place and takes that place in one step, so that a kill leaves
either nothing or all of it.
"""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from vlsbench.core.errors import RunError, Stopped, UserError
from vlsbench.core.types import Sample
from vlsbench.core.usage import Prices
from vlsbench.core.words import counted
from vlsbench.results import summary
from vlsbench.results.summary import Summary
from vlsbench.run import seal
from vlsbench.run.preparation import moved
from vlsbench.run.shards.costs import JoinedPrices, joined_prices
from vlsbench.run.shards.pieces import Owners, Piece, require_fit
from vlsbench.store import batches, journal, json_file, records
from vlsbench.store import manifest as manifests
from vlsbench.store.folders import acquire_lock, make_folder
from vlsbench.store.manifest import JudgeEntry
from vlsbench.store.run_folder import Run, make_way

_Listed = tuple[int, int, bytes]
"""A line of ``samples.jsonl``: its number in the whole set, the number of its piece, and the line."""


def merge(
    runs: Sequence[str | Path],
    *,
    out: str | Path,
    fresh: bool = False,
    prices: Prices | None = None,
    say: Callable[[str], None] | None = None,
) -> Summary:
    """Join run folders of one identity: the shards of a set, of which each may have been evaluated more than once.

    What they recorded is joined as it is; nobody is asked anything. A shard that is not finished is joined all the
    same: the call that evaluates the whole set continues the joined run. Calibrations stay with the old folders.

    Args:
        runs: The run folders.
        out: The folder of the joined run.
        fresh: Where there is a run already, put it aside.
        prices: What the models cost, in all folders; needed where these were given different prices.
        say: Told, in a line each, of judges that judged some of the folders and not all.

    Returns:
        The summary of the joined run.

    Raises:
        RunError: The folders do not belong together, a shard is missing, two folders disagree about a sample, somebody
            is writing to one of them, they were given different prices, or `out` is occupied.
        Stopped: The joined run cannot be written; the folders are as they were.
    """
    if not runs:
        raise UserError("Name the run folders that are to be joined.")
    pieces = [Piece.open(Path(path)) for path in runs]
    require_fit(pieces)
    costs = joined_prices(pieces, prices)
    place = Path(out).absolute()
    if any(place.exists() and place.samefile(piece.run.path) for piece in pieces):
        raise RunError(f"{out} is one of the folders that are to be joined; choose another --out.")
    make_way(place, fresh=fresh, dry=True)
    with ExitStack() as locks:
        for piece in pieces:
            piece.run.lock()
            locks.callback(piece.run.unlock)
            _require_nothing_out(piece.run)
        found = _build(pieces, costs, part := place.with_name(f".{place.name}.part"), locks)
        make_way(place, fresh=fresh)
        try:
            part.rename(place)
        except OSError as error:
            raise Stopped(f"Cannot make {place}: {error.strerror}.") from error
        if say is not None:
            for line in _half_judged(pieces, out):
                say(line)
        return replace(found, run=str(out))


def _build(pieces: Sequence[Piece], costs: JoinedPrices, folder: Path, locks: ExitStack) -> Summary:
    """Write the joined run, whole, in place of what a kill may have left there."""
    make_folder(folder)
    locks.callback(os.close, acquire_lock(folder))
    for old in folder.iterdir():
        if old.name != ".lock":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    owners = Owners(pieces)
    first = next((piece for piece in pieces if _has_root(piece.run)), pieces[0])
    json_file.write(folder / manifests.FILE, _manifest(first, pieces, costs))
    run = Run(folder)
    journal.write_atomically(run.samples, _samples(pieces, first.run.manifest.dataset_root))
    journal.write_atomically(run.responses, _owned([piece.run.responses for piece in pieces], owners.answers))
    if run.judges:
        run.make_folder("verdicts")
    for stem in run.judges:
        files = [piece.run.verdicts(stem) for piece in pieces]
        journal.write_atomically(run.verdicts(stem), _owned(files, owners.verdicts(stem)))
    for piece in pieces:
        _copy_images(piece.run, run)
    seal.seal(run)
    return summary.write(run)


def _require_nothing_out(run: Run) -> None:
    """Nothing where no request is out in a batch: its reply could not find its sample in the joined run.

    Raises:
        RunError: There are some.
    """
    if out := sum(len(entry.numbers) for entry in batches.read(run.path).values() if entry.is_out):
        raise RunError(f"{run.path} has {counted(out, 'request')} out in batches. Continue it until they are home.")


def _has_root(run: Run) -> bool:
    return run.manifest.dataset_root is not None and Path(run.manifest.dataset_root).is_dir()


def _manifest(first: Piece, pieces: Sequence[Piece], costs: JoinedPrices) -> Mapping[str, object]:
    """The manifest of the joined run: that of one piece, with what differs from piece to piece joined."""
    found = [piece.run.manifest for piece in pieces]
    described = {str(piece.shard): piece.run.manifest.dataset_described for piece in pieces}
    finished = [manifest.finished for manifest in found if manifest.finished is not None]
    kept = {name: value for name, value in manifests.read(first.run.path).items() if name != "shard"}
    return {
        **kept,
        "dataset_size": first.size,
        "dataset_described": described.get("None", sum(described.values())),
        "dataset_stamp": "",
        "samples_sha256": "",
        "model_served": sorted({name for manifest in found for name in manifest.model_served}),
        "model_roots": sorted({root for manifest in found for root in manifest.model_roots}),
        **({"price": asdict(costs.target)} if costs.target is not None else {}),
        "model_adaptations": sorted({text for manifest in found for text in manifest.model_adaptations}),
        "judges": {stem: replace(entry, price=costs.judges[stem]).to_json() for stem, entry in _judges(pieces).items()},
        "started": min(manifest.started for manifest in found),
        "finished": max(finished) if len(finished) == len(found) else None,
        "merged_from": [
            {
                "run": str(piece.run.path),
                "shard": piece.run.manifest.shard,
                "started": piece.run.manifest.started,
                "finished": piece.run.manifest.finished,
                "parameters": piece.run.manifest.parameters,
                "platform": piece.run.manifest.platform,
            }
            for piece in pieces
        ],
    }


def _judges(pieces: Sequence[Piece]) -> Mapping[str, JudgeEntry]:
    """Every judge that worked on a piece; one stem is one judge.

    Raises:
        RunError: Two pieces disagree about its labels.
    """
    judges: dict[str, JudgeEntry] = {}
    for piece in pieces:
        for stem, entry in piece.run.judges.items():
            known = judges.setdefault(stem, entry)
            if known.labels != entry.labels:
                raise RunError(f"The judge {entry.judge} has other labels in {piece.run.path} than in another folder.")
            adaptations = tuple(sorted({*known.adaptations, *entry.adaptations}))
            judges[stem] = replace(entry.added_to(known), adaptations=adaptations)
    return judges


def _half_judged(pieces: Sequence[Piece], out: str | Path) -> Iterator[str]:
    """What to say of each judge whose verdicts are missing in some folders, which it was not asked in."""
    for stem, entry in _judges(pieces).items():
        judged = {piece.shard for piece in pieces if stem in piece.run.judges}
        without = [str(piece.run.path) for piece in pieces if piece.shard not in judged]
        if without and None not in judged:
            rest = f"`vlsbench judge {out} --judge {entry.judge}`, with the options of before, judges the rest."
            yield f"{entry.judge} has not judged the answers in {', '.join(without)}. {rest}"


def _samples(pieces: Sequence[Piece], root: str | None) -> Iterator[bytes]:
    """The lines of all pieces in the order of the set, up to the first sample that no piece has listed yet.

    Raises:
        RunError: A line is damaged, or two pieces were shown different pictures.
    """
    lines = heapq.merge(*(_listed(which, piece) for which, piece in enumerate(pieces)))
    for expected, (number, listed) in enumerate(groupby(lines, key=itemgetter(0))):
        if number != expected:
            return
        which, line = _sound([(pieces[which].run, line) for _, which, line in listed])
        old = which.manifest.dataset_root
        yield line if old == root else moved(line, old, root)


def _sound(listed: Sequence[tuple[Run, bytes]]) -> tuple[Run, bytes]:
    """Of the lines about one sample, the first whose picture could be read where there is one."""
    found = [(_sample(run, line), run, line) for run, line in listed]
    found.sort(key=lambda each: None in each[0].hashes)
    (first, run, line), *others = found
    for other, there, _ in others:
        if other.id != first.id or (None not in other.hashes and other.hashes != first.hashes):
            raise RunError(
                f"Sample {first.id} in {run.path} is another one or shows another picture than in {there.path}. "
                "Leave one of the folders out."
            )
    return run, line


def _sample(run: Run, line: bytes) -> Sample:
    try:
        return records.to_sample(line)
    except ValueError as error:
        raise RunError(f"{run.samples} is damaged: {error}. {seal.ANEW}") from error


def _listed(which: int, piece: Piece) -> Iterator[_Listed]:
    for number, (_, line) in zip(piece.numbers, journal.lines(piece.run.samples), strict=False):
        if line.endswith(b"\n"):
            yield number, which, line


def _owned(files: Sequence[Path], owners: Mapping[str, int]) -> Iterator[bytes]:
    """The whole lines of some journals, of each sample those in the file that owns it."""
    for number, file in enumerate(files):
        for _, line in journal.lines(file):
            sample_id = journal.sample_id(line)
            if sample_id is not None and owners.get(sample_id) == number:
                yield line if line.endswith(b"\n") else line + b"\n"


def _copy_images(source: Run, target: Run) -> None:
    """Bring along the pictures that came inside records; they are named by their hash."""
    for image in sorted((source.path / "images").glob("*")):
        target.make_folder("images")
        copy = target.path / "images" / image.name
        if not copy.exists():
            journal.write_atomically(copy, image.read_bytes())
