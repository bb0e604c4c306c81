"""A loopback server that speaks what downloads need of the Hugging Face hub's protocol, and misbehaves on request."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "2fef1f5".ljust(40, "0")


class Hub:
    """Repositories by path (``ORG/NAME``, or ``datasets/ORG/NAME``) with their files, and what to do wrong."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.token = "hf_right"
        self.break_after: dict[str, list[int]] = {}
        """Per file: after how many bytes each of the next downloads breaks off."""
        self.corrupt: set[str] = set()
        self.commit = COMMIT
        """What it calls the commit of everything."""
        self.etags: dict[str, str] = {}
        """Digests that it claims instead of the true ones."""
        self.portal: bytes | None = None
        """What the page says to which it sends every question to its interface, as a hotel's network does."""
        self.requests: list[tuple[str, str, str | None]] = []
        """(method, path, range) of every request."""
        self.url = ""

    def asked_for(self, method: str) -> list[tuple[str, str | None]]:
        return [(path, span) for verb, path, span in self.requests if verb == method]


def etag(data: bytes) -> str:
    """The hub's digests: SHA-256 for large files (here: over 1 kB), git's SHA-1 for small ones."""
    if len(data) > 1000:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        if path.startswith("api/") and self.hub.portal is not None:
            self._redirect("/portal")
        elif path == "portal":
            self._body(self.hub.portal or b"", "text/html")
        elif path.startswith("api/"):
            self._api(path)
        elif "/resolve/" in path:
            repo, _, rest = path.partition("/resolve/")
            revision, _, name = rest.partition("/")
            if self._allowed(repo, revision):
                self._file(repo, name)
        else:
            self._error(404, "EntryNotFound")

    def _api(self, path: str) -> None:
        kind, _, rest = path.removeprefix("api/").partition("/")
        owner, name, verb, revision = [*rest.split("/"), "", "", ""][:4]
        repo = f"{owner}/{name}" if kind == "models" else f"{kind}/{owner}/{name}"
        if not self._allowed(repo, revision or "main"):
            return
        files = self.hub.repos[repo]
        if verb == "commits":
            made = {
                "id": self.hub.commit,
                "authors": [],
                "date": "2025-03-11T00:00:00.000Z",
                "title": "data",
                "message": "",
            }
            self._json([made])
        elif verb == "tree":
            entries = []
            for file, data in files.items():
                entry: dict[str, Any] = {"type": "file", "path": file, "size": len(data), "oid": "0" * 40}
                if len(data) > 1000:
                    entry["lfs"] = {"oid": self._etag(file, data), "size": len(data), "pointerSize": 130}
                else:
                    entry["oid"] = self._etag(file, data)
                entries.append(entry)
            self._json(entries)
        else:
            self._json(
                {"id": f"{owner}/{name}", "sha": self.hub.commit, "siblings": [{"rfilename": file} for file in files]}
            )

    def _allowed(self, repo: str, revision: str) -> bool:
        authorised = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        if repo not in self.hub.repos:
            self._error(404 if authorised else 401, "RepoNotFound")
        elif revision not in ("main", COMMIT, self.hub.commit):
            self._error(404, "RevisionNotFound")
        elif repo in self.hub.gated and not authorised:
            self._error(401, "GatedRepo")
        else:
            return True
        return False

    def _file(self, repo: str, name: str) -> None:
        data = self.hub.repos[repo].get(name)
        if data is None:
            self._error(404, "EntryNotFound")
            return
        start = 0
        if (span := self.headers.get("Range")) and self.command == "GET":
            start = int(span.removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", self.hub.commit)
        self.send_header("ETag", f'"{self._etag(name, data)}"')
        self.send_header("X-Linked-Etag", f'"{self._etag(name, data)}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        body = data[start:]
        if name in self.hub.corrupt:
            body = body[:-1] + bytes([body[-1] ^ 1])
        breaks = self.hub.break_after.get(name)
        if breaks:
            self.wfile.write(body[: breaks.pop(0)])
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(body)

    def _etag(self, name: str, data: bytes) -> str:
        return self.hub.etags.get(name) or etag(data)

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, value: Any) -> None:
        self._body(json.dumps(value).encode(), "application/json")

    def _body(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", f"no: {code}")
        self.send_header("Content-Length", "0")
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A connection that the server itself broke is no news."""


@contextmanager
def serve() -> Iterator[Hub]:
    """A hub on a free port; it ends with the block."""
    hub = Hub()
    server = _Server(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
