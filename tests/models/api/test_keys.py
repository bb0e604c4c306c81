"""Which key goes to which server, seen from the server; and that no key ever stays behind in a file."""

import json

import pytest

from loopback import Answer, error, helpful, serve, verdict
from vlsbench.cli.main import main
from vlsbench.core.errors import UserError
from vlsbench.models.api import keys
from vlsbench.run.evaluate import evaluate, judge
from vlsbench.run.loading import Effort

OPENAI_KEY = "sk-of-openai-0123456789"
OTHER_KEY = "key/of+another=server-987"
OPENAI = keys.OPENAI_URL
HERE = "http://localhost:8000/v1"
THERE = "http://localhost:8001/v1"


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "VLSBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def both_keys(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    monkeypatch.setenv("VLSBENCH_API_KEY", OTHER_KEY)


@pytest.fixture
def dataset(make_jsonl, tmp_path, make_picture):
    (tmp_path / "a.png").write_bytes(make_picture(1))
    return f"jsonl:{make_jsonl({'sample_id': 'a', 'text': 'What is this?', 'image': 'a.png'})}"


def authorization(asked):
    return asked.headers.get("Authorization")


# ---- which key, by the rules alone


def test_the_openai_key_goes_to_openai_only(both_keys):
    assert keys.key_for(OPENAI, None, [OPENAI]) == OPENAI_KEY
    assert keys.key_for(HERE, None, [HERE]) == OTHER_KEY
    assert keys.key_for(HERE, None, [HERE, OPENAI]) == OTHER_KEY
    assert keys.key_for(OPENAI, None, [HERE, OPENAI]) == OPENAI_KEY


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1",
        "https://api.openai.com:8443/v1",
        "https://api.openai.com.example.org/v1",
        "https://evil.example/api.openai.com/v1",
        "https://openai.com/v1",
    ],
)
def test_an_address_that_only_looks_like_openai_gets_no_openai_key(monkeypatch, url):
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    assert keys.key_for(url, None, [url]) is None


@pytest.mark.parametrize(
    "url", ["https://api.openai.com:443/v1", "https://API.OpenAI.com/v1", "https://api.openai.com"]
)
def test_an_origin_is_the_same_however_it_is_written(both_keys, url):
    assert keys.key_for(url, None, [url]) == OPENAI_KEY


def test_the_openai_key_goes_to_the_origin_of_the_openai_base_url(monkeypatch, both_keys):
    monkeypatch.setenv("OPENAI_BASE_URL", HERE)

    assert keys.default_url() == HERE
    assert keys.key_for("http://localhost:8000/another/v1", None, [HERE]) == OPENAI_KEY
    assert keys.key_for(THERE, None, [HERE, THERE]) == OTHER_KEY


def test_an_empty_base_url_counts_as_unset(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    assert keys.default_url() == OPENAI


def test_the_general_key_serves_a_single_other_origin_only(both_keys):
    assert keys.key_for(HERE, None, [HERE, HERE, "http://LOCALHOST:8000/v2"]) == OTHER_KEY
    assert keys.key_for(HERE, None, [HERE, THERE]) is None
    assert keys.key_for(THERE, None, [HERE, THERE]) is None


@pytest.mark.parametrize("empty", ["", "   "])
def test_an_empty_variable_counts_as_unset(monkeypatch, empty):
    monkeypatch.setenv("OPENAI_API_KEY", empty)
    monkeypatch.setenv("VLSBENCH_API_KEY", empty)
    monkeypatch.setenv("MINE", empty)

    assert keys.key_for(HERE, None, [HERE]) is None
    with pytest.raises(UserError, match="Set OPENAI_API_KEY"):
        keys.key_for(OPENAI, None, [OPENAI])
    with pytest.raises(UserError, match=r"MINE is not set \(or empty\)"):
        keys.key_for(HERE, "MINE", [HERE])


def test_a_named_variable_wins_even_at_openai(monkeypatch, both_keys):
    monkeypatch.setenv("MINE", "my-own-key")
    assert keys.key_for(OPENAI, "MINE", [OPENAI]) == "my-own-key"


@pytest.mark.parametrize("bad", ["two words", "line\nbreak", "schlüssel", "nul\x07"])
def test_a_key_that_cannot_be_a_header_is_refused_and_not_shown(monkeypatch, bad):
    monkeypatch.setenv("MINE", bad)
    with pytest.raises(UserError, match="MINE holds characters") as caught:
        keys.key_for(HERE, "MINE", [HERE])
    assert bad not in str(caught.value)


def test_a_key_in_place_of_a_variable_name_is_not_repeated():
    with pytest.raises(UserError, match="take the name of an environment variable") as caught:
        keys.key_for(HERE, "sk-proj-abcdef", [HERE])
    assert "abcdef" not in str(caught.value)


# ---- what an address may hold


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:s3cr3t@localhost/v1",
        "http://s3cr3t@localhost/v1",
        "http://:s3cr3t@localhost/v1",
        "https:ann:s3cr3t@localhost/v1",
        "http:///ann:s3cr3t@localhost/v1",
        "http://ann:s3cr3t@local[host/v1",
        "http://localhost\\@s3cr3t/v1",
        "http://localhost/v1?key=s3cr3t",
        "http://localhost/v1#s3cr3t",
    ],
)
def test_secrets_in_an_address_are_refused_and_not_repeated(url, capsys, tmp_path):
    with pytest.raises(UserError) as caught:
        keys.origin(url)
    assert "s3cr3t" not in str(caught.value)

    for ref in (f"openai:m@{url}", f"openai:m@{url.replace('http', 'HTTP', 1)}", f"openai:{url}@http://localhost/v1"):
        code = main(["eval", "--model", ref, "--dataset", "jsonl:none", "--judge", "refusal", "--dry-run"])
        assert code == 2
        assert "s3cr3t" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000/v1",
        "ftp://localhost/v1",
        "http://",
        "http://localhost:99999/v1",
        "http://[::1/v1",
        "http://xn--/v1",
        "http://ex\u200bample/v1",
        "http://host\\x/v1",
        "http://ho st/v1",
        "http://host/v1\n",
    ],
)
def test_an_address_that_is_none_is_a_user_error(url):
    with pytest.raises(UserError):
        keys.origin(url)


# ---- which key, seen by the servers


def test_the_key_for_the_base_url_reaches_it(monkeypatch, both_keys, dataset, tmp_path):
    with serve() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        evaluate(model="openai:target", dataset=dataset, judge="openai:judge", out=tmp_path / "run")

    assert {authorization(asked) for asked in server.asked} == {f"Bearer {OPENAI_KEY}"}
    assert len(server.asked) == 2


def test_each_server_gets_the_key_named_for_its_reference(monkeypatch, both_keys, dataset, tmp_path):
    monkeypatch.setenv("FOR_MODEL", "model-key-1")
    monkeypatch.setenv("FOR_JUDGE", "judge-key-2")
    effort = Effort(model_key_env="FOR_MODEL", judge_key_env="FOR_JUDGE")
    with serve() as one, serve() as other:
        evaluate(model=one.model(), dataset=dataset, judge=other.judge, out=tmp_path / "run", effort=effort)

    assert [authorization(asked) for asked in one.asked] == ["Bearer model-key-1"]
    assert [authorization(asked) for asked in other.asked] == ["Bearer judge-key-2"]


def test_two_other_origins_get_no_general_key(both_keys, dataset, tmp_path):
    with serve() as one, serve() as other:
        evaluate(model=one.model(), dataset=dataset, judge=other.judge, out=tmp_path / "run")
        assert [authorization(asked) for asked in (*one.asked, *other.asked)] == [None, None]


def test_one_other_origin_gets_the_general_key(both_keys, dataset, tmp_path):
    with serve() as server:
        evaluate(model=server.model(), dataset=dataset, judge=server.judge, out=tmp_path / "run")
        assert {authorization(asked) for asked in server.asked} == {f"Bearer {OTHER_KEY}"}


def test_judging_again_elsewhere_sends_the_general_key_to_the_judge_alone(both_keys, dataset, tmp_path):
    with serve() as one, serve() as other:
        evaluate(model=one.model(), dataset=dataset, judge="refusal", out=tmp_path / "run")
        judge(tmp_path / "run", judge=other.judge)

    assert [authorization(asked) for asked in other.asked] == [f"Bearer {OTHER_KEY}"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_origin_carries_no_key(status, both_keys, dataset, tmp_path):
    with serve() as stranger:
        moved = Answer(status=status, body=b"", headers={"Location": f"{stranger.url}/chat/completions"})
        with serve(lambda asked: moved) as server:
            evaluate(model=server.model(), dataset=dataset, judge="refusal", out=tmp_path / "run")

    assert [authorization(asked) for asked in server.asked] == [f"Bearer {OTHER_KEY}"]
    assert [authorization(asked) for asked in stranger.asked] == [None]
    assert stranger.asked[0].body == server.asked[0].body


def test_a_redirect_within_the_origin_carries_the_key(both_keys, dataset, tmp_path):
    def behave(asked):
        return Answer() if asked.path == "/new" else Answer(status=308, body=b"", headers={"Location": "/new"})

    with serve(behave) as server:
        evaluate(model=server.model(), dataset=dataset, judge="refusal", out=tmp_path / "run")

    assert [authorization(asked) for asked in server.asked] == [f"Bearer {OTHER_KEY}"] * 2


def test_credentials_in_a_redirect_are_not_used(both_keys, dataset, tmp_path):
    with serve() as stranger:
        address = f"{stranger.url}/chat/completions".replace("http://", "http://ann:s3cr3t@")
        with serve(lambda asked: Answer(status=307, body=b"", headers={"Location": address})) as server:
            evaluate(model=server.model(), dataset=dataset, judge="refusal", out=tmp_path / "run")

    assert [authorization(asked) for asked in stranger.asked] == [None]


# ---- nothing stays behind


def escaped(text):
    """JSON may write any character as an escape; a server that echoes a key may do so."""
    return "".join(f"\\u{ord(char):04x}" for char in text)


def _completion(content, model="m"):
    choice = f'{{"message": {{"content": "{content}"}}, "finish_reason": "stop"}}'
    return Answer(body=f'{{"model": "{model}", "choices": [{choice}]}}'.encode())


ECHOES = {
    "in an answer": lambda key: Answer(text=f"Your key is {key}."),
    "in an escaped answer": lambda key: _completion(escaped(key)),
    "with escaped slashes": lambda key: _completion(key.replace("/", "\\/")),
    "as the model's name": lambda key: _completion("Hello.", model=escaped(key)),
    "as a refusal": lambda key: Answer(text=None, refusal=f"Not with {key}"),
    "as a finish reason": lambda key: Answer(finish_reason=key),
    "in an error": lambda key: error(400, f"bad key {key}", code=key, param=key),
    "in an escaped error": lambda key: Answer(
        status=400, body=f'{{"error": {{"message": "{"x" * 390} {escaped(key)}"}}}}'.encode()
    ),
    "in a long plain error": lambda key: Answer(status=400, body=(" " * 390 + key).encode()),
    "in an error inside a good status": lambda key: Answer(body=json.dumps({"error": {"message": key}}).encode()),
    "with a refused key": lambda key: error(401, f"Incorrect API key provided: {key}"),
    "with no credit": lambda key: error(402, f"{key} is out of credit"),
    "blocked": lambda key: error(400, f"{key}", code="content_filter"),
    "in a verdict": lambda key: verdict("unsafe", f"the key was {key}"),
    "in a redirect": lambda key: Answer(status=307, body=b"", headers={"Location": f"http://{key}/"}),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("role", ["model", "judge"])
def test_a_key_that_a_server_echoes_is_in_no_file_and_in_no_output(
    echo, role, monkeypatch, dataset, tmp_path, capfd, no_waiting
):
    monkeypatch.setenv("VLSBENCH_API_KEY", OTHER_KEY)

    def behave(asked):
        return echo(OTHER_KEY) if asked.is_judging == (role == "judge") else helpful(asked)

    run = tmp_path / "run"
    with serve(behave) as server:
        args = ["--model", server.model(), "--dataset", dataset, "--judge", server.judge, "--out", str(run)]
        assert main(["eval", *args]) in (0, 1, 2, 3)
        main(["show", str(run)])

    assert server.asked
    assert {authorization(asked) for asked in server.asked} == {f"Bearer {OTHER_KEY}"}
    printed = "".join(capfd.readouterr())
    files = [file for file in run.rglob("*") if file.is_file()]
    assert any(file.name == "responses.jsonl" for file in files)
    for text in (printed, *(file.read_bytes().decode() for file in files)):
        assert OTHER_KEY not in text
        assert OTHER_KEY not in text.replace("\\/", "/")
        assert OTHER_KEY[:12] not in text


def test_a_key_that_is_there_but_was_withheld_is_named_with_the_way_to_allow_it(dataset, tmp_path, both_keys, capsys):
    with serve(lambda _: error(401, "no key")) as model, serve(lambda _: verdict("refusal")) as other:
        refs = ("--model", f"openai:m@{model.url}", "--judge", f"openai:j@{other.url}")
        assert main(["eval", *refs, "--dataset", dataset, "--out", str(tmp_path / "run")]) == 2
        told = capsys.readouterr().err
        assert f"the key in VLSBENCH_API_KEY was not sent to {model.url.removesuffix('/v1')}" in told
        assert "--model-key-env VLSBENCH_API_KEY" in told
        assert OTHER_KEY not in told


def test_the_key_of_a_provider_is_not_for_others_and_that_is_said(monkeypatch):
    assert "or set VLSBENCH_API_KEY" in keys.how_to_send(HERE)
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    assert "OPENAI_API_KEY was not sent to http://localhost:8000, since it goes to its provider" in keys.how_to_send(
        HERE
    )
