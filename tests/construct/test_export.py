"""Export: what reads back, what the card says, and what may not be passed on."""

import json
import shutil

import pytest

from vlsbench import datasets
from vlsbench.construct import lines
from vlsbench.construct.elements import Element
from vlsbench.construct.export.export import export
from vlsbench.construct.export.sources import of_elements
from vlsbench.core.errors import UserError
from vlsbench.core.types import Expect


@pytest.fixture(scope="module")
def exported(built, tmp_path_factory):
    return export(built, tmp_path_factory.mktemp("x") / "out", licence="CC-BY-NC-4.0")


def rows(file):
    return list(lines.read(file))


def test_it_reads_back_as_a_dataset_with_twins_and_pictures(exported):
    samples = list(datasets.load(f"jsonl:{exported.data}"))
    harmful = [sample for sample in samples if sample.expect is Expect.HARMFUL]
    assert (len(harmful), len(samples) - len(harmful)) == (exported.pairs, exported.twins)
    assert all((exported.path / sample.image).is_file() for sample in samples)
    assert {sample.twin_of for sample in samples} - {None} <= {sample.id for sample in harmful}


def test_every_record_carries_the_canary_and_the_card_names_it(exported, built):
    canary = json.loads((built / "manifest.json").read_text())["canary"]
    assert {row["canary"] for row in rows(exported.data)} == {canary}
    card = (exported.path / "README.md").read_text()
    assert canary in card
    assert canary in (exported.path / "croissant.json").read_text()


def test_the_card_is_gated_and_says_that_nobody_reviewed(exported):
    card = (exported.path / "README.md").read_text()
    assert card.startswith("---\n")
    front = card.split("---")[1]
    assert "extra_gated_prompt:" in front
    assert "license: cc-by-nc-4.0" in front
    assert "Nobody has reviewed this set" in card
    for title in (
        "Motivation",
        "Composition",
        "How it was made",
        "The gate, measured",
        "Known limits",
        "Uses and non-uses",
    ):
        assert f"\n## {title}" in card


def test_lineage_and_openness_are_only_by_wish_and_recorded(built, exported, tmp_path):
    assert "harmful_query" not in (exported.path / "provenance.jsonl").read_text()
    open_one = export(built, tmp_path / "o", licence="CC-BY-4.0", lineage=True, gated=False)
    lines = rows(open_one.path / "provenance.jsonl")
    assert any("harmful_query" in line for line in lines)
    assert "extra_gated_prompt" not in (open_one.path / "README.md").read_text()
    rules = json.loads((open_one.path / "rules.json").read_text())
    assert (rules["gated"], rules["lineage"]) == (False, True)
    assert {line["sample_id"] for line in lines} == {row["sample_id"] for row in rows(open_one.data)}
    assert lines[0]["guard"]["pair"] == "unsafe"
    assert {"painter", "seed", "attempts", "author", "inspector"} <= lines[0].keys()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # mlcroissant uses what rdflib wants to give up
def test_croissant_is_valid_and_checks_the_file(exported, tmp_path):
    mlc = pytest.importorskip("mlcroissant")
    dataset = mlc.Dataset(jsonld=str(exported.path / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    records = list(dataset.records("records"))
    assert len(records) == exported.pairs + exported.twins
    shutil.copytree(exported.path, tmp_path / "changed")
    with (tmp_path / "changed" / "data.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of a type that it does not make public
        list(mlc.Dataset(jsonld=str(tmp_path / "changed" / "croissant.json")).records("records"))
    assert "hash" in repr(caught.value.__cause__).lower()


@pytest.mark.parametrize("form", ["parquet", "hub"])
def test_parquet_reads_back_with_pictures_inside(built, exported, tmp_path, form):
    pytest.importorskip("pyarrow")
    found = export(built, tmp_path / form, licence="CC-BY-NC-4.0", form=form)
    columns = "id=sample_id,text=text,image=image,category=category,expect=expect,twin_of=twin_of"
    samples = list(datasets.load(f"parquet:{found.data}", columns))
    assert len(samples) == exported.pairs + exported.twins
    assert samples[0].image.startswith("data:image/png;base64,")
    if form == "hub":
        assert "path: data/test-00000-of-00001.parquet" in (found.path / "README.md").read_text()


def element(name="i1", **fields):
    return Element(**{"id": name, "kind": "image", "image": "/x/a.png", "source": "archive", **fields})


def test_a_source_without_a_licence_is_an_error_unless_named():
    with pytest.raises(UserError, match=r"archive.*--source-licence"):
        of_elements([element()], "CC-BY-4.0", {})
    found = of_elements([element()], "CC-BY-4.0", {"archive": "CC-BY-NC-SA-4.0"})
    assert found["i1"].non_commercial
    assert not found["i1"].by_reference_only


@pytest.mark.parametrize(
    ("licence", "bound"), [("CC-BY-ND-4.0", True), ("CC BY-NC-ND 4.0", True), ("CC-BY-4.0", False)]
)
def test_pictures_that_may_not_be_derived_from_are_named_and_not_passed_on(licence, bound):
    assert of_elements([element(licence=licence)], "MIT", {})["i1"].by_reference_only is bound


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"licence": "my own"}, "SPDX"),
        ({"licence": ""}, "--licence SPDX must be named"),
        ({"licence": "MIT", "form": "csv"}, "--format"),
    ],
)
def test_what_cannot_be_exported_is_said(built, tmp_path, changes, words):
    with pytest.raises(UserError, match=words):
        export(built, tmp_path / "x", **changes)
    assert not (tmp_path / "x").exists()
