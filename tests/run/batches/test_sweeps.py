"""Cells of a sweep in batches: each hands in what it has to ask, and the same command brings all of it home."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from batch_server import Question, helpful, hurry_batches, serve_batches
from builders import make_set, responses, times_recorded, verdicts, vlsbench
from loopback import error, serve
from vlsbench.core.usage import Price, Prices
from vlsbench.run.batches.rounds import BatchEffort
from vlsbench.run.loading import Effort
from vlsbench.run.plan import Evaluation
from vlsbench.run.progress import RunCounts
from vlsbench.sweep.making import make_all
from vlsbench.sweep.planning import AskedRun, plan_sweep


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry_batches(monkeypatch)


def test_every_cell_goes_in_batches_and_is_paid_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(asked: Question) -> str:
        return helpful(asked) if asked.is_judging else f"So says {asked.model}."

    with serve_batches(answer=answer) as server:
        words = ["sweep", "--model", server.model("one"), "--model", server.model("two")]
        words += ["--dataset", make_set(tmp_path / "set", 4), "--judge", server.model("judge"), "--judge", "refusal"]
        words += ["--out", str(tmp_path / "out"), "--batch", "--quiet"]
        server.working = False
        assert vlsbench(*words) == 3
        said = capsys.readouterr()
        assert "0 cells made or continued, 0 finished before, 2 wait, 0 failed." in said.out
        assert "  openai:one on " in said.out
        assert said.out.count(": waiting for 1 batch with 3 requests for answers") == 2
        assert "2 cells of 2 wait. The same command continues." in said.err
        server.working = True
        assert vlsbench(*words) == 0
        runs = [path.parent for path in (tmp_path / "out").rglob("manifest.json")]
        assert len(runs) == 2
        for run in runs:
            assert set(times_recorded(responses(run)).values()) == {1}
            assert set(times_recorded(verdicts(run)).values()) == {2}  # two judges
        assert set(server.paid.values()) == {1}
        assert server.opened == 4


def test_the_progress_counts_every_sample_once_and_the_money_of_all_cells(tmp_path: Path) -> None:
    told: list[RunCounts] = []
    price = Price(input=1000.0, output=10_000.0, currency="EUR")
    effort = Effort(
        batch=BatchEffort(sending=True),
        prices=Prices(models={f"openai:{name}": price for name in ("one", "two", "judge")}),
    )
    with serve_batches() as server:
        dataset, judges = make_set(tmp_path / "set", 4), (server.model("judge"), "refusal")
        wanted = [
            AskedRun(
                effort=effort,
                judged=tuple(
                    Evaluation(model=server.model(name), dataset=dataset, judge=judge, effort=effort)
                    for judge in judges
                ),
            )
            for name in ("one", "two")
        ]
        made = make_all(plan_sweep(wanted, tmp_path / "out"), progress=lambda counts: told.append(replace(counts)))
    assert [(one.error, one.waiting) for one in made] == [("", "")] * 2
    assert [(counts.done, counts.total) for counts in told][-1] == (16, 16)
    assert max(counts.done for counts in told) == 16
    # A request is 0.011 for what it reads and 0.03 for what is written; the first of a stage is made directly.
    assert told[-1].spent == pytest.approx(4 * (1 + 3 / 2) * 0.041)
    assert (told[-1].currency, told[-1].expected) == ("EUR", None)


def test_a_cell_that_failed_comes_before_those_that_wait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_batches() as server, serve(lambda _: error(401, "who are you?")) as closed:
        server.working = False
        words = ["sweep", "--model", server.model(), "--model", closed.model("closed")]
        words += ["--dataset", make_set(tmp_path / "set", 3), "--judge", "refusal", "--out", str(tmp_path / "out")]
        assert vlsbench(*words, "--batch", "--quiet", "--report") == 1
        said = capsys.readouterr()
        assert "1 waits, 1 failed." in said.out
        assert "1 cell of 2 failed." in said.err
        assert "1 cell of 2 waits. The same command continues." in said.err
        assert not (tmp_path / "out" / "report.html").exists(), "there is nothing whole to report"


def test_a_batch_of_one_cell_can_be_given_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_batches() as server:
        words = ["sweep", "--model", server.model("one"), "--model", server.model("two"), "--judge", "refusal"]
        words += ["--dataset", make_set(tmp_path / "set", 4), "--out", str(tmp_path / "out"), "--batch", "--quiet"]
        server.working = False
        assert vlsbench(*words) == 3
        lost = next(iter(server.jobs))
        del server.jobs[lost]
        assert vlsbench(*words) == 1
        assert f"--batch-forget {lost}" in capsys.readouterr().out
        server.working = True
        assert vlsbench(*words, "--batch-forget", "another") == 2
        assert "no batch another of this sweep is out" in capsys.readouterr().err
        assert vlsbench(*words, "--batch-forget", lost) == 0
        assert "0 failed" in capsys.readouterr().out


def test_what_is_out_when_a_sweep_begins_anew_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_batches() as server:
        words = ["sweep", "--model", server.model("one"), "--judge", "refusal", "--batch"]
        words += ["--dataset", make_set(tmp_path / "set", 4), "--out", str(tmp_path / "out")]
        server.working = False
        assert vlsbench(*words) == 3
        capsys.readouterr()
        assert vlsbench(*words, "--fresh") == 3
        assert "out in batches (batch_0002 at OpenAI) and will not be used here" in capsys.readouterr().err


def test_the_judge_of_a_cell_is_shown_smaller_images_too(tmp_path: Path) -> None:
    dataset = make_set(tmp_path / "set", 1)
    Image.new("RGB", (300, 200)).save(tmp_path / "set" / "0.png")
    with serve_batches() as server:
        words = ["--dataset", dataset, "--judge", server.model("judge"), "--out", str(tmp_path / "out"), "--quiet"]
        assert vlsbench("sweep", "--model", server.model(), *words, "--image-max-side", 50) == 0
        for question in server.paid:
            assert question.image is not None
            with Image.open(io.BytesIO(base64.b64decode(question.image.partition(",")[2]))) as image:
                assert max(image.size) == 50
