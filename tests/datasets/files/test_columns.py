import pytest

from vlsbench.core.errors import DatasetError, UnknownName, UserError
from vlsbench.datasets.files.columns import FIELDS, Columns, resolve


def test_columns_are_read_and_shown_in_one_order():
    assert str(Columns.parse("image=img, text=the prompt")) == "text=the prompt,image=img"
    assert Columns.parse("image=img,text=q") == Columns.of({"text": "q", "image": "img"})


@pytest.mark.parametrize("text", ["", "text", "text=", "=q", "text=q,"])
def test_what_names_no_column_is_refused(text):
    with pytest.raises(UserError, match="Write FIELD=COLUMN"):
        Columns.parse(text)


def test_an_unknown_field_names_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'text'"):
        Columns.parse("txt=q")
    with pytest.raises(UnknownName, match="Did you mean 'image'"):
        Columns.of({"imagse": "q"})


def test_a_field_named_twice_is_refused():
    with pytest.raises(UserError, match="names text twice: 'a' and 'b'"):
        Columns.parse("text=a,text=b")


def test_fields_that_are_not_named_take_the_column_of_their_name():
    unasked = [field for field in FIELDS if field not in ("images", "options", "answer")]
    assert resolve(None, FIELDS, "t") == {field: field for field in unasked}
    assert resolve(Columns.parse("text=q"), ["q", "text", "image"], "t") == {"text": "q", "image": "image"}
    assert resolve(None, ["sample_id", "text"], "t")["id"] == "sample_id"


def test_an_absent_column_names_the_nearest_and_all_there_are():
    with pytest.raises(DatasetError, match=r"t has no column 'promt'.*Did you mean 'prompt'\? It has: prompt, img\."):
        resolve(Columns.parse("text=promt"), ["prompt", "img"], "t")


def test_a_table_without_a_text_says_how_to_name_it():
    with pytest.raises(DatasetError, match=r"no column 'text'.*--columns text=.*It has: prompt"):
        resolve(None, ["prompt"], "t")


def test_values_can_be_given_another_name():
    text = "text=prompt,category=topic {C1: Garden, tools},expect=label{0:benign,1:harmful}"
    columns = Columns.parse("expect=label{0:benign, 1:harmful},text=prompt")
    assert str(columns) == "text=prompt,expect=label{0:benign,1:harmful}"
    assert (
        Columns.parse(str(columns)) == columns == Columns.of({"text": "prompt", "expect": "label{0:benign,1:harmful}"})
    )
    assert dict(columns) == {"text": "prompt", "expect": "label"}
    for value in (0, "0", " 0 "):
        assert columns.translate({"expect": value, "text": "0"}) == {"expect": "benign", "text": "0"}
    assert columns.translate({"expect": 7, "text": None}) == {"expect": 7, "text": None}
    assert Columns.parse("expect=safe{true:benign,false:harmful}").translate({"expect": True}) == {"expect": "benign"}
    with pytest.raises(UserError, match="tools"):
        Columns.parse(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("expect=label{0:bad}", "expect is harmful or benign, not 'bad'"),
        ("expect=label{0:benign,0:harmful}", "'0' twice"),
        ("expect=label{0:benign,1}", "VALUE:NAME"),
        ("expect=label{0:}", "VALUE:NAME"),
        ("expect=label{0:benign", "is not closed"),
        ("expect={0:benign}", "Write FIELD=COLUMN"),
    ],
)
def test_names_of_values_that_cannot_be_read_are_refused(text, problem):
    with pytest.raises(UserError, match=problem):
        Columns.parse(text)


def test_a_column_may_have_braces_in_its_name():
    assert dict(Columns.parse("text=a {b}")) == {"text": "a {b}"}
    assert Columns.parse("text=a {b}").translate({"text": "c"}) == {"text": "c"}
