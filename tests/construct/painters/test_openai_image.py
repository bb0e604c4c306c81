"""The Images API: what servers give in place of a picture, and what they do not take."""

import asyncio
import base64
import io
import json

import pytest
from PIL import Image

from image_server import painted, paints, picture
from loopback import Answer, error, serve
from vlsbench.construct.painters import load as painters
from vlsbench.construct.painters.protocol import PaintPrompt
from vlsbench.construct.painters.studio import PictureStore, Studio
from vlsbench.construct.recipe import Brush
from vlsbench.core.errors import AccessDenied, Blocked, RequestFailed, UnknownName, UserError
from vlsbench.run.loading import Effort
from vlsbench.run.throttle import Gate, Halt

BRUSH = Brush(width=64, height=48, steps=2, guidance=1.0)
PROMPT = PaintPrompt(text="A red zorb on a bench.", seed=7, width=64, height=48)


def paint(behave, tmp_path, times=1):
    """Ask a server for a picture; what came, what the server was asked, and the painter."""
    (tmp_path / "images").mkdir(exist_ok=True)

    async def go(url):
        loaded = painters.load(f"openai-image:p@{url}", BRUSH, Effort(), None, (), None)
        studio = Studio(loaded.painter, Gate(4, Halt()), PictureStore(tmp_path))
        try:
            return [await studio.paint(PROMPT) for _ in range(times)], loaded.painter
        finally:
            await loaded.close()

    with serve(behave) as server:
        found, painter = asyncio.run(go(server.url))
        return found, server.asked, painter


def test_a_picture_is_kept_under_its_hash_and_only_once(tmp_path):
    (one, other), asked, painter = paint(paints, tmp_path, times=2)
    assert one.output["sha256"] == other.output["sha256"]
    assert [file.name for file in (tmp_path / "images").iterdir()] == [f"{one.output['sha256']}.png"]
    assert (tmp_path / one.output["image"]).read_bytes() == picture(PROMPT.text, 7)
    assert asked[0].path == "/v1/images/generations"
    assert asked[0].body == {
        "model": "p", "prompt": PROMPT.text, "n": 1, "seed": 7, "response_format": "b64_json", "size": "64x48"
    }  # fmt: skip
    assert painter.name == "openai-image:p"
    assert one.requests == 1


def test_what_a_server_does_not_take_is_left_out_from_then_on(tmp_path):
    def behave(asked):
        for name in ("seed", "response_format"):
            if name in asked.body:
                return error(400, f"Unknown parameter: '{name}'.", param=name)
        return painted(picture(asked.body["prompt"]), revised_prompt="a zorb")

    found, asked, painter = paint(behave, tmp_path, times=2)
    assert len(asked) == 4
    assert painter.adaptations == ["openai-image: seed is left out", "openai-image: response_format is left out"]
    assert found[1].output["revised_prompt"] == "a zorb"


def black():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (3, 2, 4)).save(buffer, "PNG")
    return buffer.getvalue()


def body(row):
    return Answer(body=json.dumps({"data": [row]}).encode())


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (body({"url": "http://127.0.0.1/x.png"}), RequestFailed, "an address in place of a picture"),
        (body({"b64_json": base64.b64encode(b"<html>no</html>").decode()}), RequestFailed, "is no picture"),
        (body({"b64_json": "%%%"}), RequestFailed, "not base64"),
        (body({}), RequestFailed, "no picture"),
        (Answer(body=b"<html>hello</html>"), RequestFailed, "is the address"),
        (painted(black()), Blocked, "black"),
        (error(400, "Rejected by the safety system.", code="moderation_blocked"), Blocked, "safety system"),
        (error(400, "the size is wrong", param="n"), RequestFailed, "HTTP 400"),
        (error(401, "bad key"), AccessDenied, "wants an API key"),
    ],
)
def test_what_is_no_picture_is_named(answer, expected, words, tmp_path):
    with pytest.raises(expected, match=words):
        paint(lambda asked: answer, tmp_path)
    assert not list((tmp_path / "images").iterdir())


def test_a_busy_server_is_asked_again(tmp_path, no_waiting):
    def behave(asked):
        return paints(asked) if asked.number else error(429, "slow down", headers={"Retry-After": "0"})

    found, asked, _ = paint(behave, tmp_path)
    assert len(asked) == 2
    assert found[0].is_ok


def test_references_that_name_no_painter():
    with pytest.raises(UnknownName, match="openai-image:NAME"):
        painters.name_of("openai:gpt-4o")
    with pytest.raises(UserError, match="names no model"):
        painters.name_of("diffusers:")
    with pytest.raises(UserError, match="openai-image:NAME"):
        painters.name_of("openai-image:")
