"""The recipe names what exists: rows of the paper, sets of the catalogue, cells of the sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlsbench import datasets, miniworld, models
from vlsbench.cli import sweep_file
from vlsbench.comparison.published import ABILITY, ABILITY_SETS, OTHER_SETS, ROWS
from vlsbench.core.errors import UnknownName, UserError
from vlsbench.leakage.published import ROWS as AUDITS
from vlsbench.leakage.published import row_of
from vlsbench.paper import miniature
from vlsbench.paper.needs import with_models
from vlsbench.paper.real import REAL, SWEEP

ROOT = Path(__file__).parents[2]
BOTH = pytest.mark.parametrize("recipe", [REAL, miniature.MINIATURE], ids=lambda recipe: recipe.title)


def columns(recipe):
    return [*recipe.audited, *recipe.leaky, recipe.main, *recipe.forms, *recipe.judged]


@BOTH
def test_every_row_is_one_of_the_paper_or_says_that_it_is_none(recipe):
    on_vlsbench = {row.model for row in ROWS} | {""}
    on_leaky = {row.model for row in OTHER_SETS} | on_vlsbench
    for row in recipe.models:
        assert row.published in on_vlsbench
        assert row.published_leaky in on_leaky
        assert row.ref or row.note


@BOTH
def test_every_column_of_the_paper_has_its_figures(recipe):
    places = {(row.dataset, row.part) for row in OTHER_SETS}
    for column in (*recipe.leaky, *recipe.forms):
        known = column.published is None or column.published[0] in ABILITY_SETS or column.published in places
        assert known, column
    for column in recipe.audited:
        assert column.published in (None, ("vlsbench", "")) or row_of(column.published[0]) is not None
    beside = [column.audits or (column.published or ("",))[:1] for column in recipe.audited]
    assert {row.dataset for row in AUDITS} <= {name for names in beside for name in names}


def test_the_sweep_makes_every_row_and_column():
    file = sweep_file.read(SWEEP)
    assert {row.ref for row in REAL.models if row.ref} == {one.ref for one in file.models}
    made = {one.ref.partition(":")[0] for one in file.datasets}
    assert {column.dataset for column in columns(REAL)} == made
    for one in file.datasets:
        name, _, subset = one.ref.partition(":")[0].partition("/")
        assert not subset or subset in datasets.find(name).subsets
    for one in file.models:
        assert models.canonical(one.ref)


def test_the_sweep_audits_the_sets_of_table_1_and_has_nobody_answer_those_that_no_table_shows():
    asked = list(sweep_file.read(SWEEP).asked())
    audited = {one.dataset.partition(":")[0] for one in asked if hasattr(one, "guard")}
    assert audited == {column.dataset for column in REAL.audited}
    answered = {one.judged[0].dataset.partition(":")[0] for one in asked if not hasattr(one, "guard")}
    assert "harmbench_mm" not in answered
    judges = {one.judged[0].dataset.partition(":")[0]: len(one.judged) for one in asked if not hasattr(one, "guard")}
    assert judges["vlsbench"] == 3
    assert judges["figstep"] == 1
    of_ability = {
        one.judged[0].judge for one in asked if not hasattr(one, "guard") and "mmmu:" in one.judged[0].dataset
    }
    assert of_ability == {"choice"}


def test_the_example_is_the_packaged_sweep():
    assert (ROOT / "examples" / "paper.toml").read_text() == SWEEP.read_text()


def test_the_miniature_is_of_the_packaged_models():
    assert [row.ref.removeprefix("mini:") for row in miniature.MINIATURE.models] == list(miniworld.VARIANTS)


def test_the_published_ability_is_as_printed():
    assert ABILITY["LLaVA-v1.5-7B"] == {"mme": "1511 / 355", "mmmu": "36.44", "mmstar": "33.74", "mmvet": "29.82"}
    assert ABILITY["LLaVA-v1.5-7B + Textual-Unlearning"]["mmvet"] == "0"


def test_a_row_takes_another_model():
    recipe = with_models(REAL, ["LLaVA-v1.5-7B + Textual-DPO=hf:runs/aligned=1"])
    assert next(row for row in recipe.models if row.ref == "hf:runs/aligned=1").title == "LLaVA-v1.5-7B + Textual-DPO"
    with pytest.raises(UnknownName, match="Did you mean 'GPT-4o'"):
        with_models(REAL, ["GPT-4=openai:gpt-4"])
    with pytest.raises(UserError, match="TITLE=REF"):
        with_models(REAL, ["GPT-4o"])
    with pytest.raises(UnknownName, match="scheme"):
        with_models(REAL, ["GPT-4o=opnai:gpt-4o"])
