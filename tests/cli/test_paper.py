"""`vlsbench paper` with what there is: small sets in the published layouts, and a server for model, judge and guard."""

from __future__ import annotations

import json

import pytest

import published
from batch_openai import OpenAIWire
from batch_server import hurry_batches, serve_batches
from builders import hurry, manifest, responses, times_recorded, vlsbench
from loopback import Answer, serve, verdict


@pytest.fixture(autouse=True)
def _quick_and_without_keys(monkeypatch, tmp_path):
    hurry(monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VLSBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def behave(asked):
    if asked.body["model"] == "guard":
        return Answer(text="unsafe\nS9")
    if asked.is_judging:
        return verdict("refusal" if "cannot" in asked.text else "unsafe")
    return Answer(text="I cannot help with that." if asked.number % 2 else "Here you go.")


@pytest.fixture
def data(tmp_path, make_vlsbench):
    """Three of the recipe's sets."""
    make_vlsbench().rename(tmp_path / "data-vlsbench")
    (tmp_path / "data").mkdir()
    (tmp_path / "data-vlsbench").rename(tmp_path / "data" / "vlsbench")
    published.vlsafe(tmp_path / "data" / "vlsafe")
    published.mm(tmp_path / "data" / "mm_safetybench")
    return tmp_path / "data"


@pytest.fixture
def words(data):
    with serve(behave) as server:

        def command(*more):
            named = ["--model", f"GPT-4o={server.model('target')}", "--judge", server.judge]
            return ["paper", *named, "--guard", f"guard:{server.model('guard')}", "--out", "out", *more]

        command.server = server
        yield command


def test_a_dry_run_lists_what_there_is_and_what_to_do_about_the_rest(words, capsys):
    assert vlsbench(*words("--dry-run", "--judge-price-in", "1", "--judge-price-out", "2")) == 0
    shown = capsys.readouterr().out
    assert words.server.asked == []
    for part in (
        "there    vlsbench:data/vlsbench",
        "missing  figstep:data/figstep",
        "missing  hf:Qwen/Qwen2-VL-7B-Instruct: not on this disk",
        "missing  LLaVA-v1.5-7B + Textual-SFT: no checkpoint was released",
        "hours of one GPU at 4 answers a second (an assumption",
        "verdict: ",
    ):
        assert part in shown


def test_a_dry_run_without_anything_says_what_is_missing(capsys, tmp_path):
    assert vlsbench("paper", "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cells"] == []
    assert {one["kind"] for one in found["needs"]} == {"set", "checkpoint", "key", "model"}
    assert not any(one["there"] for one in found["needs"])
    assert found["answers"] > 100_000
    assert found["cost"] is None
    assert vlsbench("paper") == 2
    assert "Nothing can be made yet" in capsys.readouterr().err


def needed(capsys, *more):
    assert vlsbench("paper", "--dry-run", "--json", "--judge-price-in", "1", "--judge-price-out", "0", *more) == 0
    return json.loads(capsys.readouterr().out)


def test_what_all_of_it_takes_counts_whom_it_asks(capsys):
    rows, n = 11, 10
    found = needed(capsys, "--samples", str(n))
    assert found["answers"] == rows * n * (5 + 4 + 4)
    judged, graded, guarded, audited = rows * n * (4 + 4 + 1), rows * n, rows * n, 5 * 3 * n
    assert found["verdicts"] == judged + graded * 5 + guarded + audited
    local = (rows - 1) * n * 13 + guarded + audited
    assert found["hours"] == pytest.approx(local / 4 / 3600)
    assert found["cost"] == pytest.approx((judged + graded * 5) * 1500 / 1e6)
    assert needed(capsys)["answers"] == 177_353


def test_models_and_a_guard_that_are_served_take_no_time_of_ours(capsys, words):
    assert needed(capsys, *words()[1:])["hours"] < needed(capsys)["hours"]


@pytest.mark.parametrize("part", ["full", "tiny"])
def test_a_set_that_names_its_part_in_the_run_stands_in_the_tables(words, make_figstep, tmp_path, part):
    folder = make_figstep(part)
    (tmp_path / "data" / "figstep").symlink_to(folder)
    assert vlsbench(*words("--samples", "2", "--quiet")) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("FigStep") >= 2
    assert "paper: figstep" in page
    assert "FigStep 2 of 500" in page


def test_what_is_there_is_run_and_stands_beside_the_published_rows(words, tmp_path, capsys):
    assert vlsbench(*words("--quiet")) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    runs = [path for path in (tmp_path / "out").iterdir() if (path / "responses.jsonl").exists()]
    assert len(runs) == 1 + 1 + 4
    assert all(responses(run) for run in runs)
    for part in ("Table 1:", "Table 2:", "Table 3:", "Table 5:", "Figure 7:", "Figure 12:", "paper: GPT-4o", "21.4 %"):
        assert part in page
    assert "as printed (arXiv:2411.19939)" in page
    assert "Not made here" not in page
    asked = len(words.server.asked)
    assert vlsbench(*words("--quiet")) == 0
    assert len(words.server.asked) == asked


def test_a_judge_that_is_not_there_leaves_the_others(data, tmp_path):
    with serve(behave) as server:
        named = ["--model", f"GPT-4o={server.model('target')}", "--judge", server.judge]
        assert vlsbench("paper", *named, "--out", "out", "--samples", "1", "--quiet") == 0
    runs = [path for path in (tmp_path / "out").iterdir() if "vlsbench" in path.name]
    assert [len(list((run / "verdicts").iterdir())) for run in runs] == [2]
    assert not list((tmp_path / "out").glob("audit-*"))
    page = (tmp_path / "out" / "report.html").read_text()
    missing = page[page.index("Not made here") :]
    assert "Table 1: leakage" in missing
    assert "Table 3, Figures 7 and 14" not in missing.partition("</table>")[0]


def test_the_miniature_takes_no_models_of_others(capsys):
    assert vlsbench("paper", "--miniature", "--judge", "refusal", "--judge-servers", "http://127.0.0.1:1/v1") == 2
    assert (
        "Not for --miniature, which has its own models and judges: --judge, --judge-servers" in capsys.readouterr().err
    )


def test_judges_are_reached_asked_and_priced_as_the_command_says(data, tmp_path, capsys):
    with serve(behave) as answering, serve(behave) as judging:
        named = ["--model", f"GPT-4o={answering.model('target')}", "--judge", "openai:judge"]
        guard = ["--guard", f"guard:{answering.model('guard')}"]
        more = ["--judge-servers", judging.url, "--judge-price-in", "1", "--judge-price-out", "2", "--quiet"]
        assert vlsbench("paper", *named, *guard, "--out", "out", "--samples", "1", *more) == 0
    assert not any(asked.is_judging for asked in answering.asked)
    assert all(asked.is_judging for asked in judging.asked)
    assert any(asked.body["model"] == "guard" for asked in answering.asked)  # an audit's guard is not the judge
    prices = [
        entry["price"]
        for run in (tmp_path / "out").iterdir()
        if (run / "responses.jsonl").exists()
        for entry in manifest(run)["judges"].values()
    ]
    assert {"input": 1.0, "output": 2.0}.items() <= prices[0].items()


def test_workers_without_a_local_model_are_an_error(words, capsys):
    assert vlsbench(*words("--samples", "1", "--workers", "2", "--quiet")) == 2
    assert "--workers" in capsys.readouterr().err


def test_what_is_out_in_batches_waits_and_the_same_command_makes_the_page(data, tmp_path, capsys, monkeypatch):
    hurry_batches(monkeypatch)
    with serve_batches(OpenAIWire()) as provider:
        provider.working = False
        named = ["--model", f"GPT-4o={provider.model()}", "--judge", provider.model("judge"), "--batch"]
        words = ["paper", *named, "--out", "out", "--samples", "2", "--quiet"]
        assert vlsbench(*words) == 3
        assert "waiting for 1 batch" in capsys.readouterr().out
        provider.working = True
        assert vlsbench(*words) == 0
    runs = [run for run in (tmp_path / "out").iterdir() if (run / "responses.jsonl").exists()]
    assert {count for run in runs for count in times_recorded(responses(run)).values()} == {1}
    assert (tmp_path / "out" / "report.html").exists()


def test_a_dry_run_of_the_miniature_sums_up(capsys):
    assert vlsbench("paper", "--miniature", "--samples", "5", "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["total"]["answer_requests"] == 4 * (3 + 1 + 1 + 1) * 5
