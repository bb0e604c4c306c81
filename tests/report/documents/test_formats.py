"""Every format shows a text as it is, whatever it holds."""

import csv
import io
import re

import pytest
from rich.console import Console

from run_folders import HandMade, judged
from vlsbench.cli.terminal import clean
from vlsbench.comparison.table import table
from vlsbench.report.documents import matrix
from vlsbench.report.documents.formats import Document, DocumentTable, Sheet, csv_text, latex, markdown, print_document


def document(name, warnings=(), notes=()):
    return Document(
        title=f"About {name}",
        tables=(DocumentTable(title="Rates", columns=("Run", "Safety [95 %]"), rows=((name, "-5.0 [-7.1, +2.0]"),)),),
        sheet=Sheet(columns=("run", "value"), rows=((name, -0.05),)),
        notes=notes,
        warnings=warnings,
    )


def printed(found, width=80):
    out = io.StringIO()
    print_document(found, Console(file=out, width=width, markup=False, emoji=False, highlight=False), clean)
    return out.getvalue()


HOSTILE = [
    "a|b",
    "line\nbreak",
    "\x1b[31mred\x1b[0m",
    "<script>alert(1)</script>",
    "[click](http://example.org)",
    "![picture](http://example.org/x.png)",
    "*bold* _it_ `code` ~~gone~~ $x$",
    "\\input{/etc/passwd}",
    "100 % & #1 {x}^2",
    "\u202eturned",
]


def unescaped_md(text):
    """What a Markdown reader shows of inline text without any markup."""
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    text = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_keeps_the_table_and_shows_the_name(name):
    row = markdown(document(name), clean).splitlines()[-1]
    cells = re.split(r"(?<!\\)\|", row)
    assert len(cells) == 4
    assert unescaped_md(cells[1].strip()) == clean(name)
    assert not re.search(r"<[a-z/!]", cells[1])
    assert not re.search(r"(?<!\\)[*_`~$]", cells[1])
    assert "](" not in cells[1].replace("\\", "\\\\").replace("]\\\\(", "")


def test_intervals_stay_readable_in_markdown():
    assert "| -5.0 [-7.1, +2.0] |" in markdown(document("m"), clean)


@pytest.mark.parametrize("name", HOSTILE)
def test_latex_holds_no_command_of_a_name(name):
    text = latex(document(name), clean)
    (row,) = [line for line in text.splitlines() if line.endswith("\\\\") and "5.0" in line]
    body = re.sub(r"\\(textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|ldots)\{\}", "", row)
    body = body.replace("$-$", "").replace("{}", "").removesuffix("\\\\")
    body = re.sub(r"\\[%&#{}_$]", "", body)
    assert not re.search(r"[\\%#{}_$^~<>|]", body)
    assert body.count("&") == 1
    assert "\x1b" not in text


def test_a_latex_row_never_begins_with_an_argument_of_the_row_before():
    for name in ("[x] model", "*starred"):
        row = next(line for line in latex(document(name), clean).splitlines() if name in line and "&" in line)
        assert row.strip().startswith("{}")


def test_a_warning_is_in_every_format():
    found = document("m", warnings=("50 % differ\nin rubric_a",))
    assert "> **Warning:** 50 % differ in rubric\\_a" in markdown(found, clean)
    tex = latex(found, clean)
    assert "% Warning: 50 % differ in rubric_a" in tex
    assert r"\emph{Warning: 50 \% differ in rubric\_a}" in tex
    assert "Warning: 50 % differ in rubric_a" in printed(found)
    (row,) = csv.DictReader(io.StringIO(csv_text(found, clean)))
    assert row["comment"] == "50 % differ in rubric_a"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r\n=1", "＝1"])
def test_csv_holds_no_formula_and_numbers_stay_numbers(name):
    (row,) = csv.DictReader(io.StringIO(csv_text(document(name), clean)))
    assert row["run"].startswith("'")
    assert row["value"] == "-0.05"


@pytest.mark.parametrize("name", [*HOSTILE, 'quote " and, comma'])
def test_csv_gives_a_name_back(name):
    (row,) = csv.DictReader(io.StringIO(csv_text(document(name), clean)))
    assert row["run"] == clean(name)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("width", [80, 140])
def test_the_terminal_gets_no_control_characters(name, width):
    text = printed(document(name, warnings=(name,), notes=(name,)), width)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert max(map(len, text.splitlines())) <= width


def test_a_narrow_terminal_shows_every_column():
    row = (
        "mini:multimodal-sft - mini:mixed-sft",
        "-98.0 [-99.2, -94.3]",
        *("< 0.001",) * 2,
        "1,234/1,234",
        "2,241",
        "19.5",
    )
    heads = ("First - second", "Difference [95 %]", "p (Holm)", "p", "Only 1st/2nd", "n", "MDD")
    found = document("m")
    wide = Document(title="t", tables=(DocumentTable(title="t", columns=heads, rows=(row,)),), sheet=found.sheet)
    text = printed(wide)
    for cell in ("-98.0", "[-99.2, -94.3]", "1,234/1,234", "2,241", "19.5", "MDD"):
        assert cell in text


def test_latex_sets_minus_signs_and_leaves_hyphens():
    text = latex(document("mini:mixed-sft - x-1"), clean)
    assert "mini:mixed-sft $-$ x-1 & $-$5.0 [$-$7.1, +2.0]" in text


def test_the_best_value_of_a_dataset_is_bold_in_latex(tmp_path):
    rows = {"one": ("refusal", "unsafe"), "two": ("refusal", "warning"), "three": ("warning", "refusal")}
    paths = []
    for name, labels in rows.items():
        made = HandMade(tmp_path / name, 2, model=f"openai:{name}")
        made.judge()
        for number, label in enumerate(labels):
            made.sample(f"s{number}")
            made.response(f"s{number}")
            made.verdict(f"s{number}", label)
        paths.append(made.run.path)
    lines = latex(matrix.document(table(paths)), clean).splitlines()
    shown = {name: next(line for line in lines if f"{name} &" in line) for name in rows}
    assert ["\\textbf{100.0} [" in line for line in shown.values()] == [False, True, True]
    alone = latex(matrix.document(table(paths[:1])), clean)
    assert "textbf" not in alone


def test_no_value_is_bold_where_missing_verdicts_leave_open_which_is_best(tmp_path):
    for name, labels in {"one": ("refusal", "refusal", None), "two": ("refusal", "unsafe", "unsafe")}.items():
        judged(tmp_path / name, *zip("xyz", labels, strict=True), model=f"openai:{name}")
    found = matrix.document(table([tmp_path / name for name in ("one", "two")]))
    assert found.tables[0].best == {(0, 1)}
    assert found.tables[1].rows == (("openai:one", "66.7–100.0"), ("openai:two", "33.3–33.3"))
    judged(tmp_path / "five", ("x", "refusal"), ("y", "refusal"), ("z", "unsafe"), model="openai:five")
    judged(tmp_path / "six", ("x", "refusal"), ("y", None), ("z", "unsafe"), model="openai:six")
    found = matrix.document(table([tmp_path / name for name in ("five", "six")]))
    assert found.tables[0].best == {(0, 1)}
    judged(tmp_path / "seven", ("x", "refusal"), ("y", None), ("z", None), model="openai:seven")
    found = matrix.document(table([tmp_path / name for name in ("five", "seven")]))
    assert found.tables[0].best == frozenset()
