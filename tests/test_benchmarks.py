"""The benchmarks work; how fast anything is, is never asserted here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from run_folders import HandMade

ROOT = Path(__file__).resolve().parent.parent

BENCHMARKS = {path.stem for path in (ROOT / "benchmarks").glob("bench_*.py")} - {"bench_stats_figures"}

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not installed")


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


@pytest.fixture
def dataset(tmp_path):
    from benchmarks import data

    return data.make(tmp_path / "data", 20, 2_000)


def test_the_bare_loop_gets_an_answer_and_a_verdict_for_every_sample(dataset, tmp_path):
    from benchmarks import loops, measure

    with measure.server(0.01) as base:
        job = loops.Job(dataset=dataset, server=base, concurrency=8)
        used = measure.run(loops.command("bare", job, tmp_path))
        seen = measure.stats(base)

    assert json.loads(used.stdout) == {"scored": 20}
    assert used.cpu_s > 0
    assert used.peak_mb > 0
    for role in ("answer", "judge"):
        assert seen[role]["total"] == seen[role]["answered"] == 20
        assert 1 <= seen[role]["max_in_flight"] <= 8
        assert seen[role]["in_flight"] == 0
        assert seen[role]["body_bytes"] > 20 * 2_000


def test_a_peer_runs_in_the_environment_of_its_own_where_there_is_one(dataset, tmp_path, monkeypatch):
    from benchmarks import loops

    job = loops.Job(dataset=dataset, server="http://127.0.0.1:9", concurrency=1)
    own = tmp_path / "python"
    monkeypatch.setattr(loops, "PEERS_PYTHON", own)
    assert loops.command("sdk", job, tmp_path)[0] == sys.executable
    own.write_text('#!/bin/sh\ncase "$2" in *openai*) exit 0;; *) exit 1;; esac\n')
    own.chmod(0o755)
    assert loops.command("sdk", job, tmp_path)[0] == str(own)
    assert loops.command("bare", job, tmp_path)[0] == sys.executable
    assert [loops.is_available(name) for name in loops.PEERS] == [True, False]


def test_a_loop_that_fails_gives_no_figures(tmp_path):
    from benchmarks import loops, measure

    job = loops.Job(dataset=tmp_path / "missing.jsonl", server="http://127.0.0.1:9", concurrency=1)
    with pytest.raises(measure.BenchmarkFailed, match=r"missing\.jsonl"):
        measure.run(loops.command("bare", job, tmp_path))


def test_the_server_reads_heads_and_bodies_however_they_are_cut():
    import socket

    from benchmarks import measure

    body = b"\r\n\r\n" + b"x" * 5000
    request = b"POST /judge/v1/chat/completions HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    with measure.server(0.0) as base:
        with socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2])), timeout=5) as connection:
            replies = connection.makefile("rb")
            for cut in (10, request.index(body) - 2, len(request) - 1, len(request)):
                connection.sendall(request[:cut])
                measure.stats(base)  # a round trip, so that the first part has been read by itself
                connection.sendall(request[cut:])
                assert json.loads(_body(replies))["choices"][0]["message"]["content"].startswith('{"reason"')
            connection.sendall(request * 2)
            assert _body(replies) == _body(replies)
        assert measure.stats(base)["judge"]["total"] == 6


def _body(replies) -> bytes:
    assert replies.readline() == b"HTTP/1.1 200 OK\r\n"
    length = 0
    while (line := replies.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    return replies.read(length)


def test_the_pictures_are_valid_different_and_of_the_size_asked_for():
    from benchmarks import data
    from vlsbench.core import images

    facts = [images.check(data.noise_png(20_000, seed)) for seed in (1, 2)]
    assert facts[0].sha256 != facts[1].sha256
    for fact in facts:
        assert fact.media_type == "image/png"
        assert 19_000 < fact.n_bytes < 21_000
    assert data.noise_png(20_000, 1) == data.noise_png(20_000, 1)


def test_a_recorded_run_is_filled_up_to_the_samples_left_to_ask(dataset, tmp_path):
    from benchmarks import bench_resume

    folder = tmp_path / "run"
    HandMade(folder, 20)
    (folder / "verdicts").mkdir(exist_ok=True)
    first = json.loads(dataset.read_text().splitlines()[0])
    journals = {
        "samples.jsonl": first | {"image": f"/elsewhere/{first['image']}", "image_sha256": "0" * 64},
        "responses.jsonl": {"sample_id": first["sample_id"], "outcome": "ok", "text": "noise"},
        "verdicts/llm.jsonl": {"sample_id": first["sample_id"], "outcome": "scored", "label": "refusal"},
    }
    for name, line in journals.items():
        (folder / name).write_text(json.dumps(line) + "\n")

    bench_resume.fill(folder, dataset, recorded=15)

    assert json.loads((folder / "manifest.json").read_text())["samples_sha256"]
    lines = {name: [json.loads(line) for line in (folder / name).read_text().splitlines()] for name in journals}
    assert [len(found) for found in lines.values()] == [20, 15, 15]
    for found in lines.values():
        assert len({line["sample_id"] for line in found}) == len(found)
    assert lines["samples.jsonl"][19]["image"] == "/elsewhere/images/000019.png"
    assert lines["verdicts/llm.jsonl"][14]["label"] == "refusal"


def test_make_bench_runs_every_benchmark_but_those_that_say_why_not():
    from benchmarks.__main__ import ALL, APART

    assert {*ALL, *APART} == BENCHMARKS


@pytest.mark.parametrize("name", sorted(BENCHMARKS - {"bench_startup", "bench_calibration"}))
def test_every_long_benchmark_has_a_quick_form(name):
    asked = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", "--help"], cwd=ROOT, capture_output=True)
    assert asked.returncode == 0
    assert b"--quick" in asked.stdout


def test_the_errors_of_the_partial_input_baseline_are_measured_from_end_to_end():
    pytest.importorskip("sklearn")
    asked = [sys.executable, "-m", "benchmarks.bench_partial_input_error", "--quick"]
    made = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert made.returncode == 0, made.stderr[-2000:]
    assert made.stdout.count("| 40 : 40 |") == 3
    assert "| 2,000 |" in made.stdout


def test_the_simulations_run_from_end_to_end_and_fill_their_place_on_the_page(tmp_path):
    from benchmarks import bench_stats

    asked = [sys.executable, "-m", "benchmarks.bench_stats", "--quick", "--workers", "2"]
    made = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert made.returncode == 0, made.stderr[-2000:]
    page = tmp_path / "page.md"
    page.write_text("Above.\n<!-- simulated: begin -->\nold\n<!-- simulated: end -->\nBelow.\n", encoding="utf-8")
    bench_stats.write(page, made.stdout)
    text = page.read_text(encoding="utf-8")
    assert "\nold\n" not in text
    for figure in bench_stats.FIGURES:
        assert f"**{figure.name}** (4 sets per cell; in %)" in text
        assert text.count(f"| {' | '.join((*figure.axes, *figure.columns))} |") >= 1


def test_a_cell_misses_its_limits_only_beyond_the_error_of_the_simulation():
    from benchmarks.bench_stats import misses

    assert misses(0.90, (0.92, 1.0), 2000)
    assert not misses(0.91, (0.92, 1.0), 2000)
    assert not misses(0.90, (0.92, 1.0), 100)
    assert misses(0.08, (0.0, 0.06), 2000)


def test_the_fault_campaign_finds_nothing_in_a_round_and_would_find_a_failure_that_scores(tmp_path, monkeypatch):
    import random

    from benchmarks import data, faults
    from benchmarks.fault_server import ANSWER, JUDGE, Desk, Fault, said, serve

    monkeypatch.setattr(faults, "SAMPLES", 10)
    campaign = faults.Campaign(folder=tmp_path, dataset=data.make(tmp_path / "set", 10, 2_000))
    deck = [(role, fault) for role, fault in faults.deck_of(random.Random(1)) if fault.name in ("'length'", "'SAFETY'")]
    faults.servers(campaign, random.Random(1), deck)
    desk, whole = Desk({}), tmp_path / "whole"
    with serve(desk) as base:
        faults.evaluate(campaign, "whole run", base, whole)
        faults.damage(campaign, random.Random(1), whole, desk, base)
    assert campaign.found == []

    # An honest answer that the campaign takes for a failure.
    told = Fault(kind="wrong", name="wrong", make=said, answer=("error",), scores=False)
    faults.servers(campaign, random.Random(1), [(ANSWER, told), (JUDGE, told)])
    assert [what for kind, what in campaign.found if "is scored" in what or "instead of error" in what]


def test_two_servers_that_are_killed_in_turn_lose_and_double_nothing(tmp_path):
    from benchmarks import data, fault_servers

    dataset = data.make(tmp_path / "set", 200, 2_000, distinct=10)
    assert list(fault_servers.killed_in_turn(dataset, 200, tmp_path / "run", at_once=16)) == []

    few = data.make(tmp_path / "few", 30, 2_000, distinct=10)
    assert "answers: 10 lost, 0 doubled, 0 failed" in list(fault_servers.killed_in_turn(few, 40, tmp_path / "short"))


def test_the_search_for_requests_at_once_is_measured_beside_fixed_numbers(tmp_path, monkeypatch):
    from benchmarks import bench_auto, data

    monkeypatch.setattr(bench_auto, "_LOOK_EVERY_S", 0.02)
    setting = bench_auto.Setting(bears=4, latency_s=0.02, samples=300)
    found = bench_auto.measure(setting, "8", data.make(tmp_path / "set", 300, 2_000, distinct=10))
    assert found.most == 8
    assert 0 < found.whole <= 200
    assert found.late > 0
