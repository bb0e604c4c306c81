"""The run folders that are to be one: do they belong together, is all there, and whose answer counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from vlsbench.core.errors import RunError
from vlsbench.core.words import counted
from vlsbench.results import outcomes
from vlsbench.results.outcomes import ANSWERS, Answered
from vlsbench.run.course import Final, final_verdicts
from vlsbench.run.shards.split import Shard
from vlsbench.store import shard_file
from vlsbench.store.run_folder import Run, differences

_SHOWN = 5
"""Conflicts that a message names one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run folder, and the numbers that its samples have in the whole set, of which there are `size`."""

    run: Run
    shard: Shard | None
    numbers: Sequence[int]
    size: int

    @classmethod
    def open(cls, path: Path) -> Piece:
        """Open a run folder, of a shard or of a whole set.

        Raises:
            RunError: It is none, or does not say which samples it holds.
        """
        run = Run(path)
        run.require_answers()
        if run.manifest.shard is None:
            return cls(run=run, shard=None, numbers=range(run.size), size=run.size)
        found = shard_file.read(path)
        if (found.shard, len(found.numbers)) != (run.manifest.shard, run.size):
            raise RunError(
                f"{path / shard_file.FILE} is not that of this run. Continue the run, and it is written anew."
            )
        return cls(run=run, shard=Shard.parse(found.shard), numbers=found.numbers, size=found.size)


def require_fit(pieces: Sequence[Piece]) -> None:
    """Nothing where the folders are runs of one identity that make up the whole set.

    Raises:
        RunError: A folder is named twice, is another run, of another split, or one is missing.
    """
    first = pieces[0]
    for path, same in combinations([piece.run.path for piece in pieces], 2):
        if path.samefile(same):
            raise RunError(f"{path} and {same} are one folder.")
    for other in pieces[1:]:
        if found := differences(first.run, other.run):
            raise RunError(f"{first.run.path} and {other.run.path} hold different runs ({found}).")
    shards = [(piece, piece.shard) for piece in pieces if piece.shard is not None]
    for piece, shard in shards[1:]:
        if shard.of != shards[0][1].of:
            raise RunError(
                f"{piece.run.path} holds shard {shard}, {shards[0][0].run.path} shard {shards[0][1]}: shards of "
                "different splits do not join."
            )
    if len({piece.size for piece in pieces}) > 1:
        raise RunError("The folders disagree on the size of the set; one of them was edited.")
    if len(shards) == len(pieces):
        here = {shard.index for _, shard in shards}
        of = shards[0][1].of
        if missing := [f"{index}/{of}" for index in range(1, of + 1) if index not in here]:
            more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
            raise RunError(
                f"{counted(len(missing), 'shard')} missing: {', '.join(missing[:_SHOWN])}{more}. Name their folders "
                "too, or evaluate them with --shard."
            )


class Owners:
    """For each sample, the piece whose answer counts, and for each judge the one whose verdict does.

    Pieces overlap where one shard was evaluated on two machines. An answer beats a failure; two different answers, or
    two verdicts of one judge on the same answer, are a conflict that only the user can settle.

    Raises:
        RunError: There are conflicts; the message names samples and folders.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self.answers: dict[str, int] = {}
        self._last: dict[str, Answered] = {}
        self._shared: set[str] = set()
        conflicts: list[str] = []
        for number, piece in enumerate(pieces):
            for sample_id, answer in outcomes.answers(piece.run).items():
                conflicts += self._add(number, sample_id, answer)
        _refuse(conflicts, "answered differently")

    def _add(self, number: int, sample_id: str, answer: Answered) -> Iterator[str]:
        last = self._last.get(sample_id)
        if last is not None:
            self._shared.add(sample_id)
            if last.outcome in ANSWERS and answer.outcome in ANSWERS and not last.is_what(answer.answer):
                yield self._between(sample_id, self.answers[sample_id], number)
        if last is None or (last.outcome not in ANSWERS and answer.outcome in ANSWERS):
            self.answers[sample_id], self._last[sample_id] = number, answer

    def verdicts(self, stem: str) -> Mapping[str, int]:
        """For each sample the piece whose verdicts of this judge count: that of its answer, or another with a label.

        Raises:
            RunError: Two pieces hold different labels for the same answer.
        """
        if not self._shared:
            return self.answers
        owners = dict(self.answers)
        labels: dict[str, tuple[int, str | None]] = {}
        conflicts: list[str] = []
        for number, piece in enumerate(self._pieces):
            for sample_id, (label, judged) in self._final(piece, stem):
                if not self._last[sample_id].is_what(judged):
                    continue
                other, known = labels.setdefault(sample_id, (number, label))
                if known != label:
                    conflicts.append(self._between(sample_id, other, number))
        for sample_id, (number, _) in labels.items():
            owners[sample_id] = number
        _refuse(conflicts, "judged differently")
        return owners

    def _final(self, piece: Piece, stem: str) -> Iterable[tuple[str, Final]]:
        found = final_verdicts(piece.run.verdicts(stem))
        return ((sample_id, final) for sample_id, final in found.items() if sample_id in self._shared)

    def _between(self, sample_id: str, one: int, other: int) -> str:
        return f"{sample_id} in {self._pieces[one].run.path} and {self._pieces[other].run.path}"


def _refuse(conflicts: Sequence[str], how: str) -> None:
    if conflicts:
        more = f"; and {len(conflicts) - _SHOWN:,} more" if len(conflicts) > _SHOWN else ""
        raise RunError(
            f"{counted(len(conflicts), 'sample')} {how}: {'; '.join(conflicts[:_SHOWN])}{more}. "
            "Leave one of the folders out."
        )
