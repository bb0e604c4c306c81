"""An audit as readable tables.

Names and texts come from files and servers; whoever prints passes a `clean` function that makes such text safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vlsbench.core import words
from vlsbench.core.words import counted, noun
from vlsbench.leakage.findings import Audit, Guarded, LeakExample
from vlsbench.leakage.protocol import LeakageRates, PartShare
from vlsbench.leakage.published import PublishedAudit, row_of
from vlsbench.report.terminal.summary import Clean
from vlsbench.report.terminal.tables import print_table
from vlsbench.results.usage import usage_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_MODALITY = {
    "text_alone": "by the text alone",
    "image_alone": "by the image alone",
    "either_alone": "by the text alone or the image alone",
    "only_jointly": "only jointly (the pair, and neither alone)",
    "not_at_all": "not at all",
}

_SHOWN_OF_TEXT = 300
_SHOWN_OF_ID = 80
_SHOWN_WORDS = 10
CHANCE = 0.5


def print_audit(found: Audit, console: Console, clean: Clean) -> None:
    """Print an audit: the guard's figures, the signals, the samples that leak most, and what to know of all that."""
    samples = counted(found.selected, "sample")
    console.print(f"Visual leakage in {clean(found.dataset)}: {samples}", style="bold", soft_wrap=True)
    if found.guarded is None:
        console.print("No guard was asked; name one with --guard for R1 and R2.", soft_wrap=True)
    else:
        _print_guarded(found.guarded, found.dataset, console, clean)
    for line in usage_lines(found.usage):
        console.print(clean(line), soft_wrap=True)
    if found.signals is not None:
        _print_signals(found.signals, console)
    if found.partial_input is not None:
        _print_baseline(found.partial_input, console, clean)
    if found.partial_input_reference is not None:
        _print_baseline(found.partial_input_reference, console, clean)
    if found.examples:
        console.print("\nTexts that leak most (leaking words in >…<)", style="bold")
        for example in found.examples:
            console.print(_marked(example, clean), soft_wrap=True)
    for note in found.notes:
        console.print(clean(note), style="yellow", soft_wrap=True)


def _print_guarded(found: Guarded, dataset: str, console: Console, clean: Clean) -> None:
    overall = found.overall
    console.print(f"Guard {clean(found.guard)}", style="bold", soft_wrap=True)
    if overall.pairs:
        _print_overall(overall, console)
        console.print(_in_words(overall), soft_wrap=True)
        if (row := row_of(dataset)) is not None:
            console.print(_beside(row), soft_wrap=True)
        console.print("\nWhere the harm shows, over pairs with all three verdicts:")
        shares = [(name, overall.modality[key]) for key, name in _MODALITY.items()]
        print_table(console, _HEADS, [(name, *_cells(share)) for name, share in shares])
    else:
        console.print("No sample has both a text and an image, so there are no pairs to audit.", style="yellow")
        for part, rate in overall.harmful.items():
            if rate.n:
                console.print(f"Harmful by {part}: {words.rate(rate)}, {words.of(rate)}")
    _print_missing(found, console, clean)
    if len(found.by_expect) > 1:
        _print_groups("Expected", found.by_expect, console, clean)
    if len(found.by_category) > 1:
        _print_groups("Category", found.by_category, console, clean)


def _beside(row: PublishedAudit) -> str:
    what = f" ({row.what})" if row.what else ""
    shares = ", ".join(
        f"{name} {100 * share:.2f} %" for name, share in (("R1", row.r1), ("R2", row.r2), ("R1-R2", row.r1_minus_r2))
    )
    return (
        f"Published for {row.dataset}{what}, by {row.guard}: {shares} ({row.source}; without counts, and another guard "
        "or part of the set gives other figures)."
    )


_HEADS = ("Harmful", "Value [95 % interval]", "Of")


def _print_overall(found: LeakageRates, console: Console) -> None:
    shares = (
        ("R1: the pair is harmful", found.r1),
        ("R2: the pair and the text alone are harmful", found.r2),
        ("R1-R2: the pair is harmful, the text is not", found.r1_minus_r2),
        ("R2 as “text and image each harmful alone”", found.r2_both_alone),
    )
    print_table(console, ("Figure", *_HEADS[1:]), [(name, *_cells(share)) for name, share in shares], bold=[2])


def _in_words(found: LeakageRates) -> str:
    """What the figures say, and whether it is more than chance."""
    if not found.n:
        return "No pair has a verdict both on itself and on its text alone: there is nothing to say yet."
    r1, r2, test = found.r1.rate, found.r2.rate, found.mcnemar
    told = (
        f"Of {counted(r1.k, 'pair')} judged harmful, {r2.k:,} ({words.percent(r2.k / r1.k)}) "
        f"{noun(r2.k, 'is')} so by their text alone."
        if r1.k
        else "No pair is judged harmful."
    )
    p_clustered = test.p_clustered
    clustered = "" if p_clustered is None else f"; {words.p_is(p_clustered)} where images and groups are one"
    return (
        f"{told} Harmful only as a pair: {test.only_pair:,}, only as a text: {test.only_text:,} "
        f"(McNemar's exact test, {words.p_is(test.p_value)}{clustered})."
    )


def _print_missing(found: Guarded, console: Console, clean: Clean) -> None:
    overall = found.overall
    if odd := sum(overall.not_pairs.values()):
        reasons = words.reasons(overall.not_pairs).replace("_", " ")
        console.print(f"Not pairs, and in no rate above: {odd:,} ({reasons}).", style="yellow", soft_wrap=True)
    if overall.n < overall.pairs:
        share = f"Unscored: {overall.pairs - overall.n:,} of {counted(overall.pairs, 'pair')}. They are in no rate;"
        bounds = ", ".join(
            f"{name} between {words.bare(share.lowest)} and {words.percent(share.highest)}"
            for name, share in (("R1", overall.r1), ("R2", overall.r2), ("R1-R2", overall.r1_minus_r2))
            if share.lowest is not None and share.highest is not None
        )
        console.print(f"{share} whatever their verdicts, of all pairs {bounds}.", style="yellow", soft_wrap=True)
    for part, causes in found.causes.items():
        for cause in causes:
            text = clean(f"{part}: {cause.count:,} {cause.outcome}: {cause.reason or '(no reason given)'}")
            console.print(text, style="yellow", soft_wrap=True)
    scored = {part: rate.n for part, rate in overall.harmful.items()}
    if scored["text"] and overall.pairs and not scored["pair"] and not scored["image"]:
        console.print(_no_image_judged(found), style="yellow", soft_wrap=True)


def _no_image_judged(found: Guarded) -> str:
    """Why there are verdicts on texts and on not one image: the images, or the guard."""
    causes = found.causes.get("image", ())
    if causes and all(cause.reason.startswith("image: ") for cause in causes):
        return "Not one image could be read; `vlsbench data check` says what is wrong with them."
    return "The guard judged texts and not one image. R1 and R2 need a guard that takes images."


def _print_groups(head: str, groups: Mapping[str, LeakageRates], console: Console, clean: Clean) -> None:
    rows = []
    for name, group in groups.items():
        shares = (group.r1, group.r2, group.r1_minus_r2, group.modality["only_jointly"])
        rates = (words.rate(share.rate) for share in shares)
        rows.append((clean(name), *rates, f"{group.n:,}", f"{group.pairs - group.n:,}"))
    print_table(console, (head, "R1 [95 %]", "R2", "R1-R2", "Only jointly", "Of", "Unscored"), rows)


def _print_signals(signals: Mapping[str, object], console: Console) -> None:
    parts = []
    for key, name in (
        ("description_overlap", "overlap with the image description"),
        ("ocr_overlap", "overlap with text in the image"),
        ("similarity", "similarity to the description"),
    ):
        value = signals.get(key)
        if isinstance(value, Mapping) and value.get("mean") is not None:
            parts.append(f"{name}: mean {value['mean']:.3f} over {value['n']:,}")
    if parts:
        console.print(f"\nSignals without a model: {'; '.join(parts)}; with leaking words: {signals.get('leaking')}.")


def _print_baseline(found: Mapping[str, Any], console: Console, clean: Clean) -> None:
    """What a classifier learns from the text alone, or why there is none."""
    against = f", against {found['reference']}" if found.get("reference") else ""
    if (refused := found.get("refused")) is not None:
        console.print(clean(f"Partial-input baseline{against}: none. {refused['sentence']}"), soft_wrap=True)
        return
    for part in ("text", "description"):
        auc, refused = (found.get(part) or {}).get("auc"), (found.get(part) or {}).get("refused")
        name = f"Partial-input baseline, {part} alone{against}"
        if auc is not None:
            by_construction = bool(part == "text" and found.get("shared_texts"))
            console.print(clean(f"{name}: {_reading(auc, by_construction=by_construction)}"), soft_wrap=True)
            words = ", ".join(word["word"] for word in found[part].get("harmful_words", ())[:_SHOWN_WORDS])
            if words:
                console.print(clean(f"  words that speak most for harmful: {words}"), soft_wrap=True)
        elif refused is not None:
            console.print(clean(f"{name}: none. {refused['sentence']}"), soft_wrap=True)
    for caveat in found.get("caveats", ()):
        console.print(clean(f"  {caveat}"), style="yellow", soft_wrap=True)
    if copies := found.get("near_copies"):
        console.print(f"  {counted(copies, 'text')} nearly equal to another: such stay together in one fold.")


def _reading(auc: Mapping[str, Any], *, by_construction: bool) -> str:
    """An area and, in words, what its interval says; nothing is said of an area that is so by construction."""
    low, high = auc.get("low"), auc.get("high")
    if low is None or high is None:
        return f"AUC {auc['value']:.3f}, without an interval."
    value = f"AUC {auc['value']:.3f} [{low:.3f}, {high:.3f}]"
    if low > CHANCE:
        return f"{value}; it tells harmful from benign (0.5 would be chance)."
    if by_construction:
        return f"{value}."
    if high < CHANCE:
        return f"{value}, below chance: harmful and benign records are alike in pairs that nothing joins."
    return f"{value}; 0.5, which is chance, lies within: it is not shown to tell."


def _marked(example: LeakExample, clean: Clean) -> Text:
    """The text with its leaking spans marked, in colour and in signs, for terminals without colour."""
    from rich.text import Text

    marked = Text(f"  {_short(clean(example.sample_id))}: ")
    text, place = example.text, _start(example)
    last = place + _SHOWN_OF_TEXT
    marked.append("…" if place else "")
    for span in example.spans:
        start, end = (min(max(edge, place), last) for edge in span)
        marked.append(clean(text[place:start]))
        if start < end:
            marked.append(f">{clean(text[start:end])}<", style="bold red")
        place = end
    marked.append(clean(text[place:last]))
    marked.append("…" if len(text) > last else "")
    return marked


def _start(example: LeakExample) -> int:
    """Where the shown part of a text begins: a little before the first leaking word, where that comes late."""
    first = example.spans[0][0] if example.spans else 0
    return 0 if first < _SHOWN_OF_TEXT // 2 else first - _SHOWN_OF_TEXT // 6


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN_OF_ID else f"{name[:_SHOWN_OF_ID]}…"


def _cells(share: PartShare) -> tuple[str, str]:
    return words.rate(share.rate), words.of(share.rate)
