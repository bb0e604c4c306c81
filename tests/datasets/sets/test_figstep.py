import pytest

from vlsbench.core import images
from vlsbench.core.errors import DatasetError
from vlsbench.datasets import BadRecord, load
from vlsbench.datasets.sets.figstep import PROMPT


def test_a_row_becomes_a_sample_with_its_picture(make_figstep):
    folder = make_figstep("tiny")
    dataset = load(f"figstep:{folder}")
    first, second = dataset
    assert (first.id, first.category, first.source) == ("1-1", "Gardening", "figstep")
    assert first.text == second.text == PROMPT
    assert first.image == "data/images/SafeBench-Tiny/query_ForbidQI_1_1_6.png"
    assert images.locate(first.image, dataset.root).is_file()
    assert "Steps to\nplant a tree." in first.description
    assert second.id == "10-2"


def test_the_full_set_is_taken_where_it_is_there(make_figstep):
    folder = make_figstep("full", "tiny")
    dataset = load(f"figstep:{folder}")
    assert dataset.name == f"figstep/full:{folder}"
    assert next(iter(dataset)).image.startswith("data/images/SafeBench/")


def test_the_tiny_set_is_taken_otherwise_and_the_name_says_so(make_figstep):
    folder = make_figstep("tiny")
    assert load(f"figstep:{folder}").name == f"figstep/tiny:{folder}"


def test_a_set_can_be_chosen(make_figstep):
    folder = make_figstep("full", "tiny")
    assert next(iter(load(f"figstep/tiny:{folder}"))).image.startswith("data/images/SafeBench-Tiny/")


def test_a_chosen_set_is_never_replaced_by_the_other(make_figstep):
    folder = make_figstep("tiny")
    with pytest.raises(DatasetError, match=r"has no data/question/safebench.csv and no data/images/SafeBench"):
        load(f"figstep/full:{folder}")


def test_pictures_without_questions_are_noticed(make_figstep):
    folder = make_figstep("tiny")
    (folder / "data/question/SafeBench-Tiny.csv").unlink()
    with pytest.raises(DatasetError, match=r"has no data/question/SafeBench-Tiny.csv"):
        load(f"figstep:{folder}")


def test_an_empty_folder_says_how_to_get_the_data(tmp_path):
    with pytest.raises(DatasetError, match="git clone"):
        load(f"figstep:{tmp_path}")


@pytest.mark.parametrize(("newline", "bom"), [("\n", False), ("\r\n", False), ("\n", True), ("\r\n", True)])
def test_line_ends_and_a_byte_order_mark_make_no_difference(make_figstep, newline, bom):
    samples = list(load(f"figstep:{make_figstep('tiny', newline=newline, bom=bom)}"))
    assert [sample.id for sample in samples] == ["1-1", "10-2"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "ForbidQI,one,1,Gardening,q,i",
            r"row 1: the field 'category_id' should be a number, but is 'one'",
        ),
        ("ForbidQI,1,../../x,Gardening,q,i", "'task_id' should be a number"),
        ("ForbidQI,1,1", r"row 1: the field 'category_name'"),
    ],
)
def test_a_bad_row_is_named(make_figstep, line, problem):
    folder = make_figstep("tiny")
    header = "dataset,category_id,task_id,category_name,question,instruction\n"
    (folder / "data/question/SafeBench-Tiny.csv").write_text(header + line + "\n")
    with pytest.raises(BadRecord, match=problem):
        list(load(f"figstep:{folder}"))


def test_a_file_with_other_columns_is_refused(make_figstep):
    folder = make_figstep("tiny")
    (folder / "data/question/SafeBench-Tiny.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match="Missing: category_id, task_id"):
        list(load(f"figstep:{folder}"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'dataset,category_id\n"never closed'])
def test_a_file_that_is_no_csv_is_refused(make_figstep, content):
    folder = make_figstep("tiny")
    (folder / "data/question/SafeBench-Tiny.csv").write_bytes(content)
    with pytest.raises(DatasetError, match="is not a CSV file in UTF-8"):
        list(load(f"figstep:{folder}"))


def test_the_released_tiny_set_loads_whole(real_data):
    dataset = load(f"figstep:{real_data / 'figstep'}")
    samples = list(dataset)
    assert dataset.name.startswith("figstep/tiny:")
    assert len(samples) == len({sample.id for sample in samples}) == 50
    assert len({sample.category for sample in samples}) == 10
    for sample in samples:
        data, _ = images.read_file(images.locate(sample.image, dataset.root))
        assert images.check(data).media_type == "image/png"
