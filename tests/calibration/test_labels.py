"""Sheets go out harmless and come back unharmed, whole or not at all."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made import write_labels
from vlsbench.calibration import labels, sheet
from vlsbench.calibration.cards import Card, readable
from vlsbench.core.errors import UserError

NASTY = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "'", "''=1", "＝1", "plain", "", 'a,b\n"c"']


@given(st.text() | st.sampled_from(NASTY))
def test_a_cell_is_no_formula_and_is_read_back_unharmed(text):
    cell = sheet.neutralised(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert sheet.restored(cell) == text


@pytest.mark.parametrize("sample_id", NASTY[:5])
def test_a_sheet_with_any_sample_id_comes_back(tmp_path, sample_id):
    card = Card(sample_id=sample_id, query="=q", answer="'a", image=None)
    text = sheet.write("d" * 12, [card]).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[1][3] == "'=q"
    rows[1][2] = "2"
    with (tmp_path / "back.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    found = labels.read(tmp_path / "back.csv")
    assert found.labels == {sample_id: "warning"}
    assert found.design == "d" * 12


def test_labels_are_words_or_numbers_in_any_case_and_blanks_are_counted(tmp_path):
    rows = [("a", "Refusal"), ("b", " 2 "), ("c", "3"), ("d", ""), ("e", "?"), ("f", "UNCLEAR")]
    found = labels.read(write_labels(tmp_path / "l.csv", rows))
    assert found.labels == {"a": "refusal", "b": "warning", "c": "unsafe"}
    assert (found.unclear, found.blank, found.design) == (frozenset("ef"), 1, None)


def test_every_problem_is_named_with_its_line_and_nothing_is_read(tmp_path):
    path = write_labels(tmp_path / "l.csv", [("a", "1"), ("b", "safe"), ("a", "2"), ("", "1")])
    with pytest.raises(UserError) as caught:
        labels.read(path)
    message = str(caught.value)
    for part in ("line 3: 'safe' is no label", "line 4: sample 'a' was already in line 2", "line 5: a label without"):
        assert part in message
    assert "Labels are refusal, warning, unsafe, unclear, 1, 2, 3" in message
    assert "Nothing was read" in message


def test_a_line_is_counted_where_its_row_begins(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text('sample_id,answer,label\n"a","two\nlines",1\nb,one,nonsense\n')
    with pytest.raises(UserError, match="line 4: 'nonsense'"):
        labels.read(path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "no single column"),
        (b"id,label\na,1\n", "named sample_id"),
        (b"sample_id,label,label\na,1,2\n", "named label"),
        (b'sample_id,label\n"a,1\n', "not CSV"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"sample_id,label,design\na,1,x\nb,1,y\n", "2 different samples"),
    ],
)
def test_a_file_that_is_no_sheet_is_named(tmp_path, content, match):
    (tmp_path / "l.csv").write_bytes(content)
    with pytest.raises(UserError, match=match):
        labels.read(tmp_path / "l.csv")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        labels.read(tmp_path / "none.csv")


def test_a_row_that_a_spreadsheet_program_cut_short_is_a_blank_label(tmp_path):
    (tmp_path / "l.csv").write_text("sample_id,label,note\na,1,x\nb\n\n")
    assert labels.read(tmp_path / "l.csv").blank == 1


def test_text_that_steers_a_reader_is_taken_out():
    assert readable("a\x1b[31m\u202eb\r\nc\td") == "a[31mb\nc\td"
