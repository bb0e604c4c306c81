import base64

import pytest

from builders import ListedDataset
from vlsbench.core.errors import DatasetError
from vlsbench.core.types import Expect, Sample
from vlsbench.datasets import load
from vlsbench.datasets.check import ProblemKind, Spread, by_kind, check


def kinds(report):
    return {(problem.sample_id, problem.kind) for problem in report.problems}


def test_a_sound_set_has_no_problems(make_vlsbench):
    report = check(load(f"vlsbench:{make_vlsbench()}"))
    assert report.n == 3
    assert report.problems == ()
    assert report.categories == {"Violent": 3}
    assert report.sub_categories == {("Violent", "Public Violence and Rioting"): 3}
    assert report.sources == {"generation": 3}
    assert report.expect == {"harmful": 3}
    assert report.words == Spread(low=8, median=8, high=8, total=24)


def test_images_are_counted_as_files_and_as_contents(make_vlsbench, make_row, make_picture):
    rows = [make_row(0), make_row(1, image_path="./imgs/0.png"), make_row(2), make_row(3), make_row(4)]
    folder = make_vlsbench(rows)
    (folder / "imgs" / "3.png").write_bytes(make_picture(2))
    (folder / "imgs" / "4.png").write_bytes(make_picture(0, size=(20, 10), format="JPEG"))
    found = check(load(f"vlsbench:{folder}")).images
    assert (found.distinct, found.contents, found.without) == (4, 3, 0)
    assert found.serves == {1: 3, 2: 1}
    assert found.formats == {"image/png": 3, "image/jpeg": 1}
    assert (found.width.low, found.width.median, found.width.high) == (8, 8, 20)
    assert found.height.high == 10
    assert found.n_bytes.total == sum((folder / "imgs" / f"{n}.png").stat().st_size for n in (0, 2, 3, 4))


def test_each_image_is_read_once(make_vlsbench, make_row, monkeypatch):
    from vlsbench.core import images

    read = []
    real = images.read_file
    monkeypatch.setattr(images, "read_file", lambda path: read.append(path) or real(path))
    check(load(f"vlsbench:{make_vlsbench([make_row(n, image_path='imgs/0.png') for n in range(5)])}"))
    assert len(read) == 1


def test_every_problem_of_every_record_is_listed(make_vlsbench, make_row):
    rows = [
        make_row(0, instruction=" \n"),
        make_row(1, category="Hate"),
        make_row(2, image_path="../outside.png"),
        make_row(3, image_path="imgs/missing.png"),
        make_row(4),
        make_row(5),
        "not a record",
        make_row(7, source=None),
        make_row(0),
        make_row(9),
    ]
    folder = make_vlsbench(rows)
    (folder / "imgs" / "4.png").write_bytes(b"")
    (folder / "imgs" / "5.png").write_bytes((folder / "imgs" / "5.png").read_bytes()[:-20])
    (folder / "imgs" / "9.png").write_bytes(b"a text")
    report = check(load(f"vlsbench:{folder}"))
    assert report.n == 8
    assert kinds(report) == {
        ("0", ProblemKind.TEXT),
        ("1", ProblemKind.MISFILED),
        ("2", ProblemKind.IMAGE),
        ("3", ProblemKind.IMAGE),
        ("4", ProblemKind.IMAGE),
        ("5", ProblemKind.IMAGE),
        ("9", ProblemKind.IMAGE),
        ("", ProblemKind.RECORD),
        ("7", ProblemKind.RECORD),
        ("0", ProblemKind.DUPLICATE),
    }
    assert len(report.problems) == 10
    assert list(by_kind(report.problems)) == [
        ProblemKind.RECORD,
        ProblemKind.DUPLICATE,
        ProblemKind.TEXT,
        ProblemKind.MISFILED,
        ProblemKind.IMAGE,
    ]


def test_a_bad_image_is_listed_for_every_sample_that_it_serves(make_vlsbench, make_row):
    folder = make_vlsbench([make_row(0), make_row(1, image_path="imgs/0.png")])
    (folder / "imgs" / "0.png").write_bytes(b"x")
    assert kinds(check(load(f"vlsbench:{folder}"))) == {("0", ProblemKind.IMAGE), ("1", ProblemKind.IMAGE)}


def test_categories_of_another_taxonomy_are_left_alone(make_vlsbench, make_row):
    report = check(load(f"vlsbench:{make_vlsbench([make_row(0, category='Gardening')])}"))
    assert report.problems == ()


def test_missing_descriptions_are_one_problem_and_not_a_thousand(make_vlsbench, make_row):
    folder = make_vlsbench([make_row(n, image_description="") for n in range(3)] + [make_row(3)])
    (problem,) = check(load(f"vlsbench:{folder}")).problems
    assert (problem.sample_id, problem.kind) == ("", ProblemKind.DESCRIPTION)
    assert problem.message.startswith("3 of 4 samples")


def test_repeated_texts_are_grouped(make_vlsbench, make_row):
    folder = make_vlsbench([make_row(n, instruction=text) for n, text in enumerate(["a", "b", "a", "", "", "a"])])
    assert check(load(f"vlsbench:{folder}")).repeated_texts == (("0", "2", "5"),)


def test_repeated_texts_are_told_apart_from_groups(make_jsonl):
    file = make_jsonl(
        {"sample_id": "a", "text": "one", "group": "g"},
        {"sample_id": "b", "text": "one", "group": "g"},
        {"sample_id": "c", "text": "two", "group": "h"},
        {"sample_id": "d", "text": "two"},
        {"sample_id": "e", "text": "two", "group": "i"},
    )
    found = check(load(f"jsonl:{file}"))
    assert found.groups == {1: 2, 2: 1}
    assert (len(found.repeated_texts), found.ungrouped_texts) == (2, 1)


def line(number, **fields):
    return {"sample_id": str(number), "text": "hello there", "description": "x", **fields}


def test_twins_must_exist(make_jsonl):
    file = make_jsonl(line(1, twin_of="2"), line(2, expect="benign", twin_of="1"), line(3, twin_of="nobody"))
    report = check(load(f"jsonl:{file}"))
    assert report.twins == 3
    assert report.expect == {"harmful": 2, "benign": 1}
    assert kinds(report) == {("3", ProblemKind.TWIN)}
    assert report.images.without == 3
    assert report.images.n_bytes is None


def test_data_uris_are_images_too(make_jsonl, make_picture):
    uri = "data:image/png;base64," + base64.b64encode(make_picture()).decode()
    report = check(load(f"jsonl:{make_jsonl(line(1, image=uri), line(2, image=uri), line(3, image='data:,x'))}"))
    assert report.images.serves == {1: 1, 2: 1}
    assert report.images.contents == 1
    assert kinds(report) == {("3", ProblemKind.IMAGE)}


def test_an_image_that_is_not_the_recorded_one_is_noticed(make_jsonl, make_picture):
    file = make_jsonl(line(1, image="1.png", image_sha256="ab" * 32))
    (file.parent / "1.png").write_bytes(make_picture())
    assert kinds(check(load(f"jsonl:{file}"))) == {("1", ProblemKind.CHANGED)}


def test_a_limit_looks_at_the_first_samples_only(make_jsonl):
    file = make_jsonl(line(1, twin_of="3"), line(2), line(3), "oops")
    report = check(load(f"jsonl:{file}"), limit=2)
    assert report.n == 2
    assert report.problems == ()


def test_an_empty_set_is_reported_as_such(make_jsonl):
    report = check(load(f"jsonl:{make_jsonl()}"))
    assert (report.n, report.problems, report.words) == (0, (), None)


def test_any_dataset_can_be_checked(make_picture, tmp_path):
    path = tmp_path / "1.png"
    path.write_bytes(make_picture())

    class Mine:
        name = "mine"
        root = None
        revision = "v1"

        def __iter__(self):
            yield Sample(id="1", text="hello", image=str(path), description="x", expect=Expect.BENIGN)

    report = check(Mine())
    assert (report.name, report.revision, report.n, report.problems) == ("mine", "v1", 1, ())


def test_a_set_that_gives_out_half_way_is_an_error(make_figstep):
    folder = make_figstep("tiny")
    with (folder / "data/question/SafeBench-Tiny.csv").open("ab") as file:
        file.write(b"\xff\xff")
    with pytest.raises(DatasetError):
        check(load(f"figstep:{folder}"))


def test_the_released_set_is_as_it_is_known_to_be(released_records):
    report = check(load(f"vlsbench:{released_records}"))
    groups = by_kind(report.problems)
    assert report.n == 2241
    assert report.images.distinct == 1957
    assert report.images.serves == {1: 1734, 2: 162, 3: 61}
    assert [problem.sample_id for problem in groups[ProblemKind.MISFILED]] == ["1144", "1153", "1489", "1996", "2105"]
    assert [problem.sample_id for problem in groups[ProblemKind.TEXT]] == ["1685"]
    assert len(report.repeated_texts) == 14
    assert (report.words.median, report.words.high) == (13, 67)
    assert len(report.sub_categories) == 21
    assert len(report.categories) == 6
    assert report.sources["generation"] == 1234


def test_the_released_tiny_figstep_has_no_problems(real_data):
    report = check(load(f"figstep:{real_data / 'figstep'}"))
    assert (report.n, report.images.distinct, report.images.contents) == (50, 50, 50)
    assert report.problems == ()


def test_right_answers_are_counted_by_kind_and_need_no_description():
    data = ListedDataset(
        [
            Sample(id="a", text="Which?", answer="B", options=("x", "y")),
            Sample(id="b", text="Is it?", answer="no"),
            Sample(id="c", text="How many?", answer="7"),
            Sample(id="d", text="What is this?", description="A ball."),
        ]
    )
    found = check(data)
    assert found.answers == {"an option": 1, "yes or no": 1, "open": 1, "none": 1}
    assert found.problems == ()
    assert check(ListedDataset([Sample(id="d", text="?")])).answers == {}
