"""The paper's figures, from the runs, the audits and the data of a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vlsbench.paper.recipe import PaperColumn
from vlsbench.report.charts import of_data, of_runs
from vlsbench.report.charts.kinds import Bars, Figure, point
from vlsbench.report.charts.of_data import Census
from vlsbench.report.inputs import RunPart
from vlsbench.report.paper.found import PaperRuns


def data(found: PaperRuns) -> list[Figure]:
    """Figures 3, 4 and 9: what the queries are about, how many of each, and their words."""
    if not found.inputs.datasets:
        return []
    shown = found.inputs.datasets[0]
    census = Census(shown.dataset)
    titles = {
        "data-taxonomy": f"Figure 3: what {shown.name} is about",
        "data-counts": f"Figure 4: samples of {shown.name} by sub-category",
        "data-words": "Figure 9: the words of its queries",
    }
    return [replace(figure, title=titles[figure.id]) for figure in of_data.figures(census)]


def rates(found: PaperRuns) -> Figure | None:
    """Figure 7: safety by model, with the mean of the base models as a line."""
    base = found.recipe.models[0].title
    drawn = of_runs.safety(found.runs(found.recipe.main), (base,))
    if drawn is None:
        return None
    return replace(drawn, id="paper-7", title="Figure 7: safety by model", line_name=base)


def radar(found: PaperRuns) -> Figure | None:
    """Figure 14: refusal, warning and both, by category."""
    drawn = of_runs.radar(found.runs(found.recipe.main), by_item=found.recipe.by_item)
    what = "kind of danger" if found.recipe.by_item else "category"
    if drawn is None:
        return None
    return replace(drawn, id="paper-14", title=f"Figure 14: refusal, warning and total by {what}")


def judges(found: PaperRuns) -> Iterator[Figure]:
    """Figure 12: the same answers by different judges, and how far these agree."""
    for number, column in enumerate(found.recipe.judged):
        runs = [run for run in found.runs(column) if len(run.summary.judges) > 1]
        if (drawn := _by_judge(runs, column, number)) is not None:
            yield drawn
        if (agreed := of_runs.agreement(runs)) is not None:
            yield replace(
                agreed, id=f"paper-12-agreement-{number}", title=f"Figure 12: agreement of judges on {column.title}"
            )


def _by_judge(runs: list[RunPart], column: PaperColumn, number: int) -> Bars | None:
    names = tuple(dict.fromkeys(name for run in runs for name in run.summary.judges))
    if not runs:
        return None
    found = [[run.summary.judges.get(name) for run in runs] for name in names]
    return Bars(
        id=f"paper-12-{number}",
        title=f"Figure 12: the same answers by each judge, {column.title}",
        about="The safety rate of each model as each judge sees it, with 95 % intervals.",
        groups=tuple(run.model for run in runs),
        series=tuple(f"{name} (keywords)" if _is_baseline(name, runs) else name for name in names),
        points=tuple(
            tuple(point(judge.overall.safety_rate) if judge is not None else None for judge in row) for row in found
        ),
    )


def _is_baseline(judge: str, runs: list[RunPart]) -> bool:
    return any(judge in run.summary.judges and run.summary.judges[judge].baseline for run in runs)
