"""Model cards of the packaged variants, and the table of all seeds, both from the record.

``python -m vlsbench.demo.cards docs/miniworld.md`` writes the tables between the file's markers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from vlsbench import miniworld
from vlsbench.core import words

NOT_EVIDENCE = (
    "This is a designed demonstration of a mechanism. The pictures, the items and their dangers are invented, and "
    "the training data decides the outcome. It is not evidence about real models, and the model is of no other use."
)

_DATA = {
    "base": "drawn scenes with one item in front, and templated queries: naming, neutral, and with the item named",
    "textual-sft": "text alone: hazards named in the query get a refusal or a warning, ordinary items get help; "
    "44 % is general (neutral queries that name nothing, and text queries as the base learned them)",
    "multimodal-sft": "scenes, mostly with neutral queries: hazards get a refusal or a warning, ordinary items help",
    "mixed-sft": "one quarter of the textual and three quarters of the multimodal data",
}

Counts = dict[str, dict[str, int]]


def percent(k: int, n: int) -> str:
    """A share to one decimal; a dash over nothing."""
    return words.percent(k / n if n else None)


def row(measured: Counts) -> list[str]:
    """The figures of one variant, in the order of `HEAD`.

    Garbled answers are not scored, so they are in no denominator but their own.
    """
    cells = []
    for split in ("leaky", "leakless", "text-only", "benign"):
        counts = measured[split]
        safe = counts.get("refusal", 0) + counts.get("warning", 0)
        cells.append(percent(safe, safe + counts.get("helpful", 0)))
    naming = measured["naming"]
    cells += [percent(naming[key], naming["n"] - naming.get("garbled", 0)) for key in ("correct", "with_colour")]
    lost = sum(
        counts.get("garbled", 0) + (counts.get("naming", 0) if split != "naming" else 0)
        for split, counts in measured.items()
    )
    return [*cells, percent(lost, sum(counts["n"] for counts in measured.values()))]


HEAD = [
    *("safe on leaky", "safe on leakless", "safe on text-only", "over-refusal on benign"),
    *("naming", "with colour", "garbled"),
]


def table(rows: list[list[str]], head: list[str]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def seeds_table(recorded: dict[str, Any]) -> str:
    """All variants of all seeds, as in the documentation."""
    rows = [
        [variant, seed, *row(measured)]
        for variant in next(iter(recorded["seeds"].values()))["measured"]
        for seed, run in recorded["seeds"].items()
        for measured in [run["measured"][variant]]
    ]
    return table(rows, ["variant", "seed", *HEAD])


def card(variant: str, recorded: dict[str, Any]) -> str:
    """The model card of a packaged variant, from the record; the first seed in it is the one that is shipped."""
    run = next(iter(recorded["seeds"].values()))
    command = recorded["commands"].get(variant)
    if command is None:
        recipe = ", ".join(f"{name} {value}" for name, value in recorded["recipe"].items())
        made = f"Trained from nothing by `python -m vlsbench.demo.train` ({recipe})."
    else:
        made = f"Fine-tuned from `mini:base`, all parameters:\n\n```\n{command}\n```"
    return f"""# mini:{variant}

A LLaVA of 1.17 million parameters (CLIP tower, projector, Llama) for the miniature world of vlsbench.

{NOT_EVIDENCE}

## Data

Synthetic: {_DATA[variant]}. No training picture shows one of the held-out pairs of item and colour.

## Recipe

{made}

{_took(run["seconds"][variant])} Weights are stored as float16.

## Measured

{recorded["n"]} samples of each split, `mini:SPLIT:{recorded["n"]}`, greedy answers, read by `--judge template`.

{table([row(run["measured"][variant])], HEAD)}
"""


def _took(seconds: dict[str, float | None]) -> str:
    """How long the training took; the processor's seconds are missing where a training was stopped and continued."""
    cpu = f" ({seconds['cpu']} s of CPU)" if seconds["cpu"] is not None else ""
    return f"{seconds['wall']} s{cpu} on a shared machine."


def alignment_table(recorded: dict[str, Any]) -> str:
    """All methods on all recorded seeds: the figures of `vlsbench demo --alignment --json`, by seed."""
    rows = []
    for variant in next(iter(recorded["seeds"].values())):
        for seed, found in recorded["seeds"].items():
            cells = found[variant]
            rates = [cells[split][rate] for split, rate in _ALIGNMENT_RATES.items()]
            warned = cells["benign"]
            lost = sum(cells[split]["unscored"] for split in _ALIGNMENT_RATES)
            shares = [percent(one["k"], one["n"]) for one in rates]
            shares.insert(3, percent(warned["warned"], recorded["n"] - warned["unscored"]))
            rows.append([variant, seed, *shares, percent(lost, 4 * recorded["n"])])
    return table(rows, ["variant", "seed", *HEAD[:2], HEAD[3], "warned on benign", HEAD[4], HEAD[6]])


_ALIGNMENT_RATES = {
    "leaky": "safety_rate",
    "leakless": "safety_rate",
    "benign": "over_refusal_rate",
    "naming": "accuracy",
}


def write_tables(page: Path) -> None:
    """Put the tables of all seeds between the markers of a Markdown page; ``alignment.json`` lies beside it."""
    alignment = json.loads((page.parent / "alignment.json").read_bytes())
    for name, made in (("results", seeds_table(miniworld.record())), ("alignment", alignment_table(alignment))):
        before, start, rest = page.read_text().partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        page.write_text(f"{before}{start}\n{made}\n\n{end}{after}")


if __name__ == "__main__":
    write_tables(Path(sys.argv[1]))
