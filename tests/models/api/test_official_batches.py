"""The official SDKs against the loopback provider: what speaks with ours also speaks with theirs."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from batch_anthropic import AnthropicWire
from batch_gemini import GeminiWire
from batch_server import EXPIRED, KEY, serve_batches

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def chat_line(number: int) -> dict[str, Any]:
    body = {"model": "target", "messages": [{"role": "user", "content": f"Question {number}?"}], "max_tokens": 9}
    return {"custom_id": f"c-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def test_openais() -> None:
    openai = pytest.importorskip("openai")
    with serve_batches() as server, openai.OpenAI(api_key=KEY, base_url=server.url, max_retries=0) as client:
        server.fate = lambda asked: EXPIRED if asked.text.endswith("3?") else "answered"
        lines = "".join(json.dumps(chat_line(number)) + "\n" for number in range(5))
        file = client.files.create(file=("mine.jsonl", lines.encode()), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"vlsbench": "k"}
        )
        assert [each.metadata for each in client.batches.list(limit=10)] == [{"vlsbench": "k"}]
        assert [each.filename for each in client.files.list(purpose="batch")] == ["mine.jsonl"]
        batch = client.batches.retrieve(batch.id)
        assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 4, 1)
        answers = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
        errors = [json.loads(line) for line in client.files.content(batch.error_file_id).text.splitlines()]
        assert sorted(line["custom_id"] for line in answers) == ["c-0", "c-1", "c-2", "c-4"]
        assert [line["error"]["code"] for line in errors] == ["batch_expired"]
        assert client.files.delete(file.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.files.content(file.id)
        with pytest.raises(openai.BadRequestError):
            client.files.create(file=("mine.txt", b"x"), purpose="batch")
        assert client.batches.cancel(batch.id).status == "cancelling"


def test_anthropics() -> None:
    anthropic = pytest.importorskip("anthropic")
    with (
        serve_batches(AnthropicWire()) as server,
        anthropic.Anthropic(api_key=KEY, base_url=server.origin, max_retries=0) as client,
    ):
        server.fate = lambda asked: EXPIRED if asked.text.endswith("3?") else "answered"
        batch = client.messages.batches.create(
            requests=[
                {
                    "custom_id": f"c-{number}",
                    "params": {
                        "model": "target",
                        "max_tokens": 9,
                        "messages": [{"role": "user", "content": f"Question {number}?"}],
                    },
                }
                for number in range(5)
            ]
        )
        assert batch.processing_status == "in_progress"
        assert [each.id for each in client.messages.batches.list(limit=10)] == [batch.id]
        batch = client.messages.batches.retrieve(batch.id)
        assert batch.processing_status == "ended"
        assert (batch.request_counts.succeeded, batch.request_counts.expired) == (4, 1)
        results = {each.custom_id: each.result for each in client.messages.batches.results(batch.id)}
        assert results["c-3"].type == "expired"
        assert results["c-1"].message.content[0].text == "A plain answer."
        client.messages.batches.delete(batch.id)
        with pytest.raises(anthropic.NotFoundError):
            client.messages.batches.retrieve(batch.id)
        with pytest.raises(anthropic.BadRequestError):
            client.messages.batches.create(requests=[{"custom_id": "not a name", "params": {"model": "m"}}])


def test_googles() -> None:
    genai = pytest.importorskip("google.genai")
    with serve_batches(GeminiWire()) as server:
        server.fate = lambda asked: EXPIRED if asked.text.endswith("3?") else "answered"
        client = genai.Client(api_key=KEY, http_options={"base_url": server.origin, "api_version": "v1beta"})
        asked = [[{"role": "user", "parts": [{"text": f"Question {number}?"}]}] for number in range(5)]
        rows = [{"key": f"c-{number}", "request": {"contents": contents}} for number, contents in enumerate(asked)]
        lines = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())
        file = client.files.upload(file=lines, config={"mime_type": "application/jsonl", "display_name": "mine"})
        batch = client.batches.create(model="target", src=file.name, config={"display_name": "k"})
        assert [each.display_name for each in client.batches.list()] == ["k"]
        batch = client.batches.get(name=batch.name)
        assert batch.state.name == "JOB_STATE_SUCCEEDED"
        data = client.files.download(file=batch.dest.file_name)
        results = {row["key"]: row for row in map(json.loads, data.decode().splitlines())}
        assert results["c-3"]["error"]["code"] == 1
        assert results["c-1"]["response"]["candidates"][0]["content"]["parts"][0]["text"] == "A plain answer."
        client.batches.delete(name=batch.name)
        client.files.delete(name=file.name)
        assert not server.jobs
        with pytest.raises(genai.errors.ClientError):
            client.batches.get(name=batch.name)
