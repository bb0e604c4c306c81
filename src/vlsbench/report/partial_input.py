"""The partial-input baseline as a few lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vlsbench.audit.classifier import Classifier, Word
from vlsbench.audit.partial_input import PartialInput

if TYPE_CHECKING:
    from rich.console import Console

Clean = Callable[[str], str]

_MOST_WORDS = 6


def print_partial_input(found: PartialInput, console: Console, clean: Clean) -> None:
    """Print what the queries tell, what the descriptions tell, and by which words; or why nothing can be said."""
    console.print("Partial-input baseline", style="bold")
    if found.refused is not None:
        console.print(f"Left out: {found.refused.sentence}", soft_wrap=True)
        return
    console.print(
        f"{found.n_harmful:,} harmful and {found.n_benign:,} benign records in {found.groups:,} groups of shared "
        f"queries and images, {found.folds} folds. 0.5: the text does not tell. 1: it tells all.",
        soft_wrap=True,
    )
    for name, classifier in (("query alone", found.text), ("description alone", found.description)):
        console.print(f"  {name}: {_outcome(classifier)}", soft_wrap=True)
        for kind, words in (("harmful", classifier.harmful_words), ("benign", classifier.benign_words)):
            if words:
                console.print(f"    towards {kind}: {_listed(words, clean)}", soft_wrap=True)


def _outcome(classifier: Classifier) -> str:
    if classifier.auc is None:
        return f"left out. {classifier.refused.sentence if classifier.refused is not None else ''}".rstrip()
    auc = classifier.auc
    between = f" [{auc.low:.3f}, {auc.high:.3f}]" if auc.low is not None and auc.high is not None else ""
    return f"AUC {auc.value:.3f}{between} ({auc.method})"


def _listed(words: Sequence[Word], clean: Clean) -> str:
    return ", ".join(clean(word.word) for word in words[:_MOST_WORDS])
