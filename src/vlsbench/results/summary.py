"""What a run comes to: read the journals, compute the figures, write ``summary.json``."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vlsbench.core.types import Response, ResponseOutcome, Verdict, VerdictOutcome
from vlsbench.core.usage import Prices, Usage
from vlsbench.results import glance, outcomes, samples
from vlsbench.results.agreement import Agreement, agreements
from vlsbench.results.official import Official, official
from vlsbench.results.outcomes import ANSWERS, PENDING, judge_names
from vlsbench.results.rates import Block, JudgeRates
from vlsbench.results.samples import ListedSample
from vlsbench.results.usage import JUDGE, TARGET, RoleUsage, judge_price, spent, target_price, usage_json
from vlsbench.store import journal, json_file
from vlsbench.store.run_folder import Run

_THREE_LABEL_FIGURES = ("safety_rate", "refusal_rate", "warning_rate", "over_refusal_rate", "paired_rate")
_WHERE_THERE_IS_ONE = ("unsafe_rate", "accuracy", "accuracy_bounds", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSummary:
    """One judge's figures: over all samples, and by group."""

    judge: str
    settings: Mapping[str, str]
    baseline: bool
    overall: Block
    by_category: Mapping[str, Block]
    by_sub_category: Mapping[str, Block]
    by_source: Mapping[str, Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of a run, as ``summary.json`` holds them.

    `n` counts the selected samples and `responses` their outcomes, with ``pending`` for those that have
    none yet. `judges` maps each judge's display name to its figures; `latest` is the name of the judge that
    worked last, where the summary comes at the end of its work. `condition` names what the model was shown in
    place of each sample, where that was not the sample itself (see `vlsbench ablate`). `shard` is the part of the
    dataset that the run holds, where that is not all of it. `usage` says what the roles ``target`` and ``judge`` took,
    in all sessions together. `official` are the figures by the rule of the benchmark's authors, where it has one; they
    come from the answers and know no judge.
    """

    run: str
    model: str
    dataset: str
    n: int
    responses: Mapping[str, int]
    judges: Mapping[str, JudgeSummary]
    agreement: tuple[Agreement, ...] = ()
    latest: str | None = None
    condition: str | None = None
    shard: str | None = None
    usage: Mapping[str, RoleUsage] = field(default_factory=dict)
    official: Official | None = None

    @property
    def unscored_share(self) -> float:
        """The share of samples that the latest judge left unscored, or any judge at most; between 0 and 1."""
        asked = self.judges.values() if self.latest is None else [self.judges[self.latest]]
        return max((1 - judge.overall.scored / self.n for judge in asked if self.n), default=0.0)

    def __str__(self) -> str:
        return glance.as_text(self._heading, {name: judge.overall for name, judge in self.judges.items()})

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return glance.as_html(self._heading, {name: judge.overall for name, judge in self.judges.items()})

    @property
    def _heading(self) -> str:
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in self.responses.items() if count)
        shown = f" ({self.condition})" if self.condition is not None else ""
        shown += f", shard {self.shard}" if self.shard is not None else ""
        return f"{self.model} on {self.dataset}{shown}: n = {self.n:,}; {outcomes or 'no answers yet'}"

    def to_json(self) -> dict[str, object]:
        """The object of ``summary.json``."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            **({"condition": self.condition} if self.condition is not None else {}),
            **({"shard": self.shard} if self.shard is not None else {}),
            "n": self.n,
            "responses": dict(self.responses),
            "judges": {name: _judge_json(judge) for name, judge in self.judges.items()},
            "usage": usage_json(self.usage),
            "agreement": [dataclasses.asdict(pair) for pair in self.agreement],
            **({"official": dataclasses.asdict(self.official)} if self.official is not None else {}),
        }


def _judge_json(judge: JudgeSummary) -> dict[str, object]:
    groups = {"by_category": judge.by_category, "by_sub_category": judge.by_sub_category, "by_source": judge.by_source}
    return {
        "judge": judge.judge,
        **judge.settings,
        "baseline": judge.baseline,
        **block_json(judge.overall),
        **{key: {name: block_json(block) for name, block in group.items()} for key, group in groups.items()},
    }


def block_json(block: Block) -> dict[str, object]:
    """A block as ``summary.json`` holds it.

    A guard's block has an unsafe rate instead of the rates of the three labels; accuracy is there only where
    it was tested, and alone where the judge tests nothing else.
    """
    fields = dataclasses.asdict(block)
    left_out = [name for name in _WHERE_THERE_IS_ONE if fields[name] is None]
    left_out += _THREE_LABEL_FIGURES if block.unsafe_rate is not None or block.tests_ability_alone else ()
    left_out += ["bounds"] if block.tests_ability_alone else []
    return {name: value for name, value in fields.items() if name not in left_out}


def summarise(run: Run, latest: str | None = None, prices: Prices | None = None) -> Summary:
    """Compute the figures of a run from its journals.

    Works at any time, also while another process is writing. Samples the run has selected but not yet
    listed count as pending in the totals; they belong to no group yet.

    Args:
        run: The run folder.
        latest: The stem of the judge that just worked on it.
        prices: Prices to use in place of those that its sessions were given.
    """
    items = samples.read(run)
    asked = Usage()
    answered = outcomes.answers(run, asked)
    listed = Counter(answered[item.id].outcome for item in items if item.id in answered)
    responses = {outcome.value: listed[outcome.value] for outcome in ResponseOutcome}
    responses[PENDING] = run.size - sum(responses.values())
    names = judge_names(run)
    taken = {stem: Usage() for stem in names}
    found = {stem: outcomes.read(run, stem, answered, taken[stem]) for stem in names}
    judges = {name: _summarise_judge(run, stem, items, found[stem]) for stem, name in names.items()}
    return Summary(
        run=str(run.path),
        model=run.manifest.model,
        dataset=run.manifest.dataset,
        n=run.size,
        responses=responses,
        judges=judges,
        agreement=agreements({names[stem]: outcome for stem, outcome in found.items()}, items),
        latest=names[latest] if latest is not None else None,
        condition=run.condition,
        official=official(run),
        shard=run.manifest.shard,
        usage={
            TARGET: spent([(run.manifest.model, asked, target_price(run, prices))]),
            JUDGE: spent((name, taken[stem], judge_price(run, stem, prices)) for stem, name in names.items()),
        },
    )


def write(run: Run, latest: str | None = None) -> Summary:
    """Compute the figures as `summarise` does and write ``summary.json``.

    Raises:
        Stopped: The file cannot be written.
    """
    summary = summarise(run, latest)
    json_file.write(run.path / "summary.json", summary.to_json())
    return summary


def _summarise_judge(run: Run, stem: str, items: list[ListedSample], found: Mapping[str, str]) -> JudgeSummary:
    entry = run.judges[stem]
    figures = JudgeRates(items, found, entry.labels, outcomes.scores(run, stem))
    return JudgeSummary(
        judge=entry.judge,
        settings=entry.described(),
        baseline=entry.baseline,
        overall=figures.block(items, unlisted=run.size - len(items)),
        by_category=figures.by(lambda item: item.category),
        by_sub_category=figures.by(lambda item: item.sub_category),
        by_source=figures.by(lambda item: item.source),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A reason for which samples have no answer or no label, and how many."""

    outcome: str
    reason: str
    count: int


def causes(run: Run, stem: str | None = None, most: int = 3) -> tuple[Cause, ...]:
    """The commonest reasons why samples of a run are unscored.

    Args:
        run: The run folder.
        stem: The verdict file to look into; None for the answers.
        most: How many reasons at most.
    """
    good = (*ANSWERS, VerdictOutcome.SCORED, VerdictOutcome.UNINTELLIGIBLE, VerdictOutcome.NO_RESPONSE)
    last: dict[str, tuple[str, str]] = {}
    for sample_id, outcome, reason in _reasons(run, stem):
        if outcome in good:
            last.pop(sample_id, None)
        else:
            last[sample_id] = (outcome.value, _alike(reason))
    found = Counter(last.values()).most_common(most)
    return tuple(Cause(outcome=outcome, reason=reason, count=count) for (outcome, reason), count in found)


def _reasons(run: Run, stem: str | None) -> Iterator[tuple[str, ResponseOutcome | VerdictOutcome, str]]:
    if stem is None:
        return ((each.sample_id, each.outcome, each.error) for each in journal.read(run.responses, Response))
    return ((each.sample_id, each.outcome, each.reason) for each in journal.read(run.verdicts(stem), Verdict))


def _alike(reason: str) -> str:
    """A reason without what differs from sample to sample: the paths of files."""
    return re.sub(r"(?<![\w:/])/[^\s:;,'\"()]+", "(path)", reason)[:200]
