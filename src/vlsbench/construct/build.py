"""`build`: from elements to records that test vision, told in one page.

First every element goes its way (`chain`), then an audit judges the candidates, rules choose among them (`gating`), and
what was found on the way is added up (`summary`). The same call again continues:
nothing that is there is asked for again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vlsbench.construct import candidates, crew, folder, gating, lines, plan, reference, summary
from vlsbench.construct.chain import Chain
from vlsbench.construct.courses import StepCounts, StepCourse
from vlsbench.construct.crew import Crew
from vlsbench.construct.elements import Element
from vlsbench.construct.filing import Filing
from vlsbench.construct.folder import BuildFolder
from vlsbench.construct.gate import gate
from vlsbench.construct.gating import Filed, Inspection
from vlsbench.construct.painters.studio import PictureStore
from vlsbench.construct.pictures import Easel
from vlsbench.construct.plan import BuildPlan
from vlsbench.construct.recipe import Recipe, miniature
from vlsbench.construct.review import accepting
from vlsbench.construct.settings import earlier_settings_of, settings_of
from vlsbench.construct.steps import Step
from vlsbench.construct.summary import BuildSummary
from vlsbench.construct.world import truth
from vlsbench.construct.world.errs import ERRS
from vlsbench.construct.world.models import INSPECTOR, can_see
from vlsbench.construct.world.painter import Record
from vlsbench.core.errors import UserError
from vlsbench.core.extras import how_to_install
from vlsbench.run.engine import run_to_end, stoppable
from vlsbench.run.loading import Effort, adaptations_of
from vlsbench.run.progress import Progress
from vlsbench.run.throttle import Halt
from vlsbench.store.run_folder import timestamp

Say = Callable[[str], None]

SCRIPTED = "The inspector is scripted, because the packaged model needs the extra hf ({})."


@dataclass(frozen=True, slots=True, kw_only=True)
class _BuildSession:
    """Everything that one call needs."""

    plan: BuildPlan
    folder: BuildFolder
    effort: Effort
    key_envs: Mapping[str, str]
    servers: Mapping[str, str]
    limit: int | None
    progress: Progress | None
    say: Say | None

    @property
    def recipe(self) -> Recipe:
        """What is built."""
        return self.plan.recipe


def build(
    recipe: Recipe | None = None,
    *,
    out: str | Path,
    pilot: int | None = None,
    effort: Effort | None = None,
    key_envs: Mapping[str, str] | None = None,
    servers: Mapping[str, str] | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    say: Say | None = None,
) -> BuildSummary:
    """Build a set, or continue doing so.

    Args:
        recipe: What is built and by whom; by default the miniature, which needs no key, network or GPU.
        out: The build's folder.
        pilot: Only the first so many elements; a later call without it goes on in the same folder.
        effort: Requests at once to each model (`concurrency`) and to the guard (`judge_concurrency`), the guard's key
            (`judge_key_env`), time limit, local models.
        key_envs: For each role the environment variable that holds its API key, where it needs one of its own.
        servers: For each role the servers of its model, as ``URL,URL,…`` or ``@FILE``, where there are several; a role
            that the author fills has the author's. Those of the guard are in `effort`.
        fresh: Start over; the old folder is kept aside.
        progress: Called after every element and about twice a second besides.
        say: Told, in one line each, what is left out.

    Returns:
        The figures, which are also written to ``summary.json``.

    Raises:
        UserError: Something in the arguments or files has to change first.
        Stopped: Disk or network gave out; the same call continues.
        Interrupted: The user stopped; the same call continues.
    """
    if pilot is not None and pilot < 1:
        raise UserError("--pilot must be at least 1.")
    recipe = recipe if recipe is not None else miniature()
    ready = plan.make(recipe)
    plan.check_servers(recipe, servers or {}, effort or Effort())
    opened, lock = folder.open_or_create(Path(out), ready.elements, ready.manifest, fresh=fresh)
    try:
        session = _BuildSession(
            plan=ready,
            folder=opened,
            effort=effort or Effort(),
            key_envs=key_envs or {},
            servers=servers or {},
            limit=pilot,
            progress=progress,
            say=say,
        )
        now = ready.manifest
        opened.update(
            recipe=now.recipe,
            prompts=now.prompts,
            guard_settings=now.guard_settings,
            element_settings=settings_of(ready)["element"],
            earlier_element_settings=earlier_settings_of(ready)["element"],
            finished=None,
        )
        return _build(session)
    finally:
        os.close(lock)


def _build(session: _BuildSession) -> BuildSummary:
    is_scripted = session.recipe.inspector == INSPECTOR and not can_see()
    notes = [SCRIPTED.format(how_to_install("hf"))] if is_scripted else []
    try:
        _take_all_their_way(session)
    finally:
        funnel = candidates.write(session.folder.candidates, _recorded(session))
        found = summary.of_funnel(session.folder, funnel, notes)
        summary.write(found)
    if not funnel.pairs:
        if session.say is not None:
            session.say("No candidate came of any element, so there is nothing to judge; the funnel says why.")
        return found
    found = _pass_the_gate(session, found)
    session.folder.update(finished=timestamp())
    summary.write(found)
    return found


def _recorded(session: _BuildSession) -> candidates.Recorded:
    settings = [found["element"] for found in (settings_of(session.plan), earlier_settings_of(session.plan))]
    elements = session.folder.elements(session.limit)
    return candidates.recorded(session.folder.steps / "element.jsonl", settings, elements)


def _take_all_their_way(session: _BuildSession) -> None:
    """Every element to its candidates."""
    halt = Halt()
    record = Record(session.folder.truth) if session.recipe.in_miniature else None
    gallery = PictureStore(session.folder.path)
    counts = StepCounts(min(session.limit or len(session.plan.elements), len(session.plan.elements)))

    def work(who: Crew, steps: Mapping[str, Step]) -> StepCourse[Element]:
        easel = Easel(session.recipe, steps, who.studio, who.roles["inspect"], gallery)
        chain = Chain(session.recipe, steps, who, easel, session.plan.taxonomy)
        elements = session.folder.elements(session.limit)
        return StepCourse(elements, chain.element, steps, who.gates, counts, halt, session.progress)

    try:
        _take_steps(session, CHAIN, gallery, counts, halt, record, work)
    finally:
        if record is not None:
            record.close()


CHAIN = (
    *("describe", "perceive", "rewrite", "screen", "paint", "inspect", "picture", "twin", "ask_benignly", "element"),
)
"""The steps of an element's way."""


def _take_steps(
    session: _BuildSession,
    names: tuple[str, ...],
    gallery: PictureStore,
    counts: StepCounts,
    halt: Halt,
    record: Record | None,
    work: Callable[[Crew, Mapping[str, Step]], StepCourse[Element] | StepCourse[gate.GatePair]],
) -> None:
    """Assemble the crew, open the journals, do the work, and note who answered."""
    who = crew.assemble(
        session.recipe,
        session.plan.prompts,
        gallery,
        session.effort,
        session.key_envs,
        session.servers,
        halt,
        record,
        names,
    )
    settings, earlier = settings_of(session.plan), earlier_settings_of(session.plan)
    gates = who.gate_of()

    async def take_all() -> None:
        steps = {
            name: Step(session.folder.steps, name, gates.get(name), settings[name], counts.told, earlier[name])
            for name in names
        }
        with stoppable(halt):
            try:
                await work(who, steps).follow()
            finally:
                await who.close()

    try:
        run_to_end(take_all(), halt)
    finally:
        _note_served(session.folder, counts, who)


def _note_served(opened: BuildFolder, counts: StepCounts, who: Crew) -> None:
    before = opened.manifest.served
    served = {step: sorted({*before.get(step, ()), *counts.served.get(step, ())}) for step in {*before, *counts.served}}
    asked = [role.model for role in who.roles.values()] + ([who.studio.painter] if who.studio else [])
    changed = {text for one in asked for text in adaptations_of(one)}
    opened.update(served=dict(sorted(served.items())), adaptations=sorted({*opened.manifest.adaptations, *changed}))


def _pass_the_gate(session: _BuildSession, found: BuildSummary) -> BuildSummary:
    """From candidates to what is kept, with the figures of both sides."""
    opened, recipe = session.folder, session.recipe
    how = Inspection(recipe=recipe, effort=session.effort, progress=session.progress, say=None)
    path = gating.audited(opened, "audit", opened.candidates, str(recipe.guard), how)
    verdicts = gating.by_rules(path, recipe)
    filed = _file(session, path, verdicts)
    gating.settle(path, verdicts, filed, recipe)
    kept, twins = gating.write_kept(opened, verdicts, filed)
    leakage = {
        "guard": identified(recipe.guard),
        "before": summary.rates(gate.leakage(path)),
        "after": summary.rates(gate.leakage(path, verdicts)),
    }
    if recipe.check_guard is not None and kept:
        check = gating.audited(opened, "check", opened.kept, recipe.check_guard, how)
        leakage["check"] = {"guard": identified(recipe.check_guard), **summary.rates(gate.leakage(check))}
    removed = verdicts.removed()
    unfiled = {pair.partition("/")[0]: one.outcome for pair, one in filed.items() if not one.outcome.is_final}
    return replace(
        found,
        pending={**found.pending, **Counter(f"categorise: {outcome}" for outcome in unfiled.values())},
        kept=kept,
        twins=twins,
        funnel=(*found.funnel, summary.gate_row(removed, found.pairs, kept)),
        leakage=leakage,
        baseline={
            "before": reference.baseline(opened.candidates, recipe.reference),
            "after": reference.baseline(opened.kept, recipe.reference),
        },
        rules=summary.rules(removed),
        near_pictures=len(verdicts.near),
        composition=_composition(opened),
        cost=summary.cost(opened),
        review=accepting.recorded(opened),
        truth=truth.measure(opened) if recipe.in_miniature else None,
        assumptions=truth.assumptions(ERRS) if recipe.in_miniature else None,
    )


def identified(ref: str | None) -> str:
    """The name of a guard."""
    return plan.identify(str(ref)).name


def _file(session: _BuildSession, path: Path, verdicts: gate.GateVerdicts) -> dict[str, Filed]:
    """Ask the categoriser about every pair that passes so far."""
    halt, counts = Halt(), StepCounts(verdicts.kept)
    filing = Filing(session.plan.taxonomy)

    def work(who: Crew, steps: Mapping[str, Step]) -> StepCourse[gate.GatePair]:
        asked = who.roles["categorise"]
        return StepCourse(
            gating.passing(path, verdicts),
            lambda pair: filing.file(pair, asked, steps["categorise"]),
            steps,
            (asked.gate,),
            counts,
            halt,
            session.progress,
        )

    if verdicts.kept:
        _take_steps(session, ("categorise",), PictureStore(session.folder.path), counts, halt, None, work)
    return filing.found


def _composition(opened: BuildFolder) -> dict[str, int]:
    counts = Counter(
        f"{row['category']} / {row['sub_category']}" for row in lines.read(opened.kept) if row["twin_of"] is None
    )
    return dict(sorted(counts.items()))
