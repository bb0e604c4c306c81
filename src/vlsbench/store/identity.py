"""What makes two runs the same run, and two judges the same judge; and the names of their files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson

from vlsbench.core.names import dataset_slug, slug

IDENTITY = ("model", "dataset_hash", "max_tokens", "temperature", "system", "seed", "limit")
"""The manifest fields that make two runs the same run, with those of `OPTIONAL` where there are any."""

OPTIONAL = ("condition", "shard", "image_max_side")
"""Fields of the identity that are left out where they are None, so that runs of earlier versions stay the same runs."""

MODEL_DETAILS = ("dtype", "commit", "digest", "adapter_commit", "adapter_digest")
"""What a local model says of its weights; answers of others are those of a different model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a run is: a continued run must have the same.

    `dataset_hash` covers every selected record; the dataset's own name and folder are not part of it, so
    a moved folder continues its run. `condition` is the identity of the view that the model was shown of each
    sample (`vlsbench.core.protocols.View`); None where it was shown the sample itself. `shard` is the part of the
    selection (``I/N``) that the run holds; None for all of it. `image_max_side` is the longest side, in pixels,
    to which images were scaled down; None where they were shown as they are.
    `max_tokens` and `temperature` are None where another tool asked and did not say.
    """

    model: str
    dataset: str
    dataset_hash: str
    max_tokens: int | None
    temperature: float | None
    system: str | None
    seed: int | None
    limit: int | None
    condition: Mapping[str, str] | None = None
    shard: str | None = None
    image_max_side: int | None = None

    def fields(self) -> dict[str, object]:
        """The identity fields as they stand in the manifest."""
        found = {name: getattr(self, name) for name in IDENTITY}
        found |= {name: value for name in OPTIONAL if (value := getattr(self, name)) is not None}
        return found | ({"condition": dict(self.condition)} if self.condition is not None else {})

    def folder_name(self) -> str:
        """``<slug>-<hash8>``: readable, and different for different runs; for a shard, the whole's with its number."""
        if self.shard is not None:
            return f"{replace(self, shard=None).folder_name()}-shard-{self.shard.replace('/', '-of-')}"
        digest = hashlib.sha256(orjson.dumps(self.fields(), option=orjson.OPT_SORT_KEYS)).hexdigest()
        return f"{slug(self.model)}-{dataset_slug(self.dataset)}-{digest[:8]}"


def judge_slug(name: str, settings: Mapping[str, str]) -> str:
    """The stem of a judge's verdict file: ``<judge-slug>-<hash8>``."""
    identity = orjson.dumps([name, dict(settings)], option=orjson.OPT_SORT_KEYS)
    return f"{slug(name)}-{hashlib.sha256(identity).hexdigest()[:8]}"
