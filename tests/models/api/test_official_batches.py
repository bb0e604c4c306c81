"""The official SDKs against the loopback provider: what speaks with ours also speaks with theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
