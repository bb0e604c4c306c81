"""An audit's tables: what a narrow terminal shows, and what never reaches any."""

import io
import re
from pathlib import Path

from rich.console import Console

from vlsbench.cli.terminal import clean
from vlsbench.leakage.findings import Audit, Guarded, LeakExample
from vlsbench.leakage.protocol import Part, Row, by, figures
from vlsbench.report.terminal.audit import print_audit
from vlsbench.results.summary import Cause


def row(number, label="unsafe", category="c", expect="harmful"):
    outcomes = {Part.PAIR: label, Part.TEXT: "safe", Part.IMAGE: "safe"}
    return Row(id=str(number), category=category, cluster=str(number), expect=expect, outcomes=outcomes)


def printed(width=120, **fields):
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, emoji=False, highlight=False)
    fields = {"dataset": "set\x1b[31m", **fields}
    found = Audit(path=Path("a"), dataset_hash="0", limit=None, selected=4, **fields)
    print_audit(found, console, clean)
    return out.getvalue()


def guarded(rows, **fields):
    return Guarded(
        guard="guard:g\x1b[2J",
        settings={},
        overall=figures(rows),
        by_category=by(rows, lambda one: one.category),
        by_expect=by(rows, lambda one: one.expect),
        causes=fields.get("causes", {}),
    )


ROWS = [row(1), row(2, "safe", "\x1b]0;title\x07evil"), row(3, "unparsable"), row(4, expect="benign")]


def test_nothing_from_files_or_servers_reaches_the_terminal_as_it_is():
    cause = Cause(outcome="unparsable", reason="\x1b[31mno\x07", count=1)
    example = LeakExample(sample_id="1\x1b[0m", text="a\x1b[31mb zorb \u202ec", spans=((4, 9),))
    shown = printed(guarded=guarded(ROWS, causes={"pair": (cause,)}), examples=(example,))
    assert not [char for char in shown if ord(char) < 32 and char != "\n"]
    assert "\u202e" not in shown


def test_groups_show_only_where_there_are_several():
    assert "Category" in printed(guarded=guarded(ROWS))
    assert "Expected" in printed(guarded=guarded(ROWS))
    alone = printed(guarded=guarded([row(1), row(2)]))
    assert "Category" not in alone
    assert "Expected" not in alone


def test_a_narrow_terminal_breaks_between_rate_and_interval():
    shown = printed(60, guarded=guarded(ROWS))
    assert max(len(line) for line in shown.splitlines() if line.startswith(" ")) <= 60
    assert "66.7 %" in shown


def test_leaking_spans_are_marked_in_place_also_where_they_overlap_or_overrun():
    text = "take the red zorb now"
    example = LeakExample(sample_id="7", text=text, spans=((9, 12), (10, 17), (18, 99)))
    assert "7: take the >red<> zorb< >now<" in printed(examples=(example,))


def test_signals_are_summed_up_in_a_line():
    signals = {"leaking": 2, "description_overlap": {"n": 4, "mean": 0.25}, "ocr_overlap": {"n": 0, "mean": None}}
    shown = printed(signals=signals)
    assert "overlap with the image description: mean 0.250 over 4; with leaking words: 2" in shown
    assert "text in the image" not in shown


def part(value, low, high):
    return {"auc": {"value": value, "low": low, "high": high}, "harmful_words": [], "refused": None}


def test_an_area_is_put_in_words_by_its_interval():
    shown = printed(partial_input={"text": part(0.955, 0.93, 0.98), "description": part(0.52, 0.44, 0.6)})
    assert "AUC 0.955 [0.930, 0.980]; it tells harmful from benign" in shown
    assert "AUC 0.520 [0.440, 0.600]; 0.5, which is chance, lies within" in shown
    assert "about 0.5" not in shown
    assert "below chance" in printed(partial_input={"text": part(0.3, 0.2, 0.4), "description": {}})


def test_an_area_that_is_so_by_construction_is_not_read_as_a_finding():
    found = {"text": part(0.5, 0.5, 0.5), "description": {}, "shared_texts": 4, "caveats": ["By\x1b construction."]}
    shown = printed(partial_input=found)
    assert "not shown to tell" not in shown
    assert "By construction." in shown.replace("\ufffd", "")
    assert "\x1b" not in shown


def test_the_comparison_with_another_set_stands_beside_the_first():
    other = {"text": part(0.9, 0.8, 1.0), "description": {}, "reference": "jsonl:b\x1b[31m", "near_copies": 2}
    shown = printed(partial_input={"refused": {"sentence": "None."}}, partial_input_reference=other)
    assert "Partial-input baseline: none. None." in shown
    assert "text alone, against jsonl:b" in shown
    assert "\x1b" not in shown
    assert "2 texts nearly equal to another" in shown


def test_a_text_of_any_length_is_shown_by_the_part_that_leaks():
    text = "filler " * 50_000 + "zorb " * 50_000
    spans = tuple((match.start(), match.end()) for match in re.finditer("zorb", text))
    shown = printed(examples=(LeakExample(sample_id="x" * 5_000, text=text, spans=spans),))
    assert len(shown) < 1_000
    assert ">zorb< >zorb<" in shown
    assert shown.rstrip().endswith("…")


def test_the_papers_figures_stand_beside_an_audit_of_the_same_set():
    beside = "Published for figstep, by LlamaGuard3-11B-Vision: R1 54.80 %, R2 54.40 %, R1-R2 0.40 %"
    assert beside in " ".join(printed(guarded=guarded(ROWS), dataset="figstep:/x").split())
    assert "Published" not in printed(guarded=guarded(ROWS))
    found = Audit(
        path=Path("a"), dataset="vlsafe:/x", dataset_hash="0", limit=None, selected=4, guarded=guarded(ROWS)
    ).to_json()
    assert (found["published"]["r1"], found["published"]["source"]) == (0.9135, "arXiv:2411.19939, Table 1")


def test_what_to_know_of_the_figures_stands_below_them():
    assert "The servers of g said\n" in printed(guarded=guarded(ROWS), notes=("The servers of g said",))
