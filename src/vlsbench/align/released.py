"""Released alignment sets: PKU-SafeRLHF, VLGuard and SPA-VL, in their own layouts.

References:
    Dai et al. (2024), Safe RLHF. arXiv:2310.12773. PKU-SafeRLHF: arXiv:2406.15513.
    Zong et al. (2024), Safety Fine-Tuning at (Almost) No Cost: VLGuard. arXiv:2402.02207.
    Zhang et al. (2025), SPA-VL. arXiv:2406.12030.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vlsbench.align.examples import TrainingExample, user_says
from vlsbench.align.files import field, kept_picture, lines, picture, read_json
from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Sample


def saferlhf(rest: str, _scratch: Path) -> Iterator[TrainingExample]:
    """PKU-SafeRLHF: the safer response is to be learned, the other to be rejected.

    A query counts as harmful where the set says that one of the responses is unsafe; where both are safe, nobody
    knows. Where neither is safe, the less unsafe one is no answer to learn, and the record is left out.
    """
    path = Path(rest).expanduser()
    found = sorted(path.rglob("train*.jsonl")) if path.is_dir() else [path]
    if not found:
        raise DatasetError(f"saferlhf:{rest}: no train*.jsonl in this folder.")
    for file in found:
        for where, record in lines(file):
            safer = field(record, "safer_response_id", int, where)
            if safer not in (0, 1):
                raise DatasetError(f"{where}: 'safer_response_id' is {safer}, not 0 or 1.")
            safe = [record.get(f"is_response_{number}_safe") for number in (0, 1)]
            answers = [field(record, f"response_{number}", str, where) for number in (0, 1)]
            query = field(record, "prompt", str, where)
            if safe[0] is False and safe[1] is False:
                continue
            yield TrainingExample(
                prompt=user_says(query),
                completion=answers[safer],
                rejected=answers[1 - safer],
                harmful=True if False in safe else None,
            )


def vlguard(rest: str, _scratch: Path) -> Iterator[TrainingExample]:
    """VLGuard: one example for an unsafe picture, and for a safe one a harmless and a harmful query."""
    root = Path(rest).expanduser()
    file = root / "train.json"
    records = read_json(file)
    if not isinstance(records, list):
        raise DatasetError(f"{file} is not a JSON list.")
    # The archive unpacks to train/, but some people unpack it in place.
    folder = root / "train" if (root / "train").is_dir() else root
    for place, record in enumerate(records):
        where = f"{file}, record {place}"
        shown = picture(field(record, "image", str, where), folder, where)
        for pair in field(record, "instr-resp", list, where):
            keys = ("instruction", "safe_instruction", "unsafe_instruction")
            key = next((key for key in keys if isinstance(pair, dict) and key in pair), "instruction")
            yield TrainingExample(
                prompt=user_says(field(pair, key, str, where)),
                completion=field(pair, "response", str, where),
                images=(shown,),
                harmful=key == "unsafe_instruction" or (key == "instruction" and record.get("safe") is False),
                category=str(record.get("harmful_category") or ""),
            )


def spa_vl(rest: str, scratch: Path) -> Iterator[TrainingExample]:
    """SPA-VL's preference pairs: Parquet files with question, chosen, rejected and image.

    A folder is the repository (its ``train`` shards are read) or holds the shards. Each image becomes a file in
    `scratch`, because tens of thousands of them do not fit into memory.
    """
    from vlsbench.datasets.files.parquet import open_parquet

    path = Path(rest).expanduser()
    folders = [folder for folder in (path / "train", path / "data", path) if folder.is_dir()]
    found = [path] if path.is_file() else next((s for f in folders if (s := sorted(f.glob("*.parquet")))), [])
    if not found:
        raise DatasetError(f"spa-vl:{rest}: no .parquet file here, nor in train/. Get it from sqrti/SPA-VL on the hub.")
    texts: list[Mapping[str, Any]] = []

    def to_sample(row: Mapping[str, Any], number: str) -> Sample:
        texts.append(row)
        return Sample(id=number, text=str(row["question"]), image=row["image"])

    columns = {name: name for name in ("question", "chosen", "rejected", "image")}
    for sample in open_parquet(f"spa-vl:{rest}", found, path, to_sample, fields=columns):
        row = texts.pop()
        where = f"spa-vl:{rest}, row {sample.id}"
        yield TrainingExample(
            prompt=user_says(field(row, "question", str, where)),
            completion=field(row, "chosen", str, where),
            rejected=field(row, "rejected", str, where),
            images=(kept_picture(field(row, "image", str, where), path, scratch, where),),
            harmful=True,
        )
