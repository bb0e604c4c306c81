"""vlsbench: is a vision-language model safe when the danger is only in the picture?

The public names are listed in `__all__`; they are imported on first use, so that ``import vlsbench`` stays
cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vlsbench.core.version import __version__

if TYPE_CHECKING:
    from vlsbench.ablation.ablate import ablate
    from vlsbench.ablation.results import Ablation
    from vlsbench.comparison.compare import Comparison, compare
    from vlsbench.core.protocols import Dataset, Judge, Model
    from vlsbench.core.types import Prompt, Rate, Reply, Response, Sample, Verdict
    from vlsbench.results.summary import Summary
    from vlsbench.run.evaluate import evaluate

_HOMES = {
    "Ablation": "ablation.results",
    "Comparison": "comparison.compare",
    "Dataset": "core.protocols",
    "Judge": "core.protocols",
    "Model": "core.protocols",
    "Prompt": "core.types",
    "Rate": "core.types",
    "Reply": "core.types",
    "Response": "core.types",
    "Sample": "core.types",
    "Summary": "results.summary",
    "Verdict": "core.types",
    "ablate": "ablation.ablate",
    "compare": "comparison.compare",
    "evaluate": "run.evaluate",
}

__all__ = [
    "Ablation",
    "Comparison",
    "Dataset",
    "Judge",
    "Model",
    "Prompt",
    "Rate",
    "Reply",
    "Response",
    "Sample",
    "Summary",
    "Verdict",
    "__version__",
    "ablate",
    "compare",
    "evaluate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vlsbench' has no attribute {name!r}")
    return getattr(import_module(f"vlsbench.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
