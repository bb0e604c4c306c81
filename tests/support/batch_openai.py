"""OpenAI's files and batches, as https://platform.openai.com/docs/api-reference/batch describes them."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from batch_server import ANSWERED, KEY, REFUSED, BadRequest, BatchServer, Job, Line, Question

_BODY = {"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "seed", "response_format"}
_BATCH = {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}
_ENDPOINT = "/v1/chat/completions"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _error(message: str, status: int = 400, **fields: Any) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "invalid_request_error", **fields}}, status=status)


def question(body: dict[str, Any]) -> Question:
    """What a chat completion asks."""
    if unknown := set(body) - _BODY:
        raise BadRequest(f"Unrecognized request argument supplied: {sorted(unknown)[0]}")
    user = next(message["content"] for message in body["messages"] if message["role"] == "user")
    system = next((message["content"] for message in body["messages"] if message["role"] == "system"), None)
    parts = [{"type": "text", "text": user}] if isinstance(user, str) else user
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    image = next((part["image_url"]["url"] for part in parts if part["type"] == "image_url"), None)
    later = "".join(message["content"] for message in body["messages"] if message["role"] == "assistant")
    return Question(body["model"], text + later, image, system)


def completion(body: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": f"{body['model']}-2026",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }


class OpenAIWire:
    """The protocol; `takes` are its parameters that the model refuses, by name."""

    def __init__(self, *, refuses: tuple[str, ...] = ()) -> None:
        self.refuses = refuses

    def routes(self, server: BatchServer) -> list[web.RouteDef]:
        self.server = server
        found: list[tuple[str, str, Handler]] = [
            ("POST", "/v1/chat/completions", self.chat),
            ("POST", "/v1/files", self.upload),
            ("GET", "/v1/files", self.list_files),
            ("GET", "/v1/files/{id}", self.file),
            ("GET", "/v1/files/{id}/content", self.content),
            ("DELETE", "/v1/files/{id}", self.delete),
            ("POST", "/v1/batches", self.create),
            ("GET", "/v1/batches", self.list_batches),
            ("GET", "/v1/batches/{id}", self.batch),
            ("POST", "/v1/batches/{id}/cancel", self.cancel),
        ]
        return [web.route(method, path, self._guarded(handler)) for method, path, handler in found]

    def _guarded(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bearer {KEY}":
                return _error("Incorrect API key provided", 401)
            try:
                return await handler(request)
            except BadRequest as error:
                return _error(str(error), error.status)

        return handle

    def _check(self, body: dict[str, Any]) -> Question:
        asked = question(body)
        for name in self.refuses:
            if name in body:
                raise BadRequest(
                    f"Unsupported parameter: '{name}' is not supported with this model. "
                    "Use 'max_completion_tokens' instead."
                )
        return asked

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        asked = self._check(body)
        if self.server.fate(asked) == REFUSED:
            raise BadRequest("this request is refused")
        return web.json_response(completion(body, self.server.say(asked, directly=True)))

    async def upload(self, request: web.Request) -> web.StreamResponse:
        if request.content_length is None:
            raise BadRequest("a length is required", 411)
        fields: dict[str, bytes] = {}
        name = ""
        async for part in await request.multipart():
            fields[part.name or ""] = bytes(await part.read())
            name = part.filename or name
        if (
            set(fields) - {"purpose", "file", "expires_after"}
            or fields.get("purpose") != b"batch"
            or "file" not in fields
        ):
            raise BadRequest(f"these fields are not understood: {sorted(fields)}")
        if len(fields["file"]) > self.server.max_bytes or not name.endswith(".jsonl"):
            raise BadRequest(f"{name} is no .jsonl file of at most {self.server.max_bytes} bytes")
        return web.json_response(self._file(self._store(name, fields["file"], "batch")))

    def _store(self, name: str, data: bytes, purpose: str) -> str:
        file = f"file-{self.server.number()}"
        self.server.files[file] = {"name": name, "data": data, "purpose": purpose, "created": int(time.time())}
        return file

    def _file(self, file: str) -> dict[str, Any]:
        if (found := self.server.files.get(file)) is None:
            raise BadRequest(f"No such File object: {file}", 404)
        return {
            "id": file,
            "object": "file",
            "bytes": len(found["data"]),
            "created_at": found["created"],
            "filename": found["name"],
            "purpose": found["purpose"],
            "status": "processed",
        }

    async def list_files(self, request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("purpose")
        files = [self._file(file) for file in reversed(self.server.files)]
        data = [file for file in files if wanted is None or file["purpose"] == wanted]
        return web.json_response({"object": "list", "data": data, "has_more": False})

    async def file(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._file(request.match_info["id"]))

    async def content(self, request: web.Request) -> web.StreamResponse:
        self._file(request.match_info["id"])
        return web.Response(body=self.server.files[request.match_info["id"]]["data"])

    async def delete(self, request: web.Request) -> web.StreamResponse:
        self._file(request.match_info["id"])
        del self.server.files[request.match_info["id"]]
        return web.json_response({"id": request.match_info["id"], "object": "file", "deleted": True})

    async def create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        metadata = body.get("metadata") or {}
        if set(body) - _BATCH or body.get("completion_window") != "24h" or body.get("endpoint") != _ENDPOINT:
            raise BadRequest(f"this batch is not understood: {sorted(body)}")
        if len(metadata) > 16 or any(len(name) > 64 or len(value) > 512 for name, value in metadata.items()):
            raise BadRequest("the metadata is too large")
        if self._file(body["input_file_id"])["purpose"] != "batch":
            raise BadRequest("the file is not for batches")
        job = self.server.open_job(self._lines(body["input_file_id"]), file=body["input_file_id"], metadata=metadata)
        return web.json_response(self._batch(job))

    def _lines(self, file: str) -> list[Line]:
        found = []
        for row in self.server.files[file]["data"].splitlines():
            line = json.loads(row)
            if set(line) != {"custom_id", "method", "url", "body"} or (line["method"], line["url"]) != (
                "POST",
                _ENDPOINT,
            ):
                raise BadRequest(f"this line is not understood: {sorted(line)}")
            found.append(Line(line["custom_id"], line["body"]))
        if len({line.body["model"] for line in found}) != 1:
            raise BadRequest("all requests of a batch ask the same model")
        return found

    async def list_batches(self, request: web.Request) -> web.StreamResponse:
        ids = list(reversed(self.server.jobs))
        after, limit = request.query.get("after"), int(request.query.get("limit", 20))
        start = ids.index(after) + 1 if after else 0
        page = ids[start : start + min(limit, 100)]
        data = [self._batch(self.server.jobs[each]) for each in page]
        return web.json_response({"object": "list", "data": data, "has_more": start + len(page) < len(ids)})

    async def batch(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        if not job.ended:
            self.server.work(job, question)
            if job.ended:
                self._write(job)
        return web.json_response(self._batch(job))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        self.server.working, self.server.end_as = True, "cancelled"
        return web.json_response({**self._batch(job), "status": "cancelling"})

    def _job(self, request: web.Request) -> Job:
        job = self.server.jobs.get(request.match_info["id"])
        if job is None:
            raise BadRequest(f"No batch found with id '{request.match_info['id']}'", 404)
        return job

    def _write(self, job: Job) -> None:
        """The two files of results."""
        answers, errors = [], []
        for line in self.server.shuffled(job):
            fate = job.fates[line.name]
            row: dict[str, Any] = {
                "id": f"batch_req_{line.name}",
                "custom_id": line.name,
                "response": None,
                "error": None,
            }
            try:
                asked = self._check(line.body)
                if fate == REFUSED:
                    raise BadRequest("this request is refused")
            except BadRequest as error:
                detail = {"error": {"message": str(error), "type": "invalid_request_error"}}
                row["response"] = {"status_code": error.status, "request_id": "r", "body": detail}
                errors.append(row)
                continue
            if fate == ANSWERED:
                reply = completion(line.body, self.server.say(asked))
                answers.append(row | {"response": {"status_code": 200, "request_id": "r", "body": reply}})
            else:
                errors.append(row | {"error": {"code": f"batch_{fate}", "message": "not executed in time"}})
        if job.ended == "failed":
            return
        for name, rows in (("output", answers), ("error", errors)):
            if rows:
                data = "".join(json.dumps(row) + "\n" for row in rows).encode()
                job.extra[name] = self._store(f"{job.id}_{name}.jsonl", data, "batch_output")

    def _batch(self, job: Job) -> dict[str, Any]:
        answered = sum(fate == ANSWERED for fate in job.fates.values())
        failed = {
            "data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}],
            "object": "list",
        }
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": _ENDPOINT,
            "errors": failed if job.ended == "failed" else None,
            "input_file_id": job.extra["file"],
            "completion_window": "24h",
            "status": job.ended or "in_progress",
            "output_file_id": job.extra.get("output"),
            "error_file_id": job.extra.get("error"),
            "created_at": int(job.created),
            "request_counts": {
                "total": len(job.lines),
                "completed": answered,
                "failed": len(job.fates) - answered,
            },
            "metadata": job.extra["metadata"],
        }
