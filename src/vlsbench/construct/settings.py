"""What the results of each step depend on beside their input: a change redoes the step, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vlsbench import models
from vlsbench.construct.crew import ROLES, name_of, named_before
from vlsbench.construct.painters import load as painters
from vlsbench.construct.plan import BuildPlan
from vlsbench.core.protocols import Model
from vlsbench.judges.asking import MAX_TOKENS

Settings = Mapping[str, Any]


def earlier_settings_of(plan: BuildPlan) -> dict[str, Settings]:
    """The same as earlier versions wrote them: with the addresses of servers in the names of models."""
    return _settings(plan, named_before, models.named_before)


def settings_of(plan: BuildPlan) -> dict[str, Settings]:
    """The settings of every step; those made of others hold the settings of their parts."""
    return _settings(plan, name_of, painters.name_of)


def _settings(
    plan: BuildPlan, name_of: Callable[[str | Model], str], painter_of: Callable[[str], str]
) -> dict[str, Settings]:
    recipe = plan.recipe
    found: dict[str, Settings] = {
        prompt: {
            "model": name_of(recipe.model_of(role)),
            "prompt_sha256": plan.prompts[prompt].sha256,
            "max_tokens": MAX_TOKENS,
        }
        for prompt, role in ROLES.items()
    }
    for name in ("describe", "perceive"):
        found[name] = {**found[name], "queries": recipe.queries}
    found["categorise"] = {**found["categorise"], "taxonomy": plan.taxonomy.sha256}
    found["paint"] = {"painter": None}
    if recipe.painter is not None:
        brush = recipe.brush
        found["paint"] = {"painter": painter_of(recipe.painter), **painters.settings_of(recipe.painter, brush)}
    found["picture"] = {
        "parts": [found["paint"], found["inspect"]],
        "attempts": recipe.attempts,
        "seed": recipe.seed,
        "size": recipe.size,
    }
    parts = ("describe", "perceive", "rewrite", "screen", "picture", "twin", "ask_benignly")
    found["element"] = {
        "parts": {name: found[name] for name in parts},
        "twins": recipe.paints_twins,
        "twin_queries": recipe.twin_queries,
        "paint_categories": sorted(recipe.paint_categories),
        "taxonomy": plan.taxonomy.sha256,
    }
    return found
