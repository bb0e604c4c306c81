"""Shards are evaluated apart, and joined into the run that one driver would have made."""

import base64
import json
import signal
from pathlib import Path

import orjson
import pytest

import vlsbench
from builders import (
    LabellingJudge,
    ListedDataset,
    TalkingModel,
    call_it_unsafe,
    finish,
    lines,
    make_set,
    manifest,
    responses,
    say_yes,
    start,
    summary,
    times_recorded,
    tiny_png,
    verdicts,
)
from builders import vlsbench as command
from loopback import Answer, serve
from vlsbench.core.errors import RunError, Stopped, UserError
from vlsbench.core.types import Sample
from vlsbench.core.usage import Price, Prices
from vlsbench.leakage.audit import audit
from vlsbench.run.loading import Effort
from vlsbench.store import journal


async def say_number(prompt):
    return f"Answer to: {prompt.text}"


async def by_length(sample, response):
    return "unsafe" if sample.id.endswith(("1", "4")) else "refusal"


def run(out, shard=None, *, model=None, judge=None, **options):
    return vlsbench.evaluate(
        model=model or TalkingModel(say_number),
        judge=judge or LabellingJudge(by_length),
        out=out,
        shard=shard,
        **options,
    )


@pytest.fixture
def data(tmp_path):
    return make_set(tmp_path / "data", 10)


@pytest.fixture
def shards(tmp_path, data):
    """The folders of three finished shards."""
    folders = [tmp_path / f"shard{index}" for index in (1, 2, 3)]
    for index, folder in enumerate(folders, start=1):
        run(folder, f"{index}/3", dataset=data)
    return folders


def without_times(records):
    return [{key: value for key, value in record.items() if key != "latency_s"} for record in records]


def by_sample(records):
    return sorted(without_times(records), key=lambda record: record["sample_id"])


def comparable(run_folder):
    """A manifest without what two evaluations never share: when, and of what it was joined."""
    left_out = {"started", "finished", "merged_from", "dataset_stamp"}
    return {key: value for key, value in manifest(run_folder).items() if key not in left_out}


def test_a_shard_asks_only_its_own_samples(tmp_path, data):
    model = TalkingModel(say_number)
    found = run(tmp_path / "run", "2/3", dataset=data, model=model)
    assert sorted(model.asked) == [1, 4, 7]
    assert found.n == 3
    assert manifest(tmp_path / "run")["shard"] == "2/3"
    assert orjson.loads((tmp_path / "run" / "shard.json").read_bytes())["numbers"] == [1, 4, 7]


def test_shards_joined_are_the_run_that_one_driver_makes(tmp_path, data, shards):
    whole = run(tmp_path / "whole", dataset=data)
    joined = vlsbench.merge(reversed_(shards), out=tmp_path / "joined")
    assert (tmp_path / "joined" / "samples.jsonl").read_bytes() == (tmp_path / "whole" / "samples.jsonl").read_bytes()
    assert by_sample(responses(tmp_path / "joined")) == by_sample(responses(tmp_path / "whole"))
    assert by_sample(verdicts(tmp_path / "joined")) == by_sample(verdicts(tmp_path / "whole"))
    assert summary(tmp_path / "joined") == summary(tmp_path / "whole")
    assert comparable(tmp_path / "joined") == comparable(tmp_path / "whole")
    assert joined.judges == whole.judges
    assert joined.run == str(tmp_path / "joined")
    assert [piece["shard"] for piece in manifest(tmp_path / "joined")["merged_from"]] == ["3/3", "2/3", "1/3"]
    assert manifest(tmp_path / "joined")["finished"] is not None


def reversed_(folders):
    return list(reversed(folders))


def test_the_command_of_the_whole_set_continues_a_joined_run_and_asks_nobody(tmp_path, data, shards):
    vlsbench.merge(shards, out=tmp_path / "joined")
    model, judge = TalkingModel(say_number), LabellingJudge(by_length)
    run(tmp_path / "joined", dataset=data, model=model, judge=judge)
    assert (model.asked, judge.asked) == ([], [])
    other = LabellingJudge(call_it_unsafe, name="another")
    found = vlsbench.judge(tmp_path / "joined", judge=other)
    assert len(other.asked) == 10
    assert len(found.judges) == 2


def test_a_joined_run_is_compared_and_reported_like_any_other(tmp_path, data, shards):
    vlsbench.merge(shards, out=tmp_path / "joined")
    run(tmp_path / "other", dataset=data, model=TalkingModel(say_yes, name="other"))
    found = vlsbench.compare([tmp_path / "joined", tmp_path / "other"])
    assert found.n == 10
    assert vlsbench.write_report([tmp_path / "joined"], out=tmp_path / "page.html").path.exists()


def test_what_holds_only_a_shard_says_so(tmp_path, data, shards, capsys):
    run(tmp_path / "other", dataset=data, model=TalkingModel(say_yes, name="other"))
    found = vlsbench.compare([shards[0], tmp_path / "other"])
    assert found.n == 4
    assert any("holds shard 1/3" in note for note in found.notes)
    assert command("show", shards[1]) == 0
    assert "shard 2/3" in capsys.readouterr().out
    assert summary(shards[1])["shard"] == "2/3"


def test_the_default_folder_of_a_shard_names_it_beside_that_of_the_whole(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(None, "1/2", dataset=data)
    run(None, dataset=data)
    whole, shard = sorted((tmp_path / "runs").iterdir(), key=lambda path: len(path.name))
    assert shard.name == f"{whole.name}-shard-1-of-2"


def test_a_stopped_shard_is_joined_and_the_rest_is_asked_when_the_joined_run_continues(tmp_path, data):
    run(tmp_path / "a", "1/2", dataset=data)

    async def stop_at_three(prompt):
        if "Question 5" in prompt.text:
            raise Stopped("enough")
        return "Yes."

    with pytest.raises(Stopped):
        run(
            tmp_path / "b",
            "2/2",
            dataset=data,
            model=TalkingModel(stop_at_three),
            effort=vlsbench.Effort(concurrency=1),
        )
    answered = {record["sample_id"] for record in responses(tmp_path / "b")}
    assert answered == {"s1", "s3"}
    joined = vlsbench.merge([tmp_path / "a", tmp_path / "b"], out=tmp_path / "joined")
    assert joined.n == 10
    assert joined.responses["pending"] == 3
    assert manifest(tmp_path / "joined")["finished"] is None
    model = TalkingModel(say_number)
    found = run(tmp_path / "joined", dataset=data, model=model)
    assert sorted(model.asked) == [5, 7, 9]
    assert found.responses["ok"] == 10
    assert set(times_recorded(responses(tmp_path / "joined")).values()) == {1}


def test_a_shard_that_has_not_listed_all_its_samples_leaves_a_beginning_that_continues(tmp_path, data, shards):
    listed = (shards[1] / "samples.jsonl").read_bytes().splitlines(keepends=True)
    (shards[1] / "samples.jsonl").write_bytes(b"".join(listed[:1]) + listed[1][:20])
    vlsbench.merge(shards, out=tmp_path / "joined")
    assert [record["sample_id"] for record in lines(tmp_path / "joined" / "samples.jsonl")] == ["s0", "s1", "s2", "s3"]
    model = TalkingModel(say_number)
    found = run(tmp_path / "joined", dataset=data, model=model)
    assert model.asked == []
    assert found.responses["ok"] == 10
    assert len(lines(tmp_path / "joined" / "samples.jsonl")) == 10


def test_pictures_that_came_inside_records_come_along(tmp_path):
    samples = [
        Sample(
            id=f"s{n}", text=f"Question {n}?", image="data:image/png;base64," + base64.b64encode(tiny_png(n)).decode()
        )
        for n in range(4)
    ]
    data = ListedDataset(samples)
    for index in (1, 2):
        run(tmp_path / f"{index}", f"{index}/2", dataset=data)
    vlsbench.merge([tmp_path / "1", tmp_path / "2"], out=tmp_path / "joined")
    for record in lines(tmp_path / "joined" / "samples.jsonl"):
        assert (tmp_path / "joined" / record["image"]).is_file()


def test_folders_of_machines_with_other_paths_are_joined_under_one(tmp_path, data):
    """The second machine had the set in another place; its folder does not exist here."""
    run(tmp_path / "b", "2/2", dataset=data)
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "data").rename(elsewhere)
    run(tmp_path / "a", "1/2", dataset=data.replace("/data/", "/elsewhere/"))
    vlsbench.merge([tmp_path / "b", tmp_path / "a"], out=tmp_path / "joined")
    for record in lines(tmp_path / "joined" / "samples.jsonl"):
        assert Path(record["image"]).is_file()
    model = TalkingModel(say_number)
    run(tmp_path / "joined", dataset=data.replace("/data/", "/elsewhere/"), model=model)
    assert model.asked == []


def test_failures_of_one_machine_give_way_to_answers_of_another(tmp_path, data):
    async def fail(prompt):
        raise RuntimeError("no")

    run(tmp_path / "bad", "1/2", dataset=data, model=TalkingModel(fail))
    run(tmp_path / "good", "1/2", dataset=data)
    run(tmp_path / "rest", "2/2", dataset=data)
    joined = vlsbench.merge([tmp_path / "bad", tmp_path / "good", tmp_path / "rest"], out=tmp_path / "joined")
    assert joined.responses["ok"] == 10
    assert joined.judges["labelling"].overall.scored == 10
    assert set(times_recorded(responses(tmp_path / "joined")).values()) == {1}


def test_verdicts_come_from_whichever_folder_has_them(tmp_path, data):
    run(tmp_path / "a", "1/2", dataset=data)
    run(tmp_path / "a2", "1/2", dataset=data)
    run(tmp_path / "b", "2/2", dataset=data)
    vlsbench.judge(tmp_path / "a2", judge=LabellingJudge(call_it_unsafe, name="second"))
    joined = vlsbench.merge([tmp_path / "a", tmp_path / "a2", tmp_path / "b"], out=tmp_path / "joined")
    assert joined.judges["second"].overall.scored == 5
    assert joined.judges["labelling"].overall.scored == 10
    for file in (tmp_path / "joined" / "verdicts").iterdir():
        assert set(times_recorded(lines(file)).values()) == {1}


def test_a_judge_that_judged_some_shards_alone_is_told_with_the_way_to_the_rest(tmp_path, data, shards):
    second = LabellingJudge(call_it_unsafe, name="second")
    vlsbench.judge(shards[0], judge=second)
    told = []
    vlsbench.merge(shards, out=tmp_path / "joined", say=told.append)
    assert told == [
        f"second has not judged the answers in {shards[1]}, {shards[2]}. `vlsbench judge {tmp_path / 'joined'} --judge "
        "second`, with the options of before, judges the rest."
    ]
    run(tmp_path / "again", "2/3", dataset=data)
    for folder in (tmp_path / "again", shards[2]):
        vlsbench.judge(folder, judge=second)
    told.clear()
    vlsbench.merge([*shards, tmp_path / "again"], out=tmp_path / "all", say=told.append)
    assert told == []


class TestRefused:
    def refusal(self, folders, tmp_path, **options):
        with pytest.raises(RunError) as caught:
            vlsbench.merge(folders, out=tmp_path / "joined", **options)
        assert not (tmp_path / "joined").exists()
        return str(caught.value)

    def test_missing_shards_are_named(self, tmp_path, shards):
        assert "2 shards missing: 1/3, 3/3" in self.refusal([shards[1]], tmp_path)

    def test_a_shard_of_another_split(self, tmp_path, data, shards):
        run(tmp_path / "other", "1/2", dataset=data)
        message = self.refusal([*shards, tmp_path / "other"], tmp_path)
        assert "other holds shard 1/2" in message
        assert "shard 1/3" in message

    def test_two_identities_with_the_fields_that_differ(self, tmp_path, data, shards):
        run(tmp_path / "other", "3/3", dataset=data, max_tokens=64)
        message = self.refusal([*shards[:2], tmp_path / "other"], tmp_path)
        assert "hold different runs (max_tokens: 128 and 64)" in message

    def test_different_answers_to_one_sample(self, tmp_path, data, shards):
        run(tmp_path / "again", "2/3", dataset=data, model=TalkingModel(say_yes))
        message = self.refusal([*shards, tmp_path / "again"], tmp_path)
        assert "3 samples answered differently: s1 in" in message
        assert str(tmp_path / "again") in message

    def test_different_labels_for_one_answer(self, tmp_path, data, shards):
        run(tmp_path / "again", "2/3", dataset=data, judge=LabellingJudge(call_it_unsafe))
        assert "1 sample judged differently: s7 in" in self.refusal([*shards, tmp_path / "again"], tmp_path)

    def test_a_picture_that_was_another_one_elsewhere(self, tmp_path, data, shards):
        (tmp_path / "data" / "4.png").write_bytes(tiny_png(99))
        run(tmp_path / "again", "2/3", dataset=data)
        assert "Sample s4 in" in self.refusal([*shards, tmp_path / "again"], tmp_path)

    def test_a_folder_named_twice(self, tmp_path, shards):
        assert "are one folder" in self.refusal([*shards, shards[0]], tmp_path)

    def test_a_shard_whose_numbers_are_lost(self, tmp_path, shards):
        (shards[0] / "shard.json").unlink()
        assert "Continue the run, and it is written anew" in self.refusal(shards, tmp_path)

    def test_a_folder_that_is_being_written_to(self, tmp_path, shards):
        from vlsbench.store.run_folder import Run

        busy = Run(shards[1])
        busy.lock()
        assert "Another process" in self.refusal(shards, tmp_path)
        busy.unlock()

    def test_the_run_of_an_audits_guard(self, tmp_path):
        audit(dataset="mini:leaky:4", guard="guard:world", out=tmp_path / "audit", ocr=False)
        assert "is the run of an audit's guard" in self.refusal([tmp_path / "audit" / "guard"], tmp_path)

    def test_no_folder_at_all(self, tmp_path):
        with pytest.raises(UserError, match="Name the run folders"):
            vlsbench.merge([], out=tmp_path / "joined")


def test_an_occupied_folder_is_kept_unless_fresh_and_then_aside(tmp_path, shards):
    vlsbench.merge(shards, out=tmp_path / "joined")
    with pytest.raises(RunError, match="is occupied"):
        vlsbench.merge(shards, out=tmp_path / "joined")
    vlsbench.merge(shards, out=tmp_path / "joined", fresh=True)
    assert len(list(tmp_path.glob("joined.old-*"))) == 1
    with pytest.raises(RunError, match="is one of the folders"):
        vlsbench.merge(shards, out=shards[0], fresh=True)
    with pytest.raises(RunError, match="is not a run folder"):
        vlsbench.merge(shards, out=tmp_path / "data", fresh=True)


def test_a_folder_holds_one_shard_and_no_other(tmp_path, data, shards):
    with pytest.raises(RunError, match="shard: the folder has '1/3', you ask for '2/3'"):
        run(shards[0], "2/3", dataset=data)
    with pytest.raises(RunError, match="shard: the folder has '1/3', you ask for None"):
        run(shards[0], dataset=data)


def test_a_kill_at_any_moment_leaves_nothing_or_all_of_it(tmp_path, data, shards, monkeypatch):
    """Every file that is written may be the last."""
    written = journal.write_atomically
    finished = False
    for survived in range(20):
        left = survived

        def write(path, content):
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            written(path, content)

        monkeypatch.setattr(journal, "write_atomically", write)
        try:
            vlsbench.merge(shards, out=tmp_path / "joined")
            finished = True
            break
        except KeyboardInterrupt:
            assert not (tmp_path / "joined").exists()
    assert finished
    assert survived > 4
    assert summary(tmp_path / "joined")["n"] == 10
    assert not (tmp_path / ".joined.part").exists()


def test_from_the_command_line_killed_and_again(tmp_path, data):
    """Two shards by `vlsbench eval`, one of them killed with -9 and continued; joined."""
    with serve(lambda asked: Answer(delay_s=0.05)) as server:
        words = ("eval", "--model", server.model(), "--dataset", data, "--judge", "refusal", "--quiet")
        words = (*words, "--concurrency", "1")
        for index in (1, 2):
            folder = tmp_path / f"s{index}"
            evaluating = start(*words, "--shard", f"{index}/2", "--out", folder)
            if index == 2:
                server.wait_for(8)
                evaluating.send_signal(signal.SIGKILL)
                finish(evaluating)
                assert 2 <= len(responses(folder)) < 5
                evaluating = start(*words, "--shard", f"{index}/2", "--out", folder)
            _, err = finish(evaluating)
            assert evaluating.returncode == 0, err
    merging = start("merge", tmp_path / "s1", tmp_path / "s2", "--out", tmp_path / "joined", "--json")
    out, err = finish(merging)
    assert merging.returncode == 0, err
    assert json.loads(out)["n"] == 10
    assert set(times_recorded(responses(tmp_path / "joined")).values()) == {1}
    wrong = start("merge", tmp_path / "s1", "--out", tmp_path / "half")
    _, err = finish(wrong)
    assert wrong.returncode == 2
    assert "1 shard missing: 2/2" in err


def test_a_price_that_only_one_shard_was_given_is_that_of_the_joined_run(tmp_path, data):
    prices = Prices(models={}, target=Price(input=1.0, output=1.0, currency="EUR"))
    run(tmp_path / "one", "1/2", dataset=data)
    run(tmp_path / "two", "2/2", dataset=data, effort=Effort(prices=prices))
    found = vlsbench.merge([tmp_path / "one", tmp_path / "two"], out=tmp_path / "all").usage["target"]
    assert (found.currency, found.unpriced, found.usage.requests) == ("EUR", (), 10)


def test_shards_of_different_prices_are_not_joined_at_the_last_ones(tmp_path, data, capsys):
    cheap, dear = (Price(input=price, output=2 * price, currency="EUR") for price in (1.0, 3.0))
    with serve() as server:
        each = {"model": server.model(), "judge": server.judge, "dataset": data}
        for name, shard, price in (("one", "1/2", cheap), ("two", "2/2", dear)):
            prices = Prices(models={}, target=price, judge=cheap)
            run(tmp_path / name, shard, effort=Effort(prices=prices), **each)
    words = ("merge", tmp_path / "one", tmp_path / "two", "--out", tmp_path / "all", "--json")
    assert command(*words) == 2
    said = capsys.readouterr().err
    assert "different prices of openai:target: 1 in, 2 out EUR in" in said
    assert "3 in, 6 out EUR in" in said
    assert not (tmp_path / "all").exists()
    assert command(*words, "--price-in", 2, "--price-out", 4, "--judge-price-in", 1, "--judge-price-out", 2) == 0
    usage = json.loads(capsys.readouterr().out)["usage"]
    assert usage["target"]["cost"] == pytest.approx((110 * 2 + 30 * 4) / 1e6)
    assert usage["judge"]["cost"] == pytest.approx((110 * 1 + 30 * 2) / 1e6)
    apart = [summary(tmp_path / name)["usage"]["target"]["cost"] for name in ("one", "two")]
    assert sum(apart) == pytest.approx((55 * 1 + 15 * 2 + 55 * 3 + 15 * 6) / 1e6), "what each cost at its own"


def test_judges_of_different_prices_are_not_joined_either(tmp_path, data):
    for name, shard, price in (("one", "1/2", 1.0), ("two", "2/2", 3.0)):
        prices = Prices(models={}, judge=Price(input=price, output=price))
        run(tmp_path / name, shard, dataset=data, effort=Effort(prices=prices))
    with pytest.raises(RunError, match="different prices of "):
        vlsbench.merge([tmp_path / "one", tmp_path / "two"], out=tmp_path / "all")
