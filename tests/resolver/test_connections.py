"""Connections to the resolver: requests in their order, and what ends a connection."""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.server import ServerState

from resolver import bridge
from resolver.bridge import Bridge, in_threads
from resolver.server import Loop, configuration
from tests.resolver.connecting import (
    SECONDS,
    Answer,
    Client,
    Served,
    answered,
    get,
    plain,
    served,
)


def test_requests_that_do_not_wait_for_answers_are_answered_in_their_order():
    first_may_end = threading.Event()

    def slow(environ: dict, start_response: Callable) -> list[bytes]:
        assert first_may_end.wait(SECONDS)
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    in_thread = in_threads(slow)

    def application(environ: dict, start_response: Callable) -> Any:
        if environ["PATH_INFO"] == "/0":
            return in_thread(environ, start_response)
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    async def talk(server: Served) -> list[bytes]:
        client = await server.client("".join(get(f"/{at}") for at in range(40)))
        # Another one is answered meanwhile; whoever came first on a connection still comes first.
        assert (await server.answer(get("/other"))).body == b"/other"
        first_may_end.set()
        found = [(await client.answer()).body for _ in range(40)]
        client.send(get("/again"))
        return [*found, (await client.answer()).body]

    assert served(application, talk) == [*(b"/%d" % at for at in range(40)), b"/again"]


def test_who_has_gone_is_not_answered():
    gone, ended = threading.Event(), threading.Event()

    def page(environ: dict, start_response: Callable) -> list[bytes]:
        assert gone.wait(SECONDS)
        return plain(environ, start_response)

    async def talk(server: Served) -> int:
        client = await server.client(get("/"))
        while not server.state.connections:
            await asyncio.sleep(0.01)
        client.close()
        while server.state.connections:
            await asyncio.sleep(0.01)
        gone.set()
        while not bridge._turns_of(asyncio.get_running_loop()).idle:
            await asyncio.sleep(0.01)
        ended.set()
        return server.state.total_requests

    assert served(in_threads(page), talk) == 0
    assert ended.is_set()


def test_the_body_of_a_request_is_dropped_and_the_next_request_is_read():
    async def talk(server: Served) -> list[str]:
        body = b"x" * 1_000_000
        head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        client = await server.client(head.encode() + body + get("/").encode())
        chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        found = [await client.answer(), await client.answer()]
        client.send(chunked + "3\r\nabc\r\n0\r\n\r\n")
        return [answer.status for answer in (*found, await client.answer())]

    assert served(plain, talk) == ["200 OK"] * 3


def test_what_follows_a_body_is_none_of_the_headers():
    told: list[str | None] = []

    def application(environ: dict, start_response: Callable) -> list[bytes]:
        told.append(environ["HTTP_HOST"])
        return plain(environ, start_response)

    async def talk(server: Served) -> None:
        head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        client = await server.client(
            head + "3\r\nabc\r\n0\r\nHost: b\r\nX-Forwarded-For: c\r\n\r\n"
        )
        await client.answer()
        client.send(get("/"))
        await client.answer()

    served(application, talk)
    assert told == ["a", "codes.example"]


def test_who_sends_too_many_requests_at_once_gets_answers_to_some_and_is_hung_up_on():
    async def talk(server: Served) -> bytes:
        return await (await server.client(get("/") * 1500)).rest()

    answers = served(plain, talk).count(b"HTTP/1.1 200 OK")
    # Some requests may have come in a piece of their own.
    assert bridge.MOST_AHEAD < answers < 1500


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_who_asks_for_it_is_hung_up_on_after_the_answer(version: str):
    asked = () if version == "1.0" else ("Connection: close",)

    async def talk(server: Served) -> tuple[Answer, bytes]:
        client = await server.client(get("/", *asked, version=version))
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk)
    assert (found.headers["connection"], found.body, rest) == ("close", b"ok", b"")


def test_a_connection_that_ends_with_the_answer_waits_for_the_rest_of_a_body():
    body = b"x" * 3_000_000

    async def talk(server: Served) -> tuple[Answer, bytes]:
        head = f"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        client = await server.client(head.encode() + body)
        await client.writer.drain()
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk)
    assert (found.status, rest) == ("200 OK", b"")


def test_no_page_is_made_for_who_has_gone_while_it_stood_in_line(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(bridge, "PAGES", 1)
    made: list[str] = []
    gone = threading.Event()

    def page(environ: dict, start_response: Callable) -> list[bytes]:
        made.append(environ["PATH_INFO"])
        assert gone.wait(SECONDS)
        return plain(environ, start_response)

    async def talk(server: Served) -> None:
        first = await server.client(get("/first"))
        while not made:
            await asyncio.sleep(0.01)
        others = [await server.client(get("/gone")) for _ in range(5)]
        while len(server.state.connections) < 6:
            await asyncio.sleep(0.01)
        for other in others:
            other.close()
        while len(server.state.connections) > 1:
            await asyncio.sleep(0.01)
        last = await server.client(get("/last"))
        gone.set()
        await asyncio.gather(first.answer(), last.answer())

    served(in_threads(page), talk)
    assert made == ["/first", "/last"]


@pytest.mark.parametrize("hosts", [[], ["Host: a", "Host: b"]], ids=["none", "two"])
def test_a_request_names_one_host(hosts: list[str]):
    (found,) = answered(plain, "\r\n".join(("GET / HTTP/1.1", *hosts, "", "")))
    assert found.status == "400 Bad Request"


def test_who_wants_another_protocol_is_answered_by_this_one():
    async def talk(server: Served) -> tuple[Answer, bytes]:
        client = await server.client(
            get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA")
        )
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk)
    assert (found.status, found.headers["connection"], rest) == ("200 OK", "close", b"")


@pytest.mark.parametrize(
    "sent",
    [
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
    ],
    ids=["TLS", "no value", "no ASCII", "two ends", "two lengths"],
)
def test_what_is_no_http_is_refused_and_hung_up_on(sent: str):
    async def talk(server: Served) -> tuple[Answer, bytes]:
        client = await server.client(sent)
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk)
    assert (found.status, found.headers["connection"]) == ("400 Bad Request", "close")
    assert rest == b""


def test_what_was_asked_before_nonsense_is_answered():
    async def talk(server: Served) -> tuple[list[bytes], bytes]:
        client = await server.client(get("/") + get("/") + "nonsense\r\n\r\n")
        return [(await client.answer()).body for _ in range(2)], await client.rest()

    assert served(plain, talk) == ([b"ok", b"ok"], b"")


@pytest.mark.parametrize(
    "head",
    [
        get("/", "A: " + "a" * 70_000),
        get("/" + "a" * 70_000),
        get("/", *(f"A{at}: b" for at in range(2000))),
    ],
    ids=["a long value", "a long address", "many headers"],
)
def test_a_whole_head_is_refused_if_it_is_too_long(head: str):
    async def talk(server: Served) -> str:
        client = await server.client(head)
        return (await client.answer()).status

    found = served(plain, talk)
    assert found in ("431 Request Header Fields Too Large", "400 Bad Request")


def test_a_header_with_a_long_name_is_left_out_and_not_remembered():
    bridge._key.cache_clear()
    (found,) = answered(plain, get("/", "A" * 5000 + ": b"))
    assert found.status == "200 OK"
    assert bridge._key.cache_info().currsize == 1


@pytest.mark.parametrize("sent", ["GET /" + "a" * 70_000, get("/", "A: " + "a" * 70_000), ""])
def test_a_head_without_an_end_is_refused_once_it_is_too_long(sent: str):
    sent = sent or get("/").removesuffix("\r\n") + "".join(
        f"A{at}: {'b' * 200}\r\n" for at in range(400)
    )

    async def talk(server: Served) -> str:
        client = await server.client()
        for at in range(0, 66_000, 11_000):
            client.send(sent[at : at + 11_000])
            await asyncio.sleep(0.01)
        return (await client.answer()).status

    assert served(plain, talk) == "431 Request Header Fields Too Large"


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a request"],
)
def test_who_does_not_end_a_request_is_hung_up_on(sent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 0.1)

    async def talk(server: Served) -> bytes:
        return await (await server.client(sent)).rest()

    found = served(plain, talk)
    assert found.startswith(b"HTTP/1.1 200 OK") == sent.startswith("POST")


def test_who_asks_no_more_is_hung_up_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 0.1)

    async def talk(server: Served) -> tuple[Answer, bytes]:
        client = await server.client(get("/"))
        return await client.answer(), await client.rest()

    found, rest = served(plain, talk, idle_seconds=0)
    assert (found.status, rest) == ("200 OK", b"")


def test_who_waits_for_an_answer_has_all_the_time_it_takes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 0.02)
    looked: list[int] = []
    look_at_time = Bridge._look_at_time
    enough = threading.Event()

    def look(self: Bridge) -> None:
        looked.append(1)
        if len(looked) > 5:
            enough.set()
        look_at_time(self)

    monkeypatch.setattr(Bridge, "_look_at_time", look)

    def page(environ: dict, start_response: Callable) -> list[bytes]:
        assert enough.wait(SECONDS)
        return plain(environ, start_response)

    (found,) = answered(in_threads(page), get("/"))
    assert found.body == b"ok"


def test_who_takes_no_answers_is_not_asked_for_more_and_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(bridge, "PATIENCE_SECONDS", 0.3)
    given: list[int] = []

    def application(_: dict, start_response: Callable) -> list[bytes]:
        given.append(1)
        start_response("200 OK", [])
        return [b"x" * 1_000_000]

    async def talk(server: Served) -> None:
        client = await server.client(get("/") * 60)
        while not server.state.connections:
            await asyncio.sleep(0.01)
        while server.state.connections:
            await asyncio.sleep(0.01)
        client.close()

    served(application, talk, idle_seconds=1)
    # What the kernel takes for two sockets, and one more.
    assert 0 < len(given) < 40


def test_who_takes_answers_late_gets_them_all():
    async def talk(server: Served) -> list[int]:
        client = await server.client(get("/") * 30)
        await asyncio.sleep(0.2)
        return [len((await client.answer()).body) for _ in range(30)]

    def application(_: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [])
        return [b"x" * 1_000_000]

    assert served(application, talk) == [1_000_000] * 30


def test_a_stop_answers_what_is_asked_and_closes_what_is_idle():
    may_end = threading.Event()

    def page(environ: dict, start_response: Callable) -> list[bytes]:
        assert may_end.wait(SECONDS)
        return plain(environ, start_response)

    in_thread = in_threads(page)

    def application(environ: dict, start_response: Callable) -> Any:
        serve = in_thread if environ["PATH_INFO"] == "/slow" else plain
        return serve(environ, start_response)

    async def talk(server: Served) -> tuple[bytes, Answer, bytes]:
        idle, busy = await server.client(get("/")), await server.client(get("/slow") * 2)
        await idle.answer()
        while len(server.state.connections) < 2 or not any(
            connection._present for connection in server.state.connections
        ):
            await asyncio.sleep(0.01)
        for connection in list(server.state.connections):
            connection.shutdown()
        closed = await idle.rest()
        may_end.set()
        return closed, await busy.answer(), await busy.rest()

    closed, found, rest = served(application, talk)
    assert (closed, found.body, found.headers["connection"], rest) == (b"", b"ok", "close", b"")


def test_a_stop_answers_a_request_that_is_on_its_way():
    async def talk(server: Served) -> list[tuple[Answer, bytes]]:
        kept, new = await server.client(get("/")), await server.client(b"")
        await kept.answer()
        while len(server.state.connections) < 2:
            await asyncio.sleep(0.01)
        for connection in list(server.state.connections):
            connection.shutdown()
        found = []
        for client in (kept, new):
            client.send(get("/"))
            found.append((await client.answer(), await client.rest()))
        return found

    for answer, rest in served(plain, talk):
        assert (answer.body, answer.headers["connection"], rest) == (b"ok", "close", b"")


def test_a_stop_answers_who_has_connected_and_was_not_heard_yet():
    async def talk() -> list[tuple[Answer, bytes]]:
        loop = asyncio.get_running_loop()
        config = configuration(plain, log_config=None)
        config.load()
        state = ServerState()
        state.default_headers = []
        server = await loop.create_server(lambda: Bridge(config, state, {}, loop), "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        # The loop does not come to look at its socket before it is told to close.
        connected = [socket.create_connection(address) for _ in range(3)]
        for one in connected:
            one.sendall(get("/").encode())
        server.close()
        clients = [Client(*await asyncio.open_connection(sock=one)) for one in connected]
        found = [(await client.answer(), await client.rest()) for client in clients]
        await server.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        return found

    with asyncio.Runner(loop_factory=Loop) as runner:
        heard = runner.run(talk())
    for answer, rest in heard:
        assert (answer.body, answer.headers["connection"], rest) == (b"ok", "close", b"")
