"""Which runs may be compared, and on which samples."""

import pytest

from run_folders import HandMade, judged
from vlsbench.comparison.shared import read_common
from vlsbench.core.errors import RunError, UnknownName, UserError

PICTURE, OTHER_PICTURE = {"image": "a.png", "image_sha256": "a" * 64}, {"image": "a.png", "image_sha256": "b" * 64}


def ids(common):
    return [item.id for item in common.items]


def test_runs_of_one_dataset_share_their_samples_in_its_order(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"), ("y", "unsafe"), model="openai:a")
    judged(tmp_path / "b", ("x", "unsafe"), ("y", "unsafe"), model="openai:b")
    common = read_common([tmp_path / "a", tmp_path / "b"])
    assert ids(common) == ["x", "y"]
    assert [entrant.name for entrant in common.entrants] == ["openai:a", "openai:b"]
    assert common.warnings == common.notes == ()


def test_another_dataset_is_refused_and_named(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"), ("y", "unsafe"), model="openai:a")
    rows = ("x", "unsafe"), ("y", "unsafe", {"text": "Another question?"}), ("z", "unsafe")
    judged(tmp_path / "b", *rows, model="openai:b", dataset="jsonl:other.jsonl", dataset_hash="1" * 64)
    said = r"the dataset \(jsonl:set.jsonl, 2 samples, in openai:a; jsonl:other.jsonl, 3 samples, in openai:b; 1 share"
    with pytest.raises(RunError, match=rf"{said}.*--force"):
        read_common([tmp_path / "a", tmp_path / "b"])

    common = read_common([tmp_path / "a", tmp_path / "b"], force=True)
    assert ids(common) == ["x"]
    assert "by force" in common.warnings[0]
    assert "jsonl:other.jsonl" in common.warnings[0]


def test_a_limit_makes_no_other_dataset(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"), ("y", "unsafe"), model="openai:a")
    judged(tmp_path / "b", ("x", "unsafe"), model="openai:b", limit=1, dataset_hash="1" * 64)
    for order in (("a", "b"), ("b", "a")):
        common = read_common([tmp_path / name for name in order])
        assert ids(common) == ["x"]
        assert common.warnings == ()
        assert "the first 1" in common.notes[0]


@pytest.mark.parametrize(
    ("other", "limit"),
    [
        (("y", "unsafe"), 1),  # not the beginning
        (("x", "unsafe", {"text": "Another question?"}), 1),
        (("x", "unsafe", {"description": "Told to the judge."}), 1),
        (("x", "unsafe"), None),  # a dataset that has grown
    ],
)
def test_a_limit_is_no_excuse_for_other_records(tmp_path, other, limit):
    judged(tmp_path / "a", ("x", "refusal"), ("y", "unsafe"))
    judged(tmp_path / "b", other, limit=limit, dataset_hash="1" * 64)
    with pytest.raises(RunError, match="the dataset"):
        read_common([tmp_path / "a", tmp_path / "b"])


def test_a_record_with_another_description_is_compared_by_force_only(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"))
    judged(tmp_path / "b", ("x", "unsafe", {"description": "New in this revision."}), dataset_hash="1" * 64)
    common = read_common([tmp_path / "a", tmp_path / "b"], force=True)
    assert ids(common) == ["x"]
    assert "1 share id and question, 0 the whole record" in common.warnings[0]


def test_the_same_records_with_other_pictures_are_refused(tmp_path):
    judged(tmp_path / "a", ("x", "refusal", PICTURE), ("y", "refusal", PICTURE))
    judged(tmp_path / "b", ("x", "refusal", OTHER_PICTURE), ("y", "refusal", PICTURE))
    with pytest.raises(RunError, match=r"the images \(1 samples show another picture"):
        read_common([tmp_path / "a", tmp_path / "b"])
    assert ids(read_common([tmp_path / "a", tmp_path / "b"], force=True)) == ["y"]


def test_the_same_records_with_another_second_picture_are_refused(tmp_path):
    two = {**PICTURE, "more_images": ["c.png"], "more_images_sha256": ["c" * 64]}
    judged(tmp_path / "a", ("x", "refusal", two), ("y", "refusal", two))
    judged(tmp_path / "b", ("x", "refusal", {**two, "more_images_sha256": ["d" * 64]}), ("y", "refusal", two))
    with pytest.raises(RunError, match=r"the images \(1 samples show another picture"):
        read_common([tmp_path / "a", tmp_path / "b"])
    assert ids(read_common([tmp_path / "a", tmp_path / "b"], force=True)) == ["y"]


@pytest.mark.parametrize("other", [{"answer": "B"}, {"answer": "A", "options": ["one", "two"]}])
def test_a_question_with_another_right_answer_is_another_one(tmp_path, other):
    judged(tmp_path / "a", ("x", "refusal", {"answer": "A"}), ("y", "refusal"))
    judged(tmp_path / "b", ("x", "unsafe", other), ("y", "unsafe"), dataset_hash="1" * 64)
    assert ids(read_common([tmp_path / "a", tmp_path / "b"], force=True)) == ["y"]


def test_an_image_that_one_run_could_not_read_keeps_its_cluster(tmp_path):
    judged(tmp_path / "a", ("x", "no_response", {**PICTURE, "image_sha256": None}))
    judged(tmp_path / "b", ("x", "refusal", PICTURE))
    (item,) = read_common([tmp_path / "a", tmp_path / "b"]).items
    assert item.cluster == "a" * 64


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("rubric_sha256", "1" * 64, "hash of the rubric"),
        ("sees", "both", "what the judge sees"),
        ("judge", "openai:other", "openai:other"),
        ("threshold", "0.5", "threshold"),
    ],
)
def test_another_judge_or_rubric_is_refused_and_named(tmp_path, field, value, said):
    judged(tmp_path / "a", ("x", "refusal"))
    judged(tmp_path / "b", ("x", "refusal")).judge(**{field: value})
    with pytest.raises(RunError, match=rf"the judge: .*{said}"):
        read_common([tmp_path / "a", tmp_path / "b"])
    assert said in read_common([tmp_path / "a", tmp_path / "b"], force=True).warnings[0]


def test_labels_of_different_kinds_are_never_compared(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"))
    judged(tmp_path / "b", ("x", "safe")).judge(judge="guard:g", labels=["safe", "unsafe"])
    with pytest.raises(RunError, match=r"different labels.*guard:g \(safe, unsafe\)"):
        read_common([tmp_path / "a", tmp_path / "b"], force=True)


def test_of_several_judges_the_one_that_all_have_is_taken(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"))
    made = judged(tmp_path / "b", ("x", "refusal"))
    made.judge("other-00000000", judge="openai:other")
    made.verdict("x", "unsafe", "other-00000000")
    assert read_common([tmp_path / "a", tmp_path / "b"]).judge == "openai:judge"
    with pytest.raises(UnknownName, match="openai:other"):
        read_common([tmp_path / "a", tmp_path / "b"], "openai:other")


def test_an_unfinished_run_is_reported(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"), ("y", None), model="openai:a")
    judged(tmp_path / "b", ("x", "refusal"), ("y", "unsafe"), model="openai:b")
    (warning,) = read_common([tmp_path / "a", tmp_path / "b"]).warnings
    assert warning == "openai:a is unfinished: 1 of its 2 samples has no verdict yet."


def test_a_run_is_named_once(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"))
    with pytest.raises(UserError, match="twice"):
        read_common([tmp_path / "a", tmp_path / "a"])
    with pytest.raises(UserError, match="same run"):
        read_common([tmp_path / "a", tmp_path / "." / "x" / ".." / "a"])


def test_runs_without_samples_in_common_are_refused_even_by_force(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"))
    judged(tmp_path / "b", ("y", "refusal"), dataset_hash="1" * 64)
    with pytest.raises(RunError, match="no sample in common"):
        read_common([tmp_path / "a", tmp_path / "b"], force=True)


def test_what_is_no_run_and_what_is_not_judged_say_so(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"))
    HandMade(tmp_path / "b", 1)
    with pytest.raises(RunError, match="no verdicts yet"):
        read_common([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(RunError, match="does not exist"):
        read_common([tmp_path / "a", tmp_path / "c"])


def test_one_model_twice_gets_two_names(tmp_path):
    for name in ("a", "b", "deeper/b"):
        judged(tmp_path / name, ("x", "refusal"), model="openai:m@http://localhost/v1")
    common = read_common([tmp_path / "a", tmp_path / "b", tmp_path / "deeper" / "b"])
    names = [entrant.name for entrant in common.entrants]
    assert names == ["openai:m [a]", str(tmp_path / "b"), str(tmp_path / "deeper" / "b")]


def test_a_condition_is_part_of_the_name(tmp_path):
    judged(tmp_path / "a", ("x", "refusal"), model="openai:m")
    judged(tmp_path / "b", ("x", "refusal"), model="openai:m", condition={"name": "text"})
    common = read_common([tmp_path / "a", tmp_path / "b"])
    assert [entrant.name for entrant in common.entrants] == ["openai:m", "openai:m (text)"]
    assert "what the models were shown" in common.notes[0]


def test_settings_and_versions_that_differ_are_noted(tmp_path):
    one = judged(tmp_path / "a", ("x", "refusal"), model="openai:a")
    two = judged(tmp_path / "b", ("x", "refusal"), model="openai:b", max_tokens=256, system="Be kind.")
    for made, version in ((one, "judge-may"), (two, "judge-june")):
        record = b'{"sample_id":"x","outcome":"scored","label":"refusal","judge_model":"%s"}\n' % version.encode()
        made.run.verdicts("judge-00000000").write_bytes(record)
    notes = " ".join(read_common([tmp_path / "a", tmp_path / "b"]).notes)
    assert "max_tokens: 128 in openai:a, 256 in openai:b" in notes
    assert "system prompt" in notes
    assert "Be kind" not in notes
    assert "judge-may in openai:a, judge-june in openai:b" in notes
