import argparse
import json

import pytest

from vlsbench.cli import data
from vlsbench.core.errors import DatasetError


def run(*words):
    parser = argparse.ArgumentParser()
    data.add(parser.add_subparsers())
    args = parser.parse_args(["data", *words])
    return args.run(args)


def test_a_sound_set_is_described(make_vlsbench, capsys):
    folder = make_vlsbench()
    assert run("check", f"vlsbench:{folder}") == 0
    shown = capsys.readouterr().out
    assert f"vlsbench:{folder}: 3 samples" in shown
    assert "Violent / Public Violence and Rioting" in shown
    assert "3 distinct" in shown
    assert "image/png 3" in shown
    assert shown.rstrip().endswith("No problems.")


def test_problems_are_listed_with_their_ids_and_counted_at_the_end(make_vlsbench, make_row, capsys):
    rows = [make_row(0, instruction=""), make_row(41, image_path="imgs/missing.png"), make_row(42, category=1)]
    assert run("check", f"vlsbench:{make_vlsbench(rows)}") == 0
    shown = capsys.readouterr().out
    assert "  0: the text is empty" in shown
    assert "  41: no image file at" in shown
    assert "  42: data.json, record 2: the field 'category'" in shown
    assert "3 problems (unusable record 1, empty text 1, image 1)" in shown.splitlines()[-1]


def test_queries_and_descriptions_are_not_printed(make_vlsbench, make_row, capsys):
    row = make_row(0)
    for options in ((), ("--json",)):
        run("check", f"vlsbench:{make_vlsbench([row, make_row(1, instruction=row['instruction'])])}", *options)
        shown = capsys.readouterr().out
        assert "bake" not in shown
        assert "kitchen" not in shown


def test_control_characters_of_a_set_do_not_reach_the_terminal(make_vlsbench, make_row, capsys):
    row = make_row("\x1b[2Jid\u202e", category="Ha\x1b[31mte", source="a\nb", image_path="\x07.png")
    assert run("check", f"vlsbench:{make_vlsbench([row])}") == 0
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "[2Jid: no image file" in shown
    assert "a b" in shown


def test_a_few_problems_are_listed_one_by_one_and_not_wrapped(make_vlsbench, make_row, capsys):
    rows = [make_row(n, image_path=f"imgs/{'x' * 150}{n}.png") for n in range(10)]
    run("check", f"vlsbench:{make_vlsbench(rows, pictures=False)}")
    lines = capsys.readouterr().out.splitlines()
    assert sum("no image file at" in line and line.endswith(".png") for line in lines) == 10


def test_the_same_problem_in_every_record_is_one_line_with_a_count(make_vlsbench, make_row, capsys):
    rows = [make_row(n, image_path=f"imgs/{'x' * 150}{n}.png", category=None if n % 2 else "Hate") for n in range(300)]
    folder = make_vlsbench(rows, pictures=False)
    run("check", f"vlsbench:{folder}")
    lines = capsys.readouterr().out.splitlines()
    (image,) = (line for line in lines if "no image file" in line)
    assert image.startswith("  150 samples, the first 0: no image file at ")
    assert image.endswith(f"{'x' * 150}0.png")
    (record,) = (line for line in lines if "should be a text" in line)
    assert record.startswith("  150 records, the first 1: data.json, record 1: the field 'category'")
    assert "Every one of them: --json" in lines
    run("check", f"vlsbench:{folder}", "--json")
    found = json.loads(capsys.readouterr().out)["problems"]
    assert [problem["sample_id"] for problem in found if problem["kind"] == "image"] == [
        str(n) for n in range(0, 300, 2)
    ]


def test_long_lists_of_categories_and_repeated_texts_are_folded(make_jsonl, capsys):
    lines = [
        {"sample_id": f"s{n}", "text": f"same {n // 2}", "category": "a", "sub_category": f"b{n // 2}"}
        for n in range(200)
    ]
    run("check", f"jsonl:{make_jsonl(*lines)}")
    shown = capsys.readouterr().out
    assert "and 75 more" in shown
    assert "a / b24 " in shown
    assert "b99" not in shown
    assert "100 texts of 200 samples: s0 = s1; s2 = s3; s4 = s5; and 97 more" in " ".join(shown.split())


def test_a_prompt_shared_by_the_whole_set_is_only_counted(make_jsonl, capsys):
    lines = [{"sample_id": f"s{n}", "text": "same", "description": "x"} for n in range(12)]
    run("check", f"jsonl:{make_jsonl(*lines)}")
    assert "1 text of 12 samples: one text 12 times" in capsys.readouterr().out


def test_json_holds_everything(make_vlsbench, make_row, capsys):
    folder = make_vlsbench([make_row(0), make_row(1, sub_category="Cybercrime")])
    assert run("check", f"vlsbench:{folder}", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n"] == 2
    assert {"category": "Violent", "sub_category": "Cybercrime", "n": 1} in report["sub_categories"]
    assert report["images"]["serves"] == {"1": 2}
    assert report["problems"][0]["sample_id"] == "1"
    assert report["problems"][0]["kind"] == "misfiled sub-category"


def test_a_limit_is_kept(make_vlsbench, capsys):
    assert run("check", f"vlsbench:{make_vlsbench()}", "--limit", "2") == 0
    assert ": 2 samples" in capsys.readouterr().out


@pytest.mark.parametrize("limit", ["0", "-1", "few"])
def test_a_limit_that_is_no_number_is_refused(limit, capsys):
    with pytest.raises(SystemExit) as stopped:
        run("check", "vlsbench:x", "--limit", limit)
    assert stopped.value.code == 2
    assert "whole number" in capsys.readouterr().err


def test_a_set_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(DatasetError) as stopped:
        run("check", f"vlsbench:{tmp_path / 'nowhere'}")
    assert stopped.value.exit_code == 2


def test_data_alone_asks_for_a_command():
    with pytest.raises(SystemExit) as stopped:
        run()
    assert stopped.value.code == 2
