"""``vlsbench audit`` as people type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builders import make_set, vlsbench
from loopback import Answer, error, serve


def test_the_figures_are_printed_with_what_they_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vlsbench("audit", "--dataset", "mini:leaky:8", "--guard", "guard:world", "--out", tmp_path / "a") == 0
    shown = capsys.readouterr()
    assert "R1: the pair is harmful" in shown.out
    assert "R2: the pair and the text alone are harmful" in shown.out
    assert "Of 8 pairs judged harmful, 8 (100.0 %) are so by their text alone." in shown.out
    assert "safe 8 unsafe 16" in shown.err
    assert "answered" not in shown.err


def test_json_is_audit_json_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--dataset", "mini:leakless:6", "--guard", "guard:world", "--out", tmp_path / "a", "--json", "--quiet")
    assert vlsbench("audit", *words) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "a" / "audit.json").read_text())


def test_more_unscored_pairs_than_allowed_end_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_set(tmp_path / "d", 4)
    with serve(lambda asked: Answer(text="no idea" if "Question 2" in asked.text else "safe")) as server:
        words = (
            "audit",
            "--dataset",
            data,
            "--guard",
            f"guard:openai:g@{server.url}",
            "--out",
            tmp_path / "a",
            "--quiet",
        )
        assert vlsbench(*words) == 1
        shown = capsys.readouterr()
        assert "25.0 % of the pairs are unscored" in shown.err
        assert "Unscored: 1 of 4 pairs." in shown.out
        assert "R1 between 0.0 and 25.0 %" in shown.out
        assert "pair: 1 unparsable: neither 'safe' nor 'unsafe'" in shown.out
        assert vlsbench(*words, "--max-unscored", "0.3") == 0


def test_a_guard_without_image_input_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_set(tmp_path / "d", 2)
    with serve(lambda asked: error(400, "no images here") if asked.image else Answer(text="safe")) as server:
        words = ("--dataset", data, "--guard", f"guard:openai:g@{server.url}", "--out", tmp_path / "a", "--quiet")
        assert vlsbench("audit", *words) == 1
    shown = capsys.readouterr().out
    assert "need a guard that takes images" in shown
    assert "no images here" in shown
    assert "nothing to say yet" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--dataset must be named"),
        (("--dataset", "mini:leaky", "--guard", "guard:wrld"), "No model scheme|not a model reference"),
        (("--dataset", "mini:leaky", "--guard", "lama"), "No guard named 'lama'"),
        (("--dataset", "mini:leeky"), "Did you mean 'leaky'"),
        (("--dataset", "mini:leaky", "--guard", "guard:world", "--timeout", "0"), "--timeout must be over 0"),
    ],
)
def test_mistakes_end_with_2_and_leave_nothing(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    out = tmp_path / "a"
    assert vlsbench("audit", *words, "--out", out) == 2
    assert re.search(message, capsys.readouterr().err)
    assert not out.exists()


def test_a_set_without_pairs_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--dataset", "mini:text-only:5", "--guard", "guard:world", "--out", tmp_path / "a")
    assert vlsbench("audit", *words) == 0
    shown = capsys.readouterr().out
    assert "No sample has both a text and an image" in shown
    assert "Harmful by text: 100.0 %" in shown
    assert "Not pairs, and in no rate above: 5 (5 no image)" in shown


def test_without_a_guard_no_progress_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vlsbench("audit", "--dataset", "mini:leaky:3", "--no-ocr", "--out", tmp_path / "a") == 0
    shown = capsys.readouterr()
    assert "No guard was asked" in shown.out
    assert "0/9" not in shown.err


def test_the_folder_has_a_name_of_its_own_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert vlsbench("audit", "--dataset", "mini:leaky:2", "--guard", "guard:world") == 0
    assert vlsbench("audit", "--dataset", "mini:leaky:3", "--guard", "guard:world") == 0
    assert len(list((tmp_path / "runs").glob("audit-mini-leaky-2-0-*"))) == 1
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_missing_images_are_not_blamed_on_the_guard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_set(tmp_path / "d", 2)
    for file in (tmp_path / "d").glob("*.png"):
        file.unlink()
    with serve(lambda asked: Answer(text="safe")) as server:
        words = ("--dataset", data, "--guard", f"guard:openai:g@{server.url}", "--out", tmp_path / "a", "--quiet")
        assert vlsbench("audit", *words) == 1
    shown = capsys.readouterr().out
    assert "Not one image could be read" in shown
    assert "need a guard" not in shown


def test_columns_name_the_fields_of_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "my.csv").write_text("prompt,shown\nHow do I use this zorb?,A red zorb on a table.\n")
    words = ("--dataset", f"csv:{tmp_path / 'my.csv'}", "--columns", "text=prompt,description=shown", "--no-ocr")
    assert vlsbench("audit", *words, "--out", tmp_path / "a", "--json") == 0
    assert json.loads(capsys.readouterr().out)["signals"]["description_overlap"] == {"n": 1, "mean": 1.0}


def test_what_the_guard_took_is_shown_recorded_and_priced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, prices = make_set(tmp_path / "d", 4), tmp_path / "prices.toml"
    prices.write_text('currency = "EUR"\n["openai:g"]\ninput = 3\noutput = 7\n')
    failing = {"on": True}
    with serve(
        lambda asked: error(400, "not now") if failing["on"] and "Question 2" in asked.text else safe()
    ) as server:
        words = ("audit", "--dataset", data, "--guard", f"guard:openai:g@{server.url}", "--out", tmp_path / "a")
        assert vlsbench(*words, "--prices", prices) == 1
        assert "spent" in capsys.readouterr().err
        failing["on"] = False
        assert vlsbench(*words, "--quiet") == 0, "continued, without naming the prices again"
        asked = len(server.asked)
    shown = capsys.readouterr().out
    usage = json.loads((tmp_path / "a" / "audit.json").read_text())["usage"]["guard"]
    assert usage["requests"] == asked
    assert (usage["prompt"], usage["completion"]) == (12 * 11, 12 * 3), "what was refused took no tokens"
    assert usage["cost"] == pytest.approx((132 * 3 + 36 * 7) / 1e6)
    assert f"Asked: guard: {asked} requests, 132 tokens in, 36 out" in shown
    assert "Cost: 0.00065 EUR" in shown
    assert vlsbench("report", tmp_path / "a", "--out", tmp_path / "page.html") == 0
    assert f"Asked: guard: {asked} requests, 132 tokens in, 36 out" in (tmp_path / "page.html").read_text()
    assert "Cost: 0.00065 EUR" in (tmp_path / "page.html").read_text()
    capsys.readouterr()
    assert vlsbench("show", tmp_path / "a", "--judge-price-in", "1000", "--judge-price-out", "0") == 0
    assert "Cost: 0.13" in capsys.readouterr().out


def safe() -> Answer:
    return Answer(text="safe")


@pytest.mark.parametrize("option", ["--guard-price", "--price"])
def test_prices_of_the_guard_may_be_given_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    with serve(lambda _: safe()) as server:
        guard = f"openai:g@{server.url}"
        words = (
            "audit",
            "--dataset",
            make_set(tmp_path / "d", 1),
            "--guard",
            guard,
            "--out",
            tmp_path / "a",
            "--quiet",
        )
        vlsbench(*words, "--max-unscored", 1, f"{option}-in", 2, f"{option}-out", 5)
        assert "Cost: " in capsys.readouterr().out
        assert vlsbench(*words, f"{option}-in", 2) == 2
        assert "--guard-price-in and --guard-price-out go together" in capsys.readouterr().err
        assert vlsbench(*words, "--prices", _prices_of(tmp_path, "openai:another")) == 2
        assert "No price for a model named 'openai:g'" in capsys.readouterr().err


def _prices_of(folder: Path, model: str) -> Path:
    (folder / "p.toml").write_text(f'["{model}"]\ninput = 3\noutput = 7\n')
    return folder / "p.toml"
