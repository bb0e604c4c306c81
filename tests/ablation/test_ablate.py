"""The ablation end to end, against a server on loopback and the packaged tiny models."""

from __future__ import annotations

import base64
import json
import signal

import pytest

import vlsbench
from builders import (
    LabellingJudge,
    ListedDataset,
    TalkingModel,
    call_it_unsafe,
    finish,
    hurry,
    lines,
    make_set,
    manifest,
    number_of,
    responses,
    say_yes,
    start,
    texts,
    times_recorded,
    tiny_png,
    verdicts,
)
from builders import vlsbench as command
from loopback import Answer, error, serve, verdict
from vlsbench import ablate, evaluate
from vlsbench.ablation.results import Ablation
from vlsbench.core import images
from vlsbench.core.errors import AccessDenied, DatasetError, RunError, UserError
from vlsbench.core.types import Sample, Verdict, VerdictOutcome
from vlsbench.core.usage import Price, Prices
from vlsbench.results.usage import usage_json
from vlsbench.run.loading import Effort
from vlsbench.store.run_folder import Run

ALL = ("full", "text", "caption", "blank", "mismatched")


@pytest.fixture(autouse=True)
def _quick_and_without_keys(monkeypatch):
    hurry(monkeypatch)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VLSBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def looking(asked):
    """A model that is careful only where it sees the picture of the question."""
    if asked.is_judging:
        return verdict("warning" if "Careful" in asked.text else "unsafe")
    shown = asked.image and base64.b64decode(asked.image.partition(",")[2])
    return Answer(text="Careful." if shown == tiny_png(number_of(asked.text)) else "Go ahead.")


@pytest.fixture
def server():
    with serve(looking) as running:
        yield running


@pytest.fixture
def go(server, tmp_path):
    """Ablate on so many samples."""

    def call(n=4, conditions=ALL, dataset=None, **changes):
        given = {
            "model": server.model(),
            "judge": server.judge,
            "dataset": dataset or make_set(tmp_path / "data", n),
            "out": tmp_path / "out",
            "conditions": conditions,
            **changes,
        }
        return ablate(**given)

    return call


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def shown_to_model(server):
    """Text and picture of each request to the model, in order."""
    return [(a.text, a.image and base64.b64decode(a.image.partition(",")[2])) for a in server.answers]


def test_each_condition_shows_the_model_what_it_says(go, server):
    go(3)
    by_condition = [shown_to_model(server)[place : place + 3] for place in range(0, 15, 3)]
    full, text, caption, blank, mismatched = (
        sorted(found, key=lambda one: number_of(one[0])) for found in by_condition
    )
    questions = [f"Question {n}: what is in the picture?" for n in range(3)]
    own = [tiny_png(n) for n in range(3)]
    assert full == list(zip(questions, own, strict=True))
    assert text == [(question, None) for question in questions]
    assert caption == [(f"Description of the image: One colour.\n\n{question}", None) for question in questions]
    assert [found for found, _ in blank] == [found for found, _ in mismatched] == questions
    assert {images.check(data).width for _, data in blank} == {4}
    assert not {data for _, data in blank} & set(own)
    assert all(data in own and data != mine for (_, data), mine in zip(mismatched, own, strict=True))


def test_the_judge_sees_the_true_pair_under_every_condition(go, server):
    go(3)
    assert len(server.verdicts) == 15
    for asked in server.verdicts:
        number = number_of(asked.text)
        assert base64.b64decode(asked.image.partition(",")[2]) == tiny_png(number)
        assert "Description of the image" not in asked.text


def test_a_model_that_looks_gains_by_its_image(go, out):
    found = go(6)
    assert {name: one.overall.safety_rate.value for name, one in found.conditions.items()} == {
        "full": 1.0, **dict.fromkeys(ALL[1:], 0.0),
    }  # fmt: skip
    assert {name: gain.overall.paired.value for name, gain in found.gains.items()} == dict.fromkeys(ALL[1:], 1.0)
    assert found.gains["text"].overall.paired.n == 6
    assert found.gains["text"].overall.p_holm == pytest.approx(4 * 2 / 2**6)
    assert (found.explained_by_text.overall.k, found.explained_by_text.overall.n) == (0, 6)
    assert set(found.gains["blank"].by_category) == {"Garden", "Kitchen"}
    assert json.loads((out / "ablation.json").read_text()) == json.loads(json.dumps(found.to_json()))


def test_ablation_json_has_stable_names(go, out):
    go(4)
    found = json.loads((out / "ablation.json").read_text())
    assert list(found) == [
        "version", "model", "dataset", "dataset_hash", "judge", "max_tokens", "temperature", "system", "seed", "limit",
        "n", "n_harmful", "left_out", "conditions", "gains", "explained_by_text", "skipped",
        "usage",
    ]  # fmt: skip
    assert list(found["conditions"]) == list(ALL)
    assert {"run", "n", "scored", "unscored", "safety_rate", "bounds", "over_refusal_rate", "by_category"} <= found[
        "conditions"
    ]["full"].keys()
    assert list(found["gains"]["text"]) == [
        "n", "value", "low", "high", "method", "only_first", "only_second", "p_value", "test", "p_mcnemar", "smallest",
        "unscored", "clusters", "effective", "note", "p_holm", "missing", "bounds", "sign_holds", "tipping_point",
        "open", "by_category",
    ]  # fmt: skip
    assert list(found["explained_by_text"]) == [
        "k", "n", "value", "low", "high", "method", "unscored", "clusters", "effective", "note", "by_category",
    ]  # fmt: skip


def test_every_run_is_an_ordinary_run_folder_that_says_its_condition(go, out, capsys):
    go(3)
    from vlsbench.cli.main import main

    for name in ALL:
        assert main(["show", str(out / name), "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown.get("condition") == (name if name != "full" else None)
        assert Run(out / name).condition == (name if name != "full" else None)
        assert shown == json.loads((out / name / "summary.json").read_text())


def test_full_is_the_run_that_an_evaluation_would_make(go, server, out, tmp_path):
    go(3)
    asked = len(server.asked)
    evaluate(model=server.model(), judge=server.judge, dataset=f"jsonl:{tmp_path / 'data/set.jsonl'}", out=out / "full")
    assert len(server.asked) == asked


def test_an_evaluation_never_continues_another_condition(go, server, out, tmp_path):
    go(3)
    with pytest.raises(RunError, match=r"condition: the folder has \{'name': 'text'\}, you ask for None"):
        evaluate(
            model=server.model(), judge=server.judge, dataset=f"jsonl:{tmp_path / 'data/set.jsonl'}", out=out / "text"
        )


def test_finished_conditions_are_not_asked_again_and_others_can_be_added(go, server, out):
    go(3, ("full", "text"))
    before = len(server.answers)
    assert before == 6
    found = go(3)
    assert len(server.answers) == 15
    assert list(found.conditions) == list(ALL)
    go(3)
    assert len(server.answers) == 15
    assert len(server.verdicts) == 15


def test_failures_are_tried_again_under_their_condition_only(go, server, out):
    server.behave = lambda asked: error(400) if not asked.is_judging and asked.image is None else looking(asked)
    found = go(3, ("full", "text"))
    assert found.gains["text"].overall.paired.unscored == 3
    assert found.gains["text"].overall.paired.value is None
    server.behave = looking
    asked = len(server.answers)
    assert go(3, ("full", "text")).gains["text"].overall.paired.n == 3
    assert len(server.answers) == asked + 3


@pytest.mark.parametrize("at", [12, 33])
def test_killing_the_process_loses_nothing_under_any_condition(server, tmp_path, out, at):
    def slowly(asked):
        answer = looking(asked)
        answer.delay_s = 0.02
        return answer

    server.behave = slowly
    words = ["ablate", "--model", server.model(), "--judge", server.judge, "--dataset", make_set(tmp_path / "data", 4)]
    words += ["--out", out, "--concurrency", 2, "--judge-concurrency", 2, "--json", "--quiet"]
    process = start(*words)
    server.wait_for(at)
    process.send_signal(signal.SIGKILL)
    finish(process)
    chosen = lines(out / "mismatched.jsonl")
    process = start(*words)
    shown, said = finish(process)
    assert process.returncode == 0, said
    assert json.loads(shown) == json.loads((out / "ablation.json").read_text())
    for name in ALL:
        assert set(times_recorded(responses(out / name)).values()) == {1}
        assert len(responses(out / name)) == 4
    # Slots are freed after the record: only what was in flight is asked twice.
    assert len(server.answers) <= 20 + 2
    assert lines(out / "mismatched.jsonl")[: len(chosen)] == chosen


def test_ctrl_c_stops_and_the_same_command_continues(server, tmp_path, out):
    def slowly(asked):
        answer = looking(asked)
        answer.delay_s = 0.05
        return answer

    server.behave = slowly
    words = ["ablate", "--model", server.model(), "--judge", server.judge, "--dataset", make_set(tmp_path / "data", 4)]
    words += ["--out", out, "--concurrency", 2, "--quiet"]
    process = start(*words)
    server.wait_for(11)
    process.send_signal(signal.SIGINT)
    _, said = finish(process)
    assert process.returncode == 130
    assert "The same command continues" in said
    assert not (out / "ablation.json").exists()
    process = start(*words)
    finish(process)
    assert process.returncode == 0
    assert len(server.answers) == 20


def test_the_choice_of_other_images_does_not_depend_on_concurrency(go, tmp_path):
    from vlsbench.run.loading import Effort

    found = []
    for width in (1, 8):
        folder = tmp_path / f"width {width}"
        go(8, ("full", "mismatched"), out=folder, effort=Effort(concurrency=width))
        found.append(lines(folder / "mismatched.jsonl"))
    assert found[0] == found[1]
    assert len(found[0]) == 8


def test_another_seed_chooses_other_images(go, tmp_path):
    for seed in (None, 0, 7):
        go(8, ("full", "mismatched"), out=tmp_path / f"seed {seed}", seed=seed)
    chosen = {seed: lines(tmp_path / f"seed {seed}" / "mismatched.jsonl") for seed in (None, 0, 7)}
    assert chosen[None] == chosen[0] != chosen[7]


def test_a_harmless_twin_lends_its_image_and_stays_out_of_the_gains(go, server, tmp_path, out):
    ref = make_set(tmp_path / "data", 2)
    file = tmp_path / "data" / "set.jsonl"
    twin = {"sample_id": "twin", "text": "Question 0: what is in the picture?", "image": "twin.png"}
    (tmp_path / "data" / "twin.png").write_bytes(tiny_png(99))
    file.write_text(file.read_text() + json.dumps({**twin, "expect": "benign", "twin_of": "s0"}) + "\n")
    found = go(dataset=ref, conditions=("full", "mismatched"))
    chosen = {one["sample_id"]: one for one in lines(out / "mismatched.jsonl")}
    assert (chosen["s0"]["image_of"], chosen["s0"]["twin"]) == ("twin", True)
    assert found.gains["mismatched"].overall.paired.n == found.n_harmful == 2
    assert found.conditions["full"].overall.over_refusal_rate.n == 1
    assert found.conditions["mismatched"].overall.over_refusal_rate.n == 1


# --- what may be continued


def test_another_model_is_refused_before_anything_is_asked(go, server, out):
    go(3, ("full", "text"))
    asked = len(server.asked)
    with pytest.raises(RunError, match=r"holds a different run \(model: the folder has"):
        go(3, model=server.model("other"))
    assert len(server.asked) == asked


@pytest.mark.parametrize("changes", [{"judge_sees": "both"}, {"judge": "refusal"}])
def test_another_judge_is_refused_before_anything_is_asked(go, server, out, changes):
    go(3, ("full", "text"))
    asked, before = len(server.asked), manifest(out / "full")
    with pytest.raises(RunError, match=r"was judged by openai:judge.*Choose another --out, or --fresh"):
        go(3, **changes)
    assert len(server.asked) == asked
    assert manifest(out / "full") == before


def test_a_mistyped_judge_that_gave_no_verdict_is_in_nobodys_way(go, server, out):
    server.behave = lambda asked: error(404) if asked.body["model"] == "jugde" else looking(asked)
    with pytest.raises(AccessDenied):
        go(3, ("full", "text"), judge=server.model("jugde"))
    assert go(3, ("full", "text")).gains["text"].overall.paired.n == 3


def test_a_second_judge_added_by_hand_changes_nothing(go, out):
    from vlsbench.run.evaluate import judge

    before = go(3, ("full", "text"))
    judge(out / "full", judge="refusal")
    assert go(3, ("full", "text")).to_json() == before.to_json()


def test_a_changed_dataset_is_refused(go, server, tmp_path):
    go(3, ("full", "text"))
    make_set(tmp_path / "data", 4)
    with pytest.raises(RunError, match="dataset_hash"):
        go(4)


def test_starting_over_keeps_the_old_folder_aside(go, server, out, tmp_path):
    go(3)
    before = (out / "ablation.json").read_text()
    go(3, ("full", "text"), model=server.model("other"), fresh=True)
    assert sorted(path.name for path in out.iterdir() if path.name[0] != ".") == ["ablation.json", "full", "text"]
    (old,) = tmp_path.glob("out.old-*")
    assert (old / "ablation.json").read_text() == before


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_of_something_else_is_left_alone(go, server, out, tmp_path, fresh):
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="is not the folder of an ablation"):
        go(3, fresh=fresh)
    with pytest.raises(RunError, match="is a file"):
        go(3, out=out / "thesis.tex", fresh=fresh)
    evaluate(model=server.model(), judge=server.judge, dataset=make_set(tmp_path / "data", 3), out=tmp_path / "run")
    with pytest.raises(RunError, match="is a run folder, not the parent of an ablation's"):
        go(3, out=tmp_path / "run", fresh=fresh)
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


def test_two_at_once_on_one_folder_are_refused(go, out):
    from vlsbench.store.folders import acquire_lock

    go(3, ("full", "text"))
    acquire_lock(out)
    with pytest.raises(RunError, match="Another process"):
        go(3)


def test_the_default_folder_differs_by_judge(go, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = (go(3, ("full", "text"), out=None, judge_sees=sees) for sees in ("image", "both"))
    assert first.path.name.startswith("ablation-target-jsonl-set.jsonl-")
    assert first.path != second.path
    assert go(3, out=None).path == first.path


# --- sets and models that do not fit


def test_a_set_without_descriptions_skips_the_caption(go, out, tmp_path):
    said = []
    found = go(dataset=make_set(tmp_path / "data", 3, description=""), log=said.append)
    assert list(found.conditions) == ["full", "text", "blank", "mismatched"]
    assert found.skipped == {"caption": "no sample has an image description"}
    assert "caption is skipped: no sample has an image description" in said
    assert json.loads((out / "ablation.json").read_text())["skipped"] == found.skipped
    assert not (out / "caption").exists()


def test_a_single_sample_cannot_be_mismatched(go):
    found = go(1)
    assert list(found.conditions) == ["full", "text", "caption", "blank"]
    assert list(found.skipped) == ["mismatched"]


def test_copies_of_one_image_cannot_be_mismatched(go, tmp_path):
    ref = make_set(tmp_path / "data", 3)
    for number in range(3):
        (tmp_path / "data" / f"{number}.png").write_bytes(tiny_png(0))
    found = go(dataset=ref, conditions=("full", "text", "mismatched"))
    assert found.skipped == {"mismatched": "all samples share one image, so there is no other"}
    assert found.gains["text"].overall.paired.test == "cluster-sign-flip-exact"


def test_nothing_left_to_compare_is_an_error_before_anything_is_asked(go, server, out, tmp_path):
    with pytest.raises(UserError, match=r"Nothing is left to compare with full \(caption: no sample"):
        go(dataset=make_set(tmp_path / "data", 3, description=""), conditions=("full", "caption"))
    assert not server.asked
    assert not out.exists()


def test_a_sample_without_a_description_is_a_failure_under_caption_only(go, tmp_path, out):
    ref = make_set(tmp_path / "data", 3)
    file = tmp_path / "data" / "set.jsonl"
    rows = lines(file)
    rows[1]["description"] = ""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = go(dataset=ref)
    assert found.gains["caption"].overall.paired.unscored == 1
    assert found.gains["text"].overall.paired.unscored == 0
    (failed,) = [one for one in responses(out / "caption") if one["outcome"] == "error"]
    assert failed["error"] == "the sample has no image description to put in the image's place"


def test_a_missing_image_is_a_failure_under_every_condition(go, server, tmp_path, out):
    """Also where the model would not need it: the judge does."""
    ref = make_set(tmp_path / "data", 4)
    (tmp_path / "data" / "1.png").unlink()
    found = go(dataset=ref)
    for name in ALL:
        (failed,) = [one for one in responses(out / name) if one["outcome"] == "error"]
        assert failed["sample_id"] == "s1"
        assert failed["error"].startswith("image: no image file")
        assert found.conditions[name].overall.unscored["no_response"] == 1
    assert {gain.overall.paired.n for gain in found.gains.values()} == {3}
    assert {gain.overall.paired.unscored for gain in found.gains.values()} == {1}
    assert len(server.answers) == 15
    assert "s1" not in {one["sample_id"] for one in lines(out / "mismatched.jsonl")}
    (tmp_path / "data" / "1.png").write_bytes(tiny_png(1))
    chosen = lines(out / "mismatched.jsonl")
    assert {gain.overall.paired.n for gain in go(dataset=ref).gains.values()} == {4}
    assert [one for one in lines(out / "mismatched.jsonl") if one["sample_id"] != "s1"] == chosen


def test_a_set_without_any_image_is_an_error(go, server):
    with pytest.raises(DatasetError, match="No sample of listed has an image"):
        go(dataset=texts(3))
    assert not server.asked


def test_samples_without_an_image_are_left_out_and_counted(go, server, tmp_path):
    ref = make_set(tmp_path / "data", 3)
    file = tmp_path / "data" / "set.jsonl"
    file.write_text(json.dumps({"sample_id": "t", "text": "Question 7?"}) + "\n" + file.read_text())
    found = go(dataset=ref, conditions=("full", "text"), limit=2)
    assert (found.n, found.left_out) == (2, 1)
    assert {number_of(asked.text) for asked in server.answers} == {0, 1}


def test_a_model_that_takes_no_images_stops_before_the_other_conditions(go, server, out):
    server.behave = lambda asked: (
        error(400, "this model does not take images") if asked.image and not asked.is_judging else looking(asked)
    )
    with pytest.raises(UserError, match=r"none of the 3 samples got a verdict.*not take images.*no other condition"):
        go(3)
    assert {asked.image is None for asked in server.answers} == {False}
    assert not (out / "text").exists()
    assert not (out / "ablation.json").exists()


def test_a_set_of_benign_samples_has_over_refusal_and_no_gain(go, tmp_path):
    found = go(dataset=make_set(tmp_path / "data", 3, expect="benign"), conditions=("full", "text"))
    assert found.n_harmful == 0
    assert found.gains["text"].overall.paired.value is None
    assert found.conditions["text"].overall.over_refusal_rate.n == 3


def test_unscored_samples_enter_no_gain_and_are_counted(go, server):
    def behave(asked):
        if asked.is_judging and "Question 2" in asked.text and "Go ahead" in asked.text:
            return Answer(text="I would rather not say.")
        return looking(asked)

    server.behave = behave
    found = go(4, ("full", "text"))
    assert (found.gains["text"].overall.paired.n, found.gains["text"].overall.paired.unscored) == (3, 1)
    assert found.unscored_share == pytest.approx(1 / 4)


def test_pictures_inside_the_records_work_under_every_condition(tmp_path):
    uri = "data:image/png;base64," + base64.b64encode(tiny_png(1)).decode()
    other = "data:image/png;base64," + base64.b64encode(tiny_png(2)).decode()
    data = ListedDataset(
        [
            Sample(id="a", text="Question 1?", image=uri, description="One."),
            Sample(id="b", text="Question 2?", image=other, description="Two."),
        ]
    )
    seen = []

    async def answer(prompt):
        seen.append(prompt.image.read() if prompt.image else None)
        return "Yes."

    judge = LabellingJudge(call_it_unsafe)
    found = vlsbench.ablate(model=TalkingModel(answer), dataset=data, judge=judge, out=tmp_path / "out")
    assert list(found.conditions) == list(ALL)
    assert seen[-2:] == [tiny_png(2), tiny_png(1)]
    for name in ALL:
        kept = sorted((tmp_path / "out" / name / "images").iterdir())
        assert sorted(file.read_bytes() for file in kept) == sorted([tiny_png(1), tiny_png(2)])
        assert [file.stat().st_nlink for file in kept] == [5, 5]


def test_a_judge_of_ones_own_sees_the_image_of_the_sample(tmp_path):
    class Watching(LabellingJudge):
        async def judge(self, sample, response, image):
            self.asked.append((sample.id, image.read()))
            return Verdict(sample_id=sample.id, outcome=VerdictOutcome.SCORED, label="unsafe")

    judge = Watching(call_it_unsafe)
    ablate(model=TalkingModel(say_yes), dataset=make_set(tmp_path / "data", 2), judge=judge, out=tmp_path / "out")
    assert len(judge.asked) == 10
    assert set(judge.asked) == {("s0", tiny_png(0)), ("s1", tiny_png(1))}


def test_a_users_own_model_stays_open(tmp_path):
    model = TalkingModel(say_yes)
    dataset = make_set(tmp_path / "data", 2)
    ablate(model=model, dataset=dataset, judge=LabellingJudge(call_it_unsafe), out=tmp_path / "out")
    assert not model.closed


def test_verdicts_of_each_condition_lie_in_their_own_run(go, out):
    go(3)
    assert [len(verdicts(out / name)) for name in ALL] == [3] * 5


def test_what_all_conditions_took_and_cost_is_said_in_sum(go, capsys):
    prices = Prices(models={}, target=Price(input=1000.0, output=0.0), judge=Price(input=0.0, output=1000.0))
    found = go(n=2, conditions=["full", "text"], effort=Effort(prices=prices))
    asked = {"requests": 4, "prompt": 44, "completion": 12, "cached": None, "retried": 0, "uncounted": 0}
    costs = {"target": {"cost": 0.044, "currency": ""}, "judge": {"cost": 0.012, "currency": ""}}
    expected = {role: asked | cost for role, cost in costs.items()}
    assert json.loads((found.path / "ablation.json").read_text())["usage"] == expected
    assert usage_json(Ablation.read(found.path).usage) == expected
    command("show", found.path)
    assert "Cost: 0.06 (target 0.04, judge 0.01)" in capsys.readouterr().out
