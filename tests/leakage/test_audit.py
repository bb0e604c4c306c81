"""Whole audits: against guards with known answers, stopped and continued, and with whatever a set can lack."""

from __future__ import annotations

import hashlib
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from builders import finish, hurry, lines, make_set, manifest, number_of, start, tiny_png
from loopback import Answer, Asked, error, serve, verdict
from vlsbench.core.errors import AccessDenied, RequestFailed, RunError, UnknownName, UserError
from vlsbench.core.types import Image, Sample, VerdictOutcome
from vlsbench.judges.guard import Finding
from vlsbench.leakage.audit import audit
from vlsbench.leakage.findings import Audit
from vlsbench.leakage.protocol import Part

KNOWN = {0: "hhh", 1: "hhs", 2: "hsh", 3: "hss", 4: "sss", 5: "shs", 6: "hss", 7: "hhh"}
"""Pair, text and image of each sample: harmful or safe."""


def part_of(asked: Asked) -> Part:
    if asked.image is None:
        return Part.TEXT
    return Part.PAIR if asked.text else Part.IMAGE


class KnownGuard:
    """A guard behind a server that knows each sample by its text, or by its picture alone."""

    def __init__(self) -> None:
        self.pictures: dict[str, int] = {}

    def learn(self, folder: Path, n: int) -> None:
        import base64

        for number in range(n):
            data = base64.b64encode((folder / f"{number}.png").read_bytes()).decode()
            self.pictures[f"data:image/png;base64,{data}"] = number

    def letter(self, asked: Asked) -> str:
        part = part_of(asked)
        number = self.pictures[asked.image or ""] if part is Part.IMAGE else number_of(asked.text)
        return KNOWN[number % len(KNOWN)][list(Part).index(part)]

    def __call__(self, asked: Asked) -> Answer:
        return Answer(text="unsafe\nS1" if self.letter(asked) == "h" else "safe")


@pytest.fixture
def guard() -> KnownGuard:
    return KnownGuard()


def found_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "audit.json").read_text())
    return found


def prepare(folder: Path, guard: KnownGuard, n: int = len(KNOWN), **changes: Any) -> str:
    ref = make_set(folder, n, **changes)
    guard.learn(folder, n)
    return ref


def rates(found: dict[str, Any], *names: str) -> list[tuple[int, int]]:
    return [(found[name]["k"], found[name]["n"]) for name in names]


def test_a_guard_with_known_answers_gives_r1_and_r2_to_the_sample(tmp_path: Path, guard: KnownGuard) -> None:
    data = prepare(tmp_path / "d", guard)
    with serve(guard) as server:
        audit(dataset=data, guard=f"guard:openai:g@{server.url}", out=tmp_path / "a")
        assert len(server.asked) == 3 * len(KNOWN)
    found = found_in(tmp_path / "a")
    names = ("r1", "r2", "r1_minus_r2", "r2_both_alone")
    assert found["n"] == 8
    assert rates(found, *names) == [(6, 8), (3, 8), (3, 8), (2, 8)]
    assert (found["mcnemar"]["only_pair"], found["mcnemar"]["only_text"]) == (3, 1)
    assert rates(found["modality"], *found["modality"]) == [(4, 8), (3, 8), (5, 8), (2, 8), (1, 8)]
    assert found["unscored"] == {"pair": {}, "text": {}, "image": {}}
    assert {name: rates(group, *names) for name, group in found["by_category"].items()} == {
        "Garden": [(3, 4), (2, 4), (1, 4), (1, 4)],
        "Kitchen": [(3, 4), (1, 4), (2, 4), (1, 4)],
    }


def test_each_sample_is_listed_with_its_three_verdicts(tmp_path: Path, guard: KnownGuard) -> None:
    data = prepare(tmp_path / "d", guard)
    with serve(guard) as server:
        audit(dataset=data, guard=f"guard:openai:g@{server.url}", out=tmp_path / "a")
    listed = lines(tmp_path / "a" / "samples.jsonl")
    said = ["".join({"unsafe": "h", "safe": "s"}[v["label"]] for v in one["guard"].values()) for one in listed]
    assert said == list(KNOWN.values())
    first = listed[0]
    assert first["guard"]["pair"]["categories"] == ["S1"]
    assert first["guard"]["pair"]["p_unsafe"] is None
    assert hashlib.sha256(Path(first["image"]).read_bytes()).hexdigest() == first["image_sha256"]
    assert {"text", "description", "category", "expect", "signals"} <= first.keys()


def test_the_contract_of_audit_json_holds_for_groups_as_for_the_whole(tmp_path: Path) -> None:
    audit(dataset="mini:leaky:6", guard="guard:world", out=tmp_path / "a")
    found = found_in(tmp_path / "a")
    keys = {"n", "r1", "r2", "r1_minus_r2", "r2_both_alone", "mcnemar", "modality", "unscored"}
    assert {*keys, "by_category", "definitions", "guard", "dataset", "signals"} <= found.keys()
    for group in (found, *found["by_category"].values(), *found["by_expect"].values()):
        assert keys <= group.keys()
        shares = [group[name] for name in ("r1", "r2", "r1_minus_r2", "r2_both_alone")]
        for share in (*shares, *group["modality"].values()):
            rate = {"k", "n", "value", "low", "high", "method", "unscored", "clusters", "effective", "note"}
            assert {*rate, "bounds"} == share.keys()
    assert keys - {"modality", "unscored"} <= found["definitions"].keys()


def test_in_the_leaky_world_the_difference_is_nothing_and_in_the_leakless_one_all_of_r1(tmp_path: Path) -> None:
    leaky = audit(dataset="mini:leaky:40", guard="guard:world", out=tmp_path / "a").guarded
    leakless = audit(dataset="mini:leakless:40", guard="guard:world", out=tmp_path / "b").guarded
    assert leaky is not None
    assert leakless is not None
    assert (leaky.overall.r1.rate.value, leaky.overall.r1_minus_r2.rate.value) == (1.0, 0.0)
    assert leakless.overall.r1.rate.value == leakless.overall.r1_minus_r2.rate.value == 1.0
    assert leakless.overall.modality["only_jointly"].rate.value == 1.0
    benign = audit(dataset="mini:benign:10", guard="guard:world", out=tmp_path / "c").guarded
    assert benign is not None
    assert benign.overall.r1.rate.value == 0.0


def test_a_guard_that_answers_neither_is_unscored_and_no_verdict(tmp_path: Path, guard: KnownGuard) -> None:
    data = prepare(tmp_path / "d", guard)

    def undecided(asked: Asked) -> Answer:
        odd = part_of(asked) is Part.TEXT and number_of(asked.text) in (0, 3)
        return Answer(text="I cannot say.") if odd else guard(asked)

    with serve(undecided) as server:
        done = audit(dataset=data, guard=f"guard:openai:g@{server.url}", out=tmp_path / "a")
    found = found_in(tmp_path / "a")
    assert rates(found, "r1", "r2", "r1_minus_r2") == [(4, 6), (2, 6), (2, 6)]
    assert found["unscored"]["text"] == {"unparsable": 2}
    assert found["r1"]["bounds"] == {"lowest": 0.75, "highest": 0.75}
    assert found["r2"]["bounds"] == {"lowest": 0.25, "highest": 0.5}
    assert done.guarded is not None
    assert "I cannot say" in done.guarded.causes["text"][0].reason


def test_a_guard_without_image_input_leaves_pairs_unscored_and_texts_judged(tmp_path: Path, guard: KnownGuard) -> None:
    data = prepare(tmp_path / "d", guard)
    blind = lambda asked: error(400, "this model takes no images") if asked.image else guard(asked)  # noqa: E731
    with serve(blind) as server:
        done = audit(dataset=data, guard=f"guard:openai:g@{server.url}", out=tmp_path / "a")
    found = found_in(tmp_path / "a")
    assert found["n"] == 0
    assert found["r1"]["value"] is None
    assert found["unscored"]["pair"] == {"judge_error": 8}
    assert (found["harmful"]["text"]["k"], found["harmful"]["text"]["n"]) == (4, 8)
    assert done.unscored_share == 1.0


def test_samples_without_image_or_text_or_with_a_broken_image(tmp_path: Path, guard: KnownGuard) -> None:
    prepare(tmp_path / "d", guard, 8)
    file = tmp_path / "d" / "set.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[0]["image"] = None
    rows[1]["text"] = ""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "d" / "2.png").unlink()
    (tmp_path / "d" / "3.png").write_bytes(b"no picture")
    with serve(guard) as server:
        ref = f"guard:openai:g@{server.url}"
        audit(dataset=f"jsonl:{file}", guard=ref, out=tmp_path / "a")
        found = found_in(tmp_path / "a")
        assert (found["selected"], found["pairs"], found["n"]) == (8, 6, 4)
        assert found["not_pairs"] == {"no_image": 1, "no_text": 1}
        assert found["unscored"]["pair"] == {"judge_error": 2, "no_image": 1, "no_text": 1}
        assert found["harmful"]["text"]["n"] == 7
        before = len(server.asked)
        (tmp_path / "d" / "2.png").write_bytes(tiny_png(2))
        audit(dataset=f"jsonl:{file}", guard=ref, out=tmp_path / "a")
        assert len(server.asked) == before + 2  # the pair and the image of the mended one
    found = found_in(tmp_path / "a")
    assert found["n"] == 5
    missing = lines(tmp_path / "a" / "samples.jsonl")[0]["guard"]
    assert missing["pair"] == {"outcome": "no_image", "label": None}
    assert missing["text"]["label"] == "unsafe"


def test_a_second_call_asks_only_for_what_failed(tmp_path: Path, guard: KnownGuard, monkeypatch: Any) -> None:
    hurry(monkeypatch)
    data = prepare(tmp_path / "d", guard)
    broken = True

    def shaky(asked: Asked) -> Answer:
        return error(500) if broken and part_of(asked) is Part.IMAGE else guard(asked)

    with serve(shaky) as server:
        ref = f"guard:openai:g@{server.url}"
        first = audit(dataset=data, guard=ref, out=tmp_path / "a")
        assert first.guarded is not None
        assert first.guarded.overall.unscored["image"] == {"judge_error": 8}
        assert first.guarded.overall.n == 8
        before, broken = len(server.asked), False
        second = audit(dataset=data, guard=ref, out=tmp_path / "a")
        assert {part_of(asked) for asked in server.asked[before:]} == {Part.IMAGE}
        before = len(server.asked)
        assert audit(dataset=data, guard=ref, out=tmp_path / "a").to_json() == second.to_json()
        assert len(server.asked) == before


def test_kill_and_the_same_command_continues(tmp_path: Path, guard: KnownGuard) -> None:
    n = 40
    data = prepare(tmp_path / "d", guard, n)
    slow = True

    def answer(asked: Asked) -> Answer:
        said = guard(asked)
        said.delay_s = 0.05 if slow else 0.0
        return said

    with serve(answer) as server:
        words = ("audit", "--dataset", data, "--guard", f"guard:openai:g@{server.url}", "--out", tmp_path / "a",
                 "--guard-concurrency", 4, "--json", "--quiet")  # fmt: skip
        killed = start(*words)
        server.wait_for(20, 60)
        killed.send_signal(signal.SIGKILL)
        finish(killed)
        recorded = sum(len(lines(tmp_path / "a" / "guard" / "verdicts" / f"{part}.jsonl")) for part in Part)
        assert not (tmp_path / "a" / "audit.json").exists()
        assert 20 - 4 <= recorded < 3 * n
        slow = False
        out, err = finish(start(*words))
        assert len(server.asked) <= 3 * n + 4  # those in flight were lost, and nothing else was asked for twice
    found = json.loads(out)
    assert (found["n"], found["r1"]["k"], found["r2"]["k"]) == (40, 30, 15), err
    for part in Part:
        ids = [record["sample_id"] for record in lines(tmp_path / "a" / "guard" / "verdicts" / f"{part}.jsonl")]
        assert len(ids) == len(set(ids)) == n


def test_another_guard_or_other_samples_are_a_different_audit(tmp_path: Path, guard: KnownGuard) -> None:
    data = prepare(tmp_path / "d", guard)
    out = tmp_path / "a"
    with serve(guard) as server:
        ref = f"guard:openai:g@{server.url}"
        audit(dataset=data, guard=ref, out=out)
        asked = len(server.asked)
        with pytest.raises(RunError, match=r"model: the folder has .*guard:openai:g.*you ask for .*openai:other"):
            audit(dataset=data, guard=f"guard:openai:other@{server.url}", out=out)
        with pytest.raises(RunError, match="different run"):
            audit(dataset=data, guard=ref, out=out, limit=3)
        with pytest.raises(RunError, match="audit of other samples"):
            audit(dataset=data, out=out, limit=3)
        assert len(server.asked) == asked
        audit(dataset=data, guard=ref, out=out, limit=3, fresh=True)
    assert found_in(out)["n"] == 3
    assert len(list(tmp_path.glob("a.old-*"))) == 1


def test_a_changed_rubric_is_another_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_set(tmp_path / "d", 2)
    with serve(lambda asked: verdict("safe")) as server:
        audit(dataset=data, guard=f"openai:m@{server.url}", out=tmp_path / "a")
        from vlsbench.leakage.harm import HarmJudge

        monkeypatch.setattr(HarmJudge, "settings", {"rubric": "harmful", "rubric_sha256": "0" * 64})
        with pytest.raises(RunError, match="condition: the folder has"):
            audit(dataset=data, guard=f"openai:m@{server.url}", out=tmp_path / "a")


def test_without_a_guard_no_model_is_asked_and_recorded_verdicts_still_count(tmp_path: Path) -> None:
    alone = audit(dataset="mini:leaky:4", out=tmp_path / "a")
    assert alone.guarded is None
    assert found_in(tmp_path / "a")["guard"] is None
    assert len(lines(tmp_path / "a" / "samples.jsonl")) == 4
    audit(dataset="mini:leaky:4", guard="guard:world", out=tmp_path / "a")
    again = audit(dataset="mini:leaky:4", out=tmp_path / "a")
    assert again.guarded is not None
    assert again.guarded.overall.n == 4


def test_a_guard_that_cannot_be_reached_leaves_nothing_that_would_bar_the_right_one(tmp_path: Path) -> None:
    data = make_set(tmp_path / "d", 2)
    with serve(lambda asked: error(404)) as server, pytest.raises(AccessDenied):
        audit(dataset=data, guard=f"guard:openai:wrong@{server.url}", out=tmp_path / "a")
    with serve(lambda asked: Answer(text="safe")) as server:
        audit(dataset=data, guard=f"guard:openai:right@{server.url}", out=tmp_path / "a")
    assert found_in(tmp_path / "a")["n"] == 2


def test_a_folder_that_is_no_audits_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("mine")
    for fresh in (False, True):
        with pytest.raises(RunError, match="not an audit's folder"):
            audit(dataset="mini:leaky:2", out=tmp_path / "a", fresh=fresh)
    with pytest.raises(RunError, match="is a file"):
        audit(dataset="mini:leaky:2", out=tmp_path / "a" / "thesis.txt")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["thesis.txt"]


def test_bad_guards_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    data = make_set(tmp_path / "d", 2)
    with pytest.raises(UserError, match="miniature world alone"):
        audit(dataset=data, guard="guard:world", out=tmp_path / "a")
    with pytest.raises(UnknownName):
        audit(dataset=data, guard="llamaguard", out=tmp_path / "a")
    with pytest.raises(UserError, match=r"lacks `name`, `settings`, `check\(\)`"):
        audit(dataset=data, guard=object(), out=tmp_path / "a")  # type: ignore[arg-type]
    assert not (tmp_path / "a").exists()


class OwnGuard:
    """A user's guard, with its faults."""

    name = "own"
    settings: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, *said: object) -> None:
        self.said = list(said)

    async def check(self, sample: Sample, part: Part, image: Image | None) -> Finding:
        said = self.said[number_of(sample.text) % len(self.said)]
        if isinstance(said, Exception):
            raise said
        return said  # type: ignore[return-value]


def test_the_faults_of_a_users_own_guard_cost_samples_and_not_the_run(tmp_path: Path) -> None:
    own = OwnGuard(
        Finding(outcome=VerdictOutcome.SCORED, label="unsafe"),
        RequestFailed("no"),
        ValueError("a bug"),
        "unsafe",
        Finding(outcome=VerdictOutcome.SCORED, label="harmful"),
        Finding(outcome=VerdictOutcome.UNPARSABLE, label="safe"),
        Finding(outcome=VerdictOutcome.JUDGE_REFUSED, why="no thanks"),
    )
    done: Audit = audit(dataset=make_set(tmp_path / "d", 7), guard=own, out=tmp_path / "a")
    assert done.guarded is not None
    assert done.guarded.overall.n == 1
    assert done.guarded.overall.unscored["pair"] == {"judge_error": 5, "judge_refused": 1}


def test_the_manifest_of_the_guards_run_names_the_guard_and_its_rubric(tmp_path: Path) -> None:
    with serve(lambda asked: verdict("safe")) as server:
        audit(dataset=make_set(tmp_path / "d", 2), guard=f"openai:m@{server.url}", out=tmp_path / "a")
    found = manifest(tmp_path / "a" / "guard")
    assert (found["model"], found["parameters"]["addresses"]) == ("openai:m", [server.url])
    assert found["condition"]["rubric"] == "harmful"
    assert found["finished"] is not None
