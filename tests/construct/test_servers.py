"""A build against servers: texts over chat completions, pictures over the Images API, killed and continued."""

import asyncio
import base64
import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

from image_server import paints
from loopback import Answer, Asked, error, serve
from vlsbench.cli.main import main
from vlsbench.construct import build, gating, lines, plan, settings
from vlsbench.construct.world import facts, models
from vlsbench.core.types import Prompt
from vlsbench.miniworld import language
from vlsbench.models import named_before


class Sent:
    """A picture as a server gets it."""

    media_type = "image/png"

    def __init__(self, uri: str) -> None:
        self._data = base64.b64decode(uri.partition(",")[2])
        self.sha256 = hashlib.sha256(self._data).hexdigest()

    def read(self) -> bytes:
        return self._data


def world(asked: Asked) -> Answer:
    """Everybody at once: the scripted models by name, a guard that knows the truth, and a painter."""
    if asked.path.endswith("/images/generations"):
        return paints(asked)
    name, image = asked.body["model"], Sent(asked.image) if asked.image else None
    if name == "guard":
        shown = facts.seen(image.read()) if image else ""
        text = re.search(r"\[text of the request \w+\]\n(.*?)\n\[end", asked.text, re.DOTALL)[1]
        harmful = facts.leaks(text) or (shown in language.HAZARDS and bool(text) and facts.means_harm(text))
        return Answer(text=json.dumps({"reason": "so", "label": "unsafe" if harmful else "safe"}))
    model = models.find(f"world:{name}")
    return Answer(text=asyncio.run(model.generate(Prompt(text=asked.text, image=image))).text)


def command(server, out, n=5):
    roles = ("author", "rewriter", "screen", "categoriser")
    words = [word for role in roles for word in (f"--{role}", server.model(role))]
    return [
        *("build", "--elements", f"world:{n}", *words, "--inspector", server.model("scripted-inspector")),
        *("--painter", f"openai-image:p@{server.url}", "--guard", server.model("guard"), "--out", str(out), "--quiet"),
    ]


def world_in_thread(asked: Asked) -> Answer:
    """`asyncio.run` needs a thread without a loop; the server's has one."""
    found: list[Answer] = []
    thread = threading.Thread(target=lambda: found.append(world(asked)))
    thread.start()
    thread.join()
    return found[0]


def test_a_build_against_servers_is_killed_continued_and_exported(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serve(world_in_thread) as server:
        whole, killed = tmp_path / "whole", tmp_path / "killed"
        assert main(command(server, whole)) == 0, capsys.readouterr().err
        once = len(server.asked)
        process = subprocess.Popen([sys.executable, "-m", "vlsbench", *command(server, killed)])
        deadline = time.monotonic() + 60
        while len(server.asked) < once + once // 3 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert main(command(server, killed)) == 0, capsys.readouterr().err
        # Only requests in flight are repeated: at most as many as there are slots.
        assert len(server.asked) <= 2 * once + 8 * 12
        assert (killed / "candidates.jsonl").read_bytes() == (whole / "candidates.jsonl").read_bytes()
        assert (killed / "kept.jsonl").read_bytes() == (whole / "kept.jsonl").read_bytes()
        before = len(server.asked)
        assert main(command(server, killed)) == 0
        assert len(server.asked) == before
    summary = json.loads((whole / "summary.json").read_text())
    assert summary["kept"] >= 5
    assert summary["leakage"]["after"]["r2"]["value"] == 0
    assert summary["cost"]["author"]["prompt_tokens"] == 11 * summary["cost"]["author"]["requests"]
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["served"]["rewrite"] == ["rewriter-2026"]
    capsys.readouterr()
    assert main(["build", "export", str(whole), "--licence", "MIT", "--out", str(tmp_path / "x")]) == 0
    assert len([1 for _ in lines.read(tmp_path / "x" / "data.jsonl")]) == summary["kept"] + summary["twins"]


def identified_before(ref):
    known = plan.identify(ref)
    if ref.startswith("world:"):
        return known
    return SimpleNamespace(name=named_before(ref), settings=known.settings)


def test_a_build_of_an_earlier_version_asks_nobody_again(tmp_path, monkeypatch, capsys):
    """Earlier versions held a server's address for a part of a model's name, and so of what a result depends on."""
    out = tmp_path / "b"
    with serve(world_in_thread) as server:
        with monkeypatch.context() as earlier:
            earlier.setattr(build, "settings_of", settings.earlier_settings_of)
            earlier.setattr(gating, "identify", identified_before)
            assert main(command(server, out, n=3)) == 0, capsys.readouterr().err
        kept, asked = (out / "kept.jsonl").read_bytes(), len(server.asked)
        assert server.url in (out / "manifest.json").read_text()
        assert main(command(server, out, n=3)) == 0, capsys.readouterr().err
        assert len(server.asked) == asked
    assert (out / "kept.jsonl").read_bytes() == kept
    assert main(["build", "export", str(out), "--licence", "MIT", "--out", str(tmp_path / "x")]) == 0
    assert len(list(lines.read(tmp_path / "x" / "provenance.jsonl"))) == kept.count(b"\n")


def test_a_build_whose_servers_moved_asks_nobody_again(tmp_path, capsys):
    out = tmp_path / "b"
    with serve(world_in_thread) as server:
        assert main(command(server, out, n=3)) == 0, capsys.readouterr().err
    with serve(world_in_thread) as moved:
        assert main(command(moved, out, n=3)) == 0, capsys.readouterr().err
        assert not moved.asked


def test_roles_and_the_guard_may_have_several_servers(tmp_path, capsys):
    with serve(world_in_thread) as one, serve(world_in_thread) as other:
        both = f"{one.url},{other.url}"
        words = ["build", "--elements", "world:4", "--painter", f"openai-image:p@{one.url}", "--quiet"]
        for role in ("author", "rewriter", "screen", "categoriser"):
            words += [f"--{role}", f"openai:{role}", "--servers", f"{role}={both}"]
        words += ["--inspector", "openai:scripted-inspector", "--servers", f"inspector=@{tmp_path / 'servers'}"]
        (tmp_path / "servers").write_text(f"{other.url}\n")
        words += ["--guard", "openai:guard", "--guard-servers", both, "--out", str(tmp_path / "b")]
        assert main(words) == 0, capsys.readouterr().err
        asked = {server.url: {request.body["model"] for request in server.asked} for server in (one, other)}
    assert {"author", "rewriter", "screen", "guard"} <= asked[one.url] & asked[other.url]
    assert "scripted-inspector" not in asked[one.url]
    assert main([*words, "--servers", "painter=http://h:1/v1"]) == 2
    assert "one of author, rewriter, screen, inspector, categoriser for ROLE" in capsys.readouterr().err
    assert main([*words[:-2], "--out", str(tmp_path / "c"), "--servers", "author=nonsense"]) == 2


def test_a_guard_that_is_down_stops_the_build_and_nothing_is_lost(tmp_path, no_waiting, capsys):
    def without_guard(asked):
        if asked.body.get("model") == "guard":
            return Answer(drop=True)
        return world_in_thread(asked)

    with serve(without_guard) as server:
        assert main(command(server, tmp_path / "b", n=3)) == 3
        assert "The same command continues" in capsys.readouterr().err
        server.behave = world_in_thread
        before = [asked.body["model"] for asked in server.asked]
        assert main(command(server, tmp_path / "b", n=3)) == 0
        more = {asked.body["model"] for asked in server.asked[len(before) :]}
        assert more == {"guard", "categoriser"}


def test_a_painter_without_access_stops_the_build_with_a_word_on_what_to_do(tmp_path, capsys):
    def locked(asked):
        return error(401, "no") if asked.path.endswith("/generations") else world_in_thread(asked)

    with serve(locked) as server:
        assert main(command(server, tmp_path / "b", n=2)) == 2
    message = capsys.readouterr().err
    assert "wants an API key" in message
    assert "zorb" not in message
