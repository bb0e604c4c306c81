"""vlsbench: is a vision-language model safe when the danger is only in the picture?

Everything that a program needs is here; docs/api.md documents each name. The names are imported on first use, so that
``import vlsbench`` stays cheap. Modules below this one may move: import from here.
"""

from typing import TYPE_CHECKING

from vlsbench.core.version import __version__

if TYPE_CHECKING:
    from vlsbench.ablation.ablate import ablate
    from vlsbench.ablation.results import Ablation
    from vlsbench.comparison.compare import Comparison, compare
    from vlsbench.construct.build import build
    from vlsbench.construct.recipe import Recipe
    from vlsbench.core.errors import (
        AccessDenied,
        BatchesOut,
        Blocked,
        ConnectionFailed,
        DatasetError,
        ImageProblem,
        Interrupted,
        MissingExtra,
        RateLimited,
        RequestFailed,
        RubricError,
        RunError,
        SeveralMistakes,
        Stopped,
        Transient,
        UnknownName,
        UserError,
        VLSBenchError,
    )
    from vlsbench.core.protocols import Dataset, GuardModel, Judge, LocalModel, Model, View
    from vlsbench.core.types import (
        Correctness,
        Expect,
        GuardLabel,
        GuardReading,
        Image,
        Label,
        Prompt,
        Rate,
        Reply,
        Response,
        ResponseOutcome,
        Sample,
        Sees,
        Turn,
        Verdict,
        VerdictOutcome,
    )
    from vlsbench.core.usage import Price, Prices, Usage
    from vlsbench.datasets import Columns
    from vlsbench.datasets import load as load_dataset
    from vlsbench.interchange.export import ExportedRuns, export_runs
    from vlsbench.interchange.importing import Imported, import_run
    from vlsbench.interchange.loaded import LoadedRun, load_run
    from vlsbench.interchange.recorded import Judged, RecordedSample
    from vlsbench.interchange.table import TableRow
    from vlsbench.judges.guard import Finding
    from vlsbench.leakage.audit import audit
    from vlsbench.leakage.findings import Audit
    from vlsbench.leakage.guards import Guard
    from vlsbench.leakage.protocol import Part
    from vlsbench.models import Access, Local
    from vlsbench.models import load as load_model
    from vlsbench.models.workers.settings import Workers
    from vlsbench.report.page.page import Written, write_report
    from vlsbench.results.agreement import Agreement
    from vlsbench.results.rates import Block, Bounds
    from vlsbench.results.summary import JudgeSummary, Summary
    from vlsbench.results.usage import RoleUsage
    from vlsbench.run.batches.rounds import BatchEffort
    from vlsbench.run.evaluate import evaluate, judge
    from vlsbench.run.loading import Effort
    from vlsbench.run.prices import read as read_prices
    from vlsbench.run.progress import RunCounts
    from vlsbench.run.shards.merge import merge

__all__ = [
    "Ablation",
    "Access",
    "AccessDenied",
    "Agreement",
    "Audit",
    "BatchEffort",
    "BatchesOut",
    "Block",
    "Blocked",
    "Bounds",
    "Columns",
    "Comparison",
    "ConnectionFailed",
    "Correctness",
    "Dataset",
    "DatasetError",
    "Effort",
    "Expect",
    "ExportedRuns",
    "Finding",
    "Guard",
    "GuardLabel",
    "GuardModel",
    "GuardReading",
    "Image",
    "ImageProblem",
    "Imported",
    "Interrupted",
    "Judge",
    "JudgeSummary",
    "Judged",
    "Label",
    "LoadedRun",
    "Local",
    "LocalModel",
    "MissingExtra",
    "Model",
    "Part",
    "Price",
    "Prices",
    "Prompt",
    "Rate",
    "RateLimited",
    "Recipe",
    "RecordedSample",
    "Reply",
    "RequestFailed",
    "Response",
    "ResponseOutcome",
    "RoleUsage",
    "RubricError",
    "RunCounts",
    "RunError",
    "Sample",
    "Sees",
    "SeveralMistakes",
    "Stopped",
    "Summary",
    "TableRow",
    "Transient",
    "Turn",
    "UnknownName",
    "Usage",
    "UserError",
    "VLSBenchError",
    "Verdict",
    "VerdictOutcome",
    "View",
    "Workers",
    "Written",
    "__version__",
    "ablate",
    "audit",
    "build",
    "compare",
    "evaluate",
    "export_runs",
    "import_run",
    "judge",
    "load_dataset",
    "load_model",
    "load_run",
    "merge",
    "read_prices",
    "write_report",
]

_HOMES: dict[str, tuple[str, ...]] = {
    "ablation.ablate": ("ablate",),
    "ablation.results": ("Ablation",),
    "comparison.compare": ("Comparison", "compare"),
    "construct.build": ("build",),
    "construct.recipe": ("Recipe",),
    "core.errors": (
        "AccessDenied",
        "BatchesOut",
        "Blocked",
        "ConnectionFailed",
        "DatasetError",
        "ImageProblem",
        "Interrupted",
        "MissingExtra",
        "RateLimited",
        "RequestFailed",
        "RubricError",
        "RunError",
        "SeveralMistakes",
        "Stopped",
        "Transient",
        "UnknownName",
        "UserError",
        "VLSBenchError",
    ),
    "core.protocols": ("Dataset", "GuardModel", "Judge", "LocalModel", "Model", "View"),
    "core.types": (
        "Correctness",
        "Expect",
        "GuardLabel",
        "GuardReading",
        "Image",
        "Label",
        "Prompt",
        "Rate",
        "Reply",
        "Response",
        "ResponseOutcome",
        "Sample",
        "Sees",
        "Turn",
        "Verdict",
        "VerdictOutcome",
    ),
    "core.usage": ("Price", "Prices", "Usage"),
    "datasets": ("Columns", "load as load_dataset"),
    "interchange.export": ("ExportedRuns", "export_runs"),
    "interchange.importing": ("Imported", "import_run"),
    "interchange.loaded": ("LoadedRun", "load_run"),
    "interchange.recorded": ("Judged", "RecordedSample"),
    "interchange.table": ("TableRow",),
    "judges.guard": ("Finding",),
    "leakage.audit": ("audit",),
    "leakage.findings": ("Audit",),
    "leakage.guards": ("Guard",),
    "leakage.protocol": ("Part",),
    "models": ("Access", "Local", "load as load_model"),
    "models.workers.settings": ("Workers",),
    "report.page.page": ("Written", "write_report"),
    "results.agreement": ("Agreement",),
    "results.rates": ("Block", "Bounds"),
    "results.summary": ("JudgeSummary", "Summary"),
    "results.usage": ("RoleUsage",),
    "run.evaluate": ("evaluate", "judge"),
    "run.batches.rounds": ("BatchEffort",),
    "run.loading": ("Effort",),
    "run.prices": ("read as read_prices",),
    "run.progress": ("RunCounts",),
    "run.shards.merge": ("merge",),
}
"""The imports above once more, for the first use; a test holds the two alike."""


# Hidden from type checkers, which read the imports above: to them a name that is not there stays an error.
if not TYPE_CHECKING:

    def __getattr__(name):
        """Import a public name, and keep it: later uses are plain attributes."""
        from importlib import import_module

        for home, names in _HOMES.items():
            for entry in names:
                own, _, public = entry.partition(" as ")
                if (public or own) == name:
                    found = getattr(import_module(f"vlsbench.{home}"), own)
                    return globals().setdefault(name, found)
        raise AttributeError(f"module 'vlsbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
