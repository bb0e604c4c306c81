"""Gemini's files and batches, as https://ai.google.dev/api/batch-mode and .../api/files describe them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from batch_server import ANSWERED, KEY, REFUSED, BadRequest, BatchServer, Job, Line, Question

_BODY = {"contents", "generationConfig", "systemInstruction"}
_STATES = {"completed": "SUCCEEDED", "failed": "FAILED", "cancelled": "CANCELLED", "expired": "EXPIRED"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _error(message: str, status: int) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}


def question(model: str, body: dict[str, Any]) -> Question:
    """What a request asks."""
    if unknown := set(body) - _BODY:
        raise BadRequest(f'Invalid JSON payload received. Unknown name "{sorted(unknown)[0]}"')
    parts = body["contents"][0]["parts"]
    text = "".join(part.get("text", "") for part in parts)
    image = next((part["inlineData"]["data"] for part in parts if "inlineData" in part), None)
    later = "".join(part["text"] for turn in body["contents"] if turn.get("role") == "model" for part in turn["parts"])
    system = body.get("systemInstruction")
    return Question(model, text + later, image, system["parts"][0]["text"] if system else None)


def generated(model: str, text: str) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 3, "totalTokenCount": 14},
        "modelVersion": f"{model}-2026",
    }


class GeminiWire:
    """The protocol."""

    def routes(self, server: BatchServer) -> list[web.RouteDef]:
        self.server = server
        found: list[tuple[str, str, Handler]] = [
            ("POST", "/v1beta/models/{model}:generateContent", self.direct),
            ("POST", "/v1beta/models/{model}:batchGenerateContent", self.create),
            ("POST", "/upload/v1beta/files", self.start_upload),
            ("POST", "/upload/v1beta/files/{token}", self.upload),
            ("GET", "/download/v1beta/files/{id}:download", self.content),
            ("GET", "/v1beta/files/{id}:download", self.content),
            ("DELETE", "/v1beta/files/{id}", self.delete_file),
            ("GET", "/v1beta/batches", self.list_batches),
            ("GET", "/v1beta/batches/{id}", self.batch),
            ("POST", "/v1beta/batches/{id}:cancel", self.cancel),
            ("DELETE", "/v1beta/batches/{id}", self.delete_batch),
        ]
        return [web.route(method, path, self._guarded(handler)) for method, path, handler in found]

    def _guarded(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            # Whoever holds the address of an upload may use it: the official SDK sends no key there.
            if request.headers.get("x-goog-api-key") != KEY and "token" not in request.match_info:
                return web.json_response(_error("API key not valid. Please pass a valid API key.", 400), status=400)
            try:
                return await handler(request)
            except BadRequest as error:
                return web.json_response(_error(str(error), error.status), status=error.status)

        return handle

    async def direct(self, request: web.Request) -> web.StreamResponse:
        model = request.match_info["model"]
        asked = question(model, await request.json())
        if self.server.fate(asked) == REFUSED:
            raise BadRequest("this request is refused")
        return web.json_response(generated(model, self.server.say(asked, directly=True)))

    async def start_upload(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("X-Goog-Upload-Protocol") != "resumable":
            raise BadRequest("only resumable uploads are known here")
        if request.headers.get("X-Goog-Upload-Command") != "start":
            raise BadRequest("an upload has to be started")
        body = await request.json()
        about = body.get("file", {})
        token = f"up-{self.server.number()}"
        size = int(request.headers["X-Goog-Upload-Header-Content-Length"])
        if size > self.server.max_bytes:
            raise BadRequest("the file is too large")
        self.server.files[token] = {"size": size, "name": about.get("displayName", about.get("display_name"))}
        place = f"{self.server.origin}/upload/v1beta/files/{token}"
        return web.json_response({}, headers={"X-Goog-Upload-URL": place, "X-Goog-Upload-Status": "active"})

    async def upload(self, request: web.Request) -> web.StreamResponse:
        about = self.server.files.pop(request.match_info["token"])
        data = await request.read()
        if request.headers.get("X-Goog-Upload-Command") != "upload, finalize" or len(data) != about["size"]:
            raise BadRequest("the upload is not whole")
        name = self._store(data)
        file = {"name": name, "displayName": about["name"], "sizeBytes": str(len(data)), "state": "ACTIVE"}
        return web.json_response({"file": file}, headers={"X-Goog-Upload-Status": "final"})

    def _store(self, data: bytes) -> str:
        name = f"files/f{self.server.number()}"
        self.server.files[name] = {"data": data}
        return name

    async def content(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("alt") != "media":
            raise BadRequest("alt=media is required")
        return web.Response(body=self._file(request)["data"])

    async def delete_file(self, request: web.Request) -> web.StreamResponse:
        self._file(request)
        del self.server.files[f"files/{request.match_info['id']}"]
        return web.json_response({})

    def _file(self, request: web.Request) -> dict[str, Any]:
        found = self.server.files.get(f"files/{request.match_info['id']}")
        if found is None:
            raise BadRequest("no such file", 404)
        return found

    async def create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        batch = body.get("batch", {})
        name = batch.get("displayName", batch.get("display_name"))
        config = batch.get("inputConfig", batch.get("input_config", {}))
        file = config.get("fileName", config.get("file_name"))
        if set(body) != {"batch"} or not name or file not in self.server.files:
            raise BadRequest(f"this batch is not understood: {body}")
        lines = []
        for row in self.server.files[file]["data"].splitlines():
            line = json.loads(row)
            if set(line) != {"key", "request"}:
                raise BadRequest(f"this line is not understood: {sorted(line)}")
            lines.append(Line(line["key"], line["request"]))
        job = self.server.open_job(lines, name, model=request.match_info["model"], file=file)
        return web.json_response(self._operation(job))

    async def list_batches(self, request: web.Request) -> web.StreamResponse:
        if set(request.query) - {"pageSize", "pageToken"}:
            raise BadRequest("unknown parameter")
        start, size = int(request.query.get("pageToken") or 0), int(request.query.get("pageSize", 20))
        jobs = list(self.server.jobs.values())
        page: dict[str, Any] = {"operations": [self._operation(job) for job in jobs[start : start + size]]}
        if start + size < len(jobs):
            page["nextPageToken"] = str(start + size)
        return web.json_response(page if page["operations"] else {})

    async def batch(self, request: web.Request) -> web.StreamResponse:
        job = self._job(request)
        if not job.ended:
            model = job.extra["model"]
            self.server.work(job, lambda body: question(model, body))
            if job.ended == "completed":
                rows = [self._result(job, line) for line in self.server.shuffled(job)]
                job.extra["results"] = self._store("".join(json.dumps(row) + "\n" for row in rows).encode())
        return web.json_response(self._operation(job))

    def _result(self, job: Job, line: Line) -> dict[str, Any]:
        fate = job.fates[line.name]
        try:
            asked = question(job.extra["model"], line.body)
            if fate == ANSWERED:
                return {"key": line.name, "response": generated(job.extra["model"], self.server.say(asked))}
            if fate == REFUSED:
                raise BadRequest("this request is refused")
        except BadRequest as error:
            return {"key": line.name, "error": {"code": 3, "message": str(error)}}
        return {"key": line.name, "error": {"code": 1, "message": "The request was cancelled."}}

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        self._job(request)
        self.server.end_as = "cancelled"
        return web.json_response({})

    async def delete_batch(self, request: web.Request) -> web.StreamResponse:
        del self.server.jobs[self._job(request).id]
        return web.json_response({})

    def _job(self, request: web.Request) -> Job:
        job = self.server.jobs.get(request.match_info["id"])
        if job is None:
            raise BadRequest("no such batch", 404)
        return job

    def _operation(self, job: Job) -> dict[str, Any]:
        made = datetime.fromtimestamp(job.created, UTC).isoformat().replace("+00:00", "Z")
        fates = list(job.fates.values())
        state = f"BATCH_STATE_{_STATES[job.ended] if job.ended else 'RUNNING'}"
        output = {"responsesFile": job.extra["results"]} if "results" in job.extra else None
        kind = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
        return {
            "name": f"batches/{job.id}",
            "metadata": {
                "@type": kind,
                "name": f"batches/{job.id}",
                "model": f"models/{job.extra['model']}",
                "displayName": job.label,
                "createTime": made,
                "updateTime": made,
                "state": state,
                "inputConfig": {"fileName": job.extra["file"]},
                "batchStats": {
                    "requestCount": str(len(job.lines)),
                    "successfulRequestCount": str(fates.count(ANSWERED)),
                    "failedRequestCount": str(fates.count(REFUSED)),
                },
                **({"output": output} if output else {}),
            },
            **({"done": True} if job.ended else {}),
            **({"response": {"@type": kind + "Output", **output}} if output else {}),
            **({"error": {"code": 8, "message": "Enqueued token limit reached"}} if job.ended == "failed" else {}),
        }
