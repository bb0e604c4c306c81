"""`vlsbench sweep` as a user meets it."""

from __future__ import annotations

import json

import pytest

from builders import hurry, make_set, manifest, only_judge, responses, summary, verdicts, vlsbench
from loopback import Answer, error, serve, verdict


@pytest.fixture(autouse=True)
def _quick_and_without_keys(monkeypatch, tmp_path):
    hurry(monkeypatch)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VLSBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def careful(asked):
    if asked.is_judging:
        return verdict("warning" if "Careful" in asked.text else "unsafe")
    return Answer(text="Careful." if asked.body["model"] == "shy" else "Go ahead.")


@pytest.fixture
def server():
    with serve(careful) as running:
        yield running


@pytest.fixture
def two_sets(tmp_path):
    return make_set(tmp_path / "a", 3), make_set(tmp_path / "b", 2, category="Harbour")


def toml(tmp_path, text, **named):
    for name, value in named.items():
        text = text.replace(f"${name}", value)
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    return path


def folders(tmp_path):
    return sorted(path for path in (tmp_path / "out").iterdir() if path.is_dir())


MATRIX = """
out = "out"
models = ["$bold", { ref = "$shy", max_tokens = 64 }]
datasets = ["$a", { ref = "$b", limit = 1 }]
judges = ["$judge", "refusal"]
system = "Be brief."
"""


@pytest.fixture
def matrix(tmp_path, server, two_sets):
    names = {"bold": server.model("bold"), "shy": server.model("shy"), "judge": server.judge}
    return toml(tmp_path, MATRIX, **names, a=two_sets[0], b=two_sets[1])


def test_every_model_meets_every_dataset_and_is_judged_by_every_judge(matrix, tmp_path, server, capsys):
    assert vlsbench("sweep", matrix) == 0
    made = folders(tmp_path)
    assert len(made) == 4
    for run in made:
        assert len(manifest(run)["judges"]) == 2
        assert manifest(run)["system"] == "Be brief."
        assert manifest(run)["max_tokens"] == (64 if "shy" in run.name else 128)
    assert sum(len(responses(run)) for run in made) == 2 * (3 + 1) == len(server.answers)
    assert sum(len(verdicts(run)) for run in made) == 2 * 2 * (3 + 1)
    shown = capsys.readouterr()
    for part in ("openai:bold", "Ranks by safety", "Differences in safety", "4 cells made or continued"):
        assert part in shown.out
    assert "4 of 4" in shown.err


def test_the_same_command_passes_over_what_is_finished_and_takes_up_what_is_added(matrix, tmp_path, server, capsys):
    assert vlsbench("sweep", matrix, "--quiet") == 0
    asked = len(server.asked)
    assert vlsbench("sweep", matrix, "--quiet") == 0
    assert len(server.asked) == asked
    assert "4 finished before" in capsys.readouterr().out
    matrix.write_text(matrix.read_text().replace("models = [", f'models = ["{server.model("third")}", '))
    assert vlsbench("sweep", matrix, "--quiet") == 0
    assert len(folders(tmp_path)) == 6
    assert len(server.answers) == 12


def test_a_verdict_that_is_missing_is_asked_for_again(matrix, tmp_path, server):
    assert vlsbench("sweep", matrix, "--quiet") == 0
    run = folders(tmp_path)[0]
    path = next(path for path in run.glob("verdicts/*.jsonl") if "refusal" not in path.name)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    before = len(server.verdicts), len(server.answers)
    assert vlsbench("sweep", matrix, "--quiet") == 0
    assert (len(server.verdicts), len(server.answers)) == (before[0] + 1, before[1])


def test_the_runs_are_those_that_eval_makes(matrix, tmp_path, server, two_sets):
    assert vlsbench("sweep", matrix, "--quiet") == 0
    run = next(path for path in folders(tmp_path) if "bold" in path.name and manifest(path)["limit"] is None)
    asked = len(server.asked)
    words = ["eval", "--model", server.model("bold"), "--dataset", two_sets[0], "--judge", server.judge]
    assert vlsbench(*words, "--system", "Be brief.", "--out", run, "--quiet") == 0
    assert len(server.asked) == asked


def test_without_a_file_the_command_line_says_the_same(tmp_path, server, two_sets, capsys):
    words = ["--model", server.model("bold"), "--model", server.model("shy"), "--dataset", two_sets[0]]
    assert vlsbench("sweep", *words, "--dataset", two_sets[1], "--judge", server.judge, "--out", "out", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [cell["failed"] for cell in found["cells"]] == [None] * 4
    assert len(found["tables"]) == 1
    assert len(found["leaderboards"]) == len(found["comparisons"]) == 2


def test_an_option_of_the_command_line_counts_for_every_cell_of_a_file(matrix, tmp_path):
    assert vlsbench("sweep", matrix, "--max-tokens", "128", "--limit", "1", "--quiet") == 0
    assert {manifest(run)["max_tokens"] for run in folders(tmp_path)} == {128}
    assert {manifest(run)["limit"] for run in folders(tmp_path)} == {1}


def test_a_cell_that_fails_is_reported_and_the_others_go_on(tmp_path, two_sets, capsys):
    def unknown(asked):
        return error(404, "no such model") if asked.body["model"] == "gone" else careful(asked)

    with serve(unknown) as server:
        words = ["sweep", "--model", server.model("gone"), "--model", server.model("shy"), "--dataset", two_sets[0]]
        assert vlsbench(*words, "--judge", "refusal", "--out", "out") == 1
        shown = capsys.readouterr()
        assert "1 failed" in shown.out
        assert "no such model" in shown.out
        assert "openai:shy" in shown.out
        assert "1 cell of 2 failed. The same command tries again." in shown.err


def test_more_unscored_samples_than_allowed_are_exit_1(tmp_path, two_sets, capsys):
    with serve(lambda asked: error(400, "no") if "Question 1" in asked.text else careful(asked)) as server:
        words = ["sweep", "--model", server.model("shy"), "--dataset", two_sets[0], "--judge", "refusal"]
        assert vlsbench(*words, "--out", "out", "--quiet") == 1
        assert "1 cell of 1 left more samples unscored than --max-unscored 0.05 allows" in capsys.readouterr().err
        assert vlsbench(*words, "--out", "out", "--quiet", "--max-unscored", "0.5") == 0


def test_every_mistake_is_found_before_the_first_request(tmp_path, server, two_sets, capsys):
    path = toml(
        tmp_path,
        'out = "out"\nmodels = ["$good", "hf:./nowhere", "openai:gpt-4o", "opnai:x"]\n'
        'datasets = ["jsonl:gone.jsonl", "$a", "figstp"]\n'
        'judges = ["refusal"]\n',
        good=server.model("shy"),
        a=two_sets[0],
    )
    assert vlsbench("sweep", path) == 2
    shown = capsys.readouterr().err
    for part in (
        "No folder at './nowhere'",
        "No API key for OpenAI",
        "Did you mean 'openai'",
        "Did you mean 'figstep'",
        "There is no file gone.jsonl",
    ):
        assert part in shown
    heading, *lines = shown.splitlines()
    assert heading == f"vlsbench: {len(lines)} things have to change first:"
    assert all(line.startswith("  - ") for line in lines)
    assert server.asked == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('models = ["a"]\ndatsets = ["b"]', "No setting named 'datsets'. Did you mean 'datasets'"),
        (
            'models = [{ ref = "a", batchsize = 2 }]\ndatasets = ["b"]',
            "models[1]: No setting named 'batchsize'. Did you",
        ),
        ('models = []\ndatasets = ["b"]', "no model is named"),
        ('models = ["a"]', "no dataset is named"),
        ('models = ["a", "a"]\ndatasets = ["b"]', "models[2]: a is named twice"),
        ('models = ["a", ""]\ndatasets = ["b"]', "models[2] is a reference or a table with one"),
        ('models = [3]\ndatasets = ["b"]', "models[1] is a reference or a table with one"),
        ("models = 3\ndatasets = ['b']", "models is a list of references, not 3"),
        ('models = ["a"]\ndatasets = ["b"]\nlimit = "ten"', "should be a whole number of 1 or more, not 'ten'"),
        ('models = ["a"]\ndatasets = ["b"]\nlimit = true', "--limit: expected one argument"),
        ('models = ["a"]\ndatasets = ["b"]\nsystem = [[1]]', "system takes a text, a number, true or false"),
        ('models = ["a"]\ndatasets = ["b"]\nslots = 0', "slots is a whole number of 1 or more, not 0"),
        ('models = ["a"]\ndatasets = ["b"]\nmax_unscored = 2', "max_unscored is a number between 0 and 1"),
        ('models = ["a"]\ndatasets = ["b"]\nreport = "yes"', "report is true or false, not 'yes'"),
        ('models = ["a"]\ndatasets = ["b"]\nconditions = "full"', "conditions is a list of texts"),
        ('models = ["a"]\ndatasets = ["b"]\nshard = "1/2"', "No setting named 'shard'"),
        (
            'models = ["a"]\ndatasets = ["b"]\njudges = [{ ref = "c", limit = 3 }]',
            "judges[1]: No setting named 'limit'",
        ),
        ('models = ["a"]\ndatasets = ["b"]\n[[overrides]]\nlimit = 3', "overrides[1] says of no cell"),
        ('models = ["a"]\ndatasets = ["b"]\noverrides = [3]', "overrides is a list of tables"),
        ("models = [", "is no TOML"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_place(text, message, tmp_path, capsys):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    assert vlsbench("sweep", path) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys):
    assert vlsbench("sweep", "nowhere.toml") == 2
    assert "nowhere.toml cannot be read" in capsys.readouterr().err


def test_a_file_and_models_on_the_command_line_do_not_mix(matrix, capsys):
    assert vlsbench("sweep", matrix, "--model", "mini:base") == 2
    assert "leave out --model, or the file" in capsys.readouterr().err


def test_a_sweep_is_not_sharded(matrix, capsys):
    assert vlsbench("sweep", matrix, "--shard", "1/2") == 2
    assert "A sweep is not sharded" in capsys.readouterr().err


def test_the_same_cell_twice_is_refused(tmp_path, server, two_sets, capsys):
    path = toml(
        tmp_path,
        'models = ["$m", { ref = "$m", max_tokens = 128 }]\ndatasets = ["$a"]\njudges = ["refusal"]',
        m=server.model("shy"),
        a=two_sets[0],
    )
    assert vlsbench("sweep", path) == 2
    assert "is asked for twice, with the same samples and settings" in capsys.readouterr().err


def test_overrides_change_the_cells_that_fit_and_can_leave_them_out(tmp_path, server, two_sets):
    path = toml(
        tmp_path,
        """out = "out"
models = ["$bold", "$shy"]
datasets = ["$a", "$b"]
judges = ["refusal"]
[[overrides]]
model = "*shy*"
dataset = "*/b/*"
skip = true
[[overrides]]
dataset = "*/a/*"
limit = 1
judges = ["$judge"]
""",
        bold=server.model("bold"),
        shy=server.model("shy"),
        judge=server.judge,
        a=two_sets[0],
        b=two_sets[1],
    )
    assert vlsbench("sweep", path, "--quiet") == 0
    found = {(run.name.split("-jsonl")[0].split("-127")[0], manifest(run)["limit"]) for run in folders(tmp_path)}
    assert {limit for _, limit in found} == {1, None}
    assert len(folders(tmp_path)) == 3
    for run in folders(tmp_path):
        (entry,) = manifest(run)["judges"].values()
        assert entry["judge"].startswith("openai:judge") == (manifest(run)["limit"] == 1)


def test_only_takes_the_cells_whose_name_fits(matrix, tmp_path, capsys):
    assert vlsbench("sweep", matrix, "--only", "openai:shy*", "--quiet") == 0
    assert len(folders(tmp_path)) == 2
    assert all("shy" in run.name for run in folders(tmp_path))
    assert vlsbench("sweep", matrix, "--only", "hy*", "--quiet") == 2
    assert vlsbench("sweep", matrix, "--only", "nobody", "--quiet") == 2
    assert "No cell fits --only nobody" in capsys.readouterr().err


def test_a_dry_run_sums_up_and_contacts_nobody(matrix, tmp_path, server, capsys):
    assert vlsbench("sweep", matrix, "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert server.asked == []
    assert not (tmp_path / "out").exists()
    assert len(found["cells"]) == 4
    assert found["total"]["answer_requests"] == found["total"]["judge_requests"] == 8
    assert found["total"]["output_tokens"] == sum(cell["output_tokens"] for cell in found["cells"])
    assert vlsbench("sweep", matrix, "--dry-run", "--price-in", "1", "--price-out", "2") == 0
    assert "cost (estimate)" in capsys.readouterr().out
    assert vlsbench("sweep", matrix, "--quiet") == 0
    capsys.readouterr()
    assert vlsbench("sweep", matrix, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["total"]["answer_requests"] == 0


def test_conditions_make_ablations_and_guards_audits(tmp_path, server, capsys):
    words = ["sweep", "--model", server.model("bold"), "--model", server.model("shy"), "--dataset", "mini:leaky:6"]
    words += ["--judge", "refusal", "--conditions", "full,text", "--audit", "guard:world", "--out", "out"]
    assert vlsbench(*words, "--quiet") == 0
    made = folders(tmp_path)
    assert sum((path / "ablation.json").exists() for path in made) == 2
    assert sum((path / "audit.json").exists() for path in made) == 1
    assert "Ranks by" in capsys.readouterr().out
    asked = len(server.asked)
    assert vlsbench(*words, "--quiet") == 0
    assert len(server.asked) == asked
    assert "3 finished before" in capsys.readouterr().out


def test_further_judges_judge_every_condition(tmp_path, server, two_sets):
    words = ["sweep", "--model", server.model("bold"), "--dataset", two_sets[0], "--judge", server.judge]
    assert vlsbench(*words, "--judge", "refusal", "--conditions", "full,text", "--out", "out", "--quiet") == 0
    (ablation,) = folders(tmp_path)
    assert [len(manifest(ablation / name)["judges"]) for name in ("full", "text")] == [2, 2]
    assert len(verdicts(ablation / "text")) == 6


def test_a_rubric_for_all_judges_is_not_for_those_that_take_none(tmp_path, server, two_sets):
    words = ["sweep", "--model", server.model("bold"), "--dataset", two_sets[0], "--judge", server.judge]
    assert vlsbench(*words, "--judge", "refusal", "--judge-sees", "both", "--out", "out", "--quiet") == 0
    (run,) = folders(tmp_path)

    assert sorted(entry.get("sees", "") for entry in manifest(run)["judges"].values()) == ["", "both"]


def test_the_report_is_one_page_about_all_of_it(matrix, tmp_path, capsys):
    assert vlsbench("sweep", matrix, "--report", "--quiet") == 0
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000
    assert "Report: out/report.html" in capsys.readouterr().out


def test_the_miniature_world_needs_no_judge_to_be_named(tmp_path, server):
    assert (
        vlsbench("sweep", "--model", server.model("shy"), "--dataset", "mini:leaky:3", "--out", "out") == 1
    )  # it says what no template reads
    (run,) = folders(tmp_path)
    assert [entry["judge"] for entry in manifest(run)["judges"].values()] == ["template"]


def test_a_dataset_without_a_judge_is_a_mistake(server, two_sets, capsys):
    assert vlsbench("sweep", "--model", server.model("shy"), "--dataset", two_sets[0], "--out", "out") == 2
    assert "No judge is named for jsonl:" in capsys.readouterr().err


def test_questions_with_a_right_answer_have_a_judge_of_their_own_beside_those_of_safety(tmp_path, server):
    line = '{"sample_id": "q", "text": "Is it red?", "answer": "yes"}\n'
    (tmp_path / "quiz.jsonl").write_text(line, encoding="utf-8")
    sets = ["--dataset", "mini:leaky:2", "--dataset", f"jsonl:{tmp_path / 'quiz.jsonl'}"]
    vlsbench("sweep", "--model", server.model("shy"), *sets, "--judge", "refusal", "--out", tmp_path / "out")
    judges = {only_judge(summary(path.parent))["judge"] for path in (tmp_path / "out").rglob("summary.json")}
    assert judges == {"refusal", "choice"}


def test_servers_of_a_model_share_its_cells(tmp_path, two_sets):
    with serve(careful) as one, serve(careful) as other:
        words = ["sweep", "--model", "openai:shy", "--servers", f"{one.url},{other.url}", "--judge", "refusal"]
        assert vlsbench(*words, "--dataset", two_sets[0], "--dataset", two_sets[1], "--out", "out", "--quiet") == 0
        assert len(one.answers) + len(other.answers) == 5
        assert len(one.answers) * len(other.answers) > 0
        assert vlsbench(*words, "--dataset", two_sets[0], "--out", "out", "--quiet") == 0
        assert len(one.answers) + len(other.answers) == 5
    assert len(folders(tmp_path)) == 2


def test_ability_stands_beside_safety_in_one_table(tmp_path, server, two_sets, capsys):
    (tmp_path / "quiz.jsonl").write_text('{"sample_id": "1", "text": "Is it?", "answer": "yes"}\n')
    (tmp_path / "s.toml").write_text(
        f'out = "out"\nmax_unscored = 1.0\nmodels = ["{server.model("shy")}"]\n'
        f'datasets = ["{two_sets[0]}", {{ ref = "jsonl:quiz.jsonl", judges = ["choice"] }}]\n'
        f'judges = ["{server.judge}", "refusal"]\n'
    )
    assert vlsbench("sweep", "s.toml", "--quiet", "--json") == 0
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    assert [one["measure"] for one in table["datasets"]] == ["safety", "accuracy"]


def test_questions_with_a_right_answer_need_no_judge(tmp_path, server):
    (tmp_path / "quiz.jsonl").write_text('{"sample_id": "1", "text": "Is it?", "answer": "yes"}\n')
    words = ["sweep", "--model", server.model("shy"), "--dataset", "jsonl:quiz.jsonl", "--out", "out", "--quiet"]
    assert vlsbench(*words, "--max-unscored", "1") == 0
    (run,) = folders(tmp_path)
    assert [entry["judge"] for entry in manifest(run)["judges"].values()] == ["choice"]


def test_models_judges_and_guards_of_a_sweep_may_have_several_servers(tmp_path, server, two_sets):
    with serve(careful) as other:
        both = f'["{server.url}", "{other.url}"]'
        path = toml(
            tmp_path,
            f"""
            out = "out"
            models = [{{ ref = "openai:bold", servers = {both} }}]
            datasets = ["$a"]
            judges = ["openai:judge"]
            judge_servers = {both}
            audit = [{{ ref = "openai:judge", guard_servers = "{other.url}" }}]
            """,
            a=two_sets[0],
        )
        code = vlsbench("sweep", str(path), "--quiet")
    assert code == 0
    assert server.asked
    (run,) = (folder for folder in folders(tmp_path) if (folder / "responses.jsonl").exists())
    assert manifest(run)["parameters"]["addresses"] == [server.url, other.url]


def test_servers_of_judges_are_for_those_that_may_be_there(tmp_path, server, two_sets, capsys):
    words = ("sweep", "--model", server.model("bold"), "--dataset", two_sets[0], "--out", tmp_path / "out", "--quiet")
    with serve(careful) as judging:
        servers = ("--judge-servers", judging.url)
        assert vlsbench(*words, "--judge", "refusal", *servers) == 2
        assert "no cell has one" in capsys.readouterr().err
        assert vlsbench(*words, "--judge", "refusal", "--judge", "openai:judge", *servers) == 0
        assert judging.asked
    assert len(list((tmp_path / "out").glob("*/verdicts/*.jsonl"))) == 2


def test_prices_that_name_none_of_the_models_are_found_before_the_first_request(server, tmp_path, capsys):
    prices = tmp_path / "prices.toml"
    prices.write_text('["openai:jugde"]\ninput = 1\noutput = 1\n')
    words = ("sweep", "--model", server.model(), "--judge", server.judge, "--dataset", make_set(tmp_path / "set", 2))
    words += ("--out", tmp_path / "sweep", "--prices", prices)
    assert vlsbench(*words) == 2
    assert "Did you mean 'openai:jugde'?" in capsys.readouterr().err
    assert not server.asked
    prices.write_text('["openai:judge"]\ninput = 1\noutput = 1\n')
    assert vlsbench(*words) == 0
    assert "No price for a model named 'openai:target'." in capsys.readouterr().err


def test_a_dry_run_counts_what_an_audits_guard_costs(tmp_path, capsys):
    words = ("sweep", "--dataset", make_set(tmp_path / "data", 4), "--audit", "guard:openai:g@http://127.0.0.1:9/v1")
    words = (*words, "--model", "mini:base", "--judge", "refusal", "--out", tmp_path / "out", "--dry-run", "--json")
    (tmp_path / "p.toml").write_text('currency = "EUR"\n["openai:g"]\ninput = 1000\noutput = 100\n')
    assert vlsbench(*words, "--prices", tmp_path / "p.toml") == 0
    found = json.loads(capsys.readouterr().out)
    audit = next(cell for cell in found["cells"] if cell["judge_requests"])
    assert audit["judge_requests"] == 12
    assert audit["cost"] == pytest.approx((audit["input_tokens"] * 1000 + audit["output_tokens"] * 100) / 1e6)
    assert (found["total"]["cost"], found["total"]["currency"]) == (audit["cost"], "EUR")
