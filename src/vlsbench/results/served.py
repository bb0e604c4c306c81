"""Whether the servers of a run served one model, as far as they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vlsbench.core.names import same_model
from vlsbench.store.manifest import Manifest


def doubts(manifest: Manifest) -> tuple[str, ...]:
    """What to say where the servers of the model, the guard or a judge said different things of it."""
    return tuple(_doubts(manifest))


def _doubts(manifest: Manifest) -> Iterator[str]:
    yield from _of(manifest.model, manifest.model_served, manifest.model_roots)
    for entry in manifest.judges.values():
        yield from _of(entry.judge, entry.served, entry.roots)


def _of(name: str, served: Sequence[str], roots: Sequence[str]) -> Iterator[str]:
    if all(same_model(root, roots[0]) for root in roots[1:]):
        if len(roots) > 1:
            yield f"The servers of {name} have it at different places, which should be one model: {', '.join(roots)}."
    else:
        yield f"The servers of {name} said that they serve different models: {', '.join(roots)}."
    if len(served) > 1:
        yield f"The answers of {name} came under different names: {', '.join(served)}."
