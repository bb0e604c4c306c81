"""Review: what people are asked, what their labels take out, and what a sample proves."""

import csv
import json
import shutil

import pytest

from vlsbench.construct import lines, summary
from vlsbench.construct.export.export import export
from vlsbench.construct.review import accepting
from vlsbench.construct.review.accepting import accept
from vlsbench.construct.review.drawing import draw
from vlsbench.core.errors import UserError


@pytest.fixture
def build_folder(tmp_path, built):
    shutil.copytree(built, tmp_path / "b")
    return tmp_path / "b"


def kept_pairs(path):
    return [row["sample_id"] for row in lines.read(path / "kept.jsonl") if row["twin_of"] is None]


def labelled(sheet, out, choose):
    """The sheet, with a label for each row."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for number, row in enumerate(rows):
            writer.writerow({**row, "label": choose(number)})
    return out


def test_the_page_asks_the_six_labels_and_shows_the_picture_blurred(build_folder, tmp_path):
    drawn = draw(build_folder, tmp_path / "r", n=4)
    page = drawn.page.read_text(encoding="utf-8")
    for label in ("keep", "text leaks", "pair harmless", "wrong picture", "wrong category", "unclear"):
        assert f'data-label="{label}"' in page
    assert 'class="blurred"' in page
    assert len(drawn.design.items) == 4
    assert "refusal" not in page


def test_what_reviewers_take_out_leaves_the_export_with_its_twin(build_folder, tmp_path):
    draw(build_folder, tmp_path / "r", n=None)
    labels = labelled(tmp_path / "r" / "labels.csv", tmp_path / "a.csv", lambda n: "2" if n == 0 else "KEEP")
    found = accept(build_folder, [labels])
    assert found["taken_out"] == {"text leaks": 1}
    assert found["at_most"] == 0
    (gone,) = accepting.taken_out(_folder(build_folder))
    out = export(build_folder, tmp_path / "x", licence="CC-BY-4.0")
    ids = {row["sample_id"] for row in lines.read(out.data)}
    assert gone not in ids
    assert f"{gone}/twin" not in ids
    assert out.pairs == len(kept_pairs(build_folder)) - 1
    assert summary.read(build_folder).review["kept"] == found["kept"]
    assert "looked at" in (tmp_path / "x" / "README.md").read_text()


def _folder(path):
    from vlsbench.construct.folder import BuildFolder

    return BuildFolder(path)


def test_reviewers_who_disagree_take_a_pair_out_and_their_agreement_is_told(build_folder, tmp_path):
    draw(build_folder, tmp_path / "r", n=5)
    sheet = tmp_path / "r" / "labels.csv"
    one = labelled(sheet, tmp_path / "a.csv", lambda n: "keep")
    other = labelled(sheet, tmp_path / "b.csv", lambda n: "wrong picture" if n < 2 else "keep")
    found = accept(build_folder, [one, other])
    assert found["taken_out"] == {"reviewers disagree": 2}
    assert found["raters"] == 2
    assert found["agreement"]["value"] < 1


def test_a_sample_without_faults_bounds_the_rest(build_folder, tmp_path):
    draw(build_folder, tmp_path / "r", n=5)
    found = accept(build_folder, [labelled(tmp_path / "r" / "labels.csv", tmp_path / "a.csv", lambda n: "keep")])
    assert found["faulty"]["k"] == 0
    assert 0.3 < found["at_most"] < 0.5  # Wilson's upper end for 0 of 5


def test_label_studio_takes_the_tasks_and_gives_labels_back(build_folder, tmp_path):
    draw(build_folder, tmp_path / "r", n=3)
    tasks = json.loads((tmp_path / "r" / "label-studio.json").read_text())
    assert tasks[0]["data"]["image"].startswith("data:image/jpeg;base64,")
    choices = ["keep", "wrong category", "unclear"]
    back = [
        {**task, "annotations": [{"result": [{"type": "choices", "value": {"choices": [said]}}]}]}
        for task, said in zip(tasks, choices, strict=True)
    ]
    file = tmp_path / "back.json"
    file.write_text(json.dumps(back))
    assert accept(build_folder, [file])["taken_out"] == {"unclear": 1, "wrong category": 1}


def test_labels_of_another_build_are_refused(build_folder, tmp_path):
    draw(build_folder, tmp_path / "r", n=3)
    labels = labelled(tmp_path / "r" / "labels.csv", tmp_path / "a.csv", lambda n: "keep")
    labels.write_text(labels.read_text().replace(json.loads(_only_design(build_folder))["id"], "0" * 12))
    with pytest.raises(UserError, match="another build"):
        accept(build_folder, [labels])
    assert accepting.recorded(_folder(build_folder)) is None


def _only_design(path):
    return next((path / "review" / "designs").glob("*.json")).read_text()


def test_labels_that_are_none_are_named(build_folder, tmp_path):
    draw(build_folder, tmp_path / "r", n=2)
    labels = labelled(tmp_path / "r" / "labels.csv", tmp_path / "a.csv", lambda n: "refusal")
    with pytest.raises(UserError, match=r"'refusal' is no label.*keep, text leaks"):
        accept(build_folder, [labels])
