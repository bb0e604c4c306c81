"""One model behind several servers: who is asked, who rests, and what is a failure."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loopback import Answer, Asked, Loopback, error, serve
from vlsbench import models
from vlsbench.core.errors import AccessDenied, ConnectionFailed, RateLimited, RequestFailed, Transient, UserError
from vlsbench.core.metering import Meter
from vlsbench.core.protocols import Model, Telling
from vlsbench.core.types import Prompt, Reply
from vlsbench.models import Access
from vlsbench.models.api import addresses
from vlsbench.models.api import servers as module
from vlsbench.models.api.openai import OpenAIModel
from vlsbench.models.api.servers import ServedModel

PROMPT = Prompt(text="What is this?")
KEY = "sk-chosen-0123456789"


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "VLSBENCH_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "REST_S", 0.05)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(addresses, "_LOOK_EVERY_S", 0.0)


@contextlib.contextmanager
def several(*behaviours: Callable[[Asked], Answer]) -> Iterator[list[Loopback]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(serve(behave)) for behave in behaviours]


def plain(_asked: Asked) -> Answer:
    return Answer()


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def served(*places: str, **access: object) -> ServedModel:
    model = models.load("openai:m", Access(servers=",".join(places), **access))  # type: ignore[arg-type]
    assert isinstance(model, ServedModel)
    return model


def ask(model: ServedModel, count: int = 1, at_once: int = 8) -> list[Reply | BaseException]:
    async def session() -> list[Reply | BaseException]:
        slots = asyncio.Semaphore(at_once)

        async def one() -> Reply:
            async with slots:
                return await model.generate(PROMPT)

        try:
            return await asyncio.gather(*(one() for _ in range(count)), return_exceptions=True)
        finally:
            await model.close()

    return asyncio.run(session())


def meet(model: ServedModel) -> None:
    async def session() -> None:
        try:
            await model.meet()
        finally:
            await model.close()

    asyncio.run(session())


def test_it_is_a_model_of_its_name_that_says_where_it_is() -> None:
    model = served("http://one:1/v1", "http://two:2/v1/", "http://one:1/v1")
    assert isinstance(model, Model)
    assert isinstance(model, Telling)
    assert (model.name, model.addresses) == ("openai:m", ["http://one:1/v1", "http://two:2/v1"])


def test_the_least_loaded_server_is_asked_so_that_a_slow_one_gets_less() -> None:
    with several(plain, lambda _: Answer(delay_s=0.2)) as (quick, slow):
        replies = ask(served(quick.url, slow.url), 60, at_once=4)
        assert all(isinstance(reply, Reply) for reply in replies)
        assert len(quick.asked) > 2 * len(slow.asked) > 0


def test_requests_to_a_server_that_is_not_there_move_on() -> None:
    with serve(plain) as there:
        with Meter() as meter:
            assert all(isinstance(reply, Reply) for reply in ask(served(nobody(), there.url), 20))
        assert len(there.asked) == 20
        assert 0 < meter.retried < 20  # it rests instead of being asked first each time
        assert meter.requests == meter.retried  # the first request of each is noted where it is sent


def test_a_server_that_comes_back_is_asked_again() -> None:
    down = True

    def unsteady(_asked: Asked) -> Answer:
        return Answer(drop=True) if down else Answer()

    with several(plain, unsteady) as (steady, other):
        model = served(steady.url, other.url)

        async def session() -> None:
            nonlocal down
            await asyncio.gather(*(model.generate(PROMPT) for _ in range(8)))
            down = False
            before = len(other.asked)
            await asyncio.sleep(0.2)
            await asyncio.gather(*(model.generate(PROMPT) for _ in range(8)))
            assert len(other.asked) > before
            await model.close()

        asyncio.run(session())


def test_a_server_that_limits_is_left_alone_as_long_as_it_says() -> None:
    with several(plain, lambda _: error(429, headers={"Retry-After": "30"})) as (free, busy):
        assert all(isinstance(reply, Reply) for reply in ask(served(busy.url, free.url), 30, at_once=1))
        assert len(busy.asked) == 1


def test_where_all_limit_the_shortest_wait_is_told() -> None:
    limits = (lambda _: error(429, headers={"Retry-After": str(7)}), lambda _: error(429, headers={"Retry-After": "3"}))
    with several(*limits) as (one, other):
        first, second = ask(served(one.url, other.url), 2, at_once=1)
        assert isinstance(first, RateLimited)
        assert isinstance(second, RateLimited)
        assert second.retry_after is not None
        assert 2 < second.retry_after <= 3
        assert (len(one.asked), len(other.asked)) == (1, 1)


def test_only_when_all_are_gone_is_it_a_failure() -> None:
    (reply,) = ask(served(nobody(), nobody()))
    assert isinstance(reply, ConnectionFailed)


def test_a_server_that_refuses_the_key_rests_and_the_others_answer() -> None:
    with several(lambda _: error(401, "no"), plain) as (closed, open_):
        assert all(isinstance(reply, Reply) for reply in ask(served(closed.url, open_.url), 20, at_once=1))
        assert len(closed.asked) < 10


def test_a_server_that_denies_all_it_is_asked_is_named_until_it_answers() -> None:
    denies = [True]
    with several(lambda _: error(404, "no such model") if denies else Answer(), plain) as (closed, open_):
        model = served(closed.url, open_.url)
        ask(model, 4)
        assert model.doubt.startswith(f"{closed.url} does none of the work: ")
        assert "does not know the model" in model.doubt
        assert model.adaptations == [model.doubt]
        denies.clear()
        time.sleep(0.2)
        ask(model, 20)
        assert (model.doubt, model.adaptations) == ("", [])


def test_where_all_refuse_the_key_nothing_could_succeed() -> None:
    with several(*[lambda _: error(401, "no")] * 2) as (one, other):
        (reply,) = ask(served(one.url, other.url))
        assert isinstance(reply, AccessDenied)


def test_what_some_may_mend_is_not_given_up_because_others_refuse() -> None:
    with several(lambda _: error(401, "no"), lambda _: error(503, "full")) as (closed, full):
        (reply,) = ask(served(closed.url, full.url))
        assert isinstance(reply, Transient)


def test_a_request_that_is_at_fault_itself_is_not_sent_around() -> None:
    with several(*[lambda _: error(400, "bad picture")] * 2) as (one, other):
        (reply,) = ask(served(one.url, other.url))
        assert type(reply) is RequestFailed
        assert len(one.asked) + len(other.asked) == 1


def test_a_request_that_fells_two_servers_does_not_get_a_third() -> None:
    with several(*[lambda _: Answer(drop=True)] * 3) as running:
        (reply,) = ask(served(*(server.url for server in running)))
        assert isinstance(reply, ConnectionFailed)
        assert sorted(len(server.asked) for server in running) == [0, 1, 1]


def test_one_broken_answer_does_not_rest_a_server_but_several_in_a_row_do() -> None:
    with several(lambda _: error(500, "oh"), plain) as (broken, sound):
        assert all(isinstance(reply, Reply) for reply in ask(served(broken.url, sound.url), 40, at_once=1))
        assert module._FAULTS <= len(broken.asked) < 20


def test_servers_of_different_models_are_named_before_anything_is_asked() -> None:
    with several(plain, plain) as (one, other):
        one.models, other.models = [{"id": "m", "root": "/a/big"}], [{"id": "m", "root": "/b/small"}]
        model = served(one.url, other.url)
        with pytest.raises(UserError, match=r"serves /[ab]/(big|small), others /[ab]/(big|small)"):
            meet(model)
        assert not one.asked


def test_one_model_in_folders_of_two_machines_is_one_model() -> None:
    with several(plain, plain) as (one, other):
        one.models, other.models = [{"id": "m", "root": "/a/big"}], [{"id": "m", "root": "org/Big"}]
        model = served(one.url, other.url)
        meet(model)
        assert model.roots == ["/a/big", "org/Big"]


def test_a_server_of_another_model_that_comes_later_is_left_out_and_noted(tmp_path: Path) -> None:
    with several(plain, plain) as (one, other):
        one.models, other.models = [{"id": "m", "root": "big"}], [{"id": "m", "root": "small"}]
        file = tmp_path / "servers"
        file.write_text(f"{one.url}\n")
        model = served(f"@{file}")

        async def session() -> None:
            await model.meet()
            await model.generate(PROMPT)
            file.write_text(f"{one.url}\n{other.url}\n")
            await asyncio.gather(*(model.generate(PROMPT) for _ in range(6)))
            await model.close()

        asyncio.run(session())
        assert (len(one.asked), len(other.asked)) == (7, 0)
        assert model.adaptations == [f"{other.url} is left out: it serves small, others big."]


def test_an_empty_file_is_waited_for_with_a_word_about_it(tmp_path: Path) -> None:
    file = tmp_path / "servers.txt"
    with serve(plain) as server:
        model = served(f"@{file}")

        async def session() -> Reply:
            asked = asyncio.create_task(model.generate(PROMPT))
            await asyncio.sleep(0.1)
            assert model.notice == f"waiting for a server in {file} (no such file yet)"
            file.write_text("# of the array\n")
            assert model.notice == f"waiting for a server in {file} (no address in it yet)"
            file.write_text(f"# of the array\n{server.url}   # task 0\nhttp://half-writ")
            try:
                return await asyncio.wait_for(asked, 10)
            finally:
                await model.close()

        assert asyncio.run(session()).text == "A plain answer."
        assert model.notice == ""


def test_a_line_that_is_no_address_is_named_and_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "servers.txt"
    with serve(plain) as server:
        file.write_text(f"# of the array\nnode1:8000\n{server.url}\nhttp://user:secret@h/v1\n")
        model = served(f"@{file}")
        (reply,) = ask(model)
        assert isinstance(reply, Reply)
        assert f"Line 2 of {file} is passed over: 'node1:8000' is not the address of a server" in model.doubt
        assert f"Line 4 of {file} is passed over: The server address holds a user name" in model.doubt
        assert "secret" not in model.doubt
        file.write_text(f"{server.url}\n# none is wrong any more\n")
        assert model.addresses
        assert model.doubt == ""


def test_a_file_is_told_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert served("@servers.txt").notice == f"waiting for a server in {tmp_path / 'servers.txt'} (no such file yet)"


def test_a_server_that_is_taken_out_of_the_file_gets_nothing_more(tmp_path: Path) -> None:
    file = tmp_path / "servers"
    with several(plain, plain) as (one, other):
        file.write_text(f"{one.url}\n{other.url}\n")
        model = served(f"@{file}")

        async def session() -> None:
            await asyncio.gather(*(model.generate(PROMPT) for _ in range(8)))
            before = len(one.asked)
            assert before
            file.write_text(f"{other.url}\n")
            await asyncio.gather(*(model.generate(PROMPT) for _ in range(8)))
            assert len(one.asked) == before
            await model.close()

        asyncio.run(session())


def keys_of(server: Loopback) -> set[str]:
    return {asked.headers.get("Authorization", "") for asked in server.asked}


def test_a_key_that_is_named_for_the_model_goes_to_each_of_its_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHOSEN", KEY)
    with several(plain, plain) as (one, other):
        ask(served(one.url, other.url, key_env="CHOSEN"), 8)
        assert keys_of(one) == keys_of(other) == {f"Bearer {KEY}"}


def test_no_other_key_goes_to_several_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("VLSBENCH_API_KEY", KEY)
    with several(plain, plain) as (one, other):
        places = f"{one.url},{other.url}"
        ask(served(places, servers_in_use=(places,)), 8)
        assert keys_of(one) == keys_of(other) == {""}


def test_the_key_for_a_single_other_server_does_not_go_to_the_judges_beside_a_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VLSBENCH_API_KEY", KEY)
    with serve(plain) as judge:
        access = Access(refs_in_use=("openai:m", judge.judge), servers_in_use=("http://one:1/v1,http://two:2/v1",))
        model = models.load(judge.judge, access)
        assert isinstance(model, OpenAIModel)
        asyncio.run(_once(model))
        assert keys_of(judge) == {""}


async def _once(model: OpenAIModel) -> None:
    await model.generate(PROMPT)
    await model.close()


def test_servers_of_a_file_get_a_named_key_alone_and_only_if_others_cannot_add_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VLSBENCH_API_KEY", KEY)
    monkeypatch.setenv("CHOSEN", KEY)
    file = tmp_path / "servers"
    with serve(plain) as server:
        file.write_text(server.url)
        file.chmod(0o664)
        ask(served(f"@{file}", servers_in_use=(f"@{file}",)))
        assert keys_of(server) == {""}
        with pytest.raises(UserError, match="chmod go-w"):
            served(f"@{file}", key_env="CHOSEN")
        file.chmod(0o644)
        ask(served(f"@{file}", key_env="CHOSEN"))
        assert keys_of(server) == {"", f"Bearer {KEY}"}


def test_a_file_that_others_may_write_to_later_on_names_no_server(tmp_path: Path) -> None:
    file = tmp_path / "servers"
    listed = addresses.ServerList(f"@{file}")
    listed.require_private()
    file.write_text("http://one:1/v1")
    file.chmod(0o666)
    assert listed.now() == ()
    assert listed.notice.startswith("waiting until nobody else may write to")
    file.chmod(0o644)
    assert listed.now() == ("http://one:1/v1",)


@pytest.mark.parametrize(
    ("ref", "servers", "said"),
    [
        ("hf:org/name", "http://h:1/v1", "is no such model"),
        (None, "http://h:1/v1", "is no such model"),
        ("openai:m@http://h:1/v1", "http://h:2/v1", "has an address and --servers besides"),
        ("openai:m", "", "Name at least one server"),
        ("openai:m", "localhost:8000/v1", "is not the address of a server"),
        ("openai:m", "http://user:secret@h:1/v1", "user name or password"),
        ("openai:m", "@/no/such/folder/servers.txt", "There is no folder"),
        ("openai:m", "@/", "is a folder"),
        ("openai:m", "@", "is a folder"),
    ],
)
def test_lists_that_cannot_be_meant_are_told_so(ref: str | None, servers: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        models.require_servable(ref, servers)
    assert "secret" not in str(refused.value)
