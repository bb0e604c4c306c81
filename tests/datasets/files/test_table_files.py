"""Tables of the user's own: Parquet and CSV."""

from __future__ import annotations

import base64
import subprocess
import sys
import time

import pyarrow as pa
import pytest
from pyarrow import parquet

from vlsbench.core.errors import DatasetError, ImageProblem, MissingExtra, UserError
from vlsbench.core.images import from_data_uri
from vlsbench.core.types import Expect
from vlsbench.datasets import BadRecord, load
from vlsbench.datasets.check import ProblemKind, check
from vlsbench.run import fingerprint

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture
def make_parquet(tmp_path):
    def make(columns, name="set.parquet", **settings):
        parquet.write_table(pa.table(columns), tmp_path / name, **settings)
        return tmp_path / name

    return make


@pytest.fixture
def many(make_parquet, make_picture):
    """100 rows in row groups of 30, each with its own picture inside."""
    pictures = [make_picture(number) for number in range(100)]
    columns = {
        "q": [f"Question {number}?" for number in range(100)],
        "img": pa.array([{"bytes": data, "path": None} for data in pictures], STRUCT),
    }
    return make_parquet(columns, row_group_size=30), pictures


def make_csv(tmp_path, text):
    (tmp_path / "set.csv").write_text(text, encoding="utf-8")
    return f"csv:{tmp_path / 'set.csv'}"


def test_a_csv_file_needs_no_map_where_its_columns_are_called_as_the_fields(tmp_path):
    ref = make_csv(
        tmp_path,
        "id,text,image,category,expect,twin_of,other\n"
        'a,"Two\nlines, a comma",1.png,Garden,harmful,b,x\n'
        "b,Short,,Garden,benign,a,x\n",
    )
    first, second = load(ref)
    assert (first.id, first.text, first.image, first.twin_of) == ("a", "Two\nlines, a comma", "1.png", "b")
    assert (second.image, second.expect) == (None, Expect.BENIGN)
    assert load(ref).root == tmp_path


def test_columns_are_named_and_are_part_of_the_name(tmp_path):
    ref = make_csv(tmp_path, "prompt,topic\nWhat?,Kitchen\n")
    dataset = load(ref, "text=prompt,category=topic")
    assert [(sample.id, sample.text, sample.category) for sample in dataset] == [("0", "What?", "Kitchen")]
    assert dataset.name == f"{ref}?text=prompt,category=topic"
    other = load(ref, {"text": "topic"})
    assert fingerprint.fingerprint(other).sha256 != fingerprint.fingerprint(dataset).sha256
    assert other.name != dataset.name


def test_safe_and_unsafe_pass_for_benign_and_harmful(tmp_path):
    ref = make_csv(tmp_path, "text,expect\na,safe\nb,Unsafe\nc,\n")
    assert [sample.expect for sample in load(ref)] == [Expect.BENIGN, Expect.HARMFUL, Expect.HARMFUL]


def test_a_column_map_that_names_absent_columns_is_refused(tmp_path, make_parquet):
    ref = make_csv(tmp_path, "prompt,topic\nWhat?,Kitchen\n")
    with pytest.raises(DatasetError, match=r"no column 'promtp'.*Did you mean 'prompt'.*It has: prompt, topic"):
        load(ref, "text=promtp")
    with pytest.raises(DatasetError, match="has no column 'text'"):
        load(f"parquet:{make_parquet({'q': ['a']})}")


def test_columns_for_a_set_with_its_own_are_refused(make_vlsbench):
    with pytest.raises(UserError, match=r"columns of its own; --columns goes with jsonl:, parquet:, csv:, hf-data:"):
        load(f"vlsbench:{make_vlsbench()}", "text=q")


def test_bad_rows_are_named_and_listed(tmp_path):
    ref = make_csv(tmp_path, "text,expect\na,perhaps\nb,safe\nonly one\n")
    with pytest.raises(BadRecord, match=r"set\.csv, row 1: .*'expect' should be one of harmful, unsafe, benign, safe"):
        list(load(ref))
    found = check(load(ref))
    assert (found.n, next(p.kind for p in found.problems if not p.sample_id)) == (2, ProblemKind.RECORD)


def test_a_csv_with_long_data_uris_is_read(tmp_path, make_picture):
    uri = "data:image/png;base64," + base64.b64encode(make_picture()).decode() + "A" * 200_000
    (sample,) = load(make_csv(tmp_path, f'text,image\na,"{uri}"\n'))
    assert sample.image == uri


@pytest.mark.parametrize(("text", "problem"), [("", "does not begin with a row"), ('text\n"never closed', "not a CSV")])
def test_what_is_no_table_is_refused(tmp_path, text, problem):
    with pytest.raises(DatasetError, match=problem):
        list(load(make_csv(tmp_path, text)))


@pytest.mark.parametrize("scheme", ["csv", "parquet"])
def test_a_missing_file_says_what_to_pass(tmp_path, scheme):
    with pytest.raises(DatasetError, match=rf"There is no file .*pass {scheme}:PATH"):
        load(f"{scheme}:{tmp_path / 'none'}")


def test_a_folder_for_csv_and_an_empty_one_for_parquet_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="is a folder; csv:PATH takes a file"):
        load(f"csv:{tmp_path}")
    with pytest.raises(DatasetError, match=r"no \.parquet file in "):
        load(f"parquet:{tmp_path}")


def test_a_bare_path_is_told_its_scheme(tmp_path, make_parquet):
    make_csv(tmp_path, "text\na\n")
    with pytest.raises(DatasetError, match="for example csv:"):
        load(str(tmp_path / "set.csv"))
    with pytest.raises(DatasetError, match="for example parquet:"):
        load(str(make_parquet({"text": ["a"]})))


def test_images_inside_a_parquet_file_become_data_uris(many):
    file, pictures = many
    found = list(load(f"parquet:{file}", "text=q,image=img"))
    assert [sample.id for sample in found] == [str(number) for number in range(100)]
    assert [from_data_uri(sample.image) for sample in found] == pictures


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()], ids=str)
def test_raw_bytes_are_images_too_and_null_is_none(make_parquet, make_picture, kind):
    file = make_parquet({"text": ["a", "b"], "image": pa.array([make_picture(3), None], kind)})
    first, second = load(f"parquet:{file}")
    assert (from_data_uri(first.image), second.image) == (make_picture(3), None)


def test_a_struct_without_bytes_gives_its_path(make_parquet):
    file = make_parquet({"text": ["a", "b"], "image": pa.array([{"bytes": None, "path": "1.png"}, None], STRUCT)})
    assert [sample.image for sample in load(f"parquet:{file}")] == ["1.png", None]


def test_paths_in_a_parquet_file_are_relative_to_its_folder(make_parquet, tmp_path):
    file = make_parquet({"text": ["a", "b"], "image": ["1.png", None]})
    dataset = load(f"parquet:{file}")
    assert ([sample.image for sample in dataset], dataset.root) == (["1.png", None], tmp_path)


def test_whole_numbers_and_dictionaries_pass_for_texts(make_parquet):
    columns = {"text": ["a"], "id": [7], "category": pa.array(["Garden"]).dictionary_encode(), "source": [3]}
    (sample,) = load(f"parquet:{make_parquet(columns)}")
    assert (sample.id, sample.category, sample.source) == ("7", "Garden", "3")


def test_shards_of_a_folder_are_read_in_order_with_running_numbers(make_parquet, tmp_path):
    make_parquet({"text": ["c"]}, "b.parquet")
    make_parquet({"text": ["a", "b"]}, "a.parquet")
    assert [(sample.id, sample.text) for sample in load(f"parquet:{tmp_path}")] == [("0", "a"), ("1", "b"), ("2", "c")]


def test_an_id_that_two_shards_share_is_refused_and_listed(make_parquet, tmp_path):
    make_parquet({"id": ["x"], "text": ["a"]}, "a.parquet")
    make_parquet({"id": ["x"], "text": ["b"]}, "b.parquet")
    with pytest.raises(DatasetError, match="The id 'x' occurs twice"):
        fingerprint.fingerprint(load(f"parquet:{tmp_path}"))
    assert ProblemKind.DUPLICATE in {problem.kind for problem in check(load(f"parquet:{tmp_path}")).problems}


def test_shards_with_other_columns_are_refused(make_parquet, tmp_path):
    make_parquet({"text": ["a"]}, "a.parquet")
    make_parquet({"prompt": ["b"]}, "b.parquet")
    with pytest.raises(DatasetError, match=r"b\.parquet is not in the layout.*Found: prompt\. Wanted: text"):
        load(f"parquet:{tmp_path}")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"text": [["a"]]}, r"'text' of .* holds list<.*>, not texts"),
        ({"text": ["a"], "image": [[b"a"]]}, r"'image' of .* holds list<.*>\. An image is a path, its bytes, or"),
        ({"text": ["a"], "image": [1.5]}, "holds double"),
    ],
)
def test_columns_of_other_types_are_refused(make_parquet, columns, problem):
    with pytest.raises(DatasetError, match=problem):
        load(f"parquet:{make_parquet(columns)}")


def test_bytes_that_are_no_image_are_a_problem_of_their_sample_alone(make_parquet, make_picture):
    file = make_parquet({"text": ["a", "b", "c"], "image": [make_picture(1), b"not an image", b""]})
    found = check(load(f"parquet:{file}"))
    assert [(p.sample_id, p.kind) for p in found.problems if p.sample_id] == [
        ("1", ProblemKind.IMAGE),
        ("2", ProblemKind.IMAGE),
    ]
    with pytest.raises(ImageProblem):
        from_data_uri(list(load(f"parquet:{file}"))[2].image)


def test_a_row_without_a_text_is_named(make_parquet):
    file = make_parquet({"id": ["x"], "text": pa.array([None], pa.string())})
    with pytest.raises(BadRecord, match=r"set\.parquet, row 0 \(id x\): the field 'text' should be a text"):
        list(load(f"parquet:{file}"))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a parquet file at all, but long enough"])
def test_a_damaged_parquet_file_is_refused(tmp_path, content):
    (tmp_path / "set.parquet").write_bytes(content)
    with pytest.raises(DatasetError, match=r"set\.parquet cannot be read as Parquet"):
        load(f"parquet:{tmp_path / 'set.parquet'}")


def test_a_parquet_file_damaged_inside_is_a_clear_error(many):
    file, _ = many
    data = bytearray(file.read_bytes())
    data[4:2000] = bytes(1996)
    file.write_bytes(data)
    with pytest.raises(DatasetError, match="cannot be read as Parquet"):
        list(load(f"parquet:{file}", "text=q,image=img"))


def test_a_listing_names_the_images_without_reading_them(many):
    file, _ = many
    dataset = load(f"parquet:{file}", "text=q,image=img")
    listed = list(dataset.without_images())
    assert [sample.text for sample in listed] == [sample.text for sample in dataset]
    assert listed[41].image == "set.parquet#41"


@pytest.mark.parametrize("start", [0, 1, 29, 30, 31, 99, 100, 1000])
def test_a_set_can_be_read_from_any_row_on(many, start):
    file, _ = many
    dataset = load(f"parquet:{file}", "text=q,image=img")
    assert list(dataset.since(start)) == list(dataset)[start:]


def test_a_set_of_shards_can_be_read_from_any_row_on(make_parquet, tmp_path):
    for name in "abc":
        make_parquet({"text": [f"{name}{number}" for number in range(5)]}, f"{name}.parquet")
    dataset = load(f"parquet:{tmp_path}")
    for start in range(16):
        assert list(dataset.since(start)) == list(dataset)[start:]


def test_without_pyarrow_the_error_names_the_install_command(many, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install '\S*\[data\]'"):
        load(f"parquet:{many[0]}", "text=q")


def test_the_catalogue_loads_without_pyarrow():
    code = "import sys; import vlsbench.datasets; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("place", [1, 2])
def test_a_row_with_more_cells_than_the_header_is_refused_and_not_shifted(tmp_path, place):
    rows = ["1,One,a\n", "2,Two,b\n"]
    rows.insert(place - 1, "3,Three, with a comma,c\n")
    ref = make_csv(tmp_path, "id,text,category\n" + "".join(rows))
    with pytest.raises(BadRecord, match=rf"row {place}: has 4 cells and the header 3"):
        list(load(ref))


def test_empty_cells_at_the_end_of_a_row_are_no_more_cells(tmp_path):
    assert [sample.text for sample in load(make_csv(tmp_path, "id,text\n1,One,,\n"))] == ["One"]


def test_a_header_of_very_many_columns_is_checked_in_linear_time(tmp_path):
    heads = [f"c{number}" for number in range(100_000)]
    ref = make_csv(tmp_path, ",".join(["text", *heads]) + "\nOne\n")
    started = time.process_time()
    load(ref)
    assert time.process_time() - started < 10  # minutes, where each name is counted anew


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="several columns called 'text'"):
        load(make_csv(tmp_path, "id,text,text\n1,a,b\n"))
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    parquet.write_table(table, tmp_path / "set.parquet")
    with pytest.raises(DatasetError, match="several columns called 'text'"):
        load(f"parquet:{tmp_path / 'set.parquet'}")


@pytest.mark.parametrize("inside", [7, "text", [1, 2], {"x": 1}])
def test_a_struct_whose_bytes_are_none_is_no_image(make_parquet, inside):
    path = make_parquet({"text": ["One"], "image": pa.array([{"bytes": inside}])})
    with pytest.raises(DatasetError, match="An image is a path, its bytes, or a struct of both"):
        load(f"parquet:{path}")


def test_bytes_kept_once_or_of_fixed_width_are_images(make_parquet, make_picture):
    data = make_picture(0)
    for kind in (pa.array([data, data]).dictionary_encode(), pa.array([data, data], pa.binary(len(data)))):
        path = make_parquet({"text": ["One", "Two"], "image": kind})
        assert [from_data_uri(sample.image) for sample in load(f"parquet:{path}")] == [data, data]


def test_a_text_of_a_parquet_file_that_is_not_utf_8_is_a_problem_of_its_row_alone(make_parquet):
    raw = pa.array([b"One", b"\xff\xfe", b"Three"])
    path = make_parquet({"text": pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])})
    bad = []
    assert [sample.text for sample in load(f"parquet:{path}").scan(bad.append)] == ["One", "Three"]
    assert [str(one) for one in bad] == ["set.parquet, row 1: the column 'text' is not in UTF-8 here"]


LABELS = "text=prompt,expect=label{0:benign,1:harmful},category=topic{C1:Garden}"


def samples_of(ref, columns=LABELS):
    return [(sample.id, sample.text, sample.expect.value, sample.category) for sample in load(ref, columns)]


def test_values_of_every_kind_of_table_can_be_named(tmp_path, make_parquet):
    wanted = [("0", "a", "benign", "Garden"), ("1", "b", "harmful", "C2"), ("2", "c", "harmful", "")]
    assert samples_of(make_csv(tmp_path, "prompt,label,topic\na,0,C1\nb,1,C2\nc,,\n")) == wanted
    rows = {"prompt": ["a", "b", "c"], "label": [0, 1, None], "topic": ["C1", "C2", None]}
    assert samples_of(f"parquet:{make_parquet(rows)}") == wanted
    lines = ['{"prompt":"a","label":0,"topic":"C1"}', '{"prompt":"b","label":1,"topic":"C2"}', '{"prompt":"c"}']
    (tmp_path / "set.txt").write_text("\n\n".join(lines))
    assert samples_of(f"jsonl:{tmp_path / 'set.txt'}") == wanted


def test_truth_values_are_named_as_json_writes_them(tmp_path, make_parquet):
    columns = "text=prompt,expect=unsafe{true:harmful,false:benign}"
    wanted = [("0", "a", "harmful", ""), ("1", "b", "benign", "")]
    assert samples_of(f"parquet:{make_parquet({'prompt': ['a', 'b'], 'unsafe': [True, False]})}", columns) == wanted
    (tmp_path / "set.jsonl").write_text('{"prompt":"a","unsafe":true}\n{"prompt":"b","unsafe":false}')
    assert samples_of(f"jsonl:{tmp_path / 'set.jsonl'}", columns) == wanted


def test_a_value_of_the_expectation_without_a_name_is_a_problem_of_its_row(tmp_path):
    with pytest.raises(BadRecord, match=r"row 2.*'expect' should be one of .*but is '2'"):
        samples_of(make_csv(tmp_path, "prompt,label,topic\na,0,C1\nb,2,C2\n"))


def test_lines_with_named_columns_keep_their_digests_and_ids(tmp_path, make_picture):
    (tmp_path / "1.png").write_bytes(make_picture())
    row = '{"sample_id": "x", "prompt": "a", "image": "1.png", "image_sha256": "%s"}' % ("ab" * 32)
    (tmp_path / "set.jsonl").write_text(row)
    dataset = load(f"jsonl:{tmp_path / 'set.jsonl'}", "text=prompt")
    assert [(sample.id, sample.image_sha256) for sample in dataset] == [("x", "ab" * 32)]
    assert [problem.kind for problem in check(dataset).problems] == [ProblemKind.CHANGED, ProblemKind.DESCRIPTION]
    assert dataset.name.endswith("set.jsonl?text=prompt")


def test_a_clone_of_the_hub_has_its_shards_in_data(tmp_path):
    (tmp_path / "data").mkdir()
    for number in (0, 1):
        shard = tmp_path / "data" / f"train-0000{number}-of-00002.parquet"
        parquet.write_table(pa.table({"text": [f"t{number}"]}), shard)
    assert [sample.text for sample in load(f"parquet:{tmp_path}")] == ["t0", "t1"]
    parquet.write_table(pa.table({"text": ["other"]}), tmp_path / "data" / "test-00000-of-00001.parquet")
    with pytest.raises(DatasetError, match=rf"several splits: test, train\..*parquet:{tmp_path}/data/test-\*\.parquet"):
        load(f"parquet:{tmp_path}")
    assert [sample.text for sample in load(f"parquet:{tmp_path}/data/train-*.parquet")] == ["t0", "t1"]


def test_a_folder_without_shards_says_what_was_looked_for(tmp_path):
    with pytest.raises(DatasetError, match=rf"no \.parquet file in {tmp_path} and none in {tmp_path}/data"):
        load(f"parquet:{tmp_path}")
    with pytest.raises(DatasetError, match=r"No file is called .*test-\*\.parquet"):
        load(f"parquet:{tmp_path}/test-*.parquet")


QUIZ = "text=q,images=pics,options=choices,answer=label"


def test_lists_of_pictures_and_options_are_read_from_parquet(make_parquet, make_picture):
    pics = [[{"bytes": make_picture(n), "path": None} for n in numbers] for numbers in ((0, 1), (2,), ())]
    file = make_parquet(
        {
            "q": ["Which?", "How many?", "Where?"],
            "pics": pa.array(pics, pa.list_(STRUCT)),
            "choices": [["cat", "dog"], [], ["here", "there", "nowhere"]],
            "label": ["dog", "7", "0"],
        }
    )
    two, one, none = load(f"parquet:{file}", QUIZ)
    assert [len(sample.images) for sample in (two, one, none)] == [2, 1, 0]
    assert from_data_uri(two.images[1]) == make_picture(1)
    assert [(sample.answer, sample.expect) for sample in (two, one, none)] == [
        ("B", Expect.BENIGN),
        ("7", Expect.BENIGN),
        ("A", Expect.BENIGN),
    ]
    assert two.text.splitlines()[:3] == ["Which?", "(A) cat", "(B) dog"]
    assert fingerprint.fingerprint(load(f"parquet:{file}", QUIZ)).size == 3
    assert check(load(f"parquet:{file}", QUIZ)).images.distinct == 3


def test_columns_of_these_names_are_not_taken_unasked(make_parquet):
    file = make_parquet({"text": ["Which?"], "answer": [{"a": 1}], "options": [3], "images": ["a.png"]})
    (sample,) = load(f"parquet:{file}")
    assert (sample.answer, sample.options, sample.images) == (None, (), ())


@pytest.mark.parametrize(
    ("columns", "named", "problem"),
    [
        ({"q": ["?"], "pics": ["a.png"]}, "text=q,images=pics", "Images are a list; one is an image"),
        ({"q": ["?"], "pics": [[1]]}, "text=q,images=pics", "An image is a path, its bytes, or a struct"),
        ({"q": ["?"], "c": [[[1]]]}, "text=q,options=c", "so it cannot be the options"),
    ],
)
def test_lists_of_other_things_are_refused(make_parquet, columns, named, problem):
    with pytest.raises(DatasetError, match=problem):
        load(f"parquet:{make_parquet(columns)}", named)


def test_options_may_have_a_column_each_of_which_the_last_may_be_empty(tmp_path):
    file = make_csv(tmp_path, "q,A,B,C,right\nWhich?,cat,dog,,B\nWhere?,x,y,z,C\nWhat?,x,,z,A\n")
    found = load(file, "text=q,options=A+B+C,answer=right")
    problems = check(found).problems
    assert [problem.message for problem in problems if problem.kind is ProblemKind.RECORD] == [
        "set.csv, row 3: one of the options is empty"
    ]
    with pytest.raises(DatasetError, match=r"no column 'A\+D'"):
        load(file, "text=q,options=A+D")


def test_an_answer_that_fits_two_options_names_its_row(tmp_path):
    file = make_csv(tmp_path, "q,A,B,right\nHow many?,1,0,1\n")
    with pytest.raises(BadRecord, match=r"row 1: the answer '1' fits A and B"):
        list(load(file, "text=q,options=A+B,answer=right"))
    (sample,) = load(file, "text=q,options=A+B,answer=right{1:B}")
    assert sample.answer == "B"
