"""vlsbench: is a vision-language model safe when the danger is only in the picture?

The public names are listed in `__all__`; they are imported on first use, so that ``import vlsbench`` stays
cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlsbench.audit.ablation import ablate
    from vlsbench.audit.results import Ablation
    from vlsbench.comparison import Comparison, compare
    from vlsbench.evaluation import evaluate
    from vlsbench.summary import Summary
    from vlsbench.types import Dataset, Judge, Model, Prompt, Rate, Reply, Response, Sample, Verdict

__version__ = "0.1.0"

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

_HOMES = {
    "Ablation": "vlsbench.audit.results",
    "Comparison": "vlsbench.comparison",
    "Summary": "vlsbench.summary",
    "ablate": "vlsbench.audit.ablation",
    "compare": "vlsbench.comparison",
    "evaluate": "vlsbench.evaluation",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'vlsbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "vlsbench.types")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
