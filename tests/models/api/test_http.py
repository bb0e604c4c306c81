"""One request over HTTP, with servers that refuse, stall, flood, redirect and lie."""

import asyncio
import contextlib
import email.utils
import gzip
import json
import socket
import threading
import time

import pytest

from loopback import Answer, serve
from vlsbench.core.errors import ConnectionFailed, RequestFailed, UserError
from vlsbench.models.api import http
from vlsbench.models.api.http import Client

BODY = [b'{"model": "m", "messages": []}']


def post(url, parts=BODY, key=None, timeout_s=5.0):
    async def go():
        client = Client(url, key, timeout_s)
        try:
            return await client.post("/chat/completions", parts)
        finally:
            await client.close()

    return asyncio.run(go())


@contextlib.contextmanager
def raw_server(reply, *, then_wait=False):
    """Sends some bytes to whoever connects, whatever they say."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def run():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer, contextlib.suppress(OSError):
                    peer.recv(65536)
                    peer.sendall(reply)
                    if then_wait:
                        done.wait(10)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def test_an_answer_has_its_status_and_body():
    with serve(lambda asked: Answer(status=418, body=b"teapot")) as server:
        answer = post(server.url)

    assert (answer.status, answer.body, answer.retry_after) == (418, b"teapot", None)


def test_parts_of_a_body_arrive_joined_with_their_length():
    parts = [b'{"text": "', b"x" * 1_000_000, b'"}']
    with serve() as server:
        post(server.url, [b'{"model": "m", "messages": [{"role": "user", "content": "', b"x" * 1_000_000, b'"}]}'])
        (asked,) = server.asked

    assert len(asked.text) == 1_000_000
    assert asked.headers["Content-Type"] == "application/json"
    assert int(asked.headers["Content-Length"]) > 1_000_000
    assert http.Parts(parts).decode() == b"".join(parts).decode()


@pytest.mark.parametrize(("n_bytes", "least", "most"), [(27_000, 1, 1), (1_000_000, 4, 99)])
def test_a_small_body_goes_out_with_its_head_in_one_write_and_a_large_one_in_pieces(n_bytes, least, most, monkeypatch):
    sent = []

    class Counted(socket.socket):
        def send(self, data, *flags):
            if threading.current_thread() is threading.main_thread():  # the other is the server's
                sent.append(len(data))
            return super().send(data, *flags)

    with serve() as server:
        monkeypatch.setattr(socket, "socket", Counted)
        post(server.url, [b'{"model": "m", "messages": [{"role": "user", "content": "', b"x" * n_bytes, b'"}]}'])

    assert len(server.asked[0].text) == n_bytes
    assert sum(sent) > n_bytes
    assert least <= len(sent) <= most


def test_the_program_says_who_it_is_and_wants_nothing_compressed():
    with serve() as server:
        post(server.url)
    assert server.asked[0].headers["User-Agent"].startswith("vlsbench/")
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


# ---- no answer


def test_a_refused_connection_is_a_failed_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed, match=f"no answer from http://127.0.0.1:{port}: Connection refused"):
        post(f"http://127.0.0.1:{port}/v1")


def test_a_dropped_connection_is_a_failed_connection():
    with serve(lambda asked: Answer(drop=True)) as server, pytest.raises(ConnectionFailed, match="no answer from"):
        post(server.url)


def test_a_stall_ends_at_the_time_limit():
    started = time.monotonic()
    with serve(lambda asked: Answer(delay_s=30)) as server, pytest.raises(ConnectionFailed, match=r"within 0\.2 s"):
        post(server.url, timeout_s=0.2)
    assert time.monotonic() - started < 5


def test_a_reply_that_stalls_half_way_ends_at_the_time_limit():
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with raw_server(half, then_wait=True) as url, pytest.raises(ConnectionFailed, match=r"within 0\.3 s"):
        post(url, timeout_s=0.3)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense",
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"",
    ],
    ids=["cut off", "broken chunks", "not HTTP", "endless header", "nothing"],
)
def test_a_broken_reply_is_a_failed_connection(reply):
    with raw_server(reply) as url, pytest.raises(ConnectionFailed):
        post(url)


def test_what_a_broken_reply_says_of_the_key_is_hidden():
    reply = b"HTTP/1.1 200 OK\r\nsecret-key-123: \x00\r\n\r\n"
    with raw_server(reply) as url, pytest.raises(ConnectionFailed) as caught:
        post(url, key="secret-key-123")
    assert "secret-key-123" not in str(caught.value)


def test_a_proxy_that_wants_a_password_is_named_without_the_one_it_got(monkeypatch):
    reply = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with raw_server(reply) as url:
        monkeypatch.setenv("https_proxy", url.replace("http://", "http://ann:s3cr3t@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises(ConnectionFailed, match="the proxy answered HTTP 407") as caught:
            post("https://server.example/v1")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"])
def test_this_machine_is_never_asked_through_a_proxy(monkeypatch, host):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert Client(f"http://{host}:8000/v1", None, 5).proxy is None


def test_other_machines_are_asked_through_the_proxy_of_the_environment(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "near.example")
    assert Client("http://far.example/v1", None, 5).proxy == "http://proxy.example:3128"
    assert Client("http://near.example/v1", None, 5).proxy is None


# ---- too much answer


def test_a_proxy_of_another_kind_is_refused_without_its_address(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", "socks5://somebody:secret@proxy.test:1080")
    with pytest.raises(UserError, match="'socks5' proxy") as failed:
        http.Client("http://example.test/v1", None, 1.0)
    assert "secret" not in str(failed.value)


def test_a_reply_of_50_mb_is_not_read_to_its_end():
    with serve(lambda asked: Answer(body=b"x" * 50_000_000)) as server:
        with pytest.raises(RequestFailed, match="larger than 8,000,000 bytes") as caught:
            post(server.url)
        assert not isinstance(caught.value, ConnectionFailed)


def test_a_small_compressed_reply_does_not_become_a_large_one():
    bomb = gzip.compress(b"0" * 50_000_000)
    with serve(lambda asked: Answer(body=bomb, headers={"Content-Encoding": "gzip"})) as server:
        assert post(server.url).body == bomb


# ---- redirects


def test_a_redirect_is_followed_with_method_and_body():
    def behave(asked):
        if asked.path == "/v2":
            return Answer(body=b"there")
        return Answer(status=307, body=b"", headers={"Location": "/v2"})

    with serve(behave) as server:
        assert post(server.url).body == b"there"
        assert [asked.body for asked in server.asked] == [{"model": "m", "messages": []}] * 2


def test_a_redirect_in_circles_ends():
    with serve(lambda asked: Answer(status=302, body=b"", headers={"Location": asked.path})) as server:
        with pytest.raises(RequestFailed, match="redirects in circles"):
            post(server.url)
        assert len(server.asked) == http.MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "location", ["file:///etc/hostname", "data:text/plain,hello", "ftp://host/x", "http://[::1", "http://"]
)
def test_a_redirect_to_nowhere_is_a_failed_request(location):
    with (
        serve(lambda asked: Answer(status=302, body=b"", headers={"Location": location})) as server,
        pytest.raises(RequestFailed, match="redirects"),
    ):
        post(server.url)


def test_a_redirect_without_an_address_is_an_answer():
    with serve(lambda asked: Answer(status=302, body=b"moved")) as server:
        assert post(server.url).status == 302


def test_cookies_are_not_kept():
    with serve(lambda asked: Answer(headers={"Set-Cookie": "a=b"})) as server:

        async def twice():
            client = Client(server.url, None, 5)
            await client.post("/chat/completions", BODY)
            await client.post("/chat/completions", BODY)
            await client.close()

        asyncio.run(twice())
    assert all("Cookie" not in asked.headers for asked in server.asked)


# ---- how long to wait


@pytest.mark.parametrize(("ahead", "low", "high"), [(60, 50, 61), (-60, 0, 0)])
def test_a_time_to_wait_is_read_from_a_date(ahead, low, high):
    date = email.utils.formatdate(time.time() + ahead, usegmt=True)
    assert low <= http.read_retry_after({"Retry-After": date}) <= high


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "0"}, 0, 0),
        ({"Retry-After": "1.5"}, 1.5, 1.5),
        ({"Retry-After": "-3"}, 0, 0),
        ({"retry-after-ms": "250"}, 0.25, 0.25),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25, 0.25),
    ],
    ids=str,
)
def test_a_time_to_wait_is_read_from_seconds_and_milliseconds(headers, low, high):
    with serve(lambda asked: Answer(status=429, body=b"", headers=headers)) as server:
        waited = post(server.url).retry_after
    assert low <= waited <= high


@pytest.mark.parametrize("value", ["soon", "", "nan", "inf", "-inf", "1e999", "Fri, 99 Foo 2026 00:00:00 GMT", "0x10"])
@pytest.mark.parametrize("name", ["Retry-After", "retry-after-ms"])
def test_a_time_to_wait_that_is_none_is_ignored(name, value):
    assert http.read_retry_after({name: value}) is None


def test_closing_twice_is_fine_and_a_closed_client_can_ask_again():
    with serve() as server:

        async def go():
            client = Client(server.url + "/", None, 5)
            await client.close()
            first = await client.post("/chat/completions", BODY)
            await client.close()
            second = await client.post("/chat/completions", BODY)
            await client.close()
            await client.close()
            return first, second

        first, second = asyncio.run(go())
    assert first.body == second.body
    assert json.loads(first.body)["choices"]
    assert server.asked[0].path == "/v1/chat/completions"
