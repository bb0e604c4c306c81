"""What an audit comes to: ``audit.json`` and ``samples.jsonl``, from the verdicts of the guard and the signals.

    AUDIT/
      audit.json       the figures
      samples.jsonl    each sample with its verdicts and signals
      guard/           the run of the guard: its manifest and its journals, the truth of every figure

Both files are written anew each time; nothing is lost with them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vlsbench.core import images
from vlsbench.core.errors import ImageProblem
from vlsbench.core.types import Expect, Sample
from vlsbench.core.usage import Prices
from vlsbench.leakage import checking, protocol
from vlsbench.leakage.audited import PartVerdict
from vlsbench.leakage.checking import impossible, verdicts
from vlsbench.leakage.protocol import DEFINITIONS, LeakageRates, Part, PartShare, Row
from vlsbench.leakage.published import row_of
from vlsbench.leakage.signals.signals import Signals
from vlsbench.results import samples, summary
from vlsbench.results.outcomes import PENDING
from vlsbench.results.summary import Cause
from vlsbench.results.usage import GUARD, RoleUsage, spent, usage_json
from vlsbench.store import journal, json_file, records
from vlsbench.store.run_folder import Run

EXAMPLES = 5
"""Samples with leaking spans that are shown, those with the greatest overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """The guard protocol on a whole set and on its groups.

    `causes` are the commonest reasons why verdicts are missing, by part.
    """

    guard: str
    settings: Mapping[str, str]
    overall: LeakageRates
    by_category: Mapping[str, LeakageRates]
    by_expect: Mapping[str, LeakageRates]
    causes: Mapping[str, tuple[Cause, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakExample:
    """A sample whose text leaks: its spans are (start, end) in characters."""

    sample_id: str
    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The figures of an audit, as ``audit.json`` holds them. `guarded` is None where no guard was asked.

    `usage` says what the role ``guard`` took, over all sessions; it is empty where no guard was asked.
    """

    path: Path
    dataset: str
    dataset_hash: str
    limit: int | None
    selected: int
    guarded: Guarded | None = None
    usage: Mapping[str, RoleUsage] = field(default_factory=dict)
    signals: Mapping[str, object] | None = None
    partial_input: Mapping[str, object] | None = None
    partial_input_reference: Mapping[str, object] | None = None
    notes: tuple[str, ...] = ()
    examples: tuple[LeakExample, ...] = ()

    @property
    def unscored_share(self) -> float:
        """The share of pairs that lack a verdict on the pair or on the text, between 0 and 1."""
        return self.guarded.overall.unscored_share if self.guarded is not None else 0.0

    def to_json(self) -> dict[str, object]:
        """The object of ``audit.json``."""
        found: dict[str, object] = {
            "dataset": self.dataset,
            "dataset_hash": self.dataset_hash,
            "limit": self.limit,
            "selected": self.selected,
            "guard": None,
        }
        if (guarded := self.guarded) is not None:
            found |= {"guard": guarded.guard, "guard_settings": dict(guarded.settings)}
            found |= figures_json(guarded.overall)
            found["by_category"] = {name: figures_json(group) for name, group in guarded.by_category.items()}
            found["by_expect"] = {name: figures_json(group) for name, group in guarded.by_expect.items()}
            found["definitions"] = dict(DEFINITIONS)
            found["published"] = None if (row := row_of(self.dataset)) is None else asdict(row)
            found["usage"] = usage_json(self.usage)
        found |= {"signals": self.signals, "partial_input": self.partial_input}
        found |= {"partial_input_reference": self.partial_input_reference, "notes": list(self.notes)}
        return found


def read(path: Path, prices: Prices | None = None) -> Audit:
    """An audit as its folder holds it: the guard's figures from its records, everything else from ``audit.json``.

    Args:
        path: The folder.
        prices: Prices to use in place of those that its sessions were given.

    Raises:
        RunError: The folder holds no audit, or a damaged one.
    """
    file = path / "audit.json"
    found = json_file.convert(json_file.read(file), _Recorded, file)
    run = Run(path / "guard") if (path / "guard" / "manifest.json").exists() else None
    mine = Verdicts(run) if run is not None and run.manifest.dataset_hash == found.dataset_hash else None
    return Audit(
        path=path,
        dataset=found.dataset,
        dataset_hash=found.dataset_hash,
        limit=found.limit,
        selected=found.selected,
        guarded=mine.guarded() if mine is not None else None,
        usage=mine.usage(prices) if mine is not None else {},
        signals=found.signals,
        partial_input=found.partial_input,
        partial_input_reference=found.partial_input_reference,
        notes=found.notes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """What ``audit.json`` says beside the guard's figures."""

    dataset: str
    selected: int
    dataset_hash: str = ""
    limit: int | None = None
    signals: dict[str, object] | None = None
    partial_input: dict[str, object] | None = None
    partial_input_reference: dict[str, object] | None = None
    notes: tuple[str, ...] = ()


def figures_json(found: LeakageRates) -> dict[str, object]:
    """The figures of a group as ``audit.json`` holds them."""
    return {
        "n": found.n,
        "r1": _share_json(found.r1),
        "r2": _share_json(found.r2),
        "r1_minus_r2": _share_json(found.r1_minus_r2),
        "r2_both_alone": _share_json(found.r2_both_alone),
        "mcnemar": asdict(found.mcnemar),
        "modality": {name: _share_json(share) for name, share in found.modality.items()},
        "unscored": {part: dict(reasons) for part, reasons in found.unscored.items()},
        "harmful": {part: asdict(rate) for part, rate in found.harmful.items()},
        "selected": found.selected,
        "pairs": found.pairs,
        "not_pairs": dict(found.not_pairs),
    }


def _share_json(share: PartShare) -> dict[str, object]:
    return {**asdict(share.rate), "bounds": {"lowest": share.lowest, "highest": share.highest}}


class Verdicts:
    """The verdicts of a guard's run.

    Args:
        run: The run; read as it stands, also while another process is writing.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._found = {part: verdicts(run, part) for part in Part}
        self._listed = {item.id: item for item in samples.read(run)}

    def guarded(self) -> Guarded:
        """The figures of the run."""
        rows = list(self._rows())
        condition = self._run.manifest.condition or {}
        overall = protocol.figures(rows, unlisted=max(0, self._run.size - len(rows)))
        return Guarded(
            guard=self._run.manifest.model,
            settings={name: value for name, value in condition.items() if name != "name"},
            overall=overall,
            by_category=protocol.by(rows, lambda row: row.category),
            by_expect=protocol.by(rows, lambda row: row.expect),
            causes={
                part.value: summary.causes(self._run, part)
                for part in Part
                if any(overall.unscored[part].get(reason) for reason in ("judge_refused", "unparsable", "judge_error"))
            },
        )

    def usage(self, prices: Prices | None = None) -> Mapping[str, RoleUsage]:
        """What the guard took, and at which cost where a price is known: one named here, or by a session."""
        model = self._run.manifest.model
        price = (prices.of_judge(model) if prices is not None else None) or self._run.manifest.price
        return {GUARD: spent([(model, checking.usage(self._run), price)])}

    def _rows(self) -> Iterator[Row]:
        """The samples that the run lists, each once."""
        listed = dict(self._listed)
        for sample in records.samples(self._run.samples):
            item = listed.pop(sample.id, None)
            if item is None:
                continue
            yield Row(
                id=item.id,
                category=item.category,
                cluster=item.cluster,
                more_images=item.more_images,
                unit=item.unit,
                expect=Expect.HARMFUL.value if item.harmful else Expect.BENIGN.value,
                outcomes={part: self._outcome(sample, part) for part in Part},
            )

    def _outcome(self, sample: Sample, part: Part) -> str:
        found = self._found[part].get(sample.id)
        return impossible(sample, part) or (PENDING if found is None else found.label or found.outcome.value)

    def image_sha256(self, sample: Sample) -> str | None:
        """The hash of the image that the guard was shown; None where there was none, or it could not be used."""
        item = self._listed.get(sample.id)
        return item.cluster if item is not None and item.cluster != samples.alone(sample.id) else None

    def of(self, sample: Sample) -> dict[str, PartVerdict | dict[str, str | None] | None]:
        """What ``samples.jsonl`` says of a sample: for each part a verdict, or null where there is none yet."""
        return {part.value: self._of(sample, part) for part in Part}

    def _of(self, sample: Sample, part: Part) -> PartVerdict | dict[str, str | None] | None:
        if reason := impossible(sample, part):
            return {"outcome": reason, "label": None}
        found = self._found[part].get(sample.id)
        return PartVerdict.of(found) if found is not None else None


class Writer:
    """Writes ``samples.jsonl`` while the samples stream by, and keeps what is worth showing.

    Args:
        path: The audit's folder.
        root: The folder that the dataset's images are relative to.
        verdicts: The guard's verdicts, where there are any.
    """

    def __init__(self, path: Path, root: Path | str | None, verdicts: Verdicts | None) -> None:
        self._path = path
        self._root = root
        self._verdicts = verdicts
        self._best: list[tuple[float, int, LeakExample]] = []
        self._n = 0

    def write(self, measured: Iterable[tuple[Sample, Signals]]) -> None:
        """Write the samples.

        Args:
            measured: Each with its signals.

        Raises:
            Stopped: The disk is full, read-only or gone.
        """
        journal.write_atomically(self._path / "samples.jsonl", map(self._line, measured))

    @property
    def examples(self) -> tuple[LeakExample, ...]:
        """The samples that leak most, the worst first."""
        return tuple(example for *_, example in sorted(self._best, key=lambda entry: (-entry[0], entry[1])))

    def _line(self, pair: tuple[Sample, Signals]) -> bytes:
        sample, signals = pair
        self._n += 1
        places = [_absolute(image, self._root) for image in sample.images]
        record = records.from_sample(sample.with_images(places) if places else sample) | {
            "image_problem": next(filter(None, (_outside(image, self._root) for image in sample.images)), ""),
            "image_sha256": self._verdicts.image_sha256(sample) if self._verdicts is not None else None,
        }
        record["guard"] = self._verdicts.of(sample) if self._verdicts is not None else None
        record["signals"] = signals
        if signals.spans:
            self._keep(sample, signals)
        return journal.to_line(record)

    def _keep(self, sample: Sample, signals: Signals) -> None:
        worst = max(signals.description_overlap or 0.0, signals.ocr_overlap or 0.0)
        spans = tuple((span.start, span.end) for span in signals.spans)
        # The number breaks ties in the order of the dataset, and keeps the heap from comparing examples.
        entry = (worst, -self._n, LeakExample(sample_id=sample.id, text=sample.text, spans=spans))
        if len(self._best) < EXAMPLES:
            heapq.heappush(self._best, entry)
        else:
            heapq.heappushpop(self._best, entry)


def _absolute(image: str, root: Path | str | None) -> str:
    """Where an image lies, for whoever reads the file from elsewhere; a ``data:`` URI as it is."""
    if image.startswith("data:"):
        return image
    return str(Path(root or "", image).absolute())


def _outside(image: str, root: Path | str | None) -> str:
    """Why an image may not be used, where it lies outside the dataset's folder: an absolute path no longer tells."""
    if image.startswith("data:"):
        return ""
    try:
        images.locate(image, root)
    except ImageProblem as error:
        return str(error)
    return ""


def write(found: Audit) -> None:
    """Write ``audit.json``.

    Raises:
        Stopped: It cannot be written.
    """
    json_file.write(found.path / "audit.json", found.to_json())
