"""The figures of an ablation, and ``ablation.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from vlsbench.ablation.conditions import FULL
from vlsbench.ablation.folder import RESULT
from vlsbench.ablation.gains import Condition, Explained, Gain, PairedGain, condition, explained_by_text, gains
from vlsbench.core.errors import RunError
from vlsbench.results import judged_run
from vlsbench.results.judged_run import JudgedRun
from vlsbench.results.summary import block_json
from vlsbench.results.usage import RoleUsage, added, recorded, usage_json
from vlsbench.store import json_file
from vlsbench.store.identity import Identity

FORMAT = 1
"""The version of ``ablation.json``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What the image adds to the safety of a model's answers.

    `n` samples with an image took part, `n_harmful` of which enter the gains; `left_out` have none. `conditions`
    holds the figures of each condition by itself, and `gains` full minus each of the others. `skipped` says why a
    condition was not asked. `usage` is what each role took under all conditions.
    """

    path: Path
    identity: Identity
    judge: str
    n: int
    n_harmful: int
    left_out: int
    conditions: Mapping[str, Condition]
    gains: Mapping[str, Gain]
    explained_by_text: Explained | None
    skipped: Mapping[str, str]
    usage: Mapping[str, RoleUsage] = field(default_factory=dict)

    @classmethod
    def of(
        cls, path: Path, identity: Identity, runs: Mapping[str, JudgedRun], *, left_out: int, skipped: Mapping[str, str]
    ) -> Self:
        """The figures of judged runs, one per condition, ``full`` among them."""
        full = runs[FULL]
        return cls(
            path=path,
            identity=identity,
            judge=full.name,
            n=full.run.size,
            n_harmful=sum(item.harmful for item in full.items),
            left_out=left_out,
            conditions={name: condition(name, run) for name, run in runs.items()},
            gains=gains(runs),
            explained_by_text=explained_by_text(runs),
            skipped=dict(skipped),
            usage=added(recorded(run.run) for run in runs.values()),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """An ablation as its folder holds it: the figures from the runs in it, the rest from ``ablation.json``.

        Raises:
            RunError: The folder holds no ablation, or a damaged one.
        """
        file = path / RESULT
        found = json_file.convert(json_file.read_version(file, dict[str, object], FORMAT), _Recorded, file)
        runs = {name: judged_run.read(path / name, found.judge) for name in found.conditions}
        if FULL not in runs:
            raise RunError(f"{file} is damaged: it has no condition {FULL}.")
        manifest = runs[FULL].run.manifest
        identity = Identity(
            model=manifest.model,
            dataset=manifest.dataset,
            dataset_hash=manifest.dataset_hash,
            max_tokens=found.max_tokens,
            temperature=found.temperature,
            system=manifest.system,
            seed=manifest.seed,
            limit=manifest.limit,
            image_max_side=manifest.image_max_side,
        )
        return cls.of(path, identity, runs, left_out=found.left_out.get("no_image", 0), skipped=found.skipped)

    @property
    def unscored_share(self) -> float:
        """The largest share of samples that is unscored under a condition; between 0 and 1."""
        blocks = [found.overall for found in self.conditions.values()]
        return max(1 - block.scored / block.n for block in blocks)

    def to_json(self) -> dict[str, object]:
        """The object of ``ablation.json``."""
        identity = self.identity
        return {
            "version": FORMAT,
            "model": identity.model,
            "dataset": identity.dataset,
            "dataset_hash": identity.dataset_hash,
            "judge": self.judge,
            "max_tokens": identity.max_tokens,
            "temperature": identity.temperature,
            "system": identity.system,
            "seed": identity.seed,
            "limit": identity.limit,
            "n": self.n,
            "n_harmful": self.n_harmful,
            "left_out": {"no_image": self.left_out},
            "conditions": {name: _condition_json(found) for name, found in self.conditions.items()},
            "gains": {name: _gain_json(gain) for name, gain in self.gains.items()},
            "explained_by_text": _explained_json(self.explained_by_text),
            "skipped": dict(self.skipped),
            "usage": usage_json(self.usage),
        }

    def write(self) -> None:
        """Write ``ablation.json``.

        Raises:
            Stopped: It cannot be written.
        """
        json_file.write(self.path / RESULT, self.to_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """What ``ablation.json`` says beside the figures."""

    judge: str
    max_tokens: int
    temperature: float
    conditions: dict[str, object]
    left_out: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def _condition_json(found: Condition) -> dict[str, object]:
    return {
        "run": found.run,
        **block_json(found.overall),
        "by_category": {name: block_json(block) for name, block in found.by_category.items()},
    }


def _gain_json(gain: Gain) -> dict[str, object]:
    return {
        **_paired_json(gain.overall),
        "by_category": {name: _paired_json(paired) for name, paired in gain.by_category.items()},
    }


def _paired_json(gain: PairedGain) -> dict[str, object]:
    return {**asdict(gain.paired), "p_holm": gain.p_holm, **gain.missing.to_json()}


def _explained_json(found: Explained | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        **asdict(found.overall),
        "by_category": {name: asdict(rate) for name, rate in found.by_category.items()},
    }
