"""How the figures were made: manifests, versions, rubrics, and the commands that make them again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vlsbench.core.errors import VLSBenchError
from vlsbench.core.types import Sees
from vlsbench.core.usage import Price
from vlsbench.judges import rubric_file
from vlsbench.judges.rubric_file import Rubric
from vlsbench.models import SCHEMES
from vlsbench.models.api.keys import PROVIDERS
from vlsbench.report.inputs import AblationPart, Inputs, RunPart
from vlsbench.store.manifest import JudgeEntry, Manifest

Facts = tuple[tuple[str, str], ...]

_NOTHING: tuple[object, ...] = (None, "", [], (), {})

_SHOWN = (
    ("model", "model"),
    ("model_served", "model as served"),
    ("model_roots", "model behind the server's name"),
    ("model_adaptations", "adapted for the model"),
    ("model_details", "model details"),
    ("dataset", "dataset"),
    ("dataset_revision", "dataset revision"),
    ("dataset_hash", "hash of the samples"),
    ("dataset_size", "samples"),
    ("dataset_root", "dataset folder"),
    ("condition", "condition"),
    ("max_tokens", "longest answer, tokens"),
    ("temperature", "temperature"),
    ("system", "system prompt"),
    ("seed", "seed"),
    ("image_max_side", "longest side of an image, pixels"),
    ("limit", "limit"),
    ("shard", "shard"),
    ("merged_from", "joined from"),
    ("parameters", "parameters"),
    ("price", "price per million tokens"),
    ("platform", "made with"),
    ("started", "started"),
    ("finished", "finished"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeMade:
    """A judge: what the manifest says of it, and the text of its rubric where it is the one that was used."""

    name: str
    facts: Facts
    rubric: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMade:
    """A run: what its manifest says, its judges, and the commands that make it again."""

    name: str
    folder: str
    facts: Facts
    judges: tuple[JudgeMade, ...]
    commands: tuple[str, ...]
    note: str = ""


def of_runs(inputs: Inputs) -> tuple[RunMade, ...]:
    """How each run was made."""
    ablated = {id(run): part for part in inputs.ablations for run in part.runs.values()}
    return tuple(_of_run(part, ablated.get(id(part))) for part in inputs.answered)


def report_command(inputs: Inputs, options: Sequence[str]) -> str:
    """The command that makes the report again."""
    return shlex.join(["vlsbench", "report", *inputs.refs, *options])


def _of_run(part: RunPart, ablation: AblationPart | None) -> RunMade:
    manifest = part.run.manifest
    return RunMade(
        name=part.name,
        folder=str(part.run.path),
        facts=tuple(
            (title, _as_text(value)) for key, title in _SHOWN if (value := getattr(manifest, key)) not in _NOTHING
        ),
        judges=tuple(_judge(name, part.run.judges[stem]) for stem, name in part.stems.items()),
        commands=tuple(_commands(part, ablation)),
        note=_note(manifest),
    )


def _note(manifest: Manifest) -> str:
    """Why no command makes the answers again, where none does."""
    if "imported_from" in manifest.parameters:
        return f"Another program asked the model and recorded its answers in {manifest.parameters['imported_from']}."
    if _is_reference(manifest.model):
        return ""
    return "The model was an object of a Python program, so no command names it."


def _as_text(value: object) -> str:
    if isinstance(value, Price):
        value = asdict(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_as_text(item)}" for key, item in value.items() if item not in _NOTHING)
    if isinstance(value, list | tuple):
        return ", ".join(_as_text(item) for item in value)
    return str(value)


def _judge(name: str, entry: JudgeEntry) -> JudgeMade:
    facts = tuple(
        (key.replace("_", " "), _as_text(value)) for key, value in entry.to_json().items() if value not in _NOTHING
    )
    known, found = entry.described(), rubric_of(entry)
    if found is not None:
        system = f"# System\n\n{found.system}\n\n" if found.system else ""
        return JudgeMade(name=name, facts=facts, rubric=f"{system}# User\n\n{found.user}")
    note = (
        f"The rubric {known.get('rubric', '')} with this hash is not part of this version of vlsbench; ask whoever "
        "made the run for it."
    )
    return JudgeMade(name=name, facts=facts, note=note if "rubric_sha256" in known else "")


def rubric_of(entry: JudgeEntry) -> Rubric | None:
    """The rubric of a judge where it is packaged with this version, and still the one that was used."""
    known = entry.described()
    name = known.get("rubric", "")
    try:
        packaged = "rubric_sha256" in known and not Path(name).suffix and name != rubric_file.RELEASED_RUBRIC
        found = rubric_file.load(name, Sees.IMAGE) if packaged else None
    except VLSBenchError:
        return None
    return found if found is not None and found.sha256 == known["rubric_sha256"] else None


def _commands(part: RunPart, ablation: AblationPart | None) -> Iterator[str]:
    manifest, judges = part.run.manifest, list(part.run.judges.values())
    if "imported_from" in manifest.parameters:
        yield from _imported(part, judges)
        return
    if not _is_reference(manifest.model):
        return
    conditions = _conditions(part, ablation)
    # A run under a condition is part of an ablation, in whose folder it lies.
    command, out = ("ablate", part.run.path.parent) if conditions else ("eval", part.run.path)
    servers = manifest.parameters.get("servers")
    words = [
        "vlsbench",
        command,
        "--model",
        manifest.model if servers else _placed(manifest.model, _addresses(manifest)),
    ]
    words += ["--dataset", manifest.dataset]
    first = next((entry for entry in judges if not entry.baseline), judges[0] if judges else None)
    listed = bool(manifest.parameters.get("judge_servers"))
    words += _judge_options(first, listed=listed) if first is not None else ["--judge", "refusal"]
    for option, value in _settings(manifest):
        words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    if conditions:
        words += ["--conditions", ",".join(conditions)]
    yield shlex.join([*words, "--out", str(out)])
    for entry in judges:
        if entry is not first:
            yield shlex.join(["vlsbench", "judge", str(part.run.path), *_judge_options(entry)])


def _imported(part: RunPart, judges: Sequence[JudgeEntry]) -> Iterator[str]:
    """The commands of a run whose answers another tool recorded."""
    manifest = part.run.manifest
    file, tool = (str(manifest.parameters.get(key, "")) for key in ("imported_from", "imported_by"))
    words = ["vlsbench", "import", file, "--from", tool, "--dataset", manifest.dataset]
    words += ["--limit", str(manifest.limit)] if manifest.limit is not None else []
    yield shlex.join([*words, "--model", manifest.model.partition(":")[2], "--out", str(part.run.path)])
    for entry in judges:
        yield shlex.join(["vlsbench", "judge", str(part.run.path), *_judge_options(entry)])


def _conditions(part: RunPart, ablation: AblationPart | None) -> tuple[str, ...]:
    """The conditions of the ablation that a run belongs to; its own and the full one where only the run is known."""
    if ablation is not None:
        return tuple(ablation.runs)
    return ("full", part.run.condition) if part.run.condition is not None else ()


def _settings(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Options of ``vlsbench eval`` that were not left to their defaults, and those that decide what is asked."""
    parameters, local = manifest.parameters, manifest.parameters.get("local")
    values = [
        (key, getattr(manifest, key))
        for key in ("limit", "max_tokens", "temperature", "system", "seed", "image_max_side")
    ]
    values += [(key, parameters.get(key)) for key in ("servers", "judge_servers", "model_key_env", "judge_key_env")]
    if isinstance(local, dict):
        values += [(key, local[key]) for key in ("dtype", "device", "batch_size") if local.get(key, "auto") != "auto"]
    for key, value in values:
        if value is not None:
            yield f"--{key.replace('_', '-')}", str(value)


def _judge_options(entry: JudgeEntry, *, listed: bool = False) -> list[str]:
    """The options of a judge; where its servers are `listed` in an option of their own, without an address."""
    words, known = ["--judge", entry.judge if listed else _placed(entry.judge, entry.addresses)], entry.described()
    for option, key, usual in (
        ("--judge-sees", "sees", Sees.IMAGE),
        ("--rubric", "rubric", rubric_file.DEFAULT_RUBRIC),
    ):
        if known.get(key, usual) != usual:
            words += [option, known[key]]
    return words


def _addresses(manifest: Manifest) -> Sequence[str]:
    found = manifest.parameters.get("addresses")
    return [str(one) for one in found] if isinstance(found, list | tuple) else ()


def _placed(ref: str, addresses: Sequence[str]) -> str:
    """A reference with the server where it was last asked, unless that is its provider's own."""
    own = {provider.url for provider in PROVIDERS.values()}
    return f"{ref}@{addresses[-1]}" if addresses and addresses[-1] not in own else ref


def _is_reference(model: str) -> bool:
    scheme, colon, _ = model.partition(":")
    return bool(colon) and scheme in SCHEMES
