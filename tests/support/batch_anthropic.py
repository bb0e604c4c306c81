"""Anthropic's Message Batches, as https://platform.claude.com/docs/en/api/creating-message-batches describes them."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from batch_server import ANSWERED, CANCELLED, EXPIRED, KEY, REFUSED, BadRequest, BatchServer, Job, Line, Question

_PARAMS = {"model", "max_tokens", "messages", "system", "temperature", "output_config"}
_VERSIONS = ("2023-06-01", "2026-10-21")
"""Ours, and the one that the official SDK asks for."""
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 413: "request_too_large"}
_RESULTS = {ANSWERED: "succeeded", REFUSED: "errored", EXPIRED: "expired", CANCELLED: "canceled"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _error(message: str, status: int) -> dict[str, Any]:
    return {"type": "error", "error": {"type": _KINDS.get(status, "api_error"), "message": message}}


def question(params: dict[str, Any]) -> Question:
    """What a message asks."""
    if unknown := set(params) - _PARAMS:
        raise BadRequest(f"{sorted(unknown)[0]}: Extra inputs are not permitted")
    content = params["messages"][0]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    image = next((part["source"]["data"] for part in parts if part["type"] == "image"), None)
    later = "".join(turn["content"] for turn in params["messages"] if turn["role"] == "assistant")
    return Question(params["model"], text + later, image, params.get("system"))


def message(params: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": f"{params['model']}-2026",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 3},
    }


class AnthropicWire:
    """The protocol."""

    def routes(self, server: BatchServer) -> list[web.RouteDef]:
        self.server = server
        found: list[tuple[str, str, Handler]] = [
            ("POST", "/v1/messages", self.direct),
            ("POST", "/v1/messages/batches", self.create),
            ("GET", "/v1/messages/batches", self.list_batches),
            ("GET", "/v1/messages/batches/{id}", self.batch),
            ("GET", "/v1/messages/batches/{id}/results", self.results),
            ("POST", "/v1/messages/batches/{id}/cancel", self.cancel),
            ("DELETE", "/v1/messages/batches/{id}", self.delete),
        ]
        return [web.route(method, path, self._guarded(handler)) for method, path, handler in found]

    def _guarded(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            # The official SDK sends the key as a bearer token.
            if request.headers.get("x-api-key") != KEY and request.headers.get("Authorization") != f"Bearer {KEY}":
                return web.json_response(_error("invalid x-api-key", 401), status=401)
            if request.headers.get("anthropic-version") not in _VERSIONS:
                return web.json_response(_error("anthropic-version: header is required", 400), status=400)
            try:
                return await handler(request)
            except BadRequest as error:
                return web.json_response(_error(str(error), error.status), status=error.status)

        return handle

    async def direct(self, request: web.Request) -> web.StreamResponse:
        params = await request.json()
        asked = question(params)
        if self.server.fate(asked) == REFUSED:
            raise BadRequest("this request is refused")
        return web.json_response(message(params, self.server.say(asked, directly=True)))

    async def create(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        if len(raw) > self.server.max_bytes:
            raise BadRequest("the batch is too large", 413)
        body = json.loads(raw)
        if set(body) != {"requests"} or any(set(each) != {"custom_id", "params"} for each in body["requests"]):
            raise BadRequest("requests: Extra inputs are not permitted")
        lines = [Line(each["custom_id"], each["params"]) for each in body["requests"]]
        if not all(_NAME.fullmatch(line.name) for line in lines):
            raise BadRequest("custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
        return web.json_response(self._batch(self.server.open_job(lines)))

    async def list_batches(self, request: web.Request) -> web.StreamResponse:
        if set(request.query) - {"limit", "after_id", "before_id"}:
            raise BadRequest("query: Extra inputs are not permitted")
        ids = list(reversed(self.server.jobs))
        after, limit = request.query.get("after_id"), int(request.query.get("limit", 20))
        start = ids.index(after) + 1 if after else 0
        page = ids[start : start + min(limit, 1000)]
        for each in page:  # time passes, whether or not anybody looks at a batch
            self.server.work(self.server.jobs[each], question)
        return web.json_response(
            {
                "data": [self._batch(self.server.jobs[each]) for each in page],
                "has_more": start + len(page) < len(ids),
                "first_id": page[0] if page else None,
                "last_id": page[-1] if page else None,
            }
        )

    async def batch(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        if not job.ended:
            self.server.work(job, question)
        return web.json_response(self._batch(job))

    async def results(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        if not job.ended:
            raise BadRequest("the batch has not ended")
        if "results" not in job.extra:
            job.extra["results"] = "".join(
                json.dumps(self._result(job, line)) + "\n" for line in self.server.shuffled(job)
            )
        return web.Response(text=job.extra["results"], content_type="application/binary")

    def _result(self, job: Job, line: Line) -> dict[str, Any]:
        fate = job.fates[line.name]
        result: dict[str, Any] = {"type": _RESULTS[fate]}
        try:
            asked = question(line.body)
            if fate == ANSWERED:
                result["message"] = message(line.body, self.server.say(asked))
            if fate == REFUSED:
                result["error"] = _error("this request is refused", 400)
        except BadRequest as error:
            result = {"type": "errored", "error": _error(str(error), 400)}
        return {"custom_id": line.name, "result": result}

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        self.server.end_as = "cancelled"
        return web.json_response(self._batch(job) | {"processing_status": "canceling"})

    async def delete(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        if not job.ended:
            raise BadRequest("only batches that have ended can be deleted")
        del self.server.jobs[job.id]
        return web.json_response({"id": job.id, "type": "message_batch_deleted"})

    def _job(self, request: web.Request) -> Job:
        job = self.server.jobs.get(request.match_info["id"])
        if job is None:
            raise BadRequest("batch not found", 404)
        return job

    def _batch(self, job: Job) -> dict[str, Any]:
        made = datetime.fromtimestamp(job.created, UTC)
        fates = list(job.fates.values())
        return {
            "id": job.id,
            "type": "message_batch",
            "processing_status": "ended" if job.ended else "in_progress",
            "request_counts": {
                "processing": 0 if job.ended else len(job.lines),
                "succeeded": fates.count(ANSWERED),
                "errored": fates.count(REFUSED),
                "canceled": fates.count(CANCELLED),
                "expired": fates.count(EXPIRED),
            },
            "created_at": made.isoformat(),
            "expires_at": (made + timedelta(days=1)).isoformat(),
            "ended_at": made.isoformat() if job.ended else None,
            "cancel_initiated_at": None,
            "archived_at": None,
            "results_url": f"{self.server.origin}/v1/messages/batches/{job.id}/results" if job.ended else None,
        }
