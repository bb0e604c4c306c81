"""Requests, answers and errors arrive as they left."""

import asyncio
import hashlib
import pickle

import pytest

from vlsbench.core import errors
from vlsbench.core.errors import MissingExtra, RequestFailed, Transient, UnknownName, UserError
from vlsbench.core.pictures import Images
from vlsbench.core.types import Prompt, Reply, ResponseOutcome, Turn
from vlsbench.core.version import __version__
from vlsbench.models.workers import wire
from vlsbench.models.workers.pool import misfit
from vlsbench.models.workers.wire import About, Asked, Failure


class Picture:
    media_type = "image/png"

    def __init__(self, data):
        self.data = data
        self.sha256 = hashlib.sha256(data).hexdigest()

    def read(self):
        return self.data


def test_requests_arrive_whole_with_their_own_images():
    prompts = [
        Prompt(text="one", image=Picture(b"first")),
        Prompt(text="two", system="short", seed=3, earlier=(Turn(role="assistant", text="hm"),)),
        Prompt(text="three", image=Images([Picture(b"second"), Picture(b"third")]), max_tokens=9),
    ]
    packed, images = wire.pack_requests([(n, Asked.of(prompt, guard=n == 2)) for n, prompt in enumerate(prompts)])
    assert images == [b"first", b"second", b"third"]
    assert b"first" not in packed
    arrived = wire.unpack_requests(packed, images)
    assert [(number, guard) for number, _, guard in arrived] == [(0, False), (1, False), (2, True)]
    for sent, (_, prompt, _) in zip(prompts, arrived, strict=True):
        assert (prompt.text, prompt.system, prompt.seed, prompt.max_tokens, prompt.earlier) == (
            sent.text,
            sent.system,
            sent.seed,
            sent.max_tokens,
            sent.earlier,
        )
    assert [[image.read() for image in prompt.images] for _, prompt, _ in arrived] == [
        [b"first"],
        [],
        [b"second", b"third"],
    ]
    assert arrived[0][1].image.sha256 == prompts[0].image.sha256
    assert asyncio.run(arrived[0][1].image.base64()) == b"Zmlyc3Q="


def test_answers_arrive_as_they_were():
    reply = Reply(outcome=ResponseOutcome.TRUNCATED, text="so", reasoning="hm", completion_tokens=2)
    failure = Failure.of(RequestFailed("no"))
    assert wire.unpack_answers(wire.pack_answers(7, [(1, reply), (2, failure)])) == (7, [(1, reply), (2, failure)])


@pytest.mark.parametrize(
    "error",
    [
        UserError("do this"),
        UnknownName("variant", "bse", ["base"]),
        MissingExtra("torch", "hf"),
        RequestFailed("no"),
        errors.AccessDenied("gated"),
        errors.Stopped("the hub is down"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_ours_comes_back_as_what_it_was(error):
    revived = pickle.loads(pickle.dumps(Failure.of(error))).revived()
    assert type(revived) is type(error)
    assert str(revived) == str(error)


def test_any_other_error_is_a_failed_request():
    revived = Failure.of(KeyError("x")).revived()
    assert type(revived) is RequestFailed
    assert str(revived) == "KeyError: 'x'"
    assert isinstance(Failure.of(errors.RateLimited("slow")).revived(), Transient)
    assert type(Failure(kind="no_such_error", message="?").revived()) is RequestFailed


def about(**changes):
    return About(
        **{"width": 3, "details": {"dtype": "float32", "digest": "a"}, "version": __version__, "node": "n1", **changes}
    )


def test_a_worker_of_another_version_or_with_other_weights_does_not_work():
    assert misfit(about(), about()) == ""
    assert misfit(about(details={"dtype": "float32", "digest": "a", "torch": "9"}), about()) == ""
    assert "runs vlsbench 0.0.1, and this is" in misfit(about(version="0.0.1"), about())
    assert "another digest than that of n1" in misfit(about(details={"dtype": "float32", "digest": "b"}), about())
